"""Training pairs from plain folders: photos with depth, with a subject's matte, or both.

A folder is a source: pictures and an `index.json` that says what they are (described for
its authors in `docs/training.md`). Photo, depth and matte stay compressed in memory, as
bytes of JPEG and PNG, and are decoded each time they are drawn: about a millisecond each,
and a tenth of the memory.

Depth of any kind becomes 16-bit codes of inverse depth on a logarithmic scale: 0 is
unknown, 1..4089 go from 1/300 to 10, so neighbouring codes differ by 0.2 %. Metric codes
mean 1/m, relative ones mean inverse depth up to a factor, and up to a shift as well where
`shift_known` is false.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from depthfx.engine.depth_file import read_known
from depthfx.errors import DepthError, PhotoError

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]
Codes = NDArray[np.uint16]

NEAREST_CODE, NEAREST, FARTHEST = 4089, 10.0, 1 / 300
LONGEST = 640
"""Longer side of the pictures that are kept unless told otherwise; larger ones are shrunk."""


def encode_inverse(inverse: Plane, known: NDArray[np.bool_] | None = None) -> Codes:
    """16-bit codes of inverse depth (H, W); what is not `known` becomes 0.

    Inverse depth below 1/300, the sky's 0 too, becomes 1/300; above 10 it becomes 10.
    """
    position = np.log(np.clip(inverse, FARTHEST, NEAREST) / FARTHEST)
    codes = 1 + np.rint(position * (NEAREST_CODE - 1) / np.log(NEAREST / FARTHEST))
    return np.where(True if known is None else known, codes, 0).astype(np.uint16)


def decode_inverse(codes: Codes) -> Plane:
    """Inverse depth (H, W) float32 of 16-bit codes, 0 where unknown."""
    position = (np.maximum(codes, 1).astype(np.float32) - 1) / (NEAREST_CODE - 1)
    return np.where(codes > 0, FARTHEST * (NEAREST / FARTHEST) ** position, 0).astype(np.float32)


@dataclass(frozen=True)
class Pair:
    """A photo and what is known of it; pictures as bytes of JPEG or PNG."""

    name: str
    """The photo's file, for messages."""
    size: tuple[int, int]
    """(height, width) of its pictures."""
    photo: bytes
    codes: bytes | None = None
    """16-bit PNG of the size of the photo, None if no depth is known."""
    matte: bytes | None = None
    """8-bit PNG, None if nobody knows the subject."""
    focal_share: float | None = None
    """Focal length over the photo's width, None if unknown."""
    metric: bool = False
    """Codes mean 1/m, and the focal length is known."""
    shift_known: bool = True
    synthetic: bool = False
    sharp: bool = False
    """Depth breaks are where the picture has them, to the pixel."""
    kind: str = ""
    """Of the subject: person, people, animal or object."""

    def read_photo(self) -> Image:
        """(H, W, 3) uint8, RGB."""
        return self._decode(self.photo, cv2.IMREAD_COLOR_RGB, "photo")

    def read_codes(self) -> Codes:
        """(H, W) uint16, see the head of this module. Raises DepthError without depth."""
        codes = self._decode(self.codes, cv2.IMREAD_UNCHANGED, "depth")
        if codes.dtype != np.uint16 or codes.ndim != 2 or codes.max() > NEAREST_CODE:
            raise DepthError(
                f"depth of {self.name} is no 16-bit grey PNG of codes 0..{NEAREST_CODE}: if it "
                'holds plain depth, say "kind" and "unit" in index.json'
            )
        return codes

    def read_matte(self) -> Image:
        """(H, W) uint8. Raises DepthError without a matte."""
        return self._decode(self.matte, cv2.IMREAD_GRAYSCALE, "matte")

    def _decode(self, coded: bytes | None, flags: int, what: str) -> NDArray:
        pixels = None
        if coded:
            pixels = cv2.imdecode(np.frombuffer(coded, np.uint8), flags)
        if pixels is None:
            raise DepthError(f"{what} of {self.name} is missing or no picture")
        return pixels


class Item(BaseModel):
    """One photo; what is left out is as the folder says."""

    id: str
    width: int | None = None
    height: int | None = None
    fx: float | None = Field(None, gt=0)
    focal_px: float | None = Field(None, gt=0)
    focal_share: float | None = Field(None, gt=0)
    unit: str | None = None
    kind: str = ""
    synthetic: bool | None = None
    matte: bool | None = None


class Index(BaseModel):
    """What `index.json` says; other keys (where it comes from, terms) are the author's own."""

    kind: Literal["depth", "inverse", "codes", "matte"] | None = None
    unit: Literal["m", "mm", "1/m", "metric", "relative"] | None = None
    photo: str = "{id}.jpg"
    depth: str = "{id}.png"
    mask: str | None = None
    matte: str = "{id}_matte.png"
    focal_px: float | None = Field(None, gt=0)
    focal_share: float | None = Field(None, gt=0)
    synthetic: bool = False
    edges: bool = False
    shift_known: bool = True
    items: list[Item] = Field(min_length=1)

    @property
    def has_matte(self) -> bool:
        """Whether items have a matte beside their depth, unless they say otherwise."""
        return "matte" in self.model_fields_set


def read_folder(folder: Path, longest: int = LONGEST) -> list[Pair]:
    """All pairs of one source, their longer sides at most `longest` pixels.

    Raises DepthError or PhotoError that names the file.
    """
    path = folder / "index.json"
    try:
        index = Index.model_validate(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise DepthError(
            f"{path} cannot be read: {error.strerror}; a folder of training pairs needs one "
            "(docs/training.md)"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DepthError(f"{path}: {place}: {first['msg']}; see docs/training.md") from None
    except ValueError as error:
        raise DepthError(f"{path} is no JSON: {error}") from None
    kind = index.kind or ("codes" if any(item.unit for item in index.items) else "matte")
    return [_pair(folder, index, item, kind, longest) for item in index.items]


def _pair(folder: Path, index: Index, item: Item, kind: str, longest: int) -> Pair:
    path = folder / index.photo.format(id=item.id)
    photo = _bytes(path)
    if kind == "codes" and item.width and item.height:
        size = shown = (item.height, item.width)  # ours: small, and known without a look
    else:
        shown = _picture(path, photo).shape[:2]
        size = _fit(shown, longest) if kind != "codes" else shown
        photo = _resized(path, photo, size)
    unit = item.unit or index.unit
    focal_px = item.fx or item.focal_px or index.focal_px
    share = item.focal_share or index.focal_share or (focal_px / shown[1] if focal_px else None)
    truth = folder / index.depth.format(id=item.id)
    codes = matte = None
    if kind == "codes":
        codes = _bytes(truth)
    elif kind == "matte":
        matte = _resized(truth, _bytes(truth), size)
    else:
        codes = _coded(folder, index, item, unit, size)
    if kind != "matte" and (index.has_matte if item.matte is None else item.matte):
        matte_path = folder / index.matte.format(id=item.id)
        matte = _resized(matte_path, _bytes(matte_path), size)
    metric = codes is not None and unit != "relative"
    if metric and share is None:
        raise DepthError(
            f"{folder / 'index.json'}: item {item.id} has depth in {unit} but no focal length: "
            'give "focal_px" (of the photo as stored), or unit "relative"'
        )
    synthetic = index.synthetic if item.synthetic is None else item.synthetic
    return Pair(
        name=str(path),
        size=size,
        photo=photo,
        codes=codes,
        matte=matte,
        focal_share=share,
        metric=metric,
        shift_known=index.shift_known,
        synthetic=synthetic,
        sharp=synthetic or index.edges,
        kind=item.kind,
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{path} cannot be read: {error.strerror}") from None


def _picture(path: Path, coded: bytes, flags: int = cv2.IMREAD_COLOR) -> NDArray:
    pixels = cv2.imdecode(np.frombuffer(coded, np.uint8), flags) if coded else None
    if pixels is None:
        raise PhotoError(f"{path} is no picture that can be read: give a JPEG or PNG")
    return pixels


def _fit(size: tuple[int, ...], longest: int) -> tuple[int, int]:
    """(height, width) with a longer side of at most `longest`."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _resized(path: Path, coded: bytes, size: tuple[int, ...]) -> bytes:
    """A photo or a matte at `size`; the very bytes if it has that size."""
    pixels = _picture(path, coded, cv2.IMREAD_UNCHANGED)
    if pixels.shape[:2] == size:
        return coded
    pixels = _picture(path, coded, cv2.IMREAD_COLOR if pixels.ndim == 3 else cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(pixels, size[::-1], interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    return cv2.imencode(".jpg" if pixels.ndim == 3 else ".png", small, options)[1].tobytes()


def _coded(
    folder: Path, index: Index, item: Item, unit: str | None, size: tuple[int, int]
) -> bytes:
    """Depth of a plain file as codes, at the size that the photo is kept in."""
    path = folder / index.depth.format(id=item.id)
    if unit is None or unit == "metric":
        raise DepthError(
            f'{folder / "index.json"}: kind "{index.kind}" needs a "unit": m, mm, 1/m or relative'
        )
    if (unit == "1/m") != (index.kind == "inverse") and unit != "relative":
        raise DepthError(
            f'{folder / "index.json"}: kind "{index.kind}" and unit "{unit}" contradict each '
            'other: "depth" goes with m or mm, "inverse" with 1/m, both with relative'
        )
    polarity = "near-white" if index.kind == "inverse" else "far-white"
    depth, known = read_known(path, polarity=polarity, unit=unit)
    if index.mask:
        known = known & _mask(folder / index.mask.format(id=item.id), known.shape)
    if abs(known.shape[1] / known.shape[0] * size[0] / size[1] - 1) > 0.02:
        raise DepthError(
            f"{path} is {known.shape[1]} x {known.shape[0]}, its photo of another shape "
            f"({size[1]} x {size[0]} when shrunk): depth has to show what the photo shows"
        )
    codes = encode_inverse(depth.inverse, known)
    small = cv2.resize(codes, size[::-1], interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".png", small)[1].tobytes()


def _mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = cv2.imdecode(np.frombuffer(_bytes(path), np.uint8), cv2.IMREAD_GRAYSCALE)
    if mask is None or mask.shape != shape:
        raise DepthError(f"{path} is no mask of the size of its depth, {shape[1]} x {shape[0]}")
    return mask > 0


def check_folder(folder: Path) -> str:
    """Decode every picture of a source; one line on what is in it.

    Raises DepthError or PhotoError on the first one that is broken or does not fit.
    """
    pairs = read_folder(folder)
    with_depth = [pair for pair in pairs if pair.codes is not None]
    with_matte = [pair for pair in pairs if pair.matte is not None]
    for pair in pairs:
        shape = pair.read_photo().shape[:2]
        planes: list[NDArray] = [pair.read_codes()] if pair.codes is not None else []
        planes += [pair.read_matte()] if pair.matte is not None else []
        for plane in planes:
            if plane.shape != shape:
                raise DepthError(
                    f"{pair.name} is {shape[1]} x {shape[0]}, its depth or matte "
                    f"{plane.shape[1]} x {plane.shape[0]}: they have to be of one size"
                )
    megabytes = sum(len(p.photo) + len(p.codes or b"") + len(p.matte or b"") for p in pairs) / 1e6
    return (
        f"{folder}: {len(pairs)} photos, {len(with_depth)} with depth "
        f"({sum(pair.metric for pair in with_depth)} in metres), {len(with_matte)} with a matte, "
        f"{sum(pair.synthetic for pair in pairs)} synthetic, {megabytes:.0f} MB"
    )
