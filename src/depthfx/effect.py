"""The effect protocol: parameters declared once, and one method from scene to scene.

From a declaration come the constructor, the command-line options, the recipe's
keys, the web page's form and the reference page.
"""

from __future__ import annotations

import difflib
import os
import reprlib
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from depthfx.context import Context
from depthfx.errors import DepthError, ParameterError
from depthfx.scene import Channel, Scene
from depthfx.where.parse import parse

if TYPE_CHECKING:
    from depthfx.chain import Chain
    from depthfx.depth import Depth


def Param(
    default: Any,
    *,
    help: str,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
) -> Any:
    """A parameter of an effect: default, bounds (`ge`, `le` inclusive), unit, a line of help."""
    return Field(default, description=help, ge=ge, le=le, gt=gt, json_schema_extra={"unit": unit})


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


Share = Annotated[float, Field(ge=0, le=1)]
Point = Annotated[tuple[Share, Share], BeforeValidator(_split)]
"""A place in the picture as shares of width and height: "0.5,0.4" on the command line."""


def _where(text: str | None) -> str | None:
    try:
        return None if text is None else str(parse(text))
    except ParameterError as error:
        raise ValueError(str(error)) from None


WhereText = Annotated[
    str | None,
    AfterValidator(_where),
    Field(examples=["2m..5m", "not subject and 30%..", "(sky or at 0.5,0.4) and ..6ft soft 20cm"]),
]
"""Where in the picture, in the words of `depthfx.where.parse`."""

NOWHERE: Any = Field(None, description="this effect is not one of a part of the picture")
"""What an effect that makes no picture, or another frame, declares: `where: None = NOWHERE`."""


class Effect(BaseModel):
    """Base of every effect: a frozen set of parameters that is called on a scene.

    A subclass sets `name`, `needs`, declares its parameters with `Param` and
    writes `apply`; `where` limits any effect to a part of its picture, but for one that declares
    it anew and says by `applies_where` that it makes its own use of it. NaN and infinity are
    refused in every parameter. Raises ParameterError for an unknown name or a value outside its
    bounds.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    name: ClassVar[str]
    needs: ClassVar[frozenset[Channel]] = frozenset()
    applies_where: ClassVar[bool] = False

    where: WhereText = Param(
        None, help="only there: 2m..5m, subject, sky, not ..30% and so on, see docs/masks.md"
    )

    def __init__(self, **values: Any) -> None:
        values = {_attribute(type(self), name): value for name, value in values.items()}
        for name, value in values.items():
            # Python counts True as 1; whoever writes it for a number means something else.
            allowed = bounds(type(self), name) if name in type(self).model_fields else ""
            if isinstance(value, bool) and allowed:
                raise ParameterError(
                    f"{self.name}: {name}={value} is no number; "
                    f"expected {allowed} {unit(type(self), name)}".rstrip()
                )
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ParameterError(explain(type(self), error)) from None
        if self._limit is not None and self.endings:
            raise ParameterError(f"{self.name}: {NOT_LIMITED.format(where=self.where)}")

    @abstractmethod
    def apply(self, scene: Scene, context: Context) -> Scene:
        """The new scene. `context.report` tells progress and lets the user stop."""

    def __call__(self, scene: Scene, context: Context | None = None) -> Scene:
        if Channel.METRIC in self.needs and not scene.depth.metric:
            raise DepthError(
                f"{self.name} needs depth in metres, but this depth is relative "
                f"({scene.depth.origin}); use a metric model or give --depth a metric file"
            )
        context = context or scene.context
        result = self.apply(scene, context)
        if self._limit is not None:
            from depthfx.where.limit import limited

            result = limited(scene, result, self._limit, self.name)
        return scene if result is scene else result.with_history(self.words)

    def __or__(self, other: Effect | Chain) -> Chain:
        from depthfx.chain import Chain

        return Chain(self) | other

    @property
    def _limit(self) -> str | None:
        """The part of its picture that it is limited to, if it is."""
        return None if self.applies_where else self.where

    @property
    def endings(self) -> tuple[str, ...]:
        """Suffixes of what it makes in the picture's place, the usual one first; "" is a folder.

        Empty: it makes a picture.
        """
        return ()

    @property
    def ends_chain(self) -> bool:
        """Whether what it makes holds nothing of what effects after it would do."""
        return False

    def for_path(self, path: Path) -> Effect:
        """The effect as it is when what the chain makes will be written to `path`.

        Asked before any work: raises ParameterError if it cannot be written, a library missing.
        """
        return self

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that its parameters name."""
        return tuple(v for _, v in self if isinstance(v, Path))

    def with_files_in(self, folder: Path) -> Self:
        """The effect, those of its files that are not found taken from `folder`, if found there."""
        values = {name: value for name, value in self if isinstance(value, Path)}
        return self.model_copy(update={k: file_in(folder, v) for k, v in values.items()})

    def check_metric(self, depth: Depth, *names: str) -> None:
        """Raise DepthError if one of these parameters, which are lengths, is given and `depth` is
        relative."""
        from depthfx.engine.depth_write import NO_SCALE

        for name in names:
            if getattr(self, name) is not None and not depth.metric:
                raise DepthError(f"{self.name}: {name}: {NO_SCALE.format(origin=depth.origin)}")

    @property
    def words(self) -> str:
        """The effect with those of its parameters that are not as usual, for the history."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        parts = (f"{spoken(name)}={value}" for name, value in chosen.items())
        return " ".join([self.name, *parts])

    def parameters(self) -> dict[str, Any]:
        """All parameters that have a value, by name, as plain numbers, words and lists."""
        values = self.model_dump(mode="json", exclude_none=True)
        return {spoken(name): value for name, value in values.items()}


def file_in(folder: Path, path: Path) -> Path:
    """`path`, or what is called so in `folder` if that is there and `path` is not."""
    there = folder / path
    # `Path.exists` raises on names too long, which are told of where they are read.
    return there if not os.path.exists(path) and os.path.exists(there) else path  # noqa: PTH110


def parameter_names(effect: type[Effect]) -> list[str]:
    """The parameters that an effect lets one choose, as attributes, what all effects have last."""
    names = [name for name, field in effect.model_fields.items() if field.annotation is not _NONE]
    return sorted(names, key=lambda name: name == "where" and not effect.applies_where)


_NONE = type(None)
NOT_LIMITED = (
    "where={where!r}: it makes no picture of the same frame, of which a part could stay as it was"
)


def spoken(name: str) -> str:
    """A parameter's name outside of Python, whose own words, as `for`, need an underscore there."""
    return name.removesuffix("_")


def _attribute(effect: type[Effect], name: str) -> str:
    return f"{name}_" if f"{name}_" in effect.model_fields else name


def bounds(effect: type[Effect], parameter: str) -> str:
    """The parameter's bounds in words, "0.7 to 64", or an empty string."""
    low = high = above = None
    for constraint in effect.model_fields[parameter].metadata:
        low = getattr(constraint, "ge", low)
        above = getattr(constraint, "gt", above)
        high = getattr(constraint, "le", high)
    if low is None and above is None:
        return "" if high is None else f"at most {high:g}"
    start = f"{low:g}" if low is not None else f"above {above:g}"
    return f"{start} to {high:g}" if high is not None else f"{start} or more"


def unit(effect: type[Effect], parameter: str) -> str:
    extra = effect.model_fields[parameter].json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def nearest(word: str, words: list[str]) -> str:
    """ " did you mean ...?" or the list of what there is, as a tail for a message."""
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(words)}"


LONGEST_VALUE = 60
"""Characters of a wrong value that are said again."""


def explain(effect: type[Effect], error: ValidationError) -> str:
    """One line on the first thing that is wrong with an effect's parameters."""
    first = error.errors(include_url=False)[0]
    name, value = str(first["loc"][0]), first["input"]
    parameter = spoken(name)
    if first["type"] == "extra_forbidden":
        return (
            f"{effect.name} has no parameter {parameter!r}"
            f"{nearest(parameter, parameter_names(effect))}"
        )
    if first["type"] == "none_required":
        return f"{effect.name}: {NOT_LIMITED.format(where=value)}"
    allowed = bounds(effect, name)
    if allowed and first["type"] in (
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "finite_number",
    ):
        short = isinstance(value, str) and len(value) < LONGEST_VALUE
        words = value.strip() if short else reprlib.repr(value)
        return (
            f"{effect.name}: {parameter}={words} is outside {allowed} {unit(effect, name)}"
        ).rstrip()
    return f"{effect.name}: {parameter}={reprlib.repr(value)}: " + first["msg"].removeprefix(
        "Value error, "
    )
