"""The picture from around: its middle is the photo, holes are grey."""

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.geometry.cloud import cloud_of
from depthfx.geometry.mesh import mesh_of
from depthfx.geometry.turntable import (
    GREY,
    LARGEST_YAW_DEG,
    turned,
    turntable_of_cloud,
    turntable_of_mesh,
)

CAMERA = Camera(150, 120, 140.0)


def scene():
    y, x = np.mgrid[:120, :150]
    pixels = np.stack([x / 150, y / 120, 0.5 + 0.3 * np.sin(x / 8)], -1).astype(np.float32)
    inverse = np.full((120, 150), 0.25, np.float32)
    inverse[40:90, 60:100] = 1.0
    facing = np.zeros((120, 150, 3), np.float32)
    facing[..., 2] = -1
    return pixels, inverse, facing


def sheet(kind):
    pixels, inverse, facing = scene()
    there = np.ones(inverse.shape, bool)
    if kind == "mesh":
        return turntable_of_mesh(
            mesh_of(inverse, CAMERA, facing, there=there, faces=50_000), pixels
        )
    return turntable_of_cloud(cloud_of(pixels, inverse, CAMERA, facing, there=there, most=10**6))


def view(picture, n):
    height, width = picture.shape[0] // 3, picture.shape[1] // 3
    row, column = divmod(n, 3)
    return picture[row * height :, column * width :][:height, :width]


@pytest.mark.parametrize("kind", ["mesh", "cloud"])
def test_the_middle_is_the_photo_with_some_room(kind):
    pixels, _, _ = scene()
    middle = view(sheet(kind), 4)
    assert (middle[0] == np.float32(GREY)).all()
    y, x = np.mgrid[12:108:4, 16:134:4]
    shrunk_x, shrunk_y = 75 + 0.9 * (x + 0.5 - 75) - 0.5, 60 + 0.9 * (y + 0.5 - 60) - 0.5
    seen = middle[np.rint(shrunk_y).astype(int), np.rint(shrunk_x).astype(int)]
    assert np.abs(seen - pixels[y, x]).mean() < 0.02


@pytest.mark.parametrize("kind", ["mesh", "cloud"])
def test_from_the_side_what_was_hidden_is_grey(kind):
    picture = sheet(kind)
    grey = [(np.abs(view(picture, n) - GREY) < 1e-6).all(-1).mean() for n in range(9)]
    assert grey[4] == min(grey)
    assert grey[0] > grey[4] + 0.1
    assert grey[8] > grey[4] + 0.1


def test_the_pivot_stays_and_the_camera_goes_to_the_right():
    pivot = np.array([0, 0, 3.0, 1])
    for yaw in (-LARGEST_YAW_DEG, 0, LARGEST_YAW_DEG):
        np.testing.assert_allclose(turned(3.0, yaw) @ pivot, pivot[:3], atol=1e-12)
    # Gone to the right, the camera sees the near thing move to the left.
    near = turned(3.0, 10) @ [0, 0, 1.0, 1]
    assert near[0] < 0
