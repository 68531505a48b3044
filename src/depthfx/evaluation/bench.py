"""Whole-process timings that a user feels: start-up, and a portrait of a 12 MP photo."""

from __future__ import annotations

import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

RUNS = 7


def seconds(*words: str) -> float:
    """Wall time of one run of a command; its output is dropped."""
    begun = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def twelve_megapixels(path: Path) -> None:
    """A 4000 x 3000 JPEG: a bright figure before a busy wall, with grain."""
    rng = np.random.default_rng(0)
    wall = cv2.resize(
        rng.integers(0, 255, (75, 100, 3), np.uint8), (4000, 3000), interpolation=cv2.INTER_CUBIC
    )
    cv2.ellipse(wall, (2000, 1300), (450, 600), 0, 0, 360, (140, 170, 220), -1)
    cv2.ellipse(wall, (2000, 3000), (1100, 1200), 0, 0, 360, (90, 60, 40), -1)
    grain = rng.normal(0, 4, wall.shape[:2])[..., None]
    cv2.imwrite(
        str(path), np.clip(wall + grain, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92]
    )


def bench() -> None:
    """Print medians, and the ratio of each to its yardstick where it has one."""
    python = sys.executable
    print(
        f"machine: {platform.processor() or platform.machine()}, Python {platform.python_version()}"
    )
    helps, clicks = [], []
    for _ in range(RUNS):
        helps.append(seconds(python, "-m", "depthfx", "--help"))
        clicks.append(seconds(python, "-c", "import click"))
    ours, yardstick = statistics.median(helps), statistics.median(clicks)
    print(f"depthfx --help: {ours:.3f} s, {ours / yardstick:.1f} times `import click`")
    with tempfile.TemporaryDirectory() as folder:
        photo, out = Path(folder) / "photo.jpg", Path(folder) / "out.jpg"
        twelve_megapixels(photo)
        command = (python, "-m", "depthfx", "portrait", str(photo), "-o", str(out), "--overwrite")
        runs = [seconds(*command) for _ in range(4)][1:]
    peak_gb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(
        f"depthfx portrait, 12 MP JPEG: {statistics.median(runs):.2f} s "
        f"({min(runs):.2f} to {max(runs):.2f}), peak {peak_gb:.2f} GB"
    )
