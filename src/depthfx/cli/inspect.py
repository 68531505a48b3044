"""`inspect`: what is known of a photo before anything is done to it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from depthfx.cli.failure import verbose_option
from depthfx.cli.report import json_line
from depthfx.errors import DepthfxError


@click.command()
@click.argument(
    "photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--json", is_flag=True, help="Print as JSON, a line per photo.")
@verbose_option(exposed=False)
def inspect(photos: tuple[Path, ...], json: bool) -> None:
    """Say what is known of a photo: size, colours, focal length and where it comes from."""
    from depthfx.photo.describe import describe
    from depthfx.photo.read import read_photo

    failed = 0
    for path in photos:
        try:
            facts = describe(read_photo(path))
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
    if isinstance(value, float):
        return f"{value:.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
