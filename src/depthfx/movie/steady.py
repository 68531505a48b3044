"""Depth and matte held steady over the frames of a film.

A network that looks at every frame anew answers a little otherwise every time, though nothing
moved: the depth of the whole breathes, outlines boil. Here every place of a frame gets the mean of
what the network said of it in the frames around, found along the optical flow. A frame counts
where it shows what the flow says it does: the flow there and back agree, and so do the colours;
so what moves drags nothing behind it, and what comes into sight has only itself. Before that, the
scale of each frame (of relative depth the shift too) is tied to that of the one before, by what
both show, and only its slow part is kept. All of it happens at the network's own small size, both
ways in time, and begins anew at a cut.

The flow is that of T. Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016;
means along it, checked there and back, after W.-S. Lai et al., "Learning Blind Video Temporal
Consistency", ECCV 2018, with a window in place of their network.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.raster.resample import resize_area, resize_linear

Flow = NDArray[np.float32]
Rgb = NDArray[np.float32]
Codes = NDArray[np.uint8]
T = TypeVar("T")

AROUND = 12
"""Frames to either side that a frame is held steady by."""
CALMED_BY = 3
"""Frames to either side whose pixels make a frame's noise less."""
SETTLED_BY = 2
"""Frames to either side whose edges a frame's are settled by."""
FLOW_ROWS = 270
"""Optical flow is found in about so many rows: where a network's small map changes, more would
not be told apart."""
LEAST_FLOW_PX = 32
"""In narrower pictures OpenCV may read beyond their end, and the process ends."""
ASTRAY_PX = 0.7
"""Flow there and back that ends so far from where it began is half believed."""
UNLIKE = 3.0
"""Colours differ if by more than so many times the noise of the film."""
NOISE = (0.01, 0.03)
"""Of encoded colour: compression alone makes as much as the first, no film more than the second
once it is small."""
STILL_GAIN = 0.9
"""A place rests unless the flow explains it so much better than no flow: what rests is not
resampled."""
MOSTLY = 0.5
"""Of trust: what is trusted more has a vote."""
CUT_SHARE = 0.35
"""A cut: the flow explains less than this share of the picture."""
SCALE_PASSES, UNLIKE_REST = 3, 2.5
"""The scale is found anew without places that differ by so many times more than most."""
LEAST_SHARE = 0.1
"""Of usual inverse depth: what is farther is not weighed by its own share."""
MOST_GAIN = 2.0
"""No network changes its scale by more from frame to frame."""


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What was seen of one frame.

    rgb : (H, W, 3) float32, encoded colours 0..1, about `FLOW_ROWS` high
    inverse : (h, w) float32 > 0, the network's inverse depth, its own small size
    matte : (h, w) float32 in 0..1
    focal_share : focal length over width of the frame, as the network sees it; None: it does not
    """

    rgb: Rgb
    inverse: Plane
    matte: Plane
    focal_share: float | None = None


@dataclass(frozen=True, eq=False)
class Beside:
    """A frame near another one.

    step : how many frames later it is; negative: earlier
    flow : (h, w, 2) float32, where each place of the other frame lies in it, as offsets in cells
    trust : (h, w) float32 0..1, how far that is to be believed
    """

    step: int
    flow: Flow
    trust: Plane


@dataclass(frozen=True, eq=False)
class Steadied:
    """Inverse depth and matte (h, w) float32 of one frame, held steady.

    rgb : as `Glimpse.rgb`, a little blurred
    shot : the number of the shot that it is in, from 0; it grows at every cut
    beside : how the nearest frames of its shot lie to it
    focal_share : as `Glimpse.focal_share`, the mean
    """

    rgb: Rgb
    inverse: Plane
    matte: Plane
    shot: int
    beside: tuple[Beside, ...] = ()
    focal_share: float | None = None


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame with how it goes on from the one before it in its shot.

    back, ahead : (h, w, 2) float32: where each place of this frame was in the one before, and
        where each place of the one before is in this one, as offsets in cells
    trust, trust_ahead : (h, w) float32 0..1, how far they are to be believed
    gain, shift : of this frame's inverse depth against the shot's first
    """

    rgb: Rgb
    inverse: Plane
    matte: Plane
    shot: int
    focal_share: float | None = None
    gain: float = 1.0
    shift: float = 0.0
    back: Flow | None = None
    ahead: Flow | None = None
    trust: Plane | None = None
    trust_ahead: Plane | None = None


def steady(
    glimpses: Iterable[Glimpse], *, relative: bool = False, around: int = AROUND
) -> Iterator[Steadied]:
    """Each frame's depth and matte, held steady by up to `around` frames before and after it.

    relative : whether depth is known up to a shift as well as a scale

    Yields one for each of `glimpses`, `around` frames later; no more than twice as many are
    held. The same glimpses give the same answer, whatever else is done.
    """
    for window, index in windows(_followed(glimpses, relative), around):
        yield _mean_around(window, index, around)


def windows(items: Iterable[T], around: int) -> Iterator[tuple[Sequence[T], int]]:
    """For each of `items` those up to `around` before and after it, and its own place there.

    Comes `around` items later; the sequence is to be used before the next is asked for.
    """
    held: deque[T] = deque()
    index = 0  # in `held`, of the item to be given next
    for item in items:
        held.append(item)
        if len(held) - index > around:
            yield held, index
            index += 1
        if index > around:
            held.popleft()
            index -= 1
    while index < len(held):
        yield held, index
        index += 1
        if index > around:
            held.popleft()
            index -= 1


def fading(step: int, around: int) -> float:
    """How much a frame so many frames away counts, of up to `around`: a raised cosine."""
    return 0.5 + 0.5 * math.cos(math.pi * step / (around + 1))


def small_rgb(pixels: Rgb) -> Rgb:
    """Linear light (H, W, 3) as `Glimpse.rgb` wants it."""
    from depthfx.photo.colour import linear_to_srgb

    height, width = pixels.shape[:2]
    scale = min(1.0, FLOW_ROWS / min(height, width))
    small = resize_area(pixels, (max(round(height * scale), 1), max(round(width * scale), 1)))
    return np.asarray(np.clip(linear_to_srgb(np.clip(small, 0, 1)), 0, 1), np.float32)


def _followed(glimpses: Iterable[Glimpse], relative: bool) -> Iterator[_Seen]:
    """Each frame with the flow to the one before it."""
    before: _Seen | None = None
    # Not among the types that OpenCV tells of.
    flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for glimpse in glimpses:
        rgb = np.asarray(cv2.GaussianBlur(glimpse.rgb, (0, 0), 1.0), np.float32)
        if before is None or before.rgb.shape != rgb.shape:
            shot = 0 if before is None else before.shot + 1
            before = _Seen(rgb, glimpse.inverse, glimpse.matte, shot, glimpse.focal_share)
        else:
            before = _next(before, rgb, glimpse, flow, relative)
        yield before


def _next(before: _Seen, rgb: Rgb, glimpse: Glimpse, method: Any, relative: bool) -> _Seen:
    cells = glimpse.inverse.shape
    greys = [
        np.round(255 * cv2.cvtColor(p, cv2.COLOR_RGB2GRAY)).astype(np.uint8)
        for p in (rgb, before.rgb)
    ]
    back = _or_still(_flow(method, greys[0], greys[1]), rgb, before.rgb)
    ahead = _or_still(_flow(method, greys[1], greys[0]), before.rgb, rgb)
    trust = _returning(back, ahead) * _like(rgb, _moved(before.rgb, back))
    trust_ahead = _returning(ahead, back) * _like(before.rgb, _moved(rgb, ahead))
    if float(trust.mean()) < CUT_SHARE:
        return _Seen(rgb, glimpse.inverse, glimpse.matte, before.shot + 1, glimpse.focal_share)
    back, ahead = _in_cells(back, cells), _in_cells(ahead, cells)
    trust, trust_ahead = resize_area(trust, cells), resize_area(trust_ahead, cells)
    gain, shift = _tied(_moved(before.inverse, back), glimpse.inverse, trust, relative)
    return _Seen(
        rgb,
        glimpse.inverse,
        glimpse.matte,
        before.shot,
        glimpse.focal_share,
        before.gain * gain,
        gain * before.shift + shift,
        back,
        ahead,
        trust,
        trust_ahead,
    )


def _flow(method: Any, here: Codes, there: Codes) -> Flow:
    """Where each place of `here` is in `there`; no move in frames that are too narrow to tell."""
    if min(here.shape) < LEAST_FLOW_PX:
        return np.zeros((*here.shape, 2), np.float32)
    return np.asarray(method.calc(here, there, None), np.float32)


def _or_still(flow: Flow, here: Rgb, there: Rgb) -> Flow:
    """`flow` from `here` to `there`, and none where rest explains the picture as well."""
    moved = cv2.blur(np.abs(here - _moved(there, flow)).sum(2), (7, 7))
    still = cv2.blur(np.abs(here - there).sum(2), (7, 7))
    rests = moved >= STILL_GAIN * still
    return np.where(rests[..., None], np.float32(0), flow)


def _moved(plane: NDArray[Any], flow: Flow, how: int = cv2.INTER_LINEAR) -> NDArray[Any]:
    """What `plane` shows where `flow` leads to."""
    rows, columns = flow.shape[:2]
    x = np.arange(columns, dtype=np.float32)[None, :] + flow[..., 0]
    y = np.arange(rows, dtype=np.float32)[:, None] + flow[..., 1]
    return cv2.remap(plane, x, y, how, borderMode=cv2.BORDER_REPLICATE)


def _returning(flow: Flow, back: Flow) -> Plane:
    """1 where `flow` and then `back` lead to where one began, within the frame."""
    rows, columns = flow.shape[:2]
    astray = flow + _moved(back, flow)
    x = np.arange(columns, dtype=np.float32)[None, :] + flow[..., 0]
    y = np.arange(rows, dtype=np.float32)[:, None] + flow[..., 1]
    inside = (x > -1) & (y > -1) & (x < columns) & (y < rows)
    return inside * np.exp(-np.square(astray).sum(2) / np.float32(ASTRAY_PX**2))


def _like(here: Rgb, there: Rgb) -> Plane:
    """1 where two pictures show the same, but for noise."""
    apart = np.abs(here - there).max(2)
    # Most of a picture shows the same: its median difference is noise.
    noise = float(np.clip(np.median(apart), *NOISE))
    return np.exp(-np.square(apart / np.float32(UNLIKE * noise)))


def _in_cells(flow: Flow, cells: tuple[int, ...]) -> Flow:
    """`flow` on another grid, in its cells."""
    rows, columns = flow.shape[:2]
    scale = np.array([cells[1] / columns, cells[0] / rows], np.float32)
    return resize_area(flow, (cells[0], cells[1])) * scale


def _tied(before: Plane, now: Plane, trust: Plane, relative: bool) -> tuple[float, float]:
    """(a, b) of now = a * before + b, by what did not move against the rest; b is 0 for metres."""
    x, y, w = (p.ravel().astype(np.float64) for p in (before, now, trust))
    gain, shift = 1.0, 0.0
    usual = float(x.mean() + y.mean()) / 2
    if usual <= 0:
        return gain, shift
    keep = np.ones(x.shape, bool)
    for _ in range(SCALE_PASSES):
        # Differences count as shares of the depth itself.
        weight = np.where(keep, w, 0) / (x + LEAST_SHARE * usual) ** 2
        if weight.sum() <= 0:
            return 1.0, 0.0
        mx, my = np.average(x, weights=weight), np.average(y, weights=weight)
        if not relative:
            mx, my = np.float64(0), np.float64(0)
        over, under = (float(np.sum(weight * (each - m) ** 2)) for each, m in ((x, mx), (y, my)))
        # Their ratio: least squares would make each frame a little flatter than the last.
        gain = math.sqrt(under / over) if over > 0 and under > 0 else 1.0
        gain = min(max(gain, 1 / MOST_GAIN), MOST_GAIN)
        shift = float(my - gain * mx)
        error = np.abs(gain * x + shift - y) / (y + LEAST_SHARE * usual)
        keep = error <= max(UNLIKE_REST * float(np.median(error)), 1e-6)
    return gain, shift


def _mean_around(held: Sequence[_Seen], index: int, around: int) -> Steadied:
    """The frame `held[index]`, its depth and matte the mean over those around it in its shot."""
    own = held[index]
    level, matte, weight = _levelled(own), own.matte.copy(), np.ones_like(own.matte)
    level = level.copy()
    used = [(1.0, own)]
    beside = []
    for way in (-1, 1):
        flow, trust = np.zeros((*own.matte.shape, 2), np.float32), np.ones_like(own.matte)
        for step in range(1, around + 1):
            place = index + way * step
            if not 0 <= place < len(held) or held[place].shot != own.shot:
                break
            there = held[place]
            link = held[place + 1] if way < 0 else there
            hop, sure = (link.back, link.trust) if way < 0 else (link.ahead, link.trust_ahead)
            assert hop is not None
            assert sure is not None
            trust = trust * _moved(sure, flow)
            flow = flow + _moved(hop, flow)
            if step <= CALMED_BY:
                beside.append(Beside(way * step, flow, trust))
            share = fading(step, around)
            each = np.float32(share) * trust
            level += each * _moved(_levelled(there), flow)
            matte += each * _moved(there.matte, flow)
            weight += each
            used.append((share, there))
    shares = [share for share, _ in used]
    gain = float(np.exp(np.average([np.log(seen.gain) for _, seen in used], weights=shares)))
    shift = float(np.average([seen.shift for _, seen in used], weights=shares))
    inverse = np.maximum(np.float32(gain) * (level / weight) + np.float32(shift), 0)
    focal = [seen.focal_share for _, seen in used if seen.focal_share is not None]
    return Steadied(
        own.rgb,
        inverse.astype(np.float32),
        np.clip(matte / weight, 0, 1),
        own.shot,
        tuple(beside),
        float(np.exp(np.mean(np.log(focal)))) if focal else None,
    )


def _levelled(seen: _Seen) -> Plane:
    """Inverse depth on the scale of the shot's first frame."""
    return (seen.inverse - np.float32(seen.shift)) / np.float32(seen.gain)


def settled(own: Plane, others: Mapping[int, Plane], beside: Iterable[Beside]) -> Plane:
    """The median of a frame's plane and those of the frames up to `SETTLED_BY` beside it.

    own : (H, W) float32, of any kind; others : the same, by how many frames later they are

    An edge that is drawn elsewhere in one frame only is put where the others have it. Values are
    taken, not mixed, so that edges stay as sharp as they are. A frame that is not there, or that
    shows something else there, votes as this one.
    """
    shape = own.shape
    known = {each.step: each for each in beside}
    votes = []
    for step in (-2, -1, 1, 2):
        if step not in known or step not in others:
            votes.append(own)
            continue
        each = known[step]
        there = _moved(others[step], _enlarged(each, shape), cv2.INTER_NEAREST)
        trusted = resize_linear(each.trust, shape) > MOSTLY
        votes.append(np.where(trusted, there, own))
    # The median of five, by seven comparisons.
    a, b, c, d = votes
    high = np.maximum(np.minimum(a, b), np.minimum(c, d))
    low = np.minimum(np.maximum(a, b), np.maximum(c, d))
    low, high = np.minimum(low, high), np.maximum(low, high)
    return np.asarray(np.clip(own, low, high), np.float32)


def _enlarged(beside: Beside, shape: tuple[int, ...]) -> Flow:
    """Its flow at the size `shape`, in pixels of that."""
    rows, columns = beside.trust.shape
    scale = np.array([shape[1] / columns, shape[0] / rows], np.float32)
    return resize_linear(beside.flow, (shape[0], shape[1])) * scale


def calm(own: Codes, others: Mapping[int, Codes], beside: Iterable[Beside]) -> Codes:
    """A frame with less noise: the mean with those beside it where they show the same.

    own : (H, W, 3) uint8, encoded; others : the same, by how many frames later they are

    Returns (H, W, 3) uint8. Made to look for outlines in, not to be seen.
    """
    shape = own.shape[:2]
    here = cv2.blur(own, (3, 3)).astype(np.int16)
    total, weight = own.astype(np.float32), np.ones(shape, np.float32)
    for each in beside:
        if each.step not in others:
            continue
        there = _moved(others[each.step], _enlarged(each, shape))
        apart = np.abs(cv2.blur(there, (3, 3)).astype(np.int16) - here).max(2).astype(np.float32)
        noise = float(np.clip(np.median(apart), 255 * NOISE[0], 255 * NOISE[1]))
        share = resize_linear(each.trust, shape) * np.exp(
            -np.square(apart / np.float32(UNLIKE * noise))
        )
        total += share[..., None] * there
        weight += share
    return np.clip(np.round(total / weight[..., None]), 0, 255).astype(np.uint8)
