"""Time and memory of the defocus renderer beside the tutorial way, true depth given.

The tutorial way is one 51 px Gaussian by OpenCV on an 8-bit picture, blended in by how far depth
is from the focus, 8 bit in and 8 bit out. Tutorials blend with numpy, as `tutorial` does;
`tutorial_lean` is the same with OpenCV's own blending, the cheapest form of it.

Each scene is a process of its own. In it the ways take turns, so that a machine that slows down
slows all of them; medians are shown, and the ratios to both tutorial ways. Memory is measured
in one more process for each way, that does it once: the peak of the whole process, and how much
that is over what it had with its input. The renderer takes and gives linear float32; making
that from 8 bits is not part of its time, because the commands hold pictures so.
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
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.optics.defocus import defocus

Array = NDArray[np.float32]
Codes = NDArray[np.uint8]

KERNEL_PX, WIDTH = 51, 0.1
FOCUS = 0.5
"""Inverse depth runs from 0 to 1 in every scene, so the largest radius is `blur_px` / 4."""
RADII_PX = (40.0, 150.0)
GROWTH_PX = (10.0, 20.0, 40.0, 80.0, 150.0)
REFERENCE_HEIGHT = 4000
"""Radii are for pictures this high; smaller ones are blurred in proportion."""
PREVIEW_MEGAPIXELS = 2.0
ASPECT = 1.5
TILE_PX = 1000
TUTORIALS = ("tutorial", "tutorial, blendLinear")


# ---------------------------------------------------------------- scenes
def picture(height: int) -> Array:
    """(height, 1.5 height, 3) float32 linear, 0..1: coarse colours, fine detail and grain.

    Made row by row from a tile, so that the peak of memory is the picture itself.
    """
    rng = np.random.default_rng(0)
    tile = rng.normal(0, 0.01, (TILE_PX, TILE_PX, 1)).astype(np.float32)
    for cells, strength in ((5, 0.4), (40, 0.25), (300, 0.15)):
        rough = np.float32(strength) * rng.random((cells, cells, 3), np.float32)
        tile = tile + cv2.resize(rough, (TILE_PX, TILE_PX), interpolation=cv2.INTER_CUBIC)
    tile = np.clip(tile, 0, 1)
    out = np.empty((height, round(height * ASPECT), 3), np.float32)
    columns = np.arange(out.shape[1]) % TILE_PX
    for y, row in enumerate(out):
        row[:] = tile[y % TILE_PX, columns]
    return out


def coded(pixels: Array) -> Codes:
    """The picture in 8 bits, near enough to sRGB for a yardstick."""
    codes = np.empty(pixels.shape, np.uint8)
    for row, light in zip(codes, pixels, strict=True):
        row[:] = np.rint(np.sqrt(light) * 255)
    return codes


def figure_on_ground(height: int) -> Plane:
    """Ground through all distances, a wall behind, a figure in focus, leaves before it."""
    width = round(height * ASPECT)
    rng = np.random.default_rng(1)
    rows = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height)
    ground = np.maximum(0.05, (rows - 0.3) / 0.7).astype(np.float32)
    inverse = np.repeat(ground[:, None], width, axis=1)
    middle, high = width // 2, height
    cv2.ellipse(inverse, (middle, high // 3), (high // 8, high // 6), 0, 0, 360, FOCUS, -1)
    cv2.ellipse(inverse, (middle, high * 4 // 5), (high * 3 // 10, high // 3), 0, 0, 360, FOCUS, -1)
    for _ in range(12):
        place = int(rng.integers(0, width)), int(rng.integers(0, height))
        axes = int(rng.integers(high // 130, high // 13)), high // 66
        turn, near = int(rng.integers(0, 180)), float(rng.uniform(0.6, 1.0))
        cv2.ellipse(inverse, place, axes, turn, 0, 360, near, -1)
    return inverse


def two_planes(height: int) -> Plane:
    """A disc in focus before a wall at the largest blur."""
    width = round(height * ASPECT)
    inverse = np.zeros((height, width), np.float32)
    cv2.circle(inverse, (width // 2, height // 2), height // 3, FOCUS, -1)
    return inverse


def ramp(height: int) -> Plane:
    """One plane through all distances, far at the left and near at the right."""
    row = np.linspace(0, 1, round(height * ASPECT), dtype=np.float32)
    return np.repeat(row[None], height, axis=0)


SCENES: dict[str, Callable[[int], Plane]] = {
    "figure on ground": figure_on_ground,
    "two planes": two_planes,
    "ramp": ramp,
}


# ---------------------------------------------------------------- ways
def tutorial(codes: Codes, inverse: Plane) -> Codes:
    """(H, W, 3) uint8: numpy's blending, as it is written in tutorials."""
    blurred = cv2.GaussianBlur(codes, (KERNEL_PX, KERNEL_PX), 0)
    keep = np.exp(-((inverse - FOCUS) ** 2) / (2 * WIDTH**2))[..., None]
    return (codes * keep + blurred * (1 - keep)).astype(np.uint8)


def tutorial_lean(codes: Codes, inverse: Plane) -> Codes:
    """(H, W, 3) uint8: the same by OpenCV's blending."""
    blurred = cv2.GaussianBlur(codes, (KERNEL_PX, KERNEL_PX), 0)
    keep = np.exp(-((inverse - FOCUS) ** 2) / (2 * WIDTH**2))
    return np.asarray(cv2.blendLinear(codes, blurred, keep, 1 - keep), np.uint8)


def ways_of(
    scene: str, height: int, radii_px: list[float], threads: int | None
) -> dict[str, Callable[[], object]]:
    """Everything that is timed on a scene, ready to be called; radii are those at 4000 px."""
    pixels, inverse = picture(height), SCENES[scene](height)
    codes = coded(pixels)

    def ours(radius_px: float) -> Callable[[], object]:
        blur_px = 4 * radius_px * height / REFERENCE_HEIGHT
        return lambda: defocus(
            pixels, inverse, focus_inverse=FOCUS, blur_px=blur_px, threads=threads
        )

    ways: dict[str, Callable[[], object]] = {
        TUTORIALS[0]: lambda: tutorial(codes, inverse),
        TUTORIALS[1]: lambda: tutorial_lean(codes, inverse),
    }
    return ways | {_named(radius): ours(radius) for radius in radii_px}


def _named(radius_px: float) -> str:
    return f"depthfx, {radius_px:g} px"


# ---------------------------------------------------------------- in a process of its own
def timed(
    scene: str, height: int, radii_px: list[float], threads: int | None, runs: int
) -> dict[str, list[dict[str, float]]]:
    """Wall and CPU seconds of every run of every way, the ways taking turns."""
    ways = ways_of(scene, height, radii_px, threads)
    _warm()
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            wall, cpu = time.perf_counter(), time.process_time()
            way()
            taken[name].append(
                {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
            )
    return taken


def peak_over_base(
    scene: str, height: int, radii_px: list[float], threads: int | None, way: str
) -> dict[str, float]:
    """Peak of this process's memory in 10^9 bytes, and how much of it is not the input's."""
    ways = ways_of(scene, height, radii_px, threads)
    _warm()
    base = _peak_gb()
    ways[way]()
    peak = _peak_gb()
    return {"peak_gb": peak, "over_gb": peak - base}


def _warm() -> None:
    """Have the kernels compiled and the workers started: small pictures, every size of blur."""
    pixels, inverse = picture(240), figure_on_ground(240)
    for radius_px in (2.0, 30.0, 100.0):
        defocus(pixels, inverse, focus_inverse=FOCUS, blur_px=4 * radius_px)


def _peak_gb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e9 if sys.platform == "darwin" else peak * 1024 / 1e9


def _in_fresh_process(task: dict[str, Any]) -> Any:
    words = [sys.executable, "-m", __name__, json.dumps(task)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# ---------------------------------------------------------------- the tables
def bench_defocus(megapixels: float, runs: int, threads: int | None) -> None:
    """Print the tables: every scene at two radii, growth with the radius, and a preview."""
    height = _height(megapixels)
    cores = os.cpu_count()
    print(
        f"{platform.processor() or platform.machine()}, {cores} cores, load "
        f"{os.getloadavg()[0]:.1f} before the runs (quiet is below 0.3); {runs} runs of each, "
        "taking turns, medians; s are wall seconds, CPU s those of all cores together"
    )
    print(f"\n{_size(height)}; radii are the largest in the scene at {_size(REFERENCE_HEIGHT)}\n")
    _print_head()
    growth = []
    for scene in SCENES:
        seconds = _print_rows(scene, height, list(RADII_PX), threads, runs, memory=True)
        low, high = (seconds[_named(radius)] for radius in RADII_PX)
        growth.append(f"{high / low:.2f} ({scene})")
    print(f"\n{RADII_PX[1]:g} px over {RADII_PX[0]:g} px: {', '.join(growth)}")
    print("\nGrowth with the radius:\n")
    _print_head()
    _print_rows("figure on ground", height, list(GROWTH_PX), threads, runs, memory=False)
    small = _height(min(PREVIEW_MEGAPIXELS, megapixels))
    print(f"\nPreview, {_size(small)}, blurred in proportion:\n")
    _print_head()
    _print_rows("figure on ground", small, list(RADII_PX), threads, runs, memory=True)


def _height(megapixels: float) -> int:
    return max(64, round((megapixels * 1e6 / ASPECT) ** 0.5 / 2) * 2)


def _size(height: int) -> str:
    return f"{round(height * ASPECT)} x {height}"


def _print_head() -> None:
    print(
        "| scene | way | s | lowest to highest | CPU s | times tutorial | "
        "times tutorial, blendLinear | peak, GB | over input, GB |\n" + "|---" * 9 + "|"
    )


def _print_rows(
    scene: str, height: int, radii_px: list[float], threads: int | None, runs: int, memory: bool
) -> dict[str, float]:
    """Print a row for each way; returns the median wall seconds of each."""
    task = {"scene": scene, "height": height, "radii_px": radii_px, "threads": threads}
    taken = _in_fresh_process(task | {"runs": runs})
    walls = {way: [run["wall_s"] for run in all_runs] for way, all_runs in taken.items()}
    yardsticks = [statistics.median(walls[name]) for name in TUTORIALS]
    for way, all_runs in taken.items():
        wall = statistics.median(walls[way])
        cpu = statistics.median(run["cpu_s"] for run in all_runs)
        ratios = " | ".join(f"{wall / yardstick:.2f}" for yardstick in yardsticks)
        used = _in_fresh_process(task | {"way": way}) if memory else None
        peak = f"{used['peak_gb']:.2f} | {used['over_gb']:.2f}" if used else "- | -"
        print(
            f"| {scene} | {way} | {wall:.2f} | {min(walls[way]):.2f} to {max(walls[way]):.2f} | "
            f"{cpu:.2f} | {ratios} | {peak} |",
            flush=True,
        )
    return {way: statistics.median(all_walls) for way, all_walls in walls.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=json.loads)
    task = parser.parse_args().task
    print(json.dumps(peak_over_base(**task) if "way" in task else timed(**task)))
