"""Fewer bits: means are kept, levels stay, and what is added has no low frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.photo.dither import TILE, dithered


def levels_of(bit_depth: int) -> np.ndarray:
    """Every level of that depth as 16-bit codes."""
    top = (1 << bit_depth) - 1
    return np.floor(np.arange(top + 1) * (65535 / top) + 0.5).astype(np.uint16)


def as_levels(codes: np.ndarray, bit_depth: int) -> np.ndarray:
    top = (1 << bit_depth) - 1
    return np.round(codes * (top / np.iinfo(codes.dtype).max)).astype(int)


def test_an_8_bit_picture_widened_comes_back_as_it_was() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (130, 70, 3), np.uint8)
    back = dithered(codes.astype(np.uint16) * 257, 8)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, codes)


@pytest.mark.parametrize("bit_depth", [8, 10, 12])
def test_levels_stay_levels(bit_depth: int) -> None:
    levels = levels_of(bit_depth)
    picture = np.tile(levels, (TILE, 1))
    scale = 257 if bit_depth == 8 else 1
    np.testing.assert_array_equal(dithered(picture, bit_depth).astype(int) * scale, picture)


def test_one_code_beside_a_level_is_that_level() -> None:
    codes = np.tile(np.arange(1, 255, dtype=np.uint16), (TILE, 1))
    for beside in (-1, 0, 1):
        picture = codes.astype(int) * 257 + beside
        np.testing.assert_array_equal(dithered(picture.astype(np.uint16), 8), codes)


@pytest.mark.parametrize("bit_depth", [8, 10, 12])
@given(code=st.integers(0, 65535))
def test_the_mean_is_kept_and_only_neighbours_are_used(bit_depth: int, code: int) -> None:
    """The mean to within one 16-bit code, which is what a level draws to itself."""
    top = (1 << bit_depth) - 1
    level = as_levels(dithered(np.full((TILE, TILE), code, np.uint16), bit_depth), bit_depth)
    exact = code * top / 65535
    assert level.min() >= np.floor(exact - top / 65535)
    assert level.max() <= np.ceil(exact + top / 65535)
    assert np.ptp(level) <= 1
    assert level.mean() == pytest.approx(exact, abs=top / 65535 + 1 / TILE**2)


@pytest.mark.parametrize("between", [30, 100, 128, 200])
def test_the_noise_is_blue(between: int) -> None:
    """Of a flat grey between two levels, low frequencies have a tenth of white noise's power.

    Frequencies below 0.15 cycles per pixel are those that an eye would see as grain.
    """
    noise = dithered(np.full((TILE, TILE), 128 * 257 + between, np.uint16), 8).astype(float)
    power = np.abs(np.fft.fft2(noise - noise.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(TILE), np.fft.fftfreq(TILE)))
    assert power[frequency < 0.15].mean() < 0.1 * power.mean()
    assert power[frequency < 0.08].mean() < 0.05 * power.mean()


def test_it_is_the_same_every_time_and_differs_between_channels() -> None:
    picture = np.full((90, 130, 3), 30_000, np.uint16)
    first, second = dithered(picture, 8), dithered(picture, 8)
    np.testing.assert_array_equal(first, second)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        same = np.corrcoef(first[..., a].ravel(), first[..., b].ravel())[0, 1]
        assert abs(same) < 0.2


def test_16_bits_are_left_alone() -> None:
    picture = np.arange(12, dtype=np.uint16).reshape(3, 4)
    assert dithered(picture, 16) is picture
