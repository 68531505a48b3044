"""The `layers` effect: from a scene to a folder that a program opens."""

import json
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

import depthfx
from depthfx.context import Context
from depthfx.errors import Cancelled, ParameterError, PhotoError
from depthfx_effects import Bokeh, DepthPicture, Layers

HEIGHT, WIDTH = 96, 128


def two_planes(context=None):
    """A textured square at 1 m before a textured wall at 4 m."""
    rng = np.random.default_rng(3)
    pixels = cv2.resize(rng.random((24, 32, 3), np.float32), (WIDTH, HEIGHT))
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[30:70, 40:90] = 1.0
    matte = (inverse > 0.5).astype(np.float32)
    return depthfx.Scene.from_arrays(
        pixels, inverse=inverse, focal_px=120.0, matte=matte, context=context
    )


def opened(folder):
    """The layers of a folder for After Effects laid over each other, in 16-bit codes."""
    facts = json.loads((folder / "depthfx.json").read_text(encoding="utf-8"))
    shown = np.zeros((HEIGHT, WIDTH, 3))
    for layer in facts["layers"]:
        codes = cv2.imread(str(folder / "footage" / f"{layer['name']}.png"), cv2.IMREAD_UNCHANGED)
        assert codes.dtype == np.uint16
        top, left = max(-layer["top"], 0), max(-layer["left"], 0)
        codes = codes[top:, left:]
        y, x = max(layer["top"], 0), max(layer["left"], 0)
        part = shown[y : y + codes.shape[0], x : x + codes.shape[1]]
        codes = codes[: part.shape[0], : part.shape[1]].astype(float)
        alpha = codes[..., 3:] / 65535
        part[:] = alpha * codes[..., 2::-1] + (1 - alpha) * part
    return shown


def codes_of(pixels):
    from depthfx.photo.colour import srgb_space

    return srgb_space().encode(pixels, 16).astype(float)


def test_the_layers_of_a_folder_are_the_photo(tmp_path):
    scene = two_planes()
    cut = Layers()(scene)
    assert [layer.card_inverse for layer in cut.layers.layers] == pytest.approx(
        [0.25, 1.0], rel=0.1
    )
    (written,) = depthfx.save(cut, tmp_path / "shot")
    assert written == tmp_path / "shot"
    error = np.abs(opened(written) - codes_of(scene.photo.pixels)) / 257
    assert error.max() <= 1.0
    assert (written / "photo.jsx").is_file()


def test_a_lens_after_the_cut_blurs_the_layers(tmp_path):
    cut = Layers()(two_planes())
    blurred = Bokeh(aperture_mm=60, focus_m=1.0, grain=0)(cut)
    far, near = blurred.layers.layers
    assert np.abs(near.pixels - cut.layers.layers[1].pixels)[15:25, 15:35].max() < 1e-3
    sharp = cut.layers.layers[0].pixels
    steps = [np.abs(np.diff(pixels, axis=1)).mean() for pixels in (far.pixels, sharp)]
    assert steps[0] < 0.7 * steps[1]
    depthfx.save(blurred, tmp_path / "shot")
    assert np.abs(opened(tmp_path / "shot") - codes_of(blurred.photo.pixels)).mean() / 257 < 6


def test_another_picture_has_to_be_cut_again(tmp_path):
    changed = DepthPicture()(Layers()(two_planes()))
    with pytest.raises(ParameterError, match="layers last"):
        depthfx.save(changed, tmp_path / "shot")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("program", ["after-effects", "nuke", "blender", "fusion"])
def test_every_program_gets_a_folder_with_its_sidecar(tmp_path, program):
    depthfx.save(Layers(for_=program)(two_planes()), tmp_path / "A shot v1.2")
    facts = json.loads((tmp_path / "A shot v1.2" / "depthfx.json").read_text(encoding="utf-8"))
    assert [layer["distance"] for layer in facts["layers"]] == pytest.approx([4.0, 1.0], rel=0.1)
    assert facts["move"] == "push-in"
    assert len(list((tmp_path / "A shot v1.2").iterdir())) >= 2


def test_a_scene_without_breaks_is_one_layer_and_says_so():
    inverse = np.tile(np.linspace(0.2, 1.0, HEIGHT, dtype=np.float32)[:, None], (1, WIDTH))
    pixels = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    scene = depthfx.Scene.from_arrays(
        pixels, inverse=inverse, focal_px=120.0, matte=np.zeros_like(inverse)
    )
    for count in (None, 5):
        cut = Layers(count=count)(scene)
        assert len(cut.layers.layers) == 1
        assert any("break" in note for note in cut.notes)


def test_more_layers_than_the_scene_holds_are_not_made():
    cut = Layers(count=7)(two_planes())
    assert len(cut.layers.layers) == 2
    assert any("no more" in note for note in cut.notes)


def test_a_cancelled_run_leaves_nothing(tmp_path):
    scene = two_planes()
    cut = Layers()(scene)
    stop = threading.Event()

    def progress(stage, done):
        if stage == "writing" and done > 0:
            stop.set()

    context = Context(progress=progress, cancel=stop)
    cut = Layers()(two_planes(context))
    with pytest.raises(Cancelled):
        depthfx.save(cut, tmp_path / "shot")
    assert not any(tmp_path.iterdir())


def test_nothing_is_written_over_without_leave(tmp_path):
    cut = Layers()(two_planes())
    depthfx.save(cut, tmp_path / "shot")
    with pytest.raises(PhotoError, match="--overwrite"):
        depthfx.save(cut, tmp_path / "shot")
    depthfx.save(cut, tmp_path / "shot", overwrite=True)
    (tmp_path / "mine").mkdir()
    with pytest.raises(PhotoError, match="did not write"):
        depthfx.save(cut, tmp_path / "mine", overwrite=True)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    photo = tmp_path / "photo.png"
    codes = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    cv2.imwrite(str(photo), codes)
    command = [sys.executable, "-m", "depthfx", "layers", str(photo), "-o", str(tmp_path / "shot")]
    small = 'ulimit -f 64 && exec "$@"'
    done = subprocess.run(
        ["bash", "-c", small, "bash", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", "")},
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
