"""Bokeh as an effect: the lens's own numbers come out."""

import numpy as np
import pytest

from depthfx import Scene
from depthfx.camera import Camera
from depthfx.errors import ParameterError
from depthfx_effects import Bokeh

f32 = np.float32
SIZE = 161


def point_light(inverse=0.25, focal_px=1000.0):
    """One bright pixel in the dark, on a wall at 4 m."""
    pixels = np.zeros((SIZE, SIZE, 3), f32)
    pixels[SIZE // 2, SIZE // 2] = 100.0
    return Scene.from_arrays(
        pixels,
        inverse=np.full((SIZE, SIZE), inverse, f32),
        focal_px=focal_px,
        matte=np.zeros((SIZE, SIZE), f32),
    )


def disc_radius(picture):
    """Radius of the uniform disc with the picture's second moment."""
    y, x = np.indices(picture.shape) - SIZE // 2
    return float(np.sqrt(2 * (picture * (x * x + y * y)).sum() / picture.sum()))


@pytest.mark.parametrize("aperture_mm", [20, 60, 150, 300])
@pytest.mark.parametrize("focus_m", [2.0, 20.0])
def test_a_point_becomes_a_disc_of_the_predicted_radius(aperture_mm, focus_m):
    """diameter = aperture * focal_px * |1/z - 1/focus|, and no light is lost."""
    out = Bokeh(aperture_mm=aperture_mm, focus_m=focus_m)(point_light()).photo.pixels[..., 1]
    predicted = aperture_mm / 1000 * 1000.0 * abs(0.25 - 1 / focus_m) / 2
    assert disc_radius(out) == pytest.approx(predicted, abs=0.5)
    assert out.sum() == pytest.approx(100.0, rel=0.01)
    assert out.min() >= 0


def test_the_plane_of_focus_is_left_alone(scene):
    out = Bokeh(aperture_mm=100, focus_m=4)(
        Scene.from_arrays(scene.photo.pixels, inverse=np.full((48, 64), 0.25, f32), focal_px=60.0)
    )
    assert np.abs(out.photo.pixels - scene.photo.pixels).max() < 0.5 / 255 / 12.92


def test_no_opening_is_the_identity(scene):
    np.testing.assert_array_equal(Bokeh(aperture_mm=0)(scene).photo.pixels, scene.photo.pixels)


def test_what_is_transparent_darkens_nothing_beside_it():
    """Black that nobody sees stays where it is, and the grey beside it stays grey."""
    pixels, alpha = np.full((80, 90, 3), 0.5, f32), np.ones((80, 90), f32)
    pixels[:, :30] = alpha[:, :30] = 0
    scene = Scene.from_arrays(pixels, inverse=np.full((80, 90), 0.2, f32), alpha=alpha)
    out = Bokeh(aperture_mm=300, focus_m=1)(scene).photo
    np.testing.assert_allclose(out.pixels, pixels, atol=1e-4)
    np.testing.assert_array_equal(out.alpha, alpha)


def test_the_f_number_is_that_of_a_full_frame_lens_with_the_same_view():
    """50 mm at f/2 opens 25 mm, whatever the number of pixels."""
    camera = Camera.from_f35(50.0, SIZE, SIZE)
    facts = Bokeh(f_number=2, focus_m=2)(point_light(focal_px=camera.focal_px)).facts
    assert facts["aperture_mm"] == pytest.approx(25.0)


def test_twice_the_pixels_is_twice_the_radius():
    """The same lens on a finer grid: lengths in the picture scale with it."""
    half = Bokeh(aperture_mm=40, focus_m=1)(point_light(focal_px=450.0)).photo.pixels[..., 0]
    full = Bokeh(aperture_mm=40, focus_m=1)(point_light(focal_px=900.0)).photo.pixels[..., 0]
    assert disc_radius(full) == pytest.approx(2 * disc_radius(half), rel=0.03)


def test_relative_depth_takes_its_scale_from_the_focus(scene):
    relative = Scene.from_arrays(
        scene.photo.pixels,
        inverse=scene.depth.inverse * 7,
        metric=False,
        matte=scene.matte,
        focal_px=60.0,
    )
    told = Bokeh(aperture_mm=200, focus_m=2)(relative)
    metric = Bokeh(aperture_mm=200, focus_m=2)(scene)
    np.testing.assert_allclose(told.photo.pixels, metric.photo.pixels, atol=1e-4)
    assumed = Bokeh(aperture_mm=200)(relative)
    assert "assumed" in assumed.notes[0]


def test_focus_follows_the_chosen_point(scene):
    facts = Bokeh(focus_xy=(0.5, 0.5))(scene).facts
    assert facts["focus_m"] == pytest.approx(2.0)
    assert facts["focus_xy"] == pytest.approx((0.5, 0.5), abs=0.02)
    assert Bokeh(focus_xy=(0.05, 0.05))(scene).facts["focus_m"] == pytest.approx(4.0)


def test_without_a_wish_the_subject_is_in_focus(scene):
    assert Bokeh()(scene).facts["focus_m"] == pytest.approx(2.0)


def test_without_a_subject_it_says_so(scene):
    empty = Scene.from_arrays(
        scene.photo.pixels,
        inverse=scene.depth.inverse,
        focal_px=60.0,
        matte=np.zeros_like(scene.matte),
    )
    assert "no subject found" in Bokeh()(empty).notes[0]


@pytest.mark.parametrize("count", [1, 2, 12, -1])
def test_no_aperture_has_so_many_blades(count):
    with pytest.raises(ParameterError, match="blades"):
        Bokeh(blades=count)
