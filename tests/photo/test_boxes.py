"""Boxes and items: what is written is read back, and what a file says is never believed."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import PhotoError
from depthfx.photo.boxes import (
    Item,
    Items,
    Property,
    boxes,
    brands,
    is_avif,
    is_heif,
    read_items,
    write_items,
)

BRANDS = b"heicmif1heic"


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def written(items: Items) -> bytes:
    file = io.BytesIO()
    write_items(file, items, BRANDS)
    return file.getvalue()


numbers = st.integers(1, 65535)
properties = st.lists(
    st.builds(
        Property,
        st.sampled_from([b"ispe", b"irot", b"colr", b"auxC"]),
        st.binary(max_size=9),
        st.booleans(),
    ),
    max_size=6,
).map(tuple)


@st.composite
def some_items(draw: st.DrawFn) -> Items:
    made = draw(st.lists(numbers, min_size=1, max_size=6, unique=True))
    by_number = {}
    for number in made:
        targets = draw(st.lists(st.sampled_from(made), max_size=3)).copy()
        kind = draw(st.sampled_from([b"hvc1", b"grid", b"mime"]))
        by_number[number] = Item(
            kind,
            (draw(st.binary(min_size=1, max_size=40)),),
            draw(properties),
            {b"dimg": tuple(targets)} if targets else {},
            b"application/rdf+xml" if kind == b"mime" else b"",
            draw(st.booleans()),
        )
    return Items(draw(st.sampled_from(made)), by_number)


@given(some_items())
def test_what_is_written_is_read_back(items: Items) -> None:
    back = read_items(written(items))
    new = {old: number for number, old in enumerate(items.by_number, 1)}
    assert back.primary == new[items.primary]
    for old, item in items.by_number.items():
        same = back[new[old]]
        assert (same.kind, same.data, same.properties) == (item.kind, item.data, item.properties)
        assert (same.content_type, same.hidden) == (item.content_type, item.hidden)
        targets = tuple(new[target] for target in item.references.get(b"dimg", ()))
        assert same.references.get(b"dimg", ()) == targets


@given(some_items(), st.data())
def test_what_is_cut_off_is_said_in_one_line(items: Items, data: st.DataObject) -> None:
    """Nothing that lies beyond the end is handed out, here the last item's last byte."""
    whole = written(items)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(PhotoError) as told:
        _ = [item.data for item in read_items(cut).by_number.values()]
    assert "\n" not in str(told.value)


@given(some_items(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1))
def test_changed_bytes_give_items_or_our_error(
    items: Items, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(written(items))
    for at, value in changes:
        data[at % len(data)] = value
    with suppress(PhotoError):
        for item in read_items(bytes(data)).by_number.values():
            assert item.parts is None or len(item.data) <= len(data)


def test_sizes_of_64_bits_and_to_the_end() -> None:
    large = struct.pack(">I4sQ", 1, b"skip", 16 + 3) + b"abc"
    last = struct.pack(">I4s", 0, b"mdat") + b"to the end"
    found = [(kind, end - start) for kind, start, end in boxes(large + last)]
    assert found == [(b"skip", 3), (b"mdat", 10)]


@pytest.mark.parametrize("size", [2, 7, 17, 1 << 31])
def test_a_box_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(PhotoError, match="cut off"):
        list(boxes(struct.pack(">I4s", size, b"meta") + bytes(8)))


def test_millions_of_boxes_are_refused() -> None:
    with pytest.raises(PhotoError, match="more than"):
        list(boxes(box(b"free", b"") * 100_000))


def test_a_count_of_parts_is_not_believed() -> None:
    """65535 parts of no bytes each would be listed for 65535 items."""
    iloc = struct.pack(">IHHHHH", 0, 0, 1, 1, 0, 65535)
    meta = bytes(4) + b"".join(
        [
            box(b"pitm", struct.pack(">IH", 0, 1)),
            box(b"iinf", struct.pack(">IH", 0, 0)),
            box(b"iloc", iloc),
            box(b"iprp", b""),
        ]
    )
    with pytest.raises(PhotoError, match="65535 parts"):
        read_items(box(b"ftyp", b"heic" + bytes(4)) + box(b"meta", meta))


@pytest.mark.parametrize(
    ("major", "others", "heif", "avif"),
    [
        (b"heic", b"mif1heic", True, False),
        (b"heix", b"", True, False),
        (b"mif1", b"heicmiaf", True, False),
        (b"mif1", b"avifmiaf", False, True),
        (b"avif", b"mif1", False, True),
        (b"avis", b"", False, True),
        (b"crx ", b"crx isom", False, False),
        (b"isom", b"iso2avc1", True, False),
    ],
)
def test_brands_say_the_format(major: bytes, others: bytes, heif: bool, avif: bool) -> None:
    head = box(b"ftyp", major + bytes(4) + others)[:32]
    assert brands(head)[0] == major
    assert (is_heif(head), is_avif(head)) == (heif, avif)


@pytest.mark.parametrize("major", [b"isom", b"mp42", b"qt  "])
def test_a_video_is_told_so(major: bytes) -> None:
    video = box(b"ftyp", major + bytes(4) + b"mp41") + box(b"moov", b"") + box(b"mdat", bytes(99))
    with pytest.raises(
        PhotoError, match=f"is a video or other media file .brand '{major.decode()}'"
    ):
        read_items(video)


def test_the_short_form_is_told_so() -> None:
    with pytest.raises(PhotoError, match="in the short form 'mini', which is not read"):
        read_items(box(b"ftyp", b"mif3" + bytes(4) + b"avif") + box(b"mini", bytes(40)))
