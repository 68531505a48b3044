"""Views of a training pair, and how cameras and the web spoil photos.

A view is a crop, mirrored now and then and turned a little about the optical axis. Depth
along that axis does not change with any of these; canonical inverse depth (inverse depth
times focal length over width, Bochkovskii et al., "Depth Pro", 2024) does, since a crop
is as a longer focal length, and is computed from the width of the view.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.training.folders import Image, Plane

Rng = np.random.Generator
Window = NDArray[np.float64]
"""2 x 3 map from target to source pixels; pixel centres lie at +0.5 in both."""

OFF_CENTRE = 0.08
"""A view whose middle lies farther from the photo's than this share of its width has a field of
view that its perspective contradicts (lenses are centred), and teaches none."""


@dataclass(frozen=True)
class View:
    """Where a sample is cut from its photo."""

    window: Window
    width_share: float
    """Width of the view over that of the photo."""
    off_centre: float
    """Distance of the view's middle from the photo's, over the width of the view."""

    def focal_share(self, of_photo: float) -> float:
        """Focal length over the view's width, from that over the photo's."""
        return of_photo / self.width_share


def random_view(
    rng: Rng,
    source: tuple[int, ...],
    target: tuple[int, int],
    smallest: float = 0.55,
    stretch: float = 0.08,
) -> View:
    """A random view of a `source` for a `target`, both (height, width).

    It has the target's aspect up to a factor exp(`stretch`), at least `smallest` of the largest
    size that fits, and lies inside the source before it is turned. A quarter of all are as
    large as possible and in the middle, as whole photos are.
    """
    (source_h, source_w), (h, w) = source, target
    wider = np.exp(rng.uniform(-stretch, stretch))
    largest = min(source_h / h, source_w / (w * wider))
    scale, place = largest * rng.uniform(smallest, 1.0), rng.random(2)
    if rng.random() < 0.25:
        scale, place = largest, np.array([0.5, 0.5])
    cut = scale * np.array([wider * w, h])
    centre = place * np.maximum(np.array([source_w, source_h]) - cut, 0) + cut / 2
    # Most photos are level; the tilted ones must not surprise.
    angle = np.radians(rng.normal(0, 2.0 if rng.random() < 0.85 else 12.0))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([flip * scale * wider, scale])
    window = np.column_stack([linear, centre - linear @ [w / 2, h / 2]])
    away = np.hypot(*(centre - np.array([source_w, source_h]) / 2))
    return View(window, float(cut[0] / source_w), float(away / cut[0]))


def warp(
    pixels: NDArray,
    window: Window,
    size: tuple[int, ...],
    *,
    nearest: bool = False,
    outside: int | None = None,
) -> NDArray:
    """`pixels` seen through `window` at `size` (height, width).

    `outside` fills what lies beyond the source; without it the source is mirrored.
    """
    half = np.array([0.5, 0.5])
    centred = window.copy()
    centred[:, 2] += window[:, :2] @ half - half
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR)
    border = cv2.BORDER_REFLECT_101 if outside is None else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        pixels, centred, size[1::-1], flags=flags, borderMode=border, borderValue=outside or 0
    )


def halved(window: Window) -> Window:
    """The same window for a target of half the size."""
    return window * np.array([2.0, 2.0, 1.0])


def half_share(matte: Image) -> Plane:
    """8-bit cover (H, W) as shares 0..1, averaged to half the size."""
    size = (matte.shape[1] // 2, matte.shape[0] // 2)
    small = cv2.resize(matte, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255)


def degrade(rng: Rng, rgb: Image) -> Image:
    """Light, colour, blur, noise and compression as cameras and the web add them.

    `rgb` (H, W, 3) uint8, sRGB; the answer is another array.
    """
    x: Plane = rgb.astype(np.float32) / np.float32(255)
    if rng.random() < 0.8:
        x = cv2.pow(x, float(np.exp(rng.normal(0, 0.3))))  # type: ignore[assignment]
        x *= np.exp(rng.normal(-0.05, 0.2) + rng.normal(0, 0.05, 3)).astype(np.float32)
        contrast = np.float32(np.exp(rng.normal(0, 0.15)))
        saturation = np.float32(0 if rng.random() < 0.06 else np.exp(rng.normal(0, 0.25)))
        grey = x.mean(2, keepdims=True)
        x = (grey + (x - grey) * saturation - np.float32(0.5)) * contrast + np.float32(0.5)
    if rng.random() < 0.15:
        x = np.asarray(cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.2)), np.float32)
    if rng.random() < 0.25:
        x = x + rng.standard_normal(x.shape, np.float32) * np.float32(rng.uniform(0.005, 0.03))
    out = (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() >= 0.2:
        return out
    quality = int(rng.integers(35, 90))
    coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
