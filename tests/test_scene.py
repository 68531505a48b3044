"""Scenes: channels found once, shared along a chain, never changed."""

import numpy as np
import pytest

from depthfx.depth import Depth
from depthfx.errors import ShapeError
from depthfx.scene import Channels, Scene
from depthfx_effects import Bokeh

f32 = np.float32


def test_channels_are_found_once_and_only_when_asked_for():
    calls = []

    def find_depth():
        calls.append("depth")
        return Depth(np.ones((2, 2), f32), True, "")

    def find_matte():
        calls.append("matte")
        return np.zeros((2, 2), f32)

    channels = Channels(find_depth, find_matte)
    assert calls == []
    assert channels.depth is channels.depth
    assert calls == ["depth"]
    assert channels.matte is channels.matte
    assert calls == ["depth", "matte"]


def test_other_colours_keep_the_geometry(scene):
    brighter = scene.with_pixels(scene.photo.pixels * 2)
    assert brighter.depth is scene.depth
    assert brighter.matte is scene.matte


def test_a_warped_picture_carries_its_own_channels(scene):
    depth = Depth(np.full(scene.photo.shape, 2, f32), True, "moved")
    matte = np.ones(scene.photo.shape, f32)
    warped = scene.with_geometry(scene.photo, depth, matte)
    assert warped.depth is depth
    assert warped.matte is matte
    assert scene.depth is not depth


def test_depth_of_another_size_is_refused(scene):
    with pytest.raises(ShapeError, match="depth is"):
        Scene.of(scene.photo, depth=Depth(np.ones((3, 3), f32), True, ""))


def test_notes_and_facts_add_up(scene):
    told = scene.with_note("first", a=1).with_note("second", b=2)
    assert told.notes == ("first", "second")
    assert told.facts == {"a": 1, "b": 2}
    assert scene.notes == ()


def test_arrays_without_a_focal_length_say_that_it_is_guessed(scene):
    assert Scene.from_arrays(scene.photo.pixels).photo.camera.origin == "guess"


def test_a_preview_is_the_same_scene_with_fewer_pixels(scene):
    """Same field of view, same depths, same brightness; nothing above the wanted size."""
    small = scene.preview(scene.photo.shape[0] * scene.photo.shape[1] // 4)
    assert small.photo.shape == tuple(side // 2 for side in scene.photo.shape)
    assert small.camera.f35_mm == pytest.approx(scene.camera.f35_mm)
    assert small.photo.pixels.mean() == pytest.approx(scene.photo.pixels.mean(), rel=1e-4)
    assert small.depth.shape == small.matte.shape == small.photo.shape
    assert set(np.unique(small.depth.inverse)) <= set(np.unique(scene.depth.inverse))
    assert scene.preview(10**9) is scene


def test_an_effect_looks_the_same_in_a_preview():
    rng = np.random.default_rng(2)
    height, width = 240, 320
    pixels = np.repeat(np.repeat(rng.random((60, 80, 3), f32), 4, 0), 4, 1)
    inverse = np.full((height, width), 0.2, f32)
    inverse[:, :160] = 1
    scene = Scene.from_arrays(pixels, inverse=inverse, focal_px=300.0)
    bokeh = Bokeh(aperture_mm=50, focus_m=1.0)
    whole = bokeh(scene).preview(height * width // 4).photo.pixels
    quick = bokeh(scene.preview(height * width // 4)).photo.pixels
    assert np.sqrt(np.mean((whole - quick) ** 2)) < 0.02
