"""Photos that are elsewhere: fetched before the work, and what was made put to a store after it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from depthfx.batch.deliver import REPORT
from depthfx.batch.job import Job, Result
from depthfx.batch.store import found, is_url, join, local_copy, local_path, put, remove
from depthfx.photo.whole import SIDECAR

FETCHED = ".depthfx-fetched"


def _places(job: Job) -> list[str]:
    opened = [value for value in job.opening.values() if isinstance(value, str)]
    return [job.source, *job.companions, *opened]


def brought(job: Job, folder: Path) -> Job:
    """`job` with all that it reads on this machine: what is elsewhere is copied to below `folder`.

    Copies lie in a folder of their own, since a result may have its photo's name. They keep their
    names, so that what belongs together by name still does; two of one name lie apart. Raises
    PhotoError.
    """
    copies: dict[str, str] = {}
    for url in filter(is_url, _places(job)):
        if url in copies:
            continue
        path = local_path(url)
        if path is None:
            room = folder / FETCHED
            while (room / url.rpartition("/")[2]).exists():
                room = room / FETCHED
            room.mkdir(exist_ok=True)
            path = local_copy(url, room)
        copies[url] = str(path)
    if not copies:
        return job
    return replace(
        job,
        source=copies.get(job.source, job.source),
        companions=tuple(copies.get(place, place) for place in job.companions),
        opening={
            key: copies.get(value, value) if isinstance(value, str) else value
            for key, value in job.opening.items()
        },
    )


def in_its_words(message: str, job: Job, here: Job) -> str:
    """What was said of the copies in `here`, said of what they are copies of."""
    for place, copy in zip(_places(job), _places(here), strict=True):
        if place != copy:
            message = message.replace(copy, place)
    return message


def sent(folder: Path, result: Result, url: str) -> None:
    """Put what `result` has written and its small pictures, below `folder`, to their names
    below `url`.

    Each file is put whole; of a folder the sidecar comes last, since a folder without it counts
    as none. Files that an earlier depthfx left in that folder go. Raises PhotoError.
    """
    for entry in result.written:
        path, target = folder / entry.name, join(url, entry.name)
        if path.is_dir():
            _folder_sent(path, target)
        else:
            put(path, target)
    for name in result.pictures.values():
        put(folder / REPORT / name, join(url, f"{REPORT}/{name}"))


def _folder_sent(folder: Path, url: str) -> None:
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    there = {entry.name for entry in found(url, missing_ok=True)}
    if SIDECAR in there:
        remove(join(url, SIDECAR))
    for name in sorted(names, key=lambda name: name == SIDECAR):
        put(folder / name, join(url, name))
    if SIDECAR in there:
        for name in there - set(names):
            remove(join(url, name))
