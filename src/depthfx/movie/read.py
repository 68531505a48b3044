"""The frames of a film, or of a folder of pictures, one after the other.

FFmpeg reads films, through PyAV; what their codes mean is worked out here, after ITU-T H.273:
matrix and range of the colour differences, then primaries and tone curve as for a picture
(`photo.cicp`). Frames come upright, with square pixels, and with the time at which they are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.errors import ParameterError, PhotoError
from depthfx.natural import natural
from depthfx.photo.cicp import HLG, PQ, UNSPECIFIED, cicp_space
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Codes = NDArray[Any]
Warn = Callable[[str], None]

FILMS = (
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg"),
    *(".mxf", ".wmv", ".flv", ".3gp", ".ogv"),
)
"""Suffixes of films; a file of another is one, too, if FFmpeg finds pictures in it."""
PICTURES = (".png", ".tif", ".tiff", ".exr", ".jpg", ".jpeg", ".webp", ".avif", ".heic", ".jxl")
"""Suffixes of the pictures that a folder of frames is of."""
FOLDER_RATE = Fraction(25)
"""Frames a second of a folder of pictures, where nobody says another."""
HIGH_DEFINITION_ROWS = 720
"""From so many rows on a film that says nothing of its matrix has that of BT.709, below BT.601's:
the custom of players."""
LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""K_R and K_B by the number of the matrix (H.273, table 4)."""
MOST_SHORT = 0.9
"""Share of a film's length that its pictures last at least."""
FULL_RANGE = 2
"""FFmpeg's number for codes over the full range."""
DEPTHS = {8: "", 10: "10le", 12: "12le", 16: "16le"}
"""Bits of a channel, and how FFmpeg's planar formats of such are called."""


def unheard(words: str) -> None:
    """The warnings that nobody reads."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame.

    name : of its file, in a folder of frames; "" in a film
    pts : when it is shown, in ticks of its source
    photo : reads it: a Photo, upright, linear light
    """

    name: str
    pts: int
    photo: Callable[[], Photo]


@dataclass(frozen=True, eq=False)
class Source:
    """A film, or a folder of frames, and what is known of it before a frame is read.

    tick : seconds of one step of time; rate : frames a second, on average
    count : how many frames it has, as it says itself; 0: it does not
    film : whether it is a film, else a folder
    """

    path: Path
    tick: Fraction
    rate: Fraction
    count: int
    film: bool
    reading: Callable[[Warn], Iterator[Frame]]

    def frames(self, warn: Warn = unheard) -> Iterator[Frame]:
        """The frames from the first to the last; can be asked for again.

        warn : is told what is wrong with it and can be lived with, a line each

        Raises PhotoError if there is not one frame that can be read.
        """
        return self.reading(warn)


def is_film(path: Path | str) -> bool:
    """Whether `path` is called as films are."""
    return Path(path).suffix.lower() in FILMS


def open_frames(path: Path | str, *, f35_mm: float | None = None) -> Source:
    """The film at `path`, or the pictures in a folder, in the order of their numbers.

    f35_mm : the focal length as 35 mm equivalent, if the user knows it

    Raises PhotoError, one line that names it, if it is missing, damaged from its start on, or
    without pictures; ParameterError if PyAV is not there.
    """
    path = Path(path)
    if path.is_dir():
        return _folder(path, f35_mm)
    if not path.is_file():
        raise PhotoError(f"{path}: no such file")
    with opened(path) as file:
        stream = pictures_of(file, path)
        rate = Fraction(stream.average_rate or stream.guessed_rate or FOLDER_RATE)
        tick = Fraction(stream.time_base or 1 / rate)
        length = stream.duration * tick if stream.duration else _length_s(file)
        count = stream.frames or round(length * rate)
    return Source(path, tick, rate, count, True, partial(_film_frames, path, tick, rate, f35_mm))


def opened(path: Path) -> InputContainer:
    """A film open for reading; to be closed. Raises PhotoError or ParameterError."""
    try:
        import av
    except ImportError:
        raise ParameterError(
            f"{path}: reading films needs PyAV: pip install 'depthfx[video]'"
        ) from None
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise PhotoError(
            f"{path}: is no film that can be read: {error.strerror or error}"
        ) from None


def pictures_of(file: InputContainer, path: Path) -> VideoStream:
    """The film's own pictures: not those of a cover."""
    from av.stream import Disposition

    for stream in file.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise PhotoError(f"{path}: has no moving pictures")


def start_s(file: InputContainer) -> Fraction:
    """When the film starts on its own clock, which recorders of broadcasts let begin anywhere."""
    return Fraction(file.start_time or 0, 1_000_000)


def _length_s(file: InputContainer) -> Fraction:
    return Fraction(file.duration or 0, 1_000_000)


def _folder(path: Path, f35_mm: float | None) -> Source:
    names = [file.name for file in path.iterdir() if file.suffix.lower() in PICTURES]
    names = sorted((name for name in names if not name.startswith(".")), key=natural)
    if not names:
        raise PhotoError(f"{path}: has no pictures; frames are {', '.join(PICTURES)}")

    def frames(_: Warn) -> Iterator[Frame]:
        for number, name in enumerate(names):
            yield Frame(name, number, partial(read_photo, path / name, f35_mm=f35_mm))

    return Source(path, 1 / FOLDER_RATE, FOLDER_RATE, len(names), False, frames)


def _film_frames(
    path: Path, tick: Fraction, rate: Fraction, f35_mm: float | None, warn: Warn
) -> Iterator[Frame]:
    said: set[str] = set()

    def once(words: str) -> None:
        if words not in said:
            said.add(words)
            warn(f"{path}: {words}")

    with opened(path) as file:
        stream = pictures_of(file, path)
        stream.thread_type = "AUTO"
        begin, step = round(start_s(file) / tick), max(round(1 / (rate * tick)), 1)
        sample = Fraction(stream.sample_aspect_ratio or 1)
        last, number = -step, 0
        for coded in _decoded(file, stream, once):
            pts = last + step if coded.pts is None else coded.pts - begin
            # Two frames at one time: a clock that jumps back, or none at all.
            last = max(pts, last + 1) if number else pts
            number += 1
            yield Frame("", last, partial(_photo, coded, sample, path, f35_mm, once))
        if number == 0:
            raise PhotoError(f"{path}: not one of its frames can be read")
        # Of a whole file the sound may go on a little longer than the pictures.
        short = (last + step) * tick < MOST_SHORT * _length_s(file)
        if number < stream.frames or (not stream.frames and short):
            once(f"ends after {number} frames, sooner than it says: it is cut off or damaged")


def _decoded(file: InputContainer, stream: VideoStream, once: Warn) -> Iterator[VideoFrame]:
    import av

    packets = file.demux(stream)
    while True:
        try:
            packet = next(packets)
            yield from packet.decode()
        except StopIteration:
            return
        except av.EOFError:
            return
        except av.FFmpegError as error:
            once(f"is damaged: some of its frames are missing ({error.strerror or error})")
            if not isinstance(error, av.InvalidDataError):
                return  # of the reading, not of one frame


def _photo(
    coded: VideoFrame, sample: Fraction, path: Path, f35_mm: float | None, once: Warn
) -> Photo:
    """The frame as a photo; sample: width over height of its pixels."""
    if coded.interlaced_frame:
        once("is interlaced: its frames are taken as they are; deinterlace it before")
    if coded.is_corrupt:
        once("is damaged: some of its frames are incomplete")
    codes, alpha, bits = _rgb(coded, sample, once)
    turns = round(coded.rotation / 90) % 4  # counterclockwise
    codes = np.ascontiguousarray(np.rot90(codes, turns))
    primaries, transfer = (
        UNSPECIFIED if value in (0, UNSPECIFIED) else int(value)
        for value in (coded.color_primaries, coded.color_trc)
    )
    # Standard definition's primaries, if nobody names them, are those of its successor: the
    # difference is smaller than that between screens.
    space, _, odd = cicp_space(primaries, transfer)
    if odd:
        once(odd)
    pixels = space.decode(codes)
    height, width = pixels.shape[:2]
    camera = (
        Camera.guess(width, height) if f35_mm is None else Camera.from_f35(f35_mm, width, height)
    )
    if alpha is not None:
        alpha = np.ascontiguousarray(np.rot90(alpha, turns))
    # Floating point has room for what is brighter than white.
    floating = transfer in (PQ, HLG)
    metadata = Metadata(bit_depth=16 if bits > 8 else 8, floating=floating, format="film")
    return Photo(pixels, camera, alpha, metadata, path)


def _rgb(
    coded: VideoFrame, sample: Fraction, once: Warn
) -> tuple[Codes, NDArray[np.float32] | None, int]:
    """(H, W, 3) uint16 over the full range, opacity 0..1 or None, and the bits of a channel."""
    components = coded.format.components
    bits = min((depth for depth in DEPTHS if depth >= components[0].bits), default=16)
    has_alpha = any(part.is_alpha for part in components) or coded.format.name == "pal8"
    family = "gbr" if coded.format.is_rgb or coded.format.name == "pal8" else "yuv"
    name = {"gbr": ("gbrp", "gbrap"), "yuv": ("yuv444p", "yuva444p")}[family][has_alpha]
    planes = _planes(coded, name + DEPTHS[bits], bits, sample)
    most = (1 << bits) - 1
    alpha = planes.pop().astype(np.float32) / np.float32(most) if has_alpha else None
    if alpha is not None and alpha.min() == 1:
        alpha = None
    if family == "gbr":
        green, blue, red = planes
        codes = cv2.merge([red, green, blue]).astype(np.float32) * np.float32(65535 / most)
    else:
        matrix, full = _matrix(coded, once), _is_full(coded)
        codes = _from_differences(cv2.merge(planes), matrix, full, bits)
    return np.clip(np.rint(codes), 0, 65535).astype(np.uint16), alpha, bits


def _planes(coded: VideoFrame, name: str, bits: int, sample: Fraction) -> list[Codes]:
    """The planes of a frame in a planar format of FFmpeg, all of its size, its pixels square."""
    from av.video.reformatter import ColorRange, Interpolation

    width = coded.width if sample == 1 else max(2 * round(coded.width * sample / 2), 2)
    # Told the same twice, it leaves the codes as they are.
    codes = ColorRange.JPEG if name.startswith("g") or _is_full(coded) else ColorRange.MPEG
    whole = coded.reformat(
        width=width,
        format=name,
        interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT,
        src_color_range=codes,
        dst_color_range=codes,
    )
    kind = np.uint8 if bits == 8 else np.uint16
    planes = []
    for plane in whole.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        used = np.ascontiguousarray(rows[:, : plane.width * np.dtype(kind).itemsize])
        planes.append(used.view(kind))
    return planes


def _matrix(coded: VideoFrame, once: Warn) -> tuple[float, float]:
    """K_R and K_B of the frame's colour differences."""
    number = int(coded.colorspace)
    if number in LUMA_WEIGHTS:
        return LUMA_WEIGHTS[number]
    if number not in (0, UNSPECIFIED, 3):
        once(f"names a colour matrix that is not known ({number}): taken as BT.709")
        return LUMA_WEIGHTS[1]
    return LUMA_WEIGHTS[1 if coded.height >= HIGH_DEFINITION_ROWS else 6]


def _is_full(coded: VideoFrame) -> bool:
    return int(coded.color_range) == FULL_RANGE or coded.format.name.startswith("yuvj")


def _from_differences(
    codes: Codes, weights: tuple[float, float], full: bool, bits: int
) -> NDArray[np.float32]:
    """Red, green and blue, 0..65535, of luma and colour differences (H.273, 8.3)."""
    red, blue = weights
    green = 1 - red - blue
    step = 1 << (bits - 8)
    most = (1 << bits) - 1
    luma, black = (most, 0) if full else (219 * step, 16 * step)
    chroma, grey = (most if full else 224 * step), 128 * step
    matrix = np.array(
        [
            [1, 0, 2 * (1 - red)],
            [1, -2 * blue * (1 - blue) / green, -2 * red * (1 - red) / green],
            [1, 2 * (1 - blue), 0],
        ]
    ) / np.array([luma, chroma, chroma])
    offset = -matrix @ np.array([black, grey, grey])
    both = 65535 * np.hstack([matrix, offset[:, None]])
    return np.asarray(cv2.transform(codes.astype(np.float32), both), np.float32)
