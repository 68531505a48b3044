"""Marigold pipelines, tiny and random, saved as diffusers saves them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import tiny_models as tiny
import torch
from numpy.typing import NDArray

from depthfx.context import Context
from depthfx.engine.marigold import EFFORT, SEED, MarigoldModel
from depthfx.engine.meaning import FAR_OVER_NEAR
from depthfx.errors import ModelError

CPU = Context(device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.marigold(tmp_path_factory.mktemp("marigold"))


def photo(height: int, width: int) -> NDArray[np.float32]:
    v, u = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(a * u + 3) * np.cos(b * v + 1) for a, b in ((9, 4), (3, 11), (14, 6))]
    rgb = np.asarray(0.5 + 0.45 * np.stack(waves, -1), np.float32)
    rgb.flags.writeable = False
    return rgb


def test_quality_is_steps_and_answers() -> None:
    assert EFFORT == {"draft": (1, 1), "normal": (4, 1), "best": (4, 5)}


@pytest.mark.parametrize("quality", EFFORT)
def test_the_answer_is_the_pipelines_own(folder: Path, quality: str) -> None:
    """At its own size nothing is resized: the pipeline's depth, far = 1, as inverse depth."""
    rgb = photo(64, 128)
    steps, ensemble = EFFORT[quality]
    pipeline = diffusers.MarigoldDepthPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    depth = pipeline(
        torch.from_numpy(rgb.transpose(2, 0, 1).copy()),
        num_inference_steps=steps,
        ensemble_size=ensemble,
        processing_resolution=0,  # which is 128 already
        generator=torch.Generator().manual_seed(SEED),
    ).prediction[0, :, :, 0]
    near, far = np.percentile(depth, (2, 98))
    assert far > near + 0.05
    context = Context(device="cpu", quality=quality)
    seen = MarigoldModel(context, str(folder)).look(rgb, None, context)
    expected = 1 / (1 + (FAR_OVER_NEAR - 1) * np.maximum((depth - near) / (far - near), 0))
    np.testing.assert_allclose(seen.inverse, expected, atol=2e-3)
    assert seen.focal_px is None


def test_the_answer_repeats(folder: Path) -> None:
    first = MarigoldModel(CPU, str(folder))
    rgb = photo(50, 70)
    seen = first.look(rgb, None, CPU).inverse
    np.testing.assert_array_equal(first.look(rgb, None, CPU).inverse, seen)
    np.testing.assert_array_equal(
        MarigoldModel(CPU, str(folder)).look(rgb, None, CPU).inverse, seen
    )


@pytest.mark.parametrize("lcm", [False, True])
def test_disparity_is_inverse_depth_already(tmp_path: Path, lcm: bool) -> None:
    rgb = photo(96, 128)
    depth = MarigoldModel(CPU, str(tiny.marigold(tmp_path / "a", lcm=lcm)))
    disparity = MarigoldModel(CPU, str(tiny.marigold(tmp_path / "b", "disparity", lcm=lcm)))
    seen = [model.look(rgb, None, CPU).inverse.ravel() for model in (depth, disparity)]
    order = np.argsort(seen[1])  # the same weights and noise: one is the other turned over
    assert (np.diff(seen[0][order]) <= 1e-6).all()
    assert not depth.info.metric
    assert not disparity.info.metric


@pytest.mark.parametrize("shape", [(17, 23), (1, 1), (3000, 200), (20, 3000)])
def test_every_size_is_seen(folder: Path, shape: tuple[int, int]) -> None:
    model = MarigoldModel(CPU, str(folder))
    rgb = photo(*shape)
    for picture in (rgb, np.repeat(rgb[..., :1], 3, 2)):
        inverse = model.look(picture, None, CPU).inverse
        assert np.isfinite(inverse).all()
        assert inverse.min() >= 0
        assert max(inverse.shape) == model.side == 128


def test_weights_in_half_precision_are_preferred(folder: Path, tmp_path: Path) -> None:
    pipeline = diffusers.MarigoldDepthPipeline.from_pretrained(folder, dtype=torch.float16)
    pipeline.save_pretrained(tmp_path / "model", variant="fp16")
    shutil.copytree(folder, tmp_path / "model", dirs_exist_ok=True)
    half = MarigoldModel(CPU, str(tmp_path / "model"))
    full = MarigoldModel(CPU, str(folder))
    assert half.info.size_mb < full.info.size_mb
    assert half.weights_sha256 != full.weights_sha256
    rgb = photo(96, 128)
    seen = [model.look(rgb, None, CPU).inverse for model in (half, full)]
    np.testing.assert_allclose(seen[0], seen[1], atol=0.03)
    assert (seen[0] != seen[1]).any()


def _edit(file: Path, **values: Any) -> None:
    told = {**json.loads(file.read_text(encoding="utf-8")), **values}
    file.write_text(json.dumps(told), encoding="utf-8")


def _lacking(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    state = load_file(file)
    del state["conv_out.weight"]
    save_file(state, file, metadata={"format": "pt"})


def _pickled(folder: Path) -> None:
    for file in folder.glob("*/*.safetensors"):
        torch.save({}, file.with_suffix(".bin"))
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_pickled, r"has no */*.safetensors; other weights can carry code"),
        (_lacking, "weights lack 1 tensors, the first conv_out.weight"),
        (lambda f: (f / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"12"), ""),
        (lambda f: shutil.rmtree(f / "vae"), "cannot be loaded"),
        (lambda f: (f / "model_index.json").unlink(), "cannot be loaded"),
        (lambda f: _edit(f / "model_index.json", prediction_type="normals"), "not depth"),
        (lambda f: _edit(f / "vae" / "config.json", latent_channels=7), "cannot be loaded"),
    ],
)
def test_a_pipeline_that_will_not_do_is_refused_in_one_line(
    folder: Path, tmp_path: Path, spoil: Callable[[Path], Any], words: str
) -> None:
    shutil.copytree(folder, tmp_path / "model")
    spoil(tmp_path / "model")
    with pytest.raises(ModelError) as refusal:
        MarigoldModel(CPU, str(tmp_path / "model"))
    assert words in str(refusal.value)
    assert str(tmp_path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_nothing_is_printed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    MarigoldModel(CPU, str(folder)).look(photo(40, 30), None, CPU)
    assert capfd.readouterr() == ("", "")
