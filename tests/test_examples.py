"""What README and samples show really runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthfx.movie.files import write_movie
from depthfx.recipe import read_recipe

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"


@pytest.fixture
def folder(tmp_path):
    shutil.copy(SAMPLES / "coffee.jpg", tmp_path / "photo.jpg")
    return tmp_path


def python(*words, cwd):
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, capture_output=True, text=True
    )


def test_the_readmes_python_runs(folder):
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    done = python("-c", block, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert Image.open(folder / "out.jpg").size == Image.open(folder / "photo.jpg").size


def shown_commands():
    """The indented `depthfx` lines of the README that name photo.jpg alone."""
    lines = (ROOT / "README.md").read_text().splitlines()
    words = [shlex.split(line, comments=True) for line in lines if line.startswith("    depthfx ")]
    left_out = {"mine.png", "*.jpg", "--watch"}  # what only its user has, or ends
    return [w[1:] for w in words if left_out.isdisjoint(w)]


def test_the_readme_shows_commands():
    assert len(shown_commands()) >= 5


@pytest.mark.parametrize("words", shown_commands(), ids=" ".join)
def test_the_readmes_commands_run(folder, words):
    if words[0] == "batch":
        shutil.copy(SAMPLES / "look.toml", folder)
        (folder / "wedding").mkdir()
        shutil.copy(folder / "photo.jpg", folder / "wedding")
    if "film.mov" in words:
        small = np.asarray(Image.open(folder / "photo.jpg").resize((96, 64)))
        write_movie(folder / "film.mov", [small] * 3, (96, 64), 25, count=3)
    done = python("-m", "depthfx", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_sample_script_runs(folder):
    done = python(SAMPLES / "from_python.py", "photo.jpg", "out.jpg", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "out.jpg" in done.stdout
    assert (folder / "out.jpg").exists()


def test_the_sample_recipe_reads():
    assert [effect.name for effect in read_recipe(SAMPLES / "look.toml").effects] == ["portrait"]


@pytest.mark.parametrize("name", ["portrait", "cat", "coffee"])
def test_every_sample_photo_is_credited(name):
    assert f"`{name}.jpg`" in (SAMPLES / "README.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "samples/README.md"])
def test_every_link_leads_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), target
