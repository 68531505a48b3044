"""A photo as points in space: of each pixel one, or of a small cell of pixels.

Left out is what has no place in space: sky, what is cut out of the photo, flying pixels (`flying`)
and pixels that show two surfaces at once, whose colour is neither's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.geometry.flying import LEAST_JUMP, beside_jumps, longest_px, stepped
from depthfx.geometry.normals import Normals
from depthfx.geometry.unproject import Points, unproject_at
from depthfx.photo.photo import Pixels

Mask = NDArray[np.bool_]

MIXED = 0.15
"""A pixel with more than this share of either surface shows both."""
FEWER = 1.02
"""Factor for the cells' sides, until there are few enough points."""
PART = 1_000_000
"""Points worked on at a time, where each takes some memory."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points seen from one camera, row by row as it sees them.

    places : (N, 2) float32 px, where the camera sees them, pixel centres at +0.5
    inverse : (N,) float32, inverse depth, above 0
    normals : (N, 3) float32, unit, camera axes, towards the camera
    colours : (N, 3) float32, linear light, sRGB primaries
    spacing_px : how far apart the camera sees neighbours
    """

    camera: Camera
    places: NDArray[np.float32]
    inverse: NDArray[np.float32]
    normals: NDArray[np.float32]
    colours: Pixels
    spacing_px: float = 1.0

    @property
    def points(self) -> Points:
        """(N, 3) float64 camera axes: x right, y down, z forward, in metres or the depth's unit."""
        return unproject_at(self.places[:, 0], self.places[:, 1], self.inverse, self.camera)

    def parts(self) -> Iterator[Cloud]:
        """The same points, `PART` at a time."""
        for first in range(0, len(self.inverse), PART):
            rows = slice(first, first + PART)
            yield replace(
                self,
                places=self.places[rows],
                inverse=self.inverse[rows],
                normals=self.normals[rows],
                colours=self.colours[rows],
            )


def solid(depth: Depth, camera: Camera) -> Mask:
    """(H, W) bool: pixels that show one surface, which is neither sky nor a flying pixel."""
    clean = stepped(depth.surface, camera)
    out = ~clean.flying & (clean.inverse > 0)
    if depth.behind is not None and depth.coverage is not None:
        # Networks are unsure over wide soft regions as well: only at an outline is it a mixture.
        two = (depth.coverage > MIXED) & (depth.coverage < 1 - MIXED)
        out &= ~(two & beside_jumps(clean.inverse, longest_px(camera) // 2))
    return out


def cloud_of(
    pixels: Pixels,
    inverse: Plane,
    camera: Camera,
    normals: Normals,
    *,
    there: Mask,
    most: int,
) -> Cloud:
    """The pixels `there` (H, W) as at most `most` points, or two.

    pixels : (H, W, 3) float32, linear light; inverse : (H, W) float32; normals : (H, W, 3) float32

    If there are more, neighbours of one surface become one point, their mean in the picture and
    in inverse depth, which lies on their plane; near and far beside each other stay apart.
    """
    there = there & (inverse > 0)
    number = int(there.sum())
    side = 1.0 if number <= most else math.sqrt(number / most)
    cells = np.empty((0, 9), np.float32)
    while True:
        found = _cells(pixels, inverse, normals, there, side, np.float32(LEAST_JUMP), cells)
        if found <= most or side > max(inverse.shape):
            break
        side *= max(math.sqrt(found / most), FEWER)
    cells = np.empty((found, 9), np.float32)
    _cells(pixels, inverse, normals, there, side, np.float32(LEAST_JUMP), cells)
    facing = cells[:, 3:6]
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), np.float32(1e-12))
    return Cloud(
        camera,
        np.ascontiguousarray(cells[:, :2]),
        np.ascontiguousarray(cells[:, 2]),
        np.ascontiguousarray(facing),
        np.ascontiguousarray(cells[:, 6:]),
        side,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _cells(
    pixels: Pixels,
    inverse: Plane,
    normals: Normals,
    there: Mask,
    side: float,
    jump: np.float32,
    out: NDArray[np.float32],
) -> int:  # pragma: no cover - compiled
    """The number of points; fills rows of `out` as far as it has any: place, inverse depth, normal
    and colour, the means of each surface in each cell."""
    height, width = inverse.shape
    rows, columns = math.ceil(height / side), math.ceil(width / side)
    sums = np.empty((2, 10))
    count = 0
    for j in range(rows):
        top, bottom = int(j * side + 0.5), min(int((j + 1) * side + 0.5), height)
        for i in range(columns):
            left, right = int(i * side + 0.5), min(int((i + 1) * side + 0.5), width)
            low, high = np.float32(np.inf), np.float32(0)
            for y in range(top, bottom):
                for x in range(left, right):
                    if there[y, x]:
                        low, high = min(low, inverse[y, x]), max(high, inverse[y, x])
            if high == 0:
                continue
            two = high - low > jump * high
            if len(out) == 0:
                count += 2 if two else 1
                continue
            middle = np.float32(0.5) * (low + high)
            sums[:] = 0
            for y in range(top, bottom):
                for x in range(left, right):
                    if there[y, x]:
                        own = sums[1 if two and inverse[y, x] > middle else 0]
                        own[0] += x + 0.5
                        own[1] += y + 0.5
                        own[2] += inverse[y, x]
                        for k in range(3):
                            own[3 + k] += normals[y, x, k]
                            own[6 + k] += pixels[y, x, k]
                        own[9] += 1
            for n in range(2):
                if sums[n, 9] > 0:
                    for k in range(9):
                        out[count, k] = sums[n, k] / sums[n, 9]
                    count += 1
    return count
