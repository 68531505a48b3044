"""Both eyes' pictures in one JPEG file: MPO as 3D cameras write it, and JPS.

MPO is one JPEG after the other; a segment of the first says where the second begins. JPS is one
JPEG with both side by side, the right eye's first, and a segment that says so.

CIPA DC-007-2009, "Multi-Picture Format"; "JPS file format", VRex 1997.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from depthfx.photo.formats import jpeg
from depthfx.photo.stored import Stored
from depthfx.stereo.pairs import Row

APP2, APP3 = 0xE2, 0xE3
MPF = b"MPF\0"
DISPARITY, SHOWN = 0x020002, 1 << 29
"""Kind of a picture: one of a stereo pair; and that it is the one to show where one is shown."""
BIG_ENDIAN = b"MM\0*"
START = len(BIG_ENDIAN) + 4
LONG, RATIONAL, UNDEFINED, SIGNED_RATIONAL = 4, 5, 7, 10
VERSION, COUNT, ENTRIES, NUMBER = 0xB000, 0xB001, 0xB002, 0xB101
BASE_VIEWPOINT, CONVERGENCE_ANGLE, BASELINE = 0xB204, 0xB205, 0xB206
UNKNOWN = bytes((0xFF,)) * 8
"""A rational number that nobody knows."""
MICROMETRES = 1_000_000
WIDEST = (1 << 32) - 1
"""Micrometres that fit; of mountains the eyes may stand farther apart."""
JPS_STEREO, JPS_SIDE_BY_SIDE = 1, 2

Entry = tuple[int, int, int, bytes]
"""Of a directory: tag, type, how many values, the values."""


def write_mpo(
    file: BinaryIO, left: Stored, right: Stored, pair: Row, *, metric: bool, quality: int = 95
) -> tuple[str, ...]:
    """Write a stereo pair to `file`, the left eye's picture first.

    metric : whether the baseline of `pair` is in metres; only then it is told

    Returns what had to be left out, a line each.
    """
    encoded = io.BytesIO(), io.BytesIO()
    left_out = jpeg.encode(encoded[0], left, quality)
    jpeg.encode(encoded[1], right, quality)
    first, second = encoded[0].getvalue(), encoded[1].getvalue()
    micrometres = min(round(pair.baseline_m * MICROMETRES), WIDEST)
    baseline = struct.pack(">II", micrometres, MICROMETRES)
    told = [_attributes(number, baseline if metric else UNKNOWN) for number in (1, 2)]
    version = (VERSION, UNDEFINED, 4, b"0100")
    own = _mpf(_directory([version, *told[1]], START))
    second = _with_segment(second, own)

    def head(size: int) -> bytes:
        # Places are counted from the mark of the byte order, which is behind "MPF\0".
        at = size - _behind_applications(first) - 4 - len(MPF)
        entries = struct.pack(">IIIHH", DISPARITY | SHOWN, size, 0, 0, 0)
        entries += struct.pack(">IIIHH", DISPARITY, len(second), at, 0, 0)
        count = (COUNT, LONG, 1, struct.pack(">I", 2))
        index = [version, count, (ENTRIES, UNDEFINED, len(entries), entries)]
        length = len(_directory(index, START))
        return _mpf(_directory(index, START, START + length) + _directory(told[0], START + length))

    size = len(first) + len(head(0xFFFF))
    file.write(_with_segment(first, head(size)) + second)
    return left_out


def write_jps(file: BinaryIO, crossed: Stored, *, quality: int = 95) -> tuple[str, ...]:
    """Write to `file` a picture that has the right eye's at its left, the left eye's at its right.

    Returns what had to be left out, a line each.
    """
    encoded = io.BytesIO()
    left_out = jpeg.encode(encoded, crossed, quality)
    separation = flags = 0
    descriptor = bytes((separation, flags, JPS_SIDE_BY_SIDE, JPS_STEREO))
    no_comment = bytes(2)
    body = b"_JPSJPS_" + struct.pack(">H", len(descriptor)) + descriptor + no_comment
    file.write(_with_segment(encoded.getvalue(), _segment(APP3, body)))
    return left_out


def _attributes(number: int, baseline: bytes) -> list[Entry]:
    """Of one picture: which it is, and how it stands to the first. The cameras are not turned."""
    return [
        (NUMBER, LONG, 1, struct.pack(">I", number)),
        (BASE_VIEWPOINT, LONG, 1, struct.pack(">I", 1)),
        (CONVERGENCE_ANGLE, SIGNED_RATIONAL, 1, struct.pack(">ii", 0, 1)),
        (BASELINE, RATIONAL, 1, baseline),
    ]


def _directory(entries: list[Entry], start: int, following: int = 0) -> bytes:
    """A directory of TIFF that begins at `start`, and the values that do not fit into it."""
    long_at = start + 2 + 12 * len(entries) + 4
    fields, long_values = b"", b""
    for tag, kind, count, value in entries:
        if len(value) > 4:
            place = struct.pack(">I", long_at + len(long_values))
            long_values += value
        else:
            place = value.ljust(4, b"\0")
        fields += struct.pack(">HHI", tag, kind, count) + place
    return struct.pack(">H", len(entries)) + fields + struct.pack(">I", following) + long_values


def _mpf(directories: bytes) -> bytes:
    return _segment(APP2, MPF + BIG_ENDIAN + struct.pack(">I", START) + directories)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _with_segment(data: bytes, segment: bytes) -> bytes:
    """The JPEG `data` with `segment` behind those that programs have put in."""
    at = _behind_applications(data)
    return data[:at] + segment + data[at:]


def _behind_applications(data: bytes) -> int:
    at = 2
    while 0xE0 <= data[at + 1] <= 0xEF:
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at
