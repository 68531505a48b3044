"""Damaged copies of files: what a broken disk, a bad program or an attacker makes of them.

Besides blind changes of bytes there are ones that know the form of a file, so that what is
changed gets past the first check: the segments of a JPEG, the chunks of a PNG (with true
checksums, and packed data packed again) and a RIFF, the boxes of HEIF, the directories of
TIFF, EXIF and EXR, the attributes of XML and the base64 in them, the lines of TOML.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random

LONGEST_BYTES = 4 << 20
"""What grows longer is cut: no mutation is about size as such."""
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000)
LARGE_NUMBERS = (0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 40_000, 1_000_000)
WORDS = (
    "", "0", "-1", "1", "nan", "inf", "-inf", "1e999", "1e-999", "0x10", "1/0", "0/0", "1_000",
    "99999999999999999999", "-0.0", "٣", "true", "x" * 5000, "&#x1F600;", "&amp;", "&x;", "]]>",
    "../../../x", "image/jpeg", "image/png", "image/x-exr", "RangeInverse", "RangeLinear",
    "Primary", "Depth", "0.5,0.5", "\x00", "'", '"', "<", ">", "normalized", "Face", "Focus",
)  # fmt: skip
CONTAINERS = frozenset(b"meta iprp ipco iinf moov trak mdia minf stbl dinf iref".split())
JPEG_KINDS = (0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xFE)

Change = Callable[[bytes, Random], bytes]
Part = tuple[bytes, bytes]
"""The kind of a segment or chunk, and its body."""


def mutated(data: bytes, rng: Random, others: Sequence[bytes] = ()) -> bytes:
    """`data` with one to four things wrong with it; of `others`, pieces may be put in."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        change = rng.choice(_changes(data))
        data = change(data, rng)
        if others and rng.random() < 0.05:
            data = _spliced(data, rng.choice(others), rng)
    return data[:LONGEST_BYTES]


def _changes(data: bytes) -> list[Change]:
    """What can be done to it, that which fits its form the more often."""
    changes = [*BLIND]
    for starts, change in FORMS:
        if data.startswith(starts):
            changes += [change] * 8
    if data[4:8] == b"ftyp":
        changes += [_boxes] * 8
    if any(header in data for header in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        changes += [_directory] * 4
    if b'="' in data or b"='" in data:
        changes += [_attribute] * 4
    return changes


def _place(data: bytes, rng: Random) -> int:
    """Anywhere, the beginning more often, since headers stand there."""
    most = max(1, len(data) if rng.random() < 0.5 else min(len(data), 512))
    return rng.randrange(most)


def _bits(data: bytes, rng: Random) -> bytes:
    made = bytearray(data or b"\0")
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        made[_place(made, rng)] ^= 1 << rng.randrange(8)
    return bytes(made)


def _number(data: bytes, rng: Random) -> bytes:
    """A whole number of 1, 2, 4 or 8 bytes written over what is there."""
    at = _place(data, rng)
    size = rng.choice((1, 2, 2, 4, 4, 4, 8))
    value = rng.choice((*NUMBERS, *LARGE_NUMBERS, len(data), rng.getrandbits(64)))
    order = rng.choice(("big", "little"))
    whole = (value % (1 << (8 * size))).to_bytes(size, order)  # type: ignore[arg-type]
    return data[:at] + whole + data[at + size :]


def _cut(data: bytes, rng: Random) -> bytes:
    return data[: _place(data, rng)]


def _removed(data: bytes, rng: Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice((1, 2, 4, 16, 256, 5000)) :]


def _repeated(data: bytes, rng: Random) -> bytes:
    at, size = _place(data, rng), rng.choice((1, 2, 4, 16, 256, 5000))
    return data[: at + size] + data[at : at + size] * rng.choice((1, 1, 3)) + data[at + size :]


def _noise(data: bytes, rng: Random) -> bytes:
    at, size = _place(data, rng), rng.choice((1, 4, 32, 300))
    return data[:at] + rng.randbytes(size) + data[at + size :]


def _spliced(data: bytes, other: bytes, rng: Random) -> bytes:
    at, start = _place(data, rng), _place(other, rng)
    size = rng.choice((8, 64, 1000, 20000))
    return data[:at] + other[start : start + size] + data[at + rng.choice((0, size)) :]


BLIND: tuple[Change, ...] = (_bits, _number, _number, _cut, _removed, _repeated, _noise)


def _inside(body: bytes, rng: Random) -> bytes:
    """A change within the body of a part, mostly one that keeps its length."""
    change = rng.choice((_bits, _number, _number, _number, _noise, *BLIND))
    return change(body, rng)


def _rearranged(parts: list[Part], rng: Random, kinds: Sequence[bytes]) -> list[Part]:
    """One part changed, dropped, repeated, moved or renamed."""
    if not parts:
        return parts
    at = rng.randrange(len(parts))
    kind, body = parts[at]
    match rng.choice(("inside", "inside", "inside", "drop", "repeat", "move", "rename", "empty")):
        case "inside":
            parts[at] = kind, _packed_again(kind, body, rng)
        case "drop":
            del parts[at]
        case "repeat":
            parts[at:at] = [(kind, body)] * rng.choice((1, 1, 2, 50))
        case "move":
            parts.insert(rng.randrange(len(parts)), parts.pop(at))
        case "rename":
            parts[at] = rng.choice([kind for kind, _ in parts] + list(kinds)), body
        case _:
            parts[at] = kind, body[: rng.choice((0, 1, 3, 8, 12))]
    return parts


def _packed_again(kind: bytes, body: bytes, rng: Random) -> bytes:
    """`body` changed; where it ends in a zlib stream, mostly what is packed in it."""
    start = max(body.find(b"\x78\x9c"), body.find(b"\x78\x01"), body.find(b"\x78\xda"))
    if start >= 0 and rng.random() < 0.7:
        try:
            plain = zlib.decompressobj().decompress(body[start:], LONGEST_BYTES)
        except zlib.error:
            return _inside(body, rng)
        return body[:start] + zlib.compress(_inside(plain, rng), 1)
    return _inside(body, rng)


def _jpeg(data: bytes, rng: Random) -> bytes:
    parts, at = [], 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        kind, size = data[at + 1 : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append((kind, data[at + 4 : at + 2 + size]))
        at += 2 + max(size, 2)
        if kind == b"\xda":
            break
    parts = _rearranged(parts, rng, [bytes([kind]) for kind in JPEG_KINDS])
    head = b"".join(
        b"\xff" + kind + struct.pack(">H", min(len(body) + 2, 0xFFFF)) + body[:65533]
        for kind, body in parts
    )
    return data[:2] + head + data[at:]


def _png(data: bytes, rng: Random) -> bytes:
    parts, at = [], 8
    while at + 8 <= len(data) and len(parts) < 10_000:
        size, kind = struct.unpack_from(">I4s", data, at)
        parts.append((kind, data[at + 8 : at + 8 + size]))
        at += 12 + size
    kinds = [b"IDAT", b"iCCP", b"eXIf", b"iTXt", b"tRNS", b"PLTE", b"gAMA", b"cHRM", b"cICP"]
    parts = _rearranged(parts, rng, [*kinds, b"sRGB", b"acTL", b"fcTL", b"fdAT", b"IEND"])
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def _riff(data: bytes, rng: Random) -> bytes:
    parts, at = [], 12
    while at + 8 <= len(data) and len(parts) < 10_000:
        kind, size = struct.unpack_from("<4sI", data, at)
        parts.append((kind, data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    kinds = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "]
    parts = _rearranged(parts, rng, kinds)
    body = b"".join(
        kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for kind, body in parts
    )
    return data[:4] + struct.pack("<I", 4 + len(body)) + data[8:12] + body


def _exr(data: bytes, rng: Random) -> bytes:
    """The value of an attribute of the header, or what comes after the header."""
    values, at = [], 8
    while data[at : at + 1] not in (b"", b"\0") and len(values) < 1000:
        start = data.find(b"\0", data.find(b"\0", at) + 1) + 1
        size = int.from_bytes(data[start : start + 4], "little")
        values.append((start + 4, start + 4 + size))
        at = start + 4 + size
    start, end = rng.choice([*values, (at + 1, len(data)), (at + 1, len(data))])
    end = min(end, len(data))
    change = rng.choice((_bits, _number, _number))
    made = change(data[start:end], rng)[: end - start]
    return data[:start] + made.ljust(end - start, b"\0") + data[end:]


def _boxes(data: bytes, rng: Random, depth: int = 0) -> bytes:
    """Boxes of ISO 14496-12, those within others too."""
    parts, at = [], 0
    while at + 8 <= len(data) and len(parts) < 1000:
        size, kind = struct.unpack_from(">I4s", data, at)
        size = len(data) - at if size < 8 else size
        parts.append((kind, data[at + 8 : at + size]))
        at += size
    inner = [number for number, (kind, _) in enumerate(parts) if kind in CONTAINERS]
    if inner and depth < 6 and rng.random() < 0.85:
        number = rng.choice(inner)
        kind, body = parts[number]
        # A full box has version and flags before what it holds, an iinf its count too.
        head = {b"meta": 4, b"iinf": 6, b"iref": 4}.get(kind, 0)
        parts[number] = kind, body[:head] + _boxes(body[head:], rng, depth + 1)
    elif rng.random() < 0.5:  # in place: the offsets to the picture's data stay true
        number = rng.randrange(len(parts)) if parts else 0
        if parts:
            kind, body = parts[number]
            change = rng.choice((_bits, _number, _number))
            parts[number] = kind, change(body, rng)[: len(body)].ljust(len(body), b"\0")
    else:
        parts = _rearranged(parts, rng, [b"colr", b"pixi", b"irot", b"imir", b"auxC", b"ispe"])
    return b"".join(struct.pack(">I", len(body) + 8) + kind + body for kind, body in parts)


def _directory(data: bytes, rng: Random) -> bytes:
    """A field of an entry of a TIFF directory, in a file or in an EXIF block within one."""
    starts = [found.start() for found in re.finditer(rb"II[*+]\0|MM\0[*+]", data)][:16]
    start = rng.choice(starts)
    order = "<" if data[start : start + 1] == b"I" else ">"
    big = b"+" in data[start : start + 4]
    offset = int.from_bytes(
        data[start + 8 : start + 16] if big else data[start + 4 : start + 8],
        "little" if order == "<" else "big",
    )
    counter, row = (8, 20) if big else (2, 12)
    made = bytearray(data)
    for _ in range(rng.choice((0, 0, 1, 2))):  # on to a directory that an entry points to
        count = int.from_bytes(
            made[start + offset : start + offset + counter], "little" if order == "<" else "big"
        )
        if not 0 < count < 4096:
            break
        at = start + offset + counter + row * rng.randrange(count)
        value = int.from_bytes(made[at + row - 4 : at + row], "little" if order == "<" else "big")
        if not 8 <= value < len(data) - start:
            break
        offset = value
    count = int.from_bytes(
        made[start + offset : start + offset + counter], "little" if order == "<" else "big"
    )
    at = start + offset + counter + row * rng.randrange(min(max(count, 1), 200))
    field, form = rng.choice(
        ((at, "H"), (at + 2, "H"), (at + 4, "I"), (at + row - 4, "I"), (at + row - 4, "H"))
    )
    value = rng.choice(
        (*NUMBERS, *LARGE_NUMBERS, len(data), offset, rng.randrange(65536), rng.randrange(20))
    )
    size = struct.calcsize(form)
    if field + size <= len(made):
        struct.pack_into(order + form, made, field, value % (1 << (8 * size)))
    return bytes(made)


def _attribute(data: bytes, rng: Random) -> bytes:
    """The value of an XML attribute, or of the base64 in one."""
    found = list(re.finditer(rb"=([\"'])(.{0,200000}?)\1", data, re.DOTALL))[:2000]
    if not found:
        return _bits(data, rng)
    place = rng.choice(found)
    start, end = place.span(2)
    value = place[2]
    if len(value) > 200 and rng.random() < 0.8:
        try:
            plain = base64.b64decode(value, validate=False)
        except binascii.Error:
            plain = value
        made = base64.b64encode(mutated(plain, rng))
        # Of unchanged length, segments and offsets around it stay true.
        made = made[: len(value)].ljust(len(value), b"A") if rng.random() < 0.8 else made
    else:
        made = rng.choice(WORDS).encode()
        made = made[: len(value)].ljust(len(value)) if rng.random() < 0.5 else made
    return data[:start] + made + data[end:]


def _xml(data: bytes, rng: Random) -> bytes:
    """An element dropped, repeated or nested, or a declaration put before all."""
    match rng.choice(("declare", "nest", "tag", "attribute")):
        case "declare":
            head = rng.choice(
                (
                    b'<!DOCTYPE a [<!ENTITY x "y">]>',
                    b'<?xml version="1.0" encoding="utf-16"?>',
                    b'<?xml version="1.0" encoding="ebcdic"?>',
                    b"\xff\xfe",
                    b"<!--",
                    b"<![CDATA[",
                )
            )
            at = rng.choice((0, _place(data, rng)))
            return data[:at] + head + data[at:]
        case "nest":
            at, deep = _place(data, rng), rng.choice((10, 500, 20000))
            return data[:at] + b"<a>" * deep + data[at:]
        case "tag":
            tags = list(re.finditer(rb"<[^>]{0,2000}>", data))
            if not tags:
                return data
            tag = rng.choice(tags)
            more = rng.choice((b"", tag[0] * 2, tag[0].replace(b"/", b"")))
            return data[: tag.start()] + more + data[tag.end() :]
        case _:
            return _attribute(data, rng)


def _toml(data: bytes, rng: Random) -> bytes:
    """A line dropped, repeated or moved, a value replaced by another."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    match rng.choice(("value", "value", "value", "drop", "repeat", "move", "new")):
        case "value":
            key = lines[at].partition(b"=")[0]
            word = rng.choice((*WORDS, *VALUES)).encode()
            lines[at] = key + b"= " + rng.choice((word, b'"' + word + b'"', b"[" + word + b"]"))
        case "drop":
            del lines[at]
        case "repeat":
            lines[at:at] = [lines[at]] * rng.choice((1, 2, 200))
        case "move":
            lines.insert(rng.randrange(len(lines)), lines.pop(at))
        case _:
            lines.insert(at, rng.choice(TOML_LINES))
    return b"\n".join(lines)


VALUES = (
    "{}", "[]", "1979-05-27T07:32:00Z", "07:32:00", "0b1", "1e400", "-nan", "9" * 5000,
    "[" * 2000, "{a=" * 500, "'''", '"""', "0.5", "1.8", '"portrait"', "'\\'", "\\u0000",
)  # fmt: skip
TOML_LINES = (
    b"depthfx = 2", b"[[effect]]", b"[effect]", b'name = "bokeh"', b'name = "portrait"', b"a.b.c=1",
    b"[a.b]", b"f_number = 0", b"# \xff", b'"" = 1', b"name = []", b"effect = []",
)  # fmt: skip

FORMS: tuple[tuple[tuple[bytes, ...], Change], ...] = (
    ((b"\xff\xd8",), _jpeg),
    ((b"\x89PNG\r\n\x1a\n",), _png),
    ((b"RIFF",), _riff),
    ((b"v/1\x01",), _exr),
    ((b"<x:xmpmeta", b"<?xpacket", b"<rdf:RDF"), _xml),
    ((b"depthfx",), _toml),
)
