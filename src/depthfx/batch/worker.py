"""A process that works on photos for `batch.workers`, which starts it and talks to it by pipes.

One JSON value a line. It is told, on its standard input:

    {"settings": ..., "staging": ..., "store": ..., "ahead": ..., "verbose": ...}    first
    {"job": ...}      a photo, when it has asked for one
    {"end": true}     there will be no more: it finishes what it has in hand, and goes

It says, on its standard output:

    {"ready": true}   once, before anything else
    {"want": true}    it is free to begin a photo; the first need not be wanted
    {"result": ...}   a photo is done, or failed
    {"alive": true}   now and then while it works

Whatever else is printed goes to standard error. If the pipe is closed without {"end"}, whoever
started it is gone, and so is it at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TextIO

from depthfx.batch.job import Job, Result, Settings
from depthfx.libraries import quiet_libraries

ALIVE_EVERY_S = 10.0


class Line:
    """The talk with who started this process."""

    def __init__(self, requests: TextIO, answers: TextIO) -> None:
        self._requests, self._answers = requests, answers
        self._speaking = threading.Lock()
        self._jobs = SimpleQueue[Job | None]()
        self._wanted = False
        self._alive_s = 0.0

    def listen(self) -> None:
        """From now on jobs are heard, and the end of whoever sends them."""
        threading.Thread(target=self._hear, name="listen", daemon=True).start()

    def _hear(self) -> None:
        for line in self._requests:
            request = json.loads(line)
            if "end" in request:
                self._jobs.put(None)
                return
            self._jobs.put(Job.from_json(request["job"]))
        os._exit(1)

    def take(self) -> Job | None:
        """Ask for a photo and wait for it; None: there are no more."""
        if self._wanted:
            self.say({"want": True})
        self._wanted = True
        return self._jobs.get()

    def give(self, result: Result) -> None:
        """Say how a photo ended."""
        self.say({"result": result.to_json()})

    def alive(self, _stage: str, _done: float) -> None:
        """Say that work goes on; a `Progress`."""
        now_s = time.monotonic()
        if now_s - self._alive_s > ALIVE_EVERY_S:
            self._alive_s = now_s
            self.say({"alive": True})

    def say(self, message: dict[str, Any]) -> None:
        """Send `message`; nobody there to hear it is the end."""
        try:
            with self._speaking:
                self._answers.write(json.dumps(message) + "\n")
                self._answers.flush()
        except OSError:
            os._exit(1)


def main() -> None:
    requests, answers = _own_pipes()
    # Ctrl-C, and what a system sends that ends a service, reach all; who began this one decides.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    hello = json.loads(requests.readline() or "null")
    if hello is None:
        return
    line = Line(requests, answers)
    line.listen()
    if not hello["verbose"]:
        quiet_libraries()
    # Imported when it is known that somebody wants it.
    import cv2

    from depthfx import machine
    from depthfx.batch.pipeline import flow
    from depthfx.batch.work import Bench

    cv2.setNumThreads(machine.threads())
    bench = Bench(Settings(**hello["settings"]), Path(hello["staging"]), hello["store"], line.alive)
    line.say({"ready": True})
    overlaps = hello["ahead"] and kernels_may_meet()
    flow(bench, line.take, line.give, ahead=max(hello["ahead"], bench.at_once) if overlaps else 0)
    bench.close()
    # Nothing is left to be put in order, which the interpreter's own end takes its time for.
    sys.stderr.flush()
    os._exit(0)


def _own_pipes() -> tuple[TextIO, TextIO]:
    """What this process is told and says; what libraries read is empty, what they print is not
    heard as an answer."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def kernels_may_meet() -> bool:
    """Whether two threads may run compiled kernels at once.

    Where numba has neither OpenMP nor TBB, it ends the process when they do.
    """
    from importlib.util import find_spec

    return any(find_spec(f"numba.np.ufunc.{layer}") for layer in ("omppool", "tbbpool"))


if __name__ == "__main__":
    main()
