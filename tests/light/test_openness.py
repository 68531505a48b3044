"""Openness of planes and corners."""

from __future__ import annotations

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.geometry.normals import normals_of
from depthfx.light.occlusion import openness

CAMERA = Camera(200, 150, 180.0)


def scene(kind: str) -> np.ndarray:
    x = np.broadcast_to((np.arange(200) + 0.5 - 100) / 180, (150, 200))
    y = np.broadcast_to(((np.arange(150) + 0.5 - 75) / 180)[:, None], (150, 200))
    if kind == "wall":
        inverse = np.full_like(x, 0.5)
    elif kind == "floor":
        inverse = np.maximum(0.2 + y, 0.05)
    else:  # a floor at y = 0.5 m that meets a wall at z = 2 m
        inverse = np.maximum(y / 0.5, 0.5)
    return inverse.astype(np.float32)


@pytest.mark.parametrize("kind", ["wall", "floor"])
def test_a_plane_is_open(kind):
    inverse = scene(kind)
    seen = openness(inverse, CAMERA, normals_of(inverse, CAMERA), 0.3)
    assert seen[80:-10, 10:-10].min() > 0.97


def test_a_corner_is_darker_the_closer():
    inverse = scene("corner")
    seen = openness(inverse, CAMERA, normals_of(inverse, CAMERA), 0.5)
    row = round(75 + 180 * 0.25)  # where floor and wall meet
    wall = seen[:, 100]
    assert wall[row - 3] < 0.8
    assert wall[row - 3] < wall[row - 12] - 0.05
    assert wall[row - 45] > 0.97  # 0.5 m up


def test_no_radius_and_tiny_pictures_are_open():
    inverse = scene("corner")
    normals = normals_of(inverse, CAMERA)
    np.testing.assert_array_equal(openness(inverse, CAMERA, normals, 0.0), 1)
    for shape in ((1, 1), (1, 7), (5, 7)):
        small = inverse[: shape[0], : shape[1]].copy()
        camera = Camera(shape[1], shape[0], 180.0)
        seen = openness(small, camera, normals[: shape[0], : shape[1]], 0.5)
        assert seen.shape == shape
        assert np.isfinite(seen).all()
        assert (seen >= 0).all()
        assert (seen <= 1).all()


def test_the_sky_is_open():
    inverse = np.zeros((30, 40), np.float32)
    camera = Camera(40, 30, 30.0)
    np.testing.assert_array_equal(openness(inverse, camera, normals_of(inverse, camera), 1.0), 1)
