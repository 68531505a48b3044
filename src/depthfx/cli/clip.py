"""Films where photos may stand: the same look on every frame."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from depthfx.batch.clip import film_suffix, is_film, run_clip
from depthfx.chain import Chain
from depthfx.cli.options import Common
from depthfx.cli.progress import progress_bar
from depthfx.errors import ParameterError
from depthfx.facts import json_line
from depthfx.photo.whole import SIDECAR


def process_films(
    chain: Chain, films: tuple[Path, ...], out: Path | None, common: Common, label: str
) -> None:
    """Run `chain` over the frames of each film, or folder of frames, one after the other."""
    others = [film for film in films if not (is_film(film) or film.is_dir())]
    if others and len(others) < len(films):
        film = next(film for film in films if film not in others)
        raise ParameterError(
            f"{others[0]} is a photo and {film} a film; "
            "give them to two commands, or their folder to `depthfx batch`"
        )
    if others:
        raise ParameterError(f"{others[0]}: --clip is for a folder of frames, or a film")
    if len(films) > 1 and out is not None and not out.is_dir():
        raise ParameterError(f"-o {out} is no folder, and there are several films; make it first")
    for film in films:
        _process(chain, film, _target(film, out, label), common)


def _target(film: Path, out: Path | None, label: str) -> Path:
    """Beside the film, in a folder, or what is named; of frames it is a folder itself."""
    frames = film.is_dir()
    suffix = "" if frames else film_suffix(film)
    name = f"{film.absolute().name if frames else film.stem}-{label}{suffix}"
    if out is None:
        return film.absolute().with_name(name) if frames else film.with_name(name)
    ours = (out / SIDECAR).is_file()  # frames that were written before
    return out / name if out.is_dir() and not (frames and ours) else out


def _process(chain: Chain, film: Path, target: Path, common: Common) -> None:
    begun = time.perf_counter()
    with progress_bar(common.quiet or common.json) as progress:
        made = run_clip(
            chain,
            film,
            target,
            common.context(),
            focus=common.film_focus or "follow",
            f35_mm=common.f35,
            overwrite=common.overwrite,
            saving=common.saving(),
            progress=lambda share: progress("frames", share),
        )
    written, seconds = list(map(str, made.written)), time.perf_counter() - begun
    if common.json:
        facts = {"file": str(film), "written": written, "frames": made.frames, "notes": made.notes}
        print(json_line({**facts, "seconds": round(seconds, 3), **made.facts}), flush=True)
    elif not common.quiet:
        words = "; ".join([f"{made.frames} frames", *made.notes, f"{seconds:.1f} s"])
        print(f"{film}: {words}", file=sys.stderr)
        print("\n".join(written), flush=True)
