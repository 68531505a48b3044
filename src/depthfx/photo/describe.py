"""A photo's facts in plain values, for `inspect --json`."""

from __future__ import annotations

from depthfx.photo.colour import profile_name
from depthfx.photo.photo import Photo


def describe(photo: Photo) -> dict[str, object]:
    """File, format, size (upright), colour, camera and warnings of `photo`, JSON-ready.

    depth, matte and faces say what the file itself stores: nothing is read of it yet.
    """
    height, width = photo.shape
    metadata, camera = photo.metadata, photo.camera
    return {
        "file": None if photo.path is None else str(photo.path),
        "format": metadata.format or None,
        "width": width,
        "height": height,
        "bit_depth": metadata.bit_depth,
        "grey": metadata.grey,
        "alpha": photo.alpha is not None,
        "profile": profile_name(metadata.icc) if metadata.icc else "sRGB (assumed)",
        "orientation": metadata.orientation,
        "dpi": None if metadata.dpi is None else list(metadata.dpi),
        "focal_px": round(camera.focal_px, 2),
        "focal_origin": str(camera.origin),
        "f35_mm": round(camera.f35_mm, 2),
        "depth": None,
        "matte": None,
        "faces": [],
        "warnings": list(photo.warnings),
    }
