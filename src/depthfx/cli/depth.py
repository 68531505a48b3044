"""`depth`: the depth of a photo as a file, or probed at a point."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import click

from depthfx.cli.options import Common, common_options
from depthfx.cli.progress import progress_bar
from depthfx.cli.report import json_line
from depthfx.errors import DepthError


def _point(
    _ctx: click.Context, _option: click.Parameter, text: str | None
) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = math.nan
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise click.BadParameter(f"{text!r} is not X,Y as shares of width and height, like 0.5,0.4")
    return x, y


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="File to write: .png or .tif (16 bit, near white), .npy or .npz (inverse depth, "
    "float32).  [default: <stem>-depth.png beside the photo]",
)
@click.option(
    "--at",
    metavar="X,Y",
    callback=_point,
    help="Print the distance at this place instead (shares of width and height).",
)
@common_options
def depth(photo: Path, out: Path | None, at: tuple[float, float] | None, common: Common) -> None:
    """Write a photo's depth, or probe it at a point."""
    from depthfx.engine.depth_write import write_depth
    from depthfx.photo.whole import check_target

    if out is None or out.is_dir():
        out = (out or photo.parent) / f"{photo.stem}-depth.png"
    if at is None:
        check_target(out, overwrite=common.overwrite, source=photo)
    with progress_bar(common.quiet or common.json) as progress:
        scene = common.open(photo, replace(common.context(), progress=progress))
        found, camera = scene.depth, scene.camera
    facts: dict[str, object] = {
        "file": str(photo),
        "depth": found.origin,
        "metric": found.metric,
        "focal_px": round(camera.focal_px, 2),
        "focal_origin": str(camera.origin),
    }
    if at is not None:
        if not found.metric:
            raise DepthError(
                f"{found.origin}: this depth is relative and has no metres; "
                "use a metric model or give --depth a metric file"
            )
        distance = found.metres_at(*at)
        facts["metres"] = round(distance, 4)
        words = f"{distance:.3g} m" if math.isfinite(distance) else "infinitely far"
        grounds = (
            f"{found.origin}; focal length {camera.focal_px:.0f} px from {camera.origin}: "
            "an error there is the same share of the distance"
        )
        print(json_line(facts) if common.json else f"{words}  ({grounds})")
        return
    written = write_depth(found, camera, out, source=photo, overwrite=common.overwrite)
    if common.json:
        print(json_line({**facts, "written": [str(path) for path in written]}))
    elif not common.quiet:
        print(
            f"{photo}: depth: {found.origin}; focal length {camera.focal_px:.0f} px "
            f"({camera.origin})",
            file=sys.stderr,
        )
        for path in written:
            print(path)
