"""A photo written with its depth inside: others find it, and the picture stays byte for byte."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import struct
import subprocess
from xml.etree import ElementTree

import numpy as np
import phone_files as files
import piexif
import pytest
from PIL import Image

import depthfx
from depthfx.depth import Depth
from depthfx.errors import PhotoError
from depthfx.photo.phone.embed import write_with_depth
from depthfx.photo.phone.stored_depth import stored_depth
from depthfx.photo.read import read_photo

RAMP = np.linspace(0.1, 2, 60 * 80, dtype=np.float32).reshape(60, 80)
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def segments(data):
    """Marker and body of each segment, and what stands from the first scan on."""
    at, found = 2, []
    while data[at + 1] != 0xDA:
        size = struct.unpack_from(">H", data, at + 2)[0]
        found.append((data[at + 1], data[at + 4 : at + 2 + size]))
        at += 2 + size
    return found, data[at:]


def gdepth_by_the_book(data):
    """GDepth's properties and its map in metres, by no code of ours."""
    parts, _ = segments(data)
    packets = [body[29:] for marker, body in parts if body.startswith(files.XMP_HEADER)]
    assert len(packets) == 1
    pieces = [body[35:] for _, body in parts if body.startswith(files.EXTENSION_HEADER)]
    whole = bytearray(struct.unpack_from(">I", pieces[0], 32)[0])
    for piece in pieces:
        place = struct.unpack_from(">I", piece, 36)[0]
        whole[place : place + len(piece) - 40] = piece[40:]
    told = {}
    for packet in (packets[0], bytes(whole)):
        for element in ElementTree.fromstring(packet).iter(f"{RDF}Description"):
            told |= {name.partition("}")[2]: text for name, text in element.attrib.items()}
    assert told["HasExtendedXMP"] == hashlib.md5(whole).hexdigest().upper()
    assert all(piece[:32].decode() == told["HasExtendedXMP"] for piece in pieces)
    codes = np.asarray(Image.open(io.BytesIO(base64.b64decode(told["Data"]))))
    near, far, v = float(told["Near"]), float(told["Far"]), codes / 65535
    return told, far * near / (far - v * (far - near))


def embedded(tmp_path, data, inverse=RAMP, metric=True, name="photo.jpg"):
    photo = read_photo(files.saved(tmp_path, data, name))
    depth = Depth(inverse, metric, "known")
    out = tmp_path / "out.jpg"
    assert write_with_depth(photo, depth, out, overwrite=True) == ()
    return out.read_bytes()


def test_the_map_is_what_the_format_says_of_it(tmp_path):
    told, metres = gdepth_by_the_book(embedded(tmp_path, files.photo_bytes()))
    assert (told["Format"], told["Units"], told["Mime"]) == ("RangeInverse", "m", "image/png")
    assert told["MeasureType"] == "OpticalAxis"
    np.testing.assert_allclose(1 / metres, RAMP, atol=1.9 / 65535)


def test_relative_depth_says_no_unit(tmp_path):
    data = embedded(tmp_path, files.photo_bytes(), RAMP / 2, metric=False)
    assert "Units" not in gdepth_by_the_book(data)[0]
    assert not stored_depth(read_photo(files.saved(tmp_path, data))).metric


def test_infinity_is_as_far_as_the_codes_reach(tmp_path):
    sky = RAMP.copy()
    sky[:20] = 0
    _, metres = gdepth_by_the_book(embedded(tmp_path, files.photo_bytes(), sky))
    assert metres[:20].min() > 1e4
    np.testing.assert_allclose(1 / metres[20:], sky[20:], atol=1e-4)


def test_only_segments_change(tmp_path):
    """Picture data and every other segment stay, in their order; XMP follows EXIF."""
    before = files.with_segments(
        files.photo_bytes(), struct.pack(">BBH", 0xFF, 0xED, 12) + b"Photoshop\0"
    )
    after = embedded(tmp_path, before)
    (old, old_data), (new, new_data) = segments(before), segments(after)
    assert old_data == new_data
    own = (files.XMP_HEADER, files.EXTENSION_HEADER)
    assert [part for part in new if not part[1].startswith(own)] == old


def test_a_turned_picture_has_its_depth_turned_alike(tmp_path):
    for orientation in range(1, 9):
        inverse = RAMP if orientation < 5 else np.ascontiguousarray(RAMP.reshape(80, 60))
        data = embedded(tmp_path, files.photo_bytes(orientation), inverse)
        _, metres = gdepth_by_the_book(data)
        assert metres.shape == (60, 80)
        found = stored_depth(read_photo(files.saved(tmp_path, data)))
        np.testing.assert_allclose(found.inverse, inverse, atol=1e-4)


def test_old_depth_is_replaced_and_what_stood_beside_it_stays(tmp_path):
    more = ' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="Été"'
    png = files.picture(files.codes())
    xmp = files.segment(files.XMP_HEADER, files.gdepth_xmp(png, more))
    data = embedded(tmp_path, files.with_segments(files.photo_bytes(), xmp))
    told, metres = gdepth_by_the_book(data)
    assert told["source"] == "Été"
    np.testing.assert_allclose(1 / metres, RAMP, atol=1e-4)
    assert data.count(b"GDepth:Near") == 1
    again = embedded(tmp_path, embedded(tmp_path, data, RAMP * 2))
    np.testing.assert_array_equal(gdepth_by_the_book(again)[1], metres)
    assert abs(len(again) - len(data)) < 100


def test_what_goes_on_beyond_the_packet_stays_too(tmp_path):
    data = files.extended_jpeg(files.picture(files.codes()))
    photo = b'xmlns:GImage="http://ns.google.com/photos/1.0/image/" GImage:Data="QUJD" GDepth:Data='
    rest = read_photo(files.saved(tmp_path, data)).metadata.xmp_extension
    rest = rest.replace(b"GDepth:Data=", photo)
    digest = hashlib.md5(rest).hexdigest().upper().encode()
    note = f' xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="{digest.decode()}"'
    data = files.with_segments(
        files.photo_bytes(),
        files.segment(files.XMP_HEADER, files.gdepth_xmp(None, note)),
        files.segment(files.EXTENSION_HEADER, digest + struct.pack(">II", len(rest), 0) + rest),
    )
    made = embedded(tmp_path, data)
    assert b'GImage:Data="QUJD"' in made
    np.testing.assert_allclose(1 / gdepth_by_the_book(made)[1], RAMP, atol=1e-4)


@pytest.mark.parametrize("xmp_first", [True, False])
def test_further_pictures_are_where_their_list_says(xmp_first, tmp_path):
    """Whether the XMP that goes stood before the list or after it."""
    xmp = files.segment(files.XMP_HEADER, files.gdepth_xmp(files.picture(files.codes())))
    second = files.picture(np.full((8, 8), 77, np.uint8), "JPEG")
    first = files.photo_bytes()
    both = files.multi_picture(first if xmp_first else files.with_segments(first, xmp), second)
    if xmp_first:  # places count from the list: what stands before it does not matter
        both = bytearray(files.with_segments(both, xmp))
        size = both.index(b"MPF\0") + 4 + 42
        struct.pack_into(">I", both, size, len(both) - len(second))
    made = embedded(tmp_path, both, RAMP * 3)
    with Image.open(io.BytesIO(made)) as image:
        assert image.n_frames == 2
        image.seek(1)
        assert np.asarray(image).mean() == pytest.approx(77, abs=1)
        start = made.index(b"MPF\0") + 4
        size = struct.unpack_from(">I", made, start + 42)[0]
    assert made[size:] == second
    assert made[size - 2 : size] == b"\xff\xd9"


def test_other_photos_become_a_jpeg(tmp_path):
    file = io.BytesIO()
    pixels = np.repeat(np.arange(80, dtype=np.uint8)[None] * 3, 60, 0)
    Image.fromarray(np.dstack([pixels] * 3)).save(file, "PNG")
    data = embedded(tmp_path, file.getvalue(), name="photo.png")
    np.testing.assert_allclose(1 / gdepth_by_the_book(data)[1], RAMP, atol=1e-4)
    with Image.open(io.BytesIO(data)) as image:
        assert np.abs(np.asarray(image)[..., 0].astype(int) - pixels).max() <= 4


def test_a_heic_has_its_depth_beside_the_picture(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    photo = read_photo(files.saved(tmp_path, files.photo_bytes(6)))
    inverse = np.ascontiguousarray(RAMP.reshape(80, 60))
    write_with_depth(photo, Depth(inverse, True, "known"), tmp_path / "out.heic")
    found = stored_depth(read_photo(tmp_path / "out.heic"))
    assert found.metric
    np.testing.assert_allclose(found.inverse, inverse, atol=0.03)
    assert len(pillow_heif.open_heif(tmp_path / "out.heic").info["depth_images"]) == 1


def test_the_map_is_of_a_phones_size(tmp_path):
    photo = read_photo(files.saved(tmp_path, files.photo_bytes(height=1500, width=2000)))
    rng = np.random.default_rng(0)
    inverse = np.repeat(np.repeat(rng.random((15, 20), np.float32) + 0.5, 100, 0), 100, 1)
    write_with_depth(photo, Depth(inverse, True, "known"), tmp_path / "out.jpg")
    _, metres = gdepth_by_the_book((tmp_path / "out.jpg").read_bytes())
    assert metres.size == pytest.approx(800_000, rel=0.01)
    # Every depth in the file is one of the photo's: none is between two surfaces.
    known = np.unique(inverse)
    off = np.abs(1 / metres - known[np.searchsorted(known, 1 / metres).clip(0, len(known) - 1)])
    before = np.abs(1 / metres - known[np.searchsorted(known, 1 / metres) - 1])
    assert np.minimum(off, before).max() < 1e-4


@pytest.mark.parametrize("name", ["photo.jpg", "out.png", "missing/out.jpg"])
def test_what_cannot_be_written_is_said_in_a_line(name, tmp_path):
    photo = read_photo(files.saved(tmp_path, files.photo_bytes()))
    with pytest.raises(PhotoError, match=name):
        write_with_depth(photo, Depth(RAMP, True, "known"), tmp_path / name, overwrite=True)
    assert (tmp_path / "photo.jpg").read_bytes() == files.photo_bytes()


def test_one_depth_all_over_is_refused(tmp_path):
    with pytest.raises(PhotoError, match="same everywhere"):
        embedded(tmp_path, files.photo_bytes(), np.ones((60, 80), np.float32))
    assert not (tmp_path / "out.jpg").exists()


def test_xmp_that_is_none_makes_room(tmp_path):
    data = files.with_segments(
        files.photo_bytes(), files.segment(files.XMP_HEADER, b"<x:xmpmeta this is no XML")
    )
    _, metres = gdepth_by_the_book(embedded(tmp_path, data))
    np.testing.assert_allclose(1 / metres, RAMP, atol=1e-4)


def test_an_effect_on_the_photo_finds_the_same_depth(tmp_path):
    data = embedded(tmp_path, files.photo_bytes())
    assert piexif.load(data)["Exif"][41989] == 26
    depth = depthfx.open(files.saved(tmp_path, data)).depth
    np.testing.assert_allclose(depth.inverse, RAMP, atol=1e-4)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not on the PATH")
def test_exiftool_finds_it(tmp_path):
    path = files.saved(tmp_path, embedded(tmp_path, files.photo_bytes(6), RAMP.reshape(80, 60)))
    said = subprocess.run(
        ["exiftool", "-json", "-XMP-GDepth:all", path], capture_output=True, text=True, check=True
    )
    facts = json.loads(said.stdout)[0]
    assert (facts["Format"], facts["Units"]) == ("RangeInverse", "m")
    assert (facts["Near"], facts["Far"]) == pytest.approx((0.5, 10), rel=1e-5)
    png = subprocess.run(
        ["exiftool", "-b", "-XMP-GDepth:DepthImage", path], capture_output=True, check=True
    ).stdout
    with Image.open(io.BytesIO(png)) as image:
        assert (image.size, image.mode) == ((80, 60), "I;16")
