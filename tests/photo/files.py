"""Small photo files of every kind that is read, written by other programs than ours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import piexif
import tifffile
from numpy.typing import NDArray
from PIL import Image

SUFFIXES = (".jpg", ".png", ".tif", ".webp")
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="Été 写真"/></rdf:RDF></x:xmpmeta>'
).encode()
EXIF = piexif.dump(
    {
        "0th": {271: b"Maker", 272: b"Model 1", 305: b"firmware", 274: 1},
        "Exif": {
            36867: b"2024:05:01 10:11:12",
            37500: b"maker note " * 9,
            41989: 26,
            40962: 40,
            40963: 30,
        },
        "GPS": {1: b"N"},
        "Interop": {1: b"R98"},
    }
)


def marks(dtype: Any = np.uint8, height: int = 30, width: int = 40) -> NDArray[Any]:
    """Red, green / blue, yellow in the corners, a gradient over them: upright at sight."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j][..., None]
    corners = np.array([[200, 60, 50], [60, 160, 70], [50, 80, 190], [220, 200, 60]])
    mixed = (1 - y) * ((1 - x) * corners[0] + x * corners[1]) + y * (
        (1 - x) * corners[2] + x * corners[3]
    )
    return np.round(mixed * (257 if dtype == np.uint16 else 1)).astype(dtype)


def stored(upright: NDArray[Any], orientation: int) -> NDArray[Any]:
    """`upright` as a camera stores it that notes `orientation`; by the table of EXIF."""
    steps = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(steps.get(orientation, lambda a: a)(upright))


def write(
    path: Path,
    codes: NDArray[Any],
    *,
    exif: bytes = b"",
    icc: bytes = b"",
    xmp: bytes = b"",
    orientation: int | None = None,
    **options: Any,
) -> Path:
    """`codes` as the file that the suffix of `path` names, by Pillow or tifffile."""
    if orientation is not None:
        exif = piexif.dump({"0th": {274: orientation, 271: b"Maker"}})
    if path.suffix == ".tif":
        tags = [(274, 3, 1, orientation, True)] if orientation else []
        tags += [(700, 1, len(xmp), xmp, True)] if xmp else []
        tifffile.imwrite(
            path,
            codes,
            iccprofile=icc or None,
            extratags=tags,
            metadata=None,
            **{"photometric": "rgb" if codes.ndim == 3 else "minisblack", **options},
        )
        return path
    if path.suffix == ".png" and codes.dtype == np.uint16:
        path.write_bytes(imagecodecs.png_encode(codes))
        return path
    lossless = {".jpg": {"quality": 100, "subsampling": 0}, ".webp": {"lossless": True}}
    picture = io.BytesIO()
    more = {"xmp": xmp} if xmp and path.suffix != ".png" else {}
    Image.fromarray(codes).save(
        picture,
        {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}[path.suffix],
        exif=exif,
        icc_profile=icc or None,
        **more,
        **{**lossless.get(path.suffix, {}), **options},
    )
    path.write_bytes(picture.getvalue())
    return path
