"""A plugin as anybody would write one: a package with one effect and an entry point."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from depthfx import Context, Effect, Param, Scene

TONE = np.array([1.0, 0.75, 0.5], np.float32)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


class Sepia(Effect):
    """Tone the picture like an old print."""

    name: ClassVar[str] = "sepia"

    strength: float = Param(1.0, ge=0, le=1, help="0 leaves the picture as it is")

    def apply(self, scene: Scene, context: Context) -> Scene:
        pixels = scene.photo.pixels
        toned = (pixels @ LUMINANCE)[..., None] * TONE
        return scene.with_pixels(pixels + np.float32(self.strength) * (toned - pixels))
