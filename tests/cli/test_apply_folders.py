"""`apply`, and effects as commands, on folders, patterns and films."""

from __future__ import annotations

import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest


def run(*words, cwd):
    command = [sys.executable, "-m", "depthfx", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.fixture
def shoot(tmp_path):
    """Two photos, one of them in a folder of its own."""
    for number, name in enumerate(("a.jpg", "party/b.png")):
        path = tmp_path / "shoot" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (40, 60, 3), np.uint8)
        cv2.imwrite(str(path), pixels)
    return tmp_path


def results(folder):
    own = (".depthfx-batch", "depthfx-report")
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] not in own)


def test_a_folder_becomes_the_same_tree_with_names_as_of_single_photos(shoot):
    done = run("apply", "shoot", "grain", "--near", "0.5", "-o", "out", cwd=shoot)
    assert done.returncode == 0, done.stderr
    assert results(shoot / "out") == ["a-grain.jpg", "party/b-grain.png"]
    single = run("grain", "shoot/a.jpg", "--near", "0.5", "-o", "alone.jpg", cwd=shoot)
    assert single.returncode == 0, single.stderr
    assert (shoot / "alone.jpg").read_bytes() == (shoot / "out" / "a-grain.jpg").read_bytes()
    again = run("apply", "shoot", "grain", "--near", "0.5", "-o", "out", cwd=shoot)
    assert again.stderr.startswith("all 2 were done before")
    other = run("apply", "shoot", "grain", "--near", "0.9", "-o", "out", cwd=shoot)
    assert other.returncode == 2
    assert "holds results of another look" in other.stderr


def test_an_effect_takes_a_quoted_pattern(shoot):
    done = run("grain", "shoot/**/*.png", "-o", "out", "--format-of-none", cwd=shoot)
    assert done.returncode == 2
    done = run("grain", "shoot/**/*.png", "-o", "out", "--bit-depth", "16", cwd=shoot)
    assert done.returncode == 0, done.stderr
    (name,) = results(shoot / "out")
    assert name.endswith("b-grain.png")
    assert cv2.imread(str(shoot / "out" / name), cv2.IMREAD_UNCHANGED).dtype == np.uint16


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["grain", "shoot"], "shoot is many photos; say with -o which folder takes the results"),
        (["apply", "shoot/*.jpg", "grain"], "say with -o which folder"),
        (["grain", "shoot", "-o", "out.jpg"], "-o out.jpg: is to be a folder"),
        (["apply", "shoot", "-o", "out"], "no effect is named"),
    ],
)
def test_wrong_use_is_one_clear_line(shoot, ended, words, answer):
    status, said = ended(shoot, *words)
    assert status == 2
    assert answer in said
    assert len(said.splitlines()) == 1
    assert not (shoot / "out").exists()


def test_a_film_becomes_a_film(shoot):
    av = pytest.importorskip("av")
    with av.open(str(shoot / "clip.mp4"), "w") as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(3):
            pixels = np.full((48, 64, 3), 40 * number, np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        film.mux(stream.encode())
    done = run("grain", "clip.mp4", cwd=shoot)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["clip-grain.mp4"]
    with av.open(str(shoot / "clip-grain.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 3
    mixed = run("grain", "clip.mp4", "shoot/a.jpg", "-o", "shoot", cwd=shoot)
    assert mixed.returncode == 2
    assert "shoot/a.jpg is a photo and clip.mp4 a film" in mixed.stderr


def test_a_folder_of_frames_becomes_one(shoot):
    (shoot / "take").mkdir()
    for number in (1, 2):
        shutil.copy(shoot / "shoot/a.jpg", shoot / f"take/f{number}.jpg")
    made = ["depthfx.json", "f1.jpg", "f2.jpg"]
    done = run("grain", "take", "--clip", cwd=shoot)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str((shoot / "take-grain").resolve())]
    assert sorted(path.name for path in (shoot / "take-grain").iterdir()) == made
    (shoot / "look.toml").write_text(
        "depthfx = 1\n[[effect]]\nname = 'grain'\n[film]\nfocus = 'lock'\n"
    )
    for _ in range(2):  # the second time it is kept
        done = run("batch", "look.toml", "take", "--clip", "-o", "out", cwd=shoot)
        assert done.returncode == 0, done.stderr
    assert "kept" in done.stderr
    assert sorted(path.name for path in (shoot / "out/take").iterdir()) == made
    done = run("apply", "--recipe", "look.toml", "take", "--clip", "-o", "mine", cwd=shoot)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (shoot / "mine").iterdir()) == made
    watched = run("batch", "look.toml", "take", "--clip", "--watch", "-o", "out", cwd=shoot)
    assert watched.returncode == 2
    assert "--clip whole folders" in watched.stderr


def test_one_photo_gets_what_a_look_says_besides_its_effects(shoot):
    look = (
        "depthfx = 1\n[[effect]]\nname = 'bokeh'\n[output]\nquality = 30\nname = 'x/{stem}'\n"
        "[model]\nquality = 'draft'\n[lock]\nf_number = 22\nfocus = '3m'"
    )
    (shoot / "look.toml").write_text(look)
    photo = "shoot/a.jpg"
    done = run("apply", photo, "--recipe", "look.toml", "-o", "by-look.jpg", cwd=shoot)
    assert done.returncode == 0, done.stderr
    told = "look.toml: name of [output] count in folders and in `depthfx batch` alone"
    assert done.stderr.startswith(told)
    asked = ("--jpeg-quality", "30", "--quality", "draft", "-o", "asked.jpg")
    run("bokeh", photo, "--f-number", "22", "--focus-m", "3", *asked, cwd=shoot)
    run("batch", "look.toml", photo, "-o", "out", cwd=shoot)
    made = (shoot / "by-look.jpg").read_bytes()
    assert made == (shoot / "asked.jpg").read_bytes()
    assert made == (shoot / "out" / "x" / "a.jpg").read_bytes()
    asked = ("--jpeg-quality", "90", "-o", "better.jpg")
    run("apply", photo, "--recipe", "look.toml", *asked, cwd=shoot)
    assert (shoot / "better.jpg").stat().st_size > len(made)
