"""Whole-process timings that a user feels: start-up, and portraits of 12 and 24 MP photos."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

RUNS = 7
PORTRAIT_RUNS = 5
SIZES = {"12 MP": (4000, 3000), "24 MP": (6000, 4000)}
"""Width and height of the photos, px."""
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts memory."""


@dataclass(frozen=True)
class Run:
    """One run of a command: wall time, CPU time of all its threads, memory at most."""

    wall_s: float
    cpu_s: float
    peak_gb: float


def run(*words: str) -> Run:
    """A fresh process of the command; its output is dropped.

    Raises CalledProcessError if it fails.
    """
    begun = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        # Waited for by hand: this is the one way to learn what a single child has used.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    wall_s = time.perf_counter() - begun
    return Run(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * RSS_UNIT / 1e9)


def busy_photo(path: Path, width: int, height: int) -> None:
    """A JPEG of that size: a bright figure before a busy wall, with grain."""
    rng = np.random.default_rng(0)
    wall = cv2.resize(
        rng.integers(0, 255, (75, 100, 3), np.uint8),
        (width, height),
        interpolation=cv2.INTER_CUBIC,
    )
    middle, unit = width // 2, height / 3000
    head, body = (round(450 * unit), round(600 * unit)), (round(1100 * unit), round(1200 * unit))
    cv2.ellipse(wall, (middle, round(1300 * unit)), head, 0, 0, 360, (140, 170, 220), -1)
    cv2.ellipse(wall, (middle, height), body, 0, 0, 360, (90, 60, 40), -1)
    grain = rng.standard_normal(wall.shape[:2], np.float32)[..., None] * 4
    cv2.imwrite(
        str(path), np.clip(wall + grain, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92]
    )


def bench() -> None:
    """Print medians, and the ratio of each to its yardstick where it has one."""
    python = sys.executable
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    helps, clicks = [], []
    for _ in range(RUNS):
        helps.append(run(python, "-m", "depthfx", "--help").wall_s)
        clicks.append(run(python, "-c", "import click").wall_s)
    ours, yardstick = statistics.median(helps), statistics.median(clicks)
    print(f"depthfx --help: {ours:.3f} s, {ours / yardstick:.1f} times `import click`")
    for name, (width, height) in SIZES.items():
        print(f"depthfx portrait, {name} JPEG: {portrait_words(width, height)}")


def portrait_words(width: int, height: int) -> str:
    """What whole runs of the `portrait` command take on a photo of that size."""
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder) / "photo.jpg", Path(folder) / "out.jpg"
        busy_photo(photo, width, height)
        command = [sys.executable, "-m", "depthfx", "portrait", str(photo)]
        command += ["-o", str(out), "--overwrite"]
        # The first run may compile kernels.
        runs = [run(*command) for _ in range(PORTRAIT_RUNS + 1)][1:]
    wall_s = [each.wall_s for each in runs]
    return (
        f"{statistics.median(wall_s):.2f} s ({min(wall_s):.2f} to {max(wall_s):.2f}), "
        f"CPU {statistics.median(each.cpu_s for each in runs):.2f} s, "
        f"peak {max(each.peak_gb for each in runs):.2f} GB"
    )
