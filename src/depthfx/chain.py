"""Effects one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from depthfx.context import Context
from depthfx.effect import Effect
from depthfx.scene import Scene


@dataclass(frozen=True, init=False)
class Chain:
    """Effects in the order they are applied; `Relight() | Bokeh()` makes one."""

    effects: tuple[Effect, ...]

    def __init__(self, *effects: Effect) -> None:
        object.__setattr__(self, "effects", effects)

    def __call__(self, scene: Scene, context: Context | None = None) -> Scene:
        for effect in self.effects:
            scene = effect(scene, context)
        return scene

    def __or__(self, other: Effect | Chain) -> Chain:
        more = other.effects if isinstance(other, Chain) else (other,)
        return Chain(*self.effects, *more)
