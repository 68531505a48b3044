"""What is otherwise for some photos than for their batch.

[[photo]]                          in the look, or these keys in <stem>.depthfx.toml
match = ["ceremony/*", "IMG_12*"]  (in the look) which ones
skip = true                        are left out
f35 = 50                           how they are opened, see `sections.Opening`
[photo.output]                     how they are written, see `sections.Output`
[photo.portrait]                   parameters of an effect of the chain
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from depthfx.batch.globs import Test, any_of
from depthfx.batch.sections import Opening, Output
from depthfx.chain import Chain
from depthfx.effect import Effect, nearest
from depthfx.errors import DepthfxError, ParameterError, RecipeError
from depthfx.recipe import toml_table
from depthfx.registry import effect_class, effect_names

GIVEN_WAY = {
    "focus_xy": ("focus_m",),
    "like": ("aperture_mm",),
    "f_number": ("aperture_mm", "like"),
}
"""Of a lens: what a parameter takes the place of, where only the parameter is said."""


@dataclass(frozen=True)
class Override:
    """One table.

    match : patterns of names, see `batch.globs`; none: it lies beside its photo
    skip : whether the photos are left out; None: nothing is said of it
    effects : parameters by effect, by name, as they were said
    folder : where files lie that these name and that are not found otherwise
    """

    match: tuple[str, ...] = ()
    skip: bool | None = None
    opening: Opening = field(default_factory=Opening)
    output: Output = field(default_factory=Output)
    effects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False)

    @classmethod
    def read(cls, table: object, place: str, chain: Chain, *, beside: bool = False) -> Override:
        """From TOML. Raises RecipeError, one line that begins with `place`.

        beside : it lies beside its photo, and matches nothing else
        """
        if not isinstance(table, dict):
            raise RecipeError(f"{place}: photos stand under [[photo]], in double brackets")
        # A file beside a photo is for whatever look comes; what it says of other effects can wait.
        names = effect_names() if beside else [effect.name for effect in chain.effects]
        effects = {k: v for k, v in table.items() if k in names}
        known = ["skip", "output", *Opening.model_fields, *dict.fromkeys(names)]
        known += [] if beside else ["match"]
        for key in table:
            if key not in (*known, "f35_mm"):
                raise RecipeError(f"{place}: unknown key {key!r}{nearest(key, known)}")
        for name, said in effects.items():
            if not isinstance(said, dict):
                raise RecipeError(f"{place}: {name} is an effect; its parameters stand in a table")
        skip = table.get("skip")
        if skip is not None and not isinstance(skip, bool):
            raise RecipeError(f"{place}: skip = {skip!r} is neither true nor false")
        opening = {"f35" if key == "f35_mm" else key: value for key, value in table.items()}
        opening = {key: value for key, value in opening.items() if key in Opening.model_fields}
        return cls(
            () if beside else _patterns(table.get("match"), place),
            skip,
            Opening.read(opening, place),
            Output.read(table.get("output", {}), f"{place}: output"),
            effects,
        )

    @classmethod
    def from_toml(cls, text: str, source: str, chain: Chain) -> Override:
        """Of a file beside a photo. Raises RecipeError."""
        override = cls.read(toml_table(text, source), source, chain, beside=True)
        try:
            for name, said in override.effects.items():
                effect_class(name)(**said)
            override.changed(chain)
        except DepthfxError as error:
            raise RecipeError(f"{source}: {error}") from None
        return override

    @cached_property
    def matches(self) -> Test:
        """Whether a photo of this name is meant."""
        return any_of(self.match)

    def with_files_in(self, folder: Path) -> Override:
        """The same, its files taken from `folder` where that is where they are."""
        return Override(
            self.match,
            self.skip,
            self.opening.with_files_in(folder),
            self.output.with_files_in(folder),
            self.effects,
            folder,
        )

    def changed(self, chain: Chain) -> Chain:
        """`chain` with these parameters; an effect that stands there twice is changed twice.

        Raises ParameterError.
        """
        if not self.effects:
            return chain
        return Chain(*(self._changed(effect) for effect in chain.effects))

    def _changed(self, effect: Effect) -> Effect:
        said = self.effects.get(effect.name)
        if not said:
            return effect
        ways = {way for name in said for way in GIVEN_WAY.get(name, ()) if way not in said}
        kept = {name: value for name, value in effect.parameters().items() if name not in ways}
        changed = type(effect)(**{**kept, **said})
        return changed if self.folder is None else changed.with_files_in(self.folder)

    def table(self) -> dict[str, Any]:
        """As TOML has it."""
        said: dict[str, Any] = {"match": list(self.match)} if self.match else {}
        if self.skip is not None:
            said["skip"] = self.skip
        said |= self.opening.table()
        if output := self.output.table():
            said["output"] = output
        return {**said, **{name: dict(values) for name, values in self.effects.items()}}


def _patterns(match: object, place: str) -> tuple[str, ...]:
    patterns = [match] if isinstance(match, str) else match
    if not isinstance(patterns, list) or not patterns or not all(map(_is_text, patterns)):
        raise RecipeError(
            f'{place}: has no match = "...", a pattern like ceremony/* or IMG_12*.jpg'
        )
    try:
        any_of(patterns)
    except ParameterError as error:
        raise RecipeError(f"{place}: match: {error}") from None
    return tuple(patterns)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
