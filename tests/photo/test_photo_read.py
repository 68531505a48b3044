"""Photo files of every kind come out upright, in linear light, or with one clear line."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import piexif
import pytest
import tifffile
from files import EXIF, SUFFIXES, XMP, marks, stored, write
from PIL import Image
from test_colour import display_p3, grey_gamma

from depthfx.errors import ParameterError, PhotoError
from depthfx.photo.colour import linear_to_srgb, srgb_to_linear
from depthfx.photo.decode import decode
from depthfx.photo.read import read_photo
from depthfx.photo.stored import Reading


def signal(pixels: np.ndarray) -> np.ndarray:
    return linear_to_srgb(pixels) * 255


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_upright_in_every_format(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = write(tmp_path / f"a{suffix}", stored(marks(), orientation), orientation=orientation)
    photo = read_photo(path)
    assert photo.metadata.orientation == orientation
    assert photo.shape == (30, 40)
    np.testing.assert_allclose(signal(photo.pixels), marks(), atol=4 if suffix == ".jpg" else 0.01)


@pytest.mark.parametrize(
    ("exif", "turned"), [(None, True), ({271: b"Maker"}, True), ({274: 3}, False)]
)
def test_the_orientation_of_xmp_counts_where_exif_has_none(
    tmp_path: Path, exif: dict[int, object] | None, turned: bool
) -> None:
    said = {} if exif is None else {"exif": piexif.dump({"0th": exif})}
    path = tmp_path / "a.webp"
    codes = stored(marks(), 6 if turned else 3)
    Image.fromarray(codes).save(path, lossless=True, exact=True, xmp=XMP, **said)
    photo = read_photo(path)
    assert photo.metadata.orientation == (6 if turned else 3)
    np.testing.assert_allclose(signal(photo.pixels), marks(), atol=0.01)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_all_there(tmp_path: Path, suffix: str) -> None:
    codes = marks(np.uint16) + np.arange(40, dtype=np.uint16)[:, None] % 7
    photo = read_photo(write(tmp_path / f"a{suffix}", codes))
    assert photo.metadata.bit_depth == 16
    np.testing.assert_allclose(photo.pixels, srgb_to_linear(codes / 65535), atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 7},
    ],
)
def test_tiff_of_many_layouts(tmp_path: Path, options: dict) -> None:
    codes = marks(np.uint16)
    photo = read_photo(write(tmp_path / "a.tif", codes, **options))
    np.testing.assert_allclose(photo.pixels, srgb_to_linear(codes / 65535), atol=1e-6)


def test_tiff_in_separate_planes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.moveaxis(marks(), -1, 0), planarconfig="separate")
    np.testing.assert_allclose(signal(read_photo(path).pixels), marks(), atol=0.01)


def test_associated_alpha_becomes_straight(tmp_path: Path) -> None:
    halved = np.dstack([marks() // 2, np.full((30, 40), 128, np.uint8)])
    photo = read_photo(write(tmp_path / "a.tif", halved, extrasamples=["assocalpha"]))
    assert photo.alpha is not None
    np.testing.assert_allclose(photo.alpha, 128 / 255)
    np.testing.assert_allclose(signal(photo.pixels), marks(), atol=2.5)


def test_white_is_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", 255 - marks()[..., 0], photometric="miniswhite")
    np.testing.assert_allclose(signal(read_photo(path).pixels)[..., 2], marks()[..., 0], atol=0.01)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_grey_is_grey(tmp_path: Path, suffix: str) -> None:
    photo = read_photo(write(tmp_path / f"a{suffix}", marks()[..., 0]))
    assert photo.metadata.grey
    np.testing.assert_array_equal(np.ptp(photo.pixels, axis=2), 0)
    np.testing.assert_allclose(signal(photo.pixels)[..., 0], marks()[..., 0], atol=1.01)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA"])
def test_png_of_many_modes(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(marks()).convert(mode)
    picture.save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert (photo.alpha is not None) == mode.endswith("A")
    np.testing.assert_allclose(signal(photo.pixels), np.asarray(picture.convert("RGB")), atol=0.01)


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", marks()).rename(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png").metadata.format == "JPEG"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_profile_is_honoured_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    red = np.full((16, 16, 3), (255, 0, 0), np.uint8)
    photo = read_photo(write(tmp_path / f"a{suffix}", red, icc=display_p3()))
    assert photo.metadata.icc == display_p3()
    np.testing.assert_allclose(photo.pixels[8, 8], [1.225, -0.042, -0.0196], atol=0.02)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_metadata_is_read(tmp_path: Path, suffix: str) -> None:
    photo = read_photo(write(tmp_path / f"a{suffix}", marks(), exif=EXIF, xmp=XMP))
    assert photo.metadata.exif == EXIF[6:]
    assert photo.metadata.xmp == XMP
    assert photo.camera.f35_mm == pytest.approx(26)


def test_users_focal_length_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jpg", marks(), exif=EXIF)
    assert read_photo(path, focal_px=123).camera.focal_px == 123
    with pytest.raises(ParameterError, match="focal_px"):
        read_photo(path, focal_px=-1)


@pytest.mark.parametrize(
    ("icc", "words"),
    [
        (b"noise" * 100, "not an ICC profile"),
        (grey_gamma(), "is for GRAY"),
        (display_p3()[:300], "cannot be used"),
    ],
)
def test_unusable_profile_is_a_warning_and_srgb(tmp_path: Path, icc: bytes, words: str) -> None:
    photo = read_photo(write(tmp_path / "a.jpg", marks(), icc=icc))
    assert words in photo.warnings[0]
    assert photo.metadata.icc == b""
    np.testing.assert_allclose(signal(photo.pixels), marks(), atol=4)


def test_damaged_exif_is_a_warning(tmp_path: Path) -> None:
    photo = read_photo(write(tmp_path / "a.jpg", marks(), exif=b"Exif\0\0" + bytes(range(90))))
    assert "EXIF is damaged" in photo.warnings[0]
    np.testing.assert_allclose(signal(photo.pixels), marks(), atol=4)


def test_what_is_no_photo_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "page.jpg").write_bytes(b"<html>not found</html>")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, words in (
        ("empty.jpg", "is empty"),
        ("page.jpg", "is a web page, not a photo"),
        ("folder.jpg", "is a folder"),
        ("pipe.jpg", "is not a file"),
        ("none.jpg", "no such file"),
    ):
        with pytest.raises(PhotoError) as caught:
            read_photo(tmp_path / name)
        assert words in str(caught.value)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.03, 0.5, 0.95])
def test_a_file_cut_off_is_an_error(tmp_path: Path, suffix: str, share: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (30, 40, 3), np.uint8)
    path = write(tmp_path / f"a{suffix}", noise)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(PhotoError, match=f"a{suffix}: "):
        read_photo(path)


@pytest.mark.parametrize("share", [0.6, 0.9, 0.999])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_thumbnails_end_is_not_taken_for_the_jpegs_own(
    tmp_path: Path, share: float, progressive: bool
) -> None:
    thumbnail = BytesIO()
    Image.fromarray(marks()).save(thumbnail, "JPEG")
    exif = piexif.dump({"0th": {}, "1st": {}, "thumbnail": thumbnail.getvalue()})
    noise = np.random.default_rng(2).integers(0, 256, (60, 80, 3), np.uint8)
    path = tmp_path / "a.jpg"
    Image.fromarray(noise).save(path, exif=exif, progressive=progressive, quality=95)
    read_photo(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PhotoError, match=r"a\.jpg: is damaged or cut off"):
        read_photo(path)


def test_a_jpeg_is_read_as_pillow_reads_it(tmp_path: Path) -> None:
    photo = cv2.GaussianBlur(
        np.random.default_rng(3).integers(0, 256, (61, 83, 3), np.uint8), (0, 0), 2
    )
    for options in ({"subsampling": 2}, {"subsampling": 1}, {"progressive": True}):
        path = tmp_path / "a.jpg"
        Image.fromarray(photo).save(path, quality=85, **options)
        with path.open("rb") as file:
            codes = decode(file, path).codes
        np.testing.assert_array_equal(codes, np.asarray(Image.open(path)))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_too_many_pixels_are_refused(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a{suffix}", marks())
    with pytest.raises(PhotoError, match="40 x 30 pixels by its header, more than the 1199"):
        read_photo(path, reading=Reading(max_pixels=1199))
    assert read_photo(path, reading=Reading(max_pixels=1200)).shape == (30, 40)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (63, 65)])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_size(tmp_path: Path, suffix: str, shape: tuple[int, int]) -> None:
    codes = np.full((*shape, 3), 120, np.uint8)
    photo = read_photo(write(tmp_path / f"a{suffix}", codes, orientation=6))
    assert photo.shape == shape[::-1]
    np.testing.assert_allclose(signal(photo.pixels), 120, atol=1)


def test_adobe_rgb_by_exif_alone(tmp_path: Path) -> None:
    exif = piexif.dump({"Exif": {40961: 65535}, "Interop": {1: b"R03"}})
    by_exif = read_photo(write(tmp_path / "a.jpg", marks(), exif=exif))
    by_icc = read_photo(write(tmp_path / "b.jpg", marks(), icc=imagecodecs.cms_profile("adobergb")))
    np.testing.assert_array_equal(by_exif.pixels, by_icc.pixels)


def test_a_raw_files_small_copy_is_not_taken_for_the_photo(tmp_path):
    """DNG, NEF and KDC show a thumbnail first and keep the picture in a SubIFD."""
    with tifffile.TiffWriter(tmp_path / "raw.kdc") as writer:
        small, full = np.zeros((6, 8, 3), np.uint8), np.zeros((60, 80, 3), np.uint8)
        writer.write(small, photometric="rgb", subfiletype=1, subifds=1)
        writer.write(full, photometric="rgb")
    with pytest.raises(PhotoError, match="only a small copy"):
        read_photo(tmp_path / "raw.kdc")
