"""A portrait: the subject sharp to its hair, everything else blurred as its depth says.

The matte keeps the subject sharp and whole where depth is too coarse to do so; depth
blurs the rest, so the ground falls off evenly in front of and behind the feet and what
the subject holds stays sharp. Belongs at the end of a chain, before grain.
"""

from __future__ import annotations

from typing import ClassVar

from depthfx import Channel, Context, Effect, Param, Point, Scene


class Portrait(Effect):
    """Keep the subject sharp and blur what lies before and behind."""

    name: ClassVar[str] = "portrait"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    f_number: float = Param(1.8, ge=0.7, le=64, help="f-number of the full-frame lens imitated")
    focus_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="distance of the plane of focus"
    )
    focus_xy: Point | None = Param(
        None, unit="shares of width and height", help="focus on this place in the picture"
    )
    blades: int = Param(0, ge=0, le=11, help="blades of the aperture, 3 or more; 0 for a disc")

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.optics.aperture import Aperture
        from depthfx.optics.focus import SMALLEST_SUBJECT, find_focus
        from depthfx.optics.portrait import portrait
        from depthfx.optics.thin_lens import aperture_m, blur_px_per_inverse_m

        camera = scene.photo.camera
        focus = find_focus(scene, self.focus_m, self.focus_xy)
        opening_m = aperture_m(camera.f35_mm, self.f_number)
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
