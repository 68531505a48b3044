"""What a worker has written: described, told apart from what others wrote, put into its place."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from depthfx.batch.job import Job, Written
from depthfx.errors import PhotoError
from depthfx.photo.whole import sync

JOURNAL, REPORT = ".depthfx-batch", "depthfx-report"
"""Folders in the output folder that are no results: of `batch.journal`, and of `batch.report`."""
FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""What a system says of a disk, or a user's share of it, that is full or has become read-only."""

State = list[int]
"""Size (bytes) and time of the last change (ns) of a file; of a folder, the sum of the sizes and
the latest of the times of its files."""


def is_fatal(error: BaseException) -> bool:
    """Whether `error` comes of a disk that takes nothing more: no other photo would fare better."""
    return any(isinstance(cause, OSError) and cause.errno in FATAL for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def content_sha256(job: Job) -> str:
    """SHA-256 of the photo's content; if it has companions, of the checksums of all of them.

    Of local files only. Raises PhotoError if one cannot be read.
    """
    first, *others = (_readable_sha256(Path(path)) for path in (job.source, *job.companions))
    return hashlib.sha256("".join((first, *others)).encode()).hexdigest() if others else first


def _readable_sha256(path: Path) -> str:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe never ends
            raise PhotoError(f"{path}: is not a file")
        return sha256(path)
    except FileNotFoundError:
        raise PhotoError(f"{path}: no such file") from None
    except OSError as error:
        raise PhotoError(f"{path}: cannot be read: {error.strerror or error}") from error


def sha256(path: Path) -> str:
    """Of a file; of a folder, of the names and checksums of its files, in their order."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = sorted(f"{sha256(file)} {file.relative_to(path).as_posix()}\n" for file in files(path))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def state(path: Path) -> State | None:
    """What tells, without reading it, whether a file or a folder was changed; None: not there."""
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            return [status.st_size, status.st_mtime_ns]
        inner = [file.stat() for file in files(path)]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [sum(s.st_size for s in inner), max((s.st_mtime_ns for s in inner), default=0)]


def on_disk(path: Path) -> State:
    """The state of a file or folder that is there, once all its content is on the disk."""
    for file in files(path) if path.is_dir() else (path,):
        sync(file)
    return state(path) or [0, 0]


def files(folder: Path) -> Iterator[Path]:
    """All files in a folder and below."""
    return (path for path in folder.rglob("*") if not path.is_dir())


def written(path: Path, below: Path) -> Written:
    """The description of a file, or of a folder with all that is in it, that lies in `below`."""
    size = state(path)
    if size is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    return Written(path.relative_to(below).as_posix(), size[0], sha256(path))


def make_folder(folder: Path) -> None:
    """Make `folder` and what it lies in, to last through a power cut. Raises OSError."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, "Not a folder", str(folder))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def put(staged: Path, place: Path) -> None:
    """Give what lies at `staged`, on the disk already, the name `place`; its folder is there.

    A file that has that name is replaced at once, a folder in two steps. Cut short anywhere, the
    same call again brings it to its end. Raises OSError.
    """
    try:
        _rename(staged, place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A folder of the results is a link or another disk: over there it must be a rename too.
        near = place.with_name(part_name(place))
        try:
            _copy(staged, near)
            _rename(near, place)
        except BaseException:
            _remove(near)
            raise
        _remove(staged)


def part_name(place: Path) -> str:
    """What stands in for `place` while that is replaced is called: always the same, so that none
    piles up, and short, as `place` may have as long a name as there can be."""
    return f".depthfx-{hashlib.sha256(os.fsencode(place.name)).hexdigest()[:12]}.part"


def _rename(staged: Path, place: Path) -> None:
    aside = staged.with_name(part_name(staged))
    if staged.is_dir() and place.is_dir():
        _remove(aside)
        place.rename(aside)
    staged.replace(place)
    _remove(aside)


def _copy(path: Path, to: Path) -> None:
    _remove(to)
    if path.is_dir():
        shutil.copytree(path, to)
        for file in files(to):
            sync(file)
    else:
        shutil.copy2(path, to)
        sync(to)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
