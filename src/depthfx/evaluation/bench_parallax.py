"""What layers and films take: whole commands in fresh processes, on a busy 12 MP photo."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from depthfx.evaluation.bench import SIZES, Run, busy_photo, run

LAYERS = 4
DISTANCES_M = (8.0, 4.0, 2.0, 1.0)
SIZE, FPS, SHORT_S, LONG_S = "1920x1080", 25, 2, 6
MOVES = ("push-in", "orbit")


def bench_parallax(photo: Path | None, runs: int) -> None:
    """Print medians for an export to After Effects and for films of 1080p.

    photo : a photo of your own; None: one made here, of four things at known distances
    """
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = [str(photo)] if photo is not None else _four_things(folder, *SIZES["12 MP"])
        command = ["layers", *source, "--count", str(LAYERS), "-o", str(folder / "shot")]
        print(f"layers, {LAYERS} of 12 MP, for After Effects: {_words(_runs(command, runs))}")
        for move in MOVES:
            command = ["photo3d", *source, "--camera", move, "--size", SIZE]
            command += ["--fps", str(FPS), "-o", str(folder / "shot.mp4")]
            short, long = (_runs([*command, "--seconds", str(s)], runs) for s in (SHORT_S, LONG_S))
            rate = (LONG_S - SHORT_S) * FPS / (_median_s(long) - _median_s(short))
            print(
                f"photo3d, {move}, {SIZE}: {rate:.1f} frames a second; "
                f"whole command for {LONG_S} s of film {_words(long)}"
            )


def _four_things(folder: Path, width: int, height: int) -> list[str]:
    """A photo of a wall and three things before it, and its depth, as words of a command."""
    busy_photo(folder / "photo.jpg", width, height)
    metres = np.full((height, width), DISTANCES_M[0], np.float32)
    row, column = np.indices((height, width), np.float32)
    for n, distance in enumerate(DISTANCES_M[1:]):
        # Each with a wavy outline, and cut by the frame below.
        x, y = (column / width - 0.2 - 0.3 * n) / 0.2, (row / height - 1) / (0.9 - 0.2 * n)
        angle = np.arctan2(y, x)
        metres[np.hypot(x, y) < 0.8 + 0.1 * np.sin(9 * angle)] = distance
    np.save(folder / "depth.npy", metres)
    nearest = np.where(metres == DISTANCES_M[-1], np.uint8(255), np.uint8(0))
    cv2.imwrite(str(folder / "matte.png"), nearest)
    words = [str(folder / "photo.jpg"), "--depth", str(folder / "depth.npy"), "--depth-unit", "m"]
    return [*words, "--matte", str(folder / "matte.png")]


def _runs(words: list[str], runs: int) -> list[Run]:
    """Fresh processes of a command; the first, which may compile kernels, is not counted."""
    command = [sys.executable, "-m", "depthfx", *words, "--overwrite"]
    return [run(*command) for _ in range(runs + 1)][1:]


def _median_s(runs: list[Run]) -> float:
    return statistics.median(each.wall_s for each in runs)


def _words(runs: list[Run]) -> str:
    wall_s = [each.wall_s for each in runs]
    return (
        f"{_median_s(runs):.1f} s ({min(wall_s):.1f} to {max(wall_s):.1f}), "
        f"CPU {statistics.median(each.cpu_s for each in runs):.1f} s, "
        f"peak {max(each.peak_gb for each in runs):.2f} GB"
    )
