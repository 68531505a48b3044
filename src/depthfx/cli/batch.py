"""`batch`: a whole shoot with one look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from depthfx.cli.options import FILMING, MODEL, READING, TELLING, WRITING, Common, gigabytes

if TYPE_CHECKING:
    from depthfx.batch.look import Look
    from depthfx.chain import Chain

SPELT = {
    "memory_limit": "memory_limit_gb",
    "f35": "f35_mm",
    "cache_size": "cache_gb",
}
"""What an option is called in Python, if not the same."""
HOW = ("jobs", "on", "overwrite", "report", "watch", "verbose")
"""Options that say how the work is done, not what becomes of a photo."""
OF_THE_RUN = {"clip", "overwrite", "jobs", "json", "quiet", "verbose"}
"""Those of `Common` that do."""

PHOTOS = [
    click.option(
        "--include",
        metavar="GLOB",
        multiple=True,
        help="Only photos of such names, like 'ceremony/*' or '*.CR3'; may be given several times.",
    ),
    click.option(
        "--exclude",
        metavar="GLOB",
        multiple=True,
        help="No photos of such names; may be given several times.",
    ),
    click.option(
        "--pairs",
        type=click.Choice(["raw", "jpeg", "both"]),
        default="raw",
        show_default=True,
        help="Which of a raw file and a JPEG of one name is worked on.",
    ),
]
"""Which photos of those that are there."""

RESULTS = [
    click.option(
        "--name",
        metavar="TEMPLATE",
        help="Names of the results, like '{folder}/{stem}-portrait'.  [default: as the photo]",
    ),
    click.option(
        "--format",
        metavar="FORMAT",
        help="Format of the results: jpg, png, tif, ...  [default: as the photo, tif for raw]",
    ),
]
"""What the results are called."""

WORK = [
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="Photos worked on at once.  [default: as many as suit the machine]",
    ),
    click.option(
        "--on",
        metavar="ray|ray://HOST:PORT",
        help="Work on Ray, here or on a cluster.  [default: this machine's processes]",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path),
        help="Folder where depth that was found is kept.  [default: in the user's cache]",
    ),
    click.option("--no-cache", is_flag=True, help="Keep no depth."),
    click.option(
        "--cache-size",
        metavar="GB",
        callback=gigabytes,
        help="What the cache may take, like 20GB.",
    ),
    click.option(
        "--check/--no-check", "checks", default=True, help="Whether results are looked over."
    ),
    click.option("--report/--no-report", default=True, help="Whether there is a contact sheet."),
    click.option("--watch", is_flag=True, help="Go on with photos as they come, till Ctrl-C."),
]
"""How the work is done."""


def options(*groups: list[Callable[..., Any]]) -> Callable[..., Any]:
    """Add the options of `groups` to a command, in their order."""

    def add(command: Any) -> Any:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return add


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.argument(
    "photos",
    metavar="PHOTO|FOLDER|GLOB|URL...",
    nargs=-1,
    required=True,
    type=click.Path(),
)
@click.option(
    "-o",
    "--out",
    metavar="FOLDER|URL",
    required=True,
    type=click.Path(),
    help="Where the results go.",
)
@options(PHOTOS, RESULTS, WRITING, FILMING, WORK, MODEL, READING)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options(TELLING)
def batch(recipe: Path, photos: tuple[str, ...], out: str, **values: Any) -> None:
    """Give many photos one look.

    Folders are worked on with all that is in them; the results have the same tree. Begun
    again, a batch goes on where it was stopped, however it was.

    \b
    depthfx batch look.toml wedding/ -o styled/
    depthfx batch look.toml 'shoot/**/*.CR3' -o styled/ --name '{folder}/{stem}-portrait'
    """
    from depthfx.cli.shoot import shoot

    how = {name: values.pop(name) for name in HOW}
    search = {name: values.pop(name) for name in ("include", "exclude", "pairs", "clip")}
    telling = {name: values.pop(name) for name in ("dry_run", "json", "quiet")}
    ctx = click.get_current_context()
    given = really_given(ctx, values)
    ctx.exit(shoot(recipe, photos, out, search=search, given=given, how=how, **telling))


def apply_to_many(
    recipe: Chain | Look, photos: tuple[Path, ...], out: Path, common: Common, label: str
) -> NoReturn:
    """What `apply`, or an effect as a command, does with folders and globs: a batch."""
    from depthfx.chain import Chain
    from depthfx.cli.shoot import shoot

    ctx = click.get_current_context()
    names = {option for option in ctx.params if option in Common.__dataclass_fields__}
    given = really_given(ctx, {name: getattr(common, name) for name in names - OF_THE_RUN})
    if isinstance(recipe, Chain):  # a look says itself how results are called
        given.setdefault("name", f"{{folder}}/{{stem}}-{label}")
    told = ctx.get_parameter_source("jobs") is not ParameterSource.DEFAULT
    how = {"jobs": common.jobs if told else None, "overwrite": common.overwrite}
    how["verbose"] = common.verbose
    places = tuple(map(str, photos))
    telling = {"json": common.json, "quiet": common.quiet}
    ctx.exit(shoot(recipe, places, str(out), search={}, given=given, how=how, **telling))


def really_given(ctx: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the options that the user gave, called as in Python; a recipe has the others."""
    given = {
        SPELT.get(name, name): value
        for name, value in values.items()
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    if given.pop("no_cache", False):
        given["cache"] = False
    if "model" in given:  # who names one wants it, not what a phone has stored
        given.setdefault("phone_depth", False)
    return given
