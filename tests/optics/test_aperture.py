import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.optics.aperture import Aperture

radii = st.floats(0, 45)
apertures = st.builds(
    Aperture,
    blades=st.sampled_from([0, *range(3, 12)]),
    rotation_deg=st.floats(-400, 400),
    curvature=st.floats(0, 1),
)


def moment(kernel):
    n = kernel.shape[0] // 2
    y, x = np.mgrid[-n : n + 1, -n : n + 1]
    return float((kernel.astype(float) * (x * x + y * y)).sum())


@settings(deadline=None)
@given(apertures, radii)
def test_a_kernel_moves_light_and_makes_none(aperture, radius):
    kernel = aperture.kernel(radius)
    assert kernel.dtype == np.float32
    assert kernel.min() >= 0
    assert kernel.sum(dtype=float) == pytest.approx(1, abs=1e-5)
    assert kernel.shape[0] == kernel.shape[1] == kernel.shape[0] // 2 * 2 + 1


@given(st.floats(0.05, 45))
def test_a_disc_has_the_second_moment_of_its_radius(radius):
    """<r^2> over a disc is R^2 / 2, at every fraction of a pixel."""
    assert moment(Aperture().kernel(radius)) == pytest.approx(radius**2 / 2, rel=0.01)


@given(st.sampled_from(range(3, 12)), st.floats(1, 40))
def test_a_polygon_has_the_second_moment_of_its_corners(blades, radius):
    """<r^2> over a regular n-gon of circumradius R is R^2 (2 + cos(2 pi / n)) / 6."""
    expected = radius**2 * (2 + np.cos(2 * np.pi / blades)) / 6
    assert moment(Aperture(blades).kernel(radius)) == pytest.approx(expected, rel=0.03)


def test_no_radius_is_the_identity():
    np.testing.assert_array_equal(Aperture(5).kernel(0), [[1]])


def test_six_blades_turn_a_side_right_and_corners_up_and_down():
    kernel = Aperture(6).kernel(20)
    n = kernel.shape[0] // 2
    lit = kernel > kernel.max() / 2
    rows, columns = np.nonzero(lit)
    assert rows.max() - n == pytest.approx(20, abs=1.01)
    assert columns.max() - n == pytest.approx(20 * np.cos(np.pi / 6), abs=1.01)
    assert lit[n - 9 : n + 10, n + 16].all()  # the right side is straight and 20 px long


def test_a_triangle_points_left_at_0_and_down_after_a_quarter_turn_back():
    kernel = Aperture(3).kernel(20)
    n = kernel.shape[0] // 2
    assert kernel[n, n - 18] > 0
    assert kernel[n, n + 12] == 0
    turned = Aperture(3, rotation_deg=-90).kernel(20)
    assert turned[n + 18, n] > 0
    assert turned[n - 12, n] == 0


@given(st.sampled_from(range(3, 12)), st.floats(2, 20))
def test_turning_by_one_blade_changes_nothing(blades, radius):
    np.testing.assert_allclose(
        Aperture(blades, 360 / blades).kernel(radius), Aperture(blades).kernel(radius), atol=3e-4
    )


def test_full_curvature_is_round():
    np.testing.assert_allclose(
        Aperture(5, curvature=1).kernel(9.4), Aperture().kernel(9.4), atol=1e-7
    )


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"blades": 2}, "blades=2"),
        ({"blades": 12}, "blades=12"),
        ({"curvature": 1.5}, "curvature=1.5"),
        ({"curvature": float("nan")}, "curvature=nan"),
        ({"rotation_deg": float("inf")}, "rotation_deg=inf"),
    ],
)
def test_bad_openings_are_named(parameters, name):
    with pytest.raises(ParameterError, match=name):
        Aperture(**parameters)


def test_a_bad_radius_is_named():
    with pytest.raises(ParameterError, match="radius_px=-1"):
        Aperture().kernel(-1)
