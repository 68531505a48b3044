"""What codes mean by the numbers that HEIC, AVIF and PNG name a colour space with.

ITU-T H.273 (primaries, transfer characteristics); ITU-R BT.2100 (PQ, HLG); ITU-R BT.2408
(diffuse white of 203 cd/m2, where 1.0 is here; highlights lie above).

The transfer characteristics of television cameras (1, 6, 14, 15) are taken as sRGB. They say
how a camera makes a signal, not how a display shows it; a display's curve is near to sRGB's,
and photos that carry these numbers were sRGB before an encoder gave them its default.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from depthfx.photo.colour import (
    D65,
    SAME_PRIMARIES,
    SIGNALS,
    SRGB,
    XYZ_TO_SRGB,
    Chromaticities,
    CurveSpace,
    Decoding,
    Floats,
    by_strips,
    luminance_of,
    primaries_to_xyz,
    srgb_space,
)
from depthfx.photo.photo import Pixels
from depthfx.photo.profiles import BT2020, LINEAR, P3, SRGB_CURVE, Curve, rgb_profile
from depthfx.photo.stored import Codes

ILLUMINANT_C = (0.310, 0.316)
PRIMARIES: dict[int, tuple[str, Chromaticities]] = {
    1: ("sRGB", SRGB),
    4: ("BT.470 M", ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), ILLUMINANT_C)),
    5: ("BT.601 625", ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65)),
    6: ("BT.601 525", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)),
    7: ("SMPTE 240M", ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65)),
    9: ("BT.2020", BT2020),
    11: ("DCI-P3", (*P3[:3], (0.314, 0.351))),
    12: ("Display P3", P3),
    22: ("EBU 3213", ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65)),
}
"""By H.273, table 2."""

CURVES: dict[int, tuple[str, Curve]] = {
    **dict.fromkeys((1, 6, 13, 14, 15), ("", SRGB_CURVE)),
    4: (", gamma 2.2", (2.2,)),
    5: (", gamma 2.8", (2.8,)),
    8: (", linear", LINEAR),
}
"""By H.273, table 3: what it adds to a profile's name, and the curve."""

UNSPECIFIED, PQ, HLG = 2, 16, 18
DIFFUSE_WHITE_CD_M2 = 203.0
HLG_PEAK_CD_M2 = 1000.0
HLG_GAMMA = 1.2
"""Of the display that HLG is made for (BT.2100, table 5)."""


def cicp_space(primaries: int, transfer: int, grey: bool = False) -> tuple[Decoding, bytes, str]:
    """The colour space of these numbers, a profile to write in, and a warning or "".

    grey : the codes have one channel

    The profile is empty for sRGB, and of standard dynamic range where the space is of high.
    What is unspecified is sRGB's; what is unknown is too, with a warning.
    """
    warning = ""
    if primaries not in PRIMARIES and primaries != UNSPECIFIED:
        warning = (
            f"names colour primaries by a number that is not known ({primaries}): taken as sRGB"
        )
    if transfer not in CURVES and transfer not in (UNSPECIFIED, PQ, HLG):
        warning = f"names a tone curve by a number that is not known ({transfer}): taken as sRGB"
    name, corners = PRIMARIES.get(primaries, PRIMARIES[1])
    added, curve = CURVES.get(transfer, CURVES[13])
    if transfer in (PQ, HLG):
        warning = (
            f"is HDR ({'PQ' if transfer == PQ else 'HLG'}): what is brighter than white is kept "
            "for effects and clipped when it is written in standard range"
        )
        light = _pq_light() if transfer == PQ else _hlg_light()
        curves = CurveSpace(light[:, None], None if transfer == HLG else _matrix(corners), grey)
        space: Decoding = curves if transfer == PQ else HlgSpace(curves, corners)
    else:
        space = _standard_space(corners, curve, grey)
    if grey or (corners == SRGB and curve == SRGB_CURVE):
        return space, b"", warning
    return space, rgb_profile(name + added, corners, curve), warning


@dataclass(frozen=True, eq=False)
class HlgSpace:
    """Hybrid log-gamma: camera light, made a display's by a power of luminance.

    curves : codes to camera light in the file's primaries, 0..1
    primaries : of the file
    """

    curves: CurveSpace
    primaries: Chromaticities

    def decode(self, codes: Codes) -> Pixels:
        pixels = self.curves.decode(codes)
        luminance = luminance_of(self.primaries).astype(np.float32)
        matrix = _matrix(self.primaries)

        def strip(rows: slice) -> None:
            scene = pixels[rows]
            level = np.maximum(scene @ luminance, 0) ** np.float32(HLG_GAMMA - 1)
            scene *= (level * np.float32(HLG_PEAK_CD_M2 / DIFFUSE_WHITE_CD_M2))[..., None]
            if matrix is not None:
                scene[...] = cv2.transform(scene, matrix)

        by_strips(strip, pixels)
        return pixels


@cache
def _standard_space(primaries: Chromaticities, curve: Curve, grey: bool) -> CurveSpace:
    matrix = None if grey else _matrix(primaries)
    if curve == SRGB_CURVE:
        return CurveSpace(srgb_space().curves, matrix, grey)
    return CurveSpace((_signals() ** curve[0])[:, None], matrix, grey)


def _matrix(primaries: Chromaticities) -> Floats | None:
    matrix = XYZ_TO_SRGB @ primaries_to_xyz(primaries)
    return None if np.abs(matrix - np.eye(3)).max() < SAME_PRIMARIES else matrix


def _signals() -> Floats:
    return np.linspace(0, 1, SIGNALS)


@cache
def _pq_light() -> Floats:
    """Light of PQ signals, 1 = diffuse white (BT.2100, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = _signals() ** (1 / m2)
    return 10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) / DIFFUSE_WHITE_CD_M2


@cache
def _hlg_light() -> Floats:
    """Camera light, 0..1, of HLG signals (BT.2100, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    signal = _signals()
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
