"""One run at a time in a folder: a lock that the system gives up when its process dies."""

from __future__ import annotations

import errno
import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from depthfx.errors import DepthfxError

TAKEN = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What systems answer that know locks, when another has it."""


class RunLock:
    """The lock file `path`, held from now on till `release` or the end of this process.

    The file says who holds it. It stays when it is given up: were it removed, a process that has
    just opened it would hold the lock of a file that nobody else can find. Where the disk knows
    no locks (some network disks) nobody is kept out.

    Raises DepthfxError, with who it is, if another process holds it; OSError if the file cannot
    be written.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._file = path.open("a+b", buffering=0)
        try:
            _lock(self._file)
        except OSError as error:
            holder = _holder(self._file)
            self._file.close()
            if error.errno in TAKEN:
                raise DepthfxError(
                    f"{what}: another run is at work there{holder}; wait till it has ended, or "
                    "give another folder"
                ) from None
            raise
        begun = datetime.now().astimezone().isoformat(" ", "seconds")
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {platform.node()} since {begun}\n".encode())

    def is_there(self) -> bool:
        """Whether the file is still the one that was locked: the disk may have been taken away."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def release(self) -> None:
        with suppress(OSError):
            self._file.truncate(0)
        self._file.close()


def _holder(file: BinaryIO) -> str:
    """Who has written the lock file, in brackets, if it can be read."""
    with suppress(OSError):
        file.seek(0)
        if words := file.read(200).decode(errors="replace").strip():
            return f" ({words})"
    return ""


def _lock(file: BinaryIO) -> None:
    """Raise OSError, one of `TAKEN`, if another process has it."""
    try:
        import fcntl
    except ImportError:
        _lock_on_windows(file)
        return
    try:
        # Of the open file, not of the process: a copy of the file closed elsewhere keeps it.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in TAKEN:
            raise


def _lock_on_windows(file: BinaryIO) -> None:
    import msvcrt  # pragma: no cover

    # Far behind the text, which others must be able to read.
    file.seek(1 << 30)
    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
