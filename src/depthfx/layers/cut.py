"""A photo into layers at their depths."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.errors import ParameterError
from depthfx.inpaint.exemplar import Paint
from depthfx.inpaint.exemplar import paint as paint_exemplar
from depthfx.layers.go_on import Peeled
from depthfx.layers.layers import Blend, Layer, Layers
from depthfx.layers.levels import MOST, levels_of, small_scene
from depthfx.layers.mattes import FULL, covers_of
from depthfx.layers.peel import peel
from depthfx.layers.values import Values
from depthfx.photo.photo import Photo

FARTHEST = 0.01
"""Of a card, as a share of the nearest one's inverse depth: sky is put so far away."""

APART = 0.02
"""Between cards, as a share of the nearest one's."""

LEAST_RELIEF, SECOND_ORDER, EDGE_PX = 0.1, 0.1, 2
"""Depth a scene has at least for how far a camera turns, as a share of the nearest inverse depth;
what a turn shifts beyond what is proportional to it, in reaches; and px that are resampled at a
card's edge."""


def layers_of(
    photo: Photo,
    depth: Depth,
    camera: Camera,
    matte: Plane | None = None,
    *,
    count: int | None = None,
    reach_px: float = 0.0,
    blend: Blend = "encoded",
    progress: Callable[[float], None] | None = None,
    paint: Paint = paint_exemplar,
) -> Layers:
    """`photo` as layers that, laid over each other in the values of `blend`, are the photo again.

    depth, camera : of the photo
    matte : (H, W) float32 0..1, the subject's share of every pixel; None: nobody knows. The
        subject is not cut in two
    count : how many layers, 1..8; None: as many as depth breaks into
    reach_px : how far things may shift against each other: so far they go on behind nearer ones
        and beyond the frame
    progress : hears the share done, and may raise to stop
    paint : paints holes, as `inpaint.exemplar.paint` does

    Stored in 8 or 16 bits and laid over each other, they differ from the photo's codes by no more
    than one code of 8 bits. Raises ParameterError if `count` is out of range.
    """
    if count is not None and not 1 <= count <= MOST:
        raise ParameterError(f"count={count}: a photo is cut into 1 to {MOST} layers")
    known = None if matte is None or not (matte > 0.5).any() else matte
    guide, small, subject = small_scene(photo.pixels, depth.surface, known)
    levels = levels_of(guide, small, subject, count)
    heard = progress or _unheard
    heard(0.1)
    covers = covers_of(photo.pixels, levels, known)
    heard(0.2)
    farthest, nearest = (float(end) for end in np.percentile(depth.inverse, [1, 99]))
    margin = _margin(camera, reach_px, farthest / max(nearest, np.finfo(float).tiny))
    values = Values.of(photo, blend)
    peeled = peel(
        photo.pixels,
        photo.alpha,
        depth.surface,
        covers,
        values,
        math.ceil(reach_px),
        margin,
        lambda share: heard(0.2 + 0.8 * share),
        paint,
    )
    peeled = [one for one in peeled if one.alpha.any()] or peeled[:1]
    cards = _cards(peeled, nearest)
    made = [
        Layer(
            f"Layer {number}",
            one.pixels,
            one.alpha.astype(np.float32) / np.float32(FULL),
            one.inverse,
            card,
            one.left - margin,
            one.top - margin,
        )
        for number, (one, card) in enumerate(zip(peeled, cards, strict=True), start=1)
    ]
    return Layers(
        tuple(made),
        camera,
        depth.metric,
        blend,
        reach_px,
        icc=values.icc,
        notes=_notes(len(made), count),
        bits=photo.metadata.bit_depth,
    )


def _unheard(share: float) -> None:
    """The progress that nobody watches."""


def _margin(camera: Camera, reach_px: float, farthest: float) -> int:
    """How far layers go on beyond the frame, px; `farthest`: inverse depth, of the nearest's.

    A camera that goes round a thing turns as well, by the more the less depth there is to be seen;
    that shifts what is at the frame's side by more than what is in its middle.
    """
    if reach_px <= 0:
        return 0
    aside = max(camera.width, camera.height) / 2 / camera.focal_px
    turned = aside**2 / max(1 - farthest, LEAST_RELIEF)
    return math.ceil(reach_px * (1 + turned + SECOND_ORDER)) + EDGE_PX


def _notes(found: int, count: int | None) -> tuple[str, ...]:
    if found == 1 and count != 1:
        return ("depth breaks nowhere: one layer",)
    if count is not None and found < count:
        return (f"{found} layers: depth breaks into no more",)
    return ()


def _cards(peeled: list[Peeled], nearest: float) -> list[float]:
    """The inverse depth of each one's flat card: its median, but behind those before it.

    A floor that belongs to the background may lie nearer than what stands on it, for the most part;
    as a card it would hide that.
    """
    nearest = nearest if nearest > 0 else 1.0
    cards: list[float] = []
    ceiling = np.inf
    for one in reversed(peeled):
        seen = one.inverse[one.seen]
        middle = float(np.median(seen if seen.size else one.inverse))
        cards.insert(0, max(min(middle, ceiling), FARTHEST * nearest))
        ceiling = max(cards[0] - APART * nearest, cards[0] * (1 - APART))
    # What is as far as a card may be is put behind what is not.
    for k in range(1, len(cards)):
        cards[k] = max(cards[k], cards[k - 1] * (1 + APART))
    return cards
