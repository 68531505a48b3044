"""Cards and cameras in the axes of 3-D programs."""

from dataclasses import replace

import numpy as np
import pytest
from by_hand import layers_by_hand, orbit_shot, still_shot
from hypothesis import given
from hypothesis import strategies as st

from depthfx.export.cards import (
    LARGEST_F_NUMBER,
    angles_deg,
    cards_of,
    clip_m,
    f_number,
    framed,
    pivot_of,
    quaternions,
    views_of,
)

ANGLES = st.floats(-60, 60)


def rotation(tilt, pan, roll):
    def about(i, j, deg):
        c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
        m = np.eye(3)
        m[i, i], m[i, j], m[j, i], m[j, j] = c, -s, s, c
        return m

    return about(2, 0, pan) @ about(1, 2, tilt) @ about(0, 1, roll)


@given(ANGLES, ANGLES, st.floats(-179, 179))
def test_angles_and_quaternions_are_those_of_the_rotation(tilt, pan, roll):
    view = replace(views_of(layers_by_hand(1), still_shot(layers_by_hand(1)))[0])
    turned = replace(view, rotation=rotation(tilt, pan, roll))
    np.testing.assert_allclose(angles_deg((turned,))[0], [tilt, pan, roll], atol=1e-6)
    w, *axis = quaternions(turned.rotation[None])[0]
    axis = np.array(axis)
    points = np.eye(3)
    spun = points + 2 * np.cross(axis, np.cross(axis, points) + w * points)
    np.testing.assert_allclose(spun, turned.rotation.T, atol=1e-9)


def test_a_camera_that_rolls_past_half_a_turn_does_not_jump_back():
    view = views_of(layers_by_hand(1), still_shot(layers_by_hand(1)))[0]
    views = tuple(replace(view, rotation=rotation(0, 0, roll)) for roll in range(0, 400, 20))
    assert np.diff(angles_deg(views)[:, 2]) == pytest.approx(20)
    turns = quaternions(np.stack([v.rotation for v in views]))
    assert (np.sum(turns[1:] * turns[:-1], axis=1) > 0.9).all()


def test_no_two_cards_stand_at_one_distance():
    layers = layers_by_hand(4)
    flat = tuple(replace(layer, card_inverse=0.5) for layer in layers.layers)
    depths = [-card.centre[2] for card in cards_of(replace(layers, layers=flat))]
    assert depths == sorted(depths, reverse=True)
    assert len(set(depths)) == 4
    np.testing.assert_allclose(depths, 2.0, rtol=5e-3)


@pytest.mark.parametrize(("width", "height"), [(96, 64), (48, 32), (192, 64), (96, 200)])
def test_the_photo_fills_the_frame(width, height):
    layers = layers_by_hand(1, off_centre=True)
    photo = layers.camera
    frame = framed(photo, replace(still_shot(layers), width=width, height=height))
    scale = frame.focal_px / photo.focal_px
    assert photo.width * scale >= width - 1e-9
    assert photo.height * scale >= height - 1e-9
    assert min(photo.width * scale - width, photo.height * scale - height) == pytest.approx(0)
    assert frame.cx - width / 2 == pytest.approx((photo.cx - photo.width / 2) * scale)


def test_the_null_stands_where_nothing_moves():
    layers = layers_by_hand(3)
    shot = orbit_shot()
    cards = cards_of(layers)
    assert pivot_of(cards, replace(shot, pivot_inverse=0.25)).tolist() == [0, 0, -4]
    assert cards[0].centre[2] < pivot_of(cards, shot)[2] < cards[-1].centre[2]


def test_the_camera_draws_every_card_of_the_move():
    layers, shot = layers_by_hand(5), orbit_shot()
    cards, views = cards_of(layers), views_of(layers, shot)
    near, far = clip_m(cards, views)
    for view in views:
        for card in cards:
            depth = -((card.corners - view.place) @ view.rotation)[:, 2]
            assert near < depth.min()
            assert depth.max() < far


def test_a_focus_at_infinity_and_a_closed_opening_are_finite():
    layers, shot = layers_by_hand(2), orbit_shot(focused=True)
    first, *others = shot.move.keys
    keys = (replace(first, focus_inverse=0.0, aperture_m=0.0), *others)
    views = views_of(layers, replace(shot, move=replace(shot.move, keys=keys)))
    assert all(view.focus_m is not None and np.isfinite(view.focus_m) for view in views)
    assert views[0].focus_m > 100 / layers.layers[0].card_inverse
    assert f_number(views[0], 36) == LARGEST_F_NUMBER
    assert f_number(views[-1], 36) == pytest.approx(
        views[-1].camera.focal_px * 36 / shot.width / 1000 / others[-1].aperture_m
    )


def test_a_shot_without_an_opening_has_no_focus():
    shot = orbit_shot(focused=True)
    keys = tuple(replace(key, aperture_m=0.0) for key in shot.move.keys)
    views = views_of(layers_by_hand(1), replace(shot, move=replace(shot.move, keys=keys)))
    assert all(view.focus_m is None for view in views)
