"""Depth models of transformers, tiny and random, saved as the library saves them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_models as tiny
import torch
import transformers
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.engine import transformers_depth
from depthfx.engine.meaning import FAR_OVER_NEAR
from depthfx.engine.transformers_depth import TransformersModel
from depthfx.errors import ModelError
from depthfx.photo.photo import Photo

CPU = Context(device="cpu")
Make = Callable[[Path], Path]
FAMILIES: dict[str, Make] = {
    "depth-anything": tiny.depth_anything,
    "depth-anything-metric": lambda folder: tiny.depth_anything(folder, "metric", 20),
    "prompt-depth-anything": tiny.prompt_depth_anything,
    "dpt": tiny.dpt,
    "dpt-dinov2": tiny.dpt_dinov2,
    "glpn": tiny.glpn,
    "zoedepth": tiny.zoedepth,
    "depth-pro": tiny.depth_pro,
}
if hasattr(transformers, "Tipsv2DptConfig"):
    FAMILIES["tipsv2"] = tiny.tipsv2
PIXELS = 128 * 160
METRIC = {"depth-anything-metric", "dpt-dinov2", "glpn", "zoedepth", "tipsv2", "depth-pro"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of one family's tiny model, made once."""
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = FAMILIES[name](tmp_path_factory.mktemp(name))
        return made[name]

    return folder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The families that are shown a fixed area are shown one fifteenth of it."""
    monkeypatch.setattr(transformers_depth, "TRAINED_PIXELS", PIXELS)


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """The precision of a machine without half-precision units."""
    monkeypatch.setattr(transformers_depth, "precision", lambda device: torch.float32)


def photo(height: int, width: int) -> NDArray[np.float32]:
    """Soft blobs of colour; read-only."""
    v, u = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(a * u + 3) * np.cos(b * v + 1) for a, b in ((9, 4), (3, 11), (14, 6))]
    rgb = np.asarray(0.5 + 0.45 * np.stack(waves, -1), np.float32)
    rgb.flags.writeable = False
    return rgb


def as_the_library_says(folder: Path, rgb: NDArray[np.float32]) -> tuple[NDArray[Any], Any]:
    """predicted_depth by the three calls of the library's own documentation."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    network = transformers.AutoModelForDepthEstimation.from_pretrained(folder).eval()
    with torch.no_grad():
        answer = network(**processor(images=rgb * 255, return_tensors="pt"))
    sizes = {"source_sizes": [rgb.shape[:2]]} if "ZoeDepth" in type(processor).__name__ else {}
    found = processor.post_process_depth_estimation(answer, **sizes)
    return found[0]["predicted_depth"].numpy(), answer


@pytest.mark.parametrize("name", FAMILIES)
def test_the_answer_is_the_librarys_own(
    saved: Callable[[str], Path], name: str, float32: None
) -> None:
    shape = {"glpn": (128, 160), "dpt-dinov2": (126, 154)}.get(name, (60, 84))
    model = TransformersModel(CPU, str(saved(name)))
    rgb = photo(*shape)
    seen = model.look(rgb, 100.0, CPU)
    theirs, answer = as_the_library_says(saved(name), rgb)
    assert seen.inverse.dtype == np.float32
    assert seen.inverse.shape == theirs.shape
    if name == "depth-pro":
        canonical = answer.predicted_depth[0].numpy()
        expected = canonical * 84 / 100.0
    elif name == "prompt-depth-anything":
        near, far = np.percentile(theirs, (2, 98))
        expected = 1 / (1 + (FAR_OVER_NEAR - 1) * np.maximum((theirs - near) / (far - near), 0))
    elif name in METRIC:
        expected = 1 / np.maximum(theirs, 1e-3 * np.median(theirs[theirs > 0]))
    else:
        expected = theirs
    assert expected.max() > 1.05 * expected.min()  # not flat: a mirrored map would show
    np.testing.assert_allclose(seen.inverse, expected, rtol=2e-3, atol=1e-4 * expected.max())
    assert model.info.metric is (name in METRIC)


def test_a_known_head_gives_known_metres(tmp_path: Path) -> None:
    """Where the head's weights are zero only its last bias speaks: half of max_depth."""
    heads = {
        "depth-anything-metric": ("head.conv3", 20.0),
        "glpn": ("head.head.2", 10.0),
    }
    for name, (layer, max_depth) in heads.items():
        folder = FAMILIES[name](tmp_path / name)
        network = transformers.AutoModelForDepthEstimation.from_pretrained(folder)
        last = network.get_submodule(layer)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        network.save_pretrained(folder)
        seen = TransformersModel(CPU, str(folder)).look(photo(60, 84), None, CPU)
        np.testing.assert_allclose(seen.inverse, 1 / (0.5 * max_depth), rtol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("shape", [(17, 23), (1, 1), (3000, 200), (40, 3000)])
def test_every_size_is_seen(
    saved: Callable[[str], Path], name: str, shape: tuple[int, int]
) -> None:
    model = TransformersModel(CPU, str(saved(name)))
    rgb = photo(*shape)
    grey = np.repeat(rgb[..., :1], 3, 2)
    inverse = model.look(grey if shape == (17, 23) else rgb, None, CPU).inverse
    assert inverse.ndim == 2
    assert np.isfinite(inverse).all()
    assert inverse.min() >= 0
    # Strips are shown at about the area of a picture three times as long as high.
    limit = 4 * PIXELS if name in ("glpn", "dpt-dinov2") else 16 * 3 * model.side**2
    assert inverse.size <= limit


def test_a_photo_far_too_large_is_shrunk_first(saved: Callable[[str], Path], float32: None) -> None:
    """What is shown differs from the library's only by a better filter."""
    model = TransformersModel(CPU, str(saved("depth-anything")))
    rgb = photo(900, 1200)
    seen = model.look(rgb, None, CPU).inverse
    theirs, _ = as_the_library_says(saved("depth-anything"), rgb)
    assert seen.shape == theirs.shape
    assert np.abs(seen - theirs).mean() < 0.02 * theirs.mean()


def test_depth_pro_sees_the_focal_length(saved: Callable[[str], Path], float32: None) -> None:
    folder = saved("depth-pro")
    model = TransformersModel(CPU, str(folder))
    rgb = photo(60, 84)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    _, answer = as_the_library_says(folder, rgb)
    theirs = processor.post_process_depth_estimation(answer, target_sizes=[(60, 84)])[0]
    seen = model.look(rgb, None, CPU)
    assert seen.focal_px == pytest.approx(float(theirs["focal_length"]), rel=1e-3)
    known = model.look(rgb, 42.0, CPU)
    assert known.focal_px is None
    np.testing.assert_allclose(known.inverse * 42.0, seen.inverse * seen.focal_px, rtol=1e-3)


def test_depth_pro_without_its_field_of_view(tmp_path: Path) -> None:
    model = TransformersModel(CPU, str(tiny.depth_pro(tmp_path, fov=False)))
    rgb = photo(60, 84)
    seen = model.look(rgb, None, CPU)
    assert seen.focal_px is None
    guessed = Camera.guess(84, 60).focal_px
    np.testing.assert_allclose(seen.inverse, model.look(rgb, guessed, CPU).inverse, rtol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_half_precision_leaves_no_steps(
    saved: Callable[[str], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight bits would leave some hundred different depths in a map of thousands."""
    rgb, seen = photo(60, 84), {}
    for dtype in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(transformers_depth, "precision", lambda device, dtype=dtype: dtype)
        model = TransformersModel(CPU, str(saved(name)))
        seen[dtype] = model.look(rgb, 100.0, CPU).inverse
    full, half = seen.values()
    assert half.dtype == np.float32
    assert len(np.unique(half)) > 0.9 * len(np.unique(full))
    assert np.corrcoef(full.ravel(), half.ravel())[0, 1] > 0.9


def test_the_record_of_an_unlisted_model(tmp_path: Path) -> None:
    folder = tiny.depth_anything(tmp_path)
    model = TransformersModel(CPU, str(folder))
    weights = (folder / "model.safetensors").read_bytes()
    assert model.weights_sha256 == hashlib.sha256(weights).hexdigest()
    assert model.info.size_mb == round(len(weights) / 1e6, 1)
    assert (model.info.licence, model.info.commercial) == ("unknown", False)
    card = "---\ntags:\n- depth\nlicense: {}\n---\n# A model\nlicense: mit\n"
    for words, licence, commercial in (
        ("apache-2.0", "apache-2.0", True),
        ("cc-by-nc-4.0", "cc-by-nc-4.0", False),
        ("other\nlicense_name: apple-amlr", "apple-amlr", False),
    ):
        (folder / "README.md").write_text(card.format(words), encoding="utf-8")
        info = TransformersModel(CPU, str(folder)).info
        assert (info.licence, info.commercial) == (licence, commercial)
    assert model.stamp["weights_sha256"] == model.weights_sha256


def test_weights_may_lie_elsewhere(tmp_path: Path) -> None:
    folder = tiny.depth_anything(tmp_path / "model")
    model = TransformersModel(Context(device="cpu", weights=folder), "owner/name")
    assert model.look(photo(30, 40), None, CPU).inverse.max() > 0
    with pytest.raises(ModelError, match=r"--weights .* is a folder of files"):
        TransformersModel(Context(weights=folder / "model.safetensors"), "owner/name")


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])


def _edit(folder: Path, name: str, **values: Any) -> None:
    told = json.loads((folder / name).read_text(encoding="utf-8"))
    told = {key: value for key, value in {**told, **values}.items() if value is not None}
    (folder / name).write_text(json.dumps(told), encoding="utf-8")


def _write(folder: Path, told: dict[str, Any]) -> None:
    (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")


def _lacking(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    del state["head.conv3.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_pickled, r"has no \*.safetensors; other weights can carry code"),
        (_cut, "cannot be loaded"),
        (lambda f: (f / "model.safetensors").write_bytes(b""), "cannot be loaded"),
        (_lacking, "weights lack 1 tensors, the first head.conv3.weight"),
        (
            lambda f: _edit(f, "config.json", head_hidden_size=6),
            "weights misfit 3 tensors, the first head",
        ),
        (lambda f: _write(f, {"model_type": "chmv2"}), "'chmv2' answers is not known"),
        (lambda f: _write(f, {"model_type": "bert"}), "'bert' answers is not known"),
        (lambda f: _edit(f, "config.json", model_type="nonsense"), "cannot be loaded"),
        (lambda f: _edit(f, "config.json", depth_estimation_type="both"), "cannot be loaded"),
        (lambda f: (f / "config.json").write_text("{"), "cannot be loaded"),
        (lambda f: (f / "config.json").unlink(), "cannot be loaded"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "cannot be loaded"),
    ],
)
def test_a_model_that_will_not_do_is_refused_in_one_line(
    saved: Callable[[str], Path], tmp_path: Path, spoil: Callable[[Path], Any], words: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved("depth-anything"), folder)
    spoil(folder)
    with pytest.raises(ModelError) as refusal:
        TransformersModel(CPU, str(folder))
    assert re.search(words, str(refusal.value))
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_code_that_a_model_brings_is_not_run(saved: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved("depth-anything"), folder)
    ran = tmp_path / "ran"
    (folder / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Evil: ...\n")
    for name in ("config.json", "preprocessor_config.json"):
        classes = ("AutoConfig", "AutoModelForDepthEstimation", "AutoImageProcessor")
        _edit(folder, name, auto_map=dict.fromkeys(classes, "evil.Evil"))
    with suppress(ModelError):
        TransformersModel(CPU, str(folder))
    assert not ran.exists()


@pytest.mark.parametrize("source", ["no/such/folder", "./here", "name", "a/b/c", "../x"])
def test_what_is_neither_folder_nor_repository(source: str) -> None:
    with pytest.raises(ModelError, match="is neither a folder nor a hub repository"):
        TransformersModel(CPU, source)


def test_nothing_is_printed(
    saved: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    TransformersModel(CPU, str(saved("dpt"))).look(photo(40, 30), None, CPU)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["depth-anything", "zoedepth", "depth-pro"])
def test_photos_seen_together_have_the_depth_they_have_alone(
    name: str, saved: Callable[[str], Path], float32: None
) -> None:
    """Two of one size go through the network at once, the third by itself."""
    photos = [
        Photo(photo(*shape), Camera.guess(shape[1], shape[0]))
        for shape in ((60, 80), (60, 80), (80, 60))
    ]
    model = TransformersModel(CPU, str(saved(name)))
    alone = [model.look(*model._as_shown(each, CPU), CPU) for each in photos]
    model.look_ahead(photos, CPU)
    for one, look in zip(photos, alone, strict=True):
        together = model._seen[one]
        rounding = 1e-3 * float(look.inverse.max())
        np.testing.assert_allclose(together.inverse, look.inverse, rtol=0, atol=rounding)
        assert (together.focal_px is None) is (look.focal_px is None)
        assert together.focal_px is None or np.isclose(together.focal_px, look.focal_px, rtol=1e-4)
        assert model.estimate(one).shape == one.shape
    assert not model._seen  # what was seen is used, and used once
