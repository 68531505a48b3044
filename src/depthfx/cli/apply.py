"""`apply` and the effects as commands: photos in, finished files out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from depthfx import registry
from depthfx.chain import Chain
from depthfx.cli.options import Common, common_options, effect_options, given
from depthfx.cli.progress import progress_bar
from depthfx.context import Context, Progress, silent
from depthfx.errors import DepthfxError, ParameterError
from depthfx.recipe import from_toml, read_recipe, to_toml

photos_argument = click.argument(
    "photos", metavar="PHOTO...", nargs=-1, required=True, type=click.Path(path_type=Path))
out_option = click.option(
    "-o", "--out", type=click.Path(path_type=Path),
    help="File to write, or a folder.  [default: beside the photo]")


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


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": True})
@click.option("--recipe", type=click.Path(path_type=Path), help="Recipe with the effects, TOML.")
@click.option("--save-recipe", type=click.Path(path_type=Path),
              help="Write the chain as a recipe, to use it again.")
@click.argument("words", metavar="PHOTO... [EFFECT [OPTIONS]]...", nargs=-1,
                type=click.UNPROCESSED)
@out_option
@common_options
def apply(words: tuple[str, ...], recipe: Path | None, save_recipe: Path | None,
          out: Path | None, common: Common) -> None:
    """Apply a chain of effects to photos, in the order they stand.

    \b
    depthfx apply photo.jpg bokeh --f-number 1.4 depth-picture
    depthfx apply --recipe look.toml *.jpg
    """
    photos, chain = split_chain(list(words))
    if recipe is not None:
        if chain.effects:
            raise ParameterError(f"give the effects by --recipe {recipe} or by name, not both")
        chain = read_recipe(recipe)
    if not chain.effects:
        names = ", ".join(registry.effect_names())
        raise ParameterError(f"no effect is named; give one of {names}, or --recipe FILE")
    if not photos:
        raise ParameterError("no photo is named; photos come first, then the effects")
    if save_recipe is not None:
        write_text(save_recipe, to_toml(chain), common.overwrite)
    process(chain, tuple(photos), out, common, "-".join(e.name for e in chain.effects))


def split_chain(words: list[str]) -> tuple[list[Path], Chain]:
    """Photos, then effects each with its own options.

    A word is an effect if one of that name is installed and no file is: `./bokeh`
    is always a file. Raises ParameterError.
    """
    names = set(registry.effect_names())
    starts = [i for i, word in enumerate(words) if word in names]
    first = starts[0] if starts else len(words)
    for word in words[:first]:
        if word.startswith("-"):
            raise ParameterError(f"there is no option {word!r} before the first effect; "
                                 "an effect's options stand after its name")
    effects = []
    for start, end in pairwise([*starts, len(words)]):
        effect = registry.effect_class(words[start])
        parser = click.Command(words[start], params=list(effect_options(effect)))
        with parser.make_context(words[start], words[start + 1: end]) as ctx:
            effects.append(effect(**given(ctx.params)))
    return [Path(word) for word in words[:first]], Chain(*effects)


@dataclass(frozen=True)
class Job:
    """One photo's work, small enough to send to another process."""

    photo: Path
    out: Path
    recipe: str
    common: Common


def process(chain: Chain, photos: tuple[Path, ...], out: Path | None, common: Common,
            label: str) -> None:
    """Run `chain` over `photos`; a bad photo does not stop the others."""
    recipe = to_toml(chain)
    jobs = [Job(photo, target(photo, out, len(photos) > 1, label), recipe, common)
            for photo in photos]
    failed = 0
    with progress_bar(common.quiet or common.json) as progress:
        results = _in_turn(jobs, progress) if common.jobs == 1 else _side_by_side(jobs, progress)
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, DepthfxError):
                if len(jobs) == 1:
                    raise result
                failed += 1
                print(f"error: {result}", file=sys.stderr)
            elif common.json:
                print(json.dumps(result))
            elif not common.quiet:
                print(summary(job.photo, result), file=sys.stderr)
                for path in result["written"]:
                    print(path)
    if failed:
        raise DepthfxError(f"{failed} of {len(jobs)} photos failed, the others are done")


def target(photo: Path, out: Path | None, several: bool, label: str) -> Path:
    """Where the result goes: beside the photo, into a folder, or to the file named."""
    suffix = photo.suffix.lower()
    name = f"{photo.stem}-{label}{suffix if suffix in WRITABLE else '.jpg'}"
    if out is None:
        return photo.with_name(name)
    if out.is_dir():
        return out / name
    if several:
        raise ParameterError(f"-o {out} is no folder, and there are several photos; make it first")
    return out


WRITABLE = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}


def _in_turn(jobs: list[Job], progress: Progress) -> Iterator[dict[str, Any] | DepthfxError]:
    cache: dict[tuple[Any, ...], Any] = {}
    for job in jobs:
        yield _attempt(job, cache, progress)


def _side_by_side(jobs: list[Job], progress: Progress) -> Iterator[dict[str, Any] | DepthfxError]:
    with ProcessPoolExecutor(jobs[0].common.jobs, mp_context=get_context("spawn")) as pool:
        for done, result in enumerate(pool.map(_attempt, jobs), 1):
            progress("photos", done / len(jobs))
            yield result


_worker_cache: dict[tuple[Any, ...], Any] = {}


def _attempt(job: Job, cache: dict[tuple[Any, ...], Any] | None = None,
             progress: Progress = silent) -> dict[str, Any] | DepthfxError:
    try:
        return run(job, _worker_cache if cache is None else cache, progress)
    except DepthfxError as error:
        if job.common.verbose:
            raise
        return error


def run(job: Job, cache: dict[tuple[Any, ...], Any], progress: Progress = silent) -> dict[str, Any]:
    """Open, apply, save; the facts of what was done."""
    import depthfx

    begun = time.perf_counter()
    chain, common = from_toml(job.recipe), job.common
    context = Context(model=common.model, weights=common.weights, device=common.device,
                      quality=common.quality, cache=cache, progress=progress)
    scene = common.open(job.photo, context)
    result = chain(scene)
    written = depthfx.save(result, job.out, overwrite=common.overwrite,
                           jpeg_quality=common.jpeg_quality)
    camera = scene.photo.camera
    return {
        "file": str(job.photo),
        "written": [str(path) for path in written],
        "depth": result.depth.origin,
        "metric": result.depth.metric,
        "focal_px": round(camera.focal_px, 2),
        "f35_mm": round(camera.f35_mm, 2),
        "focal_origin": str(camera.origin),
        "notes": list(result.notes),
        "warnings": list(scene.photo.warnings),
        "seconds": round(time.perf_counter() - begun, 3),
        **result.facts,
    }


def summary(photo: Path, result: dict[str, Any]) -> str:
    """The one line that says what was done, on which grounds."""
    depth = f"depth: {result['depth']}" + ("" if result["metric"] else " (relative)")
    guess = ", --f35 sets it" if result["focal_origin"] == "guess" else ""
    focal = (f"focal length {result['focal_px']:.0f} px, {result['f35_mm']:.0f} mm equivalent "
             f"({result['focal_origin']}{guess})")
    parts = [*result["notes"], depth, focal, *(f"warning: {w}" for w in result["warnings"])]
    return f"{photo}: " + "; ".join(parts) + f"; {result['seconds']:.1f} s"


def write_text(path: Path, text: str, overwrite: bool) -> None:
    from depthfx.photo.whole import written_whole

    with written_whole(path, overwrite=overwrite) as file:
        file.write(text.encode())
