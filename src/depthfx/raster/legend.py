"""What the colours of a depth picture mean: a strip beside it with ticks in metres.

Colours are even in inverse depth, so distances crowd towards the far end; ticks are round
numbers, as many as have room. The lettering is Pillow's own font, an outline font that is
sharp at every size.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from depthfx.photo.colour import srgb_to_linear
from depthfx.raster.colormap import colour_map

Pixels = NDArray[np.float32]
Ticks = list[tuple[float, str]]

TEXT_SHARE, TEXT_MIN_PX = 0.02, 11
"""Height of the lettering, as a share of the diagonal; below the minimum nobody can read it."""
WIDE = 2.0
"""A picture wider than that many heights has its legend below it."""
INK, PAPER = (225, 225, 225), (24, 24, 24)
ROUND = ((1.0,), (2.0, 5.0), (3.0, 7.0), (1.5, 4.0, 6.0, 8.0), (1.2, 2.5, 9.0))
"""Figures of a distance, the roundest first."""


def with_legend(picture: Pixels, colours: str, low: float, high: float, *, metric: bool) -> Pixels:
    """`picture` (H, W, 3) float32 linear with a strip to its right, or below a panorama.

    colours, low, high : as `colour_map` had them; inverse depth in 1/m if `metric`, which
        gives ticks in metres, else of any unit, which gives "near" and "far"

    The strip's ends are `high` on top (left, below a panorama) and `low`.
    """
    height, width = picture.shape[:2]
    text_px = max(TEXT_MIN_PX, round(TEXT_SHARE * math.hypot(height, width)))
    strip = _below if width > WIDE * height else _beside
    drawn, bar = strip((height, width), text_px, low, high, metric)
    legend = srgb_to_linear(np.asarray(drawn, np.float32) / np.float32(255))
    x, y, right, bottom = bar
    long = right - x if strip is _below else bottom - y
    falling = np.linspace(high, low, long, dtype=np.float32)
    plane = falling[None] if strip is _below else falling[:, None]
    legend[y:bottom, x:right] = colour_map(plane, colours, low, high)
    return np.concatenate([picture, legend], axis=0 if strip is _below else 1)


def distance_ticks(low: float, high: float, room: float, *, metric: bool) -> Ticks:
    """Positions (0 at `high`, 1 at `low`) and labels, none nearer to another than `room`."""
    if not metric:
        return [(0.0, "near"), (1.0, "far")] if room <= 1 else [(0.0, "near")]
    near, far = 1 / high, 1 / low if low > 0 else math.inf
    ticks: Ticks = [] if low > 0 else [(1.0, "far")]

    def add(metres: float) -> None:
        place = (high - 1 / metres) / (high - low)
        if 0 <= place <= 1 and all(abs(place - other) >= room for other, _ in ticks):
            ticks.append((place, f"{metres:g} m"))

    for figures in ROUND:
        for power in range(-3, 5):
            for figure in figures:
                add(float(f"{figure}e{power}"))
    if len(ticks) < 3 and far < 10 * near:  # too narrow for those: even steps
        step = 10.0 ** max(
            math.floor(math.log10((far - near) / 2)), math.floor(math.log10(near)) - 2
        )
        first = math.ceil(near / step)
        for count in range(first, min(first + 25, math.floor(far / step) + 1)):
            add(round(count * step, 9))
    return sorted(ticks) or [(0.0, f"{near:.3g} m")]


Box = tuple[int, int, int, int]
"""left, top, right, bottom"""


def _beside(
    shape: tuple[int, int], text_px: int, low: float, high: float, metric: bool
) -> tuple[Image.Image, Box]:
    height, font = shape[0], ImageFont.load_default(text_px)
    margin = min(round(0.7 * text_px), height // 4)
    bar = (margin, margin, margin + text_px, height - margin)
    long = max(1, bar[3] - bar[1] - 1)
    ticks = distance_ticks(low, high, 1.5 * text_px / long, metric=metric)
    label_x = bar[2] + round(0.7 * text_px)
    widest = max(font.getlength(label) for _, label in ticks)
    strip = Image.new("RGB", (label_x + math.ceil(widest) + margin, height), PAPER)
    draw = ImageDraw.Draw(strip)
    line = max(1, text_px // 10)
    for place, label in ticks:
        y = bar[1] + place * long
        _tick(draw, (bar[2], y - line / 2, bar[2] + round(0.4 * text_px), y + line / 2))
        inside = min(max(y, text_px / 2), height - text_px / 2)
        draw.text((label_x, inside), label, fill=INK, font=font, anchor="lm")
    return strip, bar


def _below(
    shape: tuple[int, int], text_px: int, low: float, high: float, metric: bool
) -> tuple[Image.Image, Box]:
    width, font = shape[1], ImageFont.load_default(text_px)
    margin = min(round(0.7 * text_px), width // 4)
    bar = (margin, margin, width - margin, margin + text_px)
    long = max(1, bar[2] - bar[0] - 1)
    ticks = distance_ticks(low, high, 4.5 * text_px / long, metric=metric)
    label_y = bar[3] + round(0.5 * text_px)
    strip = Image.new("RGB", (width, label_y + text_px + margin), PAPER)
    draw = ImageDraw.Draw(strip)
    line = max(1, text_px // 10)
    for place, label in ticks:
        x = bar[0] + place * long
        _tick(draw, (x - line / 2, bar[3], x + line / 2, bar[3] + round(0.4 * text_px)))
        half = font.getlength(label) / 2
        inside = min(max(x, half + line), width - half - line)
        draw.text((inside, label_y), label, fill=INK, font=font, anchor="mt")
    return strip, bar


def _tick(draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = (round(side) for side in box)
    draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), fill=INK)
