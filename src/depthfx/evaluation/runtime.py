"""What the embedded network takes on each path it can be run by: seconds, memory, agreement.

`python -m depthfx.evaluation runtime` runs each path in fresh processes, one after the other,
on a 12 MP photo in memory. `load` is the import of the path's library and the loading of the
weights, `photo` the answer for that photo with all looks of normal quality (resizing and
averaging included, refinement to the photo's size not). Memory is the peak over what the
process had with the photo and the program's own imports, before either.

The program ships the path by ONNX Runtime. torch is that of training, with the checkpoint's
own weights: the difference from it includes their rounding to half precision in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depthfx.engine.embedded.model import WEIGHTS
from depthfx.engine.embedded.runtime import Answers, Network, Run, predict
from depthfx.errors import DepthfxError
from depthfx.raster.resample import resize_linear

PATHS = ("torch", "ONNX Runtime", "OpenCV")
BLOCKS, BLOCK_PX = (30, 40), 100


def print_table(weights: Path | None, checkpoint: Path | None, runs: int) -> None:
    """Print a Markdown row for each path: medians over fresh processes.

    weights : the file of weights; None: the one in the package
    checkpoint : of training, of the same weights; without it there is no row for torch, and the
        differences are from ONNX Runtime

    Raises DepthfxError if a file is missing.
    """
    files = {"torch": checkpoint, "ONNX Runtime": weights or WEIGHTS, "OpenCV": weights or WEIGHTS}
    for path in files.values():
        if path is not None and not path.is_file():
            raise DepthfxError(f"{path} is not there; expected a file of weights")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} before the runs (quiet is below 0.3)\n")
    print("| path | load, s | photo, s | both, s | again, s | peak over base, MB | difference |")
    print("|---|---|---|---|---|---|---|")
    exact = None
    with tempfile.TemporaryDirectory() as folder:
        for way in PATHS:
            file = files[way]
            if file is None:
                continue
            answer = Path(folder) / f"{way}.npz"
            found = [_in_fresh_process(way, file, answer) for _ in range(runs)]
            if refused := found[0].get("refused"):
                print(f"| {way} | does not run: {refused} |")
                continue
            seen = dict(np.load(answer))
            exact = exact or seen
            print(_row(way, found, largest_difference(seen, exact)), flush=True)


def _row(way: str, found: list[dict[str, Any]], difference: float) -> str:
    load, photo, again, megabytes = (
        statistics.median(each[key] for each in found)
        for key in ("load_s", "photo_s", "again_s", "peak_mb")
    )
    apart = f"{difference:.1e}" if difference else "-"
    return (
        f"| {way} | {load:.2f} | {photo:.2f} | {load + photo:.2f} | {again:.2f} | "
        f"{megabytes:.0f} | {apart} |"
    )


def largest_difference(seen: Answers, exact: Answers) -> float:
    """Of inverse depth in shares of it, of the matte and the field of view as they are."""
    inverse = np.abs(seen["inverse"] / exact["inverse"] - 1).max()
    rest = [np.abs(seen[name] - exact[name]).max() for name in exact.keys() - {"inverse"}]
    return float(max(inverse, *rest))


def _in_fresh_process(way: str, file: Path, answer: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", __name__, way, str(file), str(answer)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(way: str, file: Path, answer: Path) -> dict[str, Any]:
    """Load, look, look again; what it took. The answer is written, to be compared."""
    rng = np.random.default_rng(0)
    rough = rng.random((*BLOCKS, 3), np.float32)
    pixels = resize_linear(rough, (BLOCKS[0] * BLOCK_PX, BLOCKS[1] * BLOCK_PX))
    base_mb = _peak_mb()
    begun = time.perf_counter()
    try:
        run = _LOADERS[way](file)
        loaded = time.perf_counter()
        found = predict(run, pixels)
    except cv2.error as error:
        return {"refused": str(error.err or error).strip().partition(".")[0]}
    looked = time.perf_counter()
    predict(run, pixels)
    again = time.perf_counter()
    answers = {"inverse": found.inverse, "matte": found.matte}
    if found.focal_share is not None:
        answers["view"] = np.array([found.focal_share], np.float32)
    np.savez(answer, allow_pickle=False, **answers)
    return {
        "load_s": loaded - begun,
        "photo_s": looked - loaded,
        "again_s": again - looked,
        "peak_mb": _peak_mb() - base_mb,
    }


def _peak_mb() -> float:
    """The most memory this process had so far, in 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def _onnx_runtime(file: Path) -> Run:
    return Network(file).run


def _opencv(file: Path) -> Run:
    network = cv2.dnn.readNetFromONNX(str(file))
    names = [str(name) for name in network.getUnconnectedOutLayersNames()]

    def run(batch: np.ndarray) -> Answers:
        network.setInput(batch)
        answers = (np.asarray(each, np.float32) for each in network.forward(names))
        return dict(zip(names, answers, strict=True))

    return run


def _torch(file: Path) -> Run:
    import torch

    from depthfx.training.candidates import NETWORKS
    from depthfx.training.export import Exported

    state = torch.load(file, weights_only=True)
    network = NETWORKS[state["name"]]()
    network.load_state_dict(state["averaged"])
    exported = Exported(network).eval()

    def run(batch: np.ndarray) -> Answers:
        with torch.inference_mode():
            answers = exported(torch.from_numpy(batch))
        return dict(
            zip(("inverse", "matte", "view"), (each.numpy() for each in answers), strict=True)
        )

    return run


_LOADERS: dict[str, Callable[[Path], Run]] = {
    "torch": _torch,
    "ONNX Runtime": _onnx_runtime,
    "OpenCV": _opencv,
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=PATHS)
    parser.add_argument("file", type=Path)
    parser.add_argument("answer", type=Path)
    print(json.dumps(measure(**vars(parser.parse_args()))))
