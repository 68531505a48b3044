"""One worker as its driver sees it: a child process, what it has in hand, what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from depthfx.batch.job import Job
from depthfx.batch.room import Hand, grown_px

LAST_WORDS = 20
"""Lines that are kept of what a worker prints."""
GONE_S = 5.0
"""So long an ended process is waited for; one that hangs in the system's own code stays."""

KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
}
"""Lets glibc keep what is freed for the next arrays, all in one heap, until `room.give_back`.

By default it returns each large array to the system, which has to clear the memory of the next
one: a quarter of all CPU time of a 12 MP portrait."""

Heard = Callable[["Child", dict[str, Any] | None], None]
"""Hears each message of a child, in a thread of that child; None: it has ended."""


@dataclass
class InHand:
    """A photo that a worker was given.

    attempts : how often it was begun, this time counted in
    sign_s : when it was begun, or gave a sign of life since
    """

    job: Job
    attempts: int
    sign_s: float = field(default_factory=time.monotonic)


class Child:
    """A worker process. Raises OSError if the system starts none.

    name : what it is called to people
    hello : the first that it is told, see `batch.worker`
    threads : how many threads a piece of its work may use
    wants : photos that it is free to begin; it is started for one
    alone : whether it is one for a photo that failed before, the only worker while it is there
    grown_px : size of the photo that its memory has grown for
    """

    def __init__(
        self, name: str, hello: dict[str, Any], threads: int, heard: Heard, *, alone: bool
    ) -> None:
        self.name, self.alone = name, alone
        self.hand: dict[str, InHand] = {}
        self.grown_px = 0
        self.wants, self.ready, self.overdue = 1, False, ""
        self._heard = heard
        self._words = deque[str](maxlen=LAST_WORDS)
        self.process = subprocess.Popen(
            # -P: what lies in the user's folder is not taken for a library.
            [sys.executable, "-P", "-m", "depthfx.batch.worker"],
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if hello["verbose"] else subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests = self.process.stdin
        self._threads = [threading.Thread(target=self._hear, args=(self.process.stdout,))]
        if self.process.stderr is not None:
            self._threads.append(threading.Thread(target=self._keep, args=(self.process.stderr,)))
        for thread in self._threads:
            thread.daemon = True
            thread.start()
        self._say(hello)

    def give(self, job: Job, attempts: int) -> None:
        """Let it work on `job`."""
        self.wants -= 1
        self.grown_px = grown_px(self.grown_px, job)
        self.hand[job.name] = InHand(job, attempts)
        self._say({"job": job.to_json()})

    def sign_of_life(self) -> None:
        for entry in self.hand.values():
            entry.sign_s = time.monotonic()

    def end(self) -> None:
        """Let it finish what it has in hand, and go."""
        self._say({"end": True})

    def kill(self) -> None:
        self.process.kill()

    def bury(self) -> None:
        """Wait for its end, and give back what it had of the system."""
        try:
            self.process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GONE_S)
        with suppress(OSError):  # what was not said will not be said
            self._requests.close()
        for thread in self._threads:
            thread.join(GONE_S)

    def holding(self, job: Job | None = None) -> Hand:
        """What it has, or would have with `job`."""
        jobs = [entry.job for entry in self.hand.values()]
        if job is None:
            return Hand(jobs, self.grown_px)
        return Hand([*jobs, job], grown_px(self.grown_px, job))

    @property
    def last_words(self) -> str:
        """What it printed last, lines."""
        return "\n".join(self._words)

    @property
    def cause(self) -> str:
        """Why it has ended, a clause."""
        status = self.process.poll()
        if status is None or status >= 0:
            return f"ended by itself (status {status})"
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        kill = name == "SIGKILL"
        return f"was killed ({name}), perhaps for want of memory" if kill else f"crashed ({name})"

    def _say(self, message: dict[str, Any]) -> None:
        with suppress(OSError):  # it has ended, which is heard of elsewhere
            self._requests.write(json.dumps(message) + "\n")
            self._requests.flush()

    def _hear(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                with suppress(ValueError):  # cut short by its end
                    self._heard(self, json.loads(line))
        self._heard(self, None)

    def _keep(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self._words.append(line.rstrip())


def environment(threads: int) -> dict[str, str]:
    """The variables of a worker's environment: this process's, libraries told how to behave."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONFAULTHANDLER": "1",
        **of_threads(threads),
    }


def of_threads(threads: int) -> dict[str, str]:
    """Variables that tell libraries how to behave beside other workers."""
    count = str(threads)
    return {
        "OMP_NUM_THREADS": count,
        "NUMBA_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        # Between two kernels threads sleep; they would take the cores of other workers.
        "OMP_WAIT_POLICY": "PASSIVE",
        **KEEP_MEMORY,
    }
