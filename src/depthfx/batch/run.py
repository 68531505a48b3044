"""A batch from start to end: found, planned, worked on, delivered, noted."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from depthfx.batch.job import Result, Settings, Status
from depthfx.batch.journal import Journal
from depthfx.batch.look import Look
from depthfx.batch.photos import find_photos
from depthfx.batch.workers import on_this_machine
from depthfx.chain import Chain


def run(
    recipe: Look | Chain | Path | str,
    photos: Iterable[Path | str] | Path | str,
    out: Path | str,
    *,
    settings: Settings | None = None,
    jobs: int | None = None,
    overwrite: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[Result]:
    """Give all `photos` one look; yields what became of each, as it is done.

    recipe : a recipe file, a chain, or a look, see docs/batch.md
    photos : files, folders (with all that is in them), globs, URLs
    out : folder for the results, the same tree below it; it keeps the journal too: the same call
        once more goes on where this one was stopped, however it was
    jobs : photos worked on at once; None: as many as suit the machine
    overwrite : replace files that no earlier run of this batch has written
    stop : set it to finish the photos in hand and end

    A photo that fails is a Result with an error; the others are done. Raises ParameterError and
    RecipeError before anything is done.
    """
    look, stop = Look.of(recipe), stop or threading.Event()
    places = [photos] if isinstance(photos, Path | str) else photos
    planned = {job.name: job for job in map(look.job, find_photos(places))}
    with Journal(Path(out), look.digest) as journal:
        kept, left = journal.split(list(planned.values()))
        yield from kept
        for result in on_this_machine(
            left, settings or Settings(), journal.staging, count=jobs, stop=stop
        ):
            yield journal.delivered(planned[result.name], result)


def failed(results: Iterable[Result]) -> list[Result]:
    """Those of `results` that have no picture."""
    return [result for result in results if result.status is Status.FAILED]
