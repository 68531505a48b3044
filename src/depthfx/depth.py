"""Depth as everything inside uses it: inverse depth in 1/m, 0 infinitely far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ShapeError

Plane = NDArray[np.float32]


def checked_plane(name: str, plane: Plane, shape: tuple[int, ...] | None = None) -> Plane:
    """`plane` if it is (H, W) float32 of `shape`; raises ShapeError with its name if not."""
    if plane.ndim != 2 or plane.dtype != np.float32:
        raise ShapeError(f"{name} must be (H, W) float32, got {plane.shape} {plane.dtype}")
    if shape is not None and plane.shape != shape:
        raise ShapeError(f"{name} is {plane.shape}, but should be {shape}")
    return plane


@dataclass(frozen=True, eq=False)
class Depth:
    """Inverse depth of every pixel.

    inverse : (H, W) float32, finite, >= 0; in 1/m if `metric`, else scaled so that
        its 99th percentile is 1.
    origin : where it came from, in words a user reads.
    behind : (H, W) float32 or None, the inverse depth of what a boundary pixel
        shows beside its front surface (equal to `inverse` where there is one surface).
    coverage : (H, W) float32 in 0..1 or None, the front surface's share of the pixel.
    focal_px : the focal length in pixels that the model saw in this photo; None: it saw none.
    focal_error : share by which `focal_px` may be off, where the model says it; None: as the focal
        length that any network sees
    scale_error : share by which all metres may be off together, where they were measured (0:
        nothing is known of it); None: they follow from the focal length
    model_error : share by which the model's metres may be off together, beside what the focal
        length does; None: it was not measured
    stamp : what outputs say of the model: its name, the SHA-256 of its weights, its licence.

    Raises ShapeError if an array has the wrong shape or type, or values that are
    negative or not finite.
    """

    inverse: Plane
    metric: bool
    origin: str
    behind: Plane | None = None
    coverage: Plane | None = None
    focal_px: float | None = None
    focal_error: float | None = None
    scale_error: float | None = None
    model_error: float | None = None
    stamp: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checked_plane("inverse depth", self.inverse)
        low, high = float(self.inverse.min()), float(self.inverse.max())
        if not (low >= 0 and np.isfinite(high)):
            raise ShapeError(f"inverse depth must be finite and not negative, has {low} to {high}")
        if self.behind is not None:
            checked_plane("behind", self.behind, self.inverse.shape)
        if self.coverage is not None:
            checked_plane("coverage", self.coverage, self.inverse.shape)

    @classmethod
    def relative(cls, inverse: Plane, origin: str) -> Depth:
        """Inverse depth of unknown scale, brought to 1 at its 99th percentile."""
        top = float(np.percentile(inverse, 99))
        scale = top if top > 0 else max(float(inverse.max()), 1.0)
        return cls((inverse / np.float32(scale)).astype(np.float32), False, origin)

    @property
    def surface(self) -> Plane:
        """(H, W) float32: inverse depth of what fills most of each pixel, one surface only."""
        if self.behind is None or self.coverage is None:
            return self.inverse
        return np.where(self.coverage >= 0.5, self.inverse, self.behind)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)"""
        height, width = self.inverse.shape
        return height, width

    def resized(self, shape: tuple[int, int]) -> Depth:
        """The same depth on another grid, each pixel with one of the depths it had there."""
        from depthfx.raster.resample import resize_nearest

        old = self.shape
        return replace(
            self,
            inverse=resize_nearest(self.inverse, shape),
            behind=None if self.behind is None else resize_nearest(self.behind, shape),
            coverage=None if self.coverage is None else resize_nearest(self.coverage, shape),
            focal_px=self.focal_px and self.focal_px * math.hypot(*shape) / math.hypot(*old),
        )

    def metres_at(self, x: float, y: float) -> float:
        """Depth in metres at a place given as shares of width and height; inf for sky."""
        height, width = self.shape
        row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
        inverse = float(self.surface[row, column])
        return 1.0 / inverse if inverse > 0 else float("inf")
