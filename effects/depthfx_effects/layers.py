"""A photo as layers that a camera can move through.

Each layer is cut where depth really breaks, soft at hair, without its neighbours' colours, and what
it hides is painted on the layers behind, as far as `move` needs it. At rest they are the photo.
What programs get: docs/after-effects.md, docs/nuke-blender.md. Belongs last in a chain; lens
effects after it blur each layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from depthfx import Channel, Context, Effect, Param, Scene
from depthfx.errors import ParameterError
from depthfx_effects.camera_move import CameraMove

if TYPE_CHECKING:
    from pathlib import Path

    from depthfx.layers.layers import Layer


class Layers(CameraMove):
    """Cut the photo into layers with a moving camera, for After Effects and others."""

    name: ClassVar[str] = "layers"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    for_: Literal["after-effects", "photoshop", "nuke", "blender", "fusion"] = Param(
        "after-effects", help="the program that opens them"
    )
    count: int | None = Param(
        None, ge=1, le=8, help="layers; none: as many as the scene has breaks for"
    )

    @property
    def endings(self) -> tuple[str, ...]:
        from depthfx.export.programs import PROGRAMS

        return PROGRAMS[self.for_].endings

    def for_path(self, path: Path) -> Effect:
        from depthfx.export.programs import PROGRAMS
        from depthfx.photo.encode import WRITTEN

        suffix = path.suffix.lower()
        files = {ending: name for name, program in PROGRAMS.items() for ending in program.endings}
        if self.endings == ("",) and suffix and suffix in {*files, *WRITTEN}:
            other = f"; --for {files[suffix]} writes one" if suffix in files else ""
            raise ParameterError(
                f"{path}: layers for {self.for_} are a folder, and this is a file's name{other}"
            )
        PROGRAMS[self.for_].check(path)
        return super().for_path(path)

    def apply(self, scene: Scene, context: Context) -> Scene:
        from dataclasses import replace

        from depthfx.export.programs import PROGRAMS, write_layers
        from depthfx.export.shot import Shot
        from depthfx.inpaint.learned import painting
        from depthfx.layers.cut import layers_of
        from depthfx.product import Product

        stage, program = self.stage(scene), PROGRAMS[self.for_]
        move, seconds = self.camera_move(scene, stage)
        width, height = self.frame or (scene.camera.width, scene.camera.height)
        name = scene.photo.path.stem if scene.photo.path else "photo"
        shot = Shot(name, width, height, self.fps, seconds, move, stage.pivot_inverse)
        layers = layers_of(
            scene.photo,
            scene.depth,
            scene.camera,
            scene.matte,
            count=self.count,
            reach_px=stage.reach_px,
            blend=program.blend,
            progress=lambda done: context.report("layers", done),
            paint=painting(self.painter),
        )

        def write(final: Scene, path: Path) -> None:
            write_layers(
                final, program, shot, path, progress=lambda done: context.report("writing", done)
            )

        cut = replace(scene, layers=layers).with_product(Product("layers", write, self.endings))
        words = "1 layer" if len(layers.layers) == 1 else f"{len(layers.layers)} layers"
        facts = [_facts(layer) for layer in layers.layers]
        cut = cut.with_note(
            f"{words} for {self.for_}",
            layers=facts,
            move=move.name,
            frames=shot.frames,
            size=[width, height],
        )
        for note in layers.notes:
            cut = cut.with_note(note)
        return self.with_limits_told(cut, stage, move)


def _facts(layer: Layer) -> dict[str, Any]:
    """What `--json` says of a layer: its name, its card's distance, its place in the photo."""
    height, width = layer.alpha.shape
    return {
        "name": layer.name,
        "distance": 1 / layer.card_inverse,
        "box": [layer.left, layer.top, width, height],
    }
