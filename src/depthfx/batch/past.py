"""What earlier runs did to the photos of a batch, as far as it can be seen without touching it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from depthfx.batch import deliver
from depthfx.batch.job import Finding, Job, Result, Status
from depthfx.batch.notes import NOTES, Entries, Entry, Notes, read_notes
from depthfx.batch.store import is_url
from depthfx.errors import DepthfxError, ParameterError, PhotoError
from depthfx.photo.whole import check_folder, check_target

ALTERED = (Finding("altered", "the result was changed by somebody; --overwrite makes it anew"),)
"""What there is to say of a kept result that somebody has retouched: whatever was found when it
was made may hold no longer."""
UNPLANNED = ("name", "source", "version", "companions", "size_px", "survey")
"""Of a job: what does not decide what is made of a photo's content."""


def plain_key(job: Job) -> str:
    """SHA-256 of what decides a result besides the photo's content, as far as the job says it."""
    values = {name: value for name, value in job.to_json().items() if name not in UNPLANNED}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class Past:
    """What an output folder holds of a batch, which nobody needs to be at work on.

    out : the folder; it may be missing
    key : digest of all that decides a photo's result besides its content
    overwrite : whether files may be replaced that no run of this batch has made, or that were
        altered since
    folder : where the journal is; None: in `out`
    title : what the user calls `out`

    Raises DepthfxError, one line, if the journal is not to be read.
    """

    def __init__(
        self,
        out: Path,
        *,
        key: Callable[[Job], str] = plain_key,
        overwrite: bool = False,
        folder: Path | None = None,
        title: str = "",
    ) -> None:
        self.out, self.folder, self.title = out, folder or out / deliver.JOURNAL, title or str(out)
        self._key, self._overwrite = key, overwrite
        self._begun: dict[str, tuple[str, list[list[Any]]]] = {}
        self._sources: set[tuple[int, int]] = set()
        self._notes = Notes()
        self._entries = Entries(self.folder / NOTES)

    def read(self) -> None:
        """Read the journal."""
        self._notes = read_notes(self.folder / NOTES)

    def close(self) -> None:
        self._entries.close()

    def refuse_other_look(self, digest: str) -> None:
        """Raise ParameterError if there are results of another look, and they are not to go."""
        if self._notes.done and self._notes.look != digest and not self._overwrite:
            raise ParameterError(
                f"{self.title}: holds results of another look; --overwrite replaces them, or give "
                "another folder"
            )

    def split(self, jobs: Iterable[Job]) -> tuple[list[Result], list[Job]]:
        """What needs no work: done by earlier runs, or refused; and the jobs that are left.

        Refused are photos with a fault of their own, and those whose results would replace what
        this batch has not made, was altered since, or is itself one of the photos. What was
        altered and needs not be replaced is kept. Call it for every job before it is begun.
        """
        settled: list[Result] = []
        left: list[Job] = []
        jobs = list(jobs)
        for job in jobs:
            if (status := _status(Path(job.source))) is not None:
                self._sources.add((status.st_dev, status.st_ino))
        for job in jobs:
            source = _signature(job)
            try:
                if job.fault:
                    raise PhotoError(job.fault)
                key = self._key(job)
                result = self._kept(job, key, source)
                self._check_places([job.target], job)
            except DepthfxError as error:
                result = Result(job.name, job.source, Status.FAILED, error=str(error))
            if result is None:
                self._begun[job.name] = key, source
                left.append(job)
            else:
                settled.append(result)
        return settled, left

    def _kept(self, job: Job, key: str, source: list[list[Any]]) -> Result | None:
        """The result of an earlier run if it still counts; None if the photo is to be done.

        Raises PhotoError if it would have to be done and must not.
        """
        if job.name not in self._notes.done:
            return None
        entry = self._entries.at(self._notes.done[job.name])
        gone, altered = self._changes(entry)
        made_of_it = _same_source(job, source, entry)
        if entry.key == key and made_of_it and not gone and not (altered and self._overwrite):
            kept = replace(entry.result, source=job.source, status=Status.KEPT)
            return replace(kept, findings=ALTERED) if altered else kept
        if self._overwrite:
            return None
        if altered:
            raise PhotoError(
                f"{self._place(altered[0])}: was altered since it was made; --overwrite makes it "
                "anew, or move it away"
            )
        if not made_of_it and entry.source and source and entry.source[0][0] != source[0][0]:
            raise PhotoError(
                f"{job.source}: {self._place(job.target)} is there already, made of "
                f"{entry.source[0][0]}; --overwrite replaces it, or give another folder"
            )
        return None

    def _place(self, name: str) -> str:
        """What the user calls a file of the results."""
        return str(self.out / name)

    def _changes(self, entry: Entry) -> tuple[list[str], list[str]]:
        """Files of an earlier result that are gone, and those that are not what was made."""
        gone, altered = [], []
        for written in entry.result.written:
            path = self.out / written.name
            now = deliver.state(path)
            if now is None:
                gone.append(written.name)
            elif now[0] != written.size or (
                now != entry.states.get(written.name) and deliver.sha256(path) != written.sha256
            ):
                altered.append(written.name)
        return gone, altered

    def _check_places(self, names: Iterable[str], job: Job) -> None:
        """Raise PhotoError if what has one of these names now must not be replaced for `job`."""
        for name in names:
            place = self.out / name
            if (status := _status(place)) is not None:
                if (status.st_dev, status.st_ino) in self._sources:
                    raise PhotoError(
                        f"{place}: is one of the photos, which are never written over; give "
                        "another folder, or other names for the results"
                    )
            elif not place.is_symlink():
                continue
            check = check_folder if place.is_dir() and not place.is_symlink() else check_target
            check(place, overwrite=self._overwrite or self._notes.owner.get(name) == job.name)

    def _begun_as(self, job: Job) -> tuple[str, list[list[Any]]]:
        """Key and source of a job as `split` found them."""
        if job.name in self._begun:
            return self._begun.pop(job.name)
        return self._key(job), _signature(job)


def _signature(job: Job) -> list[list[Any]]:
    """Path, size and time of the photo and its companions; empty if one cannot be looked at.

    Of what is in a store, the URL and what the store has for a version of the photo.
    """
    found: list[list[Any]] = []
    for place in (job.source, *job.companions):
        if is_url(place):
            found.append([place, job.version if place == job.source else ""])
            continue
        try:
            state = deliver.state(Path(place))
        except OSError:  # its opening will say why
            return []
        if state is None:
            return []
        found.append([str(Path(place).absolute()), *state])
    return found


def _same_source(job: Job, source: list[list[Any]], entry: Entry) -> bool:
    """Whether a photo and its companions are what an earlier result was made of."""
    if source and source == entry.source:
        return True
    try:
        return bool(source) and deliver.content_sha256(job) == entry.result.source_sha256
    except PhotoError:
        return False


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
