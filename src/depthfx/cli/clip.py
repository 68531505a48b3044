"""Films where photos may stand: the same look on every frame."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from depthfx.batch.clip import film_suffix, is_film, run_clip
from depthfx.chain import Chain
from depthfx.cli.options import Common
from depthfx.cli.progress import progress_bar
from depthfx.cli.report import json_line
from depthfx.errors import ParameterError


def process_films(
    chain: Chain, films: tuple[Path, ...], out: Path | None, common: Common, label: str
) -> None:
    """Run `chain` over the frames of each film, one after the other."""
    if photo := next((film for film in films if not is_film(film)), None):
        raise ParameterError(
            f"{photo} is a photo and {next(filter(is_film, films))} a film; "
            "give them to two commands, or their folder to `depthfx batch`"
        )
    if len(films) > 1 and out is not None and not out.is_dir():
        raise ParameterError(f"-o {out} is no folder, and there are several films; make it first")
    for film in films:
        name = f"{film.stem}-{label}{film_suffix(film)}"
        target = film.with_name(name) if out is None else out / name if out.is_dir() else out
        _process(chain, film, target, common)


def _process(chain: Chain, film: Path, target: Path, common: Common) -> None:
    begun = time.perf_counter()
    with progress_bar(common.quiet or common.json) as progress:
        made = run_clip(
            chain,
            film,
            target,
            common.context(),
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
