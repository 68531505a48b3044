"""What is done in a process of its own by the tests of broken files and full disks.

Apart from those tests, so that the process need not import them.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from depthfx.camera import Camera
from depthfx.errors import DepthfxError, PhotoError
from depthfx.facts import json_line
from depthfx.photo.describe import describe
from depthfx.photo.encode import stored_form
from depthfx.photo.phone.stored_depth import stored_depth
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo
from depthfx.photo.write import write_photo

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"


def outcome(path: str, points: list[tuple[int, int]]) -> dict[str, Any]:
    """What comes of reading a file, in plain values; done apart."""
    try:
        photo = read_photo(path)
    except DepthfxError as error:
        return {"outcome": "error", "error": str(error)}
    srgb = stored_form(replace(photo, metadata=Metadata(), alpha=None), 8).codes
    facts = describe(photo)
    json_line(facts)
    try:
        depth = stored_depth(photo)
    except PhotoError as error:
        depth, refused = None, str(error)
    else:
        refused = ""
    return {
        "outcome": "ok-with-warning" if photo.warnings or facts["warnings"] or refused else "ok",
        "size": photo.shape[::-1],
        "finite": bool(np.isfinite(photo.pixels).all()),
        "warnings": [*photo.warnings, *([refused] if refused else [])],
        "colours": [srgb[y, x].tolist() for x, y in points],
        "depth": None if depth is None else depth.kind,
        "black": not photo.pixels.any(),
    }


def picture(side: int = 128) -> Photo:
    """Noise, of which no format makes little."""
    rng = np.random.default_rng(7)
    pixels = rng.random((side, side, 3), dtype=np.float32)
    return Photo(pixels, Camera.guess(side, side), metadata=Metadata(xmp=b"<x/>" * 50))


def locked_out(path: str, user: int) -> str:
    """What another user is told of a file that is not for everybody to read."""
    _become(user)
    return str(outcome(path, [])["error"])


def _become(user: int) -> None:
    if user and os.geteuid() == 0:
        os.setegid(user)
        os.seteuid(user)


def imported_for(suffix: str) -> None:
    """Have all imported that is needed to write this format: another user may not read it."""
    with tempfile.TemporaryDirectory() as folder:
        write_photo(picture(4), Path(folder, f"out{suffix}"))


def refusal(path: str, side: int = 128, limit_bytes: int = 0, user: int = 0) -> str:
    """What is said when a picture is written over `path`, by a process that may write files of
    `limit_bytes` at most, and may be another user."""
    imported_for(Path(path).suffix)
    if limit_bytes:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    _become(user)
    try:
        write_photo(picture(side), path, overwrite=True)
    except PhotoError as error:
        return str(error)
    return ""


def killed(path: str, moment: int) -> tuple[int, int, int]:
    """Writes over `path` and is killed at the `moment`-th call.

    Returns, for a moment that never comes, the first and the last call at which there is a
    temporary file, and the number of calls.
    """
    photo, calls, there, us = picture(), 0, [0], os.getpid()
    folder = Path(path).parent

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == moment:
            os.kill(us, signal.SIGKILL)
        if moment < 1 and len(os.listdir(folder)) > 1:  # noqa: PTH208
            there.append(calls)

    imported_for(Path(path).suffix)
    sys.setprofile(count)
    try:
        write_photo(photo, path, overwrite=True)
    finally:
        sys.setprofile(None)
    return there[1], there[-1], calls


def answers(target: str, data: bytes, first: int, rounds: int) -> list[str]:
    """What is wrong with the answers to `rounds` mutations of `data`; done apart."""
    sys.path.append(str(FUZZ))
    from mutations import mutated
    from targets import TARGETS

    wrong = []
    for seed in range(first, first + rounds):
        damaged = mutated(data, Random(seed)) if seed >= 0 else data
        try:
            TARGETS[target](damaged, None)
        except Exception:
            wrong.append(f"seed {seed}:\n{traceback.format_exc()}")
    return wrong
