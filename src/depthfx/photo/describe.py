"""A photo's facts in plain values, for `inspect --json`."""

from __future__ import annotations

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import names_adobe_rgb, profile_name
from depthfx.photo.phone.stored_depth import StoredDepth, stored_depth, stored_matte
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.regions import faces
from depthfx.photo.subject import subject_of

GPS_LATITUDE = 2
"""Tag of EXIF's GPS directory."""


def describe(photo: Photo) -> dict[str, object]:
    """File, format, size (upright), colour, camera and warnings of `photo`, JSON-ready.

    depth, matte and faces say what the file itself stores. Faces have their centre and size as
    shares of the upright picture's width and height.
    """
    height, width = photo.shape
    metadata, camera = photo.metadata, photo.camera
    warnings = list(photo.warnings)
    depth, matte = _stored_depth(photo, warnings), _stored_matte(photo, warnings)
    subject = subject_of(photo)
    return {
        "file": None if photo.path is None else str(photo.path),
        "format": metadata.format or None,
        "width": width,
        "height": height,
        "bit_depth": metadata.bit_depth,
        "floating": metadata.floating,
        "grey": metadata.grey,
        "alpha": photo.alpha is not None,
        "profile": _profile(metadata),
        "orientation": metadata.orientation,
        "dpi": None if metadata.dpi is None else list(metadata.dpi),
        "focal_px": round(camera.focal_px, 2),
        "focal_origin": str(camera.origin),
        "f35_mm": round(camera.f35_mm, 2),
        "subject_m": None if subject is None else round(subject.metres, 3),
        "depth": depth,
        "matte": matte,
        "faces": _faces(photo),
        "exif": bool(metadata.exif),
        "xmp": bool(metadata.xmp),
        "iptc": bool(metadata.iptc),
        "gps": _has_place(photo),
        "warnings": warnings,
    }


def _profile(metadata: Metadata) -> str:
    if metadata.icc:
        return profile_name(metadata.icc)
    if metadata.linear:
        return "none: linear light"
    if not metadata.grey and names_adobe_rgb(exif_block.parse(metadata.exif)):
        return "Adobe RGB (by EXIF)"
    return "CMYK (a usual press assumed)" if metadata.inks else "sRGB (assumed)"


def _has_place(photo: Photo) -> bool:
    """Whether coordinates say where the photo was taken; a directory for them alone does not."""
    metadata = photo.metadata
    return GPS_LATITUDE in exif_block.parse(metadata.exif).gps or b"GPSLatitude" in metadata.xmp


def _stored_depth(photo: Photo, warnings: list[str]) -> dict[str, object] | None:
    try:
        found = stored_depth(photo)
    except PhotoError as error:
        warnings.append(str(error))
        return None
    if found is None:
        return None
    warnings += found.warnings
    return _depth_facts(found)


def _depth_facts(found: StoredDepth) -> dict[str, object]:
    facts: dict[str, object] = {
        "kind": found.kind,
        "metric": found.metric,
        "width": found.width,
        "height": found.height,
        "encoding": found.encoding or None,
    }
    if found.range_m is not None:
        near, far = found.range_m
        facts |= {"near_m": float(f"{near:.4g}"), "far_m": float(f"{far:.4g}")}
    return facts


def _stored_matte(photo: Photo, warnings: list[str]) -> dict[str, object] | None:
    try:
        matte = stored_matte(photo)
    except PhotoError as error:
        warnings.append(str(error))
        return None
    if matte is None:
        return None
    rows, columns = matte.shape
    return {"kind": "portrait matte", "width": columns, "height": rows}


def _faces(photo: Photo) -> list[dict[str, float]]:
    return [
        {
            "x": round(face.x, 5),
            "y": round(face.y, 5),
            "width": round(face.width, 5),
            "height": round(face.height, 5),
        }
        for face in faces(photo)
    ]
