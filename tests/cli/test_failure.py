"""However a command ends: the right status, one line, nothing half-written, nothing lost."""

import json
import os
import signal
import subprocess
import sys

import click
import cv2
import numpy as np
import pytest

from depthfx.cli.apply import Job, _attempt, target
from depthfx.cli.failure import INTERRUPTED, end
from depthfx.cli.options import common_options
from depthfx.errors import ParameterError, RecipeError, reason
from depthfx.facts import json_line
from depthfx.recipe import read_recipe

PROGRAM = [sys.executable, "-m", "depthfx"]


def run(*words, **settings):
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, text=True, **settings)


STILL_READING = """
import sys, threading, time
import numpy as np, onnxruntime
from importlib.resources import files
from depthfx.cli import main

network = files("depthfx.engine.embedded") / "embedded.onnx"
session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
picture = np.zeros((1, 3, 256, 256), np.float32)

def read():
    while True:
        session.run(None, {name: picture})

threading.Thread(target=read, daemon=True).start()
time.sleep(0.2)
sys.argv = ["depthfx", "no-such-command"]
main()
"""


def test_a_network_that_is_still_at_work_does_not_change_the_exit_status():
    ended = subprocess.run([sys.executable, "-c", STILL_READING], capture_output=True, text=True)
    assert ended.returncode == 2, ended.stderr
    assert "terminate" not in ended.stderr


@pytest.fixture
def photo(tmp_path):
    picture = np.random.default_rng(3).integers(0, 255, (60, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photo.jpg"), picture)
    return tmp_path / "photo.jpg"


def test_two_photos_never_end_in_one_file(tmp_path, ended):
    status, said = ended(tmp_path, "bokeh", "a/x.jpg", "b/x.jpg", "-o", ".")
    assert status == 2
    assert "a/x.jpg and b/x.jpg would both be written to" in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_no_file_name(tmp_path):
    with pytest.raises(ParameterError, match="is no folder"):
        target(tmp_path / "x.jpg", tmp_path / "new", False, "bokeh")


def test_a_photo_named_like_an_option_is_told_how_to_be_named(tmp_path):
    said = run("apply", "--", "-x.jpg", "bokeh", cwd=tmp_path)
    assert said.returncode == 2
    assert "./-x.jpg" in said.stderr


def test_json_has_a_line_for_every_photo_the_bad_ones_too(photo):
    bad = photo.with_name("bad.jpg")
    bad.write_text("no photo")
    said = run("inspect", photo, bad, photo, "--json")
    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.returncode == 1
    assert [row["file"] for row in rows] == [str(photo), str(bad), str(photo)]
    assert ["error" in row for row in rows] == [False, True, False]


def test_json_is_strict():
    row = json.loads(json_line({"a": float("inf"), "b": [float("nan"), 1.5], "c": {"d": 2}}))
    assert row == {"a": None, "b": [None, 1.5], "c": {"d": 2}}


def test_an_error_nobody_foresaw_is_one_line():
    assert reason(KeyError("x\ny")).startswith("unexpected KeyError: ")
    assert "\n" not in reason(ValueError("first\nsecond"))
    assert "--verbose" in reason(ValueError())
    with pytest.raises(cv2.error) as caught:
        cv2.copyMakeBorder(np.ones((2, 2), np.uint8), 2**30, 0, 2**30, 0, cv2.BORDER_CONSTANT)
    assert reason(caught.value) == "not enough memory for this photo"


@pytest.mark.parametrize(("more", "traceback"), [([], False), (["--verbose"], True)])
def test_a_traceback_is_shown_only_when_asked_for(tmp_path, more, traceback):
    said = run("inspect", tmp_path / "none.jpg", *more)
    assert said.returncode == 1
    assert ("Traceback" in said.stderr) == traceback
    assert said.stderr.splitlines()[-1].startswith("error: ")


def given_nothing():
    """What the shared options say if none is given."""
    said = []
    command = click.command()(common_options(lambda common: said.append(common)))
    command.main([], standalone_mode=False)
    return said[0]


@pytest.fixture
def interrupted():
    INTERRUPTED.set()
    yield
    INTERRUPTED.clear()


def test_ctrl_c_that_native_code_took_for_an_error_still_stops(interrupted, capsys):
    assert end(SystemError("returned a result with an exception set")) == 130
    assert capsys.readouterr().err == "stopped; nothing half-written is left\n"


def test_ctrl_c_is_not_one_photo_s_fault(interrupted, photo):
    """Else the next photo would be begun."""
    no_recipe = Job(photo, photo.with_name("out.jpg"), "=", given_nothing(), alone=False)
    with pytest.raises(KeyboardInterrupt):
        _attempt(no_recipe, lambda context: context)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_leaves_nothing(photo, tmp_path, number):
    out = tmp_path / "out"
    out.mkdir()
    code = (
        # Whoever runs the tests in the background has Ctrl-C ignored.
        "import os, signal, sys, time; from depthfx import cli, files\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def wait(*a, **k):\n    print('there', flush=True); time.sleep(60)\n"
        "files.read_photo = wait\n"
        f"sys.argv[1:] = ['bokeh', {str(photo)!r}, '-o', {str(out)!r}]\n"
        "cli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "there\n"
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert said.strip().splitlines() == ["stopped; nothing half-written is left"]
    assert list(out.iterdir()) == []


def test_a_reader_who_leaves_is_no_traceback():
    with subprocess.Popen(
        [*PROGRAM, "effects"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("depthfx bokeh --f-n", {"--f-number"}),
        ("depthfx apply x.jpg bokeh --f-n", {"--f-number"}),
        ("depthfx apply x.jpg bok", {"bokeh"}),
        ("depthfx apply x.jpg depth-picture --colours gr", {"grey"}),
    ],
)
def test_bash_completes_effects_and_their_options(words, answers):
    environment = {
        **os.environ,
        "_DEPTHFX_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    said = run(env=environment).stdout.split()
    assert answers == {line.removeprefix("plain,") for line in said if line.startswith("plain,")}


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (bytes(range(256)), "not text in UTF-8"),
        (b"a = " + b"[" * 50_000, "not a TOML file"),
        (b"a = " + b"9" * 5_000, "not a TOML file"),
        (b"#" * (2 << 20), "longer than"),
        (b"depthfx = true", "not a version"),
        (b"depthfx = 1\n[[effect]]\nname = '" + b"x" * 10_000 + b"'", "has no name"),
        (
            b"depthfx = 1\n[[effect]]\nname = 'bokeh'\nf_number = [" + b"1," * 9_999 + b"]",
            "f_number",
        ),
    ],
)
def test_a_hostile_recipe_is_refused_in_one_short_line(tmp_path, content, answer):
    recipe = tmp_path / "look.toml"
    recipe.write_bytes(content)
    with pytest.raises(RecipeError, match=answer) as caught:
        read_recipe(recipe)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path):
    recipe = tmp_path / "look.toml"
    recipe.write_bytes(b"\xef\xbb\xbfdepthfx = 1\n[[effect]]\nname = 'bokeh'\n")
    assert [effect.name for effect in read_recipe(recipe).effects] == ["bokeh"]
