"""The miniature: a scene through an opening as many times as wide as it is scaled down."""

import numpy as np
import pytest

from depthfx import Scene
from depthfx_effects import Bokeh, TiltShift

f32 = np.float32
PLAIN = {"vividness": 0, "contrast": 0}


def street(metric=True, nearest_m=20.0):
    rng = np.random.default_rng(0)
    pixels = rng.random((90, 120, 3), dtype=f32)
    rows = np.linspace(0.1, 1, 90, dtype=f32)[:, None] / f32(nearest_m)
    return Scene.from_arrays(pixels, inverse=np.repeat(rows, 120, 1), metric=metric, focal_px=120.0)


@pytest.mark.parametrize("scale", [1, 40, 87])
def test_distances_divided_are_an_opening_multiplied(scale):
    scene = street()
    model = TiltShift(aperture_mm=10, focus_m=30, scale=scale, **PLAIN)(scene)
    wide = Bokeh(aperture_mm=10 * scale, focus_m=30)(scene)
    np.testing.assert_array_equal(model.photo.pixels, wide.photo.pixels)
    assert (model.facts["scale"], model.facts["aperture_mm"]) == (scale, pytest.approx(10))
    assert model.facts["sharp_far_m"] == pytest.approx(wide.facts["sharp_far_m"])
    assert f"a model at 1:{scale}" in model.notes


def test_the_model_itself_is_blurred_the_same():
    """All of the scene a fortieth of the size, and the lens as it is."""
    scene = street()
    model = Scene.from_arrays(scene.photo.pixels, inverse=scene.depth.inverse * 40, focal_px=120.0)
    np.testing.assert_allclose(
        TiltShift(aperture_mm=10, focus_m=30, **PLAIN)(scene).photo.pixels,
        Bokeh(aperture_mm=10, focus_m=30 / 40)(model).photo.pixels,
        atol=1e-4,
    )


def test_nobody_comes_nearer_to_a_model_than_a_hands_length():
    near = street(nearest_m=0.5)
    result = TiltShift(focus_m=1)(near)
    assert result.facts["scale"] == pytest.approx(4)
    assert TiltShift(focus_m=0.1)(near).facts["scale"] == 1


def test_relative_depth_is_taken_for_a_view_over_a_street():
    result = TiltShift(focus_xy=(0.5, 0.7))(street(metric=False))
    assert result.facts["focus_m"] == pytest.approx(30)
    assert result.facts["scale"] == 40
    assert "30 m (assumed" in result.notes[0]


def test_colours_are_those_of_a_model_unless_unwanted(scene):
    plain, painted = (
        TiltShift(aperture_mm=0, **options)(scene).photo.pixels for options in (PLAIN, {})
    )
    np.testing.assert_array_equal(plain, scene.photo.pixels)
    assert np.ptp(painted, axis=2).mean() > 1.1 * np.ptp(plain, axis=2).mean()


def test_the_plane_of_focus_of_a_model_can_lean():
    """Level, the street is sharp along a line; leaning with it, all of it is."""
    scene = street()
    angle = np.degrees(np.arctan(0.9 / 90 * 120 / 0.55))
    lens = {"aperture_mm": 10, "focus_xy": (0.5, 0.5), **PLAIN}
    level = TiltShift(**lens)(scene).photo.pixels
    leaning = TiltShift(tilt_deg=angle, **lens)(scene).photo.pixels
    change = [np.abs(p - scene.photo.pixels)[10:-10, 10:-10] for p in (level, leaning)]
    assert change[1].mean() < 0.1 * change[0].mean()
