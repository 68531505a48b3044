"""EXIF blocks: nothing lost, nothing moved that points, nothing believed that lies."""

from __future__ import annotations

import io
import struct

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from depthfx.camera import Camera
from depthfx.photo.exif import Entry, Exif, Tag, for_output, in_colours, parse, to_bytes
from depthfx.photo.focal import camera_for

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


def test_a_pointer_of_a_signed_type_is_followed() -> None:
    """Cameras of 2008 write so where their GPS directory is."""
    whole = to_bytes(Exif(gps={1: Entry(2, 2, b"N\0")}))
    pointer = struct.pack("<HHI", Tag.GPS_IFD, 4, 1)
    assert whole.count(pointer) == 1
    found = parse(whole.replace(pointer, struct.pack("<HHI", Tag.GPS_IFD, 9, 1)))
    assert (found.damaged, found.gps[1].data) == (False, b"N\0")
    assert parse(to_bytes(found)).gps[1].data == b"N\0"


def test_an_empty_text_is_kept() -> None:
    """As cameras write the names of an owner who gave none."""
    found = parse(to_bytes(Exif(main={0x013B: Entry(2, 0, b"")})))
    assert not found.damaged
    assert found.main[0x013B][:3] == (2, 0, b"")
    assert found.number(found.main, 0x013B) is None


def test_a_quotient_by_zero_is_no_number() -> None:
    exif = Exif(photo={Tag.FOCAL_LENGTH: Entry(5, 1, struct.pack("<II", 5, 0))})
    assert exif.number(exif.photo, Tag.FOCAL_LENGTH) is None


def test_text_of_exif_3_is_kept() -> None:
    """Type 129, UTF-8, which no earlier version knows."""
    text = "Åse \u5199\u771f".encode() + b"\0"
    exif = Exif(main={315: Entry(129, len(text), text)})
    found = parse(to_bytes(exif))
    assert not found.damaged
    assert found.main[315][:3] == (129, len(text), text)


def test_directories_of_unknown_purpose_are_kept() -> None:
    """Two of them within each other, at positions that change."""
    deep = {5: Entry(4, 2, bytes(range(8)))}
    outer = {4: Entry(2, 6, b"inner\0"), 6: Entry(13, 1, bytes(4), directory=deep)}
    exif = Exif(main={271: Entry(2, 40, b"M" * 39 + b"\0"), 0xC7A1: Entry(13, 1, b"", 0, outer)})
    found = parse(to_bytes(for_output(parse(to_bytes(exif)), 10, 10, "a longer name" * 9)))
    assert not found.damaged
    kept = found.main[0xC7A1].directory
    assert kept is not None
    assert kept[4].data == b"inner\0"
    assert kept[6].directory[5].data == bytes(range(8))


def test_directories_that_point_at_each_other_end() -> None:
    head = b"II*\0" + struct.pack("<I", 8)
    first = struct.pack("<HHHIII", 1, 0xC7A1, 13, 1, 26, 0)
    second = struct.pack("<HHHIII", 1, 0xC7A2, 13, 1, 8, 0)
    exif = parse(head + first + second)
    assert exif.damaged
    assert not parse(to_bytes(exif)).damaged


def test_a_directory_is_not_read_twice() -> None:
    loop = b"II*\0" + struct.pack("<IHHHII", 8, 1, Tag.EXIF_IFD, 4, 1, 8) + struct.pack("<I", 8)
    exif = parse(loop)
    assert exif.damaged
    assert not exif.photo


def test_what_tiff_says_of_its_pixels_goes() -> None:
    names = {258: (8, 8, 8), 259: 5, 262: 2, 273: 8, 277: 3, 278: 100, 279: 99, 284: 1, 530: (2, 2)}
    exif = parse(piexif.dump({"0th": {**names, 256: 90, 257: 60, 271: b"Maker"}})[6:])
    found = read_by_another_program(to_bytes(for_output(exif, 640, 480, "depthfx 1.0")))["0th"]
    assert found == {256: 640, 257: 480, 271: b"Maker", 274: 1, 305: b"depthfx 1.0"}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("area", [(10, 6), (10, 6, 8), (10, 6, 8, 4)])
def test_the_subject_turns_with_the_picture(orientation: int, area: tuple[int, ...]) -> None:
    """The marked pixel of a 40 x 30 picture is where Pillow puts it when it turns the picture."""
    marked = Image.new("L", (40, 30))
    marked.putpixel(area[:2], 255)
    marked.getexif()[274] = orientation
    upright = ImageOps.exif_transpose(marked)
    block = piexif.dump(
        {
            "0th": {274: orientation},
            "Exif": {37396: area, 41492: area[:2], 40962: 40, 40963: 30},
        }
    )
    made = to_bytes(for_output(parse(block[6:]), *upright.size, "depthfx 1.0"))
    found = read_by_another_program(made)["Exif"]
    assert upright.getpixel(found[37396][:2]) == 255
    assert found[41492] == found[37396][:2]
    sides = area[2:][::-1] if orientation >= 5 else area[2:]
    assert found[37396][2:] == sides


def test_the_subject_shrinks_with_the_picture() -> None:
    block = piexif.dump({"Exif": {37396: (2000, 1500, 400, 300), 40962: 4000, 40963: 3000}})[6:]
    found = read_by_another_program(to_bytes(for_output(parse(block), 400, 300, "depthfx")))
    assert found["Exif"][37396] == (200, 150, 40, 30)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_no_number(value: float) -> None:
    entry = Entry(12, 1, struct.pack("<d", value))
    exif = Exif(photo={Tag.PIXEL_X_DIMENSION: entry, Tag.FOCAL_LENGTH: entry})
    assert exif.number(exif.photo, Tag.PIXEL_X_DIMENSION) is None
    assert camera_for(4, 3, exif)[0] == Camera.guess(4, 3)


def test_colours_of_another_space() -> None:
    adobe = {
        "Exif": {40961: 65535, 40962: 4},
        "Interop": {1: b"R03"},
        "0th": {319: ((64, 100),) * 6},
    }
    found = read_by_another_program(to_bytes(in_colours(parse(piexif.dump(adobe)[6:]), srgb=True)))
    assert found["Exif"] == {40961: 1, 40962: 4}
    assert found["Interop"] == {1: b"R98"}
    assert not found["0th"]
