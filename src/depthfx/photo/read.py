"""A photo file -> a Photo: upright, linear light, sRGB primaries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo import xmp
from depthfx.photo.cicp import cicp_space
from depthfx.photo.cmyk import cmyk_space
from depthfx.photo.colour import Decoding, colour_space, finite, linear_space, srgb_space
from depthfx.photo.decode import decode
from depthfx.photo.exif import Exif, Tag
from depthfx.photo.focal import camera_for
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.stored import Codes, Reading, Stored


def read_photo(
    path: Path | str,
    *,
    focal_px: float | None = None,
    f35_mm: float | None = None,
    focal_mm: float | None = None,
    sensor: str | None = None,
    reading: Reading | None = None,
) -> Photo:
    """Read a photo file; of which format (see `decode.FORMATS`), its content says.

    focal_px, f35_mm : the focal length, in pixels of the upright picture or as 35 mm
        equivalent in millimetres, if the user knows better than the file
    focal_mm, sensor : or as engraved on the lens, in millimetres, and the sensor's name or
        sides, see `sensors`

    Returns the photo with its ICC profile honoured and its EXIF orientation applied.
    What is odd about the file but can be lived with is in `warnings`.

    Raises PhotoError, one line that names the file, if it is missing, a folder, not a
    photo, damaged or larger than `reading` allows; ParameterError for a focal length that is
    no length.
    """
    path = Path(path)
    stored = _stored(path, reading)
    exif = _oriented(stored)
    warnings = list(stored.warnings)
    if stored.xmp and xmp.parsed(stored.xmp) is None:
        warnings.append("its XMP is damaged and not used")
    if exif.damaged:
        warnings.append("its EXIF is damaged: what could be read of it is used")
    space, icc = _meaning(stored, exif, warnings)
    codes, broken = finite(stored.codes)
    if broken:
        warnings.append(_not_finite(path, broken, stored))
    orientation = 1 if stored.upright else exif.orientation
    pixels = space.decode(turned(codes, orientation))
    alpha = None if stored.alpha is None else _opacity(turned(stored.alpha, orientation))
    height, width = pixels.shape[:2]
    camera, odd = camera_for(
        width,
        height,
        exif,
        focal_px,
        f35_mm,
        focal_mm=focal_mm,
        sensor=sensor,
        intrinsics=stored.focal,
        xmp=stored.xmp,
    )
    metadata = Metadata(
        exif=stored.exif,
        xmp=stored.xmp,
        xmp_extension=stored.xmp_extension,
        iptc=stored.iptc,
        icc=icc,
        bit_depth=stored.bit_depth,
        floating=stored.floating,
        format=stored.format,
        orientation=exif.orientation,
        grey=stored.grey,
        inks=stored.inks,
        linear=stored.linear is not None,
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
    except (FileNotFoundError, ValueError):  # no name of a file has a NUL in it
        raise PhotoError(f"{path}: no such file") from None
    except OSError as error:
        raise PhotoError(f"{path}: cannot be read: {error.strerror or error}") from error


def _oriented(stored: Stored) -> Exif:
    """The EXIF of a file, with the orientation of its XMP if it has none of its own."""
    exif = exif_block.parse(stored.exif)
    said = 1 if stored.upright or Tag.ORIENTATION in exif.main else xmp.orientation(stored.xmp)
    if said == 1:
        return exif
    return replace(exif, main={**exif.main, Tag.ORIENTATION: exif.short(said)})


def _meaning(stored: Stored, exif: Exif, warnings: list[str]) -> tuple[Decoding, bytes]:
    """What the codes mean, and the profile that says so, if there is one."""
    if stored.linear is not None:
        return linear_space(stored.linear), b""
    try:
        if stored.inks:
            return cmyk_space(stored.icc), stored.icc
        if not stored.icc and stored.cicp is not None:
            space, icc, odd = cicp_space(*stored.cicp, stored.grey)
            warnings.extend([odd] if odd else [])
            return space, icc
        return colour_space(stored.icc, exif, stored.grey), stored.icc
    except PhotoError as error:
        instead = "a usual press" if stored.inks else "sRGB"
        warnings.append(f"its ICC profile {error}: taken as {instead}")
        return cmyk_space(b"") if stored.inks else srgb_space(stored.grey), b""


def _not_finite(path: Path, broken: int, stored: Stored) -> str:
    if broken == stored.codes.size:
        raise PhotoError(f"{path}: holds no number at all, only NaN and infinity")
    return f"{broken} of its values are not numbers or infinite: taken as 0 or the most there is"


def turned(codes: Codes, orientation: int) -> Codes:
    """`codes` upright: EXIF orientation names where the stored first row and column are."""
    match orientation:
        case 2:
            upright = cv2.flip(codes, 1)
        case 3:
            upright = cv2.rotate(codes, cv2.ROTATE_180)
        case 4:
            upright = cv2.flip(codes, 0)
        case 5:
            upright = cv2.transpose(codes)
        case 6:
            upright = cv2.rotate(codes, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            upright = cv2.flip(cv2.transpose(codes), -1)
        case 8:
            upright = cv2.rotate(codes, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            upright = codes
    return upright


def _opacity(alpha: Codes) -> NDArray[np.float32]:
    if alpha.dtype.kind == "f":
        return np.clip(np.nan_to_num(alpha, nan=1.0), 0, 1)
    return np.divide(alpha, np.iinfo(alpha.dtype).max, dtype=np.float32)
