"""`apply` and the effects as commands: photos in, finished files out."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from depthfx import registry
from depthfx.chain import Chain
from depthfx.cli.failure import INTERRUPTED
from depthfx.cli.options import Common, common_options, effect_options, given
from depthfx.cli.progress import progress_bar
from depthfx.cli.rehearse import opened_in_rehearsal
from depthfx.context import Context, Progress
from depthfx.errors import Cancelled, DepthfxError, ParameterError, reason
from depthfx.facts import json_line, summary
from depthfx.libraries import quiet_libraries
from depthfx.photo.whole import SIDECAR
from depthfx.product import is_folder
from depthfx.recipe import from_toml, to_toml

if TYPE_CHECKING:
    from depthfx.batch.look import Look

photos_argument = click.argument(
    "photos", metavar="PHOTO|FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
out_option = click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="File to write, or a folder.  [default: beside the photo]",
)


def effect_command(name: str) -> click.Command:
    """The command of one effect, its options made from its parameters."""
    effect = registry.effect_class(name)

    @photos_argument
    @out_option
    @common_options
    def run(photos: tuple[Path, ...], out: Path | None, common: Common, **values: Any) -> None:
        process(Chain(effect(**given(values))), photos, out, common, name)

    command = click.command(name, help=effect.__doc__)(run)
    command.params[2:2] = effect_options(effect)
    return command


class ApplyCommand(click.Command):
    """`apply`, whose options to complete are also those of the effect before the cursor."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        named = [option.opts[0] for option in _options_of_last(ctx)]
        items = [CompletionItem(name) for name in named if name.startswith(incomplete)]
        return [*items, *super().shell_complete(ctx, incomplete)]


def _options_of_last(ctx: click.Context) -> list[click.Option]:
    """Options of the last effect named so far, when a shell asks."""
    names = [word for word in ctx.params.get("words") or () if word in registry.effect_names()]
    return effect_options(registry.effect_class(names[-1])) if names else []


def _complete_word(
    ctx: click.Context, _argument: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """A value of the option before the cursor, else an effect or a file."""
    before = (ctx.params.get("words") or ("",))[-1]
    for option in _options_of_last(ctx):
        if before in option.opts:
            return option.type.shell_complete(ctx, option, incomplete)
    names = [name for name in registry.effect_names() if name.startswith(incomplete)]
    return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]


@click.command(
    cls=ApplyCommand,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True},
)
@click.option("--recipe", type=click.Path(path_type=Path), help="Recipe with the effects, TOML.")
@click.option(
    "--save-recipe",
    type=click.Path(path_type=Path),
    help="Write the chain as a recipe, to use it again.",
)
@click.argument(
    "words",
    metavar="PHOTO|FOLDER... [EFFECT [OPTIONS]]...",
    nargs=-1,
    type=click.UNPROCESSED,
    shell_complete=_complete_word,
)
@out_option
@common_options
def apply(
    words: tuple[str, ...],
    recipe: Path | None,
    save_recipe: Path | None,
    out: Path | None,
    common: Common,
) -> None:
    """Apply a chain of effects to photos, in the order they stand.

    \b
    depthfx apply photo.jpg bokeh --f-number 1.4 depth-picture
    depthfx apply --recipe look.toml *.jpg
    depthfx apply shoot/ portrait -o styled/      (a batch: it can be stopped and goes on)
    """
    look = None
    photos, chain = split_chain(list(words))
    if recipe is not None:
        from depthfx.batch.look import Look

        if chain.effects:
            raise ParameterError(f"give the effects by --recipe {recipe} or by name, not both")
        look = Look.of(recipe)
        chain = look.chain
        if common.clip or not any(map(is_many, photos)):
            chain, common = look.locked_chain, _as_said(look, common)
            if not common.quiet:
                _tell_besides(recipe, look)
    if not chain.effects:
        names = ", ".join(registry.effect_names())
        raise ParameterError(f"no effect is named; give one of {names}, or --recipe FILE")
    if not photos:
        raise ParameterError("no photo is named; photos come first, then the effects")
    if save_recipe is not None:
        write_text(save_recipe, to_toml(chain), common.overwrite)
    label = chain.label
    process(chain, tuple(photos), out, common, label, look)


def _as_said(look: Look, common: Common) -> Common:
    """The options with what `look` says of the model and of files; those that were given win."""
    from depthfx.batch.look import MODEL_FILES
    from depthfx.cli.batch import SPELT, really_given

    ctx = click.get_current_context()
    ours = {name: value for name, value in ctx.params.items() if hasattr(common, name)}
    given = really_given(ctx, ours)
    said = {**look.output.saving(), **look.model.settings(), **look.film.options()}
    said |= {name: Path(said[name]) for name in MODEL_FILES if name in said}
    if look.model.name is not None:  # who names one wants its depth, as with --model
        said["phone_depth"] = False
    options = {python: option for option, python in SPELT.items()}
    return replace(common, **{options.get(k, k): v for k, v in said.items() if k not in given})


def _tell_besides(recipe: Path, look: Look) -> None:
    """Say what of a look counts for many photos only."""
    besides = {"[sidecars]": look.sidecars, "[[photo]]": look.photos, '"set"': look.surveys}
    said = look.output.table()
    besides |= {f"{key} of [output]": said.get(key) for key in ("name", "format")}
    if names := ", ".join(name for name, value in besides.items() if value):
        print(f"{recipe}: {names} count in folders and in `depthfx batch` alone", file=sys.stderr)


def split_chain(words: list[str]) -> tuple[list[Path], Chain]:
    """Photos, then effects each with its own options.

    A word that names an installed effect is that effect; `./bokeh` is always a file.
    Raises ParameterError.
    """
    names = set(registry.effect_names())
    starts = [i for i, word in enumerate(words) if word in names]
    first = starts[0] if starts else len(words)
    for word in words[:first]:
        if word.startswith("-"):
            raise ParameterError(
                f"there is no option {word!r} before the first effect; "
                "an effect's options stand after its name, and a photo "
                f"of that name is ./{word}"
            )
    effects = []
    for start, end in pairwise([*starts, len(words)]):
        effect = registry.effect_class(words[start])
        parser = click.Command(words[start], params=list(effect_options(effect)))
        with parser.make_context(f"depthfx {words[start]}", words[start + 1 : end]) as ctx:
            effects.append(effect(**given(ctx.params)))
    return [Path(word) for word in words[:first]], Chain(*effects)


@dataclass(frozen=True)
class Job:
    """One photo's work, small enough to send to another process."""

    photo: Path
    out: Path
    recipe: str
    common: Common
    alone: bool


Result = dict[str, Any] | DepthfxError
Results = Generator[Result, None, None]


def process(
    chain: Chain,
    photos: tuple[Path, ...],
    out: Path | None,
    common: Common,
    label: str,
    look: Look | None = None,
) -> None:
    """Run `chain` over `photos`; a bad photo does not stop the others.

    look : the one that `chain` is of, which many photos get as a whole
    """
    many = next(filter(is_many, photos), None)
    if many is not None and not common.clip:
        if out is None:
            raise ParameterError(
                f"{many} is many photos; say with -o which folder takes the results"
            )
        from depthfx.cli.batch import apply_to_many

        apply_to_many(look or chain, photos, out, common, label)
    if many is not None or any(map(_is_film, photos)):
        from depthfx.cli.clip import process_films

        process_films(chain, photos, out, common, label)
        return
    several = len(photos) > 1
    endings = chain.endings
    targets = [target(photo, out, several, label, endings) for photo in photos]
    _refuse_collisions(photos, targets)
    jobs = [
        Job(photo, path, to_toml(chain.for_path(path)), common, not several)
        for photo, path in zip(photos, targets, strict=True)
    ]
    failed = 0
    way = _side_by_side if several and common.jobs > 1 else _in_turn
    with (
        progress_bar(common.quiet or common.json) as progress,
        closing(way(jobs, progress)) as results,
    ):
        for job, result in zip(jobs, results, strict=True):
            failed += isinstance(result, DepthfxError)
            _tell(job, result)
    if failed and several:
        raise DepthfxError(f"{failed} of {len(jobs)} photos failed, the others are done")


def is_many(photo: Path) -> bool:
    """Whether this names a folder of photos, or those of a pattern that no shell has resolved."""
    # `Path.is_dir` raises on names too long, which are told of where they are read.
    if os.path.isdir(photo):  # noqa: PTH112
        return True
    return any(sign in str(photo) for sign in "*?[") and not os.path.lexists(photo)


def _is_film(photo: Path) -> bool:
    from depthfx.photo.encode import WRITTEN

    if photo.suffix.lower() in WRITTEN:  # most are, and know without what reads films
        return False
    from depthfx.movie.read import is_film

    return is_film(photo)


def _tell(job: Job, result: Result) -> None:
    """Print one photo's outcome; raises the error of a photo that came alone."""
    common = job.common
    if isinstance(result, DepthfxError):
        if common.json:
            print(json_line({"file": str(job.photo), "error": str(result)}), flush=True)
        if job.alone:
            raise result
        print(f"error: {result}", file=sys.stderr)
    elif common.json:
        print(json_line(result), flush=True)
    elif not common.quiet:
        print(summary(job.photo, result), file=sys.stderr)
        for path in result["written"]:
            print(path, flush=True)


def target(
    photo: Path, out: Path | None, several: bool, label: str, endings: tuple[str, ...] = ()
) -> Path:
    """Where the result goes: beside the photo, into a folder, or to the file named.

    endings : suffixes of what is made in the picture's place, see `Effect.endings`
    """
    from depthfx.photo.encode import WRITTEN, suffix_for

    name = f"{photo.stem}-{label}{endings[0] if endings else suffix_for(photo.suffix)}"
    if out is None:
        return photo.parent / name  # with_name would not have the nameless "."
    # `Path.is_dir` raises on names too long, which are told of where they are checked.
    if os.path.isdir(out) and not (endings and (out / SIDECAR).is_file()):  # noqa: PTH112
        return out / name
    if several:
        raise ParameterError(f"-o {out} is no folder, and there are several photos; make it first")
    named = out.name.lower().endswith(tuple(ending for ending in endings if ending))
    if endings and not is_folder(out, endings) and not named:
        allowed = ", ".join(ending for ending in endings if ending)
        folder = ", or none: a folder" if "" in endings else ""
        raise ParameterError(f"-o {out}: for {label} the extension is {allowed}{folder}")
    if not out.suffix and not endings:
        raise ParameterError(
            f"-o {out} is no folder, and as a file it needs an extension: {', '.join(WRITTEN)}"
        )
    return out


def _refuse_collisions(photos: tuple[Path, ...], targets: list[Path]) -> None:
    """Raise ParameterError if two photos would be written to one file."""
    first: dict[Path, Path] = {}
    for photo, path in zip(photos, targets, strict=True):
        other = first.setdefault(path.resolve(), photo)
        if other is not photo:
            raise ParameterError(
                f"{other} and {photo} would both be written to {path}; "
                "give them to two commands with different folders"
            )


def _in_turn(jobs: list[Job], progress: Progress) -> Results:
    cache: dict[tuple[Any, ...], Any] = {}
    for job in jobs:
        yield _attempt(job, lambda context: replace(context, cache=cache, progress=progress))


def _side_by_side(jobs: list[Job], progress: Progress) -> Results:
    # Imported here: most runs are of one photo and soon over.
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
    from multiprocessing import get_context

    common, spawn = jobs[0].common, get_context("spawn")
    stop = spawn.Event()
    with ProcessPoolExecutor(
        min(common.jobs, len(jobs)), spawn, _begin_worker, (stop, common.verbose)
    ) as pool:
        try:
            with _ctrl_c_ignored():
                results = pool.map(_attempt_in_worker, jobs)
            for done, result in enumerate(results, 1):
                progress("photos", done / len(jobs))
                yield result
        except BrokenProcessPool:
            raise DepthfxError(
                "a process working on a photo was killed, perhaps for want of "
                f"memory; try fewer than --jobs {common.jobs}"
            ) from None
        finally:
            stop.set()


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Processes begun in here leave Ctrl-C, which reaches all of them, to their parent."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


_worker = Context()
"""In a process of `--jobs`: its cache, and the event that stops it."""


def _begin_worker(stop: Any, verbose: bool) -> None:
    global _worker
    _worker = replace(_worker, cancel=stop)
    if not verbose:
        quiet_libraries()


def _attempt_in_worker(job: Job) -> Result:
    return _attempt(
        job, lambda context: replace(context, cache=_worker.cache, cancel=_worker.cancel)
    )


def _attempt(job: Job, surround: Callable[[Context], Context]) -> Result:
    """What `run` gives, or why it failed."""
    try:
        return run(job, surround(job.common.context()))
    except Cancelled:
        raise
    except Exception as error:  # one photo's fault, whatever it is, is not the next one's
        if INTERRUPTED.is_set():  # native code may make an error of its own of a request to stop
            raise KeyboardInterrupt from error
        if job.common.verbose and not job.alone:
            traceback.print_exc()
        if isinstance(error, DepthfxError):
            return error
        failure = DepthfxError(f"{job.photo}: {reason(error)}")
        failure.__cause__ = error
        return failure


def run(job: Job, context: Context) -> dict[str, Any]:
    """Open, apply, save; the facts of what was done."""
    from depthfx.facts import facts_of
    from depthfx.files import saved
    from depthfx.photo.whole import check_folder, check_target
    from depthfx.photo.write import check_output

    begun = time.perf_counter()
    chain, common = from_toml(job.recipe), job.common
    context.report("photo", 0.0)
    if endings := chain.endings:
        check = check_folder if is_folder(job.out, endings) else check_target
        check(job.out, overwrite=common.overwrite, source=job.photo)
    else:
        check_output(
            job.out,
            overwrite=common.overwrite,
            source=job.photo,
            bit_depth=common.bit_depth,
            profile=common.profile,
        )
    scene = opened_in_rehearsal(
        partial(common.open, job.photo), chain, context, depth_given=common.depth is not None
    )
    result = chain(scene)
    written, left_out = saved(result, job.out, **common.saving())
    return facts_of(scene, result, written, left_out, time.perf_counter() - begun)


def write_text(path: Path, text: str, overwrite: bool) -> None:
    from depthfx.photo.whole import written_whole

    with written_whole(path, overwrite=overwrite) as file:
        file.write(text.encode())
