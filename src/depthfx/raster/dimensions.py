"""Dimension lines over a picture, as on a drawing: a line, its ends, and what it measures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.float32]

LINE_SHARE, LINE_MIN_PX = 0.0012, 2
TEXT_SHARE, TEXT_MIN_PX = 0.018, 12
"""Of the diagonal."""
END_LINES = 4.0
"""Half the length of the bars at the ends, in widths of the line."""
RIM = 0.6
"""Width of the dark rim around everything, in widths of the line: it shows on any picture."""
INK, SHADE = np.float32(1.0), np.float32(0.02)
"""Linear light."""


@dataclass(frozen=True)
class Dimension:
    """From `start` to `end`, as shares (x, y) of width and height; `text` beside its middle."""

    start: tuple[float, float]
    end: tuple[float, float]
    text: str


def with_dimensions(pixels: Pixels, dimensions: list[Dimension]) -> Pixels:
    """`pixels` (H, W, 3) float32 linear with the lines drawn on them."""
    height, width = pixels.shape[:2]
    diagonal = math.hypot(width, height)
    thick = max(LINE_MIN_PX, round(LINE_SHARE * diagonal))
    rim = max(1, round(RIM * thick))
    font = ImageFont.load_default(size=max(TEXT_MIN_PX, round(TEXT_SHARE * diagonal)))
    ink, shade = Image.new("L", (width, height)), Image.new("L", (width, height))
    pens = (ImageDraw.Draw(ink), thick, 0), (ImageDraw.Draw(shade), thick + 2 * rim, rim)
    for dimension in dimensions:
        ends = [(x * width, y * height) for x, y in (dimension.start, dimension.end)]
        for pen, pen_px, around in pens:
            for line in _lines(ends[0], ends[1], END_LINES * thick + around):
                pen.line(line, fill=255, width=pen_px)
            place = _beside(pen, ends, dimension.text, font, 2 * thick, (width, height))
            pen.text(place, dimension.text, fill=255, font=font, stroke_width=around)
    out = pixels
    for mask, light in ((shade, SHADE), (ink, INK)):
        cover = np.asarray(mask, np.float32)[..., None] / np.float32(255)
        out = out + (light - out) * cover
    return np.asarray(out, np.float32)


Point = tuple[float, float]


def _lines(start: Point, end: Point, bar: float) -> list[tuple[Point, Point]]:
    """The line and the bars across its ends."""
    length = max(math.dist(start, end), 1e-9)
    x, y = -(end[1] - start[1]) / length * bar, (end[0] - start[0]) / length * bar
    bars = [((at[0] - x, at[1] - y), (at[0] + x, at[1] + y)) for at in (start, end)]
    return [(start, end), *bars]


def _beside(
    pen: ImageDraw.ImageDraw,
    ends: list[Point],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    gap: float,
    size: tuple[int, int],
) -> Point:
    """Where the text begins: above a line that lies, to the right of one that stands; within the
    picture."""
    (x0, y0), (x1, y1) = ends
    left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
    wide, high = right - left, bottom - top
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if abs(x1 - x0) >= abs(y1 - y0):
        x, y = x - wide / 2, min(y0, y1, y) - high - 2 * gap
    else:
        x, y = x + 2 * gap, y - high / 2
    return (
        min(max(x, gap), max(size[0] - wide - gap, 0)) - left,
        min(max(y, gap), max(size[1] - high - gap, 0)) - top,
    )
