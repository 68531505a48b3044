"""Every compiled loop of the layers against its plain twin."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import mirrored, seen_surfaces

from depthfx.optics import slices
from depthfx.optics.aperture import ROUND
from depthfx.optics.drawing import Drawing
from depthfx.optics.edges import Blurred
from depthfx.optics.hidden import BEHIND_PX, search
from depthfx.optics.ladder import Ladder

SQUARES = np.array([-81.0, -16, -1, 0, 0.25, 4, 49], np.float32)
SLOPES = np.append(np.nextafter(1 / np.diff(SQUARES), np.float32(np.inf)), 0).astype(np.float32)
LADDER = Ladder(SQUARES, SLOPES, (), None, ())


def nearer(ladder, square):
    """n_k for k = -1 to the last layer."""
    n = (square - ladder.squares.astype(float)) * ladder.slopes
    return np.concatenate([[1.0], np.clip(n, 0, 1)])


# ---------------------------------------------------------------- cells of one surface
def test_signed_squares_are_of_the_mean_radius(rng):
    near, far = rng.normal(0, 5, (2, 7, 9)).astype(np.float32)
    radius = ((near.astype(float) + far) / 2 - 0.7) * 3
    got = slices.signed_squares(near, far, np.float32(0.7), np.float32(3))
    np.testing.assert_allclose(got, radius * np.abs(radius), rtol=1e-4, atol=1e-4)


def test_extents_are_of_rows_and_columns(rng):
    squares = rng.normal(0, 5, (7, 9)).astype(np.float32)
    rows, columns = slices.extents(squares)
    np.testing.assert_array_equal(rows, [squares.min(1), squares.max(1)])
    np.testing.assert_array_equal(columns, [squares.min(0), squares.max(0)])


@pytest.mark.parametrize("seed", range(4))
def test_boxes_hold_what_lies_in_between(seed):
    """And are no larger than rows and columns allow."""
    rng = np.random.default_rng(seed)
    squares = rng.normal(0, 9, (7, 9)).astype(np.float32)
    lows = rng.uniform(-30, 30, 40).astype(np.float32)
    highs = lows + rng.uniform(0, 20, 40).astype(np.float32)
    got = slices.boxes(*slices.extents(squares), lows, highs)
    for low, high, box in zip(lows, highs, got, strict=True):
        for lines, (start, stop) in ((squares, box[:2]), (squares.T, box[2:])):
            maybe = np.flatnonzero((lines.max(1) > low) & (lines.min(1) < high))
            assert (start, stop) == ((maybe[0], maybe[-1] + 1) if len(maybe) else (0, 0))
        inside = np.argwhere((squares > low) & (squares < high))
        assert np.all((inside >= box[::2]) & (inside < box[1::2]))


def cut_into(ladder, k, squares, colour):
    stack = np.full((5, *squares.shape), np.nan, np.float32)
    slices.cut(squares, *(np.ascontiguousarray(c) for c in colour), *ladder.around(k), stack)
    return stack


def test_a_layer_is_cut_out_as_its_formula_says(rng):
    """Cover is what is nearer than the layer behind but not than this; known what is not nearer."""
    colour = rng.random((3, 12, 16), np.float32)
    squares = rng.uniform(-90, 60, (12, 16)).astype(np.float32)
    n = np.array([nearer(LADDER, q) for q in squares.ravel()]).T.reshape(-1, 12, 16)
    for k in range(7):
        stack = cut_into(LADDER, k, squares, colour)
        cover = n[k] - n[k + 1]
        np.testing.assert_allclose(stack[:3], cover * colour, atol=1e-6)
        np.testing.assert_allclose(stack[3], cover, atol=1e-6)
        np.testing.assert_allclose(stack[4], 1 - n[k + 1], atol=1e-6)


@given(st.floats(-81, 49, width=32))
def test_a_surface_cut_into_all_layers_is_whole(square):
    squares, colour = np.full((1, 1), square, np.float32), np.full((3, 1, 1), 0.5, np.float32)
    stacks = np.array([cut_into(LADDER, k, squares, colour) for k in range(7)], float)
    assert stacks.min() >= 0
    np.testing.assert_allclose(stacks.sum(0)[:4, 0, 0], [0.5, 0.5, 0.5, 1], atol=2**-23)
    assert (stacks[:, 3, 0, 0] @ SQUARES) == pytest.approx(square, rel=1e-5, abs=1e-5)
    known = stacks[:, 4, 0, 0]
    assert np.all(np.diff(known) >= 0)
    assert known[-1] == 1
    np.testing.assert_array_less(stacks[:, 3, 0, 0], known + 1e-6)


def test_a_surface_on_a_layer_is_in_no_other_to_the_last_bit():
    for k, square in enumerate(SQUARES):
        squares, colour = np.full((1, 1), square), np.ones((3, 1, 1), np.float32)
        covers = [cut_into(LADDER, j, squares, colour)[3, 0, 0] for j in range(7)]
        np.testing.assert_array_equal(covers, np.arange(7) == k)


# ---------------------------------------------------------------- cells of more than one
def drawing_of(rng, largest, shape=(52, 68), *, known=False):
    """Patches and slants with lamps, blurred up to `largest` px, made ready for drawing."""
    pixels = (rng.random((*shape, 3)) ** 6 * 3).astype(np.float32)
    patches = rng.uniform(-largest, largest, (4, 5)).round().astype(np.float32)
    patches[0, :2] = -largest, largest
    radius = cv2.resize(patches, shape[::-1], interpolation=cv2.INTER_NEAREST)
    # Below, patches lie on layers to the last bit.
    radius[: shape[0] // 2] *= np.linspace(1, 0.6, shape[1], dtype=np.float32)
    behind = coverage = None
    if known:
        coverage = rng.random(shape).astype(np.float32)
        behind = np.where(coverage < 0.3, radius - 4, radius).astype(np.float32)
    picture = Blurred(pixels, radius, np.float32(0), np.float32(1), behind, coverage)
    ladder = Ladder.spanning(*picture.ends(), ROUND)
    with ThreadPoolExecutor(2) as pool:
        return Drawing.of(picture, ladder, pool)


def evidence(drawing, group, v, u, seen):
    """(colour, share seen, further weight, signed square) of a cell's surfaces; None if it is
    one surface that hides nothing of the group."""
    s, picture, hidden = group.scale, drawing.picture, drawing.hidden
    height, width = picture.inverse.shape
    rows, columns = (
        [mirrored(i, side) for i in range(at * s, (at + 1) * s)]
        for at, side in ((v, height), (u, width))
    )
    pixels = [seen[y, x] for y in rows for x in columns]
    if s == 1:
        apart, (y, x) = len(pixels[0]) > 1, (v // 2, u // 2)
        colour, front = picture.pixels[v, u], float(pixels[0][0].radius)
    else:
        level = drawing.levels[s]
        apart = level.near[v, u] - level.far[v, u] > np.float32(0.25 * s)
        y, x = (
            min(at * s // 2 + s // 4, side - 1)
            for at, side in zip((v, u), hidden.radius.shape, strict=True)
        )
        colour, front = level.colour[v, u], float(level.near[v, u] + level.far[v, u]) / 2
    if apart:
        part = 1 / len(pixels)
        found = []
        for surfaces in pixels:
            found.append((surfaces[0].colour, part * surfaces[0].seen, 0, surfaces[0].radius))
            for back in surfaces[1:]:
                front_part = part * surfaces[0].seen * slices.GUESS
                found.append((back.colour, part * back.seen, front_part, back.radius))
        return [(*surface[:3], float(surface[3]) * abs(float(surface[3]))) for surface in found]
    behind = float(hidden.radius[y, x])
    low = drawing.ladder.neighbours(group.layers.start)[0]
    high = drawing.ladder.neighbours(group.layers.stop - 1)[1]
    if not (low < behind * abs(behind) < high and behind < front - BEHIND_PX):
        return None
    guess, nearest = np.empty(5, np.float32), drawing.levels[2].near[y, x]
    if not search(2, hidden.cells, hidden.shapes, hidden.around, y, x, nearest, guess):
        return None
    return [
        (guess[:3], 0, slices.GUESS, float(guess[3]) * abs(float(guess[3]))),
        (colour, 1, 0, front * abs(front)),
    ]


def record_of(ladder, layers, surfaces):
    """(n, 5): every surface covers its layers; it leaves farther ones unknown, as far as it is
    seen. What is only guessed is known in its own layers alone."""
    record = np.zeros((len(layers), 5))
    for colour, seen, guessed, square in surfaces:
        n = nearer(ladder, square)
        for at, k in enumerate(layers):
            cover, known = n[k] - n[k + 1], 1 - n[k + 1]
            weight = seen + guessed
            record[at, :4] += weight * cover * np.array([*colour, 1])
            record[at, 4] += seen * known + guessed * known * (cover > 0)
    return record


def places(along, size, reach):
    """The indices around a tile; beyond the frame those of the mirror image."""
    return np.pad(np.arange(size), reach, "symmetric")[along.start : along.stop + 2 * reach]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("largest", [8.0, 60.0])
def test_cells_of_more_surfaces_are_recorded_by_the_definition(largest, known, rng):
    """For a tile in the middle and in a corner, where the place goes past the frame."""
    drawing = drawing_of(rng, largest, known=known)
    seen, ladder = seen_surfaces(drawing.picture, drawing.mixed), drawing.ladder
    groups = [*ladder.far, ladder.centre, *ladder.near]
    assert len(groups) == (1 if largest < 12 else 7)
    apart, guessed = 0, 0
    for group in groups:
        s = group.scale
        tile = slice(40 // s, 52 // s), slice(0, 8 // s + 1)
        cells = drawing.cells(group, tile)
        v, u = (
            places(along, side, group.reach)
            for along, side in zip(
                tile,
                drawing.picture.inverse.shape if s == 1 else drawing.levels[s].near.shape,
                strict=True,
            )
        )
        at, records, squares = [], [], []
        twins = {}
        for i, j in np.ndindex(len(v), len(u)):
            cell = v[i], u[j]
            if cell not in twins:
                surfaces = evidence(drawing, group, *cell, seen)
                twins[cell] = (
                    surfaces,
                    (None if surfaces is None else record_of(ladder, group.layers, surfaces)),
                )
            if twins[cell][0] is not None:
                at.append((i, j))
                records.append(twins[cell][1])
                squares += [(i, j, surface[3]) for surface in twins[cell][0]]
                unseen = any(surface[1] == 0 for surface in twins[cell][0])
                apart, guessed = apart + (not unseen), guessed + unseen
        assert cells.count == len(at)
        assert at
        np.testing.assert_array_equal(cells.at[: cells.count], at)
        np.testing.assert_allclose(cells.records[: cells.count], records, atol=5e-5)
        for i, j, square in squares:
            assert cells.rows[0, i] <= square + 1e-3
            assert cells.rows[1, i] >= square - 1e-3
            assert cells.columns[0, j] <= square + 1e-3
            assert cells.columns[1, j] >= square - 1e-3
    assert apart > 100
    assert guessed > 100


def test_records_replace_their_cells_in_a_layer(rng):
    records, at = rng.random((6, 3, 5), np.float32), np.int32([[2, 3], [4, 9], [5, 5], [9, 9]] * 2)
    stack = np.zeros((5, 4, 7), np.float32)
    slices.put_records(records, at[:6], 3, 1, 2, 3, stack)  # the place begins at (2, 3)
    twin = np.zeros_like(stack)
    twin[:, 0, 0], twin[:, 2, 6], twin[:, 3, 2] = records[0, 1], records[1, 1], records[2, 1]
    np.testing.assert_array_equal(stack, twin)


# ---------------------------------------------------------------- laying over
def test_over_is_the_over_operator(rng):
    stack, seen = rng.random((5, 9, 11), np.float32), rng.random((4, 9, 11), np.float32)
    stack[4] = np.maximum(stack[3], 0.2)  # nothing covers more than is known
    stack[:4, :2] = 0  # nothing of the layer here
    stack[4, 8] = slices.LEAST_KNOWN / 2
    share = np.where((stack[4] >= slices.LEAST_KNOWN) & (stack[3] > 0), 1 / stack[4], 0)
    own = np.minimum(stack[3] * share, 1)
    twin = seen * (1 - own)
    twin[:3] += stack[:3] * share
    twin[3] += own
    untouched = seen[:, :2].copy()
    slices.over(stack, seen)
    np.testing.assert_allclose(seen, twin, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(seen[:, :2], untouched)


def test_layers_of_one_surface_cover_it_whole():
    """Transmittances telescope: slanted ground laid layer by layer has no gaps."""
    squares = np.linspace(-81, 49, 40, dtype=np.float32)[None]
    colour = np.full((3, 1, 40), 0.3, np.float32)
    seen = np.zeros((4, 1, 40), np.float32)
    for k in range(7):
        slices.over(cut_into(LADDER, k, squares, colour), seen)
    np.testing.assert_allclose(seen[3], 1, atol=1e-6)
    np.testing.assert_allclose(seen[:3], 0.3, atol=1e-6)


def test_premultiplied_planes_are_laid_over_others(rng):
    front, seen = rng.random((2, 4, 9, 11), np.float32)
    twin = front + seen * (1 - front[3])
    kept = front.copy()
    slices.over_premultiplied(front, seen)
    np.testing.assert_allclose(seen, twin, rtol=1e-5)
    np.testing.assert_array_equal(front, kept)


@pytest.mark.parametrize("floor", [0.0, -0.3])
def test_finishing_divides_by_the_cover_and_keeps_above_the_floor(floor, rng):
    seen = rng.random((4, 9, 11), np.float32)
    seen[:3] -= 0.3
    seen[3, 0] = 0
    twin = np.maximum(seen[:3] / np.maximum(seen[3], 1e-6), floor)
    slices.finish(seen, np.float32(floor))
    np.testing.assert_allclose(seen[:3], twin, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (6, 8), (13, 7)])
def test_doubled_is_bilinear(shape, rng):
    """As OpenCV enlarges by two, the last values going on past the borders."""
    coarse = rng.random((4, *shape), np.float32)
    twin = np.stack(
        [cv2.resize(p, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR) for p in coarse]
    )
    out = np.empty((4, 2 * shape[0], 2 * shape[1]), np.float32)
    slices.doubled(coarse, 0, 0, out)
    np.testing.assert_allclose(out, twin, atol=1e-6)


@given(st.data())
def test_a_place_of_the_doubled_is_a_place(data):
    height, width = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    coarse = np.random.default_rng(height * 10 + width).random((2, height, width), np.float32)
    whole = np.empty((2, 2 * height, 2 * width), np.float32)
    slices.doubled(coarse, 0, 0, whole)
    top, left = 2 * data.draw(st.integers(0, height - 1)), 2 * data.draw(st.integers(0, width - 1))
    bottom = data.draw(st.integers(top + 1, 2 * height))
    right = data.draw(st.integers(left + 1, 2 * width))
    part = np.empty((2, bottom - top, right - left), np.float32)
    slices.doubled(coarse, top, left, part)
    np.testing.assert_allclose(part, whole[:, top:bottom, left:right], atol=1e-6)
