"""Small folders of pairs in the layouts that are read."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

SHAPE = (48, 64)


def picture(seed: int = 0) -> np.ndarray:
    """(48, 64, 3) uint8, smooth enough to survive a JPEG."""
    small = np.random.default_rng(seed).integers(30, 220, (6, 8, 3), np.uint8)
    return cv2.resize(small, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)


def metres() -> np.ndarray:
    """(48, 64) float32: a wall that leads from 2 to 4 m and a square at 1 m before it."""
    z = np.repeat(np.linspace(2, 4, SHAPE[1], dtype=np.float32)[None], SHAPE[0], 0)
    z[12:36, 20:40] = 1
    return z


def save_photo(path: Path, seed: int = 0) -> Path:
    assert cv2.imwrite(str(path), picture(seed), [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


def save_indexed(folder: Path, codes: dict[str, np.ndarray], **told: object) -> Path:
    """A source with an index; `told` goes into every item, but for `edges`."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, object] = {"items": [{"id": name, **told} for name in codes]}
    if "edges" in told:
        index["edges"] = told["edges"]
    (folder / "index.json").write_text(json.dumps(index))
    for name, values in codes.items():
        save_photo(folder / f"{name}.jpg")
        assert cv2.imwrite(str(folder / f"{name}.png"), values)
    return folder
