"""Folders of photos with known depth or known mattes.

A folder is one source, or holds one per subfolder. Two layouts are read:

indexed    `index.json` names the items; `<id>.jpg` is the photo and `<id>.png` holds either
           inverse depth as 16-bit codes (`decoded`), or, where the items have no unit, a
           matte of 8 bits
plain      `<id>.jpg` (or .jpeg, .webp, .png, .tif, .tiff) is the photo, `<id>.npy` (or .npz,
           .exr, .pfm, .tif, .tiff, .png) its depth, `<id>.matte.png` its matte, one of the two at
           least; `<id>.json` may tell `unit`, `polarity`, `near_m`, `far_m` of the depth as
           `read_depth` takes them, `focal_px` in pixels of the photo, and whether the truth
           is fit for outlines (`edges`, else true)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.engine.depth_file import read_known
from depthfx.errors import DepthError, DepthfxError
from depthfx.photo.photo import Photo
from depthfx.photo.read import read_photo

Mask = NDArray[np.bool_]

PHOTOS = (".jpg", ".jpeg", ".webp", ".png", ".tif", ".tiff")
DEPTHS = (".npy", ".npz", ".exr", ".pfm", ".tif", ".tiff", ".png")
MATTE = ".matte.png"
TOLD: dict[str, type] = {
    "unit": str,
    "polarity": str,
    "near_m": float,
    "far_m": float,
    "focal_px": float,
    "edges": bool,
}
FARTHEST_CODE_M, NEAREST_CODE_M, LAST_CODE = 300.0, 0.1, 4089


@dataclass(frozen=True, eq=False)
class Pair:
    """A photo and what is known of its space.

    truth : (h, w) float32, inverse depth, 1/m if `metric`; 0 infinitely far; or None
    known : (h, w) bool, where `truth` is known
    metric : whether the scale of `truth` is known
    focal_px : the true focal length in pixels of the photo, or None
    edges : whether the truth is sharp and dense enough to score outlines
    matte : (H, W) float32 in 0..1, the subject in the photo's size, or None
    """

    photo: Photo
    truth: Plane | None = None
    known: Mask | None = None
    metric: bool = False
    focal_px: float | None = None
    edges: bool = True
    matte: Plane | None = None


@dataclass(frozen=True)
class Item:
    """A pair that is listed but not read yet; `load` raises a DepthfxError if it is bad."""

    source: str
    name: str
    load: Callable[[], Pair]


def pairs_in(folder: Path) -> list[Item]:
    """All pairs of a folder and its subfolders, by source and name.

    Raises DepthfxError if there are none.
    """
    if not folder.is_dir():
        raise DepthfxError(f"{folder} is no folder; give one of photos with their depth beside")
    folder = folder.resolve()
    try:
        inner = sorted(each for each in folder.iterdir() if each.is_dir())
        items = [item for source in (folder, *inner) for item in _source(source)]
    except OSError as error:
        raise DepthfxError(f"{error.filename} cannot be read: {error.strerror}") from None
    if not items:
        raise DepthfxError(
            f"{folder} holds no pairs: expected <id>.jpg with <id>{MATTE} or one of <id>"
            f"{', '.join(DEPTHS)} beside it, or folders with an index.json"
        )
    return items


def _source(folder: Path) -> Iterator[Item]:
    index = folder / "index.json"
    if index.is_file():
        try:
            told = json.loads(index.read_text(encoding="utf-8"))
            entries = [(Path(entry["id"]).name, dict(entry)) for entry in told["items"]]
            edges = bool(told.get("edges", True))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            yield Item(folder.name, index.name, partial(_refuse, index, error))
            return
        for name, entry in entries:
            yield Item(folder.name, name, partial(_indexed, folder, name, entry, edges))
        return
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in PHOTOS or path.name.endswith(MATTE):
            continue
        if path != _beside(path, PHOTOS):
            continue  # the depth of another photo
        depth, matte = _beside(path, DEPTHS), path.with_suffix(MATTE)
        if depth or matte.is_file():
            yield Item(folder.name, path.stem, partial(_plain, path, depth, matte))


def _beside(photo: Path, suffixes: tuple[str, ...]) -> Path | None:
    """The first file with the photo's stem and one of `suffixes`, for depth not the photo."""
    for suffix in suffixes:
        for found in (photo.with_suffix(suffix), photo.with_suffix(suffix.upper())):
            if found.is_file() and (suffixes is PHOTOS or found != photo):
                return found
    return None


def _refuse(index: Path, error: Exception) -> Pair:
    raise DepthError(f"{index} is no index ({_line(error)}): expected items, each with an id")


def _indexed(folder: Path, name: str, entry: dict[str, Any], edges: bool) -> Pair:
    path = folder / f"{name}.png"
    focal_px = _number(folder / "index.json", "fx", entry.get("fx"))
    photo = read_photo(folder / f"{name}.jpg", focal_px=focal_px)
    codes = _grey(path)
    if "unit" not in entry:
        return Pair(photo, focal_px=focal_px, matte=_matte(codes, photo, path))
    inverse, known = decoded(codes)
    if not known.any():
        raise DepthError(f"{path} holds no depth at all: every code is 0, unknown")
    return Pair(photo, inverse, known, entry["unit"] == "metric", focal_px, edges)


def decoded(codes: NDArray[Any]) -> tuple[Plane, Mask]:
    """Inverse depth, and where it is known, of the reference data's 16-bit codes.

    0 is unknown; 1..4089 are inverse depths spaced evenly in their logarithm from 1/300 to
    10, where 1 means 300 m or farther: here 0, infinitely far. Raises DepthError for other
    codes.
    """
    if codes.dtype != np.uint16 or codes.max(initial=0) > LAST_CODE:
        raise DepthError(f"codes are {codes.dtype} up to {codes.max()}: expected 16 bit to 4089")
    place = np.linspace(0, 1, LAST_CODE)
    table = np.zeros(LAST_CODE + 1, np.float32)
    table[1:] = (FARTHEST_CODE_M / NEAREST_CODE_M) ** place / FARTHEST_CODE_M
    table[1] = 0
    return table[codes], codes > 0


def _plain(path: Path, depth: Path | None, matte: Path) -> Pair:
    told = _told(path.with_suffix(".json"))
    photo = read_photo(path, focal_px=told.get("focal_px"))
    truth, known, metric = _truth(depth, told) if depth else (None, None, False)
    return Pair(
        photo,
        truth,
        known,
        metric,
        photo.camera.known_focal_px,
        bool(told.get("edges", True)),
        _matte(_grey(matte), photo, matte) if matte.is_file() else None,
    )


def _told(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DepthError(f"{path} cannot be read: {_line(error)}") from None
    if not isinstance(told, dict) or not told.keys() <= TOLD.keys():
        raise DepthError(f"{path}: expected an object with no more than {', '.join(TOLD)}")
    for name, kind in TOLD.items():
        if kind is float:
            told[name] = _number(path, name, told.get(name))
        elif name in told and not isinstance(told[name], kind):
            raise DepthError(f"{path}: {name}={told[name]!r} is no {kind.__name__}")
    return told


def _number(path: Path, name: str, value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise DepthError(f"{path}: {name}={value!r} is no number")


def _truth(path: Path, told: dict[str, Any]) -> tuple[Plane, Mask, bool]:
    """Inverse depth of a file, where it is known, and whether it is metric."""
    words = {key: told.get(key) for key in ("unit", "polarity", "near_m", "far_m")}
    depth, known = read_known(path, **words)
    return depth.inverse, known, depth.metric


def _grey(path: Path) -> NDArray[Any]:
    """A grey PNG as it is stored; raises DepthError."""
    coded = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
    try:
        pixels = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # no bytes, or more pixels than it takes
        pixels = None
    if pixels is None or pixels.ndim != 2:
        raise DepthError(f"{path} is missing, damaged or not a grey PNG")
    return pixels


def _matte(codes: NDArray[Any], photo: Photo, path: Path) -> Plane:
    if codes.shape != photo.shape:
        raise DepthError(f"{path} is {codes.shape}, the photo is {photo.shape}: expected one size")
    return (codes / np.float32(np.iinfo(codes.dtype).max)).astype(np.float32)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
