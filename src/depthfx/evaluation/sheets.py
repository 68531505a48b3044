"""Photos with what the embedded network makes of them, side by side, the failures among them.

Every tenth photo of the evaluation data, in its order: none is chosen. The photos' terms do not
allow to pass them on, so the sheets are for whoever has the data; they are no part of the
repository or of a release.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.context import Context
from depthfx.depth import Plane
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.evaluation import metrics
from depthfx.evaluation.embedded import photo_of
from depthfx.evaluation.pairs import Pair, pairs_in
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.whole import written_whole
from depthfx.raster.colormap import colour_map
from depthfx.raster.resample import resize_area

Codes = NDArray[np.uint8]

EVERY, ROWS = 10, 6
WIDTH_PX, HEIGHT_PX, TITLE_PX = 320, 260, 18
UNKNOWN = 96


def write_sheets(folder: Path, weights: Mapping[str, Path], out: Path) -> list[Path]:
    """Write `sheet-1.jpg`, ... into `out`, a photo a row; the paths.

    Photo, truth, then the depth of each file of weights, then the matte of the first of them.
    """
    items = [
        item for data in ("rgbd", "subjects") for item in pairs_in(folder / data / "eval")[::EVERY]
    ]
    models = {name: EmbeddedModel(Context(weights=path)) for name, path in weights.items()}
    rows = [_row(f"{item.source}/{item.name}", item.load(), models) for item in items]
    paths = []
    for number, start in enumerate(range(0, len(rows), ROWS), 1):
        path = out / f"sheet-{number}.jpg"
        _write(path, np.vstack(rows[start : start + ROWS]))
        paths.append(path)
    return paths


def _row(name: str, pair: Pair, models: Mapping[str, EmbeddedModel]) -> Codes:
    rgb = _codes(linear_to_srgb(np.clip(pair.photo.pixels, 0, 1)))
    panels = [_panel(name, rgb), _truth(pair)]
    matte = None
    for column, model in models.items():
        photo = photo_of(rgb)
        panels.append(_panel(f"depth, {column}", _depth(model.estimate(photo).surface, pair)))
        if matte is None:
            matte = _panel(f"matte, {column}", _grey(model.matte(photo)))
    return np.hstack([*panels, *([] if matte is None else [matte])])


def _truth(pair: Pair) -> Codes:
    if pair.truth is None or pair.known is None:
        assert pair.matte is not None
        return _panel("true matte", _grey(pair.matte))
    colours = _coloured(pair.truth, *np.percentile(pair.truth[pair.known], (1, 99)))
    colours[~pair.known] = UNKNOWN
    return _panel("true depth", colours)


def _depth(seen: Plane, pair: Pair) -> Codes:
    """In the colours of the truth after scale and shift, or over its own range."""
    if pair.truth is None or pair.known is None:
        return _coloured(seen, *np.percentile(seen, (1, 99)))
    small = resize_area(seen, (pair.truth.shape[0], pair.truth.shape[1]))
    aligned = metrics.align_affine(small, pair.truth, pair.known)
    return _coloured(aligned, *np.percentile(pair.truth[pair.known], (1, 99)))


def _panel(title: str, picture: Codes) -> Codes:
    """`picture` fitted into a panel, its title above."""
    height, width = picture.shape[:2]
    scale = min(WIDTH_PX / width, HEIGHT_PX / height)
    small = _codes(
        resize_area(picture, (round(height * scale), round(width * scale))) / np.float32(255)
    )
    panel = np.zeros((HEIGHT_PX + TITLE_PX, WIDTH_PX, 3), np.uint8)
    left = (WIDTH_PX - small.shape[1]) // 2
    panel[TITLE_PX : TITLE_PX + small.shape[0], left : left + small.shape[1]] = small
    font, white = cv2.FONT_HERSHEY_SIMPLEX, (255, 255, 255)
    cv2.putText(panel, title, (3, TITLE_PX - 5), font, 0.42, white, 1, cv2.LINE_AA)
    return panel


def _coloured(inverse: Plane, low: float, high: float) -> Codes:
    return _codes(linear_to_srgb(colour_map(inverse, "inferno", float(low), float(high))))


def _grey(plane: Plane) -> Codes:
    return _codes(np.dstack([plane] * 3))


def _codes(encoded: NDArray[np.float32]) -> Codes:
    return np.rint(np.clip(encoded, 0, 1) * 255).astype(np.uint8)


def _write(path: Path, picture: Codes) -> None:
    done, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert done
    with written_whole(path, overwrite=True) as file:
        file.write(coded.tobytes())
