"""Where to focus, as photographers say it: a distance, a place, or simply the subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from depthfx.depth import Plane
from depthfx.scene import Scene

SMALLEST_SUBJECT = 0.004
"""Share of the frame below which a matte shows no subject."""
FARTHEST = 1e-6
"""Inverse depth of a focus that is called infinite."""
ASSUMED_FOCUS_M = 2.0
"""Distance of the focus where depth is relative and nobody says how far it is."""


@dataclass(frozen=True)
class Focus:
    """The plane of focus.

    inverse : inverse depth of the plane, in the depth's own unit
    scale_m : depth in metres is 1 / (inverse * scale_m); 1 for metric depth
    words : how it was found, for the summary line
    """

    inverse: float
    scale_m: float
    words: str

    @property
    def metres(self) -> float:
        return 1 / (self.inverse * self.scale_m) if self.inverse > 0 else float("inf")


def find_focus(scene: Scene, focus_m: float | None, focus_xy: tuple[float, float] | None) -> Focus:
    """The focus the user asked for; without a wish, on the subject.

    Relative depth has no metres: the focus is then taken to be `focus_m` away (2 m
    if not given), which sets the scale, and the words say so.
    """
    inverse, metric = scene.depth.surface, scene.depth.metric
    if metric and focus_m is not None:
        return Focus(1 / focus_m, 1.0, f"focus at {focus_m:.4g} m")
    if focus_xy is not None:
        at, words = at_point(inverse, *focus_xy), "focus on the chosen point"
    else:
        at, words = on_subject(inverse, scene.matte)
    at = max(at, FARTHEST)
    if metric:
        return Focus(
            at, 1.0, f"{words}, {1 / at:.3g} m" if at > FARTHEST else f"{words}, at infinity"
        )
    assumed = focus_m or ASSUMED_FOCUS_M
    source = "as told" if focus_m else "assumed; --focus-m sets the scale of relative depth"
    return Focus(at, 1 / (assumed * at), f"{words}, {assumed:.3g} m ({source})")


def at_point(inverse: Plane, x: float, y: float, spread: float = 0.006) -> float:
    """Median inverse depth around a place (shares of width and height).

    `spread` is the half size looked at, as a share of the diagonal: a click is
    never exact to the pixel.
    """
    height, width = inverse.shape
    reach = max(1, round(spread * float(np.hypot(height, width))))
    row, column = min(int(y * height), height - 1), min(int(x * width), width - 1)
    window = inverse[
        max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1
    ]
    return float(np.median(window))


def on_subject(inverse: Plane, matte: Plane) -> tuple[float, str]:
    """Inverse depth of the subject's upper half, where faces are, and how it was found.

    Without a subject: that of the nearer things around the middle of the frame.
    """
    step = max(1, inverse.shape[0] // 400)
    inverse, matte = inverse[::step, ::step], matte[::step, ::step]
    solid = matte > 0.8
    if solid.mean() < SMALLEST_SUBJECT:
        height, width = inverse.shape
        middle = inverse[height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None]
        return float(np.percentile(middle, 75)), "no subject found, focus on the middle"
    rows = np.flatnonzero(solid.any(1))
    half = (rows[0] + rows[-1]) // 2 + 1
    upper = inverse[:half][solid[:half]]
    return float(np.median(upper)), "focus on the subject"
