"""A batch as a command carries it out: planned, told of, stopped, and its exit status."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthfx.batch.course import SHEET, carried_out
from depthfx.batch.job import Job, Status
from depthfx.batch.journal import foreseen
from depthfx.batch.past import ALTERED
from depthfx.batch.photos import header_px
from depthfx.batch.plan import Plan, plan
from depthfx.cli.batch_progress import Board, board, duration
from depthfx.cli.failure import CANCELLED
from depthfx.cli.stopping import stopping
from depthfx.errors import DepthfxError
from depthfx.facts import json_line

if TYPE_CHECKING:
    from depthfx.batch.look import Look
    from depthfx.chain import Chain


def shoot(
    recipe: Path | Chain | Look,
    photos: Iterable[str],
    out: str,
    *,
    search: dict[str, Any],
    given: dict[str, Any],
    how: dict[str, Any],
    dry_run: bool = False,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Carry out a batch and tell of it; its exit status.

    search, given : keywords of `depthfx.batch.plan.plan`: which photos, and what the options say
    how : keywords of `depthfx.batch.course.carried_out`
    dry_run : only tell of it
    json : print lines of JSON, not paths
    quiet : say nothing but what went wrong

    Raises DepthfxError if photos failed.
    """
    watch = how.get("watch", False)
    planned = plan(recipe, photos, out, **search, watch=watch, **given)
    if dry_run:
        tell_plan(planned, json=json, overwrite=how.get("overwrite", False))
        return 0
    stop = threading.Event()
    with (
        board(quiet=quiet, every_photo=not json, total_known=not watch) as shown,
        stopping(stop, shown.stopping),
        closing(carried_out(planned, **how, stop=stop, heard=shown)) as results,
    ):
        if not quiet:
            threading.Thread(target=measure, args=(planned.jobs, shown, stop), daemon=True).start()
        try:
            for result in results:
                shown.ended(result)
                if result.traceback and how.get("verbose"):
                    shown.say(result.traceback)
                if json:
                    print(json_line(result.to_json()), flush=True)
                elif not quiet:
                    for written in result.written:
                        print(planned.place_of(written.name), flush=True)
        except KeyboardInterrupt:
            shown.say(how_to_go_on(shown))
            raise
    if stop.is_set() and shown.left and not watch:
        print(how_to_go_on(shown), file=sys.stderr)
        return CANCELLED
    sheet = planned.place_of(SHEET) if how.get("report", True) else None
    if shown.failed:
        see = f"; {sheet} shows all" if sheet else ""
        others = ", the others are done" if shown.failed < shown.ended_count else ""
        raise DepthfxError(f"{shown.failed} of {shown.ended_count} photos failed{others}{see}")
    if not quiet:
        print(summary(shown) + (f": {sheet}" if sheet else ""), file=sys.stderr)
    return 0


def measure(jobs: Iterable[Job], shown: Board, stop: threading.Event) -> None:
    """Tell the board how big photos are, which is in their headers: slow disks take their time."""
    for job in jobs:
        if stop.is_set():
            return
        unknown = shown.is_left(job.name) and not job.size_px
        if unknown and (size_px := header_px(job.source)):
            shown.sized(job.name, size_px)


def summary(shown: Board) -> str:
    """How it went."""
    if shown.kept and not shown.done:
        return f"all {shown.kept} were done before, and are kept"
    parts = [f"{shown.done} done"]
    if shown.kept:
        parts.append(f"{shown.kept} kept")
    if shown.to_look_at:
        parts.append(f"{shown.to_look_at} to look at")
    return ", ".join(parts) + f" in {duration(shown.spent_s)}"


def how_to_go_on(shown: Board) -> str:
    """What was done, and the command that does the rest."""
    command = shlex.join(["depthfx", *sys.argv[1:]])
    return f"{shown.ended_count} of {shown.total} photos are done; to go on: {command}"


def tell_plan(planned: Plan, *, json: bool, overwrite: bool) -> None:
    """Print which photo would become what. Raises DepthfxError where nothing would be begun."""
    folder, look = planned.folder, planned.look
    settled = {}
    if folder is not None and not look.surveys:  # else nobody knows yet what a photo would get
        foreseen_results, _ = foreseen(
            folder, look.digest, planned.jobs, key=look.key, overwrite=overwrite
        )
        settled = {result.name: result for result in foreseen_results}
    companions = {item.name: item.companions for item in planned.items}
    for job in planned.jobs:
        target = str(planned.place_of(job.target)) if job.target else ""
        also, known = companions[job.name], settled.get(job.name)
        kept = known is not None and known.status is Status.KEPT
        error = job.fault or (known.error if known else "")
        if json:
            facts = {"source": job.source, "target": target, "companions": also}
            print(json_line({**facts, "kept": kept, "error": error}))
            continue
        words = [f"{job.source} -> {target}" if target else job.source]
        words += [f"{kind}: {path}" for kind, path in also.items()]
        words += ["done before, is kept"] if kept else []
        words += [ALTERED[0].words] if known and known.findings == ALTERED else []
        words += [f"will fail: {error}"] if error else []
        print("; ".join(words))
    for number, table in enumerate(look.photos, 1):
        if not any(table.matches(item.name) for item in planned.items):
            print(f"[[photo]] {number}: {', '.join(table.match)} fits no photo", file=sys.stderr)
    skipped = len(planned.items) - len(planned.jobs)
    count = len(planned.jobs)
    said = f"{count} photo{'s' if count != 1 else ''}" + (f", {skipped} skipped" if skipped else "")
    print(f"{said}; nothing was done", file=sys.stderr)
