"""The subject by a mask file, or by a place in the picture."""

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import depthfx
from depthfx.cli import cli
from depthfx.errors import PhotoError
from depthfx.matting.told import matte_at, matte_of_file

f32 = np.float32
HEIGHT, WIDTH = 120, 160


@pytest.fixture
def picture():
    """Two dark discs before a light wall: the left one at 1 m, the right one at 2 m."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    left, right = ((x - at) ** 2 + (y - 60) ** 2 < 30**2 for at in (45, 115))
    pixels = np.where((left | right)[..., None], f32(0.05), f32(0.6)) * np.ones(3, f32)
    inverse = np.where(left, f32(1), np.where(right, f32(0.5), f32(0.1)))
    return pixels.astype(f32), inverse, left, right


def overlap(matte, truth):
    return ((matte > 0.5) & truth).sum() / ((matte > 0.5) | truth).sum()


def test_a_mask_of_the_photo_s_size_is_taken_as_it_is(tmp_path, picture):
    pixels, *_ = picture
    mask = np.random.default_rng(1).integers(0, 65536, (HEIGHT, WIDTH)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    got = matte_of_file(tmp_path / "mask.png", pixels)
    np.testing.assert_allclose(got, mask / 65535, atol=1e-6)


def test_a_cut_out_s_alpha_is_the_matte_whatever_its_colours(tmp_path, picture):
    pixels, _, left, _ = picture
    cut_out = np.dstack([np.full((HEIGHT, WIDTH, 3), (10, 90, 200)), left * 255]).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "cut.png"), cut_out)
    np.testing.assert_array_equal(matte_of_file(tmp_path / "cut.png", pixels), left)


def test_a_small_mask_is_refined_along_the_picture(tmp_path, picture):
    pixels, _, left, _ = picture
    small = cv2.resize(left.astype(np.uint8) * 255, (20, 15), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "small.png"), small)
    got = matte_of_file(tmp_path / "small.png", pixels)
    stretched = cv2.resize(small / f32(255), (WIDTH, HEIGHT))
    assert np.abs(got - left).mean() < 0.5 * np.abs(stretched - left).mean()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"not a picture"), "cannot be read as a mask"),
        (lambda path: cv2.imwrite(str(path), np.zeros((50, 50), np.uint8)), "another shape"),
        (
            lambda path: cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), (9, 5, 1), np.uint8)),
            "a mask is grey",
        ),
        (lambda path: None, "is not there"),
    ],
)
def test_a_bad_mask_is_one_clear_line(tmp_path, picture, make, words):
    make(tmp_path / "mask.png")
    with pytest.raises(PhotoError, match=words) as caught:
        matte_of_file(tmp_path / "mask.png", picture[0])
    assert "\n" not in str(caught.value)


def test_a_place_in_a_known_subject_takes_that_one_alone(picture):
    pixels, inverse, left, right = picture
    both = (left | right).astype(f32) * f32(0.9)
    np.testing.assert_array_equal(matte_at(pixels, inverse, both, (0.28, 0.5)), left * f32(0.9))
    np.testing.assert_array_equal(matte_at(pixels, inverse, both, (0.72, 0.5)), right * f32(0.9))


def test_a_place_in_no_known_subject_takes_what_lies_at_its_depth(picture):
    pixels, inverse, left, right = picture
    nobody = np.zeros((HEIGHT, WIDTH), f32)
    assert overlap(matte_at(pixels, inverse, nobody, (0.28, 0.5)), left) > 0.95
    assert overlap(matte_at(pixels, inverse, nobody, (0.72, 0.5)), right) > 0.95


def test_the_command_keeps_sharp_what_the_mask_shows(tmp_path, picture):
    pixels, inverse, left, right = picture
    rng = np.random.default_rng(0)
    texture = (pixels * 255 * rng.uniform(0.5, 1, (HEIGHT, WIDTH, 1))).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), texture)
    np.save(tmp_path / "depth.npy", 1 / inverse)
    cv2.imwrite(str(tmp_path / "mask.png"), right.astype(np.uint8) * 255)
    words = [
        *("portrait", str(tmp_path / "photo.png"), "-o", str(tmp_path / "out.png"), "--json"),
        *("--depth", str(tmp_path / "depth.npy"), "--depth-unit", "m", "--aperture-mm", "60"),
        *("--matte", str(tmp_path / "mask.png"), "--focal-px", "150", "--grain", "0"),
    ]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    out = cv2.imread(str(tmp_path / "out.png")).astype(int)
    change = np.abs(out - texture).mean(2)
    core = cv2.erode(right.astype(np.uint8), np.ones((7, 7))) > 0
    assert change[core].max() <= 1
    assert change[left].mean() > 5
    xmp = depthfx.open(tmp_path / "out.png").photo.metadata.xmp
    assert b"embedded" not in xmp  # no network had a say
