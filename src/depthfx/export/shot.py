"""The shot that an export sets up: its frame, its length, its move."""

from __future__ import annotations

from dataclasses import dataclass

from depthfx.geometry.moves import Move


@dataclass(frozen=True)
class Shot:
    """What a composition has beside its layers.

    name : of the composition; any letters, spaces too
    width, height : its frame in px; the photo is scaled to fill it
    fps, seconds : frames a second, length
    move : what the camera does; None: it stands still
    pivot_inverse : inverse depth of what stays in place (`Stage.pivot_inverse`); 0: the middle of
        the layers
    """

    name: str
    width: int
    height: int
    fps: float
    seconds: float
    move: Move | None = None
    pivot_inverse: float = 0.0

    @property
    def frames(self) -> int:
        return max(1, round(self.fps * self.seconds))
