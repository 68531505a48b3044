"""Inverse depth at the photo's own size, with its edges on the picture's.

A network's map is small, and soft at outlines. Stretched, it puts a ramp of depths
that exist nowhere between near and far. Here every pixel near a depth edge instead
takes the depth that most pixels around it have that look like it: the mode, not the
mean, of its neighbours' depths, each weighed by likeness of colour and nearness.
Away from edges interpolation is right and is kept.

That runs at a moderate working size; the last step to the photo's size lets each
pixel choose between the two surfaces that its neighbours there show.

The vote is `raster.mode`; the reconstruction of planes in cells is the limited slope of
B. van Leer, J. Comp. Phys. 32, 1979 (minmod); the last step follows J. Kopf et al.,
"Joint Bilateral Upsampling", SIGGRAPH 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.engine.own_cells import from_own_cells
from depthfx.errors import ShapeError
from depthfx.inpaint.pushpull import push_pull
from depthfx.matting.closed_form import affine_in_colour
from depthfx.raster.mode import NARROW, mode_filter
from depthfx.raster.resample import encoded, fit_within, resize_area, resize_linear, resize_nearest
from depthfx.raster.sample import cell_end, linear_at

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORKING_PIXELS = 0.8e6
PIXELS_PER_CELL = 8.0
"""Across: beyond that a network's cell says nothing about where in it an edge runs."""
EDGE_SHARE = 0.03
"""An edge: second difference of inverse depth above this share of it (planes have none)."""
EDGE_FLOOR = 0.002
"""The same as a share of the nearest inverse depth: far ripples do not matter."""
COLOUR_SIGMA = 0.07
PICK_COLOUR_SIGMA = 0.05
BEND_SHARE = 0.003
"""Second differences above this share of inverse depth are no plane's."""
AROUND = 6
"""How many cells to either side tell what slope a surface has."""
UNLIKE = 4
"""So many of them, to either side of the rest, need not have it."""
CRISP = 0.25
"""A map softer than this (box-filtered steps) is deblurred first."""
DEBLUR_PASSES = 3
PASSES = ((1.5, 1.0, 0.7), (1.5, 1.0, 0.7), (1.0, 0.8, 0.5), (0.5, 0.375, 0.0))
"""Radius and sigma in cells, and rarity, of the passes at the working size."""
SWITCHES, SWITCH_TRUST, SWITCH_STEPS = 3, 0.03, 8
"""Of the solves: how many, what is there before against the colours, and their length."""
REACH, SWITCH_STEP = 0.4, 1.25
"""A pixel may change to a surface within so many cells that differs by this factor."""
LEAST_SHARE = 0.25
"""Of the near surface that its colours have to show, however far the other is."""


@dataclass(frozen=True, eq=False)
class Refined:
    """Inverse depth (H, W) float32 in the unit of what was refined.

    Where a matte told, `coverage` (H, W) is the front surface's share of the pixel,
    `inverse` the front's depth wherever that is above zero, and `behind` that of
    what is seen beside it (equal to `inverse` where there is one surface). Otherwise
    both are None and `inverse` is the surface that fills most of the pixel.
    """

    inverse: Plane
    behind: Plane | None = None
    coverage: Plane | None = None


def refine(pixels: Pixels, inverse: Plane, matte: Plane | None = None) -> Refined:
    """`inverse` at the size of `pixels`, edges kept as edges.

    pixels : (H, W, 3) float32, linear light
    inverse : (h, w) float32, inverse depth of any unit, >= 0, covering the same frame;
        already (H, W): returned as it is
    matte : (H, W) float32 0..1, the subject's, at full size; None if nobody knows

    Raises ShapeError if an array has the wrong shape or type.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    checked_plane("inverse depth", inverse)
    shape = pixels.shape[:2]
    full = inverse if inverse.shape == shape else _enlarge(pixels, inverse)
    if matte is None:
        return Refined(full)
    return _split_at_matte(full, checked_plane("matte", matte, shape))


def _enlarge(pixels: Pixels, inverse: Plane) -> Plane:
    cells = inverse.shape[0] * inverse.shape[1]
    shape = fit_within(pixels.shape[:2], min(WORKING_PIXELS, cells * PIXELS_PER_CELL**2))
    guide = encoded(resize_area(pixels, shape))
    crisp = deblur(encoded(resize_area(guide**2, inverse.shape)), inverse)
    working = sharpen(guide, crisp)
    if shape == pixels.shape[:2]:
        return working
    return upsample_pick(pixels, guide, working, edge_step(working))


def edge_step(inverse: Plane) -> float:
    """What counts as no difference at all between two inverse depths of this map."""
    return max(EDGE_FLOOR * float(np.percentile(inverse, 99)), 1e-9)


def depth_edges(inverse: Plane) -> Mask:
    """Where inverse depth jumps or bends: its second difference vanishes on every plane."""
    bend = np.zeros_like(inverse)
    for axis in (0, 1):
        before, after = _differences(inverse, axis)
        bend = np.maximum(bend, np.abs(after - before))
    return bend > EDGE_SHARE * inverse + edge_step(inverse)


def _differences(inverse: Plane, axis: int) -> tuple[Plane, Plane]:
    """The differences to the neighbours before and after; at the frame both are the inner one."""
    step = np.diff(inverse, axis=axis)
    if step.shape[axis] == 0:
        return np.zeros_like(inverse), np.zeros_like(inverse)
    first, last = np.take(step, [0], axis=axis), np.take(step, [-1], axis=axis)
    return np.concatenate([first, step], axis=axis), np.concatenate([step, last], axis=axis)


def slopes(inverse: Plane) -> tuple[Plane, Plane]:
    """Slope of inverse depth per cell, right and down, that does not look across an edge.

    A difference counts as far as the next one goes on like it, to either side (essentially
    non-oscillatory): exact on planes to their last cell, however slanted. Where none does it
    is the smaller of the differences to both sides, 0 where their signs differ (minmod).
    """
    return _slope(inverse, 1), _slope(inverse, 0)


def _slope(inverse: Plane, axis: int) -> Plane:
    before, after = _differences(inverse, axis)
    # At the frame the next one inwards has to do.
    along_before, along_after = np.moveaxis(before, axis, 0), np.moveaxis(after, axis, 0)
    if len(along_after) > 2:
        along_before[0], along_after[-1] = along_after[1], along_before[-2]
    bend = np.abs(after - before)
    bend_before = np.minimum(bend, np.abs(before - _shifted(before, axis, -1)))
    bend_after = np.minimum(bend, np.abs(after - _shifted(after, axis, 1)))
    smaller = np.where(np.abs(before) < np.abs(after), before, after)
    smaller = np.where(before * after > 0, smaller, np.float32(0))
    rough = (BEND_SHARE * inverse + np.float32(1e-3) * edge_step(inverse)) ** 2
    by_before, by_after = (rough / (bent**2 + 1e-4 * rough) for bent in (bend_before, bend_after))
    slope = (by_before * before + by_after * after + smaller) / (by_before + by_after + 1)
    return np.asarray(slope, np.float32)


def _shifted(plane: Plane, axis: int, by: int) -> Plane:
    """What the cell before (-1) or after (1) has; nothing finite beyond the frame."""
    count = plane.shape[axis]
    out = np.take(plane, np.clip(np.arange(count) + by, 0, count - 1), axis=axis)
    frame = (slice(None),) * axis + (0 if by < 0 else -1,)
    out[frame] = np.inf
    return out


def _usual_slope(inverse: Plane, axis: int, unlike: int = AROUND) -> Plane:
    """The slope of the surface around, however steep.

    The gentlest of the differences within `AROUND` cells along the axis (a ramp between two
    surfaces is shorter than they are), but for `unlike` of them to either side, and 0 if
    signs differ: by default their median.
    """
    after = _differences(inverse, axis)[1]
    margin = [(0, 0), (0, 0)]
    margin[axis] = (AROUND, AROUND)
    framed = np.pad(after, margin, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(framed, 2 * AROUND + 1, axis)
    ranked = np.partition(near, sorted({unlike, 2 * AROUND - unlike}), axis=-1)
    low, high = ranked[..., unlike], ranked[..., 2 * AROUND - unlike]
    return np.where(low * high > 0, np.where(np.abs(low) < np.abs(high), low, high), 0)


def softness(inverse: Plane) -> float:
    """How blurred the edges of a map are: 0 clean steps, 0.2 box-filtered ones, 1 ramps.

    The share of a step that the gentler side of a cell has of the steeper one.
    """
    gentle = steep = 0.0
    for axis in (0, 1):
        usual = _usual_slope(inverse, axis)
        before, after = (step - usual for step in _differences(inverse, axis))
        larger = np.maximum(np.abs(before), np.abs(after))
        smaller = np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0)
        edge = larger > 0.05 * inverse + 5 * edge_step(inverse)
        gentle += float(smaller[edge].sum())
        steep += float(larger[edge].sum())
    return gentle / steep if steep > 0 else 0.0


def _ramp(inverse: Plane) -> Plane:
    """How steep each cell is beyond the surface that it is on."""
    return np.maximum(
        *(np.abs(_slope(inverse, k) - _usual_slope(inverse, k, UNLIKE)) for k in (0, 1))
    )


def deblur(guide: Pixels, inverse: Plane) -> Plane:
    """`inverse` (h, w) with the ramps at its edges made steps, on its own grid.

    `guide` is the encoded picture at that size. A map with clean edges is left alone.
    """
    flat = np.zeros_like(inverse)
    for _ in range(DEBLUR_PASSES):
        if softness(inverse) < CRISP:
            break
        ramp = _ramp(inverse)
        step = edge_step(inverse)
        trust = np.exp(-((ramp / (0.04 * inverse + 1.5 * step)) ** 2)) + 0.02
        steep = depth_edges(inverse) | (ramp > 0.05 * inverse + 2 * step)
        around = cv2.dilate(steep.astype(np.uint8), np.ones((5, 5))) > 0
        surface = np.dstack([inverse, flat, flat, trust]).astype(np.float32)
        inverse = mode_filter(guide, surface, around, radius=2, sigma=1.5, colour_sigma=0.08)[
            ..., 0
        ]
    return np.ascontiguousarray(inverse)


def sharpen(guide: Pixels, inverse: Plane) -> Plane:
    """`inverse` (h, w) at the size of `guide` (H, W, 3), a larger encoded picture."""
    shape = guide.shape[:2]
    cell = max(shape[0] / inverse.shape[0], shape[1] / inverse.shape[1], 1.0)
    band = cv2.dilate(depth_edges(inverse).astype(np.float32), np.ones((5, 5)))
    near_edge = resize_nearest(band, shape) > 0
    trust = _trust(inverse)
    surface = _planes(inverse, shape, trust)
    surface[..., 0] = np.where(near_edge, surface[..., 0], _stretched(inverse, shape))
    cells = surface[..., 0].copy()
    for radius, sigma, rarity in PASSES:
        surface = mode_filter(
            guide,
            surface,
            near_edge,
            radius=radius * cell,
            sigma=sigma * cell,
            colour_sigma=COLOUR_SIGMA,
            rarity=rarity,
        )
    out = np.ascontiguousarray(surface[..., 0])
    if not near_edge.any():
        return out
    draw = affine_in_colour(guide, out, near_edge, SWITCH_TRUST, SWITCH_STEPS)
    member = _cell_of(shape, inverse.shape)
    for _ in range(SWITCHES):
        reach = max(1, round(REACH * cell))
        out = switch_surfaces(out, draw(out), near_edge, cells, member, reach)
    return _settled(out, near_edge, inverse, cells, trust)


def _settled(out: Plane, band: Mask, inverse: Plane, cells: Plane, trust: Plane) -> Plane:
    """`out` (H, W) with each pixel of `band` where the cells of its surface put it."""
    # Cells that show one surface say best where it is.
    own = (np.abs(out - cells) <= NARROW * cells).astype(np.float32)
    pure = resize_area(own, inverse.shape)
    weight = trust * pure**2 + np.float32(1e-3)
    known = np.dstack([inverse, *slopes(inverse), weight]).astype(np.float32)
    return from_own_cells(out, band, known)


def switch_surfaces(
    inverse: Plane,
    drawn: Plane,
    band: Mask,
    cells: Plane,
    member: NDArray[np.int32],
    reach: int,
) -> Plane:
    """`inverse` (H, W) with pixels put on another surface beside them where colours say so.

    drawn : (H, W) what colours make of it: `affine_in_colour`
    band : (H, W) where that may happen: whole cells
    cells, member : (H, W) what each pixel's cell shows there, and the cell's number

    The vote decides for blobs; it leaves out hair and twigs, and what shows between them.
    A matte's solve, started from the vote, draws them, as shades between near and far. Where
    a shade lies nearer, in ratio, to the nearest or farthest surface within `reach` pixels,
    that is taken, whole. But a cell shows what fills most of it: no more than half of its
    pixels leave that.
    """
    middle = _medians(drawn, member, band)
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    near, far = cv2.dilate(inverse, window), cv2.erode(inverse, window)
    out = inverse.copy()
    for surface, sign in ((near, 1), (far, -1)):
        between = np.sqrt(inverse * surface)
        # The sky is no factor away from anything.
        np.maximum(between, LEAST_SHARE * np.maximum(inverse, surface), out=between)
        stays = sign * (cells - between) < 0
        limit = sign * between
        limit = np.where(stays, np.maximum(limit, sign * middle), np.minimum(limit, sign * middle))
        apart = np.maximum(surface, inverse) > SWITCH_STEP * np.minimum(surface, inverse)
        change = band & apart & (sign * drawn > limit)
        out[change] = surface[change]
    return out


def _cell_of(shape: tuple[int, int], cells: tuple[int, ...]) -> NDArray[np.int32]:
    """The number of the cell, row by row, that each pixel lies in."""
    row, column = ((np.arange(n) + 0.5) * m // n for n, m in zip(shape, cells, strict=True))
    return (row[:, None] * cells[1] + column).astype(np.int32)


def _medians(plane: Plane, member: NDArray[np.int32], band: Mask) -> Plane:
    """`plane` with each pixel of `band` replaced by the median over those of its cell."""
    of, value = member[band], plane[band]
    order = np.lexsort((value, of))
    begins = np.flatnonzero(np.diff(of[order], prepend=-1))
    counts = np.diff(np.append(begins, of.size))
    out = plane.copy()
    median = np.empty_like(value)
    median[order] = np.repeat(value[order][begins + counts // 2], counts)
    out[band] = median
    return out


def _stretched(inverse: Plane, shape: tuple[int, int]) -> Plane:
    """Linear between the cells' middles, and continued beyond the outermost by their slopes."""
    out = resize_linear(inverse, shape)
    for axis in (0, 1):
        size, count = shape[axis], inverse.shape[axis]
        place = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * count / size - 0.5
        beyond = place - np.clip(place, 0, count - 1)
        slope = np.moveaxis(_slope(inverse, axis), axis, 0)[[0, -1]]
        slope = resize_linear(slope, (2, shape[1 - axis]))
        lines = np.moveaxis(out, axis, 0)
        for side, where in zip(slope, (beyond < 0, beyond > 0), strict=True):
            lines[where] = np.maximum(
                lines[where] + beyond[where, None] * side, lines[where] * np.float32(0.5)
            )
    return out


def _trust(inverse: Plane) -> Plane:
    """1, less where a cell shows neither of two surfaces: on ramps, the softer the map is."""
    doubt = min(max((softness(inverse) - 0.05) / 0.2, 0), 1)
    if doubt == 0:
        return np.ones_like(inverse)
    steep = _ramp(inverse) / (0.05 * inverse + 1.5 * edge_step(inverse))
    return np.asarray(np.exp(-doubt * steep**2), np.float32)


def _planes(inverse: Plane, shape: tuple[int, int], trust: Plane) -> NDArray[np.float32]:
    """Every cell of `inverse` as a piece of a plane: (H, W, 4) inverse depth, slopes, trust."""
    right, down = slopes(inverse)
    ramp = _ramp(inverse)
    # A steep "plane" is a ramp between two surfaces, not to be continued.
    step = edge_step(inverse)
    plausible = np.exp(-((ramp / (0.2 * inverse + 1.5 * step)) ** 2))
    scale_y, scale_x = shape[0] / inverse.shape[0], shape[1] / inverse.shape[1]
    out = np.empty((*shape, 4), np.float32)
    right, down = right * plausible / scale_x, down * plausible / scale_y
    planes = inverse, right, down, trust + 0.02
    for k, plane in enumerate(planes):
        out[..., k] = resize_nearest(np.asarray(plane, np.float32), shape)
    offset_y, offset_x = (
        ((np.arange(n) + 0.5) / scale % 1 - 0.5) * scale
        for n, scale in zip(shape, (scale_y, scale_x), strict=True)
    )
    out[..., 0] += out[..., 1] * offset_x[None, :] + out[..., 2] * offset_y[:, None]
    np.maximum(out[..., 0], 0.5 * resize_nearest(inverse, shape), out=out[..., 0])
    return out


def upsample_pick(
    pixels: Pixels,
    guide: Pixels,
    inverse: Plane,
    floor: float,
    colour_sigma: float = PICK_COLOUR_SIGMA,
) -> Plane:
    """`inverse` (h, w), sharp, at the size of `pixels` (H, W, 3) linear light.

    `guide` (h, w, 3) is `encoded` of the pixels at the small size. Linear where the
    sixteen neighbours show one surface; where they show two (differing by more than
    `EDGE_SHARE` and `floor`), the one whose colours are the pixel's own.
    """
    # Of rows and columns -1 to +2 around each small pixel.
    four = np.ones((4, 4))
    low = cv2.erode(inverse, four, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE)
    high = cv2.dilate(inverse, four, anchor=(1, 1), borderType=cv2.BORDER_REPLICATE)
    middle = np.where(high - low > 2 * EDGE_SHARE * high + floor, (low + high) / 2, -1)
    return _pick(
        np.ascontiguousarray(pixels),
        guide,
        inverse,
        middle.astype(np.float32),
        np.float32(colour_sigma),
    )


@njit(parallel=True, fastmath=True, cache=True)
def _pick(
    pixels: Pixels, guide: Pixels, inverse: Plane, split: Plane, colour_sigma: np.float32
) -> Plane:  # pragma: no cover - compiled
    height, width = pixels.shape[:2]
    h, w = inverse.shape
    out = np.empty((height, width), np.float32)
    by_colour = np.float32(-0.5) / (colour_sigma * colour_sigma)
    zero, half = np.float32(0), np.float32(0.5)
    for y in prange(height):
        v = min(max((y + half) * np.float32(h / height) - half, zero), np.float32(h - 1))
        top = int(v)
        down, fy = min(top + 1, h - 1), np.float32(v - top)
        x = 0
        for left in range(w):
            right, end = min(left + 1, w - 1), cell_end(left, w, width)
            here = inverse[top, left] * (1 - fy) + inverse[down, left] * fy
            step = inverse[top, right] * (1 - fy) + inverse[down, right] * fy - here
            middle = split[top, left]
            for column in range(x, end):
                fx = (column + half) * np.float32(w / width) - half - np.float32(left)
                fx = min(max(fx, zero), np.float32(1))
                if middle < 0:
                    out[y, column] = here + step * fx
                    continue
                red, green, blue = (
                    np.sqrt(max(pixels[y, column, 0], zero)),
                    np.sqrt(max(pixels[y, column, 1], zero)),
                    np.sqrt(max(pixels[y, column, 2], zero)),
                )
                near_sum, near_weight, far_sum, far_weight = zero, zero, zero, zero
                for j in range(max(top - 1, 0), min(top + 3, h)):
                    for i in range(max(left - 1, 0), min(left + 3, w)):
                        r, g, b = (
                            guide[j, i, 0] - red,
                            guide[j, i, 1] - green,
                            guide[j, i, 2] - blue,
                        )
                        dy, dx = np.float32(j) - v, np.float32(i - left) - fx
                        weight = np.exp(
                            by_colour * (r * r + g * g + b * b) - half * (dy * dy + dx * dx)
                        ) + np.float32(1e-12)
                        if inverse[j, i] > middle:
                            near_sum += weight * inverse[j, i]
                            near_weight += weight
                        else:
                            far_sum += weight * inverse[j, i]
                            far_weight += weight
                if near_weight >= far_weight:
                    out[y, column] = near_sum / near_weight
                else:
                    out[y, column] = far_sum / far_weight
            x = end
    return out


def _split_at_matte(inverse: Plane, matte: Plane) -> Refined:
    """Two depths along the subject's soft outline, from the sure sides of it.

    The matte knows the outline better than the depth does, so within reach of it (1.5 %
    of the longer side) depth is continued from the inside and from the outside.
    """
    shape = inverse.shape
    small = fit_within(shape, WORKING_PIXELS / 4)
    alpha, depth = resize_area(matte, small), resize_nearest(inverse, small)
    reach = max(1, round(0.015 * max(small)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside = cv2.erode((alpha > 0.95).astype(np.float32), disc)
    outside = cv2.erode((alpha < 0.05).astype(np.float32), disc)
    if not (inside.any() and outside.any()):
        return Refined(inverse, inverse, np.ones_like(inverse))
    front, behind = push_pull(depth, inside), push_pull(depth, outside)
    # Only where the subject does stand before something: at its feet it does not.
    apart = front > behind * (1 + 2 * EDGE_SHARE) + edge_step(depth)
    band = apart & (inside + outside < 0.5)
    # Where a corner of the four that pixels lie between is in the band.
    near = cv2.dilate(band.astype(np.uint8), np.ones((2, 2), np.uint8), anchor=(0, 0))
    sides = np.dstack([front, behind, band, near]).astype(np.float32)
    return Refined(*_place_sides(inverse, matte, sides))


@njit(parallel=True, cache=True)
def _place_sides(
    inverse: Plane, matte: Plane, sides: NDArray[np.float32]
) -> tuple[Plane, Plane, Plane]:  # pragma: no cover - compiled
    height, width = inverse.shape
    h, w = sides.shape[:2]
    out, behind, coverage = inverse.copy(), np.empty_like(inverse), np.ones_like(inverse)
    for y in prange(height):
        top = int(min(max((y + 0.5) * h / height - 0.5, 0.0), h - 1.0))
        x = 0
        for left in range(w):
            end = cell_end(left, w, width)
            if sides[top, left, 3] == 0:
                behind[y, x:end] = inverse[y, x:end]
                x = end
                continue
            for column in range(x, end):
                if linear_at(sides, y, column, height, width, 2) > np.float32(0.5):
                    side = 0 if matte[y, column] > 0 else 1
                    out[y, column] = linear_at(sides, y, column, height, width, side)
                    if 0 < matte[y, column] < 1:
                        behind[y, column] = linear_at(sides, y, column, height, width, 1)
                        coverage[y, column] = matte[y, column]
                        continue
                behind[y, column] = out[y, column]
            x = end
    return out, behind, coverage
