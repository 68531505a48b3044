"""A photo as linear light, with everything its file said about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane, checked_plane
from depthfx.errors import ShapeError

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels; kept, and written back.

    exif : the EXIF block (a TIFF structure) without its "Exif\\0\\0" header, or empty
    xmp : the XMP packet, or empty
    xmp_extension : what the XMP of a JPEG goes on with beside its packet, or empty
    iptc : the IPTC-IIM records, or empty
    icc : the ICC profile of the stored pixels, or empty (then sRGB is assumed)
    bit_depth : bits per channel as stored: 1 to 16, or 16 or 32 of floating point
    floating : stored as floating point
    format : the file format, like "JPEG"; empty if the pixels came from no file
    orientation : the EXIF orientation 1..8 as stored; the pixels are upright already
    grey : stored with one colour channel
    inks : stored as inks, CMYK
    linear : stored as linear light, by a camera or a renderer
    dpi : resolution in dots per inch, or None
    """

    exif: bytes = b""
    xmp: bytes = b""
    xmp_extension: bytes = b""
    iptc: bytes = b""
    icc: bytes = b""
    bit_depth: int = 8
    floating: bool = False
    format: str = ""
    orientation: int = 1
    grey: bool = False
    inks: bool = False
    linear: bool = False
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Photo:
    """One picture.

    pixels : (H, W, 3) float32, linear light, sRGB primaries, 1 = diffuse white, not
        clipped (values below 0 and above 1 are colours outside sRGB), upright.
    alpha : (H, W) float32 in 0..1, straight, or None.
    camera : of this picture's size.
    path : the file it was read from, or None.
    warnings : what was wrong with the file and could be lived with, a line each.

    Raises ShapeError if the arrays do not fit.
    """

    pixels: Pixels
    camera: Camera
    alpha: Plane | None = None
    metadata: Metadata = field(default_factory=Metadata)
    path: Path | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.float32:
            raise ShapeError(
                f"pixels must be (H, W, 3) float32, got {self.pixels.shape} {self.pixels.dtype}"
            )
        if self.alpha is not None:
            checked_plane("alpha", self.alpha, self.shape)
        if self.shape != (self.camera.height, self.camera.width):
            raise ShapeError(
                f"pixels are {self.shape}, but the camera is for "
                f"{(self.camera.height, self.camera.width)}"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)"""
        height, width, _ = self.pixels.shape
        return height, width

    def with_pixels(self, pixels: Pixels) -> Photo:
        """The same photo showing something else."""
        return replace(self, pixels=pixels)
