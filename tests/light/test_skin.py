"""Skin is found by its colour, in every tone, and only on the subject."""

from __future__ import annotations

import numpy as np
import pytest

from depthfx.light.skin import skin_share

f32 = np.float32
TONES = [(0.75, 0.52, 0.42), (0.6, 0.38, 0.27), (0.3, 0.17, 0.1), (0.09, 0.05, 0.035)]
OTHERS = [(0.5, 0.5, 0.5), (0.1, 0.4, 0.1), (0.1, 0.2, 0.6), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)]


def share_of(colour: tuple[float, float, float], cover: float = 1.0) -> float:
    pixels = np.tile(np.array(colour, f32), (24, 32, 1))
    found = skin_share(pixels, np.full((24, 32), cover, f32))
    assert found.shape == (24, 32)
    assert found.dtype == f32
    return float(found[12, 16])


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("exposure", [0.5, 1.0])
def test_skin_of_every_tone_is_skin(tone: tuple[float, float, float], exposure: float) -> None:
    r, g, b = (v * exposure for v in tone)
    assert share_of((r, g, b)) > 0.7
    assert share_of((r, g, b), cover=0.0) == 0


@pytest.mark.parametrize("colour", OTHERS)
def test_other_colours_are_not(colour: tuple[float, float, float]) -> None:
    assert share_of(colour) < 0.05


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 2)])
def test_small_pictures(shape: tuple[int, int]) -> None:
    found = skin_share(np.full((*shape, 3), 1e5, f32), np.ones(shape, f32))
    assert found.shape == shape
    assert ((found >= 0) & (found <= 1)).all()
