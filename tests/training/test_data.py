"""Training pairs: geometry stays true through every augmentation."""

import json

import cv2
import numpy as np
import pytest

from depthfx.training import data
from depthfx.training.data import DepthPair, MattePair, Mixture
from depthfx.training.synthetic import encode_inverse

f32 = np.float32


def flat_pair(inverse=0.5, share=1.2, size=(120, 160)):
    """A wall square to the camera."""
    rgb = np.random.default_rng(2).integers(0, 255, (*size, 3), np.uint8)
    return DepthPair(rgb, np.full(size, inverse, f32), share)


def disc_matte(size=(100, 80)):
    matte = np.zeros(size, np.uint8)
    cv2.circle(matte, (size[1] // 2, size[0] // 2), 25, 255, -1)
    return MattePair(np.full((*size, 3), (250, 20, 20), np.uint8), matte)


def test_codes_survive_the_round_trip():
    inverse = np.geomspace(1 / 300, 10, 5000, dtype=f32).reshape(50, 100)
    decoded = data.decode_inverse(encode_inverse(inverse))
    np.testing.assert_allclose(decoded, inverse, rtol=0.001)
    assert data.decode_inverse(np.zeros((2, 2), np.uint16)).max() == 0


@pytest.mark.parametrize("seed", range(20))
def test_a_narrower_view_has_a_larger_canonical_inverse_depth(seed):
    """Canonical inverse depth is 1/m times focal length over width of the view."""
    pair = flat_pair()
    rng = np.random.default_rng(seed)
    window = data.random_window(np.random.default_rng(seed), pair.inverse.shape, (64, 96))
    _, inverse, metric = data.crop_depth(rng, pair, (64, 96))
    view_width = 96 * np.hypot(*window[:, 0])
    known = inverse[inverse > 0]
    assert metric
    np.testing.assert_allclose(known, 0.5 * 1.2 * 160 / view_width, rtol=1e-5)


@pytest.mark.parametrize("seed", range(10))
def test_photo_and_depth_are_cut_alike(seed):
    """Depth painted into the photo is found again at the same place after the crop."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0.5, 1.0, 160, dtype=f32)[None].repeat(120, 0)
    rgb = np.repeat((ramp * 255).astype(np.uint8)[..., None], 3, 2)
    pair = DepthPair(rgb, ramp, None)
    seen, inverse, metric = data.crop_depth(rng, pair, (96, 128))
    assert not metric
    small = cv2.resize(seen[..., 0], (64, 48), interpolation=cv2.INTER_AREA) / 255
    known = inverse > 0
    assert np.abs(small - inverse)[known].max() < 0.02


@pytest.mark.parametrize("seed", range(20))
def test_a_composed_subject_hides_what_is_behind_it(seed):
    rng = np.random.default_rng(seed)
    sample = data.composite_sample(rng, flat_pair(), disc_matte(), (96, 128))
    inside = sample.matte > 0.5
    background = sample.inverse[~inside & (sample.inverse > 0)]
    if inside.any() and background.size:
        assert sample.inverse[inside].min() >= background.max() * 0.999


def test_a_batch_is_a_function_of_seed_and_step():
    mixture = Mixture([[flat_pair()]], [1.0], [[disc_matte()]], [1.0], 0.25, 0.25)
    one, two = (mixture.batch(7, 11, 8, (64, 64)) for _ in range(2))
    other = mixture.batch(7, 12, 8, (64, 64))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a.rgb, b.rgb) for a, b in zip(one, other, strict=True))


def test_a_folder_is_read_as_it_was_written(tmp_path):
    rgb = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    inverse = np.full((40, 60), 0.25, f32)
    cv2.imwrite(str(tmp_path / "a.jpg"), rgb[..., ::-1])
    cv2.imwrite(str(tmp_path / "a.png"), encode_inverse(inverse))
    item = {"id": "a", "width": 60, "height": 40, "fx": 66.0, "unit": "metric"}
    (tmp_path / "index.json").write_text(json.dumps({"items": [item]}))
    (pair,) = data.load_depth_pairs(tmp_path)
    assert pair.focal_share == pytest.approx(1.1)
    np.testing.assert_allclose(pair.inverse, inverse, rtol=0.001)
    assert np.abs(pair.rgb.astype(int) - rgb).max() <= 4
