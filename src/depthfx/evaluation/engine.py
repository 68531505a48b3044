"""Depth Pro here against transformers' port: the same random weights, time, memory, answers.

`python -m depthfx.evaluation engine` runs each way in a process of its own, one after the
other, so that peak memory is that of one way only.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from transformers import DepthProForDepthEstimation

WAYS = ("transformers float32", "transformers half", "depthfx float32", "depthfx half")
RUNS = 3
BATCH = 8
"""Photos at once where a GPU's throughput is measured."""


def full_port() -> DepthProForDepthEstimation:
    """Transformers' Depth Pro in the published configuration, with random weights."""
    import torch
    from transformers import DepthProConfig, DepthProForDepthEstimation

    vit = {
        "model_type": "dinov2",
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 384,
        "patch_size": 16,
    }
    config = DepthProConfig(
        use_fov_model=True,
        image_model_config=dict(vit),
        patch_model_config=dict(vit),
        fov_model_config=dict(vit),
    )
    torch.manual_seed(0)
    network = DepthProForDepthEstimation(config).eval().requires_grad_(False)
    # Answers of the size that photos have, none cut off at zero.
    network.head.layers[4].weight.mul_(0.001)
    network.head.layers[4].bias.fill_(1.0)
    network.fov_model.head.layers[4].weight.mul_(0.05)
    network.fov_model.head.layers[4].bias.fill_(50.0)
    return network


def full_picture(batch: int = 1) -> torch.Tensor:
    """Smooth noise (batch, 3, 1536, 1536) in -1..1, the same every time."""
    import torch

    rough = torch.rand(batch, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    fine = torch.nn.functional.interpolate(rough, (1536, 1536), mode="bicubic")
    return fine.clamp(0, 1) * 2 - 1


def bench_engine(runs: int = RUNS) -> None:
    """Print time, peak memory and answers of every way, and ours as a share of theirs."""
    import torch

    from depthfx.engine.device import precision, torch_device

    device = torch_device("auto")
    kind = str(precision(torch_device("cpu"))).removeprefix("torch.")
    print(f"machine: {_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"half precision on this CPU: {kind}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        full_port().save_pretrained(folder, max_shard_size="8GB")
        found = {way: _measured(way, folder, runs) for way in WAYS}
    exact = found["transformers float32"]
    print(f"{'':24}{'seconds':>9}{'peak GB':>9}{'largest':>10}{'median':>10}{'angle':>10}")
    for way, result in found.items():
        largest, median = _apart(result["inverse"], exact["inverse"])
        print(
            f"{way:24}{result['seconds']:9.1f}{result['peak_gb']:9.2f}{largest:10.1e}"
            f"{median:10.2%}{result['angle'] - exact['angle']:10.4f}"
        )
    print("largest: of the difference, in shares of the largest value; median: relative")
    for ours, theirs in (
        ("depthfx half", "transformers float32"),
        ("depthfx half", "transformers half"),
        ("depthfx float32", "transformers float32"),
    ):
        time_share = found[ours]["seconds"] / found[theirs]["seconds"]
        memory_share = found[ours]["peak_gb"] / found[theirs]["peak_gb"]
        print(f"{ours} / {theirs}: {time_share:.2f} of the time, {memory_share:.2f} of the memory")
    if device.type == "cuda":
        bench_gpu(device)
    else:
        print("no GPU here: the same command prints its figures where there is one")


def _apart(inverse: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """Largest difference as a share of the largest value, and the median relative one."""
    difference = np.abs(inverse - exact)
    return (
        float(difference.max() / exact.max()),
        float(np.median(difference / np.maximum(exact, 1e-6))),
    )


def _measured(way: str, folder: Path, runs: int) -> dict[str, Any]:
    answer = folder / f"{way}.npy"
    words = [sys.executable, "-m", __name__, way, str(folder), str(answer), str(runs)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return {**json.loads(done.stdout.splitlines()[-1]), "inverse": np.load(answer)}


def measure(way: str, folder: Path, answer: Path, runs: int) -> dict[str, float]:
    """Load, warm up, run `runs` times; the median time, and the most memory the process had."""
    import torch

    run = _runner(way, folder)
    with torch.inference_mode():
        inverse, angle = run()
        times = []
        for _ in range(runs):
            begun = time.perf_counter()
            run()
            times.append(time.perf_counter() - begun)
    np.save(answer, inverse[0].float().numpy())
    return {
        "seconds": statistics.median(times),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "angle": float(angle[0]),
    }


def _runner(way: str, folder: Path) -> Callable[[], tuple[torch.Tensor, torch.Tensor]]:
    import torch

    from depthfx.engine.device import precision

    whose, kind = way.split()
    picture = full_picture()
    half = precision(torch.device("cpu"))
    dtype = half if kind == "half" else torch.float32
    if whose == "transformers":
        from transformers import DepthProForDepthEstimation

        port = DepthProForDepthEstimation.from_pretrained(folder, dtype=torch.float32).eval()

        def theirs() -> tuple[torch.Tensor, torch.Tensor]:
            with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
                output = port(picture)
            return output.predicted_depth, output.field_of_view

        return theirs
    from depthfx.engine.depth_pro.model import CPU_PLAN
    from depthfx.engine.depth_pro.weights import load_depth_pro

    network = load_depth_pro(folder / "model.safetensors", dtype)
    picture = picture.to(dtype).contiguous(memory_format=torch.channels_last)
    at_once, strips = CPU_PLAN
    return lambda: network(picture, at_once=at_once, strips=strips)


def bench_gpu(device: torch.device) -> None:
    """Print what a GPU makes of it: one photo warm, end to end, and many in a batch."""
    import torch

    from depthfx.camera import Camera
    from depthfx.context import Context
    from depthfx.engine.depth_pro.model import DepthProModel
    from depthfx.engine.depth_pro.network import DepthPro
    from depthfx.engine.depth_pro.weights import IN_FLOAT32
    from depthfx.engine.device import precision
    from depthfx.photo.photo import Photo

    dtype = precision(device)
    with device:
        network = DepthPro().eval().requires_grad_(False)
    for name, parameter in network.named_parameters():
        if not IN_FLOAT32.search(name):
            parameter.data = parameter.data.to(dtype)
    network = network.to(memory_format=torch.channels_last)
    compiled = torch.compile(network, mode="reduce-overhead")
    print(f"GPU: {torch.cuda.get_device_name(device)}, {str(dtype).removeprefix('torch.')}")

    def one(run: Any, batch: int) -> float:
        """Seconds a photo, warm."""
        pictures = full_picture(batch).to(device, dtype)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            return _seconds(lambda: run(pictures, at_once=35 * batch)) / batch

    matrix = torch.randn(8192, 8192, device=device, dtype=dtype)
    rate = 2 * 8192**3 / _seconds(lambda: matrix @ matrix)
    print(f"matrix products of 8192 x 8192: {rate / 1e12:.0f} TFLOP/s")
    work = _operations(network, device, dtype)
    for name, run in (("eager", network), ("compiled", compiled)):
        alone, many = one(run, 1), one(run, BATCH)
        print(
            f"{name}: {alone * 1e3:.1f} ms a photo; {many * 1e3:.1f} ms in a batch of {BATCH}, "
            f"{work / many / 1e12:.0f} TFLOP/s, {work / many / rate:.0%} of the matrix rate"
        )
    model = DepthProModel(Context(device="cuda"))
    model._network = network
    pixels = np.random.default_rng(0).random((3000, 4000, 3), np.float32)
    photo = Photo(pixels, Camera(4000, 3000, 3000.0))
    print(f"12 MP, pixels to refined depth: {_seconds(lambda: model.estimate(photo)) * 1e3:.0f} ms")


def _seconds(run: Callable[[], Any]) -> float:
    """Median wall time of a warm call on the GPU."""
    import torch

    times = []
    for index in range(13):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        run()
        torch.cuda.synchronize()
        if index >= 3:
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _operations(network: torch.nn.Module, device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations of one photo, counted by torch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    picture = full_picture().to(device, dtype)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(picture)
    return float(counter.get_total_flops())


def _processor() -> str:
    """The CPU's name, and the half-precision instructions it has."""
    import torch

    known = torch.cpu.get_capabilities()
    units = [name for name in ("avx2", "avx512_bf16", "amx_bf16") if known.get(name)]
    return f"{known.get('cpu_name', platform.machine())} ({', '.join(units) or 'no wide units'})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("runs", type=int)
    print(json.dumps(measure(**vars(parser.parse_args()))))
