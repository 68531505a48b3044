"""Pixels taken apart are whole again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.layers.split import MOST_OFF, split

ANY = np.float32(1e6)


def unbounded(guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.full_like(guess, -ANY), np.full_like(guess, ANY)


def together(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    total = np.zeros((len(colours), 3))
    for k in range(alpha.shape[1]):
        share = alpha[:, k : k + 1] / 255 if k else 1.0
        total = share * colours[:, k] + (1 - share) * total
    return total


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 5), st.sampled_from([1.0, np.inf]), st.booleans())
def test_laid_over_each_other_they_are_the_pixel(
    seed: int, layers: int, top: float, doubted: bool
) -> None:
    rng = np.random.default_rng(seed)
    n = 200
    brightest = 1.0 if top == 1.0 else 6.0
    colour = (brightest * rng.random((n, 3))).astype(np.float32)
    colour[:20] = rng.integers(0, 2, (20, 3))
    alpha = rng.integers(0, 256, (n, layers)).astype(np.uint8)
    alpha[:, 0] = 255
    guess = (brightest * rng.random((n, layers, 3))).astype(np.float32)
    spread = (0.1 * rng.random((n, layers)) ** 4).astype(np.float32)
    doubt = np.full(alpha.shape, doubted)
    ends = (brightest * rng.random((2, n, layers, 3))).astype(np.float32)
    bounds = np.minimum(*ends), np.maximum(*ends)
    colours, corrected = split(colour, alpha, doubt, guess, spread, bounds, top)
    np.testing.assert_allclose(together(colours, corrected), colour, atol=2e-5 * brightest)
    assert colours.min() >= 0
    assert colours.max() <= max(top if top == 1.0 else brightest * 300, 0)
    if not doubted:
        assert (corrected[:, -1] >= alpha[:, -1]).all()


def one(
    shown: float,
    alpha: int,
    front: float,
    behind: float,
    spread: tuple[float, float],
    bounds: tuple[float, float] | None = None,
) -> tuple:
    guess = np.repeat(np.array([[behind, front]], np.float32)[..., None], 3, axis=2)
    ends = unbounded(guess)
    if bounds:
        ends[0][:, 0], ends[1][:, 0] = bounds
    colours, corrected = split(
        np.full((1, 3), shown, np.float32),
        np.array([[255, alpha]], np.uint8),
        np.zeros((1, 2), bool),
        guess,
        np.array([spread], np.float32),
        ends,
        1.0,
    )
    return colours[0, :, 0], int(corrected[0, 1])


def test_what_the_guesses_explain_they_get() -> None:
    shown = 128 / 255 * 0.9 + 127 / 255 * 0.2
    (behind, front), alpha = one(shown, 128, 0.9, 0.2, (0.0, 0.0))
    assert alpha == 128
    assert front == pytest.approx(0.9, abs=1e-5)
    assert behind == pytest.approx(0.2, abs=1e-5)


@pytest.mark.parametrize(("spread", "keeps"), [((0.0, 0.01), 0), ((0.01, 0.0), 1)])
def test_the_rest_goes_to_what_varies(spread: tuple[float, float], keeps: int) -> None:
    """A smooth sky stays smooth behind hair; a meadow keeps its texture behind a smooth edge."""
    colours, _ = one(0.6, 128, 0.9, 0.2, spread)
    assert colours[keeps] == pytest.approx((0.2, 0.9)[keeps], abs=0.02)
    assert abs(colours[1 - keeps] - (0.2, 0.9)[1 - keeps]) > 0.05


def test_alpha_is_raised_where_no_colour_would_do() -> None:
    """White in front of nothing but black behind cannot be so faint."""
    (behind, front), alpha = one(0.8, 26, 0.9, 0.0, (0.0, 0.1))
    assert behind == pytest.approx(0.0, abs=0.03)
    assert front <= 1
    assert alpha > 180


def test_a_missed_hair_is_found_and_a_sure_background_stays() -> None:
    shown = np.array([[0.15] * 3, [0.8] * 3], np.float32)
    guess = np.repeat(np.array([[[0.8], [0.1]]] * 2, np.float32), 3, axis=2)
    colours, alpha = split(
        shown,
        np.array([[255, 0]] * 2, np.uint8),
        np.array([[False, True]] * 2),
        guess,
        np.full((2, 2), 1e-4, np.float32),
        unbounded(guess),
        1.0,
    )
    assert alpha[0, 1] > 200
    assert alpha[1, 1] == 0
    np.testing.assert_array_equal(colours[1, 0], shown[1])


def test_a_halo_goes_with_the_outline_it_was_drawn_along() -> None:
    """Sharpening left a light seam before dark hair: the sky stays as light as it is near by."""
    spread = (0.01, 0.01)
    (free, _), _ = one(0.8, 46, 0.2, 0.7, spread)
    (behind, front), alpha = one(0.8, 46, 0.2, 0.7, spread, bounds=(0.65, 0.72))
    assert free > 0.8
    assert behind == pytest.approx(0.72, abs=MOST_OFF + 1e-5)
    assert front > 0.8
    assert alpha / 255 * front + (1 - alpha / 255) * behind == pytest.approx(0.8, abs=1e-5)


def test_what_only_solid_white_could_explain_stays_behind() -> None:
    """A sky a shade lighter than near by does not become a speck of white in front of it."""
    (behind, _), alpha = one(0.99, 26, 0.2, 0.9, (0.01, 0.01), bounds=(0.85, 0.92))
    assert behind > 0.95
    assert alpha < 26 + 65
