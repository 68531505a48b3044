"""The relaxed cut against every cut that there is, and against plain numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from depthfx.layers.minimal_cut import Relaxed, relaxed_cut

SHAPE = (3, 4)


def energy(x: NDArray, cost: NDArray, right: NDArray, down: NDArray) -> NDArray:
    """Of pictures (..., h, w) of zeros and ones."""
    along = (np.abs(np.diff(x, axis=-1)) * right[:, :-1]).sum(axis=(-1, -2))
    across = (np.abs(np.diff(x, axis=-2)) * down[:-1]).sum(axis=(-1, -2))
    return (x * cost).sum(axis=(-1, -2)) + along + across


@pytest.mark.parametrize("seed", range(6))
def test_no_cut_is_cheaper(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cost = rng.normal(size=SHAPE).astype(np.float32)
    right, down = rng.random((2, *SHAPE), dtype=np.float32)
    pixels = SHAPE[0] * SHAPE[1]
    every = (np.arange(1 << pixels)[:, None] >> np.arange(pixels)) & 1
    least = energy(every.reshape(-1, *SHAPE).astype(float), cost, right, down).min()
    x = relaxed_cut(cost, right, down, Relaxed.start(SHAPE), 2000).x
    found = energy((x > 0.5).astype(float), cost, right, down)
    assert found == pytest.approx(least, abs=1e-4)


def test_a_step_is_that_of_chambolle_and_pock() -> None:
    rng = np.random.default_rng(1)
    cost = rng.normal(size=(5, 6)).astype(np.float32)
    right, down = rng.random((2, 5, 6), dtype=np.float32)
    start = rng.random((5, 6), dtype=np.float32)
    x, ahead = start.astype(float), start.astype(float)
    p, q = np.zeros_like(x), np.zeros_like(x)
    tau = 1 / np.sqrt(8)
    for _ in range(7):
        p[:, :-1] = np.clip(p + tau * np.diff(ahead, axis=1, append=0), -right, right)[:, :-1]
        q[:-1] = np.clip(q + tau * np.diff(ahead, axis=0, append=0), -down, down)[:-1]
        spread = np.diff(p, axis=1, prepend=0) + np.diff(q, axis=0, prepend=0)
        new = np.clip(x + tau * (spread - cost), 0, 1)
        x, ahead = new, 2 * new - x
    state = replace(Relaxed.start((5, 6)), x=start)
    state = relaxed_cut(cost, right, down, state, 7)
    np.testing.assert_allclose(state.x, x, atol=1e-5)
    np.testing.assert_allclose(state.right[:, :-1], p[:, :-1], atol=1e-5)


def test_what_is_given_stays_as_it_is() -> None:
    start, ones = Relaxed.start((4, 4)), np.ones((4, 4), np.float32)
    for plane in (start.x, start.right, start.down, ones):
        plane.flags.writeable = False
    assert (relaxed_cut(-ones, ones, ones, start, 50).x > 0.5).all()
