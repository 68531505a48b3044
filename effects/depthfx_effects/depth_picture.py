"""Depth as something to look at.

Belongs last in a chain: it replaces the picture.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from depthfx import Channel, Context, Effect, Param, Scene


class DepthPicture(Effect):
    """Show depth in grey or colour, near bright."""

    name: ClassVar[str] = "depth-picture"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    colours: Literal["inferno", "turbo", "viridis", "grey"] = Param(
        "inferno", help="colour map, near to far"
    )
    near_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="nearest distance told apart (metric depth)"
    )
    far_m: float | None = Param(
        None, ge=0.01, le=100_000, unit="m", help="farthest distance told apart (metric depth)"
    )

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.raster.colormap import colour_map

        depth = scene.depth
        near = 1 / self.near_m if self.near_m and depth.metric else None
        far = 1 / self.far_m if self.far_m and depth.metric else None
        return scene.with_pixels(colour_map(depth.surface, self.colours, far, near))
