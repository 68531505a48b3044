"""Frames into a movie file, or a folder of pictures, by the suffix of its name.

Encoders are FFmpeg's, through PyAV. Files carry no time and no name of a program's run, and the
number of threads is fixed, so the same frames give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError, PhotoError, ShapeError
from depthfx.photo.whole import SIDECAR, written_folder, written_whole

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Frame = NDArray[np.uint8]
Size = tuple[int, int]
Progress = Callable[[float], None]

QUALITY = 90
THREADS = 4
"""Of the encoders; their bytes depend on it, so it does not follow the processor."""
NARROW_PX = 640
"""x264's macroblock tree reads memory that was never set where frames are 6, 14 or 22 blocks wide,
and the same frames give other bytes now and then; narrow ones do without it."""
KEY_FRAME_S = 2.0
"""From one frame that stands alone to the next: so finely a player can seek."""
FINEST_RATE = 1001
"""The denominator of broadcast frame rates, as in 30000 / 1001."""
GIF_TICKS = 100
"""A GIF counts time in hundredths of a second."""
GIF_FASTEST = 50.0
"""Frames a second: browsers show a frame of less than two hundredths for a tenth."""
DITHER = "dither=bayer:bayer_scale=3:diff_mode=rectangle"
PNG_LEVEL = 1
"""Of compression: level 6 takes three times as long and saves a fifth."""
GIF_BYTES = 1_500_000_000
"""All frames of a GIF are held until its palette is chosen, four bytes a pixel."""


@dataclass(frozen=True)
class Form:
    """A kind of movie file.

    container, codec, pixels : FFmpeg's names of its format, encoder and pixel format
    even : whether its sides have to be even
    options : of the encoder, for a quality 1..100 and a size
    """

    container: str
    codec: str
    pixels: str
    even: bool
    options: Callable[[int, Size], dict[str, str]]


def _h264(quality: int, size: Size) -> dict[str, str]:
    """Against `fast`, `veryfast` takes a third of the time, at 0.2 dB less and a smaller file."""
    crf = min(max(18 + 0.4 * (QUALITY - quality), 0), 51)
    options = {"preset": "veryfast", "profile": "high", "crf": f"{crf:g}"}
    return options if size[0] >= NARROW_PX else options | {"mbtree": "0"}


def _vp9(quality: int, _: Size) -> dict[str, str]:
    crf = min(max(round(22 + 0.5 * (QUALITY - quality)), 0), 63)
    return {
        **{"crf": str(crf), "b": "0", "deadline": "realtime", "cpu-used": "6"},
        **{"row-mt": "1", "tile-columns": "2"},
    }


def _webp(quality: int, _: Size) -> dict[str, str]:
    return {"quality": str(quality), "compression_level": "2"}


FORMS = {
    ".mp4": Form("mp4", "libx264", "yuv420p", True, _h264),
    ".mov": Form("mov", "libx264", "yuv420p", True, _h264),
    ".webm": Form("webm", "libvpx-vp9", "yuv420p", True, _vp9),
    ".webp": Form("webp", "libwebp_anim", "bgra", False, _webp),
    ".gif": Form("gif", "gif", "pal8", False, lambda *_: {}),
}
"""By suffix; a name without one is a folder of PNGs."""


def check_movie(path: Path, size: Size, fps: float, count: int) -> None:
    """Raise ParameterError if no movie of this name, size (width, height), rate and number of
    frames can be written, before any frame is drawn."""
    suffix = path.suffix.lower()
    if suffix not in ("", *FORMS):
        raise ParameterError(
            f"{path}: movies are {', '.join(FORMS)}, or a folder of PNGs (a name without suffix)"
        )
    if not (math.isfinite(fps) and 0 < fps <= 1000):
        raise ParameterError(f"{path}: fps={fps} is not a number of frames a second up to 1000")
    if not suffix:
        return
    width, height = size
    if FORMS[suffix].even and (width % 2 or height % 2):
        raise ParameterError(f"{path}: {width} x {height}: the sides of {suffix} have to be even")
    if suffix == ".gif" and fps > GIF_FASTEST:
        raise ParameterError(f"{path}: fps={fps:g}: a GIF shows at most {GIF_FASTEST:g} a second")
    if suffix == ".gif" and 4 * width * height * count > GIF_BYTES:
        raise ParameterError(
            f"{path}: {count} frames of {width} x {height} are too much for a GIF; make it "
            "smaller or shorter, or write .webp or .mp4"
        )
    try:
        import av  # noqa: F401
    except ImportError:
        raise ParameterError(
            f"{path}: writing {suffix} needs PyAV: pip install 'depthfx[video]'"
        ) from None


def write_movie(
    path: Path,
    frames: Iterable[Frame],
    size: Size,
    fps: float,
    *,
    count: int,
    quality: int = QUALITY,
    loop: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write `frames` to `path`, whole or not at all.

    frames : `count` of (H, W, 3) uint8, sRGB
    size : (width, height)
    quality : 1..100, of forms that lose something; 90 is hard to tell from the frames
    loop : whether a GIF or WebP plays again and again; other forms leave that to the player
    progress : is told the share done after every frame; what it raises ends the work

    Raises ParameterError as `check_movie` does, ShapeError if a frame is not of `size`, PhotoError
    as `written_whole` does.
    """
    path = Path(path)
    check_movie(path, size, fps, count)
    checked = _checked(frames, size, count, progress)
    if not path.suffix:
        _write_sequence(path, checked, size, fps, overwrite)
        return
    import av

    form = FORMS[path.suffix.lower()]
    with written_whole(path, overwrite=overwrite) as file:
        try:
            # By its name: an index in front of the pictures is written in a second pass.
            with av.open(file.name, "w", format=form.container, options=muxing(form, loop)) as out:
                stream = _stream(out, form, size, fps, quality)
                if form.codec == "gif":
                    pictures = _with_palette(checked, size, fps)
                else:
                    pictures = (coded(frame, form) for frame in checked)
                for number, picture in enumerate(pictures):
                    out.mux(stream.encode(_stamped(picture, number, fps, form)))
                out.mux(stream.encode(None))
        except av.FFmpegError as error:
            raise PhotoError(f"{path}: cannot be written: {error.strerror or error}") from error


def _checked(
    frames: Iterable[Frame], size: Size, count: int, progress: Progress | None
) -> Iterator[Frame]:
    """`frames`, each of the size it should be, telling how many are done."""
    shape = (size[1], size[0], 3)
    for number, frame in enumerate(frames):
        if frame.shape != shape or frame.dtype != np.uint8:
            raise ShapeError(f"a frame must be {shape} uint8, got {frame.shape} {frame.dtype}")
        yield np.ascontiguousarray(frame)
        if progress is not None:
            progress(min((number + 1) / count, 1.0))


def muxing(form: Form, loop: bool) -> dict[str, str]:
    """Options of the container."""
    options = {"fflags": "+bitexact"}
    if form.container in ("mp4", "mov"):
        options["movflags"] = "+faststart"  # a browser plays it while it loads
    elif form.container == "gif":
        options["loop"] = "0" if loop else "-1"
    elif form.container == "webp":
        options["loop"] = "0" if loop else "1"
    return options


def rational(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(FINEST_RATE)


def _stream(out: OutputContainer, form: Form, size: Size, fps: float, quality: int) -> VideoStream:
    stream: Any = out.add_stream(
        form.codec, rate=rational(fps), options=form.options(quality, size)
    )
    stream.width, stream.height = size
    stream.pix_fmt = form.pixels
    context = stream.codec_context
    context.thread_count = THREADS
    context.gop_size = max(1, round(KEY_FRAME_S * fps))
    if form.pixels == "yuv420p":
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
    if form.codec == "gif":
        context.time_base = Fraction(1, GIF_TICKS)
    return stream


BT709, LIMITED = 1, 1
"""ITU-T H.273: BT.709 as primaries, transfer and matrix; FFmpeg's for codes from 16 to 235."""


def coded(frame: Frame, form: Form) -> VideoFrame:
    """`frame` in the pixels of `form`."""
    import av
    from av.video.reformatter import Interpolation

    picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
    if form.pixels != "yuv420p":
        return picture.reformat(format=form.pixels)
    return picture.reformat(
        format=form.pixels,
        src_colorspace="ITU709",
        dst_colorspace="ITU709",
        src_color_range="JPEG",
        dst_color_range="MPEG",
        dst_color_trc=BT709,
        dst_color_primaries=BT709,
        interpolation=Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
    )


def _stamped(picture: VideoFrame, number: int, fps: float, form: Form) -> VideoFrame:
    """`picture` with its time; in a GIF to the nearest tick, so that they do not add up."""
    rate = rational(fps)
    if form.codec == "gif":
        picture.time_base, picture.pts = Fraction(1, GIF_TICKS), round(number * GIF_TICKS / rate)
    else:
        picture.time_base, picture.pts = 1 / rate, number
    return picture


def _with_palette(frames: Iterable[Frame], size: Size, fps: float) -> Iterator[VideoFrame]:
    """`frames` in the 256 colours that suit them all.

    One palette for all, so that what rests does not flicker; the pattern of the dither rests too.
    """
    import av
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=size[0], height=size[1], format=av.VideoFormat("rgb24"), time_base=1 / rational(fps)
    )
    split = graph.add("split")
    palette, use = graph.add("palettegen"), graph.add("paletteuse", DITHER)
    sink: Any = graph.add("buffersink")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    for number, frame in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
        picture.time_base, picture.pts = 1 / rational(fps), number
        source.push(picture)
    source.push(None)
    while True:
        try:
            yield sink.pull()
        except (av.EOFError, av.BlockingIOError):
            return


def _write_sequence(
    path: Path, frames: Iterable[Frame], size: Size, fps: float, overwrite: bool
) -> None:
    """A folder of PNGs, frame-0001.png and on, as After Effects, Nuke and Resolve import them."""
    import cv2

    with written_folder(path, overwrite=overwrite) as folder:
        number = 0
        for number, frame in enumerate(frames, 1):
            done, png = cv2.imencode(
                ".png", frame[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL]
            )
            assert done
            (folder / f"frame-{number:04}.png").write_bytes(png.tobytes())
        said = {"frames": number, "fps": fps, "width": size[0], "height": size[1]}
        (folder / SIDECAR).write_text(json.dumps(said, indent=2) + "\n")
