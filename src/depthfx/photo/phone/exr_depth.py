"""The depth channel of an OpenEXR picture: metres along the optical axis, as renderers write.

EXR itself says nothing of a unit; metres are what Blender, Nuke and this package mean by Z.
"""

from __future__ import annotations

import math

import numpy as np

from depthfx.photo.formats.exr import depth_channel
from depthfx.photo.phone.depth_range import inverse_of
from depthfx.photo.phone.stored_depth import StoredDepth, in_register
from depthfx.photo.photo import Photo
from depthfx.photo.stored import Reading

INFINITE_M = 1e9
"""A tenth of what Blender writes for an infinite depth."""


def exr_depth(photo: Photo) -> StoredDepth | None:
    """The channel Z (or depth.Z, or of another layer) of the picture of `photo`, None if there
    is none. Infinite outside of the data window."""
    assert photo.path is not None
    with photo.path.open("rb") as file:
        metres = depth_channel(file, Reading(math.prod(photo.shape)))
    if metres is None:
        return None
    far = np.where(metres >= INFINITE_M, np.inf, metres.astype(np.float64))
    inverse = in_register(inverse_of(far).astype(np.float32), photo)
    return StoredDepth("EXR Z channel", inverse, True, "metres")
