"""The command line as a user meets it: exit status, one clear line, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest


def run(*words, cwd=None, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "depthfx", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=stdin,
    )


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A disc before a textured wall, and its depth, as files."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    picture = cv2.resize(rng.integers(0, 255, (30, 40, 3), np.uint8), (160, 120))
    cv2.circle(picture, (80, 60), 30, (200, 180, 90), -1)
    inverse = np.full((120, 160), 0.2, np.float32)
    cv2.circle(inverse, (80, 60), 30, 0.5, -1)
    cv2.imwrite(str(folder / "photo.jpg"), picture)
    np.savez(folder / "depth.npz", inverse=inverse)
    return folder / "photo.jpg"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jpg"


def failed(result, status, *words):
    """It failed with `status` and one clear line that holds `words`."""
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr
    return result


def test_help_lists_effects_and_commands():
    said = run("--help").stdout
    for word in ("bokeh", "portrait", "depth-picture", "apply", "inspect", "models"):
        assert word in said


@pytest.mark.parametrize("name", [".", "", "/"])
def test_a_folder_for_a_photo_is_told_as_such(name, tmp_path):
    failed(run("bokeh", name, cwd=tmp_path), 2, "is many photos; say with -o which folder")
    failed(run("inspect", name, cwd=tmp_path), 1, "is a folder; give the photos in it")


def test_a_name_of_two_lines_is_told_in_one(photo, out):
    odd = photo.with_name("two\nlines.jpg")
    odd.write_bytes(photo.read_bytes())
    done = run("bokeh", odd, "--depth", photo.with_name("depth.npz"), "-o", out)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from depthfx.cli import cli\n"
        "try: cli.main(['--help'], prog_name='depthfx')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'cv2', 'pydantic', 'numba', 'rich') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_portrait_writes_beside_the_photo_and_says_on_which_grounds(photo):
    result = run("portrait", photo)
    assert result.returncode == 0, result.stderr
    written = photo.with_name("photo-portrait.jpg")
    assert result.stdout.strip() == str(written)
    assert cv2.imread(str(written)).shape == (120, 160, 3)
    assert len(result.stderr.splitlines()) == 1
    for word in ("embedded network", "focal length", "(network)", "metres within"):
        assert word in result.stderr


def test_an_existing_file_is_never_replaced_unasked(photo, out):
    out.write_bytes(b"mine")
    failed(run("bokeh", photo, "-o", out), 1, str(out), "--overwrite")
    assert out.read_bytes() == b"mine"
    assert run("bokeh", photo, "-o", out, "--overwrite").returncode == 0
    assert out.read_bytes() != b"mine"


def test_the_photo_itself_is_never_replaced(photo):
    before = photo.read_bytes()
    failed(run("bokeh", photo, "-o", photo, "--overwrite"), 1, str(photo))
    assert photo.read_bytes() == before


def test_depth_from_a_file_and_facts_as_json(photo, out):
    result = run(
        "bokeh",
        photo,
        "--depth",
        photo.with_name("depth.npz"),
        "--focus-m",
        "2",
        "--focal-px",
        "150",
        "--json",
        "-o",
        out,
    )
    assert result.returncode == 0, result.stderr
    facts = json.loads(result.stdout)
    assert facts["focal_px"] == 150
    assert facts["focal_origin"] == "user"
    assert facts["focus_m"] == pytest.approx(2)
    assert facts["written"] == [str(out)]
    assert "depth.npz" in facts["depth"]


def test_the_meaning_of_a_depth_file_can_be_told(photo):
    depth = photo.with_name("as-metres.npy")
    np.save(depth, 1 / np.load(photo.with_name("depth.npz"))["inverse"])
    said = run("depth", photo, "--depth", depth, "--depth-unit", "m", "--at", "0.5,0.5").stdout
    assert said.startswith("2 m")


def test_a_mistaken_unit_is_noticed(photo):
    depth = photo.with_name("tiny.npy")
    np.save(depth, np.full((120, 160), 5e-30, np.float32))
    failed(
        run("bokeh", photo, "--depth", depth, "--depth-unit", "m"), 1, "tiny.npy", "--depth-unit"
    )


def test_effects_chain_and_the_recipe_does_the_same(photo, tmp_path):
    depth = photo.with_name("depth.npz")
    recipe = tmp_path / "look.toml"
    one = run(
        "apply",
        photo,
        "bokeh",
        "--f-number",
        "1.4",
        "depth-picture",
        "--colours",
        "grey",
        "--depth",
        depth,
        "--save-recipe",
        recipe,
        "-o",
        tmp_path / "one.png",
    )
    assert one.returncode == 0, one.stderr
    two = run("apply", "--recipe", recipe, photo, "--depth", depth, "-o", tmp_path / "two.png")
    assert two.returncode == 0, two.stderr
    a, b = (cv2.imread(str(tmp_path / name)) for name in ("one.png", "two.png"))
    np.testing.assert_array_equal(a, b)


def test_grey_depth_picture_is_near_white(photo, tmp_path):
    out = tmp_path / "depth.png"
    result = run(
        "depth-picture",
        photo,
        "--colours",
        "grey",
        "--depth",
        photo.with_name("depth.npz"),
        "-o",
        out,
    )
    assert result.returncode == 0, result.stderr
    picture = cv2.imread(str(out))
    assert picture[60, 80].min() >= 254
    assert picture[2, 2].max() <= 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bad_photo_does_not_stop_the_others(photo, tmp_path, jobs):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"not a photo")
    folder = tmp_path / "out"
    folder.mkdir()
    result = run(
        "bokeh", bad, photo, "-o", folder, "--depth", photo.with_name("depth.npz"), "--jobs", jobs
    )
    assert result.returncode == 1
    assert (folder / "photo-bokeh.jpg").exists()
    assert str(bad) in result.stderr
    assert "1 of 2 photos failed" in result.stderr


def test_several_photos_need_a_folder(photo, out):
    failed(run("bokeh", photo, photo, "-o", out), 2, "is no folder")


@pytest.mark.parametrize(
    ("words", "status", "answer"),
    [
        (["portrat", "x.jpg"], 2, "Did you mean 'portrait'?"),
        (["bokeh", "PHOTO", "--f-numbr", "2"], 2, "--f-number"),
        (["bokeh", "PHOTO", "--f-number", "0.1"], 2, "f_number=0.1 is outside 0.7 to 64"),
        (["bokeh", "PHOTO", "--f-number", "two"], 2, "f_number='two'"),
        (["bokeh", "PHOTO", "--focus-xy", "2,2"], 2, "focus_xy"),
        (["bokeh", "missing.jpg"], 1, "missing.jpg"),
        (["bokeh", "PHOTO", "--model", "embeded"], 1, "did you mean 'embedded'"),
        (["bokeh", "PHOTO", "--weights", "none.onnx"], 1, "none.onnx"),
        (["bokeh", "PHOTO", "--depth", "none.npy"], 1, "none.npy"),
        (["apply", "PHOTO"], 2, "no effect is named"),
        (["apply", "bokeh"], 2, "no photo is named"),
        (["apply", "PHOTO", "--recipe", "none.toml"], 2, "none.toml"),
        (["effects", "bokhe"], 2, "did you mean 'bokeh'"),
        (["depth", "PHOTO", "--at", "3,4"], 2, "shares of width and height"),
        (["depth", "PHOTO", "-o", "depth.jpg"], 1, "depth.jpg"),
        (["inspect", "missing.jpg"], 1, "missing.jpg"),
    ],
)
def test_wrong_use_is_one_clear_line(photo, words, status, answer, tmp_path):
    words = [photo if word == "PHOTO" else word for word in words]
    failed(run(*words, cwd=tmp_path), status, answer)
    assert list(tmp_path.iterdir()) == []


def test_depth_is_written_with_its_meaning(photo, tmp_path):
    out = tmp_path / "depth.png"
    result = run("depth", photo, "--depth", photo.with_name("depth.npz"), "-o", out)
    assert result.returncode == 0, result.stderr
    codes = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert codes.dtype == np.uint16
    said = json.loads((tmp_path / "depth.png.json").read_text())
    low, high = said["black_inverse"], said["white_inverse"]
    inverse = low + codes / 65535 * (high - low)
    np.testing.assert_allclose(inverse, np.load(photo.with_name("depth.npz"))["inverse"], atol=1e-5)


def test_depth_written_is_depth_read(photo, tmp_path):
    out = tmp_path / "depth.npz"
    assert run("depth", photo, "--depth", photo.with_name("depth.npz"), "-o", out).returncode == 0
    np.testing.assert_array_equal(
        np.load(out)["inverse"], np.load(photo.with_name("depth.npz"))["inverse"]
    )


def test_a_point_is_probed_in_metres(photo):
    said = run("depth", photo, "--depth", photo.with_name("depth.npz"), "--at", "0.5,0.5").stdout
    assert said.startswith("2 m")
    assert "focal length" in said


def test_inspect_says_what_is_known(photo):
    facts = json.loads(run("inspect", photo, "--json").stdout)
    assert (facts["width"], facts["height"]) == (160, 120)
    assert facts["focal_origin"] == "guess"
    assert {
        "file",
        "format",
        "bit_depth",
        "alpha",
        "profile",
        "orientation",
        "focal_px",
        "depth",
        "matte",
        "faces",
        "warnings",
    } <= set(facts)


def test_effects_are_described_with_bounds_and_units():
    said = run("effects", "bokeh").stdout
    assert "--f-number" in said
    assert "0.7 to 64" in said


def test_models_come_with_licence():
    models = json.loads(run("models", "list", "--json").stdout)
    assert models[0]["name"] == "embedded"
    assert models[0]["licence"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell):
    assert "_DEPTHFX_COMPLETE" in run("completion", shell).stdout
