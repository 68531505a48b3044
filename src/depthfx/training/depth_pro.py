"""Fine-tuning Depth Pro on one's own photos with depth.

The transformers stay as published unless told otherwise: they hold nine tenths of the
parameters and what they know of the world. What learns is the decoder, the head and the
layers between, on canonical inverse depth as in the paper (A. Bochkovskii et al., 2024,
section 3.2); the field of view is left alone. The result has the layout of the published
file, so `--model depth-pro --weights FILE` reads it.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from depthfx.engine.depth_pro.network import DepthPro
from depthfx.engine.depth_pro.weights import load_depth_pro
from depthfx.photo.whole import written_whole
from depthfx.training.data import Batch, Pool
from depthfx.training.embedded import depth_losses
from depthfx.training.loop import Run, learn, training_device
from depthfx.training.recipe import Count, Curriculum, Rate, Share, Stage, read_table

WEIGHTS = "depth_pro.pt"
"""The result's name in the folder of the run."""
TRANSFORMERS = re.compile(r"encoder\.(patch|image)_encoder\.|fov\.")
"""Parameters that do not learn: those of the transformers, and the field of view's."""
FIELD_OF_VIEW = re.compile(r"fov\.")


ANSWER = 64
"""Pixels a side of the answer per token of a window; as published as many as the picture has."""


class TuningStage(Stage):
    """A stage for Depth Pro. `sizes` is of no use here: the network sees squares of one size."""

    batch: Count = 1
    learning_rate: Rate = 1e-4
    stretch: Share = 0.4
    """Photos of every aspect are brought to a square, as when the network is used."""


class Tuning(Curriculum):
    """Everything that decides a fine-tuning. Paths are relative to the file."""

    stage: tuple[TuningStage, ...] = Field(min_length=1)
    weights: Path
    """The published `depth_pro.pt`, or the safetensors of its transformers port."""
    encoders: bool = False
    """Let the transformers learn, too; needs four times the memory."""
    at_once: Count = 8
    """Windows that the transformers see in one call; fewer take less memory."""
    weight_decay: Share = 0.0
    checkpoint_s: float = Field(300.0, ge=0)


def read_tuning(path: Path) -> Tuning:
    """The recipe in a TOML file. Raises RecipeError, one line that names it."""
    return read_table(path, Tuning)


def trainable(network: DepthPro, *, encoders: bool) -> list[nn.Parameter]:
    """Let the decoder learn, and the transformers if `encoders`; the parameters that do."""
    frozen = FIELD_OF_VIEW if encoders else TRANSFORMERS
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(frozen.match(name) is None)
    return [parameter for parameter in network.parameters() if parameter.requires_grad]


def tune(
    plan: Tuning,
    out: Path,
    *,
    device: str = "cpu",
    minutes: float | None = None,
    threads: int = 1,
) -> Path:
    """Fine-tune along `plan`; the file of weights, `out / WEIGHTS`. See `loop.learn`.

    Raises DepthError, PhotoError, ModelError, ParameterError or RecipeError, one line each.
    """
    at = training_device(device)
    network = load_depth_pro(plan.weights, torch.float32, at)
    learning = trainable(network, encoders=plan.encoders)
    optimizer = torch.optim.AdamW(
        [{"params": learning, "share": 1.0}], weight_decay=plan.weight_decay
    )
    run = Run("depth-pro", network, optimizer)
    side, answer_side = network.config.side, ANSWER * network.config.tokens
    # Targets have half the size that pairs are cut at.
    cut = (2 * answer_side, 2 * answer_side)
    stages = tuple(stage.model_copy(update={"sizes": (cut,)}) for stage in plan.stage)
    plan = plan.model_copy(update={"stage": stages})

    def losses(network: nn.Module, batch: Batch, stage: Stage) -> dict[str, Tensor]:
        pictures = F.interpolate(batch.rgb, (side, side), mode="area") * 2 - 1
        # On CPUs, where only a small network is ever tuned, everything is in float32.
        with torch.autocast(at.type, torch.bfloat16, enabled=at.type == "cuda"):
            inverse, _ = network(pictures, field_of_view=False, at_once=plan.at_once)
        return depth_losses(inverse.float(), batch, stage.losses)

    pool = Pool.read(plan, longest=side * 4 // 3)
    learn(run, plan, pool, losses, out, device=at, minutes=minutes, threads=threads)
    tuned = {name: value.cpu() for name, value in network.state_dict().items()}
    tuned |= {name: value.cpu() for name, value in run.averaged.items()}
    with written_whole(out / WEIGHTS, overwrite=True) as file:
        torch.save(tuned, file)
    return out / WEIGHTS
