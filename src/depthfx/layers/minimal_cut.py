"""The cheapest boundary between what is near and what is far.

Of all 0..1 pictures x, the one that makes sum(cost * x) + total variation least, the variation
weighed by how dear a boundary is at each place: relaxed, the problem is convex, and any level
of its solution is a minimal cut. Solved by primal-dual steps from a start, which a coarser picture
gives: what decides may lie far from where nothing is known.

T. Chan, S. Esedoglu, M. Nikolova, "Algorithms for finding global minimizers of image
segmentation and denoising models", SIAM J. Appl. Math. 66(5), 2006; the steps: A. Chambolle,
T. Pock, "A first-order primal-dual algorithm for convex problems", J. Math. Imaging 40, 2011.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from depthfx.depth import Plane
from depthfx.raster.resample import resize_linear


@dataclass(frozen=True, eq=False)
class Relaxed:
    """A state of the solution: x (H, W) float32 in 0..1, of which what is above a half is one side,
    and its dual, the flow between each pixel and the next, right and down."""

    x: Plane
    right: Plane
    down: Plane

    @classmethod
    def start(cls, shape: tuple[int, int]) -> Relaxed:
        """Undecided."""
        nothing = np.zeros(shape, np.float32)
        return cls(np.full(shape, 0.5, np.float32), nothing, nothing)

    def resized(self, shape: tuple[int, int]) -> Relaxed:
        """Where to start from on a finer grid; the flow too, or x would lose its way at first."""
        x, right, down = (resize_linear(plane, shape) for plane in (self.x, self.right, self.down))
        return Relaxed(x, right, down)


def relaxed_cut(cost: Plane, right: Plane, down: Plane, start: Relaxed, steps: int) -> Relaxed:
    """The solution, improved from `start`.

    cost : (H, W) float32, of x being 1 here; below zero: of its being 0
    right, down : (H, W) float32 >= 0, of a boundary between a pixel and the next
    """
    x, flow = start.x.copy(), (start.right.copy(), start.down.copy())
    _steps(cost, right, down, x, *flow, steps)
    return Relaxed(x, *flow)


@njit(cache=True, fastmath=True, nogil=True)
def _steps(
    cost: Plane, right: Plane, down: Plane, x: Plane, p: Plane, q: Plane, steps: int
) -> None:  # pragma: no cover - compiled
    """In place on x and the flow p, q."""
    height, width = cost.shape
    zero, one, step = np.float32(0), np.float32(1), np.float32(0.35355339)
    ahead = x.copy()
    for _ in range(steps):
        for i in range(height):
            for j in range(width):
                if j + 1 < width:
                    v = p[i, j] + step * (ahead[i, j + 1] - ahead[i, j])
                    p[i, j] = min(max(v, -right[i, j]), right[i, j])
                if i + 1 < height:
                    v = q[i, j] + step * (ahead[i + 1, j] - ahead[i, j])
                    q[i, j] = min(max(v, -down[i, j]), down[i, j])
        for i in range(height):
            for j in range(width):
                spread = p[i, j] + q[i, j]
                if j > 0:
                    spread -= p[i, j - 1]
                if i > 0:
                    spread -= q[i - 1, j]
                old = x[i, j]
                new = min(max(old + step * (spread - cost[i, j]), zero), one)
                x[i, j] = new
                ahead[i, j] = 2 * new - old
