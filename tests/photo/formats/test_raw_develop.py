"""Camera raw: light of known colours comes out of the sensor's counts as it went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rawpy
from dng_by_hand import (
    BLACK,
    NEUTRAL,
    PATCH,
    WHITE,
    XYZ_TO_CAMERA,
    balanced,
    counts,
    mosaic,
    patches,
    write_dng,
)

from depthfx.errors import PhotoError
from depthfx.photo.exif import parse
from depthfx.photo.formats.raw import decode
from depthfx.photo.stored import Reading, Stored

COLOURS = np.array(
    [
        [[0.5, 0.5, 0.5], [0.18, 0.18, 0.18], [0.02, 0.02, 0.02], [0.9, 0.9, 0.9]],
        [[0.4, 0.1, 0.1], [0.1, 0.4, 0.1], [0.1, 0.1, 0.4], [0.3, 0.3, 0.05]],
    ]
)
"""Linear sRGB."""


def sensor(colours: np.ndarray) -> np.ndarray:
    return patches(balanced(colours) * NEUTRAL)


def read(path: Path, **reading: object) -> Stored:
    with path.open("rb") as file:
        return decode(file, Reading(file_bytes=path.stat().st_size, **reading))


def developed(stored: Stored) -> np.ndarray:
    return stored.codes / 65535 @ stored.linear.T


def middles(pixels: np.ndarray) -> np.ndarray:
    """(rows, columns, 3) means of the middles of the patches."""
    rows, columns = (side // PATCH for side in pixels.shape[:2])
    edge = PATCH // 3
    squares = pixels.reshape(rows, PATCH, columns, PATCH, 3)
    return squares[:, edge:-edge, :, edge:-edge].mean(axis=(1, 3))


@pytest.fixture
def bayer(tmp_path: Path) -> Path:
    return write_dng(tmp_path / "bayer.dng", counts(mosaic(sensor(COLOURS))))


@pytest.mark.parametrize("highlights", ["clip", "blend", "reconstruct"])
def test_known_colours_and_the_same_white_in_all_modes(bayer, highlights):
    stored = read(bayer, highlights=highlights)
    assert stored.upright
    assert (stored.bit_depth, stored.codes.dtype, stored.warnings) == (16, np.uint16, ())
    np.testing.assert_allclose(middles(developed(stored)), COLOURS, rtol=0.005)


def test_the_camera_white_is_neutral(bayer):
    grey = middles(read(bayer).codes.astype(float))[0]
    assert np.ptp(grey, axis=-1).max() <= 0.001 * 65535


def test_linear_raw_is_taken_as_it_is(tmp_path):
    path = write_dng(tmp_path / "linear.dng", counts(sensor(COLOURS)))
    np.testing.assert_allclose(middles(developed(read(path))), COLOURS, rtol=0.005)


def test_lossless_jpeg_is_unpacked(bayer, tmp_path):
    picture = counts(mosaic(sensor(COLOURS)))
    packed = read(write_dng(tmp_path / "packed.dng", picture, packed=True))
    np.testing.assert_array_equal(packed.codes, read(bayer).codes)


def test_a_sensor_without_colour_filters_is_grey(tmp_path):
    shares = patches(np.array([[[0.5], [0.18]], [[0.02], [0.9]]]))[..., 0]
    path = write_dng(tmp_path / "grey.dng", counts(shares), colourless=True)
    stored = read(path)
    assert stored.grey
    np.testing.assert_allclose(stored.codes / 65535, shares, atol=0.0005)


def test_every_pixel_is_what_libraw_makes_of_it_in_srgb(tmp_path):
    """Where sRGB clips nothing: our matrix is LibRaw's own."""
    soft = 0.3 + 0.2 * np.random.default_rng(1).random((8, 8, 3))
    path = write_dng(tmp_path / "soft.dng", counts(mosaic(sensor(soft))))
    with rawpy.imread(str(path)) as raw:
        expected = raw.postprocess(
            output_bps=16, gamma=(1, 1), no_auto_bright=True, use_camera_wb=True
        )
    np.testing.assert_allclose(developed(read(path)), expected / 65535, atol=3e-5)


@pytest.mark.parametrize("name", ["DC0013L_dc50.KDC", "P003913_dc120.KDC"])
def test_cameras_whose_colours_only_libraw_knows(shared, name):
    """Of the DC120 there is no white either: grey on average, as LibRaw does it."""
    path = shared / "photos" / "good" / "real" / name
    with rawpy.imread(str(path)) as raw:
        expected = raw.postprocess(
            output_bps=16, gamma=(1, 1), no_auto_bright=True, use_camera_wb=True
        )
    pixels = np.clip(developed(read(path)), 0, 1)
    np.testing.assert_allclose(pixels.mean((0, 1)), expected.mean((0, 1)) / 65535, rtol=2e-3)


def test_a_colour_outside_srgb_is_not_clipped(tmp_path):
    vivid = np.array([[[-0.1, 0.5, 0.0], [0.02, -0.02, 0.4]]] * 2)
    path = write_dng(tmp_path / "vivid.dng", counts(mosaic(sensor(vivid))))
    np.testing.assert_allclose(middles(developed(read(path))), vivid, atol=0.002)


def test_light_above_white_is_cut_or_kept_as_asked(tmp_path):
    """At 1.3 times white the green is full; red and blue, less amplified, would go on."""
    bright = np.array([[[0.5] * 3, [1.3] * 3, [0.5] * 3]] * 3)
    path = write_dng(tmp_path / "bright.dng", counts(mosaic(sensor(bright))))
    cut = middles(developed(read(path)))[1, 1]
    np.testing.assert_allclose(cut, 1, atol=0.003)
    for highlights in ("blend", "reconstruct"):
        kept = middles(developed(read(path, highlights=highlights)))
        assert (kept[1, 1] > 1.1).all()
        np.testing.assert_allclose(kept[1, 0], 0.5, rtol=0.01)


def test_brightness_does_not_depend_on_the_brightest_pixel(tmp_path):
    """LibRaw would take the largest count for full, if it is above three quarters."""
    dim, brighter = np.full((2, 2, 3), 0.5), np.full((2, 2, 3), 0.5)
    brighter[1, 1] = 0.85
    for name, colours in (("dim", dim), ("brighter", brighter)):
        path = write_dng(tmp_path / f"{name}.dng", counts(mosaic(sensor(colours))))
        np.testing.assert_allclose(middles(developed(read(path)))[0, 0], 0.5, rtol=0.005)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_once_and_the_exif_says_how_it_was(tmp_path, orientation):
    """Where EXIF names the places of the first row and column, the corners say the same."""
    picture = counts(mosaic(sensor(COLOURS)))
    path = write_dng(tmp_path / "turned.dng", picture, orientation=orientation)
    stored = read(path)
    assert stored.upright
    assert parse(stored.exif).orientation == orientation
    turn = {
        1: COLOURS,
        2: COLOURS[:, ::-1],
        3: COLOURS[::-1, ::-1],
        4: COLOURS[::-1],
        5: COLOURS.transpose(1, 0, 2),
        6: COLOURS[::-1].transpose(1, 0, 2),
        7: COLOURS[::-1, ::-1].transpose(1, 0, 2),
        8: COLOURS[:, ::-1].transpose(1, 0, 2),
    }
    np.testing.assert_allclose(middles(developed(stored)), turn[orientation], rtol=0.01)


def test_without_a_white_balance_daylight_is_taken_and_said(tmp_path):
    picture = counts(mosaic(sensor(COLOURS)))
    stored = read(write_dng(tmp_path / "unbalanced.dng", picture, neutral=None))
    assert stored.warnings == ("the camera says no white balance: daylight is taken",)
    # The counts that ColorMatrix1 gives for D65, the light it is for, are white then.
    d65 = np.array([0.95047, 1, 1.08883])
    seen = XYZ_TO_CAMERA @ d65
    light = patches(np.broadcast_to(0.4 * seen / seen.max(), (2, 2, 3)))
    path = write_dng(tmp_path / "daylight.dng", counts(mosaic(light)), neutral=None)
    grey = middles(developed(read(path)))
    np.testing.assert_allclose(grey, grey.mean(), rtol=0.005)


def test_sizes_are_asked_before_anything_is_unpacked(bayer):
    with pytest.raises(PhotoError, match="192 x 96 pixels by its header, more than the 1000"):
        read(bayer, max_pixels=1000)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_file_cut_off_is_refused(bayer, share):
    data = bayer.read_bytes()
    bayer.write_bytes(data[: int(share * len(data))])
    with pytest.raises(PhotoError, match=r"is cut off|cannot develop"):
        read(bayer)


@pytest.mark.parametrize("level", [0, BLACK, WHITE])
def test_counts_without_any_noise_are_no_picture(tmp_path, level):
    path = write_dng(tmp_path / "empty.dng", np.full((64, 64), level, np.uint16))
    with pytest.raises(PhotoError, match="its raw picture is empty"):
        read(path)


def test_empty_rows_at_the_end_are_said(tmp_path):
    picture = counts(mosaic(sensor(COLOURS)))
    picture[72:] = 0
    stored = read(write_dng(tmp_path / "half.dng", picture))
    assert stored.warnings[0].startswith("the last 25% of its raw picture are empty")


def test_what_libraw_does_not_know_is_one_line(tmp_path, capfd):
    path = tmp_path / "other.raf"
    path.write_bytes(b"FUJIFILMCCD-RAW 0201FF383501" + bytes(2000))
    with pytest.raises(PhotoError, match=r"camera raw that LibRaw .* cannot develop, or damaged"):
        read(path)
    assert capfd.readouterr() == ("", "")
