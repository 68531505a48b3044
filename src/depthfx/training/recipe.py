"""A training recipe: a TOML file with sources, stages and the weights of losses.

`docs/training.md` describes it for its readers; `training/*.toml` are examples. Unknown
keys and impossible values are refused in one line.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from depthfx.effect import nearest
from depthfx.errors import RecipeError

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Side = Annotated[int, Field(ge=32, le=4096, multiple_of=32)]


class Table(BaseModel):
    """A table of the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T", bound=Table)


class Source(Table):
    """A folder of pairs (`folders.read_folder`) and the name that stages call it by."""

    name: str
    folder: Path


class DepthWeights(Table):
    """What each loss of depth counts; 0 leaves it out. See `losses`."""

    log: Weight = 0.0
    mae: Weight = 1.0
    affine: Weight = 0.5
    gradient: Weight = 0.0
    mage: Weight = 0.5
    male: Weight = 0.5
    msge: Weight = 0.0
    outline: Weight = 0.0
    ordinal: Weight = 0.0

    def wanted(self, kind: type[BaseModel] | None = None) -> dict[str, float]:
        """The weights above zero, of the losses that `kind` names."""
        names = (kind or type(self)).model_fields
        return {name: weight for name, weight in self if weight > 0 and name in names}


class Weights(DepthWeights):
    """The same of the embedded network, which has a matte and a field of view as well."""

    log: Weight = 1.0
    mae: Weight = 0.0
    affine: Weight = 1.0
    gradient: Weight = 0.5
    mage: Weight = 0.0
    male: Weight = 0.0
    ordinal: Weight = 0.5
    front: Weight = 0.3
    matte: Weight = 1.0
    view: Weight = 0.1
    coarse: Weight = 0.2


class Stage(Table):
    """One part of the curriculum, with a learning rate of its own that rises and falls."""

    steps: Count
    batch: Count = 16
    learning_rate: Rate = 1e-3
    rise: Share = 0.02
    """Share of the stage in which the rate rises from nothing."""
    fall: Share = 0.01
    """Rate at the stage's end over that at its height; half a cosine leads there."""
    sources: dict[str, Weight] = Field(min_length=1)
    """Weights by name: sources with depth among themselves, those with mattes alone too."""
    composites: Share = 0.0
    """Share of the samples with a subject put into a scene."""
    mattes: Share = 0.0
    """Share of the samples of which only the subject is known."""
    stretch: Share = 0.08
    """Largest log ratio by which a view is stretched across."""
    degrade: bool = True
    """Spoil the photos as cameras and the web do."""
    sizes: tuple[tuple[Side, Side], ...] = Field(((256, 320), (320, 256), (288, 288)), min_length=1)
    """(height, width) of the batches, taken at random."""
    losses: DepthWeights = DepthWeights()

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.composites + self.mattes > 1:
            raise ValueError("composites and mattes together are more than all samples")
        return self


class EmbeddedStage(Stage):
    """The same for the embedded network."""

    composites: Share = 0.2
    mattes: Share = 0.3
    losses: Weights = Weights()


class Curriculum(Table):
    """What any training needs: data, stages, and how the loop is run."""

    source: list[Source] = Field(min_length=1)
    stage: tuple[Stage, ...] = Field(min_length=1)
    weight_decay: Share = 0.02
    average: Annotated[float, Field(ge=0, lt=1)] = 0.998
    """Share that the moving average of the weights keeps in a step."""
    seed: int = Field(7, ge=0)
    checkpoint_s: float = Field(60.0, ge=0)

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [source.name for source in self.source]
        for name in (name for stage in self.stage for name in stage.sources):
            if name not in names:
                raise ValueError(f"a stage names the unknown source {name!r}{nearest(name, names)}")
        return self


class Recipe(Curriculum):
    """Everything that decides a run of the embedded network. Paths are relative to the file."""

    stage: tuple[EmbeddedStage, ...] = Field(min_length=1)
    network: str = "lite2"
    """One of `candidates.NETWORKS`."""
    imagenet: Path | None = None
    """Published weights that the encoder starts from; without them it starts at random."""
    start: Path | None = None
    """Weights, or the `checkpoint.pt` of a run, to start from instead."""
    encoder_rate: Share = 0.4
    """Learning rate of the encoder as a share of the other."""
    frozen_blocks: int = Field(0, ge=0, le=50)
    """First blocks of the encoder that stay as they start; see `network.Encoder`."""


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises RecipeError, one line that names it."""
    return read_table(path, Recipe)


def read_table(path: Path, kind: type[T]) -> T:
    """A TOML file as a table of `kind`, its paths made absolute. Raises RecipeError."""
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise RecipeError(f"{path} is not a TOML file: {error}") from None
    try:
        return kind.model_validate(_absolute(values, path.parent.resolve()))
    except ValidationError as error:
        raise RecipeError(f"{path}: {explain(error)}; see docs/training.md") from None


def _absolute(values: dict[str, Any], base: Path) -> dict[str, Any]:
    """The values with every path taken from `base`."""
    out = dict(values)
    for key in ("imagenet", "start", "weights", "folder"):
        if isinstance(out.get(key), str):
            out[key] = (base / out[key]).resolve()
    if isinstance(out.get("source"), list):
        out["source"] = [_absolute(s, base) if isinstance(s, dict) else s for s in out["source"]]
    return out


def explain(error: ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place} is no key that is known"
    if first["type"] == "missing":
        return f"{place} is missing"
    words = str(first["msg"]).removeprefix("Value error, ")
    given = first["input"]
    told = f", not {given!r}" if isinstance(given, (str, int, float)) else ""
    return f"{place}: {words}{told}" if place else words
