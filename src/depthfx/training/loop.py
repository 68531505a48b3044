"""The training loop: AdamW, one cosine, moving average, checkpoints that resume.

Step `n` sees a batch that depends on the seed and `n` alone, and a checkpoint
holds everything else, so a run killed at any moment goes on from its last
checkpoint with the losses it would have had.
"""

from __future__ import annotations

import csv
import math
import queue
import threading
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from depthfx.engine.embedded.network import EmbeddedNetwork
from depthfx.training import losses
from depthfx.training.data import Mixture, Sample, load_depth_pairs, load_matte_pairs


@dataclass(frozen=True)
class Source:
    """A folder of pairs and its weight among those of its kind."""

    folder: Path
    weight: float


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run; read from TOML, paths relative to the file."""

    depth: list[Source]
    mattes: list[Source]
    variant: str = "lite2"
    imagenet: str = ""
    """File of published encoder weights; empty: random."""
    sizes: list[list[int]] = field(default_factory=lambda: [[256, 320], [320, 256], [288, 288]])
    """(height, width) of the batches, taken at random."""
    batch: int = 16
    steps: int = 4000
    learning_rate: float = 1e-3
    encoder_rate: float = 0.4
    """Learning rate of the encoder as a share of the other."""
    weight_decay: float = 0.02
    average: float = 0.998
    composite_share: float = 0.2
    matte_share: float = 0.3
    seed: int = 7
    checkpoint_s: float = 60.0

    @classmethod
    def read(cls, path: Path) -> Recipe:
        values = tomllib.loads(path.read_text())
        for kind in ("depth", "mattes"):
            values[kind] = [
                Source((path.parent / s["folder"]).resolve(), s.get("weight", 1.0))
                for s in values.get(kind, [])
            ]
        if values.get("imagenet"):
            values["imagenet"] = str((path.parent / values["imagenet"]).resolve())
        return cls(**values)


@dataclass
class Run:
    """What changes while training; a checkpoint is exactly this."""

    network: EmbeddedNetwork
    averaged: EmbeddedNetwork
    optimizer: torch.optim.Optimizer
    step: int = 0

    def save(self, path: Path) -> None:
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])


def load_mixture(recipe: Recipe) -> Mixture:
    return Mixture(
        [load_depth_pairs(s.folder) for s in recipe.depth],
        [s.weight for s in recipe.depth],
        [load_matte_pairs(s.folder) for s in recipe.mattes],
        [s.weight for s in recipe.mattes],
        recipe.composite_share,
        recipe.matte_share,
    )


def start(recipe: Recipe) -> Run:
    """A fresh run: network, its average and the optimizer."""
    torch.manual_seed(recipe.seed)
    network = EmbeddedNetwork(recipe.variant)
    if recipe.imagenet:
        network.encoder.load_imagenet(torch.load(recipe.imagenet, weights_only=True))
    network.to(memory_format=torch.channels_last)
    averaged = EmbeddedNetwork(recipe.variant)
    averaged.load_state_dict(network.state_dict())
    averaged.requires_grad_(False)
    encoder = list(network.encoder.parameters())
    known = {id(p) for p in encoder}
    rest = [p for p in network.parameters() if id(p) not in known]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "share": recipe.encoder_rate}, {"params": rest, "share": 1.0}],
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
    )
    return Run(network, averaged, optimizer)


def rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up over 2 % of the steps, then half a cosine down to 1 %."""
    warm = max(1, recipe.steps // 50)
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    progress = (step - warm) / max(1, recipe.steps - warm)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def collate(samples: list[Sample]) -> dict[str, Tensor]:
    rgb = torch.from_numpy(np.stack([s.rgb for s in samples]))
    return {
        "rgb": rgb.permute(0, 3, 1, 2)
        .float()
        .div(255)
        .contiguous(memory_format=torch.channels_last),
        "inverse": torch.from_numpy(np.stack([s.inverse for s in samples])),
        "matte": torch.from_numpy(np.stack([s.matte for s in samples])),
        "metric": torch.tensor([s.metric for s in samples]),
    }


def batches(recipe: Recipe, mixture: Mixture, first: int) -> Iterator[dict[str, Tensor]]:
    """Batches from `first` on, prepared one thread ahead."""
    ready: queue.Queue[dict[str, Tensor]] = queue.Queue(maxsize=3)

    def prepare() -> None:
        for step in range(first, recipe.steps):
            size = np.random.default_rng((recipe.seed, step, 1)).choice(recipe.sizes)
            height, width = (int(side) for side in size)
            ready.put(collate(mixture.batch(recipe.seed, step, recipe.batch, (height, width))))

    threading.Thread(target=prepare, daemon=True).start()
    for _ in range(first, recipe.steps):
        yield ready.get()


def step_losses(network: EmbeddedNetwork, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weighted losses of one batch, by name; their sum is what is minimised."""
    device = batch["rgb"].device.type
    with torch.autocast(device, torch.bfloat16):
        inverse, matte = network(batch["rgb"])
    truth = batch["inverse"]
    only_matte = torch.where((truth.amax((1, 2)) > 0)[:, None, None], -1.0, batch["matte"])
    return {
        "log": losses.log_error(inverse, truth, batch["metric"]),
        "affine": losses.affine_invariant(inverse, truth),
        "gradient": 0.5 * losses.gradient(inverse, truth),
        "ordinal": 0.5 * losses.ordinal(inverse, truth),
        "front": 0.3 * losses.subject_in_front(inverse, only_matte),
        "matte": losses.matte_loss(matte, batch["matte"]),
    }


@torch.no_grad()
def follow(average: EmbeddedNetwork, network: EmbeddedNetwork, keep: float) -> None:
    """Move the averaged weights (and batch statistics) towards the network's."""
    for a, b in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if a.is_floating_point():
            a.lerp_(b, 1 - keep)
        else:
            a.copy_(b)


def train(recipe: Recipe, out: Path) -> Run:
    """Run `recipe` to its end, into `out`: `checkpoint.pt`, `log.csv`."""
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, log = out / "checkpoint.pt", out / "log.csv"
    run = start(recipe)
    if checkpoint.exists():
        run.load(checkpoint)
    mixture = load_mixture(recipe)
    run.network.train()
    saved = time.monotonic()
    with log.open("a", newline="") as file:
        writer = csv.writer(file)
        for batch in batches(recipe, mixture, run.step):
            # The pairs drawn inside the losses, too, depend on seed and step alone.
            torch.manual_seed(recipe.seed * 1_000_003 + run.step)
            for group in run.optimizer.param_groups:
                group["lr"] = rate(recipe, run.step) * group["share"]
            parts = step_losses(run.network, batch)
            total = torch.stack(list(parts.values())).sum()
            run.optimizer.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
            run.optimizer.step()
            follow(run.averaged, run.network, min(recipe.average, (1 + run.step) / (10 + run.step)))
            if run.step == 0:
                writer.writerow(["step", "total", *parts])
            writer.writerow(
                [run.step, f"{total.item():.5f}", *(f"{v.item():.5f}" for v in parts.values())]
            )
            run.step += 1
            if run.step % 10 == 0:
                file.flush()
            if time.monotonic() - saved > recipe.checkpoint_s:
                file.flush()
                run.save(checkpoint)
                saved = time.monotonic()
    run.save(checkpoint)
    return run
