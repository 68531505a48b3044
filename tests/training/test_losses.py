"""Losses: zero at the truth, blind to what they should be blind to, and only to that."""

import math
from itertools import pairwise

import pytest
import torch

from depthfx.training import losses

ALL = torch.ones(3, dtype=torch.bool)


@pytest.fixture
def truth():
    torch.manual_seed(1)
    return torch.rand(3, 24, 32) + 0.1


def affine(predicted, truth, exact=ALL):
    return losses.affine_invariant(losses.aligned_error(predicted, truth), truth, exact)


def test_scale_and_shift_do_not_count(truth):
    moved = 2.5 * truth + 0.3
    error = losses.aligned_error(moved, truth)
    assert affine(moved, truth) < 1e-5
    assert losses.gradient(error, truth) < 1e-5
    assert all(v < 1e-5 for v in losses.derivatives(error, truth > 0).values())


def test_turning_depth_round_counts(truth):
    assert affine(2 - truth, truth) > 0.5


def test_unknown_pixels_do_not_count(truth):
    spoilt = truth.clone()
    spoilt[:, :5] = 9
    holes = truth.clone()
    holes[:, :5] = 0
    assert affine(spoilt, holes) < 1e-5
    assert losses.log_error(spoilt, holes, ALL, ALL) == 0
    assert losses.mae(spoilt, holes, ALL, ALL) == 0


def test_the_worst_fifth_is_dropped_on_real_data_only(truth):
    spoilt = truth.clone()
    spoilt[:, :3] += 50  # an eighth of the rows
    for loss in (losses.log_error, losses.mae):
        assert loss(spoilt, truth, ALL, ~ALL) < 1e-6
        assert loss(spoilt, truth, ALL, ALL) > 0.1


def test_the_drawn_quantile_is_near_that_of_all():
    torch.manual_seed(0)
    values = torch.rand(4, 100, 130)
    known = torch.rand(4, 100, 130) > 0.3
    found = losses._quantile(values, known, 0.8).flatten()
    for sample, there, quantile in zip(values, known, found, strict=True):
        assert quantile == pytest.approx(sample[there].quantile(0.8).item(), abs=0.03)


def test_log_error_is_the_log_of_the_factor(truth):
    metric = torch.tensor([True, True, False])
    assert losses.log_error(truth * 2, truth, metric, ALL) == pytest.approx(math.log(2), abs=1e-4)
    assert losses.log_error(truth, truth, ~ALL, ALL) == 0


def test_derivatives_of_a_known_surface():
    """The error 0.1 x has slope 0.1 and no bend; halving doubles slopes per pixel."""
    error = 0.1 * torch.arange(64.0)[None, None].repeat(1, 64, 1)
    sharp = torch.ones(1, 64, 64, dtype=torch.bool)
    one = losses.derivatives(error, sharp, scales=1)
    assert one["mage"] == pytest.approx(0.1, rel=1e-4)
    assert one["msge"] == pytest.approx(0.01, rel=1e-4)
    assert one["male"] < 1e-6
    two = losses.derivatives(error, sharp, scales=2)
    assert two["mage"] == pytest.approx((0.1 + 0.2) / 2, rel=1e-4)


def test_derivatives_count_where_the_truth_is_sharp():
    error = torch.zeros(1, 32, 32)
    error[:, :, :8] = torch.rand(32, 8)
    sharp = torch.zeros(1, 32, 32, dtype=torch.bool)
    sharp[:, :, 16:] = True
    assert losses.derivatives(error, sharp)["mage"] == 0
    assert losses.derivatives(error, ~sharp)["mage"] > 0.01


def _step(width: int) -> torch.Tensor:
    """Inverse depth 1 left, 0.4 right, with a ramp of `width` pixels between."""
    x = ((torch.arange(64.0) - 32 + width / 2) / width).clamp(0, 1)
    return (1 - 0.6 * x)[None, None].repeat(1, 48, 1)


def test_a_step_scores_better_the_sharper_it_is():
    truth, sharp = _step(1), torch.ones(1, 48, 64, dtype=torch.bool)
    scores = [losses.outline(_step(width), truth, sharp) for width in (1, 4, 8, 16)]
    assert scores[0] < 1e-6
    assert all(a < b - 0.02 for a, b in pairwise(scores))


def test_outlines_know_which_side_is_nearer_and_where_they_are():
    truth, sharp = _step(1), torch.ones(1, 48, 64, dtype=torch.bool)
    assert losses.outline(1.4 - truth, truth, sharp) > 0.9
    assert losses.outline(truth.roll(8, 2), truth, sharp) > 0.9
    # Where no truth is sharp nothing is asked; a factor on all depths is no matter of outlines.
    assert losses.outline(1.4 - truth, truth, ~sharp) == 0
    assert losses.outline(3 * truth, truth, sharp) == pytest.approx(
        losses.outline(truth, truth, sharp).item(), abs=1e-5
    )


def test_a_ramp_is_pulled_towards_the_step():
    """Its gradient, followed, sharpens."""
    truth, sharp = _step(1), torch.ones(1, 48, 64, dtype=torch.bool)
    logs = _step(6).log().requires_grad_()
    before = losses.outline(logs.exp(), truth, sharp)
    before.backward()
    after = losses.outline((logs - 0.5 * logs.grad / logs.grad.abs().max()).exp(), truth, sharp)
    assert after < before


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


def test_the_best_answer_on_the_view_has_the_error_it_expects():
    """Laplace: the likeliest deviation is sqrt(2) times the mean absolute error."""
    truth = torch.tensor([0.0, 0.2, -0.2, float("nan")])
    told = torch.linspace(-4, 1, 2001)
    views = [torch.stack([torch.zeros(4), s.expand(4)], 1) for s in told]
    costs = [losses.view_loss(view, truth) for view in views]
    best = told[torch.stack(costs).argmin()].exp()
    assert best == pytest.approx(math.sqrt(2) * 0.4 / 3, rel=0.01)


def test_coarse_maps_are_held_against_the_mean_of_the_logs():
    truth = torch.rand(2, 16, 24) + 0.2
    pooled = torch.nn.functional.avg_pool2d(truth.log()[:, None], 4)[:, 0].exp()
    metric = torch.tensor([True, False])
    assert losses.coarse_log_error([pooled], truth, metric) < 1e-5
    # A factor counts only where the scale is known.
    assert losses.coarse_log_error([2 * pooled], truth, ~metric & ~metric[[1, 0]]) < 1e-5
    assert losses.coarse_log_error([2 * pooled], truth, metric) == pytest.approx(
        math.log(2) / 2, rel=1e-4
    )
