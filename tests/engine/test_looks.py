"""Looking more than once: mirrored looks and parts, with networks whose answers are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.engine.look import NetworkModel
from depthfx.engine.looks import Look, Rgb, best_look, fit_affine, parts, spans
from depthfx.photo.photo import Photo
from depthfx.raster.resample import resize_area


class Reader(NetworkModel):
    """Sees `side` pixels of a picture whose red is its inverse depth.

    Like a real network it gives every picture another scale and shift.
    """

    info = EmbeddedModel.info
    side = 64

    def __init__(self, context: Context) -> None:
        self.calls = 0

    def look(self, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
        self.calls += 1
        height, width = rgb.shape[:2]
        self.shown, self.focal_px = (height, width), focal_px
        scale = self.side / max(height, width)
        seen = resize_area(rgb[..., 0], (round(height * scale), round(width * scale)))
        return Look(seen * np.float32(1 + 0.1 * self.calls), focal_px)


def picture(height: int, width: int) -> Rgb:
    """A slope with stripes too fine for one look at the whole."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    inverse = 0.3 + 0.4 * y / height + 0.1 * ((x // 6) % 2)
    return np.repeat(inverse[..., None], 3, 2).astype(np.float32)


def error(inverse: np.ndarray, rgb: Rgb) -> float:
    truth = resize_area(rgb[..., 0], inverse.shape)
    gain, shift = fit_affine(inverse, truth)
    return float(np.abs(gain * inverse + shift - truth).mean())


def test_parts_add_what_the_whole_cannot_show() -> None:
    rgb = picture(180, 200)
    model = Reader(Context())
    whole, best = model.look(rgb, None, Context()), best_look(model, rgb, None, Context())
    assert best.inverse.shape > whole.inverse.shape
    assert error(best.inverse, rgb) < 0.5 * error(
        resize_area(whole.inverse, best.inverse.shape), rgb
    )


def test_parts_leave_no_seam() -> None:
    """On a plane, whatever scale each part comes in, the result is that plane."""
    rgb = picture(180, 200)
    rgb[:] = (np.linspace(0.2, 0.8, 180, dtype=np.float32)[:, None, None]) * np.ones(3, np.float32)
    inverse = best_look(Reader(Context()), rgb, None, Context()).inverse
    inner = inverse[4:-4]
    assert np.ptp(inner, axis=1).max() < 0.01 * inner.max()
    steps = np.diff(inner.mean(1))
    assert steps.min() > 0.8 * np.median(steps)
    assert steps.max() < 1.2 * np.median(steps)


def test_a_small_picture_is_seen_twice_only() -> None:
    model = Reader(Context())
    best_look(model, picture(60, 80), None, Context())
    assert model.calls == 2


def test_mirrored_looks_are_turned_back() -> None:
    rgb = np.zeros((40, 64, 3), np.float32)
    rgb[:, :20] = 0.9
    rgb[:, 20:] = 0.1
    inverse = best_look(Reader(Context()), rgb, None, Context()).inverse
    assert inverse[:, :18].min() > 4 * inverse[:, 22:].max()


@given(st.integers(1, 5), st.integers(40, 5000))
def test_spans_cover_everything(count: int, length: int) -> None:
    found = spans(length, count)
    assert (found[0].start, found[-1].stop) == (0, length)
    for before, after in pairwise(found):
        assert before.start < after.start <= before.stop


@pytest.mark.parametrize(("length", "expected"), [(500, 1), (2100, 1), (2400, 2), (6000, 3)])
def test_number_of_parts(length: int, expected: int) -> None:
    assert parts(length, 1536) == expected


@given(st.floats(0.1, 10), st.floats(-1, 1), st.integers(0, 2**31))
def test_affine_fit_finds_scale_and_shift(scale: float, shift: float, seed: int) -> None:
    values = np.random.default_rng(seed).random((40, 50), np.float32)
    target = (scale * values + shift).astype(np.float32)
    gain, offset = fit_affine(values, target)
    np.testing.assert_allclose((gain, offset), (scale, shift), atol=1e-4 * (1 + scale))


def test_values_turned_around_say_nothing() -> None:
    values = np.random.default_rng(0).random((40, 50), np.float32)
    assert fit_affine(values, 1 - values)[0] == 0


def test_a_large_photo_is_shown_small_and_its_camera_with_it() -> None:
    photo = Photo(picture(300, 400), Camera(400, 300, 500.0))
    model = Reader(Context())
    depth = model.estimate(photo)
    assert model.shown == (64, 85)
    assert model.focal_px == pytest.approx(500 * 85 / 400)
    assert depth.focal_px == pytest.approx(500)
    assert depth.shape == (300, 400)
