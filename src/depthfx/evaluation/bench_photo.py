"""Time and memory of reading and writing photos beside the libraries' plain decode and encode.

Reading is a file to linear float32 (`read_photo`), writing is linear float32 to a file on disk
(`write_photo`), with everything that belongs to it: profile, metadata, sync to the disk. The
yardsticks only decode or encode, without colour: Pillow, in writing JPEG at the same quality
and sampling. 16-bit TIFF it reads to 8 bits and cannot write; there tifffile is shown too,
which for an uncompressed file does no more than read the disk's cache, and is the yardstick of
writing, with the same compression.

Every run is a fresh process that first does the same with a tiny picture, so that imports and
tables are there, and then once with the large one. The ways take turns, so that a machine
that slows down slows all of them. Medians are shown. The peak is that of the whole process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depthfx.evaluation.bench import RSS_UNIT, busy_photo

WIDTH, HEIGHT = 6000, 4000
TINY = (60, 40)
JPEG_QUALITY, TIFF_LEVEL = 95, 3
READ_BAR, WRITE_BAR, PEAK_BAR_GB = 4.0, 3.0, 1.2
"""Times the yardstick at most, and memory at most."""


@dataclass(frozen=True)
class Case:
    """What is measured: `ours` beside the yardsticks, the first of which has the bar."""

    name: str
    file: str
    ours: str
    yardsticks: tuple[str, ...]
    bar: float


CASES = (
    Case("read JPEG", "photo.jpg", "read", ("pillow-read",), READ_BAR),
    Case("write JPEG", "photo.jpg", "write-jpg", ("pillow-write",), WRITE_BAR),
    Case("read 16-bit TIFF", "plain.tif", "read", ("pillow-read", "tifffile-read"), READ_BAR),
    Case("read it, deflate", "deflate.tif", "read", ("pillow-read", "tifffile-read"), READ_BAR),
    Case("write it, deflate", "deflate.tif", "write-tif", ("tifffile-write",), WRITE_BAR),
)


def bench_photo(runs: int) -> None:
    """Print a table of medians and ratios, and what the sync to the disk takes apart."""
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; {WIDTH} x {HEIGHT} pixels, {runs} runs\n"
    )
    print("| what | way | s | CPU s | times yardstick | CPU, times | peak, GB | bars |")
    print("|---" * 8 + "|")
    Path("build").mkdir(exist_ok=True)  # on a disk, where the system's folder may be memory
    with tempfile.TemporaryDirectory(dir="build") as folder:
        # Not in this process: what a process has used at most is handed on to its children.
        _in_fresh_process("make", Path(folder))
        for case in CASES:
            _print_case(case, Path(folder), runs)
        sync_s = statistics.median(
            _in_fresh_process("sync", Path(folder) / "photo.jpg")["wall_s"] for _ in range(runs)
        )
    print(f"\nOf writing, the sync of a JPEG of that size to the disk alone: {sync_s:.3f} s")


def make_files(folder: Path, width: int, height: int) -> None:
    """The photo as JPEG, and as 16-bit TIFF, uncompressed and deflated, with 16 true bits.

    And each of them tiny, by the same name with a prefix.
    """
    import tifffile

    for size, prefix in (((width, height), ""), (TINY, "tiny-")):
        busy_photo(folder / f"{prefix}photo.jpg", *size)
        codes = np.asarray(cv2.imread(str(folder / f"{prefix}photo.jpg")), np.uint16) * 257
        codes ^= np.random.default_rng(2).integers(0, 64, codes.shape, np.uint16)
        tifffile.imwrite(folder / f"{prefix}plain.tif", codes, photometric="rgb", rowsperstrip=64)
        _tifffile_write(codes, folder / f"{prefix}deflate.tif")


def _tifffile_write(codes: Any, path: Path) -> None:
    import tifffile

    tifffile.imwrite(
        path,
        codes,
        photometric="rgb",
        compression="zlib",
        compressionargs={"level": TIFF_LEVEL},
        predictor=True,
        rowsperstrip=64,
        maxworkers=os.cpu_count(),
    )


# ---------------------------------------------------------------- ways
def prepared(way: str, path: Path) -> Callable[[], object]:
    """The work of a way on a photo, ready to be timed."""
    out = path.parent / f"out-{path.name}"
    if way == "read":
        from depthfx.photo.read import read_photo

        return lambda: read_photo(path)
    if way.startswith("write"):
        from depthfx.photo.read import read_photo
        from depthfx.photo.write import write_photo

        photo = read_photo(path)
        return lambda: write_photo(photo, out, overwrite=True, quality=JPEG_QUALITY)
    if way == "sync":
        return _synced(path.read_bytes(), out)
    if way.startswith("tifffile"):
        import tifffile

        if way == "tifffile-read":
            return lambda: tifffile.imread(path, maxworkers=os.cpu_count())
        codes = tifffile.imread(path)
        return lambda: _tifffile_write(codes, out)
    from PIL import Image

    if way == "pillow-read":
        return lambda: Image.open(path).load()
    image = Image.open(path)
    image.load()
    return lambda: image.save(out, quality=JPEG_QUALITY, subsampling=0)


def _synced(data: bytes, out: Path) -> Callable[[], object]:
    file = out.open("wb")  # closed with the process
    file.write(data)
    file.flush()
    return lambda: os.fsync(file.fileno())


def measured(way: str, path: Path) -> dict[str, float]:
    """Seconds and peak memory of one run, after one with the tiny picture."""
    prepared(way, path.with_name(f"tiny-{path.name}"))()
    work = prepared(way, path)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    result = work()
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    del result
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT / 1e9
    return {"wall_s": wall_s, "cpu_s": cpu_s, "peak_gb": peak}


def _in_fresh_process(way: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "depthfx.evaluation.bench_photo", way, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _print_case(case: Case, folder: Path, runs: int) -> None:
    ways = (*case.yardsticks, case.ours)
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(runs):
        for way in ways:
            taken[way].append(_in_fresh_process(way, folder / case.file))
    median = {
        way: {key: statistics.median(run[key] for run in all_runs) for key in all_runs[0]}
        for way, all_runs in taken.items()
    }
    yardstick = median[case.yardsticks[0]]
    for way in ways:
        wall, cpu, peak = (median[way][key] for key in ("wall_s", "cpu_s", "peak_gb"))
        times, cpu_times = wall / yardstick["wall_s"], cpu / max(yardstick["cpu_s"], 1e-9)
        bars = ""
        if way == case.ours:
            met = times <= case.bar and peak <= PEAK_BAR_GB
            bars = f"{'met' if met else 'MISSED'} ({case.bar:g}, {PEAK_BAR_GB:g} GB)"
        print(
            f"| {case.name} | {way} | {wall:.3f} | {cpu:.3f} | {times:.2f} | {cpu_times:.2f} | "
            f"{peak:.2f} | {bars} |",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way")
    parser.add_argument("path", type=Path)
    arguments = parser.parse_args()
    if arguments.way == "make":
        make_files(arguments.path, WIDTH, HEIGHT)
        print("{}")
    else:
        print(json.dumps(measured(arguments.way, arguments.path)))
