"""Inverse depth of what was hidden, continued from what is seen.

Inverse depth is affine in the picture over any plane, so what goes on behind an edge is fitted by
planes, each over a window as wide as the place is far from anything known, and nearer things count
more. What lies off the planes of its surroundings (a rim of wrong depth, a twig in front of the
wall) counts less, by Cauchy's weights; what the planes miss at the hole's rim is added, smoothly.

P. J. Huber, "Robust statistics", 1981, on weights; J. W. Tukey, "Exploratory data analysis", 1977,
on fitting what a fit leaves once more ("twicing").
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ShapeError
from depthfx.inpaint.pushpull import push_pull
from depthfx.raster.resample import fit_within, resize_area, resize_linear

Mask = NDArray[np.bool_]
Wide = NDArray[np.float64]

FITTED_PX = 60_000
"""Planes are fitted on a picture of so many pixels: what they change over is far wider."""
NARROWEST_PX = 1.5
"""Of that picture, the narrowest window (one standard deviation)."""
LEAST_MASS = 1e-4
"""Share of a window that must be known: with less a wider one is taken."""
FINE_CELLS = 3.0
"""Wider windows than so many pixels (one standard deviation) are laid over cells half as fine."""
ROUNDS = 3
"""Of weights: each surface is found among what is left of the others."""
DOUBTED_PX, DOUBTED = 2.0, 0.02
"""Depth so near the hole, in px of that picture, is often that of what stands in front: it counts
this much."""
STRAY = 0.03
"""Off its plane by this share of its inverse depth, a pixel counts half."""
FLATTER = 1e-3
"""Pull towards planes that face the camera, where the known do not tell the slope, against a slope
of a whole window's width."""
RIM_PX = 4.0
"""Of that picture, how far from the hole what the planes miss is looked at."""
RIM_FADES = 8.0
"""Of that picture, the way into the hole on which what they missed at the rim fades to a third."""
NEARER = 1.5
"""Nothing hidden is nearer than this times the nearest thing known."""


def continue_inverse(inverse: Plane, hole: Mask, source: Mask | None = None) -> Plane:
    """`inverse` (H, W) float32 with `hole` (H, W) filled from `source` (None: all but the hole).

    Planes go on as planes, floors and walls alike. Values in the hole are never looked at;
    nothing known gives 0, infinitely far, as does what is that itself. Raises ShapeError if the
    sizes differ.
    """
    for name, plane in (("hole", hole), ("source", source)):
        if plane is not None and plane.shape != inverse.shape:
            raise ShapeError(f"{name} is {plane.shape}, inverse depth is {inverse.shape}")
    known = ~hole if source is None else source & ~hole
    nearest = float(inverse[known].max(initial=0))
    if nearest <= 0 or not hole.any():
        return np.where(hole, np.float32(0), inverse)
    shape = fit_within((inverse.shape[0], inverse.shape[1]), FITTED_PX)
    mass = resize_area(known.astype(np.float32), shape)
    seen = resize_area(np.where(known, inverse, np.float32(0)), shape)
    seen = np.where(mass > 0, seen / np.maximum(mass, 1e-6), 0)
    # A cell's mean lies where its known part does, not in its middle.
    across, down = (_mean_place(known, mass, axis) for axis in (1, 0))
    fitted = _continued(np.asarray(seen, np.float64), np.asarray(mass, np.float64), across, down)
    filled = resize_linear(fitted.astype(np.float32), inverse.shape)
    return np.where(hole, np.clip(filled, 0, NEARER * nearest), inverse)


def _mean_place(known: Mask, mass: Plane, axis: int) -> Wide:
    """Where along `axis` the known part of each cell lies, in cells, counted from the middle of
    the first."""
    count, cells = known.shape[axis], mass.shape[axis]
    places = (np.arange(count, dtype=np.float32) + 0.5) * (cells / count) - 0.5
    spread = np.where(known, places[None] if axis else places[:, None], np.float32(0))
    middle = np.arange(cells)[None] if axis else np.arange(cells)[:, None]
    mean = resize_area(spread, mass.shape) / np.maximum(mass, 1e-6)
    return np.where(mass > 0, mean, middle).astype(np.float64)


def _continued(seen: Wide, mass: Wide, across: Wide, down: Wide) -> Wide:
    """Inverse depth of all cells, from those of `mass` above 0."""
    away = cv2.distanceTransform((mass == 0).astype(np.uint8), cv2.DIST_L2, 5).astype(np.float64)
    rim = cv2.distanceTransform((mass > 0).astype(np.uint8), cv2.DIST_L2, 5)
    mass = weight = mass * np.where(rim <= DOUBTED_PX, DOUBTED, 1)
    for _ in range(ROUNDS):
        planes = _planes(seen, weight, across, down, np.maximum(away, 2 * NARROWEST_PX))
        off = (seen - planes(across, down)) / (STRAY * np.maximum(seen, 1e-3 * seen.max()))
        weight = mass / (1 + off**2)
    columns = np.broadcast_to(np.arange(seen.shape[1], dtype=np.float64), seen.shape)
    rows = np.broadcast_to(np.arange(seen.shape[0], dtype=np.float64)[:, None], seen.shape)
    planes = _planes(seen, weight, across, down, away)
    fitted = planes(columns, rows)
    missed = seen - planes(across, down)
    # What the pull towards flat planes took is in what they missed.
    more = _planes(missed, weight, across, down, away)
    fitted, missed = fitted + more(columns, rows), missed - more(across, down)
    sure = weight * (rim <= RIM_PX)
    smooth = push_pull(missed.astype(np.float32), np.minimum(sure, 1).astype(np.float32))
    return np.asarray(fitted + smooth * np.exp(-away / RIM_FADES), np.float64)


class _planes:  # noqa: N801 - a function that is made by fitting
    """Planes w = a + b x + c y fitted to `seen`, one a cell, over windows about `width` wide."""

    def __init__(self, seen: Wide, weight: Wide, across: Wide, down: Wide, width: Wide) -> None:
        moments = np.stack(
            [
                weight * part
                for part in (
                    np.ones_like(seen), across, down, across * across, across * down,
                    down * down, seen, seen * across, seen * down,
                )
            ],
            -1,
        )  # fmt: skip
        sums = np.zeros_like(moments)
        spread = np.ones_like(seen)
        open_ = np.ones(seen.shape, bool)
        sigma = NARROWEST_PX
        while open_.any() and sigma < 2 * max(seen.shape):
            blurred = _blurred(moments, sigma)
            fits = open_ & (width <= sigma * np.sqrt(2)) & (blurred[..., 0] > LEAST_MASS)
            sums[fits], spread[fits] = blurred[fits], sigma
            open_ &= ~fits
            sigma *= np.sqrt(2)
        sums[open_], spread[open_] = moments.mean((0, 1)), max(seen.shape)
        self._solve(sums, spread)

    def _solve(self, sums: Wide, spread: Wide) -> None:
        whole = np.maximum(sums[..., 0], 1e-30)
        mean = sums[..., 1:] / whole[..., None]
        self.x, self.y, self.middle = mean[..., 0], mean[..., 1], mean[..., 5]
        ridge = FLATTER * spread**2
        xx = mean[..., 2] - self.x**2 + ridge
        xy = mean[..., 3] - self.x * self.y
        yy = mean[..., 4] - self.y**2 + ridge
        xw = mean[..., 6] - self.x * self.middle
        yw = mean[..., 7] - self.y * self.middle
        whole = xx * yy - xy * xy
        self.right, self.below = (yy * xw - xy * yw) / whole, (xx * yw - xy * xw) / whole

    def __call__(self, across: Wide, down: Wide) -> Wide:
        """Each cell's own plane at a place in it."""
        return self.middle + self.right * (across - self.x) + self.below * (down - self.y)


def _blurred(moments: Wide, sigma: float) -> Wide:
    """Gaussian means; what lies beyond the picture is unknown.

    Wide windows are laid over a smaller picture: all moments through the same one still tell a
    plane exactly.
    """
    height, width, count = moments.shape
    cell = min(2.0 ** max(int(np.log2(sigma / FINE_CELLS)), 0), min(height, width))
    small = (max(round(width / cell), 1), max(round(height / cell), 1))
    reach = int(np.ceil(3 * sigma / cell))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (sigma / cell)) ** 2)
    kernel /= kernel.sum()
    out = np.empty_like(moments)
    for c in range(count):
        plane = np.ascontiguousarray(moments[..., c])
        cells = cv2.resize(plane, small, interpolation=cv2.INTER_AREA)
        means = cv2.sepFilter2D(cells, cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
        out[..., c] = cv2.resize(means, (width, height), interpolation=cv2.INTER_LINEAR)
    return out
