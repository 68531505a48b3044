"""What the camera was focused on: how far away, and where in the picture.

EXIF SubjectDistance is in metres; 0 means unknown, a numerator of all ones infinity.
SubjectArea is a point, a circle (centre and diameter) or a rectangle (centre, width,
height) in pixels of the picture as it is stored, before it is turned upright. CIPA
DC-008-2023 (Exif 3.0), 4.6.6.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from depthfx.photo import exif as exif_block
from depthfx.photo.exif import SHORT, Tag
from depthfx.photo.photo import Photo

SUBJECT_DISTANCE, SUBJECT_AREA = 0x9206, 0x9214
INFINITE = 0xFFFFFFFF
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
    """The subject that the EXIF of `photo` tells of; None if it tells no finite distance."""
    exif = exif_block.parse(photo.metadata.exif)
    entry = exif.photo.get(SUBJECT_DISTANCE)
    metres = exif.number(exif.photo, SUBJECT_DISTANCE)
    if entry is None or metres is None or not BELIEVABLE_M[0] <= metres <= BELIEVABLE_M[1]:
        return None
    if struct.unpack_from(exif.byte_order + "I", entry.data)[0] == INFINITE:
        return None
    area = subject_area(photo)
    if area is None:
        return Subject(metres)
    x, y, size = area
    # A quarter of a side: well inside the subject, whatever its outline.
    return Subject(metres, x, y, min(min(size) / 4, 0.1) if size else CENTRE_RADIUS)


def subject_area(photo: Photo) -> tuple[float, float, tuple[float, ...]] | None:
    """EXIF's SubjectArea in the upright picture: x, y as shares of width and height, and its
    size as shares of the diagonal: none for a point, a circle's diameter, or two sides."""
    exif = exif_block.parse(photo.metadata.exif)
    entry = exif.photo.get(SUBJECT_AREA)
    width = exif.number(exif.photo, Tag.PIXEL_X_DIMENSION)
    height = exif.number(exif.photo, Tag.PIXEL_Y_DIMENSION)
    if entry is None or entry.kind != SHORT or entry.length not in (2, 3, 4):
        return None
    if not (width and height):
        height, width = photo.shape if exif.orientation < 5 else photo.shape[::-1]
    x, y, *size = struct.unpack_from(f"{exif.byte_order}{entry.length}H", entry.data)
    x, y = (x + 0.5) / width, (y + 0.5) / height
    if not (x <= 1 and y <= 1):
        return None
    diagonal = math.hypot(width, height)
    return *upright_place(x, y, exif.orientation), tuple(side / diagonal for side in size)


def upright_place(x: float, y: float, orientation: int) -> tuple[float, float]:
    """A place of the stored picture in the upright one; EXIF's table of orientations."""
    return {
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (1 - y, x),
        7: (1 - y, 1 - x),
        8: (y, 1 - x),
    }.get(orientation, (x, y))
