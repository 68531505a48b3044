"""Training of the embedded network: what it starts from and what it is punished for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from depthfx.effect import nearest
from depthfx.engine.embedded.network import EmbeddedNetwork, Encoder, frozen_norms
from depthfx.errors import ModelError, RecipeError
from depthfx.training import losses
from depthfx.training.candidates import NETWORKS
from depthfx.training.data import Batch, Pool
from depthfx.training.loop import Run, learn, read_weights, training_device
from depthfx.training.recipe import DepthWeights, Recipe, Stage
from depthfx.training.widen import widen


def build(name: str) -> EmbeddedNetwork:
    """A network of `candidates` with random weights. Raises RecipeError if there is none."""
    if name not in NETWORKS:
        known = list(NETWORKS)
        raise RecipeError(f"network {name!r} is none of {', '.join(known)}{nearest(name, known)}")
    return NETWORKS[name]()


def begin_from_published(network: EmbeddedNetwork, path: Path) -> None:
    """Published weights into the encoder. Raises ModelError or RecipeError if they do not fit."""
    state = read_weights(path)
    if not isinstance(network.encoder, Encoder):
        raise RecipeError(f"imagenet {path}: this network's encoder has no published weights")
    try:
        network.encoder.load_imagenet(state)
    except (KeyError, RuntimeError):
        raise ModelError(f"imagenet {path} does not hold the weights of this encoder") from None


def begin_from(network: nn.Module, path: Path) -> list[str]:
    """Load weights to start from, strictly but for heads that they lack; names of those.

    `path` holds a state dictionary or is a checkpoint, of which the averaged weights count.
    Weights of a narrower decoder are widened. Raises ModelError if there are parameters that
    `network` has not, or larger ones.
    """
    state = read_weights(path)
    state = state.get("averaged", state)
    if "encoder._conv_stem.weight" in state:
        state = first_version(state)
    try:
        state = widen(state, network.state_dict())
        missing, unexpected = network.load_state_dict(state, strict=False)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"weights {path} do not fit the network: {reason}") from None
    heads = ("heads.", "coarse.", "view.")
    wrong = [f"{name} is not part of it" for name in unexpected]
    wrong += [f"{name} is missing" for name in missing if not name.startswith(heads)]
    if wrong:
        raise ModelError(f"weights {path} do not fit the network: {wrong[0]}")
    return list(missing)


def first_version(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the first version, whose encoder had the published layout."""
    encoder = {name.removeprefix("encoder."): state[name] for name in state if "encoder." in name}
    rest = {name: value for name, value in state.items() if "encoder." not in name}
    return rest | {f"encoder.{name}": value for name, value in frozen_norms(encoder).items()}


def start(recipe: Recipe, device: torch.device) -> Run:
    """A fresh run: network and optimizer. Raises ModelError or RecipeError."""
    torch.manual_seed(recipe.seed)
    network = build(recipe.network)
    if recipe.imagenet:
        begin_from_published(network, recipe.imagenet)
    if recipe.start:
        fresh = begin_from(network, recipe.start)
        if fresh:
            print(f"{recipe.start} lacks {', '.join(fresh)}: those begin anew", file=sys.stderr)
    if recipe.frozen_blocks:
        if not isinstance(network.encoder, Encoder):
            raise RecipeError(f"frozen_blocks: the encoder of {recipe.network} has no blocks")
        network.encoder.frozen = recipe.frozen_blocks
    network.to(device).to(memory_format=torch.channels_last)
    encoder = list(network.encoder.parameters())
    known = {id(p) for p in encoder}
    rest = [p for p in network.parameters() if id(p) not in known]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "share": recipe.encoder_rate}, {"params": rest, "share": 1.0}],
        lr=recipe.stage[0].learning_rate,
        weight_decay=recipe.weight_decay,
    )
    return Run(recipe.network, network.train(), optimizer)


def depth_losses(inverse: Tensor, batch: Batch, weights: DepthWeights) -> dict[str, Tensor]:
    """Losses of canonical inverse depth (N, h, w) that have a weight, times that, by name."""
    truth = batch.inverse
    known = truth > 0
    error = losses.aligned_error(inverse, truth)
    # Breaks are taken as ratios of depths: those need a known zero of inverse depth.
    breaks = batch.sharp & known & batch.shift_known[:, None, None]
    terms: dict[str, Callable[[], Tensor]] = {
        "log": lambda: losses.log_error(inverse, truth, batch.metric, batch.exact),
        "mae": lambda: losses.mae(inverse, truth, batch.metric, batch.exact),
        "affine": lambda: losses.affine_invariant(error, truth, batch.exact),
        "gradient": lambda: losses.gradient(error, truth),
        "outline": lambda: losses.outline(inverse, truth, breaks),
        "ordinal": lambda: losses.ordinal(inverse, truth),
    }
    wanted = weights.wanted(DepthWeights)
    parts = {name: term() for name, term in terms.items() if name in wanted}
    if wanted.keys() & {"mage", "male", "msge"}:
        parts |= losses.derivatives(error, batch.sharp & known)
    return {name: weight * parts[name] for name, weight in wanted.items()}


def step_losses(network: nn.Module, batch: Batch, stage: Stage) -> dict[str, Tensor]:
    """The weighted losses of one batch, by name."""
    with torch.autocast(batch.rgb.device.type, torch.bfloat16):
        answer = network(batch.rgb)
    only_matte = ~(batch.inverse > 0).any(2).any(1)[:, None, None]
    matte = torch.where(only_matte, batch.matte, -1.0)
    terms: dict[str, Callable[[], Tensor]] = {
        "front": lambda: losses.subject_in_front(answer.inverse, matte),
        "matte": lambda: losses.matte_loss(answer.matte, batch.matte),
        "view": lambda: losses.view_loss(answer.view, batch.view),
        "coarse": lambda: losses.coarse_log_error(answer.coarse, batch.inverse, batch.metric),
    }
    wanted = stage.losses.wanted()
    parts = depth_losses(answer.inverse, batch, stage.losses)
    return parts | {name: wanted[name] * term() for name, term in terms.items() if name in wanted}


def train(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "cpu",
    minutes: float | None = None,
    threads: int = 1,
) -> Run:
    """Run `recipe` to its end, into `out`; go on where a run there stopped. See `loop.learn`.

    Raises DepthError, PhotoError, ModelError, ParameterError or RecipeError, one line each.
    """
    at = training_device(device)
    run, pool = start(recipe, at), Pool.read(recipe)
    learn(run, recipe, pool, step_losses, out, device=at, minutes=minutes, threads=threads)
    return run
