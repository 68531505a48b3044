"""The shape of the lens opening, which is the shape of a point out of focus.

Every opening here is convex and given by its outline in a circle of radius 1, so one
routine turns any of them into a kernel: each pixel row is cut into thin strips, and the
share of every pixel that lies between the strip's two crossings of the outline is exact
along x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError

OUTLINE_POINTS = 720
FEWEST_STRIPS, STRIPS = 16, 512
"""Strips in a pixel row, at least, and in a kernel: a level blade must not jump by much."""
SQUARE_MOMENT = 1 / 6
PLENTY_PX = 6.0
"""From this radius on the squares add just their own moment, `SQUARE_MOMENT`."""
FEWEST_BLADES, MOST_BLADES = 3, 11


@dataclass(frozen=True)
class Aperture:
    """A lens opening with its corners on the circle of the nominal diameter.

    blades : 0 for a round opening, or 3 to 11
    rotation_deg : turns the opening clockwise on the screen; at 0 a side faces right
    curvature : 0 for straight blades, up to 1 for blades that make the opening round

    Raises ParameterError if one is out of its bounds.
    """

    blades: int = 0
    rotation_deg: float = 0.0
    curvature: float = 0.0

    def __post_init__(self) -> None:
        if self.blades != 0 and not FEWEST_BLADES <= self.blades <= MOST_BLADES:
            raise ParameterError(
                f"blades={self.blades} must be 0 (a round opening) or "
                f"{FEWEST_BLADES} to {MOST_BLADES}"
            )
        if not math.isfinite(self.rotation_deg):
            raise ParameterError(f"rotation_deg={self.rotation_deg} must be a finite angle")
        if not 0.0 <= self.curvature <= 1.0:
            raise ParameterError(f"curvature={self.curvature} is outside 0 to 1")

    def outline(self, points: int = OUTLINE_POINTS) -> NDArray[np.float64]:
        """(points, 2) x right, y down, in units of the nominal radius."""
        angle = np.arange(points) * (2 * np.pi / points)
        radius = np.ones(points)
        if self.blades:
            sector = 2 * np.pi / self.blades
            from_side = (angle + sector / 2) % sector - sector / 2
            straight = math.cos(sector / 2) / np.cos(from_side)
            radius = straight + self.curvature * (1 - straight)
        angle = angle + math.radians(self.rotation_deg)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    def kernel(self, radius_px: float) -> NDArray[np.float32]:
        """The picture of a point as an odd square kernel whose sum is 1.

        radius_px : of the nominal circle, >= 0; towards 0 the kernel becomes the identity

        Returns (2n + 1, 2n + 1) float32, anti-aliased: the weight of a pixel is the share
        of its square inside the outline. Squares add a little width of their own, and the
        smallest discs fit into one; the radius is corrected until the kernel spreads light
        exactly as far (second moment) as the outline does. Raises ParameterError for a bad
        radius.
        """
        if not (math.isfinite(radius_px) and radius_px >= 0):
            raise ParameterError(f"radius_px={radius_px} must be 0 px or more")
        if radius_px < 1.0:
            # Moments add: the identity and the kernel of radius 1 mixed by the square.
            kernel = self.kernel(1.0) * np.float32(radius_px**2)
            kernel[kernel.shape[0] // 2, kernel.shape[1] // 2] += np.float32(1 - radius_px**2)
            return kernel if radius_px > 0 else np.ones((1, 1), np.float32)
        wanted = self.moment * radius_px**2
        if radius_px >= PLENTY_PX:
            drawn_px = math.sqrt(radius_px**2 - SQUARE_MOMENT / self.moment)
            return self._coverage(drawn_px).astype(np.float32)
        low, high = 0.3, radius_px + 1.0
        for _ in range(24):
            drawn_px = (low + high) / 2
            weights = self._coverage(drawn_px)
            low, high = (drawn_px, high) if _moment(weights) < wanted else (low, drawn_px)
        return weights.astype(np.float32)

    @property
    def moment(self) -> float:
        """Mean of x * x + y * y over the opening of radius 1: 1/2 for a disc."""
        x, y = self.outline().T
        x1, y1 = np.roll(x, -1), np.roll(y, -1)
        cross = x * y1 - x1 * y
        squares = x * x + x * x1 + x1 * x1 + y * y + y * y1 + y1 * y1
        return float((cross * squares).sum() / cross.sum() / 6)

    def _coverage(self, radius_px: float) -> NDArray[np.float64]:
        """Share of each pixel inside the outline, scaled to the sum 1."""
        reach = max(1, math.ceil(radius_px - 0.5))
        size = 2 * reach + 1
        strips = max(FEWEST_STRIPS, STRIPS // size)
        left, right = self._crossings(radius_px, reach, strips)
        column = np.arange(-reach, reach + 1) - 0.5
        inside = np.clip(right - column, 0, 1) - np.clip(left - column, 0, 1)
        weights = inside.reshape(size, strips, size).sum(axis=1)
        return np.asarray(weights / weights.sum())

    def _crossings(
        self, radius_px: float, reach: int, strips: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Left and right x of the outline, (rows * strips, 1) px; equal outside it."""
        outline = self.outline() * radius_px
        top = int(np.argmin(outline[:, 1]))
        outline = np.concatenate([np.roll(outline, -top, axis=0), outline[top : top + 1]])
        bottom = int(np.argmax(outline[:, 1]))
        y = (np.arange((2 * reach + 1) * strips) + 0.5) / strips - reach - 0.5
        # Clockwise on the screen from the top: the right side first, then the left one.
        right = np.interp(y, outline[: bottom + 1, 1], outline[: bottom + 1, 0])
        left = np.interp(y, outline[bottom:, 1][::-1], outline[bottom:, 0][::-1])
        outside = (y < outline[0, 1]) | (y > outline[bottom, 1])
        middle = (left + right) / 2
        return (np.where(outside, middle, left)[:, None], np.where(outside, middle, right)[:, None])


ROUND = Aperture()
"""The ideal lens, wide open."""


def _moment(kernel: NDArray[np.float64]) -> float:
    """Mean of x * x + y * y over a kernel whose sum is 1."""
    n = kernel.shape[0] // 2
    square = np.arange(-n, n + 1) ** 2
    return float(kernel.sum(axis=0) @ square + kernel.sum(axis=1) @ square)
