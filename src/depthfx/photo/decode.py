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
from depthfx.photo.boxes import is_avif, is_heif
from depthfx.photo.raw_file import is_raw
from depthfx.photo.stored import Reading, Stored

JPEG = b"\xff\xd8\xff"
LONGEST_REASON = 200


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
    name, module = _told(head, file)
    if not name:
        formats = ", ".join(name for name, _, _ in FORMATS)
        raise PhotoError(
            f"{path}: {_what_else(head)}; depthfx reads {formats} and camera raw files"
        )
    try:
        stored = import_module(f"depthfx.photo.formats.{module}").decode(file, reading)
    except PhotoError as error:
        raise PhotoError(f"{path}: {error}") from error
    except Exception as error:  # the libraries raise nearly anything at a broken file
        reason = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
        raise PhotoError(f"{path}: the {name} data is damaged or cut off ({reason})") from error
    return replace(stored, format=stored.format or name)


def _told(head: bytes, file: BinaryIO) -> tuple[str, str]:
    """Name of the format and the module that reads it; both empty if there is none."""
    if not head.startswith(JPEG) and is_raw(file):
        return "RAW", "raw"
    return next(((name, module) for name, fits, module in FORMATS if fits(head)), ("", ""))


def _what_else(head: bytes) -> str:
    """What a file is that is no photo, so that its owner sees what went wrong."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    words = next((words for begin, words in NO_PHOTOS if start.startswith(begin)), None)
    if words is None and head[4:8] == b"ftyp":
        words = "a video, or a picture of another kind"
    return f"is {words}, not a photo" if words else "is not a photo"


NO_PHOTOS = (
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<svg", "a drawing (SVG)"),
    (b"<?xml", "an XML text"),
    (b"%pdf", "a PDF document"),
    (b"%!ps", "a PostScript document"),
    (b"version https://git-lfs", "the pointer that Git LFS left in the place of a file"),
    (b"pk\3\4", "a ZIP archive"),
    (b"8bps", "a Photoshop document"),
)
"""How such files begin, in lower case."""


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(starts)


FORMATS: tuple[tuple[str, Callable[[bytes], bool], str], ...] = (
    ("JPEG", _begins(JPEG), "jpeg"),
    ("PNG", _begins(b"\x89PNG\r\n\x1a\n"), "png"),
    ("TIFF", _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff"),
    ("WEBP", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", "webp"),
    ("GIF", _begins(b"GIF87a", b"GIF89a"), "gif"),
    ("BMP", _begins(b"BM"), "bmp"),
    ("HEIF", is_heif, "heif"),
    ("AVIF", is_avif, "avif"),
    ("OpenEXR", _begins(b"v/1\x01"), "exr"),
)
"""Name, test of the first 32 bytes, module of `formats` whose `decode` reads it."""
