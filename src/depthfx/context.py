"""What surrounds the work: which model, which device, who hears of progress, who may stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from depthfx.errors import Cancelled

if TYPE_CHECKING:
    from depthfx.depth import Depth, Plane
    from depthfx.photo.photo import Photo

Progress = Callable[[str, float], None]
"""Hears the name of a stage and the share of it that is done, 0..1."""


def silent(stage: str, done: float) -> None:
    """The progress that nobody watches."""


class ChannelStore(Protocol):
    """Where depth and mattes that a model has found are kept from run to run.

    What it gives back is bit for bit what it was given, or None. It never raises.

    source : says what a model answers by besides the photo; equal ones give equal answers
    """

    def has_depth(self, photo: Photo, source: str) -> bool: ...

    def depth(self, photo: Photo, source: str) -> Depth | None: ...

    def keep_depth(self, photo: Photo, source: str, depth: Depth) -> None: ...

    def matte(self, photo: Photo, source: str) -> Plane | None: ...

    def keep_matte(self, photo: Photo, source: str, matte: Plane) -> None: ...


@dataclass(frozen=True)
class Context:
    """Everything an effect or a model may ask for besides its scene.

    model : name of the depth model, as `depthfx models list` shows it
    weights : a file of weights for that model instead of its own
    device : "auto", "cpu", "cuda", "mps"
    quality : "draft", "normal" or "best": how much work the depth model does
    commercial_only : refuse models whose licence does not allow commercial use
    memory_limit_gb : memory (10^9 bytes) that a model may take, where it can choose; None: its own
    compile : compile networks that run in torch, which pays over many photos
    faces : weights of a face detector (YuNet); None: those that were fetched, if they were
    cache : loaded models, and whatever else is worth keeping from photo to photo;
        keys are tuples that begin with the name of the module that put them there
    store : asked for depth and matte before any model is; None: nothing is kept
    progress : called with a stage and the share done; may be called from any thread
    cancel : set it from anywhere to stop at the next `report`
    """

    model: str = "embedded"
    weights: Path | None = None
    device: str = "auto"
    quality: str = "normal"
    commercial_only: bool = False
    memory_limit_gb: float | None = None
    compile: bool = False
    faces: Path | None = None
    cache: MutableMapping[tuple[Any, ...], Any] = field(default_factory=dict)
    store: ChannelStore | None = None
    progress: Progress = silent
    cancel: threading.Event = field(default_factory=threading.Event)

    def report(self, stage: str, done: float) -> None:
        """Say how far `stage` is; raises Cancelled if the user wants to stop."""
        if self.cancel.is_set():
            raise Cancelled("stopped")
        self.progress(stage, done)
