"""Depth and mattes kept on the disk, so that another f-number costs no second estimate.

What is kept is what `engine.find` finds: refined depth and matte, bit for bit. Its key is the
SHA-256 of all that decides it: the photo's pixels as linear light, its focal length, and what
`engine.identity` says of the model. So a file that was moved, or whose keywords were edited, is
known again, and one that was cropped or developed otherwise is not.

    FOLDER/depthfx-depth-v1/index.sqlite            what is there, and how long unused
    FOLDER/depthfx-depth-v1/ab/abcd....safetensors  one depth or matte, see `payload`
    FOLDER/depthfx-depth-v1/parts/                  files being written

Any number of processes may use one folder at once. A file is believed if its checksum is right,
else it is removed; whatever is wrong with the cache, the work goes on without it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from depthfx.batch import payload
from depthfx.batch.cache_index import Index, Row
from depthfx.depth import Depth, Plane
from depthfx.photo.photo import Photo

T = TypeVar("T")

VERSION = 1
"""Of the files; another version has a folder of its own, and neither touches the other's."""
OURS = f"depthfx-depth-v{VERSION}"
ENDING = ".safetensors"
LIMIT_GB = 20.0
SPARE_BYTES = 500_000_000
"""Room that is left on the disk: the results need it more."""
MOST_WAITING = 2
"""Photos whose depth waits to be written; more would only take memory."""
ABANDONED_S = 3600.0
"""A file that has been written for so long is nobody's any more."""


@dataclass(frozen=True)
class Usage:
    """What a cache holds: files, and their bytes."""

    entries: int
    size: int


def _warned(words: str) -> None:
    warnings.warn(words, stacklevel=2)


class DepthCache:
    """A `context.ChannelStore` in a folder, which is made if it is not there.

    limit_gb : 10^9 bytes. Beyond them, what was of no use for longest goes. What has been of use
        since this was made stays, and what would need its room is not kept: of a shoot that is
        larger than the cache, the next run finds a part, and not nothing because each photo had
        to go for the one before it
    warn : hears, one line a cause, why nothing is kept; never called for one photo's sake
    """

    def __init__(
        self, folder: Path | str, limit_gb: float = LIMIT_GB, warn: Callable[[str], None] = _warned
    ) -> None:
        self.folder = Path(folder) / OURS
        self.limit = int(limit_gb * 1e9)
        self._warn, self._warned = warn, set[str]()
        self._begun = time.time()
        self._digests: WeakKeyDictionary[Photo, str] = WeakKeyDictionary()
        self._writer = ThreadPoolExecutor(1, "depth-cache")
        self._places = threading.Semaphore(MOST_WAITING)
        self._index: Index | None = None
        self._writes = True
        try:
            (self.folder / "parts").mkdir(mode=0o700, parents=True, exist_ok=True)
            self._index = Index(self.folder / "index.sqlite", self._files, self._mended)
            self._sweep()
        except (OSError, sqlite3.Error) as error:
            self._keep_no_more(error)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether there is a cache of this version in `folder`; makes nothing."""
        return (folder / OURS).is_dir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is being written; then nothing is kept any more."""
        self._writer.shutdown(wait=True)
        self._writes = False
        if self._index is not None:
            self._index.close()
            self._index = None

    # ------------------------------------------------------------ what a context asks
    def has_depth(self, photo: Photo, source: str) -> bool:
        """Whether there is a file of it; it is not read."""
        return self._path(self._depth_key(photo, source)).is_file()

    def depth(self, photo: Photo, source: str) -> Depth | None:
        """See `context.ChannelStore`."""
        return self._read(
            self._depth_key(photo, source), lambda data: payload.to_depth(data, photo.shape)
        )

    def keep_depth(self, photo: Photo, source: str, depth: Depth) -> None:
        """See `context.ChannelStore`; written in the background."""
        self._keep(self._depth_key(photo, source), lambda: payload.of_depth(depth))

    def matte(self, photo: Photo, source: str) -> Plane | None:
        """See `context.ChannelStore`."""
        return self._read(
            self._matte_key(photo, source), lambda data: payload.to_matte(data, photo.shape)
        )

    def keep_matte(self, photo: Photo, source: str, matte: Plane) -> None:
        """See `context.ChannelStore`; written in the background."""
        self._keep(self._matte_key(photo, source), lambda: payload.of_matte(matte))

    def _depth_key(self, photo: Photo, source: str) -> str:
        camera = photo.camera
        focal = [number.hex() for number in map(float, (camera.focal_px, camera.cx, camera.cy))]
        known = "guessed" if camera.known_focal_px is None else "known"
        return _sha256(f"depth {VERSION} {source} {self._digest(photo)} {known} {focal}")

    def _matte_key(self, photo: Photo, source: str) -> str:
        return _sha256(f"matte {VERSION} {source} {self._digest(photo)}")

    def _digest(self, photo: Photo) -> str:
        """SHA-256 in hexadecimal of what the photo shows; of each photo once."""
        known = self._digests.get(photo)
        if known is None:
            known = self._digests[photo] = pixels_sha256(photo)
        return known

    # ------------------------------------------------------------ files
    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}{ENDING}"

    def _read(self, key: str, made: Callable[[bytes], T]) -> T | None:
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        try:
            found = made(data)
        except payload.DamagedError:
            with suppress(OSError):
                path.unlink()
            self._noted(lambda index: index.forget(key))
            return None
        self._noted(lambda index: index.touch(key, len(data)))
        return found

    def _keep(self, key: str, made: Callable[[], bytes]) -> None:
        if not self._writes or self._index is None:
            return
        self._places.acquire()
        try:
            self._writer.submit(self._write, key, made).add_done_callback(self._written)
        except RuntimeError:  # closed meanwhile
            self._places.release()

    def _written(self, done: Future[None]) -> None:
        self._places.release()
        error = done.exception()
        if error is not None:
            self._keep_no_more(error)

    def _write(self, key: str, made: Callable[[], bytes]) -> None:
        path = self._path(key)
        index = self._index
        if not self._writes or index is None or path.exists():
            return
        data = made()
        if shutil.disk_usage(self.folder).free < SPARE_BYTES + len(data):
            words = "the disk of the depth cache {} is nearly full"
            self._say(f"{words.format(self.folder)}: no more depth is kept there")
            return
        try:
            may, gone = index.enter(key, len(data), self.limit, self._begun)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:  # another process, for too long
                return
            raise
        self._delete(gone)
        if not may:
            self._say(
                f"the depth cache {self.folder} is full of what this run uses: depth of the other "
                "photos is not kept; --cache-size gives it more room"
            )
            return
        part = self.folder / "parts" / f"{os.getpid()}-{secrets.token_hex(6)}"
        try:
            # Not synced: what a power cut tears has another checksum.
            part.write_bytes(data)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            index.forget(key)
            raise

    def _delete(self, keys: list[str]) -> None:
        for key in keys:
            with suppress(OSError):
                self._path(key).unlink()

    def _files(self) -> Iterator[Row]:
        """All files there are, for a new index."""
        for path in sorted(self.folder.glob(f"??/*{ENDING}")):
            with suppress(OSError):
                status = path.stat()
                yield path.name.removesuffix(ENDING), status.st_size, status.st_mtime

    def _sweep(self) -> None:
        """Remove what killed processes were writing."""
        for part in (self.folder / "parts").iterdir():
            with suppress(OSError):
                if part.stat().st_mtime < self._begun - ABANDONED_S:
                    part.unlink()

    # ------------------------------------------------------------ what a user asks
    def usage(self) -> Usage:
        """What is kept."""
        return Usage(*self._index.total()) if self._index is not None else Usage(0, 0)

    def shrink(self, limit_gb: float) -> None:
        """Remove what was of no use for longest, until `limit_gb` (10^9 bytes) are left."""
        if self._index is not None:
            self._delete(self._index.shrink(int(limit_gb * 1e9)))

    def clear(self) -> None:
        """Remove all that is kept."""
        self.shrink(0.0)
        # What an index may have lost, too.
        self._delete([key for key, _, _ in self._files()])

    # ------------------------------------------------------------ when something is wrong
    def _noted(self, note: Callable[[Index], None]) -> None:
        """Tell the index, if it listens: a cache that cannot be written can still be read."""
        if self._index is not None:
            with suppress(sqlite3.Error, OSError):
                note(self._index)

    def _mended(self) -> None:
        self._say(f"the index of the depth cache {self.folder} was damaged: it was made anew")

    def _keep_no_more(self, error: BaseException) -> None:
        self._writes = False
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self._say(f"the depth cache {self.folder} cannot be written ({reason}): no depth is kept")

    def _say(self, words: str) -> None:
        if words not in self._warned:
            self._warned.add(words)
            self._warn(words)


def pixels_sha256(photo: Photo) -> str:
    """SHA-256 in hexadecimal of a photo's size, pixels and alpha."""
    total = hashlib.sha256(f"{photo.shape} {photo.alpha is not None}".encode())
    for plane in (photo.pixels, photo.alpha):
        if plane is not None:
            total.update(np.ascontiguousarray(plane).data)
    return total.hexdigest()


def _sha256(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
