"""Grading: exposure, balance, contrast, saturation and a colour table, one look near, one far.

The hand controls act on linear light, a table on the sRGB signal, as tables for photos and
finished video expect it (those for a camera's log signal do not fit). What a table does to a
colour is added to it as a difference of light, so colours above white or outside sRGB keep what
they are beyond the table's border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.light.kelvin import BALANCE_K, kelvin_colour
from depthfx.photo.colour import LUMINANCE, linear_to_srgb, srgb_to_linear
from depthfx.raster.cube import ColourTable, look_up

Array = NDArray[np.float32]

STEPS = 4096
"""Steps of the tables of the sRGB curve, by the square root of light and by signal: straight
lines between them are within 1e-6 of it."""
TINT_STOPS = 0.5
"""Stops of green that a tint of 1 takes."""
BLACK_CUBE = np.zeros((0, 0, 0, 3), np.float32)
RED, GREEN, BLUE = (np.float32(value) for value in LUMINANCE)


@dataclass(frozen=True, eq=False)
class Look:
    """What is done to colours.

    exposure : stops; contrast, saturation : -1..1, share of an S-curve, and of the distance from
        grey that is added
    kelvin : shift of the temperature the photo is developed for, from `BALANCE_K`: above 0 warmer
    tint : -1..1, above 0 magenta, below 0 green
    table : applied last
    """

    exposure: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    kelvin: float = 0.0
    tint: float = 0.0
    table: ColourTable | None = None

    @property
    def plain(self) -> bool:
        """Whether it leaves all as it is."""
        hand = self.exposure, self.contrast, self.saturation, self.kelvin, self.tint
        return not any(hand) and self.table is None

    def gains(self) -> Array:
        """(3,) of exposure and balance, on linear red, green and blue."""
        balance = np.ones(3)
        if self.kelvin:
            balance = 1 / np.array(kelvin_colour(BALANCE_K + self.kelvin))
        balance[1] *= 2.0 ** (-TINT_STOPS * self.tint)
        # Grey stays as light as it is: balance is no exposure.
        balance /= balance @ LUMINANCE.astype(np.float64)
        return (balance * 2.0**self.exposure).astype(np.float32)


def graded(colours: Array, look: Look) -> Array:
    """`colours` (N, 3) float32, linear light, in that look; bit for bit the same in a plain one."""
    if look.plain:
        return colours
    solid, domain = BLACK_CUBE, np.zeros((2, 3), np.float32)
    if look.table is not None:
        solid, domain = np.ascontiguousarray(look.table.solid), look.table.domain
    out = np.empty(colours.shape, np.float32)
    tones = np.array([look.contrast, 1 + look.saturation], np.float32)
    encode, decode = _curves()
    _graded(np.ascontiguousarray(colours), look.gains(), tones, solid, domain, encode, decode, out)
    return out


def _curves() -> tuple[Array, Array]:
    """Signal by the square root of light, light by signal, both in `STEPS` steps from 0 to 1."""
    steps = np.arange(STEPS + 1) / STEPS
    return linear_to_srgb(steps**2).astype(np.float32), srgb_to_linear(steps).astype(np.float32)


@njit(cache=True, nogil=True, inline="always")
def _read(curve: Array, place: np.float32) -> np.float32:  # pragma: no cover - compiled
    """`curve` at a place from 0 to 1."""
    place *= np.float32(STEPS)
    i = min(int(place), STEPS - 1)
    return curve[i] + (place - np.float32(i)) * (curve[i + 1] - curve[i])


@njit(cache=True, nogil=True)
def _light(decode: Array, signal: np.float32) -> np.float32:  # pragma: no cover - compiled
    """Of a signal; tables may answer beyond 0 and 1."""
    if signal <= np.float32(0):
        return signal / np.float32(12.92)
    if signal > np.float32(1):
        return ((signal + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return _read(decode, signal)


@njit(cache=True, nogil=True, error_model="numpy")
def _graded(
    colours: Array,
    gains: Array,
    tones: Array,
    solid: Array,
    domain: Array,
    encode: Array,
    decode: Array,
    out: Array,
) -> None:  # pragma: no cover - compiled
    zero, one = np.float32(0), np.float32(1)
    contrast, saturation = tones[0], tones[1]
    by_hand = contrast != zero or saturation != one
    code, found, rgb = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    for n in range(len(colours)):
        for c in range(3):
            rgb[c] = colours[n, c] * gains[c]
        if by_hand:
            grey = RED * rgb[0] + GREEN * rgb[1] + BLUE * rgb[2]
            tone = np.sqrt(max(grey, zero))
            gain = one
            if contrast != zero and tone < one:
                # (t + c (3 t^2 - 2 t^3 - t)) / t, squared as light is
                gain += contrast * (tone * (np.float32(3) - np.float32(2) * tone) - one)
                gain *= gain
            for c in range(3):
                value = grey + saturation * (rgb[c] - grey)
                # More vivid is no reason to be less than no light.
                rgb[c] = gain * max(value, min(rgb[c], zero))
        if solid.shape[0]:
            for c in range(3):
                inside = np.sqrt(min(max(rgb[c], zero), one))
                code[c] = min(max(_read(encode, inside), domain[0, c]), one)
            look_up(solid, domain, code, found)
            for c in range(3):
                rgb[c] += _light(decode, found[c]) - _light(decode, code[c])
        for c in range(3):
            out[n, c] = rgb[c]
