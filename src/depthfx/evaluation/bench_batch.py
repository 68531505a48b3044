"""Throughput and memory of a batch beside what one would do without it, with the same network.

Throughput: portraits of the same photos in fresh processes that take turns, so that a machine that
slows down slows all of them:

    loop    a plain Python loop in one process: open, chain, save; with all threads it likes
    shell   one `depthfx portrait` command a photo; one photo of each size is timed, and counts as
            often as there are photos of that size
    batch   `depthfx batch` with its checks, contact sheet and a new depth cache
    again   the same with another f-number and the cache that `batch` has filled

of a set of mixed sizes (`MIXED`), of photos of one size each (`ALONE`), and, of a few, with a
network that takes longer: Depth Anything V2 Small as transformers builds it, its weights random
numbers, since only its time counts. "start" is what a way takes for one photo of 0.3 MP: the
larger a shoot, the less it counts; "each" is what every further photo takes.

Memory: the most that all processes of a batch have in use together (PSS: what several share counts
once), for few and many photos of the same sizes, in an order that mixes them.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from depthfx import machine
from depthfx.evaluation.bench import Run, busy_photo, run

SIZES = {
    "0.3": (640, 480),
    "0.5": (816, 612),
    "1": (1200, 800),
    "2": (1733, 1155),
    "6": (3000, 2000),
    "12": (4000, 3000),
}
"""Width and height by megapixels."""
MIXED = {"0.3": 14, "0.5": 10, "1": 8, "2": 5, "6": 2, "12": 1}
"""Photos of each size: most as the web shows them, some as a camera makes them."""
ALONE = {"0.3": 16, "2": 8, "12": 4}
SLOW = {"0.3": 4, "2": 2, "12": 2}
SHORTEST = "0.3"
LOOP_BAR, SHELL_BAR, AGAIN_BAR, MEMORY_BAR = 1.3, 4.0, 3.0, 1.2
"""Times faster than loop, shell and the first run at least; times the memory at most."""
F_NUMBERS = {"batch": 1.8, "again": 2.8}
FEW = 20
EVERY_S = 0.05
"""How often memory is looked at."""
MEMORY_SIZES = ((640, 480), (320, 240), (1200, 900), (480, 640), (3000, 2000), (500, 333))


@dataclass
class Times:
    """Runs of one way over one set.

    start_s : what it takes for one small photo
    """

    photos: int
    start_s: float
    runs: list[Run] = field(default_factory=list)

    @property
    def wall_s(self) -> float:
        return statistics.median(one.wall_s for one in self.runs)

    @property
    def cpu_s(self) -> float:
        return statistics.median(one.cpu_s for one in self.runs)

    @property
    def each_s(self) -> float:
        return (self.wall_s - self.start_s) / (self.photos - 1)


def bench_batch(runs: int) -> None:
    """Print times and ratios; `runs` of each way over the mixed set, one over the others."""
    print(
        f"machine: {platform.processor() or platform.machine()}, {machine.cores()} cores, "
        f"Python {platform.python_version()}; portraits"
    )
    Path("build").mkdir(exist_ok=True)  # on a disk, where the system's folder may be memory
    with tempfile.TemporaryDirectory(dir="build") as folder:
        bench = _Bench(Path(folder))
        words = ", ".join(f"{count} of {size} MP" for size, count in MIXED.items())
        bench.told(f"mixed sizes ({words}), {runs} runs", MIXED, runs)
        for size, count in ALONE.items():
            bench.told(f"{count} of {size} MP", {size: count}, 1)
        if find_spec("transformers") is None:
            print("\na network that takes longer: transformers is not installed")
            return
        network = _slow_network(Path(folder) / "network")
        words = ", ".join(f"{count} of {size} MP" for size, count in SLOW.items())
        slow = _Bench(Path(folder), f"hf:{network}")
        slow.told(f"a network that takes longer, {words}", SLOW, 1, ("batch", "again"))


class _Bench:
    """Ways of making portraits in `folder`.

    model : of depth
    """

    def __init__(self, folder: Path, model: str = "embedded") -> None:
        self._folder, self._model = folder, model
        self._starts: dict[str, float] = {}

    def told(
        self,
        title: str,
        counts: Mapping[str, int],
        runs: int,
        ways: Iterable[str] = ("loop", "shell", "batch", "again"),
    ) -> None:
        """Time the ways over so many photos of each size, and print what came of it."""
        ways = tuple(ways)
        if not self._starts:
            one = self._photos({SHORTEST: 1})
            for _ in range(2):  # in the first, kernels may be compiled
                self._starts = {way: self._work(way, one, {SHORTEST: 1}).wall_s for way in ways}
                self._forget()
        photos, total = self._photos(counts), sum(counts.values())
        taken = {way: Times(total, self._starts[way]) for way in ways}
        for _ in range(runs):
            for way in ways:
                taken[way].runs.append(self._work(way, photos, counts))
            self._forget()
        _print(title, taken)

    def _photos(self, counts: Mapping[str, int]) -> Path:
        """A folder of photos, made if need be, all different; sizes follow in a mixed order."""
        folder = self._folder / "photos" / "-".join(f"{s}x{c}" for s, c in counts.items())
        if folder.is_dir():
            return folder
        folder.mkdir(parents=True)
        sizes = [size for size, count in counts.items() for _ in range(count)]
        random.Random(0).shuffle(sizes)
        for number, size in enumerate(sizes):
            width, height = SIZES[size]
            # A pixel narrower each, so that no two are one photo to the cache.
            busy_photo(folder / f"{number:02}-{size}.jpg", width - number, height)
        return folder

    def _work(self, way: str, photos: Path, counts: Mapping[str, int]) -> Run:
        """One run of a way; its results are deleted."""
        out, python = self._folder / "out", sys.executable
        out.mkdir()
        try:
            if way == "loop":
                return run(python, "-m", __name__, "loop", str(photos), "--out", str(out))
            if way == "shell":
                return self._shell(photos, counts, out)
            look = self._folder / f"{way}.toml"
            look.write_text(
                f'depthfx = 1\n[[effect]]\nname = "portrait"\nf_number = {F_NUMBERS[way]}\n'
            )
            words = ["batch", str(look), str(photos), "-o", str(out), "--model", self._model]
            return run(python, "-m", "depthfx", *words, "--cache", str(self._cache), "--quiet")
        finally:
            shutil.rmtree(out)

    def _shell(self, photos: Path, counts: Mapping[str, int], out: Path) -> Run:
        total = Run(0.0, 0.0, 0.0)
        for size, count in counts.items():
            photo = min(photos.glob(f"*-{size}.jpg"))
            words = ["portrait", str(photo), "-o", str(out / photo.name)]
            one = run(sys.executable, "-m", "depthfx", *words)
            total = Run(
                total.wall_s + count * one.wall_s,
                total.cpu_s + count * one.cpu_s,
                max(total.peak_gb, one.peak_gb),
            )
        return total

    @property
    def _cache(self) -> Path:
        return self._folder / "cache"

    def _forget(self) -> None:
        shutil.rmtree(self._cache, ignore_errors=True)


def _slow_network(folder: Path) -> Path:
    """A network as large as Depth Anything V2 Small that knows nothing, in `folder`."""
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    backbone = Dinov2Config(
        hidden_size=384,
        num_attention_heads=6,
        image_size=518,
        patch_size=14,
        out_indices=[3, 6, 9, 12],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=384,
        neck_hidden_sizes=[48, 96, 192, 384],
        fusion_hidden_size=64,
    )
    torch.manual_seed(0)
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    side = {"height": 518, "width": 518}
    DPTImageProcessor(size=side, keep_aspect_ratio=True, ensure_multiple_of=14).save_pretrained(
        folder
    )
    return folder


def loop(photos: Path, out: Path) -> None:
    """What one would write without a batch."""
    import depthfx
    from depthfx.registry import effect_class

    effect = effect_class("portrait")(f_number=F_NUMBERS["batch"])
    context = depthfx.Context()
    for photo in sorted(photos.iterdir()):
        depthfx.save(effect(depthfx.open(photo, context)), out / photo.name)


def _print(title: str, taken: Mapping[str, Times]) -> None:
    print(f"\n{title}\n\n| way | s | CPU s | start, s | each, s | runs |")
    print("|---|---|---|---|---|---|")
    for way, times in taken.items():
        walls = " ".join(f"{one.wall_s:.1f}" for one in times.runs)
        told = f"{times.wall_s:.1f} | {times.cpu_s:.1f} | {times.start_s:.1f} | {times.each_s:.2f}"
        print(f"| {way} | {told} | {walls} |")
    print()
    for slow, fast, bar in (
        ("loop", "batch", LOOP_BAR),
        ("shell", "batch", SHELL_BAR),
        ("batch", "again", AGAIN_BAR),
    ):
        if slow in taken and fast in taken:
            one, other = taken[slow], taken[fast]
            whole, each = one.wall_s / other.wall_s, one.each_s / other.each_s
            met = "met" if whole >= bar else "met but for the start" if each >= bar else "MISSED"
            print(
                f"{fast} is {whole:.2f} times as fast as {slow} (but for the start {each:.2f}, CPU "
                f"{one.cpu_s / other.cpu_s:.2f}); bar {bar:g}: {met}",
                flush=True,
            )


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
