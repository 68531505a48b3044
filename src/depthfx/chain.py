"""Effects one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

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

    @property
    def label(self) -> str:
        """The names of its effects, as they stand in names of results."""
        return "-".join(effect.name for effect in self.effects)

    @property
    def endings(self) -> tuple[str, ...]:
        """Of what it makes in the picture's place, see `Effect.endings`.

        Raises ParameterError if that is two things.
        """
        makers = [effect for effect in self.effects if effect.endings]
        if len(makers) > 1:
            names = " and ".join(effect.name for effect in makers)
            raise ParameterError(
                f"{names} each make a file in the picture's place, and a chain makes one; "
                "give each a command of its own, or a recipe"
            )
        return makers[0].endings if makers else ()

    def for_path(self, path: Path) -> Chain:
        """The chain as it makes `path`, see `Effect.for_path`."""
        return Chain(*(effect.for_path(path) for effect in self.effects))

    def __or__(self, other: Effect | Chain) -> Chain:
        more = other.effects if isinstance(other, Chain) else (other,)
        return Chain(*self.effects, *more)
