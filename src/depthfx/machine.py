"""What the system lends this process: cores, memory, containers' limits counted in; and folders."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux keeps the limits of containers (control groups, version 2)."""
MAC = {"cache": "Caches", "state": "Application Support"}
XDG = {"cache": ".cache", "state": ".local/state"}
"""Below the home, where nothing else is said (XDG Base Directory Specification 0.8)."""


def cores() -> int:
    """How many cores this process may keep busy, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *map(math.ceil, _cpu_quotas())]))


def threads() -> int:
    """How many threads one piece of work may use: `OMP_NUM_THREADS` if it is set, else `cores`."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) > 0 else cores()


def pool(count: int | None = None) -> Executor:
    """An executor of `count` threads, None: `threads()`; a single one is that of the caller."""
    count = count or threads()
    return ThreadPoolExecutor(count) if count > 1 else _InTurn()


class _InTurn(Executor):
    """Does the work itself when the result is asked for: to start a thread and hand over to it
    takes as long as a strip of a picture does."""

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[T]:
        return map(fn, *iterables)


def memory_bytes() -> int | None:
    """Memory that this process and its children can still get; None if the system does not say."""
    known = [_lines(Path("/proc/meminfo")).get("MemAvailable"), *_memory_left()]
    said = [amount for amount in known if amount is not None]
    if said:
        return max(min(said), 0)
    try:
        # What others use of it is not told everywhere; half is a guess that suits most days.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def user_folder(kind: Literal["cache", "state"]) -> Path:
    """Where the user's programs keep what can be found again ("cache"), or what must not be lost
    but is no document ("state"). It need not be there. Raises RuntimeError if there is no home."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "depthfx" / kind
    if sys.platform == "darwin":
        return home / "Library" / MAC[kind] / "depthfx"
    given = os.environ.get(f"XDG_{kind.upper()}_HOME", "")
    # The standard wants a relative path to be ignored.
    return (Path(given) if given.startswith("/") else home / XDG[kind]) / "depthfx"


def _cpu_quotas() -> Iterator[float]:
    """Cores that each control group above this process may use, where it is limited."""
    for group in _groups():
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period) > 0:
            yield int(quota) / int(period)


def _memory_left() -> Iterator[int]:
    """Bytes that each control group above this process can still have, where it is limited."""
    for group in _groups():
        limit, used = _text(group / "memory.max"), _text(group / "memory.current")
        if limit.isdecimal() and used.isdecimal():
            # Files that lie in memory only because they were read make room when asked.
            kept = _lines(group / "memory.stat").get("inactive_file", 0)
            yield int(limit) - int(used) + kept


def _groups() -> Iterator[Path]:
    """The folders of the control group of this process and of those around it."""
    own = _text(Path("/proc/self/cgroup")).rpartition("0::/")[2].partition("\n")[0]
    group = CGROUPS / own
    while group.is_relative_to(CGROUPS) and ".." not in group.parts:
        yield group
        group = group.parent


def _lines(path: Path) -> dict[str, int]:
    """Bytes by name, of a file with a name and a number in each line, perhaps with kB behind."""
    found = {}
    for line in _text(path).splitlines():
        words = line.replace(":", " ").split()
        if len(words) > 1 and words[1].isdecimal():
            found[words[0]] = int(words[1]) * (1024 if words[2:] == ["kB"] else 1)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
