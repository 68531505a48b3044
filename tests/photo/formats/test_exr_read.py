"""OpenEXR: every arrangement of channels, windows and parts comes out as the picture meant."""

from __future__ import annotations

import io
import struct

import numpy as np
import OpenEXR
import pytest
from exr_by_hand import exr

from depthfx.errors import PhotoError
from depthfx.photo.formats.exr import decode, depth_channel
from depthfx.photo.stored import Reading, Stored

RNG = np.random.default_rng(14)
RGB = RNG.random((12, 17, 3)).astype(np.float16)


def read(data: bytes | io.BytesIO) -> Stored:
    return decode(io.BytesIO(data) if isinstance(data, bytes) else data, Reading())


def library(channels: dict, **header: object) -> io.BytesIO:
    file = io.BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(header, channels).write(file)
    file.seek(0)
    return file


def planes(colours: np.ndarray, prefix: str = "") -> dict[str, np.ndarray]:
    return {prefix + n: np.ascontiguousarray(colours[..., c]) for c, n in enumerate("RGB")}


@pytest.mark.parametrize(("dtype", "bits"), [("f2", 16), ("f4", 32), ("u4", 32)])
def test_half_float_and_whole_numbers_are_their_values(dtype, bits):
    values = (RGB * 9).astype(dtype)
    stored = read(exr(planes(values)))
    assert stored.codes.dtype == np.float32
    assert stored.bit_depth == bits
    assert stored.alpha is None
    np.testing.assert_array_equal(stored.codes, values.astype(np.float32))
    np.testing.assert_allclose(stored.linear, np.eye(3), atol=1e-6)


LOSSLESS = ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24"]


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("order", [OpenEXR.INCREASING_Y, OpenEXR.DECREASING_Y])
def test_lossless_compressions_and_line_orders(name, order):
    compression = getattr(OpenEXR, name + "_COMPRESSION")
    stored = read(library(planes(RGB), compression=compression, lineOrder=order))
    np.testing.assert_array_equal(stored.codes, RGB)


@pytest.mark.parametrize("name", ["B44", "B44A", "DWAA", "DWAB"])
def test_lossy_compressions(name):
    smooth = np.add.outer(np.arange(40), np.arange(60))[..., None] / 100 * np.array([1, 0.5, 0.2])
    compression = getattr(OpenEXR, name + "_COMPRESSION")
    stored = read(library(planes(smooth.astype(np.float16)), compression=compression))
    np.testing.assert_allclose(stored.codes, smooth, atol=0.02)


def test_tiles():
    tiles = OpenEXR.TileDescription()
    stored = read(library(planes(RGB), type=OpenEXR.tiledimage, tiles=tiles))
    np.testing.assert_array_equal(stored.codes, RGB)


def test_channels_of_different_types_keep_the_finest():
    mixed = planes(RGB) | {"R": np.full(RGB.shape[:2], 0.1, np.float32)}
    stored = read(exr(mixed))
    assert stored.bit_depth == 32
    np.testing.assert_array_equal(stored.codes[..., 0], np.float32(0.1))
    np.testing.assert_array_equal(stored.codes[..., 1:], RGB[..., 1:])


def test_premultiplied_alpha_becomes_straight_and_light_without_opacity_stays():
    alpha = np.array([[1, 0.5, 0, 1.5]], np.float16)
    colour = np.array([[[0.8, 0.4, 0.2], [0.4, 0.2, 0.1], [3, 2, 1], [1, 1, 1]]], np.float16)
    stored = read(exr(planes(colour) | {"A": alpha}))
    np.testing.assert_array_equal(stored.alpha, [[1, 0.5, 0, 1]])
    expected = [[[0.8, 0.4, 0.2], [0.8, 0.4, 0.2], [3, 2, 1], [1, 1, 1]]]
    np.testing.assert_allclose(stored.codes, expected, rtol=1e-3)


def test_luminance_is_grey_with_or_without_alpha():
    y = RGB[..., 0]
    assert read(exr({"Y": y})).grey
    half = np.full_like(y, 0.5)
    stored = read(exr({"Y": y, "A": half}))
    np.testing.assert_allclose(stored.codes, 2 * y.astype(np.float32), rtol=1e-6)
    np.testing.assert_array_equal(stored.alpha, half)


def test_luminance_and_chroma_at_a_quarter_of_the_size_are_colours():
    rows, columns = np.mgrid[0:16, 0:20].astype(np.float32)
    luminance = 0.2 + rows * 0.01
    red, blue = 1 + columns * 0.02, 0.5 + rows * 0.02  # R / Y and B / Y
    data = exr(
        {"Y": luminance, "RY": (red - 1)[::2, ::2].copy(), "BY": (blue - 1)[::2, ::2].copy()},
        steps={"RY": (2, 2), "BY": (2, 2)},
    )
    codes = read(data).codes
    inner = slice(0, 15), slice(0, 19)  # beyond the last sample there is none to go to
    np.testing.assert_allclose(codes[..., 0][inner], (luminance * red)[inner], rtol=1e-5)
    np.testing.assert_allclose(codes[..., 2][inner], (luminance * blue)[inner], rtol=1e-5)
    weights = np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose((codes @ weights)[inner], luminance[inner], rtol=1e-3)


def test_plain_channels_before_layers_and_depth_beside_them_is_left():
    other = planes(1 - RGB, "diffuse.")
    stored = read(exr(other | planes(RGB) | {"Z": np.ones(RGB.shape[:2], np.float32)}))
    np.testing.assert_array_equal(stored.codes, RGB)
    assert stored.bit_depth == 16
    assert not stored.warnings


def test_an_only_layer_is_the_picture():
    stored = read(exr(planes(RGB, "diffuse.")))
    np.testing.assert_array_equal(stored.codes, RGB)
    assert not stored.warnings


@pytest.mark.parametrize("names", ["rgba", ["Red", "Green", "Blue", "Alpha"]])
def test_channels_spelled_otherwise(names):
    values = np.dstack([RGB, np.ones(RGB.shape[:2])]).astype(np.float16)
    stored = read(exr({f"view.{n}": values[..., c] for c, n in enumerate(names)}))
    np.testing.assert_array_equal(stored.codes, values[..., :3].astype(np.float32))
    assert stored.alpha is not None


def test_the_plain_spelling_comes_first():
    other = {name: np.zeros_like(RGB[..., 0]) for name in ("r", "Green", "blue")}
    np.testing.assert_array_equal(read(exr({**planes(RGB), **other})).codes, RGB)


def test_of_several_layers_the_combined_one_is_taken_and_said():
    layers = planes(1 - RGB, "View.AO.") | planes(RGB, "View.Combined.")
    stored = read(exr(layers))
    np.testing.assert_array_equal(stored.codes, RGB)
    assert stored.warnings == ("has 2 EXR layers: View.Combined is taken",)


def test_of_many_parts_the_first_with_colours():
    depth = OpenEXR.Part(
        {"name": "depth", "type": OpenEXR.scanlineimage}, {"Z": np.ones((12, 17), np.float32)}
    )
    tiled = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    colour = OpenEXR.Part({"name": "beauty", **tiled}, planes(RGB))
    file = io.BytesIO()
    OpenEXR.File([depth, colour]).write(file)
    file.seek(0)
    np.testing.assert_array_equal(read(file).codes, RGB)


def test_the_display_window_is_the_picture_and_outside_is_black_and_transparent():
    """Data from (3, -2) on, 17 x 12, in a display of 10 x 20: cut at the right and at the top."""
    opaque = np.ones(RGB.shape[:2], np.float16)
    data = exr(planes(RGB) | {"A": opaque}, data=(3, -2, 19, 9), display=(0, 0, 9, 19))
    stored = read(data)
    expected = np.zeros((20, 10, 3), np.float32)
    expected[:10, 3:] = RGB[2:, :7]
    np.testing.assert_array_equal(stored.codes, expected)
    np.testing.assert_array_equal(stored.alpha, (expected > 0).any(axis=2))


def test_windows_that_do_not_meet():
    stored = read(exr(planes(RGB), data=(0, 0, 16, 11), display=(100, 100, 120, 120)))
    np.testing.assert_array_equal(stored.codes, RGB)
    assert "display window shows nothing" in stored.warnings[0]


def test_chromaticities_are_where_white_goes_to_white():
    """ACES AP0 with its D60 white; the corners of Rec. 2020 as ITU-R BT.2087 has them."""
    ap0 = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
    rec_2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
    linear = {}
    for chromaticities in (ap0, rec_2020):
        more = (("chromaticities", "chromaticities", struct.pack("<8f", *chromaticities)),)
        linear[chromaticities] = read(exr(planes(RGB), more=more)).linear
        np.testing.assert_allclose(linear[chromaticities] @ np.ones(3), 1, atol=1e-4)
    bt_2087 = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    np.testing.assert_allclose(linear[rec_2020], bt_2087, atol=2e-4)


def test_xyz_is_a_space_like_any_other():
    xyz = (1, 0, 0, 1, 0, 0, 1 / 3, 1 / 3)
    more = (("chromaticities", "chromaticities", struct.pack("<8f", *xyz)),)
    linear = read(exr(planes(RGB), more=more)).linear
    np.testing.assert_allclose(linear @ np.ones(3), 1, atol=1e-4)
    green = linear @ [0.3, 0.6, 0.1]
    assert green[1] > green[0]


@pytest.mark.parametrize("wrong", [(0.0,) * 8, (0.3,) * 8, (float("nan"),) * 8])
def test_chromaticities_that_are_none_are_said(wrong):
    more = (("chromaticities", "chromaticities", struct.pack("<8f", *wrong)),)
    stored = read(exr(planes(RGB), more=more))
    np.testing.assert_allclose(stored.linear, np.eye(3), atol=1e-6)
    assert "chromaticities" in stored.warnings[0]


def test_values_that_are_no_numbers_are_handed_on():
    values = RGB.copy()
    values[0, 0], values[1, 1] = np.nan, np.inf
    np.testing.assert_array_equal(read(exr(planes(values))).codes, values)


def test_resolution():
    more = (("xDensity", "float", struct.pack("<f", 300)),)
    assert read(exr(planes(RGB), more=more)).dpi == (300, 300)


def test_normals_are_neither_luminance_nor_depth():
    normals = {f"Normal.{axis}": RGB[..., 0] for axis in "XYZ"}
    np.testing.assert_array_equal(read(exr(normals | planes(RGB, "View."))).codes, RGB)
    assert depth_channel(io.BytesIO(exr(normals | planes(RGB))), Reading()) is None
    with pytest.raises(PhotoError, match=r"no picture: its channels are Normal\.X, Normal\.Y"):
        read(exr(normals))


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ({"Z": np.ones((2, 2), np.float32)}, "holds depth, no picture; give it with --depth"),
        ({"N.X": np.ones((2, 2), np.float32)}, "holds no picture: its channels are N.X"),
    ],
)
def test_what_is_no_picture_is_said_in_a_line(channels, words):
    with pytest.raises(PhotoError, match=words):
        read(exr(channels))


def test_too_large_a_picture_or_too_many_channels_are_refused_before_they_are_read():
    tiny = Reading(max_pixels=100)
    with pytest.raises(PhotoError, match="17 x 12 pixels"):
        decode(io.BytesIO(exr(planes(RGB))), tiny)
    layers = {f"l{n:02}.R": np.zeros((4, 4), np.float32) for n in range(99)}
    with pytest.raises(PhotoError, match="in all, as much as 396 pixels"):
        decode(io.BytesIO(exr(layers)), tiny)
    with pytest.raises(PhotoError, match="200 x 200 pixels"):
        decode(io.BytesIO(exr(planes(RGB[:8, :8]), display=(0, 0, 199, 199))), tiny)


def test_depth_lies_where_the_picture_does():
    z = RGB[..., 0].astype(np.float32)
    data = exr({**planes(RGB), "Z": z}, data=(3, 2, 19, 13), display=(0, 0, 19, 13))
    depth = depth_channel(io.BytesIO(data), Reading())
    np.testing.assert_array_equal(depth[2:, 3:], z)
    assert np.isinf(depth[:2]).all()
    assert np.isinf(depth[:, :3]).all()
    assert depth_channel(io.BytesIO(exr(planes(RGB))), Reading()) is None
