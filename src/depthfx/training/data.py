"""Training pairs from plain folders: photos with depth, photos with mattes.

A source is a folder with an `index.json` and, per item, `<id>.jpg` (sRGB photo)
and `<id>.png`: for a depth source 16-bit codes of inverse depth on a logarithmic
scale (0 unknown, 1..4089 from 1/300 to 10, in 1/m or relative), for a matte
source an 8-bit matte. Everything is held in memory, decoded.

Every augmentation keeps geometry true: the target is canonical inverse depth
(1/m times focal length over width, as in Bochkovskii et al., "Depth Pro", 2024),
so a crop that narrows the view raises the target by the same factor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

NEAREST_CODE, NEAREST, FARTHEST = 4089, 10.0, 1 / 300
UNKNOWN = np.float32(-1)
"""Marks a matte that nobody knows."""


@dataclass(frozen=True)
class DepthPair:
    """A photo and its inverse depth; 0 where unknown."""

    rgb: Image
    inverse: Plane
    focal_share: float | None
    """Focal length over width of the stored photo, None if the scale is unknown."""


@dataclass(frozen=True)
class MattePair:
    """A photo and the matte of its subject, both 8 bit."""

    rgb: Image
    matte: Image


@dataclass(frozen=True)
class Sample:
    """What the network sees and what it should say, targets at half resolution."""

    rgb: Image
    inverse: Plane
    """Canonical inverse depth, 0 where unknown."""
    metric: bool
    """False if `inverse` is known up to scale and shift."""
    matte: Plane
    """0..1, or `UNKNOWN` everywhere."""


def decode_inverse(codes: NDArray[np.uint16]) -> Plane:
    """16-bit codes to inverse depth (H, W) float32, 0 where unknown."""
    position = (np.maximum(codes, 1).astype(np.float32) - 1) / (NEAREST_CODE - 1)
    return np.where(codes > 0, FARTHEST * (NEAREST / FARTHEST) ** position, 0).astype(np.float32)


def _read(path: Path, flags: int) -> NDArray:
    pixels = cv2.imread(str(path), flags)
    if pixels is None:
        raise FileNotFoundError(f"{path} is missing or no picture")
    return pixels


def _items(folder: Path) -> list[dict]:
    return json.loads((folder / "index.json").read_text())["items"]


def read_photo(path: Path) -> Image:
    """(H, W, 3) uint8, RGB."""
    return np.ascontiguousarray(_read(path, cv2.IMREAD_COLOR)[..., ::-1])


def load_depth_pairs(folder: Path) -> list[DepthPair]:
    """All pairs of one depth source."""
    pairs = []
    for item in _items(folder):
        rgb = read_photo(folder / f"{item['id']}.jpg")
        codes = _read(folder / f"{item['id']}.png", cv2.IMREAD_UNCHANGED)
        known_scale = item["unit"] == "metric" and item["fx"]
        share = item["fx"] / item["width"] if known_scale else None
        pairs.append(DepthPair(rgb, decode_inverse(codes), share))
    return pairs


def load_matte_pairs(folder: Path) -> list[MattePair]:
    """All pairs of one matte source."""
    return [
        MattePair(
            read_photo(folder / f"{item['id']}.jpg"),
            _read(folder / f"{item['id']}.png", cv2.IMREAD_GRAYSCALE),
        )
        for item in _items(folder)
    ]


def random_window(
    rng: Rng, source: tuple[int, int], target: tuple[int, int], smallest: float = 0.55
) -> NDArray[np.float64]:
    """A random crop as a 2 x 3 map from target to source pixels.

    `source` and `target` are (height, width). The window has the target's aspect
    up to 12 % and lies inside the source before it is turned.
    """
    (source_h, source_w), (h, w) = source, target
    stretch = np.exp(rng.uniform(-0.12, 0.12))
    largest = min(source_h / h, source_w / (w * stretch))
    scale = largest * rng.uniform(smallest, 1.0)
    spare_x, spare_y = source_w - scale * stretch * w, source_h - scale * h
    centre = np.array(
        [
            rng.uniform(0, max(spare_x, 0)) + scale * stretch * w / 2,
            rng.uniform(0, max(spare_y, 0)) + scale * h / 2,
        ]
    )
    # Most photos are level; the tilted ones must not surprise.
    angle = np.radians(rng.normal(0, 2.0 if rng.random() < 0.8 else 15.0))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([flip * scale * stretch, scale])
    return np.column_stack([linear, centre - linear @ [w / 2, h / 2]])


def warp(
    pixels: NDArray,
    window: NDArray[np.float64],
    size: tuple[int, int],
    *,
    nearest: bool = False,
    outside: int | None = None,
) -> NDArray:
    """`pixels` seen through `window` at `size` (height, width).

    The grid is that of pixel centres at +0.5. `outside` fills what lies beyond
    the source; without it the source is mirrored.
    """
    half = np.array([0.5, 0.5])
    centred = window.copy()
    centred[:, 2] += window[:, :2] @ half - half
    flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR)
    border = cv2.BORDER_REFLECT_101 if outside is None else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        pixels, centred, size[::-1], flags=flags, borderMode=border, borderValue=outside or 0
    )


def halved(window: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same window for a target of half the size."""
    return window * np.array([2.0, 2.0, 1.0])


def crop_depth(rng: Rng, pair: DepthPair, size: tuple[int, int]) -> tuple[Image, Plane, bool]:
    """A random view of a depth pair: photo, canonical inverse depth at half size, metric."""
    window = random_window(rng, pair.inverse.shape, size)
    half = (size[0] // 2, size[1] // 2)
    rgb = warp(pair.rgb, window, size)
    inverse = warp(pair.inverse, halved(window), half, nearest=True, outside=0)
    if pair.focal_share is not None:
        # The view is `size[1] * scale` source pixels wide; focal length over that width.
        view_width = size[1] * float(np.hypot(*window[:, 0]))
        inverse = inverse * np.float32(pair.focal_share * pair.inverse.shape[1] / view_width)
    return rgb, inverse, pair.focal_share is not None


def depth_sample(rng: Rng, pair: DepthPair, size: tuple[int, int]) -> Sample:
    rgb, inverse, metric = crop_depth(rng, pair, size)
    unknown = np.full(inverse.shape, UNKNOWN, np.float32)
    return Sample(degrade(rng, rgb), inverse, metric, unknown)


def matte_sample(rng: Rng, pair: MattePair, size: tuple[int, int]) -> Sample:
    window = random_window(rng, pair.matte.shape, size, smallest=0.7)
    half = (size[0] // 2, size[1] // 2)
    matte = cv2.resize(warp(pair.matte, window, size), half[::-1], interpolation=cv2.INTER_AREA)
    rgb = degrade(rng, warp(pair.rgb, window, size))
    return Sample(
        rgb, np.zeros(half, np.float32), False, matte.astype(np.float32) / np.float32(255)
    )


def composite_sample(
    rng: Rng, scene: DepthPair, subject: MattePair, size: tuple[int, int]
) -> Sample:
    """A subject with a known matte put into a scene with known depth.

    The subject stands upright, nearer than what it hides: at the
    ground's depth under its feet, or nearer still when the frame cuts it off.
    """
    rgb, inverse, metric = crop_depth(rng, scene, size)
    h, w = subject.matte.shape
    grow = max(size[0] / h, size[1] / w) * rng.uniform(0.6, 1.25)
    # Placed by the bottom edge: often cut off there, as in a portrait.
    left = rng.uniform(-0.15, 1.15) * (size[1] - grow * w)
    top = size[0] - grow * h * rng.uniform(0.75, 1.02)
    window = np.array([[1 / grow, 0, -left / grow], [0, 1 / grow, -top / grow]])
    if rng.random() < 0.5:
        window[0] = [-1 / grow, 0, w + left / grow]
    matte = warp(subject.matte, window, size, outside=0)
    front = warp(subject.rgb, window, size)
    alpha = matte[..., None].astype(np.float32) / np.float32(255)
    rgb = (alpha * match_light(rng, front, rgb, alpha) + (1 - alpha) * rgb).astype(np.uint8)

    share = cv2.resize(matte, inverse.shape[::-1], interpolation=cv2.INTER_AREA)
    small = share.astype(np.float32) / np.float32(255)
    inside = small > 0.5
    if not inside.any():
        return Sample(degrade(rng, rgb), inverse, metric, small)
    feet = np.flatnonzero(inside.any(1))[-1]
    hidden = inverse[inside]
    ground = np.median(inverse[feet][inside[feet]])
    nearest = max(float(np.percentile(hidden, 90)), float(ground))
    cut_off = feet >= inverse.shape[0] - 2
    upright = standing(rng, inverse.shape, int(feet), cut_off)
    at = nearest * (rng.uniform(1.1, 2.2) if cut_off else rng.uniform(1.0, 1.15))
    at *= max(1.0, 1 / float(upright[inside].min()))
    return Sample(degrade(rng, rgb), np.where(inside, at * upright, inverse), metric, small)


def standing(rng: Rng, shape: tuple[int, ...], feet: int, cut_off: bool) -> Plane:
    """Inverse depth of an upright figure relative to that at its feet, (h, w).

    A camera at eye height that takes in a whole figure looks down on it by about ten
    degrees, so the head is nearer; for half a figure it is about level. Inverse depth is
    linear over the picture on every plane; the focal length is taken as the width.
    """
    down_deg = rng.normal(3, 5) if cut_off else rng.normal(10, 6)
    rise = (feet - np.arange(shape[0], dtype=np.float32)) / np.float32(shape[1])
    profile = 1 + np.float32(np.sin(np.radians(down_deg))) * rise
    return np.repeat(profile[:, None], shape[1], 1)


def match_light(rng: Rng, front: Image, back: Image, alpha: Plane) -> Plane:
    """Move the subject's mean and contrast part of the way to the scene's."""
    weight = alpha.sum() + 1e-3
    front = front.astype(np.float32)
    mean = (front * alpha).sum((0, 1)) / weight
    spread = np.sqrt(((front - mean) ** 2 * alpha).sum((0, 1)) / weight) + 8
    scene = back.reshape(-1, 3).astype(np.float32)
    share = rng.uniform(0.0, 0.6)
    gain = (scene.std(0) + 8) / spread
    target = mean + share * (scene.mean(0) - mean)
    return np.clip((front - mean) * gain**share + target, 0, 255)


def degrade(rng: Rng, rgb: Image) -> Image:
    """Light, colour, blur, noise and compression as cameras and the web add them."""
    x: Plane = rgb.astype(np.float32) / np.float32(255)
    if rng.random() < 0.8:
        x = np.power(x, np.exp(rng.normal(0, 0.3, 1)).astype(np.float32), dtype=np.float32)
        x *= np.exp(rng.normal(-0.05, 0.2) + rng.normal(0, 0.05, 3)).astype(np.float32)
        contrast = np.exp(rng.normal(0, 0.15))
        grey = x.mean(2, keepdims=True)
        saturation = 0.0 if rng.random() < 0.06 else np.exp(rng.normal(0, 0.25))
        x = grey + (x - grey) * np.float32(saturation)
        x = (x - 0.5) * np.float32(contrast) + 0.5
    if rng.random() < 0.15:
        x = np.asarray(cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.2)), np.float32)
    if rng.random() < 0.25:
        x = x + rng.normal(0, rng.uniform(0.005, 0.03), x.shape).astype(np.float32)
    out = (np.clip(x, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() >= 0.2:
        return out
    quality = int(rng.integers(35, 90))
    coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


@dataclass(frozen=True)
class Mixture:
    """All sources and the shares they take in a batch."""

    depth: list[list[DepthPair]]
    depth_weights: list[float]
    mattes: list[list[MattePair]]
    matte_weights: list[float]
    composite_share: float
    matte_share: float

    def batch(self, seed: int, step: int, count: int, size: tuple[int, int]) -> list[Sample]:
        """Batch number `step`: a function of its arguments alone, so training can resume."""
        rng = np.random.default_rng((seed, step))
        mattes = round(count * self.matte_share)
        composites = round(count * self.composite_share)
        samples = [matte_sample(rng, self._pick_matte(rng), size) for _ in range(mattes)]
        samples += [
            composite_sample(rng, self._pick_depth(rng), self._pick_matte(rng), size)
            for _ in range(composites)
        ]
        samples += [
            depth_sample(rng, self._pick_depth(rng), size)
            for _ in range(count - mattes - composites)
        ]
        return samples

    def _pick_matte(self, rng: Rng) -> MattePair:
        source = self.mattes[rng.choice(len(self.mattes), p=_normal(self.matte_weights))]
        return source[rng.integers(len(source))]

    def _pick_depth(self, rng: Rng) -> DepthPair:
        source = self.depth[rng.choice(len(self.depth), p=_normal(self.depth_weights))]
        return source[rng.integers(len(source))]


def _normal(weights: list[float]) -> NDArray[np.float64]:
    values = np.asarray(weights, np.float64)
    return values / values.sum()
