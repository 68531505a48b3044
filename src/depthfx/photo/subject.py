"""What the camera was focused on: how far away, and where in the picture.

EXIF SubjectDistance is in metres; 0 means unknown, a numerator of all ones infinity.
SubjectArea is a point, a circle (centre and diameter) or a rectangle (centre, width,
height) in pixels of the picture as it is stored, before it is turned upright. CIPA
DC-008-2023 (Exif 3.0), 4.6.6. Where EXIF does not tell, XMP is asked.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

from depthfx.photo import exif as exif_block
from depthfx.photo.exif import SHORT, Tag, upright_place
from depthfx.photo.photo import Photo
from depthfx.photo.xmp import EXIF, parsed, value

SUBJECT_DISTANCE = 0x9206
INFINITE = 0xFFFFFFFF
DISTANCES_IN_XMP = (
    f"{EXIF}SubjectDistance",
    "{http://ns.adobe.com/exif/1.0/aux/}ApproximateFocusDistance",
)
CENTRE_RADIUS = 0.01
"""Share of the diagonal looked at where no area is given."""
BELIEVABLE_M = (0.01, 1000.0)


@dataclass(frozen=True)
class Subject:
    """The focused subject: `metres` away, at `x`, `y` (shares of the upright picture's width
    and height), within `radius` (share of its diagonal)."""

    metres: float
    x: float = 0.5
    y: float = 0.5
    radius: float = CENTRE_RADIUS


def subject_of(photo: Photo) -> Subject | None:
    """The subject that the metadata of `photo` tell of; None if they tell no finite distance."""
    exif = exif_block.parse(photo.metadata.exif)
    entry = exif.photo.get(SUBJECT_DISTANCE)
    if entry is None:
        metres = _metres_by_xmp(photo.metadata.xmp)
    else:
        infinite = struct.unpack_from(exif.byte_order + "I", entry.data.ljust(4, b"\0"))[0]
        metres = None if infinite == INFINITE else exif.number(exif.photo, SUBJECT_DISTANCE)
    if metres is None or not BELIEVABLE_M[0] <= metres <= BELIEVABLE_M[1]:
        return None
    area = subject_area(photo)
    if area is None:
        return Subject(metres)
    x, y, size = area
    # A quarter of a side: well inside the subject, whatever its outline.
    return Subject(metres, x, y, min(min(size) / 4, 0.1) if size else CENTRE_RADIUS)


def _metres_by_xmp(packet: bytes) -> float | None:
    """The same in XMP, or the distance that Lightroom knows from the maker's notes."""
    tree = parsed(packet)
    if tree is None:
        return None
    for name in DISTANCES_IN_XMP:
        found = re.fullmatch(r"(\d{1,10})(?:/(\d{1,10}))?", value(tree, name) or "")
        if found and int(found[1]) != INFINITE and int(found[2] or 1):
            return int(found[1]) / int(found[2] or 1)
    return None


def subject_area(photo: Photo) -> tuple[float, float, tuple[float, ...]] | None:
    """EXIF's SubjectArea in the upright picture: x, y as shares of width and height, and its
    size as shares of the diagonal: none for a point, a circle's diameter, or two sides."""
    exif = exif_block.parse(photo.metadata.exif)
    entry = exif.photo.get(Tag.SUBJECT_AREA)
    width = exif.number(exif.photo, Tag.PIXEL_X_DIMENSION)
    height = exif.number(exif.photo, Tag.PIXEL_Y_DIMENSION)
    if entry is None or entry.kind != SHORT or entry.length not in (2, 3, 4):
        return None
    if not (width and height):
        height, width = photo.shape if exif.orientation < 5 else photo.shape[::-1]
    x, y, *size = struct.unpack_from(f"{exif.byte_order}{entry.length}H", entry.data)
    x, y = (x + 0.5) / width, (y + 0.5) / height
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    diagonal = math.hypot(width, height)
    return *upright_place(x, y, exif.orientation), tuple(side / diagonal for side in size)
