import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.optics.thin_lens import (
    aperture_m,
    blur_px_per_inverse_m,
    coc_limit_px,
    coc_px,
    hyperfocal_m,
    sharp_zone_m,
)

lengths = st.floats(0.05, 500)


def test_an_85_mm_lens_at_f_1_4_opens_60_7_mm():
    assert aperture_m(85, 1.4) == pytest.approx(0.0607, abs=5e-5)


def test_the_disc_of_a_known_point():
    """50 mm f/2 on 36 mm and 6000 px, focused at 2 m, point at 4 m: the lens equation."""
    focal_px = 50 / 36 * 6000
    # Without breathing the sensor lies one focal length away; similar triangles by hand.
    expected_mm = 25.0 * 50.0 * (1 / 2000 - 1 / 4000)
    got = coc_px(np.float32([0.25]), 0.5, aperture_m(50, 2), focal_px)
    assert got[0] == pytest.approx(expected_mm / 36 * 6000, rel=1e-5)


@given(lengths, lengths)
def test_the_sign_tells_the_side(z, focus):
    coc = coc_px(np.float32([1 / z]), 1 / focus, 0.03, 1000.0)[0]
    assert np.sign(coc) == np.sign(np.float32(1 / focus) - np.float32(1 / z))


@given(lengths, st.floats(0.001, 0.1), st.floats(100, 5000), st.floats(0.2, 5))
def test_at_the_limits_of_the_sharp_zone_the_disc_has_the_limit(focus, opening, focal, limit):
    near, far = sharp_zone_m(focus, opening, focal, limit)
    assert near <= focus <= far
    for z in (near, far):
        if math.isfinite(z):
            coc = coc_px(np.array([1 / z], np.float32), 1 / focus, opening, focal)[0]
            assert abs(coc) == pytest.approx(limit, rel=1e-2)


def test_focused_past_the_hyperfocal_distance_infinity_is_sharp():
    distance = hyperfocal_m(0.03, 1000.0, 2.0)
    assert distance == pytest.approx(15.0)
    assert sharp_zone_m(distance * 1.001, 0.03, 1000.0, 2.0)[1] == math.inf
    near, far = sharp_zone_m(distance * 0.999, 0.03, 1000.0, 2.0)
    assert math.isfinite(far)
    assert near == pytest.approx(distance / 2, rel=1e-2)


def test_a_pinhole_is_sharp_everywhere():
    assert sharp_zone_m(2.0, 0.0, 1000.0, 1.0) == (0.0, math.inf)


def test_focused_at_infinity_it_is_sharp_from_the_hyperfocal_distance_on():
    assert sharp_zone_m(math.inf, 0.03, 1000.0, 2.0) == (pytest.approx(15.0), math.inf)


def test_the_tables_of_depth_of_field():
    """50 mm f/2 on 24 x 36 mm focused at 3 m, 0.029 mm: 2.80 to 3.22 m by the usual formulas."""
    limit_px = coc_limit_px(math.hypot(6000, 4000))
    assert limit_px / 6000 * 36 == pytest.approx(0.029, abs=0.0005)
    near, far = sharp_zone_m(3.0, aperture_m(50, 2), 50 / 36 * 6000, limit_px)
    hyperfocal_mm = 50 * 50 / (2 * 43.27 / 1500)
    assert near == pytest.approx(hyperfocal_mm * 3 / (hyperfocal_mm + 3000), rel=1e-3)
    assert far == pytest.approx(hyperfocal_mm * 3 / (hyperfocal_mm - 3000), rel=1e-3)


def test_no_picture_shows_less_than_a_pixel():
    assert coc_limit_px(300.0) == 1.0
    assert coc_limit_px(7211.0) == pytest.approx(4.807, abs=0.001)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan])
def test_a_focus_that_is_no_distance_is_named(bad):
    with pytest.raises(ParameterError, match="focus_m"):
        sharp_zone_m(bad, 0.01, 1000.0, 1.0)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_lengths_that_are_none_are_named(bad):
    with pytest.raises(ParameterError, match="focal_px"):
        blur_px_per_inverse_m(0.01, bad)
    with pytest.raises(ParameterError, match="f_number"):
        aperture_m(50.0, bad)
