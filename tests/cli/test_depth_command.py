"""`depthfx depth`: files and probes as a user asks for them."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import piexif
import pytest

from depthfx.cli import cli
from depthfx.cli.depth import TARGET_NAMES
from depthfx.cli.failure import end
from depthfx.engine.targets import TARGETS


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


def failed(result, status, *words):
    assert result.returncode == status, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr


@pytest.fixture
def photo(tmp_path):
    """A photo, its relative depth as a picture, and nothing else in the folder."""
    rng = np.random.default_rng(1)
    cv2.imwrite(str(tmp_path / "photo.jpg"), rng.integers(0, 255, (60, 80, 3), np.uint8))
    slope = np.repeat(np.linspace(0, 1, 60)[:, None], 80, 1)
    cv2.imwrite(str(tmp_path / "map.png"), np.rint(slope * 65535).astype(np.uint16))
    return tmp_path / "photo.jpg"


@pytest.fixture
def depth(run, photo):
    """`depthfx depth` of that photo with that depth."""
    return lambda *words: run("depth", photo, "--depth", photo.with_name("map.png"), *words)


def test_the_targets_offered_are_those_there_are():
    assert tuple(TARGETS) == TARGET_NAMES


def test_places_are_probed_in_metres_with_their_error(depth):
    result = depth("--scale-at", "0.5,0.5=2m", "--at", "0.5,0.5", "--at", "0.5,0")
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    assert first.startswith("0.5,0.5: 2 m, likely 1.96 to 2.04 m  (")
    assert "scaled by 2 m at 0.5,0.5" in first
    assert second.startswith("0.5,0: infinitely far  (")


def test_a_probe_as_json(depth):
    result = depth("--scale-at", "0.5,0.5=200cm", "--at", "0.5,0.5", "--json")
    facts = json.loads(result.stdout)
    assert facts["points"] == [{"x": 0.5, "y": 0.5, "metres": 2.0, "likely_m": [1.9608, 2.04]}]
    assert facts["metres_uncertainty"] == 0.02


def test_a_guessed_focal_length_makes_a_wide_range(run, photo):
    result = run("depth", photo, "--at", "0.5,0.5")
    assert result.returncode == 0, result.stderr
    assert "from network, metres within" in result.stdout
    low, high = result.stdout.split("likely ")[1].split(" m ")[0].split(" to ")
    assert float(high) / float(low) > 2


def test_relative_depth_has_no_metres_and_the_line_says_how_to_get_them(depth):
    failed(depth("--at", "0.5,0.5"), 1, "relative", "--scale-at")
    failed(depth("--for", "nuke"), 1, "relative", "--scale-at")


def test_a_target_writes_its_files_beside_the_photo(depth, photo):
    result = depth("--for", "after-effects")
    assert result.returncode == 0, result.stderr
    names = [f"photo-after-effects{ending}" for ending in (".png", ".exr")]
    assert result.stdout.split() == [
        str(photo.with_name(name)) + more for name in names for more in ("", ".json")
    ]
    codes = cv2.imread(str(photo.with_name(names[0])), cv2.IMREAD_UNCHANGED)
    assert codes[0].min() > codes[-1].max()  # black near


@pytest.mark.parametrize("stripped", [False, True])
def test_a_photo_written_for_a_target_tells_its_place_unless_told_not_to(depth, photo, stripped):
    piexif.insert(piexif.dump({"GPS": {piexif.GPSIFD.GPSLatitudeRef: "N"}}), str(photo))
    result = depth("--for", "facebook", *["--strip-location"][: int(stripped)])
    assert result.returncode == 0, result.stderr
    shown = piexif.load(str(photo.with_name("photo-facebook.jpg")))
    assert bool(shown["GPS"]) is not stripped


def test_a_coloured_picture_has_a_legend_beside_it(depth, photo):
    result = depth("--colours", "inferno", "-o", photo.with_name("c.png"))
    assert result.returncode == 0, result.stderr
    picture = cv2.imread(str(photo.with_name("c.png")), cv2.IMREAD_UNCHANGED)
    assert picture.dtype == np.uint8
    assert picture.shape[0] == 60
    assert picture.shape[1] > 100
    plain = photo.with_name("p.png")
    assert depth("--colours", "grey", "--no-legend", "--bits", "16", "-o", plain).returncode == 0
    picture = cv2.imread(str(plain), cv2.IMREAD_UNCHANGED)
    assert (picture.shape[:2], picture.dtype) == ((60, 80), np.uint16)


def test_a_scale_and_corrections_reach_every_command_and_process(photo, tmp_path):
    sky = np.zeros((30, 40), np.uint8)
    sky[:15] = 255
    cv2.imwrite(str(tmp_path / "sky.png"), sky)
    folder = tmp_path / "out"
    folder.mkdir()
    second = photo.with_name("second.jpg")
    second.write_bytes(photo.read_bytes())
    words = [
        "depth-picture", photo, second, "-o", folder, "--json", "--jobs", "2",
        "--depth", tmp_path / "map.png", "--scale-at", "0.5,0.75=3m",
        "--depth-fix", f"{tmp_path / 'sky.png'}=far",
    ]  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-m", "depthfx", *map(str, words)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    for line in result.stdout.splitlines():
        facts = json.loads(line)
        assert facts["metric"]
        assert "scaled by 3 m at 0.5,0.75, sky.png set to infinitely far" in facts["depth"]


@pytest.mark.parametrize(
    ("words", "status", "answer"),
    [
        (["--scale-at", "0.5=2m"], 2, "0.5,0.4=2.5m"),
        (["--length", "0.5,0.5:0.5,0.5=2m"], 2, "begins where it ends"),
        (["--depth-fix", "sky.png"], 2, "sky.png=far"),
        (["--at", "0.5,0.5", "--for", "nuke"], 2, "leave out --for"),
        (["--for", "nuke", "--bits", "8"], 2, "leave out --bits"),
        (["--for", "nuke", "-o", "x.png"], 1, ".exr"),
        (["--as", "metres", "-o", "x.png"], 1, "floats"),
        (["--legend"], 2, "--colours"),
        (["--bit-depth", "8"], 2, "--bits is for depth"),
        (["--for", "photoshop", "--profile", "srgb"], 2, "leave out --profile"),
        (["--jpeg-quality", "80"], 2, "needs --embed"),
        (["--embed", "--strip-location"], 2, "with --strip-location first"),
    ],
)
def test_wrong_use_is_one_clear_line(run, photo, words, status, answer, monkeypatch):
    before = set(photo.parent.iterdir())
    monkeypatch.chdir(photo.parent)
    failed(run("depth", photo, *words), status, answer)
    assert set(photo.parent.iterdir()) == before
