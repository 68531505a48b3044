"""`cache`: what is kept of depth that was found, and how to be rid of it."""

from __future__ import annotations

from pathlib import Path

import click

from depthfx import machine
from depthfx.cli.failure import verbose_option
from depthfx.cli.options import gigabytes
from depthfx.errors import ParameterError
from depthfx.facts import json_line


@click.command()
@click.option(
    "--cache",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the cache.  [default: in the user's cache]",
)
@click.option("--clear", is_flag=True, help="Remove all of it.")
@click.option(
    "--limit",
    "limit_gb",
    metavar="GB",
    callback=gigabytes,
    help="Remove what was longest of no use, until so much is left, like 5GB or 800MB.",
)
@click.option("--json", is_flag=True, help="Print as JSON.")
@verbose_option(exposed=False)
def cache(folder: Path | None, clear: bool, limit_gb: float | None, json: bool) -> None:
    """Say where depth is kept for later batches, and how much; or make it less.

    What is removed is found again when it is needed.
    """
    if clear and limit_gb is not None:
        raise ParameterError("--clear removes all, --limit leaves some: give one of them")
    from depthfx.batch.cache import DepthCache, Usage

    place = machine.user_folder("cache") if folder is None else folder
    usage = Usage(0, 0)
    if DepthCache.is_in(place):  # to look makes no folder
        troubles: list[str] = []
        with DepthCache(place, warn=troubles.append) as kept:
            if clear:
                kept.clear()
            elif limit_gb is not None:
                kept.shrink(limit_gb)
            usage = kept.usage()
        for trouble in troubles:
            click.echo(f"warning: {trouble}", err=True)
    if json:
        print(json_line({"folder": str(place), "entries": usage.entries, "bytes": usage.size}))
    else:
        size = f"{usage.size / 1e9:.1f} GB" if usage.size >= 1e9 else f"{usage.size / 1e6:.1f} MB"
        print(f"{place}: {usage.entries} depths and mattes, {size}")
