"""From a look and photos to the work on each, before any photo is opened."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from depthfx.batch import store
from depthfx.batch.beside import suffix_of
from depthfx.batch.job import Job
from depthfx.batch.names import filled, taken
from depthfx.batch.override import Override
from depthfx.batch.photos import Item
from depthfx.batch.sections import FOLDER, SAME, Output, formats_of
from depthfx.chain import Chain
from depthfx.effect import nearest
from depthfx.errors import DepthfxError, ParameterError, RecipeError
from depthfx.movie.read import FILMS
from depthfx.photo.encode import suffix_for
from depthfx.photo.write import check_form
from depthfx.recipe import read_text, to_toml

if TYPE_CHECKING:
    from depthfx.batch.look import Look


def jobs_of(look: Look, items: list[Item], out: str | Path | None) -> list[Job]:
    """See `Look.jobs`."""
    planner = Planner(look)
    jobs = [job for number, item in enumerate(items, 1) if (job := planner.job(item, number))]
    folder = None if out is None else store.local_path(out)
    if folder is not None:
        jobs = _without_results(jobs, folder)
    _refuse_collisions(jobs, _one_case(folder))
    return jobs


@dataclass(frozen=True)
class _Made:
    """What is the same for all photos to which the same tables apply."""

    suffix: str
    recipe: str
    opening: dict[str, Any]
    saving: dict[str, Any]
    name: str
    files: tuple[str, ...]
    skip: bool


class Planner:
    """Makes jobs of items; what they have in common is made once."""

    def __init__(self, look: Look) -> None:
        self.look, self.chain = look, look.locked_chain
        self._made: dict[tuple[tuple[int, ...], str], _Made] = {}

    def job(self, item: Item, number: int) -> Job | None:
        """The work on `item`, the `number`-th photo; None: it is to be skipped.

        Raises ParameterError for what the look asks for; what is wrong with the photo's own
        overrides is the job's fault.
        """
        if item.fault:
            return Job(item.name, item.source, "", "", fault=item.fault)
        own = item.companions.get("overrides")
        try:
            made = self._common(item) if own is None else self._own(item, own)
            return None if made.skip else self._job(item, number, made)
        except DepthfxError as error:
            if own is None:
                raise
            fault = str(error) if own in str(error) else f"{own}: {error}"
            return Job(item.name, item.source, "", "", fault=fault)

    def _tables(self, item: Item) -> tuple[int, ...]:
        return tuple(n for n, table in enumerate(self.look.photos) if table.matches(item.name))

    def _common(self, item: Item) -> _Made:
        key = self._tables(item), suffix_of(item.name)
        if key not in self._made:
            self._made[key] = self._make(item, [self.look.photos[n] for n in key[0]])
        return self._made[key]

    def _own(self, item: Item, own: str) -> _Made:
        text = _text_at(own) if store.is_url(own) else read_text(Path(own))
        beside = Override.from_toml(text, own, self.chain)
        if not store.is_url(own):
            beside = beside.with_files_in(Path(own).parent)
        return self._make(item, [*(self.look.photos[n] for n in self._tables(item)), beside])

    def _make(self, item: Item, tables: list[Override]) -> _Made:
        chain, output, opening, skip = self.chain, self.look.output, self.look.opening, False
        for table in tables:
            chain = table.changed(chain)
            output, opening = table.output.over(output), table.opening.over(opening)
            skip = skip if table.skip is None else table.skip
        suffix = _suffix(chain, output, item)
        example = Path(item.name.rpartition("/")[2]).with_suffix(suffix)
        if not chain.endings and not _is_film(item):
            try:
                check_form(example, bit_depth=output.bit_depth, profile=output.profile)
            except ParameterError as error:
                raise ParameterError(f"output: {example}: {error}") from None
        chain = chain.for_path(example)
        keywords = opening.keywords()
        if opening.phone_depth is None and self.look.model.name is not None:
            keywords["phone_depth"] = False  # as with --model: who names one wants its depth
        return _Made(
            suffix, to_toml(chain), keywords, output.saving(), output.name, opening.files, skip
        )

    def _job(self, item: Item, number: int, made: _Made) -> Job:
        name = filled(
            made.name,
            item.name,
            effect=self.chain.label,
            look=self.look.name,
            number=number,
            date=lambda: taken(item.source),
        )
        beside = {k: v for k, v in item.companions.items() if k in ("matte", "depth")}
        own = [path for kind, path in beside.items() if kind not in made.opening]
        # What depthfx writes of depth says beside it what its numbers mean.
        own += [f"{path}.json" for path in own if os.path.isfile(f"{path}.json")]  # noqa: PTH113
        return Job(
            item.name,
            item.source,
            f"{name}{made.suffix}",
            made.recipe,
            {**beside, **made.opening} if beside else made.opening,
            made.saving,
            (*own, *made.files),
            version=item.version,
            film=self.look.film.table() if _is_film(item) else {},
        )


def _text_at(url: str) -> str:
    try:
        return store.content(url).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecipeError(f"{url}: is no recipe: not text in UTF-8") from None


def _suffix(chain: Chain, output: Output, item: Item) -> str:
    """The extension of the result; "" if it is a folder."""
    endings = chain.endings
    if not endings and _is_film(item):
        from depthfx.movie.again import film_suffix

        if item.frames:
            return ""
        return film_suffix(Path(item.source))
    if output.format == SAME:
        return endings[0] if endings else suffix_for(suffix_of(item.name))
    known = formats_of(endings)
    if output.format not in known:
        raise ParameterError(
            f"output: format = {output.format!r} is not to be had"
            f"{nearest(output.format, list(known))}"
        )
    return "" if output.format == FOLDER else f".{output.format}"


def _is_film(item: Item) -> bool:
    return item.frames or suffix_of(item.name) in FILMS


def _without_results(jobs: list[Job], out: Path) -> list[Job]:
    """`jobs` less those whose photo is where the result of another one goes.

    Raises ParameterError if a photo would be written over itself.
    """
    base = os.path.abspath(out)  # noqa: PTH100
    targets = {os.path.join(base, job.target): job for job in jobs if job.target}  # noqa: PTH118
    kept = []
    for job in jobs:
        path = "" if store.is_url(job.source) else os.path.abspath(job.source)  # noqa: PTH100
        maker = targets.get(path)
        if maker is job:
            raise ParameterError(
                f"{job.source} would be written over itself; give another output folder, or "
                'results another name, like name = "{folder}/{stem}-{effect}"'
            )
        if maker is None:
            kept.append(job)
    return kept


def _one_case(out: Path | None) -> bool:
    """Whether the disk of `out` takes upper and lower case for the same."""
    there = None if out is None else out.absolute()
    while there is not None and there != there.parent:
        other = there.with_name(there.name.swapcase())
        if there.exists() and other.name != there.name:
            return other.exists() and other.samefile(there)
        there = there.parent
    return False


def _refuse_collisions(jobs: list[Job], one_case: bool) -> None:
    """Raise ParameterError if two results would have one name, or one lie within another."""

    def same(target: str) -> str:
        return unicodedata.normalize("NFC", target).casefold() if one_case else target

    first: dict[str, Job] = {}
    for job in jobs:
        if not job.target:
            continue
        other = first.setdefault(same(job.target), job)
        if other is not job:
            raise ParameterError(
                f"{other.source} and {job.source} would both be written to {job.target}; give "
                'results another name, like name = "{folder}/{stem}-{ext}"'
            )
    for job in jobs:
        for folder in map(str, PurePosixPath(job.target).parents):
            outer = first.get(same(folder))
            if outer is not None:
                raise ParameterError(
                    f"{outer.source} would be written to {outer.target}, in which the result of "
                    f"{job.source} is to lie; give results another name"
                )
