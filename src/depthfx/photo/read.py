"""A photo file -> a Photo: upright, linear light, sRGB primaries."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import ColourSpace, colour_space, srgb_space
from depthfx.photo.decode import decode
from depthfx.photo.exif import Exif
from depthfx.photo.focal import camera_for
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.stored import Codes, Reading, Stored


def read_photo(
    path: Path | str,
    *,
    focal_px: float | None = None,
    f35_mm: float | None = None,
    reading: Reading | None = None,
) -> Photo:
    """Read a JPEG, PNG, TIFF or WebP file; which one, its content says.

    focal_px, f35_mm : the focal length, in pixels of the upright picture or as 35 mm
        equivalent in millimetres, if the user knows better than the file

    Returns the photo with its ICC profile honoured and its EXIF orientation applied.
    What is odd about the file but can be lived with is in `warnings`.

    Raises PhotoError, one line that names the file, if it is missing, a folder, not a
    photo, damaged or larger than `reading` allows; ParameterError for a focal length that is
    no length.
    """
    path = Path(path)
    stored = _stored(path, reading)
    exif = exif_block.parse(stored.exif)
    warnings = list(stored.warnings)
    if exif.damaged:
        warnings.append("its EXIF is damaged: what could be read of it is used")
    space, icc = _space(stored, exif, warnings)
    orientation = 1 if stored.upright else exif.orientation
    pixels = space.decode(_turned(stored.codes, orientation))
    alpha = None if stored.alpha is None else _opacity(_turned(stored.alpha, orientation))
    height, width = pixels.shape[:2]
    camera, odd = camera_for(width, height, exif, focal_px, f35_mm)
    metadata = Metadata(
        exif=stored.exif,
        xmp=stored.xmp,
        xmp_extension=stored.xmp_extension,
        iptc=stored.iptc,
        icc=icc,
        bit_depth=stored.bit_depth,
        floating=stored.codes.dtype.kind == "f",
        format=stored.format,
        orientation=exif.orientation,
        grey=stored.grey,
        dpi=stored.dpi,
    )
    return Photo(
        pixels,
        camera,
        alpha,
        metadata,
        path,
        (*warnings, *odd),
    )


def _stored(path: Path, reading: Reading | None) -> Stored:
    try:
        # Asked before opening: a pipe would wait for ever and a device never end.
        if path.is_dir():
            raise PhotoError(f"{path}: is a folder; give the photos in it")
        if path.exists() and not path.is_file():
            raise PhotoError(f"{path}: is not a file")
        with path.open("rb") as file:
            return decode(file, path, reading)
    except FileNotFoundError:
        raise PhotoError(f"{path}: no such file") from None
    except OSError as error:
        raise PhotoError(f"{path}: cannot be read: {error.strerror or error}") from error


def _space(stored: Stored, exif: Exif, warnings: list[str]) -> tuple[ColourSpace, bytes]:
    """The colour space of the codes, and the profile if it is of use."""
    try:
        return colour_space(stored.icc, exif, stored.grey), stored.icc
    except PhotoError as error:
        warnings.append(f"its ICC profile {error}: taken as sRGB")
        return srgb_space(stored.grey), b""


def _turned(codes: Codes, orientation: int) -> Codes:
    """`codes` upright: EXIF orientation names where the stored first row and column are."""
    match orientation:
        case 2:
            turned = cv2.flip(codes, 1)
        case 3:
            turned = cv2.rotate(codes, cv2.ROTATE_180)
        case 4:
            turned = cv2.flip(codes, 0)
        case 5:
            turned = cv2.transpose(codes)
        case 6:
            turned = cv2.rotate(codes, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            turned = cv2.flip(cv2.transpose(codes), -1)
        case 8:
            turned = cv2.rotate(codes, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            turned = codes
    return turned


def _opacity(alpha: Codes) -> NDArray[np.float32]:
    return np.divide(alpha, np.iinfo(alpha.dtype).max, dtype=np.float32)
