"""Runs a function in a process of its own, under limits, and says how it ended.

Broken files can bring down the libraries that read them; here they bring down a process that
was made for them. It is forked from one that has imported everything, so it costs little.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

PEAK_MB = 1024
CPU_S = 10
LONGEST_S = 90
"""Of waiting: a busy machine is no fault, so it is the processor's time that counts."""
ADDRESS_BYTES = 6 << 30
IMPORTED = (
    "pytest",
    "numpy",
    "cv2",
    "imagecodecs",
    "tifffile",
    "PIL.Image",
    "depthfx.cli.inspect",
    "depthfx.photo.phone.stored_depth",
    "depthfx.photo.write",
    "depthfx.photo.read",
    "depthfx.photo.encode",
    "depthfx.photo.describe",
)


@dataclass(frozen=True)
class Ended:
    """said : what the function returned, None if it did not come to it; problem : what was
    wrong with the process, or empty; peak_mb : the most memory it had."""

    said: Any = None
    problem: str = ""
    peak_mb: int = 0


def apart(
    work: Callable[..., Any], *given: Any, cpu_s: int = CPU_S, peak_mb: int = PEAK_MB
) -> Ended:
    """What `work(*given)` returns, both of them plain values, in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_told, args=(theirs, cpu_s, work, given), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(LONGEST_S):
            return Ended(problem=f"hangs: no answer in {LONGEST_S} s")
        said, error, peak_bytes = ours.recv()
    except EOFError:
        process.join(10)
        return Ended(problem=f"died with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()
        ours.close()
    peak = peak_bytes >> 20
    if peak > peak_mb:
        error = error or f"took {peak} MB, more than {peak_mb}"
    return Ended(said, error, peak)


def _told(answer: Connection, cpu_s: int, work: Callable[..., Any], given: tuple) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    said, error = None, ""
    try:
        said = work(*given)
    except BaseException as raised:
        error = f"{type(raised).__name__}: {raised}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    answer.send((said, error, peak))


def commanded(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of the command `depthfx`; to be called apart."""
    from depthfx.cli import main

    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    sys.argv = ["depthfx", *arguments]
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = int(ended.code or 0)
    out.flush()
    return status, out.buffer.getvalue().decode("utf-8", "surrogateescape"), err.getvalue()


@contextlib.contextmanager
def nothing_new_in(folder: Any) -> Iterator[None]:
    """That the block leaves no file in `folder`, whole or half."""
    before = sorted(folder.rglob("*"))
    yield
    assert sorted(folder.rglob("*")) == before
