"""A chain of effects written down as TOML.

    depthfx = 1             # version of this format

    [[effect]]
    name = "bokeh"
    f_number = 1.8

Read and written here alone. A later version of the format will say how this one
is migrated; a recipe from a newer depthfx is refused, not guessed at. What else a batch
needs stands in the same file, under `OF_A_BATCH`, and is read by `batch.look`.
"""

from __future__ import annotations

import reprlib
import tomllib
from pathlib import Path
from typing import Any

import tomli_w

from depthfx.chain import Chain
from depthfx.effect import Effect, nearest
from depthfx.errors import DepthfxError, RecipeError
from depthfx.registry import effect_class

VERSION = 1
LONGEST_NAME = 100
LONGEST_BYTES = 1 << 20
"""No chain worth running is longer; a file that is was named by mistake."""


OF_A_BATCH = ("output", "model", "lock", "film", "sidecars", "photo")
"""Keys that say how many photos are worked on; a chain is the same without them."""


def to_toml(chain: Chain) -> str:
    """`chain` as a recipe: every parameter that has a value, defaults too."""
    return tomli_w.dumps(chain_table(chain))


def chain_table(chain: Chain) -> dict[str, Any]:
    """The same before it is text."""
    effects = [{"name": effect.name, **effect.parameters()} for effect in chain.effects]
    return {"depthfx": VERSION, "effect": effects}


def from_toml(text: str, source: str = "recipe") -> Chain:
    """The chain a recipe describes. Raises RecipeError, one line that begins with `source`."""
    return chain_of(document(text, source), source)


def document(text: str, source: str) -> dict[str, Any]:
    """The tables of a recipe, those of a batch not looked into. Raises RecipeError."""
    table = toml_table(text, source)
    known = ("depthfx", "effect", *OF_A_BATCH)
    for key in table:
        if key not in known:
            raise RecipeError(f"{source}: unknown key {key!r}{nearest(key, list(known))}")
    if (version := table.get("depthfx")) is None:
        raise RecipeError(f"{source}: is no recipe: it does not begin with depthfx = {VERSION}")
    if type(version) is not int or version != VERSION:
        raise RecipeError(
            f"{source}: depthfx = {reprlib.repr(version)} is not a version this "
            f"program reads; it reads depthfx = {VERSION}"
        )
    return table


def toml_table(text: str, source: str) -> dict[str, Any]:
    """What a TOML text holds. Raises RecipeError."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of the parser, or of a number too long
        raise RecipeError(f"{source}: not a TOML file: {error}") from None


def chain_of(table: dict[str, Any], source: str, folder: Path | None = None) -> Chain:
    """The chain in the `document` of a recipe that lies in `folder`. Raises RecipeError."""
    tables = table.get("effect", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise RecipeError(f"{source}: effects stand under [[effect]], in double brackets")
    effects = [_effect(table, f"{source}: effect {n}") for n, table in enumerate(tables, 1)]
    return Chain(*(e if folder is None else e.with_files_in(folder) for e in effects))


def _effect(table: dict[str, object], place: str) -> Effect:
    name = table.get("name")
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise RecipeError(f'{place}: has no name = "..."')
    try:
        return effect_class(name)(**{k: v for k, v in table.items() if k != "name"})
    except DepthfxError as error:
        raise RecipeError(f"{place}: {error}") from None


def read_recipe(path: Path) -> Chain:
    """The chain in a recipe file. Raises RecipeError.

    Files that it names count from the working folder, or else from the recipe's own.
    """
    return chain_of(document(read_text(path), str(path)), str(path), path.parent)


def read_text(path: Path) -> str:
    """What stands in a recipe file. Raises RecipeError."""
    try:
        if path.exists() and not path.is_file():
            raise RecipeError(f"{path}: is no file; a recipe is a TOML file")
        with path.open("rb") as file:
            text = file.read(LONGEST_BYTES + 1)
        if len(text) > LONGEST_BYTES:
            raise RecipeError(f"{path}: is no recipe: longer than {LONGEST_BYTES >> 20} MiB")
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: is no recipe: not text in UTF-8") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror or error}") from None
