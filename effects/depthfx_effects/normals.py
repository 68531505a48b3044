"""Which way surfaces face, as a normal map.

From depth and focal length, exact on planes, without tilted rims; docs/normals.md. `detail` adds
the picture's fine relief. What stands after it in a chain, as relight, uses these normals; with
`to` chain they only go there, and the picture is what is written.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import field_validator

from depthfx import Channel, Context, Effect, Param, Scene
from depthfx.effect import NOWHERE

if TYPE_CHECKING:
    from pathlib import Path

    from depthfx.geometry.up import Up


class Normals(Effect):
    """Write which way surfaces face as a normal map, or hand it on to relight."""

    name: ClassVar[str] = "normals"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    where: None = NOWHERE
    detail: float = Param(
        0.0, ge=0, le=1, help="how much of the picture's fine relief is added to the depth's shape"
    )
    axes: Literal["opengl", "world"] = Param(
        "opengl", help="opengl: y up in the picture; world: y up from the ground"
    )
    green: Literal["up", "down"] = Param(
        "up", help="up as in OpenGL, Blender, Unity, or down as in DirectX, Unreal"
    )
    bits: Literal["8", "16"] = Param("16", help="of a PNG or TIFF; an EXR is 32-bit float")
    to: Literal["file", "chain"] = Param(
        "file", help="a normal map, or no file: for the effects after it alone"
    )

    @field_validator("bits", mode="before")
    @classmethod
    def _in_digits(cls, bits: object) -> object:
        """From Python and in a recipe it is rather a number."""
        return str(bits) if isinstance(bits, int) else bits

    @property
    def endings(self) -> tuple[str, ...]:
        return (".png", ".tif", ".tiff", ".exr") if self.to == "file" else ()

    @property
    def ends_chain(self) -> bool:
        return self.to == "file"

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.export.normal_map import write_normal_map
        from depthfx.geometry.gravity import up_of
        from depthfx.geometry.relief import with_relief
        from depthfx.geometry.up import to_world
        from depthfx.product import Product

        photo, camera = scene.photo, scene.camera
        inverse = scene.depth.surface
        smooth = scene.channels.normals(camera)
        normals = with_relief(smooth, photo.pixels, camera, inverse, self.detail)
        context.report("normals", 1.0)
        scene = replace(scene, relief=normals)
        if self.to == "chain":
            return scene.with_note("normals for the effects after this one, none written")
        up = up_of(inverse, smooth, camera, photo) if self.axes == "world" else None

        def write(_: Scene, path: Path) -> None:
            turned = None if up is None else to_world(up)
            write_normal_map(
                path,
                normals,
                green=self.green,
                bits=int(self.bits),
                alpha=photo.alpha,
                to_world=turned,
            )

        scene = scene.with_product(Product("normals.png", write, self.endings))
        return scene.with_note(
            f"{self.axes} axes{_words(up)}, green {self.green}",
            axes=self.axes,
            green=self.green,
            focal_px=camera.focal_px,
            up=None if up is None else up.vector,
        )


def _words(up: Up | None) -> str:
    return "" if up is None else f" (up from {up.origin}, confidence {up.confidence:.0%})"
