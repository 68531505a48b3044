"""A chain of effects written down as TOML.

    depthfx = 1             # version of this format

    [[effect]]
    name = "bokeh"
    f_number = 1.8

Read and written here alone. A later version of the format will say how this one
is migrated; a recipe from a newer depthfx is refused, not guessed at.
"""

from __future__ import annotations

import reprlib
import tomllib
from pathlib import Path

import tomli_w

from depthfx.chain import Chain
from depthfx.effect import Effect, nearest
from depthfx.errors import DepthfxError, RecipeError
from depthfx.registry import effect_class

VERSION = 1
LONGEST_NAME = 100
LONGEST_BYTES = 1 << 20
"""No chain worth running is longer; a file that is was named by mistake."""


def to_toml(chain: Chain) -> str:
    """`chain` as a recipe: every parameter that has a value, defaults too."""
    effects = [{"name": effect.name, **effect.parameters()} for effect in chain.effects]
    return tomli_w.dumps({"depthfx": VERSION, "effect": effects})


def from_toml(text: str, source: str = "recipe") -> Chain:
    """The chain a recipe describes. Raises RecipeError, one line that begins with `source`."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of the parser, or of a number too long
        raise RecipeError(f"{source}: not a TOML file: {error}") from None
    for key in document:
        if key not in ("depthfx", "effect"):
            raise RecipeError(f"{source}: unknown key {key!r}{nearest(key, ['depthfx', 'effect'])}")
    version = document.get("depthfx")
    if type(version) is not int or version != VERSION:
        raise RecipeError(
            f"{source}: depthfx = {reprlib.repr(version)} is not a version this "
            f"program reads; it reads depthfx = {VERSION}"
        )
    tables = document.get("effect", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RecipeError(f"{source}: effects stand under [[effect]], in double brackets")
    return Chain(
        *(_effect(table, f"{source}: effect {number}") for number, table in enumerate(tables, 1))
    )


def _effect(table: dict[str, object], place: str) -> Effect:
    name = table.get("name")
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise RecipeError(f'{place}: has no name = "..."')
    try:
        return effect_class(name)(**{k: v for k, v in table.items() if k != "name"})
    except DepthfxError as error:
        raise RecipeError(f"{place}: {error}") from None


def read_recipe(path: Path) -> Chain:
    """The chain in a recipe file. Raises RecipeError."""
    try:
        if path.exists() and not path.is_file():
            raise RecipeError(f"{path}: is no file; a recipe is a TOML file")
        with path.open("rb") as file:
            text = file.read(LONGEST_BYTES + 1)
        if len(text) > LONGEST_BYTES:
            raise RecipeError(f"{path}: is no recipe: longer than {LONGEST_BYTES >> 20} MiB")
        return from_toml(text.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: is no recipe: not text in UTF-8") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror or error}") from None
