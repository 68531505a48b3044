"""The camera behind a map of points: focal length, and the shift of depth that is open.

A network like MoGe tells x, y, z of every pixel up to a shift along z. A pinhole
camera sees focal * x / (z + shift) at the pixel's own place, which fixes both.

R. Wang et al., "MoGe: Unlocking Accurate Monocular Geometry Estimation for Open-Domain
Images with Optimal Training Supervision", CVPR 2025, section 3.1. The shift is found by
narrowing a search, since its error has a closed form but may have more than one valley.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLES = 64
"""Points a side that are looked at: the unknowns are two, the points many."""
FEWEST = 16
CANDIDATES, NARROWINGS = 33, 6
GAPS = (1e-2, 1e3)
"""Where the nearest point may come to lie, in medians of |z|."""

Floats = NDArray[np.float64]


def camera_of_points(
    points: NDArray[np.float32],
    shape: tuple[int, int],
    *,
    focal_px: float | None = None,
    shifted: bool = True,
    known: NDArray[np.bool_] | None = None,
) -> tuple[float | None, float]:
    """Focal length and shift of z of the camera that saw `points`, the axis in the middle.

    points : (h, w, 3) float32, x right, y down, z forward, in any unit
    shape : (height, width) of the picture that the map covers
    focal_px : in its pixels, if known; None: found
    shifted : whether a shift of z is open; if not, it is 0
    known : (h, w), where there are points; None: everywhere

    Returns (focal length in pixels of the picture, or None if no camera sees such points;
    what is to be added to z).
    """
    xy, z, seen = _samples(points, shape, known)
    if len(z) < FEWEST or not (shifted or focal_px is None):
        return focal_px, 0.0
    unit = float(np.median(np.abs(z))) or 1.0
    xy, z, shift = xy / unit, z / unit, 0.0
    if shifted:
        # The nearest point's distance may be anything: it is searched by ratios.
        gaps = np.geomspace(*GAPS, CANDIDATES)
        for _ in range(NARROWINGS):
            errors = [_camera(xy, z + gap - z.min(), seen, focal_px)[1] for gap in gaps]
            best = int(np.argmin(errors))
            low, high = gaps[max(best - 1, 0)], gaps[min(best + 1, CANDIDATES - 1)]
            shift = float(gaps[best] - z.min())
            gaps = np.geomspace(low, high, CANDIDATES)
    focal, error = _camera(xy, z + shift, seen, focal_px)
    if not (np.isfinite(error) and focal > 0):
        return focal_px, 0.0
    return focal, shift * unit


def _samples(
    points: NDArray[np.float32], shape: tuple[int, int], known: NDArray[np.bool_] | None
) -> tuple[Floats, Floats, Floats]:
    """x and y (n, 2), z (n,), and place in pixels from the middle (n, 2) of a grid of points."""
    height, width = points.shape[:2]
    rows = np.unique(np.linspace(0, height - 1, SAMPLES).round().astype(int))
    columns = np.unique(np.linspace(0, width - 1, SAMPLES).round().astype(int))
    v, u = np.meshgrid(
        ((rows + 0.5) / height - 0.5) * shape[0],
        ((columns + 0.5) / width - 0.5) * shape[1],
        indexing="ij",
    )
    grid = points[np.ix_(rows, columns)].astype(np.float64)
    good = np.isfinite(grid).all(-1)
    if known is not None:
        good &= known[np.ix_(rows, columns)]
    return grid[good][:, :2], grid[good][:, 2], np.stack([u, v], -1)[good]


def _camera(xy: Floats, z: Floats, seen: Floats, focal_px: float | None) -> tuple[float, float]:
    """The focal length that fits best, and its sum of squares in pixels."""
    ray = xy / np.maximum(z, GAPS[0])[:, None]
    if focal_px is None:
        focal_px = float((ray * seen).sum() / max(float((ray * ray).sum()), 1e-30))
    return focal_px, float(np.square(focal_px * ray - seen).sum())
