"""What is written comes back: the picture, the profile, the depth of bits, the metadata."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import piexif
import pytest
import tifffile
from files import EXIF, SUFFIXES, XMP, marks, stored, write
from PIL import Image
from test_colour import display_p3, grey_gamma, pro_photo

import depthfx
from depthfx.camera import Camera
from depthfx.errors import ParameterError, PhotoError
from depthfx.photo.describe import describe
from depthfx.photo.encode import stored_form
from depthfx.photo.exif import parse
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo
from depthfx.photo.write import write_photo

CHANGED = {274, 305, 40962, 40963}  # orientation, Software, sizes
ELSEWHERE = {34665, 34853, 40965, 282, 283, 296}  # pointers; resolution, tested by itself


def tags_of(exif: bytes) -> dict[str, dict]:
    found = piexif.load(b"Exif\0\0" + exif)
    return {
        name: {tag: value for tag, value in found[name].items() if tag not in CHANGED | ELSEWHERE}
        for name in ("0th", "Exif", "GPS", "Interop")
    }


@pytest.mark.parametrize("icc", [b"", display_p3(), imagecodecs.cms_profile("srgb"), pro_photo()])
def test_sixteen_bit_tiff_comes_back_within_one_code(tmp_path: Path, icc: bytes) -> None:
    codes = marks(np.uint16, 60, 80) + np.random.default_rng(0).integers(
        0, 900, (60, 80, 3), np.uint16
    )
    photo = read_photo(write(tmp_path / "in.tif", codes, icc=icc, compression="lzw"))
    write_photo(photo, tmp_path / "out.tif")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        page = file.pages.first
        found = page.asarray()
        assert (page.iccprofile or b"") == icc
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - codes).max() <= 1


def test_display_p3_jpeg_hands_the_encoder_the_codes_it_was_read_from(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 48, 3), np.uint8)
    path = write(tmp_path / "in.jpg", noise, icc=display_p3(), exif=EXIF)
    with Image.open(path) as image:
        decoded = np.asarray(image)
    photo = read_photo(path)
    np.testing.assert_array_equal(stored_form(photo, 8).with_alpha_last(), decoded)
    write_photo(photo, tmp_path / "out.jpg")
    back = read_photo(tmp_path / "out.jpg").metadata
    assert back.icc == display_p3()
    assert tags_of(back.exif) == tags_of(EXIF[6:])


@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("source", [".jpg", ".webp"])
def test_metadata_goes_from_any_format_to_any(tmp_path: Path, source: str, target: str) -> None:
    path = write(tmp_path / f"in{source}", marks(), exif=EXIF, xmp=XMP, icc=display_p3())
    photo = read_photo(path)
    photo = replace(photo, metadata=replace(photo.metadata, dpi=(300.0, 300.0)))
    assert write_photo(photo, tmp_path / f"out{target}") == ()
    back = read_photo(tmp_path / f"out{target}")
    assert back.metadata.icc == display_p3()
    assert back.metadata.xmp == XMP.replace(b'Orientation="6"', b'Orientation="1"')
    assert tags_of(back.metadata.exif) == tags_of(EXIF[6:])
    assert not back.warnings
    exif = parse(back.metadata.exif)
    assert exif.main[305].data == f"depthfx {depthfx.__version__}\0".encode()
    assert [exif.number(exif.photo, tag) for tag in (40962, 40963)] == [40, 30]
    if target != ".webp":
        assert back.metadata.dpi == pytest.approx((300, 300), rel=1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_see_it_upright(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"in{suffix}", stored(marks(), 5), orientation=5)
    write_photo(read_photo(path), tmp_path / f"out{suffix}", quality=100)
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.getexif()[274] == 1
        assert np.abs(np.asarray(image).astype(int) - marks()).max() <= 5
    codes = cv2.imread(str(tmp_path / f"out{suffix}"))[..., ::-1]
    assert np.abs(codes.astype(int) - marks()).max() <= 5


@pytest.mark.parametrize("shape", ["grey", "grey alpha", "colour", "colour alpha"])
@pytest.mark.parametrize("bit_depth", [8, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_channels_and_bits_come_back(
    tmp_path: Path, suffix: str, bit_depth: int, shape: str
) -> None:
    rng = np.random.default_rng(4)
    top = (1 << bit_depth) - 1
    pixels = rng.random((20, 30, 3), dtype=np.float32)
    if "grey" in shape:
        pixels[:] = pixels[..., :1]
    alpha = rng.random((20, 30), dtype=np.float32) if "alpha" in shape else None
    photo = Photo(
        pixels, Camera.guess(30, 20), alpha, Metadata(bit_depth=bit_depth, grey="grey" in shape)
    )
    write_photo(photo, tmp_path / f"a{suffix}")
    back = read_photo(tmp_path / f"a{suffix}")
    assert (back.metadata.bit_depth, back.metadata.grey) == (bit_depth, "grey" in shape)
    np.testing.assert_array_equal(
        stored_form(back, bit_depth).with_alpha_last(),
        stored_form(photo, bit_depth).with_alpha_last(),
    )
    assert (back.alpha is None) == (alpha is None)
    if alpha is not None and back.alpha is not None:
        assert np.abs(back.alpha - alpha).max() <= 0.501 / top


def test_sixteen_bits_become_eight_where_there_are_no_more(tmp_path: Path) -> None:
    photo = read_photo(write(tmp_path / "in.tif", marks(np.uint16)))
    for suffix in (".jpg", ".webp"):
        write_photo(photo, tmp_path / f"out{suffix}")
        assert read_photo(tmp_path / f"out{suffix}").metadata.bit_depth == 8
    with pytest.raises(ParameterError, match="bit_depth=16 is not to be had in JPEG"):
        write_photo(photo, tmp_path / "more.jpg", bit_depth=16)


def test_grey_keeps_its_profile_until_it_has_colour(tmp_path: Path) -> None:
    photo = read_photo(write(tmp_path / "in.png", marks()[..., 0], icc=grey_gamma()))
    write_photo(photo, tmp_path / "grey.png")
    assert read_photo(tmp_path / "grey.png").metadata.icc == grey_gamma()
    np.testing.assert_array_equal(imagecodecs.imread(tmp_path / "grey.png"), marks()[..., 0])
    tinted = photo.with_pixels(photo.pixels * np.array([1, 0.8, 0.6], np.float32))
    write_photo(tinted, tmp_path / "tinted.png")
    back = read_photo(tmp_path / "tinted.png")
    assert back.metadata.icc == b""
    np.testing.assert_allclose(back.pixels, tinted.pixels, atol=6e-3)


def test_alpha_goes_over_white_in_linear_light_where_it_has_no_place(tmp_path: Path) -> None:
    photo = Photo(
        np.zeros((16, 16, 3), np.float32), Camera.guess(16, 16), np.full((16, 16), 0.5, np.float32)
    )
    write_photo(photo, tmp_path / "a.jpg")
    np.testing.assert_allclose(read_photo(tmp_path / "a.jpg").pixels, 0.5, atol=0.005)


def test_lossless_webp_is_lossless(tmp_path: Path) -> None:
    codes = np.random.default_rng(5).integers(0, 256, (33, 20, 4), np.uint8)
    photo = read_photo(write(tmp_path / "in.webp", codes, exact=True))
    write_photo(photo, tmp_path / "out.webp", quality=100)
    np.testing.assert_array_equal(
        stored_form(read_photo(tmp_path / "out.webp"), 8).with_alpha_last(), codes
    )


def test_jpeg_has_full_chroma_and_the_quality_asked_for(tmp_path: Path) -> None:
    photo = read_photo(write(tmp_path / "in.png", marks(height=64, width=64)))
    write_photo(photo, tmp_path / "a.jpg")
    write_photo(photo, tmp_path / "b.jpg", quality=40)
    with Image.open(tmp_path / "a.jpg") as image, Image.open(tmp_path / "b.jpg") as small:
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}
        assert image.quantization[0][0] < small.quantization[0][0]


def test_exif_too_long_for_a_jpeg_loses_its_maker_note_only(tmp_path: Path) -> None:
    exif = piexif.dump(
        {"0th": {271: b"Maker", 270: b"x" * 500}, "Exif": {37500: bytes(65000), 41989: 26}}
    )[6:]
    photo = Photo(
        np.zeros((30, 40, 3), np.float32), Camera.guess(40, 30), metadata=Metadata(exif=exif)
    )
    assert write_photo(photo, tmp_path / "out.png") == ()
    assert tags_of(read_photo(tmp_path / "out.png").metadata.exif) == tags_of(exif)
    assert "MakerNote" in write_photo(photo, tmp_path / "out.jpg")[0]
    kept = tags_of(read_photo(tmp_path / "out.jpg").metadata.exif)
    assert kept["0th"][271] == b"Maker"
    assert kept["Exif"] == {41989: 26}


def test_the_photo_itself_is_never_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jpg", marks())
    before = path.read_bytes()
    with pytest.raises(PhotoError, match=r"in\.jpg: is the photo itself.*--overwrite"):
        write_photo(read_photo(path), path, overwrite=True)
    assert path.read_bytes() == before


def test_existing_files_and_unknown_formats_are_refused(tmp_path: Path) -> None:
    photo = read_photo(write(tmp_path / "in.jpg", marks()))
    write_photo(photo, tmp_path / "out.JPG")
    for name, words in (
        ("out.JPG", "--overwrite replaces it"),
        ("out.xyz", r"\.xyz says no format"),
        ("out", "a name without extension"),
        ("no/out.jpg", "does not exist"),
    ):
        with pytest.raises(PhotoError, match=words):
            write_photo(photo, tmp_path / name)
    with pytest.raises(ParameterError, match="quality=101"):
        write_photo(photo, tmp_path / "b.jpg", quality=101)
    assert {path.name for path in tmp_path.iterdir()} == {"in.jpg", "out.JPG"}


def test_a_size_that_the_format_cannot_hold_is_an_error_without_a_file(tmp_path: Path) -> None:
    photo = Photo(np.zeros((1, 16400, 3), np.float32), Camera.guess(16400, 1))
    with pytest.raises(PhotoError, match=r"wide\.webp: 16400 x 1 pixels are more than"):
        write_photo(photo, tmp_path / "wide.webp")
    assert not list(tmp_path.iterdir())


def test_description_is_json_and_true(tmp_path: Path) -> None:
    path = write(
        tmp_path / "in.jpg", stored(marks(), 6), icc=imagecodecs.cms_profile("srgb"), orientation=6
    )
    found = json.loads(json.dumps(describe(read_photo(path, f35_mm=50))))
    assert found["file"] == str(path)
    assert (found["width"], found["height"], found["orientation"]) == (40, 30, 6)
    assert (found["format"], found["bit_depth"], found["alpha"]) == ("JPEG", 8, False)
    assert "sRGB" in found["profile"]
    assert (found["focal_origin"], found["f35_mm"]) == ("user", 50)
    assert (
        describe(Photo(np.zeros((2, 2, 3), np.float32), Camera.guess(2, 2)))["profile"]
        == "sRGB (assumed)"
    )


def test_a_grey_profile_does_not_go_with_three_channels(tmp_path: Path) -> None:
    codes = marks()[..., 1]
    photo = read_photo(write(tmp_path / "in.png", codes, icc=grey_gamma()))
    write_photo(photo, tmp_path / "out.webp", quality=100)
    back = read_photo(tmp_path / "out.webp")
    assert not back.warnings
    difference = (
        stored_form(back, 8).codes.astype(int)
        - stored_form(replace(photo, metadata=Metadata()), 8).codes
    )
    assert np.abs(difference).max() <= 1


def test_adobe_rgb_that_exif_names_becomes_a_profile(tmp_path: Path) -> None:
    exif = piexif.dump({"Exif": {40961: 0xFFFF}, "Interop": {1: b"R03"}})
    photo = read_photo(write(tmp_path / "in.jpg", marks(), exif=exif))
    write_photo(photo, tmp_path / "out.png")
    back = read_photo(tmp_path / "out.png")
    assert describe(photo)["profile"] == "Adobe RGB (by EXIF)"
    assert "Adobe RGB" in str(describe(back)["profile"])
    np.testing.assert_allclose(back.pixels, photo.pixels, atol=2e-4)
