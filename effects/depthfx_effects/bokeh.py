"""The blur of a lens, from depth.

A point off the plane of focus becomes a disc whose diameter grows in proportion to
the difference of inverse depths (thin lens). Belongs at the end of a chain, before
grain: light and fog act in the scene, a lens comes after them.
"""

from __future__ import annotations

from typing import ClassVar

from depthfx import Channel, Context, Effect, Param, Point, Scene


class Bokeh(Effect):
    """Blur as a real lens does, by aperture and distance."""

    name: ClassVar[str] = "bokeh"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    f_number: float = Param(2.0, ge=0.7, le=64, help="f-number of the full-frame lens imitated")
    aperture_mm: float | None = Param(
        None, ge=0, le=1000, unit="mm", help="diameter of the opening, instead of the f-number"
    )
    focus_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="distance of the plane of focus"
    )
    focus_xy: Point | None = Param(
        None, unit="shares of width and height", help="focus on this place in the picture"
    )
    blades: int = Param(0, ge=0, le=11, help="blades of the aperture, 3 or more; 0 for a disc")

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.optics.aperture import Aperture
        from depthfx.optics.defocus import defocus
        from depthfx.optics.focus import find_focus
        from depthfx.optics.thin_lens import aperture_m, blur_px_per_inverse_m

        camera, depth = scene.photo.camera, scene.depth
        focus = find_focus(scene, self.focus_m, self.focus_xy)
        opening_m = (
            aperture_m(camera.f35_mm, self.f_number)
            if self.aperture_mm is None
            else self.aperture_mm / 1000
        )
        blur_px = blur_px_per_inverse_m(opening_m, camera.focal_px) * focus.scale_m
        pixels = defocus(
            scene.photo.pixels,
            depth.inverse,
            focus_inverse=focus.inverse,
            blur_px=blur_px,
            aperture=Aperture(self.blades),
            behind=depth.behind,
            coverage=depth.coverage,
            progress=lambda done: context.report("defocus", done),
        )
        return scene.with_pixels(pixels).with_note(
            focus.words, focus_m=focus.metres, aperture_mm=opening_m * 1000
        )
