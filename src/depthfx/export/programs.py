"""The programs that layers are written for, and what stands beside the layers in every folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from depthfx.depth import Plane
from depthfx.engine.depth_write import sidecar
from depthfx.errors import ParameterError
from depthfx.export.shot import Shot
from depthfx.layers.layers import Blend, Layers
from depthfx.photo.whole import SIDECAR, written_folder
from depthfx.product import check_library, is_folder
from depthfx.scene import Scene

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Program:
    """One that opens layers.

    module : of this package, whose `export(layers, shot, path, depth=, progress=)` writes what the
        program opens: into an empty folder, or as one file
    blend : the values in which it lays layers over each other
    endings : see `Effect.endings`
    library : what has to be installed beside depthfx: module, its name, our extra that has it
    """

    module: str
    blend: Blend
    endings: tuple[str, ...] = ("",)
    library: tuple[str, str, str] | None = None

    def check(self, path: Path) -> None:
        """Raise ParameterError if `path` cannot be written for want of a library."""
        if self.library is not None:
            check_library(path, *self.library)

    def export(
        self, layers: Layers, shot: Shot, path: Path, *, depth: Plane, progress: Progress
    ) -> None:
        work = import_module(f"depthfx.export.{self.module}").export
        work(layers, shot, path, depth=depth, progress=progress)


PROGRAMS = {
    "after-effects": Program("after_effects", "encoded"),
    "photoshop": Program(
        "photoshop",
        "encoded",
        (".psd", ".psb"),
        ("psd_tools", "psd-tools", "photoshop"),
    ),
    "nuke": Program("nuke", "linear"),
    "blender": Program("blender", "linear"),
    "fusion": Program("fusion", "linear"),
}


def write_layers(
    scene: Scene, program: Program, shot: Shot, path: Path, *, progress: Progress
) -> None:
    """Write the layers of `scene` for `program` to `path`, whole or not at all, over what is there.

    Raises ParameterError if the picture was changed after it was cut, PhotoError if the files
    cannot be written.
    """
    layers = scene.layers
    if layers is None:
        raise ParameterError(
            "layers: an effect that stands after them has changed the picture; put layers last"
        )
    if not is_folder(path, program.endings):
        program.check(path)
        program.export(layers, shot, path, depth=scene.depth.surface, progress=progress)
        return
    with written_folder(path, overwrite=True, source=scene.photo.path) as folder:
        program.export(layers, shot, folder, depth=scene.depth.surface, progress=progress)
        facts = layers_facts(scene, layers, shot)
        text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / SIDECAR).write_text(text, encoding="utf-8")


def layers_facts(scene: Scene, layers: Layers, shot: Shot) -> dict[str, Any]:
    """What a program needs to know of a folder of layers: of its depth, its camera, each layer."""
    camera, source = scene.camera, scene.photo.path or Path("photo")
    return {
        **sidecar(scene.depth, camera, source),
        "unit": "m" if layers.metric else "relative",
        "blend": layers.blend,
        "reach_px": layers.reach_px,
        "move": shot.move.name if shot.move else None,
        "layers": [
            {
                "name": layer.name,
                "group": layer.group,
                "distance": 1 / layer.card_inverse,
                "left": layer.left,
                "top": layer.top,
                "width": layer.alpha.shape[1],
                "height": layer.alpha.shape[0],
            }
            for layer in layers.layers
        ],
    }
