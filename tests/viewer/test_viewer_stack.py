"""Sheets shrunk and rimmed are still the photo, each texel one surface."""

from __future__ import annotations

import io

import numpy as np
import pytest
from disc_before_wall import FAR, HEIGHT, MARGIN_PX, NEAR, WIDTH, disc_before_wall, stage
from PIL import Image

from depthfx.camera import Camera
from depthfx.geometry.sheets import Sheet, Sheets
from depthfx.geometry.stage import Stage
from depthfx.raster.resample import resize_area
from depthfx.viewer.stack import _shrink, over, stack
from depthfx.viewer.textures import BLOCK, CONTINUED_PX, Textures

JUMP = 0.1
FULL = (HEIGHT + 2 * MARGIN_PX, WIDTH + 2 * MARGIN_PX)


def photo() -> np.ndarray:
    return over(list(disc_before_wall().sheets))


@pytest.mark.parametrize("shape", [FULL, (136, 176), (101, 131), (40, 52)])
def test_laid_over_each_other_they_are_the_photo(shape: tuple[int, int]) -> None:
    drawn = over(stack(disc_before_wall(), shape, JUMP))
    np.testing.assert_allclose(drawn, resize_area(photo(), shape), atol=0.02)
    assert np.abs(drawn - resize_area(photo(), shape)).mean() < 1e-4


@pytest.mark.parametrize("shape", [FULL, (136, 176), (101, 131)])
def test_no_texel_lies_between_the_surfaces(shape: tuple[int, int]) -> None:
    for sheet in stack(disc_before_wall(), shape, JUMP):
        depth = sheet.inverse[sheet.alpha > 0]
        assert (np.minimum(np.abs(depth - NEAR), np.abs(depth - FAR)) < 1e-4).all()


@pytest.mark.parametrize("shape", [FULL, (136, 176)])
def test_a_near_surface_fades_before_it_ends(shape: tuple[int, int]) -> None:
    """Where the front sheet jumps, the near side has no share, and the far side is behind too."""
    front, behind, *_ = stack(disc_before_wall(), shape, JUMP)
    near, far = front.inverse[:, :-1], front.inverse[:, 1:]
    y, x = np.nonzero(near > far + JUMP)
    assert len(y) > 40
    assert (front.alpha[y, x] == 0).all()
    assert (behind.alpha[y, x + 1] > 0.99).all()
    np.testing.assert_allclose(behind.inverse[y, x + 1], FAR, atol=1e-4)


def test_what_a_texel_covers_is_summed_by_surface() -> None:
    """The compiled sums against numpy's, where three by two pixels make a texel."""
    rng = np.random.default_rng(1)
    pixels, alpha = rng.random((12, 8, 3), np.float32), rng.random((12, 8), np.float32)
    inverse = rng.random((12, 8), np.float32)
    sums = np.zeros((2, 4, 4, 5), np.float32)
    _shrink(pixels, alpha, inverse, np.float32(JUMP), sums)
    nearest = inverse.reshape(4, 3, 4, 2).max(axis=(1, 3)).repeat(3, axis=0).repeat(2, axis=1)
    near = inverse > nearest - np.float32(JUMP)
    values = np.dstack([np.ones_like(alpha), inverse, pixels]) * alpha[..., None]
    for member, found in zip((near, ~near), sums, strict=True):
        blocks = (values * member[..., None]).reshape(4, 3, 4, 2, 5)
        np.testing.assert_allclose(found, blocks.mean(axis=(1, 3)), rtol=1e-5, atol=1e-6)


def test_one_surface_stays_one_sheet() -> None:
    y, x = np.mgrid[:60, :80].astype(np.float32)
    floor = Sheet(np.full((60, 80, 3), 0.5, np.float32), np.ones_like(x), 0.2 + y / 200 + x / 900)
    (only,) = stack(Sheets((floor,), Camera(80, 60, 80.0)), (30, 40), JUMP)
    assert (only.alpha == 1).all()
    np.testing.assert_allclose(only.inverse, resize_area(floor.inverse, (30, 40)), atol=1e-5)


def test_depths_come_back_within_half_a_code() -> None:
    textures = Textures.of(disc_before_wall(), stage(), 1600, 90)
    stored = np.asarray(Image.open(io.BytesIO(textures.depths[0])).convert("RGB")).astype(int)
    found = (256 * stored[..., 0] + stored[..., 1]) / (textures.codes - 1)
    there = stored[..., 2] > 0
    expected = (disc_before_wall().sheets[0].inverse - FAR) / (NEAR - FAR)
    np.testing.assert_allclose(found[there], expected[there], atol=0.5 / (textures.codes - 1))
    assert textures.codes > 3 * textures.step_px


def test_a_ray_meets_nothing_out_of_its_bounds() -> None:
    textures = Textures.of(disc_before_wall(), stage(), 1600, 90)
    stored = np.asarray(Image.open(io.BytesIO(textures.depths[0])).convert("RGB"))
    bounds = np.asarray(Image.open(io.BytesIO(textures.bounds)).convert("RGB"))
    depth = (256.0 * stored[..., 0] + stored[..., 1]) / (textures.codes - 1)
    reach = int(textures.step_px * max(textures.pivot, 1 - textures.pivot))
    rng = np.random.default_rng(3)
    for y, x in zip(rng.integers(0, FULL[0], 60), rng.integers(0, FULL[1], 60), strict=True):
        around = depth[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        least, greatest, _ = bounds[y // BLOCK, x // BLOCK] / 255
        assert least <= around.min() + 1e-9
        assert greatest >= around.max() - 1e-9


def test_without_margins_less_than_the_frame_is_seen() -> None:
    wide = disc_before_wall()
    m = slice(MARGIN_PX, -MARGIN_PX)
    bare = Sheets(
        tuple(Sheet(s.pixels[m, m], s.alpha[m, m], s.inverse[m, m]) for s in wide.sheets),
        wide.camera,
    )
    assert Textures.of(wide, stage(), 1600, 80).window == (MARGIN_PX, MARGIN_PX, WIDTH, HEIGHT)
    x, y, width, height = Textures.of(bare, stage(), 1600, 80).window
    shift = stage().reach_px / 2  # the wall's, as the pivot is in the middle
    assert min(x, y) == pytest.approx(shift - CONTINUED_PX, abs=0.1)
    assert width / height == pytest.approx(WIDTH / HEIGHT)


def test_a_scene_without_relief_is_a_page_too() -> None:
    flat = Sheet(*(np.full(s, 0.5, np.float32) for s in ((60, 80, 3), (60, 80), (60, 80))))
    whole = Sheet(flat.pixels, np.ones_like(flat.alpha), flat.inverse)
    camera = Camera(80, 60, 80.0)
    textures = Textures.of(
        Sheets((whole,), camera), Stage.of(whole.inverse, camera, 0.03), 1600, 80
    )
    assert len(textures.colours) == 1
    assert np.isfinite([*textures.window, textures.pivot, textures.step_px]).all()
