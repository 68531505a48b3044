"""Layers as OpenEXR: linear light, Rec. 709 primaries, premultiplied, distances in metres.

Parts and channels are named as Nuke names its own, so that it finds each layer by the name of its
part: `rgba` and `depth` for the picture, `layer_1` (the farthest) and so on, each with R, G, B, A
and Z. All parts have one data window, since Nuke refuses files whose parts differ in it; what
is empty costs next to nothing when packed.

"Reading and Writing OpenEXR Image Files", "Technical Introduction to OpenEXR", openexr.com.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx import machine
from depthfx.depth import Plane
from depthfx.engine.depth_file import INFINITE_M
from depthfx.errors import ParameterError, PhotoError
from depthfx.layers.layers import Layer, Layers
from depthfx.layers.over import composite
from depthfx.photo.formats.exr import LARGEST_HALF, REC_709

Channels = dict[str, NDArray[Any]]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in px of the photo; right and bottom are the first outside."""


def box_of(layer: Layer) -> Box:
    """Where a layer lies in the photo."""
    height, width = layer.alpha.shape
    return layer.left, layer.top, layer.left + width, layer.top + height


def metres(inverse: Plane) -> Plane:
    """Distance along the axis in metres, or the unit of a relative depth; 1e10: infinitely far."""
    return np.reciprocal(np.maximum(inverse, np.float32(1 / INFINITE_M)))


def part_name(index: int) -> str:
    """Of the layer at `index`, the farthest 0: letters that every program takes."""
    return f"layer_{index + 1}"


def check_linear(layers: Layers) -> None:
    """Raise ParameterError if the layers were cut to be laid over each other in codes."""
    if layers.blend != "linear":
        raise ParameterError(
            f"blend={layers.blend!r}: Nuke, Blender and Fusion lay layers over each other in "
            "linear light; cut them with blend='linear'"
        )


def write_card(path: Path, layer: Layer) -> None:
    """A layer alone, the file as large as it is: R, G, B, A.

    Raises PhotoError if the file cannot be written.
    """
    height, width = layer.alpha.shape
    own = replace(layer, left=0, top=0)
    box = (0, 0, width, height)
    _write(path, [("", _header(box, box), _colours(own, box))])


def write_parts(
    path: Path, layers: Layers, inverse: Plane, *, progress: Callable[[float], object]
) -> None:
    """The whole picture, its depth and every layer as parts of one file.

    inverse : (H, W) float32, inverse depth of the photo, one surface a pixel
    progress : hears the share of the layers that are ready to be written

    Raises PhotoError if the file cannot be written.
    """
    camera = layers.camera
    frame = (0, 0, camera.width, camera.height)
    boxes = np.array([frame, *map(box_of, layers.layers)])
    window: Box = (*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist())
    header = _header(frame, window)
    pixels, cover = composite(layers)
    whole = Layer("", pixels, cover, inverse, 1.0)
    parts = [
        ("rgba", header, _colours(whole, window)),
        ("depth", header, {"Z": _distances(whole, window)}),
    ]
    for index, layer in enumerate(layers.layers):
        progress(index / len(layers.layers))
        channels = {**_colours(layer, window), "Z": _distances(layer, window)}
        parts.append((part_name(index), header, channels))
    _write(path, parts)


def _colours(layer: Layer, window: Box) -> Channels:
    """R, G, B premultiplied, and A, on a data window: half, or float where half ends at 65504."""
    most = max(float(layer.pixels.max()), -float(layer.pixels.min()))
    kind = np.float16 if most <= LARGEST_HALF else np.float32
    shape, inside = _place(layer, window)
    channels: Channels = {name: np.zeros(shape, kind) for name in "RGBA"}
    for c, name in enumerate("RGB"):
        light = channels[name][inside]
        np.multiply(layer.pixels[..., c], layer.alpha, out=light, casting="same_kind")
    channels["A"][inside] = layer.alpha
    return channels


def _distances(layer: Layer, window: Box) -> Plane:
    """Metres to a layer's surface on a data window, infinitely far around it."""
    shape, inside = _place(layer, window)
    distances = np.full(shape, INFINITE_M, np.float32)
    distances[inside] = metres(layer.inverse)
    return distances


def _place(layer: Layer, window: Box) -> tuple[tuple[int, int], tuple[slice, slice]]:
    """Height and width of a data window, and where a layer lies in it."""
    left, top, right, bottom = window
    x0, y0, x1, y1 = box_of(layer)
    inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    return (bottom - top, right - left), inside


def _header(frame: Box, window: Box) -> dict[str, Any]:
    import OpenEXR

    return {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "chromaticities": REC_709,
        "displayWindow": _corners(frame),
        "dataWindow": _corners(window),
    }


def _corners(box: Box) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First and last pixel, as OpenEXR counts."""
    left, top, right, bottom = box
    return np.array([left, top], np.int32), np.array([right - 1, bottom - 1], np.int32)


def _write(path: Path, parts: Sequence[tuple[str, dict[str, Any], Channels]]) -> None:
    """Name ("" of a part alone), header and channels of each; raises PhotoError."""
    import OpenEXR

    made = [OpenEXR.Part(dict(header), channels, name) for name, header, channels in parts]
    try:
        with path.open("xb") as file:
            OpenEXR.File(made, num_threads=machine.threads()).write(file)
    except (OSError, RuntimeError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or error
        raise PhotoError(f"{path}: cannot be written: {words}") from error
