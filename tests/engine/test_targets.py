"""What other programs are given, read as they would read it."""

import json

import cv2
import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.engine.depth_file import read_depth
from depthfx.engine.depth_write import write_exports
from depthfx.engine.targets import TARGETS, base_of, target_exports
from depthfx.errors import DepthError, ParameterError, PhotoError
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.photo import Photo

f32 = np.float32
HEIGHT, WIDTH = 24, 32


@pytest.fixture
def photo():
    # Smooth, so that JPEG keeps it.
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    return Photo(np.dstack([y, x, 1 - y]).astype(f32), Camera.guess(WIDTH, HEIGHT))


@pytest.fixture
def depth():
    """Near at the bottom, sky on top; a step of two surfaces in one column."""
    inverse = np.repeat(np.linspace(0, 2, HEIGHT, dtype=f32)[:, None], WIDTH, 1)
    behind, coverage = inverse.copy(), np.ones_like(inverse)
    behind[12:, 16], coverage[12:, 16] = 0.1, 0.4
    return Depth(inverse, True, "a test", behind, coverage)


def write(name, photo, depth, folder):
    base = folder / "shot"
    exports = target_exports(name, photo, depth, base)
    return write_exports(exports, depth, photo.camera, source=folder / "photo.jpg")


def planes(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return {name: channel.pixels for name, channel in file.channels().items()}


def encoded(photo, bits):
    return linear_to_srgb(photo.pixels) * (2**bits - 1)


def test_after_effects_has_black_near_and_white_far(photo, depth, tmp_path):
    names = [path.name for path in write("after-effects", photo, depth, tmp_path)]
    assert names == ["shot.png", "shot.png.json", "shot.exr", "shot.exr.json"]
    codes = cv2.imread(str(tmp_path / "shot.png"), cv2.IMREAD_UNCHANGED)
    expected = 1 - depth.surface / 2
    assert codes.dtype == np.uint16
    np.testing.assert_allclose(codes / 65535, expected, atol=1e-5)
    channels = planes(tmp_path / "shot.exr")
    assert set(channels) == {"R", "G", "B"}
    for plane in channels.values():
        np.testing.assert_allclose(plane, expected, atol=1e-6)


def test_photoshop_has_the_photo_and_depth_as_a_fourth_channel_black_near(photo, depth, tmp_path):
    write("photoshop", photo, depth, tmp_path)
    with tifffile.TiffFile(tmp_path / "shot.tif") as file:
        page = file.pages[0]
        codes = page.asarray()
        assert page.photometric.name == "RGB"
        assert tuple(page.extrasamples) == (0,)  # unspecified: no transparency
    assert codes.dtype == np.uint16
    np.testing.assert_allclose(codes[..., :3], encoded(photo, 16), atol=2)
    np.testing.assert_allclose(codes[..., 3] / 65535, 1 - depth.surface / 2, atol=1e-5)


@pytest.mark.parametrize(("name", "channel"), [("nuke", "depth.Z"), ("blender", "Z")])
def test_nuke_and_blender_have_metres_with_hard_edges(name, channel, photo, depth, tmp_path):
    write(name, photo, depth, tmp_path)
    channels = planes(tmp_path / "shot.exr")
    assert list(channels) == [channel]
    metres = channels[channel]
    assert metres.dtype == f32
    assert (metres[0] == 1e10).all()
    np.testing.assert_array_equal(metres[1:], 1 / depth.surface[1:])
    np.testing.assert_allclose(metres[12:, 16], 10, rtol=1e-6)  # what fills most of the pixel


@pytest.mark.parametrize("name", ["nuke", "blender"])
def test_metres_of_relative_depth_are_refused_with_the_way_out(name, photo, depth, tmp_path):
    with pytest.raises(DepthError, match="--scale-at") as caught:
        write(name, photo, Depth(depth.inverse, False, "relative"), tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_facebook_has_two_files_of_one_name_white_near(photo, depth, tmp_path):
    names = [path.name for path in write("facebook", photo, depth, tmp_path)]
    assert names == ["shot.jpg", "shot_depth.jpg", "shot_depth.jpg.json"]
    with Image.open(tmp_path / "shot_depth.jpg") as picture:
        assert picture.mode == "L"
        codes = np.asarray(picture, f32)
    assert np.median(codes[0]) < 5
    assert np.median(codes[-1]) > 250
    with Image.open(tmp_path / "shot.jpg") as picture:
        np.testing.assert_allclose(np.asarray(picture, f32), encoded(photo, 8), atol=6)


def test_looking_glass_has_photo_and_depth_side_by_side_white_near(photo, depth, tmp_path):
    write("looking-glass", photo, depth, tmp_path)
    pair = cv2.imread(str(tmp_path / "shot.png"), cv2.IMREAD_UNCHANGED)[..., ::-1].astype(f32)
    assert pair.shape == (HEIGHT, 2 * WIDTH, 3)
    np.testing.assert_allclose(pair[:, :WIDTH], encoded(photo, 8), atol=0.51)
    for channel in range(3):
        np.testing.assert_allclose(pair[:, WIDTH:, channel] / 255, depth.surface / 2, atol=0.002)


@pytest.mark.parametrize("name", TARGETS)
def test_every_map_is_read_back_as_the_depth_it_was(name, photo, depth, tmp_path):
    half_a_code = {"after-effects": 2e-5, "photoshop": 2e-5, "looking-glass": 0.005}
    for path in write(name, photo, depth, tmp_path):
        if path.suffix == ".json":
            said = json.loads(path.read_text())
            assert said["target"] == name
            assert {"unit", "polarity", "focal_px", "focal_origin", "stamp"} <= said.keys()
        elif path.name != "shot.jpg":
            found = read_depth(path)
            assert found.metric
            atol = 0.06 if path.suffix == ".jpg" else half_a_code.get(name, 0)
            np.testing.assert_allclose(found.inverse, depth.surface, rtol=1e-6, atol=atol)


@pytest.mark.parametrize("name", TARGETS)
def test_a_grey_photo_with_alpha_will_do(name, depth, tmp_path):
    pixels = np.repeat(np.linspace(0, 1, WIDTH, dtype=f32)[None, :, None], HEIGHT, 0)
    alpha = np.full((HEIGHT, WIDTH), 0.5, f32)
    grey = Photo(np.repeat(pixels, 3, 2), Camera.guess(WIDTH, HEIGHT), alpha)
    for path in write(name, grey, depth, tmp_path):
        assert path.stat().st_size > 0


def test_nothing_is_written_if_the_last_file_is_there_already(photo, depth, tmp_path):
    (tmp_path / "shot_depth.jpg.json").write_text("mine")
    with pytest.raises(PhotoError, match="shot_depth"):
        write("facebook", photo, depth, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["shot_depth.jpg.json"]


def test_names_of_the_files(tmp_path):
    photo = tmp_path / "a.b.jpg"
    assert base_of("nuke", photo, None) == tmp_path / "a.b-nuke"
    assert base_of("nuke", photo, tmp_path) == tmp_path / "a.b-nuke"
    assert base_of("nuke", photo, tmp_path / "z.exr") == tmp_path / "z"
    assert base_of("facebook", photo, tmp_path / "z_depth.jpg") == tmp_path / "z"
    assert base_of("facebook", photo, tmp_path / "z") == tmp_path / "z"
    with pytest.raises(DepthError, match=r"\.exr"):
        base_of("nuke", photo, tmp_path / "z.png")
    with pytest.raises(ParameterError, match="blender"):
        base_of("gimp", photo, tmp_path / "z.png")
