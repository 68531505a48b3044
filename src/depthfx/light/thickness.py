"""How thick things are taken to be: what a depth map does not say.

A photo shows the front of things only. Two pieces of knowledge stand in for the back. A thing is
about as thick as it is wide, so a pole, a leaf or a hair is thin whatever its distance; and what is
wide (a person, a table, a wall) is counted on no further than `DEEPEST` of its distance, because a
light that reaches round a thing would otherwise be taken away by a solid that nobody has seen.
Both are means: how thick a thing really is falls off exponentially around them (`march`).

A thing that bulges towards the camera between its own outlines is taken to bulge as much behind
them: a ball or a body is solid to there for certain, a leaf or a board is not.
Width is the shortest of four runs through the pixel (across, down, both diagonals), each from
outline to outline of the thing itself.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from depthfx.depth import Plane

OUTLINE_PX = 4.0
"""A step in depth of more than this many pixels' width at that distance is an outline: a surface
at 76 degrees to the picture has such steps, and few are seen at steeper angles."""
DEEPEST = 0.02
"""Largest mean thickness, as a share of a thing's distance."""


def thickness(inverse: Plane, focal_px: float) -> tuple[Plane, Plane]:
    """How thick what each pixel shows is, as shares of its distance: for certain, and in the mean
    beyond that; (H, W) float32 each.

    inverse : (H, W) float32, 0 is sky; focal_px : focal length in pixels of that grid
    """
    width, bulge = widths(inverse, np.float32(OUTLINE_PX / focal_px))
    wide = width * np.float32(1 / focal_px)
    return np.minimum(2 * bulge, wide), np.minimum(wide, np.float32(DEEPEST))


def widths(inverse: Plane, outline: np.float32) -> tuple[Plane, Plane]:
    """(H, W) float32 twice: width in pixels of the thing that each pixel shows, and by what share
    of its distance it stands out from between its outlines there.

    outline : share of inverse depth by which the nearer side of an outline exceeds the farther
    """
    width = np.full(inverse.shape, np.float32(sum(inverse.shape)))
    bulge = np.full(inverse.shape, np.float32(np.inf))
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        _shorten_by_runs(inverse, down, across, outline, width, bulge)
    bulge[np.isinf(bulge)] = 0
    return width, bulge


@njit(cache=True, nogil=True, parallel=True)
def _shorten_by_runs(
    inverse: Plane, down: int, across: int, outline: np.float32, widths: Plane, bulges: Plane
) -> None:  # pragma: no cover - compiled
    """Bring `widths` and `bulges` down to those of runs along (down, across), where smaller.

    A run ends at an outline that is its own. Where something nearer hides the rest of it, or the
    frame does, it counts twice: as much again may be hidden; hidden at both ends it says nothing.
    """
    height, width = inverse.shape
    step = np.float32(np.sqrt(np.float32(down * down + across * across)))
    lines = height if down == 0 else (width if across == 0 else width + height - 1)
    for number in prange(lines):
        line = int(np.int64(number))  # prange counts unsigned, which with signed makes floats
        if down == 0:
            y, x = line, 0
        elif across == 0:
            y, x = 0, line
        elif across > 0:
            y, x = max(line - width + 1, 0), max(width - 1 - line, 0)
        else:
            y, x = max(line - width + 1, 0), min(line, width - 1)
        start_y, start_x, hidden, count = y, x, 1, 0
        while 0 <= y < height and 0 <= x < width:
            here = inverse[y, x]
            count += 1
            y, x = y + down, x + across
            ends, ends_hidden, begins_hidden = True, 1, 1
            if 0 <= y < height and 0 <= x < width:
                there = inverse[y, x]
                if here > there * (1 + outline):
                    ends_hidden = 0
                elif there > here * (1 + outline):
                    begins_hidden = 0
                else:
                    ends = False
            if not ends:
                continue
            if hidden + ends_hidden < 2:
                run = np.float32(count << (hidden + ends_hidden)) * step
                for k in range(count):
                    v, u = start_y + k * down, start_x + k * across
                    widths[v, u] = min(widths[v, u], run)
            if hidden + ends_hidden == 0:
                one = inverse[start_y, start_x]
                slope = (here - one) / np.float32(max(count - 1, 1))
                for k in range(count):
                    v, u = start_y + k * down, start_x + k * across
                    chord = one + np.float32(k) * slope
                    bulge = max(inverse[v, u] / max(chord, np.float32(1e-12)) - 1, np.float32(0))
                    bulges[v, u] = min(bulges[v, u], bulge)
            start_y, start_x, hidden, count = y, x, begins_hidden, 0
