import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.optics.thin_lens import (
    aperture_m,
    blur_px_per_inverse_m,
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


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_lengths_that_are_none_are_named(bad):
    with pytest.raises(ParameterError, match="focal_px"):
        blur_px_per_inverse_m(0.01, bad)
    with pytest.raises(ParameterError, match="f_number"):
        aperture_m(50.0, bad)
