"""Every backend through the same doors: the portrait command, Python's chain, and the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import diffusers
import numpy as np
import pytest
import tiny_models as tiny
from hub_server import Hub, running
from huggingface_hub import constants

import depthfx
from depthfx.cli import cli
from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.look import NetworkModel
from depthfx.errors import ModelError
from depthfx.scene import Scene


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Names of one tiny model of each backend, as `--model` takes them."""
    folder = tmp_path_factory.mktemp("models")
    tiny.onnx_mix(folder / "onnx", [1.0, 0.0, 0.0], 0.2)
    return {
        "embedded": "embedded",
        "transformers": f"hf:{tiny.depth_anything(folder / 'transformers')}",
        "marigold": f"marigold:{tiny.marigold(folder / 'marigold')}",
        "onnx": f"onnx:{tiny.describe(folder / 'onnx')}",
    }


def subject() -> tuple[np.ndarray, np.ndarray]:
    """Coarse noise in linear light, and the matte of a subject in its middle."""
    rng = np.random.default_rng(8)
    pixels = cv2.resize(rng.random((45, 60, 3), dtype=np.float32), (120, 90))
    matte = np.zeros((90, 120), np.float32)
    matte[30:80, 40:80] = 1
    return pixels, matte


@pytest.mark.parametrize("backend", ["embedded", "transformers", "marigold", "onnx"])
def test_every_backend_blurs_a_portrait(models: dict[str, str], backend: str) -> None:
    """The same effect over the depth of each: the subject stays, what is behind is blurred."""
    from depthfx_effects import Portrait

    context = Context(model=models[backend], device="auto" if backend == "embedded" else "cpu")
    pixels, matte = subject()
    photo = Scene.from_arrays(pixels, focal_px=110.0).photo
    model = depthfx.model(models[backend], context)
    depth = model.estimate(photo, context)
    assert depth.shape == (90, 120)
    assert depth.metric is model.info.metric
    if isinstance(model, NetworkModel):
        assert depth.stamp["model"] == model.info.name
        assert depth.stamp["weights_sha256"] == model.weights_sha256 != ""
    blurred = Portrait()(Scene.of(photo, context, depth=depth, matte=matte)).photo.pixels
    assert np.isfinite(blurred).all()
    assert np.abs(blurred - pixels)[45:65, 52:68].mean() < 0.05
    assert blurred[:20].std() < pixels[:20].std()


@pytest.mark.parametrize("backend", ["transformers", "marigold", "onnx"])
def test_every_backend_through_the_portrait_command(
    models: dict[str, str], backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, out = tmp_path / "photo.png", tmp_path / "out.png"
    cv2.imwrite(str(photo), (subject()[0] * 255).astype(np.uint8))
    words = ["portrait", str(photo), "-o", str(out), "--model", models[backend]]
    cli.main([*words, "--device", "cpu"], prog_name="depthfx", standalone_mode=False)
    said = capsys.readouterr()
    assert said.out.strip() == str(out)
    name = "tiny" if backend == "onnx" else models[backend]
    assert f"depth: {name}" in said.err
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape == (90, 120, 3)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on this machine, and an empty cache."""
    with running(Hub({})) as running_hub:
        monkeypatch.setattr(constants, "ENDPOINT", running_hub.url)
        template = running_hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub, "PAUSE_S", 0.0)
        yield running_hub


def put(served: Hub, repository: str, folder: Path) -> None:
    """The files of `folder` as a repository, with some that nobody should fetch."""
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    served.files[repository] = {**files, "pytorch_model.bin": b"x" * 5000, "demo.gif": b"y" * 5000}


def test_a_transformers_model_from_the_hub(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.depth_anything(tmp_path / "model")
    put(served, "owner/name", folder)
    context = Context(model="hf:owner/name", device="cpu")
    model = depthfx.model("hf:owner/name", context)
    weights = (folder / "model.safetensors").read_bytes()
    assert model.info.checksum == hashlib.sha256(weights).hexdigest()
    assert model.info.source == "https://huggingface.co/owner/name"
    fetched = {path.rpartition("/")[2] for path, _, _ in served.asked}
    assert fetched == {"model.safetensors", "config.json", "preprocessor_config.json"}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    depthfx.model("hf:owner/name", Context(device="cpu"))
    with pytest.raises(ModelError) as refusal:
        depthfx.model("hf:owner/other", Context(device="cpu"))
    assert "\n" not in str(refusal.value)
    assert "owner/other" in str(refusal.value)


@pytest.mark.parametrize("half", [True, False])
def test_a_marigold_pipeline_from_the_hub(served: Hub, tmp_path: Path, half: bool) -> None:
    """Weights in half precision are fetched in place of the others, not besides."""
    folder = tiny.marigold(tmp_path / "model")
    if half:
        pipeline = diffusers.MarigoldDepthPipeline.from_pretrained(folder)
        pipeline.save_pretrained(folder, variant="fp16")
    put(served, "owner/name", folder)
    model = depthfx.model("marigold:owner/name", Context(device="cpu"))
    rgb = np.full((40, 50, 3), 0.5, np.float32)
    assert isinstance(model, NetworkModel)
    assert model.look(rgb, None, Context()).inverse.size > 0
    weights = [path for path, _, _ in served.asked if path.endswith(".safetensors")]
    assert len(weights) == 3
    assert all(path.endswith(".fp16.safetensors") for path in weights) is half


def test_an_onnx_model_from_the_hub(served: Hub, tmp_path: Path) -> None:
    """The description is here, the graph and its weights are in a folder of the repository."""
    tiny.onnx_mix(tmp_path / "model" / "onnx", [1.0, 0.0, 0.0], external=True)
    put(served, "owner/name", tmp_path / "model")
    path = tiny.describe(
        tmp_path,
        weights={
            "repository": "owner/name",
            "file": "onnx/model.onnx",
            "data": ["onnx/model.onnx_data"],
        },
        input={"size": [20, 30]},
    )
    model = depthfx.model(f"onnx:{path}", Context())
    assert isinstance(model, NetworkModel)
    rgb = np.full((20, 30, 3), 0.5, np.float32)
    np.testing.assert_allclose(model.look(rgb, None, Context()).inverse, 0.5)
    fetched = {path.rpartition("/")[2] for path, _, _ in served.asked}
    assert fetched == {"model.onnx", "model.onnx_data"}
