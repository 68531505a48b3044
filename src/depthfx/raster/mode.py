"""Edges found by vote: each pixel takes the value that most pixels like it have.

A mean over an edge gives values that exist on neither side; the mode of the
neighbours' values, weighed by likeness of colour and by nearness, does not. Values
may slope: a neighbour votes for what its own plane gives here.

D. Min, J. Lu, M. N. Do, "Depth Video Enhancement Based on Weighted Mode Filtering",
IEEE TIP 21(3), 2012; the division by how often a value occurs is Bayes' rule with a
tempered prior.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

BINS = 24


def mode_filter(
    guide: Array,
    surface: NDArray[np.float32],
    where: Mask,
    *,
    radius: float,
    sigma: float,
    colour_sigma: float,
    rarity: float = 0.0,
    bias: float = 0.0,
) -> NDArray[np.float32]:
    """The value that most neighbours like each pixel have, `where` it is asked for.

    guide : (H, W, 3) float32 encoded picture
    surface : (H, W, 4) float32: value >= 0, its slope per pixel right and down, trust.
        A neighbour votes for what its plane gives at the pixel.
    radius, sigma : in pixels, of the window and of the Gaussian of distance
    colour_sigma : Gaussian of colour, in the guide's unit
    rarity : 0 counts votes; 1 divides them by how often that value occurs around, so
        that a thin thing is not outvoted by the more of background beside it
    bias : how much more a vote for the largest value weighs than one for 0

    Returns a surface like the one given, trust 1 where it was filtered.
    """
    step = max(1, math.ceil(radius / 4 - 0.01))
    reach = max(1, round(radius / step)) * step
    return _mode(
        guide,
        np.ascontiguousarray(surface),
        where,
        reach,
        step,
        np.float32(sigma),
        np.float32(colour_sigma),
        np.float32(rarity),
        np.float32(bias),
    )


@njit(parallel=True, fastmath=True, cache=True)
def _mode(
    guide: Array,
    surface: NDArray[np.float32],
    where: Mask,
    reach: int,
    step: int,
    sigma: np.float32,
    colour_sigma: np.float32,
    rarity: np.float32,
    bias: np.float32,
) -> NDArray[np.float32]:  # pragma: no cover - compiled
    height, width = where.shape
    out = surface.copy()
    side = 2 * (reach // step) + 1
    per_colour = np.float32(-0.5) / (colour_sigma * colour_sigma)
    offset = np.arange(-reach, reach + 1, step)
    nearness = np.exp(np.float32(-0.5) * (offset / sigma) ** 2).astype(np.float32)
    for y in prange(height):
        value = np.empty(side * side, np.float32)
        weight = np.empty(side * side, np.float32)
        prior = np.empty(side * side, np.float32)
        ballot = np.empty((2, BINS + 2), np.float32)
        for x in range(width):
            if not where[y, x]:
                continue
            low, high, n = np.float32(np.inf), np.float32(0), 0
            for j in range(side):
                v = min(max(y + offset[j], 0), height - 1)
                for i in range(side):
                    u = min(max(x + offset[i], 0), width - 1)
                    red = guide[v, u, 0] - guide[y, x, 0]
                    green = guide[v, u, 1] - guide[y, x, 1]
                    blue = guide[v, u, 2] - guide[y, x, 2]
                    unlike = per_colour * (red * red + green * green + blue * blue)
                    prior[n] = surface[v, u, 3] * nearness[j] * nearness[i]
                    weight[n] = prior[n] * np.exp(unlike)
                    q = surface[v, u, 0]
                    here = q - surface[v, u, 1] * (u - x) - surface[v, u, 2] * (v - y)
                    value[n] = max(here, np.float32(0.5) * q)
                    low, high = min(low, value[n]), max(high, value[n])
                    n += 1
            out[y, x, 3] = 1
            if high - low <= np.float32(1e-6) * high:
                continue
            middle, halfwidth = _elect(value, weight, prior, low, high, rarity, bias, ballot)
            total, q, right, down = np.float32(1e-30), np.float32(0), np.float32(0), np.float32(0)
            for n in range(side * side):
                share = weight[n] * max(1 - abs(value[n] - middle) / halfwidth, np.float32(0))
                if share > 0:
                    v = min(max(y + offset[n // side], 0), height - 1)
                    u = min(max(x + offset[n % side], 0), width - 1)
                    total += share
                    q += share * value[n]
                    right += share * surface[v, u, 1]
                    down += share * surface[v, u, 2]
            if total > np.float32(1e-20):
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = q / total, right / total, down / total
    return out


@njit(fastmath=True, cache=True)
def _elect(
    value: Array,
    weight: Array,
    prior: Array,
    low: np.float32,
    high: np.float32,
    rarity: np.float32,
    bias: np.float32,
    ballot: NDArray[np.float32],
) -> tuple[np.float32, np.float32]:  # pragma: no cover - compiled
    """Middle and half width of the bin with most votes, of `BINS` from low to high."""
    per_unit = np.float32(BINS * 0.9999) / (high - low)
    ballot[:] = 0
    everyone = np.float32(0)
    for n in range(value.size):
        place = (value[n] - low) * per_unit + np.float32(0.5)
        i = int(place)
        upper = place - i
        ballot[0, i] += weight[n] * (1 - upper)
        ballot[0, i + 1] += weight[n] * upper
        ballot[1, i] += prior[n] * (1 - upper)
        ballot[1, i + 1] += prior[n] * upper
        everyone += prior[n]
    forward = bias * (high - low) / (high * BINS)
    best, most = 1, np.float32(-1)
    for i in range(BINS + 2):
        below, above = max(i - 1, 0), min(i + 1, BINS + 1)
        votes = ballot[0, i] + np.float32(0.5) * (
            ballot[0, below] * (i > 0) + ballot[0, above] * (i <= BINS)
        )
        if votes <= 0:
            continue
        votes *= 1 + forward * i
        if rarity > 0:
            there = ballot[1, i] + np.float32(0.5) * (
                ballot[1, below] * (i > 0) + ballot[1, above] * (i <= BINS)
            )
            votes /= (there / everyone + np.float32(0.02)) ** rarity
        if votes > most:
            best, most = i, votes
    return low + (best - np.float32(0.5)) / per_unit, np.float32(1.5) / per_unit
