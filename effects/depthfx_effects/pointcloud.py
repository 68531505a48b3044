"""The photo as points in space.

Each point has its place in metres, the normal of its surface and its colour. Left out are sky,
pixels between two surfaces, and what is very far. What is in the file: docs/point-clouds.md.
Belongs last in a chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from depthfx import Channel, Context, Param, Scene
from depthfx.errors import DepthError
from depthfx_effects.in_space import InSpace, extent

if TYPE_CHECKING:
    from pathlib import Path


class PointCloud(InSpace):
    """Put the photo into space as points with colours and normals, a PLY file."""

    name: ClassVar[str] = "pointcloud"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    points: int = Param(
        4_000_000,
        ge=100,
        le=200_000_000,
        help="at most so many; neighbours on one surface become one",
    )

    @property
    def endings(self) -> tuple[str, ...]:
        return (".ply",)

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.export.ply import write_cloud
        from depthfx.geometry.cloud import cloud_of, solid
        from depthfx.geometry.turntable import turntable_of_cloud
        from depthfx.product import Product

        depth, camera = scene.depth, scene.camera
        told, there = self.there(scene)
        told, space = self.space(told)
        context.report("points", 0.0)
        cloud = cloud_of(
            scene.photo.pixels,
            depth.surface,
            camera,
            scene.normals,
            there=there & solid(depth, camera),
            most=self.points,
        )
        if not len(cloud.inverse):
            raise DepthError(
                "pointcloud: every pixel shows two surfaces at once; try another model"
            )
        context.report("points", 1.0)

        def write(_final: Scene, path: Path) -> None:
            write_cloud(cloud, space, path)

        size = extent(space.turned(part.points) for part in cloud.parts())
        number = len(cloud.inverse)
        told = told.with_note(f"{number:,} points", points=number, extent=size)
        told = self.with_turntable(
            told,
            lambda: turntable_of_cloud(cloud, lambda done: context.report("turntable", done)),
        )
        return told.with_product(Product("pointcloud.ply", write, self.endings))
