"""A scene whose measures are known: a wall and a ball before it."""

import numpy as np

from depthfx.camera import Camera
from depthfx.export.space import OPENGL, Space
from depthfx.geometry.cloud import cloud_of
from depthfx.geometry.mesh import mesh_of
from depthfx.geometry.normals import normals_of

CAMERA = Camera(240, 180, 200.0, cx=126.0, cy=84.0)
WALL_M, BALL_M, RADIUS_M = 5.0, 2.5, 0.5
BALL_AT = np.array([-0.3, 0.1, BALL_M])


def inverse_depth():
    y, x = np.mgrid[:180, :240] + 0.5
    ray = np.stack([(x - CAMERA.cx) / 200, (y - CAMERA.cy) / 200, np.ones_like(x)], -1)
    a, b = (ray**2).sum(-1), ray @ BALL_AT
    root = b**2 - a * (BALL_AT @ BALL_AT - RADIUS_M**2)
    ball = a / (b - np.sqrt(np.maximum(root, 0)))
    return np.where(root > 0, ball, 1 / WALL_M).astype(np.float32)


def pixels():
    y, x = np.mgrid[:180, :240]
    return np.stack([x / 240, y / 180, 0.2 + 0 * x], -1).astype(np.float32)


def space_of(rotation=OPENGL, axes="opengl", metric=True):
    return Space(CAMERA, rotation, axes, metric, "true – by hand", "photo")


def mesh():
    inverse = inverse_depth()
    everywhere = np.ones(inverse.shape, bool)
    return mesh_of(inverse, CAMERA, normals_of(inverse, CAMERA), there=everywhere, faces=100_000)


def cloud():
    inverse = inverse_depth()
    everywhere = np.ones(inverse.shape, bool)
    return cloud_of(
        pixels(), inverse, CAMERA, normals_of(inverse, CAMERA), there=everywhere, most=10**6
    )


def extent_m():
    """Width and height of the wall between the outermost pixel centres, and how deep it all is."""
    return np.array([239 / 200 * WALL_M, 179 / 200 * WALL_M, WALL_M - (BALL_M - RADIUS_M)])
