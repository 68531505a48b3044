"""What became of all photos of a batch, on the disk: a line of JSON each, and a contact sheet.

`report.jsonl` is for programs: strict JSON, one photo a line, in the order of their names, with the
fields of `batch.job.Result`. `index.html` is for people, see `batch.sheet`. Both are written whole:
a run that is killed leaves those of a little before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from depthfx.batch.job import Result
from depthfx.batch.sheet import Heading, sheet
from depthfx.errors import DepthfxError
from depthfx.facts import json_line
from depthfx.photo.whole import written_whole

LINES, PAGE = "report.jsonl", "index.html"
SOONEST_S, MOST_SHARE = 10.0, 0.02
"""A report is made anew no sooner than after so long, and takes no more of a run's time."""


def write_report(folder: Path, results: Iterable[Result], heading: Heading) -> None:
    """Write `report.jsonl` and `index.html` into `folder`, which is made if it is not there.

    results : in any order; of two of one name the last counts

    Raises PhotoError if one of them cannot be written; the other is as it was then, or new.
    """
    in_order = _in_order(results)
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{json_line(result.to_json())}\n" for result in in_order)
    page = sheet(in_order, heading, folder)
    for name, content in ((LINES, lines), (PAGE, page)):
        with written_whole(folder / name, overwrite=True) as file:
            file.write(content.encode())


def reported(
    results: Iterable[Result],
    folder: Path,
    heading: Heading,
    *,
    due: Callable[[], bool] = lambda: False,
    now: Callable[[], float] = time.monotonic,
) -> Generator[Result, None, None]:
    """Hand `results` on, and keep the report of them in `folder` up to date.

    It is written now and then, and when `results` end or nobody asks for more of them; not when
    they fail: then the disk is full, or gone.
    heading : its `seconds` and `ended` are filled in
    due : whether it is to be written at once: nothing more comes for a while
    now : a clock, in seconds
    """
    begun = last = now()
    pause = SOONEST_S
    known: list[Result] = []

    def write(*, ended: bool) -> None:
        write_report(folder, known, replace(heading, seconds=now() - begun, ended=ended))

    try:
        for result in results:
            known.append(result)
            if now() - last >= pause or due():
                started = now()
                write(ended=False)
                last = now()
                pause = max(SOONEST_S, (last - started) / MOST_SHARE)
            yield result
    except DepthfxError:
        raise
    except BaseException:
        write(ended=True)
        raise
    write(ended=True)


def _in_order(results: Iterable[Result]) -> Sequence[Result]:
    by_name = {result.name: result for result in results}
    return [by_name[name] for name in sorted(by_name)]
