"""`depthfx models`: listed, described, fetched, refused; and a fetched model at work."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "engine"))
import tiny_models
from hub_server import Hub, running

from depthfx.engine.catalogue import entries

REPOSITORY = "someone/some-depth"


def run(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "depthfx", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "0", "OMP_NUM_THREADS": "1", **environment},
    )


def failed(result, *words):
    """It failed with one line that holds `words`."""
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr
    return result


@pytest.fixture
def empty(tmp_path):
    """The environment of a user who has downloaded nothing."""
    home = tmp_path / "hf"
    return {"HF_HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "HF_HUB_DISABLE_XET": "1"}


def test_the_list_names_every_model_with_its_licence(empty):
    said = run("models", "list", **empty).stdout.splitlines()
    assert len(said) == len(entries()) + 1
    for name, entry in entries().items():
        (row,) = [line for line in said if line.split()[0] == name]
        assert entry.info.licence.partition(" (")[0].partition(",")[0] in row
    assert "yes" in said[1]


def test_the_list_can_be_only_what_allows_commercial_use(empty):
    listed = json.loads(run("models", "list", "--commercial-only", "--json", **empty).stdout)
    assert {model["name"] for model in listed} == {
        name for name, entry in entries().items() if entry.info.commercial
    }
    assert all(model["commercial"] for model in listed)


def test_listing_loads_no_library_of_networks(empty):
    code = (
        "import sys; from depthfx.cli import cli\n"
        "cli.main(['models', 'list'], prog_name='depthfx', standalone_mode=False)\n"
        "heavy = ('torch', 'transformers', 'onnxruntime', 'cv2', 'pydantic')\n"
        "print([m for m in heavy if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **empty}
    )
    assert said.stdout.splitlines()[-1] == "[]"


def test_one_model_is_described_in_full(empty):
    said = run("models", "show", "depth-pro", **empty).stdout
    for word in ("ml-depth-pro", "apple-amlr", "models pull depth-pro", "DepthPro-hf"):
        assert word in said
    facts = json.loads(run("models", "show", "depth-anything-v2-small", "--json", **empty).stdout)
    assert facts["commercial"] is True
    assert facts["here"] is None
    failed(run("models", "show", "depth-prp", **empty), "did you mean 'depth-pro'")


def test_nothing_is_fetched_for_the_model_that_comes_along(empty):
    done = run("models", "pull", "embedded", **empty)
    assert done.returncode == 0
    assert "inside the package" in done.stderr


def test_a_fetched_model_is_listed_as_here(empty):
    name = "zoedepth"
    files = {"model.safetensors": b"w" * 5000, "config.json": b"{}", "pytorch_model.bin": b"no"}
    with running(Hub({entries()[name].repository: files})) as hub:
        done = run("models", "pull", name, HF_ENDPOINT=hub.url, **empty)
        assert done.returncode == 0, done.stderr
    for word in ("1380 MB", "MIT", "commercial use: yes"):
        assert word in done.stderr
    folder = Path(done.stdout.strip())
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "config.json"}
    facts = json.loads(run("models", "show", name, "--json", **empty).stdout)
    assert facts["here"] == str(folder / "model.safetensors")


def test_weights_that_the_catalogue_does_not_know_are_not_taken_for_the_model(empty):
    name = "depth-anything-v2-small"
    files = {"model.safetensors": b"w" * 5000, "config.json": b"{}"}
    with running(Hub({entries()[name].repository: files})) as hub:
        pulled = run("models", "pull", "-q", name, HF_ENDPOINT=hub.url, **empty)
    known = entries()[name].info.checksum
    failed(pulled, name, hashlib.sha256(files["model.safetensors"]).hexdigest(), known)


def test_a_model_is_fetched_when_it_is_first_used_and_works_offline_then(empty, tmp_path):
    made = tiny_models.onnx_mix(tmp_path / "made", [[0.1, 0.2, 0.3]], 0.1)
    told = tiny_models.describe(
        tmp_path, weights={"repository": REPOSITORY}, licence="mit", commercial=True
    )
    photo, out = tmp_path / "photo.png", tmp_path / "out.png"
    cv2.imwrite(str(photo), np.random.default_rng(3).integers(0, 255, (40, 60, 3), np.uint8))
    asked = ("--model", f"onnx:{told}", "--commercial-only", "--focus-xy", "0.5,0.5", "--overwrite")
    with running(Hub({REPOSITORY: {"model.onnx": made.read_bytes()}})) as hub:
        done = run("bokeh", photo, "-o", out, *asked, HF_ENDPOINT=hub.url, **empty)
        assert done.returncode == 0, done.stderr
        assert len(hub.asked) == 1
    first = out.read_bytes()
    done = run("bokeh", photo, "-o", out, *asked, **{**empty, "HF_HUB_OFFLINE": "1"})
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == first
    for word in ('Model="tiny"', 'Licence="mit"', hashlib.sha256(made.read_bytes()).hexdigest()):
        assert word.encode() in first


def test_a_pull_that_was_killed_goes_on_where_it_stopped(empty, tmp_path):
    weights = np.random.default_rng(5).bytes(8_000_000)
    with running(Hub({REPOSITORY: {"model.safetensors": weights}}, delay_s=0.05)) as hub:
        environment = {**os.environ, **empty, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-m", "depthfx", "models", "pull", f"hf:{REPOSITORY}"]
        pulling = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        blobs = Path(empty["HF_HOME"]) / "hub" / "models--someone--some-depth" / "blobs"
        deadline = time.monotonic() + 120
        while not any(p.stat().st_size > 1_000_000 for p in blobs.glob("*.incomplete")):
            assert pulling.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pulling.send_signal(signal.SIGKILL)
        pulling.wait()
        (part,) = blobs.glob("*.incomplete")
        had = part.stat().st_size
        hub.asked.clear()
        hub.delay_s = 0.0
        done = run("models", "pull", f"hf:{REPOSITORY}", HF_ENDPOINT=hub.url, **empty)
        assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == weights
    assert ("model.safetensors", f"bytes={had}-", len(weights) - had) in hub.asked


def test_what_cannot_be_fetched_is_said_in_one_line(empty):
    with running(Hub({})) as hub:
        there = {"HF_ENDPOINT": hub.url, **empty}
        failed(run("models", "pull", "-q", "hf:no/body", **there), "no/body", "check its name")
        failed(run("models", "pull", "-q", "onnx:x.toml", **there), "onnx:x.toml")
        failed(run("models", "pull", "-q", "depth-any", **there), "depth-any")
        failed(run("models", "pull", "-q", "unidepth-v2-large", **there), "docs/onnx-models.md")
    offline = run("models", "pull", "-q", "zoedepth", **{**empty, "HF_HUB_OFFLINE": "1"})
    failed(offline, "HF_HUB_OFFLINE", "models pull zoedepth")


def test_commercial_use_takes_the_clean_weights_on_the_command_line(tmp_path, empty):
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), np.zeros((20, 30, 3), np.uint8))
    done = run("bokeh", photo, "--commercial-only", **empty)
    assert done.returncode == 0, done.stderr
    assert "embedded-clean network" in done.stderr
    weights = tmp_path / "own.onnx"
    weights.write_bytes(b"")
    other = run("bokeh", photo, "--commercial-only", "--overwrite", "--weights", weights, **empty)
    failed(other, "--commercial-only")


@pytest.mark.parametrize("size", ["6x", "0", "-1GB", "nan", "GB"])
def test_a_size_of_memory_that_is_none_is_refused(tmp_path, size):
    refused = run("bokeh", tmp_path / "photo.png", f"--memory-limit={size}")
    assert refused.returncode == 2
    assert "6GB" in refused.stderr


def test_sizes_of_memory_are_read_in_both_units():
    from depthfx.cli.options import gigabytes

    said = [gigabytes(None, None, text) for text in ("6", "6GB", "6.5 gb", "800MB", None)]
    assert said == [6.0, 6.0, 6.5, 0.8, None]
