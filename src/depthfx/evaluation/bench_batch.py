"""Throughput and memory of a batch beside what one would do without it, with the same network.

Throughput: portraits of a set of sizes (`SIZES`, so many of each) in fresh processes that take
turns, so that a machine that slows down slows all of them:

    loop    a plain Python loop in one process: open, chain, save; with all threads it likes
    shell   one `depthfx portrait` command a photo
    batch   `depthfx batch` with its checks, contact sheet and a new depth cache
    again   the same with another f-number and the cache that `batch` has filled

Medians of wall and CPU time, and ratios of medians. With --table, loop and batch on photos of one
size each, too.

Memory: the most that all processes of a batch have in use together (PSS: what several share counts
once), for few and many photos of the same sizes, in an order that mixes them.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from depthfx import machine
from depthfx.evaluation.bench import Run, busy_photo, run

SIZES = {"0.3": (640, 480), "2": (1733, 1155), "6": (3000, 2000), "12": (4000, 3000)}
"""Width and height by megapixels."""
OF_EACH = 4
LOOP_BAR, SHELL_BAR, AGAIN_BAR, MEMORY_BAR = 1.3, 4.0, 3.0, 1.2
"""Times faster than loop, shell and the first run at least; times the memory at most."""
F_NUMBERS = {"batch": 1.8, "again": 2.8}
FEW = 20
EVERY_S = 0.05
"""How often memory is looked at."""
MEMORY_SIZES = ((640, 480), (320, 240), (1200, 900), (480, 640), (3000, 2000), (500, 333))


def bench_batch(runs: int, *, table: bool = False) -> None:
    """Print medians and ratios."""
    print(
        f"machine: {platform.processor() or platform.machine()}, {machine.cores()} cores, "
        f"Python {platform.python_version()}; portraits, {OF_EACH} photos each of "
        f"{', '.join(SIZES)} MP, {runs} runs\n"
    )
    Path("build").mkdir(exist_ok=True)  # on a disk, where the system's folder may be memory
    with tempfile.TemporaryDirectory(dir="build") as folder:
        photos = Path(folder) / "photos"
        make_photos(photos)
        taken = _alternated(["loop", "shell", "batch", "again"], photos, Path(folder), runs)
        _print_ratios(taken)
        if table:
            print("\n| photos of | loop, s each | batch, s each | times |\n|---|---|---|---|")
            for name in SIZES:
                one = Path(folder) / f"only {name}"
                one.mkdir()
                for photo in photos.glob(f"{name}-*"):
                    os.link(photo, one / photo.name)
                ways = _alternated(["loop", "batch"], one, Path(folder), runs)
                loop, batch = (_median(ways[way], _wall) / OF_EACH for way in ("loop", "batch"))
                print(f"| {name} MP | {loop:.2f} | {batch:.2f} | {loop / batch:.2f} |", flush=True)


def make_photos(folder: Path) -> None:
    """The set, named so that sizes alternate."""
    folder.mkdir()
    for name, (width, height) in SIZES.items():
        for number in range(OF_EACH):
            # A pixel narrower each, so that no two are one photo to the cache.
            busy_photo(folder / f"{name}-{number}.jpg", width - number, height)


def _alternated(ways: list[str], photos: Path, folder: Path, runs: int) -> dict[str, list[Run]]:
    """Runs of each way by turns; of each first one, in which kernels may be compiled, none."""
    taken: dict[str, list[Run]] = {way: [] for way in ways}
    for number in range(runs + 1):
        for way in ways:
            took = _work(way, photos, folder)
            if number:
                taken[way].append(took)
        shutil.rmtree(folder / "cache", ignore_errors=True)
    return taken


def _work(way: str, photos: Path, folder: Path) -> Run:
    """One run of a way; its results are deleted."""
    out, python = folder / "out", sys.executable
    out.mkdir()
    try:
        if way == "loop":
            return run(python, "-m", __name__, "loop", str(photos), "--out", str(out))
        if way == "shell":
            each = [
                run(python, "-m", "depthfx", "portrait", str(photo), "-o", str(out / photo.name))
                for photo in sorted(photos.iterdir())
            ]
            return Run(
                sum(map(_wall, each)), sum(map(_cpu, each)), max(one.peak_gb for one in each)
            )
        look = folder / f"{way}.toml"
        look.write_text(
            f'depthfx = 1\n[[effect]]\nname = "portrait"\nf_number = {F_NUMBERS[way]}\n'
        )
        words = ["batch", str(look), str(photos), "-o", str(out), "--cache", str(folder / "cache")]
        return run(python, "-m", "depthfx", *words, "--quiet")
    finally:
        shutil.rmtree(out)


def loop(photos: Path, out: Path) -> None:
    """What one would write without a batch."""
    import depthfx
    from depthfx.registry import effect_class

    effect = effect_class("portrait")(f_number=F_NUMBERS["batch"])
    context = depthfx.Context()
    for photo in sorted(photos.iterdir()):
        depthfx.save(effect(depthfx.open(photo, context)), out / photo.name)


def _wall(one: Run) -> float:
    return one.wall_s


def _cpu(one: Run) -> float:
    return one.cpu_s


def _median(runs: list[Run], figure: Callable[[Run], float]) -> float:
    return statistics.median(map(figure, runs))


def _print_ratios(taken: dict[str, list[Run]]) -> None:
    print("| way | s | CPU s | first runs to last |\n|---|---|---|---|")
    for way, runs in taken.items():
        walls = " ".join(f"{one.wall_s:.1f}" for one in runs)
        print(f"| {way} | {_median(runs, _wall):.2f} | {_median(runs, _cpu):.2f} | {walls} |")
    print()
    for slow, fast, bar in (
        ("loop", "batch", LOOP_BAR),
        ("shell", "batch", SHELL_BAR),
        ("batch", "again", AGAIN_BAR),
    ):
        wall, cpu = (_median(taken[slow], f) / _median(taken[fast], f) for f in (_wall, _cpu))
        met = "met" if wall >= bar else "MISSED"
        print(f"{fast} is {wall:.2f} times as fast as {slow} (CPU {cpu:.2f}); bar {bar:g}: {met}")


# ---------------------------------------------------------------- memory
def bench_memory(many: int) -> None:
    """Print the most memory of a batch of few and of many photos."""
    Path("build").mkdir(exist_ok=True)
    peaks = {}
    with tempfile.TemporaryDirectory(dir="build") as folder:
        originals = []
        for number, (width, height) in enumerate(MEMORY_SIZES):
            originals.append(Path(folder) / f"{number}.jpg")
            busy_photo(originals[-1], width, height)
        for count in (FEW, many):
            photos = Path(folder) / f"photos {count}"
            photos.mkdir()
            for number in range(count):
                os.link(originals[number % len(originals)], photos / f"{number:05}.jpg")
            begun = time.perf_counter()
            peaks[count] = peak_gb(_memory_command(photos, Path(folder)))
            took = time.perf_counter() - begun
            print(f"{count} photos: peak {peaks[count]:.3f} GB, {took:.0f} s", flush=True)
    ratio = peaks[many] / peaks[FEW]
    met = "met" if ratio <= MEMORY_BAR else "MISSED"
    print(f"{ratio:.3f} times; bar {MEMORY_BAR:g}: {met}")


def _memory_command(photos: Path, folder: Path) -> list[str]:
    look = folder / "look.toml"
    look.write_text('depthfx = 1\n[[effect]]\nname = "portrait"\n')
    words = ["batch", str(look), str(photos), "-o", str(folder / f"out of {photos.name}")]
    return [sys.executable, "-m", "depthfx", *words, "--no-cache", "--quiet"]


def peak_gb(words: list[str]) -> float:
    """The most that a command and all its children have in use together, Linux only.

    Raises CalledProcessError if it fails.
    """
    most = 0
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(_pss_bytes, tree(process.pid))))
            time.sleep(EVERY_S)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return most / 1e9


def tree(root: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found, new = set[int](), {root}
    while new:
        found |= new
        new = {pid for pid, parent in parents.items() if parent in new} - found
    return found


def _pss_bytes(pid: int) -> int:
    """Memory of a process, what it shares with others divided among them; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=["loop"])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    loop(arguments.photos, arguments.out)
