"""Film grain that follows depth: more of it far away, or near, finer or coarser.

Grain draws the eye off what has much of it, and makes what has none look close and clear. The
same photo always gets the same grain. Belongs last in a chain: film sees what the lens has drawn.
"""

from __future__ import annotations

from typing import ClassVar

from depthfx import Channel, Context, Effect, Param, Scene


class Grain(Effect):
    """Film grain that follows depth."""

    name: ClassVar[str] = "grain"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    near: float = Param(0.35, ge=0, le=4, help="strength near; 1 is a fast film")
    far: float = Param(1.0, ge=0, le=4, help="strength far")
    near_size: float = Param(1.0, ge=0.2, le=8, help="size of the grains near; 1 is a fast film")
    far_size: float = Param(1.6, ge=0.2, le=8, help="size of the grains far")
    colour: float = Param(0.3, ge=0, le=1, help="0 for black and white grain, 1 for a colour film")
    from_share: float = Param(
        0.2, ge=0, le=1, help="share of the way to the farthest up to which all is near"
    )
    to_share: float = Param(0.8, ge=0, le=1, help="share of it from where on all is far")
    seed: int = Param(0, ge=0, le=2**31, help="another number, other grain of the same kind")

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.errors import ParameterError
        from depthfx.light.near_to_far import inverse_at, nearness, reach_of
        from depthfx.light.two_surfaces import mean_level
        from depthfx.optics.film_grain import grainy

        if not (self.near or self.far):
            return scene
        if self.from_share > self.to_share:
            raise ParameterError(
                f"grain: from_share={self.from_share} is beyond to_share={self.to_share}"
            )
        depth = scene.depth
        reach = reach_of(depth.surface)
        start, end = (inverse_at(share, reach) for share in (self.from_share, self.to_share))
        share = mean_level(depth, lambda inverse: nearness(inverse, start, end))
        context.report("grain", 0.3)
        pixels = grainy(
            scene.photo.pixels,
            share,
            near=self.near,
            far=self.far,
            near_size=self.near_size,
            far_size=self.far_size,
            colour=self.colour,
            seed=self.seed,
        )
        context.report("grain", 1.0)
        return scene.with_pixels(pixels).with_note(
            f"grain {self.near:g} near, {self.far:g} far", grain_seed=self.seed
        )
