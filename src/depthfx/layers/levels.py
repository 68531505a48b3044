"""Which layer each place of a photo belongs to.

Layers part where inverse depth breaks: where it jumps from a pixel to the next. A threshold
between two layers is worth the breaks that it falls into, each as long as its jump is wide;
thresholds are taken one after the other, those breaks that are parted already counting no more.
A threshold alone would be a slab through every floor, so it decides only at its breaks, which
side is near and which is far; between them runs the cheapest boundary, so the floor stays with
what it leads to and is cut where things stand on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.layers.minimal_cut import Relaxed, relaxed_cut
from depthfx.raster.resample import fit_within, resize_area, resize_nearest

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]

MOST = 8
"""Layers at most."""
FOUND_AT_MOST = 5
"""If nobody says how many: more are work for who has to animate them."""
WORKING_PIXELS = 0.25e6
FAR_SHARE = 0.4
"""How much of the scale is the root of inverse depth, which parts what is far as well: sky."""
LEAST_RELIEF = 0.5
"""Of the nearest inverse depth: in a scene of less depth, breaks count for less."""
LEAST_JUMP = 0.05
"""On that scale of 0 to 1: what breaks less does not move apart visibly."""
STEEP = 1.5
"""And a break is so many times as steep as the surfaces beside it."""
BINS = 128
LEAST_WORTH = 0.02
"""Of a threshold: break length times jump, as a share of the frame's half circumference."""
LEAST_OF_BEST = 0.05
"""And as a share of the best threshold's."""
ASKED_FOR = 0.4
"""So much of these is enough if somebody says how many layers there should be."""
SEED = np.float32(2.0)
"""What it costs to put a break's side wrong, in px of cut through a surface, at a full jump."""
ALONG_BREAK, ALONG_SUBJECT = np.float32(0.1), np.float32(0.15)
"""What a cut costs along a break that is not its own, and along the subject's outline."""
THROUGH_SURFACE = 0.25
"""The jump whose parting makes up for a cut through a surface, of the same length."""
COLOUR_SIGMA = 0.1
LEAST_ALONG_EDGE, OF_COLOUR = 0.2, 0.35
"""Share of its cost that a cut through a surface keeps where picture and surface have an edge; and
how much of the rest is the picture's: planks and tiles are no reason to cut a floor."""
CREASE_PX, BEND, STEP = 5, 0.004, 0.01
"""Creases: the Laplacian of the scale, so far smoothed; a floor has none. And of a step."""
SUBJECT_COST = np.float32(1.0)
"""Of each of its pixels on the wrong side."""
STEPS, COARSEST_STEPS, COARSEST = 150, 4000, 24
"""At each size, which halves from one to the next; the coarsest, with a side of so few pixels, is
solved to the end."""
LEAST_THING, LEAST_APART = 0.01, 0.15
"""Things of one layer that large, as a share of the picture, and that far apart on the scale, part
if they do not touch."""
LEAST_LAYER = 0.01
"""Share of the picture that is seen of a layer at least: less is scraps."""
LEAST_AREA = 0.0005
"""Share of the picture below which an island goes with what is around it,"""
LEAST_NEAR = 0.002
"""and of what depth alone has in front: a bird may fly with its sky, confetti may not fly."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Layers at a working size.

    label : (h, w) uint8, 0 the farthest
    count : how many
    whole : (h, w) bool, the subject, whose separate things are not cut; None: there is none
    """

    label: Labels
    count: int
    whole: Mask | None = None


def levels_of(guide: Pixels, inverse: Plane, subject: Plane | None, count: int | None) -> Levels:
    """The layers of a scene.

    guide : (h, w, 3) float32, encoded picture, at a working size
    inverse : (h, w) float32, inverse depth, one surface a pixel
    subject : (h, w) float32 0..1, its matte, which is not cut; None: nobody knows
    count : how many layers, 1..8; None: as many as the scene holds
    """
    surfaces = Surfaces.of(even_scale(inverse), guide, _whole_subject(subject))
    pyramid = pyramid_of(surfaces)
    wanted = FOUND_AT_MOST if count is None else count
    patience = 1.0 if count is None else ASKED_FOR
    least = patience * LEAST_WORTH * sum(inverse.shape)
    label, best = np.zeros(inverse.shape, np.uint8), 0.0
    thresholds: list[float] = []
    cuts: list[Mask] = []
    while len(cuts) + 1 < wanted and len(thresholds) < 2 * MOST:
        worth = surfaces.worth(thresholds)
        best = max(best, float(worth.max()))
        if worth.max() < max(least, patience * LEAST_OF_BEST * best):
            break
        thresholds.append((int(worth.argmax()) + 0.5) / BINS)
        near = cut(pyramid, thresholds[-1])
        trial = _labels([*cuts, near])
        if surfaces.gain(trial, label, patience * THROUGH_SURFACE) >= least:
            cuts.append(near)
            label = trial
    label = _apart(label, surfaces, wanted)
    return Levels(label, int(label.max()) + 1, surfaces.whole)


def _apart(label: Labels, surfaces: Surfaces, wanted: int) -> Labels:
    """`label` with things of one layer that do not touch and stand at different depths on layers of
    their own, up to `wanted`: that cuts no surface.

    Not the farthest: what is seen of a background between things is one.
    """
    while int(label.max()) + 1 < wanted:
        widest, chosen = LEAST_APART, None
        for layer in range(1, int(label.max()) + 1):
            count, thing, stats, _ = cv2.connectedComponentsWithStats(
                (label == layer).astype(np.uint8)
            )
            depths = [np.median(surfaces.scale[thing == n]) for n in range(1, count)]
            large = stats[1:, cv2.CC_STAT_AREA] >= LEAST_THING * label.size
            known = np.sort(np.array(depths)[large])
            for gap, middle in zip(np.diff(known), (known[1:] + known[:-1]) / 2, strict=True):
                if gap > widest:
                    nearer = np.append(False, np.array(depths) > middle)
                    widest, chosen = float(gap), (layer, nearer[thing])
        if chosen is None:
            break
        layer, near = chosen
        label = label + ((label > layer) | near).astype(np.uint8)
    return label


def working_size(shape: tuple[int, int]) -> tuple[int, int]:
    return fit_within(shape, WORKING_PIXELS)


def even_scale(inverse: Plane) -> Plane:
    """Inverse depth on a scale of 0 (farthest) to 1 (nearest) where equal steps count equally.

    Things shift against each other as their inverse depths differ. But what is far and nearer
    than the sky is told from it by more than it moves.
    """
    low, high = (float(v) for v in np.percentile(inverse, [0.5, 99.5]))
    if high - low < 1e-6 * max(high, 1e-12):
        return np.zeros_like(inverse)
    span = max(high - low, LEAST_RELIEF * high)
    share = np.clip((inverse - np.float32(low)) / np.float32(span), 0, 1)
    return ((1 - FAR_SHARE) * share + FAR_SHARE * np.sqrt(share)).astype(np.float32)


def _share(scale: Plane) -> Plane:
    """Inverse depth as a share of its range, of the even scale."""
    root = np.sqrt(FAR_SHARE**2 + 4 * (1 - FAR_SHARE) * scale) - np.float32(FAR_SHARE)
    return np.asarray((root / (2 * (1 - FAR_SHARE))) ** 2, np.float32)


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What is cut, at one size.

    scale : (h, w) float32, `even_scale` of its inverse depth
    guide : (h, w, 3) float32, encoded picture
    whole : (h, w) bool, the subject; None: there is none
    low, high : (h, w) each, the ends of the break between each pixel and the next, down and right;
        equal: there is none
    """

    scale: Plane
    guide: Pixels
    whole: Mask | None
    low: tuple[Plane, Plane]
    high: tuple[Plane, Plane]

    @classmethod
    def of(cls, scale: Plane, guide: Pixels, whole: Mask | None) -> Surfaces:
        down, right = _jumps(scale, 0), _jumps(scale, 1)
        return cls(scale, guide, whole, (down[0], right[0]), (down[1], right[1]))

    @property
    def shape(self) -> tuple[int, int]:
        return self.scale.shape[0], self.scale.shape[1]

    def coarser(self) -> Surfaces:
        """The same at half the size: each pixel one of its four, since a mean would be neither."""
        shape = (self.scale.shape[0] + 1) // 2, (self.scale.shape[1] + 1) // 2
        whole = self.whole
        if whole is not None:
            whole = resize_area(whole.astype(np.float32), shape) > 0.5
        scale = np.ascontiguousarray(resize_nearest(self.scale, shape))
        return Surfaces.of(scale, resize_area(self.guide, shape), whole)

    def parted(self, threshold: float, axis: int) -> Mask:
        """(h, w): where a threshold falls into a break."""
        return (self.low[axis] < threshold) & (threshold < self.high[axis])

    def worth(self, taken: list[float]) -> NDArray[np.float64]:
        """(BINS,) what a threshold at each place of the scale parts that none of `taken` does.

        Most in the middle of a break, from where it can be put on the right sides surest.
        """
        out = np.zeros(BINS + 1)
        for axis in (0, 1):
            open_still = self.high[axis] > self.low[axis]
            for threshold in taken:
                open_still &= ~self.parted(threshold, axis)
            low, high = self.low[axis][open_still], self.high[axis][open_still]
            # A triangle of height jump over each break: its second difference is three spikes.
            for place, weight in ((low, 2.0), ((low + high) / 2, -4.0), (high, 2.0)):
                at = place * BINS
                first = np.minimum(at.astype(np.int64), BINS - 1)
                share = at - first
                out += np.bincount(first, weight * (1 - share), BINS + 1)
                out += np.bincount(first + 1, weight * share, BINS + 1)
        ramp = np.cumsum(np.cumsum(out))[:BINS] / BINS
        return np.maximum(np.append(0.0, ramp[:-1]) + ramp, 0) / 2

    def gain(self, label: Labels, before: Labels, through_surface: float) -> float:
        """What more is parted than before, length times jump, less the length of surfaces cut.

        through_surface : what the latter costs a pixel
        """
        total = 0.0
        for axis in (0, 1):
            fresh = (label != _shifted(label, axis)) & (before == _shifted(before, axis))
            jump = (self.high[axis] - self.low[axis])[fresh]
            total += float(jump.sum()) - through_surface * int((jump == 0).sum())
        return total

    def nearer_things(self, threshold: float) -> Mask:
        """(h, w): those of the subject's separate things that lie nearer, each as a whole."""
        near = np.zeros(self.scale.shape, np.bool_)
        if self.whole is not None:
            count, thing = cv2.connectedComponents(self.whole.astype(np.uint8))
            for number in range(1, count):
                there = thing == number
                near[there] = np.median(self.scale[there]) > threshold
        return near

    def prices(self, threshold: float) -> tuple[Plane, Plane, Plane]:
        """What it costs to be near, and a boundary to the next pixel right and down."""
        cost = np.zeros_like(self.scale)
        prices = []
        for axis in (0, 1):
            own = self.parted(threshold, axis)
            jump = np.where(own, self.high[axis] - self.low[axis], 0)
            after = _shifted(self.scale, axis)
            side = np.where(self.scale > after, -jump, jump).astype(np.float32) * SEED
            cost += side
            cost[_next(axis)] -= side[_this(axis)]
            price = _through_surface(self.scale, self.guide, axis)
            price[self.high[axis] > self.low[axis]] = ALONG_BREAK
            if self.whole is not None:
                outline = self.whole != _shifted(self.whole, axis)
                price[outline] = np.minimum(price[outline], ALONG_SUBJECT)
            price[own] = 0
            prices.append(price)
        # Where nothing else decides: with its own side, for less than any boundary costs.
        cost += (np.float32(threshold) - self.scale) * np.float32(0.25 / sum(cost.shape))
        if self.whole is not None:
            cost[self.whole] = np.where(self.nearer_things(threshold)[self.whole], -1, 1)
            cost[self.whole] *= SUBJECT_COST
        return cost, prices[1], prices[0]


def cut(pyramid: list[Surfaces], threshold: float) -> Mask:
    """(h, w): what lies nearer than a threshold, cut at its breaks."""
    state = Relaxed.start(pyramid[-1].shape)
    for level in reversed(pyramid):
        steps = COARSEST_STEPS if level is pyramid[-1] else STEPS
        state = relaxed_cut(*level.prices(threshold), state.resized(level.shape), steps)
    near = without_islands(state.x > 0.5, LEAST_NEAR)
    finest = pyramid[0]
    if finest.whole is not None:
        near = np.where(finest.whole, finest.nearer_things(threshold), near)
    return near


def pyramid_of(surfaces: Surfaces) -> list[Surfaces]:
    """Finest first."""
    levels = [surfaces]
    while min(levels[-1].scale.shape) > COARSEST:
        levels.append(levels[-1].coarser())
    return levels


def without_islands(near: Mask, least: float = LEAST_AREA) -> Mask:
    """`near` without islands smaller than `least`, a share of it, and holes too small to be looked
    at."""
    for smallest in (least, LEAST_AREA):
        _, label, stats, _ = cv2.connectedComponentsWithStats(near.astype(np.uint8))
        large = stats[:, cv2.CC_STAT_AREA] >= smallest * near.size
        near = ~(near & large[label])
    return near


def _labels(cuts: list[Mask]) -> Labels:
    """The number of cuts, ordered and nested, that each pixel is nearer than."""
    ordered = sorted(cuts, key=lambda near: int(near.sum()), reverse=True)
    label = np.zeros(cuts[0].shape, np.uint8)
    inside = np.ones_like(ordered[0])
    for near in ordered:
        within = inside & near
        fresh = inside & ~near
        # A layer that would hold next to nothing is none.
        if min(int(within.sum()), int(fresh.sum())) < LEAST_LAYER * near.size:
            continue
        label += within
        inside = within
    return label


def _whole_subject(subject: Plane | None) -> Mask | None:
    if subject is None:
        return None
    whole = without_islands(subject > 0.5)
    return whole if whole.any() and not whole.all() else None


def _jumps(scale: Plane, axis: int) -> tuple[Plane, Plane]:
    """The ends of the break between each pixel and the next; 0 and 0 where there is none."""
    step = _steps(scale, axis, "edge")
    # A plane goes on by the same step in inverse depth, also beyond the frame.
    size = {n: np.abs(s) for n, s in _steps(_share(scale), axis, "reflect").items()}
    surface = np.maximum(np.minimum(size[-2], size[-1]), np.minimum(size[1], size[2]))
    # A ramp of up to three steps is one break, at its steepest place.
    steepest = (np.abs(step[0]) >= np.abs(step[-1])) & (np.abs(step[0]) > np.abs(step[1]))
    before, after = (np.where(step[0] * step[n] > 0, step[n], 0) for n in (-1, 1))
    ends = scale - before, scale + step[0] + after
    low, high = np.minimum(*ends), np.maximum(*ends)
    real = steepest & (high - low > LEAST_JUMP) & (size[0] > STEEP * surface)
    return (
        np.where(real, np.maximum(low, 0), 0).astype(np.float32),
        np.where(real, np.minimum(high, 1), 0).astype(np.float32),
    )


def _steps(plane: Plane, axis: int, beyond: Literal["edge", "reflect"]) -> dict[int, Plane]:
    """From each pixel to the next, and the steps up to two before and after that."""
    reach = [(3, 3) if a == axis else (0, 0) for a in (0, 1)]
    odd = {"reflect_type": "odd"} if beyond == "reflect" and plane.shape[axis] > 1 else {}
    wide = np.pad(plane, reach, mode=beyond if odd else "edge", **odd)  # type: ignore[call-overload]
    steps, length = np.diff(wide, axis=axis), plane.shape[axis]
    return {n: np.take(steps, np.arange(3 + n, 3 + n + length), axis) for n in range(-2, 3)}


def _through_surface(scale: Plane, guide: Pixels, axis: int) -> Plane:
    """What a cut through a surface costs: less along the picture's edges, and still less along the
    surface's small steps and creases, such as where a thing stands on the floor."""
    apart = ((_shifted(guide, axis) - guide) ** 2).sum(axis=2) / COLOUR_SIGMA**2
    step = {n: np.abs(s) for n, s in _steps(scale, axis, "reflect").items()}
    excess = np.maximum(step[0] - np.maximum(step[-2], step[2]), 0) / STEP
    smooth = np.asarray(cv2.blur(scale, (CREASE_PX, CREASE_PX)), np.float32)
    bend = np.asarray(cv2.Laplacian(smooth, cv2.CV_32F, ksize=1)) / BEND
    even = OF_COLOUR * np.exp(-apart) + (1 - OF_COLOUR) * np.exp(-(bend**2) - excess**2)
    return (LEAST_ALONG_EDGE + (1 - LEAST_ALONG_EDGE) * even).astype(np.float32)


def _shifted(plane: NDArray, axis: int) -> NDArray:
    """Each pixel's next one; the last its own."""
    length = plane.shape[axis]
    return np.take(plane, np.minimum(np.arange(1, length + 1), length - 1), axis)


def _this(axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(None, -1),)


def _next(axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(1, None),)


def small_scene(
    pixels: Pixels, inverse: Plane, subject: Plane | None
) -> tuple[Pixels, Plane, Plane | None]:
    """Encoded picture, inverse depth and matte at the working size."""
    from depthfx.engine.refine import deblur
    from depthfx.raster.resample import encoded

    shape = working_size(inverse.shape[:2])
    guide = encoded(resize_area(pixels, shape))
    small = deblur(guide, np.ascontiguousarray(resize_nearest(inverse, shape)))
    return guide, small, None if subject is None else resize_area(subject, shape)
