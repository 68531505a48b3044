"""How compiled kernels find a place when the usual ones cannot be written, and how they wait."""

from __future__ import annotations

import atexit
import os
from pathlib import Path


def find_compiled_a_place() -> None:
    """Let numba compile into a folder that lasts as long as this run, if it has no other.

    It keeps compiled code beside the source or under the user's home, and fails where
    both are read-only, as in a container. A shared folder of a known name would not do:
    what numba finds there it runs.
    """
    if has_a_place():
        return
    from tempfile import TemporaryDirectory

    folder = TemporaryDirectory(prefix="depthfx-")
    atexit.register(folder.cleanup)
    os.environ["NUMBA_CACHE_DIR"] = folder.name


def has_a_place() -> bool:
    """Whether compiled code can be kept from run to run."""
    places = (Path(__file__).parent, Path(os.environ.get("XDG_CACHE_HOME", "~")))
    return "NUMBA_CACHE_DIR" in os.environ or any(_writable(place) for place in places)


def let_threads_sleep() -> None:
    """Let the threads of a kernel sleep between two of them.

    By default they wait awake for a while, and take the cores from whatever else is going on:
    the reading of the photo, another photo of `--jobs`, another program. Call before anything
    compiled is loaded.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _writable(place: Path) -> bool:
    return os.access(os.path.expanduser(place), os.W_OK)  # noqa: PTH111 - it raises without a home
