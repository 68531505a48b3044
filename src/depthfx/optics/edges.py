"""Mixed pixels at depth edges, split into the two surfaces they show.

A photo's pixel averages the light over its square; a depth map gives one depth. Where
near meets far that pixel holds both colours, and a renderer that blurs the mixture with
either surface draws a rim. Here every pixel beside a jump becomes

    colour = share * front + (1 - share) * back

after Y.-Y. Chuang et al., "A Bayesian approach to digital matting", CVPR 2001: the two
colours have the means and variances of the neighbourhood on either side of the jump, and
the share has as prior the part of the 3 x 3 neighbourhood that is in front, because depth
sampled at pixel centres, smoothed over a pixel's width, is the share one expects. Where the
share and the second depth are known (refined depth, a matte), they are the prior instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane

Array = NDArray[np.float32]

SMALLEST_JUMP_PX = 0.5
"""Radii closer than this are one surface: splitting them could not be seen."""

SHARE_SIGMA, KNOWN_SHARE_SIGMA = 0.2, 0.05
"""How far a pixel's share strays from what its neighbourhood, or a matte, says."""

COLOUR_VARIANCE = 2e-5
"""Least variance of a surface's colour, linear light squared: noise and quantisation."""

WINDOWS = np.array([[1, 1], [3, 1], [9, 3], [27, 9]])
"""Reach and stride in px of the windows searched, in turn, until both surfaces are met."""

FRONT, BACK, SHARE, FRONT_RADIUS, BACK_RADIUS = slice(0, 3), slice(3, 6), 6, 7, 8
"""Columns of `Mixed.surfaces`."""


@dataclass(frozen=True)
class Blurred:
    """What is known of each pixel's surfaces, and how far they will be blurred.

    pixels : (H, W, 3) float32, linear light
    inverse : (H, W) float32
    behind, coverage : (H, W) float32, the second surface of boundary pixels and the front's
        share of them (where `behind` is `inverse` there is one surface); both or neither
    focus_inverse, px_per_inverse : the radius in px, near > 0, of inverse depth d is
        (d - focus_inverse) * px_per_inverse
    """

    pixels: Array
    inverse: Plane
    focus_inverse: np.float32
    px_per_inverse: np.float32
    behind: Plane | None = None
    coverage: Plane | None = None

    def radius(self, plane: Plane) -> Plane:
        """Signed blur radius in px of a plane of inverse depth."""
        return (plane - self.focus_inverse) * self.px_per_inverse

    def ends(self) -> tuple[float, float]:
        """Smallest and largest signed radius."""
        planes = [plane for plane in (self.inverse, self.behind) if plane is not None]
        low, high = min(plane.min() for plane in planes), max(plane.max() for plane in planes)
        return float(self.radius(low)), float(self.radius(high))


@dataclass(frozen=True)
class Mixed:
    """The pixels that show two surfaces, in reading order.

    mask : (H, W) uint8, 1 at those pixels
    starts : (H + 1,) int64, where each row of the picture begins in what follows
    x : (N,) int32, their columns
    surfaces : (N, 9) float32: colour of the front and of the back in linear light, the
        front's share of the pixel, signed blur radius in px of front and back
    """

    mask: NDArray[np.uint8]
    starts: NDArray[np.int64]
    x: NDArray[np.int32]
    surfaces: Array

    @classmethod
    def of_rows(cls, picture: Blurred, top: int, bottom: int) -> Mixed:
        """The mixed pixels of some rows; `mask` and `starts` are those rows' alone."""
        above, below = max(top - 1, 0), min(bottom + 1, len(picture.inverse))
        radius = picture.radius(picture.inverse[above:below])
        around = np.ones((3, 3), np.uint8)
        inside = slice(top - above, bottom - above)
        high, low = cv2.dilate(radius, around)[inside], cv2.erode(radius, around)[inside]
        if picture.behind is not None and picture.coverage is not None:
            behind = picture.radius(picture.behind[top:bottom])
            two = behind < radius[inside] - SMALLEST_JUMP_PX
            low, high = np.where(two, behind, low), np.where(two, radius[inside], high)
        y, x = np.nonzero(high - low > SMALLEST_JUMP_PX)
        surfaces = np.empty((len(y), 9), np.float32)
        nothing = np.empty((0, 0), np.float32)
        nothing.flags.writeable = False
        _split(
            y + top,
            x,
            low[y, x],
            high[y, x],
            picture.pixels,
            picture.inverse,
            nothing if picture.behind is None else picture.behind,
            nothing if picture.coverage is None else picture.coverage,
            picture.focus_inverse,
            picture.px_per_inverse,
            surfaces,
        )
        found = surfaces[:, SHARE] >= 0
        y, x = y[found], x[found]
        mask = np.zeros((bottom - top, radius.shape[1]), np.uint8)
        mask[y, x] = 1
        starts = np.searchsorted(y, np.arange(bottom - top + 1))
        return cls(mask, starts, x.astype(np.int32), surfaces[found])

    @classmethod
    def joined(cls, parts: Sequence[Mixed]) -> Mixed:
        """The mixed pixels of all rows, from those of neighbouring strips."""
        before = np.cumsum([0, *(len(part.x) for part in parts)])
        starts = [part.starts[:-1] + n for part, n in zip(parts, before[:-1], strict=True)]
        return cls(
            np.concatenate([part.mask for part in parts]),
            np.concatenate([*starts, before[-1:]]),
            np.concatenate([part.x for part in parts]),
            np.concatenate([part.surfaces for part in parts]),
        )


@njit(cache=True, nogil=True, error_model="numpy")
def _split(
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    low: Array,
    high: Array,
    pixels: Array,
    inverse: Plane,
    behind: Plane,
    coverage: Plane,
    focus_inverse: np.float32,
    px_per_inverse: np.float32,
    surfaces: Array,
) -> None:
    """Fill `surfaces` as in `Mixed`; the share is -1 where only one surface is met."""
    near, far = np.empty(6), np.empty(6)
    for i in range(ys.shape[0]):
        y, x = ys[i], xs[i]
        for w in range(WINDOWS.shape[0]):
            prior = _sample(
                pixels,
                inverse,
                behind,
                coverage,
                focus_inverse,
                px_per_inverse,
                y,
                x,
                low[i],
                high[i],
                WINDOWS[w, 0],
                WINDOWS[w, 1],
                near,
                far,
            )
            if near[0] > 0 and far[0] > 0:
                break
        if near[0] == 0 or far[0] == 0:
            surfaces[i, 6] = -1
            continue
        sigma = SHARE_SIGMA
        known = _known_share(inverse, behind, coverage, px_per_inverse, y, x)
        if known >= 0:
            prior, sigma = known, KNOWN_SHARE_SIGMA
        surfaces[i, 6] = unmix(
            pixels[y, x], near, far, prior, sigma, 0.0, surfaces[i, :3], surfaces[i, 3:6]
        )
        surfaces[i, 7] = near[4]
        surfaces[i, 8] = far[4]


@njit(cache=True, nogil=True, inline="always")
def _known_share(
    inverse: Plane, behind: Plane, coverage: Plane, px_per_inverse: np.float32, y: int, x: int
) -> float:
    """The front's share of a pixel that is known to show two surfaces; -1 if it is not."""
    if behind.shape[0] == 0:
        return -1.0
    if (inverse[y, x] - behind[y, x]) * px_per_inverse <= SMALLEST_JUMP_PX:
        return -1.0
    return coverage[y, x]


@njit(cache=True, nogil=True, error_model="numpy")
def _sample(
    pixels: Array,
    inverse: Plane,
    behind: Plane,
    coverage: Plane,
    focus_inverse: np.float32,
    px_per_inverse: np.float32,
    y: int,
    x: int,
    low: float,
    high: float,
    reach: int,
    stride: int,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
) -> float:
    """Weight, mean colour, mean radius and colour variance of the two sides of a jump.

    Returns the part of the 3 x 3 neighbourhood, binomially weighted, that is in front.
    """
    height, width = inverse.shape
    middle, softness = 0.5 * (low + high), 4.0 / (high - low)
    near[:], far[:] = 0.0, 0.0
    prior = 0.0
    for dy in range(-reach, reach + 1, stride):
        for dx in range(-reach, reach + 1, stride):
            v, u = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
            r = (inverse[v, u] - focus_inverse) * px_per_inverse
            side = near if r > middle else far
            w = math.exp(
                -(dx * dx + dy * dy) / (4.5 * stride * stride)
                - min(abs(high - r), abs(r - low)) * softness
            )
            if r > middle:
                prior += max(2 - abs(dx), 0) * max(2 - abs(dy), 0) / 16.0
                known = _known_share(inverse, behind, coverage, px_per_inverse, v, u)
                if known >= 0:  # a neighbour that is a mixture says less of the front
                    w *= known**3 + 1e-4
            side[0] += w
            for c in range(3):
                value = pixels[v, u, c]
                side[1 + c] += w * value
                side[5] += w * value * value
            side[4] += w * r
    for side in (near, far):
        if side[0] > 0:
            side[1:] /= side[0]
            square = side[1] ** 2 + side[2] ** 2 + side[3] ** 2
            side[5] = max(side[5] - square, 0.0) / 3 + COLOUR_VARIANCE
    return prior


@njit(cache=True, nogil=True, error_model="numpy")
def unmix(
    pixel: Array,
    near: NDArray[np.float64],
    far: NDArray[np.float64],
    prior: float,
    sigma: float,
    whole: float,
    front: Array,
    back: Array,
) -> float:  # pragma: no cover - compiled
    """The most likely share, 0..1; the two colours, (3,), go into `front` and `back`.

    pixel : (3,), the mixture; near, far : (6,), of each surface: weight, colour, depth, variance
    prior, sigma : the share expected, and how far it strays from that
    whole : a share this close to 0 or 1 is that
    """
    along = apart = 0.0
    for c in range(3):
        step = near[1 + c] - far[1 + c]
        along += (pixel[c] - far[1 + c]) * step
        apart += step * step
    trust = 1.0 / (sigma * sigma)
    a = prior
    for _ in range(3):  # the variance of the mixture depends on the share: settle it
        variance = a * a * near[5] + (1 - a) * (1 - a) * far[5]
        a = min(max((along / variance + prior * trust) / (apart / variance + trust), 0.0), 1.0)
    if a < whole:
        a = 0.0
    if a > 1 - whole:
        a = 1.0
    # What the two means do not explain goes to each colour by its variance.
    variance = a * a * near[5] + (1 - a) * (1 - a) * far[5]
    for c in range(3):
        rest = pixel[c] - a * near[1 + c] - (1 - a) * far[1 + c]
        front[c] = max(near[1 + c] + rest * a * near[5] / variance, 0.0)
        back[c] = max(far[1 + c] + rest * (1 - a) * far[5] / variance, 0.0)
    return a
