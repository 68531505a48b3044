"""Raw files are told from pictures by what they hold, and their EXIF comes along."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import piexif
import pytest
import tifffile
from dng_by_hand import counts, write_dng
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from depthfx.errors import PhotoError
from depthfx.photo.exif import Tag, parse
from depthfx.photo.formats.raw import decode
from depthfx.photo.raw_file import check_all_there, is_raw, raw_metadata
from depthfx.photo.stored import Reading

PICTURE = counts(np.random.default_rng(5).random((32, 48)))
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
BLOCK = piexif.dump(
    {
        "0th": {piexif.ImageIFD.Make: "Maker", piexif.ImageIFD.Orientation: 8},
        "Exif": {piexif.ExifIFD.FocalLength: (35, 1), piexif.ExifIFD.ISOSpeedRatings: 400},
        "GPS": {piexif.GPSIFD.GPSLatitudeRef: "N"},
    }
)[6:]
"""A big-endian EXIF block, by another program."""


def told(data: bytes) -> bool:
    file = io.BytesIO(data)
    found = is_raw(file)
    assert file.tell() == 0
    return found


def with_magic(data: bytes, magic: bytes) -> bytes:
    return data[:2] + magic + data[4:]


@pytest.fixture
def dng(tmp_path: Path) -> bytes:
    return write_dng(tmp_path / "a.dng", PICTURE).read_bytes()


@pytest.mark.parametrize(
    "head",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"\0MRM\0\0\0\0",
        b"FOVb\0\0\3\0",
        b"II\x1a\0\0\0HEAPCCDR",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"II*\0\x10\0\0\0CR\2\0",
        b"IIU\0\x18\0\0\0",
        b"IIRO\x08\0\0\0",
        b"IIRS\x08\0\0\0",
        b"MMOR\0\0\0\x08",
        b"II*\0\x10\0\0\0IIII\1\0",
    ],
    ids=lambda head: head.decode("latin-1").encode("unicode_escape").decode(),
)
def test_first_bytes_of_the_makers(head):
    assert told(head + bytes(100))


def test_sensor_counts_in_the_first_directory(dng):
    assert told(dng)


def test_sensor_counts_below_a_small_copy(tmp_path):
    """As NEF, ARW and most DNG files have it."""
    path = tmp_path / "small.tif"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(np.zeros((8, 8, 3), np.uint8), photometric="rgb", subfiletype=1, subifds=1)
        tiff.write(PICTURE, photometric=32803, subfiletype=0)
    assert told(path.read_bytes())


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}, {"subifds": 1}])
def test_pictures_are_not_raw_whatever_camera_they_name(tmp_path, options):
    path = tmp_path / "picture.dng"
    opened = {key: options[key] for key in ("byteorder", "bigtiff") if key in options}
    with tifffile.TiffWriter(path, **opened) as tiff:
        below = {"subifds": 1} if "subifds" in options else {}
        dng_version = [(50706, "B", 4, b"\1\4\0\0", True), (271, "s", 0, "Maker", True)]
        picture = np.zeros((8, 8, 3), np.uint8)
        tiff.write(picture, photometric="rgb", extratags=dng_version, **below)
        if below:
            tiff.write(picture, photometric="rgb", subfiletype=1)
    assert not told(path.read_bytes())


@pytest.mark.parametrize("head", [b"", b"II*\0", b"\xff\xd8\xff\xe0", b"v/1\x01", b"ftypcrx "])
def test_other_files_are_not_raw(head):
    assert not told(head)


@given(st.binary(max_size=300), st.sampled_from([b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]))
@example(b"\x08\0\0\0" + b"\xff" * 40, b"II*\0")
@example(b"\x10\0\0\0" + b"\0" * 8 + b"\1\0\x4a\1\4\0\1\0\0\0\x10\0\0\0\x10\0\0\0", b"II*\0")
def test_telling_never_fails(tail, head):
    told(head + tail)


def test_directories_that_point_at_each_other_end():
    """Ten thousand SubIFDs, all the same one, and that one its own next."""
    row = struct.pack("<HHII", 330, 4, 10000, 50)
    directory = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + row + struct.pack("<I", 8)
    assert not told(directory.ljust(50, b"\0") + struct.pack("<I", 8) * 10000)


def test_tags_that_are_not_about_the_raw_picture_are_kept(tmp_path):
    more = (
        (306, "s", 0, "2020:01:02 03:04:05"),
        (33432, "s", 0, "Somebody"),
        (700, "B", len(XMP), XMP),
        (0x7000, "H", 1, 1),
    )
    data = write_dng(tmp_path / "a.dng", PICTURE, orientation=6, more=more).read_bytes()
    exif, xmp = raw_metadata(data)
    main = parse(exif).main
    assert sorted(main) == [271, 272, 274, 282, 283, 296, 306, 33432, 50708]
    assert main[33432].data == b"Somebody\0"
    assert parse(exif).orientation == 6
    assert xmp == XMP


@pytest.mark.parametrize(("order", "magic"), [("<", b"U\0"), ("<", b"RO"), ("<", b"RS")])
def test_exif_of_rw2_and_orf(dng, order, magic):
    exif, _ = raw_metadata(with_magic(dng, magic))
    assert parse(exif).main[271].data == b"Maker\0"
    assert parse(exif).byte_order == order


def test_exif_of_a_big_endian_orf():
    exif = parse(raw_metadata(with_magic(BLOCK, b"OR"))[0])
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH) == 35


def test_exif_of_raf_is_that_of_its_jpeg():
    segment = b"\xff\xe1" + struct.pack(">H", len(BLOCK) + 8) + b"Exif\0\0" + BLOCK
    other = b"\xff\xe0\0\x04ab"
    jpeg = b"\xff\xd8" + other + segment + b"\xff\xda"
    raf = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 200, len(jpeg))
    assert raw_metadata(raf.ljust(200, b"\0") + jpeg) == (BLOCK, b"")
    assert raw_metadata(raf) == (b"", b"")
    cut, _ = raw_metadata(raf.ljust(200, b"\0") + jpeg[:60])
    assert BLOCK.startswith(cut)
    assert parse(cut).damaged


def test_exif_of_mrw_is_that_of_its_block():
    blocks = b"\0PRD" + struct.pack(">I", 24) + bytes(24)
    blocks += b"\0TTW" + struct.pack(">I", len(BLOCK)) + BLOCK
    mrw = b"\0MRM" + struct.pack(">I", len(blocks)) + blocks
    exif = parse(raw_metadata(mrw + bytes(50))[0])
    assert exif.orientation == 8
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH) == 35
    assert exif.gps
    assert raw_metadata(mrw[:40]) == (b"", b"")


def rw2(numbers: dict[int, int], preview: bytes = b"", counts: int = 0) -> bytes:
    """An RW2 whose main directory has these numbers, a preview, and bytes of counts at 8192."""
    numbers = {**numbers, 46: 512, 280: 8192}
    rows = b"".join(
        struct.pack("<HHII", tag, 7, len(preview), value)
        if tag == 46
        else struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in sorted(numbers.items())
    )
    head = b"IIU\0" + struct.pack("<IH", 8, len(numbers)) + rows + bytes(4)
    return (head.ljust(512, b"\0") + preview).ljust(8192, b"\0") + bytes(counts)


def test_exif_of_an_rw2_is_completed_from_its_preview():
    camera = Image.new("RGB", (8, 8)).getexif()
    camera.endian = "<"
    camera[271], camera[0x8769] = "Other", {0xA405: 24}
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=camera)
    exif = parse(raw_metadata(rw2({274: 6}, file.getvalue()))[0])
    assert exif.orientation == 6
    assert exif.main[271].data == b"Other\0"
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH_35MM) == 24


@pytest.mark.parametrize(("raw_format", "bytes_of_14"), [(4, 16), (5, 16)])
def test_an_rw2_cut_off_is_refused(raw_format, bytes_of_14):
    """LibRaw develops what is missing to noise."""
    numbers = {2: 140, 3: 100, 45: raw_format}
    there = 1000 * bytes_of_14
    check_all_there(io.BytesIO(rw2(numbers, counts=there)))
    with pytest.raises(PhotoError, match="8000 of the 16000 bytes of its raw picture"):
        check_all_there(io.BytesIO(rw2(numbers, counts=there // 2)))


def test_a_raf_cut_off_is_refused():
    raf = b"FUJIFILMCCD-RAW ".ljust(100, b"\0") + struct.pack(">II", 200, 1000)
    check_all_there(io.BytesIO(raf.ljust(1200, b"\0")))
    with pytest.raises(PhotoError, match="500 of the 1000 bytes of its raw picture"):
        check_all_there(io.BytesIO(raf.ljust(700, b"\0")))


def box(kind: bytes, *body: bytes) -> bytes:
    whole = b"".join(body)
    return struct.pack(">I4s", len(whole) + 8, kind) + whole


def test_exif_of_cr3_is_put_together_from_its_blocks():
    blocks = {
        b"CMT1": _directory({271: b"Canon\0", 274: (8,)}),
        b"CMT2": _directory({0x8827: (400,)}),
        b"CMT4": _directory({1: b"N\0"}),
    }
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    adobe = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    moov = box(b"moov", box(b"uuid", canon, *(box(kind, b) for kind, b in blocks.items())))
    ftyp = box(b"ftyp", b"crx \0\0\0\1crx isom")
    exif, xmp = raw_metadata(ftyp + moov + box(b"uuid", adobe, XMP) + box(b"mdat", bytes(10)))
    found = parse(exif)
    assert found.main[271].data == b"Canon\0"
    assert found.orientation == 8
    assert found.number(found.photo, 0x8827) == 400
    assert found.gps[1].data.rstrip(b"\0") == b"N"
    assert xmp == XMP
    assert raw_metadata(ftyp + moov[:60]) == (b"", b"")


def _directory(tags: dict[int, bytes | tuple[int]]) -> bytes:
    """A little-endian TIFF block of texts and single shorts."""
    rows, after = b"", b""
    end = 8 + 2 + 12 * len(tags) + 4
    for tag, value in tags.items():
        if isinstance(value, tuple):
            rows += struct.pack("<HHIHH", tag, 3, 1, value[0], 0)
        elif len(value) <= 4:
            rows += struct.pack("<HHI4s", tag, 2, len(value), value)
        else:
            rows += struct.pack("<HHII", tag, 2, len(value), end + len(after))
            after += value
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + rows + bytes(4) + after


def test_a_thumbnail_beside_a_picture_is_no_raw():
    """As EXIF has them in the second directory: JPEG, and no size of its own."""
    rows = [(259, 3, 1, 6), (513, 4, 1, 100), (514, 4, 1, 50)]
    directory = b"".join(struct.pack("<HHII", *row) for row in rows)
    data = struct.pack("<2sHIH", b"II", 42, 8, len(rows)) + directory
    assert not told(data + bytes(100))
    # Canon's CR2, whose raw directory is like that too, has strips.
    strips = struct.pack("<HHII", 273, 4, 1, 100)
    data = struct.pack("<2sHIH", b"II", 42, 8, 2) + directory[:12] + strips
    assert told(data + bytes(100))


def refusal(data: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        decode(io.BytesIO(data), Reading(file_bytes=len(data)))
    return str(caught.value)


def test_a_jpeg_inside_that_lies_about_its_size(tmp_path):
    """LibRaw would count through four thousand million samples of it."""
    data = bytearray(write_dng(tmp_path / "a.dng", PICTURE, packed=True).read_bytes())
    sizes = data.index(b"\xff\xc3") + 5
    assert struct.unpack_from(">HH", data, sizes) == PICTURE.shape
    data[sizes : sizes + 4] = b"\xff\xff\xff\xff"
    assert "raw picture of 1536 samples is packed as JPEG of 4294836225" in refusal(bytes(data))


def test_picture_data_that_lie_beyond_the_end(dng):
    entry = struct.pack("<HHI", 273, 4, 1)
    at = dng.index(entry) + len(entry)
    assert "nothing of its raw picture" in refusal(dng[:at] + b"\xff\xff\xff\x7f" + dng[at + 4 :])


def test_picture_data_that_are_far_too_few(dng):
    entry = struct.pack("<HHI", 279, 4, 1)
    at = dng.index(entry) + len(entry)
    message = refusal(dng[:at] + b"\2\0\0\0" + dng[at + 4 :])
    assert "of its raw picture of 1536 pixels only 2 bytes are there" in message


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damaged_bytes_give_a_picture_or_a_line(tmp_path_factory, draw):
    path = tmp_path_factory.getbasetemp() / f"seed{os.getpid()}.dng"
    if not path.exists():
        write_dng(path, PICTURE)
    data = bytearray(path.read_bytes())
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, 700))] = draw.draw(st.integers(0, 255))
    try:
        stored = decode(io.BytesIO(bytes(data)), Reading(file_bytes=len(data)))
    except PhotoError:
        return
    assert stored.codes.dtype == np.uint16
