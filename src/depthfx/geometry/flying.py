"""Flying pixels: what hangs in the air between two surfaces.

A network, or a reduced map, makes of a depth edge a ramp a few pixels wide. Seen from the camera
it does not show; as points or as a mesh it is a curtain from the near thing to the far one. A ramp
is told from a surface that runs away, as a floor does, by its ends: beyond them it is far less
steep. A floor's inverse depth has the same step on and on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.breaks import steps_above

Mask = NDArray[np.bool_]

LEAST_JUMP = 0.04
"""Share of the distance by which two surfaces part at least: folds of cloth and the parts of a
face are less, a hand before a chest is more."""
STEEP_DEG = 80.0
"""A ramp is at least this far from facing the camera; few surfaces are."""
LONGEST_SHARE = 0.005
"""Of the diagonal: the longest ramp; a longer one is taken for a surface."""
LEAST_LONGEST_PX = 4
TOOTH_PX = 5
"""Ramps go on for as many rows, or columns, as this at least."""
FLANK = 0.25
"""A ramp ends where it is this share as steep as it is in the steepest place."""


@dataclass(frozen=True, eq=False)
class Stepped:
    """A surface without flying pixels.

    inverse : (H, W) float32, each flying pixel with the depth of the nearer end of its ramp
    flying : (H, W) bool, which were
    """

    inverse: Plane
    flying: Mask


def longest_px(camera: Camera) -> int:
    return max(LEAST_LONGEST_PX, round(LONGEST_SHARE * camera.diagonal_px))


def stepped(inverse: Plane, camera: Camera) -> Stepped:
    """`inverse` (H, W) float32 with its ramps, across and downwards, made into single steps."""
    steep = np.float32(math.tan(math.radians(STEEP_DEG)) / camera.focal_px)
    longest = longest_px(camera)
    rows, across = _stepped_across(inverse, steep, longest)
    columns, down = _stepped_across(np.ascontiguousarray(rows.T), steep, longest)
    return Stepped(np.ascontiguousarray(columns.T), across | down.T)


def _stepped_across(inverse: Plane, steep: np.float32, longest: int) -> tuple[Plane, Mask]:
    """Inverse depth and flying pixels; a ramp in a few rows only, where many are nearly too long
    or nearly too steep, stays: a step, it would be a comb's tooth."""
    out, flying = inverse.copy(), np.zeros(inverse.shape, np.bool_)
    _step_rows(out, flying, steep, np.float32(LEAST_JUMP), longest)
    if not flying.any():
        return out, flying
    # A ramp at an edge that leans by up to 45 degrees goes on in the next row, a pixel beside.
    wider = cv2.dilate(flying.view(np.uint8), np.ones((1, TOOTH_PX), np.uint8))
    going_on = cv2.morphologyEx(wider, cv2.MORPH_OPEN, np.ones((TOOTH_PX, 1), np.uint8))
    flying &= going_on.view(np.bool_)
    return np.where(flying, out, inverse), flying


def jumps(inverse: Plane) -> tuple[Mask, Mask]:
    """Sides (H, W - 1), (H - 1, W) between two surfaces, or a surface and nothing (0)."""
    there = inverse > 0
    # A step in log depth is a share of the distance.
    logs = np.log(np.where(there, inverse, np.float32(1)))
    across, down = steps_above(logs, LEAST_JUMP)
    across &= there[:, 1:] & there[:, :-1]
    down &= there[1:] & there[:-1]
    return across | (there[:, 1:] != there[:, :-1]), down | (there[1:] != there[:-1])


def beside_jumps(inverse: Plane, reach_px: int) -> Mask:
    """(H, W) bool: pixels not more than so far, across and downwards, from a jump."""
    across, down = jumps(inverse)
    near = np.zeros(inverse.shape, np.uint8)
    near[:, 1:] |= across
    near[:, :-1] |= across
    near[1:] |= down
    near[:-1] |= down
    kernel = np.ones((2 * reach_px + 1, 1), np.uint8)
    return cv2.dilate(cv2.dilate(near, kernel), kernel.T) > 0


@njit(cache=True, nogil=True, error_model="numpy")
def _step_rows(
    inverse: Plane, flying: Mask, steep: np.float32, jump: np.float32, longest: int
) -> None:  # pragma: no cover - compiled
    """Give the pixels within each ramp of each row the depth of one of its ends, in place."""
    height, width = inverse.shape
    share = np.float32(FLANK)
    for y in range(height):
        row = inverse[y]
        x = 0
        while x < width - 1:
            step = row[x + 1] - row[x]
            if abs(step) <= steep * max(row[x], row[x + 1]):
                x += 1
                continue
            # As far as it goes on the same way, and the steepest place of that.
            end, at, most = x + 1, x, abs(step)
            while end < width - 1:
                on = row[end + 1] - row[end]
                if on * step <= 0 or abs(on) <= steep * max(row[end], row[end + 1]):
                    break
                if abs(on) > most:
                    at, most = end, abs(on)
                end += 1
            first, last = at, at + 1
            way = row[at + 1] - row[at]
            while first > 0 and last - first <= longest:
                if (row[first] - row[first - 1]) * way < share * most * most:
                    break
                first -= 1
            while last < width - 1 and last - first <= longest:
                if (row[last + 1] - row[last]) * way < share * most * most:
                    break
                last += 1
            if first == 0 or last == width - 1:  # it may go on beyond the frame
                x = end
                continue
            low, high = row[first], row[last]
            if 1 < last - first <= longest and abs(high - low) >= jump * max(low, high):
                for k in range(first + 1, last):
                    flying[y, k] = True
                    row[k] = low if abs(row[k] - low) < abs(row[k] - high) else high
            x = max(last, x + 1)
