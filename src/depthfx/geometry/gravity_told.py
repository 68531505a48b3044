"""The way up as a photo's file tells it.

iPhones write the acceleration that they feel into their MakerNote, in g, along the phone's own
axes: x to the right of the screen, y to its top, z out of it, gravity counting positive. DJI's
drones write the gimbal's pitch and roll into XMP; EXIF has CameraElevationAngle, the pitch alone.

Apple's tags: ExifTool's documentation, table "Apple", tag 0x0008; CIPA DC-008-2023, 4.6.6.7.
"""

from __future__ import annotations

import math
import struct

from depthfx.geometry.up import Up, Vector
from depthfx.photo import xmp
from depthfx.photo.exif import Exif, Tag, parse
from depthfx.photo.photo import Photo

APPLE_HEAD = b"Apple iOS\0\0\1MM"
ACCELERATION, SIGNED_RATIONAL = 0x0008, 10
MOST_TAGS = 200
ABOUT_1_G = (0.85, 1.15)
"""A phone that is moved feels more than gravity."""
LYING = 0.4
"""Below this share of g in the screen's plane the phone itself did not know its orientation."""
LENS_MODEL = 0xA434
CAMERA_ELEVATION_ANGLE = 0x9405
DJI = "{http://www.dji.com/drone-dji/1.0/}"


def told_up(photo: Photo) -> Up | None:
    """What the file of `photo` says; None if it says nothing that can be believed."""
    exif = parse(photo.metadata.exif)
    up = _phone(exif, photo.metadata.orientation)
    if up is not None:
        return Up(up, 0.95, "the phone's own sense of gravity")
    gimbal = _drone(photo.metadata.xmp)
    if gimbal is not None:
        return Up.of_angles(*gimbal, 0.95, "the drone's gimbal (XMP)")
    pitch = exif.number(exif.photo, CAMERA_ELEVATION_ANGLE)
    if pitch is not None and -90 <= pitch <= 90:
        return Up.of_angles(0.0, pitch, 0.8, "the camera's elevation (EXIF)")
    return None


def _phone(exif: Exif, orientation: int) -> Vector | None:
    felt = acceleration(exif)
    model = exif.photo.get(LENS_MODEL)
    # Selfies may be mirrored or not, and files do not say.
    if felt is None or (model is not None and b"front" in model.data.lower()):
        return None
    size = math.hypot(*felt)
    if not ABOUT_1_G[0] <= size <= ABOUT_1_G[1]:
        return None
    x, y, z = (value / size for value in felt)
    # Up along the sensor's rows and columns, whose long side is the phone's; then turned as the
    # picture was. Programs turn pictures and leave the MakerNote, so where the phone knew its
    # orientation, that turn is taken which makes the picture upright.
    turns: dict[int, Vector] = {1: (y, x, z), 6: (-x, y, z), 3: (-y, -x, z), 8: (x, -y, z)}
    if math.hypot(x, y) < LYING:
        return turns.get(orientation)
    return min(turns.values(), key=lambda vector: vector[1])


def acceleration(exif: Exif) -> Vector | None:
    """What an iPhone felt, in g, along its own axes; None if the MakerNote is not Apple's."""
    note = exif.photo.get(Tag.MAKER_NOTE)
    if note is None or not note.data.startswith(APPLE_HEAD):
        return None
    data, start = note.data, len(APPLE_HEAD)
    try:
        (count,) = struct.unpack_from(">H", data, start)
        for index in range(min(count, MOST_TAGS)):
            tag, kind, length, at = struct.unpack_from(">HHII", data, start + 2 + 12 * index)
            if (tag, kind, length) == (ACCELERATION, SIGNED_RATIONAL, 3):
                values = struct.unpack_from(">6i", data, at)
                return values[0] / values[1], values[2] / values[3], values[4] / values[5]
    except (struct.error, ZeroDivisionError):
        pass
    return None


def _drone(packet: bytes) -> tuple[float, float] | None:
    """Roll and pitch of the gimbal, degrees."""
    tree = xmp.parsed(packet) if b"drone-dji" in packet else None
    if tree is None:
        return None
    try:
        pitch = float(xmp.value(tree, f"{DJI}GimbalPitchDegree") or "nan")
        roll = float(xmp.value(tree, f"{DJI}GimbalRollDegree") or "0")
    except ValueError:
        return None
    if not (-90 <= pitch <= 90 and -90 <= roll <= 90):
        return None
    return roll, pitch
