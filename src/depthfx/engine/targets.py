"""Depth as other programs read it: named profiles, since no two agree on polarity.

| target         | files                            | meaning                                  |
|----------------|----------------------------------|------------------------------------------|
| after-effects  | 16-bit grey PNG, float EXR       | blur map of Camera Lens Blur: black near |
| photoshop      | 16-bit TIFF, depth as channel 4  | depth map of Lens Blur: black near       |
| nuke           | float EXR, channel depth.Z       | metres along the axis, hard edges        |
| blender        | float EXR, channel Z             | the same; 1e10 is infinitely far         |
| facebook       | NAME.jpg and NAME_depth.jpg      | white near                               |
| looking-glass  | PNG, photo left, depth right     | white near                               |

Grey is even in inverse depth. Photoshop keeps the depth as an alpha channel that its
filters offer by name: an extra sample of unspecified meaning (TIFF 6.0, section 18), since
one declared as alpha would be taken for transparency. PSD would say no more than that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from depthfx.depth import Depth
from depthfx.engine.depth_file import INFINITE_M
from depthfx.engine.depth_write import (
    Codes,
    Export,
    as_codes,
    grey,
    metres_meaning,
    metres_of,
    write_exr,
    write_png,
)
from depthfx.errors import DepthError, ParameterError
from depthfx.photo.colour import srgb_space
from depthfx.photo.encode import over_white, stored_form
from depthfx.photo.formats import jpeg
from depthfx.photo.photo import Photo

JPEG_QUALITY = 98


@dataclass(frozen=True)
class Target:
    """A program that reads depth.

    endings : what is put after the base name for each file, and whether it holds depth
    make : photo, depth and paths in the order of `endings` to what is written
    """

    endings: tuple[tuple[str, bool], ...]
    make: Callable[[Photo, Depth, list[Path]], list[Export]]

    def paths(self, base: Path) -> list[Path]:
        return [base.with_name(base.name + ending) for ending, _ in self.endings]


def target_named(name: str) -> Target:
    """The target called `name`; raises ParameterError if there is none."""
    if name not in TARGETS:
        raise ParameterError(f"there is no target {name!r}; there are: {', '.join(TARGETS)}")
    return TARGETS[name]


def base_of(name: str, photo: Path, out: Path | None) -> Path:
    """The path without ending that the files of target `name` share.

    out : the folder, or one of the files, or the base itself; None: beside the photo

    Raises DepthError if `out` has an ending that the target does not write.
    """
    if out is None or out.is_dir():
        return (out or photo.parent) / f"{photo.stem}-{name}"
    endings = [ending for ending, _ in target_named(name).endings]
    for ending in sorted(endings, key=len, reverse=True):
        if out.name.lower().endswith(ending) and len(out.name) > len(ending):
            return out.with_name(out.name[: -len(ending)])
    if out.suffix:
        raise DepthError(f"{out}: for {name} depth is written as {', '.join(endings)}")
    return out


def target_exports(name: str, photo: Photo, depth: Depth, base: Path) -> list[Export]:
    """The files of target `name`, each called like `base` with an ending of its own.

    Raises ParameterError for an unknown name, DepthError if the target needs metres and
    `depth` is relative.
    """
    target = target_named(name)
    exports = target.make(photo, depth, target.paths(base))
    return [
        replace(export, meaning=export.meaning and {"target": name, **export.meaning})
        for export in exports
    ]


def _after_effects(_photo: Photo, depth: Depth, paths: list[Path]) -> list[Export]:
    share, meaning = grey(depth, white="far")
    codes = as_codes(share, 16)
    # Red, green and blue: a lone luminance channel is not shown by every importer.
    channels = dict.fromkeys("RGB", share)
    return [
        Export(paths[0], partial(write_png, codes), {**meaning, "bits": 16}),
        Export(paths[1], partial(write_exr, channels), {**meaning, "bits": 32}),
    ]


def _photoshop(photo: Photo, depth: Depth, paths: list[Path]) -> list[Export]:
    share, meaning = grey(depth, white="far")
    opaque = over_white(photo)
    stored = stored_form(opaque, 16)
    codes = np.dstack([stored.codes, as_codes(share, 16)])
    write = partial(_write_extra_channel, codes, stored.icc)
    return [Export(paths[0], write, {**meaning, "bits": 16, "where": "last channel"})]


def _write_extra_channel(codes: Codes, icc: bytes, file: BinaryIO) -> None:
    import tifffile

    tifffile.imwrite(
        file,
        codes,
        photometric="rgb" if codes.shape[2] == 4 else "minisblack",
        planarconfig="contig",
        extrasamples=["unspecified"],
        compression="zlib",
        predictor=True,
        iccprofile=icc or None,
        metadata=None,
    )


def _z_channel(channel: str, _photo: Photo, depth: Depth, paths: list[Path]) -> list[Export]:
    metres = metres_of(depth, INFINITE_M)
    meaning = {**metres_meaning(), "bits": 32, "channel": channel, "infinite": INFINITE_M}
    return [Export(paths[0], partial(write_exr, {channel: metres}), meaning)]


def _facebook(photo: Photo, depth: Depth, paths: list[Path]) -> list[Export]:
    share, meaning = grey(depth)
    stored = stored_form(over_white(photo), 8)
    return [
        Export(paths[0], lambda file: jpeg.encode(file, stored, JPEG_QUALITY), None),
        Export(paths[1], partial(_write_jpeg, as_codes(share, 8)), {**meaning, "bits": 8}),
    ]


def _write_jpeg(codes: Codes, file: BinaryIO) -> None:
    import imagecodecs

    file.write(imagecodecs.jpeg8_encode(codes, JPEG_QUALITY))


def _looking_glass(photo: Photo, depth: Depth, paths: list[Path]) -> list[Export]:
    share, meaning = grey(depth)
    left = srgb_space().encode(over_white(photo).pixels, 8)
    right = np.repeat(as_codes(share, 8)[..., None], 3, 2)
    pair = np.concatenate([left, right], axis=1)[..., ::-1]  # OpenCV writes blue first
    return [
        Export(paths[0], partial(write_png, pair), {**meaning, "bits": 8, "where": "right half"})
    ]


TARGETS = {
    "after-effects": Target(((".png", True), (".exr", True)), _after_effects),
    "photoshop": Target(((".tif", True),), _photoshop),
    "nuke": Target(((".exr", True),), partial(_z_channel, "depth.Z")),
    "blender": Target(((".exr", True),), partial(_z_channel, "Z")),
    "facebook": Target(((".jpg", False), ("_depth.jpg", True)), _facebook),
    "looking-glass": Target(((".png", True),), _looking_glass),
}
