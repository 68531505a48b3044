"""Films with a look: their time and sound kept, nothing half done, and no flicker."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthfx.batch.clip import ahead, film_suffix, run_clip
from depthfx.chain import Chain
from depthfx.context import Context
from depthfx.errors import Cancelled, ParameterError, PhotoError
from depthfx_effects import Bokeh, DepthPicture, Layers

av = pytest.importorskip("av")

SAMPLES = Path(__file__).parents[2] / "samples"
SIZE = (96, 64)
COUNT = 5
BLUR = Chain(Bokeh(f_number=1.4, grain=0))


def pictures(count=COUNT, size=SIZE):
    """(H, W, 3) uint8: a photo that a camera pans over."""
    photo = cv2.imread(str(SAMPLES / "portrait.jpg"), cv2.IMREAD_COLOR_RGB)
    photo = cv2.resize(photo, (size[0] + 2 * count, size[1]), interpolation=cv2.INTER_AREA)
    return [np.ascontiguousarray(photo[:, 2 * k : 2 * k + size[0]]) for k in range(count)]


def film(path, times, sound="aac", frames=None):
    """A film with sound; times in milliseconds."""
    frames = pictures(len(times)) if frames is None else frames
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "12"})
        video.height, video.width, _ = frames[0].shape
        video.pix_fmt = "yuv420p" if frames[0].shape[1] % 2 == 0 else "yuv444p"
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        audio = out.add_stream(sound, rate=48000)
        audio.layout = "stereo"
        for time, picture in zip(times, frames, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        wave = np.sin(np.arange(24000) * 0.06).astype(np.float32) * 0.3
        if sound == "pcm_s16le":
            wave = (wave * 32767).astype(np.int16)
            heard = av.AudioFrame.from_ndarray(wave.repeat(2)[None], "s16", "stereo")
        else:
            heard = av.AudioFrame.from_ndarray(np.stack([wave, wave]), "fltp", "stereo")
        heard.rate, heard.pts = 48000, 0
        out.mux(audio.encode(heard))
        out.mux(audio.encode(None))
    return path


def sound_of(path):
    """Of each packet of sound: when it is heard, and its bytes."""
    with av.open(str(path)) as file:
        packets = [p for p in file.demux(audio=0) if p.pts is not None]
        return [(float(p.pts * p.time_base), bytes(p)) for p in packets]


def times_of(path):
    with av.open(str(path)) as file:
        return [round(1000 * frame.pts * frame.time_base) for frame in file.decode(video=0)]


@pytest.mark.parametrize(("suffix", "sound"), [(".mp4", "aac"), (".mov", "pcm_s16le")])
def test_sound_and_uneven_times_are_kept_bit_for_bit(tmp_path, suffix, sound):
    times = [0, 40, 47, 120, 400]
    source = film(tmp_path / f"a{suffix}", times, sound)
    heard = []
    made = run_clip(BLUR, source, tmp_path / f"b{suffix}", progress=heard.append)
    assert (made.frames, made.shots, made.notes) == (COUNT, 1, ())
    assert times_of(made.written[0]) == times
    before, after = sound_of(source), sound_of(made.written[0])
    assert [data for _, data in before] == [data for _, data in after]
    np.testing.assert_allclose([t for t, _ in before], [t for t, _ in after], atol=1e-4)
    assert heard == pytest.approx([0.2, 0.4, 0.6, 0.8, 1])


def test_sound_that_does_not_fit_is_coded_anew_and_told_of(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40])
    made = run_clip(BLUR, source, tmp_path / "b.webm")
    assert len(made.notes) == 1
    assert "coded anew as libopus" in made.notes[0]
    with av.open(str(tmp_path / "b.webm")) as file:
        level = np.concatenate([f.to_ndarray()[0] for f in file.decode(audio=0)])
    assert 0.45 < len(level) / 48000 < 0.6
    assert np.abs(level[4800:19200]).max() == pytest.approx(0.3, abs=0.05)


def test_colours_are_tagged_and_those_in_focus_stay(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40])
    run_clip(Chain(Bokeh(aperture_mm=0)), source, tmp_path / "b.mp4", quality=100)
    with av.open(str(source)) as one, av.open(str(tmp_path / "b.mp4")) as two:
        context = two.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        # What PyAV wrote says nothing of its matrix: that of BT.601 is what it was made with.
        before = next(one.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU601")
        after = next(two.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709")
    apart = np.abs(before.to_ndarray().astype(int) - after.to_ndarray())
    assert apart.mean() < 2.5


def test_a_film_of_odd_sides_gets_even_ones(tmp_path):
    source = film(tmp_path / "a.mkv", [0, 40], frames=[p[:61, :93] for p in pictures(2)])
    run_clip(BLUR, source, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (94, 62)


def test_a_folder_of_frames_becomes_one_of_the_same_names(tmp_path):
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(pictures(3)):
        cv2.imwrite(str(tmp_path / f"in/shot{number}.png"), picture[..., ::-1])
    made = run_clip(BLUR, tmp_path / "in", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["depthfx.json", "shot0.png", "shot1.png", "shot2.png"]
    assert made.frames == 3
    assert cv2.imread(str(tmp_path / "out/shot0.png")).shape == (64, 96, 3)


def test_the_same_film_gives_the_same_bytes(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40, 80])
    for name in ("b.mp4", "c.mp4"):
        run_clip(BLUR, source, tmp_path / name)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


def test_who_stops_it_finds_nothing_half_done(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40, 80])

    def stop(done):
        raise Cancelled("stopped")

    for target in (tmp_path / "b.mp4", tmp_path / "frames"):
        with pytest.raises(Cancelled):
            run_clip(BLUR, source, target, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_what_cannot_be_done_is_said_before_any_work(tmp_path):
    source = film(tmp_path / "a.mp4", [0])
    (tmp_path / "b.mp4").write_bytes(b"mine")
    with pytest.raises(PhotoError, match="exists already"):
        run_clip(BLUR, source, tmp_path / "b.mp4")
    with pytest.raises(PhotoError, match="never written over"):
        run_clip(BLUR, source, source, overwrite=True)
    with pytest.raises(ParameterError, match=r"\.mp4, \.mov, \.webm"):
        run_clip(BLUR, source, tmp_path / "c.jpg")
    with pytest.raises(ParameterError, match="layers makes a file"):
        run_clip(Chain(Layers()), source, tmp_path / "c.mp4")
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in/1.png"), pictures(1)[0])
    with pytest.raises(ParameterError, match="name a folder"):
        run_clip(BLUR, tmp_path / "in", tmp_path / "c.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == b"mine"


def test_the_picture_that_grows_is_refused_only_where_it_changes(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40])
    made = run_clip(Chain(DepthPicture(legend=True)), source, tmp_path / "b.mp4")
    assert made.frames == 2


def test_one_frame_in_the_middle_is_shown_before_and_after(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40, 80, 120, 160])
    shown = []
    run_clip(BLUR, source, tmp_path / "b.mp4", sample=lambda *both: shown.append(both))
    ((before, after),) = shown
    assert before.channels.found[0] is not None  # the depth that the frame was drawn with
    middle = pictures()[2]
    error = np.abs(np.sqrt(before.photo.pixels) - np.sqrt((middle / 255.0) ** 2.2)).mean()
    others = [np.sqrt((picture / 255.0) ** 2.2) for picture in (pictures()[1], pictures()[3])]
    assert error < min(np.abs(np.sqrt(before.photo.pixels) - other).mean() for other in others)
    assert not np.array_equal(before.photo.pixels, after.photo.pixels)


def test_quality_is_that_of_jpegs_if_nothing_else_is_said(tmp_path):
    source = film(tmp_path / "a.mp4", [0, 40])
    sizes = {}
    for quality in (None, 20, 100):
        target = tmp_path / f"{quality}.mp4"
        run_clip(BLUR, source, target, saving={"jpeg_quality": quality} if quality else None)
        sizes[quality] = target.stat().st_size
    assert sizes[20] < sizes[None] < sizes[100]


def test_names_of_films():
    assert film_suffix(Path("A.MOV")) == ".mov"
    assert film_suffix(Path("a.mts")) == ".mp4"


def test_what_is_ahead_comes_in_order_and_ends_with_its_errors():
    def numbers():
        yield from range(5)
        raise ValueError("five")

    coming = ahead(numbers())
    assert [next(coming) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(coming)


def clip_of(kind, count):
    """A clip of the samples: a head cut out of one before the others."""
    from depthfx.evaluation.flicker import clip

    person, room, other = (
        cv2.imread(str(SAMPLES / f"{name}.jpg"), cv2.IMREAD_COLOR_RGB)
        for name in ("portrait", "coffee", "cat")
    )
    rows, columns = np.mgrid[: person.shape[0], : person.shape[1]]
    height, width = person.shape[:2]
    inside = np.hypot((columns - width / 2) / (0.3 * width), (rows - height / 2) / (0.5 * height))
    return clip(kind, room, other, person, np.where(inside < 1, 255, 0).astype(np.uint8), count)


def flickers(kind, count):
    from depthfx.evaluation.flicker import AROUND, flicker

    chain, shown = Chain(Bokeh(f_number=1.4, grain=0)), clip_of(kind, count)
    return [flicker(shown, chain, Context(), around=around) for around in (0, AROUND)]


def test_the_background_flickers_a_third_as_much():
    alone, held = flickers("still", 7)
    assert held.background < alone.background / 3
    assert held.matte_error < 1.05 * alone.matte_error


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["walk", "pan", "shake", "cut"])
def test_the_background_of_a_hundred_frames_flickers_a_third_as_much(kind):
    alone, held = flickers(kind, 100)
    assert held.background < alone.background / 3
    assert held.matte_error < 1.05 * alone.matte_error
