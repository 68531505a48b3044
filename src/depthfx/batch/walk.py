"""Every file at places that a user names: files, folders, patterns, URLs.

A file is found once, under its own name rather than that of a link to it; links that go round in
circles end. Hidden files and folders, and folders that other programs or depthfx made for
themselves, are left out.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from urllib.parse import urlsplit

from depthfx.batch import store
from depthfx.batch.deliver import JOURNAL, REPORT
from depthfx.batch.globs import MAGIC, Test, below
from depthfx.batch.notes import NOTES, read_notes
from depthfx.errors import DepthfxError, ParameterError, PhotoError
from depthfx.photo.whole import SIDECAR

OTHERS_OWN = ("@eadir", "__macosx", "$recycle.bin", "lost+found", REPORT)
"""Folders of thumbnails and the like, in lower case; no photos of anybody's."""
PREVIEWS = ".lrdata"
"""Ends the name of Lightroom's folders of previews."""


class Asked(IntEnum):
    """How somebody asked for a file."""

    BESIDE = 0  # not at all: it lies beside others, and may belong to one
    FOUND = 1  # it lies in a folder that was named
    CHOSEN = 2  # it fits a pattern
    NAMED = 3


@dataclass(frozen=True, slots=True)
class File:
    """A file that was found.

    name : its path below what all places have in common, with "/"
    source : path as the place was named, or URL
    fault : why what is there cannot be looked at; then it is a folder
    version : of what a URL names, see `store.Entry`
    """

    name: str
    source: str
    asked: Asked = Asked.FOUND
    fault: str = ""
    version: str = ""


@dataclass(frozen=True)
class _Place:
    """A place on this machine.

    path : as it was named; of a pattern the folder above all that it may fit
    name : from the folder that all places have in common, "" if it is that
    kind : what is asked for here: a file, a folder, or what fits a pattern
    fits : the pattern, for names from `path`
    """

    path: str
    kind: Asked
    fits: Test | None = None
    name: str = ""

    @classmethod
    def of(cls, path: str) -> _Place:
        if "\0" in path:
            raise PhotoError(f"{path!r}: no such file")
        # `Path` raises on names too long, which are told of when they are read.
        if os.path.isdir(path):  # noqa: PTH112
            return cls(path, Asked.FOUND)
        if os.path.lexists(path) or not MAGIC.search(path):
            return cls(path, Asked.NAMED)
        parts = Path(path).parts
        fixed = next(n for n, part in enumerate(parts) if MAGIC.search(part))
        return cls(str(Path(*parts[:fixed])), Asked.CHOSEN, below("/".join(parts[fixed:])))

    @property
    def folder(self) -> str:
        """The absolute path of the folder that it is, or lies in."""
        absolute = os.path.abspath(self.path)  # noqa: PTH100
        return os.path.dirname(absolute) if self.kind is Asked.NAMED else absolute  # noqa: PTH120

    def below(self, root: str) -> _Place:
        """The same, its name counted from `root`."""
        name = os.path.relpath(os.path.abspath(self.path), root).replace(os.sep, "/")  # noqa: PTH100
        return replace(self, name="" if name == os.curdir else name)

    def asks(self, name: str) -> Asked:
        """Whether, and how, it asks for what is called `name`; it is no file itself."""
        if self.name and not name.startswith(f"{self.name}/"):
            return Asked.BESIDE
        inner = name[len(self.name) + 1 :] if self.name else name
        return self.kind if self.fits is None or self.fits(inner) else Asked.BESIDE


def files_at(
    places: Iterable[str | Path], *, out: str | Path | None = None, unwanted: Test = lambda _: False
) -> tuple[list[File], str]:
    """Every file at `places` or beside one, in no order, and the folder (or URL) that their names
    count from.

    out : a folder that is left out where it lies inside another
    unwanted : names of folders and files that are left out

    Names count from the deepest folder that all places have in common; those of a folder that is
    the only place from itself. Raises ParameterError if they have nothing in common, PhotoError
    if a place cannot be read.
    """
    local: list[str] = []
    urls: list[str] = []
    for place in places:
        if not str(place):  # a shell's empty variable is not meant as the working folder
            raise ParameterError("'' names no photo; give files, folders or patterns")
        path = store.local_path(place)
        urls += [str(place)] if path is None else []
        local += [] if path is None else [str(path)]
    found: list[File] = []
    root = ""
    if urls:
        root = _common_url(urls)
        inside = str(out).startswith(f"{root.rstrip('/')}/")
        skipped = f"{str(out).rstrip('/')[len(root.rstrip('/')) + 1 :]}/" if inside else ""
        for url in urls:
            found += [
                file
                for file in _remote(url, root, unwanted)
                if not (skipped and file.name.startswith(skipped))
            ]
    if local:
        here = [_Place.of(path) for path in local]
        root = common_folder([place.folder for place in here])
        real = store.local_path(out) if out is not None else None
        walk = _Walk(
            [place.below(root) for place in here],
            unwanted,
            "" if real is None else os.path.realpath(real),
        )
        found += walk.all()
    return found, root


def common_folder(folders: Sequence[str]) -> str:
    """The deepest folder above all of `folders`, absolute paths. Raises ParameterError."""
    try:
        return os.path.commonpath(folders)
    except ValueError:  # different drives have nothing in common
        raise ParameterError(
            f"{folders[0]} and {folders[-1]} are on different drives; give them to two commands"
        ) from None


@dataclass
class _Walk:
    """Goes through places of this machine, real folders first, links then.

    out : real path of the output folder: left out where it lies within, and of a place that it
        is itself what a batch has made there; "": none
    made : names of what batches have made
    """

    places: list[_Place]
    unwanted: Test
    out: str
    folders: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)
    areas: list[_Place] = field(default_factory=list)
    made: set[str] = field(default_factory=set)

    def all(self) -> Iterator[File]:
        named = [place for place in self.places if place.kind is Asked.NAMED]
        for place in named:
            real = os.path.realpath(place.path)
            if real not in self.files and not self.unwanted(place.name):
                self.files.add(real)
                yield File(place.name, place.path, Asked.NAMED)
        self.areas = [place for place in self.places if place.kind is not Asked.NAMED]
        for place in self.areas:
            yield from self._below(place.path, place.name, os.path.realpath(place.path), top=True)
        while self.links:
            name, path = heapq.heappop(self.links)  # in the order of names, whatever the disk's
            real = os.path.realpath(path)
            if os.path.isdir(real):  # noqa: PTH112
                yield from self._below(path, name, real)
            else:
                yield from self._file(path, name, real)
        for place in named:
            yield from self._beside(place)

    def _below(self, path: str, name: str, real: str, *, top: bool = False) -> Iterator[File]:
        waiting = [(path, name, real, top)]
        while waiting:
            path, name, real, top = waiting.pop()
            if real in self.folders or (real == self.out and not top):
                continue
            self.folders.add(real)
            try:
                with os.scandir(path) as entries:
                    inside = list(entries)
            except OSError as error:
                fault = f"{path}: the photos in it cannot be found: {error.strerror or error}"
                if top:
                    raise PhotoError(fault) from None
                yield File(name, path, self._asked(f"{name}/"), fault)
                continue
            names = {entry.name for entry in inside}
            if SIDECAR in names and not top:
                continue  # a folder of layers and the like, which is one thing
            if JOURNAL in names and (not top or real == self.out):
                self.made |= {f"{name}/{one}" if name else one for one in _made_in(path)}
            for entry in inside:
                inner = f"{name}/{entry.name}" if name else entry.name
                itself = f"{real}{os.sep}{entry.name}"
                if entry.name.startswith(".") or inner in self.made or self.unwanted(inner):
                    continue
                if entry.is_symlink():
                    heapq.heappush(self.links, (inner, entry.path))
                elif not entry.is_dir(follow_symlinks=False):
                    yield from self._file(entry.path, inner, itself)
                elif not self._others(entry.name):
                    waiting.append((entry.path, inner, itself, False))

    def _others(self, name: str) -> bool:
        low = name.lower()
        return low in OTHERS_OWN or low.endswith(PREVIEWS)

    def _file(self, path: str, name: str, real: str) -> Iterator[File]:
        if real not in self.files:
            self.files.add(real)
            yield File(name, path, self._asked(name))

    def _asked(self, name: str) -> Asked:
        return max((place.asks(name) for place in self.areas), default=Asked.BESIDE)

    def _beside(self, place: _Place) -> Iterator[File]:
        """What lies in the folder of a file that was named, and was not come by yet."""
        real = os.path.realpath(place.folder)
        if real in self.folders:
            return
        self.folders.add(real)
        start = place.name.rpartition("/")[0]
        with suppress(OSError), os.scandir(place.folder) as entries:
            for entry in entries:
                name = f"{start}/{entry.name}" if start else entry.name
                path = os.path.join(os.path.dirname(place.path), entry.name)  # noqa: PTH118, PTH120
                if not (entry.name.startswith(".") or entry.is_dir() or self.unwanted(name)):
                    yield from self._file(path, name, os.path.realpath(path))


def _made_in(folder: str) -> set[str]:
    """Names of the files and folders that batches into `folder` have made, as it keeps note."""
    with suppress(DepthfxError, OSError):
        return set(read_notes(Path(folder) / JOURNAL / NOTES).owner)
    return set()


def _common_url(urls: Sequence[str]) -> str:
    """The deepest folder above all of `urls`; a URL that is the only one from itself."""
    if len(urls) == 1:
        return urls[0]
    if len({urlsplit(url)[:2] for url in urls}) > 1:
        raise ParameterError(
            f"{store.shown(urls[0])} and {store.shown(urls[-1])} are in different stores; give "
            "them to two commands"
        )
    parts = [url.rstrip("/").split("/") for url in urls]
    levels = zip(*parts, strict=False)
    shortest = min(map(len, parts))
    count = next((n for n, level in enumerate(levels) if len(set(level)) > 1), shortest)
    return "/".join(parts[0][:count])


def _remote(url: str, root: str, unwanted: Test) -> Iterator[File]:
    start = url.rstrip("/")[len(root.rstrip("/")) + 1 :]
    for entry in store.found(url):
        itself = entry.url.rstrip("/") == url.rstrip("/")
        name = start if itself and start else f"{start}/{entry.name}" if start else entry.name
        parts = name.split("/")
        hidden = any(part.startswith(".") or part.lower() in OTHERS_OWN for part in parts)
        if not hidden and not unwanted(name):
            asked = Asked.NAMED if itself else Asked.FOUND
            yield File(name, entry.url, asked, version=entry.version)
