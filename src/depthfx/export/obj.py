"""A mesh as a Wavefront OBJ file, with its material and its texture beside it.

"Wavefront Advanced Visualizer", appendices B1 (object files) and B2 (material files). Other
programs look for the files that an OBJ names in its own folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.export.space import Space
from depthfx.export.texture import jpeg
from depthfx.geometry.mesh import Mesh
from depthfx.photo.photo import Pixels
from depthfx.photo.whole import check_target, written_whole

ROWS = 65536
"""Formatted at a time."""


def beside(path: Path) -> tuple[Path, Path]:
    """The files of the material and of the texture of an OBJ at `path`.

    Words in a line of an OBJ end at blanks, so their names have none.
    """
    stem = "".join(c if c.isprintable() and not c.isspace() else "_" for c in path.stem)
    return path.with_name(f"{stem}.mtl"), path.with_name(f"{stem}-texture.jpg")


def write_obj(
    mesh: Mesh, pixels: Pixels, space: Space, path: Path, *, source: Path | None = None
) -> None:
    """Write three files, or none; the one at `path` takes its name last, see `beside`.

    pixels : (H, W, 3) float32, linear light, the texture
    source : the photo's file, which is never written over

    Where there is an OBJ already, its companions may be replaced with it; files of their names
    that belong to no OBJ may not. Raises PhotoError.
    """
    material, texture = beside(path)
    replacing = path.exists()
    for companion in (material, texture):
        check_target(companion, overwrite=replacing, source=source)
    points, normals = space.turned(mesh.points), space.normals(mesh.normals)
    u, v = mesh.texture_places.T
    corners = (mesh.faces + 1).repeat(3, axis=1)
    told = [f"# {key}: {words}" for key, words in space.facts.items()]
    head = ["# written by depthfx", *told, f"mtllib {material.name}", "o photo"]
    # Illumination 1: it has a colour and no highlights.
    surface = ["newmtl photo", "Kd 1 1 1", "Ks 0 0 0", "illum 1", f"map_Kd {texture.name}"]
    # No file takes its name before all three are there: a full disk leaves none of them.
    with (
        written_whole(path, overwrite=True, source=source) as shape,
        written_whole(material, overwrite=replacing, source=source) as library,
        written_whole(texture, overwrite=replacing, source=source) as picture,
    ):
        picture.write(jpeg(pixels))
        library.write(("\n".join(surface) + "\n").encode())
        shape.write(("\n".join(head) + "\n").encode())
        for text in (
            *_lines("v %.8g %.8g %.8g\n", points),
            *_lines("vt %.8g %.8g\n", np.column_stack([u, 1 - v])),
            *_lines("vn %.5g %.5g %.5g\n", normals),
            "usemtl photo\ns 1\n",
            *_lines("f %d/%d/%d %d/%d/%d %d/%d/%d\n", corners),
        ):
            shape.write(text.encode("ascii"))
        for file in (picture, library, shape):
            file.flush()


def _lines(form: str, rows: NDArray[Any]) -> list[str]:
    parts = [rows[n : n + ROWS] for n in range(0, len(rows), ROWS)]
    return [(form * len(part)) % tuple(part.ravel().tolist()) for part in parts]
