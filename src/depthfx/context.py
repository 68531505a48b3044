"""What surrounds the work: which model, which device, who hears of progress, who may stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depthfx.errors import Cancelled

Progress = Callable[[str, float], None]
"""Hears the name of a stage and the share of it that is done, 0..1."""


def silent(stage: str, done: float) -> None:
    """The progress that nobody watches."""


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
    progress: Progress = silent
    cancel: threading.Event = field(default_factory=threading.Event)

    def report(self, stage: str, done: float) -> None:
        """Say how far `stage` is; raises Cancelled if the user wants to stop."""
        if self.cancel.is_set():
            raise Cancelled("stopped")
        self.progress(stage, done)
