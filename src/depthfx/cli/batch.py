"""`batch`: a whole shoot with one look."""

from __future__ import annotations

from pathlib import Path

import click

from depthfx.errors import DepthfxError


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument("photos", metavar="PHOTO...", nargs=-1, required=True)
@click.option("-o", "--out", required=True, help="Folder for the results.")
@click.option("--jobs", type=click.IntRange(1), help="Photos worked on at once.")
def batch(recipe: Path, photos: tuple[str, ...], out: str, jobs: int | None) -> None:
    """Give many photos one look."""
    from depthfx.batch.run import failed, run

    results = list(run(recipe, photos, out, jobs=jobs))
    if lost := failed(results):
        for result in lost:
            click.echo(f"error: {result.error}", err=True)
        raise DepthfxError(f"{len(lost)} of {len(results)} photos failed, the others are done")
