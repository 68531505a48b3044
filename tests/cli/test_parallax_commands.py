"""Layers, films and stereo pictures as commands: what cannot be done is told before any work."""

import json
import sys

import cv2
import numpy as np
import pytest

import depthfx
from depthfx.cli import cli
from depthfx.errors import ParameterError, PhotoError, RecipeError
from depthfx_effects import Layers, Photo3D, Stereo

NO_PHOTO = "no-photo.jpg"
"""Is not there: whatever is told instead of that was told before the photo was opened."""


def command(*words):
    """Run a command in this process; raises what `main` would tell in one line."""
    cli.main([str(word) for word in words], standalone_mode=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A photo of a square before a wall with its depth, in the current folder."""
    rng = np.random.default_rng(5)
    picture = cv2.resize(rng.integers(0, 255, (15, 20, 3), np.uint8), (80, 60))
    inverse = np.full((60, 80), 0.25, np.float32)
    inverse[20:50, 25:55] = 1.0
    cv2.imwrite(str(tmp_path / "photo.png"), picture)
    np.savez(tmp_path / "depth.npz", inverse=inverse)
    mask = np.where(inverse > 0.5, 255, 0).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    monkeypatch.chdir(tmp_path)
    return tmp_path


GIVEN = ("photo.png", "--depth", "depth.npz", "--matte", "mask.png", "--overwrite")


@pytest.mark.parametrize(
    ("words", "module", "extra"),
    [
        (("photo3d", NO_PHOTO), "av", "video"),
        (("photo3d", NO_PHOTO, "-o", "film.gif"), "av", "video"),
        (("stereo", NO_PHOTO, "--as", "wiggle"), "av", "video"),
        (("layers", NO_PHOTO, "--for", "photoshop"), "psd_tools", "photoshop"),
    ],
)
def test_a_library_that_is_missing_is_told_before_any_work(
    folder, monkeypatch, words, module, extra
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ParameterError, match=rf"pip install 'depthfx\[{extra}\]'"):
        command(*words)


def test_frames_and_pages_need_no_library_for_films(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    command("photo3d", *GIVEN, "--seconds", "0.04", "-o", "frames", "-q")
    command("photo3d", *GIVEN, "-o", "page.html", "-q")
    assert (folder / "frames" / "frame-0001.png").is_file()
    assert (folder / "page.html").is_file()


def test_what_is_told_is_of_the_file_named_not_of_the_usual_one(folder, capsys):
    command("photo3d", *GIVEN, "-o", "page.html", "--json")
    facts = json.loads(capsys.readouterr().out)
    assert facts["notes"] == ["a page that follows the pointer"]
    assert "frames" not in facts
    assert facts["written"] == ["page.html"]


@pytest.mark.parametrize(
    ("chain", "status"),
    [
        (("layers", "photo3d"), "layers and photo3d each make a file"),
        (("photo3d", "stereo", "--as", "spatial"), "photo3d and stereo each make a file"),
    ],
)
def test_two_that_take_the_pictures_place_are_refused(folder, chain, status):
    with pytest.raises(ParameterError, match=status):
        command("apply", NO_PHOTO, *chain)


def test_a_picture_for_two_eyes_is_not_made_of_what_was_made_for_one(folder):
    scene = depthfx.open("photo.png", depth="depth.npz", matte="mask.png")
    with pytest.raises(ParameterError, match="a command of its own"):
        (Photo3D(as_="html") | Stereo())(scene)


def test_a_scene_that_makes_two_files_in_the_pictures_place_is_not_saved(folder):
    scene = depthfx.open("photo.png", depth="depth.npz", matte="mask.png")
    with pytest.raises(ParameterError, match="photo3d and layers"):
        depthfx.save((Photo3D(as_="html") | Layers())(scene), "out")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("name", "words"), [("x.psd", "--for photoshop writes one"), ("x.jpg", "a file's name")]
)
def test_a_folder_of_layers_is_not_called_like_a_file(folder, name, words):
    with pytest.raises(ParameterError, match=words):
        command("layers", NO_PHOTO, "-o", name)


def test_a_folder_of_layers_may_have_a_dot_in_its_name(folder):
    command("layers", *GIVEN, "-o", "shot.v2", "-q")
    assert (folder / "shot.v2" / "depthfx.json").is_file()


@pytest.mark.parametrize("effect", ["layers", "photo3d", "stereo", "bokeh"])
def test_a_name_too_long_for_the_disk_is_told_as_such(folder, effect):
    name = "n" * 300 + (".jpg" if effect in ("stereo", "bokeh") else "")
    with pytest.raises(PhotoError, match="too long"):
        command(effect, *GIVEN, "-o", name)


@pytest.mark.parametrize("option", ["--keys", "--painter"])
@pytest.mark.parametrize("file", ["missing", ".", ""])
@pytest.mark.parametrize("effect", ["layers", "photo3d"])
def test_a_file_that_is_missing_is_told_before_any_work(folder, effect, option, file):
    with pytest.raises(ParameterError, match="there is no such file"):
        command(effect, NO_PHOTO, option, file, "-o", "out")


def test_a_file_without_its_version_is_no_move(folder):
    (folder / "move.toml").write_text("seconds = 2\n")
    with pytest.raises(RecipeError, match=r"move.toml: is no move: depthfx_move = 1 has to stand"):
        command("photo3d", *GIVEN, "--keys", "move.toml", "-o", "out")


def test_keys_that_go_where_nothing_is_painted_are_told(folder, capsys):
    keys = "depthfx_move = 1\n[[key]]\nat = 0\n[[key]]\nat = 1\nposition = [%s, 0, 0]\n"
    said = []
    for steps in (1, 3):
        (folder / "move.toml").write_text(keys % steps)
        words = ("--keys", "move.toml", "--seconds", "0.04", "-o", "out", "--json")
        command("photo3d", *GIVEN, *words)
        said.append(json.loads(capsys.readouterr().out))
    assert "beyond_painted" not in said[0]
    assert said[1]["beyond_painted"] == pytest.approx(3, rel=0.01)


def test_a_recipe_keeps_what_is_called_like_a_word_of_python(folder):
    given = GIVEN[1:]
    words = ("layers", "--for", "nuke", "--save-recipe", "r.toml", "-o", "one", "-q")
    command("apply", "photo.png", *given, *words)
    command("apply", "--recipe", "r.toml", "photo.png", *given, "-o", "two", "-q")
    names = [sorted(path.name for path in (folder / n).iterdir()) for n in ("one", "two")]
    assert names[0] == names[1]
    assert any(name.endswith(".nk") for name in names[0])
