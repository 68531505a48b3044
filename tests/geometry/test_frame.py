"""A shot's frame on its photo."""

import pytest

from depthfx.camera import Camera
from depthfx.geometry.frame import filled, usual_frame


def test_the_photos_own_frame_changes_nothing():
    camera = Camera(400, 300, 350.0, cx=190.0, cy=155.0)
    assert filled(camera, 400, 300) == camera


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (200, 200), (37, 500)])
def test_the_middle_stays_and_the_frame_is_full(width, height):
    camera = Camera(400, 300, 350.0, cx=190.0, cy=155.0)
    shot = filled(camera, width, height)
    scale = shot.focal_px / camera.focal_px
    assert (shot.width, shot.height) == (width, height)
    left, top = shot.cx - camera.cx * scale, shot.cy - camera.cy * scale
    right, bottom = left + 400 * scale, top + 300 * scale
    assert left + right == pytest.approx(width)
    assert top + bottom == pytest.approx(height)
    assert left <= 1e-9
    assert top <= 1e-9
    assert min(abs(left), abs(top)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        ((4000, 3000), (1440, 1080)),
        ((3000, 4000), (1080, 1440)),
        ((6000, 2000), (1920, 640)),
        ((641, 481), (640, 480)),
        ((1, 3000), (2, 1920)),
    ],
)
def test_a_films_frame_has_the_photos_shape_within_1080p(size, frame):
    assert usual_frame(Camera(*size, 1000.0)) == frame
