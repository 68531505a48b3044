"""Film grain, made new: as much of it, and as coarse, as depth says.

Grain is a noise of the film's density: its clumps have a size on the film, so here a share of the
picture's diagonal, and it shows most in the middle tones and hardly in deep black and bright
white. Made of white noise, filtered by a Gaussian (A. Newson et al., "Realistic Film Grain
Rendering", IPOL 7, 2017, derive the same spectrum for many small grains), and averaged over each
pixel: a small picture shows as much less of it as a print of that size does.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.photo.colour import by_strips
from depthfx.photo.photo import Pixels

Array = NDArray[np.float32]

DEVIATION = 0.04
"""Standard deviation at strength 1 of the square root of light in middle tones."""
SIZE = 1 / 5400
"""Standard deviation of a clump at size 1, as a share of the diagonal: 8 micrometres on 35 mm."""
LAYERS = 0.35
"""Share of the variance that the three layers of a colour film do not have in common."""
LARGEST_DEVIATE = 3.0
"""Noise is cut off at so many standard deviations, so that light never falls below zero."""
TILE_PX = (512, 487)
"""Sides of the two periodic tiles of noise; together they repeat after 249 344 px."""
LEAST_TILES = 24
"""A tile is at least so many clumps wide."""
TABLE = 256
"""Steps of the table of strength by the square root of light."""
SHADOW_SHARE = 0.25
"""What the shadows have of it at least, of the middle tones' share: black film is not smooth."""


def grainy(
    pixels: Pixels,
    nearness: Plane,
    *,
    near: float,
    far: float,
    near_size: float = 1.0,
    far_size: float = 1.0,
    colour: float = 1.0,
    seed: int = 0,
) -> Pixels:
    """`pixels` (H, W, 3), linear light, with grain.

    nearness : (H, W) float32 0..1, 1 where `near` and `near_size` hold, 0 where `far` and
        `far_size` do
    near, far : strength, 1 is that of a fast film
    near_size, far_size : of the clumps, 1 is about 8 micrometres on 35 mm film
    colour : 0 for the same grain in all channels, 1 for a colour film's
    seed : another seed, other grain; also another photo has other grain

    Returns (H, W, 3) float32 of the same mean, within the cut at black. With no strength it is
    `pixels`, the very object.
    """
    if not (near or far) or not nearness.size:
        return pixels
    diagonal = math.hypot(*nearness.shape)
    random = np.random.default_rng([seed, content_number(pixels)])
    tiles, strengths = [], []
    for strength, size in ((near, near_size), (far, far_size)):
        sigma_px = size * SIZE * diagonal
        tiles += [_tile(side, sigma_px, colour, random) for side in TILE_PX]
        strengths.append(strength * DEVIATION * _left_in_pixels(sigma_px))
    amount = np.array(strengths, np.float32)
    out = np.empty(pixels.shape, np.float32)
    tones = tone_shares()

    def strip(rows: slice) -> None:
        _add(pixels[rows], nearness[rows], rows.start, amount, tones, *tiles, out[rows])

    by_strips(strip, out)
    return out


def content_number(pixels: Pixels) -> int:
    """A number that follows from what a picture shows, the same on every machine."""
    step = max(1, round(math.sqrt(pixels.size / 3 / 10_000)))
    return zlib.crc32(np.ascontiguousarray(pixels[::step, ::step]).tobytes())


def tone_shares() -> Array:
    """(TABLE + 1,) strength of the grain by the square root of light, 1 in the middle tones."""
    root = np.arange(TABLE + 1) / TABLE
    bell = 4 * root * (1 - root)
    shadows = np.where(root < 0.5, SHADOW_SHARE + (1 - SHADOW_SHARE) * bell, bell)
    return shadows.astype(np.float32)


def _left_in_pixels(sigma_px: float) -> float:
    """Share of the deviation of noise of that size that its mean over a pixel has.

    The noise's correlation exp(-d^2 / 4 sigma^2), averaged over all pairs of places in the
    pixel: the integral of 2 (1 - d) exp(-d^2 / 4 sigma^2) from 0 to 1 for each side.
    """
    s = 2 * sigma_px
    if s > 100:
        return 1.0
    # Of one side: squared for two sides, and the root of that.
    return s * math.sqrt(math.pi) * math.erf(1 / s) + s * s * math.expm1(-1 / (s * s))


def _tile(side: int, sigma_px: float, colour: float, random: np.random.Generator) -> Array:
    """(side, side, 3) periodic noise of mean 0 and deviation sqrt(1/2): two make 1."""
    # Averaged over pixels the clumps are wider by a pixel's own deviation, 1 / sqrt(12).
    sigma = min(math.sqrt(sigma_px**2 + 1 / 24), side / LEAST_TILES)
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    gain = np.exp(-2 * (math.pi * sigma) ** 2 * (down**2 + across**2))
    white = random.standard_normal((4, side, side), np.float32)
    noise = np.fft.irfft2(np.fft.rfft2(white) * gain, (side, side))
    noise /= np.maximum(noise.std((1, 2), keepdims=True), 1e-9)
    own = LAYERS * colour
    tile = math.sqrt(1 - own) * noise[:1] + math.sqrt(own) * noise[1:]
    tile = np.clip(np.moveaxis(tile, 0, -1), -LARGEST_DEVIATE, LARGEST_DEVIATE)
    tile -= tile.mean((0, 1))
    return np.asarray(tile / (np.maximum(tile.std((0, 1)), 1e-9) * math.sqrt(2)), np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def _add(
    pixels: Array,
    nearness: Array,
    top: int,
    amount: Array,
    tones: Array,
    near_one: Array,
    near_two: Array,
    far_one: Array,
    far_two: Array,
    out: Array,
) -> None:  # pragma: no cover - compiled
    """Rows of the result; `top` is which row of the picture the first of them is."""
    zero, one, steps = np.float32(0), np.float32(1), np.float32(TABLE)
    largest = max(
        np.abs(near_one).max() + np.abs(near_two).max(),
        np.abs(far_one).max() + np.abs(far_two).max(),
    )
    side, other = near_one.shape[0], near_two.shape[0]
    for y in range(pixels.shape[0]):
        v, w = (y + top) % side, (y + top) % other
        for x in range(pixels.shape[1]):
            i, j = x % side, x % other
            share = nearness[y, x]
            rest = one - share
            # Two independent grains, mixed so that their variance is that of the mixture.
            norm = one / np.sqrt(share * share + rest * rest)
            strength = norm * (share * amount[0] + rest * amount[1])
            for c in range(3):
                # Written so that NaN counts as black: it may not choose an entry.
                light = pixels[y, x, c] if pixels[y, x, c] > zero else zero
                root = np.sqrt(min(light, one))
                noise = share * (near_one[v, i, c] + near_two[w, j, c])
                noise += rest * (far_one[v, i, c] + far_two[w, j, c])
                size = strength * tones[int(root * steps)]
                # d(root^2) = 2 root d(root); no more than there is light, so the mean is kept.
                size = min(np.float32(2) * root * size, light / largest)
                out[y, x, c] = pixels[y, x, c] + size * noise
