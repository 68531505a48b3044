"""CMYK codes, full ink = the largest, to light: by their profile, or by a press as there are many.

The press without a profile prints by the standard for coated paper. A screen dot of each ink
covers a share of the paper, enlarged by the dot gain; the dots of cyan, magenta and yellow
overlap by chance, so the light is the mean of the eight solid colours, weighted by how much of
the paper each covers (Demichel, Neugebauer); black lies over them all. Light is relative to the
paper, which becomes white.

ISO 12647-2:2004 (colours of solid inks on paper type 1, dot gain); H. E. J. Neugebauer,
"Die theoretischen Grundlagen des Mehrfarbenbuchdrucks", 1937.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo.colour import (
    D50_XYZ,
    XYZ_TO_SRGB,
    Decoding,
    Floats,
    by_strips,
    profile_kind,
    to_xyz,
)
from depthfx.photo.photo import Pixels
from depthfx.photo.stored import Codes

PAPER = (95.0, 0.0, -2.0)
SOLIDS: dict[tuple[int, ...], tuple[float, float, float]] = {
    (1, 0, 0): (55.0, -37.0, -50.0),
    (0, 1, 0): (48.0, 74.0, -3.0),
    (0, 0, 1): (91.0, -5.0, 93.0),
    (0, 1, 1): (47.0, 68.0, 48.0),
    (1, 0, 1): (50.0, -68.0, 33.0),
    (1, 1, 0): (20.0, 25.0, -49.0),
    (1, 1, 1): (18.0, 3.0, 0.0),
}
"""CIELAB (D50) of cyan, magenta, yellow inks and their overprints."""

BLACK = (16.0, 0.0, 0.0)
DOT_GAIN = 0.16
"""A dot of half the area covers so much more; of none or all, no more."""


@dataclass(frozen=True, eq=False)
class CmykProfileSpace:
    """A CMYK profile, media-relative: paper is white, and black ink as grey as it prints.

    The way back, which inks make a colour, is a printer's business.
    """

    icc: bytes

    def decode(self, codes: Codes) -> Pixels:
        pixels = np.empty((*codes.shape[:2], 3), np.float32)

        def strip(rows: slice) -> None:
            xyz = to_xyz(self.icc, codes[rows], "cmyk")
            pixels[rows] = xyz @ XYZ_TO_SRGB.T

        by_strips(strip, pixels)
        return pixels


class PressSpace:
    """CMYK without a profile."""

    def decode(self, codes: Codes) -> Pixels:
        pixels = np.empty((*codes.shape[:2], 3), np.float32)
        ink = np.linspace(0, 1, 256 if codes.dtype == np.uint8 else 65536)
        covered = (ink + 4 * DOT_GAIN * ink * (1 - ink)).astype(np.float32)
        black = np.float32(_relative_xyz(BLACK)[1])
        solids = _solid_colours()

        def strip(rows: slice) -> None:
            c, m, y, k = cv2.split(cv2.LUT(codes[rows], covered))
            shares = np.empty((*c.shape, 8), np.float32)
            for i, (with_c, with_m, with_y) in enumerate(product((False, True), repeat=3)):
                share = (c if with_c else 1 - c) * (m if with_m else 1 - m)
                shares[..., i] = share * (y if with_y else 1 - y)
            under = shares @ solids
            under *= (1 - k * (1 - black))[..., None]
            pixels[rows] = under

        by_strips(strip, pixels)
        return pixels


def cmyk_space(icc: bytes) -> Decoding:
    """What CMYK codes mean by this profile; if it is empty, by the press described above.

    `decode` takes (H, W, 4) uint8 or uint16.
    Raises PhotoError, in words that fit after "ICC profile", if it is none for CMYK or broken.
    """
    if not icc:
        return PressSpace()
    profile_kind(icc, ("CMYK",))
    ends = np.array(list(product((0, 255), repeat=4)), np.uint8)[None]
    if not np.isfinite(to_xyz(icc, ends, "cmyk")).all():
        raise PhotoError("has a table of what are no colours")
    return CmykProfileSpace(icc)


def _solid_colours() -> NDArray[np.float32]:
    """(8, 3) linear sRGB of paper and inks, yellow the fastest."""
    xyz = [_relative_xyz(SOLIDS.get(inks, PAPER)) for inks in product((0, 1), repeat=3)]
    return np.array([value * D50_XYZ @ XYZ_TO_SRGB.T for value in xyz], np.float32)


def _relative_xyz(lab: tuple[float, float, float]) -> Floats:
    """XYZ as shares of the paper's (CIE 15, 8.2.1)."""
    xyz: Any = _xyz_of_lab(lab) / _xyz_of_lab(PAPER)
    return np.asarray(xyz)


def _xyz_of_lab(lab: tuple[float, float, float]) -> Floats:
    lightness, a, b = lab
    f = (lightness + 16) / 116 + np.array([a / 500, 0, -b / 200])
    return np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
