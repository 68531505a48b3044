"""Scenes: channels found once, shared along a chain, never changed."""

import numpy as np
import pytest

from depthfx.depth import Depth
from depthfx.errors import ShapeError
from depthfx.scene import Channels, Scene

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
