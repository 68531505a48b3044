"""Focal lengths in pixels, by geometry, and in the right order of trust."""

from __future__ import annotations

import math

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera, FocalOrigin
from depthfx.errors import ParameterError
from depthfx.photo.exif import Exif, parse
from depthfx.photo.focal import camera_for

DIAGONAL_35 = math.hypot(36, 24)


def exif_of(main: dict | None = None, **photo: object) -> Exif:
    tags = {"f35": 41989, "focal": 37386, "plane": 41486, "unit": 41488, "x": 40962, "y": 40963}
    return parse(
        piexif.dump({"0th": main or {}, "Exif": {tags[k]: v for k, v in photo.items()}})[6:]
    )


@given(st.integers(10, 300), st.integers(64, 8000), st.integers(64, 8000))
def test_35_mm_equivalent_spans_the_same_diagonal_angle(f35: int, width: int, height: int) -> None:
    camera, _ = camera_for(width, height, exif_of(f35=f35))
    assert camera.origin is FocalOrigin.EXIF
    assert camera.diagonal_px / camera.focal_px == pytest.approx(DIAGONAL_35 / f35)


@pytest.mark.parametrize(("unit", "per_unit"), [(2, 25.4), (3, 10.0), (4, 1.0), (None, 25.4)])
def test_sensor_pitch_gives_pixels(unit: int | None, per_unit: float) -> None:
    """A 36 mm wide sensor of 6000 pixels behind 50 mm, later resized to 600."""
    tags: dict = {
        "focal": (50, 1),
        "plane": (round(6000 / 36 * per_unit * 1000), 1000),
        "x": 6000,
        "y": 4000,
    }
    if unit is not None:
        tags["unit"] = unit
    camera, warnings = camera_for(600, 400, exif_of(**tags))
    assert camera.focal_px == pytest.approx(50 / 36 * 600, rel=1e-4)
    assert not warnings


def test_sensor_pitch_counts_along_the_stored_width() -> None:
    exif = exif_of({274: 6}, focal=(50, 1), plane=(6000, 36), unit=4, x=6000, y=4000)
    upright, _ = camera_for(400, 600, exif)
    assert upright.focal_px == pytest.approx(50 / 36 * 600, rel=1e-6)


def test_user_comes_before_exif() -> None:
    exif = exif_of(f35=26)
    assert camera_for(600, 400, exif, focal_px=777)[0] == Camera(600, 400, 777, FocalOrigin.USER)
    by_f35 = camera_for(600, 400, exif, f35_mm=50)[0]
    assert by_f35.origin is FocalOrigin.USER
    assert by_f35.f35_mm == pytest.approx(50)


@pytest.mark.parametrize("focal_px", [0, -1, math.nan, math.inf])
def test_a_length_that_is_none_is_refused(focal_px: float) -> None:
    with pytest.raises(ParameterError, match="focal_px"):
        camera_for(600, 400, Exif(), focal_px=focal_px)


@pytest.mark.parametrize(
    "exif", [Exif(), exif_of(f35=0), exif_of(focal=(42, 10)), exif_of(focal=(0, 0), plane=(1, 0))]
)
def test_nothing_known_is_a_stated_guess(exif: Exif) -> None:
    camera, warnings = camera_for(600, 400, exif)
    assert camera == Camera.guess(600, 400)
    assert camera.origin is FocalOrigin.GUESS
    assert not warnings


@pytest.mark.parametrize("f35", [1, 65535])
def test_an_absurd_value_is_not_believed_and_said_so(f35: int) -> None:
    camera, warnings = camera_for(600, 400, exif_of(f35=f35))
    assert camera.origin is FocalOrigin.GUESS
    assert "not believed" in warnings[0]


def test_two_values_that_disagree_are_reported() -> None:
    exif = exif_of(f35=26, focal=(50, 1), plane=(6000, 36), unit=4, x=6000, y=4000)
    camera, warnings = camera_for(600, 400, exif)
    assert camera.f35_mm == pytest.approx(26)
    assert "two focal lengths" in warnings[0]


def test_a_crop_keeps_the_focal_length_of_its_frame() -> None:
    camera, warnings = camera_for(200, 300, exif_of(f35=26, x=600, y=400))
    assert camera.focal_px == pytest.approx(26 * math.hypot(600, 400) / DIAGONAL_35)
    assert "cropped" in warnings[0]
