"""What libraries in C print about a broken file, kept off the terminal.

They write to the process's stderr themselves, past Python; ours is to say it, in one line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from threading import Lock

STDERR = 2

_lock = Lock()
_inside = 0
_kept = -1


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing that is written to the process's stderr is seen, in any thread."""
    global _inside, _kept
    with _lock:
        _inside += 1
        if _inside == 1:
            _kept = _muted()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _kept >= 0:
                os.dup2(_kept, STDERR)
                os.close(_kept)


def _muted() -> int:
    """Point stderr at nothing; a copy of what it was, or -1 if there is none."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    try:
        kept = os.dup(STDERR)
    except OSError:
        return -1
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, STDERR)
    os.close(nothing)
    return kept
