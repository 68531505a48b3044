"""The scene as a small model of it, photographed from close by.

A model at the scale 1:40 is forty times nearer than what it stands for, and the lens in
front of it as wide as ever: the blur is that of the whole scene through a lens forty times
as wide. What the lens is said to be (f-number, opening, tilt) it is for the model's
photographer; distances stay those of the scene. Nobody comes nearer to a model than a hand's
length: of a scene that is near already the model is larger. Best on scenes from above and
afar. Belongs at the end of a chain, before grain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from depthfx import Channel, Context, Param, Scene
from depthfx_effects.lens import Lens

if TYPE_CHECKING:
    from depthfx.optics.focus import Focus

NEAREST_M = 0.25
"""Distance of the model's plane of focus from the lens, at least."""


class TiltShift(Lens):
    """Make the scene look like a miniature."""

    name: ClassVar[str] = "tilt-shift"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})
    # A street or a roof from across it: relative depth says nothing of how far away it is.
    assumed_focus_m: ClassVar[float] = 30.0

    # Who photographs models stops down.
    f_number: float = Param(4.0, ge=0.7, le=64, help="f-number of the full-frame lens imitated")
    scale: float = Param(
        40.0, ge=1, le=10_000, help="what the model is smaller by: 40 for the scale 1:40"
    )
    vividness: float = Param(0.2, ge=0, le=1, help="stronger colours, as of painted models")
    contrast: float = Param(0.2, ge=0, le=1, help="more contrast, as of models under lamps")

    def wider(self, focus: Focus) -> float:
        return max(1.0, min(self.scale, focus.metres / NEAREST_M))

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.optics.miniature import painted

        lens = self.set_to(scene, context)
        pixels = self.defocused(scene, lens, context)
        if self.vividness or self.contrast:
            pixels = painted(pixels, self.vividness, self.contrast)
        scale = self.wider(lens.focus)
        return self.told(scene, pixels, lens).with_note(f"a model at 1:{scale:.3g}", scale=scale)
