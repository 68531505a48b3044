"""How many photos of which sizes are worked on at once: cores and memory set the bounds."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from depthfx import machine
from depthfx.batch.job import Job, Settings
from depthfx.engine.catalogue import entries

PROGRAM_BYTES = 450_000_000
"""What a worker takes with everything loaded, the embedded network too."""
MODEL_BYTES, COPIES = 2_000_000_000, 2
"""What another model takes beside its weights, and how often these lie in memory."""
PEAK_BYTES_PER_PX = 100
"""What the chain takes at most for a photo, while it works on it (a portrait: 84 to 94)."""
HELD_BYTES_PER_PX = 30
"""What a photo takes that is read, or being written, while the chain works on another."""
UNKNOWN_PX, USUAL_PX = 24_000_000, 12_000_000
SHARE = 0.8
"""Of the memory that is free; the rest is for files, and for whoever else is at work."""


LARGER_TIMES = 2
"""A worker gives back what it has, once a photo comes that is so much smaller than the last."""


@dataclass(frozen=True)
class Hand:
    """What a worker has: its photos, and the size of the photo that its memory has grown for."""

    jobs: Sequence[Job]
    grown_px: int


def size_px(job: Job) -> int:
    return job.size_px or UNKNOWN_PX


def grown_px(before_px: int, job: Job) -> int:
    """For which size a worker has memory while it works on `job`, `before_px` having been that."""
    size = size_px(job)
    return size if LARGER_TIMES * size < before_px else max(size, before_px)


def give_back() -> None:
    """Return memory that is free to the system, where the allocator is glibc's."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True)
class Room:
    """What may be in use at once.

    workers : processes
    bytes_at_once : of memory, as far as it can be foreseen
    worker_bytes : what a process takes without a photo
    """

    workers: int
    bytes_at_once: float
    worker_bytes: float

    @classmethod
    def of(cls, settings: Settings, count: int | None = None) -> Room:
        """What suits this machine.

        count : of processes, if the user knows better
        """
        limit_gb, free = settings.memory_limit_gb, machine.memory_bytes()
        if limit_gb is not None:
            most = limit_gb * 1e9
        else:
            most = float("inf") if free is None else SHARE * free
        worker = _worker_bytes(settings.model)
        fitting = most // (worker + PEAK_BYTES_PER_PX * USUAL_PX)
        return cls(count or int(max(1, min(machine.cores(), fitting))), most, worker)

    def fits(self, workers: Iterable[Hand]) -> bool:
        """Whether there is memory for workers that have so much in hand."""
        return sum(map(self._needed, workers)) <= self.bytes_at_once

    def _needed(self, hand: Hand) -> float:
        """Bytes that a worker takes: the chain works on one photo, others are held."""
        sizes = [size_px(job) for job in hand.jobs]
        largest = max(sizes, default=0)
        held = HELD_BYTES_PER_PX * (sum(sizes) - largest)
        return self.worker_bytes + PEAK_BYTES_PER_PX * max(largest, hand.grown_px) + held


def _worker_bytes(model: str) -> float:
    entry = entries().get(model)
    if model.startswith("embedded"):
        return PROGRAM_BYTES
    weights = 0.0 if entry is None else entry.info.size_mb * 1e6
    return PROGRAM_BYTES + MODEL_BYTES + COPIES * weights
