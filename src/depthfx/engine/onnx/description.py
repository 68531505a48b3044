"""What a TOML file beside an .onnx file says of it: how a photo goes in, what comes out.

    name = "depth-anything-v2-small"
    licence = "Apache-2.0"
    commercial = true

    [weights]
    file = "model.onnx"

    [input]
    name = "pixel_values"
    mean = [0.485, 0.456, 0.406]
    std = [0.229, 0.224, 0.225]
    short_side = 518
    multiple_of = 14

    [output]
    name = "predicted_depth"
    meaning = "inverse"

Every key is described in docs/onnx-models.md, and those of the models that depthfx knows
stand in `models/`. A key that is not known is refused: a
misspelt one would silently make wrong depth.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from depthfx.effect import nearest
from depthfx.engine.meaning import Meaning
from depthfx.errors import ModelError

LONGEST_BYTES = 1 << 16
Side = Annotated[int, Field(ge=1, le=8192)]
Triple = tuple[float, float, float]


class Table(BaseModel):
    """A table of the file: unknown keys, NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Weights(Table):
    """[weights]: where the graph is.

    file : the .onnx, in the TOML's folder or, if `repository` is told, in that of the hub
    data : further files that it keeps weights in, beside it ("model.onnx_data")
    sha256 : of `file`; checked if told
    repository : "owner/name" on the hub, from which the files come if they are not here
    """

    file: str
    data: tuple[str, ...] = ()
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    repository: str | None = None


class Input(Table):
    """[input]: what the network is shown.

    name : of the graph's input for the picture
    layout : order of batch (N), views (1), rows (H), columns (W) and colours (C)
    range : what black and white are before `mean` and `std`, [0, 1] or [0, 255]
    mean, std : of red, green, blue in that range: (value - mean) / std
    size : [rows, columns], if it is always the same
    fit : what happens to another aspect in `size`: "stretch", or "pad" with colour `pad`
        (red, green, blue in that range) around the middle
    pixels, short_side : else the area or the short side in pixels, aspect kept
    multiple_of : of which the sides are multiples
    constants : values of the graph's other inputs
    """

    name: str
    layout: Literal["NCHW", "NHWC", "N1CHW"] = "NCHW"
    colours: Literal["RGB", "BGR"] = "RGB"
    range: tuple[float, float] = (0.0, 1.0)
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    size: tuple[Side, Side] | None = None
    fit: Literal["stretch", "pad"] = "stretch"
    pad: Triple = (0.0, 0.0, 0.0)
    pixels: Annotated[int, Field(ge=1, le=64_000_000)] | None = None
    short_side: Side | None = None
    multiple_of: Side = 1
    constants: dict[str, int | float | list[int] | list[float]] = {}

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        told = [
            name for name in ("size", "pixels", "short_side") if getattr(self, name) is not None
        ]
        if len(told) > 1:
            raise ValueError(f"{' and '.join(told)} contradict each other: tell one of them")
        if self.fit == "pad" and self.size is None:
            raise ValueError('fit = "pad" needs size = [rows, columns]')
        if any(value <= 0 for value in self.std):
            raise ValueError(f"std = {list(self.std)} must be above 0")
        return self


class Focal(Table):
    """output.focal: the focal length that the network tells.

    name : of the graph's output
    kind : "px" of the picture shown to it, "intrinsics-px" (3 x 3, the same), or
        "fov-deg", the horizontal field of view
    """

    name: str
    kind: Literal["px", "intrinsics-px", "fov-deg"]


class Output(Table):
    """[output]: what the network answers.

    name : of the graph's output with the map
    meaning : see `engine.meaning`
    metric : whether it is in metres (or 1/m)
    affine : whether its scale and shift are open; of points: only the shift of z
    canonical_focal : the focal length for which it holds, in pixels of the picture shown
        to it, or "width": depth grows with the true one over this
    scale : of the graph's output by which depth is multiplied
    focal : where it tells the focal length
    mask : of the graph's output that tells where there is depth; elsewhere it is infinitely far
    mask_keeps, mask_threshold : there is depth where it is "above" the threshold (or at it), or
        "below", as where it tells the sky
    """

    name: str
    meaning: Meaning
    metric: bool = False
    affine: bool = False
    canonical_focal: Annotated[float, Field(gt=0)] | Literal["width"] | None = None
    scale: str | None = None
    focal: Focal | None = None
    mask: str | None = None
    mask_keeps: Literal["above", "below"] = "above"
    mask_threshold: float = 0.5

    @model_validator(mode="before")
    @classmethod
    def _word(cls, table: Any) -> Any:
        # Strictly typed, a word would be no Meaning.
        words = [str(word) for word in Meaning]
        if isinstance(table, dict) and isinstance(word := table.get("meaning"), str):
            if word not in words:
                raise ValueError(f"meaning = {word!r} is not known{nearest(word, words)}")
            return {**table, "meaning": Meaning(word)}
        return table

    @model_validator(mode="after")
    def _sense(self) -> Self:
        if self.metric and self.affine and self.meaning is not Meaning.POINTS:
            raise ValueError("affine depth has no metres: metric and affine contradict each other")
        if self.metric and self.meaning is Meaning.DISPARITY:
            raise ValueError('disparity has no metres; inverse depth in 1/m is meaning = "inverse"')
        if self.affine and self.meaning is Meaning.LOG_DEPTH:
            raise ValueError("log-depth with an open scale and shift has no stated meaning here")
        if self.canonical_focal is not None and not self.metric:
            raise ValueError("canonical_focal scales metres: it needs metric = true")
        return self


class Description(Table):
    """The whole file.

    name : what outputs say of the model
    summary : what it is good at
    licence, commercial, source : of the weights
    """

    name: str
    summary: str = ""
    licence: str = "unknown"
    commercial: bool = False
    source: str = ""
    weights: Weights
    input: Input
    output: Output


def read_description(path: Path) -> Description:
    """The description in a TOML file. Raises ModelError, one line that names it."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_BYTES + 1)
        if len(text) > LONGEST_BYTES:
            raise ModelError(f"{path} is no description of an ONNX model: it is too long")
        return Description.model_validate(_as_tuples(tomllib.loads(text.decode("utf-8-sig"))))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValidationError as error:
        raise ModelError(f"{path}: {_explain(error)}; see docs/onnx-models.md") from None
    except (ValueError, RecursionError) as error:  # of the text's encoding or the parser
        raise ModelError(f"{path} is not a TOML file: {error}") from None


def _as_tuples(value: Any) -> Any:
    """TOML's arrays as the tuples that the tables have."""
    if isinstance(value, dict):
        keep = ("constants",)
        return {key: part if key in keep else _as_tuples(part) for key, part in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _explain(error: ValidationError) -> str:
    """One line on the first thing that is wrong."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
    words = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        table = Description
        for part in first["loc"][:-1]:
            table = table.model_fields[str(part)].annotation  # type: ignore[assignment]
        known = list(getattr(table, "model_fields", {}))
        return f"{place} is not a key that is known{nearest(str(first['loc'][-1]), known)}"
    if first["type"] == "missing":
        return f"{place} is missing"
    return f"{place}: {words}" if place else words
