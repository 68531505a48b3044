"""The pixels that several layers share, taken apart so that laid over each other they are whole.

T = a F + (1 - a) B, from the nearest layer to the farthest. What the layers look like close by, and
how much they vary there, says how likely an alpha is (beside what the matte says of it), and to
whom the rest goes that these colours do not explain: to the one that varies more, so that a clear
sky behind hair stays clear and the texture of a meadow stays in the meadow. What is behind
stays within the range of what is seen of it near by: a halo that was drawn along an outline goes
with what it is the outline of. Where the colour in front would be none that a file holds, alpha is
raised until it is one: at a = 1 it is T itself.

Y.-Y. Chuang et al., "A Bayesian approach to digital matting", CVPR 2001, with one spread for all
channels.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]
Alpha = NDArray[np.uint8]

MATTE_SIGMA = 0.12
"""By how much a matte is off where it may be doubted."""
LEAST_SIGMA = 1.5 / 255
"""Of a layer's colours, in the values in which layers blend."""
MOST_OFF = 2 * LEAST_SIGMA
"""By so much what is behind may leave its range."""
FAINT = 0.06
"""A matte that said nothing is not corrected by less."""
MOST_RAISED = 2 * MATTE_SIGMA
"""By so much alpha is raised at most to keep what is behind within its range."""
PASSES = 3
"""How likely a colour is depends on alpha itself: settled in so many rounds."""


@njit(cache=True, nogil=True, error_model="numpy")
def split(
    colour: Array,
    alpha: Alpha,
    doubted: NDArray[np.bool_],
    guess: Array,
    spread: Array,
    bounds: tuple[Array, Array],
    top: float,
) -> tuple[Array, Alpha]:  # pragma: no cover - compiled
    """The colours (N, n, 3) float32 of n layers, farthest first, at N pixels, and (N, n) alphas.

    colour : (N, 3) float32, what the pixel shows, in the values in which layers blend
    alpha : (N, n) uint8, each layer's over those behind it; 255 in the farthest
    doubted : (N, n) bool, where alpha may be corrected
    guess, spread : (N, n, 3) and (N, n) float32, what each layer looks like there, and the variance
        of that
    bounds : the least and the most of it, each (N, n, 3) float32
    top : of a file's values; the lowest is 0 (or the colour's own if that lies beyond)

    A layer that is not seen keeps its guess.
    """
    count, layers = alpha.shape
    out, alphas = guess.copy(), alpha.copy()
    rest, behind, floor, ceiling = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    least_of, most_of = bounds
    least = LEAST_SIGMA * LEAST_SIGMA
    for i in range(count):
        for c in range(3):
            rest[c] = colour[i, c]
        for k in range(layers - 1, -1, -1):
            a = alpha[i, k] / 255.0
            if k == 0 or (a >= 1 and not doubted[i, k]):
                for c in range(3):
                    out[i, k, c] = rest[c]
                break
            if a <= 0 and not doubted[i, k]:
                continue
            behind[:], floor[:], ceiling[:] = 0, 0, 0
            share, of_behind = 1.0, 0.0
            for j in range(k - 1, -1, -1):
                weight = share * (alpha[i, j] / 255.0 if j > 0 else 1.0)
                for c in range(3):
                    behind[c] += weight * guess[i, j, c]
                    floor[c] += weight * least_of[i, j, c]
                    ceiling[c] += weight * most_of[i, j, c]
                of_behind += weight * spread[i, j]
                share -= weight
            of_front = spread[i, k] + least
            of_behind += least
            if doubted[i, k]:
                a = _likeliest(rest, guess[i, k], behind, of_front, of_behind, a)
            a = math.ceil(255 * a - 0.5) / 255
            if a <= 0:
                alphas[i, k] = 0
                continue
            variance = a * a * of_front + (1 - a) * (1 - a) * of_behind
            needed, most = a, a + MOST_RAISED
            for c in range(3):
                low, high = min(rest[c], 0.0), max(rest[c], top)
                miss = rest[c] - a * guess[i, k, c] - (1 - a) * behind[c]
                b = behind[c] + miss * (1 - a) * of_behind / variance
                if most < 1:
                    least_b = max((rest[c] - most * high) / (1 - most), low)
                    most_b = min((rest[c] - most * low) / (1 - most), high)
                else:
                    least_b, most_b = low, high
                b = max(b, min(floor[c] - MOST_OFF, most_b))
                b = min(b, max(ceiling[c] + MOST_OFF, least_b))
                b = min(max(b, low), high)
                behind[c] = b
                # The least alpha at which what is in front lies within the range.
                if rest[c] < b:
                    needed = max(needed, (b - rest[c]) / (b - low))
                elif rest[c] > b and high < np.inf:
                    needed = max(needed, (rest[c] - b) / (high - b))
            a = min(math.ceil(255 * needed - 1e-3) / 255, 1.0)
            alphas[i, k] = np.uint8(round(255 * a))
            for c in range(3):
                if a >= 1:
                    out[i, k, c] = rest[c]
                    continue
                low, high = min(rest[c], 0.0), max(rest[c], top)
                front = min(max((rest[c] - (1 - a) * behind[c]) / a, low), high)
                out[i, k, c] = front
                rest[c] = min(max((rest[c] - a * front) / (1 - a), low), high)
            if a >= 1:
                break
    return out, alphas


@njit(cache=True, nogil=True, error_model="numpy")
def _likeliest(
    shown: NDArray[np.float64],
    front: Array,
    behind: NDArray[np.float64],
    of_front: float,
    of_behind: float,
    expected: float,
) -> float:  # pragma: no cover - compiled
    """Alpha by what the matte expected and by the colours, where they ask for more.

    Not for less: a hole in the subject is worse than a speck of background that comes along.
    """
    along = apart = 0.0
    for c in range(3):
        step = front[c] - behind[c]
        along += (shown[c] - behind[c]) * step
        apart += step * step
    trust = 1.0 / (MATTE_SIGMA * MATTE_SIGMA)
    a = expected
    for _ in range(PASSES):
        variance = a * a * of_front + (1 - a) * (1 - a) * of_behind
        a = (along / variance + expected * trust) / (apart / variance + trust)
        a = min(max(a, 0.0), 1.0)
    return expected if expected <= 0 and a < FAINT else max(a, expected)
