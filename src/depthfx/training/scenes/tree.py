"""A tree of boxes over the shapes, so that a ray asks few of them.

Built by the surface-area heuristic (Wald, "On fast Construction of SAH-based Bounding Volume
Hierarchies", 2007), laid out in the order of a walk through it: a node that the ray misses is
skipped by one jump, and no stack is needed. Of two children the one nearer to the eye comes
first, so camera rays meet near things early.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthfx.training.scenes.solids import GLOWS, MISSED, inverse, meet
from depthfx.training.scenes.vectors import Vector, kernel

Boxes = NDArray[np.float64]
"""(M, 6) lowest and highest corner of each node, in the order of the walk."""
Links = NDArray[np.int32]
"""(M, 3) of each node: where to go on if the ray misses it; first shape and number of shapes of
a leaf (0 within the tree)."""


@kernel
def _half_area(low: NDArray, high: NDArray) -> float:
    x, y, z = high[0] - low[0], high[1] - low[1], high[2] - low[2]
    return x * y + y * z + z * x


@kernel
def _split(bounds: NDArray, order: NDArray, start: int, end: int) -> int:
    """Sort `order[start:end]` along its best axis; where to cut, or `end` for a leaf."""
    n = end - start
    best, best_axis, best_cut = 1e300, -1, 0
    low, high = np.empty(3), np.empty(3)
    left = np.empty(n)
    for axis in range(3):
        part = order[start:end].copy()
        by = part[np.argsort(bounds[part, axis] + bounds[part, axis + 3])]
        low[:], high[:] = 1e300, -1e300
        for k in range(n - 1):
            for a in range(3):
                low[a] = min(low[a], bounds[by[k], a])
                high[a] = max(high[a], bounds[by[k], a + 3])
            left[k] = _half_area(low, high) * (k + 1)
        low[:], high[:] = 1e300, -1e300
        for k in range(n - 1, 0, -1):
            for a in range(3):
                low[a] = min(low[a], bounds[by[k], a])
                high[a] = max(high[a], bounds[by[k], a + 3])
            cost = left[k - 1] + _half_area(low, high) * (n - k)
            if cost < best:
                best, best_axis, best_cut = cost, axis, k
    part = order[start:end].copy()
    by = part[np.argsort(bounds[part, best_axis] + bounds[part, best_axis + 3])]
    order[start:end] = by
    return start + best_cut


@kernel
def _grow(bounds: NDArray, eye: NDArray, leaf: int) -> tuple[NDArray, NDArray, NDArray]:
    n = len(bounds)
    order = np.arange(n)
    box = np.empty((2 * n, 6))
    parent, links = np.full(2 * n, -1, np.int32), np.zeros((2 * n, 3), np.int32)
    links[:, 0] = 1
    stack = [(0, n, -1)]
    m = 0
    while len(stack) > 0:
        start, end, above = stack.pop()
        node = m
        m += 1
        parent[node] = above
        for a in range(3):
            box[node, a] = bounds[order[start:end], a].min()
            box[node, a + 3] = bounds[order[start:end], a + 3].max()
        if end - start <= leaf:
            links[node, 1], links[node, 2] = start, end - start
            continue
        cut = _split(bounds, order, start, end)
        gap = np.zeros(2)
        for side in range(2):
            part = order[start:cut] if side == 0 else order[cut:end]
            for a in range(3):
                low, high = bounds[part, a].min(), bounds[part, a + 3].max()
                gap[side] += max(low - eye[a], eye[a] - high, 0.0) ** 2
        if gap[0] <= gap[1]:
            stack.append((cut, end, node))
            stack.append((start, cut, node))
        else:
            stack.append((start, cut, node))
            stack.append((cut, end, node))
    for node in range(m - 1, 0, -1):
        links[parent[node], 0] += links[node, 0]
    for node in range(m):
        links[node, 0] += node
    return order, box[:m], links[:m]


def grow(
    bounds: NDArray[np.float64], eye: tuple[float, float, float], leaf: int = 2
) -> tuple[NDArray[np.int64], Boxes, Links]:
    """The order in which the shapes have to be sorted, and the tree over them.

    `bounds` is (N, 6); `leaf` is the largest number of shapes in a leaf; N is no tree at all.
    """
    order, boxes, links = _grow(bounds, np.array(eye, np.float64), leaf)
    return order, boxes, links


@kernel
def _enters(boxes: NDArray, node: int, o: Vector, per: Vector, farthest: float) -> bool:
    """Whether a ray is in a node's box before `farthest`; `per` is 1 / direction."""
    x0, x1 = (boxes[node, 0] - o[0]) * per[0], (boxes[node, 3] - o[0]) * per[0]
    y0, y1 = (boxes[node, 1] - o[1]) * per[1], (boxes[node, 4] - o[1]) * per[1]
    z0, z1 = (boxes[node, 2] - o[2]) * per[2], (boxes[node, 5] - o[2]) * per[2]
    enter = max(min(x0, x1), min(y0, y1), min(z0, z1), 0.0)
    leave = min(max(x0, x1), max(y0, y1), max(z0, z1), farthest)
    # A little slack: a card is as thin as a box can be.
    return enter <= leave * 1.0000001 + 1e-9


@kernel
def nearest(
    table: NDArray, boxes: NDArray, links: NDArray, o: Vector, d: Vector, guess: int
) -> tuple[int, float]:
    """The shape that a ray meets first, -1 for none, and the ray parameter.

    `guess` is tried first (-1: none); a good one leaves little to do.
    """
    found, t = -1, MISSED
    if guess >= 0:
        t = meet(table, guess, o, d)
        if t < MISSED:
            found = guess
    per = inverse(d[0]), inverse(d[1]), inverse(d[2])
    node, end = 0, len(links)
    while node < end:
        if not _enters(boxes, node, o, per, t):
            node = links[node, 0]
            continue
        first = links[node, 1]
        for i in range(first, first + links[node, 2]):
            there = meet(table, i, o, d)
            if there < t:
                found, t = i, there
        node += 1
    return found, t


@kernel
def blocked(
    table: NDArray, boxes: NDArray, links: NDArray, o: Vector, d: Vector, farthest: float
) -> bool:
    """Whether anything that does not glow itself stands between ray parameters 0 and
    `farthest`."""
    per = inverse(d[0]), inverse(d[1]), inverse(d[2])
    node, end = 0, len(links)
    while node < end:
        if not _enters(boxes, node, o, per, farthest):
            node = links[node, 0]
            continue
        first = links[node, 1]
        for i in range(first, first + links[node, 2]):
            if table[i, GLOWS] == 0 and meet(table, i, o, d) < farthest:
                return True
        node += 1
    return False
