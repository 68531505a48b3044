"""`depthfx.open`: what is known of a photo's space reaches its depth."""

import cv2
import numpy as np
import piexif
import pytest
from PIL import Image

import depthfx
from depthfx.errors import DepthError, ParameterError

f32 = np.float32


@pytest.fixture
def photo(tmp_path):
    """A slope from infinitely far on top to near at the bottom, of unknown scale, with EXIF
    that knows how far the middle is."""
    rng = np.random.default_rng(2)
    exif = piexif.dump({"Exif": {piexif.ExifIFD.SubjectDistance: (3, 1)}})
    picture = Image.fromarray(rng.integers(0, 255, (60, 80, 3), np.uint8))
    picture.save(tmp_path / "photo.jpg", exif=exif)
    picture.save(tmp_path / "plain.jpg")
    slope = np.repeat(np.linspace(0, 1, 60, dtype=f32)[:, None], 80, 1)
    cv2.imwrite(str(tmp_path / "depth.png"), np.rint(slope * 65535).astype(np.uint16))
    sky = np.zeros((60, 80), np.uint8)
    sky[:30] = 255
    cv2.imwrite(str(tmp_path / "sky.png"), sky)
    return tmp_path / "plain.jpg"


def opened(photo, **told):
    return depthfx.open(photo, depth=photo.with_name("depth.png"), focal_px=100.0, **told).depth


def test_without_a_scale_relative_depth_stays_relative(photo):
    assert not opened(photo).metric


def test_exif_subject_distance_scales_relative_depth_and_is_said(photo):
    found = opened(photo.with_name("photo.jpg"))
    assert found.metric
    assert found.metres_at(0.5, 0.5) == pytest.approx(3.0, rel=0.05)
    assert "scaled by EXIF, subject at 3 m" in found.origin


def test_exif_leaves_metres_that_are_known_alone(photo):
    np.save(photo.with_name("metres.npy"), np.full((60, 80), 5.0, f32))
    told = photo.with_name("photo.jpg")
    found = depthfx.open(told, depth=photo.with_name("metres.npy"), depth_unit="m").depth
    assert found.metres_at(0.5, 0.5) == pytest.approx(5.0)
    assert "EXIF" not in found.origin


def test_what_the_user_says_wins_over_exif(photo):
    found = opened(photo.with_name("photo.jpg"), scale_at=["0.5,0.5=7m"])
    assert found.metres_at(0.5, 0.5) == pytest.approx(7.0, rel=1e-5)


def test_scale_first_then_correction(photo):
    sky = photo.with_name("sky.png")
    found = opened(photo, scale_at=["0.5,0.25=8m"], depth_fix=[f"{sky}=25m"])
    assert found.metres_at(0.5, 0.75) == pytest.approx(8 / 3, rel=0.02)
    assert found.metres_at(0.5, 0.25) == pytest.approx(25.0, rel=1e-5)


def test_a_sparse_map_of_metres(photo):
    metres = np.zeros((30, 40), f32)
    metres[5::3, ::4] = (6.0 / np.linspace(0.02, 1, 30, dtype=f32)[5::3])[:, None]
    np.save(photo.with_name("lidar.npy"), metres)
    found = opened(photo, scale_from=photo.with_name("lidar.npy"))
    assert found.metres_at(0.5, 0.99) == pytest.approx(6.0, rel=0.03)


@pytest.mark.parametrize(
    ("told", "error", "words"),
    [
        ({"raw_highlights": "magic"}, ParameterError, "raw_highlights='magic' is none of clip"),
        ({"max_pixels": 0}, ParameterError, "max_pixels=0 is no number of pixels"),
        ({"scale_at": ["nonsense"]}, ParameterError, "nonsense"),
        ({"length": ["0.1,0.1=2m"]}, ParameterError, "no known length"),
        ({"depth_fix": ["none.png=far"]}, DepthError, "none.png is not there"),
        ({"scale_from": "none.npy"}, DepthError, "none.npy is not there"),
        ({"scale_from": "depth.png"}, DepthError, "gives no scale"),
        ({"scale_from": "x.npy", "scale_at": ["0.5,0.5=2m"]}, ParameterError, "not from both"),
    ],
)
def test_what_is_wrong_is_said_before_any_model_runs(photo, told, error, words, monkeypatch):
    monkeypatch.chdir(photo.parent)
    with pytest.raises(error, match=words):
        depthfx.open(photo, **told)


def test_corrections_are_made_once(photo):
    scene = depthfx.open(photo, depth=photo.with_name("depth.png"), scale_at=["0.5,0.5=2m"])
    assert scene.depth is scene.depth


def test_a_keyword_that_saving_does_not_know_is_no_silence(photo, tmp_path):
    """`quality=60` would otherwise be a picture of quality 95."""
    with pytest.raises(TypeError, match="quality"):
        depthfx.save(depthfx.open(photo), tmp_path / "out.jpg", quality=60)
    assert not (tmp_path / "out.jpg").exists()
