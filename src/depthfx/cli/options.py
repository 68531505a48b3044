"""Options: those every photo command shares, and those made from an effect's parameters."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from depthfx.cli.failure import verbose_option
from depthfx.context import Context
from depthfx.effect import Effect, bounds, parameter_names, spoken, unit
from depthfx.engine.known import KnownDistance, KnownLength, KnownRegion, place
from depthfx.errors import DepthfxError
from depthfx.photo.stored import HIGHLIGHTS, MAX_PIXELS
from depthfx.scene import Scene

if TYPE_CHECKING:
    from depthfx.files import Saving

Command = Callable[..., Any]


@dataclass(frozen=True)
class Common:
    """What the shared options say; see `common_options` for their meaning."""

    model: str
    weights: Path | None
    device: str
    depth: Path | None
    depth_unit: str | None
    depth_polarity: str | None
    focal_px: float | None
    f35: float | None
    focal_mm: float | None
    sensor: str | None
    scale_at: tuple[str, ...]
    length: tuple[str, ...]
    scale_from: Path | None
    depth_fix: tuple[str, ...]
    matte: Path | None
    subject_xy: str | None
    faces: Path | None
    phone_depth: bool
    raw_highlights: str
    max_pixels: int | None
    quality: str
    commercial_only: bool
    memory_limit: float | None
    compile: bool
    jpeg_quality: int | None
    bit_depth: int | None
    profile: str | None
    strip_location: bool
    film_focus: typing.Literal["follow", "lock"] | None
    clip: bool
    overwrite: bool
    jobs: int
    json: bool
    quiet: bool
    verbose: bool

    def context(self) -> Context:
        """What surrounds the work as these options want it."""
        return Context(
            model=self.model,
            weights=self.weights,
            device=self.device,
            quality=self.quality,
            commercial_only=self.commercial_only,
            memory_limit_gb=self.memory_limit,
            compile=self.compile,
            faces=self.faces,
        )

    def open(self, photo: Path, context: Context) -> Scene:
        """The scene of `photo` as these options want it."""
        import depthfx

        return depthfx.open(
            photo,
            context,
            depth=self.depth,
            depth_unit=self.depth_unit,
            depth_polarity=self.depth_polarity,
            focal_px=self.focal_px,
            f35_mm=self.f35,
            focal_mm=self.focal_mm,
            sensor=self.sensor,
            scale_at=self.scale_at,
            length=self.length,
            scale_from=self.scale_from,
            depth_fix=self.depth_fix,
            matte=self.matte,
            subject_xy=None if self.subject_xy is None else place(self.subject_xy),
            phone_depth=self.phone_depth,
            raw_highlights=self.raw_highlights,
            max_pixels=self.max_pixels,
        )

    def saving(self) -> Saving:
        """What these options say of the files to be written, as `depthfx.save` takes it."""
        return {
            "overwrite": self.overwrite,
            "jpeg_quality": self.jpeg_quality,
            "bit_depth": self.bit_depth,
            "profile": self.profile,
            "strip_location": self.strip_location,
        }


def checked(parse: Callable[[str], object]) -> Callable[..., tuple[str, ...]]:
    """A callback for texts that `parse` has to understand; they stay text."""

    def callback(
        _ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]
    ) -> tuple[str, ...]:
        for text in texts:
            parse(text)
        return texts

    return callback


def _place(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None:
        place(text)
    return text


def gigabytes(_ctx: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    """A size in GB (10^9 bytes): "6", "6GB", "800 MB"."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+\.?\d*)\s*(gb|mb|)", text.strip().lower())
    size = float(found[1]) / (1000 if found[2] == "mb" else 1) if found else 0.0
    if size <= 0:
        raise click.BadParameter(f"{text!r} is not a size like 6GB or 800MB")
    return size


def _whole_number(_ctx: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    return None if text is None else int(text)


MODEL = [
    click.option(
        "--model",
        default="embedded",
        show_default=True,
        help="Depth model: a name of `depthfx models list`, hf:OWNER/NAME, hf:FOLDER, "
        "marigold:OWNER/NAME or onnx:FILE.toml.",
    ),
    click.option("--weights", type=click.Path(path_type=Path), help="Weights file of the model."),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="Where models and lens effects run; the embedded network always on the CPU.",
    ),
    click.option(
        "--quality",
        type=click.Choice(["draft", "normal", "best"]),
        default="normal",
        show_default=True,
        help="How much work the depth model does.",
    ),
    click.option(
        "--commercial-only",
        is_flag=True,
        help="Refuse models whose licence does not allow commercial use.",
    ),
    click.option(
        "--compile",
        is_flag=True,
        help="Compile a network that runs in torch: minutes once, quicker over many photos.",
    ),
    click.option(
        "--memory-limit",
        metavar="GB",
        callback=gigabytes,
        help="Memory that the model may take, like 6GB or 800MB.  [default: what is free]",
    ),
    click.option(
        "--faces",
        type=click.Path(path_type=Path),
        help="Face detector (YuNet, ONNX) that finds where to focus.  [default: the one that "
        "`depthfx models pull yunet` fetched, if any]",
    ),
]
"""Which network finds depth, and how it runs."""

ONE_PHOTO = [
    click.option(
        "--depth",
        type=click.Path(path_type=Path),
        help="Use this depth file (npy, npz, PNG, TIFF, EXR, PFM, JPEG) instead of a model.",
    ),
    click.option(
        "--depth-unit",
        type=click.Choice(["m", "mm", "1/m", "relative"]),
        help="Unit of the depth file.  [default: inferred, and said]",
    ),
    click.option(
        "--depth-polarity",
        type=click.Choice(["near-white", "far-white"]),
        help="Whether near or far is large in the depth file.  [default: inferred]",
    ),
    click.option(
        "--focal-px",
        type=click.FloatRange(min=0, min_open=True),
        help="Focal length in pixels of the upright photo.",
    ),
    click.option(
        "--f35",
        type=click.FloatRange(min=0, min_open=True),
        help="Focal length as its 35 mm equivalent, in millimetres.",
    ),
    click.option(
        "--focal-mm",
        type=click.FloatRange(min=0, min_open=True),
        help="Focal length that is engraved on the lens; needs --sensor.",
    ),
    click.option(
        "--sensor",
        metavar="NAME|WxH",
        help="Sensor that --focal-mm belongs to: full-frame, aps-c, aps-c-canon, "
        "micro-four-thirds, 1-inch, or its sides in millimetres, as 23.5x15.6.",
    ),
    click.option(
        "--scale-at",
        metavar="X,Y=LENGTH",
        multiple=True,
        callback=checked(KnownDistance.parse),
        help="The distance at a place gives depth its scale: 0.5,0.4=2.5m (m, cm, mm, ft, in); "
        "several: the scale that fits all.",
    ),
    click.option(
        "--length",
        metavar="X,Y:X,Y=LENGTH",
        multiple=True,
        callback=checked(KnownLength.parse),
        help="So does the length from place to place: 0.2,0.5:0.3,0.5=30cm.",
    ),
    click.option(
        "--scale-from",
        type=click.Path(path_type=Path),
        help="So does a depth file of metres, with holes if need be, of the same frame.",
    ),
    click.option(
        "--depth-fix",
        metavar="MASK=far|LENGTH",
        multiple=True,
        callback=checked(KnownRegion.parse),
        help="What a mask picture shows white is infinitely far, or so far: sky.png=far.",
    ),
    click.option(
        "--matte",
        type=click.Path(path_type=Path),
        help="The subject is what this mask shows white, or a cut-out's opaque part.",
    ),
    click.option(
        "--subject-xy",
        metavar="X,Y",
        callback=_place,
        help="The subject is the thing at this place (shares of width and height).",
    ),
]
"""What is known of one photo."""

READING = [
    click.option(
        "--phone-depth/--no-phone-depth",
        default=None,
        help="Use the depth that a phone has stored in the photo.  [default: unless --model is "
        "given]",
    ),
    click.option(
        "--raw-highlights",
        type=click.Choice(HIGHLIGHTS),
        default=HIGHLIGHTS[0],
        show_default=True,
        help="What becomes of the blown-out parts of a camera's raw file.",
    ),
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        help=f"Refuse photos with more pixels.  [default: {MAX_PIXELS}]",
    ),
]
"""How photo files are read."""

WRITING = [
    click.option(
        "--jpeg-quality",
        type=click.IntRange(1, 100),
        help="Quality of a JPEG, WebP, HEIC or AVIF written; of a film too.  "
        "[default: 95; of a film 90]",
    ),
    click.option(
        "--bit-depth",
        type=click.Choice(["8", "10", "12", "16", "32"]),
        callback=_whole_number,
        help="Bits per channel of what is written; 32, and any of an EXR, are floating point.  "
        "[default: the photo's]",
    ),
    click.option(
        "--profile",
        metavar="NAME|FILE",
        help="Colour profile of what is written: srgb, display-p3, adobe-rgb, prophoto, rec2020, "
        "or an ICC file.  [default: the photo's]",
    ),
    click.option(
        "--strip-location",
        is_flag=True,
        help="Leave out of what is written where the photo was taken.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace files that exist (never the input)."),
]
"""How results are written."""

FILMING = [
    click.option(
        "--film-focus",
        type=click.Choice(["follow", "lock"]),
        help="Whether the focus of a film follows the subject, or stays in each shot where it is "
        "when that begins.  [default: follow]",
    ),
    click.option(
        "--clip",
        is_flag=True,
        help="A folder that is named is one film, and the pictures in it are its frames.",
    ),
]
"""How films are worked on."""

TELLING = [
    click.option("--json", is_flag=True, help="Print the result as JSON, a line per photo."),
    click.option("--quiet", "-q", is_flag=True, help="No summary line, no progress."),
    verbose_option(),
]
"""What is said."""

COMMON = [
    *MODEL,
    *ONE_PHOTO,
    *READING,
    *WRITING,
    *FILMING,
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Photos worked on at a time.",
    ),
    *TELLING,
]


TAKEN = {*Common.__dataclass_fields__, "photos", "out", "help"}
"""Names that no parameter of an effect can have."""


def common_options(command: Command) -> Command:
    """Add the shared options; the command gets them as one `common`."""
    import functools

    @functools.wraps(command)
    def collected(**values: Any) -> Any:
        fields = {name: values.pop(name) for name in Common.__dataclass_fields__}
        if fields["phone_depth"] is None:
            source = click.get_current_context().get_parameter_source("model")
            fields["phone_depth"] = source is ParameterSource.DEFAULT
        return command(common=Common(**fields), **values)

    wrapped: Command = collected
    for option in reversed(COMMON):
        wrapped = option(wrapped)
    return wrapped


def effect_options(effect: type[Effect]) -> list[click.Option]:
    """One option for each parameter, checked by the effect itself when it is made.

    Raises DepthfxError if a parameter is called like an option of every command.
    """
    taken = TAKEN & effect.model_fields.keys()
    if taken:
        raise DepthfxError(
            f"effect {effect.name!r} calls a parameter {min(taken)!r}, which is an "
            "option of every command; it needs another name"
        )
    return [_option(effect, name) for name in parameter_names(effect)]


def _option(effect: type[Effect], name: str) -> click.Option:
    field = effect.model_fields[name]
    flag = "--" + spoken(name).replace("_", "-")
    words = _help(effect, name)
    kind = _without_none(field.annotation)
    if kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=words)
    if typing.get_origin(kind) is typing.Literal:
        choices = [str(value) for value in typing.get_args(kind)]
        return click.Option([flag], type=click.Choice(choices), help=words)
    metavar = {int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")
    if _many(kind):
        return click.Option([flag], type=str, metavar=metavar, multiple=True, help=words)
    if typing.get_origin(kind) is tuple:
        metavar = ",".join("XYZW"[: len(typing.get_args(kind))])
    # Text: the effect reads and checks the value itself, the same way for every front end.
    return click.Option([flag], type=str, metavar=metavar, help=words)


def _many(kind: Any) -> bool:
    """Whether a parameter of this kind is as many values as one likes: its option comes again."""
    return typing.get_origin(kind) is tuple and typing.get_args(kind)[1:] == (...,)


def _help(effect: type[Effect], name: str) -> str:
    field = effect.model_fields[name]
    words = field.description or ""
    details = " ".join(part for part in (bounds(effect, name), unit(effect, name)) if part)
    if _many(_without_none(field.annotation)):
        details = "may be given several times"
    default = "" if field.default in (None, ()) else f"default: {field.default}"
    extra = "; ".join(part for part in (default, details) if part)
    sentence = f"{words[:1].upper()}{words[1:]}."
    return f"{sentence}  [{extra}]" if extra else sentence


def _without_none(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [a for a in typing.get_args(annotation) if a is not type(None)]
        annotation = kinds[0] if len(kinds) == 1 else annotation
    if typing.get_origin(annotation) is typing.Annotated:
        return typing.get_args(annotation)[0]
    return annotation


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The options that were really given; one that may come again is () if it never did."""
    return {name: value for name, value in values.items() if value is not None and value != ()}
