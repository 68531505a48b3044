"""The ray caster against geometry written out by hand."""

import numpy as np
import pytest

from depthfx.training import synthetic
from depthfx.training.synthetic import Solid, World

EYE = np.zeros(3, np.float32)


def level(solids, share=1.0):
    return World(solids, (0.0, 0.0, 0.0), 0.0, 0.0, 0.0, share, False, 0.0)


def test_a_wall_has_the_same_depth_everywhere():
    """Depth is along the axis, not along the ray."""
    world = level([Solid((0, 0, 6), (50, 50, 1))])
    _, inverse = synthetic.cast(np.random.default_rng(0), world, (30, 40))
    np.testing.assert_allclose(inverse, 1 / 5, rtol=1e-5)


def test_a_ball_is_hit_where_it_should_be():
    t, normal = synthetic.hit(
        Solid((0, 0, 5), (2, 2, 2), round=True), EYE, np.array([[0, 0, 1], [1, 0, 0]], np.float32)
    )
    assert t[0] == pytest.approx(3.0)
    assert np.isinf(t[1])
    np.testing.assert_allclose(normal[0], [0, 0, -1], atol=1e-6)


def test_a_turned_box_shows_its_edge():
    """A cube of half side 1 turned by 45 degrees is sqrt(2) deep."""
    t, _ = synthetic.hit(
        Solid((0, 0, 5), (1, 1, 1), yaw=np.pi / 4), EYE, np.array([[1e-4, 0, 1]], np.float32)
    )
    assert t[0] == pytest.approx(5 - np.sqrt(2), abs=1e-3)


def test_the_field_of_view_is_that_of_the_focal_length():
    """A box 2 m wide at 4 m fills half of a view as wide as it is far."""
    world = level([Solid((0, 0, 5), (1, 9, 1))], share=1.0)
    _, inverse = synthetic.cast(np.random.default_rng(0), world, (20, 400))
    assert (inverse[10] > 0).sum() == pytest.approx(200, abs=2)


@pytest.mark.parametrize("seed", range(6))
def test_every_scene_is_finite_and_repeatable(seed):
    rgb, inverse, share = synthetic.render(seed)
    again, _, _ = synthetic.render(seed)
    assert np.isfinite(inverse).all()
    assert inverse.min() >= 0
    assert share > 0
    np.testing.assert_array_equal(rgb, again)
