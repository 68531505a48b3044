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
        from depthfx.optics.aperture import Aperture
        from depthfx.optics.defocus import defocus
        from depthfx.optics.focus import find_focus
        from depthfx.optics.thin_lens import blur_px_per_inverse_m

        depth, camera = scene.depth, scene.camera
        focus = find_focus(scene, self.focus_m, self.focus_xy)
        opening_m = self.opening_m(camera)
        pixels = defocus(
            scene.photo.pixels,
            # One surface a pixel: a matte in doubt would make up colours behind it.
            depth.surface,
            focus_inverse=focus.inverse,
            blur_px=blur_px_per_inverse_m(opening_m, camera.focal_px) * focus.scale_m,
            aperture=Aperture(self.blades),
            progress=lambda done: context.report("defocus", done),
        )
        return scene.with_pixels(pixels).with_note(
            focus.words, focus_m=focus.metres, aperture_mm=opening_m * 1000
        )
