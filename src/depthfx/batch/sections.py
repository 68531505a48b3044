"""The tables of a look file beside its effects, each with its keys and what they may be.

    [output]    how results are called and written      [model]   which depth model finds depth
    [lock]      what is the same for all photos         [[photo]] what is otherwise for some
    [film]      how films are held steady

The same keys in `<stem>.depthfx.toml` beside a photo are for that photo.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from depthfx.batch.names import check_template
from depthfx.effect import file_in, nearest
from depthfx.engine.known import KnownDistance, KnownLength, KnownRegion, length_m, place
from depthfx.errors import ParameterError, RecipeError
from depthfx.photo.encode import WRITTEN
from depthfx.photo.stored import HIGHLIGHTS
from depthfx.where.parse import Range, parse

SAME, FOLDER = "same", "folder"
OF_EACH, OF_ALL = "photo", "set"
SUBJECT = "subject"
INFINITE_M = 100_000.0
"""What is farther is as good as infinitely far; the effects take no more."""


def _checked(check: Callable[[Any], object]) -> AfterValidator:
    """Raises what `check` raises in the words of a parameter; the value stays as it was."""

    def checked(value: Any) -> Any:
        try:
            check(value)
        except ParameterError as error:
            raise ValueError(str(error)) from None
        return value

    return AfterValidator(checked)


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _pair(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return place(value)
    except ParameterError as error:
        raise ValueError(str(error)) from None


Share = Annotated[float, Field(ge=0, le=1)]
Point = Annotated[tuple[Share, Share], BeforeValidator(_pair)]


class Section(BaseModel):
    """A table: what is not in it is None, or as usual."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def read(cls, table: object, place: str) -> Self:
        """From TOML. Raises RecipeError, one line that begins with `place`."""
        if not isinstance(table, dict):
            raise RecipeError(f"{place}: stands in brackets, [{place.rpartition(' ')[2]}]")
        for name, value in table.items():
            kind = cls.model_fields.get(name)
            # Python counts True as 1; whoever writes it for a number means something else.
            if kind and isinstance(value, bool) and "bool" not in str(kind.annotation):
                raise RecipeError(f"{place}: {name} = {str(value).lower()} is no value for it")
        try:
            return cls(**table)
        except ValidationError as error:
            raise RecipeError(f"{place}: {cls._explained(error)}") from None

    @classmethod
    def _explained(cls, error: ValidationError) -> str:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            return f"unknown key {name!r}{nearest(name, list(cls.model_fields))}"
        words = first["msg"].removeprefix("Value error, ")
        words = words[:1].lower() + words[1:]
        return f"{name} = {reprlib.repr(first['input'])}: {words}" if name else words

    def table(self) -> dict[str, Any]:
        """What was said, as TOML has it."""
        return self.model_dump(mode="json", exclude_unset=True, exclude_none=True)

    def over(self, other: Self) -> Self:
        """What is said here, and else what `other` says."""
        return type(self)(**{**other.table(), **self.table()})


def _format(name: str) -> str:
    low = name.lower().removeprefix(".")
    if not low.isalnum():
        raise ValueError("a format is an extension, like jpg, or same or folder")
    return low


class Output(Section):
    """How results are called and written.

    format : an extension, "same" as the photo's, "folder" for what is one
    name : template of the result's name, without its extension, see `batch.names`
    quality, bit_depth, profile, strip_location : see `depthfx.save`
    """

    format: Annotated[str, AfterValidator(_format)] = SAME
    name: Annotated[str, _checked(check_template)] = "{folder}/{stem}"
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    bit_depth: Literal[8, 10, 12, 16, 32] | None = None
    profile: str | None = None
    strip_location: bool = False

    def saving(self) -> dict[str, Any]:
        """Keywords of `depthfx.save`."""
        said = {
            "jpeg_quality": self.quality,
            "bit_depth": self.bit_depth,
            "profile": self.profile,
            "strip_location": self.strip_location or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    def with_files_in(self, folder: Path) -> Output:
        return self if self.profile is None else _moved(self, folder, "profile")


class ModelChoice(Section):
    """Which model finds depth, see `Context`."""

    name: str | None = None
    weights: str | None = None
    device: Literal["auto", "cpu", "cuda", "mps"] | None = None
    quality: Literal["draft", "normal", "best"] | None = None
    commercial_only: bool | None = None
    memory_limit_gb: Annotated[float, Field(gt=0)] | None = None
    faces: str | None = None

    def settings(self) -> dict[str, Any]:
        """Keywords of `Settings`."""
        said = self.table()
        return {"model" if key == "name" else key: value for key, value in said.items()}

    def with_files_in(self, folder: Path) -> ModelChoice:
        return _moved(self, folder, "weights", "faces")


def _focus(text: str) -> None:
    if text in (SUBJECT, OF_ALL):
        return
    try:
        place(text) if "," in text else length_m(text)
    except ParameterError:
        raise ParameterError(
            "focus is subject, set, a place like 0.5,0.4 or a distance like 2.5m"
        ) from None


def _range(text: str) -> None:
    if text not in (OF_EACH, OF_ALL):
        range_m(text)


def range_m(text: str) -> tuple[float, float]:
    """Nearest and farthest distance, in metres, of "2m..30m" or "2m.."."""
    try:
        found = parse(text)
    except ParameterError:
        found = None
    near, far = (found.near, found.far) if isinstance(found, Range) else (None, None)
    if near is None or near.relative or near.amount == 0 or not isinstance(found, Range):
        raise ParameterError("a range is photo, set, or distances like 2m..30m or 2m..")
    return near.amount, INFINITE_M if far is None else min(far.amount, INFINITE_M)


class Lock(Section):
    """What is the same for all photos of a set, see `batch.locked`.

    f_number, aperture_mm, like : the opening, one of the three
    focus : "subject", each photo's own; a place or a distance; "set", the median of the subjects'
    depth_range : of pictures of depth: "photo", each photo's own; "set", all photos' together;
        distances
    reach : between which distances looks by depth go from near to far; as depth_range if only
        that is said
    """

    f_number: Annotated[float, Field(ge=0.7, le=64)] | None = None
    aperture_mm: Annotated[float, Field(ge=0, le=1000)] | None = None
    like: str | None = None
    focus: Annotated[str, _checked(_focus)] | None = None
    depth_range: Annotated[str, _checked(_range)] = OF_EACH
    reach: Annotated[str, _checked(_range)] | None = None

    @classmethod
    def read(cls, table: object, place: str) -> Self:
        lock = super().read(table, place)
        openings = [n for n in ("f_number", "aperture_mm", "like") if getattr(lock, n) is not None]
        if len(openings) > 1:
            raise RecipeError(f"{place}: {' and '.join(openings)} both say how wide the lens opens")
        return lock

    @property
    def surveys(self) -> bool:
        """Whether all photos have to be looked at before the first is worked on."""
        return OF_ALL in (self.focus, self.depth_range, self.reach)


class Film(Section):
    """How films are worked on.

    focus : see `batch.clip.run_clip`
    """

    focus: Literal["follow", "lock"] | None = None

    def options(self) -> dict[str, Any]:
        """What the options of the commands call it."""
        return {f"film_{key}": value for key, value in self.table().items()}


Texts = Annotated[tuple[str, ...], BeforeValidator(_several)]


def _each(check: Callable[[str], object]) -> AfterValidator:
    return _checked(lambda texts: [check(text) for text in texts])


class Opening(Section):
    """How photos are opened, see `depthfx.open`; `f35` is its `f35_mm`."""

    depth: str | None = None
    depth_unit: Literal["m", "mm", "1/m", "relative"] | None = None
    depth_polarity: Literal["near-white", "far-white"] | None = None
    focal_px: Annotated[float, Field(gt=0)] | None = None
    f35: Annotated[float, Field(gt=0)] | None = None
    focal_mm: Annotated[float, Field(gt=0)] | None = None
    sensor: str | None = None
    scale_at: Annotated[Texts, _each(KnownDistance.parse)] = ()
    length: Annotated[Texts, _each(KnownLength.parse)] = ()
    scale_from: str | None = None
    depth_fix: Annotated[Texts, _each(KnownRegion.parse)] = ()
    matte: str | None = None
    subject_xy: Point | None = None
    phone_depth: bool | None = None
    raw_highlights: Literal[HIGHLIGHTS] | None = None  # type: ignore[valid-type]
    max_pixels: Annotated[int, Field(ge=1)] | None = None

    def keywords(self) -> dict[str, Any]:
        """Of `depthfx.open`, as JSON has them."""
        return {"f35_mm" if key == "f35" else key: value for key, value in self.table().items()}

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of what is read beside the photo."""
        named = [path for path in (self.depth, self.matte, self.scale_from) if path is not None]
        return (*named, *(str(KnownRegion.parse(text).mask) for text in self.depth_fix))

    def with_files_in(self, folder: Path) -> Opening:
        fixes = []
        for text in self.depth_fix:
            mask, _, how_far = text.rpartition("=")
            fixes.append(f"{file_in(folder, Path(mask))}={how_far}")
        moved = _moved(self, folder, "depth", "matte", "scale_from")
        return moved.model_copy(update={"depth_fix": tuple(fixes)}) if fixes else moved


S = TypeVar("S", bound=Section)


def _moved(section: S, folder: Path, *names: str) -> S:
    """`section`, its files `names` taken from `folder` where that is where they are."""
    found = {name: getattr(section, name) for name in names}
    there = {k: str(file_in(folder, Path(v))) for k, v in found.items() if v is not None}
    return section.model_copy(update=there)


def formats_of(endings: tuple[str, ...]) -> tuple[str, ...]:
    """What `Output.format` may be for a chain that makes pictures, or what ends like these."""
    suffixes = endings or tuple(WRITTEN)
    return (SAME, *(suffix[1:] or FOLDER for suffix in suffixes))
