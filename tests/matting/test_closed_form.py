"""The closed-form matte: exact where its model holds, and truly the Laplacian's solution."""

import cv2
import numpy as np
import pytest

from depthfx.errors import ShapeError
from depthfx.matting.closed_form import (
    FLAT_VARIANCE,
    closed_form,
    diagonal,
    laplacian,
    matte_from_trimap,
    windows,
)

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
    rng = np.random.default_rng(0)
    guide, matte = rng.random((7, 9, 3), f32), rng.random((7, 9), f32)
    band = np.ones((7, 9), bool)
    known, twin = windows(guide, band), laplacian_twin(guide)
    np.testing.assert_allclose(
        laplacian(matte, band, known, guide).ravel(), twin @ matte.ravel(), atol=2e-4
    )
    np.testing.assert_allclose(diagonal(guide, band, known).ravel(), np.diag(twin), atol=2e-4)


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
    return (signal**2).astype(f32), truth, trimap


def test_two_colours_are_unmixed_exactly():
    """A matte affine in colour costs the Laplacian nothing, so it is the answer."""
    pixels, truth, trimap = mixed()
    matte = matte_from_trimap(pixels, trimap)
    np.testing.assert_allclose(matte, truth, atol=0.02)
    assert matte.dtype == f32


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
