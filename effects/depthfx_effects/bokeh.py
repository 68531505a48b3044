"""The blur of a lens, from depth.

A point off the plane of focus becomes a disc whose diameter grows in proportion to
the difference of inverse depths (thin lens). Belongs at the end of a chain, before
grain: light and fog act in the scene, a lens comes after them.
"""

from __future__ import annotations

from typing import ClassVar

from depthfx import Channel, Context, Scene
from depthfx_effects.lens import Lens


class Bokeh(Lens):
    """Blur as a real lens does, by aperture and distance."""

    name: ClassVar[str] = "bokeh"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    def apply(self, scene: Scene, context: Context) -> Scene:
        lens = self.set_to(scene, context)
        return self.told(scene, self.defocused(scene, lens, context), lens)
