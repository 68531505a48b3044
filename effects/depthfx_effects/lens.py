"""What every effect that imitates a lens lets one choose, and what they all do with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from depthfx import Context, Effect, Param, Point, Scene
from depthfx.camera import Camera

if TYPE_CHECKING:
    from depthfx.depth import Depth, Plane
    from depthfx.optics.aperture import Aperture
    from depthfx.optics.focus import Focus
    from depthfx.optics.scheimpflug import FocusPlane
    from depthfx.photo.photo import Pixels


def _aperture_blades(count: int) -> int:
    if count in (1, 2):
        raise ValueError("an aperture has 3 or more blades, or 0 for a disc")
    return count


def _lens_name(name: str | None) -> str | None:
    from depthfx.optics.lens_names import NamedLens

    if name is not None:
        NamedLens.parse(name)
    return name


LensName = Annotated[
    str | None,
    AfterValidator(_lens_name),
    Field(examples=["85mm f/1.4 full-frame", "50mm f1.8 APS-C", "f/2 on Micro Four Thirds"]),
]


MOST_FRINGE = 0.05
"""Share of the focus's inverse depth by which red and blue focus farther, at most."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A lens set to a scene.

    opening_m : diameter of the opening, `Lens.wider` counted
    plane : the plane of focus, if it leans
    depth, focus_inverse, blur_px, fringe_inverse, device : for `optics.defocus.defocus`; `depth`
        is the scene's unless the plane of focus leans, and then the scene against that plane
    """

    focus: Focus
    opening_m: float
    aperture: Aperture
    plane: FocusPlane | None
    depth: Depth
    focus_inverse: float
    blur_px: float
    fringe_inverse: float
    device: str

    def levelled(self, inverse: Plane) -> Plane:
        """Inverse depth (H, W) of the scene as `depth` has it."""
        from depthfx.optics.scheimpflug import against

        if self.plane is None:
            return inverse
        return against(inverse, self.plane) + np.float32(self.focus_inverse)

    def radius_px(self, inverse: Plane, kept: Plane | None = None) -> Plane:
        """(H, W) float32: radius in px of the disc that each pixel becomes.

        kept : (H, W) float32 0..1, the share of each pixel that stays as it is
        """
        radius = inverse - np.float32(self.focus_inverse)
        np.abs(radius, out=radius)
        radius *= np.float32(self.blur_px / 2)
        if kept is not None:
            radius *= 1 - kept
        return radius


class Lens(Effect):
    """Parameters shared by the effects of a lens; not an effect of its own."""

    assumed_focus_m: ClassVar[float] = 2.0
    """Distance of the focus where depth is relative and nobody says how far it is."""

    f_number: float = Param(2.0, ge=0.7, le=64, help="f-number of the full-frame lens imitated")
    aperture_mm: float | None = Param(
        None, ge=0, le=1000, unit="mm", help="diameter of the opening, whatever the lens"
    )
    like: LensName = Param(
        None, help="the lens to open as wide as, like '85mm f/1.4 full-frame' or 'f/2 APS-C'"
    )
    focus_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="distance of the plane of focus"
    )
    focus_xy: Point | None = Param(
        None, unit="shares of width and height", help="focus on this place in the picture"
    )
    tilt_deg: float = Param(
        0.0, ge=-89, le=89, unit="degrees", help="lean of the plane of focus, its top away from us"
    )
    swing_deg: float = Param(
        0.0, ge=-89, le=89, unit="degrees", help="the same sideways, its right side away from us"
    )
    blades: Annotated[int, AfterValidator(_aperture_blades)] = Param(
        0, ge=0, le=11, help="blades of the aperture, 3 or more; 0 for a disc"
    )
    blade_rotation_deg: float = Param(
        0.0, ge=-360, le=360, unit="degrees", help="turns the blades, clockwise"
    )
    blade_curvature: float = Param(
        0.0, ge=0, le=1, help="0 for straight blades, 1 for blades as round as a disc"
    )
    squeeze: float = Param(
        1.0, ge=1, le=3, help="of an anamorphic lens: 2 makes discs ovals half as wide as high"
    )
    spherical: float = Param(
        0.0, ge=-1, le=1, help="-1 for soap-bubble discs with a bright rim, 1 for creamy ones"
    )
    cats_eye: float = Param(
        0.0, ge=0, le=1, help="how much the lens barrel clips discs towards the corners"
    )
    swirl: float = Param(
        0.0, ge=0, le=1, help="how much discs are pressed into rings around the middle"
    )
    fringes: float = Param(
        0.0, ge=0, le=1, help="colour rims: how much farther red and blue focus than green"
    )
    kernel: Path | None = Param(
        None, help="a picture file as the opening: white is open, black is closed"
    )
    highlights: float = Param(
        0.8, ge=0, le=1, help="how much of their light clipped lamps and glints get back"
    )
    grain: float = Param(
        1.0, ge=0, le=1, help="how much of the photo's grain the blurred parts get back"
    )

    def opening_m(self, camera: Camera) -> float:
        """Diameter of the opening in metres."""
        from depthfx.optics.lens_names import NamedLens
        from depthfx.optics.thin_lens import aperture_m

        if self.aperture_mm is not None:
            return self.aperture_mm / 1000
        if self.like is None:
            return aperture_m(camera.f35_mm, self.f_number)
        lens = NamedLens.parse(self.like)
        return aperture_m(lens.focal_mm_for(camera.f35_mm), lens.f_number or self.f_number)

    def aperture(self) -> Aperture:
        """The shape of the opening."""
        from depthfx.optics.aperture import Aperture
        from depthfx.optics.opening_picture import read_opening

        return Aperture(
            blades=self.blades,
            rotation_deg=self.blade_rotation_deg,
            curvature=self.blade_curvature,
            squeeze=self.squeeze,
            spherical=self.spherical,
            cats_eye=self.cats_eye,
            swirl=self.swirl,
            image=None if self.kernel is None else read_opening(self.kernel),
        )

    def wider(self, focus: Focus) -> float:
        """Factor on the opening, for effects that are not of this world's size."""
        return 1.0

    def set_to(self, scene: Scene, context: Context) -> Setting:
        """This lens set to `scene`, drawing where `context` says."""
        from depthfx.optics.focus import find_focus
        from depthfx.optics.scheimpflug import levelled, tilted_plane
        from depthfx.optics.thin_lens import blur_px_per_inverse_m

        camera = scene.camera
        aperture = self.aperture()
        focus = find_focus(scene, self.focus_m, self.focus_xy, self.assumed_focus_m)
        opening_m = self.opening_m(camera) * self.wider(focus)
        plane, depth, focus_inverse = None, scene.depth, focus.inverse
        if self.tilt_deg or self.swing_deg:
            plane = tilted_plane(camera, focus.inverse, focus.place, self.tilt_deg, self.swing_deg)
            depth, focus_inverse = levelled(depth, plane)
        return Setting(
            focus,
            opening_m,
            aperture,
            plane,
            depth,
            focus_inverse,
            blur_px_per_inverse_m(opening_m, camera.focal_px) * focus.scale_m,
            self.fringes * MOST_FRINGE * focus.inverse,
            # torch is brought up where somebody asked for its device alone.
            context.device if context.device in ("cuda", "mps") else "cpu",
        )

    def __call__(self, scene: Scene, context: Context | None = None) -> Scene:
        """As any effect; what is wholly transparent gives nothing to what is seen beside it."""
        colours, alpha = scene.photo.pixels, scene.photo.alpha
        if alpha is None or alpha.min() > 0 or not alpha.any():
            return super().__call__(scene, context)
        from depthfx.inpaint.pushpull import push_pull

        # Colours that nobody sees are anything, black mostly, which would come in with the blur.
        seen = alpha > 0
        continued = push_pull(colours, seen.astype(np.float32))
        result = super().__call__(scene.with_pixels(continued), context)
        return result.with_pixels(np.where(seen[..., None], result.photo.pixels, colours))

    def expose(
        self, pixels: Pixels, radius_px: Callable[[], Plane], blur: Callable[[Pixels], Pixels]
    ) -> Pixels:
        """`pixels` through `blur`, clipped lights rebuilt before and grain matched after it.

        radius_px : gives (H, W) float32, the radius in px of the disc that each pixel becomes
        """
        from depthfx.optics.grain import match_grain
        from depthfx.optics.highlights import rebuild_highlights

        # Made twice rather than kept: the blur in between is what needs the memory.
        lit = (
            rebuild_highlights(pixels, radius_px(), self.highlights) if self.highlights else pixels
        )
        blurred = blur(lit)
        del lit
        return match_grain(blurred, pixels, radius_px(), self.grain) if self.grain else blurred

    def defocused(self, scene: Scene, lens: Setting, context: Context) -> Pixels:
        """The scene's picture with all of it blurred as its depth says."""
        from depthfx.optics.defocus import defocus

        # One surface a pixel: a matte in doubt would make up colours behind it.
        surface = lens.depth.surface
        return self.expose(
            scene.photo.pixels,
            lambda: lens.radius_px(surface),
            lambda prepared: defocus(
                prepared,
                surface,
                focus_inverse=lens.focus_inverse,
                blur_px=lens.blur_px,
                aperture=lens.aperture,
                fringe_inverse=lens.fringe_inverse,
                device=lens.device,
                progress=lambda done: context.report("defocus", done),
            ),
        )

    def exposed(self, scene: Scene, pixels: Pixels, lens: Setting) -> Scene:
        """`scene` showing `pixels`, its layers, if it has been cut, blurred by the same lens."""
        from depthfx.layers.lens import defocused

        result = scene.with_pixels(pixels)
        if scene.layers is None or lens.plane is not None:
            return result
        layers = defocused(scene.layers, lens.focus_inverse, lens.blur_px, lens.aperture)
        return replace(result, layers=layers)

    def told(self, scene: Scene, pixels: Pixels, lens: Setting, **facts: Any) -> Scene:
        """`scene` showing `pixels`, with what is to be said of the lens and its focus."""
        from depthfx.optics.focus import distance_words
        from depthfx.optics.lens_names import NamedLens
        from depthfx.optics.sharpness import softness
        from depthfx.optics.thin_lens import coc_limit_px, sharp_zone_m

        camera, focus = scene.camera, lens.focus
        limit_px = coc_limit_px(camera.diagonal_px)
        near, far = sharp_zone_m(focus.metres, lens.opening_m, camera.focal_px, limit_px)
        soft = softness(scene.photo.pixels, focus.seen) if focus.seen.any() else None
        result = self.exposed(scene, pixels, lens).with_note(
            focus.words,
            focus_m=focus.metres,
            focus_xy=focus.place,
            aperture_mm=self.opening_m(camera) * 1000,
            already_blurred=None if soft is None else soft.is_blurred,
            **facts,
        )
        result = result.with_note(
            f"sharp from {distance_words(near)} to {distance_words(far)} "
            f"(blur up to {limit_px:.2g} px)",
            sharp_near_m=near,
            sharp_far_m=far,
            coc_limit_px=round(limit_px, 2),
        )
        if soft is not None and soft.is_blurred:
            x, y = soft.place
            result = result.with_note(
                f"what is in focus is already blurred in the photo (at {x:.2f},{y:.2f}) "
                "and stays so"
            )
        if self.like is None or self.aperture_mm is not None:
            return result
        named = NamedLens.parse(self.like).words(camera.f35_mm, self.f_number)
        return result.with_note(f"open like {named}")
