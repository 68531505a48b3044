"""Depth as a picture: near bright, limits kept."""

import numpy as np
import pytest

from depthfx_effects import DepthPicture
from depthfx_effects.depth_picture import DepthPicture as Direct


def test_near_is_brighter_than_far(scene):
    out = DepthPicture(colours="grey")(scene).photo.pixels
    assert out[24, 32].min() > out[2, 2].max()


@pytest.mark.parametrize("colours", ["inferno", "turbo", "viridis", "grey"])
def test_every_map_is_linear_light_in_range(scene, colours):
    out = DepthPicture(colours=colours)(scene).photo.pixels
    assert out.dtype == np.float32
    assert out.min() >= 0
    assert out.max() <= 1


def test_limits_in_metres_fix_the_scale(scene):
    """2 m to 8 m: 4 m lies a third of the way in inverse depth."""
    out = DepthPicture(colours="grey", near_m=2, far_m=8)(scene).photo.pixels
    encoded = np.where(out > 0.0031308, 1.055 * out ** (1 / 2.4) - 0.055, out * 12.92)
    assert encoded[2, 2, 0] == pytest.approx(1 / 3, abs=0.01)
    assert encoded[24, 32, 0] == pytest.approx(1.0, abs=0.01)


def test_the_lazy_name_is_the_class():
    assert DepthPicture is Direct


def test_near_and_far_that_are_the_wrong_way_round_still_make_a_picture(scene):
    out = DepthPicture(near_m=8, far_m=2)(scene).photo.pixels
    assert np.isfinite(out).all()


def test_a_legend_stands_beside_the_picture_and_leaves_it_as_it_was(scene):
    plain, told = (DepthPicture(legend=legend)(scene) for legend in (False, True))
    height, width = scene.photo.shape
    assert told.photo.shape[0] == height
    assert told.photo.shape[1] > width
    np.testing.assert_array_equal(told.photo.pixels[:, :width], plain.photo.pixels)
    assert told.depth.shape == told.matte.shape == told.photo.shape
    np.testing.assert_array_equal(told.depth.inverse[:, :width], scene.depth.inverse)
    assert told.photo.camera.focal_px == scene.photo.camera.focal_px
    assert told.photo.camera.cx == scene.photo.camera.cx
