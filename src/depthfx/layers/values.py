"""The values in which programs lay layers over each other, and the way back to light."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from depthfx.layers.layers import Blend, Pixels
from depthfx.photo.colour import CurveSpace, profile_space, srgb_space
from depthfx.photo.encode import stored_form
from depthfx.photo.photo import Photo

TOP = np.float32(65535)


@dataclass(frozen=True)
class Values:
    """blend "encoded": 16-bit codes of a profile as shares of the largest; "linear": light.

    icc : the profile of the codes; empty: sRGB
    """

    blend: Blend
    icc: bytes = b""

    @classmethod
    def of(cls, photo: Photo, blend: Blend) -> Values:
        """In the profile that a file of the photo would have; one with a table, from whose codes
        there is no exact way back, becomes sRGB."""
        if blend == "linear":
            return cls(blend)
        # Of one pixel: the profile does not depend on what is shown.
        camera = replace(photo.camera, width=1, height=1)
        pixel = replace(photo, pixels=photo.pixels[:1, :1], alpha=None, camera=camera)
        icc = stored_form(pixel, 16, grey=False).icc
        return cls(blend, icc if isinstance(_space(icc), CurveSpace) else b"")

    @property
    def top(self) -> float:
        """The largest value that there is."""
        return 1.0 if self.blend == "encoded" else float("inf")

    def of_light(self, pixels: Pixels) -> Pixels:
        """(H, W, 3) float32 of linear light in sRGB primaries; encoded ones are 0..1."""
        if self.blend == "linear" or not pixels.size:
            return pixels
        return _space(self.icc).encode(pixels, 16) * (1 / TOP)

    def light(self, values: Pixels) -> Pixels:
        """The inverse of `of_light`."""
        if self.blend == "linear" or not values.size:
            return values
        codes = np.clip(values * TOP + np.float32(0.5), 0, TOP).astype(np.uint16)
        return _space(self.icc).decode(codes)


def _space(icc: bytes):  # type: ignore[no-untyped-def]
    return profile_space(icc, grey=False) if icc else srgb_space()
