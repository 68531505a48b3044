"""Which photos a batch is of."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from depthfx.batch import store
from depthfx.batch.beside import fields_of, shots
from depthfx.batch.globs import Test, any_of
from depthfx.batch.walk import Asked, File, common_folder, files_at
from depthfx.errors import ParameterError, RecipeError
from depthfx.movie.read import FILMS
from depthfx.natural import natural


@dataclass(frozen=True, slots=True)
class Item:
    """A photo that was found.

    name : its path below what was named, with "/"; unlike any other of its batch
    source : path or URL
    companions : what belongs to it, by kind: "jpeg" of a raw file (or "raw" of a JPEG), "matte",
        "depth", "overrides"
    fault : why nothing can be made of it: a folder that cannot be read
    version : of what a URL names, see `store.Entry`
    frames : whether it is a folder, of the frames of a film
    """

    name: str
    source: str
    companions: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    version: str = ""
    frames: bool = False


def find_photos(
    places: Iterable[str | Path] | str | Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    pairs: str = "raw",
    out: str | Path | None = None,
    sidecars: Mapping[str, str] | None = None,
    empty: bool = False,
) -> list[Item]:
    """The photos at `places`, in the order of their names, numbers by value.

    places : files, folders (with all that is in them), patterns with * ? [ ] **, URLs
    include, exclude : patterns for names (see `batch.globs`): only these, and not those
    pairs : "raw", "jpeg" or "both": what is done of a shot of which there are raw and JPEG
    out : where results go; it is left out where it lies in one of the places
    sidecars : by kind ("matte", "depth"), where such files lie if not beside their photo, like
        "mattes/{folder}/{stem}.png", from the top or from the photo's folder
    empty : whether it is right to find nothing

    Names count from the deepest folder that all places have in common. No photo is opened. Raises
    ParameterError if there is no photo, PhotoError if a place cannot be read.
    """
    places = [places] if isinstance(places, str | Path) else list(places)
    files, root = files_at(places, out=out, unwanted=any_of(exclude))
    if include:
        files = _included(files, any_of(include))
    items = [
        Item(file.name, file.source, shot.companions, file.fault, file.version)
        for shot in shots(files, frozenset(FILMS), pairs)
        for file in (shot.file,)
    ]
    if sidecars:
        items, missing = _with_sidecars(items, root, {file.name: file for file in files}, sidecars)
        if missing and items and not empty:
            raise ParameterError(f"sidecars: no photo has a {missing[0]} at {missing[1]!r}")
    if not items and not empty:
        raise ParameterError(_nothing(places, include, exclude))
    items.sort(key=lambda item: natural(item.name))
    _check_names(items)
    return items


def find_clips(folders: Sequence[str | Path]) -> list[Item]:
    """Folders of frames, each one film, in the order of their names.

    Names count from the deepest folder that all of them lie in. Raises ParameterError if they
    have none in common.
    """
    found = [os.path.abspath(folder) for folder in folders]  # noqa: PTH100
    root = common_folder([os.path.dirname(folder) for folder in found])  # noqa: PTH120
    names = [os.path.relpath(folder, root).replace(os.sep, "/") for folder in found]
    items = {
        name: Item(name, str(folder), frames=True)
        for name, folder in zip(names, folders, strict=True)
    }
    return sorted(items.values(), key=lambda item: natural(item.name))


def _included(files: Iterable[File], meant: Test) -> list[File]:
    """`files`, of which only those stay photos whose names are `meant`."""

    def asked(file: File) -> Asked:
        if file.fault or not file.asked:
            return file.asked
        return max(file.asked, Asked.CHOSEN) if meant(file.name) else Asked.BESIDE

    return [replace(file, asked=asked(file)) for file in files]


def header_px(source: str) -> int:
    """The number of pixels that a photo's header says, without reading more; 0 if it does not.

    Never raises. Of HEIC, AVIF, EXR and some raw files nothing is said.
    """
    from PIL import Image

    from depthfx.photo.raw_file import directories, is_raw

    if store.is_url(source) or not os.path.isfile(source):  # noqa: PTH113
        return 0
    try:
        with Path(source).open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pictures that are very large, which is the point
            if is_raw(file):
                return max((raw.pixels for raw in directories(file) if raw.raw), default=0)
            with Image.open(file) as picture:
                return picture.width * picture.height
    except Exception:  # whatever is wrong with the photo, its opening will tell
        return 0


def _with_sidecars(
    items: list[Item], root: str, files: Mapping[str, File], templates: Mapping[str, str]
) -> tuple[list[Item], tuple[str, str] | None]:
    """`items` with the sidecars that `templates` find; those are no photos themselves.

    Also kind and template of what not one photo has, if there is such a kind.
    """
    used: dict[str, str] = {}
    found = []
    for item in items:
        more = {}
        for kind, template in templates.items():
            source = _sidecar(item, template, root, files)
            if source is not None:
                more[kind] = source
                used[source] = kind
        found.append(replace(item, companions={**item.companions, **more}))
    unused = [each for each in templates.items() if each[0] not in used.values()]
    return [item for item in found if item.source not in used], next(iter(unused), None)


def _sidecar(item: Item, template: str, root: str, files: Mapping[str, File]) -> str | None:
    try:
        wanted = os.path.normpath(template.format(**fields_of(item.name))).replace(os.sep, "/")
    except (KeyError, IndexError, ValueError, AttributeError):
        raise RecipeError(
            f"sidecars: {template!r} is no template; it may hold {{folder}}, {{stem}} and {{ext}}"
        ) from None
    folder = item.name.rpartition("/")[0]
    for name in dict.fromkeys((wanted, os.path.normpath(f"{folder}/{wanted}").lstrip("/"))):
        file = files.get(name)
        if file is not None and file.source != item.source:
            return file.source
        if store.is_url(item.source):
            continue
        path = os.path.join(root, name)  # noqa: PTH118
        if file is None and os.path.isfile(path):  # noqa: PTH113
            return path
    return None


def _nothing(places: list[str | Path], include: Sequence[str], exclude: Sequence[str]) -> str:
    where = ", ".join(map(str, places[:3])) + (", ..." if len(places) > 3 else "")
    if not places:
        return "no photo is named; give files, folders or patterns"
    chosen = ", ".join([*(f"include {p}" for p in include), *(f"exclude {p}" for p in exclude)])
    return f"{where}: there is no photo" + (f" ({chosen})" if chosen else "")


def _check_names(items: list[Item]) -> None:
    """Raise ParameterError if two photos have one name, as of a folder here and one in a store."""
    first: dict[str, Item] = {}
    for item in items:
        other = first.setdefault(item.name, item)
        if other is not item:
            raise ParameterError(
                f"{other.source} and {item.source} would both be {item.name}; give them to two "
                "commands with different folders"
            )
