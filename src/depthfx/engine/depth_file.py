"""Depth from a file the user gives: arrays and pictures, in whatever unit they are.

Nothing in a PNG says whether white is near or far, nor in an array whether it holds
metres. What is not told is inferred, and what was inferred stands in `Depth.origin`.

    EXR channel Z (also depth.Z)   metres along the optical axis
    float or integer array, TIFF,
    other EXR channel              most values in 0.05 to 1000, not within 0..1: metres
    PFM                            relative, larger is nearer: disparity or inverse depth
    16-bit picture                 holes of 0, the rest within 200..65534: millimetres
    anything else                  relative, white near

What `engine.depth_write` wrote has a sidecar that tells, and comes back as it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.errors import DepthError
from depthfx.inpaint.pushpull import push_pull

Polarity = Literal["near-white", "far-white"]
Unit = Literal["m", "mm", "1/m", "relative"]
Known = NDArray[np.bool_]

ARRAY_NAMES = ("depth", "inverse", "disparity")
MILLIMETRES = (200, 65534)
"""A sensor's range; a map stretched to all codes reaches 65535."""
HOLES = 0.001
"""Share of zeros from which on a 16-bit picture is taken for a sensor's, with holes."""
INFINITE_M = 1e10
"""How Blender writes an infinite depth; from a tenth of that on it is read as one."""


@dataclass(frozen=True)
class _Stored:
    """What a file holds, as it is stored.

    picture : integer codes up to `top`; name : of the array, or what the format stands for
    """

    values: NDArray[np.float32]
    kind: str
    picture: bool
    name: str = ""
    top: float = 1.0


def read_depth(
    path: str | Path,
    *,
    polarity: str | None = None,
    unit: str | None = None,
    near_m: float | None = None,
    far_m: float | None = None,
) -> Depth:
    """Depth of one file: .npy, .npz, PNG, TIFF, JPEG, PFM or OpenEXR.

    polarity : 'near-white' (larger is nearer: inverse depth) or 'far-white' (larger is
        farther: depth); None: inferred
    unit : 'm', 'mm', '1/m' or 'relative'; None: inferred
    near_m, far_m : depths in metres of the nearest and farthest values, which make
        relative values metric; `far_m` may be infinite

    With none of these told, the sidecar `<path>.json` of a file that depthfx wrote is
    believed: depth comes back as it was, to the last bit from inverse depth in an array, to
    the last bit but one from metres, to half a code from a PNG or TIFF picture.

    NaN and negative values are unknown and filled from around; so is 0 in a map of depth.
    Infinite depth is inverse depth 0. Raises DepthError if the file cannot be read or
    what is told of it contradicts itself.
    """
    depth, known = read_known(path, polarity=polarity, unit=unit, near_m=near_m, far_m=far_m)
    if known.all():
        return depth
    filled = np.maximum(push_pull(depth.inverse, known.astype(np.float32)), 0)
    if depth.metric:
        return replace(depth, inverse=filled)
    return Depth.relative(filled, depth.origin)


def read_known(
    path: str | Path,
    *,
    polarity: str | None = None,
    unit: str | None = None,
    near_m: float | None = None,
    far_m: float | None = None,
) -> tuple[Depth, Known]:
    """`read_depth` without filling: the depth, and where it is known, bool (H, W)."""
    path = Path(path)
    _check_words(path, polarity, unit, near_m, far_m)
    stored = _read(path)
    if polarity is None and unit is None and near_m is None and (told := _sidecar(path)):
        depth = _as_told(path, stored, told)
        return depth, np.ones(depth.shape, bool)
    stored = _one_surface(path, stored)
    polarity, unit, inferred = _meaning(stored, polarity, unit, near_m is not None)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse, known = _inverse(path, stored, polarity, unit, near_m, far_m)
    if not known.any():
        raise DepthError(f"{path.name} holds no depth at all: every value is unknown")
    origin = f"file {path.name}, {stored.kind}, read as {_words(polarity, unit, near_m, far_m)}"
    origin += " (inferred)" if inferred else ""
    inverse = np.maximum(inverse, 0)
    if unit == "relative" and near_m is None:
        return Depth.relative(inverse, origin), known
    return Depth(inverse, True, origin), known


def read_sparse(path: str | Path) -> tuple[Depth, Known]:
    """Metric depth of a file with holes, and where it is known: bool (H, W).

    Holes are 0, negative or NaN, and hold no depth to believe. Raises DepthError if the file
    cannot be read or holds no metres.
    """
    depth, known = read_known(path)
    if not depth.metric:
        raise DepthError(
            f"{Path(path).name} gives no scale: {depth.origin}; give metres, as .npy, .npz, .exr "
            "or float .tif, or millimetres as a 16-bit PNG with 0 where nothing is known"
        )
    return depth, known


def _check_words(
    path: Path, polarity: str | None, unit: str | None, near_m: float | None, far_m: float | None
) -> None:
    for name, word, words in (
        ("polarity", polarity, get_args(Polarity)),
        ("unit", unit, get_args(Unit)),
    ):
        if word is not None and word not in words:
            raise DepthError(f"{name}={word!r} for {path.name} is not one of {', '.join(words)}")
    if (unit == "1/m" and polarity == "far-white") or (
        unit in ("m", "mm") and polarity == "near-white"
    ):
        raise DepthError(
            f"unit={unit} and polarity={polarity} for {path.name} contradict each "
            "other: metres grow with distance, 1/m with nearness"
        )
    if (near_m is None) != (far_m is None):
        raise DepthError(f"near_m and far_m for {path.name} belong together: give both or none")
    if near_m is not None and far_m is not None and not 0 < near_m < far_m:
        raise DepthError(
            f"near_m={near_m} and far_m={far_m} for {path.name}: "
            "expected 0 < near_m < far_m, in metres"
        )
    if near_m is not None and unit not in (None, "relative"):
        raise DepthError(
            f"near_m and far_m for {path.name} give a scale to relative values, "
            f"but unit={unit} has one already: leave one of them out"
        )


def _read(path: Path) -> _Stored:
    readers = {
        ".npy": _read_npy,
        ".npz": _read_npz,
        ".png": _read_picture,
        ".tif": _read_picture,
        ".tiff": _read_picture,
        ".jpg": _read_picture,
        ".jpeg": _read_picture,
        ".pfm": _read_pfm,
        ".exr": _read_exr,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DepthError(
            f"{path.name} is no depth file that can be read: expected one of {', '.join(readers)}"
        )
    if not path.is_file():
        raise DepthError(f"{path} is not there, or not a file")
    try:
        return reader(path)
    except DepthError:
        raise
    except Exception as error:  # whatever a decoder raises on a broken file
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DepthError(f"{path.name} cannot be read as depth: {reason}") from error


def _read_npy(path: Path) -> _Stored:
    return _from_array(path, np.load(path, allow_pickle=False))


def _read_npz(path: Path) -> _Stored:
    with np.load(path, allow_pickle=False) as arrays:
        names = [name for name in ARRAY_NAMES if name in arrays.files] or arrays.files
        if len(names) != 1:
            raise DepthError(
                f"{path.name} holds {', '.join(arrays.files) or 'nothing'}: expected "
                f"one array, or one named {', '.join(ARRAY_NAMES)}"
            )
        return _from_array(path, arrays[names[0]], names[0])


def _from_array(path: Path, array: NDArray[np.generic], name: str = "") -> _Stored:
    array = np.squeeze(array)
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "fiu":
        raise DepthError(
            f"{path.name} holds {array.shape} {array.dtype}: expected a "
            "(height, width) array of numbers"
        )
    kind = f"array {name!r}, {array.dtype}" if name else str(array.dtype)
    with np.errstate(over="ignore"):
        return _Stored(array.astype(np.float32), kind, False, name)


def _read_picture(path: Path) -> _Stored:
    """All channels; which of them is depth, the sidecar or `_one_surface` says."""
    coded = np.fromfile(path, np.uint8)
    flags = cv2.IMREAD_UNCHANGED
    pixels = cv2.imdecode(coded, flags) if coded.size else None
    if pixels is None:
        raise DepthError(f"{path.name} cannot be read: damaged, or not a PNG, TIFF or JPEG picture")
    if pixels.dtype.kind == "f":
        return _Stored(pixels.astype(np.float32), "float", False)
    bits = 8 * pixels.dtype.itemsize
    return _Stored(pixels.astype(np.float32), f"{bits} bit", True, "", 2.0**bits - 1)


def _read_pfm(path: Path) -> _Stored:
    """Portable float map: rows from below, the sign of its scale tells the byte order."""
    with path.open("rb") as file:
        kind = file.readline(16).strip()
        size, scale = file.readline(64).split(), file.readline(64).strip()
        channels = {b"Pf": 1, b"PF": 3}.get(kind)
        if channels is None or len(size) != 2:
            raise DepthError(f"{path.name} cannot be read: damaged, or not a PFM file")
        columns, rows = (int(side) for side in size)
        order = "<" if float(scale) < 0 else ">"
        values = np.frombuffer(file.read(), f"{order}f4")
    if rows < 1 or columns < 1 or values.size != rows * columns * channels:
        raise DepthError(f"{path.name} is cut short: it should hold {columns} x {rows} values")
    values = values.reshape(rows, columns, channels)[::-1].astype(np.float32)
    return _Stored(np.squeeze(values, 2) if channels == 1 else values, "PFM", False, "disparity")


def _read_exr(path: Path) -> _Stored:
    """The channel Z, depth.Z or another that ends in .Z; else Y, or R, G, B if they are grey."""
    import OpenEXR

    with OpenEXR.File(str(path), separate_channels=True) as file:
        planes = {name: channel.pixels for name, channel in file.channels().items()}
    deep = sorted(name for name in planes if name == "Z" or name.endswith(".Z"))
    if deep:
        values = planes[deep[0]].astype(np.float32)
        values = np.where(values >= INFINITE_M / 10, np.float32(np.inf), values)
        return _Stored(values, f"EXR channel {deep[0]}", False, "metres")
    if "Y" in planes or len(planes) == 1:
        name = "Y" if "Y" in planes else next(iter(planes))
        return _Stored(planes[name].astype(np.float32), f"EXR channel {name}", False)
    if not {"R", "G", "B"} <= planes.keys():
        raise DepthError(
            f"{path.name} holds the channels {', '.join(sorted(planes))}: expected Z, Y or grey RGB"
        )
    colours = np.dstack([planes[name].astype(np.float32) for name in "RGB"])
    return _Stored(colours, "EXR", False)


def _one_surface(path: Path, stored: _Stored) -> _Stored:
    """`stored` as one channel; raises DepthError if its channels are colours."""
    if stored.values.ndim == 2:
        return stored
    colours = stored.values[..., :3]
    if stored.values.shape[2] >= 3 and (colours != colours[..., :1]).any():
        raise DepthError(f"{path.name} is a colour picture: expected grey levels")
    return replace(stored, values=np.ascontiguousarray(colours[..., 0]))


def _sidecar(path: Path) -> dict[str, Any] | None:
    """What `<path>.json` says of `path`; None if there is none of ours."""
    beside = path.with_name(path.name + ".json")
    try:
        told = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    quantity = str(told.get("quantity", "")) if isinstance(told, dict) else ""
    return told if quantity.startswith(("inverse depth", "depth along")) else None


def _as_told(path: Path, stored: _Stored, told: dict[str, Any]) -> Depth:
    try:
        values = _where_told(stored, str(told.get("where", "")))
        if stored.picture or "white_inverse" in told:
            black, white = float(told["black_inverse"]), float(told["white_inverse"])
            values = np.float32(black) + values * np.float32((white - black) / stored.top)
        metric = {"1/m": True, "m": True, "relative": False}[told["unit"]]
        if told["unit"] == "m":
            if not (values > 0).all():
                raise ValueError("depth of no metres")
            values = np.float32(1) / values
        if not (np.isfinite(values).all() and values.min() >= 0):
            raise ValueError("negative or infinite inverse depth")
    except (KeyError, TypeError, ValueError) as error:
        raise DepthError(
            f"{path.name}.json does not fit {path.name} ({error}): remove it, "
            "or say what the file holds with its unit and polarity"
        ) from error
    origin = f"file {path.name}, {stored.kind}, as its .json says"
    return Depth(np.ascontiguousarray(values, np.float32), metric, origin)


def _where_told(stored: _Stored, where: str) -> Plane:
    """The part of what is stored that is depth; the rest is the photo."""
    values = stored.values
    if where == "right half":
        values = values[:, values.shape[1] // 2 :]
    if values.ndim == 3:
        values = values[..., -1 if where == "last channel" else 0]
    return values


def _meaning(
    stored: _Stored, polarity: str | None, unit: str | None, scaled: bool
) -> tuple[Polarity, Unit, bool]:
    """Polarity, unit, and whether anything of them was inferred."""
    if unit is None:
        unit = "relative" if scaled else _infer_unit(stored, polarity)
        if unit == "relative" and polarity is not None:
            return polarity, unit, not scaled  # type: ignore[return-value]
        inferred = True
    else:
        inferred = unit == "relative" and polarity is None
    if polarity is None:
        far = unit in ("m", "mm") or (unit == "relative" and stored.name == "depth")
        polarity = "far-white" if far else "near-white"
    return polarity, unit, inferred  # type: ignore[return-value]


def _infer_unit(stored: _Stored, polarity: str | None) -> Unit:
    values = stored.values[np.isfinite(stored.values) & (stored.values > 0)]
    if stored.name == "metres":
        return "m"
    if values.size == 0 or polarity == "near-white" or stored.name == "disparity":
        return "relative"
    if stored.name == "inverse":
        return "1/m"
    if stored.picture:
        holes = 1 - values.size / stored.values.size
        low, high = MILLIMETRES
        sensor = stored.top == 65535 and holes > HOLES
        return "mm" if sensor and values.min() >= low and values.max() <= high else "relative"
    low, high = np.percentile(values, [5, 95])
    return "m" if high > 1.2 and low > 0.05 and high < 1000 else "relative"


def _inverse(
    path: Path,
    stored: _Stored,
    polarity: Polarity,
    unit: Unit,
    near_m: float | None,
    far_m: float | None,
) -> tuple[Plane, Known]:
    """Inverse depth, and where it is known."""
    values = stored.values
    if unit in ("m", "mm"):
        known = values > 0  # NaN is not
        metres = values * np.float32(0.001 if unit == "mm" else 1)
        return _finite(1 / metres, known), known
    if unit == "1/m":
        known = (values >= 0) & np.isfinite(values)
        return np.where(known, values, 0), known
    known = np.isfinite(values)
    if near_m is None and polarity == "far-white" and not stored.picture:
        # An array of depth in an unknown unit: a scale is missing, not a zero.
        known = values > 0
        return _finite(1 / values, known), known
    if not known.any():
        return np.zeros_like(values), known
    low, high = (
        (0.0, stored.top)
        if stored.picture
        else (float(values[known].min()), float(values[known].max()))
    )
    if high <= low:
        raise DepthError(f"{path.name} holds one value only, {high:g}: no relative depth in that")
    nearness = (np.where(known, values, low) - low) / np.float32(high - low)
    if polarity == "far-white":
        nearness = 1 - nearness
    if near_m is None or far_m is None:
        return nearness.astype(np.float32), known
    nearest, farthest = 1 / near_m, 1 / far_m
    return (farthest + nearness * (nearest - farthest)).astype(np.float32), known


def _finite(inverse: NDArray, known: Known) -> Plane:
    """Nothing infinite, nothing unknown in it: those become 0."""
    return np.where(known & np.isfinite(inverse), inverse, 0).astype(np.float32)


def _words(polarity: Polarity, unit: Unit, near_m: float | None, far_m: float | None) -> str:
    if unit == "relative":
        side = "white near" if polarity == "near-white" else "white far"
        scale = f"{near_m:g} to {far_m:g} m" if near_m is not None else "relative depth"
        return f"{scale}, {side}"
    return {"m": "metres", "mm": "millimetres", "1/m": "1/m"}[unit]
