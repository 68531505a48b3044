"""Which share of every pixel lies where a `where` says.

A pixel at an outline shows two surfaces, and either lies in the region or does not: what is said is
asked of both, and the answers are mixed by the share that each has of the pixel (of hair, the
matte's). Where depth jumps and nobody knows these shares, they are those of which the pixel's
colour is the mixture (`optics.edges`). So the region ends where things do; on floors and walls,
where a distance is all that ends it, it fades.

"and" is the smaller, "or" the larger of two answers, "not" what is left of one (L. A. Zadeh,
"Fuzzy Sets", 1965).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.errors import DepthError
from depthfx.optics.edges import (
    BACK_RADIUS,
    FRONT_RADIUS,
    SHARE,
    SMALLEST_JUMP_PX,
    Blurred,
    Mixed,
)
from depthfx.photo.colour import strips
from depthfx.scene import Scene
from depthfx.where.parse import And, At, Distance, Not, Or, Range, Where, Word, parts_of
from depthfx.where.sky import sky_of

Leaf = Word | At
_SUBJECT, _SKY = Word("subject"), Word("sky")
_OF_SUBJECT = (_SUBJECT, Word("background"), Word("foreground"))

USUAL_SOFT = 0.1
"""Width of a fade, as a share of the distance at which it lies."""
FRONT_OF_SUBJECT = 75.0
"""Percentile of the subject's inverse depth that counts as its front."""
SMALLEST_JUMP = 0.1
"""Of the region's share from pixel to pixel: more is an outline, less a fade."""
LEAST_SIZE = 0.5
"""Of a pixel's cover by the subject, that the subject is there."""


def region(where: Where, scene: Scene, soft: float = USUAL_SOFT) -> Plane:
    """(H, W) float32 0..1: the share of each pixel of `scene` that lies there.

    soft : width of the fades of ranges that say none, as a share of the distance (of ranges in
        per cent: of the scene's range of inverse depth)

    Raises DepthError if `where` speaks of metres and the scene's depth is relative.
    """
    depth = scene.depth
    _check_unit(where, depth)
    things = _things(where, scene)
    cover, back = _cover(depth, things)
    limits = _Limits.of(depth, things.get(_SUBJECT), soft)
    out = _answer(where, depth.inverse, things, limits)
    if back is not None:
        out = out.copy()  # it may be the scene's own matte
        at = np.nonzero(cover < 1)
        share, planes = cover[at], {thing: plane[at] for thing, plane in things.items()}
        front, beside = _split(planes, share)
        out[at] = share * _answer(where, depth.inverse[at], front, limits)
        out[at] += (1 - share) * _answer(where, back[at], beside, limits)
    return _along_outlines(scene.photo.pixels, out, _known(things, cover))


def _check_unit(where: Where, depth: Depth) -> None:
    from depthfx.engine.depth_write import NO_SCALE

    ends = [end for p in parts_of(where) if isinstance(p, Range) for end in (p.near, p.far) if end]
    metres = [end for end in ends if not end.relative]
    if metres and not depth.metric:
        raise DepthError(
            f"where={str(where)!r}: {NO_SCALE.format(origin=depth.origin)}; "
            "or say it in per cent, from 0% (nearest) to 100% (farthest)"
        )


def _things(where: Where, scene: Scene) -> dict[Leaf, Plane]:
    """The cover (H, W) of all that `where` names and depth does not show."""
    from depthfx.matting.told import matte_at

    found: dict[Leaf, Plane] = {}
    for part in parts_of(where):
        if part in _OF_SUBJECT:
            found[_SUBJECT] = scene.matte
        elif part == _SKY:
            found[_SKY] = sky_of(scene.photo.pixels, scene.depth)
        elif isinstance(part, At):
            surface = scene.depth.surface
            found[part] = matte_at(scene.photo.pixels, surface, scene.matte, (part.x, part.y))
    return found


def _cover(depth: Depth, things: dict[Leaf, Plane]) -> tuple[Plane, Plane | None]:
    """The front surface's share of each pixel, and the inverse depth of what is beside it.

    A thing before something at its own depth, as feet on the floor, is in front of it too, and
    everything is before the sky.
    """
    cover = np.ones_like(depth.inverse)
    if depth.behind is not None and depth.coverage is not None:
        cover = np.where(depth.behind != depth.inverse, depth.coverage, cover)
    for thing, share in things.items():
        partly = (cover == 1) & (share > 0) & (share < 1)
        cover = np.where(partly, 1 - share if thing == _SKY else share, cover)
    if cover.min() == 1:
        return cover, None
    return cover, depth.behind if depth.behind is not None else depth.inverse


def _split(things: dict[Leaf, Plane], cover: Plane) -> tuple[dict[Leaf, Plane], dict[Leaf, Plane]]:
    """The parts of the front surfaces, which cover so much, and of those beside them (N,) < 1, that
    belong to each of `things`, whose shares of the pixels are given.

    A thing has of the front what it can have; the sky is behind.
    """
    rest = 1 - cover
    front: dict[Leaf, Plane] = {}
    beside: dict[Leaf, Plane] = {}
    least = np.maximum(cover, np.float32(1e-6))
    for thing, share in things.items():
        if thing == _SKY:
            beside[thing] = np.minimum(share / rest, 1)
            front[thing] = np.clip((share - rest) / least, 0, 1)
        else:
            front[thing] = np.minimum(share / least, 1)
            beside[thing] = np.clip((share - cover) / rest, 0, 1)
    return front, beside


@dataclass(frozen=True)
class _Limits:
    """What distances mean in a scene.

    nearest, farthest : its range of inverse depth
    subject : inverse depth of its subject's front; None: there is no subject
    """

    nearest: float
    farthest: float
    subject: float | None
    soft: float

    @classmethod
    def of(cls, depth: Depth, subject: Plane | None, soft: float) -> _Limits:
        seen = None if subject is None else depth.inverse[subject > LEAST_SIZE]
        front = None if seen is None or not seen.size else np.percentile(seen, FRONT_OF_SUBJECT)
        surface = depth.surface
        return cls(
            float(surface.max()),
            float(surface.min()),
            None if front is None else float(front),
            soft,
        )

    def fade(self, end: Distance, soft: Distance | None) -> tuple[float, float, float] | None:
        """Inverse depth where a fade begins (the nearer), at its middle, and where it ends.

        None: nothing lies beyond that end.
        """
        width = self.soft if soft is None else soft.amount
        if end.relative:
            if not 0 < end.amount < 1:
                return None
            span = self.nearest - self.farthest
            middle, half = self.nearest - end.amount * span, width * span / 2
            return middle + half, middle, middle - half
        if end.amount == 0:
            return None
        half = width / 2 * (end.amount if soft is None or soft.relative else 1)
        # Never up to the lens.
        return 1 / max(end.amount - half, end.amount / 20), 1 / end.amount, 1 / (end.amount + half)


def _answer(where: Where, inverse: Plane, things: dict[Leaf, Plane], limits: _Limits) -> Plane:
    """The share of surfaces at `inverse` that lies there, `things` the share that is each thing."""
    if isinstance(where, Not):
        return 1 - _answer(where.part, inverse, things, limits)
    if isinstance(where, And | Or):
        meet = np.minimum if isinstance(where, And) else np.maximum
        first, *others = where.parts
        out = _answer(first, inverse, things, limits)
        for part in others:
            out = meet(out, _answer(part, inverse, things, limits))
        return out
    if isinstance(where, Range):
        return _in_range(where, inverse, limits)
    if isinstance(where, At) or where in (_SUBJECT, _SKY):
        return things[where]
    if where.word == "background":
        return 1 - things[_SUBJECT]
    if limits.subject is None:
        return np.zeros_like(inverse)
    half = limits.soft * limits.subject / 2
    nearer = _beyond(inverse, limits.subject, half, half)
    return np.minimum(nearer, 1 - things[_SUBJECT])


def _in_range(where: Range, inverse: Plane, limits: _Limits) -> Plane:
    near = limits.fade(where.near, where.soft) if where.near else None
    far = limits.fade(where.far, where.soft) if where.far else None
    # Two fades meet in the middle of a narrow range.
    most = (near[1] - far[1]) / 2 if near and far else np.inf
    out = np.ones_like(inverse)
    if near:
        start, middle, end = near
        out -= _beyond(inverse, middle, min(middle - end, most), start - middle)
    if far:
        start, middle, end = far
        out = np.minimum(out, _beyond(inverse, middle, middle - end, min(start - middle, most)))
    return out


def _beyond(inverse: Plane, middle: float, below: float, above: float) -> Plane:
    """How far `inverse` has passed `middle`, 0..1, smoothly: from `below` it to `above` it."""
    rise = inverse - np.float32(middle)
    least = 1e-7 * max(middle, 1e-6)
    down, up = np.float32(max(2 * below, least)), np.float32(max(2 * above, least))
    rise /= np.where(rise < 0, down, up)
    np.clip(rise, -0.5, 0.5, out=rise)
    # 3 t^2 - 2 t^3, around its middle.
    return np.asarray(np.float32(0.5) + rise * (np.float32(1.5) - 2 * rise * rise), np.float32)


def _known(things: dict[Leaf, Plane], cover: Plane) -> NDArray[np.bool_]:
    """(H, W): beside outlines whose pixels' shares are known, by `cover` or as a thing's edge."""
    around = np.ones((3, 3), np.uint8)
    known = cv2.dilate((cover < 1).astype(np.uint8), around) > 0
    for thing, share in things.items():
        if thing != _SKY:  # whose edge may be depth's
            known |= cv2.dilate(share, around) - cv2.erode(share, around) > SMALLEST_JUMP
    return known


def _along_outlines(pixels: NDArray[np.float32], share: Plane, known: NDArray[np.bool_]) -> Plane:
    """The region's `share` (H, W) of each pixel, its steps made as soft as the picture's outlines.

    A pixel beside a step has the share of whose sides' colours its own is the mixture; those
    that are `known` keep theirs.
    """
    scale = np.float32(SMALLEST_JUMP_PX / SMALLEST_JUMP)
    picture = Blurred(pixels, share, np.float32(0), scale)
    out = share.copy()
    for strip in strips(out):
        found = Mixed.of_rows(picture, strip.start, strip.stop)
        rows = np.repeat(np.arange(strip.start, strip.stop), np.diff(found.starts))
        front, back, part = (found.surfaces[:, k] for k in (FRONT_RADIUS, BACK_RADIUS, SHARE))
        value = (part * front + (1 - part) * back) / scale
        free = ~known[rows, found.x]
        out[rows[free], found.x[free]] = value[free]
    return np.clip(out, 0, 1)
