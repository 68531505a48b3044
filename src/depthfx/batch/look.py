"""The look of a whole shoot: a recipe that also says how files are written and what is locked.

    depthfx = 1
    [[effect]]                  the chain, as in any recipe
    [output] [model] [lock] [film]  see `batch.sections`
    [sidecars]                  where mattes and depth lie, if not beside their photos
    [[photo]]                   what is otherwise for photos whose names match

What stands later counts more: the chain, then the lock, then the tables of [[photo]] in their
order, then `<stem>.depthfx.toml` beside the photo.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomli_w

from depthfx import __version__
from depthfx.batch.beside import SIDECARS
from depthfx.batch.job import Job, Settings
from depthfx.batch.locked import locked
from depthfx.batch.names import fields_in
from depthfx.batch.override import Override
from depthfx.batch.photos import Item
from depthfx.batch.sections import Film, Lock, ModelChoice, Opening, Output
from depthfx.chain import Chain
from depthfx.effect import nearest
from depthfx.errors import DepthfxError, ParameterError, RecipeError
from depthfx.recipe import chain_of, chain_table, document, from_toml, read_text


@dataclass(frozen=True)
class Look:
    """A chain, and what a batch needs besides.

    name : of the recipe, for names of results
    sidecars : by kind, templates of names, see `photos.find_photos`
    opening : how all photos are opened that say nothing else
    photos : what is otherwise for some, later ones counting more
    """

    chain: Chain
    name: str = "look"
    output: Output = field(default_factory=Output)
    model: ModelChoice = field(default_factory=ModelChoice)
    lock: Lock = field(default_factory=Lock)
    sidecars: Mapping[str, str] = field(default_factory=dict)
    opening: Opening = field(default_factory=Opening)
    photos: tuple[Override, ...] = ()
    film: Film = field(default_factory=Film)

    @classmethod
    def of(cls, recipe: Look | Chain | Path | str) -> Look:
        """From whatever says one: a look, a chain, a recipe's file. Raises RecipeError."""
        if isinstance(recipe, Look):
            return recipe
        if isinstance(recipe, Chain):
            return cls(recipe, recipe.label or "look")
        path = Path(recipe)
        return cls.from_toml(read_text(path), str(path), path.parent, path.stem)

    @classmethod
    def from_toml(
        cls, text: str, source: str = "look", folder: Path | None = None, name: str = "look"
    ) -> Look:
        """What a recipe says. Raises RecipeError, one line that begins with `source`.

        folder : where files lie that the recipe names and that are not found otherwise
        """
        table = document(text, source)
        tables = table.get("photo", [])
        if not isinstance(tables, list):
            raise RecipeError(f"{source}: photos stand under [[photo]], in double brackets")
        chain = chain_of(table, source, folder)
        output = Output.read(table.get("output", {}), f"{source}: output")
        model = ModelChoice.read(table.get("model", {}), f"{source}: model")
        photos = tuple(
            Override.read(one, f"{source}: photo {number}", chain)
            for number, one in enumerate(tables, 1)
        )
        if folder is not None:
            output, model = output.with_files_in(folder), model.with_files_in(folder)
            photos = tuple(photo.with_files_in(folder) for photo in photos)
        look = cls(
            chain,
            name,
            output,
            model,
            Lock.read(table.get("lock", {}), f"{source}: lock"),
            _sidecars(table.get("sidecars", {}), f"{source}: sidecars"),
            photos=photos,
            film=Film.read(table.get("film", {}), f"{source}: film"),
        )
        look.check(source)
        return look

    def check(self, source: str) -> None:
        """Raise RecipeError for what no photo could be made with."""
        try:
            chain = self.locked_chain
        except DepthfxError as error:
            raise RecipeError(f"{source}: lock: {error}") from None
        for number, photo in enumerate(self.photos, 1):
            try:
                photo.changed(chain)
            except DepthfxError as error:
                raise RecipeError(f"{source}: photo {number}: {error}") from None

    def to_toml(self) -> str:
        """The look as a recipe that is read as the same look, but for its name."""
        return tomli_w.dumps({**self._table(), **self._photo_tables()})

    def _table(self) -> dict[str, Any]:
        """All but [[photo]]."""
        tables = {
            "output": self.output.table(),
            "model": self.model.table(),
            "lock": self.lock.table(),
            "film": self.film.table(),
            "sidecars": dict(self.sidecars),
        }
        return {**chain_table(self.chain), **{k: v for k, v in tables.items() if v}}

    def _photo_tables(self) -> dict[str, Any]:
        photos = list(self.photos)
        if self.opening.table():
            photos.insert(0, Override(match=("*",), opening=self.opening))
        return {"photo": [photo.table() for photo in photos]} if photos else {}

    def asked(self, given: Mapping[str, Any]) -> Look:
        """The look with what was asked for besides: options that were really given.

        Names of `Settings`, name, format, jpeg_quality, bit_depth, profile, strip_location,
        film_focus and the keywords of `depthfx.open`; the last are for photos that say nothing
        else. Raises ParameterError.
        """
        for name in sorted(given.keys() - KNOWN):
            raise ParameterError(f"there is no keyword {name!r}{nearest(name, sorted(KNOWN))}")
        told = {name: _plain(value) for name, value in given.items() if value is not None}

        def part(names: Mapping[str, str]) -> dict[str, Any]:
            return {to: told[name] for name, to in names.items() if name in told}

        output = Output.read(part(OUTPUT_OPTIONS), "options").over(self.output)
        model = ModelChoice.read(part(MODEL_OPTIONS), "options").over(self.model)
        film = Film.read(part(FILM_OPTIONS), "options").over(self.film)
        opening = Opening.read(part(OPENING_OPTIONS), "options").over(self.opening)
        return replace(self, output=output, model=model, film=film, opening=opening)

    def settings(self, given: Mapping[str, Any] | None = None) -> Settings:
        """What is the same for every photo; what is `given` counts more than [model]."""
        told = {name: _plain(value) for name, value in (given or {}).items()}
        return Settings(**{**self.model.settings(), **told})

    @property
    def locked_chain(self) -> Chain:
        """The chain with what the lock says of it."""
        return locked(self.chain, self.lock)

    @property
    def surveys(self) -> bool:
        """Whether all photos have to be looked at before the first is worked on."""
        return self.lock.surveys

    @property
    def digest(self) -> str:
        """SHA-256 of what is said for all photos: another one is another look."""
        return _sha256({**self._table(), "opening": self.opening.table()})

    def key(self, job: Job) -> str:
        """SHA-256 of all that decides what becomes of a photo but its content, and that of what
        lies beside it."""
        told = job.to_json()
        for gone in ("source", "version", "companions", "size_px", "fault"):
            del told[gone]
        opening = {k: _last(v) if k in OF_FILES else v for k, v in job.opening.items()}
        model = {k: v for k, v in self.model.settings().items() if k not in NOT_OF_PICTURE}
        files = [*_files(job.recipe), job.saving.get("profile"), *map(model.get, MODEL_FILES)]
        contents = [_content(path) for path in files if path is not None]
        return _sha256([__version__, {**told, "opening": opening}, model, contents])

    def jobs(self, items: Iterable[Item], out: str | Path | None = None) -> list[Job]:
        """The work on `items`, in their order; those that are to be skipped are not among it.

        out : the output folder, if it is known: then what is a result of another photo is none

        Raises ParameterError if two results would have one name, or a photo be written over.
        """
        from depthfx.batch.jobs_of_look import jobs_of

        return jobs_of(self, list(items), out)

    def job(self, item: Item, number: int = 1) -> Job | None:
        """The work on one photo, the `number`-th; None: it is to be skipped."""
        from depthfx.batch.jobs_of_look import Planner

        return Planner(self).job(item, number)


OUTPUT_OPTIONS = {
    **{name: name for name in ("name", "format", "bit_depth", "profile", "strip_location")},
    "jpeg_quality": "quality",
}
MODEL_OPTIONS = {
    **{name: name for name in ModelChoice.model_fields if name != "name"},
    "model": "name",
}
FILM_OPTIONS = {"film_focus": "focus"}
OPENING_OPTIONS = {**{name: name for name in Opening.model_fields}, "f35_mm": "f35"}
"""What options are called in the tables."""
KNOWN = frozenset(
    [entry.name for entry in fields(Settings)]
    + [*OUTPUT_OPTIONS, *MODEL_OPTIONS, *FILM_OPTIONS, *OPENING_OPTIONS]
)
OF_FILES = ("depth", "matte", "scale_from", "depth_fix")
"""Keywords of `depthfx.open` that name files beside photos."""
SIDECAR_FIELDS = ("folder", "stem", "ext")
MODEL_FILES = ("weights", "faces")
NOT_OF_PICTURE = ("device", "memory_limit_gb", "commercial_only")
"""Of the model's settings, those that do not change what it finds."""


def _sidecars(table: object, place: str) -> dict[str, str]:
    if not isinstance(table, dict):
        raise RecipeError(f"{place}: stands in brackets, [sidecars]")
    for kind, template in table.items():
        if kind not in SIDECARS:
            raise RecipeError(f"{place}: unknown key {kind!r}{nearest(kind, list(SIDECARS))}")
        if not isinstance(template, str):
            raise RecipeError(f"{place}: {kind} is a template like '{kind}s/{{stem}}.png'")
        try:
            wrong = sorted(fields_in(template) - set(SIDECAR_FIELDS))
        except ParameterError as error:
            raise RecipeError(f"{place}: {kind}: {error}") from None
        if wrong:
            known = nearest(wrong[0], list(SIDECAR_FIELDS))
            raise RecipeError(f"{place}: {kind}: there is no field {{{wrong[0]}}}{known}")
    return dict(table)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _last(value: Any) -> Any:
    """A path, or several with more words after them, less the folders."""
    if isinstance(value, str):
        return value.replace("\\", "/").rpartition("/")[2]
    return [_last(one) for one in value]


@lru_cache(maxsize=256)
def _files(recipe: str) -> tuple[str, ...]:
    """The files that the effects of a recipe name; it is read once for all photos that have it."""
    if not recipe:
        return ()
    return tuple(str(path) for effect in from_toml(recipe).effects for path in effect.files)


def _content(path: str) -> str:
    """SHA-256 of a file; of anything else, as the name of a profile, that name."""
    try:
        state = Path(path).stat()
        return _read(path, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError):
        return path


@lru_cache(maxsize=256)
def _read(path: str, _size: int, _changed_ns: int) -> str:
    """SHA-256 of a file as it is by its size and its time."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
