"""What a person should look at, found by looking over a photo and its result at small size.

Nobody looks at three thousand photos by eye; these checks name the few that need it. Each asks one
thing of the photo, its depth and matte, or the result, as far as the chain needed them: nothing is
estimated for a check. Limits stand where good photos and such as were spoilt on purpose part, see
docs/batch-report.md for the figures.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.batch.banding import banding
from depthfx.batch.edges import breaks, contrast, on_edges, outline
from depthfx.batch.job import Finding
from depthfx.camera import FOCAL_UNCERTAINTY, FocalOrigin
from depthfx.chain import Chain
from depthfx.depth import Depth, Plane
from depthfx.optics.focus import SMALLEST_SUBJECT
from depthfx.optics.halo import LEAK_LIMIT, RIM_LIMIT
from depthfx.optics.portrait import broad_doubt
from depthfx.photo.regions import faces
from depthfx.photo.subject import subject_of
from depthfx.raster.resample import encoded, fit_within, resize_area
from depthfx.scene import Channel, Scene

WORKING_PIXELS = 500_000
"""Size at which photos are looked over: what is finer than that a person finds no fault with
either, unless told where."""

DEPTH_ON_EDGES, MATTE_ON_EDGES = 0.63, 0.58
"""Less than that of `edges.on_edges` is no photo's own depth, no subject's own outline."""
BANDS = 0.012
"""Share of the picture with steps from which on they are seen."""
SURE_TIMES = 1.645
"""Standard deviations that one in ten goes beyond: farther apart, two say different things."""
APART_TIMES = 3.0
"""By so much EXIF's subject distance and the depth there differ only if one of them is wrong:
lenses tell their focus within some 20 %, networks depth within some 60 %."""
FACE_M = (0.08, 0.6)
"""Height of a face as people draw its frame, in metres: from a baby's to one with hair and chin,
as far as a network's metres can be believed."""
SMALLEST_FACE = 0.02
"""Of the picture's height: below, the depth is that of what surrounds it."""
TOO_NEAR_M = 0.1
"""Photos of nothing but what is nearer are made through microscopes."""
HALF_SURE = 0.3
"""Of the subject's area: broad parts that the matte is not sure of."""
MANY_BREAKS = 0.25
"""Of the frame: depth that breaks everywhere is noise."""
BLURRED, DETAIL = 0.45, 0.008
"""Share of its detail that a subject keeps, and the least detail that can be lost (white is 1)."""
DETAIL_PX = 2.0
"""Standard deviation: what is finer than that is detail."""
SECOND_SUBJECT = 0.25
"""Of the largest one's area: a smaller one is somebody in the background."""
SMALL_PIXELS, SMALL_LIMITS = 300_000, (0.12, 0.25)
"""Outlines of smaller photos are a pixel or two wide, most of them blocks of JPEG: leak and rim
say so only where they are worse."""
CLIPPED = 0.3
"""Of the frame: more than that newly white or newly black is no look."""
DARK, LIGHT = 0.004, 0.996
"""What is black, and white, in the square root of light."""

LENSES = frozenset({"bokeh", "portrait"})
"""Effects that are to leave the subject sharp."""
OTHER_PICTURES = frozenset({"depth-picture", "mask", "normals", "stereo"})
"""Effects whose picture shows something else than the photo, or the photo twice."""

Pixels = NDArray[np.float32]


def findings(before: Scene, after: Scene, chain: Chain) -> tuple[Finding, ...]:
    """Why `after`, which `chain` has made of `before`, needs a hand; empty: it looks right.

    Depth and matte are looked at if the chain has asked for them. Takes less than a tenth of the
    time of any lens effect.
    """
    both = _Both(before, after, chain)
    return (
        *_of_photo(both),
        *_of_depth(both),
        *_of_focal_length(both),
        *_of_metres(both),
        *_of_matte(both),
        *_of_focus(both),
        *_of_halo(both),
        *_of_result(both),
    )


@dataclass(frozen=True, eq=False)
class _Both:
    """A photo and its result, at small size where they are looked over in full."""

    before: Scene
    after: Scene
    chain: Chain

    @property
    def depth(self) -> Depth | None:
        return self.before.channels.found[0]

    @property
    def matte(self) -> Plane | None:
        return self.before.channels.found[1]

    @property
    def shape(self) -> tuple[int, int]:
        return fit_within(self.before.photo.shape, WORKING_PIXELS)

    @cached_property
    def photo(self) -> Pixels:
        return resize_area(self.before.photo.pixels, self.shape)

    @cached_property
    def result(self) -> Pixels:
        return resize_area(self.after.photo.pixels, self.shape)

    @cached_property
    def seen(self) -> Pixels:
        """The photo as the eye sees it."""
        return encoded(np.minimum(self.photo, 1))

    @cached_property
    def result_seen(self) -> Pixels:
        return encoded(np.minimum(self.result, 1))

    @cached_property
    def small_matte(self) -> Plane:
        assert self.matte is not None
        return resize_area(self.matte, self.shape)

    @cached_property
    def contrast(self) -> Plane:
        return contrast(self.seen)

    @property
    def effects(self) -> frozenset[str]:
        return frozenset(effect.name for effect in self.chain.effects)

    @property
    def same_frame(self) -> bool:
        """Whether the result is the photo itself, changed, so that the two can be compared."""
        instead = any(product.endings for product in self.after.products)
        same = self.before.photo.shape == self.after.photo.shape
        return same and not instead and not self.effects & OTHER_PICTURES


def _of_photo(both: _Both) -> Iterator[Finding]:
    for warning in both.before.photo.warnings:
        yield Finding("photo", warning)


# ---------------------------------------------------------------- depth
def _of_depth(both: _Both) -> Iterator[Finding]:
    if both.depth is None:
        return
    inverse = both.depth.resized(both.shape).surface
    if float(inverse.max()) <= 0:
        yield Finding("depth", "everything is infinitely far in its depth")
        return
    lines = breaks(inverse)
    if lines.mean() > MANY_BREAKS:
        yield Finding("edges", "its depth is noise, it breaks everywhere", _figure(lines.mean()))
        return
    told = on_edges(lines, both.contrast)
    if told is not None and told < DEPTH_ON_EDGES:
        yield Finding("edges", "its depth does not break where the photo has edges", _figure(told))


def _of_focal_length(both: _Both) -> Iterator[Finding]:
    """Where the file says another focal length than a network sees."""
    depth, camera = both.depth, both.before.photo.camera
    by_file = camera.origin in (FocalOrigin.EXIF, FocalOrigin.INTRINSICS)
    if depth is None or depth.focal_px is None or not by_file:
        return
    by_network = depth.focal_error
    if by_network is None:
        by_network = FOCAL_UNCERTAINTY[FocalOrigin.NETWORK]
    error = math.hypot(math.log1p(by_network), math.log1p(FOCAL_UNCERTAINTY[camera.origin]))
    times = camera.focal_px / depth.focal_px
    if abs(math.log(times)) > SURE_TIMES * error:
        seen_mm = camera.f35_mm / times
        words = f"{camera.origin} says {camera.f35_mm:.0f} mm, it looks like {seen_mm:.0f} mm"
        yield Finding("focal length", words, _figure(times))


def _of_metres(both: _Both) -> Iterator[Finding]:
    """Where distances and sizes are of another world."""
    depth, before = both.depth, both.before
    if depth is None or not depth.metric:
        return
    farthest = float(np.percentile(depth.inverse[::8, ::8], 5))
    if farthest > 1 / TOO_NEAR_M:
        words = f"nearly all of it is nearer than {TOO_NEAR_M:g} m"
        yield Finding("scale", words, _figure(1 / farthest))
    subject = subject_of(before.photo)
    if subject is not None:
        metres = depth.metres_at(subject.x, subject.y)
        times = metres / subject.metres
        if math.isfinite(times) and not 1 / APART_TIMES < times < APART_TIMES:
            words = f"EXIF has its subject at {subject.metres:.3g} m, its depth at {metres:.3g} m"
            yield Finding("scale", words, _figure(times))
    for face in faces(before.photo)[:1]:
        metres = depth.metres_at(face.x, face.y)
        high = metres * face.height * before.photo.shape[0] / before.camera.focal_px
        if face.height >= SMALLEST_FACE and not FACE_M[0] <= high <= FACE_M[1]:
            yield Finding("scale", f"a face would be {high:.2g} m high", _figure(high))


# ---------------------------------------------------------------- matte
def _of_matte(both: _Both) -> Iterator[Finding]:
    matte, after = both.matte, both.after
    if matte is None or not any(Channel.MATTE in effect.needs for effect in both.chain.effects):
        return
    if after.facts.get("subject_found") is False:
        yield Finding("subject", "no subject was found", _figure(after.facts["subject_share"]))
        return
    solid = np.count_nonzero(matte > 0.5) / matte.size
    if solid < SMALLEST_SUBJECT:
        return
    unsure = float((broad_doubt(matte) > 0.5).mean()) / solid
    if unsure > HALF_SURE:
        yield Finding("matte", "large parts of the subject are half sure", _figure(unsure))
    told = on_edges(outline(both.small_matte), both.contrast)
    if told is not None and told < MATTE_ON_EDGES:
        yield Finding("matte", "the subject's outline is not where the photo's is", _figure(told))


def _of_focus(both: _Both) -> Iterator[Finding]:
    """Whether a lens took the detail of what the photo is of, of one of several above all."""
    if both.matte is None or not both.same_frame or not both.effects & LENSES:
        return
    was, now = _detail(both.seen), _detail(both.result_seen)
    kept = [_kept(was, now, part) for part in subjects(both.small_matte)]
    lost = [share for share in kept if share is not None and share < BLURRED]
    if lost and len(lost) < len(kept):
        words = f"of {len(kept)} subjects {len(lost)} {'is' if len(lost) == 1 else 'are'} blurred"
        yield Finding("focus", words, _figure(min(lost)))
    elif lost:
        yield Finding("focus", "the subject is blurred", _figure(min(lost)))


def subjects(matte: Plane) -> list[NDArray[np.bool_]]:
    """The larger parts of `matte` (h, w), each (h, w), the largest first."""
    count, parts, sizes, _ = cv2.connectedComponentsWithStats((matte > 0.5).astype(np.uint8))
    areas = sizes[:, cv2.CC_STAT_AREA]
    order = sorted(range(1, count), key=lambda part: (-areas[part], part))
    least = max(SMALLEST_SUBJECT * matte.size, SECOND_SUBJECT * (areas[order[0]] if order else 0))
    return [np.asarray(parts == part) for part in order if areas[part] >= least]


def _kept(was: Plane, now: Plane, part: NDArray[np.bool_]) -> float | None:
    """Share of its detail that a part keeps; None: it had none, or is too small to say."""
    reach = 2 * math.ceil(3 * DETAIL_PX) + 1
    inner = cv2.erode(part.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
    if inner.mean() < SMALLEST_SUBJECT / 4:
        return None
    before, after = (float(detail[inner].mean()) for detail in (was, now))
    return after / before if before >= DETAIL else None


def _detail(seen: Pixels) -> Plane:
    # Not `mean(axis=2)`, which takes ten times as long for three.
    grey = (seen[..., 0] + seen[..., 1] + seen[..., 2]) / np.float32(3)
    return np.asarray(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), DETAIL_PX)), np.float32)


# ---------------------------------------------------------------- the result
def _of_halo(both: _Both) -> Iterator[Finding]:
    """What `optics.halo` has said already, of a portrait."""
    facts = both.after.facts
    leak, rim = (facts.get(name, 0.0) for name in ("halo_leak", "halo_rim"))
    height, width = both.before.photo.shape
    limits = SMALL_LIMITS if height * width < SMALL_PIXELS else (LEAK_LIMIT, RIM_LIMIT)
    if leak <= limits[0] and rim <= limits[1]:
        return
    leaks, worst = leak / limits[0] >= rim / limits[1], facts.get("halo_worst")
    what = "the subject's colour leaks around it" if leaks else "the background is sharp around it"
    where = f", most at {worst[0]:.0%} across, {worst[1]:.0%} down" if worst else ""
    yield Finding("halo", what + where, _figure(leak if leaks else rim))


def _of_result(both: _Both) -> Iterator[Finding]:
    """Whether the result's light is right, where it shows the photo."""
    if not both.same_frame:
        return
    if not np.isfinite(both.result).all():
        yield Finding("light", "parts of the result are no light at all")
        return
    black, white = np.subtract(_clipped(both.result_seen), _clipped(both.seen))
    if black > CLIPPED:
        yield Finding("light", "much of the result is black", _figure(black))
    if white > CLIPPED:
        yield Finding("light", "much of the result is white", _figure(white))
    banded = banding(both.photo, both.result)
    if banded > BANDS:
        yield Finding("banding", "smooth parts have steps", _figure(banded))


def _clipped(seen: Pixels) -> tuple[float, float]:
    """Shares of the frame that are black, and white."""
    red, green, blue = cv2.split(seen)
    black = np.maximum(np.maximum(red, green), blue) <= DARK
    white = np.minimum(np.minimum(red, green), blue) >= LIGHT
    return np.count_nonzero(black) / red.size, np.count_nonzero(white) / red.size


def _figure(value: float) -> float:
    """Of as many figures as say something, the same on any machine."""
    return round(float(value), 3)
