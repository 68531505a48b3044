"""Focal lengths in pixels, and where they come from."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera, FocalOrigin, focal_px_from_f35
from depthfx.errors import ParameterError

sides = st.integers(1, 20_000)
lengths = st.floats(1, 2000)


def test_a_full_frame_picture_has_its_own_focal_length():
    """36 mm across 3600 pixels is a hundred pixels a millimetre."""
    assert focal_px_from_f35(50.0, 3600, 2400) == pytest.approx(5000.0)


@given(lengths, sides, sides)
def test_35_mm_equivalent_survives_the_way_through_pixels(f35, width, height):
    camera = Camera.from_f35(f35, width, height)
    assert camera.f35_mm == pytest.approx(f35)


@given(lengths, sides, sides)
def test_turning_the_camera_keeps_the_focal_length(f35, width, height):
    assert focal_px_from_f35(f35, width, height) == pytest.approx(
        focal_px_from_f35(f35, height, width)
    )


def test_the_middle_of_the_frame_is_half_of_it():
    camera = Camera(640, 480, 500.0)
    assert (camera.cx, camera.cy) == (320.0, 240.0)


def test_field_of_view_of_a_right_angle():
    assert Camera(1000, 500, 500.0).fov_deg == pytest.approx(90.0)


def test_resizing_keeps_the_field_of_view():
    camera = Camera(6000, 4000, 4500.0, FocalOrigin.EXIF)
    small = camera.resized(1500, 1000)
    assert small.fov_deg == pytest.approx(camera.fov_deg)
    assert small.origin is FocalOrigin.EXIF


def test_a_guess_says_so():
    assert Camera.guess(400, 300).origin is FocalOrigin.GUESS
    assert Camera.guess(400, 300).f35_mm == pytest.approx(28.0)


@pytest.mark.parametrize("focal", [0.0, -1.0, math.nan, math.inf])
def test_no_camera_without_a_length(focal):
    with pytest.raises(ParameterError, match="focal_px"):
        Camera(10, 10, focal)
