"""Folders of training pairs small enough for tests, with a truth that can be seen in them."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from depthfx.training.folders import encode_inverse

f32 = np.float32


def write_index(folder: Path, **keys) -> None:
    (folder / "index.json").write_text(json.dumps(keys))


def write_scenes(folder: Path, count: int = 3) -> None:
    """Rendered ramps, 1 to 10 m deep, with a bright block at 0.5 m; focal length 1.1 widths."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    items = []
    for number in range(count):
        inverse = np.linspace(0.1, 1, 120, dtype=f32)[None].repeat(96, 0)
        top, left = rng.integers(10, 50, 2)
        inverse[top : top + 30, left : left + 30] = 2
        grey = np.clip(inverse * 110, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), cv2.merge([grey, grey, 255 - grey]))
        cv2.imwrite(str(folder / f"{number}.png"), encode_inverse(inverse))
        items.append({"id": str(number), "width": 120, "height": 96, "fx": 132.0,
                      "unit": "metric", "synthetic": True})  # fmt: skip
    write_index(folder, items=items)


def write_mattes(folder: Path, count: int = 2) -> None:
    """Red discs on grey with their mattes."""
    folder.mkdir(parents=True)
    for number in range(count):
        matte = np.zeros((96, 96), np.uint8)
        cv2.circle(matte, (40 + 10 * number, 48), 30, 255, -1)
        rgb = np.where(matte[..., None] > 0, (230, 20, 20), (90, 90, 90)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), matte)
        cv2.imwrite(str(folder / f"{number}.jpg"), rgb[..., ::-1])
    items = [{"id": str(number), "kind": "person"} for number in range(count)]
    write_index(folder, items=items)


RECIPE = """
network = "lite0-light"
checkpoint_s = 0.0
source = [{ name = "scenes", folder = "scenes" }, { name = "mattes", folder = "mattes" }]

[[stage]]
steps = 4
batch = 4
sizes = [[64, 64]]
sources = { scenes = 1, mattes = 1 }
losses = { mage = 0.2, male = 0.1, msge = 0.1, outline = 0.1, mae = 0.1 }

[[stage]]
steps = 3
batch = 4
sizes = [[32, 96]]
learning_rate = 2e-4
sources = { scenes = 1 }
composites = 0.0
mattes = 0.0
"""


def write_training(folder: Path) -> Path:
    """A recipe of two stages with its data; the recipe's path."""
    write_scenes(folder / "scenes")
    write_mattes(folder / "mattes")
    (folder / "recipe.toml").write_text(RECIPE)
    return folder / "recipe.toml"
