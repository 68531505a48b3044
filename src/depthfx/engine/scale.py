"""Metres for depth of unknown scale, and how far metres can be believed.

Relative networks answer inverse depth up to scale and shift: `true = scale * seen + shift`
in 1/m. One known distance or length gives the scale; three or more distances well apart, or
a sparse map, give the shift as well. What has metres already gets a scale only. Inverse
depth of 0 stays 0: nothing makes the sky a wall, and nothing is ever infinitely near.

The fit has the least absolute deviations of the logarithm: errors count as shares, near or
far, too near or too far, and a good part of the values may be wrong. It is found by
iteratively reweighted least squares (E. J. Schlossmacher, "An Iterative Technique for
Absolute Deviations Curve Fitting", JASA 68, 1973).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import FOCAL_UNCERTAINTY, Camera, FocalOrigin
from depthfx.depth import Depth, Plane
from depthfx.engine.find import ASPECT_TOLERANCE
from depthfx.engine.known import (
    KnownDistance,
    KnownLength,
    Place,
    metres_words,
    place_words,
)
from depthfx.errors import DepthError

TAPE_UNCERTAINTY = 0.02
"""Of a length that a person measured or knows."""
CLICK_PX = 2.0
"""How far off the ends of a length are named, together."""
SUBJECT_UNCERTAINTY = 0.2
"""Of EXIF's subject distance, which is the lens's own idea of where it was focused."""

CONTRADICTION = 0.25
"""A known distance that the others put farther off than this is refused."""
APART = 0.1
"""Spread of relative inverse depth (1 at its 99th percentile) from which on a shift shows."""
VANISHING = 1e-5
"""Inverse depth below this share of the largest is infinitely far: no scale comes from it."""
MISFIT, UNLIKE = 0.5, 0.3
"""A map half of which is farther off than the one, and whose order of distances correlates with
the photo's less than the other, is of something else."""
MOST_SAMPLES = 50_000

Values = NDArray[np.float64]


def measured(
    depth: Depth, words: str, error: float, scale: float = 1.0, shift: float = 0.0
) -> Depth:
    """`depth` with `scale * inverse + shift` in 1/m, measured: it does not follow from the lens.

    words : added to its origin; error : share by which all metres may be off together
    """

    def moved(plane: Plane) -> Plane:
        there = np.float32(scale) * plane + np.float32(shift)
        return np.where(plane > 0, np.maximum(there, 0), 0).astype(np.float32)

    told = replace(
        depth,
        metric=True,
        origin=f"{depth.origin}, {words}" if words else depth.origin,
        scale_error=error,
    )
    if scale == 1 and shift == 0:
        return told
    behind = None if depth.behind is None else moved(depth.behind)
    return replace(told, inverse=moved(depth.inverse), behind=behind)


def metres_uncertainty(depth: Depth, camera: Camera) -> float:
    """Share s by which metres of `depth` may be off: likely between z / (1 + s) and z (1 + s).

    What was measured has its own error. A network's metres are as uncertain as the focal
    length of `camera` (it sees angles; size over angle is distance), and what the model
    is off by itself comes on top.
    """
    if depth.scale_error is not None:
        return depth.scale_error
    focal = FOCAL_UNCERTAINTY[camera.origin]
    if camera.origin is FocalOrigin.NETWORK and depth.focal_error is not None:
        focal = depth.focal_error
    return math.hypot(focal, depth.model_error or 0)


def scale_by_known(
    depth: Depth,
    camera: Camera,
    distances: Sequence[KnownDistance] = (),
    lengths: Sequence[KnownLength] = (),
) -> Depth:
    """`depth` in the metres that known distances and lengths give it.

    camera : of the photo; its focal length turns lengths across the picture into distances

    Raises DepthError if one of them lies in the sky, or more than 25 % off what all
    together say.
    """
    knowns: list[KnownDistance | KnownLength] = [*distances, *lengths]
    seen = np.array([_seen_at(depth, known.place, known) for known in distances])
    true = np.array([1 / known.metres for known in distances])
    if _shift_shows(depth, seen) and len(distances) >= 3 and not lengths:
        scale, shift = fit_line(seen, true)
        if scale <= 0:
            raise DepthError(
                "the known distances contradict this photo's depth: what they say is nearer "
                "lies farther in it; check the places they are given for"
            )
    else:
        factors = [_length_scale(depth, camera, known) for known in lengths]
        scale, shift = fit_scale(np.ones(len(knowns)), np.array([*(true / seen), *factors])), 0.0
    found = [1 / max(scale * x + shift, 1e-9) for x in seen]
    found += [_length_scale(depth, camera, known) * known.metres / scale for known in lengths]
    off = [math.log(value / known.metres) for value, known in zip(found, knowns, strict=True)]
    _refuse_contradiction(knowns, found, off, hint=not depth.metric and shift == 0)
    spread = float(np.sqrt(np.mean(np.square(off))))
    error = max(
        [TAPE_UNCERTAINTY] * bool(distances)
        + [_length_error(depth, camera, known) for known in lengths]
    )
    words = f"scaled by {knowns[0]}" if len(knowns) == 1 else _words(len(knowns), off, shift)
    return measured(depth, words, math.hypot(error, spread), scale, shift)


def align_to(depth: Depth, reference: Depth, known: NDArray[np.bool_] | None = None) -> Depth:
    """`depth` in the metres of `reference`, another depth of the same frame.

    reference : metric; of any size of the same frame, its own edges do not matter
    known : bool of the reference's shape, where it is believed; None: everywhere

    What is infinitely far in either says nothing. Raises DepthError if the frames differ
    in shape, nothing is known, or the two have nothing in common.
    """
    seen, true = _laid_over(depth, reference, known)
    scale, shift = fit_scale(seen, true), 0.0
    off = _off(seen, true, scale, shift)
    if seen.size >= 10 and _shift_shows(depth, np.percentile(seen, [5, 95])):
        line = fit_line(seen, true)
        off_line = _off(seen, true, *line)
        if line[0] > 0 and np.median(np.abs(off_line)) < np.median(np.abs(off)):
            (scale, shift), off = line, off_line
    half = math.expm1(float(np.median(np.abs(off))))
    if half > MISFIT and _rank_correlation(seen, true) < UNLIKE:
        raise DepthError(
            f"{reference.origin} does not fit this photo's depth ({depth.origin}): half of it "
            f"is {half:.0%} off or more; is it of this photo, uncropped, and are its units right?"
        )
    words = f"scaled by {reference.origin}" + (" (scale and shift)" if shift else "")
    error = math.hypot(TAPE_UNCERTAINTY, half)
    return measured(depth, f"{words}, half within {half:.1%}", error, scale, shift)


def _laid_over(
    depth: Depth, reference: Depth, known: NDArray[np.bool_] | None
) -> tuple[Values, Values]:
    """Inverse depth at places where both are known: what `depth` has, what `reference` has."""
    (rows, columns), (height, width) = reference.shape, depth.shape
    if not reference.metric:
        raise DepthError(f"{reference.origin} is relative itself and gives no scale in metres")
    if abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        raise DepthError(
            f"{reference.origin} is {columns} x {rows}, which is another shape than the photo's "
            f"{width} x {height}; crop it as the photo was cropped"
        )
    there = reference.inverse > 0
    place = np.flatnonzero(there if known is None else there & known)
    if place.size > MOST_SAMPLES:
        place = place[np.random.default_rng(0).integers(0, place.size, MOST_SAMPLES)]
    y, x = np.divmod(place, columns)
    row = np.minimum((y + 0.5) / rows * height, height - 1).astype(int)
    column = np.minimum((x + 0.5) / columns * width, width - 1).astype(int)
    seen = depth.surface[row, column].astype(np.float64)
    true = reference.inverse.ravel()[place].astype(np.float64)
    near = seen > VANISHING * float(depth.inverse.max())
    if not near.any():
        raise DepthError(f"{reference.origin} knows no distance where this photo shows one")
    return seen[near], true[near]


def scale_by_subject(depth: Depth, where: Place, radius: float, metres: float) -> Depth:
    """Relative `depth` in the metres of EXIF's subject distance; as it was if that is sky.

    where, radius : the subject's place as shares of width and height, and its radius as a
        share of the diagonal
    """
    height, width = depth.shape
    reach = max(1, round(radius * math.hypot(width, height)))
    row, column = min(int(where[1] * height), height - 1), min(int(where[0] * width), width - 1)
    rows = slice(max(0, row - reach), row + reach + 1)
    columns = slice(max(0, column - reach), column + reach + 1)
    seen = float(np.median(depth.surface[rows, columns]))
    if seen <= VANISHING * float(depth.inverse.max()):
        return depth
    words = f"scaled by EXIF, subject at {metres_words(metres)}"
    return measured(depth, words, SUBJECT_UNCERTAINTY, 1 / (metres * seen))


def fit_line(seen: Values, true: Values) -> tuple[float, float]:
    """Scale and shift that bring `scale * seen + shift` nearest to `true` in share of it, robustly.

    seen, true : (N,) float64 inverse depths above 0, N >= 2

    A scale below 0 means that what is near in one is far in the other.
    """
    rows = np.stack([seen, np.ones_like(seen)], 1)
    line = np.array([fit_scale(seen, true), 0.0])
    for _ in range(50):
        there = np.maximum(rows @ line, 0.05 * true)
        # |log(there / true)|, from the square of a difference that is small beside both.
        off = np.maximum(np.abs(np.log(there / true)), 1e-4)
        weight = np.sqrt(1 / (there * true * off))
        line = np.linalg.lstsq(rows * weight[:, None], true * weight, rcond=None)[0]
    return float(line[0]), float(line[1])


def fit_scale(seen: Values, true: Values) -> float:
    """The same without a shift: the median of the logarithms."""
    return math.exp(float(np.median(np.log(true / seen))))


def _off(seen: Values, true: Values, scale: float, shift: float) -> Values:
    """Natural logarithms of what the fit makes of `seen` over `true`."""
    return np.log(np.maximum(scale * seen + shift, 1e-3 * true) / true)


def _rank_correlation(one: Values, other: Values) -> float:
    """Spearman's: 1 if both order the places alike, 0 if they have nothing in common."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.asarray(np.corrcoef(ranks))[0, 1]) if one.size > 2 else 1.0


def _shift_shows(depth: Depth, seen: Values) -> bool:
    """Whether `depth` is of unknown shift, and values `seen` in it lie far enough apart."""
    return not depth.metric and seen.size > 1 and float(np.ptp(seen)) >= APART


def _seen_at(depth: Depth, where: Place, known: KnownDistance | KnownLength) -> float:
    """Inverse depth at a place; raises DepthError naming `known` if it is infinitely far."""
    distance = depth.metres_at(*where)
    if not distance * VANISHING * float(depth.inverse.max()) < 1:  # nor if there is sky only
        raise DepthError(
            f"{known}: {place_words(where)} is infinitely far in this depth, which gives no "
            "scale; name a place nearer by"
        )
    return 1 / distance


def _ends(depth: Depth, camera: Camera, known: KnownLength) -> Values:
    """The two ends in space, (2, 3): x, y, z in units of `depth`."""
    points = []
    for x, y in (known.start, known.end):
        z = 1 / _seen_at(depth, (x, y), known)
        across = (x * camera.width - camera.cx) / camera.focal_px
        down = (y * camera.height - camera.cy) / camera.focal_px
        points.append((across * z, down * z, z))
    return np.array(points)


def _length_scale(depth: Depth, camera: Camera, known: KnownLength) -> float:
    """The length as it is in `depth` over what it should be: so much inverse depth has to grow."""
    start, end = _ends(depth, camera, known)
    return float(np.linalg.norm(end - start)) / known.metres


def _length_error(depth: Depth, camera: Camera, known: KnownLength) -> float:
    """Share by which a length may mislead: the tape, its ends in the picture, the lens."""
    share = FOCAL_UNCERTAINTY[camera.origin]
    longer = camera.with_focal(camera.focal_px * (1 + share), camera.origin)
    bent = abs(math.log(_length_scale(depth, camera, known) / _length_scale(depth, longer, known)))
    across = (known.end[0] - known.start[0]) * camera.width
    down = (known.end[1] - known.start[1]) * camera.height
    return math.hypot(TAPE_UNCERTAINTY, bent, CLICK_PX / max(math.hypot(across, down), 1.0))


def _refuse_contradiction(
    knowns: Sequence[KnownDistance | KnownLength],
    found: Sequence[float],
    off: Sequence[float],
    *,
    hint: bool,
) -> None:
    worst = int(np.argmax(np.abs(off)))
    share = math.expm1(abs(off[worst]))
    if share <= CONTRADICTION:
        return
    more = "; three distances well apart also find the shift of relative depth" if hint else ""
    raise DepthError(
        f"what is known contradicts itself: {knowns[worst]} would be "
        f"{metres_words(found[worst])} by all together, {share:.0%} off; correct one or leave it "
        f"out{more}"
    )


def _words(count: int, off: Sequence[float], shift: float) -> str:
    worst = math.expm1(max(map(abs, off)))
    how = "scale and shift" if shift else "scale"
    return f"{how} from {count} known distances that agree within {worst:.1%}"
