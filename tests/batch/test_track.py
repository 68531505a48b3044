"""The focus of a film, and the scale of its depth: one for a shot, or following gently."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tests.engine.tiny_models import depth_anything

from depthfx.batch.track import focused, tracks
from depthfx.chain import Chain
from depthfx.context import Context
from depthfx.photo.colour import srgb_space
from depthfx.scene import Scene
from depthfx_effects import Bokeh, DepthPicture, Fog, Portrait

SAMPLES = Path(__file__).parents[2] / "samples"
COUNT = 6


def photos(f35_mm=None):
    """A photo that a camera pans over, with a sensor's noise."""
    random = np.random.default_rng(0)
    photo = cv2.imread(str(SAMPLES / "portrait.jpg"), cv2.IMREAD_COLOR_RGB)
    photo = cv2.resize(photo, (160, 100), interpolation=cv2.INTER_AREA)
    for k in range(COUNT):
        codes = photo[:96, 2 * k : 2 * k + 144] + random.normal(0, 3, (96, 144, 3))
        pixels = srgb_space().decode(np.clip(codes, 0, 255).astype(np.uint8))
        focal_px = None if f35_mm is None else f35_mm * np.hypot(96, 144) / 43.2666
        yield Scene.from_arrays(pixels, focal_px=focal_px).photo


def focus(found):
    return [track.focus_m[None] for track in found]


def test_focus_is_locked_or_follows_smoothly():
    chain, context = Chain(Portrait()), Context()
    alone, follow, lock = (
        focus(tracks(photos(), chain, context, around=around, lock=lock))
        for around, lock in ((0, False), (4, False), (4, True))
    )
    assert len(alone) == len(follow) == len(lock) == COUNT
    assert len(set(lock)) == 1
    assert np.std(np.diff(follow)) < np.std(np.diff(alone)) / 3
    np.testing.assert_allclose(np.mean(follow), np.mean(alone), rtol=0.03)


def test_the_focal_length_is_one_for_a_shot_and_the_users_if_told():
    chain, context = Chain(Bokeh()), Context()
    seen = [track.depth.focal_px for track in tracks(photos(), chain, context, around=2)]
    assert len(set(seen)) == 1
    (told, *_) = tracks(photos(f35_mm=50), chain, context, around=2)
    assert told.depth.focal_px == pytest.approx(
        50 * np.hypot(96, 144) / 43.2666 * told.depth.shape[1] / 144, rel=1e-3
    )


def test_a_focus_that_is_told_counts_and_others_are_set():
    context = Context()
    (track, *_) = tracks(photos(), Chain(Bokeh(focus_xy=(0.2, 0.1))), context, around=0)
    chain = focused(Chain(Bokeh(focus_m=7), Bokeh(focus_xy=(0.2, 0.1)), Fog()), track)
    assert [effect.parameters().get("focus_m") for effect in chain.effects] == [
        7,
        track.focus_m[(0.2, 0.1)],
        None,
    ]


@pytest.mark.slow
def test_relative_depth_has_one_scale_for_a_shot(tmp_path):
    """Its focus is taken to be 2 m away when the shot begins, as for a photo."""
    context = Context(model=f"hf:{depth_anything(tmp_path / 'model')}", device="cpu")
    (track, *_) = tracks(photos(), Chain(Fog()), context, around=0)
    assert not track.depth.metric  # nobody looks through a lens
    # Where its random weights see something near.
    row, column = np.unravel_index(track.depth.inverse.argmax(), track.depth.shape)
    place = (float(column) / 144, float(row) / 96)
    found = list(tracks(photos(), Chain(Bokeh(focus_xy=place)), context, around=0))
    np.testing.assert_allclose(found[0].focus_m[place], 2, rtol=1e-3)
    assert all(each.assumed and each.depth.metric for each in found)
    # Beside an effect that is told lengths nothing is assumed: it says what is wrong.
    chain = Chain(DepthPicture(far_m=5), Bokeh(focus_xy=place))
    (track, *_) = tracks(photos(), chain, context, around=0)
    assert not track.depth.metric
