"""The journal's file: lines of JSON that reach the disk one by one and outlive any end of a run.

    {"journal": 1}                                   the version of what follows
    {"look": "<digest>", "depthfx": "0.9.0"}         a run begins with this look
    {"put": {<result>}, "key": "<digest>", "source": [...], "states": {...}, "from": "staging/..."}
                                                     about to be put into place; made of that source
    {"done": "<photo>"}                              it is in place
    {"dropped": "<photo>"}                           it could not be; nothing of it counts
    {"failed": {<result>}}                           it has no picture
    {"fact": "<name>", "value": ...}                 what the set has in common, found once
    {"claimed": ["<target>", ...]}                   free in a store when the run began

Lines are only ever added, and the last one alone can be torn by a power cut: it is cut off and
what it told of is done again. A line that a bad disk made unreadable counts as not written.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, fields
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from depthfx.batch.deliver import State
from depthfx.batch.job import Result
from depthfx.errors import DepthfxError

NOTES, VERSION = "journal.jsonl", 1


@dataclass(frozen=True)
class Entry:
    """How a photo's result came to be.

    key : of all that decided it besides the photo
    source : path, size and time (ns) of the photo and of each of its companions, when it was
        begun
    states : of each file written, by its name
    place : the folder it was staged in, below the journal's
    """

    result: Result
    key: str
    source: list[list[Any]]
    states: dict[str, State]
    place: str

    def line(self) -> dict[str, Any]:
        return {
            "put": self.result.to_json(),
            "key": self.key,
            "source": self.source,
            "states": self.states,
            "from": self.place,
        }

    @classmethod
    def of(cls, line: dict[str, Any]) -> Entry:
        known = {entry.name for entry in fields(Result)}
        values = {name: value for name, value in line["put"].items() if name in known}
        return cls(
            Result.from_json(values), line["key"], line["source"], line["states"], line["from"]
        )


@dataclass
class Notes:
    """What a journal says, as far as it is needed at once; the rest stays on the disk.

    look : digest of the last run's look; "" before the first
    done : where in the file the entry of each photo in place begins
    open : the same for those that were about to be put into place
    owner : which photo a written file is of, by the file's name
    facts : see `Journal.fact`
    claimed : names in a store that are this batch's, whatever lies there
    end : bytes of the file that are whole lines
    """

    look: str = ""
    done: dict[str, int] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    end: int = 0

    def add(self, line: dict[str, Any], offset: int) -> None:
        """Take in one line that begins at `offset`."""
        match line:
            case {"put": {"name": str(name), "written": [*written]}}:
                self.open[name] = offset
                self.owner |= {str(entry["name"]): name for entry in written}
            case {"done": str(name)} if name in self.open:
                self.done[name] = self.open.pop(name)
            case {"dropped": str(name)}:
                self.open.pop(name, None)
                self.done.pop(name, None)
            case {"look": str(look)}:
                if look != self.look:
                    self.facts = {}
                self.look = look
            case {"fact": str(name), "value": value}:
                self.facts[name] = value
            case {"claimed": [*names]}:
                self.claimed.update(names)


def read_notes(path: Path) -> Notes:
    """What the journal at `path` says; nothing if there is none.

    Raises DepthfxError if it is none of ours, or of a newer version; OSError.
    """
    notes = Notes()
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return notes
    with file:
        for number, line in enumerate(file):
            if not line.endswith(b"\n"):
                break
            values = _values(line)
            if number == 0:
                _check_version(path, values)
            # A line may be JSON and yet not ours, if the disk has mixed two of them.
            with suppress(KeyError, TypeError):
                notes.add(values, notes.end)
            notes.end += len(line)
    return notes


def _values(line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _check_version(path: Path, values: dict[str, Any]) -> None:
    version = values.get("journal")
    if version == VERSION:
        return
    if isinstance(version, int) and version > VERSION:
        raise DepthfxError(
            f"{path}: was written by a newer depthfx (journal {version}, this one knows "
            f"{VERSION}); update depthfx, or give another folder"
        )
    raise DepthfxError(
        f"{path}: is no journal of depthfx, or a damaged one; give another folder, or remove it: "
        "then --overwrite makes all results once more"
    )


class NoteFile:
    """The journal's file, open to add lines; what is torn at its end is cut off.

    Raises OSError, here and whenever a line cannot be written: then the file is as it was.
    """

    def __init__(self, path: Path, end: int) -> None:
        self._end = end
        # Unbuffered: a line that the disk has no room for must not come back when it is closed.
        self._file: FileIO = path.open("ab", buffering=0)
        self._file.truncate(end)
        if not end:
            self.add({"journal": VERSION})

    def add(self, values: dict[str, Any], *, lasting: bool = True) -> int:
        """Write one line; where it begins.

        lasting : wait till the disk has it; else a power cut, nothing less, may lose it
        """
        line = json.dumps(values).encode("ascii") + b"\n"
        try:
            left = memoryview(line)
            while left:  # what fits is written, and the next call says why no more does
                left = left[self._file.write(left) :]
            if lasting:
                os.fsync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise
        self._end += len(line)
        return self._end - len(line)

    def close(self) -> None:
        self._file.close()


class Entries:
    """The entries of the journal at `path`, wherever its lines begin."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def at(self, offset: int) -> Entry:
        """The entry of the line that begins at `offset`. Raises OSError."""
        if self._file is None:
            self._file = self._path.open("rb")
        self._file.seek(offset)
        return Entry.of(json.loads(self._file.readline()))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
