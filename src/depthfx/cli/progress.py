"""Progress on a terminal: a bar for what takes over a second, silence elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from depthfx.context import Progress, silent

if TYPE_CHECKING:
    from rich.progress import TaskID

PATIENCE_S = 1.0


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Progress]:
    """A progress function; it draws on stderr only if that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    bars = Bars(console=Console(stderr=True), transient=True)
    tasks: dict[str, TaskID] = {}
    begun = time.monotonic()

    def show(stage: str, done: float) -> None:
        if not bars.live.is_started:
            if time.monotonic() - begun < PATIENCE_S:
                return
            bars.start()
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=1.0)
        bars.update(tasks[stage], completed=done)

    try:
        yield show
    finally:
        if bars.live.is_started:
            bars.stop()
