"""A subject with a known matte put into a scene with known depth.

How far away it stands follows from how large it is drawn: distance is focal length in
pixels times real height over height in pixels, with heights that people, animals and
things have. Several places are tried, and the one taken fits the scene best: in front of
what the subject hides, its feet on the ground if they are seen. Its relief is that of an
upright, rounded body, after the distance from the outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.training.augment import Rng, Window, half_share, warp
from depthfx.training.folders import Image, Plane

PLACES = 12
"""Places tried for a subject."""
LARGEST_MISFIT = 0.35
"""Where no place fits better (`Placed.misfit`), the subject is left out."""
HEIGHTS_M = {"person": (1.55, 1.85), "people": (1.5, 1.85), "animal": (0.25, 0.7)}
THING_M = (0.2, 1.0)
PEOPLE = ("person", "people")
DEEPEST = 0.2
"""Largest relief over the distance: things close by are wide in the picture, not deep."""
WIDTHS_M = {"person": (0.45, 0.65), "animal": (0.2, 0.45)}
"""Across, of those that the photo cuts off below: a half figure, a head."""


@dataclass(frozen=True)
class Subject:
    """A photo's subject: colours, matte, and the size it has in the world."""

    rgb: Image
    """(H, W, 3), cut to the subject."""
    matte: Image
    """(H, W), 0..255."""
    height_m: float
    """Real height of the H pixels."""
    stands: bool
    """Its lower end is in the photo."""


@dataclass(frozen=True)
class Placed:
    """Where a subject comes to stand in a scene."""

    window: Window
    """From the map's pixels to the subject's."""
    inside: NDArray[np.bool_]
    """Pixels of the map that it covers, (h, w)."""
    inverse: float
    """Canonical inverse depth of an upright board in its place."""
    misfit: float
    """Log ratio of depths: by how much it comes nearer than its size says so as to stand in front
    of what it hides, and its feet are off the ground."""
    feet: int
    """Lowest row of the map that it covers."""


def cut_out(rng: Rng, rgb: Image, matte: Image, kind: str) -> Subject | None:
    """The subject of a photo with a plausible real size, None if the matte is all but empty.

    rgb : (H, W, 3) uint8; matte : (H, W) uint8; kind : person, people, animal or object
    """
    inside = matte > 127
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if len(rows) < 8 or len(columns) < 8:
        return None
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    cut = np.s_[top:bottom, left:right]
    # A whole figure whose photo ends at its shoes stands, too.
    slender = kind in PEOPLE and bottom - top > 2.3 * (right - left)
    stands = bool(bottom < len(matte) - 2) or slender
    return Subject(rgb[cut], matte[cut], real_height(rng, inside[cut], kind, stands), stands)


def real_height(rng: Rng, inside: NDArray[np.bool_], kind: str, stands: bool) -> float:
    """A plausible height in metres of a silhouette (H, W), which fills the array."""
    height, width = inside.shape
    if kind in WIDTHS_M and not stands:
        across = float(np.percentile(inside.sum(1), 90))
        return float(height * rng.uniform(*WIDTHS_M[kind]) / max(across, 1.0))
    low, high = HEIGHTS_M.get(kind, THING_M)
    metres = low * (high / low) ** rng.random()
    if kind == "person" and height < 1.3 * width:
        metres *= rng.uniform(0.6, 0.8)  # sits or lies
    if kind == "people" and not stands:
        metres *= rng.uniform(0.45, 0.65)
    # Of several the tallest is that high; those that overlap count as one.
    parts = cv2.connectedComponentsWithStats(inside.astype(np.uint8))[2][1:]
    return float(metres * height / parts[:, cv2.CC_STAT_HEIGHT].max())


def try_place(rng: Rng, subject: Subject, inverse: Plane) -> Placed | None:
    """One random place in a scene of canonical inverse depth (h, w).

    None if it shows next to nothing of the subject, or of the scene.
    """
    h, w = inverse.shape
    tall, wide = subject.matte.shape
    # As tall as the frame on average; what has no lower end in its photo has to leave ours too.
    drawn = h * np.exp(rng.uniform(np.log(0.35), np.log(1.6)))
    drawn *= min(1.0, 1.3 * w / (wide * drawn / tall))
    grow = drawn / tall
    centre = rng.uniform(0.1, 0.9) * w
    feet = h * rng.uniform(0.65, 1.3) if subject.stands else h + drawn * rng.uniform(0.01, 0.3)
    feet = max(feet, drawn - 0.03 * h)  # nobody cuts heads off
    left, top = centre - grow * wide / 2, feet - drawn
    window = np.array([[1 / grow, 0, -left / grow], [0, 1 / grow, -top / grow]])
    if rng.random() < 0.5:
        window[0] = [-1 / grow, 0, wide + left / grow]
    inside = warp(subject.matte, window, (h, w), outside=0) > 127
    if not 0.01 < inside.mean() < 0.8:
        return None
    # Canonical inverse depth is focal share over metres; metres are focal pixels
    # (focal share times w) times real height over drawn height.
    plausible = drawn / (w * subject.height_m)
    hidden = inverse[inside]
    hidden = hidden[hidden > 0]
    behind = float(np.percentile(hidden, 97)) if hidden.size else 0.0
    lowest = int(np.flatnonzero(inside.any(1))[-1])
    nearer = max(1.0, 1.03 * behind / plausible)
    misfit = np.log(nearer)
    if subject.stands and feet < h - 1:
        ground = inverse[lowest][inside[lowest]]
        ground = ground[ground > 0]
        if ground.size:
            misfit += abs(np.log(np.median(ground) / (plausible * nearer)))
    return Placed(window, inside, float(plausible * nearer), float(misfit), lowest)


def place(rng: Rng, subject: Subject, inverse: Plane) -> Placed | None:
    """The best of `PLACES` random places; None if the scene has no room for the subject."""
    tried = [try_place(rng, subject, inverse) for _ in range(PLACES)]
    fitting = [p for p in tried if p is not None and p.misfit < LARGEST_MISFIT]
    return min(fitting, key=lambda p: p.misfit, default=None)


def relief(rng: Rng, placed: Placed, inverse: Plane, focal_share: float) -> Plane:
    """Canonical inverse depth (h, w) of the subject: upright, rounded towards the camera."""
    h, w = inverse.shape
    away = cv2.distanceTransform(placed.inside.astype(np.uint8), cv2.DIST_L2, 3)
    across = min(2 * float(away.max()), w)
    # The bulge is a share of the width of the body there, in metres over the distance.
    bulge = min(rng.uniform(0.08, 0.15) * across / (w * focal_share), DEEPEST)
    rise = np.minimum(away / max(0.5 * across, 1.0), 1.0)
    rounded = np.sqrt(rise * (2 - rise)).astype(np.float32)
    # A camera that looks down on an upright figure has its head nearer: inverse depth
    # is linear over the picture on every plane.
    down_rad = np.radians(rng.normal(3, 4))
    up = (placed.feet - np.arange(h, dtype=np.float32)) / np.float32(w * focal_share)
    upright = 1 + np.float32(np.sin(down_rad)) * up[:, None]
    return (placed.inverse * upright / (1 - bulge * rounded)).astype(np.float32)


def compose(
    rng: Rng, rgb: Image, inverse: Plane, focal_share: float, subject: Subject
) -> tuple[Image, Plane, Plane] | None:
    """Photo (H, W, 3), canonical inverse depth and matte (h, w) with `subject` in the scene.

    rgb : (H, W, 3) uint8; inverse : (H/2, W/2), canonical, 0 where unknown; focal_share : of
    this view. None where the subject does not fit into the scene.
    """
    placed = place(rng, subject, inverse)
    if placed is None:
        return None
    size = rgb.shape[:2]
    window = placed.window * np.array([0.5, 0.5, 1.0])  # the picture has twice the map's size
    matte = warp(subject.matte, window, size, outside=0)
    alpha = matte[..., None].astype(np.float32) / np.float32(255)
    front = match_light(rng, own_colours(warp(subject.rgb, window, size), alpha), rgb, alpha)
    back = rgb.astype(np.float32)
    if subject.stands and placed.feet < inverse.shape[0] - 2:
        back *= 1 - ground_shadow(rng, placed, size)[..., None]
    if rng.random() < 0.2:  # the lens of a portrait
        back = np.asarray(cv2.GaussianBlur(back, (0, 0), rng.uniform(0.8, 3.0)), np.float32)
    mixed = (alpha * front + (1 - alpha) * back + 0.5).astype(np.uint8)
    subject_inverse = relief(rng, placed, inverse, focal_share)
    # Seldom a part of the scene still stands in front of the body's edge: the nearer counts.
    share = half_share(matte)
    return mixed, np.where(share > 0.5, np.maximum(subject_inverse, inverse), inverse), share


def own_colours(rgb: Image, alpha: Plane) -> Plane:
    """The subject's colours (H, W, 3) without the old background that shines through its edge.

    Where `alpha` (H, W, 1) is not full, a weighted mean of sure pixels close by.
    """
    sure = (alpha[..., 0] > 0.95).astype(np.float32)
    sure = np.asarray(cv2.erode(sure, np.ones((3, 3), np.uint8)), np.float32)
    pixels = rgb.astype(np.float32)
    weight = cv2.GaussianBlur(sure, (0, 0), 2.5)[..., None]
    mean = cv2.GaussianBlur(pixels * sure[..., None], (0, 0), 2.5) / np.maximum(weight, 1e-3)
    # Strands far from anything sure keep their own colours.
    share = (1 - sure[..., None]) * np.clip(weight * 20, 0, 1)
    return np.asarray(pixels + share * (mean - pixels), np.float32)


def match_light(rng: Rng, front: Plane, back: Image, alpha: Plane) -> Plane:
    """Move the subject's mean and contrast part of the way to the scene's; (H, W, 3), 0..255."""
    weight = alpha.sum() + 1e-3
    mean = (front * alpha).sum((0, 1)) / weight
    spread = np.sqrt(((front - mean) ** 2 * alpha).sum((0, 1)) / weight) + 8
    scene = back[::4, ::4].reshape(-1, 3).astype(np.float32)
    share = rng.uniform(0.0, 0.6)
    gain = ((scene.std(0) + 8) / spread) ** share
    target = mean + share * (scene.mean(0) - mean)
    return np.clip((front - mean) * gain + target, 0, 255).astype(np.float32)


def ground_shadow(rng: Rng, placed: Placed, size: tuple[int, ...]) -> Plane:
    """Share of light that the ground under the feet loses, (H, W): a soft flat ellipse."""
    h, w = size[0], size[1]
    row = 2 * placed.feet
    below = placed.inside[max(placed.feet - 3, 0) : placed.feet + 1].any(0)
    columns = 2 * np.flatnonzero(below)
    middle, half = (columns[0] + columns[-1]) / 2, (columns[-1] - columns[0]) / 2 + 0.02 * w
    x = (np.arange(w, dtype=np.float32) - np.float32(middle)) / np.float32(1.3 * half)
    y = (np.arange(h, dtype=np.float32) - np.float32(row)) / np.float32(0.35 * half + 2)
    return np.float32(rng.uniform(0.1, 0.5)) * np.exp(-0.5 * (x[None] ** 2 + y[:, None] ** 2))
