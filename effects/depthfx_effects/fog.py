"""Fog between the camera and the scene, by distance; or the haze of the photo taken away.

An even fog, or one that lies on the ground; its colour is that of the photo's own air unless one
is named. The sky is in it as far as its layer reaches: wholly at the horizon, less overhead.
Haze is taken away by a density below zero: -1 takes what the photo shows, or the haze of the
visibility named. Belongs after light and before a lens, which sees the fog as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from depthfx import Channel, Context, Effect, Param, Scene

if TYPE_CHECKING:
    from depthfx.light.air import Seen
    from depthfx.light.haze import Haze
    from depthfx.light.lights import Colour, Vector


def _colour(text: str) -> str:
    from depthfx.errors import ParameterError
    from depthfx.light.air import airlight_named

    if text != "auto":
        try:
            airlight_named(text, 1.0)
        except ParameterError as error:
            raise ParameterError(f"fog: colour: {error}, or auto") from None
    return text


FogColour = Annotated[
    str, AfterValidator(_colour), Field(examples=["5600K", "#dfe6ee", "dusk", "#000000"])
]


class Fog(Effect):
    """Add fog or haze by distance, or take it away."""

    name: ClassVar[str] = "fog"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    density: float = Param(
        1.0, ge=-4, le=20, help="how thick; 0 is none, below 0 takes haze away, -1 what is there"
    )
    visibility_m: float | None = Param(
        None,
        ge=0.1,
        le=1e6,
        unit="m",
        help="how far one sees at density 1; none: what is near stays clear, what is far dims",
    )
    height_m: float | None = Param(
        None, ge=0.05, le=10_000, unit="m", help="ground fog that thins in this height; none: even"
    )
    colour: FogColour = Param(
        "auto", help="auto for the photo's own air, or one like 5600K, #dfe6ee, dusk"
    )
    patches: float = Param(0.0, ge=0, le=1, help="how patchy: 1 has gaps and banks")
    softness: float = Param(0.0, ge=0, le=1, help="how much the fog blurs what it dims")

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.light.air import Seen, continued
        from depthfx.light.haze import hazy

        if not self.density:
            return scene
        camera = scene.camera
        told = scene.depth.scale_error is not None or scene.depth.model_error is None
        depth = scene.depth if told else continued(scene.depth)
        up = self._up(scene)
        seen = Seen.of(scene.photo.pixels, depth.surface, camera, up)
        haze = self._haze(scene, seen, up)
        pixels = hazy(
            scene.photo.pixels,
            depth,
            camera,
            haze,
            softness=self.softness,
            progress=lambda done: context.report("fog", done),
        )
        return scene.with_pixels(pixels).with_note(
            _words(haze, metric=depth.metric),
            extinction=haze.extinction,
            visibility=haze.visibility,
            airlight=[round(value, 4) for value in haze.airlight],
            visibility_metric=depth.metric,
        )

    def _up(self, scene: Scene) -> Vector:
        """Where up is, camera axes; only fog on the ground has to know it well."""
        from depthfx.light.haze import UP

        if self.height_m is None:
            return UP
        from depthfx.geometry.gravity import up_of

        vector = up_of(scene.depth.surface, scene.normals, scene.camera, scene.photo).vector
        x, y, z = (float(value) for value in vector)
        return x, y, z

    def _haze(self, scene: Scene, seen: Seen, up: Vector) -> Haze:
        from dataclasses import replace

        from depthfx.light.air import haze_for

        depth = scene.depth
        self.check_metric(depth, "visibility_m", "height_m")
        haze = haze_for(
            seen,
            self.density,
            self._airlight(seen),
            up,
            visibility_m=self.visibility_m,
            height_m=self.height_m,
            metric=depth.metric,
        )
        return replace(haze, patches=self.patches)

    def _airlight(self, seen: Seen) -> Colour:
        import numpy as np

        from depthfx.light.air import PALE, airlight_named, airlight_of
        from depthfx.photo.colour import LUMINANCE

        own = airlight_of(seen, pale=PALE if self.density > 0 else 0.0)
        if self.colour == "auto":
            return own
        return airlight_named(self.colour, float(np.array(own) @ LUMINANCE))


def _words(haze: Haze, *, metric: bool) -> str:
    from depthfx.optics.focus import distance_words

    if haze.extinction == 0:
        return "no haze found to take away"
    sight = distance_words(haze.visibility) if metric else f"{haze.visibility:.3g} (relative depth)"
    return f"{'fog' if haze.extinction > 0 else 'took away haze'} of visibility {sight}"
