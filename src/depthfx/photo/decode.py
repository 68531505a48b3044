"""Bytes of a photo file -> codes as stored, and what the file says beside them.

The format is told by the first bytes, never by the name. A new format is a module of
`formats` and a row in `FORMATS`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

from depthfx.errors import PhotoError
from depthfx.photo.stored import Reading, Stored


def decode(file: BinaryIO, path: Path, reading: Reading | None = None) -> Stored:
    """What `file`, open at its start, holds. Only the first picture is read.

    Raises PhotoError, naming `path`, if it is no photo, is damaged, or is larger than
    `reading` allows; that is found before memory is taken for it.
    """
    reading = replace(reading or Reading(), file_bytes=file.seek(0, io.SEEK_END))
    file.seek(0)
    head = file.read(32)
    file.seek(0)
    if not head:
        raise PhotoError(f"{path}: is empty")
    name, module = next(((name, module) for name, fits, module in FORMATS if fits(head)), ("", ""))
    if not name:
        raise PhotoError(
            f"{path}: is not a photo that depthfx reads "
            f"({', '.join(name for name, _, _ in FORMATS)})"
        )

    try:
        stored = import_module(f"depthfx.photo.formats.{module}").decode(file, reading)
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from error
    except Exception as error:  # the libraries raise nearly anything at a broken file
        reason = str(error) or type(error).__name__
        raise PhotoError(f"{path}: the {name} data is damaged or cut off ({reason})") from error
    return replace(stored, format=stored.format or name)


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


FORMATS: tuple[tuple[str, Callable[[bytes], bool], str], ...] = (
    ("JPEG", _begins(b"\xff\xd8\xff"), "jpeg"),
    ("PNG", _begins(b"\x89PNG\r\n\x1a\n"), "png"),
    ("TIFF", _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff"),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", "webp"),
)
"""Name, test of the first 32 bytes, module of `formats` whose `decode` reads it."""
