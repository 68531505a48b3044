"""Depth in every container, read by other programs than ours, and by ours again."""

import json
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile

from depthfx.camera import Camera, FocalOrigin
from depthfx.depth import Depth
from depthfx.engine.depth_file import read_depth, read_sparse
from depthfx.engine.depth_write import write_depth
from depthfx.errors import DepthError, PhotoError

f32 = np.float32
RNG = np.random.default_rng(1)
INVERSE = RNG.uniform(0.01, 2.5, (30, 40)).astype(f32)
INVERSE[:3] = 0  # sky
CAMERA = Camera(40, 30, 50.0, FocalOrigin.EXIF)


def depth(metric=True, inverse=INVERSE):
    return Depth(inverse, metric, "a test", stamp={"model": "m", "licence": "L"})


def write(path, metric=True, **told):
    return write_depth(depth(metric), CAMERA, path, source=Path("photo.jpg"), **told)


def planes(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def pfm(path):
    """The format's own description, without the code of ours."""
    kind, size, scale, data = path.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    assert (kind, float(scale)) == (b"Pf", -1.0)
    return np.flipud(np.frombuffer(data, "<f4").reshape(height, width))


def as_others_read(path):
    match path.suffix:
        case ".exr":
            (plane,) = planes(path).values()
            return plane
        case ".pfm":
            return pfm(path)
        case ".tif":
            return tifffile.imread(path)
        case ".npy":
            return np.load(path)
        case ".npz":
            (array,) = np.load(path).values()
            return array
        case _:
            return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("suffix", [".exr", ".pfm", ".tif", ".npy", ".npz"])
def test_floats_are_inverse_depth_to_the_last_bit(tmp_path, suffix):
    path = tmp_path / f"d{suffix}"
    write(path, bits=32)
    found = as_others_read(path)
    assert found.dtype == f32
    np.testing.assert_array_equal(found, INVERSE)
    np.testing.assert_array_equal(read_depth(path).inverse, INVERSE)


@pytest.mark.parametrize("suffix", [".exr", ".pfm", ".tif", ".npy", ".npz"])
def test_floats_are_metres_and_the_sky_infinite(tmp_path, suffix):
    path = tmp_path / f"d{suffix}"
    write(path, values="metres")
    found = as_others_read(path)
    np.testing.assert_array_equal(found[3:], 1 / INVERSE[3:])
    assert (found[:3] == (1e10 if suffix == ".exr" else np.inf)).all()
    np.testing.assert_allclose(read_depth(path).inverse, INVERSE, rtol=2e-7)
    assert (read_depth(path).inverse[:3] == 0).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("metric", [True, False])
def test_codes_are_inverse_depth_to_half_a_code(tmp_path, suffix, bits, metric):
    path = tmp_path / f"d{suffix}"
    write(path, metric, bits=bits)
    codes, top = as_others_read(path), 2**bits - 1
    assert codes.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert (codes.min(), codes.max()) == (0, top)
    half = 0.51 * float(INVERSE.max()) / top
    np.testing.assert_allclose(codes * (INVERSE.max() / top), INVERSE, atol=half)
    found = read_depth(path)
    assert found.metric == metric
    np.testing.assert_allclose(found.inverse, INVERSE, atol=half)


def test_metres_in_an_exr_are_found_without_the_sidecar(tmp_path):
    path = tmp_path / "d.exr"
    write(path, values="metres")
    Path(f"{path}.json").unlink()
    found = read_depth(path)
    assert found.metric
    assert "channel Z, read as metres (inferred)" in found.origin
    np.testing.assert_allclose(found.inverse, INVERSE, rtol=2e-7)


def test_a_strangers_pfm_is_relative_and_either_byte_order_is_read(tmp_path):
    values = RNG.uniform(20, 200, (6, 8)).astype(f32)
    values[0, 0] = np.inf  # how disparity maps mark what is unknown
    for order, sign in ((">f4", "1.0"), ("<f4", "-1.0")):
        path = tmp_path / "disparity.pfm"
        head = f"Pf\n8 6\n{sign}\n".encode()
        path.write_bytes(head + np.flipud(values).astype(order).tobytes())
        found = read_depth(path)
        assert not found.metric
        assert "white near (inferred)" in found.origin
        rank = np.argsort(found.inverse.ravel()[1:])
        np.testing.assert_array_equal(rank, np.argsort(values.ravel()[1:]))


def test_a_strangers_exr_may_be_half_and_have_colours_beside_depth(tmp_path):
    path = tmp_path / "render.exr"
    metres = RNG.uniform(1, 9, (6, 8)).astype(np.float16)
    colours = {name: RNG.random((6, 8)).astype(f32) for name in "RGB"}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {**colours, "ViewLayer.Depth.Z": metres}).write(str(path))
    found = read_depth(path)
    np.testing.assert_allclose(found.inverse, 1 / metres.astype(f32), rtol=1e-6)
    OpenEXR.File(header, colours).write(str(path))
    with pytest.raises(DepthError, match="colour picture"):
        read_depth(path)


@pytest.mark.parametrize("content", [b"", b"Pf\n", b"Pf\n8 6\n-1.0\nshort", b"PX\n1 1\n1\n0000"])
def test_a_damaged_pfm_is_named(tmp_path, content):
    path = tmp_path / "d.pfm"
    path.write_bytes(content)
    with pytest.raises(DepthError, match=r"d\.pfm") as caught:
        read_depth(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"v/1\x01 torn", b"text"])
def test_a_damaged_exr_is_named(tmp_path, content):
    path = tmp_path / "d.exr"
    path.write_bytes(content)
    with pytest.raises(DepthError, match=r"d\.exr") as caught:
        read_depth(path)
    assert "\n" not in str(caught.value)


def test_the_sidecar_says_all_that_a_reader_needs(tmp_path):
    path = tmp_path / "d.png"
    assert write(path) == [path, tmp_path / "d.png.json"]
    said = json.loads((tmp_path / "d.png.json").read_text())
    assert said["unit"] == "1/m"
    assert said["polarity"] == "near is large (white)"
    assert said["nearest_m"] == pytest.approx(1 / float(INVERSE.max()))
    assert said["farthest_m"] is None  # there is sky
    assert (said["focal_px"], said["focal_origin"]) == (50.0, "EXIF")
    assert said["metres_uncertainty"] == 0.04
    assert said["stamp"] == {"model": "m", "licence": "L"}


@pytest.mark.parametrize(
    ("name", "told", "words"),
    [
        ("d.png", {"values": "metres"}, "floats"),
        ("d.png", {"bits": 32}, "16 or 8"),
        ("d.exr", {"bits": 16}, "32"),
        ("d.tif", {"bits": 16, "values": "metres"}, "32"),
        ("d.docx", {}, "docx"),
    ],
)
def test_what_a_container_cannot_hold_is_refused(tmp_path, name, told, words):
    with pytest.raises(DepthError, match=words):
        write(tmp_path / name, **told)
    assert list(tmp_path.iterdir()) == []


def test_relative_depth_has_no_metres_and_the_line_says_how_to_get_them(tmp_path):
    with pytest.raises(DepthError, match="--scale-at"):
        write(tmp_path / "d.exr", metric=False, values="metres")
    assert list(tmp_path.iterdir()) == []


def test_neither_file_is_written_if_one_of_them_is_there(tmp_path):
    (tmp_path / "d.png.json").write_text("mine")
    with pytest.raises(PhotoError, match=r"d\.png\.json"):
        write(tmp_path / "d.png")
    assert [path.name for path in tmp_path.iterdir()] == ["d.png.json"]


def test_a_sparse_map_knows_where_it_has_holes(tmp_path):
    metres = np.zeros((10, 12), f32)
    metres[2::4, 3::4] = 2.5
    np.save(tmp_path / "lidar.npy", metres)
    found, known = read_sparse(tmp_path / "lidar.npy")
    np.testing.assert_array_equal(known, metres > 0)
    np.testing.assert_allclose(found.inverse[known], 0.4)
    cv2.imwrite(str(tmp_path / "map.png"), np.tile(np.arange(12, dtype=np.uint8) * 20, (10, 1)))
    with pytest.raises(DepthError, match=r"map\.png gives no scale"):
        read_sparse(tmp_path / "map.png")
