"""`inspect`: what is known of a photo before anything is done to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from depthfx.cli.failure import verbose_option
from depthfx.errors import DepthfxError
from depthfx.facts import json_line


@click.command()
@click.argument(
    "photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--json", is_flag=True, help="Print as JSON, a line per photo.")
@click.option("--max-pixels", type=click.IntRange(min=1), help="Refuse photos with more pixels.")
@verbose_option(exposed=False)
def inspect(photos: tuple[Path, ...], json: bool, max_pixels: int | None) -> None:
    """Say what is known of a photo.

    Size, colours, focal length and where it comes from, and what else is stored in the file:
    depth, a matte, faces, the place.
    """
    from depthfx.photo.describe import describe
    from depthfx.photo.read import read_photo
    from depthfx.photo.stored import Reading

    failed = 0
    for path in photos:
        try:
            facts = describe(read_photo(path, reading=Reading(max_pixels)))
        except DepthfxError as error:
            if json:
                print(json_line({"file": str(path), "error": str(error)}), flush=True)
            if len(photos) == 1:
                raise
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        print(json_line(facts) if json else _table(facts), flush=True)
    if failed:
        raise DepthfxError(f"{failed} of {len(photos)} photos cannot be read")


def _table(facts: dict[str, object]) -> str:
    width = max(len(name) for name in facts)
    return "\n".join(f"{name:<{width}}  {_words(value)}" for name, value in facts.items())


def _words(value: object) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, dict):
        return _plane(value) if "kind" in value else _place(value)
    if isinstance(value, list):
        numbers = all(isinstance(entry, float) for entry in value)
        return (", " if numbers else "; ").join(map(_words, value))
    return str(value)


def _plane(facts: dict[str, Any]) -> str:
    """A depth or a matte: "GDepth (RangeInverse), 240 x 160, metric, 0.5 to 8 m" """
    encoding = f" ({facts['encoding']})" if facts.get("encoding") else ""
    words = [f"{facts['kind']}{encoding}", f"{facts['width']} x {facts['height']}"]
    if "metric" in facts:
        words.append("metric" if facts["metric"] else "relative")
    if "near_m" in facts:
        words.append(f"{facts['near_m']:g} to {facts['far_m']:g} m")
    return ", ".join(words)


def _place(facts: dict[str, Any]) -> str:
    """Centre and size, in shares of width and height: "at 0.25,0.31 (0.12 x 0.18)" """
    return f"at {facts['x']:.2f},{facts['y']:.2f} ({facts['width']:.2f} x {facts['height']:.2f})"
