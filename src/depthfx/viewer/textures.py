"""Sheets as the pictures that a graphics card takes: colours, and depth with its share.

Colours are JPEG without subsampling, since chroma shared by two pixels would bleed over depth
breaks. Inverse depth is lossless, in three codes for each pixel of a full move: the high
byte of a code in red, the low byte in green, the surface's share of the texel in blue.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.geometry.sheets import Sheet, Sheets
from depthfx.geometry.stage import Stage
from depthfx.photo.colour import linear_to_srgb
from depthfx.raster.resample import resize_area
from depthfx.viewer.stack import over, stack

Bytes3 = NDArray[np.uint8]

JUMP_PX = 2.0
"""Neighbouring texels that a full move parts by more are two surfaces."""
CODES_PER_PX = 3
MOST_CODES = 1 << 16
BEYOND = 0.5
"""Share of the stage's range that things may be nearer or farther; a few stray pixels are."""
BLOCK = 16
"""Side in texels of what shares one entry of the bounds."""
POSTER_PX = 1024
"""Longest side of the still picture shown until the moving one is ready, or instead of it."""
POSTER_QUALITY = 80
BORDER_PERCENTILE, CONTINUED_PX = 99.0, 4.0
"""Of the shifts beside the frame: so many stay within the sheets, or so far beyond; there, the last
texel goes on."""
LEAST_WINDOW = 0.5
"""Share of the frame that is shown at least, where sheets have no margins."""


@dataclass(frozen=True)
class Textures:
    """What the page draws from.

    colours : JPEG files, sRGB, front sheet first
    depths : WebP files, lossless, of the same size
    bounds : WebP file: least (red) and greatest (green) inverse depth, of 255, that a ray may
        meet in each block of texels
    poster : JPEG file, the photo as it is seen at rest
    codes : number of codes of inverse depth; code / (codes - 1) is the inverse depth that the
        page counts in: 0 the farthest, 1 the nearest
    window : x, y, width, height in texels of what is seen at rest
    step_px : shift in texels between inverse depths 0 and 1 for the pointer at its farthest
    pivot : the inverse depth that stays in place
    jump : inverse depths of neighbouring texels that differ by more are two surfaces
    """

    colours: tuple[bytes, ...]
    depths: tuple[bytes, ...]
    bounds: bytes
    poster: bytes
    codes: int
    window: tuple[float, float, float, float]
    step_px: float
    pivot: float
    jump: float

    @classmethod
    def of(cls, sheets: Sheets, stage: Stage, longest_px: int, quality: int) -> Textures:
        """The photo at `longest_px` on its longest side (never larger than it is)."""
        camera, margin = sheets.camera, sheets.margin_px
        scale = min(1.0, longest_px / max(camera.width, camera.height))
        height, width = sheets.sheets[0].alpha.shape
        shape = max(1, round(height * scale)), max(1, round(width * scale))
        low, high = _range(sheets, stage)
        full_px = stage.step_m * camera.focal_px * (high - low) * scale
        jump = JUMP_PX / full_px
        ready = stack(_normalised(sheets, low, high), shape, jump)
        pivot = (stage.pivot_inverse - low) / (high - low)
        reach_px = full_px * max(pivot, 1 - pivot)
        frame = _window(ready, (height, width), margin, full_px, pivot)
        codes = min(1 + math.ceil(full_px * CODES_PER_PX), MOST_CODES)
        return cls(
            tuple(_jpeg(sheet.pixels, quality) for sheet in ready),
            tuple(_webp(_packed(sheet, codes)) for sheet in ready),
            _webp(_bounds(ready, reach_px)),
            _jpeg(_poster(over(ready), frame), POSTER_QUALITY),
            codes,
            frame,
            full_px,
            pivot,
            jump,
        )


def _range(sheets: Sheets, stage: Stage) -> tuple[float, float]:
    """The farthest and the nearest inverse depth that are told apart."""
    there = [sheet.inverse[sheet.alpha > 0] for sheet in sheets.sheets]
    low = min((float(values.min()) for values in there if values.size), default=0.0)
    high = max((float(values.max()) for values in there if values.size), default=1.0)
    more = BEYOND * (stage.near_inverse - stage.far_inverse)
    low = min(max(low, stage.far_inverse - more), stage.far_inverse)
    return low, max(min(high, stage.near_inverse + more), stage.near_inverse)


def _normalised(sheets: Sheets, low: float, high: float) -> Sheets:
    scale = np.float32(1 / (high - low))
    return Sheets(
        tuple(
            Sheet(s.pixels, s.alpha, np.clip((s.inverse - np.float32(low)) * scale, 0, 1))
            for s in sheets.sheets
        ),
        sheets.camera,
        sheets.margin_px,
    )


def _window(
    sheets: list[Sheet], full: tuple[int, int], margin_px: int, full_px: float, pivot: float
) -> tuple[float, float, float, float]:
    """The photo's frame in texels; smaller, if a move would look beyond the sheets."""
    shape = sheets[0].alpha.shape
    down, across = shape[0] / full[0], shape[1] / full[1]
    width, height = shape[1] - 2 * margin_px * across, shape[0] - 2 * margin_px * down
    band = math.ceil(full_px) + 1
    border = np.ones(shape, bool)
    border[band:-band, band:-band] = False
    shift = [np.abs(s.inverse[border & (s.alpha > 0)] - np.float32(pivot)) for s in sheets]
    needed = full_px * float(np.percentile(np.concatenate(shift), BORDER_PERCENTILE))
    beyond = max(0.0, needed - margin_px * min(across, down) - CONTINUED_PX)
    share = max(LEAST_WINDOW, 1 - 2 * beyond / min(width, height))
    width, height = width * share, height * share
    return (shape[1] - width) / 2, (shape[0] - height) / 2, width, height


def _poster(light: NDArray[np.float32], window: tuple[float, ...]) -> NDArray[np.float32]:
    x, y, width, height = window
    left, top = round(x), round(y)
    seen = light[top : round(y + height), left : round(x + width)]
    scale = min(1.0, POSTER_PX / max(width, height))
    return resize_area(seen, (max(1, round(height * scale)), max(1, round(width * scale))))


def _packed(sheet: Sheet, codes: int) -> Bytes3:
    code = np.rint(sheet.inverse * (codes - 1)).astype(np.uint16)
    share = np.rint(sheet.alpha * 255).astype(np.uint8)
    return np.dstack([(code >> 8).astype(np.uint8), (code & 255).astype(np.uint8), share])


def _bounds(sheets: list[Sheet], reach_px: float) -> Bytes3:
    """(h, w, 3) uint8: least and greatest inverse depth within reach of each block, of 255."""
    least, greatest = _blocks(-sheets[0].inverse), _blocks(sheets[0].inverse)
    for sheet in sheets[1:]:
        there = sheet.alpha > 0
        least = np.maximum(least, _blocks(np.where(there, -sheet.inverse, np.float32(-1))))
        greatest = np.maximum(greatest, _blocks(np.where(there, sheet.inverse, np.float32(0))))
    side = 2 * math.ceil(reach_px / BLOCK) + 1
    around = np.ones((side, side), np.uint8)
    low = np.floor(-cv2.dilate(least, around) * 255)
    high = np.ceil(cv2.dilate(greatest, around) * 255)
    return np.dstack([low, high, np.zeros_like(low)]).astype(np.uint8)


def _blocks(plane: Plane) -> Plane:
    """The greatest of each block."""
    rows = np.maximum.reduceat(plane, np.arange(0, plane.shape[0], BLOCK), axis=0)
    return np.maximum.reduceat(rows, np.arange(0, plane.shape[1], BLOCK), axis=1)


def _jpeg(pixels: NDArray[np.float32], quality: int) -> bytes:
    from PIL import Image

    codes = np.rint(linear_to_srgb(np.clip(pixels, 0, 1)) * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(codes).save(
        file, "JPEG", quality=quality, subsampling=0, optimize=True, progressive=True
    )
    return file.getvalue()


def _webp(codes: Bytes3) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(codes).save(file, "WEBP", lossless=True, quality=50, method=4)
    return file.getvalue()
