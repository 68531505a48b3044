"""Effects one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from depthfx.context import Context
from depthfx.effect import Effect
from depthfx.errors import ParameterError
from depthfx.scene import Scene


@dataclass(frozen=True, init=False)
class Chain:
    """Effects in the order they are applied; `Relight() | Bokeh()` makes one.

    Raises ParameterError for an effect after one that ends a chain.
    """

    effects: tuple[Effect, ...]

    def __init__(self, *effects: Effect) -> None:
        for effect, later in pairwise(effects):
            if effect.ends_chain:
                raise ParameterError(
                    f"{later.name} after {effect.name} would be lost, as {effect.name} writes "
                    f"a file of its own; put {later.name} before it, or give it another command"
                )
        object.__setattr__(self, "effects", effects)

    def __call__(self, scene: Scene, context: Context | None = None) -> Scene:
        for effect in self.effects:
            scene = effect(scene, context)
        return scene

    def __or__(self, other: Effect | Chain) -> Chain:
        more = other.effects if isinstance(other, Chain) else (other,)
        return Chain(*self.effects, *more)
