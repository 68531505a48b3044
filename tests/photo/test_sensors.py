"""Focal lengths in pixels of a lens and a sensor that the user names."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import focal_px_from_f35
from depthfx.errors import ParameterError
from depthfx.photo.sensors import (
    SENSORS_MM,
    focal_px_from_mm,
    sensor_diagonal_mm,
    sensor_mm,
)

sides = st.integers(1, 20_000)


@given(st.floats(1, 2000), st.integers(1, 5000))
def test_on_full_frame_millimetres_are_their_own_35_mm_equivalent(mm: float, unit: int) -> None:
    for width, height in ((3 * unit, 2 * unit), (2 * unit, 3 * unit)):
        assert focal_px_from_mm(mm, "full-frame", width, height) == pytest.approx(
            focal_px_from_f35(mm, width, height)
        )


def test_a_square_and_a_wide_picture_are_cut_from_the_sensor() -> None:
    """24 mm of 36 x 24 across 2400 pixels, and 36 mm across 3600: 100 px a millimetre."""
    assert focal_px_from_mm(50, "36x24", 2400, 2400) == pytest.approx(5000)
    assert focal_px_from_mm(50, "36x24", 3600, 1200) == pytest.approx(5000)


@given(st.sampled_from(sorted(SENSORS_MM)), sides, sides)
def test_the_picture_fits_the_sensor_and_touches_two_of_its_sides(
    sensor: str, width: int, height: int
) -> None:
    long_mm, short_mm = sensor_mm(sensor)
    px_per_mm = focal_px_from_mm(1, sensor, width, height)
    long, short = max(width, height) / px_per_mm, min(width, height) / px_per_mm
    assert long <= long_mm * (1 + 1e-9)
    assert short <= short_mm * (1 + 1e-9)
    assert long == pytest.approx(long_mm) or short == pytest.approx(short_mm)


@pytest.mark.parametrize("text", ["23.5x15.6", "23.5 x 15.6 mm", "15.6X23.5", "23.5\u00d715.6"])
def test_sides_in_any_writing(text: str) -> None:
    assert sensor_mm(text) == (23.5, 15.6) == sensor_mm(" APS-C ")


def test_diagonals() -> None:
    assert sensor_diagonal_mm("full-frame") == pytest.approx(43.2666, abs=1e-4)
    assert sensor_diagonal_mm("micro-four-thirds") == pytest.approx(math.hypot(17.3, 13.0))


@pytest.mark.parametrize(
    "text", ["", "big", "36", "36x", "0x24", "36x24x1", "-36x24", "1e9x1", "36x999"]
)
def test_what_is_no_sensor_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(ParameterError, match="sensor=") as error:
        sensor_mm(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("focal_mm", [0, -50, math.nan, math.inf])
def test_what_is_no_length_is_refused(focal_mm: float) -> None:
    with pytest.raises(ParameterError, match="focal_mm"):
        focal_px_from_mm(focal_mm, "aps-c", 600, 400)
