"""A chain of effects written down as TOML.

    depthfx = 1             # version of this format

    [[effect]]
    name = "bokeh"
    f_number = 1.8

Read and written here alone. A later version of the format will say how this one
is migrated; a recipe from a newer depthfx is refused, not guessed at.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import tomli_w

from depthfx.chain import Chain
from depthfx.effect import Effect, nearest
from depthfx.errors import DepthfxError, RecipeError
from depthfx.registry import effect_class

VERSION = 1


def to_toml(chain: Chain) -> str:
    """`chain` as a recipe: every parameter that has a value, defaults too."""
    effects = [{"name": effect.name, **effect.parameters()} for effect in chain.effects]
    return tomli_w.dumps({"depthfx": VERSION, "effect": effects})


def from_toml(text: str, source: str = "recipe") -> Chain:
    """The chain a recipe describes. Raises RecipeError, one line that begins with `source`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source}: not a TOML file: {error}") from None
    for key in document:
        if key not in ("depthfx", "effect"):
            raise RecipeError(f"{source}: unknown key {key!r}{nearest(key, ['depthfx', 'effect'])}")
    version = document.get("depthfx")
    if version != VERSION:
        raise RecipeError(f"{source}: depthfx = {version!r} is not a version this program reads; "
                          f"it reads depthfx = {VERSION}")
    tables = document.get("effect", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RecipeError(f"{source}: effects stand under [[effect]], in double brackets")
    return Chain(*(_effect(table, f"{source}: effect {number}")
                   for number, table in enumerate(tables, 1)))


def _effect(table: dict[str, object], place: str) -> Effect:
    name = table.get("name")
    if not isinstance(name, str):
        raise RecipeError(f'{place}: has no name = "..."')
    try:
        return effect_class(name)(**{k: v for k, v in table.items() if k != "name"})
    except DepthfxError as error:
        raise RecipeError(f"{place}: {error}") from None


def read_recipe(path: Path) -> Chain:
    """The chain in a recipe file. Raises RecipeError."""
    try:
        return from_toml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from None
