"""What locks need that are of the whole set: a look at every photo before the first is worked on.

Each photo contributes how its inverse depth is spread and how far its subject is; of all together
come the distance of the focus and the range of depth that all photos share. Every photo counts the
same, whatever its size, and in whatever order they come. Depth goes through the cache, so the work
itself finds it there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from depthfx.batch.job import Job, Result
from depthfx.batch.sections import INFINITE_M, OF_ALL, Lock
from depthfx.errors import ParameterError

if TYPE_CHECKING:
    from depthfx.batch.look import Look
    from depthfx.scene import Scene

PARTS = 100
"""A photo's spread is told by the ends and these many equal parts of its pixels."""
WITHIN = 10
"""Parts of each of these, when all photos are put together."""
SAMPLES = 200_000
"""Pixels that are looked at."""
LIMITS = (99, 1)
"""Percentiles of inverse depth where a picture of depth begins and ends, as `raster.colormap`."""
REACH = (95, 5)
"""Those of all but the sky between which looks go from near to far, as `light.near_to_far`."""
NEAREST_M, FARTHEST_NEAR_M, FARTHEST_FOCUS_M = 0.01, 10_000.0, 10_000.0
"""What effects take."""
NARROWEST = 1.01
"""Factor from the nearest to the farthest distance of a range, at least."""
DIGITS = 4
"""Of a distance for all; more would be of no photo's exactness."""


def contribution(scene: Scene) -> dict[str, Any]:
    """What one photo says, as JSON has it.

    metric : whether its depth is in metres
    subject : inverse depth of what it would be focused on
    spread : PARTS + 1 inverse depths, the farthest first, from each to the next as many pixels
    """
    import numpy as np

    from depthfx.optics.focus import find_focus

    surface = scene.depth.surface
    step = max(1, round(math.sqrt(surface.size / SAMPLES)))
    seen = surface[::step, ::step].astype(np.float64)
    spread = np.percentile(seen, np.linspace(0, 100, PARTS + 1))
    return {
        "metric": scene.depth.metric,
        "subject": float(find_focus(scene, None, None).inverse),
        "spread": [float(value) for value in spread],
    }


class Facts(Protocol):
    """What keeps JSON values from run to run."""

    def fact(self, name: str) -> Any:
        """What was noted, or None."""

    def note(self, name: str, value: Any) -> None: ...


def surveyed(
    jobs: Sequence[Job],
    look: Look,
    facts: Facts,
    work: Callable[[Iterable[Job]], Iterator[Result]],
) -> Look:
    """`look` with what it leaves to the whole set put into numbers.

    facts : what each photo contributes is kept there, and not found again
    work : how photos are worked on

    A photo that cannot be read contributes nothing. Raises ParameterError if none has metres.
    """
    names = {job.name: f"survey {look.key(job)} {_state(job)}" for job in map(plain, jobs)}
    said = {name: facts.fact(fact) for name, fact in names.items()}
    left = [plain(job) for job in jobs if said[job.name] is None and not job.fault]
    for result in work(left) if left else ():
        value = result.facts.get("survey")
        if value is not None:
            facts.note(names[result.name], value)
            said[result.name] = value
    return locked_to(look, [value for value in said.values() if value is not None])


def plain(job: Job) -> Job:
    """The job of only looking at the same photo, whatever is to be made of it."""
    return replace(job, survey=True, target="", recipe="", saving={})


def _state(job: Job) -> str:
    """Changes with a photo's content, as far as that can be told without reading it."""
    try:
        state = Path(job.source).stat()
    except (OSError, ValueError):
        return job.version
    return f"{state.st_size} {state.st_mtime_ns}"


def locked_to(look: Look, contributions: Sequence[dict[str, Any]]) -> Look:
    """`look` whose lock has for "set" what `contributions` say together.

    Raises ParameterError if none of them is in metres.
    """
    if not look.surveys:
        return look
    metric = [one for one in contributions if one["metric"]]
    if not metric:
        raise ParameterError(
            "lock: no photo of the set has depth in metres, so nothing can be the same for all "
            "of it; use a metric model, or give scale_at, or leave the lock's set out"
        )
    return replace(look, lock=_numbers(look.lock, metric))


def _numbers(lock: Lock, metric: Sequence[dict[str, Any]]) -> Lock:
    import numpy as np

    said: dict[str, str] = {}
    if lock.focus == OF_ALL:
        # 0 is infinitely far, as of a landscape; the median of inverse depths takes that.
        metres = _metres(float(np.median([one["subject"] for one in metric])))
        said["focus"] = f"{_digits(min(metres, FARTHEST_FOCUS_M))}m"
    pixels = np.concatenate([_pixels(one["spread"]) for one in metric])
    if lock.depth_range == OF_ALL:
        said["depth_range"] = _range(pixels, LIMITS)
    if OF_ALL in (lock.reach, lock.reach or lock.depth_range):
        said["reach"] = _range(pixels[pixels > 0], REACH)
    return lock.model_copy(update=said)


def _pixels(spread: Sequence[float]) -> Any:
    """Inverse depths that are spread so: the same number of them for every photo."""
    import numpy as np

    count = WITHIN * (len(spread) - 1)
    at = (np.arange(count) + 0.5) / count * (len(spread) - 1)
    return np.interp(at, np.arange(len(spread)), spread)


def _range(inverse: Any, percentiles: tuple[int, int]) -> str:
    import numpy as np

    ends = np.percentile(inverse, percentiles) if inverse.size else (0.0, 0.0)
    near, far = (_metres(float(end)) for end in ends)
    near = min(near, FARTHEST_NEAR_M)
    return f"{_digits(near)}m..{_digits(max(far, near * NARROWEST))}m"


def _metres(inverse: float) -> float:
    return INFINITE_M if inverse * INFINITE_M <= 1 else max(1 / inverse, NEAREST_M)


def _digits(metres: float) -> str:
    return f"{float(f'{metres:.{DIGITS}g}'):f}".rstrip("0").rstrip(".")
