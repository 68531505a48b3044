"""Lift the subject off its background, as retouchers do it.

What is behind the subject gets darker, cooler and less colourful with distance, and a soft light
falls on the background behind its head and shoulders. The subject and what is in front of it
stay as they are, to the last hair. Belongs after light and fog, before grade and lens.
"""

from __future__ import annotations

from typing import ClassVar

from depthfx import Channel, Context, Effect, Param, Scene


class Separation(Effect):
    """Light the subject off its background."""

    name: ClassVar[str] = "separation"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    strength: float = Param(1.0, ge=0, le=2, help="how much of it all; 0 is none")
    darken: float = Param(0.8, ge=0, le=5, unit="stops", help="how much darker what is far gets")
    cool: float = Param(700.0, ge=-3000, le=3000, unit="K", help="how much cooler; below 0 warmer")
    fade: float = Param(0.25, ge=0, le=1, help="how much of its colour it loses")
    glow: float = Param(
        0.9, ge=0, le=5, unit="stops", help="the light on the background behind the subject"
    )
    side: float = Param(
        0.0, ge=-1, le=1, help="where that light is: -1 left of the subject, 1 right of it"
    )

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.light.grade import Look
        from depthfx.light.separation import Backdrop, separated
        from depthfx.optics.focus import SMALLEST_SUBJECT, find_focus

        much = self.strength
        look = Look(
            exposure=-self.darken * much,
            saturation=-min(self.fade * much, 1.0),
            kelvin=-min(max(self.cool * much, -3000.0), 3000.0),
        )
        backdrop = Backdrop(look, self.glow * much, self.side)
        if look.plain and not backdrop.glow:
            return scene
        focus = find_focus(scene, None, None)
        context.report("separation", 0.1)
        pixels = separated(scene.photo.pixels, scene.depth, scene.matte, focus.inverse, backdrop)
        context.report("separation", 1.0)
        found = float((scene.matte > 0.5).mean()) >= SMALLEST_SUBJECT
        where = "behind the subject" if found else "behind the middle (no subject found)"
        return scene.with_pixels(pixels).with_note(
            f"background {where} {self.darken * much:.2g} stops darker",
            subject_inverse=focus.inverse,
            subject_found=found,
        )
