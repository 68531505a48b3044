"""What runs in an actor of a Ray cluster: a bench, and the stages of its photos overlapping."""

from __future__ import annotations

import os
import socket
import tempfile
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from depthfx import __version__
from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.store import is_url

IN_HAND = 2
"""Photos a worker has: one in work, one being read."""
LOOK_UP_S = 1.0


class Actor:
    """A worker; its methods are called from as many threads as it has photos in hand.

    settings : of `Settings`
    working : the driver's working folder, from which paths in recipes count
    staging, store : see `Bench`; with a store, `staging` may be missing on this machine
    verbose : whether libraries may talk
    """

    def __init__(
        self,
        settings: dict[str, Any],
        working: str,
        staging: str,
        store: str | None,
        verbose: bool,
    ) -> None:
        import cv2

        from depthfx import machine
        from depthfx.batch.work import Bench
        from depthfx.libraries import quiet_libraries

        if not verbose:
            quiet_libraries()
        cv2.setNumThreads(machine.threads())
        with suppress(OSError):  # another machine's
            os.chdir(working)
        self._own = None
        if store is not None and not Path(staging).is_dir():
            self._own = tempfile.TemporaryDirectory(prefix="depthfx-")
            staging = self._own.name
        self._staging = Path(staging)
        self._bench = Bench(Settings(**settings), self._staging, store)
        self._jobs = SimpleQueue[Job | None]()
        self._answers: dict[str, Future[Result]] = {}
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()

    def about(self) -> dict[str, Any]:
        """What the driver wants to know before it sends a photo."""
        return {
            "version": __version__,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "sees": self._staging.is_dir(),
        }

    def do(self, values: dict[str, Any]) -> dict[str, Any]:
        """The result of a job; both as JSON values."""
        job = Job.from_json(values)
        if not is_url(job.source) and not Path(job.source).parent.is_dir():
            return _unseen(job).to_json()
        answer = self._answers[job.name] = Future()
        self._jobs.put(job)
        return answer.result().to_json()

    def leave(self) -> None:
        """Leave nothing behind; called when nothing is in hand."""
        self._jobs.put(None)
        self._thread.join()
        if self._own is not None:
            self._own.cleanup()

    def _work(self) -> None:
        from depthfx.batch.pipeline import flow
        from depthfx.batch.worker import kernels_may_meet

        try:
            ahead = IN_HAND - 1 if kernels_may_meet() else 0
            flow(self._bench, self._jobs.get, self._give, ahead=ahead)
            self._bench.close()
        except BaseException as error:
            for answer in self._answers.values():
                answer.set_exception(error)

    def _give(self, result: Result) -> None:
        self._answers.pop(result.name).set_result(result)


def _end_with(parent: int) -> None:
    """End this process when Ray's on this machine has ended.

    An interpreter that is told to go waits for threads that wait for photos.
    """
    while os.getppid() == parent:
        time.sleep(LOOK_UP_S)
    os._exit(1)


def _unseen(job: Job) -> Result:
    """No other photo would fare better, so the run ends with this."""
    error = (
        f"{job.source}: the worker on {socket.gethostname()} does not see its folder; on a "
        "cluster, photos lie in a store like s3://, or on a disk that all its machines see there"
    )
    return Result(job.name, job.source, Status.FAILED, error=error, fatal=True)
