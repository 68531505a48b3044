"""`inspect`: what is known of a photo before anything is done to it."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path

import click


@click.command()
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True,
                type=click.Path(path_type=Path))
@click.option("--json", is_flag=True, help="Print as JSON, a line per photo.")
def inspect(photos: tuple[Path, ...], json: bool) -> None:
    """Say what is known of a photo: size, colours, focal length and where it comes from."""
    from depthfx.photo.describe import describe
    from depthfx.photo.read import read_photo

    for path in photos:
        facts = describe(read_photo(path))
        if json:
            print(jsonlib.dumps(facts, ensure_ascii=False))
            continue
        width = max(len(name) for name in facts)
        for name, value in facts.items():
            print(f"{name:<{width}}  {_words(value)}")


def _words(value: object) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, float):
        return f"{value:.2f}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
