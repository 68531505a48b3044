"""What a batch will do, known before anything is done."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from depthfx import machine
from depthfx.batch.job import Job, Settings
from depthfx.batch.look import Look
from depthfx.batch.photos import Item, find_clips, find_photos
from depthfx.batch.store import check, join, local_path
from depthfx.chain import Chain
from depthfx.engine.permitted import check_model
from depthfx.errors import ParameterError
from depthfx.photo.encode import WRITTEN


@dataclass(frozen=True)
class Search:
    """Which photos are meant.

    places : files, folders (with all that is in them), globs, URLs
    include, exclude : globs of names below what is named; the first, if any, choose, the others
        leave out
    pairs : what a raw file and the JPEG of its name are: "raw" or "jpeg", the one of them that
        is worked on, or "both"
    sidecars : by kind, where such files lie, see `find_photos`
    clip : whether a folder that is named is one film, and what is in it its frames
    """

    places: tuple[Path | str, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pairs: str = "raw"
    sidecars: Mapping[str, str] = field(default_factory=dict)
    clip: bool = False

    def found(self, out: Path | str, *, empty: bool = False) -> list[Item]:
        """The photos, less what lies in `out`; ParameterError if there are none, unless `empty`."""
        folders = [place for place in self.places if self.clip and Path(place).is_dir()]
        others = [place for place in self.places if place not in folders]
        clips = find_clips(folders) if folders else []
        if clips and not others:
            return clips
        return clips + find_photos(
            others,
            include=self.include,
            exclude=self.exclude,
            pairs=self.pairs,
            out=out,
            sidecars=self.sidecars,
            empty=empty,
        )

    def folders(self) -> tuple[Path, ...]:
        """What is to be listened to for new photos. Raises ParameterError if that cannot be."""
        folders = []
        for place in self.places:
            if not Path(place).is_dir():
                raise ParameterError(
                    f"{place} is no folder; --watch watches folders of this machine"
                )
            folders.append(Path(place))
        return tuple(folders)


@dataclass(frozen=True)
class Plan:
    """A look, and the photos that get it.

    items : the photos, in the order of their names
    jobs : the work on each that is not to be skipped
    """

    look: Look
    settings: Settings
    search: Search
    out: Path | str
    items: tuple[Item, ...]
    jobs: tuple[Job, ...]

    def place_of(self, name: str) -> Path | str:
        """Where what is called `name` below the output folder lies."""
        return join(str(self.out), name) if self.folder is None else self.folder / name

    def of(self, look: Look) -> Plan:
        """The same photos with another look."""
        return replace(self, look=look, jobs=tuple(look.jobs(self.items, self.out)))

    @property
    def folder(self) -> Path | None:
        """The output folder, if it is on this machine."""
        return local_path(self.out)

    @property
    def url(self) -> str | None:
        """The output folder's URL, if it is not."""
        return str(self.out) if self.folder is None else None


def plan(
    recipe: Look | Chain | Path | str,
    photos: Iterable[Path | str] | Path | str,
    out: Path | str,
    *,
    include: Iterable[str] | str = (),
    exclude: Iterable[str] | str = (),
    pairs: str = "raw",
    clip: bool = False,
    watch: bool = False,
    **given: Any,
) -> Plan:
    """What `batch.run` of the same arguments will do, see there.

    Raises ParameterError, RecipeError, ModelError if there is no such model, and PhotoError if a
    place cannot be looked through.
    """
    _check_folder(out)
    look = Look.of(recipe).asked(given)
    if watch and clip:
        raise ParameterError("--watch takes photos as they come, --clip whole folders")
    if watch:
        _check_watched(look)
    places = (photos,) if isinstance(photos, Path | str) else tuple(photos)
    include, exclude = (
        (told,) if isinstance(told, str) else tuple(told) for told in (include, exclude)
    )
    search = Search(places, include, exclude, pairs, look.sidecars, clip)
    _check_places(places)
    if watch:
        search.folders()
    settings = look.settings(_of_settings(given))
    check_model(settings.context())
    items = tuple(search.found(out, empty=watch))
    jobs = tuple(look.jobs(items, out))
    return Plan(look, settings, search, out, items, jobs)


def _check_watched(look: Look) -> None:
    """Raise ParameterError if a photo's result hangs on what others there are."""
    if look.surveys:
        raise ParameterError(
            'lock: "set" is found out of all photos, which nobody has who watches; give numbers'
        )
    if "{number" in look.output.name:
        raise ParameterError(
            f"name = {look.output.name!r}: numbers hang on all photos, which nobody has who "
            "watches; use {stem}"
        )


def _check_places(places: Iterable[Path | str]) -> None:
    """Raise ParameterError if one is misspelt: later, it would only be a photo that fails."""
    for place in places:
        path = local_path(place)
        if path is None or os.path.lexists(path) or any(sign in str(path) for sign in "*?["):
            continue
        raise ParameterError(f"{place}: no such file or folder")


def _of_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `given` that are fields of `Settings`; depth is kept unless somebody minds."""
    told = {entry.name: given[entry.name] for entry in fields(Settings) if entry.name in given}
    cache = told.get("cache", True)
    if isinstance(cache, bool):
        told["cache"] = _usual_cache() if cache else None
    return told


def _usual_cache() -> Path | None:
    try:
        return machine.user_folder("cache")
    except RuntimeError:  # nobody's home, as in some containers: then no depth is kept
        return None


def _check_folder(out: Path | str) -> None:
    """Raise ParameterError if `out` can be no folder, or looks as if it was not meant as one."""
    if not str(out):
        raise ParameterError("-o is empty: give a folder for the results")
    if (folder := local_path(out)) is not None and folder.is_file():
        raise ParameterError(f"-o {out}: is a file; give a folder for the results")
    if folder is None:
        check(str(out), writable=True)
    elif folder.suffix.lower() in WRITTEN and not folder.is_dir():
        raise ParameterError(f"-o {out}: is to be a folder, as there may be many results")
