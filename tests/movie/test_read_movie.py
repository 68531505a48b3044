"""Films read: colours after H.273 written out by hand, time, turns, and what is damaged."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from depthfx.errors import ParameterError, PhotoError
from depthfx.movie.read import is_film, open_frames
from depthfx.natural import natural
from depthfx.photo.cicp import cicp_space
from depthfx.photo.colour import srgb_space

av = pytest.importorskip("av")

COLOURS = np.array(
    [
        *[(255, 255, 255), (0, 0, 0), (220, 30, 30), (30, 200, 40)],
        *[(40, 60, 230), (180, 120, 90), (128, 128, 128), (20, 200, 220)],
    ],
    np.float64,
)
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def chart(height=32, width=48):
    """(H, W, 3) float64: eight even fields, codes of 255."""
    fields = COLOURS.reshape(2, 4, 3)
    return fields.repeat(height // 2, axis=0).repeat(width // 4, axis=1)


def differences(rgb, matrix, full, bits):
    """Luma and colour differences of codes of 255, as H.273 (8.3) defines them; (3, H, W)."""
    red, blue = WEIGHTS[matrix]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    pair = [(b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))]
    if full:
        most = 2**bits - 1
        planes = [most * y, *(most * p + 2 ** (bits - 1) for p in pair)]
    else:
        step = 2 ** (bits - 8)
        planes = [step * (219 * y + 16), *(step * (224 * p + 128) for p in pair)]
    return np.clip(np.rint(np.array(planes)), 0, 2**bits - 1)


def frame_of(planes, form):
    """A frame of planar `form` with these planes."""
    kind = np.uint8 if planes.max() < 256 and "le" not in form else np.uint16
    height, width = planes.shape[1:]
    frame = av.VideoFrame(width, height, form)
    for plane, values in zip(frame.planes, planes, strict=True):
        row = plane.line_size // np.dtype(kind).itemsize
        padded = np.zeros((height, row), kind)
        padded[:, :width] = values
        plane.update(padded.tobytes())
    return frame


def film(path, frames, form="yuv444p", codec="ffv1", rate=25, times=None, turn=None, **tags):
    """A film of `frames`; tags: attributes of its codec."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].height, frames[0].width
        stream.pix_fmt = form
        if turn:
            stream.set_display_rotation(turn)
        if times:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        for number, frame in enumerate(frames):
            frame.pts = times[number] if times else number
            frame.time_base = Fraction(1, 1000) if times else Fraction(1, rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def of_rgb(rgb):
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb, np.uint8), format="rgb24")


def codes(photo):
    """The photo's pixels as sRGB codes, float64."""
    return srgb_space().encode(photo.pixels, 16) / 257.0


def first(path, warn=None):
    said = []
    photo = next(iter(open_frames(path).frames(said.append))).photo()
    if warn is not None:
        warn.extend(said)
    return photo


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_colours_are_what_the_tags_say(tmp_path, matrix, full, bits):
    form = "yuv444p" if bits == 8 else "yuv444p10le"
    frame = frame_of(differences(chart(), matrix, full, bits), form)
    path = film(
        tmp_path / "a.mkv",
        [frame],
        form,
        colorspace=matrix,
        color_range=2 if full else 1,
        color_trc=1,
        color_primaries=1,
    )
    # A step of luma and one of each difference, at most, in codes of 255.
    assert np.abs(codes(first(path)) - chart()).max() < (2.0 if bits == 8 else 0.6)


@pytest.mark.parametrize(("height", "matrix"), [(32, 6), (720, 1)])
def test_a_film_without_tags_is_read_as_players_do(tmp_path, height, matrix):
    frame = frame_of(differences(chart(height), matrix, False, 8), "yuv444p")
    assert np.abs(codes(first(film(tmp_path / "a.mkv", [frame]))) - chart(height)).max() < 2


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_light_that_goes_beyond_white_and_is_told_of(tmp_path, transfer, name):
    ramp = np.linspace(0, 255, 48)[None, :, None].repeat(32, 0).repeat(3, 2)
    frame = frame_of(differences(ramp, 9, False, 10), "yuv444p10le")
    path = film(
        tmp_path / "a.mkv",
        [frame],
        "yuv444p10le",
        colorspace=9,
        color_range=1,
        color_trc=transfer,
        color_primaries=9,
    )
    warnings = []
    for each in open_frames(path).frames(warnings.append):
        pixels = each.photo().pixels
    space, _, _ = cicp_space(9, transfer)
    true = space.decode(np.rint(ramp * 257).astype(np.uint16))
    np.testing.assert_allclose(pixels, true, rtol=0.03, atol=0.003)
    assert pixels.max() > 4
    assert len(warnings) == 1
    assert name in warnings[0]


def test_transparency_is_read(tmp_path):
    rgba = np.dstack([chart(), np.linspace(0, 255, 48)[None].repeat(32, 0)])
    frame = av.VideoFrame.from_ndarray(np.rint(rgba).astype(np.uint8), format="rgba")
    photo = first(film(tmp_path / "a.mov", [frame], "rgba", codec="png"))
    np.testing.assert_allclose(photo.alpha * 255, np.rint(rgba[..., 3]), atol=0.01)
    assert np.abs(codes(photo) - chart()).max() < 0.51


def test_halved_colour_keeps_the_middle_of_fields_and_odd_sides_stay(tmp_path):
    rgb = chart()[:31, :47]
    frame = of_rgb(rgb).reformat(format="yuv420p", dst_colorspace="ITU601")
    photo = first(film(tmp_path / "a.mkv", [frame], "yuv420p", colorspace=6, color_range=1))
    assert photo.shape == (31, 47)
    assert np.abs(codes(photo) - rgb)[4:12, 4:8].max() < 3


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_frames_are_turned_upright(tmp_path, turn):
    """A phone says how its film is turned in the matrix of the track (ISO 14496-12, 8.3.2)."""
    path = film(tmp_path / "a.mov", [of_rgb(chart())], "rgb24", codec="png", turn=turn)
    tracks = path.read_bytes()
    at = tracks.index(b"tkhd") + 4 + 40
    a, b, _, c, d = np.frombuffer(tracks[at : at + 20], ">i4") / 65536
    # Where (x, y) is shown: (a x + c y, b x + d y).
    turns = {(0, 1): 3, (-1, 0): 2, (0, -1): 1}[(round(a), round(b))]
    assert (round(c), round(d)) == (-round(b), round(a))
    np.testing.assert_allclose(codes(first(path)), np.rot90(chart(), turns), atol=0.51)


def test_pixels_become_square(tmp_path):
    path = tmp_path / "a.avi"
    film(path, [of_rgb(chart())], "yuv420p", codec="mpeg4", sample_aspect_ratio=Fraction(4, 3))
    assert first(path).shape == (32, 64)


def test_times_are_kept_as_uneven_as_they_are(tmp_path):
    times = [0, 40, 47, 120, 400, 433]
    path = film(tmp_path / "a.mkv", [of_rgb(chart()) for _ in times], "bgr0", times=times)
    source = open_frames(path)
    assert [round(1000 * frame.pts * source.tick) for frame in source.frames()] == times


def test_frames_can_be_read_twice_and_are_the_same(tmp_path):
    frames = [of_rgb(chart() * k / 5) for k in range(6)]
    source = open_frames(film(tmp_path / "a.mkv", frames, "bgr0"))
    assert source.count in (0, 6)
    one, two = ([f.photo().pixels for f in source.frames()] for _ in range(2))
    assert len(one) == 6
    np.testing.assert_array_equal(one, two)


def test_of_a_film_that_was_cut_off_the_frames_before_are_read(tmp_path):
    random = np.random.default_rng(0)
    frames = [of_rgb(random.integers(0, 256, (64, 96, 3))) for _ in range(20)]
    path = film(tmp_path / "a.mkv", frames, "bgr0")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    warnings = []
    count = sum(1 for _ in open_frames(path).frames(warnings.append))
    assert 8 <= count <= 13
    assert len(warnings) == 1, warnings
    assert str(path) in warnings[0]


def test_a_film_with_a_hole_is_read_around_it(tmp_path):
    frames = [of_rgb(np.roll(chart(64, 96), k, 1)) for k in range(20)]
    path = film(tmp_path / "a.avi", frames, "yuvj420p", codec="mjpeg")
    data = bytearray(path.read_bytes())
    at = [k for k in range(len(data) - 4) if data[k : k + 4] == b"00dc"]
    data[at[5] + 8 : at[6]] = bytes(at[6] - at[5] - 8)
    path.write_bytes(data)
    warnings = []
    photos = [frame.photo() for frame in open_frames(path).frames(warnings.append)]
    assert 18 <= len(photos) <= 20
    assert any("damaged" in words for words in warnings)


@pytest.mark.parametrize("content", [b"", b"not a film at all" * 100], ids=["empty", "text"])
def test_what_is_no_film_is_one_line(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=r"a\.mp4: is no film") as caught:
        open_frames(path)
    assert "\n" not in str(caught.value)


def test_sound_alone_is_no_film(tmp_path):
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.rate = 8000
        out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    with pytest.raises(PhotoError, match="has no moving pictures"):
        open_frames(path)


def test_a_missing_film_and_an_empty_folder_are_one_line(tmp_path):
    with pytest.raises(PhotoError, match="no such file"):
        open_frames(tmp_path / "none.mp4")
    with pytest.raises(PhotoError, match="has no pictures"):
        open_frames(tmp_path)


def test_frames_of_a_folder_come_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 9, 100, 1):
        cv2.imwrite(str(tmp_path / f"f{number}.png"), np.full((8, 8, 3), number, np.uint8))
    (tmp_path / "notes.txt").write_text("no frame")
    source = open_frames(tmp_path)
    frames = list(source.frames())
    assert [frame.name for frame in frames] == ["f1.png", "f9.png", "f10.png", "f100.png"]
    assert source.count == 4
    assert codes(frames[3].photo()).mean() == pytest.approx(100, abs=0.1)
    assert natural("a2b10") < natural("a10b1")
    assert natural("1²3") < natural("2")  # a digit that is no number


def test_a_focal_length_that_is_told_is_that_of_every_frame(tmp_path):
    path = film(tmp_path / "a.mkv", [of_rgb(chart())], "bgr0")
    camera = next(iter(open_frames(path, f35_mm=50).frames())).photo().camera
    assert camera.f35_mm == pytest.approx(50)
    with pytest.raises(ParameterError):
        next(iter(open_frames(path, f35_mm=-1).frames())).photo()


@pytest.mark.parametrize(
    ("name", "film_name"), [("a.MP4", True), ("b.mov", True), ("c.jpg", False)]
)
def test_films_are_known_by_their_names(name, film_name):
    assert is_film(name) is film_name
