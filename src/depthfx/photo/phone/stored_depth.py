"""The depth and the matte that a photo's own file holds, whoever put them there.

    GDepth                 XMP of a JPEG, PNG, ... (Google: Lens Blur, Light, and others)
    DynamicDepth           after the picture of a JPEG (Google: Pixel and other Android phones)
    JPEG auxiliary depth   a further picture of a JPEG (Apple, "most compatible")
    HEIF auxiliary depth   a picture beside the picture (Apple)
    EXR Z channel          metres along the optical axis

Nothing is read before it is asked for, and nothing but the XMP is looked at in a photo that
holds none of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.photo.photo import Photo
from depthfx.photo.read import turned

ASPECT_TOLERANCE = 0.02
SENSOR_ASPECT = 4 / 3
"""Of nearly every phone's sensor, and so of the depth that it finds."""
NEAREST_M = 0.001
"""No photo shows mostly things nearer than this."""
SAMPLES = 100_000
"""Enough to know what most of a map is like."""
HEIF_FORMATS = ("HEIF", "HEIC", "AVIF")


@dataclass(frozen=True, eq=False)
class StoredDepth:
    """Depth as a photo's file holds it, in the photo's frame.

    kind : "GDepth", "DynamicDepth", "JPEG auxiliary depth", "HEIF auxiliary depth" or
        "EXR Z channel"
    inverse : (h, w) float32 of its own size, upright; >= 0, larger is nearer, 0 infinitely far,
        NaN where nothing is known; in 1/m if `metric`, else up to a scale
    encoding : how the file says it, like "RangeInverse"; empty if it does not
    warnings : what was odd about it and could be lived with, a line each
    nominal : it is not `metric`, but as near to 1/m as the phone could tell
    """

    kind: str
    inverse: Plane
    metric: bool
    encoding: str = ""
    warnings: tuple[str, ...] = ()
    nominal: bool = False

    @property
    def height(self) -> int:
        return int(self.inverse.shape[0])

    @property
    def width(self) -> int:
        return int(self.inverse.shape[1])

    @property
    def range_m(self) -> tuple[float, float] | None:
        """Nearest and farthest depth in metres, infinite for inverse depth 0; None if relative."""
        if not self.metric:
            return None
        nearest, farthest = float(np.nanmax(self.inverse)), float(np.nanmin(self.inverse))
        return tuple(1 / end if end > 0 else math.inf for end in (nearest, farthest))  # type: ignore[return-value]


def stored_depth(photo: Photo) -> StoredDepth | None:
    """The depth that the file of `photo` holds; None if it holds none, or there is no file.

    Raises PhotoError, in words that fit after "<path>: ", if it holds one that cannot be used;
    the photo itself is none the worse for it.
    """
    try:
        found = _stored_depth(photo)
        return None if found is None else _believable(found)
    except PhotoError:
        raise
    except Exception as error:  # whatever a library raises on a broken payload
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PhotoError(f"the depth in it cannot be read ({reason}): not used") from error


def stored_matte(photo: Photo) -> Plane | None:
    """The portrait matte that the file of `photo` holds, (h, w) float32 0..1, upright, of its
    own size; None if it holds none, or there is no file.

    Raises PhotoError as `stored_depth` does.
    """
    try:
        matte = _stored_matte(photo)
        return None if matte is None else in_register(matte, photo, "the matte in it")
    except PhotoError:
        raise
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PhotoError(f"the matte in it cannot be read ({reason}): not used") from error


def _stored_depth(photo: Photo) -> StoredDepth | None:
    if photo.path is None:
        return None
    if photo.metadata.format in HEIF_FORMATS:
        from depthfx.photo.phone.heif_depth import heif_depth

        found = heif_depth(photo.path)
        if found is not None:
            inverse, metric, facts = found
            kind, encoding = "HEIF auxiliary depth", str(facts.get("encoding", ""))
            nominal = not metric and "d_min" in facts
            fitted = in_register(inverse, photo)
            return StoredDepth(kind, fitted, metric, encoding, nominal=nominal)
    if photo.metadata.format == "OpenEXR":
        from depthfx.photo.phone.exr_depth import exr_depth

        return exr_depth(photo)
    from depthfx.photo.phone.gdepth import gdepth

    depth = gdepth(photo)
    if depth is None and photo.metadata.format == "JPEG":
        from depthfx.photo.phone.jpeg_auxiliary import jpeg_auxiliary_depth

        depth = jpeg_auxiliary_depth(photo)
    return depth


def _believable(found: StoredDepth) -> StoredDepth:
    """`found`, unknown where it is infinitely near. Raises PhotoError if most of it is so."""
    inverse = found.inverse
    if np.isinf(inverse).any():
        inverse = np.where(np.isinf(inverse), np.float32(np.nan), inverse)
    step = max(1, inverse.size // SAMPLES)
    sample = inverse.ravel()[::step]
    known = sample[np.isfinite(sample)]
    if known.size * 2 < sample.size:
        raise PhotoError(f"most of the {found.kind} in it is unknown: not used")
    if found.metric and float(np.median(known)) > 1 / NEAREST_M:
        raise PhotoError(
            f"most of the {found.kind} in it is nearer than {NEAREST_M * 1000:g} mm: not used"
        )
    return replace(found, inverse=inverse)


def _stored_matte(photo: Photo) -> Plane | None:
    if photo.path is None:
        return None
    if photo.metadata.format in HEIF_FORMATS:
        from depthfx.photo.phone.heif_depth import heif_matte

        return heif_matte(photo.path)
    if photo.metadata.format == "JPEG":
        from depthfx.photo.phone.jpeg_auxiliary import jpeg_auxiliary_matte

        return jpeg_auxiliary_matte(photo)
    return None


def upright_in_register(plane: Plane, photo: Photo) -> Plane:
    """`plane`, stored in the frame of the photo before it was turned upright, in the photo's.

    Some programs turn the picture's frame by EXIF and store the plane as it is seen; its shape
    shows that for quarter turns. Raises PhotoError as `in_register` does.
    """
    upright = turned(plane, photo.metadata.orientation)
    if not _same_shape(upright, photo) and _same_shape(plane, photo):
        upright = plane
    return in_register(np.ascontiguousarray(upright), photo)


def in_register(plane: Plane, photo: Photo, name: str = "the depth in it") -> Plane:
    """An upright `plane`, cut to what `photo` shows: all of it, or, of a whole sensor's, the
    middle that a photo of another shape was cut from.

    Raises PhotoError if the shapes say that they are of different frames.
    """
    if _same_shape(plane, photo):
        return plane
    (rows, columns), (height, width) = plane.shape, photo.shape
    aspect = max(rows, columns) / min(rows, columns)
    square = abs(width / height - 1) <= ASPECT_TOLERANCE
    same_way = square or (columns >= rows) == (width >= height)
    if abs(aspect / SENSOR_ASPECT - 1) > ASPECT_TOLERANCE or not same_way:
        raise PhotoError(
            f"{name} is {columns} x {rows}, which is another shape than the photo's "
            f"{width} x {height}: not used"
        )
    kept_rows = min(rows, max(1, round(columns * height / width)))
    kept_columns = min(columns, max(1, round(rows * width / height)))
    top, left = (rows - kept_rows) // 2, (columns - kept_columns) // 2
    return np.ascontiguousarray(plane[top : top + kept_rows, left : left + kept_columns])


def _same_shape(plane: Plane, photo: Photo) -> bool:
    (rows, columns), (height, width) = plane.shape, photo.shape
    return abs(columns * height / (rows * width) - 1) <= ASPECT_TOLERANCE
