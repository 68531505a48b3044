"""Which layer each place belongs to, in scenes whose layers are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depthfx.layers.levels import _labels, levels_of

H, W = 120, 160
GREY = np.full((H, W, 3), 0.5, np.float32)
Plane = NDArray[np.float32]


def floor_and_wall() -> Plane:
    """A floor that comes nearer from row 60 on, and the wall it meets."""
    rows = np.arange(H, dtype=np.float32)[:, None]
    return np.repeat(np.maximum(0.2 + 0.8 * (rows - 60) / 60, 0.2), W, axis=1)


def with_card(inverse: Plane, left: int, right: int, top: int, feet: int) -> Plane:
    """Something upright on the floor, as near as the floor is where it stands."""
    out = inverse.copy()
    out[top:feet, left:right] = inverse[feet, 0]
    return out


def test_what_stands_on_a_floor_is_cut_at_its_feet() -> None:
    inverse = with_card(floor_and_wall(), 60, 90, 20, 100)
    levels = levels_of(GREY, inverse, None, None)
    assert levels.count == 2
    card = np.zeros((H, W), bool)
    card[20:100, 60:90] = True
    wrong = (levels.label > 0) != card
    # The feet have no break of their own: a few rows of floor may come along.
    assert wrong.sum() <= 30 * 6
    assert not wrong[:80].any()


def test_a_floor_alone_is_not_cut() -> None:
    levels = levels_of(GREY, floor_and_wall(), None, 4)
    assert levels.count == 1


def test_two_things_at_two_depths_are_two_layers() -> None:
    inverse = np.full((H, W), 0.1, np.float32)
    inverse[20:80, 20:60] = 0.5
    inverse[40:100, 100:140] = 1.0
    levels = levels_of(GREY, inverse, None, None)
    assert levels.count == 3
    np.testing.assert_array_equal(levels.label, np.digitize(inverse, [0.3, 0.7]))


def test_a_thing_before_a_thing_hides_it() -> None:
    inverse = np.full((H, W), 0.1, np.float32)
    inverse[20:100, 20:100] = 0.5
    inverse[40:80, 40:140] = 1.0
    levels = levels_of(GREY, inverse, None, None)
    np.testing.assert_array_equal(levels.label, np.digitize(inverse, [0.3, 0.7]))


@pytest.mark.parametrize("count", [2, 3])
def test_no_more_layers_than_asked_for(count: int) -> None:
    inverse = np.full((H, W), 0.1, np.float32)
    for k in range(4):
        inverse[20:100, 10 + 36 * k : 36 + 36 * k] = 0.3 + 0.2 * k
    assert levels_of(GREY, inverse, None, count).count == count


def test_the_sky_is_a_layer() -> None:
    """Houses lie next to infinitely far in inverse depth; they are parted from the sky yet."""
    inverse = np.zeros((H, W), np.float32)
    inverse[50:, :] = 0.03
    inverse[60:, 60:90] = 1.0
    levels = levels_of(GREY, inverse, None, None)
    assert levels.count == 3
    assert set(np.unique(levels.label[:50])) == {0}


def test_a_subject_is_not_cut_in_two() -> None:
    """One arm is stretched out far to the front."""
    inverse = np.full((H, W), 0.1, np.float32)
    matte = np.zeros((H, W), np.float32)
    matte[20:110, 40:120] = 1
    inverse[20:110, 40:80] = 0.4
    inverse[20:110, 80:120] = 1.0
    for count in (2, 3):
        levels = levels_of(GREY, inverse, matte, count)
        assert len(np.unique(levels.label[matte > 0.5])) == 1


def test_specks_are_no_layers() -> None:
    rng = np.random.default_rng(2)
    inverse = np.full((H, W), 0.2, np.float32)
    inverse[rng.random((H, W)) > 0.995] = 1.0
    inverse[30:90, 50:110] = 0.8
    levels = levels_of(GREY, inverse, None, None)
    assert (levels.label[30:90, 50:110] == levels.label[60, 80]).mean() > 0.99
    assert (levels.label[:28] == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (2, 2), (3, 3)])
def test_tiny_pictures(shape: tuple[int, int]) -> None:
    inverse = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    levels = levels_of(np.zeros((*shape, 3), np.float32), inverse, None, 8)
    assert levels.label.shape == shape
    assert levels.count == int(levels.label.max()) + 1


def test_confetti_flies_in_front_of_nothing() -> None:
    """Bits that depth alone has in front, beside a thing that really is."""
    inverse = np.full((200, 300), 0.1, np.float32)
    inverse[100:180, 100:200] = 1.0
    inverse[20:28, 40:50] = 1.0
    guide = np.zeros((200, 300, 3), np.float32)
    label = levels_of(guide, inverse, None, None).label
    assert label[140, 150] == 1
    assert (label[15:35, 35:55] == 0).all()


def test_a_layer_is_more_than_scraps() -> None:
    """Two cuts that part a thing's rim from it leave one layer; so does one that keeps a bit."""
    thing = np.zeros((200, 300), np.bool_)
    thing[100:180, 100:200] = True
    rimless, bit = np.zeros_like(thing), np.zeros_like(thing)
    rimless[101:179, 101:199] = True
    bit[120:140, 120:140] = True
    for cuts in ([thing, rimless], [thing, bit]):
        assert np.array_equal(_labels(cuts), thing.astype(np.uint8))


def test_a_flat_scene_is_not_cut_by_its_noise() -> None:
    """Steps of half a per cent are a page's, whose depth is read too precisely."""
    inverse = np.full((200, 300), 1.0, np.float32)
    inverse[60:140, 80:220] = 1.004
    assert levels_of(np.zeros((200, 300, 3), np.float32), inverse, None, None).count == 1
