"""Slopes of inverse depth that a network, a phone or a sensor found.

Such depth is soft, wavy and has the picture's texture in it; the difference of neighbours is
noise. So planes are fitted to windows all over, and each pixel takes the mean of all planes whose
window it lies in, each weighed by how well it fits: a window across an outline or a crease fits
badly and hardly counts, and so both stay sharp. This is the guided filter of K. He, J. Sun, X. Tang
(ECCV 2010) with the pixel's place as the guide, and its means weighed by the fits as in
the side windows of M. Kuwahara et al. (1976).

How wide the windows are depends on how much slopes of neighbouring scales differ, in the median
away from edges: not at all in exact depth, which is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.raster.resample import fit_within, resize_nearest

Reals = NDArray[np.float64]
Slopes = tuple[Reals, Reals]

WORKING_PIXELS = 0.25e6
"""Where windows are fitted: no network or phone knows more."""
LEAST_SIDE_PX = 16
"""Smaller pictures are too small to tell noise from shape."""
QUIET_DEG, LOUD_DEG = 0.02, 2.5
"""Less noise than this is none; from this on it is a network's."""
EDGE_SHARE, EDGE_PX = 0.04, 4
"""An edge: second differences above this share of inverse depth; and how far around it is one."""
FEW_LEVELS, SMALL_STEP = 1024, 0.01
"""Depth in fewer levels, most steps of which are less than this share of the near, was rounded."""
LEAST_SMOOTH = 0.05
"""Share of the picture that has to be away from edges to tell for all of it."""
NOISE_WINDOWS_PX = (1, 2)
FINE, COARSE = 0.00625, 0.0167
"""Half a window's width as a share of the diagonal, for little noise and for a network's."""
WIDE = 2.4
"""How much wider the windows are where surfaces are even."""
EVEN = 2.0
"""Even: wide windows differ from narrow ones by less than so many times what is usual."""
FRAME = 0.012
"""A network's outermost cells, as a share of the diagonal: nothing is known beyond their middle."""
FAR = 0.08
"""Noise is about the same in inverse depth near and far, so that slopes drown in it from some share
of the nearest's inverse depth on; what lies there faces the camera, and is smoothed widely."""
FIT_FLOOR = 1e-4
"""Residual, as a share of inverse depth, that is as good as none."""
WORST_FIT = 300.0
"""Worse fits than so many times a good one count as this: float64's running sums end here."""
REACH_PX = 2
"""How far a pixel looks for a plane that it lies on."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Slopes at a working size.

    planes : (h, w, 3) float32: inverse depth of the plane each pixel lies on, its slopes right
        and down in its own px
    noise_deg : how far slopes of neighbouring scales differ
    off : share of inverse depth, or of `far`, by which pixels may be off their plane
    far : inverse depth below which slopes are not believed
    """

    planes: NDArray[np.float32]
    noise_deg: float
    off: float
    far: float


def fitted(inverse: Plane, camera: Camera) -> Fitted | None:
    """Planes through `inverse` (H, W) if it is noisy; None if it is exact."""
    shape = fit_within(inverse.shape, WORKING_PIXELS)
    if min(shape) < LEAST_SIDE_PX:
        return None
    camera = camera.resized(shape[1], shape[0])
    small = resize_nearest(inverse, shape).astype(np.float64)
    top = float(np.percentile(small, 99))
    seen = small > 1e-3 * top
    if not seen.any():
        return None
    trust = np.where(seen, 1.0, 1e-6)
    noise_deg = _noise_deg(small, trust, seen, camera)
    if _in_steps(small, top):
        noise_deg = max(noise_deg, LOUD_DEG)
    if noise_deg < QUIET_DEG:
        return None
    share = min(noise_deg / LOUD_DEG, 1.0)
    diagonal = float(np.hypot(*shape))
    trust = trust * _inside(shape, FRAME * diagonal * share)
    radius = max(1, round((FINE + (COARSE - FINE) * share) * diagonal))
    value, right, down = _blended(small, trust, radius)
    far = FAR * top * share
    if share == 1:
        believed = np.hypot(small, far)
        value, right, down = _evened(
            small, believed, trust, seen, camera, radius, (value, right, down)
        )
    off = np.abs(value - small)[seen] / np.maximum(small, far)[seen]
    spread = max(float(np.percentile(off, 50)) * 2, FIT_FLOOR)
    planes = np.dstack([value, right, down]).astype(np.float32)
    planes = _own_planes(small.astype(np.float32), planes, np.float32(spread), np.float32(far))
    return Fitted(planes, noise_deg, spread, far)


def _evened(
    small: Reals,
    believed: Reals,
    trust: Reals,
    seen: NDArray[np.bool_],
    camera: Camera,
    radius: int,
    narrow: tuple[Reals, Reals, Reals],
) -> tuple[Reals, Reals, Reals]:
    """`narrow` planes, but those of wide windows wherever these say much the same.

    believed : inverse depth against which slopes are held
    """
    wide = _blended(small, trust, round(WIDE * radius))
    apart = _angle_deg(believed, narrow[1:], wide[1:], camera)
    around = (2 * radius + 1, 2 * radius + 1)
    usual = EVEN * float(np.percentile(apart[seen], 25))
    mean = np.sqrt(np.maximum(cv2.blur(apart**2, around), 0))
    detail = np.clip(mean / max(usual, 1e-9) - 1, 0, 1)
    detail = detail * detail * (3 - 2 * detail)
    value, right, down = (w + detail * (n - w) for n, w in zip(narrow, wide, strict=True))
    return value, right, down


def _inside(shape: tuple[int, int], margin_px: float) -> Reals:
    """1, and next to nothing within a margin of the frame."""
    y, x = (np.minimum(np.arange(n), n - 1 - np.arange(n)) for n in shape)
    return np.where(np.minimum(y[:, None], x[None, :]) < margin_px, 0.01, 1.0)


def _noise_deg(small: Reals, trust: Reals, seen: NDArray[np.bool_], camera: Camera) -> float:
    """Angles between normals of neighbouring scales, summed: medians away from edges."""
    from depthfx.geometry.normals import slopes_of

    smooth = seen & ~_near_edges(small)
    where = smooth if smooth.sum() >= LEAST_SMOOTH * smooth.size else seen
    right, down = slopes_of(small.astype(np.float32), camera)
    before: Slopes = right.astype(np.float64), down.astype(np.float64)
    noise = 0.0
    for radius in NOISE_WINDOWS_PX:
        after = _blended(small, trust, radius)[1:]
        noise += float(np.median(_angle_deg(small, before, after, camera)[where]))
        before = after
    return noise


def _in_steps(small: Reals, top: float) -> bool:
    """Whether it was rounded to few levels, which look flat from near by and are not."""
    if np.unique(small).size > FEW_LEVELS:
        return False
    steps, pairs = [], 0
    for axis in (0, 1):
        along = np.abs(np.diff(small, axis=axis))
        first, second = np.delete(along, -1, axis), np.delete(along, 0, axis)
        pairs += int(np.count_nonzero((first > 0) & (second > 0)))
        steps.append(along[along > 0])
    sizes = np.concatenate(steps)
    # On stairs one step seldom follows the other at once, as it does on a slope.
    return sizes.size > 2 * pairs and bool(np.median(sizes) < SMALL_STEP * top)


def _near_edges(small: Reals) -> NDArray[np.bool_]:
    """Where inverse depth jumps or bends, and around."""
    framed = np.pad(small, 1, mode="edge")
    across = np.abs(framed[1:-1, 2:] - 2 * small + framed[1:-1, :-2])
    down = np.abs(framed[2:, 1:-1] - 2 * small + framed[:-2, 1:-1])
    edges = np.maximum(across, down) > EDGE_SHARE * small
    around = np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8)
    return np.asarray(cv2.dilate(edges.astype(np.uint8), around) > 0)


def _angle_deg(small: Reals, one: Slopes, other: Slopes, camera: Camera) -> Reals:
    a, b = (_normals(small, slopes, camera) for slopes in (one, other))
    return np.asarray(np.degrees(np.linalg.norm(a - b, axis=-1)))


def _normals(small: Reals, slopes: Slopes, camera: Camera) -> Reals:
    height, width = small.shape
    x = np.arange(width) + 0.5 - camera.cx
    y = (np.arange(height) + 0.5 - camera.cy)[:, None]
    a, b = slopes
    normals = np.dstack([camera.focal_px * a, camera.focal_px * b, small - x * a - y * b])
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-30))


def _box(plane: Reals, radius: int) -> Reals:
    """Sums over (2 radius + 1) squared windows, nothing beyond the frame."""
    side = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(
        cv2.boxFilter(plane, cv2.CV_64F, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
    )


def _blended(small: Reals, trust: Reals, radius: int) -> tuple[Reals, Reals, Reals]:
    """Value and slopes at each pixel: the mean of the planes of all windows it lies in."""
    height, width = small.shape
    x = np.broadcast_to(np.arange(width) - width / 2, small.shape)
    y = np.broadcast_to((np.arange(height) - height / 2)[:, None], small.shape)
    weighed = trust * small
    count = _box(trust, radius)
    mx, my, mw = (_box(v, radius) / count for v in (trust * x, trust * y, weighed))
    xx = _box(trust * x * x, radius) / count - mx * mx
    xy = _box(trust * x * y, radius) / count - mx * my
    yy = _box(trust * y * y, radius) / count - my * my
    xw = _box(weighed * x, radius) / count - mx * mw
    yw = _box(weighed * y, radius) / count - my * mw
    ww = _box(weighed * small, radius) / count - mw * mw
    area = xx * yy - xy * xy + 1e-9
    right, down = (yy * xw - xy * yw) / area, (xx * yw - xy * xw) / area
    start = mw - right * mx - down * my
    residual = np.sqrt(np.maximum(ww - right * xw - down * yw, 0)) / np.maximum(small, 1e-9)
    good = max(float(np.percentile(residual, 25)), FIT_FLOOR)
    weight = count / (1 + np.minimum(residual / good, WORST_FIT) ** 2) ** 2
    inner = max(radius // 2, 1)

    def around(plane: Reals) -> Reals:
        once = _box(plane, inner)
        return _box(once, radius - inner) if radius > inner else once

    total = around(weight)
    start, right, down = (around(weight * v) / total for v in (start, right, down))
    return start + right * x + down * y, right, down


@njit(cache=True, error_model="numpy")
def fit_weight(miss: np.float32) -> np.float32:  # pragma: no cover - compiled
    """How much a plane counts that is `miss` times what is usual off; never nothing."""
    miss = min(abs(miss), np.float32(1e6))
    fit = np.float32(1) / (np.float32(1) + miss * miss)
    return fit * fit + np.float32(1e-20)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def _own_planes(
    inverse: Plane, planes: NDArray[np.float32], off: np.float32, far: np.float32
) -> NDArray[np.float32]:  # pragma: no cover - compiled
    """Each pixel with the planes around it that it lies on itself: none leaks over an outline."""
    height, width = inverse.shape
    out = np.empty_like(planes)
    for y in prange(height):
        for x in range(width):
            here = inverse[y, x]
            scale = np.float32(1) / max(off * max(here, far), np.float32(1e-20))
            total = value = right = down = np.float32(0)
            for j in range(max(y - REACH_PX, 0), min(y + REACH_PX + 1, height)):
                for i in range(max(x - REACH_PX, 0), min(x + REACH_PX + 1, width)):
                    a, b = planes[j, i, 1], planes[j, i, 2]
                    dy, dx = np.float32(y - j), np.float32(x - i)
                    told = planes[j, i, 0] + a * dx + b * dy
                    weight = fit_weight((told - here) * scale)
                    weight /= np.float32(1) + dx * dx + dy * dy
                    total += weight
                    value += weight * told
                    right += weight * a
                    down += weight * b
            out[y, x, 0] = value / total
            out[y, x, 1] = right / total
            out[y, x, 2] = down / total
    return out
