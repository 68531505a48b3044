"""What the network sees and what it should say, drawn from sources by weight.

Batch number `n` of a run depends on the seed and `n` alone, so a run can go on where it
stopped and threads may prepare several batches at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depthfx.errors import RecipeError
from depthfx.training.augment import (
    OFF_CENTRE,
    Rng,
    View,
    degrade,
    half_share,
    halved,
    random_view,
    warp,
)
from depthfx.training.compose import compose, cut_out
from depthfx.training.folders import LONGEST, Image, Pair, Plane, decode_inverse, read_folder
from depthfx.training.recipe import Curriculum, Stage

UNKNOWN = np.float32(-1)
"""Marks a matte that nobody knows."""
RIM = 9
"""Width in map pixels of the band about a composed outline whose depth is exact."""


@dataclass(frozen=True)
class Sample:
    """A photo (H, W, 3) and its targets at half the size, (h, w)."""

    rgb: Image
    inverse: Plane
    """Canonical inverse depth (metric or not), 0 where unknown."""
    matte: Plane
    """0..1, or `UNKNOWN` everywhere."""
    sharp: NDArray[np.bool_]
    """Where depth breaks are true to the pixel: rendered scenes, composed outlines."""
    view: float = float("nan")
    """Log of focal length over width of this view; NaN where unknown or off centre."""
    metric: bool = False
    shift_known: bool = True
    exact: bool = False
    """Rendered or composed: no outliers of a sensor are to be expected."""


@dataclass(frozen=True)
class Batch:
    """Samples as tensors, N of them; meanings as in `Sample`."""

    rgb: Tensor
    """(N, 3, H, W) float32, 0..1."""
    inverse: Tensor
    matte: Tensor
    sharp: Tensor
    view: Tensor
    metric: Tensor
    shift_known: Tensor
    exact: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same on `device`."""
        moved = {name: value.to(device, non_blocking=True) for name, value in vars(self).items()}
        moved["rgb"] = as_float(moved["rgb"])
        return Batch(**moved)


def as_float(rgb: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 as (N, 3, H, W) float32 0..1, channels last in memory."""
    return rgb.permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)


def collate(samples: list[Sample]) -> Batch:
    """A batch whose `rgb` is still (N, H, W, 3) uint8, a quarter of the bytes to move."""
    return Batch(
        rgb=torch.from_numpy(np.stack([s.rgb for s in samples])),
        inverse=torch.from_numpy(np.stack([s.inverse for s in samples])),
        matte=torch.from_numpy(np.stack([s.matte for s in samples])),
        sharp=torch.from_numpy(np.stack([s.sharp for s in samples])),
        view=torch.tensor([s.view for s in samples], dtype=torch.float32),
        metric=torch.tensor([s.metric for s in samples]),
        shift_known=torch.tensor([s.shift_known for s in samples]),
        exact=torch.tensor([s.exact for s in samples]),
    )


def half(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] // 2, size[1] // 2


def cut_depth(pair: Pair, view: View, size: tuple[int, int]) -> Plane:
    """Canonical inverse depth of a view at half of `size`; of a relative pair as it is."""
    codes = warp(pair.read_codes(), halved(view.window), half(size), nearest=True, outside=0)
    inverse = decode_inverse(codes)
    if pair.metric and pair.focal_share is not None:
        inverse *= np.float32(view.focal_share(pair.focal_share))
    return inverse


def view_target(pair: Pair, view: View) -> float:
    """Log focal share of a view, NaN where it is unknown or the view is off centre."""
    if pair.focal_share is None or view.off_centre > OFF_CENTRE:
        return float("nan")
    return float(np.log(view.focal_share(pair.focal_share)))


def depth_sample(pair: Pair, view: View, size: tuple[int, int]) -> Sample:
    """A view of a photo with depth, and with its matte if that is known."""
    inverse = cut_depth(pair, view, size)
    matte = np.full(inverse.shape, UNKNOWN, np.float32)
    if pair.matte is not None:
        matte = half_share(warp(pair.read_matte(), view.window, size))
    return Sample(
        rgb=warp(pair.read_photo(), view.window, size),
        inverse=inverse,
        matte=matte,
        sharp=np.full(inverse.shape, pair.sharp),
        view=view_target(pair, view),
        metric=pair.metric,
        shift_known=pair.shift_known,
        exact=pair.synthetic,
    )


def matte_sample(pair: Pair, view: View, size: tuple[int, int]) -> Sample:
    """A view of a photo of which only the subject is known."""
    matte = half_share(warp(pair.read_matte(), view.window, size))
    return Sample(
        rgb=warp(pair.read_photo(), view.window, size),
        inverse=np.zeros_like(matte),
        matte=matte,
        sharp=np.zeros(matte.shape, bool),
        view=view_target(pair, view),
    )


def composed_sample(
    rng: Rng, scene: Pair, figure: Pair, view: View, size: tuple[int, int]
) -> Sample:
    """A view of a metric scene with another photo's subject in it, where it has room for one."""
    sample = depth_sample(scene, view, size)
    if not scene.metric or scene.focal_share is None:
        return sample
    subject = cut_out(rng, figure.read_photo(), figure.read_matte(), figure.kind)
    if subject is None:
        return sample
    focal_share = view.focal_share(scene.focal_share)
    composed = compose(rng, sample.rgb, sample.inverse, focal_share, subject)
    if composed is None:
        return sample
    rgb, inverse, matte = composed
    body, brush = (matte > 0.5).astype(np.uint8), np.ones((RIM, RIM), np.uint8)
    rim = cv2.dilate(body, brush) > cv2.erode(body, brush)
    if scene.matte is not None:
        matte = 1 - (1 - matte) * (1 - sample.matte)
    return replace(
        sample, rgb=rgb, inverse=inverse, matte=matte, sharp=sample.sharp | rim, exact=True
    )


@dataclass(frozen=True)
class Pool:
    """All pairs of a recipe, by the names of their sources."""

    pairs: Mapping[str, list[Pair]]

    @classmethod
    def read(cls, plan: Curriculum, longest: int = LONGEST) -> Pool:
        """Raises DepthError or PhotoError if a folder is not as it should be."""
        return cls({source.name: read_folder(source.folder, longest) for source in plan.source})

    def pick(self, rng: Rng, stage: Stage, fits: Callable[[Pair], bool]) -> Pair:
        """A pair of a stage's sources, drawn by their weights among those that `fit`.

        A source is judged by its first pair. Raises RecipeError if none fits.
        """
        names = [n for n, weight in stage.sources.items() if weight and fits(self.pairs[n][0])]
        if not names:
            raise RecipeError(
                f"the stage with sources {', '.join(stage.sources)} has none for some of its "
                "samples: composites need metric depth and mattes, mattes need mattes; "
                "set composites or mattes to 0, or add a source"
            )
        weights = np.array([stage.sources[name] for name in names])
        pairs = self.pairs[names[rng.choice(len(names), p=weights / weights.sum())]]
        return pairs[rng.integers(len(pairs))]

    def check(self, stage: Stage) -> None:
        """Raise RecipeError if a stage asks for samples that its sources cannot give."""
        rng = np.random.default_rng(0)
        if stage.mattes or stage.composites:
            self.pick(rng, stage, only_matte)
        if stage.composites:
            self.pick(rng, stage, in_metres)
        if stage.mattes + stage.composites < 1:
            self.pick(rng, stage, with_depth)

    def sample(self, rng: Rng, stage: Stage, index: int, size: tuple[int, int]) -> Sample:
        """Number `index` of a batch: first those with mattes alone, then composites, then depth."""
        mattes, composites = (
            round(stage.batch * share) for share in (stage.mattes, stage.composites)
        )
        if index < mattes:
            figure = self.pick(rng, stage, only_matte)
            view = random_view(rng, figure.size, size, 0.7, stage.stretch)
            sample = matte_sample(figure, view, size)
        elif index < mattes + composites:
            scene, figure = self.pick(rng, stage, in_metres), self.pick(rng, stage, only_matte)
            view = random_view(rng, scene.size, size, stretch=stage.stretch)
            sample = composed_sample(rng, scene, figure, view, size)
        else:
            scene = self.pick(rng, stage, with_depth)
            view = random_view(rng, scene.size, size, stretch=stage.stretch)
            sample = depth_sample(scene, view, size)
        return replace(sample, rgb=degrade(rng, sample.rgb)) if stage.degrade else sample

    def batch(self, seed: int, step: int, stage: Stage) -> Batch:
        """Batch number `step`, which depends on the arguments alone."""
        rng = np.random.default_rng((seed, step))
        size = stage.sizes[rng.integers(len(stage.sizes))]
        return collate([self.sample(rng, stage, index, size) for index in range(stage.batch)])


def only_matte(pair: Pair) -> bool:
    return pair.codes is None and pair.matte is not None


def with_depth(pair: Pair) -> bool:
    return pair.codes is not None


def in_metres(pair: Pair) -> bool:
    return pair.metric


def batches(
    pool: Pool,
    seed: int,
    first: int,
    now: Callable[[int], tuple[Stage, float] | None],
    threads: int,
) -> Iterator[tuple[Stage, Batch]]:
    """Batches from `first` on, `threads` of them prepared at a time, until `now` gives None.

    `now` tells the stage of a step, and how far it is, when its batch begins to be prepared.
    """
    with ThreadPoolExecutor(threads, "loader") as workers:
        ahead: deque[tuple[Stage, Future[Batch]]] = deque()
        try:
            for step in count(first):
                while len(ahead) <= threads + 1:
                    placed = now(step + len(ahead))
                    if placed is None:
                        break
                    stage = placed[0]
                    job = workers.submit(pool.batch, seed, step + len(ahead), stage)
                    ahead.append((stage, job))
                if not ahead:
                    return
                stage, job = ahead.popleft()
                yield stage, job.result()
        finally:
            workers.shutdown(cancel_futures=True)
