"""Photos worked on side by side by a Ray cluster, or by a Ray of this machine's own.

Each worker is an actor with a bench of its own, its network loaded once. It has one photo in
work and the next one being read, never more, so that a worker that is lost takes little with it:
its photos go to another, and one that was with a lost worker is from then on sent alone, so that
only the photo that kills workers is given up in the end. A photo that fails is tried once more
elsewhere: what was wrong may have been the machine.

Only names, recipes and results pass through Ray. Photos are read and written by the workers
themselves, so all of them have to see the places: URLs, or a disk that they share.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import count as numbers
from pathlib import Path
from typing import Any

from depthfx import __version__
from depthfx.batch.actor import IN_HAND, Actor
from depthfx.batch.child import of_threads
from depthfx.batch.cluster import cluster, last_line, missing_module, resources
from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.store import is_url
from depthfx.batch.workers import Begun, nothing
from depthfx.errors import DepthfxError

TRIES = 3
"""A photo on which so many workers died is given up; so is a cluster whose first so many
workers all died before they were ready."""
WORKER_BYTES = 2.5e9
"""Memory of a worker on photos of 24 megapixels; without a number of workers asked for, no more
are started than so many times this fit."""
WORKERS_A_GPU = 4
"""Effects are mostly the CPU's work: one worker alone leaves a GPU idle."""
START_S, TICK_S = 600.0, 0.05
"""How long a cluster may take to place its first worker (nodes may have to be started); how
often to look up from waiting for results."""
ENDED = "the Ray cluster has ended; the same command goes on from here when it is back"
ALIVE_EVERY_S = 5.0
"""How often the cluster is asked whether it is still there: Ray itself would wait for ever."""


def on_ray(
    jobs: Iterable[Job],
    settings: Settings,
    staging: Path,
    *,
    address: str,
    count: int | None = None,
    stop: threading.Event,
    begun: Begun = nothing,
    store: str | None = None,
    verbose: bool = False,
) -> Generator[Result, None, None]:
    """The results of `jobs`, each as soon as it is there, in any order; as
    `workers.on_this_machine`, whose parameters these are, but

    address : "ray": the cluster that RAY_ADDRESS names, else one of this machine's own that ends
        with the run; "ray://host:port": a cluster's Ray Client server; "ray:host:port" or
        "ray:auto": a cluster that this machine is part of
    count : of workers; None: as many as the cluster has cores and memory for
    staging : unless `store` is given, on a disk that every worker sees

    Raises ParameterError for an address that is none, DepthfxError if there is no such cluster,
    if depthfx is missing there or is another version, or if workers do not see `staging`.
    """
    with cluster(address, count, verbose) as ray:
        given = (asdict(settings), str(Path.cwd()), str(staging.absolute()), store, verbose)
        crew = _Crew(ray, given, settings.device, count or _fitting(ray), begun)
        try:
            yield from crew.results(_Intake(jobs, stop))
        except ConnectionError as error:  # what Ray's client says of a cluster that is gone
            raise DepthfxError(ENDED) from error
        finally:
            crew.dismiss()


@dataclass
class _Photo:
    """A job, and how it fared so far.

    deaths : of workers that had it
    attempts : how often it was sent
    not_on : number of the worker on which it failed, which is not asked again
    failure : what that worker said
    """

    job: Job
    deaths: int = 0
    attempts: int = 0
    not_on: int | None = None
    failure: Result | None = None

    @property
    def alone(self) -> bool:
        """Whether a worker has to have nothing else in hand."""
        short = self.failure is not None and self.failure.out_of_memory
        return self.deaths > 0 or short


@dataclass
class _Worker:
    number: int
    actor: Any
    about: dict[str, Any] = field(default_factory=dict)
    hand: list[_Photo] = field(default_factory=list)

    def has_room_for(self, photo: _Photo, *, others: bool) -> bool:
        """others : whether there are other workers"""
        if not self.about or (photo.not_on == self.number and others):
            return False
        if photo.alone or any(held.alone for held in self.hand):
            return not self.hand
        return len(self.hand) < IN_HAND


class _Intake:
    """Jobs taken as they are asked for, by a thread of its own, as their source may wait."""

    def __init__(self, jobs: Iterable[Job], stop: threading.Event) -> None:
        self._stop, self._asked, self._wanted = stop, 0, threading.Semaphore(0)
        self._come: queue.SimpleQueue[Job | Exception | None] = queue.SimpleQueue()
        self.ended = False
        threading.Thread(target=self._take, args=(iter(jobs),), daemon=True).start()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    @property
    def over(self) -> bool:
        return self.ended or self.stopped

    def ask(self, number: int) -> list[Job]:
        """What has come; `number` more will be asked for than are on their way."""
        for _ in range(number - self._asked):
            self._wanted.release()
            self._asked += 1
        come: list[Job] = []
        with suppress(queue.Empty):
            while len(come) < number and not self.over:
                entry = self._come.get(timeout=0 if come else TICK_S / 10)
                if isinstance(entry, Exception):
                    raise entry
                if entry is None:
                    self.ended = True
                else:
                    self._asked -= 1
                    come.append(entry)
        return come

    def _take(self, jobs: Iterator[Job]) -> None:
        try:
            while self._wanted.acquire() and not self._stop.is_set():
                if (job := next(jobs, None)) is None:
                    break
                self._come.put(job)
            self._come.put(None)
        except Exception as error:
            self._come.put(error)


class _Crew:
    """The workers of one run, and the photos they have in hand."""

    def __init__(
        self, ray: Any, given: tuple[Any, ...], device: str, count: int, begun: Begun
    ) -> None:
        """given : the arguments of `Actor`"""
        self._ray, self._given, self._count, self._begun = ray, given, count, begun
        self._form = ray.remote(**_needs(ray, device, count))(Actor)
        self._numbers = numbers(1)
        self._coming: dict[Any, _Worker] = {}
        self._busy: dict[Any, tuple[_Worker, _Photo]] = {}
        self._workers: list[_Worker] = []
        self._waiting: deque[_Photo] = deque()
        self._lost_at_start = 0
        self._alive_s = time.monotonic()
        for _ in range(count):
            self._hire()

    def results(self, intake: _Intake) -> Iterator[Result]:
        """Results till `intake` is over and nothing is in hand."""
        idle_ticks = 0
        while True:
            if not intake.over and (room := self._room()) > 0:
                self._waiting.extend(map(_Photo, intake.ask(room)))
            if intake.stopped:
                self._waiting = deque(p for p in self._waiting if p.attempts)
            self._send()
            if intake.over and not self._busy and not self._waiting:
                return
            yield from self._arrived()
            self._check_alive()
            idle_ticks = 0 if self._workers else idle_ticks + 1
            if idle_ticks * TICK_S > START_S:
                raise DepthfxError(
                    f"the Ray cluster placed no worker within {START_S / 60:.0f} minutes; it has "
                    f"{resources(self._ray)}"
                )

    def _check_alive(self) -> None:
        """Raise DepthfxError if no machine of the cluster is left."""
        now_s = time.monotonic()
        if now_s - self._alive_s < ALIVE_EVERY_S:
            return
        self._alive_s = now_s
        if not any(node["Alive"] for node in self._ray.nodes()):
            raise DepthfxError(ENDED)

    def dismiss(self) -> None:
        """End all workers, whatever they are at."""
        for worker in [*self._workers, *self._coming.values()]:
            with suppress(Exception):
                if worker.about and not worker.hand:
                    self._ray.get(worker.actor.leave.remote(), timeout=5)
            with suppress(Exception):
                self._ray.kill(worker.actor)

    def _hire(self) -> None:
        worker = _Worker(next(self._numbers), self._form.remote(*self._given))
        self._coming[worker.actor.about.remote()] = worker

    def _room(self) -> int:
        """How many photos more the workers can take."""
        room = sum(max(IN_HAND - len(worker.hand), 0) for worker in self._workers)
        return room - len(self._waiting)

    def _send(self) -> None:
        """Send what waits to whom has room for it, the least busy first."""
        for _ in range(len(self._waiting)):
            photo = self._waiting.popleft()
            others = len(self._workers) + len(self._coming) > 1
            fit = [w for w in self._workers if w.has_room_for(photo, others=others)]
            if not fit:
                self._waiting.append(photo)
                continue
            worker = min(fit, key=lambda worker: len(worker.hand))
            photo.attempts += 1
            worker.hand.append(photo)
            job = _absolute(photo.job)
            self._busy[worker.actor.do.remote(job.to_json())] = worker, photo
            self._begun(photo.job, str(worker.number))

    def _arrived(self) -> Iterator[Result]:
        """Results of the photos that are done; takes in workers that have come or died."""
        waited = [*self._busy, *self._coming]
        if not waited:
            return
        ready, _ = self._ray.wait(waited, timeout=TICK_S, fetch_local=True)
        if ready:
            ready, _ = self._ray.wait(waited, num_returns=len(waited), timeout=0)
        for reference in ready:
            if reference in self._coming:
                self._welcome(reference)
            elif reference in self._busy:  # not if its worker was found dead just now
                worker, photo = self._busy.pop(reference)
                worker.hand.remove(photo)
                result = self._result_of(reference, worker, photo)
                if result is not None:
                    yield result

    def _result_of(self, reference: Any, worker: _Worker, photo: _Photo) -> Result | None:
        """What became of a photo; None: it is tried again."""
        try:
            values = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return self._bereft(worker, photo, error)
        result = replace(
            Result.from_json(values),
            source=photo.job.source,
            attempts=photo.attempts,
            worker=f"{worker.number} on {worker.about['host']}",
        )
        last = photo.failure is not None or result.fatal or bool(photo.job.fault)
        if result.status is not Status.FAILED or last or self._count == 1:
            return result
        photo.failure, photo.not_on = result, worker.number
        self._waiting.append(photo)
        return None

    def _bereft(self, worker: _Worker, photo: _Photo, error: Exception) -> Result | None:
        """A worker has died: another is hired, and its photo sent once more, or given up."""
        if worker in self._workers:
            self._workers.remove(worker)
            self._hire()
        photo.deaths += 1
        if photo.deaths < TRIES:
            self._waiting.appendleft(photo)
            return None
        return Result(
            photo.job.name,
            photo.job.source,
            Status.FAILED,
            error=f"{photo.job.source}: {TRIES} workers died of it, perhaps for want of memory; "
            f"of the last, Ray says: {last_line(error)}",
            attempts=photo.attempts,
            worker=str(worker.number),
        )

    def _welcome(self, reference: Any) -> None:
        """A worker is ready, or could not be started."""
        worker = self._coming.pop(reference)
        try:
            worker.about = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._lost_at_start += 1
            if missing := missing_module(error):
                raise DepthfxError(
                    f"the cluster's workers lack something: {missing}; on each of its machines, "
                    f"pip install 'depthfx[ray]=={__version__}'"
                ) from error
            if self._lost_at_start >= TRIES and not self._workers:
                raise DepthfxError(f"no worker starts on Ray: {last_line(error)}") from error
            self._hire()
            return
        if worker.about["version"] != __version__:
            raise DepthfxError(
                f"{worker.about['host']} of the cluster has depthfx {worker.about['version']}, and "
                f"this is {__version__}; results must not depend on where a photo is done: "
                "install one version on both"
            )
        if not worker.about["sees"]:
            raise DepthfxError(
                f"{worker.about['host']} of the cluster does not see {self._given[2]}; with "
                "--on, -o is a store like s3://, or a disk that every machine has at that path"
            )
        self._lost_at_start = 0
        self._workers.append(worker)


def _needs(ray: Any, device: str, count: int) -> dict[str, Any]:
    """What Ray has to know of an actor."""
    gpus = ray.cluster_resources().get("GPU", 0)
    wanted = device in ("auto", "cuda") and gpus > 0
    return {
        "num_cpus": 1,
        # A share of a GPU lies within one GPU: 1/2, 1/3 and so on, never more than one.
        "num_gpus": 1 / min(max(-(-count // int(gpus)), 1), WORKERS_A_GPU) if wanted else 0,
        "max_concurrency": IN_HAND + 1,
        "max_restarts": 0,
        "max_task_retries": 0,
        "runtime_env": {"env_vars": of_threads(1)},
    }


def _fitting(ray: Any) -> int:
    """Workers that suit the cluster as it is now."""
    there = ray.cluster_resources()
    by_memory = int(there.get("memory", WORKER_BYTES) / WORKER_BYTES)
    count = max(min(int(there.get("CPU", 1)), by_memory), 1)
    if gpus := int(there.get("GPU", 0)):
        count = min(count, gpus * WORKERS_A_GPU)
    return count


def _absolute(job: Job) -> Job:
    """`job` as a process with another working folder understands it."""

    def at(place: str) -> str:
        return place if is_url(place) else str(Path(place).absolute())

    paths = {"depth", "matte", "scale_from"} & job.opening.keys()
    opened = {key: at(job.opening[key]) for key in paths if isinstance(job.opening[key], str)}
    return replace(
        job,
        source=at(job.source),
        companions=tuple(map(at, job.companions)),
        opening={**job.opening, **opened},
    )
