"""Normals as a file that other programs read.

A normal map is data, no colours: no profile, no gamma, no dithering.

    .png .tif   (n + 1) / 2 as codes of 8 or 16 bits: red to the right, green up (OpenGL) or down
                (DirectX), blue towards the viewer
    .exr        R, G, B as 32-bit float: the vectors themselves, -1 to 1, same axes

What the axes are stands in the file: PNG's text `Description`, TIFF's `ImageDescription`,
an attribute `depthfx` of EXR.

PNG (Third Edition), W3C 2023, 11.3.3 for texts.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from depthfx import __version__
from depthfx.depth import Plane
from depthfx.engine.depth_write import write_exr
from depthfx.export.space import OPENGL
from depthfx.geometry.normals import Normals
from depthfx.photo.colour import strips
from depthfx.photo.whole import written_whole

Green = Literal["up", "down"]
"""Which way green points: up as in OpenGL, or down as in DirectX."""
PNG_HEADER = 8 + 25
"""Bytes of a PNG's signature and first chunk."""


def write_normal_map(
    path: Path,
    normals: Normals,
    *,
    green: Green = "up",
    bits: int = 16,
    alpha: Plane | None = None,
    to_world: NDArray[np.floating] | None = None,
) -> None:
    """Write `normals` (H, W, 3) of camera axes, whole or not at all, replacing what is there.

    bits : 8 or 16, of PNG and TIFF
    alpha : (H, W) 0..1, written as it is
    to_world : (3, 3) rotation from camera axes to the world's, y up; None: as the camera is

    Raises PhotoError if the file cannot be written.
    """
    meaning = {
        "software": f"depthfx {__version__}",
        "axes": "opengl" if to_world is None else "world, y against gravity",
        "x": "right",
        "y": green,
        "z": "towards the viewer",
    }
    with written_whole(path, overwrite=True) as file:
        if path.suffix.lower() == ".exr":
            turned = vectors(normals, green, to_world)
            planes = {name: turned[..., k] for k, name in enumerate("RGB")}
            if alpha is not None:
                planes["A"] = alpha
            write_exr(planes, file, depthfx=json.dumps(meaning))
            return
        codes = coded(normals, green, bits, to_world)
        if alpha is not None:
            cover = np.rint(np.clip(alpha, 0, 1) * np.float32((1 << bits) - 1))
            codes = np.dstack([codes, cover.astype(codes.dtype)])
        file.write((_png if path.suffix.lower() == ".png" else _tiff)(codes, meaning))


def vectors(
    normals: Normals, green: Green = "up", to_world: NDArray[np.floating] | None = None
) -> Normals:
    """`normals` (H, W, 3) of camera axes in those of a map: right, up or down, to the viewer."""
    matrix = OPENGL if to_world is None else np.asarray(to_world, np.float64)
    if green == "down":
        matrix = np.diag([1.0, -1.0, 1.0]) @ matrix
    return np.asarray(normals @ matrix.T.astype(np.float32), np.float32)


def coded(
    normals: Normals,
    green: Green = "up",
    bits: int = 16,
    to_world: NDArray[np.floating] | None = None,
) -> NDArray[np.unsignedinteger[Any]]:
    """(H, W, 3) codes of `bits`: (n + 1) / 2, rounded."""
    half = np.float32(((1 << bits) - 1) / 2)
    kind = np.uint8 if bits == 8 else np.uint16
    out = np.empty(normals.shape, kind)
    for rows in strips(out):  # a picture of floats less
        strip = vectors(normals[rows], green, to_world)
        out[rows] = np.rint(np.clip(strip, -1, 1) * half + half)
    return out


def _png(codes: NDArray[Any], meaning: dict[str, str]) -> bytes:
    """OpenCV's PNG, which names no colours, and its meaning as a text after the header."""
    import cv2

    order = [2, 1, 0, 3][: codes.shape[2]]
    done, data = cv2.imencode(".png", codes[..., order], [cv2.IMWRITE_PNG_COMPRESSION, 4])
    assert done
    png = data.tobytes()
    text = b"tEXtDescription\0" + json.dumps(meaning).encode("latin-1")
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    return png[:PNG_HEADER] + chunk + png[PNG_HEADER:]


def _tiff(codes: NDArray[Any], meaning: dict[str, str]) -> bytes:
    import tifffile

    file = io.BytesIO()
    tifffile.imwrite(
        file,
        codes,
        photometric="rgb",
        compression="zlib",
        predictor=True,
        extrasamples=["unassalpha"] if codes.shape[2] == 4 else None,
        description=json.dumps(meaning),
        metadata=None,
        software=False,
    )
    return file.getvalue()
