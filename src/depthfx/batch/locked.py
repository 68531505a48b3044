"""What is locked over a set becomes parameters of the effects.

f_number, aperture_mm, like   of every effect with a lens
focus                         of every effect that focuses
depth_range                   near_m and far_m of pictures of depth: one distance, one colour
reach                         from_m and to_m of looks that go from near to far by shares of
                              the way: a share of this way instead of each photo's own
"""

from __future__ import annotations

from typing import Any

from depthfx.batch.sections import OF_ALL, OF_EACH, SUBJECT, Lock, range_m
from depthfx.chain import Chain
from depthfx.effect import Effect
from depthfx.engine.known import length_m, place

OPENINGS = ("f_number", "aperture_mm", "like")
FOCUS = ("focus_m", "focus_xy")
LIMITS = ("near_m", "far_m")
REACH = ("from_m", "to_m", "from_share", "to_share")


def locked(chain: Chain, lock: Lock) -> Chain:
    """`chain` with what `lock` says; what it leaves to all photos together is not set yet."""
    return Chain(*(_locked(effect, lock) for effect in chain.effects))


def _locked(effect: Effect, lock: Lock) -> Effect:
    said = {**_opening(effect, lock), **_focus(effect, lock), **_ranges(effect, lock)}
    return type(effect)(**{**dict(effect), **said}) if said else effect


def _has(effect: Effect, names: tuple[str, ...]) -> bool:
    return all(name in type(effect).model_fields for name in names)


def _opening(effect: Effect, lock: Lock) -> dict[str, Any]:
    said = {name: value for name in OPENINGS if (value := getattr(lock, name)) is not None}
    # A camera move has no lens unless it was given one.
    if not said or getattr(effect, "f_number", None) is None:
        return {}
    if not _has(effect, OPENINGS):
        return {name: said[name] for name in ("f_number",) if name in said}
    return {"aperture_mm": None, "like": None, **said}


def _focus(effect: Effect, lock: Lock) -> dict[str, Any]:
    if lock.focus in (None, OF_ALL) or not _has(effect, FOCUS):
        return {}
    assert lock.focus is not None
    nowhere: dict[str, Any] = {"focus_m": None, "focus_xy": None}
    if lock.focus == SUBJECT:
        return nowhere
    if "," in lock.focus:
        return {**nowhere, "focus_xy": place(lock.focus)}
    return {**nowhere, "focus_m": length_m(lock.focus)}


def _ranges(effect: Effect, lock: Lock) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if _has(effect, LIMITS) and lock.depth_range not in (OF_EACH, OF_ALL):
        said |= dict(zip(LIMITS, range_m(lock.depth_range), strict=True))
    reach = lock.reach or lock.depth_range
    if _has(effect, REACH) and reach not in (OF_EACH, OF_ALL):
        near, far = range_m(reach)
        for metres, share in (("from_m", "from_share"), ("to_m", "to_share")):
            # By factors of distance, as `light.near_to_far.inverse_at` counts shares.
            if getattr(effect, metres) is None:
                said[metres] = near * (far / near) ** getattr(effect, share)
    return said
