"""Depth as something to look at.

Belongs last in a chain: it replaces the picture.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from depthfx import Channel, Context, Effect, Param, Scene

if TYPE_CHECKING:
    from depthfx.photo.photo import Pixels


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
    legend: bool = Param(False, help="a strip beside the picture says which colour is how far")

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.raster.colormap import colour_map, limits
        from depthfx.raster.legend import with_legend

        depth = scene.depth
        near = 1 / self.near_m if self.near_m and depth.metric else None
        far = 1 / self.far_m if self.far_m and depth.metric else None
        low, high = limits(depth.surface, far, near)
        pixels = colour_map(depth.surface, self.colours, low, high)
        if not self.legend:
            return scene.with_pixels(pixels)
        return _wider(scene, with_legend(pixels, self.colours, low, high, metric=depth.metric))


def _wider(scene: Scene, pixels: Pixels) -> Scene:
    """`scene` showing `pixels`, which go on to the right or below, where nothing is near."""
    import numpy as np

    from depthfx.scene import Channels

    height, width = scene.photo.shape
    more = ((0, pixels.shape[0] - height), (0, pixels.shape[1] - width))
    photo = scene.photo
    camera = replace(photo.camera, width=pixels.shape[1], height=pixels.shape[0])
    alpha = None if photo.alpha is None else np.pad(photo.alpha, more, constant_values=1)
    depth = scene.depth
    depth = replace(
        depth,
        inverse=np.pad(depth.inverse, more),
        behind=None if depth.behind is None else np.pad(depth.behind, more),
        coverage=None
        if depth.coverage is None
        else np.pad(depth.coverage, more, constant_values=1),
    )
    return replace(
        scene,
        photo=replace(photo, pixels=pixels, camera=camera, alpha=alpha),
        channels=Channels(lambda: depth, lambda: np.pad(scene.matte, more)),
        relief=None,
    )
