"""The focal length in pixels, and who said so.

Order of trust: the user; the intrinsics that the file holds; the 35 mm equivalent in EXIF (or
its copy in XMP), which CIPA DCG-001 defines over the diagonal and cameras write with digital
zoom in it; the focal length in millimetres with the pixel pitch of the sensor
(FocalPlaneXResolution, the sensor's own, so DigitalZoomRatio comes on top); a stated guess. A
focal length in millimetres alone says nothing, as long as the sensor's size is not known.

CIPA DC-008-2023 (Exif 3.0), 4.6.6.
"""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree.ElementTree import Element

from depthfx.camera import Camera, FocalOrigin, focal_px_from_f35
from depthfx.errors import ParameterError
from depthfx.photo import xmp as packet
from depthfx.photo.exif import Exif, Tag
from depthfx.photo.sensors import focal_px_from_mm

BELIEVABLE_F35_MM = (4.0, 4000.0)
"""Circular fisheyes begin near 5 mm equivalent; bridge cameras end at 3000 mm."""

UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""FocalPlaneResolutionUnit; 4 and 5 are not in the standard, but in files."""

BELIEVABLE_SENSOR_MM = (1.5, 110.0)
"""A side: from phones' smallest cameras to the largest backs. If the pitch makes less of the
picture, it was shrunk and its pitch left as it was."""

LARGEST_ZOOM = 100.0
SAME_SHAPE, SAME_SIZE = 0.02, 0.03
"""Shares by which a picture may differ from the one that EXIF tells of and still show the same:
programs round sides, and raw converters keep borders that the camera cuts off."""
RAW_SETTINGS = "{http://ns.adobe.com/camera-raw-settings/1.0/}"
RAW_CROP = ("HasCrop", "AlreadyApplied", "CropLeft", "CropTop", "CropRight", "CropBottom")
SENSOR_SHAPES = (3 / 2, 4 / 3, 16 / 9)
TILTED = 0.05
"""Share by which levelling the horizon changes the shape that a crop seems to be of."""
SMALLEST_CROP = 1 / 3
"""Share of either side; a smaller picture of another shape was shrunk too, or turned as well."""


def camera_for(
    width: int,
    height: int,
    exif: Exif,
    focal_px: float | None = None,
    f35_mm: float | None = None,
    *,
    focal_mm: float | None = None,
    sensor: str | None = None,
    intrinsics: tuple[float, float, float] | None = None,
    xmp: bytes = b"",
) -> tuple[Camera, tuple[str, ...]]:
    """The camera of an upright picture, and warnings where its metadata are odd about it.

    width, height : of the upright picture, pixels
    focal_px, f35_mm, focal_mm : what the user says, in pixels of this picture, as 35 mm
        equivalent, or as engraved on the lens; the first one given wins over everything else
    sensor : what the lens of `focal_mm` stands before, see `sensors.sensor_mm`
    intrinsics : focal length and principal point (x, y) that the file holds, pixels of the
        upright picture; where EXIF says the same but for its rounding, EXIF's length is kept
    xmp : the XMP packet, which is asked for what EXIF does not say

    Raises ParameterError if the user's value is not a length, is one that no lens has (as
    50 mm would be, taken for pixels), or if one of `focal_mm` and `sensor` is missing.
    """
    told = _from_user(width, height, focal_px, f35_mm, focal_mm, sensor)
    if told is not None:
        camera = Camera(width, height, told, FocalOrigin.USER)
        if camera.f35_mm < BELIEVABLE_F35_MM[0]:
            raise ParameterError(_too_short(camera, focal_px, f35_mm, focal_mm))
        return camera, ()
    camera, warnings = _from_exif(width, height, exif, xmp)
    if intrinsics is None:
        return camera, warnings
    focal, cx, cy = intrinsics
    if not (_believable(focal, width, height) and 0 < cx < width and 0 < cy < height):
        odd = (
            f"its intrinsics (focal length {focal:.4g} px, centre {cx:.4g}, {cy:.4g}) "
            "are no camera's of a picture of this size: not used"
        )
        return camera, (odd, *warnings)
    rounding = focal_px_from_f35(0.5, width, height)
    if camera.origin is FocalOrigin.EXIF and abs(camera.focal_px - focal) <= rounding:
        # EXIF's whole millimetres say the same; a copy that has lost the intrinsics is to be
        # treated alike.
        return replace(camera, cx=cx, cy=cy), warnings
    return Camera(width, height, focal, FocalOrigin.INTRINSICS, cx, cy), ()


def _from_user(
    width: int,
    height: int,
    focal_px: float | None,
    f35_mm: float | None,
    focal_mm: float | None,
    sensor: str | None,
) -> float | None:
    if focal_px is not None:
        return focal_px
    if f35_mm is not None:
        if not 0 < f35_mm < math.inf:
            raise ParameterError(f"f35_mm={f35_mm} is not a length in millimetres above zero")
        return focal_px_from_f35(f35_mm, width, height)
    if focal_mm is None and sensor is None:
        return None
    if focal_mm is None:
        raise ParameterError(
            f"sensor={sensor!r} says nothing without the lens; give its focal_mm too"
        )
    if sensor is None:
        raise ParameterError(
            f"focal_mm={focal_mm:g} says nothing without the sensor behind the lens; give "
            "sensor too (as full-frame, aps-c or 23.5x15.6), or the 35 mm equivalent instead"
        )
    return focal_px_from_mm(focal_mm, sensor, width, height)


def _too_short(
    camera: Camera, focal_px: float | None, f35_mm: float | None, focal_mm: float | None
) -> str:
    told = {"focal_px": focal_px, "f35_mm": f35_mm, "focal_mm": focal_mm}
    name, length = next((name, length) for name, length in told.items() if length is not None)
    return (
        f"{name}={length:g} is {camera.f35_mm:.2g} mm as 35 mm equivalent in a picture of "
        f"{camera.width} x {camera.height} pixels, shorter than any lens; focal_px is in pixels, "
        "millimetres are given as f35_mm, or as focal_mm with sensor"
    )


def _from_exif(width: int, height: int, exif: Exif, xmp: bytes) -> tuple[Camera, tuple[str, ...]]:
    warnings: list[str] = []
    tree = packet.parsed(xmp)
    full, teller = _full_frame(width, height, exif), "EXIF"
    cropped = full != (width, height)
    if not cropped and tree is not None:
        full, teller = _frame_before_raw_crop(width, height, tree), "XMP"
    if full != (width, height):
        warnings.append(
            f"cropped from {full[0]} x {full[1]} pixels by its {teller}: "
            "the focal length is that of the whole frame"
        )
    said = exif.number(exif.photo, Tag.FOCAL_LENGTH_35MM) or _f35_from_xmp(tree) or 0.0
    by_f35 = focal_px_from_f35(said, *full) if said else None
    by_plane = _from_focal_plane(width, height, exif, cropped)
    found = []
    for name, focal in (("FocalLengthIn35mmFilm", by_f35), ("FocalLength", by_plane)):
        if focal is None:
            continue
        if _believable(focal, *full):
            found.append(focal)
        else:
            f35 = focal / focal_px_from_f35(1.0, *full)
            warnings.append(
                f"EXIF {name} would be a {f35:.4g} mm lens (35 mm equivalent): "
                "not believed; --f35 sets it"
            )
    if not found:
        return Camera.guess(width, height), tuple(warnings)
    apart = found[0] / found[-1]
    if all(abs(math.log(apart / zoom)) > math.log(1.1) for zoom in (1.0, _digital_zoom(exif))):
        warnings.append(
            f"EXIF gives two focal lengths, {found[0]:.0f} px by its 35 mm value "
            f"and {found[1]:.0f} px by the sensor: the first is used"
        )
    focal = found[0] * (1.0 if by_f35 == found[0] else _digital_zoom(exif))
    return Camera(width, height, focal, FocalOrigin.EXIF), tuple(warnings)


def _believable(focal_px: float, width: int, height: int) -> bool:
    low, high = BELIEVABLE_F35_MM
    return low <= focal_px / focal_px_from_f35(1.0, width, height) <= high


def _full_frame(width: int, height: int, exif: Exif) -> tuple[int, int]:
    """Size of the frame the focal length belongs to: of the camera's own picture if this
    one was cut from it, which another shape shows; of this picture if it was resized."""
    x = int(exif.number(exif.photo, Tag.PIXEL_X_DIMENSION) or 0)
    y = int(exif.number(exif.photo, Tag.PIXEL_Y_DIMENSION) or 0)
    if exif.orientation >= 5:
        x, y = y, x
    if not (x >= width and y >= height):
        return width, height
    same_shape = abs(x * height - y * width) <= SAME_SHAPE * x * height
    same_size = max(x / width, y / height) <= 1 + SAME_SIZE
    resized = max(width / x, height / y) < SMALLEST_CROP
    return (width, height) if same_shape or same_size or resized else (x, y)


def _from_focal_plane(width: int, height: int, exif: Exif, cropped: bool) -> float | None:
    """FocalLength over the pixel pitch of the sensor, in pixels of this picture."""
    focal_mm = exif.number(exif.photo, Tag.FOCAL_LENGTH)
    if not focal_mm or focal_mm < 0:
        return None
    stored = (height, width) if exif.orientation >= 5 else (width, height)
    for side, size_tag, resolution_tag in (
        (stored[0], Tag.PIXEL_X_DIMENSION, Tag.FOCAL_PLANE_X_RESOLUTION),
        (stored[1], Tag.PIXEL_Y_DIMENSION, Tag.FOCAL_PLANE_Y_RESOLUTION),
    ):
        full_side = exif.number(exif.photo, size_tag) or side
        px_per_mm = _px_per_mm(exif, full_side, exif.number(exif.photo, resolution_tag))
        if px_per_mm is not None:
            return focal_mm * px_per_mm * (1.0 if cropped else side / full_side)
    return None


def _px_per_mm(exif: Exif, side: float, resolution: float | None) -> float | None:
    """FocalPlaneXResolution per millimetre; None if it makes no believable sensor.

    A unit too large makes a huge sensor; then the one other unit is taken that makes sense.
    """
    if not resolution or resolution < 0:
        return None
    low, high = BELIEVABLE_SENSOR_MM
    unit = UNIT_MM.get(int(exif.number(exif.photo, Tag.FOCAL_PLANE_RESOLUTION_UNIT) or 2), 25.4)
    units = [unit] if side * unit / resolution <= high else UNIT_MM.values()
    believed = [mm for mm in units if low <= side * mm / resolution <= high]
    return resolution / believed[0] if len(believed) == 1 else None


def _digital_zoom(exif: Exif) -> float:
    zoom = exif.number(exif.photo, Tag.DIGITAL_ZOOM_RATIO) or 1.0
    return zoom if 1.0 <= zoom <= LARGEST_ZOOM else 1.0


def _f35_from_xmp(tree: Element | None) -> float | None:
    """XMP's copy of the 35 mm equivalent, which stays where EXIF was lost."""
    name = f"{packet.EXIF}FocalLengthIn35mmFilm"
    text = packet.value(tree, name) if tree is not None else None
    return float(text) if text and text.isascii() and text.isdecimal() else None


def _frame_before_raw_crop(width: int, height: int, tree: Element) -> tuple[int, int]:
    """Size of the frame that Lightroom or Camera Raw cut this picture from, at its scale.

    They write where they cut as shares of the sensor's sides, turned or not, and the size
    that is left into EXIF. Believed if it makes a frame of a usual shape.
    """
    said = {name: packet.value(tree, f"{RAW_SETTINGS}{name}") for name in RAW_CROP}
    if said.pop("HasCrop") != "True" or said.pop("AlreadyApplied") != "True":
        return width, height
    try:
        left, top, right, bottom = (float(text or "nan") for text in said.values())
    except ValueError:
        return width, height
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        return width, height
    for across, down in ((width, height), (height, width)):
        full = across / (right - left), down / (bottom - top)
        if min(abs(full[0] / full[1] / shape - 1) for shape in SENSOR_SHAPES) < TILTED:
            return round(full[0]), round(full[1])
    return width, height
