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
NARROW = 0.1
"""What is averaged in the end differs by no more than this share from the elected value."""
SHARES = 512
"""Steps in which a value's frequency is told when its votes are divided by it."""


def mode_filter(
    guide: Array,
    surface: NDArray[np.float32],
    where: Mask,
    *,
    radius: float,
    sigma: float,
    colour_sigma: float,
    rarity: float = 0.0,
) -> NDArray[np.float32]:
    """The value that most neighbours like each pixel have, `where` it is asked for.

    guide : (H, W, 3) float32 encoded picture
    surface : (H, W, 4) float32: value >= 0, its slope per pixel right and down, trust.
        A neighbour votes for what its plane gives at the pixel.
    radius, sigma : in pixels, of the window and of the Gaussian of distance
    colour_sigma : of the likeness of colours, in the guide's unit: a Gaussian but for its
        tail, (1 - d^2 / 16 sigma^2)^8, and 0 from 4 sigma on
    rarity : 0 counts votes; 1 divides them by how often that value occurs around, so
        that a thin thing is not outvoted by the more of background beside it

    Returns a surface like the one given, trust 1 where it was filtered.
    """
    step = max(1, math.ceil(radius / 4 - 0.01))
    offset = step * np.arange(-max(1, round(radius / step)), max(1, round(radius / step)) + 1)
    down, right = (a.ravel() for a in np.meshgrid(offset, offset, indexing="ij"))
    nearness = np.exp(-0.5 * (down**2 + right**2) / sigma**2)
    share = (np.arange(SHARES) + 0.5) / SHARES
    return _mode(
        guide,
        np.ascontiguousarray(surface),
        where,
        down,
        right,
        nearness.astype(np.float32),
        np.float32(1 / (16 * colour_sigma**2)),
        ((share + 0.02) ** -rarity).astype(np.float32),
    )


@njit(parallel=True, fastmath=True, cache=True)
def _mode(
    guide: Array,
    surface: NDArray[np.float32],
    where: Mask,
    down: NDArray[np.int64],
    right: NDArray[np.int64],
    nearness: Array,
    per_colour: np.float32,
    discount: Array,
) -> NDArray[np.float32]:  # pragma: no cover - compiled
    height, width = where.shape
    size = nearness.size
    zero, one = np.float32(0), np.float32(1)
    out = surface.copy()
    for y in prange(height):
        # Of the neighbours: value, slopes, prior, weight. Arrays, so that the arithmetic
        # on them is done for several at a time.
        seen = np.empty((5, size), np.float32)
        value, right_slope, down_slope, prior, weight = seen
        ballot = np.empty((BINS + 3, 2), np.float32)
        for x in range(width):
            if not where[y, x]:
                continue
            red, green, blue = guide[y, x]
            for n in range(size):
                v = min(max(y + down[n], 0), height - 1)
                u = min(max(x + right[n], 0), width - 1)
                r, g, b = guide[v, u, 0] - red, guide[v, u, 1] - green, guide[v, u, 2] - blue
                weight[n] = r * r + g * g + b * b
                q, prior[n] = surface[v, u, 0], surface[v, u, 3]
                right_slope[n], down_slope[n] = surface[v, u, 1], surface[v, u, 2]
                here = q - right_slope[n] * (u - x) - down_slope[n] * (v - y)
                value[n] = max(here, np.float32(0.5) * q)
            low, high, everyone = np.float32(np.inf), zero, zero
            for n in range(size):
                low, high = min(low, value[n]), max(high, value[n])
                prior[n] *= nearness[n]
                everyone += prior[n]
                like = max(one - per_colour * weight[n], zero) ** 2
                weight[n] = prior[n] * (like * like) * (like * like)
            out[y, x, 3] = 1
            # Of what is as good as infinitely far the bins would be too narrow to be told apart.
            if high - low <= max(np.float32(1e-6) * high, np.float32(1e-20)):
                continue
            per_unit = np.float32(BINS * 0.9999) / (high - low)
            _vote(value, weight, prior, low, per_unit, ballot)
            middle = low + (_elect(ballot, everyone, discount) - np.float32(0.5)) / per_unit
            total, q = np.float32(1e-30), zero
            for n in range(size):
                apart = abs(value[n] - middle) * per_unit
                share = weight[n] * max(one - apart / np.float32(1.5), zero)
                total += share
                q += share * value[n]
            if total <= np.float32(1e-20):
                continue
            # A bin may hold two surfaces where all are far from a third: the mean of what
            # is near its mean is one of them.
            middle = q / total
            per_unit = one / (np.float32(NARROW) * middle + np.float32(1e-6) * high)
            total, q, across, along = np.float32(1e-30), zero, zero, zero
            for n in range(size):
                share = weight[n] * max(one - abs(value[n] - middle) * per_unit, zero)
                total += share
                q += share * value[n]
                across += share * right_slope[n]
                along += share * down_slope[n]
            if total > np.float32(1e-20):
                out[y, x, 0] = q / total
                out[y, x, 1], out[y, x, 2] = across / total, along / total
    return out


@njit(fastmath=True, cache=True)
def _vote(
    value: Array,
    weight: Array,
    prior: Array,
    low: np.float32,
    per_unit: np.float32,
    ballot: NDArray[np.float32],
) -> None:  # pragma: no cover - compiled
    """Sum weights and priors by value, in bins from `low`; each is shared by the two nearest."""
    ballot[:] = 0
    for n in range(value.size):
        place = (value[n] - low) * per_unit + np.float32(0.5)
        i = np.uint32(place)
        upper = place - np.float32(i)
        ballot[i + 1, 0] += weight[n] * upper
        ballot[i, 0] += weight[n] - weight[n] * upper
        ballot[i + 1, 1] += prior[n] * upper
        ballot[i, 1] += prior[n] - prior[n] * upper


@njit(fastmath=True, cache=True)
def _elect(
    ballot: NDArray[np.float32], everyone: np.float32, discount: Array
) -> np.float32:  # pragma: no cover - compiled
    """The bin with most votes, its neighbours counted by half."""
    half = np.float32(0.5)
    per_share = np.float32(SHARES - 1) / max(everyone, np.float32(1e-30))
    best, most = 1, np.float32(-1)
    votes_below, there_below = np.float32(0), np.float32(0)
    for i in range(BINS + 2):
        votes = ballot[i, 0] + half * (votes_below + ballot[i + 1, 0])
        there = ballot[i, 1] + half * (there_below + ballot[i + 1, 1])
        votes_below, there_below = ballot[i, 0], ballot[i, 1]
        votes *= discount[np.uint32(there * per_share)]
        if votes > most:
            best, most = i, votes
    return np.float32(best)
