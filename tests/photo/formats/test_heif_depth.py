"""Depth and mattes beside the picture of a HEIF: of files put together here, and our own."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import PhotoError
from depthfx.photo.boxes import Item, Items, Property, read_items, write_items
from depthfx.photo.formats import heif
from depthfx.photo.phone.heif_depth import (
    auxiliary_kinds,
    heif_depth,
    heif_matte,
    heif_with_depth,
    representation,
)
from depthfx.photo.stored import Reading, Stored

DEPTH = b"urn:mpeg:hevc:2015:auxid:2"
GAIN_MAP = b"urn:com:apple:photo:2020:aux:hdrgainmap"
MATTE = b"urn:com:apple:photo:2018:aux:portraiteffectsmatte"
RAMP = np.arange(256, dtype=np.uint8).repeat(64).reshape(128, 128).copy()
"""Every code, from near the top left to the bottom right."""


def ue(value: int) -> str:
    """An Exp-Golomb number, as ones and zeros."""
    digits = f"{value + 1:b}"
    return "0" * (len(digits) - 1) + digits


def number(value: float) -> str:
    """A float of the message, with 16 bits of mantissa; `value` is at least 2^-30."""
    exponent = int(np.floor(np.log2(value)))
    mantissa = round((value / 2.0**exponent - 1) * 65536)
    return f"0{exponent + 31:07b}{15:05b}{mantissa:016b}"


def message(
    kind: int, z: tuple[float, float] | None, d: tuple[float, float] | None, *model: int
) -> bytes:
    """A depth representation message as auxC holds it, in Apple's layout."""
    bits = ("11" if z else "00") + ("11" if d else "00") + ue(kind) + (ue(0) if d else "")
    bits += "".join(map(number, (*(z or ()), *(d or ()))))
    if model:
        bits += ue(len(model) - 1) + "".join(map(ue, model))
    bits += "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    unit = b"\x4e\x01" + bytes((177, len(payload))) + payload
    return struct.pack(">II", len(unit) + 4, len(unit)) + unit


def accuracy(word: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        'rdf:about="" xmlns:depthData="http://ns.apple.com/depthData/1.0/">'
        f"<depthData:Accuracy>{word}</depthData:Accuracy></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def coded(codes: Any, *added: Property) -> Item:
    """A picture as a lossless HEVC item, by libheif."""
    file = io.BytesIO()
    size = codes.shape[1], codes.shape[0]
    mode = "L" if codes.ndim == 2 else "RGB"
    options = {} if codes.ndim == 2 else {"matrix_coefficients": 0, "full_range_flag": 1}
    pillow_heif.encode(mode, size, codes.tobytes(), file, quality=-1, chroma=444, **options)
    items = read_items(file.getvalue())
    item = items[items.primary]
    return replace(item, properties=(*item.properties, *added))


def photo_with(
    path: Path,
    *auxiliary: tuple[bytes, bytes, Any],
    xmp: bytes = b"",
    turn: Property | None = None,
    turn_auxiliary: Property | None = None,
    shape: tuple[int, int] = (64, 96),
) -> Path:
    """A HEIC with auxiliary pictures: kind, message and codes of each, XMP for the first."""
    by_number = {1: coded(np.zeros((*shape, 3), np.uint8), *([turn] if turn else []))}
    for kind, said, codes in auxiliary:
        what = Property(b"auxC", bytes(4) + kind + b"\0" + said, True)
        item = coded(codes, what, *([turn_auxiliary] if turn_auxiliary else []))
        references = {b"auxl": (1,)}
        by_number[len(by_number) + 1] = replace(item, references=references, hidden=True)
    if xmp:
        described = {b"cdsc": (2,)}
        by_number[len(by_number) + 1] = Item(
            b"mime", (xmp,), (), described, b"application/rdf+xml", hidden=True
        )
    with path.open("wb") as file:
        write_items(file, Items(1, by_number), b"heicmif1heic")
    return path


@pytest.mark.parametrize(("word", "metric"), [("absolute", True), ("relative", False), ("", False)])
def test_uniform_disparity(tmp_path: Path, word: str, metric: bool) -> None:
    said = message(1, None, (0.25, 2.0))
    xmp = accuracy(word) if word else b""
    found = heif_depth(photo_with(tmp_path / "a.heic", (DEPTH, said, RAMP), xmp=xmp))
    assert found is not None
    inverse, is_metric, facts = found
    assert is_metric is metric
    assert (facts["encoding"], facts["d_min"], facts["d_max"]) == ("uniform disparity", 0.25, 2.0)
    np.testing.assert_allclose(inverse, 0.25 + RAMP / 255 * 1.75, rtol=1e-6)


def test_the_range_is_taken_from_xmp_where_the_message_is_lost(tmp_path: Path) -> None:
    names = (b"FloatMinValue", b"FloatMaxValue", b"AuxiliaryImageType")

    def found(low: bytes, high: bytes, kind: bytes) -> Any:
        said = b"".join(
            b"<apdi:%s>%s</apdi:%s>" % (name, text, name)
            for name, text in zip(names, (low, high, kind), strict=True)
        )
        space = b'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" xmlns:depthData'
        xmp = accuracy("absolute").replace(b"xmlns:depthData", space)
        xmp = xmp.replace(b"<depthData:", said + b"<depthData:")
        return heif_depth(photo_with(tmp_path / "a.heic", (DEPTH, b"", RAMP), xmp=xmp))

    disparity, metric, _ = found(b"0.25", b"2.0", b"disparity")
    assert metric
    np.testing.assert_allclose(disparity, 0.25 + RAMP / 255 * 1.75, rtol=1e-6)
    depth, metric, _ = found(b"0.5", b"4", b"depth")
    assert metric
    np.testing.assert_allclose(1 / depth, 0.5 + RAMP / 255 * 3.5, rtol=1e-6)
    relative, metric, _ = found(b"?", b"4", b"depth")
    assert not metric
    np.testing.assert_allclose(relative, RAMP / 255, rtol=1e-6)


def test_uniform_inverse_depth(tmp_path: Path) -> None:
    said = message(0, (0.5, 8.0), None)
    found = heif_depth(photo_with(tmp_path / "a.heic", (DEPTH, said, RAMP)))
    assert found is not None
    np.testing.assert_allclose(found[0], 1 / 8 + RAMP / 255 * (2 - 1 / 8), rtol=1e-6)


def test_uniform_depth(tmp_path: Path) -> None:
    """Codes grow with distance here."""
    said = message(2, (0.5, 8.0), None)
    found = heif_depth(photo_with(tmp_path / "a.heic", (DEPTH, said, RAMP)))
    assert found is not None
    np.testing.assert_allclose(1 / found[0], 0.5 + RAMP / 255 * 7.5, rtol=1e-5)


def test_nonuniform_disparity(tmp_path: Path) -> None:
    """One knot in the middle, 30 codes off the diagonal: at 97.5 instead of 127.5."""
    said = message(3, None, (1.0, 2.0), 30)
    found = heif_depth(photo_with(tmp_path / "a.heic", (DEPTH, said, RAMP)))
    assert found is not None
    expected = np.interp(RAMP, [0, 97.5, 255], [0, 157.5, 255])
    np.testing.assert_allclose(found[0], 1 + expected / 255, rtol=1e-6)


def test_without_a_message_white_is_near_and_nothing_metric(tmp_path: Path) -> None:
    path = photo_with(tmp_path / "a.heic", (DEPTH, b"", RAMP), xmp=accuracy("absolute"))
    found = heif_depth(path)
    assert found is not None
    assert (found[1], found[2]["encoding"]) == (False, "unknown")
    np.testing.assert_allclose(found[0], RAMP / 255, rtol=1e-6)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"\xff" * 6, "damaged"),
        (message(1, None, (0.25, 2.0))[:14], "damaged"),
        (message(1, None, (2.0, 0.25)), "goes from 2 to 0.25"),
        (message(1, (0.5, 8.0), None), "does not say its range"),
        (message(9, None, (0.25, 2.0)), "unknown kind 9"),
        (message(3, None, (1.0, 2.0), 200, 1), "run backwards"),
    ],
)
def test_a_broken_message_is_told_in_one_line(tmp_path: Path, said: bytes, reason: str) -> None:
    path = photo_with(tmp_path / "a.heic", (DEPTH, said, RAMP))
    with pytest.raises(PhotoError, match=f"^the HEIF auxiliary depth in it .*{reason}.*: not used"):
        heif_depth(path)
    with path.open("rb") as file:  # which the photo itself is none the worse for
        assert heif.decode(file, Reading()).codes.shape == (64, 96, 3)


@given(st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_message_is_read_or_refused(said: bytes) -> None:
    try:
        representation(bytes(4) + DEPTH + b"\0" + said)
    except PhotoError as error:
        assert str(error).startswith(("says its range in a damaged message", "is damaged"))  # noqa: PT017


def test_depth_and_matte_among_others(tmp_path: Path) -> None:
    matte = np.zeros((64, 128), np.uint8)
    matte[:, 64:] = 255
    path = photo_with(
        tmp_path / "a.heic",
        (GAIN_MAP, b"", RAMP),
        (MATTE, b"", matte),
        (DEPTH, message(1, None, (1.0, 2.0)), RAMP),
    )
    assert [kind.encode() for kind in auxiliary_kinds(path)] == [GAIN_MAP, MATTE, DEPTH]
    found, depth = heif_matte(path), heif_depth(path)
    np.testing.assert_array_equal(found, matte / 255)
    assert depth is not None
    assert depth[0].max() == 2
    only_gain = photo_with(tmp_path / "b.heic", (GAIN_MAP, b"", RAMP))
    assert (heif_depth(only_gain), heif_matte(only_gain)) == (None, None)


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("angle", [1, 2, 3])
def test_depth_is_turned_as_it_says_or_as_the_photo_is(
    tmp_path: Path, own: bool, angle: int
) -> None:
    turn = Property(b"irot", bytes([angle]), True)
    codes = np.arange(64 * 96, dtype=np.uint32).reshape(64, 96).astype(np.uint8)
    path = photo_with(
        tmp_path / "a.heic",
        (DEPTH, b"", codes),
        turn=turn,
        turn_auxiliary=turn if own else None,
    )
    found = heif_depth(path)
    assert found is not None
    np.testing.assert_allclose(found[0], np.rot90(codes, angle) / 255, rtol=1e-6)


@pytest.mark.parametrize("angle", [0, 1])
def test_depth_of_all_that_is_stored_is_cropped_with_the_photo(tmp_path: Path, angle: int) -> None:
    codes = np.arange(64 * 96, dtype=np.uint32).reshape(64, 96).astype(np.uint8)
    crop = Property(b"clap", struct.pack(">4IiIiI", 96, 1, 64, 1, 16, 1, -8, 1), True)
    path = photo_with(tmp_path / "a.heic", (DEPTH, b"", codes), turn=crop, shape=(128, 192))
    turned = changed(path, Property(b"irot", bytes([angle]), True))
    found = heif_depth(turned)
    assert found is not None
    np.testing.assert_allclose(found[0], np.rot90(codes[12:44, 32:80], angle) / 255, rtol=1e-6)


def changed(path: Path, turn: Property) -> Path:
    items = read_items(path.read_bytes())
    photo = items[items.primary]
    photo = replace(photo, properties=(*photo.properties, turn))
    with path.open("wb") as file:
        write_items(file, Items(1, {**items.by_number, 1: photo}), b"heicmif1heic")
    return path


def test_depth_that_lies_upright_already_is_not_turned(tmp_path: Path) -> None:
    codes = np.arange(64 * 96, dtype=np.uint32).reshape(96, 64).astype(np.uint8)
    turn = Property(b"irot", b"\3", True)
    found = heif_depth(photo_with(tmp_path / "a.heic", (DEPTH, b"", codes), turn=turn))
    assert found is not None
    np.testing.assert_allclose(found[0], codes / 255, rtol=1e-6)


# ---- written ---------------------------------------------------------------------------------


def with_depth(path: Path, inverse: Any, metric: bool = True, **said: Any) -> Path:
    codes = np.zeros((96, 128, 3), np.uint8)
    codes[:, 64:] = (200, 90, 30)
    with path.open("wb") as file:
        assert heif_with_depth(file, Stored(codes, **said), inverse, metric, 100) == ()
    return path


@pytest.mark.parametrize("metric", [True, False])
@pytest.mark.parametrize("nearest", [0.013, 0.7, 3.0, 250.0])
def test_depth_written_is_read_back_here_and_by_libheif(
    tmp_path: Path, metric: bool, nearest: float
) -> None:
    y, x = np.mgrid[0:1:77j, 0:1:103j]
    inverse = (nearest * np.clip(0.6 * x + 0.4 * y - 0.1, 0, 1) / 0.9).astype(np.float32)
    path = with_depth(tmp_path / "a.heic", inverse, metric)
    found = heif_depth(path)
    assert found is not None
    assert (found[1], found[2]["encoding"]) == (metric, "uniform disparity")
    half_a_code = nearest / 255 * 0.51
    np.testing.assert_allclose(found[0], inverse, atol=half_a_code)

    other = pillow_heif.open_heif(path)
    assert len(other) == 1
    assert other.size == (128, 96)
    (depth,) = other.info["depth_images"]
    said = depth.info["metadata"]
    assert (said["representation_type"], said["d_min"]) == (1, 0)
    assert said["d_max"] == pytest.approx(nearest, rel=2**-12)
    codes = np.asarray(depth)
    np.testing.assert_allclose(codes / 255 * said["d_max"], inverse, atol=half_a_code)


@given(st.floats(0, 1e4, width=32), st.floats(0, 1e4, width=32))
@settings(max_examples=15, deadline=None)
def test_any_range_is_held(a: float, b: float) -> None:
    low, high = sorted((a, b))
    file = io.BytesIO()
    inverse = np.full((64, 64), low, np.float32)
    inverse[:, 32:] = high
    heif_with_depth(file, Stored(np.zeros((64, 64, 3), np.uint8)), inverse, True, 50)
    items = read_items(file.getvalue())
    (depth,) = (item for _, item in items.pointing_to(items.primary, b"auxl"))
    said = representation(depth.said(b"auxC") or b"")
    assert said is not None
    assert said.d_min is not None
    assert said.d_max is not None
    assert said.d_min < said.d_max
    assert said.d_max == pytest.approx(high, rel=2**-12) or high < 1e-8
    libheif = pillow_heif.open_heif(file.getvalue()).info["depth_images"][0].info["metadata"]
    assert (libheif["d_min"], libheif["d_max"]) == (said.d_min, said.d_max)


def test_the_photo_and_its_metadata_stay(tmp_path: Path) -> None:
    inverse = np.full((48, 64), 0.5, np.float32)
    xmp = accuracy("of the photo")
    path = with_depth(tmp_path / "a.heic", inverse, xmp=xmp, icc=b"profile" * 20)
    with path.open("rb") as file:
        stored = heif.decode(file, Reading())
    assert (stored.xmp, stored.icc, stored.warnings) == (xmp, b"profile" * 20, ())
    assert stored.codes[5, 100].tolist() == [200, 90, 30]
    found = heif_depth(path)
    assert found is not None
    np.testing.assert_allclose(found[0], 0.5, rtol=2**-12)


def test_what_is_not_known_is_infinitely_far(tmp_path: Path) -> None:
    inverse = np.full((64, 64), 2, np.float32)
    inverse[:32] = np.nan
    inverse[32:40] = np.inf
    found = heif_depth(with_depth(tmp_path / "a.heic", inverse))
    assert found is not None
    assert (found[0][:40] == 0).all()
    assert (found[0][40:] == 2).all()


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not on the PATH")
def test_exiftool_reads_what_the_depth_is(tmp_path: Path) -> None:
    path = with_depth(tmp_path / "a.heic", np.eye(64, dtype=np.float32))
    tags = ["-s3", "-XMP:AuxiliaryImageType", "-Accuracy", "-FloatMaxValue"]
    lines = subprocess.run(["exiftool", *tags, path], capture_output=True, text=True, check=True)
    assert lines.stdout.split("\n")[-4:-1] == ["disparity", "absolute", "1"]
