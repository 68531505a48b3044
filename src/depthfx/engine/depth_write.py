"""Depth as files, each with a sidecar `<file>.json` that says what its numbers mean.

    .png              8 or 16 bit grey, inverse depth from black (farthest) to white
    .tif              8 or 16 bit the same, or 32 bit float
    .exr              float, channel Y (inverse depth) or Z (metres)
    .pfm .npy .npz    float

Floats are inverse depth (1/m, or relative) or metres along the optical axis. Infinitely far
is infinity in metres, except in EXR, where it is 1e10 as Blender has it. What other programs
want under other names and polarities is in `engine.targets`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx import __version__
from depthfx.camera import Camera
from depthfx.depth import Depth, Plane
from depthfx.engine.depth_file import INFINITE_M
from depthfx.engine.scale import metres_uncertainty
from depthfx.errors import DepthError
from depthfx.photo.whole import check_target, written_whole

Codes = NDArray[np.unsignedinteger[Any]]
Write = Callable[[BinaryIO], object]
NO_SCALE = (
    "this depth is relative and has no metres ({origin}); give it a scale, as by "
    "--scale-at 0.5,0.4=2.5m, --length or --scale-from, or use a metric model"
)


@dataclass(frozen=True, eq=False)
class Export:
    """One file to be written.

    write : puts it into an open file
    meaning : what its sidecar says of its numbers; None: it holds no depth, and gets none
    """

    path: Path
    write: Write
    meaning: dict[str, Any] | None


def write_png(array: Codes, file: BinaryIO) -> None:
    done, coded = cv2.imencode(".png", array, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    assert done
    file.write(coded.tobytes())


def write_tiff(array: NDArray[Any], file: BinaryIO) -> None:
    import tifffile

    tifffile.imwrite(file, array, photometric="minisblack", compression="zlib", metadata=None)


def write_exr(channels: dict[str, Plane], file: BinaryIO, **texts: str) -> None:
    """OpenEXR 2: one part of scan lines, 32-bit float, losslessly compressed.

    texts : attributes of its header
    """
    import OpenEXR

    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **texts}
    planes = {name: np.ascontiguousarray(plane, np.float32) for name, plane in channels.items()}
    OpenEXR.File(header, planes).write(file)


def write_pfm(plane: Plane, file: BinaryIO) -> None:
    """Portable float map: rows from below, little-endian."""
    height, width = plane.shape
    file.write(f"Pf\n{width} {height}\n-1.0\n".encode())
    file.write(plane[::-1].astype("<f4").tobytes())


def _write_npz(name: str, plane: Plane, file: BinaryIO) -> None:
    arrays: dict[str, Any] = {name: plane}
    np.savez_compressed(file, **arrays)


def metres_of(depth: Depth, infinite: float = float("inf")) -> Plane:
    """(H, W) float32 metres, one surface a pixel; raises DepthError if `depth` is relative."""
    if not depth.metric:
        raise DepthError(NO_SCALE.format(origin=depth.origin))
    with np.errstate(divide="ignore", over="ignore"):
        metres = 1 / depth.surface
    return np.where(metres < infinite, metres, np.float32(infinite))


def inverse_range(depth: Depth) -> tuple[float, float]:
    """Smallest and largest inverse depth, never the same."""
    low, high = float(depth.surface.min()), float(depth.surface.max())
    return (low, high) if high > low else (low, low + 1.0)


def grey(depth: Depth, *, white: Literal["near", "far"] = "near") -> tuple[Plane, dict[str, Any]]:
    """Inverse depth as grey 0..1 (H, W) float32, and what a sidecar says of that.

    Even in inverse depth, in which a lens's blur grows evenly on both sides of its focus.
    """
    low, high = inverse_range(depth)
    share = (depth.surface - np.float32(low)) / np.float32(high - low)
    black, top = (low, high) if white == "near" else (high, low)
    polarity = "near is large (white)" if white == "near" else "far is large (white)"
    meaning = {
        "quantity": "inverse depth along the optical axis",
        "unit": "1/m" if depth.metric else "relative",
        "polarity": polarity,
        "white_inverse": top,
        "black_inverse": black,
    }
    return (share if white == "near" else 1 - share), meaning


def as_codes(share: Plane, bits: int) -> Codes:
    """Grey 0..1 as codes of 8 or 16 bits."""
    return np.rint(share * ((1 << bits) - 1)).astype(np.uint8 if bits == 8 else np.uint16)


BITS = {
    ".png": (16, 8),
    ".tif": (16, 8, 32),
    ".tiff": (16, 8, 32),
    ".exr": (32,),
    ".pfm": (32,),
    ".npy": (32,),
    ".npz": (32,),
}
"""Bits a value that each container can hold, its own choice first; 32 is float."""


def check_container(path: Path, bits: int | None, values: str) -> int:
    """The bits that `path` will hold; raises DepthError if it cannot hold what is asked."""
    suffix = path.suffix.lower()
    if suffix not in BITS:
        raise DepthError(f"{path}: depth is written as {', '.join(BITS)}, not {suffix!r}")
    able = [width for width in BITS[suffix] if values == "inverse" or width == 32]
    if not able:
        raise DepthError(
            f"{path}: metres need floats, which {suffix} does not hold; use .tif, .exr, .pfm, "
            ".npy or .npz"
        )
    if bits is not None and bits not in able:
        raise DepthError(
            f"{path}: {bits} bits are not to be had for {values} in {suffix}, which has "
            f"{' or '.join(map(str, able))}"
        )
    return bits or able[0]


def plain_export(
    depth: Depth, path: Path, *, bits: int | None = None, values: str = "inverse"
) -> Export:
    """`depth` in the container that the suffix of `path` names; raises DepthError."""
    bits = check_container(path, bits, values)
    suffix = path.suffix.lower()
    if bits < 32:
        share, meaning = grey(depth)
        codes = as_codes(share, bits)
        writer = write_png if suffix == ".png" else write_tiff
        return Export(path, lambda file: writer(codes, file), {**meaning, "bits": bits})
    if values == "metres":
        plane, name = metres_of(depth, INFINITE_M if suffix == ".exr" else float("inf")), "depth"
        meaning = metres_meaning()
    else:
        plane, name = depth.surface, "inverse"
        _, meaning = grey(depth)
        meaning = {k: v for k, v in meaning.items() if not k.endswith("_inverse")}
    writers: dict[str, Write] = {
        ".exr": lambda file: write_exr({"Z" if name == "depth" else "Y": plane}, file),
        ".pfm": lambda file: write_pfm(plane, file),
        ".npy": lambda file: np.save(file, plane, allow_pickle=False),
        ".npz": lambda file: _write_npz(name, plane, file),
    }
    write = writers.get(suffix, lambda file: write_tiff(plane, file))
    return Export(path, write, {**meaning, "bits": 32})


def metres_meaning() -> dict[str, Any]:
    return {
        "quantity": "depth along the optical axis",
        "unit": "m",
        "polarity": "far is large (white)",
    }


def sidecar(depth: Depth, camera: Camera, source: Path) -> dict[str, Any]:
    """What is true of every file made from `depth`, the photo `source` and its `camera`."""
    low, high = inverse_range(depth)
    return {
        "photo": source.name,
        "metric": depth.metric,
        "nearest_m": 1 / high if depth.metric else None,
        "farthest_m": 1 / low if depth.metric and low > 0 else None,
        "metres_uncertainty": round(metres_uncertainty(depth, camera), 4) if depth.metric else None,
        "depth_from": depth.origin,
        "stamp": dict(depth.stamp),
        "focal_px": camera.focal_px,
        "f35_mm": camera.f35_mm,
        "focal_origin": str(camera.origin),
        "software": f"depthfx {__version__}",
    }


def sidecar_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def check_exports(exports: Sequence[tuple[Path, bool]], *, source: Path, overwrite: bool) -> None:
    """Raise PhotoError if a file, or its sidecar where it gets one, must not be written."""
    for path, told in exports:
        check_target(path, overwrite=overwrite, source=source)
        if told:
            check_target(sidecar_path(path), overwrite=overwrite, source=source)


def write_exports(
    exports: Sequence[Export],
    depth: Depth,
    camera: Camera,
    *,
    source: Path,
    overwrite: bool = False,
) -> list[Path]:
    """Write all files with their sidecars, or none; the paths written.

    Each is finished under a name of its own before the first takes its place. Raises
    PhotoError if one exists and `overwrite` is not set, or the disk is full.
    """
    check_exports(
        [(export.path, export.meaning is not None) for export in exports],
        source=source,
        overwrite=overwrite,
    )
    facts = sidecar(depth, camera, source)
    written = []
    with ExitStack() as stack:
        for export in exports:
            whole = written_whole(export.path, overwrite=overwrite, source=source)
            export.write(stack.enter_context(whole))
            written.append(export.path)
            if export.meaning is None:
                continue
            beside = sidecar_path(export.path)
            text = json.dumps({**export.meaning, **facts}, indent=1) + "\n"
            file = stack.enter_context(written_whole(beside, overwrite=overwrite, source=source))
            file.write(text.encode())
            written.append(beside)
    return written


def write_depth(
    depth: Depth,
    camera: Camera,
    path: Path,
    *,
    source: Path,
    overwrite: bool = False,
    bits: int | None = None,
    values: str = "inverse",
) -> list[Path]:
    """Write `depth` and its sidecar `<path>.json`, both or none; the paths written.

    bits : 8, 16 or 32 (float); None: as many as the container usually has
    values : "inverse" (1/m, or relative) or "metres", which only floats hold

    Raises DepthError if the container does not hold that, or metres are asked of relative
    depth, and PhotoError if a file exists and `overwrite` is not set.
    """
    export = plain_export(depth, path, bits=bits, values=values)
    return write_exports([export], depth, camera, source=source, overwrite=overwrite)
