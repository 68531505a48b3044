"""Crafted OpenEXR files end in one line, before memory is taken, and nothing is printed."""

from __future__ import annotations

import contextlib
import io
import struct

import numpy as np
import OpenEXR
import pytest
from exr_by_hand import attribute, exr
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import PhotoError
from depthfx.photo.exr_header import read_header
from depthfx.photo.formats.exr import decode
from depthfx.photo.stored import Reading

PLANE = np.random.default_rng(3).random((20, 24)).astype(np.float16)
PLAIN = exr(dict.fromkeys("RGB", PLANE))


def library(**header: object) -> bytes:
    file = io.BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(header, dict.fromkeys("RGBA", PLANE)).write(file)
    return file.getvalue()


TILED = library(type=OpenEXR.tiledimage, tiles=OpenEXR.TileDescription())
SEEDS = [PLAIN, library(), library(compression=OpenEXR.PIZ_COMPRESSION), TILED]


def refusal(data: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        decode(io.BytesIO(data), Reading(file_bytes=len(data)))
    message = str(caught.value)
    assert "\n" not in message
    return message


def with_attribute(data: bytes, name: str, kind: str, value: bytes) -> bytes:
    """`data` with the value of an attribute replaced by another one of its length."""
    start = attribute(name, kind, value)[: -len(value)]
    at = data.index(start) + len(start)
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    "window",
    [
        (0, 0, 2**30, 2**30),
        (-(2**31), -(2**31), 2**31 - 1, 2**31 - 1),
        (23, 19, 0, 0),
        (0, 0, 2**31 - 1, 0),
    ],
)
def test_windows_that_lie(window):
    data = with_attribute(PLAIN, "dataWindow", "box2i", struct.pack("<4i", *window))
    assert "by its header" in refusal(data)


def test_rows_that_the_file_has_not():
    data = with_attribute(PLAIN, "dataWindow", "box2i", struct.pack("<4i", 0, 0, 23, 5000))
    assert "table of EXR chunks is not all there" in refusal(data)


def test_tiles_far_larger_than_the_picture():
    """The library would take memory for the whole tile."""
    data = with_attribute(TILED, "tiles", "tiledesc", struct.pack("<IIB", 60000, 60000, 0))
    assert "tiles are 60000 x 60000 pixels" in refusal(data)
    data = with_attribute(TILED, "tiles", "tiledesc", struct.pack("<IIB", 0, 64, 0))
    assert "tiles are 0 x 64 pixels" in refusal(data)


@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("data", SEEDS, ids=["none", "zip", "piz", "tiled"])
def test_cut_off(data, share):
    assert "cut off" in refusal(data[: int(share * len(data))]) or share < 0.01


def test_pixels_that_cannot_be_unpacked_print_nothing(capfd):
    data = bytearray(library())
    data[-60:-20] = b"\x55" * 40
    assert refusal(bytes(data)) == "is damaged: its EXR pixels cannot be unpacked"
    assert capfd.readouterr() == ("", "")


def test_deep_samples_are_named():
    assert "deep samples" in refusal(PLAIN[:5] + b"\x08" + PLAIN[6:])


def test_flags_count_more_than_the_type_of_an_only_part():
    data = library(type=OpenEXR.scanlineimage)
    assert data.count(b"scanlineimage") == 1
    renamed = data.replace(b"scanlineimage", b"deepscanline\0")
    assert decode(io.BytesIO(renamed), Reading()).width == decode(io.BytesIO(data), Reading()).width


def test_headers_without_end():
    assert "header" in refusal(PLAIN[:8] + b"a" * 1000)
    assert "header" in refusal(PLAIN[:8] + attribute("x", "y", b"")[:-4] + b"\xff" * 4)
    assert "header" in refusal(PLAIN[:8] + attribute("x", "y", b"1") * 5000)
    assert "header" in refusal(b"v/1\x01" + struct.pack("<I", 0x1002) + b"\0")


def test_channels_of_gigabytes_in_a_few_kilobytes():
    """20 channels of 6000 x 6000 floats, all of whose 6000 chunks are the same few bytes."""
    data = exr({f"layer{n:02}.R": np.zeros((1, 1), np.float32) for n in range(20)})
    for name in ("dataWindow", "displayWindow"):
        data = with_attribute(data, name, "box2i", struct.pack("<4i", 0, 0, 5999, 5999))
    _, table_at = read_header(io.BytesIO(data))
    chunk = data[table_at + 8 :]
    offsets = np.full(6000, table_at + 8 * 6000, "<u8").tobytes()
    assert "too few for" in refusal(data[:table_at] + offsets + chunk)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_bytes_give_a_picture_or_a_line(seed, draw):
    data = bytearray(seed)
    for _ in range(draw.draw(st.integers(1, 8))):
        at = draw.draw(st.integers(0, len(data) - 1))
        data[at] = draw.draw(st.integers(0, 255))
    with contextlib.suppress(PhotoError):
        stored = decode(io.BytesIO(bytes(data)), Reading(file_bytes=len(data)))
        assert stored.codes.dtype == np.float32
