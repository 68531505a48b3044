"""The layers that a picture is cut into: their radii, and the size each is drawn at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.optics.aperture import Aperture
from depthfx.optics.spread import Spread

FULL_SIZE_PX = 12.0
"""Up to this radius a layer is drawn at full size; each doubling halves its size."""

FINE_STEP_PX, FINE_TO_PX = 0.5, 4.0
"""Layers lie a pixel of their own size apart, near the focus half a pixel. A disc between two
layers is drawn as both, so half a step is the rim's error, and the pixel's size hides it."""


@dataclass(frozen=True)
class Group:
    """Neighbouring layers that are drawn at one size.

    scale : drawn at 1 / scale of the full size
    layers : their places in the ladder, far to near
    spreads : the opening of each, at its radius and size
    near : whether they lie in front of the focus
    """

    scale: int
    layers: range
    spreads: tuple[Spread, ...]
    near: bool

    @property
    def reach(self) -> int:
        """How far the light goes, at most, in pixels of the group's size."""
        return max(spread.reach for spread in self.spreads) + 1


@dataclass(frozen=True)
class Ladder:
    """All layers, far to near.

    squares : (K,) float32, signed square of each layer's signed radius in px, rising, near > 0
    slopes : (K,) float32, a surface of signed square q is nearer than layer k by
        clip((q - squares[k]) * slopes[k], 0, 1). Linear in the square, so that two discs
        mixed by that share have the second moment of the disc between them.
    far, centre, near : the groups, far ones from the coarsest, near ones to the coarsest
    """

    squares: NDArray[np.float32]
    slopes: NDArray[np.float32]
    far: tuple[Group, ...]
    centre: Group
    near: tuple[Group, ...]

    @classmethod
    def spanning(cls, low: float, high: float, aperture: Aperture) -> Ladder:
        """The fixed rungs, as far as they are needed to hold radii of `low` to `high` px."""
        far, near = _rungs(max(-low, 0.0)), _rungs(max(high, 0.0))
        signed = [(-radius, scale) for radius, scale in far[:0:-1]] + near
        radii = np.array([radius for radius, _ in signed])
        squares = (radii * np.abs(radii)).astype(np.float32)
        # Rounded up, so that a surface on a layer is that layer's to the last bit.
        slopes = np.nextafter(1 / np.diff(squares), np.float32(np.inf), dtype=np.float32)
        groups: list[Group] = []
        start = 0
        for stop in range(1, len(signed) + 1):
            if stop == len(signed) or signed[stop][1] != signed[start][1]:
                scale = signed[start][1]
                spreads = tuple(
                    _spread(radius, scale, aperture) for radius, _ in signed[start:stop]
                )
                groups.append(Group(scale, range(start, stop), spreads, signed[start][0] > 0))
                start = stop
        middle = next(i for i, group in enumerate(groups) if group.scale == 1)
        return cls(
            squares,
            np.append(slopes, np.float32(0)),
            tuple(groups[:middle]),
            groups[middle],
            tuple(groups[middle + 1 :]),
        )

    @property
    def coarsest(self) -> int:
        """The largest scale of all groups."""
        return max(group.scale for group in (*self.far, self.centre, *self.near))

    @property
    def largest_px(self) -> float:
        """The largest radius of all layers."""
        return math.sqrt(max(abs(float(self.squares[0])), abs(float(self.squares[-1]))))

    @property
    def reach_px(self) -> int:
        """How far any light goes, at most, in pixels of the full size."""
        groups = (*self.far, self.centre, *self.near)
        # Enlarging by twos spreads it over two blocks more.
        return max((group.reach + 2) * group.scale for group in groups)

    def neighbours(self, k: int) -> tuple[float, float]:
        """Signed squares between which a surface has a part in layer k."""
        below = float(self.squares[k - 1]) if k else -math.inf
        above = float(self.squares[k + 1]) if k + 1 < len(self.squares) else math.inf
        return below, above

    def around(self, k: int) -> tuple[np.float32, np.float32, np.float32, np.float32]:
        """Square and slope of the layer behind layer k, 0 and 0 if there is none, and its own."""
        square, slope = self.squares[k], self.slopes[k]
        if not k:
            return np.float32(0), np.float32(0), square, slope
        return self.squares[k - 1], self.slopes[k - 1], square, slope


def _rungs(largest_px: float) -> list[tuple[float, int]]:
    """Radius and scale of each layer on one side of the focus, from 0 outwards."""
    rungs = [(0.0, 1)]
    while rungs[-1][0] < largest_px:
        radius = rungs[-1][0]
        scale = 1 if radius < FULL_SIZE_PX else 2 << int(math.log2(radius / FULL_SIZE_PX))
        rungs.append((radius + (FINE_STEP_PX if radius < FINE_TO_PX else scale), scale))
    return rungs


def _spread(radius: float, scale: int, aperture: Aperture) -> Spread:
    # Averaging over blocks, and interpolating back by twos, widen the disc by themselves: they
    # add (scale^2 - 1) / 3 to the second moment on each axis.
    size = math.sqrt(radius**2 - 2 / 3 * (scale**2 - 1) / aperture.moment) / scale
    taps = aperture.kernel(size)
    # In front of the focus the rays have not crossed yet: the opening is upside down.
    taps = np.ascontiguousarray(taps[::-1, ::-1]) if radius > 0 else taps
    return Spread.of(taps, uniform=aperture.convex_uniform)
