"""The vote: never an average over an edge, exact on planes, on the picture's edge."""

import numpy as np
import pytest

from depthfx.raster.mode import BINS, NARROW, mode_filter

f32 = np.float32
SETTINGS = {"radius": 4, "sigma": 2.5, "colour_sigma": 0.05}


def flat(values, trust=1.0):
    zero = np.zeros_like(values)
    return np.dstack([values, zero, zero, np.full_like(values, trust)])


def everywhere(values):
    return np.ones(values.shape, bool)


def twin(guide, surface, where, *, radius, sigma, colour_sigma, rarity=0.0):
    """`mode_filter` in plain numpy, a pixel at a time; radius at most 4 (no skipped pixels)."""
    h, w = where.shape
    out = surface.copy()
    reach = round(radius)
    offsets = np.arange(-reach, reach + 1)
    for y, x in zip(*np.nonzero(where), strict=True):
        v, u = (
            a.ravel()
            for a in np.meshgrid(
                np.clip(y + offsets, 0, h - 1), np.clip(x + offsets, 0, w - 1), indexing="ij"
            )
        )
        dy, dx = (a.ravel() for a in np.meshgrid(offsets, offsets, indexing="ij"))
        prior = surface[v, u, 3] * np.exp(-(dx**2 + dy**2) / (2 * sigma**2))
        apart = ((guide[v, u] - guide[y, x]) ** 2).sum(1)
        weight = prior * np.maximum(1 - apart / (16 * colour_sigma**2), 0) ** 8
        q = surface[v, u, 0]
        value = np.maximum(q - surface[v, u, 1] * (u - x) - surface[v, u, 2] * (v - y), q / 2)
        low, high = value.min(), value.max()
        out[y, x, 3] = 1
        if high - low <= 1e-6 * high:
            continue
        scale = BINS * 0.9999 / (high - low)
        place = (value - low) * scale + 0.5
        i, share = place.astype(int), place % 1
        votes, there = np.zeros(BINS + 4), np.zeros(BINS + 4)
        for k, s in ((i + 1, 1 - share), (i + 2, share)):
            np.add.at(votes, k, weight * s)
            np.add.at(there, k, prior * s)
        votes, there = (a[1:-1] + (a[:-2] + a[2:]) / 2 for a in (votes, there))
        votes /= (there / prior.sum() + 0.02) ** rarity
        middle = low + (np.argmax(votes) - 0.5) / scale
        near = weight * np.maximum(1 - np.abs(value - middle) * scale / 1.5, 0)
        middle = (near * value).sum() / near.sum()
        near = weight * np.maximum(1 - np.abs(value - middle) / (NARROW * middle), 0)
        if near.sum() <= 0:
            continue
        out[y, x, :3] = [
            (near * a).sum() / near.sum() for a in (value, surface[v, u, 1], surface[v, u, 2])
        ]
    return out


@pytest.mark.parametrize("rarity", [0, 0.6])
def test_the_compiled_vote_agrees_with_its_twin(rarity):
    rng = np.random.default_rng(3)
    guide = rng.random((14, 17, 3), f32) * f32(0.3)
    surface = rng.random((14, 17, 4), f32) * f32([1, 0.01, 0.01, 1]) + f32([0.1, 0, 0, 0.1])
    where = rng.random((14, 17)) < 0.7
    settings = {"radius": 3, "sigma": 2, "colour_sigma": 0.1, "rarity": rarity}
    ours = mode_filter(guide, surface, where, **settings)
    reference = twin(guide, surface, where, **settings)
    # Two bins may tie up to rounding, and frequencies are told in steps: then either is right.
    agree = np.isclose(ours, reference, atol=1e-4).all(2)
    assert agree.mean() > 0.98
    np.testing.assert_array_equal(ours[~where], surface[~where])


def test_a_clean_step_stays_one_whatever_the_colours():
    guide = np.random.default_rng(0).random((20, 40, 3), f32) * f32(0.02)
    step = np.where(np.arange(40) < 20, f32(1), f32(0.1)) * np.ones((20, 1), f32)
    out = mode_filter(guide, flat(step), everywhere(step), **SETTINGS)[..., 0]
    assert set(np.unique(np.round(out, 4))) == set(np.unique(np.round(step, 4)))


def test_a_misplaced_step_moves_onto_the_pictures_edge():
    guide = np.zeros((20, 40, 3), f32)
    guide[:, 20:] = 0.6
    step = np.where(np.arange(40) < 21, f32(1), f32(0.1)) * np.ones((20, 1), f32)
    out = mode_filter(guide, flat(step), everywhere(step), **SETTINGS)[..., 0]
    truth = np.where(np.arange(40) < 20, f32(1), f32(0.1)) * np.ones((20, 1), f32)
    np.testing.assert_allclose(out, truth, rtol=1e-4)


def test_a_slanted_plane_is_exact():
    y, x = np.mgrid[0:20, 0:30].astype(f32)
    plane = 1 + f32(0.02) * x + f32(0.01) * y
    surface = np.dstack([plane, np.full_like(x, 0.02), np.full_like(x, 0.01), np.ones_like(x)])
    inside = np.zeros(plane.shape, bool)
    inside[4:-4, 4:-4] = True
    guide = np.random.default_rng(0).random((20, 30, 3), f32)
    np.testing.assert_allclose(
        mode_filter(guide, surface, inside, **SETTINGS)[..., 0], plane, rtol=1e-5
    )


def test_rarity_keeps_a_thin_thing_that_is_otherwise_outvoted():
    """A wire of its own, only a little different colour against a wide background."""
    guide = np.full((21, 21, 3), 0.5, f32)
    guide[:, 10] = 0.465
    wire = np.full((21, 21), 0.1, f32)
    wire[:, 10] = 1
    counted = mode_filter(guide, flat(wire), everywhere(wire), **SETTINGS)[10, 10, 0]
    by_rarity = mode_filter(guide, flat(wire), everywhere(wire), rarity=0.8, **SETTINGS)[10, 10, 0]
    assert counted == pytest.approx(0.1)
    assert by_rarity == pytest.approx(1)


def test_nothing_given_is_changed():
    surface = flat(np.random.default_rng(0).random((8, 9), f32))
    guide = np.zeros((8, 9, 3), f32)
    surface.flags.writeable = guide.flags.writeable = False
    mode_filter(guide, surface, np.ones((8, 9), bool), **SETTINGS)


def test_what_is_as_good_as_infinitely_far_is_left_alone():
    """Values too small to be told apart make no bin of infinite width."""
    far = np.zeros((8, 8, 4), np.float32)
    far[..., 0] = np.linspace(0, 1e-38, 64, dtype=np.float32).reshape(8, 8)
    far[..., 3] = 1
    guide = np.zeros((8, 8, 3), np.float32)
    out = mode_filter(
        guide, far, np.ones((8, 8), bool), radius=2.0, sigma=1.5, colour_sigma=0.1, rarity=0.7
    )
    np.testing.assert_array_equal(out[..., 0], far[..., 0])
