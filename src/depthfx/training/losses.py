"""Losses on inverse depth and on mattes.

All take (N, H, W) float32 tensors and give one number: the mean over the
samples that have the target, zero if none has.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TINY = 1e-6


def _mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    chosen = chosen.float()
    return (values * chosen).sum() / chosen.sum().clamp_min(1.0)


def log_error(predicted: Tensor, truth: Tensor, metric: Tensor) -> Tensor:
    """Mean |log predicted - log truth| of canonical inverse depth, metric samples only."""
    known = (truth > 0).float()
    error = (predicted.clamp_min(TINY).log() - truth.clamp_min(TINY).log()).abs() * known
    per_sample = error.sum((1, 2)) / known.sum((1, 2)).clamp_min(1.0)
    return _mean_over(per_sample, metric & (known.sum((1, 2)) > 0))


def align(predicted: Tensor, truth: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Both with median zero and mean deviation one over the known pixels.

    R. Ranftl et al., "Towards Robust Monocular Depth Estimation", 2020, eq. 5.
    """

    def normal(x: Tensor) -> Tensor:
        flat = torch.where(known, x, torch.full_like(x, float("nan"))).flatten(1)
        median = flat.nanmedian(1).values.nan_to_num()[:, None, None]
        spread = ((x - median).abs() * known).sum((1, 2)) / known.sum((1, 2)).clamp_min(1)
        return (x - median) / spread.clamp_min(1e-4)[:, None, None]

    return normal(predicted), normal(truth)


def affine_invariant(predicted: Tensor, truth: Tensor, keep: float = 0.8) -> Tensor:
    """MAE after alignment, the worst pixels dropped (`keep` is the share that counts)."""
    known = truth > 0
    a, b = align(predicted, truth, known)
    error = torch.where(known, (a - b).abs(), torch.zeros_like(a)).flatten(1)
    count = known.flatten(1).sum(1)
    ordered = error.sort(1).values
    # Unknown pixels count zero and come first; the worst known ones last.
    rank = torch.arange(error.shape[1], device=error.device)[None]
    last = error.shape[1] - (count * (1 - keep)).long()[:, None]
    kept = (ordered * (rank < last)).sum(1) / (count * keep).clamp_min(1)
    return _mean_over(kept, count > 0)


def gradient(predicted: Tensor, truth: Tensor, scales: int = 4) -> Tensor:
    """Differences of neighbours after alignment, over `scales` halvings (MegaDepth)."""
    known = truth > 0
    a, b = align(predicted, truth, known)
    error = torch.where(known, a - b, torch.zeros_like(a))
    total = predicted.new_zeros(())
    for scale in range(scales):
        step = 2**scale
        e, k = error[:, ::step, ::step], known[:, ::step, ::step]
        for dim in (1, 2):
            both = k.narrow(dim, 1, k.shape[dim] - 1) & k.narrow(dim, 0, k.shape[dim] - 1)
            total = total + _mean_over(e.diff(dim=dim).abs(), both)
    return total / scales


def ordinal(predicted: Tensor, truth: Tensor, pairs: int = 1024, ratio: float = 1.08) -> Tensor:
    """Random pixel pairs whose true depths differ by more than `ratio`, ranked rightly."""
    n, pixels = truth.shape[0], truth[0].numel()
    i, j = torch.randint(pixels, (2, n, pairs), device=truth.device)
    flat, logs = truth.flatten(1), predicted.clamp_min(TINY).log().flatten(1)
    a, b = flat.gather(1, i), flat.gather(1, j)
    sign = (a > b * ratio).float() - (b > a * ratio).float()
    counts = (a > 0) & (b > 0) & (sign != 0)
    margin = sign * (logs.gather(1, i) - logs.gather(1, j))
    return _mean_over(F.softplus(-margin * 6) / 6, counts)


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
    logs, flat = predicted.clamp_min(TINY).log().flatten(1), matte.flatten(1)
    inside = flat.gather(1, index[0]) > 0.9
    background = flat.gather(1, index[1])
    outside = (background < 0.1) & (background >= 0) & (rows[1] <= rows[0])
    margin = logs.gather(1, index[0]) - logs.gather(1, index[1])
    return _mean_over(F.softplus((0.1 - margin) * 6) / 6, inside & outside)


def matte_loss(logits: Tensor, matte: Tensor) -> Tensor:
    """Cross entropy, soft overlap and outline sharpness of the matte, where one is known."""
    known = matte[:, 0, 0] >= 0
    target = matte.clamp(0, 1)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((1, 2))
    alpha = logits.sigmoid()
    both, either = (alpha * target).sum((1, 2)), (alpha + target - alpha * target).sum((1, 2))
    overlap = 1 - (both + 1) / (either + 1)
    edges = (alpha.diff(dim=1) - target.diff(dim=1)).abs().mean((1, 2)) + (
        alpha.diff(dim=2) - target.diff(dim=2)
    ).abs().mean((1, 2))
    return _mean_over(entropy + 0.5 * overlap + 2 * edges, known)
