"""Cameras side by side: where they stand, what lies at the screen, how far things part.

The cameras look straight ahead, and each picture is moved over its sensor so that one plane, the
screen, is seen in the same place by all. Turned cameras would do that in the middle alone: to the
sides they see things at different heights, which eyes cannot fuse.

A. Woods, T. Docherty, R. Koch, "Image distortions in stereoscopic video systems", Proc. SPIE
1915, 1993; G. Jones et al., "Controlling perceived depth in stereoscopic images", Proc. SPIE
4297, 2001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from depthfx.camera import Camera
from depthfx.errors import ParameterError
from depthfx.geometry.pose import Pose
from depthfx.geometry.stage import Stage

PhotoAt = Literal["left", "middle", "right"]

MOST_PARALLAX = 0.25
"""Share of the diagonal: beyond it, most of what is seen beside near things would be painted."""
MOST_STEP = 0.2
"""Of the distance of the nearest thing: from no farther apart do eyes see one that is a third of a
metre away, and a wall, which shows next to no parallax, would else be walked along without end."""
FIRST = {"left": 0.0, "middle": -0.5, "right": -1.0}
"""Where the first camera stands, in baselines from the photo's."""


@dataclass(frozen=True)
class Row:
    """Cameras side by side.

    camera : the photo's
    positions_m : how far to the right of it each stands, from left to right; in metres, or in the
        unit of a relative depth
    screen_inverse : the inverse depth that all see in the same place; 0: infinity, no picture is
        moved
    """

    camera: Camera
    positions_m: tuple[float, ...]
    screen_inverse: float

    @property
    def poses(self) -> tuple[Pose, ...]:
        """From left to right."""
        screen = self.screen_inverse
        return tuple(Pose((x, 0.0, 0.0), shift=(-x * screen, 0.0)) for x in self.positions_m)

    @property
    def baseline_m(self) -> float:
        """From the first camera to the last."""
        return self.positions_m[-1] - self.positions_m[0]

    def disparity_px(self, inverse: float) -> float:
        """How much farther to the left the last camera sees a thing than the first does, in px of
        the photo: above zero in front of the screen, below zero behind it."""
        return self.camera.focal_px * self.baseline_m * (inverse - self.screen_inverse)

    def limits(self, stage: Stage) -> tuple[float, float]:
        """Disparity of the farthest and of the nearest thing, as shares of the width."""
        far, near = self.disparity_px(stage.far_inverse), self.disparity_px(stage.near_inverse)
        return far / self.camera.width, near / self.camera.width

    @property
    def px_per_inverse(self) -> float:
        """By how many px of the photo surfaces part from there to any of these that differ by one
        unit of inverse depth: how far behind them something has to be painted."""
        return max(map(abs, self.positions_m)) * self.camera.focal_px

    def beyond_px(self, stage: Stage) -> int:
        """How far beyond the photo's frame these cameras see, in px of the photo."""
        ends = (stage.near_inverse, stage.far_inverse)
        return math.ceil(self.px_per_inverse * max(abs(w - self.screen_inverse) for w in ends))


def row(
    stage: Stage, views: int = 2, photo_at: PhotoAt = "left", screen_inverse: float | None = None
) -> Row:
    """Cameras at equal steps, of which the first and the last see the nearest thing shifted against
    the farthest by `stage.parallax`; less where those are hardly apart.

    photo_at : which of them is the photo's own; the middle may lie between two
    screen_inverse : inverse depth shown at the screen; None: the subject's

    Raises ParameterError for fewer than two views, or if the screen is not a depth.
    """
    if views < 2:
        raise ParameterError(f"views={views} shows no depth; give 2 or more")
    screen = stage.pivot_inverse if screen_inverse is None else screen_inverse
    if not 0 <= screen < math.inf:
        raise ParameterError(f"screen_inverse={screen} is not an inverse depth of 0 or more")
    baseline = min(stage.step_m, MOST_STEP / stage.near_inverse)
    first = FIRST[photo_at]
    places = tuple(baseline * (first + n / (views - 1)) for n in range(views))
    return Row(stage.camera, places, screen)


def parallel_pair(stage: Stage, photo_at: PhotoAt = "left") -> Row:
    """Two cameras whose pictures are not moved: infinity is seen in the same place by both, and the
    nearest thing is shifted against it by `stage.parallax`."""
    return row(replace(stage, far_inverse=0.0), 2, photo_at, screen_inverse=0.0)


def at_baseline(stage: Stage, baseline_m: float) -> Stage:
    """`stage` with the parallax of two cameras that stand `baseline_m` apart.

    Raises ParameterError if that is no length, or more than can be shown.
    """
    if not 0 < baseline_m < math.inf:
        raise ParameterError(f"baseline_m={baseline_m} is not a length in metres above zero")
    per_metre = replace(stage, parallax=1.0).step_m
    most = min(MOST_PARALLAX * per_metre, MOST_STEP / stage.near_inverse)
    if baseline_m > most:
        raise ParameterError(
            f"baseline_m={baseline_m:g} is too much for this photo, whose nearest thing is "
            f"{1 / stage.near_inverse:.3g} away; at most {most:.3g} can be shown"
        )
    return replace(stage, parallax=baseline_m / per_metre)
