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
        from depthfx.optics.focus import SMALLEST_SUBJECT
        from depthfx.optics.halo import halo_report
        from depthfx.optics.portrait import background_inverse, broad_doubt, portrait

        lens, matte = self.set_to(scene, context), scene.matte
        background, doubt = lens.depth.surface, broad_doubt(matte)
        if matte.max() >= 0.5:
            # In the scene's own space: a plane of focus that leans comes after it.
            inverse = background_inverse(scene.depth, matte, lens.focus.inverse, doubt)
            background = lens.levelled(inverse)
        pixels = self.expose(
            scene.photo.pixels,
            lambda: lens.radius_px(background, kept=matte),
            lambda prepared: portrait(
                prepared,
                lens.depth,
                matte,
                focus_inverse=lens.focus_inverse,
                blur_px=lens.blur_px,
                aperture=lens.aperture,
                background=background,
                doubt=doubt,
                fringe_inverse=lens.fringe_inverse,
                device=lens.device,
                progress=lambda done: context.report("portrait", done),
            ),
        )
        subject = float((matte > 0.5).mean())
        halo = halo_report(scene.photo.pixels, pixels, matte, lens.radius_px(background))
        result = self.told(
            scene,
            pixels,
            lens,
            subject_share=round(subject, 4),
            subject_found=subject >= SMALLEST_SUBJECT,
            halo_leak=round(halo.leak, 4),
            halo_rim=round(halo.rim, 4),
            halo_worst=halo.worst,
            needs_a_hand=halo.needs_a_hand,
        )
        if not (halo.needs_a_hand and halo.worst):
            return result
        x, y = halo.worst
        return result.with_note(f"the outline needs a hand (at {x:.2f},{y:.2f})")
