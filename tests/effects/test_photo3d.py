"""The `photo3d` effect: from a scene to a film, frames or a page."""

import threading

import cv2
import numpy as np
import pytest

import depthfx
from depthfx.context import Context
from depthfx.errors import Cancelled, ParameterError, RecipeError
from depthfx_effects import Photo3D

HEIGHT, WIDTH = 96, 128
SHORT = {"seconds": 0.2, "fps": 25}


def two_planes(context=None, metric=True):
    """A textured square at 1 m before a textured wall at 4 m."""
    rng = np.random.default_rng(3)
    grey = cv2.resize(rng.random((24, 32), np.float32), (WIDTH, HEIGHT))
    pixels = np.repeat(grey[..., None], 3, axis=2)
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[30:70, 40:90] = 1.0
    matte = (inverse > 0.5).astype(np.float32)
    return depthfx.Scene.from_arrays(
        pixels, inverse=inverse, focal_px=120.0, matte=matte, context=context, metric=metric
    )


def frames_of(path):
    import av

    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]


def sharp_codes(scene):
    from depthfx.photo.colour import srgb_space

    return srgb_space().encode(scene.photo.pixels, 8).astype(float)


@pytest.mark.parametrize("metric", [True, False])
def test_a_film_begins_at_the_photo(tmp_path, metric):
    scene = two_planes(metric=metric)
    (path,) = depthfx.save(Photo3D(camera="push-in", **SHORT)(scene), tmp_path / "shot.mp4")
    frames = frames_of(path)
    assert len(frames) == 5
    first, last = (np.abs(frame - sharp_codes(scene)).mean() for frame in (frames[0], frames[-1]))
    assert first < 0.6 * last


def test_frames_are_a_folder_of_pictures_and_the_first_is_the_photo(tmp_path):
    scene = two_planes()
    depthfx.save(Photo3D(as_="frames", **SHORT)(scene), tmp_path / "shot")
    pictures = sorted((tmp_path / "shot").glob("*.png"))
    assert len(pictures) == 5
    first = cv2.imread(str(pictures[0]))[..., ::-1].astype(float)
    assert np.abs(first - sharp_codes(scene)).max() <= 1


def test_a_loop_comes_round_without_a_seam(tmp_path):
    made = Photo3D(camera="circle", seconds=0.96, fps=25, as_="frames")(two_planes())
    depthfx.save(made, tmp_path / "shot")
    pictures = [
        cv2.imread(str(path)).astype(float) for path in sorted((tmp_path / "shot").glob("*.png"))
    ]
    steps = [
        np.abs(a - b).mean() for a, b in zip(pictures, pictures[1:] + pictures[:1], strict=True)
    ]
    assert steps[-1] <= 1.5 * np.median(steps)


def test_a_lens_blurs_what_is_out_of_focus(tmp_path):
    scene = two_planes()
    blurred = Photo3D(camera="still", f_number=0.7, focus_m=1.0, as_="frames", **SHORT)
    depthfx.save(blurred(scene), tmp_path / "shot")
    first = cv2.imread(str(min((tmp_path / "shot").glob("*.png"))))[..., ::-1].astype(float)
    sharp = sharp_codes(scene)
    assert np.abs(first - sharp)[40:60, 50:80].max() <= 1
    assert first[:20].std() < 0.9 * sharp[:20].std()


def test_a_page_stands_alone(tmp_path):
    (path,) = depthfx.save(Photo3D(as_="html")(two_planes()), tmp_path / "photo.html")
    text = path.read_text(encoding="utf-8")
    assert "<script" in text
    assert "http:" not in text
    assert "https:" not in text


def test_the_suffix_decides_and_others_are_refused(tmp_path):
    made = Photo3D(**SHORT)(two_planes())
    assert len(frames_of(depthfx.save(made, tmp_path / "shot.gif")[0])) == 5
    with pytest.raises(ParameterError, match="avi"):
        depthfx.save(made, tmp_path / "shot.avi")


def test_key_frames_of_ones_own(tmp_path):
    keys = tmp_path / "keys.toml"
    keys.write_text(
        "depthfx_move = 1\nseconds = 0.4\n"
        "[[key]]\nat = 0\n[[key]]\nat = 1\nposition = [0.5, 0, 0]\n"
    )
    made = Photo3D(keys=keys)(two_planes())
    assert made.facts["frames"] == 10
    with pytest.raises(RecipeError, match=r"none\.toml"):
        Photo3D(keys=tmp_path / "none.toml")(two_planes())


def test_a_cancelled_film_leaves_nothing(tmp_path):
    stop = threading.Event()

    def progress(stage, done):
        if stage == "frames" and done > 0.3:
            stop.set()

    made = Photo3D(seconds=2)(two_planes(Context(progress=progress, cancel=stop)))
    with pytest.raises(Cancelled):
        depthfx.save(made, tmp_path / "shot.mp4")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("size", ["big", "1920", "8x8", "1920x", "99999x99999"])
def test_sizes_that_are_none(size):
    with pytest.raises(ParameterError, match="1920x1080"):
        Photo3D(size=size)
