"""Wiggles, read back by other programs' readers."""

import numpy as np
import pytest
from PIL import Image

from depthfx.camera import Camera
from depthfx.stereo.wiggle import FILM_SECONDS, wiggled, write_wiggle

LIGHT = (0.02, 0.2, 0.8)
"""Of views that no one takes for each other."""
CODES = (39, 124, 231)
"""The same in sRGB."""


def views():
    return [np.full((45, 65, 3), light, np.float32) for light in LIGHT]


@pytest.mark.parametrize(("count", "loop"), [(2, "01"), (3, "0121"), (5, "01234321")])
def test_a_wiggle_goes_forth_and_back_without_a_stop(count, loop):
    assert [str(n) for n in wiggled(list(range(count)))] == list(loop)


def test_a_gif_is_one_round_that_goes_on(tmp_path):
    path = tmp_path / "wiggle.gif"
    write_wiggle(path, views(), Camera(65, 45, 60.0))
    with Image.open(path) as file:
        assert (file.n_frames, file.info["loop"]) == (4, 0)
        assert file.size == (64, 44)
        for number, code in enumerate([CODES[0], CODES[1], CODES[2], CODES[1]]):
            file.seek(number)
            assert file.info["duration"] == 120
            np.testing.assert_allclose(np.asarray(file.convert("RGB")), code, atol=3)


def test_a_film_repeats_itself(tmp_path):
    import av

    path = tmp_path / "wiggle.mp4"
    write_wiggle(path, views(), Camera(65, 45, 60.0))
    with av.open(path) as film:
        frames = [frame.to_ndarray(format="gray").mean() for frame in film.decode(video=0)]
        seconds = film.duration / av.time_base
    assert len(frames) % 4 == 0
    assert FILM_SECONDS <= seconds < FILM_SECONDS + 1
    assert [round(v / 30) for v in frames[4:8]] == [round(v / 30) for v in frames[:4]]
    assert frames[0] < frames[1] < frames[2]
