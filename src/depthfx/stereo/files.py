"""Files that hold a picture for each eye, by their extension."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo.encode import DEFAULT_QUALITY, stored_form
from depthfx.photo.photo import Photo
from depthfx.photo.stored import Stored
from depthfx.photo.whole import written_whole
from depthfx.stereo.arrange import arranged
from depthfx.stereo.jpeg_pairs import write_jps, write_mpo
from depthfx.stereo.pairs import Row
from depthfx.stereo.spatial import write_spatial

Pixels = NDArray[np.float32]


def write_pair(
    path: Path,
    photo: Photo,
    left: Pixels,
    right: Pixels,
    pair: Row,
    *,
    screen_inverse: float,
    metric: bool,
    quality: int = DEFAULT_QUALITY,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write the pictures (H, W, 3) of both eyes to `path`, with the metadata of `photo`: .heic is a
    spatial photo, of cameras whose pictures are not moved (`pairs.parallel_pair`), .mpo what 3D
    cameras write, .jps both side by side.

    screen_inverse : inverse depth to be shown at the screen; what is moved to it already is told
        by `pair`
    metric : whether lengths in `pair` are metres
    quality : 1..100

    Returns what had to be left out, a line each.

    Raises PhotoError if the extension is none of these, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".heic", ".mpo", ".jps"):
        raise PhotoError(
            f"{path}: {path.suffix or 'a name without extension'} holds no pair of pictures; "
            "use .heic, .mpo or .jps"
        )
    with written_whole(path, overwrite=overwrite, source=photo.path) as file:
        if suffix == ".jps":
            crossed = arranged("side-by-side", left, right, crossed=True)
            return write_jps(file, _stored(photo, crossed), quality=quality)
        bits = 10 if suffix == ".heic" and photo.metadata.bit_depth > 8 else 8
        eyes = _stored(photo, left, bits), _stored(photo, right, bits)
        if suffix == ".mpo":
            return write_mpo(file, *eyes, pair, metric=metric, quality=quality)
        return write_spatial(
            file, *eyes, pair, screen_inverse=screen_inverse, metric=metric, quality=quality
        )


def _stored(photo: Photo, picture: Pixels, bits: int = 8) -> Stored:
    """`picture` as `photo` would be stored if it showed that."""
    camera = replace(photo.camera, width=picture.shape[1], height=picture.shape[0])
    shown = replace(photo, pixels=picture, camera=camera, alpha=None)
    return stored_form(shown, bits, grey=False)
