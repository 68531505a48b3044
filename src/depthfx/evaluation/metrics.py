"""How far a depth map is from the truth, in the figures that papers print.

Every function takes inverse depth, predicted and true, as arrays of one shape and any
scale, and `known`, bool of that shape: where the truth is known. z stands for depth,
q = 1/z for inverse depth, a star for the truth. Where the truth is infinitely far (q* = 0)
no error in depth can be told, so the errors leave it out; the order of pixels and the
alignments use it. Nothing known is no figure: NaN.

A prediction up to scale and shift is first aligned (`align_affine`, `align_affine_robust`),
one up to scale scaled (`align_scale`), and a metric one measured as it is, `floored`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ShapeError

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]

DRAWN, PAIRS, FEWEST_PAIRS = 60_000, 2_000, 200
PAIR_RATIO = 1.10
"""Pairs of pixels whose depths differ by less have no order worth asking for."""


def abs_rel(predicted: Plane, truth: Plane, known: Mask) -> float:
    """Mean of |z - z*| / z*, 0 for a perfect map (Eigen et al., NeurIPS 2014)."""
    q, true = _finite(predicted, truth, known)
    with np.errstate(divide="ignore"):
        return _mean(np.abs(true / q - 1))


def delta(predicted: Plane, truth: Plane, known: Mask, power: int = 1) -> float:
    """Share of pixels with max(z / z*, z* / z) < 1.25 ** power (Ladicky et al., CVPR 2014)."""
    q, true = _finite(predicted, truth, known)
    with np.errstate(divide="ignore"):
        ratio = true / q
        return _mean(np.maximum(ratio, 1 / ratio) < 1.25**power)


def rmse(predicted: Plane, truth: Plane, known: Mask) -> float:
    """Root of the mean of (z - z*)^2, in the unit of z: metres where both are in 1/m."""
    q, true = _finite(predicted, truth, known)
    with np.errstate(divide="ignore"):
        return float(np.sqrt(_mean((1 / q - 1 / true) ** 2)))


def si_log(predicted: Plane, truth: Plane, known: Mask, share: float = 1.0) -> float:
    """Root of the scale-invariant error of log depth (Eigen et al., NeurIPS 2014, eq. 4).

    With d = ln z - ln z*, the root of mean(d^2) - share * mean(d)^2. At share = 1, the
    paper's evaluation (eq. 1) and KITTI's SILog over 100, a common factor costs nothing;
    at 0 it is the plain error of log depth; the paper trains with 0.5. Infinite if an
    inverse depth of 0 is predicted where the truth is nearer.
    """
    q, true = _finite(predicted, truth, known)
    if not q.size or q.min() <= 0:
        return float("inf") if q.size else float("nan")
    d = np.log(true) - np.log(q)
    return float(np.sqrt(max(np.mean(d**2) - share * np.mean(d) ** 2, 0.0)))


def ordinal(predicted: Plane, truth: Plane, known: Mask, seed: int) -> float:
    """Share of random pairs of pixels in the right order of depth; a tie counts half.

    The first 2000 of 60000 drawn pairs whose true depths differ by more than 10 %; the same
    pairs for the same `seed` and truth. NaN if fewer than 200 do: too flat to have an order.
    After Chen et al., "Single-Image Depth Perception in the Wild", NeurIPS 2016.
    """
    q, true = _known(predicted, truth, known)
    if q.size < 2:
        return float("nan")
    i, j = np.random.default_rng(seed).integers(0, q.size, (2, DRAWN))
    low, high = np.minimum(true[i], true[j]), np.maximum(true[i], true[j])
    apart = np.flatnonzero(high > low * PAIR_RATIO)[:PAIRS]
    if apart.size < FEWEST_PAIRS:
        return float("nan")
    i, j = i[apart], j[apart]
    right = np.sign(q[i] - q[j]) == np.sign(true[i] - true[j])
    return _mean(np.where(q[i] == q[j], 0.5, right))


def align_affine(predicted: Plane, truth: Plane, known: Mask) -> Plane:
    """`predicted` under the scale and shift that bring it nearest to the truth.

    Least squares in inverse depth over the known pixels (Ranftl et al., "Towards Robust
    Monocular Depth Estimation", TPAMI 2022, eq. 4), the scale never below zero: a map that
    has near and far exchanged is not put right. `floored`, as all aligned maps are.
    """
    q, true = _known(predicted, truth, known)
    if not q.size:
        return predicted
    spread = q - q.mean()
    power = float(spread @ spread)
    # A constant map has no scale; its rounding is no spread.
    flat = power <= q.size * (1e-7 * float(np.abs(q).max())) ** 2
    scale = 0.0 if flat else max(float(spread @ (true - true.mean())) / power, 0.0)
    return _aligned(predicted, truth, known, scale, true.mean() - scale * q.mean())


def align_affine_robust(predicted: Plane, truth: Plane, known: Mask) -> Plane:
    """The same by the median and the mean deviation from it, which outliers move less.

    Both maps have median t(q) and scale s(q) = mean |q - t(q)| (Ranftl et al., eq. 5); the
    prediction's are made those of the truth.
    """
    q, true = _known(predicted, truth, known)
    if not q.size:
        return predicted
    middle, true_middle = float(np.median(q)), float(np.median(true))
    width, true_width = np.mean(np.abs(q - middle)), np.mean(np.abs(true - true_middle))
    scale = float(true_width / width) if width > 1e-7 * np.abs(q).max() else 0.0
    return _aligned(predicted, truth, known, scale, true_middle - scale * middle)


def align_scale(predicted: Plane, truth: Plane, known: Mask) -> Plane:
    """`predicted` times the ratio of the medians, the same in depth and in inverse depth.

    Zhou et al., "Unsupervised Learning of Depth and Ego-Motion from Video", CVPR 2017.
    """
    q, true = _finite(predicted, truth, known)
    if not q.size:
        return predicted
    middle = float(np.median(q))
    scale = float(np.median(true)) / middle if middle > 0 else 1.0
    return _aligned(predicted, truth, known, scale, 0.0)


def floored(predicted: Plane, truth: Plane, known: Mask) -> Plane:
    """`predicted`, nowhere below half of the smallest true inverse depth that is not 0.

    So depth stays finite: farther than twice the farthest truth counts as twice as far.
    """
    return _aligned(predicted, truth, known, 1.0, 0.0)


def focal_error(seen_px: float, true_px: float) -> float:
    """Relative error |f - f*| / f* of a focal length."""
    return abs(seen_px - true_px) / true_px


def focal_share(errors: Sequence[float], below: float) -> float:
    """Share of photos whose `focal_error` is less than `below`.

    The delta 25 % and delta 50 % of the Depth Pro paper (Bochkovskii et al., 2024, table 3)
    for 0.25 and 0.5.
    """
    return _mean(np.asarray(errors, np.float64) < below)


def _aligned(predicted: Plane, truth: Plane, known: Mask, scale: float, shift: float) -> Plane:
    _, true = _finite(predicted, truth, known)
    floor = 0.5 * float(true.min()) if true.size else 0.0
    moved = scale * predicted.astype(np.float64) + shift
    return np.maximum(moved, floor).astype(np.float32)


def _known(predicted: Plane, truth: Plane, known: Mask) -> tuple[Values, Values]:
    """The known values, predicted and true, one row each; raises ShapeError."""
    if not predicted.shape == truth.shape == known.shape:
        raise ShapeError(
            f"prediction {predicted.shape}, truth {truth.shape} and known {known.shape} "
            "must have one shape"
        )
    return predicted[known].astype(np.float64), truth[known].astype(np.float64)


def _finite(predicted: Plane, truth: Plane, known: Mask) -> tuple[Values, Values]:
    """The same where the true depth is finite."""
    q, true = _known(predicted, truth, known)
    return q[true > 0], true[true > 0]


def _mean(values: NDArray) -> float:
    return float(np.mean(values)) if values.size else float("nan")
