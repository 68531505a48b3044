"""The refined matte: whole inside, clear outside, its edge on the picture's."""

import cv2
import numpy as np
import pytest

from depthfx.errors import ShapeError
from depthfx.matting.refine import refine_matte, sure_sides, without_doubtful_islands
from depthfx.raster.resample import resize_area, resize_linear

f32 = np.float32


def picture(height, width):
    """A five-petalled subject before a wall, anti-aliased: linear pixels and the true matte."""
    y, x = np.mgrid[0 : 2 * height, 0 : 2 * width].astype(f32) + f32(0.5)
    dy, dx = y - height, x - width
    radius = 0.6 * height * (1 + 0.25 * np.cos(5 * np.arctan2(dy, dx)))
    alpha = resize_area((np.hypot(dy, dx) < radius).astype(f32), (height, width))[..., None]
    noise = np.random.default_rng(2).standard_normal((height, width, 1)).astype(f32)
    light = 1 + f32(0.1) * cv2.GaussianBlur(noise, (0, 0), 1.5)[..., None]
    pixels = (alpha * f32([0.5, 0.25, 0.1]) + (1 - alpha) * f32([0.05, 0.15, 0.3])) * light
    return pixels.astype(f32), alpha[..., 0]


def as_a_network_sees(alpha, longer_side):
    scale = longer_side / max(alpha.shape)
    small = resize_area(alpha, (round(alpha.shape[0] * scale), round(alpha.shape[1] * scale)))
    small = cv2.GaussianBlur(small, (0, 0), 1)
    return cv2.warpAffine(
        small, f32([[1, 0, 0.7], [0, 1, -0.4]]), small.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )


@pytest.mark.parametrize(("size", "longer_side"), [((240, 320), 80), ((900, 1200), 160)])
def test_the_edge_moves_onto_the_pictures(size, longer_side):
    pixels, truth = picture(*size)
    small = as_a_network_sees(truth, longer_side)
    ours, stretched = refine_matte(pixels, small), resize_linear(small, size)
    assert ours.shape == size
    assert ours.dtype == f32
    assert np.abs(ours - truth).sum() < 0.35 * np.abs(stretched - truth).sum()
    iou = ((ours > 0.5) & (truth > 0.5)).sum() / ((ours > 0.5) | (truth > 0.5)).sum()
    assert iou > 0.985


def test_no_veil_over_the_background_and_no_hole_in_the_subject():
    pixels, truth = picture(240, 320)
    # Subject and background share a colour, far from the edge: a filter alone would see through.
    pixels[110:130, 150:170] = [0.05, 0.15, 0.3]
    pixels[5:15, 5:15] = [0.5, 0.25, 0.1]
    out = refine_matte(pixels, as_a_network_sees(truth, 80))
    assert (out >= 0).all()
    assert (out <= 1).all()
    assert (out[110:130, 150:170] == 1).all()
    assert (out[:20, :60] == 0).all()


@pytest.mark.parametrize("value", [0, 1])
def test_all_and_nothing_stay(value):
    pixels = np.random.default_rng(0).random((50, 60, 3), f32)
    out = refine_matte(pixels, np.full((10, 12), value, f32))
    np.testing.assert_array_equal(out, f32(value))


def test_sure_sides_keep_their_distance():
    matte = np.zeros((41, 41), f32)
    matte[:, 20:] = 1
    inner, outer = sure_sides(matte, 5)
    assert np.flatnonzero(inner[20])[0] == 25
    assert np.flatnonzero(outer[20])[-1] == 14


def test_doubtful_islands_and_holes_go_and_the_rest_stays():
    matte = np.zeros((30, 60), f32)
    matte[5:25, 5:25], matte[10:12, 10:12], matte[18:22, 18:22] = 1, 0.5, 0.1
    matte[5:10, 40:50], matte[20:25, 40:50] = 0.4, 0.3
    matte[22, 45] = 0.9
    tidy = matte.copy()
    tidy[10:12, 10:12], tidy[5:10, 40:50] = 1, 0
    np.testing.assert_allclose(without_doubtful_islands(matte), tidy, atol=1e-6)


def test_inputs_are_left_alone():
    pixels, truth = picture(60, 80)
    small = as_a_network_sees(truth, 40)
    pixels.flags.writeable = small.flags.writeable = False
    refine_matte(pixels, small)


def test_wrong_arrays_are_named():
    with pytest.raises(ShapeError, match="matte"):
        refine_matte(np.zeros((8, 8, 3), f32), np.zeros((4, 4)))
    with pytest.raises(ShapeError, match="pixels"):
        refine_matte(np.zeros((8, 8), f32), np.zeros((4, 4), f32))


def test_true_mattes_against_stretching(shared):
    """On a real photo with a measured matte: half the error of stretching."""
    folder = shared / "subjects" / "mattes" / "alphamatting"
    photo, truth = sorted(folder.glob("*.jpg"))[0], sorted(folder.glob("*[0-9].png"))[0]
    signal = cv2.imread(str(photo))[..., ::-1].astype(f32) / 255
    pixels = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    alpha = cv2.imread(str(truth), cv2.IMREAD_GRAYSCALE).astype(f32) / 255
    small = as_a_network_sees(alpha, 160)
    ours = np.abs(refine_matte(pixels.astype(f32), small) - alpha).sum()
    assert ours < 0.6 * np.abs(resize_linear(small, alpha.shape) - alpha).sum()
