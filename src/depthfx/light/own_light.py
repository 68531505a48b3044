"""The light that a photo was taken in, as far as the photo tells it.

Two places of one material differ only by the light they get. Pairs of pixels of the same
chromaticity are compared: the difference of their log luminances is laid against the one
that a key from some side over a fill from all around would give their normals, for many
sides and strengths; pairs that are two materials after all are outliers, and a robust loss
forgets them (S. Geman, D. E. McClure, "Statistical methods for tomographic image
reconstruction", 1987). The parts of the picture vote apart from each other as well: how far
they agree on the side is the confidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.normals import Normals
from depthfx.light.albedo import albedo_rows
from depthfx.light.lights import Vector
from depthfx.photo.colour import LUMINANCE
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area, resize_nearest

Array = NDArray[np.float32]

WORKING_PIXELS = 250_000
PAIRS = 16_000
SAME_CHROMATICITY = 0.05
"""Distance of r, g, b shares at which two pixels are as likely one material as two."""
SAME_MATERIAL = 0.25
"""Log luminance by which one material varies of itself; above, a pair is two materials."""
SUBJECT = 4.0
"""How much more a pair counts that lies on the subject: its light is asked for."""
DARK = 0.01
"""Luminance, as a share of white, below which noise and flare decide."""

BRIGHT_ALBEDO = 0.85
"""What the brighter surfaces of a picture (walls, paper, skin in the light) give back."""
JUMP = 0.04
"""Second difference of inverse depth, as a share of it, that is a jump."""
TRUST = 0.7
"""Share of the shading found that albedo is freed of; the rest counts as light from all around.

Found on rendered scenes: shading that was found wrongly does more harm than some that stays.
"""

SIDES = 256
USUAL_SIDE = (0.0, -0.6, -0.8)
"""Where a key is taken to be that nobody can see: above the camera."""
LOWEST, FARTHEST = 0.4, 0.7
"""How far down (y) and away behind the subject (z) a key is looked for.

Lamps, windows and the sun stand above; a key from behind shows on no surface that is seen.
What looks like either is a floor in the light or a dark wall.
"""
KEY_TO_FILL = np.array([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
LEANS = np.array([0.0, 0.3, 0.6])
"""How much more fill comes from above than from the side; the sky, a ceiling."""
VOTES = 8


@dataclass(frozen=True)
class OwnLight:
    """A key from one side and a fill from all around.

    towards_key : unit vector from the subject to the key, camera axes
    key, fill : linear RGB, what a white matte surface shows in each alone (facing the key)
    confidence : 0..1, how far the photo tells it
    lean : the fill that a surface with normal n gets is fill * (1 + lean . n)
    """

    towards_key: Vector
    key: Vector
    fill: Vector
    confidence: float = 0.0
    lean: Vector = (0.0, 0.0, 0.0)

    def trusted(self) -> OwnLight:
        """The same light with part of the key and of the lean as fill from all around.

        A surface that may face any side gets a quarter of the key in the mean.
        """

        def mixed(k: int) -> float:
            return self.fill[k] + (1 - TRUST) * self.key[k] / 4

        fill = (mixed(0), mixed(1), mixed(2))
        key = (TRUST * self.key[0], TRUST * self.key[1], TRUST * self.key[2])
        lean = (TRUST * self.lean[0], TRUST * self.lean[1], TRUST * self.lean[2])
        return replace(self, key=key, fill=fill, lean=lean)

    def table(self) -> Array:
        """(4, 3) float32: towards_key, lean, key, fill, as compiled loops read it."""
        return np.array([self.towards_key, self.lean, self.key, self.fill], np.float32)


def own_light(
    pixels: Pixels,
    inverse: Plane,
    normals: Normals,
    matte: Plane | None = None,
) -> OwnLight:
    """The light in `pixels` (H, W, 3), linear.

    inverse : (H, W) float32, 0 = sky; normals : (H, W, 3) unit vectors, camera axes
    matte : (H, W) 0..1, the subject, whose light counts most
    """
    shape = fit_within(inverse.shape, WORKING_PIXELS)
    small = np.maximum(resize_area(pixels, shape), 0)
    facing = resize_nearest(normals, shape)
    usable = _of_one_surface(resize_nearest(inverse, shape)) & _exposed(small)
    white = _white(small)
    subject = np.zeros(shape, np.float32) if matte is None else resize_area(matte, shape)
    pairs = _pairs(np.asarray(small / white, np.float32), facing, usable, subject)
    if pairs is None:
        return OwnLight(USUAL_SIDE, (0.0, 0.0, 0.0), (white, white, white))
    side, ratio, lean, confidence = _best(*pairs)
    table = np.array([side, (0, -lean, 0), (ratio,) * 3, (1,) * 3], np.float32)
    shade = _shade(facing, table)
    white = _white(np.asarray(small / shade[..., None], np.float32))
    key = float(ratio * white)
    return OwnLight(
        (float(side[0]), float(side[1]), float(side[2])),
        (key, key, key),
        (white, white, white),
        confidence,
        (0.0, float(-lean), 0.0),
    )


def albedo_of(pixels: Pixels, normals: Normals, own: OwnLight) -> Pixels:
    """(H, W, 3) float32 0..1: what share of each colour surfaces give back."""
    out = np.empty_like(pixels, np.float32)
    albedo_rows(np.ascontiguousarray(pixels, np.float32), normals, own.trusted().table(), out)
    return out


def _white(pixels: Array) -> float:
    """What a white surface shows, roughly: not the lamps, not a few lit things in the dark."""
    most, lamps = np.percentile(np.minimum(pixels, 1), [90, 99])
    return max(float(most), float(lamps) / 2, 1e-4) / BRIGHT_ALBEDO


def _of_one_surface(inverse: Array) -> NDArray[np.bool_]:
    """(H, W): not sky, and 2 px and more away from jumps of depth, where pixels are mixtures.

    Inverse depth is affine on planes, so its second difference tells jumps from slopes.
    """
    padded = cv2.copyMakeBorder(inverse, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    across = np.abs(padded[1:-1, 2:] - 2 * inverse + padded[1:-1, :-2])
    down = np.abs(padded[2:, 1:-1] - 2 * inverse + padded[:-2, 1:-1])
    jumps = np.maximum(across, down) > JUMP * inverse
    return (inverse > 0) & (cv2.dilate(jumps.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)


def _exposed(pixels: Array) -> NDArray[np.bool_]:
    """(H, W): neither lost in the dark nor blown out."""
    luminance = pixels @ LUMINANCE
    top = float(np.percentile(pixels.max(-1), 99.7))
    return (luminance > DARK / 2 * _white(pixels)) & (pixels.max(-1) < min(top, 0.98) + 1e-9)


def _shade(normals: Array, table: Array) -> Array:
    """(H, W): luminance of a white surface in the light of `table`."""
    facing = np.maximum(normals @ table[0], 0)
    return np.asarray(table[2, 1] * facing + table[3, 1] * (1 + normals @ table[1]), np.float32)


def _pairs(
    pixels: Array, normals: Array, usable: NDArray[np.bool_], subject: Array
) -> tuple[Array, Array, Array, Array] | None:
    """Normals (N, 3) of either place, difference of log luminance, weight; None: too few."""
    height, width = usable.shape
    # Places, distances and directions spread evenly (the sequence that M. Roberts calls R4).
    phi = 1.1673039782614187
    steps = (np.arange(1, PAIRS + 1)[:, None] / phi ** np.arange(1, 5)) % 1.0
    y, x = (steps[:, 0] * height).astype(int), (steps[:, 1] * width).astype(int)
    # As many near as far: 0.4 % of the diagonal to a tenth. Farther apart, places differ by
    # shadows and lamps more often than by the side they face.
    reach = 0.004 * 25 ** steps[:, 2] * math.hypot(height, width)
    angle = 2 * math.pi * steps[:, 3]
    v, u = (y + reach * np.sin(angle)).astype(int), (x + reach * np.cos(angle)).astype(int)
    inside = (v >= 0) & (v < height) & (u >= 0) & (u < width)
    y, x, v, u = y[inside], x[inside], v[inside], u[inside]
    good = usable[y, x] & usable[v, u]
    y, x, v, u = y[good], x[good], v[good], u[good]
    one, other = pixels[y, x], pixels[v, u]
    apart = ((_chromaticity(one) - _chromaticity(other)) ** 2).sum(-1)
    weight = np.exp(-apart / (2 * SAME_CHROMATICITY**2))
    kept = weight > 0.05
    weight = weight * (1 + SUBJECT * subject[y, x] * subject[v, u])
    if kept.sum() < PAIRS // 100:
        return None
    step = np.log(one @ LUMINANCE + DARK) - np.log(other @ LUMINANCE + DARK)
    return (
        normals[y, x][kept],
        normals[v, u][kept],
        step[kept].astype(np.float32),
        weight[kept].astype(np.float32),
    )


def _chromaticity(pixels: Array) -> Array:
    return np.asarray(pixels / (pixels.sum(-1, keepdims=True) + 2 * DARK), np.float32)


def _best(
    one: Array, other: Array, step: Array, weight: Array
) -> tuple[Array, float, float, float]:
    """The side of the key, key over fill, the fill's lean upwards, and the confidence."""
    sides = _sphere(SIDES)
    sides = sides[(sides[:, 1] < LOWEST) & (sides[:, 2] < FARTHEST)]
    loss = _losses(one, other, step, weight, sides, KEY_TO_FILL, LEANS)
    total = loss.sum(0)
    a, b, c = np.unravel_index(int(total.argmin()), total.shape)
    side = sides[a]
    if b == 0:  # no key at all
        return np.array(USUAL_SIDE, np.float32), 0.0, float(LEANS[c]), 0.0
    # The votes' best sides: as long a mean as they agree.
    votes = sides[loss[:, :, b, c].argmin(1)]
    confidence = float(np.linalg.norm(votes.mean(0)))
    return np.asarray(side, np.float32), float(KEY_TO_FILL[b]), float(LEANS[c]), confidence


def _sphere(number: int) -> NDArray[np.float64]:
    """(N, 3) directions spread evenly over all sides (a Fibonacci lattice)."""
    i = np.arange(number) + 0.5
    z = 1 - 2 * i / number
    turn, r = math.pi * (1 + math.sqrt(5)) * i, np.sqrt(1 - z * z)
    return np.stack([r * np.cos(turn), r * np.sin(turn), z], -1)


@njit(parallel=True, nogil=True, cache=True)
def _losses(
    one: Array,
    other: Array,
    step: Array,
    weight: Array,
    sides: NDArray[np.float64],
    ratios: NDArray[np.float64],
    leans: NDArray[np.float64],
) -> NDArray[np.float64]:  # pragma: no cover - compiled
    """(VOTES, sides, ratios, leans): the robust loss of each light, every 8th pair together."""
    loss = np.zeros((VOTES, len(sides), len(ratios), len(leans)))
    for a in prange(len(sides)):
        x, y, z = sides[a, 0], sides[a, 1], sides[a, 2]
        for n in range(len(step)):
            first = max(one[n, 0] * x + one[n, 1] * y + one[n, 2] * z, 0.0)
            second = max(other[n, 0] * x + other[n, 1] * y + other[n, 2] * z, 0.0)
            for b in range(len(ratios)):
                for c in range(len(leans)):
                    bright = 1 - leans[c] * one[n, 1] + ratios[b] * first
                    dim = 1 - leans[c] * other[n, 1] + ratios[b] * second
                    e = (step[n] - math.log(bright / dim)) / SAME_MATERIAL
                    loss[n % VOTES, a, b, c] += weight[n] * e * e / (1 + e * e)
    return loss
