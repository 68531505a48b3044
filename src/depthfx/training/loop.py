"""The training loop: a cosine per stage, moving average, checkpoints that resume.

Step `n` sees a batch that depends on the seed and `n` alone, and a checkpoint holds
everything else, so a run killed at any moment goes on from its last checkpoint with the
losses it would have had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthfx.errors import ModelError, ParameterError
from depthfx.photo.whole import written_whole
from depthfx.training.data import Batch, Pool, batches
from depthfx.training.log import Log, Progress
from depthfx.training.recipe import Curriculum, Stage

CLIP = 5.0
"""Largest norm of a gradient."""
MOST_FAILED = 30
"""Steps in a row whose gradient is not finite, after which a run gives up."""

Losses = Callable[[nn.Module, Batch, Stage], dict[str, Tensor]]
"""Weighted losses of a network on a batch, by name; their sum is what is minimised."""


def training_device(name: str) -> torch.device:
    """Where to train. Raises ParameterError if torch has no such device."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise ParameterError(f"--device {name} is not there: use cpu, cuda or mps") from None
    return device


class Run:
    """What changes while training; a checkpoint is exactly this.

    Parameters that take no gradient are left out, as they do not change.
    """

    def __init__(self, name: str, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """`name` says which network it is, for whoever reads the checkpoint."""
        self.name, self.network, self.optimizer = name, network, optimizer
        self.step, self.elapsed_s = 0, 0.0
        self.averaged = {name: value.clone() for name, value in self.changing().items()}

    def changing(self) -> dict[str, Tensor]:
        """Parameters that are trained, and buffers, by name; they share the network's memory."""
        frozen = {name for name, p in self.network.named_parameters() if not p.requires_grad}
        state = self.network.state_dict()
        return {name: value for name, value in state.items() if name not in frozen}

    @torch.no_grad()
    def follow(self, keep: float) -> None:
        """Move the averaged weights towards the network's."""
        state = self.changing()
        real = [name for name, value in state.items() if value.is_floating_point()]
        averaged = [self.averaged[name] for name in real]
        torch._foreach_lerp_(averaged, [state[name] for name in real], 1 - keep)
        for name in state.keys() - set(real):
            self.averaged[name].copy_(state[name])

    def save(self, path: Path) -> None:
        """Write a checkpoint whole or not at all."""
        state = {
            "name": self.name,
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "network": self.changing(),
            "averaged": self.averaged,
            "optimizer": self.optimizer.state_dict(),
        }
        with written_whole(path, overwrite=True) as file:
            torch.save(state, file)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint. Raises ModelError if it is of another network."""
        state = read_weights(path)
        mine = self.changing()
        try:
            if state["name"] != self.name or state["network"].keys() != mine.keys():
                raise KeyError(self.name)
            self.network.load_state_dict(state["network"], strict=False)
            for name, value in self.averaged.items():
                value.copy_(state["averaged"][name])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        except (KeyError, RuntimeError, ValueError, AttributeError):
            raise ModelError(
                f"{path} is of another network or recipe: give another folder with -o"
            ) from None


def read_weights(path: Path) -> dict[str, Any]:
    """What a file of weights or a checkpoint holds, on the CPU. Raises ModelError."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever the unpickler raises on a broken file
        reason = type(error).__name__
        raise ModelError(f"weights {path} are damaged or no weights ({reason})") from None
    if not isinstance(state, dict):
        raise ModelError(f"weights {path} are no weights: they hold no tensors by name")
    return state


@dataclass(frozen=True)
class Schedule:
    """Where in the curriculum a run is: after its steps, or after the clock."""

    stages: tuple[Stage, ...]
    minutes: float | None = None
    """The whole run's time; stages take theirs in proportion to their steps."""

    @property
    def steps(self) -> int:
        return sum(stage.steps for stage in self.stages)

    def done(self, step: int, elapsed_s: float) -> float:
        """Share of the run that lies behind step `step`, begun after `elapsed_s`."""
        return step / self.steps if self.minutes is None else elapsed_s / (60 * self.minutes)

    def left_s(self, step: int, elapsed_s: float) -> float:
        """Time that remains at the mean speed so far."""
        done = self.done(step, elapsed_s)
        return elapsed_s * max(0.0, 1 - done) / max(done, 1e-9)

    def place(self, done: float) -> tuple[Stage, float] | None:
        """Stage and progress 0..1 in it after a share `done` of the run; None at the end."""
        passed = done * self.steps
        for stage in self.stages:
            if passed < stage.steps - 1e-6:
                return stage, passed / stage.steps
            passed -= stage.steps
        return None


def rate(stage: Stage, progress: float) -> float:
    """Learning rate: a linear rise, then half a cosine down to `stage.fall` of the height."""
    if progress < stage.rise:
        return stage.learning_rate * (progress + 0.01) / (stage.rise + 0.01)
    rest = (progress - stage.rise) / max(1e-6, 1 - stage.rise)
    cosine = 0.5 * (1 + math.cos(math.pi * min(rest, 1.0)))
    return stage.learning_rate * (stage.fall + (1 - stage.fall) * cosine)


def update(run: Run, parts: Mapping[str, Tensor], keep: float) -> bool:
    """One step down the sum of `parts`; False, and nothing changed, if it is not finite."""
    run.optimizer.zero_grad(set_to_none=True)
    torch.stack(list(parts.values())).sum().backward()
    norm = torch.nn.utils.clip_grad_norm_(run.network.parameters(), CLIP)
    finite = bool(norm.isfinite())
    if finite:
        run.optimizer.step()
        # A short memory at first: the weights it starts from are not worth remembering.
        run.follow(min(keep, (1 + run.step) / (10 + run.step)))
    return finite


def learn(
    run: Run,
    plan: Curriculum,
    pool: Pool,
    losses: Losses,
    out: Path,
    *,
    device: torch.device,
    minutes: float | None = None,
    threads: int = 1,
) -> None:
    """Take `run` through the stages of `plan`, from the checkpoint in `out` if there is one.

    Writes `checkpoint.pt` and `log.csv` there and a line on stderr every ten seconds.
    minutes : time for the whole run, to which the schedule is fitted instead of its steps
    threads : that prepare batches
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists():
        run.load(checkpoint)
    for stage in plan.stage:
        pool.check(stage)  # now, not when its turn comes
    schedule = Schedule(plan.stage, minutes)
    began = time.monotonic() - run.elapsed_s

    def now(step: int) -> tuple[Stage, float] | None:
        return schedule.place(schedule.done(step, time.monotonic() - began))

    log, progress = Log(out / "log.csv", run.step), Progress()
    saved, failed = time.monotonic(), 0
    for stage, batch in batches(pool, plan.seed, run.step, now, threads):
        placed = now(run.step)
        if placed is None:
            break  # the time is over, and this batch one too many
        for group in run.optimizer.param_groups:
            group["lr"] = rate(*placed) * group["share"]
        # The pairs drawn inside the losses, too, depend on seed and step alone.
        torch.manual_seed(plan.seed * 1_000_003 + run.step)
        parts = losses(run.network, batch.to(device), stage)
        failed = 0 if update(run, parts, plan.average) else failed + 1
        if failed > MOST_FAILED:
            raise ModelError(
                f"the losses of {failed} steps in a row were not finite: lower learning_rate"
            )
        values = {name: value.item() for name, value in parts.items()}
        log.write(run.step, rate(*placed), values)
        run.step, run.elapsed_s = run.step + 1, time.monotonic() - began
        left_s = schedule.left_s(run.step, run.elapsed_s)
        progress.tell(run.step, sum(values.values()), stage.batch, left_s)
        if time.monotonic() - saved > plan.checkpoint_s:
            log.flush()
            run.save(checkpoint)
            saved = time.monotonic()
    log.close()
    run.save(checkpoint)
