"""Looking more than once: mirrored, and at parts of a picture that is too large for one look.

A look at the whole knows the layout, a look at a part the details. So a part gives only
what varies within it: its answer is fitted to that of the whole by scale and shift, then
their difference is taken without its slow part (in the manner of Miangoleh and others,
"Boosting Monocular Depth Estimation Models to High-Resolution via Content-Adaptive
Multi-Resolution Merging", CVPR 2021, with a filter in place of their network). Parts
overlap and fade into each other, so there is no seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.context import Context
from depthfx.depth import Plane
from depthfx.raster.resample import resize_area, resize_linear

if TYPE_CHECKING:
    from depthfx.engine.look import NetworkModel

Rgb = NDArray[np.float32]

OVERLAP = 0.25
"""Share of a part's side that its neighbour sees too."""
MOST_PARTS = 3
"""Parts a side at most."""
GAIN = 1.4
"""A picture this many times as large as the network's view is worth parts."""
SLOW = 1 / 6
"""Standard deviation of the filter that takes the slow part, in shares of a part's side."""


@dataclass(frozen=True, eq=False)
class Look:
    """What a network saw in one picture.

    inverse : (h, w) float32 of any size, covering the picture's whole frame; finite, >= 0;
        in 1/m for the picture's own camera if the model is metric, else of any scale
    focal_px : the focal length it saw, in pixels of the picture shown; None if it tells none
    """

    inverse: Plane
    focal_px: float | None = None


def best_look(model: NetworkModel, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
    """The whole, its mirror image, and the parts of a large picture; see `NetworkModel.look`."""
    whole = mirrored_look(model, rgb, focal_px, context)
    rows, columns = (parts(length, model.side) for length in rgb.shape[:2])
    if rows * columns == 1:
        return whole
    places = list(product(spans(rgb.shape[0], rows), spans(rgb.shape[1], columns)))
    details = []
    for index, (down, across) in enumerate(places):
        context.report("depth", 0.2 + 0.5 * index / len(places))
        part = model.look(
            np.ascontiguousarray(rgb[down, across]), focal_px or whole.focal_px, context
        )
        details.append(part.inverse)
    return Look(with_details(whole.inverse, rgb.shape[:2], places, details), whole.focal_px)


def mirrored_look(model: NetworkModel, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
    """The mean of a look and of one at the mirror image, of equal median."""
    seen = model.look(rgb, focal_px, context)
    mirror = model.look(np.ascontiguousarray(rgb[:, ::-1]), focal_px or seen.focal_px, context)
    other = mirror.inverse[:, ::-1]
    first, second = (max(float(np.median(side)), 1e-9) for side in (seen.inverse, other))
    # They disagree about the scale, if at all, by a factor: it is shared, then undone in one.
    scale = np.sqrt(second / first)
    mean = 0.5 * (seen.inverse * np.float32(scale) + other / np.float32(scale))
    return Look(mean.astype(np.float32), seen.focal_px)


def parts(length: int, side: int) -> int:
    """How many parts of a picture's side that the network sees `side` pixels of."""
    if length < GAIN * side:
        return 1
    return int(np.clip(np.ceil((length / side - OVERLAP) / (1 - OVERLAP)), 2, MOST_PARTS))


def spans(length: int, count: int) -> list[slice]:
    """`count` equal parts of `length`, overlapping by `OVERLAP` of their own length."""
    size = length / (count - OVERLAP * (count - 1))
    starts = [round(index * size * (1 - OVERLAP)) for index in range(count)]
    return [slice(start, min(start + round(size), length)) for start in starts]


def with_details(
    whole: Plane, shape: tuple[int, int], places: list[tuple[slice, slice]], details: list[Plane]
) -> Plane:
    """`whole` with what the looks at its parts add.

    whole : (h, w), what was seen of all; shape : (H, W) of the picture shown
    places : rows and columns of each part in the picture; details : what was seen there
    """
    scale = max(d.shape[0] / (p[0].stop - p[0].start) for d, p in zip(details, places, strict=True))
    size = (round(shape[0] * scale), round(shape[1] * scale))
    base = resize_linear(whole, size)
    added, weight = np.zeros(size, np.float32), np.full(size, 1e-6, np.float32)
    for (down, across), seen in zip(places, details, strict=True):
        rows, columns = _scaled(down, size[0] / shape[0]), _scaled(across, size[1] / shape[1])
        under = base[rows, columns]
        # Compared at the detail that both have.
        cells = tuple(
            max(round(n * w / b), 2) for n, w, b in zip(under.shape, whole.shape, size, strict=True)
        )
        gain, shift = fit_affine(resize_area(seen, cells), resize_area(under, cells))
        window = _fade(under.shape)
        fitted = np.float32(gain) * resize_area(seen, under.shape) + np.float32(shift)
        added[rows, columns] += window * _quick(fitted - under)
        weight[rows, columns] += window
    return np.maximum(base + added / weight, 0)


def _scaled(part: slice, scale: float) -> slice:
    return slice(round(part.start * scale), round(part.stop * scale))


def fit_affine(values: Plane, target: Plane) -> tuple[float, float]:
    """(a, b) of a * values + b nearest to `target`: least squares, then without outliers.

    A negative `a` would turn near and far around; then the values say nothing, and a is 0.
    """
    x, y = values.ravel().astype(np.float64), target.ravel().astype(np.float64)
    keep = np.ones(x.shape, bool)
    gain, shift = 0.0, 0.0
    for _ in range(3):
        across, along = x[keep] - x[keep].mean(), y[keep] - y[keep].mean()
        spread = float(across @ across)
        gain = max(float(across @ along) / spread, 0.0) if spread > 0 else 0.0
        shift = float(y[keep].mean() - gain * x[keep].mean())
        error = np.abs(gain * x + shift - y)
        keep = error <= 2.5 * np.median(error) + 1e-12
    return gain, shift


def _quick(plane: Plane) -> Plane:
    """What varies within the part: the plane without its slow part."""
    sigma = SLOW * min(plane.shape)
    small = max(int(sigma / 4), 1)
    # The slow part needs few pixels.
    shape = (max(plane.shape[0] // small, 2), max(plane.shape[1] // small, 2))
    slow = cv2.GaussianBlur(resize_area(plane, shape), (0, 0), sigma / small)
    return plane - resize_linear(slow, plane.shape)


def _fade(shape: tuple[int, ...]) -> Plane:
    """(h, w) weights that fall to nothing at the border, over the overlap."""

    def ramp(length: int) -> Plane:
        place = (np.arange(length, dtype=np.float32) + 0.5) / length
        edge = np.minimum(place, 1 - place) / OVERLAP
        return np.sin(0.5 * np.pi * np.clip(edge, 0, 1)).astype(np.float32) ** 2

    return ramp(shape[0])[:, None] * ramp(shape[1])[None, :]
