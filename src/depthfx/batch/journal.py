"""What was done with which photo, so that a run that was killed goes on where it was.

A result is made in a folder of its own and on the disk before the journal hears of it. Then the
journal notes which files are about to take which names (`notes.Entry`), waits till the disk has
that, renames, waits till the disk has the names, and notes that it is done. Whenever the power
goes, the next run finds either nothing noted, and the photo is done again; or an entry without
its "done", and the renaming is brought to its end. Nothing half-written ever has a result's name.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from depthfx import __version__
from depthfx.batch import deliver
from depthfx.batch.job import Job, Result, Status, Written
from depthfx.batch.notes import NOTES, Entry, NoteFile
from depthfx.batch.past import Past
from depthfx.batch.run_lock import RunLock
from depthfx.errors import DepthfxError, PhotoError
from depthfx.photo.whole import sync

GO_ON = "mend that and give the same command again: it goes on from here"


class Journal(Past):
    """The journal of an output folder, which no other process can open meanwhile.

    out : the folder; it is made if need be
    look_digest : of the look; results of another one are refused, unless they may be replaced
    how : see `Past`

    Raises DepthfxError, one line, if the folder cannot be written, another run is at work in it,
    it holds another look's results, or the journal is not to be read.
    """

    def __init__(self, out: Path, look_digest: str, **how: Any) -> None:
        super().__init__(out, **how)
        with self._on_the_disk("mend that, or give another folder"), ExitStack() as held:
            deliver.make_folder(self.folder)
            self._lock = RunLock(self.folder / "lock", self.title)
            held.callback(self._lock.release)
            self.read()
            self.refuse_other_look(look_digest)
            self._file = NoteFile(self.folder / NOTES, self._notes.end)
            held.callback(self._file.close)
            held.callback(self._entries.close)
            self._settle()
            _empty(self._staging_root)
            self.staging = self._staging_root / secrets.token_hex(4)
            """Where workers write, on the disk of the results: nothing else is in it."""
            deliver.make_folder(self.staging)
            self._note({"look": look_digest, "depthfx": __version__})
            self._held = held.pop_all()

    @property
    def _staging_root(self) -> Path:
        return self.folder / "staging"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with self._held, suppress(OSError):
            # Ctrl-C may have come between the renames of one photo's files.
            self._settle()
            _empty(self._staging_root)

    def fact(self, name: str) -> Any:
        """What `note` was told under this name, by this run or an earlier one of the same look;
        None if nothing was."""
        return self._notes.facts.get(name)

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON value for later runs. Raises DepthfxError if the disk is full."""
        with self._on_the_disk():
            self._note({"fact": name, "value": value})

    def delivered(self, job: Job, result: Result) -> Result:
        """Take what a worker has written into its place, and note it; what became of the photo.

        It is on the disk then. Raises DepthfxError if the disk is full, read-only or gone: the
        run cannot go on, but the same one can be begun again.
        """
        staged = self.staging / job.slot
        result = replace(result, error=result.error.replace(str(staged), self.title))
        if not self._lock.is_there():
            raise DepthfxError(f"{self.title}: was taken away in the middle of the work")
        if result.fatal:
            raise self._halted(result.error)
        if result.status is not Status.FAILED:
            try:
                self._put(job, result, staged)
                return result
            except PhotoError as error:
                result = replace(result, status=Status.FAILED, written=(), error=str(error))
        with self._on_the_disk():
            self._note({"failed": result.to_json()}, lasting=False)
            _empty(staged)
        return result

    def _put(self, job: Job, result: Result, staged: Path) -> None:
        """Raises PhotoError if this photo's files cannot have their names, DepthfxError if no
        photo's can."""
        key, source = self._begun_as(job)
        names = [written.name for written in result.written]
        self._check_places(names, job)
        try:
            for name in names:
                deliver.make_folder((self.out / name).parent)
            states = {name: deliver.on_disk(staged / name) for name in names}
        except OSError as error:
            raise self._refused(self.out / job.target, error) from error
        below = staged.relative_to(self.folder).as_posix()
        with self._on_the_disk():
            self._note(Entry(result, key, source, states, below).line())
            self._finish(job.name)

    def _settle(self) -> None:
        """Bring to its end what was about to be put into place."""
        for name in list(self._notes.open):
            with suppress(PhotoError):
                self._finish(name)

    def _finish(self, name: str) -> None:
        """Put what `name` has staged into place and note it; what is there already stays.

        Raises PhotoError if it cannot be, and notes that; OSError if the journal's disk is full.
        """
        entry = self._entries.at(self._notes.open[name])
        staged = self.folder / entry.place
        try:
            for written in entry.result.written:
                self._finish_one(staged, written)
        except OSError as error:
            self._note({"dropped": name})
            raise self._refused(self.out / written.name, error) from error
        for folder in {(self.out / written.name).parent for written in entry.result.written}:
            sync(folder)
        for picture in entry.result.pictures.values():
            _shown(staged / deliver.REPORT / picture, self.out / deliver.REPORT / picture)
        self._note({"done": name}, lasting=False)
        _empty(staged)

    def _finish_one(self, staged: Path, written: Written) -> None:
        here, place = staged / written.name, self.out / written.name
        if here.exists():
            deliver.put(here, place)
        elif deliver.state(place) is None or deliver.sha256(place) != written.sha256:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(here))

    def _refused(self, place: Path, error: OSError) -> DepthfxError:
        """What becomes of an error at one photo's file: its own, or that of the whole disk."""
        if deliver.is_fatal(error):
            return self._halted(str(error))
        return PhotoError(f"{place}: cannot be written: {error.strerror or error}")

    def _note(self, line: dict[str, Any], *, lasting: bool = True) -> None:
        self._notes.add(line, self._file.add(line, lasting=lasting))

    @contextmanager
    def _on_the_disk(self, remedy: str = GO_ON) -> Iterator[None]:
        """What the system says of the journal's disk ends the run."""
        try:
            yield
        except OSError as error:
            raise self._halted(str(error.strerror or error), remedy) from error

    def _halted(self, reason: str, remedy: str = GO_ON) -> DepthfxError:
        here = "" if self.title in reason else f"{self.title}: cannot be written: "
        return DepthfxError(f"{here}{reason}; {remedy}")


def foreseen(
    out: Path, look_digest: str, jobs: Iterable[Job], **how: Any
) -> tuple[list[Result], list[Job]]:
    """What a run would do, which writes nothing: see `Past.split`.

    how : see `Past`. Raises DepthfxError as `Journal` does, except that another run may be at work.
    """
    past = Past(out, **how)
    try:
        past.read()
        past.refuse_other_look(look_digest)
        return past.split(jobs)
    except OSError as error:
        raise DepthfxError(f"{out}: cannot be read: {error.strerror or error}") from error
    finally:
        past.close()


def _shown(staged: Path, place: Path) -> None:
    """A small picture into the report; it can do without."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(place)


def _empty(folder: Path) -> None:
    """Remove a folder that holds what is ours alone, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
