"""Likeness of pictures, folders of rendered truth, and the tables made of both."""

import json
import math

import numpy as np
import OpenEXR
import pytest
from skimage.metrics import structural_similarity

from depthfx.errors import DepthfxError
from depthfx.evaluation import fidelity
from depthfx.evaluation.fidelity import Figures, folder_cases, mean_figures, own_cases, read_exr
from depthfx.evaluation.likeness import near_depth_edges, psnr, ssim
from depthfx.evaluation.simple_ways import gathered, layered, picked, tutorial
from depthfx.optics.aperture import ROUND
from depthfx.photo.colour import linear_to_srgb, srgb_to_linear


@pytest.fixture
def pictures():
    rng = np.random.default_rng(2)
    one = rng.random((40, 50, 3), np.float32)
    return one, np.clip(one + rng.normal(0, 0.05, one.shape), 0, 1).astype(np.float32)


# ---------------------------------------------------------------- likeness
def test_a_known_error_in_codes_is_its_decibels():
    grey = np.full((10, 12, 3), 0.5, np.float32)
    off = srgb_to_linear(linear_to_srgb(grey) + np.float32(0.01)).astype(np.float32)
    assert psnr(off, grey) == pytest.approx(40.0, abs=0.01)
    half = grey.copy()
    half[:, :6] = off[:, :6]
    assert psnr(half, grey) == pytest.approx(43.01, abs=0.02)
    left = np.arange(12) < 6
    assert psnr(half, grey, np.tile(left, (10, 1))) == pytest.approx(40.0, abs=0.01)
    assert psnr(half, grey, np.tile(~left, (10, 1))) == 60.0


def test_above_white_all_pictures_look_the_same():
    assert psnr(np.full((4, 4, 3), 3.0, np.float32), np.full((4, 4, 3), 90.0, np.float32)) == 60


def test_over_no_pixels_there_is_no_figure(pictures):
    assert math.isnan(psnr(*pictures, np.zeros((40, 50), bool)))


def test_similarity_is_that_of_the_paper(pictures):
    one, other = pictures
    wanted = structural_similarity(
        linear_to_srgb(one),
        linear_to_srgb(other),
        channel_axis=2,
        data_range=1.0,
        gaussian_weights=True,
        use_sample_covariance=False,
    )
    assert ssim(one, other) == pytest.approx(wanted, abs=2e-4)
    assert ssim(one, one) == pytest.approx(1, abs=1e-6)


def test_depth_edges_are_jumps_and_not_slopes():
    slope = np.tile(np.linspace(0.1, 2, 60, dtype=np.float32), (40, 1))
    assert not near_depth_edges(slope).any()
    slope[20:, 30:] += 1
    near = near_depth_edges(slope)
    assert near[20, 30:].all()
    assert not near[:8].any()
    assert near[13, 45]
    assert not near[30, 55]


# ---------------------------------------------------------------- simple ways
@pytest.mark.parametrize("way", [picked, layered, gathered])
def test_a_wall_out_of_focus_is_one_disc_blur(way):
    """Where no depth edge is, even the simple ways are right: as far from the border as a disc."""
    pixels = np.random.default_rng(0).random((60, 70, 3), np.float32)
    got = way(pixels, np.full((60, 70), 0.25, np.float32), 1.0, 16.0)
    kernel = ROUND.kernel(6.0)
    n = kernel.shape[0] // 2
    place = np.s_[30 - n : 31 + n, 30 - n : 31 + n]
    wanted = (pixels[place] * kernel[..., None]).sum(axis=(0, 1))
    np.testing.assert_allclose(got[30, 30], wanted, atol=0.01)


@pytest.mark.parametrize("way", [tutorial, picked, layered, gathered])
def test_simple_ways_keep_what_is_in_focus_and_an_even_picture(way):
    rng = np.random.default_rng(0)
    pixels, near = rng.random((40, 50, 3), np.float32), np.ones((40, 50), np.float32)
    np.testing.assert_allclose(way(pixels, near, 1.0, 20.0), pixels, atol=1e-5)
    grey, depth = np.full((40, 50, 3), 0.3, np.float32), rng.random((40, 50), np.float32)
    np.testing.assert_allclose(way(grey, depth, 0.5, 12.0), grey, atol=1e-3)


# ---------------------------------------------------------------- tables
def test_scenes_count_alike_however_many_lenses_look_at_them():
    figures = {
        ("a", "1"): Figures(30.0, 20.0, 0.9),
        ("a", "2"): Figures(40.0, float("nan"), 0.7),
        ("b", "1"): Figures(45.0, float("nan"), 0.6),
    }
    assert mean_figures(figures) == Figures(40.0, 20.0, pytest.approx(0.7))


def test_own_scenes_become_a_page(tmp_path, capsys):
    page, numbers = tmp_path / "page.md", tmp_path / "all.json"
    fidelity.run(None, ["ramp"], 64, page, numbers)
    assert "| ramp | middle |" in capsys.readouterr().out
    text = page.read_text()
    assert text.startswith("# Fidelity")
    assert "96 x 64 px" in text
    told = json.loads(numbers.read_text())
    assert set(told) == set(fidelity.WAYS)
    assert told["depthfx"]["ramp/middle"]["psnr"] > told["tutorial"]["ramp/middle"]["psnr"] + 5
    assert math.isnan(told["depthfx"]["ramp/middle"]["psnr_edges"])


def test_a_page_says_where_a_simple_way_is_better():
    def of(db):
        return {("wall", "near"): Figures(db, db, 0.9)}

    text = fidelity.tables({"gather": of(35.0), "depthfx": of(34.25)})
    assert "better: wall, near (0.75 dB)." in text
    assert "better: none." in fidelity.tables({"gather": of(33.0), "depthfx": of(34.25)})


def test_an_unknown_scene_is_named():
    with pytest.raises(DepthfxError, match=r"--only moon is no scene; there are portrait, .*text"):
        next(own_cases(64, ["moon"]))


# ---------------------------------------------------------------- folders
def write_exr(path, **planes):
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, {n: np.ascontiguousarray(p) for n, p in planes.items()}).write(str(path))


def colours(picture):
    return dict(zip("RGB", np.moveaxis(picture, 2, 0), strict=True))


@pytest.fixture
def truth_folder(tmp_path):
    """One scene: a wall at 2 m, twice through a lens that is in focus on it."""
    scene = tmp_path / "truth" / "wall"
    scene.mkdir(parents=True)
    sharp = np.random.default_rng(1).random((20, 24, 3), np.float32)
    write_exr(scene / "sharp.exr", **colours(sharp))
    write_exr(scene / "lens.exr", **colours(sharp))
    write_exr(scene / "depth.exr", Z=np.full((20, 24), 2, np.float32))
    render = {"name": "lens", "file": "lens.exr", "focus_m": 2, "aperture_m": 0.02, "blades": 6}
    described = {"f_px": 50.0, "defocus": [render]}
    (scene / "scene.json").write_text(json.dumps(described))
    return scene.parent


def test_a_folder_of_rendered_truth_is_read(truth_folder):
    (case,) = folder_cases(truth_folder)
    (render,) = case.renders
    assert case.name == "wall"
    assert (case.inverse == 0.5).all()
    assert (render.focus_inverse, render.blur_px) == (0.5, 1.0)
    assert render.aperture.blades == 6
    np.testing.assert_array_equal(render.truth(), case.sharp)
    scores = fidelity.scored(folder_cases(truth_folder))
    assert scores["depthfx"]["wall", "lens"].psnr == 60
    assert "depthfx, shares known" not in scores


def test_a_folder_without_truth_is_refused(tmp_path):
    with pytest.raises(DepthfxError, match="holds no rendered truth: expected folders with"):
        list(folder_cases(tmp_path))
    with pytest.raises(DepthfxError, match="holds no rendered truth"):
        list(folder_cases(tmp_path / "not there"))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"f_px": 50.0, "defocus": [{"name": "lens"}]}'])
def test_a_bad_description_is_refused(truth_folder, text):
    (truth_folder / "wall" / "scene.json").write_text(text)
    with pytest.raises(DepthfxError, match=r"scene\.json: (cannot be read|expected f_px)") as told:
        list(folder_cases(truth_folder))
    assert "\n" not in str(told.value)


def test_damaged_pictures_are_refused(truth_folder):
    scene = truth_folder / "wall"
    write_exr(scene / "lens.exr", **colours(np.ones((10, 24, 3), np.float32)))
    with pytest.raises(DepthfxError, match=r"lens\.exr: is 24 x 10, but sharp\.exr is 24 x 20"):
        fidelity.scored(folder_cases(truth_folder))
    (scene / "lens.exr").unlink()
    with pytest.raises(DepthfxError, match=r"lens\.exr: is missing"):
        fidelity.scored(folder_cases(truth_folder))
    (scene / "depth.exr").write_bytes(b"no picture")
    with pytest.raises(DepthfxError, match=r"depth\.exr: cannot be read: not an OpenEXR"):
        list(folder_cases(truth_folder))
    write_exr(scene / "depth.exr", Z=np.zeros((20, 24), np.float32))
    with pytest.raises(DepthfxError, match=r"depth\.exr: holds depths of 0"):
        list(folder_cases(truth_folder))


def test_a_picture_of_other_channels_is_refused(tmp_path):
    write_exr(tmp_path / "grey.exr", Y=np.ones((3, 4), np.float32))
    with pytest.raises(DepthfxError, match=r"grey\.exr: holds the channels Y; expected R, G and B"):
        read_exr(tmp_path / "grey.exr", 3)
