"""`depthfx measure` as a user asks."""

from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from depthfx.cli import cli
from depthfx.cli.failure import end

FOCAL = ("--focal-px", "80")


@pytest.fixture
def run(capsys):
    """The command line in this process: status, stdout, stderr."""

    def run(*words):
        status = 0
        try:
            cli.main([str(word) for word in words], prog_name="depthfx", standalone_mode=False)
        except Exception as error:
            status = end(error)
        said = capsys.readouterr()
        return SimpleNamespace(returncode=status, stdout=said.out, stderr=said.err)

    return run


@pytest.fixture
def photo(tmp_path):
    """A photo of a square 40 px wide, 2 m away before a wall at 4 m; the top row is sky."""
    pixels = np.full((60, 80, 3), 60, np.uint8)
    pixels[10:50, 20:60] = 200
    z = np.full((60, 80), 4.0, np.float32)
    z[10:50, 20:60] = 2.0
    z[0] = np.inf
    cv2.imwrite(str(tmp_path / "photo.png"), pixels)
    np.save(tmp_path / "z.npy", z)
    np.save(tmp_path / "relative.npy", 1 / z)
    return tmp_path / "photo.png"


@pytest.fixture
def measure(run, photo):
    """`depthfx measure` of that photo with those metres."""
    depth = ("--depth", photo.with_name("z.npy"), "--depth-unit", "m", *FOCAL)
    return lambda *words: run("measure", photo, *depth, *words)


def failed(result, status, *words):
    assert result.returncode == status, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr


def test_a_length_is_told_with_its_error_and_grounds(measure):
    result = measure("--from", "0.35,0.5", "--to", "0.6,0.5")
    assert result.returncode == 0, result.stderr
    (line,) = result.stdout.splitlines()
    # 20 px of 80 at 2 m are half a metre; two pixels of clicking and 1 % of the lens.
    assert line.startswith(
        "0.5 m, likely 0.45 to 0.55 m; 2.02 m and 2.01 m away, 14.2 deg apart  ("
    )
    assert "focal length 80 px from user within 1%" in line


def test_several_pairs_are_named(measure):
    pairs = ("--from", "0.35,0.5", "--to", "0.6,0.5", "--from", "0.1,0.5", "--to", "0.5,0.5")
    first, second = measure(*pairs).stdout.splitlines()
    assert first.startswith("0.35,0.5 to 0.6,0.5: 0.5 m")
    assert second.startswith("0.1,0.5 to 0.5,0.5: 2.")


def test_a_length_as_json(measure):
    facts = json.loads(measure("--from", "0.35,0.5", "--to", "0.6,0.5", "--json").stdout)
    (found,) = facts["measured"]
    assert found["metres"] == pytest.approx(0.5, abs=1e-3)
    assert found["likely_m"][0] < 0.5 < found["likely_m"][1]
    assert found["from"] == [0.35, 0.5]
    assert found["beside_outline"] == [False, False]
    assert found["distances_m"] == pytest.approx([2.02, 2.01], abs=0.01)
    assert facts["focal_origin"] == "user"
    assert facts["follows_focal"] is False


def test_a_known_length_sets_the_scale(run, photo):
    relative = ("--depth", photo.with_name("relative.npy"), "--depth-unit", "relative", *FOCAL)
    known = ("--length", "0.25625,0.5:0.74375,0.5=39cm")
    words = ("--from", "0.35,0.5", "--to", "0.6,0.5")
    result = run("measure", photo, *relative, *known, *words)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("0.2 m, likely 0.18 to 0.22 m")
    without = run("measure", photo, *relative, *words)
    failed(without, 1, "relative and has no metres", "--length")


def test_the_size_of_the_thing_at_a_place(measure, photo, tmp_path):
    matte = np.zeros((60, 80), np.uint8)
    matte[10:50, 20:60] = 255
    cv2.imwrite(str(tmp_path / "matte.png"), matte)
    result = measure("--size-at", "0.5,0.5", "--matte", tmp_path / "matte.png", "--json")
    (found,) = json.loads(result.stdout)["measured"]
    assert found["width_m"] == pytest.approx(1.0, rel=0.01)
    assert found["height_m"] == pytest.approx(1.0, rel=0.01)
    assert found["distance_m"] == pytest.approx(2.0, rel=0.01)


def test_a_size_at_a_known_distance_needs_no_depth(run, photo):
    result = run("measure", photo, *FOCAL, "--size", "0.25,0.2,0.75,0.8", "--distance", "2m")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("1 m, likely 0.95 to 1.1 m wide; 0.9 m")
    assert "at 2 m" in result.stdout


def test_a_place_beside_an_outline_is_said(measure):
    result = measure("--from", "0.24,0.5", "--to", "0.5,0.5")
    assert "the start is beside an outline: taken on the thing in front" in result.stdout


def test_what_was_measured_is_drawn(measure, photo, tmp_path):
    out = tmp_path / "drawn.png"
    result = measure("--from", "0.35,0.5", "--to", "0.6,0.5", "-o", out, "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["written"] == [str(out)]
    before, after = cv2.imread(str(photo)), cv2.imread(str(out))
    assert (after[30, 28:48] > 240).all()
    np.testing.assert_array_equal(after[45:], before[45:])
    again = measure("--from", "0.35,0.5", "--to", "0.6,0.5", "-o", out)
    failed(again, 1, "drawn.png", "--overwrite")


def test_a_thing_at_the_rim_may_go_on(measure, photo, tmp_path):
    matte = np.zeros((60, 80), np.uint8)
    matte[10:, 20:60] = 255
    cv2.imwrite(str(tmp_path / "matte.png"), matte)
    result = measure("--size-at", "0.5,0.5", "--matte", tmp_path / "matte.png")
    assert "it reaches the photo's rim" in result.stdout


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "nothing to measure"),
        (("--from", "0.1,0.5"), 2, "--from is given 1 times and --to 0 times"),
        (("--from", "0.1,0.5", "--to", "0.1,0.5"), 2, "name two places"),
        (("--from", "0.1,0.5", "--to", "1.2,0.5"), 2, "'1.2,0.5' is not X,Y"),
        (("--from", "here", "--to", "1,0.5"), 2, "'here' is not X,Y"),
        (("--from", "0.1,0.5", "--to", "0.5,0"), 1, "0.5,0 is sky"),
        (("--size", "0,0,1,1"), 2, "--size and --distance belong together"),
        (("--size", "0,0,1", "--distance", "2m"), 2, "'0,0,1' is not a box"),
        (("--size", "0,0,1,1", "--distance", "far"), 2, "'far' is not a length"),
        (("--size", "0,0,0,1", "--distance", "2m"), 2, "without an inside"),
        (("--size-at", "0.5,0"), 1, "0.5,0 is sky"),
        (("--size-at", "0.5,0.5", "--profile", "srgb"), 2, "leave out --profile"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_measured_is_told_in_one_line(measure, words, status, said):
    failed(measure(*words), status, said)
