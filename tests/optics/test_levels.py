from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reference import blocks_of, entered, seen_surfaces

from depthfx.optics import levels as module
from depthfx.optics.edges import Blurred, Mixed
from depthfx.optics.hidden import SAME_SURFACE_PX

SIZES = [(16, 24), (21, 30), (13, 17), (1, 1), (2, 3), (5, 64)]


def random_picture(rng, shape, *, known=False):
    """Surfaces of a few radii, some of them slanted, and lamps; `known` gives shares as well."""
    pixels = (rng.random((*shape, 3)) ** 6 * 3).astype(np.float32)
    radius = rng.choice(np.float32([-6, 0, 2, 9]), shape) + rng.uniform(-0.2, 0.2, shape)
    radius = radius.astype(np.float32)
    behind = coverage = None
    if known:
        coverage = rng.random(shape).astype(np.float32)
        behind = np.where(coverage < 0.5, radius - 4, radius).astype(np.float32)
    return Blurred(pixels, radius, np.float32(0), np.float32(1), behind, coverage)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("shape", SIZES)
def test_the_first_level_holds_means_and_extremes(shape, known, rng):
    """Of 2 x 2 px, fewer at the far borders; of mixed pixels both surfaces count."""
    picture = random_picture(rng, shape, known=known)
    mixed, level, _ = entered(picture)
    seen = seen_surfaces(picture, mixed)
    for (v, u), pixels in blocks_of(shape, 2):
        colour = [picture.pixels[at] for at in pixels]
        radii = [surface.radius for at in pixels for surface in seen[at]]
        np.testing.assert_allclose(level.colour[v, u], np.mean(colour, 0), rtol=1e-5)
        assert level.near[v, u] == max(radii)
        assert level.far[v, u] == min(radii)


def farthest_of(surfaces, nearest):
    """The plain twin: colour * w, radius * w, w of the farthest surfaces of a block's pixels."""
    farthest = min(surface.radius for surface in surfaces)
    parts = [max(s.seen, 0.02) / max(s.colour.max(), 1) ** 2 for s in surfaces]
    if all(part == 1 for part in parts) and nearest - farthest <= 0.1 * SAME_SURFACE_PX:
        # Whole pixels of one surface: their mean, at its radius.
        return np.array([*np.mean([s.colour for s in surfaces], 0), farthest, 1])
    cell = np.zeros(5)
    for part, s in zip(parts, surfaces, strict=True):
        nearness = np.exp((farthest - s.radius) / SAME_SURFACE_PX)
        cell += part * nearness * np.array([*s.colour, s.radius, 1])
    return cell / max(cell[4], 1)  # one full pixel is evidence enough


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("shape", SIZES)
def test_the_farthest_surface_enters_by_its_formula(shape, known, rng):
    picture = random_picture(rng, shape, known=known)
    mixed, level, hidden = entered(picture)
    seen = seen_surfaces(picture, mixed)
    for at, pixels in blocks_of(shape, 2):
        twin = farthest_of([seen[pixel][-1] for pixel in pixels], level.near[at])
        np.testing.assert_allclose(hidden.first[at], twin, rtol=1e-4, atol=1e-5)


def test_further_levels_hold_means_and_extremes_of_larger_blocks(rng):
    """Where the sides are multiples of the block; a partial block counts as a full one."""
    picture = random_picture(rng, (48, 80))
    mixed, level, _ = entered(picture)
    seen = seen_surfaces(picture, mixed)
    with ThreadPoolExecutor(2) as pool:
        for scale in (4, 8, 16):
            level = level.halved(pool)
            assert level.scale == scale
            assert level.near.shape == (48 // scale, 80 // scale)
            for (v, u), pixels in blocks_of((48, 80), scale):
                colour = [picture.pixels[at] for at in pixels]
                radii = [surface.radius for at in pixels for surface in seen[at]]
                np.testing.assert_allclose(level.colour[v, u], np.mean(colour, 0), rtol=1e-5)
                assert level.near[v, u] == max(radii)
                assert level.far[v, u] == min(radii)


@pytest.mark.parametrize("shape", SIZES)
def test_levels_go_on_beyond_the_borders_as_the_mirror_image(shape, rng):
    picture = random_picture(rng, shape)
    mixed, level, _ = entered(picture, blocks=32)
    seen = seen_surfaces(picture, mixed)
    with ThreadPoolExecutor(1) as pool:
        for scale in (4, 8, 16, 32):
            level = level.halved(pool)
            assert level.near.shape == tuple(-(-side // 32) * 32 // scale for side in shape)
            for (v, u), pixels in blocks_of(shape, scale):
                radii = [surface.radius for at in pixels for surface in seen[at]]
                assert (level.far[v, u], level.near[v, u]) == (min(radii), max(radii))
    assert level.colour.min() >= 0
    assert level.colour.max() <= picture.pixels.max()


def test_strips_and_workers_make_the_same_levels(rng, monkeypatch):
    picture = random_picture(rng, (90, 61), known=True)
    _, whole, farthest = entered(picture)
    _, pieces, farthest_pieces = entered(picture, strip_rows=22)
    for name in ("colour", "near", "far"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))
    np.testing.assert_array_equal(farthest_pieces.first, farthest.first)
    with ThreadPoolExecutor(3) as pool:
        halved = whole.halved(pool)
        monkeypatch.setattr(module, "STRIP_ROWS", 7)
        for name in ("colour", "near", "far"):
            np.testing.assert_array_equal(getattr(whole.halved(pool), name), getattr(halved, name))


def test_a_lamp_counts_little_as_what_may_be_hidden():
    pixels = np.full((2, 2, 3), 0.5, np.float32)
    pixels[0, 0] = 10
    picture = Blurred(pixels, np.zeros((2, 2), np.float32), np.float32(0), np.float32(1))
    mixed = Mixed.of_rows(picture, 0, 2)
    assert not mixed.mask.any()
    _, level, hidden = entered(picture)
    np.testing.assert_allclose(level.colour[0, 0], (10 + 3 * 0.5) / 4, rtol=1e-6)
    red, weight = hidden.first[0, 0, 0], hidden.first[0, 0, 4]
    assert red / weight == pytest.approx((3 * 0.5 + 10 / 100) / (3 + 1 / 100), rel=1e-5)
