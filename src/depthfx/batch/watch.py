"""Photos as they come into a folder: tethered shooting, a card that is being copied.

The system's notifications only wake this up; what counts is what lies in the folder then. So
nothing is missed where notifications get lost, and a disk in the network that sends none is
looked at every few seconds. A photo counts as there when its files have stayed as they are for a
while, and are whole as far as their form shows it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from depthfx.batch.complete import looks_whole
from depthfx.batch.job import Job, Result, Status
from depthfx.batch.photos import Item
from depthfx.errors import DepthfxError

TICK_S = 0.25
"""How often what is not steady yet is looked at."""
LOOK_AGAIN_S = 5.0
"""How often the folders are looked through though nothing was heard of them."""
REST = 4
"""Times as long as looking through the folders took, it rests."""
STEADY_S = 1.0
"""A file that has its end and has not changed for so long is there; so long the JPEG of a raw
file, or its sidecar, is waited for ..."""
UNSURE_S = 3.0
"""... one whose form shows no end, as raw files, for so long ..."""
PATIENCE_S = 30.0
"""... and one whose end is missing for so long: it is broken, not late."""
OLD_S = 60.0
"""A file that was changed so long before the watch began is not being written."""

Stamp = tuple[tuple[str, int, int], ...]
"""Name, size and time of change (ns) of every file of a photo."""
Say = Callable[[str], None]


@dataclass
class Arrivals:
    """The photos in folders that come, or change, from now on.

    look : finds the photos
    folders : whose changes are listened to
    say : told in a line when they vanish and come back
    """

    look: Callable[[], list[Item]]
    folders: tuple[Path, ...]
    say: Say
    _done: dict[str, Stamp] = field(default_factory=dict)
    _waiting: dict[str, tuple[Stamp, float, float]] = field(default_factory=dict)
    _in_hand: set[str] = field(default_factory=set)
    _failed: set[str] = field(default_factory=set)
    _gone: Path | None = None
    _begun: bool = False
    _due_s: float = 0.0

    def known(self, items: Iterable[Item]) -> None:
        """These need not come again, as long as they do not change."""
        self._done |= {item.name: stamp_of(item) for item in items}

    def ended(self, name: str, failed: bool) -> None:
        """A photo is no longer in hand; one that failed comes again when its folder does."""
        self._in_hand.discard(name)
        (self._failed.add if failed else self._failed.discard)(name)

    @property
    def idle(self) -> bool:
        """Whether no photo is in hand."""
        return not self._in_hand

    def until(self, stop: threading.Event) -> Iterator[Item]:
        """The photos, each as soon as it is there; ends soon after `stop` is set."""
        heard, next_s = False, 0.0
        with closing(_changes(self.folders, stop)) as changes:
            for changed in changes:
                heard = heard or changed
                now_s = time.monotonic()
                if now_s < next_s or not (heard or self._gone or now_s >= self._due_s):
                    continue
                heard = False
                yield from self._there(now_s, stop)
                # Whatever is heard, looking through big folders is not all there is to do.
                next_s = time.monotonic() + max(TICK_S, REST * (time.monotonic() - now_s))

    def _there(self, now_s: float, stop: threading.Event) -> Iterator[Item]:
        arrived = self._arrived(now_s)
        due = [since_s + wait_s for _, since_s, wait_s in self._waiting.values()]
        self._due_s = min([now_s + LOOK_AGAIN_S, *due])
        for item in arrived:
            # It may have gone while others were worked on.
            if not stop.is_set() and os.path.lexists(item.source):
                yield item

    def _arrived(self, now_s: float) -> list[Item]:
        items = self._found()
        if items is None:
            return []
        names = {item.name for item in items}
        for kept in (self._done, self._waiting):
            for name in kept.keys() - names:
                del kept[name]
        arrived = [item for item in items if self._is_there(item, now_s)]
        self._begun = True
        return arrived

    def _found(self) -> list[Item] | None:
        """What lies in the folders; None if one is gone."""
        gone = next((folder for folder in self.folders if not folder.is_dir()), None)
        if gone is not None:
            if self._gone != gone:
                self.say(f"{gone} is gone; waiting for it to come back")
            self._gone = gone
            return None
        if self._gone is not None:
            self.say(f"{self._gone} is back")
            self._gone = None
            for name in self._failed:
                self._done.pop(name, None)
        try:
            return self.look()
        except DepthfxError:  # it goes just now
            return None

    def _is_there(self, item: Item, now_s: float) -> bool:
        """Whether this is a photo that is new, or has changed, and is there in full."""
        stamp = stamp_of(item)
        if self._done.get(item.name) == stamp:
            return False
        before, since_s, _ = self._waiting.get(item.name, (None, now_s, 0.0))
        if before != stamp:
            since_s = now_s
        wait_s = _wait_s(stamp, at_first=not self._begun)
        self._waiting[item.name] = (stamp, since_s, wait_s)
        if item.name in self._in_hand or now_s - since_s < wait_s:
            return False
        del self._waiting[item.name]
        self._done[item.name] = stamp
        self._in_hand.add(item.name)
        return True


def as_they_come(
    arrivals: Arrivals,
    job_of: Callable[[Item], Job | None],
    settle: Callable[[list[Job]], tuple[list[Result], list[Job]]],
    stop: threading.Event,
) -> Iterator[Job]:
    """The work on photos as they come, for as long as nobody stops it.

    job_of : the work on a photo; None: it is to be left out
    settle : what is known of photos without any work, and the work that is left
    """
    for item in arrivals.until(stop):
        job = job_of(item)
        settled, left = ([], []) if job is None else settle([job])
        if job is not None and any(result.status is Status.FAILED for result in settled):
            left = [replace(job, fault=settled[0].error)]
        if not left:
            arrivals.ended(item.name, failed=False)
        yield from left


def stamp_of(item: Item) -> Stamp:
    """How all files of a photo are now; what is gone is not in it."""
    stamp = []
    for path in (item.source, *sorted(item.companions.values())):
        try:
            found = Path(path).stat()
        except OSError:
            continue
        stamp.append((path, found.st_size, found.st_mtime_ns))
    return tuple(stamp)


def _wait_s(stamp: Stamp, at_first: bool) -> float:
    """How long a photo has to stay as it is till it counts as there.

    at_first : whether it was there when the watch began; then an old one need not wait
    """
    whole = [looks_whole(Path(path)) for path, _, _ in stamp]
    if False in whole:
        return PATIENCE_S
    changed_s = max((when_ns for _, _, when_ns in stamp), default=0) / 1e9
    if at_first and time.time() - changed_s > OLD_S:
        return 0.0
    return UNSURE_S if None in whole else STEADY_S


def _changes(folders: tuple[Path, ...], stop: threading.Event) -> Generator[bool, None, None]:
    """Every `TICK_S` or sooner: whether a change was heard of; ends when `stop` is set."""
    while not stop.is_set():
        there = tuple(folder for folder in folders if folder.is_dir())
        watched = {folder: _identity(folder) for folder in there}
        for changed in _heard(there, stop):
            yield changed
            if watched != {folder: _identity(folder) for folder in folders if folder.is_dir()}:
                yield True  # one is gone, or another has taken its place: listen anew
                break


def _heard(folders: tuple[Path, ...], stop: threading.Event) -> Generator[bool, None, None]:
    try:
        from watchfiles import watch
    except ImportError:  # then the folders are looked through, as on a disk that tells nothing
        watch = None
    if watch is not None and folders:
        try:
            yield True  # what came before anybody listened
            for changes in watch(
                *folders,
                watch_filter=None,
                stop_event=stop,
                rust_timeout=round(TICK_S * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                yield bool(changes)
            return
        except OSError:  # no more notifications to be had from this system, or none there
            pass
    while not stop.wait(TICK_S):
        yield False


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
