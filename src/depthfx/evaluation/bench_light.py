"""What normals and added light take on 24 MP, in fresh processes."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

from depthfx.camera import Camera
from depthfx.depth import Plane

WIDTH, HEIGHT, FOCAL_PX = 6000, 4000, 5000.0
WAYS = ("tutorial", "exact", "noisy")


def bench_light(runs: int) -> None:
    """Print the medians of all that this file times."""
    print(
        f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    bench_normals(runs)
    bench_relight(runs)


def bench_normals(runs: int) -> None:
    """Print what normals of 24 MP take beside the tutorials' Sobel way, taken in turn."""
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for run in range(runs + 1):  # the first may compile kernels
        for way in WAYS:
            seconds = _fresh(f"time_normals({way!r})")
            if run:
                taken[way].append(seconds)
    yardstick = statistics.median(taken["tutorial"])
    print(f"normals, 24 MP, the tutorials' Sobel way: {yardstick:.2f} s")
    for way in WAYS[1:]:
        median = statistics.median(taken[way])
        print(f"normals, 24 MP, {way} depth: {median:.2f} s, {median / yardstick:.2f} times that")


def bench_relight(runs: int) -> None:
    """Print what 24 MP in one soft light with shadows take, depth given, and the parts of it."""
    for way in ("exact", "noisy"):
        taken: dict[str, list[float]] = {"relight": [], "shadows": []}
        for run in range(runs + 1):  # the first may compile kernels
            for part, found in taken.items():
                seconds = _fresh(f"time_relight({way!r}, shadows_only={part == 'shadows'})")
                if run:
                    found.append(seconds)
        whole, shadows = (statistics.median(found) for found in taken.values())
        print(f"relight, 24 MP, {way} depth: {whole:.2f} s, of that shadows {shadows:.2f} s")


def _fresh(call: str) -> float:
    """The seconds that a function of this file tells in a process of its own."""
    words = [sys.executable, "-c", f"from {__name__} import *; print({call})"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return float(done.stdout)


def time_normals(way: str) -> float:
    """Wall seconds of one of `WAYS` on 24 MP, kernels loaded."""
    inverse = _slanted_waves(noisy=way != "exact")
    if way == "tutorial":
        from depthfx.evaluation.normals import sobel_normals

        depth = 1 / inverse
        begun = time.perf_counter()
        sobel_normals(depth)
        return time.perf_counter() - begun
    from depthfx.geometry.normals import normals_of

    small = np.ascontiguousarray(inverse[::100, ::100])
    normals_of(small, Camera(small.shape[1], small.shape[0], FOCAL_PX / 100))
    begun = time.perf_counter()
    normals_of(inverse, Camera(WIDTH, HEIGHT, FOCAL_PX))
    return time.perf_counter() - begun


def time_relight(way: str, *, shadows_only: bool) -> float:
    """Wall seconds of one soft light with shadows on 24 MP, or of its shadows, kernels loaded."""
    from depthfx.light.lights import Light
    from depthfx.light.shadows import visible_share
    from depthfx.registry import effect_class
    from depthfx.scene import Scene

    inverse = _slanted_waves(noisy=way != "exact")
    small = np.ascontiguousarray(inverse[::20, ::20])
    if shadows_only:
        lamp = Light((-1.5, -1.0, 1.0), (1.0, 1.0, 1.0), 0.2)
        visible_share(small, Camera(small.shape[1], small.shape[0], FOCAL_PX / 20), lamp)
        begun = time.perf_counter()
        visible_share(inverse, Camera(WIDTH, HEIGHT, FOCAL_PX), lamp)
        return time.perf_counter() - begun
    rng = np.random.default_rng(0)
    pixels = np.repeat(rng.random((HEIGHT, WIDTH, 1), np.float32), 3, axis=2)
    matte = (inverse == inverse[HEIGHT // 2, WIDTH // 2]).astype(np.float32)
    effect = effect_class("relight")(light=["key left 2m size 40cm"])
    for step in (20, 1):
        scene = Scene.from_arrays(
            np.ascontiguousarray(pixels[::step, ::step]),
            inverse=np.ascontiguousarray(inverse[::step, ::step]),
            focal_px=FOCAL_PX / step,
            matte=np.ascontiguousarray(matte[::step, ::step]),
        )
        begun = time.perf_counter()
        effect(scene)
    return time.perf_counter() - begun


def _slanted_waves(*, noisy: bool) -> Plane:
    """Inverse depth of a floor with a wall on it; noisy: as a network sees them."""
    y, x = np.ogrid[: np.float32(HEIGHT), : np.float32(WIDTH)]
    inverse = np.where((x > 2000) & (x < 4000) & (y < 3000), np.float32(0.5), 0.1 + y * 1e-4)
    if noisy:
        inverse = inverse * (1 + np.float32(0.01) * np.sin(x / 50) * np.sin(y / 50))
    return inverse.astype(np.float32)
