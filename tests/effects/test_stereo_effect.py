"""The `stereo` effect: every kind of picture for two eyes, from a scene to a file."""

import cv2
import numpy as np
import pytest
from PIL import Image

import depthfx
from depthfx.errors import DepthError, ParameterError, PhotoError
from depthfx_effects import Stereo

HEIGHT, WIDTH, FOCAL_PX = 96, 128, 120.0


def two_planes(metric=True):
    """A textured square at 1 m before a textured wall at 4 m."""
    rng = np.random.default_rng(3)
    pixels = cv2.resize(rng.random((24, 32, 3), np.float32), (WIDTH, HEIGHT))
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[30:70, 40:90] = 1.0
    matte = (inverse > 0.5).astype(np.float32)
    return depthfx.Scene.from_arrays(
        pixels, inverse=inverse, focal_px=FOCAL_PX, matte=matte, metric=metric
    )


def test_one_eye_sees_the_photo_and_the_other_what_is_beside_it():
    scene = two_planes()
    both = Stereo(baseline_mm=100, screen_m=4.0)(scene).photo.pixels
    assert both.shape == (HEIGHT, 2 * WIDTH, 3)
    left, right = both[:, :WIDTH], both[:, WIDTH:]
    np.testing.assert_allclose(left, scene.photo.pixels, atol=1e-6)
    # In the right eye the square stands f b (1 / 1 m - 1 / 4 m) = 9 px to the left.
    inner = np.s_[36:64, 50:80]
    moved = right[36:64, 41:71]
    assert np.abs(moved - scene.photo.pixels[inner]).mean() < 0.02


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ({"as_": "side-by-side", "half": True}, (HEIGHT, WIDTH)),
        ({"as_": "top-bottom"}, (2 * HEIGHT, WIDTH)),
        ({"as_": "anaglyph"}, (HEIGHT, WIDTH)),
        ({"as_": "anaglyph", "glasses": "amber-blue", "colours": "grey"}, (HEIGHT, WIDTH)),
    ],
)
def test_pictures_keep_their_depth_and_can_be_saved(tmp_path, kind, shape):
    made = Stereo(**kind)(two_planes())
    assert made.photo.shape == made.depth.shape == made.matte.shape == shape
    (path,) = depthfx.save(made, tmp_path / "out.png")
    assert Image.open(path).size == shape[::-1]


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("wiggle", ".gif"), ("mpo", ".mpo"), ("jps", ".jps"), ("spatial", ".heic"), ("quilt", ".png")],
)
def test_every_file_is_written_in_the_pictures_place(tmp_path, kind, suffix):
    made = Stereo(as_=kind)(two_planes())
    (path,) = depthfx.save(made, tmp_path / f"out{suffix}")
    assert [found.name for found in tmp_path.iterdir()] == [f"out{suffix}"]
    with pytest.raises(PhotoError, match="--overwrite"):
        depthfx.save(made, path)


def test_a_wiggle_goes_forth_and_back(tmp_path):
    assert Stereo(as_="wiggle").endings[0] == ".gif"
    (path,) = depthfx.save(Stereo(as_="wiggle")(two_planes()), tmp_path / "out.gif")
    with Image.open(path) as film:
        assert film.n_frames == 4
        frames = []
        for number in range(4):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB"), float))
    left, middle, right, back = frames
    assert np.abs(middle - back).mean() < 3  # but for the palette
    assert np.abs(left - right).mean() > np.abs(left - middle).mean() > 3


def test_a_quilts_name_tells_its_tiles():
    assert Stereo(as_="quilt").endings[0] == "_qs8x6a0.75.png"


def test_millimetres_and_metres_need_a_depth_that_has_them():
    for name in ("baseline_mm", "screen_m"):
        with pytest.raises(DepthError, match=name):
            Stereo(**{name: 60})(two_planes(metric=False))
    told = Stereo(parallax=0.03)(two_planes(metric=False))
    assert told.facts["disparity"][1] > told.facts["disparity"][0]


def test_a_baseline_wider_than_can_be_shown_is_refused():
    with pytest.raises(ParameterError, match="too much"):
        Stereo(baseline_mm=50_000)(two_planes())


@pytest.mark.parametrize(("kind", "suffix"), [("spatial", ".heic"), ("mpo", ".mpo")])
def test_things_at_infinity_can_be_written_for_two_eyes(tmp_path, kind, suffix):
    near = two_planes()
    scene = depthfx.Scene.from_arrays(
        near.photo.pixels, inverse=np.zeros((HEIGHT, WIDTH), np.float32), focal_px=FOCAL_PX
    )
    (path,) = depthfx.save(Stereo(as_=kind)(scene), tmp_path / f"far{suffix}")
    assert depthfx.open(path).photo.shape == (HEIGHT, WIDTH)
