from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from reference import entered

from depthfx.optics import hidden as module
from depthfx.optics.edges import Blurred
from depthfx.optics.hidden import (
    BEHIND_PX,
    SAME_SURFACE_PX,
    WIDE_PX,
    Hidden,
    cell_px_for,
    levels_for,
    search,
)


def hidden_of(colour, radius, threads=2):
    """`Hidden` of a picture whose signed blur radius in px is given, and its first level."""
    picture = Blurred(colour, radius, np.float32(0), np.float32(1))
    _, level, hidden = entered(picture)
    with ThreadPoolExecutor(threads) as pool:
        hidden.complete(level.near, pool)
    return hidden, level


def found_behind(hidden, level):
    """Colour and radius that `search` finds behind each cell of the first level; inf if none."""
    found, one = np.full((*level.near.shape, 4), np.inf, np.float32), np.empty(5, np.float32)
    for v, u in np.ndindex(level.near.shape):
        if search(2, hidden.cells, hidden.shapes, hidden.around, v, u, level.near[v, u], one):
            found[v, u] = one[:4]
    return found


def levels_of(hidden, flat):
    for start, height, width in hidden.shapes:
        yield flat[start : start + height * width].reshape(height, width, *flat.shape[1:])


def stepped(rng, shape=(150, 211)):
    radius = np.zeros(shape, np.float32)
    for _ in range(4):
        y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        radius[y : y + 50, x : x + 70] = rng.uniform(-12, 12)
    return rng.random((*shape, 3)).astype(np.float32), radius


def slanted(rng, shape=(150, 211)):
    colour, radius = stepped(rng, shape)
    return colour, radius + np.linspace(-9, 9, shape[1], dtype=np.float32)


def test_every_level_holds_the_farthest_surface_alone():
    """Green specks far behind a red sheet: no level mixes red into green."""
    radius = np.full((37, 50), 8, np.float32)
    colour = np.tile(np.float32([1, 0, 0]), (37, 50, 1))
    radius[::8, ::8], colour[::8, ::8] = -4, (0, 1, 0)
    picture = Blurred(colour, radius, np.float32(0), np.float32(1))
    _, level, hidden = entered(picture)
    hidden.first[...] = (1, 0, 0, 8, 1)
    hidden.first[::4, ::4] = (0, 1, 0, -4, 1)  # as they are, with no pixel taken apart
    with ThreadPoolExecutor(1) as pool:
        hidden.complete(level.near, pool)
    cells = list(levels_of(hidden, hidden.cells))[2]
    np.testing.assert_allclose(cells[..., 0], 0, atol=1e-4)
    np.testing.assert_allclose(cells[..., 3] / cells[..., 4], -4, atol=1e-3)


def test_behind_a_blurred_square_is_the_wall():
    radius = np.full((64, 64), -2, np.float32)
    colour = np.tile(np.float32([0.2, 0.5, 0.9]), (64, 64, 1))
    radius[20:44, 20:44], colour[20:44, 20:44] = 10, (0.9, 0.1, 0.1)
    hidden, level = hidden_of(colour, radius)
    found = found_behind(hidden, level)
    rim = np.zeros((32, 32), bool)
    rim[10:22, 10:22] = True
    rim[13:19, 13:19] = False
    np.testing.assert_allclose(hidden.radius[rim], -2, atol=1e-3)
    np.testing.assert_allclose(
        found[rim][:, :3], np.broadcast_to(colour[0, 0], (rim.sum(), 3)), atol=1e-3
    )
    wall = level.near < 0
    assert np.isinf(hidden.radius[wall]).all()


def test_deep_inside_a_foreground_nothing_is_found():
    """No light from behind reaches its front there; its blur decides how deep that is."""
    radius = np.full((320, 320), -2, np.float32)
    radius[20:300, 20:300] = 6
    hidden, _ = hidden_of(np.ones((320, 320, 3), np.float32), radius)
    assert np.isinf(hidden.radius[50:110, 50:110]).all()
    assert np.isfinite(hidden.radius[10:12, 10:150]).all()


def farthest_of_four(below):
    """The plain twin of a level: children weighted by how near the farthest they lie."""
    height, width = ((side + 1) // 2 for side in below.shape[:2])
    above = np.zeros((height, width, 5))
    for v, u in np.ndindex(height, width):
        cells = below[2 * v : 2 * v + 2, 2 * u : 2 * u + 2].reshape(-1, 5).astype(float)
        cells = cells[cells[:, 4] > 0]
        radius = cells[:, 3] / cells[:, 4]
        above[v, u] = np.exp((radius.min() - radius) / SAME_SURFACE_PX) @ cells
    return above / np.maximum(above[..., 4:], 1)


def smallest_around(cells):
    """The plain twin of `around`: the smallest radius of 3 x 3 cells, fewer at the borders."""
    padded = np.pad(cells[..., 3] / cells[..., 4], 1, constant_values=np.inf)
    height, width = cells.shape[:2]
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.min(shifted, axis=0)


@pytest.mark.parametrize("shape", [(64, 96), (45, 61), (5, 130), (1, 1), (3, 2)])
def test_levels_are_made_of_the_farthest_children(shape, rng):
    hidden, _ = hidden_of(*slanted(rng, shape))
    cells = list(levels_of(hidden, hidden.cells))
    assert cells[0].shape[:2] == tuple((side + 1) // 2 for side in shape)
    for below, above in pairwise(cells):
        np.testing.assert_allclose(above, farthest_of_four(below), rtol=1e-4, atol=1e-5)
    for level, around in zip(cells, levels_of(hidden, hidden.around), strict=True):
        np.testing.assert_allclose(around, smallest_around(level), rtol=1e-5, atol=1e-6)


def interpolated(cells, level, v, u, front):
    """The plain twin of looking at one level: bilinear among the farthest of four cells."""
    height, width = cells.shape[:2]
    y = np.clip((v + 0.5) / 2**level - 0.5, 0, height - 1)
    x = np.clip((u + 0.5) / 2**level - 0.5, 0, width - 1)
    parts, values = [], []
    for i, wy in ((int(y), 1 - y % 1), (int(y) + 1, y % 1)):
        for j, wx in ((int(x), 1 - x % 1), (int(x) + 1, x % 1)):
            if wy * wx > 0:
                parts.append(wy * wx)
                values.append(cells[i, j].astype(float))
    radii = np.array([value[3] / value[4] for value in values])
    counted = [r for r, part in zip(radii, parts, strict=True) if part > module.LEAST_PART]
    farthest = min(counted, default=np.inf)
    if not farthest < front - BEHIND_PX:
        return None
    total = np.zeros(5)
    for part, value, radius in zip(parts, values, radii, strict=True):
        total += part * np.exp(min((farthest - radius) / SAME_SURFACE_PX, 0)) * value
    return total[:4] / total[4]


@pytest.mark.parametrize("make", [stepped, slanted])
@pytest.mark.parametrize("shape", [(64, 96), (45, 61)])
def test_what_is_behind_shows_in_the_finest_level_that_has_it(make, shape, rng):
    """Against a search of every level, without the short cut past places with nothing behind."""
    hidden, level = hidden_of(*make(rng, shape))
    levels = list(levels_of(hidden, hidden.cells))
    got = found_behind(hidden, level)
    assert 0 < np.isfinite(got[..., 3]).sum() < got[..., 3].size
    for v, u in np.ndindex(level.near.shape):
        front = level.near[v, u]
        highest = min(int(np.ceil(np.log2(abs(front) + 1))), len(levels) - 1)
        tried = (interpolated(levels[n], n, v, u, front) for n in range(highest + 1))
        twin = next((found for found in tried if found is not None), np.full(4, np.inf))
        np.testing.assert_allclose(got[v, u], twin, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("make", [stepped, slanted])
def test_radii_kept_are_those_a_search_finds(make, rng):
    """Behind what is blurred wide, those found at the first of four cells."""
    hidden, level = hidden_of(*make(rng))
    found = found_behind(hidden, level)[..., 3]
    v, u = np.indices(found.shape)
    corner = v // 2 * 2, u // 2 * 2
    alike = np.abs(level.near[corner] - level.near) < BEHIND_PX
    shared = (np.abs(level.near) > WIDE_PX) & ((v % 2 > 0) | (u % 2 > 0)) & alike
    np.testing.assert_array_equal(hidden.radius, np.where(shared, hidden.radius[corner], found))


def test_strips_and_workers_change_nothing(rng, monkeypatch):
    colour, radius = slanted(rng)
    whole, _ = hidden_of(colour, radius, threads=1)
    monkeypatch.setattr(module, "STRIP_ROWS", 14)
    pieces, _ = hidden_of(colour, radius, threads=3)
    for name in ("cells", "around", "radius"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


@pytest.mark.parametrize("largest_px", [0.3, 1, 7, 40, 150])
def test_levels_look_past_the_edge_of_the_largest_foreground(largest_px):
    assert 2 ** (levels_for(largest_px) - 1) >= largest_px
    hidden = Hidden.empty(97, 401, largest_px)
    assert len(hidden.shapes) == levels_for(largest_px)
    assert len(hidden.cells) == len(hidden.around) == (hidden.shapes[:, 1:].prod(1)).sum()


def test_coarser_cells_are_the_next_level_of_finer_ones(rng):
    """What a large picture leaves out is the finest level alone."""
    farthest = rng.random((24, 40, 5), np.float32) + np.float32(0.1)
    near = np.full((12, 20), 30, np.float32)
    fine, coarse = (Hidden.empty(48, 80, 20.0, cell_px) for cell_px in (2, 4))
    with ThreadPoolExecutor(1) as pool:
        for hidden, largest in ((fine, np.full((24, 40), 30, np.float32)), (coarse, near)):
            for rows in (slice(0, 8), slice(8, 24)):
                hidden.put(farthest[rows], 2 * rows.start)
            hidden.complete(largest, pool)
    count = len(fine.cells) - len(coarse.cells)
    assert len(fine.shapes) == len(coarse.shapes) + 1
    np.testing.assert_array_equal(fine.cells[count:], coarse.cells)
    np.testing.assert_array_equal(fine.around[count:], coarse.around)


@pytest.mark.parametrize(("shape", "cell_px"), [((1000, 1500), 2), ((4000, 6000), 4)])
def test_large_pictures_have_larger_cells(shape, cell_px):
    assert cell_px_for(*shape) == cell_px
    assert cell_px_for(*(4 * side for side in shape)) >= 2 * cell_px
