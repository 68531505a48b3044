"""A file or a folder written whole or not at all.

The bytes go to a file of its own name beside the target, reach the disk, and only then
take the target's name. Whatever happens on the way, the target is what it was. Until then
nobody but the user can read them; only a process that is killed leaves them behind.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from depthfx.errors import PhotoError

PRIVATE = 0o600
SIDECAR = "depthfx.json"
"""Stands in every folder that depthfx wrote, which is how it knows that it may replace one."""


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
    sync(target.parent)


@contextmanager
def written_folder(
    target: Path | str, *, overwrite: bool = False, source: Path | None = None
) -> Iterator[Path]:
    """An empty folder to be filled that becomes `target` when the block ends.

    A file `SIDECAR` has to be among what is put into it; only a folder that has one, and does not
    hold `source`, is ever replaced. Raises PhotoError as `written_whole` does. An exception in
    the block leaves no trace.
    """
    target = Path(target)
    check_folder(target, overwrite=overwrite, source=source)
    part = target.parent / f".depthfx-{secrets.token_hex(6)}.part"
    with _in_words(target):
        part.mkdir()
        try:
            yield part
            assert (part / SIDECAR).is_file()
            for file in part.rglob("*"):
                sync(file)
            _take_folder_name(part, target)
        except PhotoError as error:  # of a file in it, which the user knows by its later name
            raise PhotoError(str(error).replace(str(part), str(target))) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    sync(target.parent)


def check_folder(target: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Raise PhotoError if the folder `target` must not be written, before any work is done."""
    if "\0" in str(target):
        raise PhotoError(f"{target}: no folder can have this name")
    with _in_words(target):
        _check_folder(target, overwrite, source)


def _check_folder(target: Path, overwrite: bool, source: Path | None) -> None:
    if target.is_symlink() or not target.is_dir():
        if target.exists() or target.is_symlink():
            raise PhotoError(f"{target}: is not a folder; choose another name")
        check_target(target)
        return
    if not (target / SIDECAR).is_file():
        raise PhotoError(
            f"{target}: is a folder that depthfx did not write ({SIDECAR} is missing), so it is "
            "not replaced; choose another name"
        )
    if source is not None and source.resolve().is_relative_to(target.resolve()):
        raise PhotoError(f"{target}: holds the photo itself; choose another folder")
    if not overwrite:
        raise PhotoError(f"{target}: exists already; --overwrite replaces it")


def _take_folder_name(part: Path, target: Path) -> None:
    if not target.exists():
        part.rename(target)
        return
    old = part.with_suffix(".old")
    try:
        target.rename(old)
        part.rename(target)
    finally:  # Ctrl-C may come between the two
        if old.exists() and not target.exists():
            old.rename(target)
        else:
            shutil.rmtree(old, ignore_errors=True)


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


def sync(path: Path) -> None:
    """Make a file, or the names in a folder, last through a power cut, where that can be had."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
