"""How effects and models are found: entry points, ours and anybody's alike.

Nothing is imported to list names, and nothing to read an effect's one-line
summary: `depthfx --help` stays quick however many plugins there are.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from depthfx.errors import DepthfxError, ModelError, ParameterError

if TYPE_CHECKING:
    from depthfx.effect import Effect
    from depthfx.engine.model import DepthModel

EFFECTS, MODELS = "depthfx.effects", "depthfx.models"


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=group), key=lambda e: e.name)}


def effect_names() -> list[str]:
    """Names of all installed effects, sorted."""
    return list(_entries(EFFECTS))


def model_names() -> list[str]:
    """Names of all installed depth models, sorted."""
    return list(_entries(MODELS))


def effect_class(name: str) -> type[Effect]:
    """The effect called `name`; raises ParameterError with the nearest name if there is none."""
    from depthfx.effect import Effect, nearest

    entry = _entries(EFFECTS).get(name)
    if entry is None:
        raise ParameterError(f"there is no effect {name!r}{nearest(name, effect_names())}")
    found = _load(entry)
    if not (isinstance(found, type) and issubclass(found, Effect)):
        raise DepthfxError(f"plugin {entry.value} registers {name!r}, which is no Effect class")
    if found.name != name:
        raise DepthfxError(f"plugin {entry.value} registers {name!r}, but calls it {found.name!r}")
    return found


def model_class(name: str) -> type[DepthModel]:
    """The depth model called `name`; raises ModelError with the nearest name if there is none."""
    from depthfx.effect import nearest

    entry = _entries(MODELS).get(name)
    if entry is None:
        raise ModelError(f"there is no depth model {name!r}{nearest(name, model_names())}")
    found: type[DepthModel] = _load(entry)
    return found


def _load(entry: EntryPoint):  # type: ignore[no-untyped-def]  # whatever a plugin registers
    try:
        return entry.load()
    except DepthfxError:
        raise
    except Exception as error:  # a plugin may fail in any way; the user needs its name
        raise DepthfxError(f"plugin {entry.value} cannot be loaded: {error}") from error


def effect_summary(name: str) -> str:
    """First line of the effect's docstring, read from its source without importing it."""
    entry = _entries(EFFECTS)[name]
    source = _source(entry.module)
    if source is None:
        return ""
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == entry.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def _source(module: str) -> Path | None:
    """The file of a module, its parent packages not imported."""
    path: list[str] | None = None
    spec = None
    parts = module.split(".")
    for index in range(len(parts)):
        spec = PathFinder.find_spec(".".join(parts[: index + 1]), path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or [])
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None
