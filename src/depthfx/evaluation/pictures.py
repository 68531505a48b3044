"""Pictures that show a prediction beside the truth: photo, truth, prediction, error.

Truth and prediction, aligned to it, have the same colours: bright is near, on one scale of
inverse depth that the truth sets. The error is that of depth, by factors: white is right, red
too near, blue too far, full colour from the factor 1.25 of delta1 on. Unknown pixels are grey.
A metric prediction on metric truth has its error without alignment shown too.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.evaluation import metrics
from depthfx.evaluation.pairs import Mask, Pair
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.whole import written_whole
from depthfx.raster.colormap import colour_map
from depthfx.raster.resample import resize_area, resize_nearest

Codes = NDArray[np.uint8]

LONGEST_PX = 640
MARGIN_PX, TITLE_PX = 4, 22
UNKNOWN = 96
FULL_COLOUR = math.log(1.25)
NEAR_RED = np.array([178, 24, 43], np.float32)
FAR_BLUE = np.array([33, 102, 172], np.float32)


def write_picture(pair: Pair, depth: Depth, values: dict[str, float], path: Path) -> None:
    """Write `side_by_side` as a JPEG; a file of that name is replaced."""
    done, coded = cv2.imencode(
        ".jpg", side_by_side(pair, depth, values)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92]
    )
    assert done
    with written_whole(path, overwrite=True) as file:
        file.write(coded.tobytes())


def side_by_side(pair: Pair, depth: Depth, values: dict[str, float]) -> Codes:
    """(H, W, 3) uint8 sRGB: the panels in a row, each with its title.

    Without true depth the matte stands in its place, and there is no error to show.
    """
    panels = [("photo", _codes(linear_to_srgb(np.clip(pair.photo.pixels, 0, 1))))]
    if pair.truth is None or pair.known is None:
        if pair.matte is not None:
            panels.append((_titled("matte", values, "recall"), _codes(np.dstack([pair.matte] * 3))))
        panels.append(("prediction", _coloured(depth.surface)))
    else:
        truth, known = pair.truth, pair.known
        seen = resize_nearest(depth.surface, (truth.shape[0], truth.shape[1]))
        aligned = metrics.align_affine(seen, truth, known)
        low, high = (float(each) for each in np.percentile(truth[known], (1, 99)))
        panels += [
            ("truth", _coloured(truth, low, high, known)),
            (_titled("prediction, aligned", values, "ordinal"), _coloured(aligned, low, high)),
            (_titled("error, aligned", values, "abs_rel"), _error(aligned, truth, known)),
        ]
        if depth.metric and pair.metric:
            plain = metrics.floored(seen, truth, known)
            title = _titled("error as predicted", values, "metric_abs_rel")
            panels.append((title, _error(plain, truth, known)))
    size = _size(pair.photo.shape)
    return np.hstack([_panel(title, picture, size) for title, picture in panels])


def _titled(title: str, values: dict[str, float], name: str) -> str:
    shown = name.replace("metric_", "").replace("_", " ")
    return f"{title}, {shown} {values[name]:.3f}" if name in values else title


def _size(shape: tuple[int, int]) -> tuple[int, int]:
    scale = LONGEST_PX / max(shape)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _panel(title: str, picture: Codes, size: tuple[int, int]) -> Codes:
    small = _fitted(picture, size)
    framed = cv2.copyMakeBorder(
        small, TITLE_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )
    place, font = (MARGIN_PX, TITLE_PX - 7), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(framed, title, place, font, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
    return framed.astype(np.uint8)


def _fitted(picture: Codes, size: tuple[int, int]) -> Codes:
    """`picture` at `size`; enlarged by whole pixels, so that nothing is made up between them."""
    resize = resize_area if picture.shape[0] > size[0] else resize_nearest
    return np.rint(resize(picture, size)).astype(np.uint8)


def _coloured(
    inverse: Plane, low: float | None = None, high: float | None = None, known: Mask | None = None
) -> Codes:
    colours = _codes(linear_to_srgb(colour_map(inverse, "inferno", low, high)))
    if known is not None:
        colours[~known] = UNKNOWN
    return colours


def _error(inverse: Plane, truth: Plane, known: Mask) -> Codes:
    told = known & (truth > 0) & (inverse > 0)
    ratio = np.log(np.where(told, inverse, 1) / np.where(told, truth, 1)) / FULL_COLOUR
    strength = np.minimum(np.abs(ratio), 1)[..., None]
    hue = np.where(ratio[..., None] > 0, NEAR_RED, FAR_BLUE)
    colours = np.rint(255 + strength * (hue - 255)).astype(np.uint8)
    colours[~told] = UNKNOWN
    return colours


def _codes(encoded: NDArray[Any]) -> Codes:
    return np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)
