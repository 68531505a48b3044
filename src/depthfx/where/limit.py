"""What an effect made, kept to a part of the picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from depthfx.depth import Plane
from depthfx.errors import ParameterError
from depthfx.photo.colour import strips
from depthfx.photo.photo import Photo, Pixels
from depthfx.scene import Scene
from depthfx.where.parse import parse
from depthfx.where.region import region


def limited(before: Scene, after: Scene, where: str, effect: str) -> Scene:
    """`after` where `where` says, as it was `before` elsewhere; linear light is mixed between.

    effect : its name, for messages

    Raises ParameterError if the effect moved things, so that nothing is left to be mixed with.
    """
    moved = after.channels is not before.channels and after.depth is not before.depth
    old, new = before.photo, after.photo
    if moved or new.shape != old.shape or new.camera != old.camera:
        raise ParameterError(
            f"{effect}: where={where!r}: it changes the picture's frame or moves what is in it, "
            "so no part can stay as it was"
        )
    share = region(parse(where), before)
    photo = mixed(old, new, share)
    part = float(share.mean(dtype=np.float64))
    told = {"effect": effect, "where": where, "share": round(part, 4)}
    # Layers that the effect made, or changed, are not those of this picture.
    result = replace(after, photo=photo, layers=None)
    return result.with_note(
        f"where {where}: {share_words(part)}{'' if part else ', which stays as it was'}",
        where=[*before.facts.get("where", []), told],
    )


def share_words(part: float) -> str:
    """A part of the picture, 0..1, in words."""
    if part == 0:
        return "nothing of the picture"
    return f"{part:.0%} of the picture" if part >= 0.01 else "less than 1% of the picture"


def mixed(before: Photo, after: Photo, share: Plane) -> Photo:
    """`share` (H, W) 0..1 of `after` and the rest of `before`, what alpha hides not counted."""
    low, high = float(share.min()), float(share.max())
    if low == 1:
        return after
    if high == 0:
        return replace(after, pixels=before.pixels, alpha=before.alpha)
    if after.alpha is before.alpha:
        return replace(after, pixels=_blended(before.pixels, after.pixels, share))
    old, new = (np.ones_like(share) if p.alpha is None else p.alpha for p in (before, after))
    alpha = new * share + old * (1 - share)
    seen = np.where(alpha > 0, new * share / np.where(alpha > 0, alpha, 1), share)
    return replace(after, pixels=_blended(before.pixels, after.pixels, seen), alpha=alpha)


def _blended(old: Pixels, new: Pixels, share: Plane) -> Pixels:
    """`share` (H, W) of `new` and the rest of `old`; exactly either where it is 1 or 0."""
    out = np.empty_like(new)
    for rows in strips(out):  # of large pictures there is no room for another
        part = share[rows, :, None]
        np.multiply(new[rows], part, out=out[rows])
        out[rows] += old[rows] * (1 - part)
    return out
