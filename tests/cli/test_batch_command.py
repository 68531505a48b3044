"""`depthfx batch` as a user meets it: results, exit status, resuming, stopping, watching."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager

import cv2
import numpy as np
import pytest

from depthfx.errors import ParameterError

PATIENCE_S = 60.0
LOOK = "depthfx = 1"
"""No effect: what is tested here is not what becomes of the pixels."""


def words(*given):
    return [sys.executable, "-m", "depthfx", *map(str, given)]


def run(*given, cwd=None):
    return subprocess.run(words(*given), capture_output=True, text=True, cwd=cwd, timeout=120)


def picture(path, seed, size=(40, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)


@pytest.fixture
def shoot(tmp_path):
    """Three photos, one of them in a folder of its own, and a look."""
    for number, name in enumerate(("a.jpg", "b.png", "party/c.jpg")):
        picture(tmp_path / "in" / name, number)
    (tmp_path / "look.toml").write_text(LOOK)
    return tmp_path


def tree(folder):
    """What lies in a folder of results, the batch's own left out."""
    own = (".depthfx-batch", "depthfx-report")
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if path.parts[0] not in own}


def test_a_tree_of_photos_becomes_the_same_tree(shoot):
    done = run("batch", "look.toml", "in", "-o", "out", "--jobs", "1", cwd=shoot)
    assert done.returncode == 0, done.stderr
    assert tree(shoot / "out") == {"a.jpg", "b.png", "party/c.jpg"}
    assert sorted(done.stdout.splitlines()) == ["out/a.jpg", "out/b.png", "out/party/c.jpg"]
    lines = done.stderr.splitlines()
    assert [line[:5] for line in lines[:3]] == ["[1/3]", "[2/3]", "[3/3]"]
    assert lines[3].startswith("3 done in ")
    assert lines[3].endswith("out/depthfx-report/index.html")
    assert (shoot / "out" / "depthfx-report" / "index.html").is_file()

    before = (shoot / "out" / "a.jpg").stat()
    picture(shoot / "in" / "d.jpg", 9)
    (shoot / "out" / "b.png").unlink()
    again = run("batch", "look.toml", "in", "-o", "out", "--json", cwd=shoot)
    assert again.returncode == 0, again.stderr
    results = {line["name"]: line for line in map(json.loads, again.stdout.splitlines())}
    kept = {name for name, result in results.items() if result["status"] == "kept"}
    assert (kept, len(results)) == ({"a.jpg", "party/c.jpg"}, 4)
    assert (shoot / "out" / "a.jpg").stat().st_mtime_ns == before.st_mtime_ns
    assert "2 of 4 were done before, and are kept" in again.stderr


def test_a_bad_photo_is_named_and_does_not_stop_the_rest(shoot):
    (shoot / "in" / "bad.jpg").write_text("no photo")
    done = run("batch", "look.toml", "in", "-o", "out", "--quiet", "--no-report", cwd=shoot)
    assert done.returncode == 1
    assert tree(shoot / "out") == {"a.jpg", "b.png", "party/c.jpg"}
    named, last = done.stderr.splitlines()
    assert "in/bad.jpg: is not a photo" in named
    assert last == "error: 1 of 4 photos failed, the others are done"
    assert not (shoot / "out" / "depthfx-report" / "index.html").exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (["--model", "nosuch"], "there is no depth model 'nosuch'"),
        (["--weights", "nosuch.onnx"], "weights nosuch.onnx: no such file"),
    ],
)
def test_a_model_that_cannot_be_had_is_told_once(shoot, ended, given, answer):
    status, said = ended(shoot, "batch", "look.toml", "in", "-o", "out", *given)
    assert status == 1
    assert answer in said
    assert len(said.splitlines()) == 1
    assert not (shoot / "out").exists()


def test_a_dry_run_says_what_would_become_of_which_photo(shoot):
    tables = '[[photo]]\nmatch = "b.*"\n[[photo]]\nmatch = ["x/", "y.jpg"]'
    (shoot / "look.toml").write_text(f"{LOOK}\n{tables}")
    (shoot / "in" / "a.matte.png").write_bytes((shoot / "in" / "b.png").read_bytes())
    name = "{folder}/{stem}-styled"
    said = run(
        "batch", "look.toml", "in", "-o", "out", "--dry-run", "--name", name, "--format", "png",
        "--exclude", "party/*", cwd=shoot,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == [
        "in/a.jpg -> out/a-styled.png; matte: in/a.matte.png",
        "in/b.png -> out/b-styled.png",
    ]
    assert said.stderr.splitlines() == [
        "[[photo]] 2: x/, y.jpg fits no photo",
        "2 photos; nothing was done",
    ]
    assert not (shoot / "out").exists()


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (["none.toml", "in", "-o", "out"], "none.toml: cannot be read"),
        (["look.toml", "empty", "-o", "out"], "empty: there is no photo"),
        (["look.toml", "in", "-o", "out.jpg"], "-o out.jpg: is to be a folder"),
        (["look.toml", "in", "-o", "out", "--name", "same"], "would both be"),
        (["look.toml", "in", "-o", "out", "--name", "{stm}"], "{stm}"),
        (["look.toml", "in", "-o", "out", "--format", "jgp"], "jgp"),
        (["look.toml", "in/a.jpg", "-o", "out", "--watch"], "in/a.jpg is no folder"),
        (["look.toml", "in", "-o", "out", "--on", "moon"], "moon"),
        (["look.toml", "in", "-o", "out", "--watch", "--name", "{number}"], "numbers hang on"),
        (["look.toml", "in", "-o", ""], "-o is empty"),
        (["look.toml", "in", "-o", "look.toml"], "-o look.toml: is a file"),
        (["look.toml", "on", "-o", "out"], "on: no such file or folder"),
        (["look.toml", "in"], "--out"),
    ],
)
def test_wrong_use_is_told_before_any_work(shoot, ended, given, answer):
    (shoot / "empty").mkdir()
    status, said = ended(shoot, "batch", *given)
    assert status == 2, said
    assert answer in said
    assert "Traceback" not in said
    assert not tree(shoot / "out")


@contextmanager
def begun(shoot, *given):
    """The command at work, deaf to nothing, killed if it does not end."""
    process = subprocess.Popen(
        words("batch", "look.toml", "in", "-o", "out", "--jobs", "1", *given),
        cwd=shoot,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        yield process
    finally:
        process.kill()


def wait_for(reached):
    until_s = time.monotonic() + PATIENCE_S
    while not reached() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert reached()


def test_ctrl_c_finishes_what_is_in_hand_and_says_how_to_go_on(shoot):
    for number in range(300):
        picture(shoot / "in" / f"many-{number}.jpg", number, size=(300, 400))
    with begun(shoot) as process:
        wait_for((shoot / "out" / "a.jpg").exists)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, said
    count = len(tree(shoot / "out"))
    assert 0 < count < 303
    assert "finishing the photos in hand" in said
    last = said.splitlines()[-1]
    assert last.startswith(f"{count} of 303 photos are done; to go on: depthfx batch look.toml in")


def test_a_watched_folder_gives_results_till_it_is_stopped(shoot):
    with begun(shoot, "--watch") as process:
        wait_for((shoot / "out" / "party" / "c.jpg").exists)
        picture(shoot / "in" / "late.jpg", 7)
        wait_for((shoot / "out" / "late.jpg").exists)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert tree(shoot / "out") == {"a.jpg", "b.png", "party/c.jpg", "late.jpg"}
    assert "4 done" in said.splitlines()[-1]
    page = (shoot / "out" / "depthfx-report" / "index.html").read_text()
    assert "late.jpg" in page


def test_python_gets_results_and_may_stop_early(shoot):
    from depthfx import batch

    results = batch.run(shoot / "look.toml", shoot / "in", shoot / "out", jobs=1, cache=False)
    with closing(results):
        assert next(results).status is batch.Status.DONE
    later = batch.run(shoot / "look.toml", shoot / "in", shoot / "out", jobs=1, cache=False)
    counted = Counter(result.status for result in later)
    one = batch.run(shoot / "look.toml", shoot / "in", shoot / "one", include="*.png", cache=False)
    assert [result.name for result in one] == ["b.png"]
    assert sum(counted.values()) == 3
    assert counted[batch.Status.KEPT] >= 1
    with pytest.raises(ParameterError, match="no keyword 'modle'; did you mean 'model'"):
        batch.run(shoot / "look.toml", shoot / "in", shoot / "out", modle="embedded")
    with pytest.raises(ParameterError, match="no such file or folder"):
        batch.run(shoot / "look.toml", shoot / "none", shoot / "out")


def test_without_a_report_nothing_of_one_is_made(shoot):
    done = run("batch", "look.toml", "in", "-o", "out", "--no-report", "--jobs", "1", cwd=shoot)
    assert (done.returncode, done.stdout.count("\n")) == (0, 3), done.stderr
    assert not (shoot / "out" / "depthfx-report").exists()


def test_help_comes_without_anything_heavy():
    code = (
        "import sys; from depthfx.cli import cli\n"
        "try: cli.main(['batch', '--help'], prog_name='depthfx')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('cv2', 'numba', 'rich', 'ray', 'watchfiles') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_the_library_comes_without_anything_heavy():
    code = (
        "import sys, depthfx.batch\n"
        "print([m for m in ('numpy', 'pydantic', 'click') if m in sys.modules])\n"
        "import depthfx.batch.course; print(callable(depthfx.batch.run))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.splitlines() == ["[]", "True"]
