"""A portrait: the subject sharp to its hair, everything else blurred as its depth says.

The matte keeps the subject sharp and whole where depth is too coarse to do so; depth
blurs the rest, so the ground falls off evenly in front of and behind the feet and what
the subject holds stays sharp. Belongs at the end of a chain, before grain.
"""

from __future__ import annotations

from typing import ClassVar

from depthfx import Channel, Context, Param, Scene
from depthfx_effects.lens import Lens


class Portrait(Lens):
    """Keep the subject sharp and blur what lies before and behind."""

    name: ClassVar[str] = "portrait"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    f_number: float = Param(1.8, ge=0.7, le=64, help="f-number of the full-frame lens imitated")

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.optics.aperture import Aperture
        from depthfx.optics.focus import SMALLEST_SUBJECT, find_focus
        from depthfx.optics.portrait import portrait
        from depthfx.optics.thin_lens import blur_px_per_inverse_m

        camera = scene.camera
        focus = find_focus(scene, self.focus_m, self.focus_xy)
        opening_m = self.opening_m(camera)
        subject = float((scene.matte > 0.5).mean())
        pixels = portrait(
            scene.photo.pixels,
            scene.depth,
            scene.matte,
            focus_inverse=focus.inverse,
            blur_px=blur_px_per_inverse_m(opening_m, camera.focal_px) * focus.scale_m,
            aperture=Aperture(self.blades),
            progress=lambda done: context.report("portrait", done),
        )
        found = subject >= SMALLEST_SUBJECT
        return scene.with_pixels(pixels).with_note(
            focus.words,
            focus_m=focus.metres,
            aperture_mm=opening_m * 1000,
            subject_share=round(subject, 4),
            subject_found=found,
        )
