"""`depth`: the depth of a photo as a file, as a picture, or probed at places."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from depthfx.cli.options import Common, checked, common_options
from depthfx.cli.progress import progress_bar
from depthfx.engine.known import Place, metres_words, place, place_words
from depthfx.errors import DepthError, ParameterError
from depthfx.facts import json_line

if TYPE_CHECKING:
    from depthfx.camera import Camera
    from depthfx.depth import Depth
    from depthfx.engine.depth_write import Export
    from depthfx.photo.photo import Photo
    from depthfx.scene import Scene

TARGET_NAMES = ("after-effects", "photoshop", "nuke", "blender", "facebook", "looking-glass")
"""Those of `engine.targets`, which is not imported to print help."""


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, .png, .tif, .exr, .pfm, .npy or .npz, or a folder.  "
    "[default: <stem>-depth.png beside the photo]",
)
@click.option(
    "--at",
    metavar="X,Y",
    multiple=True,
    callback=checked(place),
    help="Print the distance at this place (shares of width and height) and write no file; "
    "may be given several times.",
)
@click.option(
    "--as",
    "values",
    type=click.Choice(["inverse", "metres"]),
    default=None,
    help="What the file holds: inverse depth, near large, or metres.  [default: inverse]",
)
@click.option(
    "--bits",
    type=click.Choice(["8", "16", "32"]),
    help="Bits of a value; 32 is float.  [default: 16 in PNG and TIFF, else 32]",
)
@click.option(
    "--colours",
    type=click.Choice(["inferno", "turbo", "viridis", "grey"]),
    help="Write a picture in these colours, near bright, with a legend of distances.",
)
@click.option("--legend/--no-legend", default=None, help="Whether that has a legend.")
@click.option(
    "--for",
    "target",
    type=click.Choice(TARGET_NAMES),
    help="Write what this program reads.",
)
@click.option(
    "--embed",
    is_flag=True,
    help="Write the photo with its depth inside, as phones do: GDepth in a .jpg (a JPEG's picture "
    "stays byte for byte), an auxiliary picture in a .heic.  [default name: <stem>-depth.jpg]",
)
@common_options
def depth(
    photo: Path,
    out: Path | None,
    at: tuple[str, ...],
    values: str | None,
    bits: str | None,
    colours: str | None,
    legend: bool | None,
    target: str | None,
    embed: bool,
    common: Common,
) -> None:
    """Write a photo's depth, or probe it at places."""
    _refuse_mixture(at, values, bits, colours, legend, target, embed)
    _refuse_unread(common, embed)
    width = int(bits) if bits else None
    path = _path(photo, out, values, width, target, embed)
    wanted = Wanted(path, values or "inverse", width, colours, legend is not False, target, embed)
    if not at:
        wanted.check(photo, common.overwrite)
    with progress_bar(common.quiet or common.json) as progress:
        scene = common.open(photo, replace(common.context(), progress=progress))
        found, camera = scene.depth, scene.camera
    facts: dict[str, object] = {
        "file": str(photo),
        "depth": found.origin,
        "metric": found.metric,
        "focal_px": round(camera.focal_px, 2),
        "focal_origin": str(camera.origin),
        "stamp": dict(found.stamp),
    }
    if at:
        _probe(found, camera, [place(text) for text in at], facts, common)
        return
    written, left_out = wanted.write(scene, photo, common)
    warnings = [*scene.photo.warnings, *left_out]
    if common.json:
        names = [str(path) for path in written]
        print(json_line({**facts, "warnings": warnings, "written": names}))
    elif not common.quiet:
        relative = "" if found.metric else " (relative)"
        print(
            f"{photo}: depth: {found.origin}{relative}; focal length {camera.focal_px:.0f} px "
            f"({camera.origin})" + "".join(f"; warning: {line}" for line in warnings),
            file=sys.stderr,
        )
        for path in written:
            print(path)


def _refuse_mixture(
    at: tuple[str, ...],
    values: str | None,
    bits: str | None,
    colours: str | None,
    legend: bool | None,
    target: str | None,
    embed: bool,
) -> None:
    """Raise ParameterError for options of which one would silently win."""
    form = {"--as": values, "--bits": bits, "--colours": colours, "--for": target}
    form["--embed"] = "" if embed else None
    given = [name for name, value in form.items() if value is not None]
    if at and given:
        raise ParameterError(f"--at prints distances and writes no file; leave out {given[0]}")
    if target and len(given) > 1:
        raise ParameterError(f"--for {target} says what is written; leave out {given[0]}")
    if embed and len(given) > 1:
        raise ParameterError(f"--embed writes the photo with its depth; leave out {given[0]}")
    if colours and values:
        raise ParameterError("--colours makes a picture of depth, not numbers; leave out --as")
    if legend is not None and not colours:
        raise ParameterError("a legend needs --colours, as --colours inferno")


def _refuse_unread(common: Common, embed: bool) -> None:
    """Raise ParameterError for shared options that would silently do nothing here."""
    whole = (
        "--embed keeps the photo and its metadata as they are; leave out {0}, or write the photo "
        "with {0} first"
    )
    unread = {
        "--profile": (common.profile, whole if embed else "depth is no colour; leave out {0}"),
        "--bit-depth": (common.bit_depth, whole if embed else "--bits is for depth what {0} is"),
        "--strip-location": (True if embed and common.strip_location else None, whole),
        "--jpeg-quality": (None if embed else common.jpeg_quality, "{0} needs --embed here"),
    }
    for name, (given, words) in unread.items():
        if given is not None:
            raise ParameterError(words.format(name))


@dataclass(frozen=True)
class Wanted:
    """The files that the options ask for.

    path : of the file; for a target the name that its files share, without ending
    """

    path: Path
    values: str
    bits: int | None
    colours: str | None
    legend: bool
    target: str | None
    embed: bool

    def check(self, photo: Path, overwrite: bool) -> None:
        """Raise before any work is done if a file could not be written."""
        from depthfx.engine.depth_write import check_container, check_exports
        from depthfx.photo.write import check_output

        if self.embed:
            from depthfx.photo.phone.embed import check_embedding

            check_embedding(self.path, overwrite=overwrite, source=photo)
            return
        files = [(self.path, True)]
        if self.target:
            from depthfx.engine.targets import target_named

            target = target_named(self.target)
            holds_depth = [holds for _, holds in target.endings]
            files = list(zip(target.paths(self.path), holds_depth, strict=True))
        elif self.colours:
            check_output(self.path, overwrite=overwrite, source=photo)
        else:
            check_container(self.path, self.bits, self.values)
        check_exports(files, source=photo, overwrite=overwrite)

    def write(
        self, scene: Scene, source: Path, common: Common
    ) -> tuple[list[Path], tuple[str, ...]]:
        """Write them for the `scene` of the file `source`; the paths, and what had to be left
        out."""
        photo, found = scene.photo, scene.depth
        if self.embed:
            from depthfx.photo.phone.embed import write_with_depth

            left_out = write_with_depth(
                photo, found, self.path, overwrite=common.overwrite, quality=common.jpeg_quality
            )
            return [self.path], left_out
        from depthfx.engine.depth_write import write_exports
        from depthfx.photo.write import without_location

        shown = without_location(photo) if common.strip_location else photo
        exports, overwrite = self.exports(shown, found), common.overwrite
        return write_exports(exports, found, scene.camera, source=source, overwrite=overwrite), ()

    def exports(self, photo: Photo, found: Depth) -> list[Export]:
        """Those files, ready to be written."""
        if self.target:
            from depthfx.engine.targets import target_exports

            return target_exports(self.target, photo, found, self.path)
        if self.colours:
            from depthfx.engine.colour_export import colour_export

            return [colour_export(photo, found, self.path, self.colours, self.legend, self.bits)]
        from depthfx.engine.depth_write import plain_export

        return [plain_export(found, self.path, bits=self.bits, values=self.values)]


def _path(
    photo: Path,
    out: Path | None,
    values: str | None,
    bits: int | None,
    target: str | None,
    embed: bool,
) -> Path:
    """Where the result goes: beside the photo, into a folder, or to the file named."""
    if target:
        from depthfx.engine.targets import base_of

        return base_of(target, photo, out)
    # `Path.is_dir` raises on names too long, which are told of where they are checked.
    if out is not None and not os.path.isdir(out):  # noqa: PTH112
        return out
    floats = values == "metres" or bits == 32
    suffix = ".jpg" if embed else ".exr" if floats else ".png"
    return (out or photo.parent) / f"{photo.stem}-depth{suffix}"


def _probe(
    found: Depth, camera: Camera, places: list[Place], facts: dict[str, object], common: Common
) -> None:
    """Print the distance at each place with what it is known by."""
    from depthfx.engine.depth_write import NO_SCALE
    from depthfx.engine.scale import metres_uncertainty

    if not found.metric:
        raise DepthError(NO_SCALE.format(origin=found.origin))
    share = metres_uncertainty(found, camera)
    distances = [found.metres_at(*where) for where in places]
    if common.json:
        points = [
            {
                "x": where[0],
                "y": where[1],
                "metres": round(metres, 4),
                "likely_m": [round(metres / (1 + share), 4), round(metres * (1 + share), 4)],
            }
            for where, metres in zip(places, distances, strict=True)
        ]
        print(json_line({**facts, "metres_uncertainty": round(share, 4), "points": points}))
        return
    lens = f"focal length {camera.focal_px:.0f} px from {camera.origin}"
    if found.scale_error is not None:
        within = f", metres within {share:.0%} where measured"
        lens += within if share else ", on which the file's metres do not depend"
    else:
        own = "" if found.model_error is not None else ", the model's own error not counted"
        lens += f", metres within {share:.0%} by that{own}"
    for where, metres in zip(places, distances, strict=True):
        name = f"{place_words(where)}: " if len(places) > 1 else ""
        print(f"{name}{_likely(metres, share)}  ({found.origin}; {lens})")


def _likely(metres: float, share: float) -> str:
    """ "2.41 m, likely 1.9 to 3.1 m" """
    words = metres_words(metres)
    if not math.isfinite(metres) or share == 0:
        return words
    digits = 3 if share < 0.05 else 2
    low, high = (float(f"{end:.{digits}g}") for end in (metres / (1 + share), metres * (1 + share)))
    return f"{words}, likely {low:g} to {high:g} m"
