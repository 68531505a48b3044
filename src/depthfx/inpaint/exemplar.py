"""Painting a hole with patches of what surrounds it.

Coarse to fine: on a small picture each patch that touches the hole is matched with the most alike
of the surface that goes on, and the patches vote on colours, in turns; each finer picture takes the
matches over, and at the photo's own size they say where its grain and texture come from.

Y. Wexler, E. Shechtman, M. Irani, "Space-time completion of video", PAMI 29(3), 2007;
A. Newson et al., "Non-local patch-based image inpainting", IPOL 7, 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ShapeError
from depthfx.inpaint.patches import (
    REACH,
    Array,
    Mask,
    Matches,
    better_matches,
    draw,
    finer_matches,
    first_matches,
    shrink,
    vote,
)
from depthfx.inpaint.pushpull import push_pull

Pixels = NDArray[np.float32]
Paint = Callable[..., Pixels]
"""Paints holes, called as `paint` is."""

LEAST_SOURCES = 24
"""With fewer patches than that to choose from, a picture is too coarse or there is no texture."""
THIN_PX = 12.0
"""The first picture is the finest in which most of the hole is no deeper than this: lines beside it
are still to be seen, and a few patches reach across."""
COARSEST_PX = 6000
"""No picture is made from one of fewer pixels."""
MATCHED_PX = 400_000
"""Up to so many pixels to paint, patches are matched at the photo's own size; else in the finest
picture that has no more, and carried over."""
LARGEST_PX = 6_000_000
"""No picture in which patches are matched is larger."""
ALL_TURNS_PX = 60_000
"""Up to so many places to match, matching and voting take turns; larger pictures refine once."""
TURNS = 4
FIRST_TRIES = 200
"""Patches that each place of the first picture is compared with, beside those of its neighbours."""
TRIES = 6
"""Patches looked at in each later pass: one of all, the others nearer and nearer to the match."""
TRUST = 0.8
"""Of a painted pixel, for each pixel it lies deeper in the hole."""
SHARPNESS = 0.5
"""How fast a patch's vote falls off with what it is unlike, in shares of the unlike quarter's."""
DRAWN_REACH = 1
"""So near a pixel's own patch others vote in the end: enough to blend seams, too few to blur."""
DEPTH_PART = 0.1
"""Weight of a difference of one in the logarithm of inverse depth against one in colour."""
FARTHEST = 0.01
"""Of the nearest inverse depth: what is farther than that is equally far."""
MOST_OFF = 0.25
"""Encoded: colours at the rim off by more are other things, not other light."""
RIM_FADES = 0.03
"""Share of the diagonal on which what is added at the rim fades to a third."""
DOUBT, MOST_MIXED = 1.5, 0.4
"""How much of the smooth continuation is mixed in where the patches at the rim are all wrong, and
at most: PSNR asks for two thirds, the eye for none."""
_SIDES = (2 * REACH + 1, 2 * REACH + 1)


@dataclass(eq=False)
class _Level:
    """A picture of the pyramid, padded by REACH on each side.

    look : (h, w, 4) encoded colours and weighted log inverse depth; its hole is painted in place
    hole : (h, w), what shall be painted
    usable : (h, w), where texture may come from
    doublings : how many times it must be doubled to be of the photo's size
    allowed, sources : where whole patches are usable, as a mask and a list of their centres
    centres : of the patches that touch the hole; painted : the hole, as a list
    ring : what is usable so near the hole that a patch covers both
    depth_px : how far from what is usable; trust : how much a pixel counts in a comparison
    """

    look: Array
    hole: Mask
    usable: Mask
    doublings: int

    def __post_init__(self) -> None:
        self.allowed = _inner(self.usable)
        self.sources = _places(self.allowed)
        touched = cv2.dilate(self.hole.view(np.uint8), _square(REACH)) > 0
        self.centres = _places(_unpadded(touched & (self.hole | self.usable)))
        self.painted = _places(self.hole)
        self.ring = self.usable & touched
        self.depth_px = cv2.distanceTransform((~self.usable).view(np.uint8), cv2.DIST_L2, 3)
        self.trust = np.where(self.hole, TRUST**self.depth_px, self.usable).astype(np.float32)

    def put(self, colours: Array) -> None:
        self.look[self.painted[:, 0], self.painted[:, 1], :3] = colours


def paint(
    pixels: Pixels,
    hole: Mask,
    source: Mask | None = None,
    *,
    inverse: Plane | None = None,
    progress: Callable[[float], None] | None = None,
) -> Pixels:
    """`pixels` (H, W, 3) float32, linear light, with `hole` (H, W) painted.

    source : (H, W) bool, where texture may be taken from; None: everywhere but the hole
    inverse : (H, W) float32, inverse depth everywhere, in the hole too: patches are taken from
        about the same depth
    progress : hears the share done, and may raise to stop

    Deterministic. Values in the hole are never looked at. Raises ShapeError if the sizes differ.
    """
    shape = pixels.shape[:2]
    for name, plane in (("hole", hole), ("source", source), ("inverse", inverse)):
        if plane is not None and plane.shape != shape:
            raise ShapeError(f"{name} is {plane.shape}, pixels are {shape}")
    out = np.array(pixels, np.float32)
    if not hole.any():
        return out
    usable = ~hole if source is None else source & ~hole
    place = _around(hole, usable)
    part = np.ascontiguousarray(out[place])
    holes, usable = np.ascontiguousarray(hole[place]), np.ascontiguousarray(usable[place])
    levels = _pyramid(part, holes, usable, None if inverse is None else inverse[place])
    if not levels:
        part[holes] = push_pull(part, usable.astype(np.float32))[holes]
        out[place] = part
        return out
    matches, cost = _first(levels[0])
    for n, level in enumerate(levels):
        if n:
            matches, cost = _taken_over(matches, level)
        weight = _agree(level, matches, cost)
        if progress is not None:
            progress((n + 1) / (len(levels) + 1))
    # What is read, the source, is never what is written.
    change = _change(level, matches)
    draw(part, holes, usable, matches, weight, change, level.doublings, DRAWN_REACH, part)
    out[place] = part
    if progress is not None:
        progress(1.0)
    return out


def _pyramid(pixels: Pixels, hole: Mask, usable: Mask, inverse: Plane | None) -> list[_Level]:
    """Coarsest first; those with too few patches to choose from left out."""
    finest = 0
    painted = np.count_nonzero(hole)
    while painted > MATCHED_PX * 4**finest or hole.size > LARGEST_PX * 4**finest:
        finest += 1
    count = finest + 1
    while hole.size > COARSEST_PX * 4 ** (count - 1):
        count += 1
    look, share, open_ = _shrunk(pixels, hole, usable, inverse, finest, 1 << (count - 1 - finest))
    levels = []
    for n in range(finest, count):
        if n > finest:
            half = (share.shape[1] // 2, share.shape[0] // 2)
            mass = np.asarray(cv2.resize(share, half, interpolation=cv2.INTER_AREA), np.float32)
            colour = cv2.resize(
                look[..., :3] * share[..., None], half, interpolation=cv2.INTER_AREA
            )
            depth = cv2.resize(look[..., 3], half, interpolation=cv2.INTER_AREA)
            look = np.dstack([colour / np.maximum(mass, 1e-6)[..., None], depth])
            open_ = cv2.resize(open_.astype(np.float32), half, interpolation=cv2.INTER_AREA) > 0
            share = mass
        ring = [(REACH, REACH), (REACH, REACH)]
        level = _Level(
            np.pad(look, [*ring, (0, 0)]),
            np.pad(open_, ring),
            np.pad((share >= (0.5 if n > finest else 1)) & ~open_, ring),
            n,
        )
        if len(level.sources) >= LEAST_SOURCES:
            levels.append(level)
        if np.percentile(level.depth_px[level.hole], 90) <= THIN_PX:
            break
    return levels[::-1]


def _shrunk(
    pixels: Pixels, hole: Mask, usable: Mask, inverse: Plane | None, doublings: int, multiple: int
) -> tuple[Array, Array, Mask]:
    """What a level sees, the usable share of its cells, and which of them the hole touches.

    Its sides are multiples of `multiple`.
    """
    size = 1 << doublings
    height, width = (-(-n // (size * multiple)) * multiple for n in hole.shape)
    look, share = np.empty((height, width, 4), np.float32), np.empty((height, width), np.float32)
    depth = np.zeros_like(share[:1, :1]) if inverse is None else inverse
    depth = np.ascontiguousarray(np.broadcast_to(depth, hole.shape))
    shrink(pixels, usable, depth, doublings, look, share)
    nearest = max(float(depth.max()), 1e-12)
    look[..., 3] = DEPTH_PART * np.log(np.maximum(look[..., 3] / nearest, FARTHEST))
    fill = [(0, height * size - hole.shape[0]), (0, width * size - hole.shape[1])]
    cells = np.pad(hole, fill).reshape(height, size, width, size)
    return look, share, np.asarray(cells.any((1, 3)), np.bool_)


def _first(level: _Level) -> tuple[Matches, Array]:
    matches, cost = _nothing(level)
    order = np.argsort(level.depth_px[level.centres[:, 0], level.centres[:, 1]], kind="stable")
    trust = np.where(level.hole, np.float32(0), level.trust)
    first_matches(
        level.look,
        trust,
        level.allowed,
        level.centres[order],
        level.sources,
        FIRST_TRIES,
        matches,
        cost,
    )
    return matches, cost


def _taken_over(coarse: Matches, level: _Level) -> tuple[Matches, Array]:
    matches, cost = _nothing(level)
    finer_matches(coarse, level.centres, level.allowed, level.sources, matches)
    out = np.empty((len(level.painted), 3), np.float32)
    vote(level.look, level.painted, matches, np.ones_like(cost), out)
    level.put(out)
    return matches, cost


def _nothing(level: _Level) -> tuple[Matches, Array]:
    shape = level.hole.shape
    return np.full((*shape, 2), -1, np.int32), np.zeros(shape, np.float32)


def _agree(level: _Level, matches: Matches, cost: Array) -> Array:
    """Matching and voting in turns: `matches` and the level's colours in place.

    Returns the weight of each patch's vote, (h, w).
    """
    whole = cv2.boxFilter(level.trust, -1, _SIDES, normalize=False, borderType=cv2.BORDER_CONSTANT)
    out = np.empty((len(level.painted), 3), np.float32)
    small = len(level.centres) <= ALL_TURNS_PX
    at = level.centres[:, 0], level.centres[:, 1]
    for turn in range(TURNS if small else 1):
        for back in (False, True):
            better_matches(
                level.look,
                level.trust,
                level.allowed,
                level.centres,
                level.sources,
                matches,
                cost,
                back,
                TRIES if small else 0,
                2 * turn + back,
            )
        mean = cost[at] / np.maximum(whole[at], 1e-6)
        usual = max(float(np.percentile(mean, 75)), 1e-8)
        weight = np.zeros_like(cost)
        weight[at] = np.exp(-mean * SHARPNESS / usual) * level.trust[at] + 1e-6
        vote(level.look, level.painted, matches, weight, out)
        level.put(out)
    return weight


def _change(level: _Level, matches: Matches) -> Array:
    """(h, w, 3): what is to be added to the encoded colours of the patches.

    The patches centred on the hole's rim were chosen for what they show there. What they are off
    by is continued into the hole and added, so that colours meet. The more they are off, against
    how much there is to be told at all, the less they can know of what is hidden: as far as that
    goes, the smooth continuation is mixed in, which is the best guess of who knows nothing. What
    is finer than this level, such as grain, is left as it is.
    """
    weight = (matches[..., 0] >= 0).astype(np.float32)
    # A place that no patch covers tells nothing.
    ring = level.ring & (cv2.dilate(weight, _square(REACH)) > 0)
    places = _places(ring)
    told = np.empty((len(places), 3), np.float32)
    vote(level.look, places, matches, weight, told)
    seen = level.look[ring][:, :3]
    smooth = push_pull(level.look[..., :3], level.usable.astype(np.float32))
    rest = cv2.blur(smooth, _SIDES)[ring]
    off = np.zeros((*ring.shape, 5), np.float32)
    off[ring, :3] = np.clip(seen - told, -MOST_OFF, MOST_OFF)
    off[ring, 3] = np.square(seen - told).mean(-1)
    off[ring, 4] = np.square(seen - rest).mean(-1)
    # Only what is painted, and what is beside it, is ever asked for.
    at = cv2.dilate(level.hole.view(np.uint8), _square(1)) > 0
    off = push_pull(off, ring.astype(np.float32))[at]
    mixed = np.clip(DOUBT * off[:, 3] / (off[:, 3:].sum(-1) + 1e-6), 0, MOST_MIXED)[:, None]
    fade = np.float32(RIM_FADES * np.hypot(*level.hole.shape))
    meet = off[:, :3] * np.exp(-np.maximum(level.depth_px[at] - REACH, 0) / fade)[:, None]
    calmer = np.where(level.hole[at][:, None], smooth[at] - level.look[at][:, :3], np.float32(0))
    change = np.zeros_like(smooth)
    change[at] = mixed * calmer + (1 - mixed) * meet
    return change


def _around(hole: Mask, usable: Mask) -> tuple[slice, slice]:
    """The part of the picture in which the hole lies and its texture is looked for."""
    spans = []
    for axis in (1, 0):
        there = np.flatnonzero(hole.any(axis))
        spans.append((int(there[0]), int(there[-1]) + 1))
    margin = max(64, *(stop - start for start, stop in spans))
    rows, columns = (
        slice(max(start - margin, 0), min(stop + margin, size))
        for (start, stop), size in zip(spans, hole.shape, strict=True)
    )
    if not usable[rows, columns].any():
        return slice(0, hole.shape[0]), slice(0, hole.shape[1])
    return rows, columns


def _square(reach: int) -> NDArray[np.uint8]:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _inner(usable: Mask) -> Mask:
    """Where a whole patch is usable."""
    return (
        cv2.erode(
            usable.view(np.uint8), _square(REACH), borderType=cv2.BORDER_CONSTANT, borderValue=0
        )
        > 0
    )


def _unpadded(mask: Mask) -> Mask:
    inside = np.zeros_like(mask)
    middle = (slice(REACH, -REACH), slice(REACH, -REACH))
    inside[middle] = mask[middle]
    return inside


def _places(mask: Mask) -> Matches:
    return np.ascontiguousarray(np.argwhere(mask), np.int32)
