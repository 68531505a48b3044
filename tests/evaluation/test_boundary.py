"""Boundary F1 and recall against plain loops, cases by hand, and what they are blind to."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.errors import ShapeError
from depthfx.evaluation.boundary import boundary_f1, boundary_recall

f32 = np.float32
STEPS = [(0, 1), (0, -1), (1, 0), (-1, 0)]
LIMITS = [1.05 + 0.2 * k / 9 for k in range(10)]

# Few levels, so that steps of all sizes, and none, are common; 0 is infinitely far.
levels = st.sampled_from([0, 1, 1.1, 1.2, 1.5, 2, 4])
planes = arrays(f32, (5, 6), elements=levels)
masks = arrays(np.bool_, (5, 6), elements=st.booleans())
factors = st.sampled_from([2.0**power for power in range(-8, 9)])


def hides(inverse, known, i, j, limit):
    """Whether pixel i hides its neighbour j: the paper's c(i, j), in inverse depth."""
    return known[i] and known[j] and inverse[i] > limit * inverse[j]


def contours(inverse, known, limit, gap=1):
    """All (i, j, direction) where i hides the pixel `gap` further on, one pixel at a time."""
    height, width = inverse.shape
    found = set()
    for row in range(height):
        for column in range(width):
            for direction, (down, right) in enumerate(STEPS):
                other = (row + gap * down, column + gap * right)
                inside = 0 <= other[0] < height and 0 <= other[1] < width
                if inside and hides(inverse, known, (row, column), other, limit):
                    found.add(((row, column), other, direction))
    return found


def thinned(inverse, known, limit):
    """`contours`, of each run in a line the one with the largest ratio, the first of equals."""
    found = contours(inverse, known, limit)
    kept = set()
    for direction, (down, right) in enumerate(STEPS):
        # Pairs are known by their upper or left pixel and walked from there.
        pairs = {min(i, j): (i, j, direction) for i, j, d in found if d == direction}
        step = (abs(down), abs(right))
        for start in pairs:
            if (start[0] - step[0], start[1] - step[1]) in pairs:
                continue
            run, here = [], start
            while here in pairs:
                run.append(pairs[here])
                here = (here[0] + step[0], here[1] + step[1])
            kept.add(max(run, key=lambda pair: ratio(inverse, *pair[:2])))
    return kept


def ratio(inverse, i, j):
    return float(inverse[i]) / float(inverse[j]) if inverse[j] else math.inf


def weighted(scores):
    told = [
        (score, limit) for score, limit in zip(scores, LIMITS, strict=True) if score is not None
    ]
    total = sum(limit for _, limit in told)
    return sum(score * limit for score, limit in told) / total if told else math.nan


def in_direction(found, direction):
    return {pair for pair in found if pair[2] == direction}


def mean_share(hits, of):
    shares = [
        len(in_direction(hits, d)) / max(len(in_direction(of, d)), 1) for d in range(len(STEPS))
    ]
    return sum(shares) / 4


def loop_f1(predicted, truth, known, gap=1, as_published=False):
    scores = []
    for limit in LIMITS:
        found, true = (contours(plane, known, limit, gap) for plane in (predicted, truth))
        hits = found & true
        if as_published:
            p, r = mean_share(hits, found), mean_share(hits, true)
            scores.append(2 * p * r / (p + r) if p + r else 0.0)
        elif not found and not true:
            scores.append(None)
        elif not hits:
            scores.append(0.0)
        else:
            p, r = len(hits) / len(found), len(hits) / len(true)
            scores.append(2 * p * r / (p + r))
    return weighted(scores)


def loop_recall(predicted, matte, known, as_published=False):
    true = contours((matte > 0.1).astype(f32), known, 1)
    if not true:
        return math.nan
    scores = []
    for limit in LIMITS:
        hits = thinned(predicted, known, limit) & true
        scores.append(mean_share(hits, true) if as_published else len(hits) / len(true))
    return weighted(scores)


@pytest.mark.parametrize("as_published", [False, True])
@settings(max_examples=60, deadline=None)
@given(planes, planes, masks, st.sampled_from([1, 2]))
def test_f1_is_what_plain_loops_give(as_published, predicted, truth, known, gap):
    ours = boundary_f1(predicted, truth, known, gap_px=gap, as_published=as_published)
    expected = loop_f1(predicted, truth, known, gap, as_published)
    assert ours == pytest.approx(expected, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("as_published", [False, True])
@settings(max_examples=60, deadline=None)
@given(planes, arrays(f32, (5, 6), elements=st.sampled_from([0, 0.05, 0.2, 1])), masks)
def test_recall_is_what_plain_loops_give(as_published, predicted, matte, known):
    ours = boundary_recall(predicted, matte, known, as_published=as_published)
    expected = loop_recall(predicted, matte, known, as_published)
    assert ours == pytest.approx(expected, abs=1e-12, nan_ok=True)


def step(at, low=1.0, high=2.0, width=8):
    """Rows that are far up to column `at` and near from there."""
    return np.repeat(np.where(np.arange(width) < at, low, high)[None], 3, 0).astype(f32)


def disc(shift=0, size=64):
    rows, columns = np.mgrid[:size, :size]
    return np.where(np.hypot(rows - 32, columns - 32 - shift) < 16, 1.0, 0.25).astype(f32)


def test_the_truth_scores_one_and_a_plain_wall_nothing():
    assert boundary_f1(disc(), disc()) == pytest.approx(1)
    assert boundary_f1(np.ones_like(disc()), disc()) == 0
    assert math.isnan(boundary_f1(step(4, 1, 1), step(4, 2, 2)))


def test_a_step_seen_at_half_of_the_thresholds_by_hand():
    """1.15 is above the first five limits: 1.05, 1.0722, 1.0944, 1.1167 and 1.1389."""
    expected = (1.05 + 1.0722 + 1.0944 + 1.1167 + 1.1389) / 11.5
    assert boundary_f1(step(4, 1, 1.15), step(4)) == pytest.approx(expected, abs=1e-4)


def test_an_outline_with_near_and_far_exchanged_is_none():
    assert boundary_f1(step(4, 2, 1), step(4, 1, 2)) == 0


def test_one_pixel_off_is_missed_and_half_forgiven_by_pairs_two_apart():
    assert boundary_f1(step(5), step(4)) == 0
    assert boundary_f1(step(5), step(4), gap_px=2) == pytest.approx(0.5)


def test_half_of_what_is_seen_is_true():
    """One true outline and a false one: precision 1/2, recall 1, F1 2/3."""
    seen = step(4)
    seen[:, 6:] = 4
    assert boundary_f1(seen, step(4)) == pytest.approx(2 / 3)


def test_the_published_count_gives_a_perfect_map_of_one_side_a_quarter():
    """Of the four directions three have no outline, and count as missed."""
    assert boundary_f1(step(4), step(4), as_published=True) == pytest.approx(0.25)
    assert boundary_f1(disc(), disc(), as_published=True) == pytest.approx(1)


def test_unknown_pixels_have_no_say():
    seen, known = step(4), np.ones((3, 8), bool)
    seen[1, 6], known[1, 6] = 50, False
    assert boundary_f1(seen, step(4)) < 1
    assert boundary_f1(seen, step(4), known) == pytest.approx(1)


def test_the_sky_is_hidden_by_anything_and_hides_nothing():
    assert boundary_f1(step(4, 0, 0.001), step(4)) == pytest.approx(1)
    assert boundary_f1(step(4, 0, 0), step(4)) == 0


def test_the_farther_off_an_outline_the_lower_its_score():
    scores = [boundary_f1(disc(shift), disc()) for shift in range(4)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_the_softer_an_outline_the_lower_its_score():
    blurred = [disc()] + [cv2.GaussianBlur(disc(), (0, 0), sigma) for sigma in (0.5, 1, 3)]
    scores = [boundary_f1(each, disc()) for each in blurred]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.5 * scores[0]


@settings(deadline=None)
@given(planes, planes, masks, factors)
def test_f1_is_blind_to_scale_symmetric_and_within_bounds(a, b, known, factor):
    score = boundary_f1(a, b, known)
    same = [
        boundary_f1(a * f32(factor), b, known),
        boundary_f1(b, a, known),
        boundary_f1(a[:, ::-1], b[:, ::-1], known[:, ::-1]),
        boundary_f1(a.T, b.T, known.T),
    ]
    assert math.isnan(score) or 0 <= score <= 1
    assert same == pytest.approx([score] * 4, abs=1e-12, nan_ok=True)


@settings(deadline=None)
@given(planes, st.sampled_from([0, 1, 0.5]), factors)
def test_recall_is_blind_to_scale_and_within_bounds(predicted, level, factor):
    matte = np.zeros((5, 6), f32)
    matte[1:4, 2:5] = 1
    matte[2, 2] = level
    score = boundary_recall(predicted, matte)
    assert 0 <= score <= 1
    assert boundary_recall(predicted * f32(factor), matte) == pytest.approx(score, abs=1e-12)


def test_a_subject_in_front_is_found_and_one_behind_is_not():
    matte = (disc() > 0.5).astype(f32)
    assert boundary_recall(disc(), matte) == pytest.approx(1)
    assert boundary_recall(disc().max() + 1 - disc(), matte) == 0
    assert boundary_recall(np.ones_like(disc()), matte) == 0
    assert math.isnan(boundary_recall(disc(), np.ones_like(matte)))


def test_outlines_inside_the_subject_cost_nothing():
    matte = (disc() > 0.5).astype(f32)
    inner = disc()
    inner[28:36, 28:36] = 3
    assert boundary_recall(inner, matte) == pytest.approx(1)


@pytest.mark.parametrize(("at", "found"), [(3, 0), (4, 1), (5, 0)])
def test_of_a_ramp_only_the_steepest_step_counts(at, found):
    ramp = np.repeat(f32([[1, 1, 1, 1.3, 2.0, 2.6, 2.6]]), 3, 0)  # factors 1.3, 1.54, 1.3
    matte = np.repeat((np.arange(7) >= at).astype(f32)[None], 3, 0)
    assert boundary_recall(ramp, matte) == pytest.approx(found)


@pytest.mark.parametrize(("at", "found"), [(3, 1), (4, 0), (5, 0)])
def test_of_equal_steps_the_first_counts(at, found):
    ramp = np.repeat(f32([[1, 1, 1, 2, 4, 8, 8]]), 3, 0)
    matte = np.repeat((np.arange(7) >= at).astype(f32)[None], 3, 0)
    assert boundary_recall(ramp, matte) == pytest.approx(found)


@pytest.mark.parametrize(("alpha", "recall"), [(0.05, 0), (0.15, 1)])
def test_a_tenth_of_cover_is_subject(alpha, recall):
    """The fringe of a matte belongs to it from 0.1 on, which moves the outline."""
    matte = np.repeat(f32([[0, 0, 0, alpha, 1, 1, 1, 1]]), 3, 0)
    assert boundary_recall(step(3), matte) == pytest.approx(recall)


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"planes of one size, got \(64, 64\), \(3, 8\)"):
        boundary_f1(disc(), step(4))
    with pytest.raises(ShapeError, match="one size"):
        boundary_recall(disc(), disc(), np.ones((3, 8), bool))
