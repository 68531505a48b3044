"""A disc before a wall, both textured, as sheets that are right everywhere."""

from __future__ import annotations

import cv2
import numpy as np

from depthfx.camera import Camera
from depthfx.geometry.sheets import Sheet, Sheets
from depthfx.geometry.stage import Stage

WIDTH, HEIGHT, MARGIN_PX, FOCAL_PX = 320, 240, 16, 330.0
NEAR, FAR = 1.0, 0.2
DISC = (200.0, 130.0)
"""Centre of the disc in the photo, pixel centres at +0.5."""
SPOT = (80.0, 60.0)
"""Centre of a blue spot on the wall."""


def disc_before_wall() -> Sheets:
    height, width = HEIGHT + 2 * MARGIN_PX, WIDTH + 2 * MARGIN_PX
    y, x = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5 - MARGIN_PX)
    disc = np.clip(45.5 - np.hypot(x - DISC[0], y - DISC[1]), 0, 1).astype(np.float32)
    spot = np.clip(10.5 - np.hypot(x - SPOT[0], y - SPOT[1]), 0, 1)[..., None]
    grey = np.random.default_rng(7).random((20, 26), dtype=np.float32)
    wall = cv2.resize(0.1 + 0.3 * grey, (width, height))[..., None].repeat(3, axis=2)
    wall = (spot * (0.01, 0.02, 0.9) + (1 - spot) * wall).astype(np.float32)
    checks = ((x // 7 + y // 7) % 2)[..., None] * np.float32((0.0, 0.05, 0.0))
    near = (checks + np.float32((0.7, 0.02, 0.02))).astype(np.float32)
    there = disc > 0
    front = Sheet(
        np.where(there[..., None], near, wall),
        np.where(there, disc, np.float32(1)),
        np.where(there, np.float32(NEAR), np.float32(FAR)),
    )
    behind = Sheet(wall, there.astype(np.float32), np.full_like(disc, FAR))
    camera = Camera(WIDTH, HEIGHT, FOCAL_PX)
    return Sheets((front, behind), camera, MARGIN_PX)


def stage(parallax: float = 0.05) -> Stage:
    return Stage(Camera(WIDTH, HEIGHT, FOCAL_PX), NEAR, FAR, (NEAR + FAR) / 2, parallax)
