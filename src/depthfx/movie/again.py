"""A film written once more with other pictures: its time, its sound and its titles are kept.

Sound and subtitles are copied packet by packet, bit for bit, where the new file can hold them;
sound that it cannot hold is coded anew. What else a film carries (time code, data) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depthfx.errors import ParameterError, PhotoError, ShapeError
from depthfx.movie.files import (
    BT709,
    FORMS,
    KEY_FRAME_S,
    LIMITED,
    QUALITY,
    THREADS,
    Form,
    Frame,
    coded,
    muxing,
)
from depthfx.movie.read import Source, Warn, opened, pictures_of, start_s, unheard
from depthfx.photo.whole import written_whole

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

CONTAINERS = (".mp4", ".mov", ".webm")
"""Films with sound; the other forms of `movie.files` are animations."""
SOUND = {".mp4": "aac", ".mov": "aac", ".webm": "libopus"}
"""What sound is coded as where it cannot be copied."""
PLACE_WORDS = ("location", "gps", "xyz")
"""In names of metadata that tell where a film was made."""


def film_suffix(path: Path) -> str:
    """The suffix of a film that is written for the one at `path`."""
    suffix = path.suffix.lower()
    return suffix if suffix in CONTAINERS else ".mp4"


def check_film(target: Path) -> None:
    """Raise ParameterError if no film of this name can be written."""
    if target.suffix.lower() not in CONTAINERS:
        raise ParameterError(
            f"{target}: films are written as {', '.join(CONTAINERS)}, frames into a folder (a "
            "name without suffix)"
        )


def write_again(
    target: Path,
    source: Source,
    pictures: Iterable[tuple[int, Frame]],
    *,
    quality: int = QUALITY,
    overwrite: bool = False,
    strip_location: bool = False,
    warn: Warn = unheard,
) -> None:
    """Write `source` to `target` with other pictures, whole or not at all.

    pictures : when each is shown, in ticks of the source, and (H, W, 3) uint8, sRGB, all of one
        size; of an odd side the last row or column is shown twice
    quality : 1..100, see `movie.files.write_movie`
    strip_location : leave out where the film was made
    warn : is told what could not be kept, a line each

    Raises ParameterError as `check_film` does, ShapeError if a frame is of another size than the
    first, PhotoError as `photo.whole.written_whole` does.
    """
    check_film(target)
    import av

    form = FORMS[target.suffix.lower()]
    with written_whole(target, overwrite=overwrite, source=source.path) as file:
        try:
            with av.open(file.name, "w", format=form.container, options=muxing(form, True)) as out:
                _write(out, form, target, source, pictures, quality, strip_location, warn)
        except av.FFmpegError as error:
            raise PhotoError(f"{target}: cannot be written: {error.strerror or error}") from error


def _write(
    out: OutputContainer,
    form: Form,
    target: Path,
    source: Source,
    pictures: Iterable[tuple[int, Frame]],
    quality: int,
    strip_location: bool,
    warn: Warn,
) -> None:
    pictures = iter(pictures)
    first = next(pictures, None)
    if first is None:
        raise PhotoError(f"{source.path}: not one of its frames can be read")
    shape = first[1].shape
    stream = _video(out, form, source, (shape[1] + shape[1] % 2, shape[0] + shape[0] % 2), quality)
    with opened(source.path) as file:
        beside = _Beside.of(out, file, target, warn)
        for name, value in file.metadata.items():
            if not (strip_location and any(word in name.lower() for word in PLACE_WORDS)):
                out.metadata[name] = value
        packets = beside.packets(file)
        waiting = next(packets, None)
        for pts, frame in _with(first, pictures):
            if frame.shape != shape or frame.dtype != np.uint8:
                raise ShapeError(f"a frame must be {shape} uint8, got {frame.shape} {frame.dtype}")
            while waiting is not None and waiting[0] <= pts * source.tick:
                out.mux(waiting[1])
                waiting = next(packets, None)
            picture = coded(_even(frame), form)
            picture.time_base, picture.pts = source.tick, pts
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
        while waiting is not None:
            out.mux(waiting[1])
            waiting = next(packets, None)


def _with(
    first: tuple[int, Frame], others: Iterator[tuple[int, Frame]]
) -> Iterator[tuple[int, Frame]]:
    yield first
    yield from others


def _even(frame: Frame) -> Frame:
    rows, columns = frame.shape[:2]
    if rows % 2 or columns % 2:
        frame = np.pad(frame, ((0, rows % 2), (0, columns % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(frame)


def _video(
    out: OutputContainer, form: Form, source: Source, size: tuple[int, int], quality: int
) -> Any:
    stream: Any = out.add_stream(form.codec, rate=source.rate, options=form.options(quality, size))
    stream.width, stream.height = size
    stream.pix_fmt = form.pixels
    stream.time_base = source.tick
    context = stream.codec_context
    context.time_base = source.tick
    context.thread_count = THREADS
    context.gop_size = max(1, round(KEY_FRAME_S * source.rate))
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED
    return stream


@dataclass(frozen=True, eq=False)
class _Beside:
    """What goes beside the pictures: which stream of the source becomes which."""

    copied: dict[int, Stream]
    coded: dict[int, Any]
    target: Path

    @classmethod
    def of(cls, out: OutputContainer, file: InputContainer, target: Path, warn: Warn) -> _Beside:
        copied: dict[int, Stream] = {}
        anew: dict[int, Any] = {}
        pictures = pictures_of(file, target)
        left_out = []
        for stream in file.streams:
            if stream.index == pictures.index:
                continue
            if stream.type not in ("audio", "subtitle"):
                left_out.append("data" if stream.type != "video" else "cover")
                continue
            name = stream.codec_context.codec.canonical_name if stream.codec_context else ""
            if name in out.supported_codecs:
                copied[stream.index] = out.add_stream_from_template(stream)
                copied[stream.index].time_base = stream.time_base
            elif stream.type == "audio":
                codec = SOUND[target.suffix.lower()]
                anew[stream.index] = out.add_stream(codec, rate=_rate(codec, stream))
                sound: Any = stream
                anew[stream.index].layout = sound.layout
                warn(f"{target}: cannot hold sound as {name}; it was coded anew as {codec}")
            else:
                left_out.append(f"subtitles ({name})")
        if kinds := sorted(set(left_out) - {"data", "cover"}):
            warn(f"{target}: cannot hold the film's {', '.join(kinds)}: left out")
        return cls(copied, anew, target)

    def packets(self, file: InputContainer) -> Iterator[tuple[Fraction, Packet | list[Packet]]]:
        """When each begins, in seconds, and what is to be written, in the order of the source."""
        streams = [file.streams[index] for index in sorted({*self.copied, *self.coded})]
        if not streams:
            return
        begin = start_s(file)
        for packet in file.demux(streams):
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is None:
                continue  # the end of a stream
            base = packet.time_base
            late = round(begin / base)
            number = packet.stream.index
            when = (stamp - late) * base
            if number in self.copied:
                packet.pts = None if packet.pts is None else packet.pts - late
                packet.dts = None if packet.dts is None else packet.dts - late
                packet.stream = self.copied[number]
                yield when, packet
            else:
                frame: Any
                for frame in packet.decode():
                    frame.pts = None if frame.pts is None else frame.pts - late
                    yield when, self.coded[number].encode(frame)
        for stream in self.coded.values():
            yield Fraction(10**9), stream.encode(None)


def _rate(codec: str, stream: Any) -> int:
    """Opus knows but one rate of music; the encoder's resampler does the rest."""
    return 48000 if codec == "libopus" else int(stream.rate)
