"""A batch from start to end: planned, worked on, delivered, noted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

from depthfx.batch.deliver import REPORT
from depthfx.batch.far import journal_of
from depthfx.batch.job import Job, Result, Status
from depthfx.batch.journal import Journal
from depthfx.batch.plan import Plan
from depthfx.batch.report import LINES, PAGE, reported
from depthfx.batch.sheet import Heading
from depthfx.batch.store import join, put
from depthfx.batch.survey import surveyed
from depthfx.batch.watch import Arrivals, as_they_come
from depthfx.errors import ParameterError, PhotoError

SHEET = f"{REPORT}/{PAGE}"
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
    """What becomes of each photo of a plan, as it is done; see `batch.run`.

    verbose : whether what workers print is shown
    heard : is told what is planned and begun
    """
    stop, heard = stop or threading.Event(), heard or Nobody()
    look = planned.look
    with journal_of(planned.out, look.digest, key=look.key, overwrite=overwrite) as journal:
        work = partial(
            _workers(on),
            settings=replace(planned.settings, pictures=report and planned.settings.pictures),
            staging=journal.staging,
            count=jobs,
            stop=stop,
            begun=heard.begun,
            store=planned.url,
            verbose=verbose,
        )
        if look.surveys:
            heard.planned(planned.jobs)
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
            return reported(results, planned.folder / REPORT, heading, due=self._idle)
        return self._reported_to(str(planned.out), results, heading)

    def _reported_to(
        self, url: str, results: Iterable[Result], heading: Heading
    ) -> Generator[Result, None, None]:
        """`results`; the contact sheet of them is put to the store when they end."""
        folder = self._journal.folder / REPORT

        def send() -> None:
            for name in (PAGE, LINES):
                put(folder / name, join(url, f"{REPORT}/{name}"))

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
