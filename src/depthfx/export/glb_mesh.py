"""A mesh as one glTF file, with the photo on it and the camera that took it.

"glTF 2.0 Specification", Khronos, and its extension KHR_materials_unlit. A camera of glTF looks
through the middle of its picture: a principal point elsewhere is told in the `extras` only.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from depthfx.export.cards import quaternions, utf8
from depthfx.export.gltf import (
    ARRAY_BUFFER,
    CLAMP_TO_EDGE,
    ELEMENT_ARRAY_BUFFER,
    LINEAR,
    LINEAR_MIPMAP_LINEAR,
    Buffer,
    write_binary,
)
from depthfx.export.space import OPENGL, Space
from depthfx.export.texture import jpeg
from depthfx.geometry.mesh import Mesh
from depthfx.photo.photo import Pixels

UNLIT = "KHR_materials_unlit"


def write_glb(mesh: Mesh, pixels: Pixels, space: Space, path: Path, *, lit: bool = False) -> None:
    """Write a binary glTF (.glb) to `path`; raises PhotoError if it cannot be written.

    pixels : (H, W, 3) float32, linear light, the texture
    lit : a matt surface for the program's lights; else it shows the photo as it is
    """
    buffer = Buffer()
    part = {
        "attributes": {
            "POSITION": buffer.add_array(space.turned(mesh.points), ARRAY_BUFFER),
            "NORMAL": buffer.add_array(space.normals(mesh.normals), ARRAY_BUFFER),
            "TEXCOORD_0": buffer.add_array(mesh.texture_places.astype(np.float32), ARRAY_BUFFER),
        },
        "indices": buffer.add_array(mesh.faces.astype(np.uint32).ravel(), ELEMENT_ARRAY_BUFFER),
        "material": 0,
    }
    picture = buffer.add(jpeg(pixels))
    name = utf8(space.name)
    surface = {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1}
    material: dict[str, Any] = {"name": name, "pbrMetallicRoughness": surface, "doubleSided": True}
    scene: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "depthfx", "extras": space.facts},
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0, 1]}],
        "nodes": [{"name": name, "mesh": 0}, _camera_node(space)],
        "cameras": [_camera(mesh, space)],
        "meshes": [{"name": name, "primitives": [part]}],
        "materials": [material],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [
            {
                "magFilter": LINEAR,
                "minFilter": LINEAR_MIPMAP_LINEAR,
                "wrapS": CLAMP_TO_EDGE,
                "wrapT": CLAMP_TO_EDGE,
            }
        ],
        "images": [{"bufferView": picture, "mimeType": "image/jpeg"}],
    }
    if not lit:
        material["extensions"] = {UNLIT: {}}
        scene["extensionsUsed"] = [UNLIT]
    write_binary(path, scene, buffer)


def _camera(mesh: Mesh, space: Space) -> dict[str, Any]:
    camera = space.camera
    lens = {
        "yfov": 2 * math.atan(camera.height / 2 / camera.focal_px),
        "aspectRatio": camera.width / camera.height,
        "znear": 0.1 / float(mesh.inverse.max()),
        "zfar": 10 / float(mesh.inverse.min()),
    }
    return {"name": "Camera", "type": "perspective", "perspective": lens}


def _camera_node(space: Space) -> dict[str, Any]:
    """A camera of glTF looks along its own -z; its x is right and its y up."""
    turn = quaternions((space.rotation @ OPENGL)[None])[0, [1, 2, 3, 0]]
    return {"name": "Camera", "camera": 0, "rotation": turn.tolist()}
