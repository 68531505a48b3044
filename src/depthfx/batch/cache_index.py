"""Which files a cache holds, how large, and when each was last of use: an SQLite database.

Several processes use it at once. It is no more than a help: lost or damaged, it is made anew from
the files themselves.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BUSY_S = 10.0
"""So long another process is waited for: it writes a few rows at a time."""
MADE = 1
"""`user_version` of a database whose rows are all there."""
AHEAD_S = 60.0
"""Clocks of machines that share a cache are not farther apart."""
TABLE = (
    "CREATE TABLE IF NOT EXISTS entries"
    " (key TEXT PRIMARY KEY, size INTEGER NOT NULL, used REAL NOT NULL) WITHOUT ROWID"
)
DAMAGED = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""What SQLite says of a file that is not the database it should be."""
REMOVED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
"""And of one that another process has taken away from under it, to make it anew."""
Row = tuple[str, int, float]
"""Key, bytes, and when it was last of use (seconds since 1970)."""


class Index:
    """The database at `path`, made from what `files` finds if it is not there.

    Raises sqlite3.Error where it cannot be opened; the methods do so where it is busy for too
    long, or cannot be written.

    mended : called when a damaged one has been replaced
    """

    def __init__(
        self, path: Path, files: Callable[[], Iterable[Row]], mended: Callable[[], None]
    ) -> None:
        self._path, self._files, self._mended = path, files, mended
        self._lock = threading.RLock()
        try:
            self._database = self._opened()
        except sqlite3.DatabaseError as error:
            if _code(error) not in DAMAGED:  # no place for it, or busy
                raise
            self._remove()
            self._database = self._opened()
            mended()

    def enter(self, key: str, size: int, limit: int, kept_since: float) -> tuple[bool, list[str]]:
        """Enter a file that is about to be written; whether it may be, and what is to go for it.

        limit : bytes that all files may have together
        kept_since : what was of use since then does not go
        """

        def entered() -> tuple[bool, list[str]]:
            gone = self._make_room(limit - size, kept_since, but=key)
            if gone is None:
                return False, []
            self._database.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", (key, size, time.time())
            )
            return True, gone

        return self._at_once(entered)

    def shrink(self, limit: int) -> list[str]:
        """Forget what was longest of no use until the rest has `limit` bytes; its keys."""
        return self._at_once(lambda: self._make_room(limit, float("inf"))) or []

    def touch(self, key: str, size: int) -> None:
        """Note that a file was of use."""
        self._at_once(
            lambda: self._database.execute(
                "INSERT INTO entries VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET used = ?3",
                (key, size, time.time()),
            )
        )

    def forget(self, key: str) -> None:
        """Note that a file is not there any more."""
        self._at_once(lambda: self._database.execute("DELETE FROM entries WHERE key = ?", (key,)))

    def total(self) -> tuple[int, int]:
        """Number of files, and their bytes."""
        row = self._at_once(
            lambda: self._database.execute("SELECT COUNT(*), TOTAL(size) FROM entries").fetchone()
        )
        return int(row[0]), int(row[1])

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _make_room(self, limit: int, kept_since: float, but: str = "") -> list[str] | None:
        """Forget the oldest files until the others have `limit` bytes; None if that is too few."""
        others = "FROM entries WHERE key != ?"
        (total,) = self._database.execute(f"SELECT TOTAL(size) {others}", (but,)).fetchone()
        gone: list[str] = []
        if total > limit:
            # What a wrong clock has put into the future is of no more use than the rest.
            oldest = self._database.execute(
                f"SELECT key, size {others} AND used NOT BETWEEN ? AND ? ORDER BY used, key",
                (but, kept_since, time.time() + AHEAD_S),
            )
            for key, size in oldest:
                gone.append(key)
                total -= size
                if total <= limit:
                    break
        if total > limit:
            return None
        self._database.executemany("DELETE FROM entries WHERE key = ?", [(key,) for key in gone])
        return gone

    def _at_once(self, work: Callable[[], T]) -> T:
        """`work` as one transaction, and once more where the database had to be made anew."""
        with self._lock:
            try:
                return self._transaction(work)
            except sqlite3.DatabaseError as error:
                if _code(error) not in (*DAMAGED, *REMOVED):
                    raise
                self._database.close()
                if _code(error) in DAMAGED:
                    self._remove()
                    self._mended()
                self._database = self._opened()
                return self._transaction(work)

    def _transaction(self, work: Callable[[], T]) -> T:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            done = work()
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return done

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self._path, BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode = WAL")
            # Of a power cut the last rows are lost, no more: it is worth no wait for the disk.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN IMMEDIATE")
            if database.execute("PRAGMA user_version").fetchone() != (MADE,):
                database.execute(TABLE)
                database.executemany(
                    "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", self._files()
                )
                database.execute(f"PRAGMA user_version = {MADE}")
            database.execute("SELECT key, size, used FROM entries LIMIT 1").fetchone()
            database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
        return database

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._path.with_name(self._path.name + ending).unlink()


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's own number of an error, without the details in its upper bits."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
