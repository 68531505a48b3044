"""The photo as a textured surface for 3D programs.

Cut where depth breaks, so that nothing hangs between near and far; behind near things is nothing.
From the photo's own camera, which a .glb has with it, it shows the photo. What is in the files and
how programs open them: docs/point-clouds.md. Belongs last in a chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from depthfx import Channel, Context, Effect, Param, Scene
from depthfx.errors import DepthError
from depthfx_effects.in_space import InSpace, extent

if TYPE_CHECKING:
    from pathlib import Path

    from depthfx.export.space import Space
    from depthfx.geometry.mesh import Mesh as Surface

CENTRED_PX = 0.5


class Mesh(InSpace):
    """Put the photo into space as a textured surface: glTF, OBJ or PLY."""

    name: ClassVar[str] = "mesh"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    as_: Literal["glb", "obj", "ply"] = Param(
        "glb", help="glTF in one file, OBJ with .mtl and texture beside it, PLY without texture"
    )
    triangles: int = Param(
        500_000, ge=100, le=20_000_000, help="at most so many; what is flat takes few"
    )
    lit: bool = Param(False, help="a matt surface for the program's lights, not the photo's light")

    @property
    def endings(self) -> tuple[str, ...]:
        """The suffix of the path decides; without one it is what `as_` says."""
        kinds = (".glb", ".obj", ".ply")
        return (f".{self.as_}", *(kind for kind in kinds if kind != f".{self.as_}"))

    def for_path(self, path: Path) -> Effect:
        return self.model_copy(update={"as_": path.suffix.lower().removeprefix(".")})

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.geometry.mesh import mesh_of
        from depthfx.geometry.turntable import turntable_of_mesh
        from depthfx.product import Product

        told, there = self.there(scene)
        told, space = self.space(told)
        mesh = mesh_of(
            scene.depth.surface,
            scene.camera,
            scene.normals,
            there=there,
            faces=self.triangles,
            progress=lambda done: context.report("mesh", done),
        )
        if not len(mesh.faces):
            height, width = scene.photo.shape
            raise DepthError(
                f"mesh: no piece of this photo ({width} x {height} px) is large enough for a "
                "surface; pointcloud takes single pixels"
            )

        def write(_final: Scene, path: Path) -> None:
            context.report("writing", 0.0)
            self._write(mesh, scene, space, path)
            context.report("writing", 1.0)

        told = told.with_note(
            f"{len(mesh.faces):,} triangles, off the depth by {mesh.mean:.2%} of the distance in "
            f"the mean, less than {mesh.most:.2%} but for one pixel in a hundred",
            triangles=len(mesh.faces),
            vertices=len(mesh.inverse),
            deviation_but_for_1_in_100=mesh.most,
            mean_deviation=mesh.mean,
            pieces_left_out=mesh.islands,
            extent=extent([space.turned(mesh.points)]),
        )
        if self.as_ == "glb" and not _centred(space):
            told = told.with_note("its camera looks through the middle, the photo's did not")
        told = self.with_turntable(
            told,
            lambda: turntable_of_mesh(
                mesh, scene.photo.pixels, lambda done: context.report("turntable", done)
            ),
        )
        return told.with_product(Product("mesh", write, self.endings))

    def _write(self, mesh: Surface, scene: Scene, space: Space, path: Path) -> None:
        pixels, suffix = scene.photo.pixels, path.suffix.lower()
        if suffix == ".obj":
            from depthfx.export.obj import write_obj

            write_obj(mesh, pixels, space, path, source=scene.photo.path)
        elif suffix == ".ply":
            from depthfx.export.ply import write_mesh

            write_mesh(mesh, pixels, space, path)
        else:
            from depthfx.export.glb_mesh import write_glb

            write_glb(mesh, pixels, space, path, lit=self.lit)


def _centred(space: Space) -> bool:
    camera = space.camera
    off = max(abs(camera.cx - camera.width / 2), abs(camera.cy - camera.height / 2))
    return off <= CENTRED_PX
