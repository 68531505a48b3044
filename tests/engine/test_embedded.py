"""The embedded network as it ships: no torch, sensible answers, clear failures."""

import json
import math
import shutil
import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import FOCAL_UNCERTAINTY, Camera, FocalOrigin
from depthfx.cli.depth import depth as depth_command
from depthfx.context import Context
from depthfx.engine import find
from depthfx.engine.catalogue import entries
from depthfx.engine.embedded.model import (
    METRES_ERROR,
    WEIGHTS,
    CleanEmbeddedModel,
    EmbeddedModel,
)
from depthfx.engine.embedded.runtime import (
    LOOKS,
    STRIDE,
    VIEW_ERROR,
    Network,
    _merged,
    look_sizes,
    network_size,
    predict,
)
from depthfx.engine.find import find_depth, find_draft, find_matte, matte_stamp, model
from depthfx.engine.scale import metres_uncertainty
from depthfx.errors import ModelError
from depthfx.photo.photo import Photo
from depthfx.scene import Scene

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


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_asked_for_is_there_though_the_network_runs_on_the_cpu(device):
    """The device is for the effects; one that is absent is not passed over in silence."""
    there = torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()
    if there:
        EmbeddedModel(Context(device=device))
    else:
        with pytest.raises(ModelError, match=f"no {device} device"):
            EmbeddedModel(Context(device=device))
    EmbeddedModel(Context(model="another", device=device))


def test_an_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'embedded'"):
        model("embeded")


def test_more_looks_are_taken_for_more_quality(network):
    pixels = np.random.default_rng(4).random((480, 640, 3), dtype=f32)
    looks: dict[str, list[int]] = {}
    for quality in ("draft", "normal", "best"):
        seen = looks.setdefault(quality, [])

        def counted(batch, seen=seen):
            seen.append(batch[0, 0].size)
            return network.run(batch)

        predict(counted, pixels, quality)
    assert len(looks["draft"]) < len(looks["normal"]) < len(looks["best"])
    assert max(looks["draft"]) < max(looks["normal"]) <= max(looks["best"])


def test_the_detail_is_that_of_the_finest_look():
    """Coarse looks move the layout only: a step stays as steep as the finest one saw it."""
    fine = np.zeros((90, 120), f32)
    fine[:, 60:] = 1.0
    coarse = cv2.resize(cv2.GaussianBlur(fine, (0, 0), 6) + 0.5, (60, 45))
    merged = _merged([coarse, fine])
    assert merged.shape == fine.shape
    assert merged[45, 60] - merged[45, 59] > 0.95
    assert merged.mean() == pytest.approx((coarse.mean() + fine.mean()) / 2, abs=0.01)


def test_a_mirrored_photo_gets_a_mirrored_answer(network):
    pixels = np.random.default_rng(4).random((64, 96, 3), dtype=f32)
    one = network.predict(pixels)
    other = network.predict(np.ascontiguousarray(pixels[:, ::-1]))
    inner = slice(4, -4)
    np.testing.assert_allclose(
        one.inverse[inner, inner], other.inverse[inner, ::-1][:, inner], rtol=0.02
    )


# ---- field of view


def seeing(*views):
    """A network that answers these views (share, deviation of its logarithm) look after look."""
    answers = iter(views)

    def run(batch):
        flat = np.ones((1, batch.shape[2] // 2, batch.shape[3] // 2), f32)
        return {"inverse": flat, "matte": flat, "view": np.log([next(answers)]).astype(f32)}

    return run


def test_looks_that_agree_say_what_each_says():
    answer = predict(seeing(*[(0.8, 0.1)] * 4), np.ones((480, 640, 3), f32))
    assert answer.focal_share == pytest.approx(0.8, rel=1e-5)
    assert answer.focal_error == pytest.approx(math.exp(0.1) - 1, rel=1e-4)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(0.3, 3), min_size=4, max_size=4), st.floats(0.02, 0.5))
def test_looks_that_differ_meet_in_the_middle_and_are_less_sure(shares, deviation):
    views = [(share, deviation) for share in shares]
    answer = predict(seeing(*views), np.ones((480, 640, 3), f32))
    assert answer.focal_share == pytest.approx(math.prod(shares) ** 0.25, rel=1e-4)
    spread = math.hypot(deviation, np.std(np.log(shares)))
    assert answer.focal_error == pytest.approx(math.exp(spread) - 1, rel=1e-3)


@pytest.mark.parametrize("share", [1e-30, 1e30])
def test_no_lens_is_imagined_that_nobody_makes(share):
    answer = predict(seeing(*[(share, 1e30)] * 4), np.ones((480, 640, 3), f32))
    assert 0.05 < answer.focal_share < 50
    assert math.isfinite(answer.focal_error)


def test_weights_of_the_first_version_tell_no_field_of_view(constant_network):
    file = constant_network(0.5)
    answer = Network(file).predict(np.ones((480, 640, 3), f32))
    assert answer.focal_share is None
    assert answer.focal_error is None
    depth = EmbeddedModel(Context(weights=file)).estimate(guessed())
    assert depth.focal_px is None


def guessed(size=(90, 120)):
    pixels = np.random.default_rng(0).random((*size, 3), dtype=f32)
    return Photo(pixels, Camera.guess(size[1], size[0]))


def weighed(size=(90, 120)):
    """Focal length over width of the network's 0.8 and the guess, and the error of that."""
    own = math.log1p(VIEW_ERROR) ** 2 + 0.1**2
    guess = math.log1p(FOCAL_UNCERTAINTY[FocalOrigin.GUESS]) ** 2
    share = guessed(size).camera.focal_px / size[1]
    middle = (math.log(0.8) * guess + math.log(share) * own) / (own + guess)
    return math.exp(middle), math.exp(math.sqrt(own * guess / (own + guess))) - 1


def test_metres_follow_the_field_of_view_that_network_and_guess_agree_on(constant_network):
    """Canonical inverse depth 0.5 through a lens of 0.8 widths would be 1.6 m away."""
    context = Context(weights=constant_network(0.5, (0.8, 0.1)))
    depth = EmbeddedModel(context).estimate(guessed())
    share, error = weighed()
    assert min(0.8, guessed().camera.focal_px / 120) < share
    assert share < max(0.8, guessed().camera.focal_px / 120)
    assert error < min(VIEW_ERROR + 0.2, FOCAL_UNCERTAINTY[FocalOrigin.GUESS])
    assert depth.focal_px == pytest.approx(share * 120, rel=1e-4)
    assert depth.focal_error == pytest.approx(error, rel=1e-4)
    np.testing.assert_allclose(1 / depth.surface, 2 * share, rtol=1e-4)


@pytest.mark.parametrize("size", [(100, 100), (480, 640), (300, 1200)])
def test_no_look_is_larger_than_the_photo_but_the_smallest(size):
    for quality in LOOKS:
        sizes = look_sizes(*size, quality)
        assert len(set(sizes)) == len(sizes)
        largest = max(size[0] * size[1], LOOKS[quality][0])
        assert all(rows * columns <= 1.25 * largest for rows, columns in sizes)


def test_a_focal_length_that_is_known_is_not_asked_for(constant_network):
    context = Context(weights=constant_network(0.5, (0.8, 0.1)))
    depth = EmbeddedModel(context).estimate(photo(focal_px=240.0))
    assert depth.focal_px is None
    np.testing.assert_allclose(1 / depth.surface, 4.0, rtol=1e-4)


@pytest.mark.parametrize("origin", [FocalOrigin.EXIF, FocalOrigin.INTRINSICS])
def test_a_focal_length_of_the_file_is_used_and_what_was_seen_is_told(constant_network, origin):
    """Both stand side by side, so that whoever looks the depth over can compare them."""
    context = Context(weights=constant_network(0.5, (0.8, 0.1)))
    pixels = guessed().pixels
    depth = EmbeddedModel(context).estimate(Photo(pixels, Camera(120, 90, 240.0, origin)))
    np.testing.assert_allclose(1 / depth.surface, 4.0, rtol=1e-4)
    assert depth.focal_px == pytest.approx(0.8 * 120, rel=1e-4)
    own = math.hypot(0.1, math.log1p(VIEW_ERROR))
    assert depth.focal_error == pytest.approx(math.expm1(own), rel=1e-3)


def test_the_stated_error_is_that_of_this_photo(constant_network):
    context = Context(weights=constant_network(0.5, (0.8, 0.1)))
    scene = Scene.of(guessed(), context)
    assert scene.camera.origin is FocalOrigin.NETWORK
    stated = metres_uncertainty(scene.depth, scene.camera)
    assert stated == pytest.approx(math.hypot(weighed()[1], METRES_ERROR), rel=1e-4)
    unsaid = replace(scene.depth, focal_error=None)
    of_any_network = math.hypot(FOCAL_UNCERTAINTY[FocalOrigin.NETWORK], METRES_ERROR)
    assert metres_uncertainty(unsaid, scene.camera) == pytest.approx(of_any_network)


@pytest.mark.parametrize(
    ("options", "origin", "metres"),
    [([], "network", None), (["--focal-px", "240"], "user", 4.0)],
)
def test_the_command_says_whose_focal_length_was_used(
    tmp_path, constant_network, options, origin, metres
):
    weights = constant_network(0.5, (0.8, 0.1))
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((90, 120, 3), 128, np.uint8))
    words = [str(tmp_path / "photo.png"), "--at", "0.5,0.5", "--json", "--weights", str(weights)]
    done = CliRunner().invoke(depth_command, [*words, *options], catch_exceptions=False)
    facts = json.loads(done.stdout)
    assert facts["focal_origin"] == origin
    assert facts["points"][0]["metres"] == pytest.approx(metres or 2 * weighed()[0], rel=1e-3)


def test_a_network_with_other_answers_is_refused(tmp_path):
    import onnx

    net = onnx.load(str(WEIGHTS))
    net.graph.output[1].name = net.graph.output[0].name
    onnx.save(net, str(tmp_path / "net.onnx"))
    with pytest.raises(ModelError, match=r"net\.onnx"):
        Network(tmp_path / "net.onnx")


# ---- the weights for commercial use


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """The package with its clean weights, whether or not they are in this one."""
    file = tmp_path / "clean.onnx"
    shutil.copy(WEIGHTS, file)
    return with_clean(monkeypatch, file)


def with_clean(monkeypatch, file):
    known = dict(entries())
    # An absolute path stays one beside the package's folder.
    known["embedded-clean"] = replace(known["embedded-clean"], file=str(file))
    monkeypatch.setattr(find, "entries", lambda: known)
    monkeypatch.setattr(CleanEmbeddedModel, "shipped", file)
    return file


def test_commercial_use_takes_the_clean_weights(clean):
    context = Context(commercial_only=True)
    shown = photo()
    depth, matte = find_depth(shown, context), find_matte(shown, context)
    assert depth.stamp["model"] == "embedded-clean"
    assert depth.stamp["licence"] == CleanEmbeddedModel.info.licence
    assert matte.shape == shown.shape
    assert matte_stamp(context)["matte_model"] == "embedded-clean"
    assert {type(found) for found in context.cache.values()} == {CleanEmbeddedModel}
    assert find_draft(shown, replace(context, model="embedded-clean")) is not None


def test_other_use_takes_the_other_weights_unless_it_asks(clean):
    assert type(model("embedded", Context())) is EmbeddedModel
    context = Context(model="embedded-clean")
    assert find_depth(photo(), context).stamp["model"] == "embedded-clean"
    find_matte(photo(), context)
    assert matte_stamp(context)["matte_model"] == "embedded-clean"


def test_another_model_gets_its_matte_from_clean_weights(clean, tmp_path):
    context = Context(model="zoedepth", device="cuda", weights=tmp_path / "z.pt")
    find_matte(photo(), replace(context, commercial_only=True))
    assert matte_stamp(context)["matte_model"] == "embedded-clean"


def test_weights_of_unknown_origin_are_not_clean(clean):
    with pytest.raises(ModelError, match="--commercial-only: embedded is not"):
        model("embedded", Context(commercial_only=True, weights=clean))
    with pytest.raises(ModelError, match="--model embedded --weights"):
        model("embedded-clean", Context(weights=clean))


def test_without_the_clean_weights_commercial_use_is_refused(tmp_path, monkeypatch):
    with_clean(monkeypatch, tmp_path / "not there.onnx")
    context = Context(commercial_only=True)
    with pytest.raises(ModelError, match="--commercial-only: embedded is not"):
        find_depth(photo(), context)
    with pytest.raises(ModelError, match="finds the subject"):
        find_matte(photo(), context)
    assert find_draft(photo(), replace(context, model="zoedepth")) is None


@pytest.mark.parametrize("kind", [EmbeddedModel, CleanEmbeddedModel])
def test_every_file_that_ships_has_its_own_record(kind):
    found = kind(Context())
    assert found.info.checksum == found.checksum
    assert found.info.size_mb == pytest.approx(kind.shipped.stat().st_size / 1e6, abs=0.1)
    assert found.checksum in WEIGHTS.with_name("MODEL_CARD.md").read_text()
