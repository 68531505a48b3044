"""The matte inside a trimap's unknown band, as the photo's own colours draw it.

In every 3 x 3 window the subject's colours are taken to lie on one line and the
background's on another; the matte there is then an affine function of colour. The one
that departs least from such a function everywhere, given the sure sides, solves a sparse
linear system, the matting Laplacian. Its rows are kept for the unknown pixels only, 100
bytes each; `strips` solves it, coarse to fine.

A. Levin, D. Lischinski, Y. Weiss, "A Closed-Form Solution to Natural Image Matting",
TPAMI 30(2), 2008.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ShapeError
from depthfx.matting.strips import factor_in_strips, solve_in_band
from depthfx.photo.colour import linear_to_srgb
from depthfx.raster.guided import apply_coefficients, guided_coefficients
from depthfx.raster.resample import encoded, fit_within, resize_area, resize_linear

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_PIXELS = 1e6
FLAT_VARIANCE = 1e-7
"""Of encoded colour, summed over a window: one varying less says nothing of the matte."""
LEVELS = 3
STEPS = 100
"""Of conjugate gradients at most, on each level."""
TOLERANCE = 1e-5
"""Where they stop: the residual's norm as a share of what the sure sides ask for."""


def matte_from_trimap(pixels: Pixels, trimap: NDArray[np.uint8]) -> Plane:
    """The subject's matte (H, W) float32 0..1: 0 and 1 where `trimap` is sure, solved between.

    pixels : (H, W, 3) float32, linear light
    trimap : (H, W) uint8, 0 background, 255 subject, anything between unknown

    Raises ShapeError if an array has the wrong shape or type.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    if trimap.shape != pixels.shape[:2] or trimap.dtype != np.uint8:
        raise ShapeError(
            f"trimap must be {pixels.shape[:2]} uint8 as the pixels are, "
            f"got {trimap.shape} {trimap.dtype}"
        )
    shape = fit_within(trimap.shape, WORKING_PIXELS)
    small = resize_area(pixels, shape)
    inner, outer = (
        resize_area((trimap == sure).astype(np.float32), shape) > 0.999 for sure in (255, 0)
    )
    # Only what the windows around unknown pixels see has to be coded.
    seen = cv2.dilate((~(inner | outer)).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    guide = np.zeros_like(small)
    guide[seen] = linear_to_srgb(small[seen])
    matte = closed_form(guide, inner, outer)
    if shape != trimap.shape:
        drawn = guided_coefficients(encoded(small), matte, 1, 1e-5)
        sides = inner.astype(np.float32), 1 - outer.astype(np.float32)
        matte = apply_coefficients(drawn, pixels, *sides)
    matte = np.clip(matte, 0, 1)
    matte[trimap == 255], matte[trimap == 0] = 1, 0
    return matte


def closed_form(
    guide: Pixels,
    inner: Mask,
    outer: Mask,
    prior: Plane | None = None,
    trust: float = 0.0,
    levels: int = LEVELS,
    steps: int = STEPS,
) -> Plane:
    """The matte (h, w), not clipped, 1 where `inner`, 0 where `outer`.

    guide : (h, w, 3) float32, encoded picture
    prior : (h, w) what the matte is expected to be between, weighed by `trust` against
        the colours
    """
    band = ~(inner | outer)
    sides = inner.astype(np.float32)
    if not band.any():
        return sides
    if levels > 1:
        start = _coarser(guide, inner, outer, prior, trust, levels, steps)
    else:
        start = np.full_like(sides, 0.5) if prior is None else prior
    rows, right = laplacian(guide, band, sides)
    if prior is not None:
        rows[:, 2, 2] += np.float32(trust)
        right += np.float32(trust) * prior[band]
    system = factor_in_strips(rows, band)
    sides[band] = solve_in_band(system, right, start[band], steps, TOLERANCE)
    return sides


def affine_in_colour(
    guide: Pixels, known: Plane, band: Mask, trust: float, steps: int = STEPS
) -> Callable[[Plane], Plane]:
    """A filter of planes (h, w) of any unit: locally affine in colour within `band`.

    guide : (h, w, 3) float32, encoded picture
    known : (h, w) what every plane is outside the band, and comes out as there
    trust : the weight of a plane's own values in the band against the colours

    Factors the system once, for all planes.
    """
    rows, right = laplacian(guide, band, known)
    rows[:, 2, 2] += np.float32(trust)
    system = factor_in_strips(rows, band)

    def drawn(plane: Plane) -> Plane:
        out, values = known.copy(), plane[band]
        out[band] = solve_in_band(
            system, right + np.float32(trust) * values, values, steps, TOLERANCE
        )
        return out

    return drawn


def _coarser(
    guide: Pixels,
    inner: Mask,
    outer: Mask,
    prior: Plane | None,
    trust: float,
    levels: int,
    steps: int,
) -> Plane:
    """The same at half the size, brought back."""
    shape = (inner.shape[0] + 1) // 2, (inner.shape[1] + 1) // 2
    subject, rest = (resize_area(side.astype(np.float32), shape) > 0.999 for side in (inner, outer))
    small = None if prior is None else resize_area(prior, shape)
    matte = closed_form(resize_area(guide, shape), subject, rest, small, trust, levels - 1, steps)
    return resize_linear(np.clip(matte, 0, 1), inner.shape)


@njit(cache=True)
def laplacian(
    guide: Pixels, band: Mask, known: Plane
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # pragma: no cover - compiled
    """The matting Laplacian at the N pixels of `band`, and what known values around add.

    Returns its rows (N, 5, 5), by place around the pixel and zero there for pixels outside
    the band, and (N,) the negated product of what stood there with the values `known`.
    """
    height, width = band.shape
    number = np.full((height, width), -1, np.int32)
    count = 0
    for y in range(height):
        for x in range(width):
            if band[y, x]:
                number[y, x] = count
                count += 1
    rows, right = np.zeros((count, 5, 5), np.float32), np.zeros(count, np.float32)
    apart = np.empty((9, 3))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            highest = -1
            for n in range(9):
                highest = max(highest, number[y + n // 3 - 1, x + n % 3 - 1])
            if highest < 0:
                continue
            _whiten(guide, y, x, apart)
            for n in range(9):
                row = number[y + n // 3 - 1, x + n % 3 - 1]
                if row < 0:
                    continue
                p, q, s = apart[n]
                for m in range(9):
                    j, i = m // 3, m % 3
                    entry = -1 / 9 - (p * apart[m, 0] + q * apart[m, 1] + s * apart[m, 2])
                    if number[y + j - 1, x + i - 1] >= 0:
                        rows[row, 2 + j - n // 3, 2 + i - n % 3] += entry + (n == m)
                    else:
                        right[row] -= entry * known[y + j - 1, x + i - 1]
    return rows, right


@njit(cache=True)
def _whiten(
    guide: Pixels, y: int, x: int, apart: NDArray[np.float64]
) -> None:  # pragma: no cover - compiled
    """The nine colours around (y, x) in standard deviations of theirs, over 3, into `apart`.

    By the Cholesky factor of their covariance: its inverse is no longer positive in
    rounding where the colours lie on a line.
    """
    rr = gg = bb = FLAT_VARIANCE
    rg = rb = gb = 0.0
    for k in range(3):
        mean = 0.0
        for n in range(9):
            apart[n, k] = guide[y + n // 3 - 1, x + n % 3 - 1, k]
            mean += apart[n, k] / 9
        for n in range(9):
            apart[n, k] -= mean
    for n in range(9):
        r, g, b = apart[n, 0], apart[n, 1], apart[n, 2]
        rr, gg, bb = rr + r * r, gg + g * g, bb + b * b
        rg, rb, gb = rg + r * g, rb + r * b, gb + g * b
    l_rr = np.sqrt(rr)
    l_gr, l_br = rg / l_rr, rb / l_rr
    l_gg = np.sqrt(gg - l_gr * l_gr)
    l_bg = (gb - l_br * l_gr) / l_gg
    l_bb = np.sqrt(bb - l_br * l_br - l_bg * l_bg)
    for n in range(9):
        apart[n, 0] /= l_rr
        apart[n, 1] = (apart[n, 1] - l_gr * apart[n, 0]) / l_gg
        apart[n, 2] = (apart[n, 2] - l_br * apart[n, 0] - l_bg * apart[n, 1]) / l_bb
