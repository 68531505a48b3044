"""A picture divided among places, for what changes over the frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Place = tuple[slice, slice]

SHARE = 0.125
"""Distance between neighbouring places, as a share of the diagonal."""


@dataclass(frozen=True)
class Patch:
    """The picture around one place, fading into those around its neighbours.

    x, y : the place, from the middle in units of half the diagonal, right and down
    at_px : the same as row and column, px
    step_px : to the neighbours, rows and columns, px
    """

    x: float
    y: float
    at_px: tuple[float, float]
    step_px: tuple[float, float]

    def meets(self, place: Place) -> bool:
        """Whether a place has a weight above 0 anywhere."""
        return all(
            s.start < at + step and s.stop > at - step
            for s, at, step in zip(place, self.at_px, self.step_px, strict=True)
        )

    def weight(self, place: Place) -> NDArray[np.float32]:
        """(h, w, 1), falling to 0 at the neighbours; those of all patches add up to 1."""
        down, across = (
            np.clip(1 - np.abs(np.arange(s.start, s.stop) + 0.5 - at) / step, 0, 1)
            for s, at, step in zip(place, self.at_px, self.step_px, strict=True)
        )
        return np.outer(down, across).astype(np.float32)[..., None]


def patches(shape: tuple[int, ...]) -> Iterator[Patch]:
    """The patches of a picture of that many rows and columns."""
    half = math.hypot(*shape[:2]) / 2
    counts = [max(1, round(side / (2 * half * SHARE))) for side in shape[:2]]
    step = (shape[0] / counts[0], shape[1] / counts[1])
    for i in range(counts[0] + 1):
        for j in range(counts[1] + 1):
            row, column = i * step[0], j * step[1]
            x, y = (column - shape[1] / 2) / half, (row - shape[0] / 2) / half
            yield Patch(x, y, (row, column), step)
