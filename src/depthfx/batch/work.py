"""The work on one photo, in stages that do not know of each other: read, depth, effects, write.

`batch.pipeline` lets the stages of several photos overlap; `batch.workers` and `batch.on_ray` run
it in processes of their own.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from depthfx.batch.job import Job, Result, Settings, Status, Written
from depthfx.context import Context
from depthfx.errors import DepthfxError

T = TypeVar("T")


class Bench:
    """A place to work at: one process's context, its network loaded once, for many photos."""

    def __init__(self, settings: Settings, staging: Path) -> None:
        self.settings, self.staging = settings, staging
        self.context: Context = settings.context()

    def do(self, job: Job) -> Result:
        """All stages of one photo, one after the other; a failure is part of the result."""
        try:
            return self._done(job)
        except DepthfxError as error:
            return Result(job.name, job.source, Status.FAILED, error=str(error))

    def _done(self, job: Job) -> Result:
        import depthfx
        from depthfx.recipe import from_toml

        seconds: dict[str, float] = {}
        source = Path(job.source)
        scene = _timed(seconds, "read", lambda: depthfx.open(source, self.context, **job.opening))
        _timed(seconds, "depth", lambda: scene.depth)
        scene = _timed(seconds, "effects", lambda: from_toml(job.recipe)(scene, self.context))
        target = self.staging / job.target
        target.parent.mkdir(parents=True, exist_ok=True)
        paths = _timed(
            seconds,
            "write",
            lambda: depthfx.save(scene, target, **{**job.saving, "overwrite": True}),
        )
        written = tuple(
            Written(
                path.relative_to(self.staging).as_posix(),
                path.stat().st_size,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in paths
        )
        return Result(job.name, job.source, Status.DONE, written, seconds=seconds)


def _timed(seconds: dict[str, float], stage: str, work: Callable[[], T]) -> T:
    begun = time.perf_counter()
    try:
        return work()
    finally:
        seconds[stage] = time.perf_counter() - begun
