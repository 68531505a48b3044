"""Camera moves: a few keys and what lies between them.

Between two keys everything that a key tells (place, target, roll, zoom, focus, opening) runs along
a cubic of time, given by its values and slopes at both ends (cubic Hermite). After Effects (ease of
33.33 % influence), Blender (handles a third of the way to the neighbour) and glTF (CUBICSPLINE)
draw the same curve from the same values and slopes, see docs/moves.md.

The slopes are those of the cubic spline of continuous acceleration (C. de Boor, "A Practical Guide
to Splines", 1978), at rest at both ends or periodic, then limited so that nothing runs past its
keys (J. M. Hyman, "Accurate monotonicity preserving cubic interpolation", 1983): a camera stays
within the box of its keys, and rests between two keys that are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.geometry.pose import Pose

Floats = NDArray[np.float64]

CHANNELS = (
    *("x", "y", "z", "target_x", "target_y", "target_z", "roll_deg", "zoom"),
    *("shift_x", "shift_y", "focus_inverse", "aperture_m"),
)
"""What a key tells, by name; of a key without target or focus, those are not a number."""

LEAST_DEPTH_SHARE = 1e-3
"""A focus that the camera has come this near to, or has passed, stays before it."""


@dataclass(frozen=True)
class Key:
    """The camera at one time of a shot.

    at : share of the shot, 0..1
    pose : where it stands, looks, and its zoom
    focus_inverse : what is in focus, by its inverse depth in the photo; None: everything is sharp
    aperture_m : diameter of the lens's opening, in metres or the unit of a relative depth: inverse
        depth w is blurred to a disc of `aperture_m * focal_px * abs(w - focus_inverse)` px
    """

    at: float
    pose: Pose
    focus_inverse: float | None = None
    aperture_m: float = 0.0

    @property
    def focus_seen_inverse(self) -> float | None:
        """Inverse depth of what is in focus as seen from `pose`: of the point straight ahead in the
        photo. One over it is the distance to which the lens of the moved camera is set."""
        if self.focus_inverse is None:
            return None
        forward = self.pose.rotation[2]
        depth_share = forward[2] - self.focus_inverse * float(forward @ self.pose.position)
        return self.focus_inverse / max(depth_share, LEAST_DEPTH_SHARE)

    def row(self) -> tuple[float, ...]:
        """Its values in the order of `CHANNELS`."""
        pose, nowhere = self.pose, (math.nan,) * 3
        focus = math.nan if self.focus_inverse is None else self.focus_inverse
        return (
            *(*pose.position, *(pose.target or nowhere), pose.roll_deg, pose.zoom),
            *(*pose.shift, focus, self.aperture_m),
        )


@dataclass(frozen=True, eq=False)
class Curve:
    """One value over a shot.

    at : (K,) float64, shares of the shot
    values, slopes : (K,) float64, the value at each key and its change for the length of the shot:
        divided by seconds or frames, the change for each second or frame
    """

    at: Floats
    values: Floats
    slopes: Floats

    @property
    def constant(self) -> bool:
        return bool(np.all(self.values == self.values[0]))


@dataclass(frozen=True)
class Move:
    """Keys of growing `at`, the first at 0, the last at 1.

    smooth : along the curves of `slopes`; not: straight and at even speed from key to key
    loop : the last key is the first again, and the shot goes on there without a jolt

    Raises ParameterError if the keys are not so, or some have a target or focus and some have none.
    """

    name: str
    keys: tuple[Key, ...]
    smooth: bool = True
    loop: bool = False

    def __post_init__(self) -> None:
        at, rows = self._at, self._rows
        if len(at) < 2 or at[0] != 0 or at[-1] != 1 or not np.all(np.diff(at) > 0):
            raise ParameterError(
                f"move {self.name!r}: its keys, at {', '.join(f'{a:g}' for a in at)}, must be two "
                "or more, grow, begin at 0 and end at 1"
            )
        known = ~np.isnan(rows)
        for what, channel in (("target", 3), ("focus", 10)):
            if known[:, channel].any() != known[:, channel].all():
                raise ParameterError(f"move {self.name!r}: give every key a {what}, or none")
        if not np.isfinite(rows[known]).all():
            raise ParameterError(f"move {self.name!r}: every number of a key must be finite")
        if self.loop and not np.array_equal(rows[0], rows[-1], equal_nan=True):
            raise ParameterError(f"move {self.name!r}: the last key of a loop must be as the first")

    @cached_property
    def _at(self) -> Floats:
        return np.array([key.at for key in self.keys])

    @cached_property
    def _rows(self) -> Floats:
        return np.array([key.row() for key in self.keys])

    @cached_property
    def slopes(self) -> Floats:
        """(K, 12) float64: slopes of `CHANNELS` at the keys, for each length of the shot.

        Only for a smooth move: between the keys of one that is not, everything is linear.
        """
        return _slopes(self._at, np.nan_to_num(self._rows), self.loop)

    def curves(self) -> dict[str, Curve]:
        """What a key tells over time, by the names of `CHANNELS`, without target or focus where
        there is none."""
        return {
            name: Curve(self._at, self._rows[:, c], self.slopes[:, c])
            for c, name in enumerate(CHANNELS)
            if not np.isnan(self._rows[0, c])
        }

    def at(self, share: float) -> Key:
        """The camera at a share of the shot; a loop goes on beyond 0 and 1, others rest there."""
        share = share % 1.0 if self.loop else min(max(share, 0.0), 1.0)
        k = min(int(np.searchsorted(self._at, share, side="right")), len(self._at) - 1) - 1
        span = self._at[k + 1] - self._at[k]
        t = (share - self._at[k]) / span
        from_row, to_row = self._rows[k], self._rows[k + 1]
        row = from_row + t * (to_row - from_row)
        if self.smooth:
            rise = to_row - from_row
            start, end = self.slopes[k] * span - rise, self.slopes[k + 1] * span - rise
            row = row + t * (1 - t) * ((1 - t) * start - t * end)
        return _key_of(share, row)

    def sampled(self, frames: int) -> tuple[Key, ...]:
        """The camera at each of `frames` frames, evenly in time.

        The first is the first key. The last is the last key; of a loop it is the one before the
        first comes again.
        """
        steps = frames if self.loop else max(frames - 1, 1)
        return tuple(self.at(frame / steps) for frame in range(frames))

    def reversed(self) -> Move:
        """The same move from its end to its beginning."""
        keys = tuple(replace(key, at=1 - key.at) for key in self.keys[::-1])
        return replace(self, keys=keys)


def _key_of(at: float, row: Floats) -> Key:
    """The inverse of `Key.row`."""
    x, y, z, tx, ty, tz, roll, zoom, sx, sy, focus, aperture = (float(v) for v in row)
    target = None if math.isnan(tx) else (tx, ty, tz)
    pose = Pose((x, y, z), target, roll, zoom, (sx, sy))
    return Key(at, pose, None if math.isnan(focus) else focus, aperture)


def _slopes(at: Floats, rows: Floats, loop: bool) -> Floats:
    """Slopes (K, C) at the keys (K,) of a spline through `rows` (K, C), limited after Hyman."""
    span = np.diff(at)
    rise = np.diff(rows, axis=0) / span[:, None]
    if loop:
        # One equation a key but the last, which is the first again.
        before, after = np.roll(span, 1), span
        rise_before, rise_after = np.roll(rise, 1, axis=0), rise
    else:
        before, after = span[:-1], span[1:]
        rise_before, rise_after = rise[:-1], rise[1:]
    n = len(before)
    # Equal accelerations on both sides of a key: after m[k-1] + 2 (before + after) m[k] +
    # before m[k+1] = 3 (after rise_before + before rise_after).
    system = np.diag(2 * (before + after))
    for k in range(n):
        if loop or k > 0:
            system[k, (k - 1) % n] += after[k]
        if loop or k < n - 1:
            system[k, (k + 1) % n] += before[k]
    inner = np.linalg.solve(
        system, 3 * (after[:, None] * rise_before + before[:, None] * rise_after)
    )
    least = np.minimum(np.abs(rise_before), np.abs(rise_after))
    inner = np.clip(inner, -3 * least, 3 * least)
    inner = np.where(rise_before * rise_after > 0, inner, 0.0)
    if loop:
        return np.concatenate([inner, inner[:1]])
    at_rest = np.zeros((1, rows.shape[1]))
    return np.concatenate([at_rest, inner, at_rest])
