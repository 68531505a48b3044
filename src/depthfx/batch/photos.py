"""Which photos a batch is of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Item:
    """A photo that was found.

    name : its path below what was named, with "/"
    source : path or URL
    companions : what belongs to it, by kind: "jpeg" of a raw file, "matte", "depth", "overrides"
    """

    name: str
    source: str
    companions: dict[str, str]


def find_photos(places: Iterable[str | Path]) -> list[Item]:
    """The photos at `places`, in the order of their names."""
    found = []
    for place in map(Path, places):
        files = sorted(p for p in place.rglob("*") if p.is_file()) if place.is_dir() else [place]
        root = place if place.is_dir() else place.parent
        found += [Item(p.relative_to(root).as_posix(), str(p), {}) for p in files]
    return found
