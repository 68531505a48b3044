"""Depth, matte and focus of each frame of a film, held steady, before effects are applied to it.

The focal length is one for a shot, and so is the scale of relative depth. The focus follows what
is to be sharp, without its quick changes, or stays where it was when the shot began.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from depthfx.camera import Camera
from depthfx.chain import Chain
from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.effect import Effect, unit
from depthfx.engine.embedded.model import FARTHEST_M, METRES_ERROR, EmbeddedModel
from depthfx.engine.find import find_depth, find_matte, model
from depthfx.movie.steady import Glimpse, Steadied, fading, small_rgb, steady, windows
from depthfx.optics.focus import ASSUMED_FOCUS_M, NEAREST_M, find_focus
from depthfx.photo.colour import srgb_to_linear
from depthfx.photo.photo import Photo
from depthfx.raster.resample import fit_within, resize_area
from depthfx.scene import Channel, Scene

Place = tuple[float, float] | None
"""Where an effect is told to focus, shares of width and height; None: on the subject."""

SMALL_PIXELS = 200_000
"""Other networks than the embedded one are shown frames of so many pixels."""
NEAREST_FOCUS_M, FARTHEST_FOCUS_M = 0.01, 10_000.0
"""What the effects of a lens take as `focus_m`."""


@dataclass(frozen=True, eq=False)
class Track:
    """What is known of a frame before its own pixels are looked at closely.

    steadied : what the network said of it, held steady
    depth : (h, w) of its small size, held steady; its camera is that of the shot
    focus_m : by place, how far what is there is away
    assumed : whether the metres are assumed ones, of relative depth
    """

    steadied: Steadied
    depth: Depth
    focus_m: dict[Place, float]
    assumed: bool = False


def tracks(
    photos: Iterable[Photo], chain: Chain, context: Context, *, around: int, lock: bool = False
) -> Iterator[Track]:
    """The track of each frame; comes up to twice `around` frames later.

    around : frames before and after that a frame is held steady by; 0: each is for itself
    lock : focus for each shot where it is when the shot begins
    """
    look = _Look(context)
    first = _at_focus(
        steady(map(look, photos), relative=not look.metric, around=around), look, chain
    )
    shot, locked = -1, {}
    for window, index in windows(first, around):
        track = window[index]
        if not lock or track.steadied.shot != shot:
            shot, locked = track.steadied.shot, _gentle(window, index, around)
        yield replace(track, focus_m=locked)


def focused(chain: Chain, track: Track) -> Chain:
    """`chain` with its lenses focused as the track says."""
    return Chain(*(_focused(effect, track) for effect in chain.effects))


class _Look:
    """Lets the network look at a frame; what its numbers mean is known after the first."""

    def __init__(self, context: Context) -> None:
        self.context, self.network = context, model(context.model, context)
        self.metric = self.network.info.metric
        self.like: Depth | None = None

    def __call__(self, photo: Photo) -> Glimpse:
        rgb = small_rgb(photo.pixels)
        if isinstance(self.network, EmbeddedModel):
            seen, camera = self.network.predict(photo, self.context), photo.camera
            share = None
            if camera.known_focal_px is None and seen.focal_share is not None:
                share = seen.with_guess(camera.focal_px / camera.width)[0]
            self.like = self.like or Depth(
                np.ones((1, 1), np.float32),
                True,
                f"{self.network.info.name} network, metres are approximate",
                model_error=METRES_ERROR,
                stamp=self.network.stamp,
            )
            share = share or camera.focal_px / camera.width
            return Glimpse(rgb, seen.inverse, seen.matte, share)
        small = _shrunk(photo)
        depth, matte = find_depth(small, self.context), find_matte(small, self.context)
        self.like = self.like or depth
        focal_px = photo.camera.known_focal_px and small.camera.focal_px
        focal_px = focal_px or depth.focal_px or small.camera.focal_px
        return Glimpse(rgb, depth.surface, matte, focal_px / small.camera.width)

    def depth(self, steadied: Steadied, focal_share: float) -> Depth:
        """What was seen, in its unit: 1/m for a camera of this focal length over its width."""
        assert self.like is not None
        inverse = steadied.inverse
        if isinstance(self.network, EmbeddedModel):
            # Canonical inverse depth times width over focal length is 1/m (Depth Pro, eq. 1).
            inverse = inverse / np.float32(focal_share)
            inverse = np.where(inverse < 1 / FARTHEST_M, np.float32(0), inverse)
        focal_px = focal_share * inverse.shape[1]
        return replace(self.like, inverse=inverse, behind=None, coverage=None, focal_px=focal_px)


def _shrunk(photo: Photo) -> Photo:
    shape = fit_within(photo.shape, SMALL_PIXELS)
    if shape == photo.shape:
        return photo
    return replace(
        photo,
        pixels=resize_area(photo.pixels, shape),
        alpha=None,
        camera=photo.camera.resized(shape[1], shape[0]),
    )


def _at_focus(frames: Iterable[Steadied], look: _Look, chain: Chain) -> Iterator[Track]:
    """Each frame's depth in its unit, and how far what is to be sharp is away in it."""
    lenses = [effect for effect in chain.effects if _is_lens(effect)]
    in_metres = any(map(_needs_metres, chain.effects))
    shot, share, scale = -1, 1.0, 1.0
    for steadied in frames:
        new = steadied.shot != shot
        if new:
            shot, share = steadied.shot, steadied.focal_share or 1.0
        depth = look.depth(steadied, share)
        if not lenses or (in_metres and not depth.metric):
            yield Track(steadied, depth, {})
            continue
        scene = _small_scene(steadied, depth)
        at = {place: find_focus(scene, None, place).inverse for place in _places(lenses)}
        if not depth.metric:
            if new:
                scale = _assumed_scale(lenses[0], at.get(_place(lenses[0]), 1.0))
            # In the metres that are assumed: so the same depth is the same blur in each frame.
            depth = replace(depth, inverse=depth.inverse * np.float32(scale), metric=True)
            at = {place: inverse * scale for place, inverse in at.items()}
        metres = {place: _metres(inverse) for place, inverse in at.items()}
        yield Track(steadied, depth, metres, not look.metric)


def _small_scene(steadied: Steadied, depth: Depth) -> Scene:
    pixels = resize_area(srgb_to_linear(steadied.rgb), depth.shape)
    rows, columns = depth.shape
    assert depth.focal_px is not None
    photo = Photo(pixels, Camera(columns, rows, depth.focal_px))
    return Scene.of(photo, depth=depth, matte=steadied.matte)


def _assumed_scale(lens: Any, at: float) -> float:
    """From relative inverse depth to 1/m, as `optics.focus.find_focus` takes it to be."""
    assumed = lens.focus_m or getattr(lens, "assumed_focus_m", ASSUMED_FOCUS_M)
    return 1 / max(assumed * at, min(NEAREST_M, assumed / 2))


def _metres(inverse: float) -> float:
    if inverse <= 1 / FARTHEST_FOCUS_M:
        return FARTHEST_FOCUS_M
    return max(1 / inverse, NEAREST_FOCUS_M)


def _gentle(window: Sequence[Track], index: int, around: int) -> dict[Place, float]:
    """The focus of `window[index]`: the geometric mean around it in its shot."""
    own = window[index]
    weighted = [
        (fading(abs(k - index), around), track.focus_m)
        for k, track in enumerate(window)
        if track.steadied.shot == own.steadied.shot and abs(k - index) <= around
    ]
    total = sum(weight for weight, _ in weighted)
    return {
        place: math.exp(sum(w * math.log(focus[place]) for w, focus in weighted) / total)
        for place in own.focus_m
    }


def _is_lens(effect: Effect) -> bool:
    return {"focus_m", "focus_xy"} <= set(type(effect).model_fields)


def _needs_metres(effect: Effect) -> bool:
    """Whether assumed metres would be taken for true ones: a length is given in them."""
    lengths = (
        name
        for name, declared in type(effect).model_fields.items()
        if declared.default is None and unit(type(effect), name) == "m"
    )
    given = any(getattr(effect, name) is not None for name in lengths)
    return Channel.METRIC in effect.needs or (given and not _is_lens(effect))


def _place(lens: Any) -> Place:
    return None if lens.focus_xy is None else tuple(lens.focus_xy)


def _places(lenses: Iterable[Effect]) -> list[Place]:
    return list(dict.fromkeys(_place(lens) for lens in lenses))


def _focused(effect: Effect, track: Track) -> Effect:
    """`effect`, focused as the track says if it does not say so itself."""
    if not _is_lens(effect) or not track.focus_m:
        return effect
    lens: Any = effect
    # Of relative depth the distance told has set the scale, at what is to be sharp.
    if lens.focus_m is not None and not track.assumed:
        return effect
    return effect.model_copy(update={"focus_m": track.focus_m[_place(lens)]})
