"""What a photo file holds: the one form between the file formats and the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError, PhotoError

Codes = NDArray[Any]
"""uint8 or uint16 over the full range, or float32."""

MAX_PIXELS = 400_000_000
"""Larger than any sensor; as linear light that is 4.8 GB."""

HIGHLIGHTS = ("clip", "blend", "reconstruct")
"""What is done where a raw photo's brightest parts are blown out."""

BOMB_PIXELS = 40_000_000
BOMB_BITS = 0.065
"""No photo of more than so many pixels has fewer bits for each; a black sheet has, whose 64 bits
deflate makes a thousandth of."""

ROWS_AT_A_TIME = 64
"""A whole picture in float64 would be many times the file."""

LARGEST_BLOCK_BYTES = 32 << 20
"""Of a profile, of XMP and the like once unpacked; what is longer is left out."""


@dataclass(frozen=True)
class Reading:
    """How a file is to be read.

    max_pixels : what has more is refused; None: what has more than `MAX_PIXELS`
    highlights : one of `HIGHLIGHTS`
    file_bytes : size of the file; 0 if it is not known
    """

    max_pixels: int | None = None
    highlights: str = "clip"
    file_bytes: int = 0

    def __post_init__(self) -> None:
        """Raises ParameterError if there is no such reading."""
        if self.highlights not in HIGHLIGHTS:
            names = ", ".join(HIGHLIGHTS)
            raise ParameterError(f"raw_highlights={self.highlights!r} is none of {names}")
        if self.max_pixels is not None and not self.max_pixels > 0:
            raise ParameterError(f"max_pixels={self.max_pixels} is no number of pixels")

    def check_size(self, width: int, height: int) -> None:
        """Raise PhotoError if a picture of this size is not to be decoded.

        To be asked before memory is taken for it.
        """
        pixels = width * height
        if width < 1 or height < 1:
            raise PhotoError(f"is {width} x {height} pixels by its header")
        most = self.max_pixels or MAX_PIXELS
        if pixels > most:
            raise PhotoError(
                f"is {width} x {height} pixels by its header, "
                f"more than the {most} that are accepted; --max-pixels raises that"
            )
        bits = 8 * self.file_bytes / pixels
        if self.max_pixels is None and pixels > BOMB_PIXELS and 0 < bits < BOMB_BITS:
            raise PhotoError(
                f"is {width} x {height} pixels by its header, which {self.file_bytes} bytes are "
                f"too few for; if it is empty on purpose, --max-pixels {pixels} lets it in"
            )


@dataclass(frozen=True, eq=False)
class Stored:
    """What a photo file holds, nothing turned and no colour converted.

    codes : (H, W) grey, (H, W, 3) RGB or (H, W, 4) CMYK (full ink = the largest code), uint8
        or uint16 over the full range whatever the file's bits, or float32
    alpha : (H, W) of the same type, straight, or None
    bit_depth : bits per channel in the file, as 1, 8, 10, 12, 16 or 32; 16 and 32 may be floats
    exif : the EXIF block (a TIFF structure) without its header, or empty
    icc, xmp, dpi : as in `Metadata`
    xmp_extension : what a JPEG's XMP goes on with in segments of its own, put together, or empty;
        no other format has that
    iptc : the IPTC-IIM records, or empty
    upright : the codes are upright already, whatever EXIF says of the orientation
    linear : None, or the codes are linear light (the largest integer code or 1.0 is white) and
        this (3, 3) matrix takes their primaries to linear sRGB; then `icc` is of no use
    cicp : colour primaries and transfer characteristics by ITU-T H.273, used where there is no
        `icc`; None where the file says nothing
    focal : focal length and principal point (x, y), pixels of the upright picture, by the
        file's own intrinsics; None where it has none
    format : name of the file format
    warnings : what was wrong with the file and could be lived with, a line each
    """

    codes: Codes
    alpha: Codes | None = None
    bit_depth: int = 8
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    xmp_extension: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None
    upright: bool = False
    linear: NDArray[np.float64] | None = None
    cicp: tuple[int, int] | None = None
    focal: tuple[float, float, float] | None = None
    format: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def grey(self) -> bool:
        return self.codes.ndim == 2

    @property
    def floating(self) -> bool:
        """Whether the file itself holds floating point; CIELAB of whole numbers is none."""
        return self.codes.dtype.kind == "f" and self.bit_depth > 8

    @property
    def inks(self) -> bool:
        return self.codes.ndim == 3 and self.codes.shape[2] == 4

    @property
    def height(self) -> int:
        return int(self.codes.shape[0])

    @property
    def width(self) -> int:
        return int(self.codes.shape[1])

    def with_alpha_last(self) -> Codes:
        """Colour and alpha in one array, (H, W) or (H, W, 2 to 4)."""
        return self.codes if self.alpha is None else np.dstack([self.codes, self.alpha])


def parted(codes: Codes) -> tuple[Codes, Codes | None]:
    """(H, W[, 1..4]) as colour and alpha."""
    if codes.ndim == 2 or codes.shape[2] == 3:
        return codes, None
    colour = codes[..., 0] if codes.shape[2] < 3 else codes[..., :3]
    return colour, codes[..., -1] if codes.shape[2] > 1 else None


def full_range(codes: Codes, bits: int) -> Codes:
    """Codes of any number of bits up to 16, spread over all of 8 or 16."""
    dtype, top = (np.uint8, 255) if bits <= 8 else (np.uint16, 65535)
    if bits in (8, 16):
        return codes.astype(dtype, copy=False)
    return _spread(codes, top / ((1 << bits) - 1), dtype)


def own_range(codes: Codes, bits: int) -> Codes:
    """The inverse of `full_range` for more than 8 bits: uint16 from 0 to 2^bits - 1."""
    return codes if bits == 16 else _spread(codes, ((1 << bits) - 1) / 65535, np.uint16)


def _spread(codes: Codes, factor: float, dtype: type) -> Codes:
    spread: Codes = np.empty(codes.shape, dtype)
    for top in range(0, len(codes), ROWS_AT_A_TIME):
        rows = slice(top, top + ROWS_AT_A_TIME)
        spread[rows] = codes[rows] * factor + 0.5
    return spread


def straight(codes: Codes, alpha: Codes, bits: int) -> Codes:
    """Straight colour codes (H, W[, 3]) from ones multiplied by `alpha` (H, W), whose full
    opacity is 2^bits - 1, or 1.0 of floating point; where there is none, they stay."""
    made: Codes = np.empty_like(codes)
    for top in range(0, len(codes), ROWS_AT_A_TIME):
        rows = slice(top, top + ROWS_AT_A_TIME)
        share = alpha[rows] if codes.ndim == 2 else alpha[rows][..., None]
        if codes.dtype.kind == "f":
            made[rows] = np.divide(codes[rows], share, out=codes[rows] * 1, where=share > 0)
        else:
            full = np.float32((1 << bits) - 1)
            whole = codes[rows].astype(np.float32) * full / np.maximum(share, 1)
            made[rows] = np.minimum(whole + np.float32(0.5), full)
    return made


def believable_dpi(dpi: tuple[Any, Any] | None) -> tuple[float, float] | None:
    """`dpi` as floats; None if it is missing or no resolution."""
    if dpi is None or not all(0 < float(value) < 1e6 for value in dpi):
        return None
    return float(dpi[0]), float(dpi[1])
