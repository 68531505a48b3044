"""A batch from start to end: planned, worked on, delivered, noted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from depthfx.batch.far import journal_of
from depthfx.batch.job import Job, Result, Status
from depthfx.batch.journal import Journal
from depthfx.batch.look import Look
from depthfx.batch.plan import Plan, plan
from depthfx.batch.report import FOLDER, LINES, PAGE, reported
from depthfx.batch.sheet import Heading
from depthfx.batch.store import join, put
from depthfx.batch.survey import surveyed
from depthfx.batch.watch import Arrivals, as_they_come
from depthfx.chain import Chain
from depthfx.errors import ParameterError, PhotoError

SHEET = f"{FOLDER}/{PAGE}"
"""In the output folder: all results on one page."""

Work = Callable[..., Generator[Result, None, None]]
"""Those who do the work: of jobs they make results."""


class Listener(Protocol):
    """Whoever wants to know how a batch goes on; called from any thread."""

    def planned(self, jobs: Iterable[Job]) -> None:
        """These photos are to be done, besides those that were told before."""

    def begun(self, job: Job, worker: str) -> None:
        """A worker has begun a photo."""

    def say(self, line: str) -> None:
        """Something that the user should know."""


class Nobody:
    """A listener that does not listen."""

    def planned(self, jobs: Iterable[Job]) -> None:
        pass

    def begun(self, job: Job, worker: str) -> None:
        pass

    def say(self, line: str) -> None:
        pass


def run(
    recipe: Look | Chain | Path | str,
    photos: Iterable[Path | str] | Path | str,
    out: Path | str,
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    pairs: str = "raw",
    jobs: int | None = None,
    on: str | None = None,
    overwrite: bool = False,
    report: bool = True,
    watch: bool = False,
    stop: threading.Event | None = None,
    **given: Any,
) -> Generator[Result, None, None]:
    """Give all `photos` one look; yields what became of each, as it is done.

    recipe : a recipe file, a chain, or a look, see docs/batch.md
    photos : files, folders (with all that is in them), globs, URLs
    out : folder for the results, the same tree below it; it keeps the journal too: the same call
        once more goes on where this one was stopped, however it was
    include, exclude : globs of names below what is named; the first, if any, choose, the others
        leave out
    pairs : which of a raw file and a JPEG of one name is worked on: "raw", "jpeg", "both"
    jobs : photos worked on at once; None: as many as suit the machine
    on : "ray" or "ray://host:port": work there; None: in processes of this machine
    overwrite : replace files that no earlier run of this batch has written
    report : whether a contact sheet is written
    watch : go on with photos as they come, till `stop` is set
    stop : set it to finish the photos in hand and end
    given : what counts more than the recipe, as the options of the command: model, weights,
        device, quality, commercial_only, memory_limit_gb, faces; name, format, jpeg_quality,
        bit_depth, profile, strip_location; keywords of `depthfx.open` for photos that say nothing
        else; cache (a folder; True: the user's; False: none), cache_gb, checks, pictures

    A photo that fails is a Result with an error; the others are done. Raises ParameterError and
    RecipeError before anything is done. Closing the iterator early ends the workers; what is
    done is kept.
    """
    which: dict[str, Any] = {"include": include, "exclude": exclude, "pairs": pairs}
    planned = plan(recipe, photos, out, **which, watch=watch, **given)
    return carried_out(
        planned, jobs=jobs, on=on, overwrite=overwrite, report=report, watch=watch, stop=stop
    )


def carried_out(
    planned: Plan,
    *,
    jobs: int | None = None,
    on: str | None = None,
    overwrite: bool = False,
    report: bool = True,
    watch: bool = False,
    verbose: bool = False,
    stop: threading.Event | None = None,
    heard: Listener | None = None,
) -> Generator[Result, None, None]:
    """What becomes of each photo of a plan, as it is done; see `run`.

    verbose : whether what workers print is shown
    heard : is told what is planned and begun
    """
    stop, heard = stop or threading.Event(), heard or Nobody()
    look = planned.look
    with journal_of(planned.out, look.digest, key=look.key, overwrite=overwrite) as journal:
        work = partial(
            _workers(on),
            settings=planned.settings,
            staging=journal.staging,
            count=jobs,
            stop=stop,
            begun=heard.begun,
            store=planned.url,
            verbose=verbose,
        )
        if look.surveys:
            heard.planned(planned.jobs)
            heard.say("looking at all photos first, for what they are to have in common")
            try:
                planned = planned.of(surveyed(planned.jobs, look, journal, work))
            except ParameterError:
                if stop.is_set():  # too few were seen to say anything
                    return
                raise
        course = _Course(planned, journal, heard)
        with ExitStack() as ending:
            results = ending.enter_context(closing(course.results(work, stop, watch=watch)))
            if report:
                results = ending.enter_context(closing(course.reported(results, watch=watch)))
            yield from results


class _Course:
    """A plan being carried out: what of it was begun, and by whom it is heard."""

    def __init__(self, planned: Plan, journal: Journal, heard: Listener) -> None:
        self._planned, self._journal, self._heard = planned, journal, heard
        self._jobs: dict[str, Job] = {}
        self._arrivals: Arrivals | None = None
        # Photos that come are told of by the thread that takes the jobs.
        self._lock = threading.Lock()

    def results(
        self, work: Work, stop: threading.Event, *, watch: bool
    ) -> Generator[Result, None, None]:
        """What becomes of each photo, those first of which nothing is to be made."""
        settled, left = self.settle(self._planned.jobs)
        yield from settled
        with closing(work(self.coming(settled, stop) if watch else left)) as results:
            for result in results:
                yield self.delivered(result)

    def reported(self, results: Iterable[Result], *, watch: bool) -> Generator[Result, None, None]:
        """`results`, with the contact sheet of them kept up to date."""
        look, planned = self._planned.look, self._planned
        heading = Heading(look.name, look.to_toml(), None if watch else len(planned.jobs))
        if planned.folder is not None:
            return reported(results, planned.folder / FOLDER, heading, due=self._idle)
        return self._reported_to(str(planned.out), results, heading)

    def _reported_to(
        self, url: str, results: Iterable[Result], heading: Heading
    ) -> Generator[Result, None, None]:
        """`results`; the contact sheet of them is put to the store when they end."""
        folder = self._journal.folder / FOLDER

        def send() -> None:
            for name in (PAGE, LINES):
                put(folder / name, join(url, f"{FOLDER}/{name}"))

        try:
            yield from reported(results, folder, heading, due=self._idle)
        except BaseException:  # why it ends counts more than what is said of it
            with suppress(OSError, PhotoError):
                send()
            raise
        send()

    def _idle(self) -> bool:
        """Whether nobody knows when the next photo comes."""
        return self._arrivals is not None and self._arrivals.idle

    def settle(self, jobs: Iterable[Job]) -> tuple[list[Result], list[Job]]:
        """What needs no work, and the jobs that are left."""
        with self._lock:
            jobs = list(jobs)
            self._jobs |= {job.name: job for job in jobs}
            self._heard.planned(jobs)
            return self._journal.split(jobs)

    def delivered(self, result: Result) -> Result:
        """What became of a photo, its files in place."""
        with self._lock:
            result = self._journal.delivered(self._jobs[result.name], result)
        if self._arrivals is not None:
            self._arrivals.ended(result.name, failed=result.status is Status.FAILED)
        return result

    def coming(self, settled: Iterable[Result], stop: threading.Event) -> Iterator[Job]:
        """The work on photos as they come, those that are there first, but for what is settled."""
        search, known = self._planned.search, {result.name for result in settled}
        self._arrivals = Arrivals(
            lambda: search.found(self._planned.out, empty=True), search.folders(), self._heard.say
        )
        self._arrivals.known(item for item in self._planned.items if item.name in known)
        return as_they_come(self._arrivals, self._planned.look.job, self.settle, stop)


def _workers(on: str | None) -> Work:
    """Those who do the work."""
    if on is None:
        from depthfx.batch.workers import on_this_machine

        return on_this_machine
    from depthfx.batch.on_ray import on_ray

    return partial(on_ray, address=on)


def failed(results: Iterable[Result]) -> list[Result]:
    """Those of `results` that have no picture."""
    return [result for result in results if result.status is Status.FAILED]
