"""Layers as one glTF file: textured cards, the camera, and its move.

"glTF 2.0 Specification", Khronos, and its extension KHR_materials_unlit. A camera of glTF has an
even field of view that never changes: of a move, its place and direction are told, not a zoom, a
shift or a focus.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.export.cards import Card, View, cards_of, clip_m, quaternions, utf8, views_of
from depthfx.export.shot import Shot
from depthfx.layers.layers import Layer, Layers
from depthfx.photo.colour import srgb_space
from depthfx.photo.whole import written_whole
from depthfx.raster.resample import resize_area

LARGEST_TEXTURE = 4096
"""In px a side; what every device of the last ten years takes."""
PNG_LEVEL = 4
LEAST_WEIGHT = 1 / 1024
"""Of a colour where its alpha is 0, against 1 where it is opaque."""

COMPONENTS = {"float32": 5126, "uint16": 5123, "uint32": 5125}
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP_TO_EDGE = 9729, 9987, 33071
"""As OpenGL, and so glTF, numbers them."""

KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class Buffer:
    """The binary part of a glTF file, and what lies where in it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, data: bytes, target: int | None = None) -> int:
        """Put `data` at the end, and say which buffer view it is."""
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(data)}
        self.views.append(view if target is None else {**view, "target": target})
        self.data += data + bytes(-len(data) % 4)
        return len(self.views) - 1

    def add_array(self, array: NDArray[Any], target: int | None = None) -> int:
        """Put (N,) or (N, C) float32, uint16 or uint32 at the end, and say which accessor it is."""
        rows = array.reshape(len(array), -1)
        self.accessors.append(
            {
                "bufferView": self.add(rows.tobytes(), target),
                "componentType": COMPONENTS[rows.dtype.name],
                "count": len(rows),
                "type": KINDS[rows.shape[1]],
                "min": rows.min(0).tolist(),
                "max": rows.max(0).tolist(),
            }
        )
        return len(self.accessors) - 1


def write_gltf(
    layers: Layers,
    shot: Shot,
    path: Path,
    *,
    progress: Callable[[float], object] = lambda _share: None,
) -> None:
    """Write a binary glTF (.glb) to `path`; raises PhotoError if it cannot be written."""
    cards, views = cards_of(layers), views_of(layers, shot)
    buffer = Buffer()
    images = []
    for index, card in enumerate(cards):
        progress(index / len(cards))
        picture = buffer.add(_png(card.layer))
        images.append({"bufferView": picture, "mimeType": "image/png"})
    scene = _scene(cards, views, shot, buffer, images)
    write_binary(path, scene, buffer)
    progress(1.0)


def write_binary(path: Path, scene: dict[str, Any], buffer: Buffer) -> None:
    """Write a .glb of `scene`, to which what lies in `buffer` is added."""
    told = {
        **scene,
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.data)}],
    }
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    binary = bytes(buffer.data)
    with written_whole(path, overwrite=True) as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(binary)))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", len(binary), b"BIN\0") + binary)


def _scene(
    cards: tuple[Card, ...],
    views: tuple[View, ...],
    shot: Shot,
    buffer: Buffer,
    images: list[dict[str, Any]],
) -> dict[str, Any]:
    count = len(cards)
    camera = count + 1  # the node before it is the one to fly it by
    first = views[0]
    near, far = clip_m(cards, views)
    lens = {
        "yfov": 2 * math.atan(shot.height / 2 / first.camera.focal_px),
        "aspectRatio": shot.width / shot.height,
        "znear": near,
        "zfar": far,
    }
    turn = quaternions(np.stack([view.rotation for view in views]))[:, [1, 2, 3, 0]]
    place = np.stack([view.place for view in views])
    stand = {"translation": place[0].tolist(), "rotation": turn[0].tolist()}
    corners = buffer.add_array(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), ARRAY_BUFFER)
    faces = buffer.add_array(np.array([0, 3, 2, 0, 2, 1], np.uint16), ELEMENT_ARRAY_BUFFER)
    meshes = [_mesh(index, card, buffer, corners, faces) for index, card in enumerate(cards)]
    scene: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "depthfx"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"name": utf8(shot.name), "nodes": list(range(count + 1))}],
        "nodes": [
            *(
                {"name": utf8(card.layer.name), "mesh": i, "translation": card.centre.tolist()}
                for i, card in enumerate(cards)
            ),
            {"name": "Fly", "children": [camera]},
            {"name": "Camera", "camera": 0, **stand},
        ],
        "cameras": [{"type": "perspective", "perspective": lens}],
        "meshes": meshes,
        "materials": [_material(index, card) for index, card in enumerate(cards)],
        "textures": [{"source": index, "sampler": 0} for index in range(count)],
        "samplers": [
            {
                "magFilter": LINEAR,
                "minFilter": LINEAR_MIPMAP_LINEAR,
                "wrapS": CLAMP_TO_EDGE,
                "wrapT": CLAMP_TO_EDGE,
            }
        ],
        "images": images,
    }
    if len(views) > 1:
        scene["animations"] = [_animation(place, turn, shot, camera, buffer)]
    return scene


def _mesh(index: int, card: Card, buffer: Buffer, corners: int, faces: int) -> dict[str, Any]:
    points = (card.corners - card.centre).astype(np.float32)
    places = {"POSITION": buffer.add_array(points, ARRAY_BUFFER), "TEXCOORD_0": corners}
    part = {"attributes": places, "indices": faces, "material": index}
    return {"name": utf8(card.layer.name), "primitives": [part]}


def _material(index: int, card: Card) -> dict[str, Any]:
    surface = {"baseColorTexture": {"index": index}, "metallicFactor": 0, "roughnessFactor": 1}
    return {
        "name": utf8(card.layer.name),
        "pbrMetallicRoughness": surface,
        "alphaMode": "BLEND",
        "doubleSided": True,
        "extensions": {"KHR_materials_unlit": {}},
    }


def _animation(
    place: NDArray[np.float64],
    turn: NDArray[np.float64],
    shot: Shot,
    node: int,
    buffer: Buffer,
) -> dict[str, Any]:
    """A key a frame, straight between them."""
    times = buffer.add_array((np.arange(len(place)) / shot.fps).astype(np.float32))
    # Rounded to float32 a quaternion is to be of length 1 within 5e-7; it is.
    values = {"translation": place, "rotation": turn}
    samplers = [
        {
            "input": times,
            "output": buffer.add_array(rows.astype(np.float32)),
            "interpolation": "LINEAR",
        }
        for rows in values.values()
    ]
    channels = [
        {"sampler": n, "target": {"node": node, "path": path}} for n, path in enumerate(values)
    ]
    name = utf8(shot.move.name) if shot.move else "still"
    return {"name": name, "samplers": samplers, "channels": channels}


def _png(layer: Layer) -> bytes:
    """8-bit sRGB with straight alpha, made smaller where it is larger than devices take."""
    pixels, alpha = layer.pixels, layer.alpha
    longest = max(alpha.shape)
    if longest > LARGEST_TEXTURE:
        height, width = (max(side * LARGEST_TEXTURE // longest, 1) for side in alpha.shape)
        # Colours weigh as much as is seen of them, and a little where nothing is.
        weight = np.maximum(alpha, np.float32(LEAST_WEIGHT))
        pixels = resize_area(pixels * weight[..., None], (height, width))
        pixels = pixels / resize_area(weight, (height, width))[..., None]
        alpha = resize_area(alpha, (height, width))
    codes = np.dstack([srgb_space().encode(pixels, 8), np.rint(255 * alpha).astype(np.uint8)])
    done, coded = cv2.imencode(
        ".png", codes[..., [2, 1, 0, 3]], [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL]
    )
    assert done
    return coded.tobytes()
