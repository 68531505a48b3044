"""A separate package adds an effect through its entry point, and it is everywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

EXAMPLE = Path(__file__).with_name("plugin_example")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment in which the example package is installed beside depthfx."""
    site = tmp_path_factory.mktemp("site")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--disable-pip-version-check",
            "--target",
            str(site),
            str(EXAMPLE),
        ],
        check=True,
    )
    return {**os.environ, "PYTHONPATH": str(site)}


def run(environment, *words, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "depthfx", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        cwd=cwd,
    )


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), np.random.default_rng(3).integers(0, 255, (40, 60, 3), np.uint8))
    return path


def test_it_is_listed_with_its_summary(environment):
    listed = run(environment, "effects").stdout
    assert "sepia" in listed
    assert "Tone the picture like an old print." in listed


def test_it_is_a_command_and_a_link_of_apply(environment, photo, tmp_path):
    direct = run(environment, "sepia", photo, "--strength", "0.5", "-o", tmp_path / "direct.png")
    assert direct.returncode == 0, direct.stderr
    chained = run(
        environment, "apply", photo, "sepia", "--strength", "0.5", "-o", tmp_path / "chained.png"
    )
    assert chained.returncode == 0, chained.stderr
    a, b = (cv2.imread(str(tmp_path / name)) for name in ("direct.png", "chained.png"))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a.astype(int) - cv2.imread(str(photo))).max() > 20


def test_it_stands_in_recipes(environment, photo, tmp_path):
    recipe = tmp_path / "old.toml"
    recipe.write_text('depthfx = 1\n[[effect]]\nname = "sepia"\nstrength = 0.5\n')
    done = run(
        environment, "apply", "--recipe", recipe, photo, "-o", tmp_path / "out.png", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["written"] == [str(tmp_path / "out.png")]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--strength", "2"], "strength=2 is outside 0 to 1"),
        (["--strength", "nan"], "strength=nan is outside 0 to 1"),
        (["--strenght", "1"], "--strength"),
    ],
)
def test_its_parameters_are_checked_on_the_command_line(environment, photo, words, answer):
    refused = run(environment, "sepia", photo, *words)
    assert refused.returncode == 2
    assert answer in refused.stderr
    assert "Traceback" not in refused.stderr


def test_it_is_checked_in_recipes_and_python(environment, photo, tmp_path):
    recipe = tmp_path / "bad.toml"
    recipe.write_text('depthfx = 1\n[[effect]]\nname = "sepia"\nstrenght = 0.5\n')
    refused = run(environment, "apply", "--recipe", recipe, photo)
    assert refused.returncode == 2
    assert "did you mean 'strength'" in refused.stderr
    code = (
        "from depthfx.registry import effect_class\n"
        "from depthfx.errors import ParameterError\n"
        "try: effect_class('sepia')(strength=9)\n"
        "except ParameterError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert "outside 0 to 1" in said


def test_it_is_limited_to_a_part_like_any_other(environment, photo, tmp_path):
    depth, out = tmp_path / "depth.npy", tmp_path / "part.png"
    np.save(depth, np.repeat(np.array([[1, 4]], np.float32), 30, axis=1).repeat(40, axis=0))
    words = ["--where", "..2m", "--depth", depth, "--depth-unit", "m", "-o", out]
    done = run(environment, "sepia", photo, *words)
    assert done.returncode == 0, done.stderr
    assert "where ..2m: " in done.stderr
    before, after = (cv2.imread(str(path)).astype(int) for path in (photo, out))
    np.testing.assert_array_equal(after[:, 32:], before[:, 32:])
    assert np.abs(after[:, :28] - before[:, :28]).max() > 20
    refused = run(environment, "sepia", photo, "--where", "2m")
    assert refused.returncode == 2
    assert "sepia: where='2m': expected '..'" in refused.stderr
