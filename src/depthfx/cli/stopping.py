"""How a long run is told to stop: once to finish what is in hand, twice to end at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from depthfx.cli.failure import interrupt

ASKING = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a system sends that wants a program to end."""


@contextmanager
def stopping(stop: threading.Event, say: Callable[[], None]) -> Iterator[None]:
    """In here the first request sets `stop` and calls `say`, the next raises KeyboardInterrupt.

    say : tells the user; it is called wherever the main thread is just then, in the midst of a
        line it prints perhaps, so it must not wait for a lock that this thread may hold

    A request that the program was started deaf to (`nohup`, a job in the background) stays
    unheard. Only in the main thread, as all that handles signals.
    """

    def heard(number: int, frame: object) -> None:
        if stop.is_set():
            interrupt(number, frame)
        stop.set()
        say()

    deaf = {number for number in ASKING if signal.getsignal(number) is signal.SIG_IGN}
    before = {number: signal.signal(number, heard) for number in ASKING if number not in deaf}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
