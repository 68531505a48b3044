"""The journal of results that go to a store: it lies on this machine, with a copy in the store.

Workers put their results to the store themselves, each whole, and the journal hears of it after.
A run that is killed in between leaves objects of which no line tells; so the names that were free
when a run began are claimed, in the store too, before any work: what is found under a claimed name
is this batch's. As nothing can be added to an object, a copy goes to the store in pieces, each put
whole, so that another machine can go on with the run; two at one time are not kept apart.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from depthfx import machine
from depthfx.batch.deliver import JOURNAL, REPORT
from depthfx.batch.job import Job, Result
from depthfx.batch.journal import Journal
from depthfx.batch.notes import NOTES, Entry
from depthfx.batch.store import content, found, is_url, join, local_path, put_bytes, shown
from depthfx.errors import PhotoError
from depthfx.photo.whole import written_whole

SEND_EVERY_S = 60.0
"""So much work at most another machine would do again."""
LASTING_EVERY_S = 1.0
"""So much a power cut here makes this one do again."""
CLAIMS_A_LINE = 5000
SEGMENT = "journal-{:08d}.jsonl"


def journal_of(out: Path | str, look_digest: str, **how: Any) -> Journal:
    """The journal of results in a folder or in a store, see `Journal` and `FarJournal`."""
    if is_url(out) and local_path(out) is None:
        return FarJournal(str(out), look_digest, **how)
    return Journal(local_path(out) or Path(out), look_digest, **how)


class FarJournal(Journal):
    """The journal of results below a URL.

    out : the URL
    state : folder for the journal; None: one of its own among the user's
    how : see `Journal`; nothing is read back to be verified: size and name count

    What a chain makes beside the picture is not foreseen: only the picture's own name is refused
    if it is taken. Raises DepthfxError as `Journal` does, PhotoError if the store cannot be
    listed or written.
    """

    def __init__(
        self, out: str, look_digest: str, *, state: Path | None = None, **how: Any
    ) -> None:
        own = hashlib.sha256(out.rstrip("/").encode()).hexdigest()[:20]
        self._url = out
        self._segments = Segments(out)
        self._sent = _Sent()
        self._last_sent_s = self._last_lasting_s = time.monotonic()
        self._sizes: dict[str, int | None] | None = None
        folder = state or machine.user_folder("state") / "batch" / own
        super().__init__(Path(out), look_digest, folder=folder, title=shown(out), **how)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with suppress(PhotoError):  # the next run sends what this one could not
            self._send()
        super().__exit__(kind, error, _)

    def split(self, jobs: Iterable[Job]) -> tuple[list[Result], list[Job]]:
        settled, left = super().split(jobs)
        there, claimed = self._there(), self._notes.claimed
        free = [job.target for job in left if job.target not in there.keys() | claimed]
        with self._on_the_disk():
            for start in range(0, len(free), CLAIMS_A_LINE):
                self._note({"claimed": free[start : start + CLAIMS_A_LINE]})
        if not self._sent.segments:
            self._send()
        return settled, left

    def read(self) -> None:
        """Read the journal, brought up to date with the store: another machine may have gone on."""
        path = self.folder / NOTES
        self._sent = _Sent.read(path.with_name("sent.json"))
        names = self._segments.names()
        if len(names) != self._sent.segments:
            unsent = path.read_bytes()[self._sent.size :] if path.exists() else b""
            told = "".join(f"{line}\n" for line in self._segments.lines()).encode()
            with written_whole(path, overwrite=True) as file:
                file.write(told + unsent)
            self._sent = _Sent(len(names), len(told))
            self._sent.write(path.with_name("sent.json"))
        super().read()

    def _there(self) -> dict[str, int | None]:
        """Size of each object below the URL, and of all that is in each folder."""
        if self._sizes is None:
            sizes: dict[str, int | None] = {}
            for entry in found(self._url, missing_ok=True):
                if entry.name.startswith((f"{JOURNAL}/", f"{REPORT}/")):
                    continue
                sizes[entry.name] = entry.size
                for folder in Path(entry.name).parents[:-1]:
                    sizes[folder.as_posix()] = (sizes.get(folder.as_posix()) or 0) + (
                        entry.size or 0
                    )
            self._sizes = sizes
        return self._sizes

    def _place(self, name: str) -> str:
        return join(self.title, name)

    def _changes(self, entry: Entry) -> tuple[list[str], list[str]]:
        there = self._there()
        gone = [written.name for written in entry.result.written if written.name not in there]
        altered = [
            written.name
            for written in entry.result.written
            if there.get(written.name) not in (None, written.size)
        ]
        return gone, altered

    def _check_places(self, names: Iterable[str], job: Job) -> None:
        for name in names:
            if job.source == join(self._url, name):
                raise PhotoError(
                    f"{self._place(name)}: is the photo itself, which is never written over; give "
                    "another folder, or other names for the results"
                )
            ours = name in self._notes.claimed or self._notes.owner.get(name) == job.name
            if name in self._there() and not ours and not self._overwrite:
                raise PhotoError(f"{self._place(name)}: exists already; --overwrite replaces it")

    def _put(self, job: Job, result: Result, staged: Path) -> None:
        """The worker has put it: that is noted."""
        key, source = self._begun_as(job)
        with self._on_the_disk():
            self._note(Entry(result, key, source, {}, "").line(), lasting=False)
            self._finish(job.name)
        self._there().update({written.name: written.size for written in result.written})

    def _finish(self, name: str) -> None:
        now_s = time.monotonic()
        lasting = now_s - self._last_lasting_s > LASTING_EVERY_S
        self._note({"done": name}, lasting=lasting)
        if lasting:
            self._last_lasting_s = now_s
        if now_s - self._last_sent_s > SEND_EVERY_S:
            with suppress(PhotoError):  # the next time, or when the run ends
                self._send()

    def _send(self) -> None:
        """Put the lines that the store does not have yet. Raises PhotoError."""
        self._last_sent_s = time.monotonic()
        path = self.folder / NOTES
        with path.open("rb") as file:
            file.seek(self._sent.size)
            text = file.read()
        if text:
            self._segments.append(text.decode().splitlines())
            self._sent = _Sent(self._sent.segments + 1, self._sent.size + len(text))
            self._sent.write(path.with_name("sent.json"))


@dataclass(frozen=True)
class _Sent:
    """How much of a journal its store has: pieces, and bytes."""

    segments: int = 0
    size: int = 0

    @classmethod
    def read(cls, path: Path) -> _Sent:
        with suppress(OSError, ValueError, TypeError):
            return cls(**json.loads(path.read_bytes()))
        return cls()

    def write(self, path: Path) -> None:
        with written_whole(path, overwrite=True) as file:
            file.write(json.dumps(asdict(self)).encode())


class Segments:
    """The pieces below the URL of the results; one run at a time writes them."""

    def __init__(self, out: str) -> None:
        self._folder = join(out, JOURNAL)
        self._count: int | None = None

    def lines(self) -> Iterator[str]:
        """All lines that were ever put, in their order. Raises PhotoError."""
        for name in self.names():
            yield from content(join(self._folder, name)).decode().splitlines()

    def append(self, lines: Sequence[str]) -> None:
        """Put `lines` as one piece more. Raises PhotoError; then none of them is there."""
        if self._count is None:
            self._count = len(self.names())
        text = "".join(f"{line.rstrip()}\n" for line in lines)
        put_bytes(text.encode(), join(self._folder, SEGMENT.format(self._count + 1)))
        self._count += 1

    def names(self) -> list[str]:
        """Of the pieces that are there, in their order. Raises PhotoError."""
        entries = found(self._folder, missing_ok=True)
        return sorted(e.name for e in entries if e.name.startswith("journal-"))
