"""Separation: the subject untouched to its hair, the background changed by distance."""

import numpy as np
import pytest

from depthfx.depth import Depth
from depthfx.light.grade import Look
from depthfx.light.separation import Backdrop, separated, spotlight

f32 = np.float32


def hair(height=120, width=160):
    """A dark subject at 1 m with a soft outline before a bright wall at 3 m."""
    x = np.arange(width)
    cover = np.clip((100 - x) / 4, 0, 1).astype(f32) * np.ones((height, 1), f32)
    cover[:20] = 0
    light = cover * f32(0.1) + (1 - cover) * f32(0.8)
    pixels = np.repeat(light[..., None], 3, -1)
    inverse = np.where(cover > 0, f32(1), f32(1 / 3))
    behind = np.where(cover == 1, f32(1), f32(1 / 3))
    return pixels, cover, Depth(inverse, True, "made up", behind, cover)


def test_the_subject_is_not_touched():
    pixels, cover, depth = hair()
    out = separated(pixels, depth, cover, 1.0, Backdrop(Look(exposure=-2), glow=1.0))
    np.testing.assert_array_equal(out[cover == 1], pixels[cover == 1])


def test_hair_keeps_its_own_light_and_the_wall_behind_it_loses_two_stops():
    pixels, cover, depth = hair()
    out = separated(pixels, depth, cover, 1.0, Backdrop(Look(exposure=-2)))
    wanted = cover * 0.1 + (1 - cover) * 0.2
    np.testing.assert_allclose(out[30:, :, 0], wanted[30:], atol=0.02)


def test_nearer_things_stay():
    pixels, cover, depth = hair()
    inverse = depth.inverse.copy()
    inverse[100:, 130:] = 2.0
    depth = Depth(inverse, True, "made up")
    out = separated(pixels, depth, cover, 1.0, Backdrop(Look(exposure=-2)))
    np.testing.assert_allclose(out[104:, 134:], pixels[104:, 134:], rtol=1e-5)
    assert out[40, 140, 0] == pytest.approx(0.2, rel=1e-3)


def test_the_light_is_behind_the_upper_part_and_moves_to_a_side():
    _, cover, _ = hair()
    middle, right = spotlight(cover, 0.0), spotlight(cover, 1.0)
    assert middle.max() == pytest.approx(1, abs=0.01)
    row, column = np.unravel_index(middle.argmax(), middle.shape)
    assert row < 70
    assert np.unravel_index(right.argmax(), right.shape)[1] > column + 20
    assert not spotlight(np.zeros((9, 9), f32), 0.0).any()


def test_glow_is_in_stops():
    pixels, cover, depth = hair()
    out = separated(pixels, depth, cover, 1.0, Backdrop(Look(), glow=1.0))
    far = cover == 0
    np.testing.assert_allclose(
        np.log2(out[..., 0] / pixels[..., 0])[far], spotlight(cover, 0.0)[far], atol=0.02
    )


def test_without_a_subject_depth_alone_tells():
    pixels, cover, _ = hair()
    alone = Depth(np.where(cover > 0.5, f32(1), f32(1 / 3)), True, "made up")
    out = separated(pixels, alone, np.zeros_like(cover), 1.0, Backdrop(Look(exposure=-2)))
    np.testing.assert_allclose(out[40:, 120:], pixels[40:, 120:] / 4, rtol=1e-4)
    np.testing.assert_allclose(out[40:, :60], pixels[40:, :60], rtol=1e-4)
