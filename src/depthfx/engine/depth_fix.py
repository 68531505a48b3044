"""Depth put right by hand: what a mask shows is infinitely far, or so many metres away.

For sky that a network takes for a wall, and mirrors and windows that it looks into. A soft
mask makes no depths in between: a pixel is in it from half cover on. At an outline, where
a pixel shows two surfaces, each goes with the side whose depth it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.engine.find import ASPECT_TOLERANCE
from depthfx.engine.known import KnownRegion
from depthfx.errors import DepthError
from depthfx.matting.told import read_grey
from depthfx.raster.resample import resize_area

Mask = NDArray[np.bool_]
OUTLINE_SHARE = 0.01
"""How far from a mask's edge a pixel may belong to both sides, of the diagonal."""
ALIKE = 0.1
"""Two sides of a mask whose depths differ by a smaller share cannot be told apart by depth."""


@dataclass(frozen=True, eq=False)
class DepthFix:
    """A known region with its mask read: `cover` (h, w) float32 in 0..1, of any size."""

    region: KnownRegion
    cover: Plane

    @classmethod
    def read(cls, region: KnownRegion, shape: tuple[int, int]) -> DepthFix:
        """The mask's file, for a photo of `shape` (height, width).

        Grey 8- or 16-bit picture, white where it counts; an alpha channel is ignored.
        Raises DepthError if it cannot be read, is coloured, shows nothing or has another
        shape than the photo.
        """
        cover = read_grey(region.mask, DepthError)
        (rows, columns), (height, width) = cover.shape, shape
        if abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
            raise DepthError(
                f"{region.mask} is {columns} x {rows}, which is another shape than the photo's "
                f"{width} x {height}; make the mask for the whole photo"
            )
        if cover.max() < 0.5:
            raise DepthError(f"{region.mask} is black all over: white is what it should correct")
        return cls(region, cover)


def fix_depth(depth: Depth, fixes: Sequence[DepthFix]) -> Depth:
    """`depth` with all `fixes` made, in their order; where two overlap the last one counts.

    Raises DepthError if one gives metres to relative depth.
    """
    for fix in fixes:
        depth = _fixed(depth, fix)
    return depth


def _fixed(depth: Depth, fix: DepthFix) -> Depth:
    far = not np.isfinite(fix.region.metres)
    if not (far or depth.metric):
        raise DepthError(
            f"{fix.region}: this depth is relative and has no metres ({depth.origin}); "
            "give it a scale first, as by --scale-at 0.5,0.4=2.5m, or set the mask =far"
        )
    value = np.float32(0 if far else 1 / fix.region.metres)
    inside = resize_area(fix.cover, depth.shape) >= 0.5
    origin = f"{depth.origin}, {fix.region}"
    if depth.behind is None or depth.coverage is None:
        return replace(depth, inverse=np.where(inside, value, depth.inverse), origin=origin)
    front_in, behind_in = _surfaces_inside(depth.inverse, depth.behind, inside)
    front = np.where(front_in, value, depth.inverse)
    behind = np.where(behind_in, value, depth.behind)
    # What was in front may now be behind, and two surfaces may have become one.
    turned = behind > front
    coverage = np.where(turned, 1 - depth.coverage, depth.coverage)
    coverage = np.where(front == behind, np.float32(1), coverage)
    return replace(
        depth,
        inverse=np.maximum(front, behind),
        behind=np.minimum(front, behind),
        coverage=coverage.astype(np.float32),
        origin=origin,
    )


def _surfaces_inside(front: Plane, behind: Plane, inside: Mask) -> tuple[Mask, Mask]:
    """Whether each pixel's front surface, and the one behind it, belongs to the mask.

    A pixel of one surface is decided by the mask alone, and so is one far from its edge.
    Near it, a surface is inside if its depth is nearer to that of the nearest pixel of one
    surface inside than to that of the nearest one outside; where those two are alike, depth
    tells nothing and the mask decides.
    """
    single = front == behind
    height, width = front.shape
    reach = max(4, round(OUTLINE_SHARE * float(np.hypot(height, width))))
    box = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    edge = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_GRADIENT, box) > 0
    row, column = np.nonzero(edge & ~single)
    anchors_in, anchors_out = _cores(single & inside), _cores(single & ~inside)
    if not (row.size and anchors_in.any() and anchors_out.any()):
        return inside, inside
    within = _nearest(front, anchors_in)[row, column]
    without = _nearest(front, anchors_out)[row, column]
    alike = np.abs(within - without) <= ALIKE * np.maximum(within, without)
    decided = []
    for surface in (front, behind):
        own = surface[row, column]
        chosen = inside.copy()
        nearer = np.abs(own - within) < np.abs(own - without)
        chosen[row, column] = np.where(alike, inside[row, column], nearer)
        decided.append(chosen)
    return decided[0], decided[1]


def _cores(mask: Mask) -> Mask:
    """`mask` without its specks and its outermost pixels, which a matte leaves in hair."""
    box = np.ones((5, 5), np.uint8)
    return cv2.erode(mask.astype(np.uint8), box, borderValue=1) > 0


def _nearest(plane: Plane, there: Mask) -> Plane:
    """`plane` at the nearest pixel where `there` is set, for every pixel."""
    _, label = cv2.distanceTransformWithLabels(
        (~there).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.zeros(int(label.max()) + 1, np.float32)
    values[label[there]] = plane[there]
    return values[label]
