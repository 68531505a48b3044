"""Texture goes on as it is, lines go on straight, and only what is a source is ever taken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import Cancelled, ShapeError
from depthfx.inpaint import patches
from depthfx.inpaint.exemplar import paint

f32 = np.float32


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays


def square(shape, y, x, size):
    hole = np.zeros(shape, bool)
    hole[y : y + size, x : x + size] = True
    return hole


def checks(shape, period=8):
    y, x = np.mgrid[: shape[0], : shape[1]]
    bright = ((y // (period // 2) + x // (period // 2)) % 2).astype(f32)
    return np.dstack([0.1 + 0.5 * bright, 0.2 + 0.2 * bright, 0.5 - 0.3 * bright]).astype(f32)


def psnr(out, truth, hole):
    return -10 * np.log10(np.mean((np.sqrt(out[hole]) - np.sqrt(truth[hole])) ** 2) + 1e-12)


def test_periodic_texture_goes_on_exactly():
    truth, hole = frozen(checks((128, 160)), square((128, 160), 50, 60, 28))
    seen = np.where(hole[..., None], f32(np.nan), truth)
    out = paint(seen, hole)
    np.testing.assert_array_equal(out[~hole], truth[~hole])
    np.testing.assert_allclose(out[hole], truth[hole], atol=2e-3)


@pytest.mark.parametrize("slope", [0.0, 0.5, -1.0])
def test_a_horizon_goes_on_straight(slope):
    y, x = np.mgrid[:160, :200]
    below = np.clip(y - 80 - slope * (x - 100) + 0.5, 0, 1)[..., None]
    truth = (below * [0.1, 0.3, 0.05] + (1 - below) * [0.3, 0.5, 0.9]).astype(f32)
    hole = square((160, 200), 66, 86, 28)
    out = paint(np.where(hole[..., None], f32(0), truth), hole)
    assert psnr(out, truth, hole) > 27
    # Along each column the colour changes where the line lies.
    there = np.argmax(out[66:94, 86:114, 2] < 0.45, axis=0) + 66
    at = 80 + slope * (np.arange(86, 114) - 100)
    inside = (at > 70) & (at < 90)
    assert np.abs(there - at)[inside].max() <= 3


def test_only_the_source_is_taken():
    """Red left, green right, blue in between as what stands in front: it shows nowhere."""
    pixels = np.zeros((120, 160, 3), f32)
    pixels[:, :, 1] = 0.4 + 0.1 * np.random.default_rng(0).random((120, 160))
    front = np.zeros((120, 160), bool)
    front[30:120, 50:110] = True
    pixels[front] = [0, 0, 1]
    inside = np.zeros_like(front)
    inside[50:120, 70:90] = True
    hole = front & ~inside
    out = paint(pixels, hole, ~front)
    assert out[hole][:, [0, 2]].max() == 0
    assert out[hole][:, 1].min() >= 0.35
    np.testing.assert_array_equal(out[~hole], pixels[~hole])


def test_patches_come_from_about_the_same_depth():
    """Two grounds of one colour at the hole's rim, told apart by depth alone."""
    random = np.random.default_rng(1)
    pixels = np.empty((140, 200, 3), f32)
    pixels[:, :100] = 0.2 + 0.02 * random.random((140, 100, 1))
    pixels[:, 100:] = 0.3 + 0.02 * random.random((140, 100, 1))
    inverse = np.where(np.arange(200) < 100, f32(1), f32(0.05)) * np.ones((140, 1), f32)
    hole = square((140, 200), 50, 80, 40)
    out = paint(np.where(hole[..., None], f32(0.9), pixels), hole, inverse=inverse)
    left, right = out[55:85, 84:96].mean(), out[55:85, 104:116].mean()
    assert left == pytest.approx(0.21, abs=0.02)
    assert right == pytest.approx(0.31, abs=0.02)


def test_the_rim_shows_no_seam_where_light_falls_off():
    x = np.mgrid[:128, :192][1]
    truth = np.repeat((0.1 + 0.6 * (x / 192) ** 2)[..., None], 3, -1).astype(f32)
    hole = square((128, 192), 50, 80, 24)
    out = np.sqrt(paint(np.where(hole[..., None], f32(0), truth), hole))
    steps = np.abs(np.diff(out[..., 0], axis=1))[50:74, [79, 103]]
    assert steps.max() < 0.03
    assert psnr(out**2, truth, hole) > 33


def test_grain_is_kept():
    """Noise, which nobody can know, is mixed with its mean by 0.4 at most: never smeared."""
    pixels = (0.3 + 0.1 * np.random.default_rng(2).random((160, 160, 1)) * np.ones(3)).astype(f32)
    hole = square((160, 160), 60, 60, 40)
    out = paint(pixels, hole)
    strength = out[hole].std() / pixels[~hole].std()
    assert 0.5 < strength < 1.2


def test_a_margin_beyond_the_frame():
    truth = checks((140, 170))
    hole = np.ones((140, 170), bool)
    hole[14:-14, 14:-14] = False
    out = paint(np.where(hole[..., None], f32(np.nan), truth), hole)
    assert psnr(out, truth, hole) > 15
    assert np.isfinite(out).all()


def test_the_same_every_time():
    random = np.random.default_rng(3)
    pixels, hole = random.random((90, 110, 3), f32), square((90, 110), 30, 40, 25)
    np.testing.assert_array_equal(paint(pixels, hole), paint(pixels, hole))


@pytest.mark.parametrize(("limit", "most"), [("MATCHED_PX", 200), ("LARGEST_PX", 15_000)])
def test_a_large_hole_or_picture_is_drawn_from_the_photos_own_pixels(monkeypatch, limit, most):
    """Matches of a picture of half the size, or a quarter, find the fine texture whole."""
    from depthfx.inpaint import exemplar

    monkeypatch.setattr(exemplar, limit, most)
    truth = checks((256, 320), period=16)
    hole = square((256, 320), 100, 120, 48)
    out = paint(np.where(hole[..., None], f32(0), truth), hole)
    assert psnr(out, truth, hole) > 25


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0, 1), st.floats(0, 1), st.integers(1, 40))
def test_any_hole_and_any_source_give_finite_colours_of_the_sources_range(seed, open_, share, size):
    random = np.random.default_rng(seed)
    shape = (size, 1 + seed % 37)
    pixels = random.random((*shape, 3), f32)
    hole, source = random.random(shape) < open_, random.random(shape) < share
    out = paint(np.where(source[..., None] & ~hole[..., None], pixels, f32(np.nan)), hole, source)
    assert np.isfinite(out[hole]).all()
    assert out[hole].min(initial=0) >= 0
    assert out[hole].max(initial=0) <= 2.5


def test_nothing_to_paint_and_nothing_to_paint_from():
    pixels = checks((40, 50))
    nothing = np.zeros((40, 50), bool)
    np.testing.assert_array_equal(paint(pixels, nothing), pixels)
    assert not paint(pixels, ~nothing).any()


def test_sizes_must_fit_and_work_can_be_stopped():
    pixels, hole = checks((80, 80)), square((80, 80), 30, 30, 20)
    with pytest.raises(ShapeError, match=r"source is \(3, 3\)"):
        paint(pixels, hole, np.ones((3, 3), bool))

    def stop(share):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        paint(pixels, hole, progress=stop)
    told = []
    paint(pixels, hole, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_compiled_votes_are_those_of_numpy():
    """The kernel against the sum written out."""
    random = np.random.default_rng(4)
    reach = patches.REACH
    colours = random.random((30, 30, 4), f32)
    matches = np.full((30, 30, 2), -1, np.int32)
    matches[5:25, 5:25] = random.integers(reach, 30 - reach, (20, 20, 2))
    weight = random.random((30, 30), f32)
    places = np.argwhere(np.ones((30, 30), bool))[[40, 200, 465, 700]].astype(np.int32)
    places = np.ascontiguousarray(np.clip(places, 6, 23))
    out = np.empty((len(places), 3), f32)
    patches.vote(colours, places, matches, weight, out)
    for (y, x), found in zip(places, out, strict=True):
        parts = [
            (weight[y + j, x + i], colours[tuple(matches[y + j, x + i] - [j, i])][:3])
            for j in range(-reach, reach + 1)
            for i in range(-reach, reach + 1)
            if matches[y + j, x + i, 0] >= 0
        ]
        mean = sum(w * c for w, c in parts) / sum(w for w, _ in parts)
        np.testing.assert_allclose(found, mean, rtol=1e-5)


def test_compiled_search_finds_what_comparing_everything_finds():
    random = np.random.default_rng(5)
    reach = patches.REACH
    look, trust = random.random((24, 26, 4), f32), random.random((24, 26), f32)
    look[..., 3] *= 0.05
    trust[:reach] = trust[-reach:] = trust[:, :reach] = trust[:, -reach:] = 0
    inside = np.argwhere(np.ones((24, 26), bool)[2 * reach : -2 * reach, 2 * reach : -2 * reach])
    sources = np.ascontiguousarray(inside[::2] + 2 * reach, np.int32)
    centres = np.ascontiguousarray(inside[1:40:7] + 2 * reach, np.int32)
    matches, cost = np.full((24, 26, 2), -1, np.int32), np.zeros((24, 26), f32)
    allowed = np.zeros((24, 26), bool)
    allowed[tuple(sources.T)] = True
    patches.first_matches(look, trust, allowed, centres, sources, len(sources), matches, cost)

    def patch(plane, y, x):
        return plane[y - reach : y + reach + 1, x - reach : x + reach + 1]

    def nearer(y, x, v, u):
        over = max(look[v, u, 3] - look[y, x, 3] - patches.NEARER, 0)
        return patches.NEARER_COST * over**2

    for y, x in centres:
        costs = [
            (patch(trust, y, x)[..., None] * (patch(look, y, x) - patch(look, v, u)) ** 2).sum()
            + nearer(y, x, v, u)
            for v, u in sources
        ]
        assert tuple(matches[y, x]) == tuple(sources[int(np.argmin(costs))])
        assert cost[y, x] == pytest.approx(min(costs), rel=1e-4)


def test_compiled_shrinking_is_the_mean_of_what_is_usable():
    random = np.random.default_rng(6)
    pixels, inverse = random.random((12, 16, 3), f32), random.random((12, 16), f32)
    usable = random.random((12, 16)) < 0.7
    usable[:4, :4] = False
    look, share = np.empty((3, 4, 4), f32), np.empty((3, 4), f32)
    patches.shrink(pixels, usable, inverse, 2, look, share)

    def cells(plane):
        return plane.reshape(3, 4, 4, 4).sum((1, 3))

    count = cells(usable)
    np.testing.assert_allclose(share, count / 16)
    np.testing.assert_allclose(look[..., 3], cells(inverse) / 16, rtol=1e-5)
    for c in range(3):
        mean = cells(np.sqrt(pixels[..., c]) * usable) / np.maximum(count, 1)
        np.testing.assert_allclose(look[..., c], mean, rtol=1e-5)


def test_what_lies_nearer_never_goes_on_behind_what_hides_it() -> None:
    """Red and near beside a hole in a wall that is blue and far: the wall goes on."""
    pixels = np.zeros((60, 90, 3), np.float32)
    pixels[:, :45, 2], pixels[:, 45:, 0] = 0.8, 0.8
    hole = np.zeros((60, 90), bool)
    hole[:, 36:45] = True
    inverse = np.where(np.arange(90) < 45, 0.2, 1.0).astype(np.float32) * np.ones(
        (60, 1), np.float32
    )
    source = ~hole
    source[:, :20] = False
    painted = paint(pixels, hole, source, inverse=inverse)[10:-10, 38:43]
    assert painted[..., 2].min() > 0.3
    assert painted[..., 0].max() < 0.35
