"""The script is run by Blender itself where there is one: `blender` on the path, or a Python with
the package bpy, named by DEPTHFX_BPY_PYTHON or this one. Frames are rendered by Cycles."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
from by_hand import NASTY_NAMES, depth_of, layers_by_hand, orbit_shot, places_expected, still_shot

from depthfx.export import blender
from depthfx.export.cards import cards_of
from depthfx.layers.over import composite
from depthfx.photo.colour import srgb_space

CHECK = Path(__file__).with_name("run_in_blender.py")


def command():
    """How to run a script with bpy; None: there is no Blender."""
    named = os.environ.get("DEPTHFX_BPY_PYTHON")
    if named:
        return [named, str(CHECK)]
    if importlib.util.find_spec("bpy"):
        return [sys.executable, str(CHECK)]
    found = shutil.which("blender")
    return [found, "-b", "--factory-startup", "-P", str(CHECK), "--"] if found else None


def told_by_blender(folder, frames, picture="none", engine="none"):
    run = command()
    if run is None:
        pytest.skip("there is no Blender: set DEPTHFX_BPY_PYTHON to a Python that has bpy")
    done = subprocess.run(
        [*run, str(folder), ",".join(map(str, frames)), str(picture), engine],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    [line] = [x for x in done.stdout.splitlines() if x.startswith("TOLD ")]
    return json.loads(line.removeprefix("TOLD "))


def exported(folder, layers, shot):
    folder.mkdir(exist_ok=True)
    blender.export(layers, shot, folder, depth=depth_of(layers))
    return folder


def table_of(script):
    """The value that the script gives to SHOT, read without running it."""
    [value] = [
        node.value
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "SHOT"
    ]
    return ast.literal_eval(value)


@pytest.mark.slow
@pytest.mark.parametrize("off_centre", [False, True])
def test_blender_sees_the_cards_where_the_photo_shows_them(tmp_path, off_centre):
    layers, shot = layers_by_hand(3, off_centre=off_centre), orbit_shot(focused=True)
    told = told_by_blender(exported(tmp_path, layers, shot), range(1, shot.frames + 1))
    assert told["size"] == [shot.width, shot.height]
    assert told["frames"] == [1, shot.frames]
    assert told["fps"] == pytest.approx(shot.fps)
    assert told["parent"] == "Fly"
    keys = shot.move.sampled(shot.frames)
    for look, key in zip(told["looks"], keys, strict=True):
        for card in cards_of(layers):
            expected = places_expected(layers, shot, card, key.pose)
            np.testing.assert_allclose(look["places"][card.layer.name], expected, atol=0.05)
        distance, f_number, focal_mm = look["dof"]
        assert distance * key.focus_seen_inverse == pytest.approx(1, rel=1e-4)
        assert focal_mm / f_number == pytest.approx(1000 * key.aperture_m, rel=1e-4)


@pytest.mark.slow
def test_blender_renders_the_photo(tmp_path):
    layers = layers_by_hand(8, smooth=True)
    folder = exported(tmp_path / "made", layers, still_shot(layers))
    folder = shutil.move(folder, tmp_path / "moved elsewhere")
    told = told_by_blender(folder, [1], tmp_path / "frame.png", "CYCLES")
    assert told["view"] == "Standard"
    frame = cv2.imread(str(tmp_path / "frame.png"))[..., ::-1].astype(int)
    photo = srgb_space().encode(composite(layers)[0], 8).astype(int)
    off = np.abs(frame - photo).max(axis=2)
    # An edge between two pixels is filtered across them; what is even is the photo's.
    even = cv2.morphologyEx(photo.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))).max(2) == 0
    assert even.mean() > 0.2
    assert off[even].max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NASTY_NAMES)
def test_blender_takes_names_of_any_letters(tmp_path, name):
    layers = layers_by_hand(2, name=name)
    told = told_by_blender(exported(tmp_path, layers, orbit_shot(name=name)), [1])
    assert len(told["looks"][0]["places"]) == 2
    assert sorted(told["pictures"]) == ["layer_1.exr", "layer_2.exr"]


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_names_are_only_ever_text(name):
    text = blender.script(layers_by_hand(2, name=name), orbit_shot(name=name))
    told = table_of(text)
    letters = [c for c in name if c.isalnum()]
    for shown in (told["name"], told["cards"][0]["name"]):
        assert [c for c in shown if c.isalnum()] == letters


def test_only_what_changes_is_keyed():
    layers = layers_by_hand(2)
    still = table_of(blender.script(layers, still_shot(layers)))
    assert still["moving"] == still["moving_lens"] == []
    told = table_of(blender.script(layers, orbit_shot(focused=True)))
    assert told["moving"] == ["location", "rotation_quaternion"]
    assert told["moving_lens"] == ["lens", "dof.focus_distance", "dof.aperture_fstop"]


def test_pictures_are_the_layers_premultiplied(tmp_path):
    layers = layers_by_hand(2)
    exported(tmp_path, layers, still_shot(layers))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["layers", "scene.glb", "shot.py"]
    for index, layer in enumerate(layers.layers):
        with OpenEXR.File(str(tmp_path / "layers" / f"layer_{index + 1}.exr")) as file:
            assert file.header()["dataWindow"][0].tolist() == [0, 0]
            rgba = file.channels()["RGBA"].pixels
        light = np.dstack([layer.pixels * layer.alpha[..., None], layer.alpha])
        np.testing.assert_allclose(rgba, light, rtol=2**-11, atol=2**-25)


def test_the_script_says_if_its_lengths_are_no_metres():
    assert table_of(blender.script(layers_by_hand(1), orbit_shot()))["unit"] == "metres"
    relative = layers_by_hand(1, metric=False)
    assert "relative" in table_of(blender.script(relative, orbit_shot()))["unit"]
