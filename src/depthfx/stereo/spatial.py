"""Spatial photos: a HEIC with a picture for each eye, as Apple's headsets show them.

The pictures are coded by libheif; what makes a pair of them are boxes: a group of two items, and
for each the camera's focal length, where it stands, and how far the pictures are moved against
each other for the screen. The cameras stand side by side and their pictures are not moved, as the
headset moves them itself, and not when it shows the scene at its true size.

ISO/IEC 23008-12:2025 (`ster`, `cmin`, `cmex`); Apple, "Creating spatial photos and videos with
spatial metadata". The box of the movement is Apple's own: a number of ten-thousandths of the
width, told by the photos of its devices.
"""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from depthfx.camera import Camera
from depthfx.errors import ShapeError
from depthfx.photo.boxes import HEAD_BYTES, Item, Items, Property, boxes, brands, read_items
from depthfx.photo.formats.coded_picture import TURNS
from depthfx.photo.formats.heif import (
    BT601_MATRIX,
    SRGB,
    UNSPECIFIED,
    X265_PRESET,
    X265_QUALITY,
    write_with_metadata,
)
from depthfx.photo.stored import Stored, own_range
from depthfx.stereo.pairs import Row

APPLE_DISPARITY = bytes.fromhex("de22508536cb436587432f8705e7c78a")
TEN_THOUSANDTHS = 10_000
MICROMETRES = 1_000_000
INTRINSICS_SHIFT = 24
"""Intrinsics are whole numbers of 1 / 2^24 of the width and height: good to 0.001 px, and room for
lenses of any length."""
POSITION_X = 1
ILOC_HEADER, ILOC_ENTRY, ILOC_PLACE = 8, 16, 8
"""Bytes before the places of the items, of each, and before what says where its data begin."""
EYES_APART_M = 0.064
"""What is told of a pair of unknown scale: shown at the scale at which eyes would see it so."""


def write_spatial(
    file: BinaryIO,
    left: Stored,
    right: Stored,
    pair: Row,
    *,
    screen_inverse: float,
    metric: bool,
    quality: int = 95,
) -> tuple[str, ...]:
    """Write a spatial photo to `file`, whose plain picture is the left eye's.

    left, right : 8 or 10 bit RGB, of one size; with the same profile
    pair : see `pairs.parallel_pair`; its pictures are not moved
    screen_inverse : inverse depth that a headset's window shows at its own distance
    metric : whether the baseline of `pair` is in metres

    Returns what had to be left out, a line each.

    Raises ShapeError if the pictures of `pair` are moved, or are not of one size.
    """
    if pair.screen_inverse or left.codes.shape[:2] != right.codes.shape[:2]:
        raise ShapeError("a spatial photo is of two pictures of one size that are not moved")
    coded = _coded(left, quality)
    items = read_items(coded)
    first, other = items.primary, read_items(_coded(right, quality))
    second = max(items.by_number) + 1
    shift = pair.camera.focal_px * pair.baseline_m * screen_inverse / pair.camera.width
    baseline_m = pair.baseline_m if metric else EYES_APART_M
    eyes = {
        first: _placed(items[first], pair.camera, 0.0, shift),
        second: _placed(other[other.primary], pair.camera, baseline_m, shift),
    }
    if right.icc:  # the left eye's is written with the metadata
        eyes[second] = _described(eyes[second], (Property(b"colr", b"prof" + right.icc),))
    whole = io.BytesIO()
    left_out = write_with_metadata(
        whole, Items(first, {**items.by_number, **eyes}), brands(coded[:HEAD_BYTES]), left
    )
    order = [*items.by_number, second]  # items are numbered anew, in their order
    file.write(_as_pair(whole.getvalue(), (order.index(first) + 1, order.index(second) + 1)))
    return left_out


def _coded(stored: Stored, quality: int) -> bytes:
    """A HEIC of the colours alone. Chroma at half size: what is not, few devices decode."""
    import pillow_heif

    deep = stored.bit_depth > 8
    primaries, transfer = UNSPECIFIED if stored.icc else stored.cicp or SRGB
    file = io.BytesIO()
    pillow_heif.encode(
        f"RGB;{stored.bit_depth}" if deep else "RGB",
        (stored.width, stored.height),
        (own_range(stored.codes, stored.bit_depth) if deep else stored.codes).tobytes(),
        file,
        quality=round(float(np.interp(quality, *X265_QUALITY))),
        chroma=420,
        bit_depth=stored.bit_depth,
        enc_params={"preset": X265_PRESET},
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=BT601_MATRIX,
        full_range_flag=1,
    )
    return file.getvalue()


def _placed(item: Item, camera: Camera, x_m: float, shift: float) -> Item:
    """`item` with what is told of its camera, which stands at `x_m`.

    shift : how far the pictures are moved apart, as a share of the width
    """
    assert camera.cx is not None
    assert camera.cy is not None
    # Of what is coded, of which an odd size is the first rows and columns.
    width, height = struct.unpack_from(">II", item.said(b"ispe") or b"", 4)
    shares = (camera.focal_px / width, camera.cx / width, camera.cy / height)
    intrinsics = [round(share * (1 << INTRINSICS_SHIFT)) for share in shares]
    position = [round(x_m * MICROMETRES)] if x_m else []
    told = (
        Property(b"cmin", struct.pack(">I3i", INTRINSICS_SHIFT << 8, *intrinsics)),
        Property(
            b"cmex", struct.pack(f">I{len(position)}i", len(position) * POSITION_X, *position)
        ),
        Property(b"uuid", APPLE_DISPARITY + struct.pack(">i", round(shift * TEN_THOUSANDTHS))),
    )
    return _described(item, told)


def _described(item: Item, told: tuple[Property, ...]) -> Item:
    """`item` with more said of it: before what turns and crops it, which has to come last."""
    turns = tuple(said for said in item.properties if said.kind in TURNS)
    rest = tuple(said for said in item.properties if said.kind not in TURNS)
    return replace(item, properties=(*rest, *told, *turns))


def _as_pair(data: bytes, eyes: tuple[int, int]) -> bytes:
    """The HEIC `data`, as `boxes.write_items` writes one, with its items `eyes` grouped as the left
    and the right picture of a stereo pair."""
    group = max(read_items(data).by_number) + 1
    ster = struct.pack(">I4s5I", 28, b"ster", 0, group, 2, *eyes)
    grpl = struct.pack(">I4s", 8 + len(ster), b"grpl") + ster
    meta = next(box for box in boxes(data) if box.kind == b"meta")
    iloc = next(box for box in boxes(data, meta.start + 4, meta.end) if box.kind == b"iloc")
    grown = bytearray(data)
    struct.pack_into(">I", grown, meta.start - 8, meta.end - meta.start + 8 + len(grpl))
    for at in range(iloc.start + ILOC_HEADER, iloc.end, ILOC_ENTRY):
        (place,) = struct.unpack_from(">I", data, at + ILOC_PLACE)
        struct.pack_into(">I", grown, at + ILOC_PLACE, place + len(grpl))
    return bytes(grown[: meta.end]) + grpl + bytes(grown[meta.end :])
