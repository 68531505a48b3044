"""Layers seen through a lens."""

from __future__ import annotations

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.layers.layers import Layer, Layers
from depthfx.layers.lens import defocused
from depthfx.layers.over import composite

H, W = 60, 80


def square(inverse: float, left: int, size: int, colour: tuple[float, float, float]) -> Layer:
    return Layer(
        "a square",
        np.broadcast_to(np.array(colour, np.float32), (size, size, 3)).copy(),
        np.ones((size, size), np.float32),
        np.full((size, size), inverse, np.float32),
        inverse,
        left,
        20,
    )


def scene(*layers: Layer) -> Layers:
    return Layers(layers, Camera(W, H, 100.0), True, "linear", 5.0)


def test_what_is_in_focus_stays() -> None:
    layer = square(1.0, 30, 20, (0.2, 0.4, 0.6))
    assert defocused(scene(layer), 1.0, 50.0).layers[0] is layer


@pytest.mark.parametrize("inverse", [0.5, 1.5])
def test_a_blurred_layer_keeps_its_colour_and_its_whole(inverse: float) -> None:
    layer = square(inverse, 30, 20, (0.2, 0.4, 0.6))
    blurred = defocused(scene(layer), 1.0, 20.0).layers[0]
    assert blurred.alpha.sum() == pytest.approx(layer.alpha.sum(), rel=0.01)
    there = blurred.alpha > 0.05
    np.testing.assert_allclose(blurred.pixels[there], [[0.2, 0.4, 0.6]] * there.sum(), atol=0.01)
    # A disc of 10 px: half a diameter beyond the edge there is light, and no more a bit further.
    width = blurred.alpha[blurred.alpha.shape[0] // 2] > 0
    assert 20 + 8 <= width.sum() <= 20 + 12


def test_what_lies_behind_a_blurred_edge_is_seen_through_it() -> None:
    wall = Layer(
        "the wall",
        np.broadcast_to(np.array([0, 0, 1], np.float32), (H, W, 3)).copy(),
        np.ones((H, W), np.float32),
        np.full((H, W), 1.0, np.float32),
        1.0,
    )
    values, cover = composite(defocused(scene(wall, square(2.0, 30, 20, (1, 0, 0))), 1.0, 10.0))
    assert cover.min() == 1
    np.testing.assert_allclose(values.sum(axis=2), 1, atol=0.01)
    assert 0.3 < values[30, 30, 0] < 0.7
