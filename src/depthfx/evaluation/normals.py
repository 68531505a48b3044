"""Simple ways from depth to normals, as points of comparison."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def sobel_normals(depth: Array, *_camera: float) -> Array:
    """The tutorials' way: slopes of inverse depth in grey levels by a 7 x 7 Sobel, z = 1.

    depth : (H, W) metres; (H, W, 3) unit vectors, camera axes. The camera does not count.
    """
    inverse = 1 / depth
    grey = ((inverse - inverse.min()) / np.ptp(inverse) * 255).astype(np.float32)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=7)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=7)
    normals = np.stack([-across, -down, -np.ones_like(grey)], -1)
    return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True))


def cross_normals(depth: Array, f_px: float, cx: float, cy: float) -> Array:
    """Cross products of central differences of the points in space.

    depth : (H, W) metres; cx, cy : the principal point counted from pixel indices
    """
    z = depth.astype(np.float64)
    y, x = np.indices(depth.shape)
    points = np.stack([(x - cx) / f_px * z, (y - cy) / f_px * z, z], -1)
    normals = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    away = (normals * points).sum(-1, keepdims=True) > 0
    return np.where(away, -normals, normals)
