"""Photos worked on side by side, in processes of this machine.

Each is a plain child process (`batch.worker`) that asks for a photo when it is free. One thread
hears each of them, another takes the jobs, which may have to be waited for; all that they say
goes into one queue, and is acted upon in the caller's thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import count as count_from
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from depthfx import machine
from depthfx.batch.child import Child, InHand
from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.photos import header_px
from depthfx.batch.room import Hand, Room, size_px
from depthfx.errors import DepthfxError

Begun = Callable[[Job, str], None]
"""Hears which worker begins which photo."""

TICK_S = 0.2
"""How soon a wish to stop is noticed."""
STARTS = 3
"""So many workers in a row may die before they are ready."""
PATIENCE_S = 1800.0
"""A photo that gives no sign of life for so long hangs; the slowest model on one core gives some
every few minutes."""
AHEAD = 1
"""Photos that a worker reads while its chain works on another."""


def nothing(_job: Job, _worker: str) -> None:
    """Nobody wants to hear what is begun."""


def on_this_machine(
    jobs: Iterable[Job],
    settings: Settings,
    staging: Path,
    *,
    count: int | None = None,
    stop: threading.Event,
    begun: Begun = nothing,
    retries: int = 1,
    store: str | None = None,
    verbose: bool = False,
) -> Generator[Result, None, None]:
    """The results of `jobs`, each as soon as it is there, in any order.

    jobs : taken as workers become free, no sooner, in a thread of its own; it may wait for more
        (`--watch`)
    staging : a folder of this run; what `Result.written` names lies there, in the folder
        `Job.slot`, when the result comes
    count : of processes; None: as many as the machine has cores and memory for
    stop : when set, no photo is begun any more; those in hand are finished
    begun : called, in the thread that iterates, when a photo is begun
    retries : how often a photo is tried again whose worker was killed, or that memory did not
        suffice for; then it is worked on alone
    store : URL of the output folder, see `Bench`
    verbose : whether what workers print is shown

    Never raises for a photo's sake: a photo that fails, or kills its worker too often, is a result
    with an error. Raises DepthfxError if workers cannot be started, and what `jobs` raises. When
    this ends or is closed, all workers have ended.
    """
    hello = {
        "settings": asdict(settings),
        "staging": str(staging),
        "store": store,
        "verbose": verbose,
    }
    crew = _Crew(jobs, hello, Room.of(settings, count), begun, retries)
    try:
        yield from crew.work(stop)
    finally:
        crew.dismiss()


class _Feed:
    """Takes jobs from an iterator that may wait, in a thread of its own, each when it is asked.

    tell : hears each job; None at the end, with the error that ended them, if one did
    """

    def __init__(
        self, jobs: Iterable[Job], tell: Callable[[Job | None, BaseException | None], None]
    ) -> None:
        self._jobs, self._tell = jobs, tell
        self._asked = threading.Semaphore(0)
        self.waiting = self.over = False
        threading.Thread(target=self._run, name="jobs", daemon=True).start()

    def ask(self) -> None:
        """Want one more, if that is not so already."""
        if not self.waiting and not self.over:
            self.waiting = True
            self._asked.release()

    def _run(self) -> None:
        try:
            jobs = iter(self._jobs)
            while self._asked.acquire() and (job := next(jobs, None)) is not None:
                self._tell(job, None)
        except BaseException as error:  # raised again where the results are waited for
            self._tell(None, error)
        else:
            self._tell(None, None)


class _Crew:
    """The workers, what waits for them, and what becomes of it."""

    def __init__(
        self, jobs: Iterable[Job], hello: dict[str, Any], room: Room, begun: Begun, retries: int
    ) -> None:
        self._hello, self._room, self._begun, self._retries = hello, room, begun, retries
        self._events = SimpleQueue[Callable[[], Iterable[Result]]]()
        """What happened in other threads, to be acted upon in this one."""
        self._workers: list[Child] = []
        self._next = deque[tuple[Job, int]]()
        """Photos, and how often each was begun, that wait for a worker."""
        self._again = deque[tuple[Job, int]]()
        """The same of those that are worked on alone, as they failed beside others."""
        self._deaths = 0
        """Workers in a row that died before they were ready."""
        self._feed = _Feed(jobs, lambda *came: self._events.put(partial(self._came, *came)))

    def work(self, stop: threading.Event) -> Iterator[Result]:
        """The results, as they come."""
        while True:
            if stop.is_set():
                self._feed.over = True
                self._next.clear()
                self._again.clear()
            self._hand_out()
            if self._feed.over and not (self._busy or self._next or self._again):
                return
            with suppress(Empty):
                yield from self._events.get(timeout=TICK_S)()
            self._kill_what_hangs()

    def dismiss(self) -> None:
        """End all workers; what they have in hand is lost."""
        for worker in self._workers:
            if worker.hand:
                worker.kill()
            else:
                worker.end()
        while self._workers:
            self._workers.pop().bury()

    @property
    def _busy(self) -> bool:
        return any(worker.hand for worker in self._workers)

    # ---------------------------------------------------------------- giving out
    def _hand_out(self) -> None:
        """Give photos to workers that are free, as far as memory goes."""
        if self._again:
            self._hand_out_alone()
            return
        if any(worker.alone for worker in self._workers):
            if self._busy:
                return
            self.dismiss()
        while self._any_free():
            if not self._next:
                self._feed.ask()
                return
            job, attempts = self._next[0]
            if (worker := self._taker(job)) is None:
                return
            self._next.popleft()
            self._give(worker, job, attempts)

    def _hand_out_alone(self) -> None:
        """One photo for one worker while there is no other, which leaves it all the memory."""
        if self._busy:
            return
        if not all(worker.alone for worker in self._workers):
            self.dismiss()
        worker = self._workers[0] if self._workers else self._started(alone=True)
        if worker is not None and worker.wants:
            self._give(worker, *self._again.popleft())

    def _any_free(self) -> bool:
        return len(self._workers) < self._room.workers or any(w.wants for w in self._workers)

    def _taker(self, job: Job) -> Child | None:
        """The worker that begins `job` soonest; None: there is no room for it yet.

        A photo that is too large for the memory is worked on while there is no other.
        """
        free = min((w for w in self._workers if w.wants), key=lambda w: len(w.hand), default=None)
        another = (free is None or free.hand) and len(self._workers) < self._room.workers
        taker = None if another else free
        others = [worker for worker in self._workers if worker is not taker]
        own = Hand([job], size_px(job)) if taker is None else taker.holding(job)
        if self._room.fits([own, *(worker.holding() for worker in others)]):
            return self._started(alone=False) if another else free
        if self._busy:
            return None
        if others:
            self.dismiss()  # they keep memory of photos they had
            return self._started(alone=False)
        return taker or self._started(alone=False)

    def _started(self, *, alone: bool) -> Child | None:
        """A new worker; None: the system has no place for one, which may pass."""
        names = {worker.name for worker in self._workers}
        name = next(name for name in map(str, count_from(1)) if name not in names)
        threads = 1 if alone else max(1, machine.threads() // self._room.workers)
        hello = {**self._hello, "ahead": 0 if alone else AHEAD}
        try:
            worker = Child(name, hello, threads, self._heard, alone=alone)
        except OSError as error:
            self._count_death(str(error.strerror or error))
            return None
        self._workers.append(worker)
        return worker

    def _give(self, worker: Child, job: Job, attempts: int) -> None:
        worker.give(job, attempts + 1)
        self._begun(job, worker.name)

    # ---------------------------------------------------------------- hearing
    def _heard(self, worker: Child, message: dict[str, Any] | None) -> None:
        """In the worker's thread."""
        if message is None:
            self._events.put(partial(self._gone, worker))
        else:
            self._events.put(partial(self._said, worker, message))

    def _came(self, job: Job | None, error: BaseException | None) -> Iterable[Result]:
        self._feed.waiting = False
        if error is not None:
            raise error
        if job is None:
            self._feed.over = True
        else:
            sized = job if job.size_px else replace(job, size_px=header_px(job.source))
            self._next.append((sized, 0))
        return ()

    def _said(self, worker: Child, message: dict[str, Any]) -> Iterable[Result]:
        worker.sign_of_life()
        if "ready" in message:
            worker.ready, self._deaths = True, 0
        elif "want" in message:
            worker.wants += 1
        elif "result" in message:
            result = Result.from_json(message["result"])
            entry = worker.hand.pop(result.name)
            if result.out_of_memory and not worker.alone and self._retries:
                self._again.append((entry.job, entry.attempts))
            else:
                yield replace(result, attempts=entry.attempts, worker=worker.name)

    def _gone(self, worker: Child) -> Iterable[Result]:
        if worker not in self._workers:
            return  # it was sent away
        self._workers.remove(worker)
        worker.bury()
        if not worker.ready:
            waiting = self._again if worker.alone else self._next
            waiting.extendleft((e.job, e.attempts - 1) for e in worker.hand.values())
            self._count_death(worker.last_words.rpartition("\n")[2] or worker.cause)
            return
        for entry in worker.hand.values():
            if (lost := self._lost(worker, entry)) is not None:
                yield lost

    def _lost(self, worker: Child, entry: InHand) -> Result | None:
        """What becomes of a photo whose worker has died; None: it is tried again."""
        hung = entry.job.name == worker.overdue
        sure = worker.alone or len(worker.hand) == 1
        if not hung and not (sure and entry.attempts > self._retries):
            self._again.append((entry.job, entry.attempts))
            return None
        job = entry.job
        why = (
            f"gave no sign of life for {PATIENCE_S / 60:.0f} minutes and was ended"
            if hung
            else worker.cause
        )
        return Result(
            job.name,
            job.source,
            Status.FAILED,
            error=f"{job.source}: the process working on it {why}",
            attempts=entry.attempts,
            worker=worker.name,
            traceback=worker.last_words,
        )

    def _count_death(self, words: str) -> None:
        """A worker did not come to life. Raises DepthfxError if none does."""
        self._deaths += 1
        if self._deaths >= STARTS:
            raise DepthfxError(f"the processes that work on photos do not start: {words}")

    def _kill_what_hangs(self) -> None:
        now_s = time.monotonic()
        for worker in self._workers:
            for name, entry in worker.hand.items():
                if now_s - entry.sign_s > PATIENCE_S:
                    worker.overdue = name
                    worker.kill()
