"""The matte inside a trimap's unknown band, as the photo's own colours draw it.

In every 3 x 3 window the subject's colours are taken to lie on one line and the
background's on another; the matte there is then an affine function of colour. The one
that departs least from such a function everywhere, given the sure sides, solves a sparse
linear system, the matting Laplacian. It is never stored: a product with it is a local
regression in each window, from the window's mean and inverse covariance. Conjugate
gradients solve it coarse to fine, each level starting from the coarser one's answer.

A. Levin, D. Lischinski, Y. Weiss, "A Closed-Form Solution to Natural Image Matting",
TPAMI 30(2), 2008; products without the matrix: K. He, J. Sun, X. Tang, "Fast Matting
Using Large Kernel Matting Laplacian Matrices", CVPR 2010.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ShapeError
from depthfx.raster.guided import apply_coefficients, guided_coefficients
from depthfx.raster.resample import encoded, fit_within, resize_area, resize_linear

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_PIXELS = 0.6e6
FLAT_VARIANCE = 1e-7
"""Of encoded colour: a window varying less than this says nothing of the matte."""
LEVELS = 4
STEPS = 100
"""Of conjugate gradients at most, on each level."""
TOLERANCE = 1e-5
"""Where they stop: the residual's norm, preconditioned, as a share of the level's first."""


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
    guide = encoded(resize_area(pixels, shape))
    inner, outer = (
        resize_area((trimap == sure).astype(np.float32), shape) > 0.999 for sure in (255, 0)
    )
    matte = closed_form(guide, inner, outer)
    if shape != trimap.shape:
        matte = apply_coefficients(guided_coefficients(guide, matte, 1, 1e-5), pixels)
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
    start = (
        _coarser(guide, inner, outer, prior, trust, levels, steps)
        if levels > 1
        else (prior if prior is not None else np.full(band.shape, 0.5, np.float32))
    )
    matte = np.where(band, start, inner).astype(np.float32)
    expected = matte if prior is None else prior
    if band.any():
        _conjugate_gradients(matte, band, windows(guide, band), guide, expected, trust, steps)
    return matte


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


def _conjugate_gradients(
    matte: Plane,
    band: Mask,
    known: NDArray[np.float32],
    guide: Pixels,
    expected: Plane,
    trust: float,
    steps: int,
) -> None:
    """Improve `matte` in `band`, in place."""
    inside = band.astype(np.float32)
    scale = inside / (diagonal(guide, band, known) + np.float32(trust + 1e-6))

    def times(x: Plane) -> Plane:
        return laplacian(x, band, known, guide)

    residual = inside * (np.float32(trust) * (expected - matte)) - times(matte)
    ahead = scale * residual
    power = float(np.vdot(residual, ahead))
    enough = power * TOLERANCE**2
    for _ in range(steps):
        if power <= enough or power < 1e-12:
            break
        turned = times(ahead) + np.float32(trust) * ahead
        length = np.float32(power / max(float(np.vdot(ahead, turned)), 1e-30))
        matte += length * ahead
        residual -= length * turned
        eased = scale * residual
        before, power = power, float(np.vdot(residual, eased))
        ahead = eased + np.float32(power / before) * ahead


@njit(parallel=True, cache=True)
def windows(guide: Pixels, band: Mask) -> NDArray[np.float32]:  # pragma: no cover - compiled
    """Of each 3 x 3 window that touches `band`: mean (3) and whitening matrix (6); (h, w, 9).

    At the frame's pixels, where no window fits, all is 0, and `laplacian` skips them.
    """
    height, width = band.shape
    out = np.zeros((height, width, 9), np.float32)
    for y in prange(1, height - 1):
        for x in range(1, width - 1):
            if not band[y - 1 : y + 2, x - 1 : x + 2].any():
                continue
            mean = np.zeros(3)
            for j in range(-1, 2):
                for i in range(-1, 2):
                    for k in range(3):
                        mean[k] += guide[y + j, x + i, k] / 9
            rr = gg = bb = FLAT_VARIANCE / 9
            rg = rb = gb = 0.0
            for j in range(-1, 2):
                for i in range(-1, 2):
                    r = guide[y + j, x + i, 0] - mean[0]
                    g = guide[y + j, x + i, 1] - mean[1]
                    b = guide[y + j, x + i, 2] - mean[2]
                    rr, gg, bb = rr + r * r / 9, gg + g * g / 9, bb + b * b / 9
                    rg, rb, gb = rg + r * g / 9, rb + r * b / 9, gb + g * b / 9
            # Cholesky of the covariance, inverted: whitening keeps the system positive
            # where colours lie on a line and float32 inverses would not.
            l_rr = np.sqrt(rr)
            l_gr, l_br = rg / l_rr, rb / l_rr
            l_gg = np.sqrt(gg - l_gr * l_gr)
            l_bg = (gb - l_br * l_gr) / l_gg
            l_bb = np.sqrt(bb - l_br * l_br - l_bg * l_bg)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = mean[0], mean[1], mean[2]
            out[y, x, 3], out[y, x, 5], out[y, x, 8] = 1 / l_rr, 1 / l_gg, 1 / l_bb
            out[y, x, 4] = -l_gr / (l_rr * l_gg)
            out[y, x, 7] = -l_bg / (l_gg * l_bb)
            out[y, x, 6] = (l_bg * l_gr - l_br * l_gg) / (l_rr * l_gg * l_bb)
    return out


@njit(inline="always", fastmath=True, cache=True)
def _white(
    guide: Pixels, known: NDArray[np.float32], y: int, x: int, v: int, u: int
) -> tuple[np.float32, np.float32, np.float32]:  # pragma: no cover - compiled
    """The colour of pixel (y, x) in the window at (v, u), in standard deviations of it."""
    r = guide[y, x, 0] - known[v, u, 0]
    g = guide[y, x, 1] - known[v, u, 1]
    b = guide[y, x, 2] - known[v, u, 2]
    return (
        known[v, u, 3] * r,
        known[v, u, 4] * r + known[v, u, 5] * g,
        known[v, u, 6] * r + known[v, u, 7] * g + known[v, u, 8] * b,
    )


@njit(parallel=True, fastmath=True, cache=True)
def diagonal(
    guide: Pixels, band: Mask, known: NDArray[np.float32]
) -> Plane:  # pragma: no cover - compiled
    """The matting Laplacian's diagonal at the pixels of `band`, 0 elsewhere."""
    height, width = band.shape
    out = np.zeros((height, width), np.float32)
    for y in prange(height):
        for x in range(width):
            if not band[y, x]:
                continue
            for v in range(max(y - 1, 1), min(y + 2, height - 1)):
                for u in range(max(x - 1, 1), min(x + 2, width - 1)):
                    p, q, s = _white(guide, known, y, x, v, u)
                    own = (1 + p * p + q * q + s * s) / np.float32(9)
                    out[y, x] += max(1 - own, np.float32(0))
    return out


@njit(parallel=True, fastmath=True, cache=True)
def laplacian(
    matte: Plane, band: Mask, known: NDArray[np.float32], guide: Pixels
) -> Plane:  # pragma: no cover - compiled
    """The matting Laplacian times `matte` at the pixels of `band`, 0 elsewhere.

    `known` is `windows(guide, band)`. In each window the regression of matte on whitened
    colour; at each pixel the sum of what its nine windows leave over.
    """
    height, width = band.shape
    line = np.zeros((height, width, 4), np.float32)
    for y in prange(1, height - 1):
        for x in range(1, width - 1):
            if known[y, x, 3] == 0:
                continue
            for v in range(y - 1, y + 2):
                for u in range(x - 1, x + 2):
                    p, q, s = _white(guide, known, v, u, y, x)
                    alpha = matte[v, u] / np.float32(9)
                    line[y, x, 0] += alpha * p
                    line[y, x, 1] += alpha * q
                    line[y, x, 2] += alpha * s
                    line[y, x, 3] += alpha
    out = np.zeros((height, width), np.float32)
    for y in prange(height):
        for x in range(width):
            if not band[y, x]:
                continue
            for v in range(max(y - 1, 1), min(y + 2, height - 1)):
                for u in range(max(x - 1, 1), min(x + 2, width - 1)):
                    p, q, s = _white(guide, known, y, x, v, u)
                    out[y, x] += matte[y, x] - (
                        line[v, u, 0] * p + line[v, u, 1] * q + line[v, u, 2] * s + line[v, u, 3]
                    )
    return out
