"""One look on every frame of a film, or of a folder of frames, its depth held steady.

Three hands work at once: one lets the network look at the frames and holds what it says steady
(`movie.steady`), one applies the effects, one codes. A frame is read twice for that, so that
only the few in hand are held, however long the film is.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from depthfx.batch.track import Track, focused, tracks
from depthfx.chain import Chain
from depthfx.context import Context
from depthfx.depth import Plane
from depthfx.engine.refine import refine
from depthfx.errors import ParameterError, ShapeError
from depthfx.files import Saving, save
from depthfx.matting.refine import refine_matte
from depthfx.movie.again import check_film, film_suffix, write_again
from depthfx.movie.files import QUALITY
from depthfx.movie.read import FILMS, Frame, Source, is_film, open_frames
from depthfx.movie.steady import CALMED_BY, SETTLED_BY, Codes, calm, settled, windows
from depthfx.photo.colour import srgb_space
from depthfx.photo.encode import suffix_for
from depthfx.photo.photo import Photo
from depthfx.photo.whole import SIDECAR, check_folder, check_target, written_folder
from depthfx.scene import Scene

__all__ = ["FILMS", "ClipMade", "film_suffix", "is_film", "run_clip"]

T = TypeVar("T")

STEADY_S = 0.5
"""A frame is held steady by those up to so much earlier and later."""
FEWEST, MOST = 6, 24
"""The same in frames, however few or many there are in a second."""
AHEAD = 2
"""Frames that are begun before they are asked for."""


@dataclass(frozen=True)
class ClipMade:
    """What was made of a film.

    written : the file, or the folder
    frames, shots : how many it has
    notes : what could not be kept or was wrong with the film, a line each
    facts : of its first frame, as for a photo
    """

    written: tuple[Path, ...]
    frames: int
    shots: int
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def run_clip(
    chain: Chain,
    source: Path | str,
    target: Path | str,
    context: Context | None = None,
    *,
    focus: Literal["follow", "lock"] = "follow",
    steadied: bool = True,
    quality: int | None = None,
    f35_mm: float | None = None,
    overwrite: bool = False,
    saving: Saving | None = None,
    progress: Callable[[float], None] | None = None,
    sample: Callable[[Scene, Scene], object] | None = None,
) -> ClipMade:
    """Apply `chain` to every frame of `source` and write `target`, whole or not at all.

    source : a film that FFmpeg reads, or a folder of pictures
    target : a film (.mp4, .mov, .webm), with the source's times, sound and subtitles, or a name
        without suffix: a folder of pictures, called as the source's are
    focus : "follow" what is to be sharp, its distance smoothed over time, or "lock" it for each
        shot; a focus that the effect itself tells counts before
    steadied : False: every frame for itself
    quality : 1..100 of the film, see `movie.files.write_movie`; None: as `saving` says of JPEGs
    f35_mm : the focal length as 35 mm equivalent; None: what the network sees, one for a shot
    saving : for frames, and `strip_location` for films; see `depthfx.save`
    progress : hears the share done after every frame; what it raises ends the work
    sample : is given one frame before and after the chain: that in the middle, the first where
        the film does not say how many it has

    Raises ParameterError, PhotoError and what the effects raise; then nothing is left behind.
    """
    source, target, context = Path(source), Path(target), context or Context()
    saving = saving or {}
    _check_chain(chain)
    frames = open_frames(source, f35_mm=f35_mm)
    if target.suffix:
        check_film(target)
        if not frames.film:
            raise ParameterError(f"{target}: the frames in {source} have no times; name a folder")
        check_target(target, overwrite=overwrite, source=source)
    else:
        check_folder(target, overwrite=overwrite, source=source)
    around = int(np.clip(round(STEADY_S * frames.rate), FEWEST, MOST)) if steadied else 0
    made = _Making(chain, frames, context, around=around, lock=focus == "lock", sample=sample)
    with closing(made.scenes()) as scenes:
        told = _told(scenes, frames, context, progress)
        if target.suffix:
            write_again(
                target,
                frames,
                _coded(told, made),
                quality=quality or saving.get("jpeg_quality") or QUALITY,
                overwrite=overwrite,
                strip_location=saving.get("strip_location", False),
                warn=made.note,
            )
        else:
            _write_folder(target, told, made, saving, overwrite)
    return ClipMade((target,), made.count, made.shots, tuple(made.notes), made.facts)


def _check_chain(chain: Chain) -> None:
    for effect in chain.effects:
        if effect.endings:
            raise ParameterError(
                f"{effect.name} makes a file in the picture's place, not pictures of a film; "
                "give it a photo"
            )


def _told(
    scenes: Iterator[tuple[Frame, Scene]],
    source: Source,
    context: Context,
    progress: Callable[[float], None] | None,
) -> Iterator[tuple[Frame, Scene]]:
    """`scenes`, telling how many are done."""
    for number, each in enumerate(scenes, 1):
        yield each
        done = min(number / source.count, 1.0) if source.count else 0.0
        context.report("film", done)
        if progress is not None:
            progress(done)


def _coded(scenes: Iterable[tuple[Frame, Scene]], made: _Making) -> Iterator[tuple[int, Codes]]:
    """When each is shown, and its codes."""
    size: tuple[int, int] | None = None
    for frame, scene in scenes:
        if scene.photo.alpha is not None:
            made.note("films are written without transparency: it was left out")
        if scene.products:
            made.note(f"of a film only the picture is written: {scene.products[0].name} left out")
        size = size or scene.photo.shape
        if scene.photo.shape != size:
            raise ShapeError(
                f"{made.source.path}: its frames change in size to {scene.photo.shape}"
            )
        yield frame.pts, srgb_space().encode(scene.photo.pixels, 8)


def _write_folder(
    target: Path,
    scenes: Iterable[tuple[Frame, Scene]],
    made: _Making,
    saving: Saving,
    overwrite: bool,
) -> None:
    """The pictures, called as the source's are; those of a film by their number."""
    with written_folder(target, overwrite=overwrite, source=made.source.path) as folder:
        for number, (frame, scene) in enumerate(scenes, 1):
            name = Path(frame.name or f"frame-{number:06}.png")
            save(scene, folder / f"{name.stem}{suffix_for(name.suffix)}", **saving)
        said = {"frames": made.count, "fps": float(made.source.rate)}
        (folder / SIDECAR).write_text(json.dumps(said, indent=2) + "\n")


class _Making:
    """The making of one clip: its frames as finished scenes, in order, and what is to be told."""

    def __init__(
        self,
        chain: Chain,
        source: Source,
        context: Context,
        *,
        around: int,
        lock: bool,
        sample: Callable[[Scene, Scene], object] | None = None,
    ) -> None:
        self.chain, self.source, self.context = chain, source, context
        self.around, self.lock, self.sample = around, lock, sample
        self.count = self.shots = 0
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {}

    def note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)

    def scenes(self) -> Generator[tuple[Frame, Scene], None, None]:
        """Each frame with its picture finished."""
        ended = threading.Event()
        found = tracks(
            self._looked_at(ended), self.chain, self.context, around=self.around, lock=self.lock
        )
        with closing(ahead(found)) as coming:
            try:
                for frame, track, fine in fines(self._shown(), coming, self.around):
                    before = laid_out(frame.photo(), fine, track, self.context)
                    scene = focused(self.chain, track)(before)
                    if self.sample is not None and self.count == (self.source.count or 0) // 2:
                        self.sample(before, scene)
                    self.count, self.shots = self.count + 1, track.steadied.shot + 1
                    self.facts = self.facts or dict(scene.facts)
                    yield frame, scene
            finally:
                ended.set()

    def _shown(self) -> Iterator[tuple[Frame, Codes]]:
        for frame in self.source.frames():
            yield frame, _codes(frame.photo())

    def _looked_at(self, ended: threading.Event) -> Iterator[Photo]:
        for frame in self.source.frames(self.note):
            if ended.is_set():  # whoever wants to stop need not wait for frames far ahead
                return
            yield frame.photo()


@dataclass(frozen=True, eq=False)
class Fine:
    """Inverse depth and matte of a frame, (H, W) float32 of its own size, on its edges."""

    inverse: Plane
    matte: Plane


def fines(
    shown: Iterable[tuple[T, Codes]], found: Iterable[Track], around: int
) -> Iterator[tuple[T, Track, Fine]]:
    """Each frame with its track and its depth and matte, whose outlines do not boil.

    shown : any name of each frame, and its (H, W, 3) uint8, sRGB
    found : their tracks
    around : as for `tracks`; 0: each for itself
    """
    # Codes are kept of those around a frame; light is four times as much, of one alone.
    near = windows(shown, min(CALMED_BY, around))
    drawn = (
        (window[index][0], track, _drawn(window, index, track))
        for (window, index), track in zip(near, found, strict=True)
    )
    for window, index in windows(drawn, min(SETTLED_BY, around)):
        name, track, own = window[index]
        beside = track.steadied.beside
        inverses, mattes = (
            {k - index: getattr(fine, kind) for k, (_, _, fine) in enumerate(window)}
            for kind in ("inverse", "matte")
        )
        yield (
            name,
            track,
            Fine(settled(own.inverse, inverses, beside), settled(own.matte, mattes, beside)),
        )


def _drawn(window: Sequence[tuple[Any, Codes]], index: int, track: Track) -> Fine:
    """Depth and matte of `window[index]` on its own edges.

    They are looked for in light with less noise, that of the frames around: they boil otherwise.
    """
    others = {k - index: codes for k, (_, codes) in enumerate(window)}
    guide = srgb_space().decode(calm(window[index][1], others, track.steadied.beside))
    inverse = refine(guide, track.depth.inverse).inverse
    return Fine(inverse, refine_matte(guide, track.steadied.matte))


def finished(photo: Photo, fine: Fine, track: Track, chain: Chain, context: Context) -> Scene:
    """The frame `photo` after `chain`, its depth and matte those of `fine`."""
    return focused(chain, track)(laid_out(photo, fine, track, context))


def laid_out(photo: Photo, fine: Fine, track: Track, context: Context) -> Scene:
    """The frame `photo` with the depth and matte of `fine`."""
    split = refine(photo.pixels, fine.inverse, fine.matte)
    focal_px = track.depth.focal_px
    depth = replace(
        track.depth,
        inverse=split.inverse,
        behind=split.behind,
        coverage=split.coverage,
        focal_px=focal_px and focal_px * photo.camera.width / track.depth.shape[1],
    )
    return Scene.of(photo, context, depth=depth, matte=fine.matte)


def _codes(photo: Photo) -> Codes:
    return srgb_space().encode(photo.pixels, 8)


def ahead(items: Iterable[T], count: int = AHEAD) -> Generator[T, None, None]:
    """`items`, up to `count` of them begun, in a thread, while those before them are used."""
    end: Any = object()
    each = iter(items)
    with ThreadPoolExecutor(1) as worker:
        coming: deque[Future[T]] = deque()
        try:
            while True:
                while len(coming) < count:
                    coming.append(worker.submit(next, each, end))
                item = coming.popleft().result()
                if item is end:
                    return
                coming.append(worker.submit(next, each, end))
                yield item
        finally:
            for later in coming:
                later.cancel()
