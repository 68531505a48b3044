"""The reference page of the effects, made from their declarations."""

from __future__ import annotations

import inspect
import sys

from depthfx.effect import Effect, bounds, parameter_names, spoken, unit
from depthfx.registry import effect_class, effect_names


def reference_page() -> str:
    """Markdown: every installed effect, what it does, where it belongs, its parameters."""
    head = (
        "# Effects\n\nMade from the effects' own declarations by `make docs`. Each is a command "
        "(`depthfx bokeh photo.jpg --f-number 1.4`), a link of `depthfx apply`, a table in a "
        "recipe and a class in Python.\n"
    )
    return "\n".join([head, *(section(effect_class(name)) for name in effect_names())])


def section(effect: type[Effect]) -> str:
    words = inspect.getdoc(sys.modules[effect.__module__]) or ""
    rows = [
        f"| `{spoken(name)}` | {_default(effect, name)} | {bounds(effect, name)} | "
        f"{unit(effect, name)} | {effect.model_fields[name].description} |"
        for name in parameter_names(effect)
    ]
    needs = ", ".join(sorted(effect.needs)) or "the picture alone"
    return "\n".join(
        [
            f"## {effect.name}",
            "",
            effect.__doc__ or "",
            "",
            words,
            "",
            f"Needs: {needs}.",
            "",
            "| parameter | default | range | unit | meaning |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _default(effect: type[Effect], name: str) -> str:
    default = effect.model_fields[name].default
    return "none" if default in (None, ()) else f"`{default}`"
