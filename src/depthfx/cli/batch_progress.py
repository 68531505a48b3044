"""How far a batch is: bars on a terminal, a line a photo in a log, nothing if it is to be quiet."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from depthfx.batch.job import Job, Result, Status
from depthfx.batch.past import ALTERED

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WINDOW_S = 60.0
"""The pace is that of the last minute ..."""
LEAST_PHOTOS = 8
"""... or of as many photos, if that is longer ago."""
LEAST_S = 0.1
"""Less time than this tells nothing of a pace."""
BASE_PX = 1_000_000
"""What a photo costs however small it is, in pixels of a big one."""
UNKNOWN_PX = 12_000_000
"""What a photo is taken for whose header does not say it, as those of HEIC: a phone's."""
FINISHING = "finishing the photos in hand"
REDRAWS_A_SECOND = 4
MOST_WORKERS_SHOWN = 8
WIDE = 72
"""Columns from which the bar stands on the line of its words."""

Say = Callable[[str], None]


class Pace:
    """How fast photos get done, from when each was; sizes count, as big ones take longer.

    begun_s : when the work began, in seconds of any clock
    """

    def __init__(self, begun_s: float) -> None:
        self._marks = deque([(begun_s, 0, 0)])  # when, photos so far, work so far

    def done(self, size_px: int, at_s: float) -> None:
        """A photo of `size_px` pixels got done."""
        _, photos, work = self._marks[-1]
        self._marks.append((at_s, photos + 1, work + BASE_PX + size_px))
        while len(self._marks) > LEAST_PHOTOS + 1 and self._marks[1][0] < at_s - WINDOW_S:
            self._marks.popleft()

    def per_minute(self, now_s: float) -> float:
        """Photos per minute of late; 0 as long as none is done."""
        (first_s, first, _), (_, last, _) = self._marks[0], self._marks[-1]
        return 60 * (last - first) / max(now_s - first_s, LEAST_S)

    def left_s(self, sizes_px: int, photos: int, now_s: float) -> float | None:
        """How long `photos` more with `sizes_px` pixels together will take; None: not known yet."""
        (first_s, _, first), (last_s, _, last) = self._marks[0], self._marks[-1]
        if last == first:
            return None
        per_s = (last - first) / max(last_s - first_s, LEAST_S)
        return max(0.0, (sizes_px + photos * BASE_PX) / per_s - (now_s - last_s))


@dataclass
class Board:
    """Where a batch stands: what is to be done, what was, who is at what.

    say : prints a line where people read
    total_known : whether more photos may still come (`--watch`): if so nothing is said of time left
    every_photo : whether each gets a line, not only those that a person should look at
    quiet : whether only those that failed get one
    drawn : whether it is redrawn all the time, so that what it says need not be said in lines
    clock : seconds, ever growing
    """

    say: Say
    every_photo: bool = True
    total_known: bool = True
    quiet: bool = False
    drawn: bool = False
    clock: Callable[[], float] = time.monotonic
    total: int = 0
    kept: int = 0
    done: int = 0
    failed: int = 0
    to_look_at: int = 0
    looked_at: int = 0
    finishing: bool = False
    at_work: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    _sizes_px: dict[str, int] = field(default_factory=dict)  # of those that are left
    _left_px: int = 0
    _warned: set[str] = field(default_factory=set)  # what was said once is not said again
    _pace: Pace | None = None
    _begun_s: float | None = None
    _kept_told: int = 0

    def planned(self, jobs: Iterable[Job]) -> None:
        """These are to be done, besides those that were told before."""
        for job in jobs:
            self.total += job.name not in self._sizes_px
            size_px = job.size_px or UNKNOWN_PX
            self._left_px += size_px - self._sizes_px.get(job.name, 0)
            self._sizes_px[job.name] = size_px

    def is_left(self, name: str) -> bool:
        """Whether a photo is still to be done."""
        return name in self._sizes_px

    def sized(self, name: str, size_px: int) -> None:
        """A photo that is left has so many pixels, as is found out now."""
        if name in self._sizes_px:
            self._left_px += size_px - self._sizes_px[name]
            self._sizes_px[name] = size_px

    def begun(self, job: Job, worker: str) -> None:
        """`worker` has begun a photo."""
        if job.survey:
            if not (self.looked_at or self.quiet):
                self.say("looking at all photos first, for what they are to have in common")
            self.looked_at += 1
            return
        self._start()
        # A worker reads the next photo while its chain is at one.
        self.at_work = {
            **self.at_work,
            worker: [*self.at_work.get(worker, []), (job.name, self.clock())],
        }

    def ended(self, result: Result) -> None:
        """A photo is done, one way or the other."""
        size_px = self._sizes_px.pop(result.name, 0)
        self._left_px -= size_px
        self._left_by(result)
        if result.status is Status.KEPT:
            self.kept += 1
            if result.findings == ALTERED and not self.quiet:
                self.say(one_line(f"{result.name}: {ALTERED[0].words}; it is kept"))
            return
        self.tell_kept()
        pace = self._start()
        if result.status is Status.DONE:  # one that cannot be read tells nothing of the pace
            pace.done(size_px, self.clock())
        self.done += result.status is Status.DONE
        self.failed += result.status is Status.FAILED
        self.to_look_at += bool(result.findings)
        warnings = [w for w in result.facts.get("warnings", ()) if w not in self._warned]
        self._warned.update(warnings)
        seen = not self.quiet and (self.every_photo or result.findings or warnings)
        if seen or result.status is Status.FAILED:
            self.say(self._line(result, warnings))

    def tell_kept(self) -> None:
        """Say once how many photos were done before."""
        if self.kept > self._kept_told and not self.quiet:
            self._kept_told = self.kept
            self.say(f"{self.kept} of {self.total} were done before, and are kept")

    def stopping(self) -> None:
        """The user wants it to end; may be called by a signal, in the midst of anything."""
        self.finishing = True
        if not self.drawn:
            os.write(sys.stderr.fileno(), f"{FINISHING}; Ctrl-C once more ends at once\n".encode())

    @property
    def ended_count(self) -> int:
        """Photos that need no more work in this run."""
        return self.kept + self.done + self.failed

    @property
    def left(self) -> int:
        """Photos that were planned, and are not done."""
        return len(self._sizes_px)

    @property
    def spent_s(self) -> float:
        """Time since the first photo was begun."""
        return 0.0 if self._begun_s is None else self.clock() - self._begun_s

    def words(self) -> list[str]:
        """Where it stands, most important first."""
        ended = self.ended_count
        words = [f"{ended}/{self.total}" if self.total_known else f"{ended} photos"]
        if self.looked_at and not ended:
            words.append(f"{self.looked_at} looked at")
        if self.failed:
            words.append(f"{self.failed} failed")
        if self.finishing:
            words.append(FINISHING)
        elif self.total_known and (left := self._time_left()):
            words.append(left)
        if self._pace is not None and (per_minute := self._pace.per_minute(self.clock())):
            words.append(f"{per_minute:.{0 if per_minute >= 10 else 1}f}/min")
        if self.to_look_at:
            words.append(f"{self.to_look_at} to look at")
        return words

    def _left_by(self, result: Result) -> None:
        """Take a photo from whoever was at it; the next one is his from now on."""
        at_work = {}
        for worker, photos in self.at_work.items():
            left = [photo for photo in photos if photo[0] != result.name]
            if left and len(left) < len(photos):
                left[0] = (left[0][0], self.clock())
            if left:
                at_work[worker] = left
        self.at_work = at_work

    def _start(self) -> Pace:
        if self._pace is None:
            self._begun_s = self.clock()
            self._pace = Pace(self._begun_s)
        return self._pace

    def _time_left(self) -> str:
        if self._pace is None or not self._sizes_px:
            return ""
        left = self._pace.left_s(self._left_px, len(self._sizes_px), self.clock())
        return "" if left is None else f"{duration(left)} left"

    def _line(self, result: Result, warnings: list[str]) -> str:
        ended = self.ended_count
        width = len(str(self.total))
        count = f"[{ended:>{width}}/{self.total}]" if self.total_known else f"[{ended}]"
        said = [f"failed: {result.error}"] if result.status is Status.FAILED else ["done"]
        said += [f"look at it: {finding.words}" for finding in result.findings]
        said += [f"warning: {warning}" for warning in warnings]
        if spent := sum(result.seconds.values()):
            said.append(f"{spent:.1f} s")
        facts = [word for word in self.words()[1:] if word.endswith(("/min", " left"))]
        return one_line(f"{count} {result.name}: " + "; ".join([*said, *facts[::-1]]))


def duration(seconds: float) -> str:
    """A time in words: "45 s", "12 min", "1 h 28 min"."""
    if round(seconds) < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def one_line(text: str) -> str:
    """`text` with nothing in it that moves a terminal's cursor: names may hold anything."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


@contextmanager
def board(
    *, quiet: bool = False, every_photo: bool = True, total_known: bool = True
) -> Iterator[Board]:
    """A board that is shown on stderr: drawn and redrawn on a terminal, in lines elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield Board(say, every_photo, total_known, quiet)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)

    def say_above(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    shown = Board(say_above, every_photo=False, total_known=total_known, drawn=True)
    with Live(
        get_renderable=lambda: drawn(shown, console),
        console=console,
        refresh_per_second=REDRAWS_A_SECOND,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ):
        yield shown


def say(line: str) -> None:
    """Print a line where people read."""
    print(line, file=sys.stderr, flush=True)


def drawn(shown: Board, console: Console) -> RenderableType:
    """The board as lines of a terminal, none longer than it is wide."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    words = Text("  ".join(shown.words()), no_wrap=True, overflow="ellipsis")
    lines: list[RenderableType] = [words]
    if shown.total_known:
        ended = shown.ended_count
        bar = ProgressBar(total=max(shown.total, 1), completed=ended)
        row = Table.grid(expand=True, padding=(0, 2))
        row.add_column(ratio=1)
        if console.width >= WIDE:
            row.add_column(no_wrap=True)
            row.add_row(bar, words)
            lines = [row]
        else:
            row.add_row(bar)
            lines = [row, words]
    now = shown.clock()
    at_work = sorted(shown.at_work.items(), key=lambda entry: (len(entry[0]), entry[0]))
    for worker, ((name, since), *_) in at_work[:MOST_WORKERS_SHOWN]:
        line = one_line(f"  {worker}  {duration(now - since):>5}  {name}")
        lines.append(Text(line, style="dim", no_wrap=True, overflow="ellipsis"))
    if len(at_work) > MOST_WORKERS_SHOWN:
        lines.append(Text(f"  and {len(at_work) - MOST_WORKERS_SHOWN} more", style="dim"))
    return Group(*lines)
