"""How well a depth map's outlines lie where the true ones are.

A. Bochkovskii et al., "Depth Pro: Sharp Monocular Metric Depth in Less Than a Second",
2024, section 3.2. Pixel i hides its neighbour j (right, left, below, above) at threshold t
where d(j) / d(i) > 1 + t: an occluding contour, with a direction. Only ratios of depth
count, so a common factor changes nothing; a shift of inverse depth does.

    P(t) = contours in both / contours predicted     R(t) = contours in both / true ones
    F1(t) = 2 P R / (P + R)

averaged over ten t, evenly from 5 % to 25 %, with weights that grow with t. Of a binary
mask b, i hides j where b(i) and not b(j). As a mask shows some contours only, there is
recall and no precision; a ramp of depth could then mark each of its pixels, so of each run
of predicted contours along their direction only the steepest counts.

The paper leaves open how the weights grow: they are proportional to 1 + t, as in the code
published with it. Where that code departs from the paper, the paper is followed, unless
`as_published` asks for figures to hold against published ones:

- the published code takes P and R in each of the four directions and their means, where
  equation 3 takes the sums over all pairs; a direction without contours then costs a
  quarter of the score, even of a perfect map;
- at a threshold that neither map crosses it counts F1 = 0; here that threshold has no
  say, so a perfect map scores 1;
- it knows no unknown pixels; here a pair with one of them is left out.

As in the published code, the steepest-of-a-run rule holds for recall against masks alone.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ShapeError

Mask = NDArray[np.bool_]
Counts = NDArray[np.float64]

LIMITS = 1 + np.linspace(0.05, 0.25, 10)
"""Ratios of depth above which two neighbours have an outline between them."""
FOREGROUND = 0.1
"""A matte above this is the subject (the paper's section 4)."""


def boundary_f1(
    predicted: Plane,
    truth: Plane,
    known: Mask | None = None,
    *,
    gap_px: int = 1,
    as_published: bool = False,
) -> float:
    """Weighted boundary F1 of two maps of inverse depth (H, W), 0 to 1; it is symmetric.

    known : (H, W) bool, where both are known; None: everywhere
    gap_px : how far apart the two pixels of a pair are. 1 is the paper's; a few pixels
        forgive an outline that is soft or off by less than that
    as_published : count as the code published with the paper does (see above)

    NaN if neither map has an outline. Raises ShapeError if sizes differ.
    """
    _check(predicted, truth, known)
    ratios = [_ratios(plane, known, gap_px) for plane in (predicted, truth)]
    scores = []
    for limit in LIMITS:
        found, true = ([r > limit for r in four] for four in ratios)
        hits = _counts([f & t for f, t in zip(found, true, strict=True)])
        scores.append(_f1(hits, _counts(found), _counts(true), as_published))
    return _weighted(scores)


def boundary_recall(
    predicted: Plane,
    matte: Plane,
    known: Mask | None = None,
    *,
    foreground: float = FOREGROUND,
    as_published: bool = False,
) -> float:
    """Weighted share of a matte's outline that inverse depth (H, W) has too, 0 to 1.

    matte : (H, W) float32 in 0..1, the subject where it is above `foreground`; the subject
        should be in front of what surrounds it
    known, as_published : see `boundary_f1`

    NaN if the matte has no outline. Raises ShapeError if sizes differ.
    """
    _check(predicted, matte, known)
    # Nearness 1 of the subject before nothing: the same comparison finds the mask's contours.
    inside = (matte > foreground).astype(np.float32)
    true = [ratio > 1 for ratio in _ratios(inside, known, 1)]
    there = _counts(true)
    if not there.sum():
        return float("nan")
    right, left, below, above = _ratios(predicted, known, 1)
    scores = []
    for limit in LIMITS:
        found = [_steepest(right, limit), _steepest(left, limit)]
        found += [_steepest(below.T, limit).T, _steepest(above.T, limit).T]
        hits = _counts([f & t for f, t in zip(found, true, strict=True)])
        scores.append(_share(hits, there, as_published))
    return _weighted(scores)


def _ratios(inverse: Plane, known: Mask | None, gap_px: int) -> list[NDArray[np.float64]]:
    """How many times nearer a pixel is than its neighbour, of all pairs in four directions.

    The pixel hides its left neighbour, its right one, the one above it, the one below. 0 for
    a pair that is not known.
    """
    known = np.ones(inverse.shape, np.bool_) if known is None else known
    ratios: list[NDArray[np.float64]] = []
    for axis in (1, 0):
        size = inverse.shape[axis]
        first, second = (
            np.s_[:, : size - gap_px] if axis else np.s_[: size - gap_px],
            np.s_[:, gap_px:] if axis else np.s_[gap_px:],
        )
        both = known[first] & known[second]
        ratios += [
            _ratio(inverse[second], inverse[first], both),
            _ratio(inverse[first], inverse[second], both),
        ]
    return ratios


def _ratio(near: Plane, far: Plane, both: Mask) -> NDArray[np.float64]:
    near, far = near.astype(np.float64), far.astype(np.float64)
    # Anything hides what is infinitely far, which hides nothing.
    ratio = np.where(near > 0, np.inf, 0.0)
    np.divide(near, far, out=ratio, where=far > 0)
    return np.where(both, ratio, 0.0)


def _steepest(ratios: NDArray[np.float64], limit: float) -> Mask:
    """Of each run of ratios above `limit` in a row, the largest; of equals, the first."""
    above = np.zeros((ratios.shape[0], ratios.shape[1] + 1), np.bool_)
    above[:, :-1] = ratios > limit  # the last column keeps the runs of two rows apart
    place = np.flatnonzero(above)
    chosen = np.zeros(above.shape, np.bool_)
    if place.size:
        values = np.pad(ratios, ((0, 0), (0, 1))).ravel()[place]
        starts = np.flatnonzero(np.diff(place, prepend=-2) > 1)
        run = np.repeat(np.arange(starts.size), np.diff(starts, append=place.size))
        largest = np.flatnonzero(values == np.maximum.reduceat(values, starts)[run])
        _, first = np.unique(run[largest], return_index=True)
        chosen.ravel()[place[largest[first]]] = True
    return chosen[:, :-1]


def _counts(contours: list[Mask]) -> Counts:
    return np.array([np.count_nonzero(each) for each in contours], np.float64)


def _share(hits: Counts, of: Counts, as_published: bool) -> float:
    """Hits over `of`, NaN for none of none; as published, the mean over directions."""
    if as_published:
        return float(np.mean(hits / np.maximum(of, 1)))
    return float(hits.sum() / of.sum()) if of.sum() else float("nan")


def _f1(hits: Counts, found: Counts, true: Counts, as_published: bool) -> float:
    if not as_published:
        return _share(2 * hits, found + true, False)
    precision, recall = _share(hits, found, True), _share(hits, true, True)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _weighted(scores: list[float]) -> float:
    """Mean of the scores of all `LIMITS` that have one, the larger limits weighing more."""
    values = np.array(scores)
    told = np.isfinite(values)
    return float(np.average(values[told], weights=LIMITS[told])) if told.any() else float("nan")


def _check(predicted: Plane, truth: Plane, known: Mask | None) -> None:
    shapes = [plane.shape for plane in (predicted, truth, known) if plane is not None]
    if len(shapes[0]) != 2 or any(a != b for a, b in pairwise(shapes)):
        raise ShapeError(f"boundaries need planes of one size, got {', '.join(map(str, shapes))}")
