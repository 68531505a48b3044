"""The focal length in pixels, and who said so.

Order of trust: the user; the 35 mm equivalent in EXIF, which CIPA DCG-001 defines over
the diagonal; the focal length in millimetres with the pixel pitch of the sensor
(FocalPlaneXResolution); a stated guess. A focal length in millimetres alone says
nothing, as long as the sensor's size is not known.
"""

from __future__ import annotations

import math

from depthfx.camera import Camera, FocalOrigin, focal_px_from_f35
from depthfx.photo.exif import Exif, Tag

BELIEVABLE_F35_MM = (4.0, 4000.0)
"""Circular fisheyes begin near 5 mm equivalent; bridge cameras end at 3000 mm."""

UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""FocalPlaneResolutionUnit; 4 and 5 are not in the standard, but in files."""


def camera_for(
    width: int, height: int, exif: Exif, focal_px: float | None = None, f35_mm: float | None = None
) -> tuple[Camera, tuple[str, ...]]:
    """The camera of an upright picture, and warnings where EXIF is odd about it.

    width, height : of the upright picture, pixels
    focal_px, f35_mm : what the user says, in pixels of this picture or as 35 mm
        equivalent; the first one given wins over everything else.

    Raises ParameterError if the user's value is not a length.
    """
    if focal_px is not None:
        return Camera(width, height, focal_px, FocalOrigin.USER), ()
    if f35_mm is not None:
        return Camera.from_f35(f35_mm, width, height, FocalOrigin.USER), ()

    warnings: list[str] = []
    full = _full_frame(width, height, exif)
    if full != (width, height):
        warnings.append(
            f"cropped from {full[0]} x {full[1]} pixels by its EXIF: "
            "the focal length is that of the whole frame"
        )
    said = exif.number(exif.photo, Tag.FOCAL_LENGTH_35MM) or 0.0
    by_f35 = focal_px_from_f35(said, *full) if said else None
    by_plane = _from_focal_plane(width, height, exif, cropped=full != (width, height))
    found = []
    for name, focal in (("FocalLengthIn35mmFilm", by_f35), ("FocalLength", by_plane)):
        if focal is None:
            continue
        f35 = said if focal == by_f35 else focal / focal_px_from_f35(1.0, *full)
        if BELIEVABLE_F35_MM[0] <= f35 <= BELIEVABLE_F35_MM[1]:
            found.append(focal)
        else:
            warnings.append(
                f"EXIF {name} would be a {f35:.4g} mm lens (35 mm equivalent): "
                "not believed; --f35 sets it"
            )
    if not found:
        return Camera.guess(width, height), tuple(warnings)
    if abs(math.log(found[-1] / found[0])) > math.log(1.1):
        warnings.append(
            f"EXIF gives two focal lengths, {found[0]:.0f} px by its 35 mm value "
            f"and {found[1]:.0f} px by the sensor: the first is used"
        )
    return Camera(width, height, found[0], FocalOrigin.EXIF), tuple(warnings)


def _full_frame(width: int, height: int, exif: Exif) -> tuple[int, int]:
    """Size of the frame the focal length belongs to: of the camera's own picture if this
    one was cut from it, which another shape shows; of this picture if it was resized."""
    x = int(exif.number(exif.photo, Tag.PIXEL_X_DIMENSION) or 0)
    y = int(exif.number(exif.photo, Tag.PIXEL_Y_DIMENSION) or 0)
    if exif.orientation >= 5:
        x, y = y, x
    same_shape = abs(x * height - y * width) <= 0.02 * x * height
    return (width, height) if same_shape or x < width or y < height else (x, y)


def _from_focal_plane(width: int, height: int, exif: Exif, cropped: bool) -> float | None:
    """FocalLength over the pixel pitch of the sensor, in pixels of this picture."""
    focal_mm = exif.number(exif.photo, Tag.FOCAL_LENGTH)
    resolution = exif.number(exif.photo, Tag.FOCAL_PLANE_X_RESOLUTION)
    unit = exif.number(exif.photo, Tag.FOCAL_PLANE_RESOLUTION_UNIT)
    if not (focal_mm and resolution and focal_mm > 0 and resolution > 0):
        return None
    stored_width = height if exif.orientation >= 5 else width
    full_width = exif.number(exif.photo, Tag.PIXEL_X_DIMENSION) or stored_width
    scale = 1.0 if cropped else stored_width / full_width
    return focal_mm * resolution / UNIT_MM.get(int(unit or 2), 25.4) * scale
