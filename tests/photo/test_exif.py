"""EXIF blocks: nothing lost, nothing moved that points, nothing believed that lies."""

from __future__ import annotations

import io
import struct

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthfx.photo.exif import Entry, Exif, Tag, for_output, parse, to_bytes

NOTE = bytes(range(256)) * 3


def block(thumbnail: bool = False) -> bytes:
    """A block as a camera might write it, by another program."""
    small = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(small, "JPEG")
    made = piexif.dump(
        {
            "0th": {
                271: b"Maker",
                272: b"Model 1",
                274: 6,
                305: b"firmware 1",
                282: (300, 1),
                315: "Å. Photographer".encode(),
            },
            "Exif": {
                36867: b"2024:05:01 10:11:12",
                33434: (1, 250),
                33437: (28, 10),
                37500: NOTE,
                40962: 4000,
                40963: 3000,
                41989: 26,
                37386: (575, 100),
            },
            "GPS": {1: b"N", 2: ((59, 1), (20, 1), (3012, 100))},
            "Interop": {1: b"R98"},
            "1st": {513: 0, 514: 0} if thumbnail else {},
            "thumbnail": small.getvalue() if thumbnail else None,
        }
    )
    return made.removeprefix(b"Exif\0\0")


def read_by_another_program(data: bytes) -> dict:
    found = piexif.load(b"Exif\0\0" + data)
    for pointer in (34665, 34853):
        found["0th"].pop(pointer, None)
    found["Exif"].pop(40965, None)
    return found


def test_values_are_read() -> None:
    exif = parse(block())
    assert exif.orientation == 6
    assert not exif.damaged
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH_35MM) == 26
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH) == 5.75
    assert exif.photo[Tag.MAKER_NOTE].data == NOTE
    assert exif.interop[Tag.INTEROP_INDEX].data == b"R98\0"


def test_written_block_reads_the_same_elsewhere() -> None:
    assert read_by_another_program(to_bytes(parse(block()))) == read_by_another_program(block())


@pytest.mark.parametrize("padding", [0, 7, 300])
def test_maker_note_stays_where_it_was(padding: int) -> None:
    """It points into the block by position, whatever grows around it."""
    exif = parse(block())
    at = exif.photo[Tag.MAKER_NOTE].offset
    longer = for_output(exif, 10, 10, "depthfx " + "9" * padding)
    changed = to_bytes(longer)
    assert changed[at : at + len(NOTE)] == NOTE
    assert parse(changed).photo[Tag.MAKER_NOTE] == exif.photo[Tag.MAKER_NOTE]
    assert read_by_another_program(changed)["Exif"][37500] == NOTE


def test_output_is_upright_of_its_true_size_and_without_the_old_thumbnail() -> None:
    found = read_by_another_program(
        to_bytes(for_output(parse(block(thumbnail=True)), 640, 480, "depthfx 1.0"))
    )
    before = read_by_another_program(block())
    assert found["0th"][274] == 1
    assert found["0th"][305] == b"depthfx 1.0"
    assert (found["Exif"][40962], found["Exif"][40963]) == (640, 480)
    assert not found["thumbnail"]
    for directory, ours in (
        ("0th", {274, 305}),
        ("Exif", {40962, 40963}),
        ("GPS", ()),
        ("Interop", ()),
    ):
        assert {t: v for t, v in found[directory].items() if t not in ours} == {
            t: v for t, v in before[directory].items() if t not in ours
        }


entries = st.builds(
    lambda kind, data: Entry(kind, len(data) // {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}[kind], data),
    st.shared(st.sampled_from([1, 2, 3, 4, 5, 7]), key="kind"),
    st.integers(1, 20).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n)),
)
directories = st.dictionaries(st.integers(1, 0x7FFF), entries, max_size=5)


@given(st.sampled_from("<>"), directories, directories, directories, directories)
def test_any_directories_come_back(
    order: str, main: dict, photo: dict, gps: dict, interop: dict
) -> None:
    exif = Exif(order, main, photo, gps, interop)
    found = parse(to_bytes(exif))
    if not (main or photo or gps or interop):
        return
    assert found.byte_order == order
    assert not found.damaged
    for ours, theirs in (
        (main, found.main),
        (photo, found.photo),
        (gps, found.gps),
        (interop, found.interop),
    ):
        assert {t: e[:3] for t, e in theirs.items()} == {t: e[:3] for t, e in ours.items()}


@given(st.binary(max_size=300), st.integers(0, 250), st.binary(min_size=1, max_size=30))
def test_noise_is_survived(noise: bytes, at: int, patch: bytes) -> None:
    damaged = bytearray(block()[:400])
    damaged[at : at + len(patch)] = patch
    for data in (noise, b"II*\0" + noise, b"MM\0*\0\0\0\x08" + noise, bytes(damaged)):
        exif = parse(data)
        assert exif.orientation in range(1, 9)
        assert not parse(to_bytes(exif)).damaged


def test_directory_that_points_at_itself_ends() -> None:
    loop = b"II*\0" + struct.pack("<IHHHII", 8, 1, Tag.EXIF_IFD, 4, 1, 8) + struct.pack("<I", 8)
    assert parse(loop).orientation == 1


@pytest.mark.parametrize(("stored", "orientation"), [(0, 1), (1, 1), (8, 8), (9, 1), (255, 1)])
def test_orientation_outside_the_standard_is_upright(stored: int, orientation: int) -> None:
    exif = Exif(main={Tag.ORIENTATION: Entry(3, 1, struct.pack("<H", stored))})
    assert exif.orientation == orientation


def test_a_quotient_by_zero_is_no_number() -> None:
    exif = Exif(photo={Tag.FOCAL_LENGTH: Entry(5, 1, struct.pack("<II", 5, 0))})
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH) is None
