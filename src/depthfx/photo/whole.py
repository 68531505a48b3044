"""A file written whole or not at all.

The bytes go to a file of its own name beside the target, reach the disk, and only then
take the target's name. Whatever happens on the way, the target is what it was. Until then
nobody but the user can read them; only a process that is killed leaves them behind.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from depthfx.errors import PhotoError

PRIVATE = 0o600


@contextmanager
def written_whole(
    target: Path | str, *, overwrite: bool = False, source: Path | None = None
) -> Iterator[BinaryIO]:
    """A new file open for writing and reading that becomes `target` when the block ends.

    source : the file that is being edited, which is never written over.

    Raises PhotoError if `target` is `source`, a link, a folder, or exists and
    `overwrite` is not set; if its folder is missing; if the disk is full. An exception
    in the block leaves no trace.
    """
    target = Path(target)
    check_target(target, overwrite=overwrite, source=source)
    part = target.parent / f".depthfx-{secrets.token_hex(6)}.part"
    with _in_words(target):
        file = part.open("x+b")
        try:
            with file:
                mode = os.fstat(file.fileno()).st_mode
                _set_mode(file, PRIVATE)
                yield file
                file.flush()
                _set_mode(file, target.stat().st_mode if target.exists() else mode)
                os.fsync(file.fileno())
            _take_name(part, target, overwrite)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    _sync_folder(target.parent)


@contextmanager
def _in_words(target: Path) -> Iterator[None]:
    """What the system says of a file becomes a PhotoError that names it."""
    try:
        yield
    except OSError as error:
        raise PhotoError(f"{target}: cannot be written: {error.strerror or error}") from error


def check_target(target: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Raise PhotoError if `target` must not be written, before any work is done for it."""
    if "\0" in str(target):
        raise PhotoError(f"{target}: no file can have this name")
    with _in_words(target):
        _check_target(target, overwrite, source)


def _check_target(target: Path, overwrite: bool, source: Path | None) -> None:
    if target.is_symlink():
        raise PhotoError(f"{target}: is a link; name the file itself")
    if not target.parent.is_dir():
        raise PhotoError(f"{target}: the folder {target.parent} does not exist; make it first")
    if not target.exists():
        return
    if source is not None and source.exists() and target.samefile(source):
        raise PhotoError(
            f"{target}: is the photo itself, which is never written over, "
            "not even with --overwrite; choose another name"
        )
    if not target.is_file():
        raise PhotoError(f"{target}: is not a file; choose another name")
    if not overwrite:
        raise PhotoError(f"{target}: exists already; --overwrite replaces it")


def _set_mode(file: BinaryIO, mode: int) -> None:
    with suppress(OSError, AttributeError):  # some file systems, some systems, know no modes
        os.fchmod(file.fileno(), mode)


def _take_name(part: Path, target: Path, overwrite: bool) -> None:
    if overwrite:
        part.replace(target)
        return
    try:
        # A hard link fails if the name was taken meanwhile; a rename would replace it.
        os.link(part, target)
    except FileExistsError:
        raise PhotoError(f"{target}: exists already; --overwrite replaces it") from None
    except OSError:  # no hard links on this file system
        check_target(target)
        part.rename(target)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
