"""The closed-form matte: exact where its model holds, and truly the Laplacian's solution."""

import cv2
import numpy as np
import pytest

import depthfx.matting.closed_form as closed_form_module
from depthfx.errors import ShapeError
from depthfx.matting.closed_form import (
    FLAT_VARIANCE,
    affine_in_colour,
    closed_form,
    laplacian,
    matte_from_trimap,
)
from depthfx.photo.colour import srgb_to_linear

f32 = np.float32


def laplacian_twin(guide):
    """The matting Laplacian as a dense matrix (Levin et al. 2008, eq. 12)."""
    height, width = guide.shape[:2]
    number = np.arange(height * width).reshape(height, width)
    out = np.zeros((number.size, number.size))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            colour = guide[y - 1 : y + 2, x - 1 : x + 2].reshape(9, 3).astype(float)
            apart = colour - colour.mean(0)
            spread = apart.T @ apart / 9 + np.eye(3) * FLAT_VARIANCE / 9
            of = number[y - 1 : y + 2, x - 1 : x + 2].ravel()
            out[np.ix_(of, of)] += np.eye(9) - (1 + apart @ np.linalg.solve(spread, apart.T)) / 9
    return out


def test_the_compiled_laplacian_agrees_with_its_twin():
    """Its rows over an irregular band, times a matte, and what known pixels add."""
    rng = np.random.default_rng(0)
    guide, matte = rng.random((7, 9, 3), f32), rng.random((7, 9), f32)
    band = rng.random((7, 9)) < 0.6
    rows, right = laplacian(guide, band, matte)
    padded = np.pad(np.where(band, matte, 0), 2)
    around = np.stack([padded[y : y + 5, x : x + 5] for y, x in np.argwhere(band)])
    twin = laplacian_twin(guide)[band.ravel()]
    np.testing.assert_allclose(
        (rows * around).sum((1, 2)), twin[:, band.ravel()] @ matte[band], atol=2e-5
    )
    np.testing.assert_allclose(right, -twin @ np.where(band, 0, matte).ravel(), atol=2e-5)


def test_values_follow_colours_where_they_are_not_known():
    """Depth of two surfaces, half of it wrong near the edge: colours put it right."""
    guide = np.zeros((20, 40, 3), f32)
    guide[:, 20:] = 0.6
    guide += np.random.default_rng(0).random(guide.shape, f32) * f32(0.02)
    truth = np.where(np.arange(40) < 20, f32(0.2), f32(1)) * np.ones((20, 1), f32)
    wrong, band = np.roll(truth, 3, 1), np.zeros(truth.shape, bool)
    wrong[:, :3], band[:, 12:28] = 0.2, True
    before = wrong.copy()
    out = affine_in_colour(guide, wrong, band, 0.01)(wrong)
    np.testing.assert_array_equal(out[~band], wrong[~band])
    np.testing.assert_array_equal(wrong, before)
    assert np.abs(out - truth).max() < 0.2


def mixed(size=64):
    """Two constant colours mixed by a wavy matte: linear pixels, truth, trimap."""
    y, x = np.mgrid[0:size, 0:size].astype(f32)
    truth = np.clip((x - size / 2 + 4 * np.sin(y / 5)) / 8 + f32(0.5), 0, 1)
    front, back = f32([0.9, 0.5, 0.2]), f32([0.1, 0.3, 0.6])
    signal = truth[..., None] * front + (1 - truth[..., None]) * back
    core = np.ones((5, 5), np.uint8)
    trimap = np.full(truth.shape, 128, np.uint8)
    trimap[cv2.erode((truth == 1).astype(np.uint8), core) > 0] = 255
    trimap[cv2.erode((truth == 0).astype(np.uint8), core) > 0] = 0
    return srgb_to_linear(signal).astype(f32), truth, trimap


def test_two_colours_are_unmixed_exactly():
    """A matte affine in colour costs the Laplacian nothing, so it is the answer."""
    pixels, truth, trimap = mixed()
    matte = matte_from_trimap(pixels, trimap)
    np.testing.assert_allclose(matte, truth, atol=0.01)
    assert matte.dtype == f32


def test_a_photo_above_the_working_size_is_solved_below_it(monkeypatch):
    monkeypatch.setattr(closed_form_module, "WORKING_PIXELS", 64 * 64)
    pixels, truth, trimap = mixed(160)
    matte = matte_from_trimap(pixels, trimap)
    np.testing.assert_allclose(matte, truth, atol=0.06)
    np.testing.assert_array_equal(matte[trimap == 255], 1)
    np.testing.assert_array_equal(matte[trimap == 0], 0)


def test_scribbles_are_enough():
    """An unknown region as large as the picture, two colours, one sure pixel block of each."""
    pixels, truth, trimap = mixed(96)
    scribbles = np.full_like(trimap, 128)
    scribbles[40:50, :8], scribbles[40:50, -8:] = 0, 255
    np.testing.assert_allclose(matte_from_trimap(pixels, scribbles), truth, atol=0.05)


def test_a_prior_decides_where_colours_say_nothing():
    guide = np.full((20, 30, 3), 0.5, f32)
    nowhere = np.zeros((20, 30), bool)
    prior = np.tile(np.linspace(0, 1, 30, dtype=f32) > 0.5, (20, 1)).astype(f32)
    matte = closed_form(guide, nowhere, nowhere, prior, trust=100.0, levels=1)
    np.testing.assert_allclose(matte, prior, atol=0.1)


@pytest.mark.parametrize("code", [0, 255])
def test_what_is_sure_stays(code):
    pixels = np.random.default_rng(0).random((12, 15, 3), f32)
    matte = matte_from_trimap(pixels, np.full((12, 15), code, np.uint8))
    np.testing.assert_array_equal(matte, f32(code / 255))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (1, 30), (30, 1), (20, 30)])
def test_where_nothing_is_known_the_answer_stays_a_matte(shape):
    """The Laplacian alone is singular: any constant solves it."""
    pixels = np.random.default_rng(0).random((*shape, 3), f32)
    matte = matte_from_trimap(pixels, np.full(shape, 128, np.uint8))
    assert ((matte >= 0) & (matte <= 1)).all()  # not so for NaN


def test_inputs_are_left_alone_and_wrong_ones_named():
    pixels, _, trimap = mixed(24)
    pixels.flags.writeable = trimap.flags.writeable = False
    matte_from_trimap(pixels, trimap)
    with pytest.raises(ShapeError, match="trimap"):
        matte_from_trimap(pixels, trimap.astype(f32))
    with pytest.raises(ShapeError, match="trimap"):
        matte_from_trimap(pixels, trimap[:-1])
    with pytest.raises(ShapeError, match="pixels"):
        matte_from_trimap(pixels[..., 0], trimap)
