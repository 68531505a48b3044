"""The colour of a light, as lamps and gels are called: kelvin, #rrggbb or a name.

A temperature is that of a black body (Planck's law, seen by the CIE 1931 observer in the
analytic form of C. Wyman, P. Sloan, P. Shirley, JCGT 2(2), 2013); the daylight of the same
temperature is a trace greener, which no gel or lamp keeps to. A photo is taken to be balanced
for photographic daylight, 5600 K, which is what flashes have: that light is neutral in it, and
others are as warm or cold as a camera set to "daylight" shows them (von Kries adaptation in
Bradford's space, ICC.1:2022 annex E).
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.light.lights import Colour
from depthfx.photo.colour import LUMINANCE, XYZ_TO_SRGB, adapted_to_d50, srgb_to_linear

COLDEST_K, HOTTEST_K = 1000.0, 40_000.0
BALANCE_K = 5600.0
STRONGEST = 3.0
"""Of a channel where the luminance is 1: purer colours are darker than that, as behind gels."""
SECOND_RADIATION_NM_K = 1.438776877e7
"""hc / k of Planck's law."""

LOBES = (
    # weight, middle in nm, width in nm below and above it; of x, y and z
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)


def _filtered(mired: float) -> str:
    """What a gel that shifts by so many mired makes of a flash."""
    return f"{round(1e6 / (1e6 / BALANCE_K + mired))}K"


NAMED = {
    "candle": "1900K",
    "sunset": "2500K",
    "bulb": "2800K",
    "tungsten": "3200K",
    "golden": "3400K",
    "moon": "7500K",
    "daylight": "5600K",
    "flash": "5600K",
    "neutral": "5600K",
    "cloudy": "6500K",
    "shade": "7500K",
    "dusk": "12000K",
    "cto": _filtered(159),
    "half-cto": _filtered(109),
    "quarter-cto": _filtered(64),
    "ctb": _filtered(-137),
    "half-ctb": _filtered(-78),
    "quarter-ctb": _filtered(-35),
    "red": "#ff3a2a",
    "amber": "#ffa230",
    "yellow": "#ffe04a",
    "green": "#5cff6a",
    "teal": "#3fd8d0",
    "cyan": "#5ae4ff",
    "blue": "#4a7dff",
    "purple": "#a860ff",
    "magenta": "#ff4ad0",
    "pink": "#ff9ac0",
}
"""Lamps and times of day; gels for colour correction on a flash, by the mired shifts that their
makers give; and colours of gels for effect, none of them as pure as the screen's own."""

_KELVIN = re.compile(r"(\d+\.?\d*)k", re.IGNORECASE)
_HEX = re.compile(r"#([0-9a-f]{6})", re.IGNORECASE)


def is_colour(text: str) -> bool:
    """Whether `text` looks like a colour; it may still be out of range."""
    return text.lower() in NAMED or bool(_KELVIN.fullmatch(text) or _HEX.fullmatch(text))


def light_colour(text: str) -> Colour:
    """Linear sRGB of luminance 1 from "3200K", "#ffb060" or a name of `NAMED`.

    No channel is above `STRONGEST`; a colour purer than that allows has less luminance. Raises
    ParameterError, one line with what is expected.
    """
    known = NAMED.get(text.lower(), text)
    if match := _KELVIN.fullmatch(known):
        kelvin = float(match[1])
        if not COLDEST_K <= kelvin <= HOTTEST_K:
            raise ParameterError(f"{text} is outside {COLDEST_K:g}K to {HOTTEST_K:g}K")
        return kelvin_colour(kelvin)
    linear = hex_colour(known)
    if linear is not None:
        if not any(linear):
            raise ParameterError(f"{text} is black, which is no colour of a light")
        return _of_luminance_one(np.array(linear))
    raise ParameterError(
        f"{text!r} is no colour of a light; expected one like 3200K, #ffb060 or {', '.join(NAMED)}"
    )


def hex_colour(text: str) -> Colour | None:
    """Linear sRGB of "#rrggbb"; None if `text` is none."""
    match = _HEX.fullmatch(text)
    if match is None:
        return None
    codes = np.array([int(match[1][k : k + 2], 16) for k in (0, 2, 4)])
    red, green, blue = (float(value) for value in srgb_to_linear(codes / 255))
    return red, green, blue


def kelvin_colour(kelvin: float) -> Colour:
    """Linear sRGB of luminance 1 of a black body; 5600 K is (1, 1, 1). 1000 to 40 000 K."""
    matrix = XYZ_TO_SRGB @ adapted_to_d50(_white(BALANCE_K))
    # The reddest and bluest lights lie outside sRGB.
    return _of_luminance_one(np.maximum(matrix @ _black_body(kelvin), 0))


def _of_luminance_one(linear: NDArray[np.float64]) -> Colour:
    scaled = linear / float(linear @ LUMINANCE.astype(np.float64))
    red, green, blue = scaled * min(1.0, STRONGEST / float(scaled.max()))
    return float(red), float(green), float(blue)


@cache
def _white(kelvin: float) -> tuple[float, float]:
    """CIE x, y of a black body."""
    xyz = _black_body(kelvin)
    return float(xyz[0] / xyz.sum()), float(xyz[1] / xyz.sum())


def _black_body(kelvin: float) -> NDArray[np.float64]:
    """(3,) XYZ of a black body, Y = 1."""
    nm = np.arange(360.0, 831.0, 5.0)
    # By the mean wavelength, so that nothing under- or overflows.
    power = (560.0 / nm) ** 5 * np.exp(-SECOND_RADIATION_NM_K / kelvin * (1 / nm - 1 / 560.0))
    power /= -np.expm1(-SECOND_RADIATION_NM_K / (kelvin * nm))
    xyz = np.array([float((_response(lobes, nm) * power).sum()) for lobes in LOBES])
    return xyz / xyz[1]


def _response(
    lobes: tuple[tuple[float, float, float, float], ...], nm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The observer's response as a sum of Gaussian lobes that have two widths each."""
    total = np.zeros_like(nm)
    for weight, middle, below, above in lobes:
        width = np.where(nm < middle, below, above)
        total += weight * np.exp(-0.5 * ((nm - middle) / width) ** 2)
    return total
