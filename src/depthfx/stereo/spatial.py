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

import struct
from dataclasses import replace
from typing import BinaryIO

from depthfx.camera import Camera
from depthfx.errors import ShapeError
from depthfx.photo.boxes import HEAD_BYTES, Item, Items, Property, brands, read_items
from depthfx.photo.formats.coded_picture import TURNS
from depthfx.photo.formats.heif import coded_hevc, write_with_metadata
from depthfx.photo.stored import Stored
from depthfx.stereo.pairs import Row

APPLE_DISPARITY = bytes.fromhex("de22508536cb436587432f8705e7c78a")
TEN_THOUSANDTHS = 10_000
MICROMETRES = 1_000_000
FARTHEST = (1 << 31) - 1
"""Micrometres that fit: 2.1 km, and mountains are stereo from farther apart."""
INTRINSICS_SHIFT = 24
"""Intrinsics are whole numbers of 1 / 2^24 of the width and height: good to 0.001 px, and room for
lenses of any length."""
POSITION_X = 1
CHROMA = 420
"""Chroma at half size: what is not, few devices decode."""
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
    coded = coded_hevc(left, quality, CHROMA)
    items = read_items(coded)
    first, other = items.primary, read_items(coded_hevc(right, quality, CHROMA))
    second = max(items.by_number) + 1
    shift = pair.camera.focal_px * pair.baseline_m * screen_inverse / pair.camera.width
    baseline_m = pair.baseline_m if metric else EYES_APART_M
    eyes = {
        first: _placed(items[first], pair.camera, 0.0, shift),
        second: _placed(other[other.primary], pair.camera, baseline_m, shift),
    }
    if right.icc:  # the left eye's is written with the metadata
        eyes[second] = _described(eyes[second], (Property(b"colr", b"prof" + right.icc),))
    both = Items(first, {**items.by_number, **eyes}, ((b"ster", (first, second)),))
    return write_with_metadata(file, both, brands(coded[:HEAD_BYTES]), left)


def _placed(item: Item, camera: Camera, x_m: float, shift: float) -> Item:
    """`item` with what is told of its camera, which stands at `x_m`.

    shift : how far the pictures are moved apart, as a share of the width
    """
    # Of what is coded, of which an odd size is the first rows and columns.
    width, height = struct.unpack_from(">II", item.said(b"ispe") or b"", 4)
    shares = (camera.focal_px / width, camera.cx / width, camera.cy / height)
    intrinsics = [round(share * (1 << INTRINSICS_SHIFT)) for share in shares]
    position = [min(round(x_m * MICROMETRES), FARTHEST)] if x_m else []
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
