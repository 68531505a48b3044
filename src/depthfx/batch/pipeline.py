"""The stages of several photos at once in one process: while the chain works on one photo, the
next is read and the last one written.

Reading and writing wait for disks and decoders, which leave Python alone; the network and the
effects run in the caller's thread, one photo at a time, so that little more memory is in use than
for one photo.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue

from depthfx.batch.job import Job, Result
from depthfx.batch.work import Bench, Underway

Take = Callable[[], Job | None]
"""Gives the next photo, waiting for it if need be; None: there will be no more."""
Give = Callable[[Result], None]
"""Takes a result; called from any thread."""
Reading = tuple[Underway, Future[None]]
"""A photo, and whether it is read already."""


def flow(bench: Bench, take: Take, give: Give, *, ahead: int = 1) -> None:
    """Work on all photos that `take` gives; each goes to `give` as soon as it is done.

    ahead : photos that are read, or being read, while the chain works on another; 0: one photo
        after the other, never two stages at once

    A photo that fails is a result like others. What `take` and `give` raise is raised.
    """
    if not ahead:
        while (job := take()) is not None:
            give(bench.do(job))
        return
    read, room, ended = SimpleQueue[Reading | None](), threading.Semaphore(ahead), threading.Event()
    with ThreadPoolExecutor(2, "stage") as pool:
        reader = pool.submit(_read, bench, take, read, room, ended)
        try:
            _work(bench, read, room, pool, give)
        finally:
            ended.set()
            room.release()
        reader.result()


def _read(
    bench: Bench,
    take: Take,
    read: SimpleQueue[Reading | None],
    room: threading.Semaphore,
    ended: threading.Event,
) -> None:
    """Read photo after photo, each as soon as there is room for it."""
    try:
        while True:
            room.acquire()
            if ended.is_set() or (job := take()) is None:
                return
            underway, done = bench.begun(job), Future[None]()
            read.put((underway, done))
            try:
                bench.read(underway)
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)
            del underway, done  # else they would be kept while the next one is waited for
    finally:
        read.put(None)


def _work(
    bench: Bench,
    read: SimpleQueue[Reading | None],
    room: threading.Semaphore,
    pool: ThreadPoolExecutor,
    give: Give,
) -> None:
    """Let the chain work on what is read, and have it written."""
    writing: Future[None] | None = None
    for group in _groups(bench, read):
        bench.look_ahead([underway for underway, done in group if done.exception() is None])
        while group:
            underway, done = group.pop(0)
            room.release()
            went_well = _made(bench, underway, done, give)
            if writing is not None:
                writing.result()  # one at a time: what is made does not pile up
            writing = pool.submit(_write, bench, underway, give) if went_well else None
            del underway, done
    if writing is not None:
        writing.result()


def _groups(bench: Bench, read: SimpleQueue[Reading | None]) -> Iterator[list[Reading]]:
    """The photos as they are read: one, and what else is there already, if that is of use."""
    more = True
    while more and (entry := read.get()) is not None:
        bench.rehearse(entry[0].job, entry[1])
        group = [entry]
        for _ in range(min(bench.at_once - 1, read.qsize())):
            following = read.get()
            if following is None:
                more = False
                break
            group.append(following)
            del following
        wait([done for _, done in group])
        del entry  # else it would be kept while it is worked on
        yield group


def _made(bench: Bench, underway: Underway, reading: Future[None], give: Give) -> bool:
    """Whether the chain could do its work on the photo; if not, `give` was told."""
    try:
        reading.result()
        bench.make_room(underway.job)
        bench.depth(underway)
        bench.effects(underway)
    except BaseException as error:
        give(bench.failed(underway, error))
        return False
    return True


def _write(bench: Bench, underway: Underway, give: Give) -> None:
    try:
        result = bench.write(underway)
    except BaseException as error:
        result = bench.failed(underway, error)
    give(result)
