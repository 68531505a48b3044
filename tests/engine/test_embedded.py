"""The embedded network as it ships: no torch, sensible answers, clear failures."""

import subprocess
import sys

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.engine.embedded.model import WEIGHTS, EmbeddedModel
from depthfx.engine.embedded.runtime import STRIDE, Network, network_size
from depthfx.engine.find import model
from depthfx.errors import ModelError
from depthfx.photo.photo import Photo

f32 = np.float32


@pytest.fixture(scope="module")
def network():
    return Network(WEIGHTS)


def photo(size=(90, 120), focal_px=100.0):
    pixels = np.random.default_rng(0).random((*size, 3), dtype=f32)
    return Photo(pixels, Camera(size[1], size[0], focal_px))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (4000, 6000), (6000, 4000), (333, 77)])
def test_any_aspect_gets_a_size_the_network_takes(size):
    rows, columns = network_size(*size, 320 * 416)
    assert rows % STRIDE == columns % STRIDE == 0
    assert rows * columns <= 64 * STRIDE * 64 * STRIDE


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (200, 150)])
def test_answers_are_finite_and_in_range(network, size):
    answer = network.predict(np.random.default_rng(1).random((*size, 3), dtype=f32))
    assert np.isfinite(answer.inverse).all()
    assert (answer.inverse > 0).all()
    assert answer.matte.min() >= 0
    assert answer.matte.max() <= 1


@pytest.mark.parametrize("level", [0.0, 1.0, 50.0])
def test_black_white_and_overbright_photos_are_no_trouble(network, level):
    answer = network.predict(np.full((64, 64, 3), level, f32))
    assert np.isfinite(answer.inverse).all()


def test_half_the_focal_length_halves_the_distance():
    """The network sees the picture only; the camera turns its answer into metres."""
    near = EmbeddedModel(Context()).estimate(photo(focal_px=100.0))
    far = EmbeddedModel(Context()).estimate(photo(focal_px=200.0))
    np.testing.assert_allclose(near.inverse, 2 * far.inverse, rtol=1e-4)
    assert near.metric


def test_depth_and_matte_have_the_photos_size():
    shown = photo((61, 83))
    found = EmbeddedModel(Context())
    assert found.estimate(shown).shape == (61, 83)
    assert found.matte(shown).shape == (61, 83)


def test_the_network_runs_once_for_depth_and_matte(monkeypatch):
    found, shown, runs = EmbeddedModel(Context()), photo(), []
    predict = Network.predict
    monkeypatch.setattr(Network, "predict", lambda *a: runs.append(1) or predict(*a))
    found.estimate(shown)
    found.matte(shown)
    assert len(runs) == 1


def test_a_context_loads_a_model_once():
    context = Context()
    assert model("embedded", context) is model("embedded", context)
    assert model("embedded", context) is not model("embedded", Context())


def test_running_it_imports_neither_torch_nor_timm():
    code = (
        "import sys, numpy as np, depthfx; from depthfx_effects import Portrait\n"
        "scene = depthfx.Scene.from_arrays(np.random.rand(64, 64, 3).astype(np.float32))\n"
        "Portrait()(scene).photo\n"
        "print([m for m in ('torch', 'timm') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert said.stdout.strip() == "[]", said.stderr


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x07" * 500])
def test_a_damaged_weights_file_is_refused_in_one_line(tmp_path, content):
    weights = tmp_path / "net.onnx"
    weights.write_bytes(content)
    with pytest.raises(ModelError, match=r"net\.onnx") as caught:
        Network(weights)
    assert "\n" not in str(caught.value)


def test_a_truncated_weights_file_is_refused(tmp_path):
    weights = tmp_path / "net.onnx"
    weights.write_bytes(WEIGHTS.read_bytes()[:100_000])
    with pytest.raises(ModelError, match=r"net\.onnx"):
        Network(weights)


def test_the_weights_are_small_enough_for_the_wheel():
    assert WEIGHTS.stat().st_size <= 16_000_000


def test_it_does_not_pretend_to_run_on_a_gpu():
    with pytest.raises(ModelError, match="CPU only"):
        EmbeddedModel(Context(device="cuda"))
    EmbeddedModel(Context(model="another", device="cuda"))


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'embedded'"):
        model("embeded")


def test_the_record_is_that_of_the_file_that_ships():
    info = EmbeddedModel.info
    assert info.checksum == EmbeddedModel(Context()).checksum
    assert info.size_mb == pytest.approx(WEIGHTS.stat().st_size / 1e6, abs=0.1)
    assert info.checksum in WEIGHTS.with_name("MODEL_CARD.md").read_text()


def test_more_looks_are_taken_for_more_quality(network):
    pixels = np.random.default_rng(4).random((60, 80, 3), dtype=f32)
    sizes = [
        network.predict(pixels, quality).inverse.size for quality in ("draft", "normal", "best")
    ]
    assert sizes == sorted(set(sizes))


def test_a_mirrored_photo_gets_a_mirrored_answer(network):
    pixels = np.random.default_rng(4).random((64, 96, 3), dtype=f32)
    one = network.predict(pixels)
    other = network.predict(np.ascontiguousarray(pixels[:, ::-1]))
    inner = slice(4, -4)
    np.testing.assert_allclose(
        one.inverse[inner, inner], other.inverse[inner, ::-1][:, inner], rtol=0.02
    )
