"""What layers and films take: whole commands in fresh processes, on a busy 12 MP photo."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path

from depthfx.evaluation.bench import SIZES, Run, busy_photo, run

LAYERS = 4
SIZE, FPS, SHORT_S, LONG_S = "1920x1080", 25, 2, 6
MOVES = ("push-in", "orbit")


def bench_parallax(photo: Path | None, runs: int) -> None:
    """Print medians for an export to After Effects and for films of 1080p.

    photo : a photo of your own; None: one made here
    """
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory() as folder:
        source = photo or Path(folder) / "photo.jpg"
        if photo is None:
            busy_photo(source, *SIZES["12 MP"])
        folder_out, film = Path(folder) / "shot", Path(folder) / "shot.mp4"
        command = ["layers", str(source), "--count", str(LAYERS), "-o", str(folder_out)]
        print(f"layers, {LAYERS} of 12 MP, for After Effects: {_words(_runs(command, runs))}")
        for move in MOVES:
            command = ["photo3d", str(source), "--camera", move, "--size", SIZE]
            command += ["--fps", str(FPS), "-o", str(film)]
            short, long = (_runs([*command, "--seconds", str(s)], runs) for s in (SHORT_S, LONG_S))
            rate = (LONG_S - SHORT_S) * FPS / (_median_s(long) - _median_s(short))
            print(
                f"photo3d, {move}, {SIZE}: {rate:.1f} frames a second; "
                f"whole command for {LONG_S} s of film {_words(long)}"
            )


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
