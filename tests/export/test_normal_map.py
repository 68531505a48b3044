"""Normal maps as other programs' readers see them."""

import json

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthfx.errors import PhotoError
from depthfx.export.normal_map import coded, vectors, write_normal_map


@pytest.fixture
def normals() -> np.ndarray:
    vectors = np.random.default_rng(2).standard_normal((6, 9, 3))
    vectors[..., 2] = -np.abs(vectors[..., 2])
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors.astype(np.float32)


SIGNS = {"up": (1, -1, -1), "down": (1, 1, -1)}


@pytest.mark.parametrize("green", ["up", "down"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_codes_come_back_as_unit_vectors(tmp_path, normals, green, bits, suffix):
    path = tmp_path / f"map{suffix}"
    write_normal_map(path, normals, green=green, bits=bits)
    codes = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert codes.dtype == (np.uint8 if bits == 8 else np.uint16)
    read = codes.astype(float) / (2**bits - 1) * 2 - 1
    np.testing.assert_allclose(np.linalg.norm(read, axis=-1), 1, atol=2 / 2**bits)
    np.testing.assert_allclose(read, normals * SIGNS[green], atol=1.01 / (2**bits - 1))


def test_a_surface_that_faces_the_viewer_is_the_usual_blue():
    np.testing.assert_array_equal(coded(np.float32([[[0, 0, -1]]]), bits=8), [[[128, 128, 255]]])


def test_red_is_right_and_green_is_up():
    right, up = np.float32([[[1, 0, 0]]]), np.float32([[[0, -1, 0]]])
    assert coded(right, bits=8)[0, 0, 0] == 255
    assert coded(up, bits=8)[0, 0, 1] == 255
    assert coded(up, "down", bits=8)[0, 0, 1] == 0


def test_a_png_names_no_colours_and_says_what_it_means(tmp_path, normals):
    write_normal_map(tmp_path / "map.png", normals, bits=8)
    with Image.open(tmp_path / "map.png") as image:
        image.load()
        assert not {"gamma", "srgb", "icc_profile", "chromaticity"} & set(image.info)
        meaning = json.loads(image.info["Description"])
    assert (meaning["axes"], meaning["x"], meaning["y"]) == ("opengl", "right", "up")


def test_a_tiff_says_what_it_means(tmp_path, normals):
    write_normal_map(tmp_path / "map.tif", normals, green="down")
    with tifffile.TiffFile(tmp_path / "map.tif") as file:
        assert json.loads(file.pages[0].description)["y"] == "down"


def test_exr_holds_the_vectors_themselves(tmp_path, normals):
    write_normal_map(tmp_path / "map.exr", normals)
    with OpenEXR.File(str(tmp_path / "map.exr"), separate_channels=True) as file:
        channels = file.channels()
        read = np.dstack([channels[name].pixels for name in "RGB"])
        assert json.loads(file.header()["depthfx"])["z"] == "towards the viewer"
    np.testing.assert_array_equal(read, vectors(normals))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".exr"])
def test_a_cut_out_keeps_its_alpha(tmp_path, normals, suffix):
    alpha = np.linspace(0, 1, normals[..., 0].size, dtype=np.float32).reshape(normals.shape[:2])
    path = tmp_path / f"map{suffix}"
    write_normal_map(path, normals, alpha=alpha)
    if suffix == ".exr":
        with OpenEXR.File(str(path), separate_channels=True) as file:
            read = file.channels()["A"].pixels
    else:
        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., 3] / 65535
    np.testing.assert_allclose(read, alpha, atol=1e-5)


@given(st.floats(-80, 80))
def test_a_floor_seen_by_a_camera_that_looks_down_faces_up_in_the_world(pitch_deg):
    pitch = np.radians(pitch_deg)
    up = np.array([0, -np.cos(pitch), np.sin(pitch)])  # in camera axes
    ahead = np.array([0, np.sin(pitch), np.cos(pitch)])
    to_world = np.stack([[1, 0, 0], up, -ahead])
    floor = vectors(up.astype(np.float32)[None, None], to_world=to_world)
    np.testing.assert_allclose(floor[0, 0], [0, 1, 0], atol=1e-6)
    turned = vectors(up.astype(np.float32)[None, None], "down", to_world)
    np.testing.assert_allclose(turned[0, 0], [0, -1, 0], atol=1e-6)


def test_a_camera_that_stands_upright_has_the_axes_of_its_world(normals):
    upright = np.diag([1.0, -1.0, -1.0])
    np.testing.assert_array_equal(vectors(normals), vectors(normals, to_world=upright))


def test_a_folder_that_is_missing_is_told_in_one_line(tmp_path, normals):
    with pytest.raises(PhotoError, match="does not exist"):
        write_normal_map(tmp_path / "no" / "map.png", normals)


def test_the_same_normals_make_the_same_bytes(tmp_path, normals):
    for suffix in (".png", ".tif", ".exr"):
        first, again = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
        write_normal_map(first, normals)
        write_normal_map(again, normals)
        assert first.read_bytes() == again.read_bytes()
