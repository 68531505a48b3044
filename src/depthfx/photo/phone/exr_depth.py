"""The depth channel of an OpenEXR picture: metres along the optical axis, as renderers write.

EXR itself says nothing of a unit; metres are what Blender, Nuke and this package mean by Z.
"""

from __future__ import annotations

import numpy as np

from depthfx.photo.exr_header import read_header
from depthfx.photo.formats import exr
from depthfx.photo.phone.depth_range import inverse_of
from depthfx.photo.phone.stored_depth import StoredDepth, in_register
from depthfx.photo.photo import Photo
from depthfx.photo.stored import Reading

INFINITE_M = 1e9
"""A tenth of what Blender writes for an infinite depth."""


def exr_depth(photo: Photo) -> StoredDepth | None:
    """The channel Z (or depth.Z, or another that ends in .Z) of the part that the picture of
    `photo` is in, None if there is none. Unknown outside of the data window."""
    assert photo.path is not None
    with photo.path.open("rb") as file:
        parts, _ = read_header(file)
        picture, (height, width) = exr._picture(parts), photo.shape
        part = picture.part
        names = sorted(name for name in part.channels if name == "Z" or name.endswith(".Z"))
        if not names:
            return None
        window, _ = exr._shown(part, Reading(height * width))
        samples = exr._samples(file, parts, picture.index)
        metres = exr._placed(np.asarray(samples[names[0]].pixels), part.data_window, window)
    far = np.where(metres >= INFINITE_M, np.inf, metres.astype(np.float64))
    inverse = in_register(inverse_of(far).astype(np.float32), photo)
    return StoredDepth("EXR Z channel", inverse, True, "metres")
