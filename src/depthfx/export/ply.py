"""PLY files: points, or a mesh with a colour at each vertex.

G. Turk, "The PLY Polygon File Format", 1994; names of properties as MeshLab, CloudCompare, Open3D
and Blender read them. Binary, little-endian.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.export.space import Space
from depthfx.geometry.cloud import Cloud
from depthfx.geometry.mesh import Mesh
from depthfx.photo.colour import srgb_space
from depthfx.photo.photo import Pixels
from depthfx.photo.whole import written_whole

PLACES = ("x", "y", "z")
NORMALS = ("nx", "ny", "nz")
COLOURS = ("red", "green", "blue")
TEXTURE = ("s", "t")
TYPES = {"<f4": "float", "|u1": "uchar"}

Records = NDArray[Any]


def write_cloud(cloud: Cloud, space: Space, path: Path) -> None:
    """Write points with normals and sRGB colours; raises PhotoError if it cannot be written."""
    records = _records(len(cloud.inverse), (*PLACES, *NORMALS), COLOURS)
    first = 0
    for part in cloud.parts():
        rows = records[first : first + len(part.inverse)]
        _fill(rows, PLACES, space.turned(part.points))
        _fill(rows, NORMALS, space.normals(part.normals))
        _fill(rows, COLOURS, srgb_space().encode(part.colours[:, None], 8)[:, 0])
        first += len(rows)
    _write(path, space, records)


def write_mesh(mesh: Mesh, pixels: Pixels, space: Space, path: Path) -> None:
    """Write triangles whose vertices have normals, places in the picture, and its sRGB colours.

    pixels : (H, W, 3) float32, linear light

    Between vertices colours are lost: formats with a texture keep all of the picture.
    """
    records = _records(len(mesh.inverse), (*PLACES, *NORMALS, *TEXTURE), COLOURS)
    _fill(records, PLACES, space.turned(mesh.points))
    _fill(records, NORMALS, space.normals(mesh.normals))
    u, v = mesh.texture_places.T
    _fill(records, TEXTURE, np.column_stack([u, 1 - v]))
    height, width = pixels.shape[:2]
    x, y = np.minimum(mesh.places.astype(np.int64), [width - 1, height - 1]).T
    _fill(records, COLOURS, srgb_space().encode(pixels[y, x][:, None], 8)[:, 0])
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    _write(path, space, records, faces)


def _records(number: int, floats: tuple[str, ...], bytes_: tuple[str, ...]) -> Records:
    return np.empty(number, [(n, "<f4") for n in floats] + [(n, "u1") for n in bytes_])


def _fill(records: Records, names: tuple[str, ...], columns: NDArray[Any]) -> None:
    for name, column in zip(names, columns.T, strict=True):
        records[name] = column


def _columns(records: Records) -> list[tuple[str, np.dtype[Any]]]:
    return [(name, records.dtype[name]) for name in records.dtype.names or ()]


def _write(path: Path, space: Space, records: Records, faces: Records | None = None) -> None:
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        "comment written by depthfx",
        *(f"comment {key}: {words}" for key, words in space.facts.items()),
        f"element vertex {len(records)}",
        *(f"property {TYPES[kind.str]} {name}" for name, kind in _columns(records)),
    ]
    if faces is not None:
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    with written_whole(path, overwrite=True) as file:
        file.write(("\n".join([*lines, "end_header"]) + "\n").encode("ascii"))
        file.write(records.data)
        if faces is not None:
            file.write(faces.data)
