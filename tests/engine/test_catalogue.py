"""The catalogue's records, how names become models, and what commercial use forbids."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_models

from depthfx import registry
from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.engine import catalogue, find
from depthfx.engine.catalogue import Entry, entries
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.engine.onnx.description import read_description
from depthfx.errors import ModelError
from depthfx.photo.photo import Photo
from depthfx.scene import Scene

NAMES = list(entries())
PERMISSIVE = ("Apache-2.0", "MIT")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny Depth Anything under a licence that its card names."""
    made = tiny_models.depth_anything(tmp_path_factory.mktemp("models") / "tiny")
    (made / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    return made


@pytest.fixture
def photo():
    pixels = np.random.default_rng(4).random((48, 64, 3), dtype=np.float32)
    return Photo(pixels, Camera.guess(64, 48))


@pytest.mark.parametrize("name", NAMES)
def test_every_record_says_what_may_be_done(name):
    entry = entries()[name]
    info = entry.info
    assert info.name == name
    assert info.summary
    assert info.licence
    assert info.size_mb > 0
    assert info.reason, "why commercial use is allowed or not"
    assert entry.repository or info.source
    assert re.fullmatch("([0-9a-f]{64})?", info.checksum)
    assert entry.backend in (*find.BACKENDS, "built in", "faces")
    if info.commercial:
        assert info.licence.startswith(PERMISSIVE)
    if entry.repository:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repository)
        assert info.licence_link.startswith("https://")


def test_both_homes_of_depth_pro_are_named():
    info = entries()["depth-pro"].info
    assert not info.commercial
    assert "github.com/apple/ml-depth-pro" in info.licence_note
    assert "huggingface.co/apple/DepthPro" in info.licence_note


@pytest.mark.parametrize("name", [name for name in registry.model_names() if name in NAMES])
def test_the_catalogue_agrees_with_the_models_themselves(name):
    listed, own = entries()[name].info, registry.model_class(name).info
    assert (listed.licence, listed.commercial, listed.metric) == (
        own.licence,
        own.commercial,
        own.metric,
    )


@pytest.mark.parametrize("name", [name for name in NAMES if entries()[name].backend == "onnx"])
def test_descriptions_agree_with_the_catalogue(name):
    entry = entries()[name]
    if not entry.is_ready:
        with pytest.raises(ModelError, match=r"docs/onnx-models\.md"):
            find.model(name)
        return
    told = read_description(catalogue.DESCRIPTIONS / f"{name}.toml")
    assert told.name == name
    assert told.weights.repository == entry.repository
    assert told.weights.file == entry.file
    assert (told.weights.sha256 or "") == entry.info.checksum
    assert told.output.metric == entry.info.metric
    assert told.commercial == entry.info.commercial


def test_reading_the_catalogue_imports_no_library_of_networks():
    code = (
        "import sys; from depthfx.engine import catalogue\n"
        "[entry.here for entry in catalogue.entries().values()]\n"
        "print([m for m in ('torch', 'transformers', 'onnxruntime', 'cv2') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("embeded", "did you mean 'embedded'"),
        ("depth-anythin-v2-small", "did you mean 'depth-anything-v2-small'"),
        ("qqq", "depthfx models list"),
        ("hf:", "depthfx models list"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(name, hint):
    with pytest.raises(ModelError, match=hint):
        find.model(name)


def test_a_folder_is_a_model_loaded_once_per_context(folder, photo):
    context = Context()
    found = find.model(f"hf:{folder}", context)
    assert find.model(f"hf:{folder}", context) is found
    assert find.model(f"hf:{folder}", replace(context, memory_limit_gb=2.0)) is not found
    assert found.info.licence == "mit"
    depth = find.find_depth(photo, replace(context, model=f"hf:{folder}"))
    assert depth.shape == (48, 64)
    assert not depth.metric
    assert depth.stamp["model"] == f"hf:{folder}"
    assert re.fullmatch("[0-9a-f]{64}", depth.stamp["weights_sha256"])


def test_a_name_of_the_catalogue_is_run_by_its_backend(folder, photo, monkeypatch):
    info = replace(entries()["depth-anything-v2-small"].info, name="tiny", checksum="")
    known = {"tiny": Entry(info, "transformers", str(folder), "model.safetensors")}
    monkeypatch.setattr(find, "entries", lambda: known)
    found = find.model("tiny")
    assert found.estimate(photo).stamp["licence"] == info.licence
    known["tiny"] = replace(known["tiny"], info=replace(info, checksum="ab" * 32))
    with pytest.raises(ModelError, match=f"tiny: its weights have SHA-256 .*{'ab' * 32}"):
        find.model("tiny")


def test_the_embedded_depth_says_what_made_it(photo):
    stamp = find.find_depth(photo, Context()).stamp
    assert stamp == {
        "model": "embedded",
        "weights_sha256": EmbeddedModel.info.checksum,
        "licence": EmbeddedModel.info.licence,
    }


NOT_COMMERCIAL = [name for name in NAMES if not entries()[name].info.commercial]


@pytest.mark.parametrize("name", [name for name in NOT_COMMERCIAL if name != "embedded"])
def test_commercial_use_is_refused_with_the_reason_and_what_is_allowed(name):
    with pytest.raises(ModelError) as caught:
        find.model(name, Context(commercial_only=True))
    said = str(caught.value)
    for word in (name, entries()[name].info.reason, "--depth", "depth-anything-v2-small"):
        assert word in said
    assert "\n" not in said


def test_commercial_use_of_a_folder_is_as_its_card_says(folder, tmp_path):
    context = Context(commercial_only=True)
    assert find.model(f"hf:{folder}", context).info.commercial
    for licence in ("cc-by-nc-4.0", None):
        (tmp_path / "README.md").write_text(f"---\nlicense: {licence}\n---\n" if licence else "")
        with pytest.raises(ModelError, match=licence or "unknown"):
            find.model(f"hf:{tmp_path}", context)
    (tmp_path / "README.md").unlink()
    with pytest.raises(ModelError, match="shows no licence"):
        find.model(f"hf:{tmp_path}", context)


def test_commercial_use_is_refused_though_the_model_is_loaded(folder):
    """What is in the cache for other use is not handed out."""
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    context = Context()
    find.model(f"hf:{folder}", context)
    with pytest.raises(ModelError, match="--commercial-only"):
        find.model(f"hf:{folder}", replace(context, commercial_only=True))


def test_given_depth_is_always_allowed():
    scene = Scene.from_arrays(
        np.zeros((8, 8, 3), np.float32),
        inverse=np.ones((8, 8), np.float32),
        context=Context(commercial_only=True),
    )
    assert scene.depth.metric


def test_the_matte_leaves_device_and_weights_to_the_model_of_the_depth(photo, tmp_path):
    context = Context(model="depth-pro", device="cuda", weights=tmp_path / "depth_pro.pt")
    assert find.find_matte(photo, context).shape == photo.shape
    assert find.matte_stamp(context)["matte_model"] == "embedded"
    assert find.matte_stamp(Context()) == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_the_same_table(name):
    page = Path(__file__).parents[2] / "docs" / "models.md"
    (row,) = [line for line in page.read_text().splitlines() if line.startswith(f"| `{name}` | ")]
    info = entries()[name].info
    depth, size, _, licence, use, summary = (cell.strip() for cell in row.split("|")[2:-1])
    assert depth == entries()[name].answer
    assert size == f"{info.size_mb:g}"
    assert info.licence in licence
    assert info.licence_link in licence
    assert use == f"{'yes' if info.commercial else 'no'}: {info.reason}"
    assert summary == info.summary
