"""Movie files: read back by other programs' readers, and written whole or not at all."""

import json
import resource
import signal
import struct
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image, ImageSequence

from depthfx.errors import Cancelled, ParameterError, PhotoError, ShapeError
from depthfx.movie.files import check_movie, write_movie

av = pytest.importorskip("av")

SIZE = (96, 64)
COLOURS = [
    *[(255, 255, 255), (0, 0, 0), (220, 30, 30), (30, 200, 40)],
    *[(40, 60, 230), (180, 120, 90), (128, 128, 128), (20, 200, 220)],
]
FILMS = (".mp4", ".mov", ".webm")
ALL = (*FILMS, ".webp", ".gif", "")


def chart():
    """(64, 96, 3) uint8: eight even fields, wide enough for halved colour."""
    fields = np.array(COLOURS, np.uint8).reshape(2, 4, 3)
    return fields.repeat(32, axis=0).repeat(24, axis=1)


def fields_of(frame):
    """The colours in the middle of the chart's fields."""
    middles = frame.reshape(2, 32, 4, 24, 3)[:, 10:22, :, 8:16]
    return middles.mean(axis=(1, 3)).reshape(8, 3)


def flight(count):
    """Frames that tell which they are: a light spot that goes round."""
    row, column = np.mgrid[: SIZE[1], : SIZE[0]]
    for k in range(count):
        x, y = 48 + 30 * np.cos(2 * np.pi * k / count), 32 + 20 * np.sin(2 * np.pi * k / count)
        spot = 40 + 180 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / 60)
        yield np.repeat(spot[..., None], 3, axis=2).astype(np.uint8)


def decoded(path):
    """The frames of a film as FFmpeg decodes them, (N, H, W, 3), with the matrix its tags name."""
    with av.open(str(path)) as file:
        assert file.streams.video[0].codec_context.colorspace == 1  # BT.709
        frames = [
            frame.reformat(
                format="rgb24",
                src_colorspace="ITU709",
                dst_colorspace="ITU709",
                src_color_range="MPEG",
                dst_color_range="JPEG",
            ).to_ndarray()
            for frame in file.decode(video=0)
        ]
    return np.array(frames)


def pictures(path):
    """The frames of an animation as Pillow reads them, and their durations in ms."""
    with Image.open(path) as file:
        frames = [(np.array(f.convert("RGB")), f.info) for f in ImageSequence.Iterator(file)]
        return np.array([f for f, _ in frames]), file.info.get("loop")


def write(path, frames, fps=24, count=12, **options):
    write_movie(path, frames, SIZE, fps, count=count, **options)
    return path


@pytest.mark.parametrize("suffix", FILMS)
def test_a_film_has_the_frames_the_rate_and_the_tags(tmp_path, suffix):
    path = write(tmp_path / f"Flug über 海{suffix}", flight(12), fps=29.97)
    frames = decoded(path)
    assert frames.shape == (12, 64, 96, 3)
    assert np.abs(frames - np.array(list(flight(12)), float)).mean() < 1.5
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.average_rate == pytest.approx(Fraction(30000, 1001), rel=1e-3)
        context = stream.codec_context
        assert context.pix_fmt == "yuv420p"
        assert (context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1)
        assert float(file.duration / av.time_base) == pytest.approx(12 / 29.97, abs=0.01)
        assert "creation_time" not in file.metadata


@pytest.mark.parametrize("suffix", FILMS)
def test_colours_are_those_of_the_frames(tmp_path, suffix):
    """BT.709 in 16..235; the matrix of BT.601 would be ten codes and more off."""
    path = write(tmp_path / f"a{suffix}", [chart()] * 3, count=3, quality=100)
    np.testing.assert_allclose(fields_of(decoded(path)[1]), COLOURS, atol=3)


@pytest.mark.parametrize(("suffix", "most"), [(".gif", 4), (".webp", 5)])
def test_colours_of_an_animation(tmp_path, suffix, most):
    path = write(tmp_path / f"a{suffix}", [chart()] * 3, count=3, quality=100)
    np.testing.assert_allclose(fields_of(pictures(path)[0][0]), COLOURS, atol=most)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("loop", [True, False])
def test_an_animation_plays_again_if_it_is_a_loop(tmp_path, suffix, loop):
    path = write(tmp_path / f"a{suffix}", flight(12), loop=loop)
    frames, said = pictures(path)
    assert len(frames) == 12
    assert said == {(True, ".gif"): 0, (True, ".webp"): 0, (False, ".webp"): 1}.get((loop, suffix))
    assert np.abs(frames - np.array(list(flight(12)), float)).mean() < 2.5


def test_the_times_of_a_gif_do_not_add_up_to_a_drift(tmp_path):
    """At 30 frames a second they are 3 and 4 hundredths long."""
    path = write(tmp_path / "a.gif", flight(30), fps=30, count=30)
    with Image.open(path) as file:
        spans = [frame.info["duration"] for frame in ImageSequence.Iterator(file)]
    assert set(spans) == {30, 40}
    assert sum(spans) == pytest.approx(1000, abs=10)


def test_a_folder_holds_the_very_frames(tmp_path):
    path = write(tmp_path / "frames", flight(12))
    names = sorted(p.name for p in path.glob("*.png"))
    assert names == [f"frame-{k:04}.png" for k in range(1, 13)]
    for name, frame in zip(names, flight(12), strict=True):
        np.testing.assert_array_equal(cv2.imread(str(path / name))[..., ::-1], frame)
    assert json.loads((path / "depthfx.json").read_text())["frames"] == 12


@pytest.mark.parametrize("suffix", ALL)
def test_the_same_frames_give_the_same_bytes(tmp_path, suffix):
    def contents(path):
        files = [path] if path.is_file() else sorted(path.iterdir())
        return [file.read_bytes() for file in files]

    one = write(tmp_path / f"one{suffix}", flight(12))
    two = write(tmp_path / f"two{suffix}", flight(12))
    assert contents(one) == contents(two)


def test_a_browser_can_start_before_the_whole_is_loaded(tmp_path):
    """The index of an MP4 stands before the pictures."""
    data = write(tmp_path / "a.mp4", flight(12)).read_bytes()
    kinds, at = [], 0
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += length
    assert kinds.index(b"moov") < kinds.index(b"mdat")


def test_a_player_can_seek_every_two_seconds(tmp_path):
    path = write(tmp_path / "a.mp4", flight(25), fps=5, count=25)
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(video=0) if p.size]
        starts = [float(p.pts * p.time_base) for p in packets if p.is_keyframe]
    assert max(np.diff([*starts, 5.0])) <= 2.0001


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".webp"])
def test_more_quality_is_nearer_to_the_frames(tmp_path, suffix):
    noise = np.random.default_rng(1).integers(0, 256, (6, 64, 96, 3), dtype=np.uint8)
    frames = [cv2.blur(frame, (3, 3)) for frame in noise]

    def error(quality):
        path = write(tmp_path / f"{quality}{suffix}", frames, count=6, quality=quality)
        seen = pictures(path)[0] if suffix == ".webp" else decoded(path)
        return np.mean((seen - np.array(frames, float)) ** 2)

    assert error(100) < error(70) < error(20)


@pytest.mark.parametrize("suffix", ALL)
def test_a_cancelled_movie_leaves_nothing(tmp_path, suffix):
    told = []

    def stop_half_way(share):
        told.append(share)
        if share >= 0.5:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write(tmp_path / f"a{suffix}", flight(12), progress=stop_half_way)
    assert told[-1] == 0.5
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", ALL)
def test_progress_runs_to_the_end(tmp_path, suffix):
    told = []
    write(tmp_path / f"a{suffix}", flight(12), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


@pytest.mark.parametrize("suffix", ALL)
def test_a_fault_in_the_frames_leaves_what_was_there(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", flight(12))
    inside = path if path.is_file() else path / "frame-0001.png"
    before = inside.read_bytes()

    def broken():
        yield from flight(5)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(path, broken(), overwrite=True)
    assert inside.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ALL)
def test_nothing_is_written_over_without_being_told_to(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", flight(12))
    with pytest.raises(PhotoError, match="--overwrite"):
        write(path, flight(12))
    write(path, flight(12), overwrite=True)


@pytest.mark.parametrize("suffix", ALL)
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, suffix):
    noise = np.random.default_rng(2).integers(0, 256, (12, 64, 96, 3), dtype=np.uint8)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    was = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        with pytest.raises(PhotoError, match=r"a.*cannot be written") as caught:
            write(tmp_path / f"a{suffix}", noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, was)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "size", "fps", "count", "words"),
    [
        ("a.avi", SIZE, 24, 12, r"a\.avi: movies are \.mp4, .*folder"),
        ("a.mp4", (97, 64), 24, 12, "97 x 64: the sides of .mp4 have to be even"),
        ("a.gif", SIZE, 60, 12, "at most 50 a second"),
        ("a.gif", (1920, 1080), 30, 300, "too much for a GIF"),
        ("a.mp4", SIZE, float("nan"), 12, "fps=nan"),
        ("a.mp4", SIZE, 0, 12, "fps=0"),
    ],
)
def test_what_cannot_be_written_is_refused_before_it_is_drawn(
    tmp_path, name, size, fps, count, words
):
    with pytest.raises(ParameterError, match=words):
        check_movie(tmp_path / name, size, fps, count)


def test_a_gif_may_have_odd_sides(tmp_path):
    write_movie(tmp_path / "a.gif", [np.zeros((7, 5, 3), np.uint8)] * 2, (5, 7), 10, count=2)
    assert pictures(tmp_path / "a.gif")[0].shape == (2, 7, 5, 3)


def test_a_frame_of_another_size_is_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"\(64, 96, 3\) uint8"):
        write(tmp_path / "a.mp4", [np.zeros((64, 95, 3), np.uint8)])
    assert not list(tmp_path.iterdir())
