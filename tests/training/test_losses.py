"""Losses: zero at the truth, blind to what they should be blind to, and only to that."""

import pytest
import torch

from depthfx.training import losses


@pytest.fixture
def truth():
    torch.manual_seed(1)
    return torch.rand(3, 24, 32) + 0.1


def test_scale_and_shift_do_not_count(truth):
    assert losses.affine_invariant(2.5 * truth + 0.3, truth) < 1e-5
    assert losses.gradient(2.5 * truth + 0.3, truth) < 1e-5


def test_turning_depth_round_counts(truth):
    assert losses.affine_invariant(2 - truth, truth) > 0.5


def test_unknown_pixels_do_not_count(truth):
    spoilt = truth.clone()
    spoilt[:, :5] = 9
    holes = truth.clone()
    holes[:, :5] = 0
    assert losses.affine_invariant(spoilt, holes) < 1e-5


def test_the_worst_fifth_is_dropped(truth):
    spoilt = truth.clone()
    spoilt[:, :3] += 50  # an eighth of the rows
    # Alignment itself still sees the outliers, so something is left.
    assert losses.affine_invariant(spoilt, truth, keep=0.8) < 0.6 * losses.affine_invariant(
        spoilt, truth, keep=1.0
    )


def test_log_error_is_the_log_of_the_factor(truth):
    metric = torch.tensor([True, True, False])
    error = losses.log_error(truth * 2, truth, metric)
    assert error == pytest.approx(0.6931, abs=1e-4)
    assert losses.log_error(truth, truth, ~metric & metric) == 0


def test_right_order_costs_less_than_wrong(truth):
    torch.manual_seed(0)
    right = losses.ordinal(truth, truth)
    torch.manual_seed(0)
    assert right < 0.3 * losses.ordinal(1 / truth, truth)


def test_a_subject_in_front_costs_less_than_one_behind():
    matte = torch.zeros(1, 40, 40)
    matte[:, 10:30, 10:30] = 1
    front = losses.subject_in_front(1 + matte, matte)
    behind = losses.subject_in_front(2 - matte, matte)
    assert front < 0.1 * behind
    assert losses.subject_in_front(1 + matte, matte - 1) == 0


def test_matte_loss_falls_towards_the_truth():
    matte = torch.zeros(2, 20, 20)
    matte[:, 5:15, 5:15] = 1
    good, bad = (losses.matte_loss(k * (matte * 2 - 1), matte) for k in (9, -9))
    assert good < 0.02
    assert bad > 1
    assert losses.matte_loss(matte, matte * 0 - 1) == 0
