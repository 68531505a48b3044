"""Figures of depth maps against cases worked out by hand, and what they must be blind to."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.errors import ShapeError
from depthfx.evaluation import metrics

f32 = np.float32
TRUTH = 1 / f32([[1, 2, 4, 5]])
PREDICTED = 1 / f32([[1, 2.4, 6, 10]])  # factors 1, 1.2, 1.5 and 2
ALL = np.ones(TRUTH.shape, bool)

inverses = arrays(f32, (4, 5), elements=st.floats(0.125, 8, width=32))
factors = st.sampled_from([2.0**power for power in range(-6, 7)])
ERRORS = [metrics.abs_rel, metrics.rmse, metrics.si_log]


def ramp(rows=30, columns=40):
    return np.geomspace(0.1, 10, rows * columns, dtype=f32).reshape(rows, columns)


def everywhere(plane):
    return np.ones(plane.shape, bool)


def test_abs_rel_by_hand():
    assert metrics.abs_rel(PREDICTED, TRUTH, ALL) == pytest.approx((0 + 0.2 + 0.5 + 1) / 4)


def test_deltas_by_hand():
    shares = [metrics.delta(PREDICTED, TRUTH, ALL, power) for power in (1, 2, 3)]
    assert shares == [0.5, 0.75, 0.75]  # limits 1.25, 1.5625, 1.953


def test_delta_counts_too_near_as_too_far():
    assert metrics.delta(TRUTH, PREDICTED, ALL) == metrics.delta(PREDICTED, TRUTH, ALL)


def test_a_factor_of_exactly_1_25_is_out():
    one = np.ones((1, 1), f32)
    assert metrics.delta(one * f32(1.25), one, one > 0) == 0


def test_rmse_by_hand():
    assert metrics.rmse(PREDICTED, TRUTH, ALL) == pytest.approx(2.7)  # of 0, 0.4, 2, 5 metres


@pytest.mark.parametrize(("share", "square"), [(0, 0.5), (0.5, 0.375), (1, 0.25)])
def test_scale_invariant_log_error_by_hand(share, square):
    predicted, truth = f32([[1, 2]]), f32([[1, 1]])  # d is 0 and -ln 2
    error = metrics.si_log(predicted, truth, truth > 0, share)
    assert error == pytest.approx(math.log(2) * math.sqrt(square))


@settings(deadline=None)
@given(inverses)
def test_the_truth_is_perfect(truth):
    known = everywhere(truth)
    assert [error(truth, truth, known) for error in ERRORS] == [0, 0, 0]
    assert metrics.delta(truth, truth, known) == 1


@settings(deadline=None)
@given(inverses, inverses, factors)
def test_scale_invariant_log_error_is_blind_to_scale(predicted, truth, factor):
    known = everywhere(truth)
    plain = metrics.si_log(predicted, truth, known)
    assert metrics.si_log(predicted * f32(factor), truth, known) == pytest.approx(plain, abs=1e-6)
    assert metrics.si_log(truth, predicted, known) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("error", [*ERRORS, metrics.delta])
def test_unknown_pixels_and_infinitely_far_ones_have_no_say(error):
    """NaN where nothing is known, 0 where the truth is the sky."""
    truth = np.hstack([TRUTH, f32([[np.nan, 0]])])
    predicted = np.hstack([PREDICTED, f32([[np.nan, 3]])])
    known = np.array([[True, True, True, True, False, True]])
    assert error(predicted, truth, known) == error(PREDICTED, TRUTH, ALL)


@pytest.mark.parametrize("error", [*ERRORS, metrics.delta])
def test_nothing_known_is_no_figure(error):
    assert math.isnan(error(PREDICTED, TRUTH, ~ALL))


def test_infinity_predicted_for_something_near_is_an_infinite_error():
    predicted = PREDICTED.copy()
    predicted[0, 1] = 0
    assert [error(predicted, TRUTH, ALL) for error in ERRORS] == [math.inf] * 3
    assert metrics.delta(predicted, TRUTH, ALL) == 0.25


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"\(1, 3\).*\(1, 4\).*one shape"):
        metrics.abs_rel(PREDICTED[:, :3], TRUTH, ALL)


def test_order_is_right_reversed_or_a_coin():
    truth = ramp()
    known = everywhere(truth)
    assert metrics.ordinal(truth, truth, known, 3) == 1
    assert metrics.ordinal(-truth, truth, known, 3) == 0
    assert metrics.ordinal(np.ones_like(truth), truth, known, 3) == 0.5


def test_order_by_hand():
    """Three bands, the nearest two seen as one: their pairs are ties."""
    truth = np.repeat(f32([[1], [2], [4]]), 300, 1)
    seen = np.repeat(f32([[1], [3], [3]]), 300, 1)
    # Of the pairs of two bands, drawn evenly, a third is of the upper two.
    assert metrics.ordinal(seen, truth, everywhere(truth), 0) == pytest.approx(5 / 6, abs=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), factors)
def test_order_is_blind_to_any_rising_curve(seed, factor):
    truth = ramp()
    seen = np.random.default_rng(seed).random(truth.shape, f32) + f32(0.5)
    known = everywhere(truth)
    plain = metrics.ordinal(seen, truth, known, seed)
    assert metrics.ordinal(seen * f32(factor), truth, known, seed) == plain
    assert metrics.ordinal(seen.astype(np.float64) ** 3 - 7, truth, known, seed) == plain


def test_order_exchanged_between_two_maps_far_apart_in_depth_is_the_same():
    """Both maps have the same pairs to ask for, as every pair differs in both."""
    a = np.geomspace(1, 1e300, 1200).reshape(30, 40)
    b = np.random.default_rng(1).permutation(a.ravel()).reshape(a.shape)
    known = everywhere(a)
    assert metrics.ordinal(a, b, known, 5) == metrics.ordinal(b, a, known, 5)


def test_a_flat_truth_has_no_order():
    flat = np.random.default_rng(0).uniform(1, 1.09, (30, 40)).astype(f32)
    assert math.isnan(metrics.ordinal(flat, flat, everywhere(flat), 0))
    assert math.isnan(metrics.ordinal(flat, flat, ~everywhere(flat), 0))


def test_affine_alignment_by_hand():
    predicted, truth = f32([[0, 1, 2]]), f32([[1, 2, 6]])
    aligned = metrics.align_affine(predicted, truth, truth > 0)
    np.testing.assert_allclose(aligned, [[0.5, 3, 5.5]], rtol=1e-6)  # slope 2.5, shift 0.5


def test_alignment_by_medians_by_hand():
    predicted, truth = f32([[0, 1, 3, 5, 6]]), f32([[2, 3, 4, 4, 12]])
    # Medians 3 and 4, mean deviations 10 / 5 and 11 / 5.
    aligned = metrics.align_affine_robust(predicted, truth, truth > 0)
    expected = 4 + (predicted - 3) * 1.1
    np.testing.assert_allclose(aligned, np.maximum(expected, 1), rtol=1e-6)


def test_scaling_by_hand():
    predicted, truth = f32([[1, 2, 30]]), f32([[3, 5, 6]])
    aligned = metrics.align_scale(predicted, truth, truth > 0)
    np.testing.assert_allclose(aligned, [[2.5, 5, 75]])


@pytest.mark.parametrize("align", [metrics.align_affine, metrics.align_affine_robust])
@settings(deadline=None)
@given(inverses, factors, st.floats(-2, 2, width=32))
def test_a_scaled_and_shifted_truth_is_perfect_after_alignment(align, truth, factor, shift):
    moved = ((truth + f32(shift)) * f32(factor)).astype(f32)
    aligned = align(moved, truth, everywhere(truth))
    np.testing.assert_allclose(aligned, truth, atol=2e-5)


@settings(deadline=None)
@given(inverses, factors)
def test_a_scaled_truth_is_perfect_after_scaling(truth, factor):
    aligned = metrics.align_scale(truth * f32(factor), truth, everywhere(truth))
    np.testing.assert_allclose(aligned, truth, rtol=1e-6)


def test_near_and_far_exchanged_is_not_put_right():
    truth = ramp()
    aligned = metrics.align_affine(-truth, truth, everywhere(truth))
    np.testing.assert_allclose(aligned, truth.mean(), rtol=1e-6)


def test_medians_are_moved_less_by_a_wild_row():
    truth = ramp()
    predicted = truth.copy()
    predicted[0] = 30
    rest = np.s_[1:]
    known = everywhere(truth)
    plain = metrics.align_affine(predicted, truth, known)[rest]
    robust = metrics.align_affine_robust(predicted, truth, known)[rest]
    errors = [metrics.abs_rel(each, truth[rest], known[rest]) for each in (robust, plain)]
    assert errors[0] < 0.5 * errors[1]


@pytest.mark.parametrize(
    "align",
    [metrics.align_affine, metrics.align_affine_robust, metrics.align_scale, metrics.floored],
)
def test_what_is_aligned_stays_within_reach_and_leaves_its_input_alone(align):
    truth = f32([[0, 0.2, 1, 2]])
    predicted = f32([[0, 0, 3, 1]])
    predicted.flags.writeable = truth.flags.writeable = False
    aligned = align(predicted, truth, np.ones(truth.shape, bool))
    assert aligned.dtype == f32
    assert aligned.min() >= 0.1  # half of 0.2, the farthest that is not infinite


@pytest.mark.parametrize(
    "align", [metrics.align_affine, metrics.align_affine_robust, metrics.align_scale]
)
def test_a_constant_map_becomes_a_constant(align):
    truth = ramp()
    aligned = align(np.full(truth.shape, f32(0.3)), truth, everywhere(truth))
    assert np.ptp(aligned) == 0
    assert truth.min() < aligned[0, 0] < truth.max()


def test_focal_errors_by_hand():
    assert metrics.focal_error(1200, 1000) == pytest.approx(0.2)
    assert metrics.focal_error(800, 1000) == pytest.approx(0.2)
    errors = [0.1, 0.25, 0.3, 0.6]
    assert metrics.focal_share(errors, 0.25) == 0.25
    assert metrics.focal_share(errors, 0.5) == 0.75


def test_figures_agree_with_the_reference_scorer(shared):
    """Order, delta1 and AbsRel, on real truth spoilt by noise, a scale and a shift."""
    from depthfx.evaluation.pairs import pairs_in
    from depthfx.evaluation.score import load_scorer

    scorer = load_scorer(shared / "rgbd")
    rng = np.random.default_rng(0)
    items = [item for item in pairs_in(shared / "rgbd" / "eval") if item.source != "people"]
    for item in items[::12]:
        pair = item.load()
        truth, known = pair.truth, pair.known
        if (truth[known] == 0).any():
            continue  # the scorer takes what is infinitely far for 300 m
        noise = rng.normal(0, 0.1, truth.shape)
        seen = (truth * np.exp(noise) * 3 + 0.2).astype(f32)
        expected = scorer.score_image(seen, truth, known, 7, edges=False)
        aligned = metrics.align_affine(seen, truth, known)
        assert metrics.ordinal(seen, truth, known, 7) == expected["ordinal"]
        assert metrics.delta(aligned, truth, known) == pytest.approx(expected["delta1"], abs=1e-4)
        assert metrics.abs_rel(aligned, truth, known) == pytest.approx(expected["absrel"], abs=1e-6)
