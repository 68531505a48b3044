"""Losses on inverse depth, on mattes and on the field of view.

All take (N, h, w) float32 tensors, inverse depth being canonical and 0 where the truth is
unknown, and give one number: the mean over what has the target, zero if nothing has.
`known` and `sharp` are (N, h, w) bool; `metric` and `exact` (N,) bool.

What is taken from "Depth Pro" (A. Bochkovskii et al., 2024, section 3.2) keeps its names
there: `mae` with the worst fifth dropped on real data, `mage`, `male` and `msge` on
derivatives at several scales.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TINY = 1e-6
KEEP = 0.8
"""Share of the pixels of real data that count; the worst others are the sensor's faults."""
EVERY = 7
"""Medians and quantiles are those of every so many pixels, which is far quicker than of all.
Odd, so that all columns are met."""
FEWEST_BREAKS = 20
"""Samples with fewer broken pairs are too smooth for a score of breaks."""


def _mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    chosen = chosen.float()
    return (values * chosen).sum() / chosen.sum().clamp_min(1.0)


def _quantile(values: Tensor, known: Tensor, share: float | Tensor) -> Tensor:
    """Quantile of the known values of each sample, (N, 1, 1), from every seventh pixel."""
    some, there = values.flatten(1)[:, ::EVERY], known.flatten(1)[:, ::EVERY]
    # What is unknown is sorted behind all else.
    ordered = torch.where(there, some, torch.inf).sort(1).values
    rank = ((there.sum(1, keepdim=True) - 1) * share).long().clamp_min(0)
    found = ordered.gather(1, rank)
    return torch.where(there.any(1, keepdim=True), found, 0.0)[..., None]


def trimmed_mean(error: Tensor, known: Tensor, keep: Tensor) -> Tensor:
    """Mean of the smallest `keep` (N, 1), a share, of the known errors of each sample: (N,)."""
    limit = _quantile(error.detach(), known, keep)
    counts = (known & ((error <= limit) | (keep[..., None] >= 1))).float()
    return (error * counts).sum((1, 2)) / counts.sum((1, 2)).clamp_min(1.0)


def _keep(exact: Tensor) -> Tensor:
    return torch.where(exact, 1.0, KEEP)[:, None]


def log_error(predicted: Tensor, truth: Tensor, metric: Tensor, exact: Tensor) -> Tensor:
    """Mean |log predicted - log truth|, metric samples only, the worst of real ones dropped."""
    known = truth > 0
    error = (predicted.clamp_min(TINY).log() - truth.clamp_min(TINY).log()).abs()
    return _mean_over(trimmed_mean(error, known, _keep(exact)), metric & known.any(2).any(1))


def mae(predicted: Tensor, truth: Tensor, metric: Tensor, exact: Tensor) -> Tensor:
    """Mean |predicted - truth|, metric samples only, the worst of real ones dropped."""
    known = truth > 0
    error = trimmed_mean((predicted - truth).abs(), known, _keep(exact))
    return _mean_over(error, metric & known.any(2).any(1))


def align(values: Tensor, known: Tensor) -> Tensor:
    """`values` with median zero and mean deviation one over the known pixels.

    R. Ranftl et al., "Towards Robust Monocular Depth Estimation", 2020, eq. 5.
    """
    centred = values - _quantile(values, known, 0.5)
    spread = (centred.abs() * known).sum((1, 2)) / known.sum((1, 2)).clamp_min(1)
    return centred / spread.clamp_min(1e-4)[:, None, None]


def aligned_error(predicted: Tensor, truth: Tensor) -> Tensor:
    """Difference after alignment, (N, h, w), zero where the truth is unknown.

    The losses that are blind to scale and shift all begin with it.
    """
    known = truth > 0
    return torch.where(known, align(predicted, known) - align(truth, known), 0.0)


def affine_invariant(error: Tensor, truth: Tensor, exact: Tensor) -> Tensor:
    """Mean `aligned_error`, the worst pixels of real data dropped."""
    known = truth > 0
    return _mean_over(trimmed_mean(error.abs(), known, _keep(exact)), known.any(2).any(1))


def gradient(error: Tensor, truth: Tensor, scales: int = 4) -> Tensor:
    """Differences of neighbours in `aligned_error` over `scales` halvings.

    Z. Li, N. Snavely, "MegaDepth", CVPR 2018: pixels are skipped, not averaged, so it serves
    for real data with holes.
    """
    known = truth > 0
    total = error.new_zeros(())
    for scale in range(scales):
        step = 2**scale
        e, k = error[:, ::step, ::step], known[:, ::step, ::step]
        for dim in (1, 2):
            both = k.narrow(dim, 1, k.shape[dim] - 1) & k.narrow(dim, 0, k.shape[dim] - 1)
            total = total + _mean_over(e.diff(dim=dim).abs(), both)
    return total / scales


def halve(values: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Both at half the size: means of 2 x 2 where all four are `chosen`."""
    return (
        F.avg_pool2d(values[:, None], 2)[:, 0],
        -F.max_pool2d(-chosen[:, None].float(), 2)[:, 0] > 0.5,
    )


def derivatives(error: Tensor, sharp: Tensor, scales: int = 4) -> dict[str, Tensor]:
    """`mage`, `male` and `msge` of `aligned_error` where the truth is `sharp`.

    Mean absolute first (Scharr) and second (Laplace) derivative, and mean square of the
    first, over a pyramid of averages. Being those of the difference, they vanish exactly
    where prediction and truth have the same derivatives.
    """
    scharr = error.new_tensor([[-3.0, 0, 3], [-10, 0, 10], [-3, 0, 3]]) / 32
    laplace = error.new_tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]) / 4
    kernels = torch.stack([scharr, scharr.T, laplace])[:, None]
    sums = {name: error.new_zeros(()) for name in ("mage", "male", "msge")}
    for scale in range(scales):
        if scale:
            error, sharp = halve(error, sharp)
        if min(error.shape[1:]) < 3:
            break
        whole = F.avg_pool2d(sharp[:, None].float(), 3, 1)[:, 0] > 0.99
        dx, dy, bend = F.conv2d(error[:, None], kernels).unbind(1)
        sums["mage"] = sums["mage"] + _mean_over(dx.abs() + dy.abs(), whole) / scales
        sums["male"] = sums["male"] + _mean_over(bend.abs(), whole) / scales
        sums["msge"] = sums["msge"] + _mean_over(dx.square() + dy.square(), whole) / scales
    return sums


def outline(predicted: Tensor, truth: Tensor, sharp: Tensor, ratio: float = 1.15) -> Tensor:
    """One minus a soft F1 score of depth breaks, where the truth is `sharp`.

    A break is a pair of pixels two apart, along a row or a column, whose depths differ by
    more than `ratio`; which of the two is nearer counts. That is the boundary score of
    "Depth Pro" (eq. 3) with s^2 / (s^2 + limit^2) for the threshold, so that it has a
    gradient; a true break is found in full only by a step of its own size. Mean errors
    hardly see a ramp in the place of a step, nor prefer a step a pixel off to none; this does.
    """
    logs, true_logs = predicted.clamp_min(TINY).log(), truth.clamp_min(TINY).log()
    limit = math.log(ratio)
    right = counts = breaks = predicted.new_zeros(len(predicted))
    for dim in (1, 2):
        n = logs.shape[dim] - 2
        step = logs.narrow(dim, 2, n) - logs.narrow(dim, 0, n)
        true_step = true_logs.narrow(dim, 2, n) - true_logs.narrow(dim, 0, n)
        valid = sharp.narrow(dim, 2, n) & sharp.narrow(dim, 0, n)
        squared, true_squared = step.square(), true_step.square()
        square_limit = (0.25 * true_squared).clamp_min(limit * limit)
        strength = squared / (squared + square_limit)
        true_strength = true_squared / (true_squared + square_limit)
        broken = valid & (true_squared > limit * limit)
        agrees = broken & (step * true_step > 0)
        found = torch.where(agrees, (strength / true_strength.clamp_min(TINY)).clamp_max(1), 0)
        # False: a step the wrong way, or one where there is none of its size.
        false = torch.where(broken, strength, (strength - true_strength).clamp_min(0))
        right = right + found.sum((1, 2))
        counts = counts + (found + torch.where(valid & ~agrees, false, 0)).sum((1, 2))
        breaks = breaks + broken.sum((1, 2))
    return _mean_over(1 - 2 * right / (counts + breaks).clamp_min(1), breaks >= FEWEST_BREAKS)


def ordinal(predicted: Tensor, truth: Tensor, pairs: int = 1024, ratio: float = 1.08) -> Tensor:
    """Random pixel pairs whose true depths differ by more than `ratio`, ranked rightly."""
    n, pixels = truth.shape[0], truth[0].numel()
    i, j = torch.randint(pixels, (2, n, pairs), device=truth.device)
    flat, predicted = truth.flatten(1), predicted.flatten(1)
    a, b = flat.gather(1, i), flat.gather(1, j)
    sign = (a > b * ratio).float() - (b > a * ratio).float()
    counts = (a > 0) & (b > 0) & (sign != 0)
    one, other = (predicted.gather(1, k).clamp_min(TINY).log() for k in (i, j))
    return _mean_over(F.softplus(sign * (other - one) * 6) / 6, counts)


def subject_in_front(predicted: Tensor, matte: Tensor, pairs: int = 1024) -> Tensor:
    """Where only a matte is known: the subject is nearer than what stands above or beside it.

    Weak knowledge, so one random subject pixel against one background pixel no
    lower in the frame; ground in front of the subject never counts.
    """
    n, h, w = matte.shape
    rows, cols = (torch.randint(k, (2, n, pairs), device=matte.device) for k in (h, w))
    # Half of the pairs lie close together, where the outline has to be.
    near = torch.arange(pairs, device=matte.device) % 2 == 0
    rows[1] = torch.where(near, rows[0] - rows[1] % 8, rows[1]).clamp(0, h - 1)
    cols[1] = torch.where(near, cols[0] + cols[1] % 25 - 12, cols[1]).clamp(0, w - 1)
    index = rows * w + cols
    depth, flat = predicted.flatten(1), matte.flatten(1)
    inside = flat.gather(1, index[0]) > 0.9
    background = flat.gather(1, index[1])
    outside = (background < 0.1) & (background >= 0) & (rows[1] <= rows[0])
    front, back = (depth.gather(1, k).clamp_min(TINY).log() for k in index)
    return _mean_over(F.softplus((0.1 - front + back) * 6) / 6, inside & outside)


def matte_loss(logits: Tensor, matte: Tensor) -> Tensor:
    """Cross entropy, soft overlap and outline sharpness of the matte, where one is known."""
    known = matte[:, 0, 0] >= 0
    target = matte.clamp(0, 1)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((1, 2))
    alpha = logits.sigmoid()
    both, either = (alpha * target).sum((1, 2)), (alpha + target - alpha * target).sum((1, 2))
    overlap = 1 - (both + 1) / (either + 1)
    error = alpha - target
    edges = error.diff(dim=1).abs().mean((1, 2)) + error.diff(dim=2).abs().mean((1, 2))
    return _mean_over(entropy + 0.5 * overlap + 2 * edges, known)


def view_loss(view: Tensor, truth: Tensor) -> Tensor:
    """Negative log likelihood of log focal share (N,) under a Laplace density, NaN unknown.

    `view` (N, 2): mean and log of the standard deviation. Laplace's tails forgive the few
    focal lengths that nobody could guess (A. Kendall, Y. Gal, NeurIPS 2017, use the same).
    """
    known = truth.isfinite()
    mean, log_deviation = view.unbind(1)
    log_deviation = log_deviation.clamp(-4.0, 2.0)
    # A Laplace density of scale b has the standard deviation sqrt(2) b.
    error = (mean - truth.nan_to_num()).abs() * math.sqrt(2.0)
    return _mean_over(error * torch.exp(-log_deviation) + log_deviation, known)


def coarse_log_error(coarse: list[Tensor], truth: Tensor, metric: Tensor) -> Tensor:
    """Deep supervision: `log_error` of coarser maps against the truth averaged to their size.

    Averages are of the logarithms of what is known; metric samples count in full, of the
    others the mean log error of each sample is taken off first, which leaves their shape.
    """
    known = (truth > 0).float()
    logs = truth.clamp_min(TINY).log() * known
    total = truth.new_zeros(())
    for inverse in coarse:
        size = (inverse.shape[1], inverse.shape[2])
        share = F.adaptive_avg_pool2d(known[:, None], size)[:, 0]
        mean = F.adaptive_avg_pool2d(logs[:, None], size)[:, 0]
        there = (share > 0.5).float()
        error = (inverse.clamp_min(TINY).log() - mean / share.clamp_min(0.5)) * there
        count = there.sum((1, 2))
        offset = error.sum((1, 2)) / count.clamp_min(1)
        error = error - torch.where(metric, 0.0, offset)[:, None, None] * there
        total = total + _mean_over(error.abs().sum((1, 2)) / count.clamp_min(1), count > 0)
    return total / max(1, len(coarse))
