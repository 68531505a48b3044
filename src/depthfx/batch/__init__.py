"""Many photos with one look: found, worked on side by side, never lost, reported.

for result in depthfx.batch.run("look.toml", ["shoot/"], "styled/"):
    print(result.source, result.status)
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthfx.batch.job import Finding, Result, Status, Written

if TYPE_CHECKING:
    import threading

    from depthfx.batch.look import Look
    from depthfx.chain import Chain

__all__ = ["Finding", "Result", "Status", "Written", "run"]


def run(
    recipe: Look | Chain | Path | str,
    photos: Iterable[Path | str] | Path | str,
    out: Path | str,
    *,
    include: Iterable[str] | str = (),
    exclude: Iterable[str] | str = (),
    pairs: str = "raw",
    clip: bool = False,
    jobs: int | None = None,
    on: str | None = None,
    overwrite: bool = False,
    report: bool = True,
    watch: bool = False,
    stop: threading.Event | None = None,
    **given: Any,
) -> Generator[Result, None, None]:
    """Give all `photos` one look; yields what became of each, as it is done.

    recipe : a recipe file, a chain, or a look, see docs/batch.md
    photos : files, folders (with all that is in them), globs, URLs
    out : folder for the results, the same tree below it; it keeps the journal too: the same call
        once more goes on where this one was stopped, however it was
    include, exclude : globs of names below what is named; the first, if any, choose, the others
        leave out
    pairs : which of a raw file and a JPEG of one name is worked on: "raw", "jpeg", "both"
    clip : whether a folder that is named is one film, and the pictures in it are its frames
    jobs : photos worked on at once; None: as many as suit the machine
    on : "ray" or "ray://host:port": work there; None: in processes of this machine
    overwrite : replace files that no earlier run of this batch has written
    report : whether a contact sheet is written
    watch : go on with photos as they come, till `stop` is set
    stop : set it to finish the photos in hand and end
    given : what counts more than the recipe, as the options of the command: model, weights,
        device, quality, commercial_only, memory_limit_gb, faces; name, format, jpeg_quality,
        bit_depth, profile, strip_location, film_focus; keywords of `depthfx.open` for photos that
        say nothing else; cache (a folder; True: the user's; False: none), cache_gb, checks,
        pictures

    A photo that fails is a Result with an error; the others are done. Raises ParameterError and
    RecipeError before anything is done. Closing the iterator early ends the workers; what is
    done is kept.
    """
    from depthfx.batch.course import carried_out
    from depthfx.batch.plan import plan

    which: dict[str, Any] = {"include": include, "exclude": exclude, "pairs": pairs, "clip": clip}
    planned = plan(recipe, photos, out, **which, watch=watch, **given)
    return carried_out(
        planned, jobs=jobs, on=on, overwrite=overwrite, report=report, watch=watch, stop=stop
    )
