"""Training folders as archives of limited size, to carry them to another machine.

Every archive holds whole files and the folder's `index.json`; unpacked one after the other,
in any order, they give the folders back.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from depthfx.errors import ParameterError

BLOCK = 512
"""Bytes that a tar archive rounds every file up to, beside as many for its name."""


def pack(folders: list[Path], out: Path, megabytes: float = 60.0) -> list[Path]:
    """Write `folders` as `out/<name>-01.tar` ..., each of at most `megabytes` (10^6 bytes).

    The pictures are compressed already, so the archives are not. Raises ParameterError if a
    folder has no `index.json`, if two have one name, or if a file does not fit.
    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise ParameterError(f"two of the folders have one name: {', '.join(sorted(names))}")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for folder, name in zip(folders, names, strict=True):
        for number, files in enumerate(_parts(folder, int(megabytes * 1e6)), 1):
            path = out / f"{name}-{number:02d}.tar"
            with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
                for file in files:
                    archive.add(file, f"{name}/{file.name}", recursive=False)
            written.append(path)
    return written


def _stored(file: Path) -> int:
    return BLOCK + -(-file.stat().st_size // BLOCK) * BLOCK


def _parts(folder: Path, limit: int) -> Iterator[list[Path]]:
    """The folder's files in portions whose archive stays within `limit` bytes."""
    index = folder / "index.json"
    if not index.is_file():
        raise ParameterError(f"{folder} has no index.json: it is no folder of training pairs")
    # An archive ends with two empty blocks and is filled up to twenty.
    empty = _stored(index) + 20 * BLOCK
    part, size = [index], empty
    for file in sorted(f for f in folder.iterdir() if f.is_file() and f != index):
        if empty + _stored(file) > limit:
            raise ParameterError(
                f"{file} does not fit into an archive of {limit / 1e6:g} MB: allow larger ones"
            )
        if size + _stored(file) > limit:
            yield part
            part, size = [index], empty
        part.append(file)
        size += _stored(file)
    yield part
