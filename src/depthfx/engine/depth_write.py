"""Depth as files that other programs read, each with a sidecar that says what it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np

from depthfx import __version__
from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.errors import DepthError
from depthfx.photo.whole import check_target, written_whole


def _png(depth: Depth, file: BinaryIO) -> None:
    done, coded = cv2.imencode(".png", _codes(depth), [cv2.IMWRITE_PNG_COMPRESSION, 4])
    assert done
    file.write(coded.tobytes())


def _tiff(depth: Depth, file: BinaryIO) -> None:
    import tifffile

    tifffile.imwrite(file, _codes(depth), photometric="minisblack")


def _npy(depth: Depth, file: BinaryIO) -> None:
    np.save(file, depth.surface, allow_pickle=False)


def _npz(depth: Depth, file: BinaryIO) -> None:
    np.savez_compressed(file, inverse=depth.surface)


WRITERS: dict[str, Callable[[Depth, BinaryIO], None]] = {
    ".png": _png,
    ".tif": _tiff,
    ".tiff": _tiff,
    ".npy": _npy,
    ".npz": _npz,
}


def _range(depth: Depth) -> tuple[float, float]:
    """Smallest and largest inverse depth, never the same."""
    low, high = float(depth.surface.min()), float(depth.surface.max())
    return (low, high) if high > low else (low, low + 1.0)


def _codes(depth: Depth) -> np.ndarray[Any, np.dtype[np.uint16]]:
    low, high = _range(depth)
    share = (depth.surface - np.float32(low)) / np.float32(high - low)
    return np.rint(share * 65535).astype(np.uint16)


def sidecar(depth: Depth, camera: Camera, path: Path, source: Path) -> dict[str, Any]:
    """What the numbers in `path` mean."""
    coded = path.suffix.lower() not in (".npy", ".npz")
    low, high = _range(depth)
    meaning = {"white_inverse": high, "black_inverse": low} if coded else {}
    return {
        "photo": source.name,
        "quantity": "inverse depth along the optical axis",
        "unit": "1/m" if depth.metric else "relative",
        "polarity": "near is large (white)",
        "metric": depth.metric,
        **meaning,
        "nearest_m": 1 / high if depth.metric else None,
        "farthest_m": 1 / low if depth.metric and low > 0 else None,
        "depth_from": depth.origin,
        "focal_px": camera.focal_px,
        "focal_origin": str(camera.origin),
        "software": f"depthfx {__version__}",
    }


def write_depth(
    depth: Depth, camera: Camera, path: Path, *, source: Path, overwrite: bool = False
) -> list[Path]:
    """Write `depth` and its sidecar `<path>.json`, whole or not at all; the paths written.

    PNG and TIFF hold 16-bit inverse depth from black (farthest) to white (nearest);
    npy and npz hold inverse depth as it is. Raises DepthError for another suffix and
    PhotoError if a file exists and `overwrite` is not set.
    """
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise DepthError(f"{path}: depth is written as {', '.join(WRITERS)}, not {path.suffix!r}")
    beside = path.with_name(path.name + ".json")
    for target in (path, beside):
        check_target(target, overwrite=overwrite, source=source)
    with written_whole(path, overwrite=overwrite, source=source) as file:
        writer(depth, file)
    with written_whole(beside, overwrite=overwrite) as file:
        text = json.dumps(sidecar(depth, camera, path, source), indent=1) + "\n"
        file.write(text.encode())
    return [path, beside]
