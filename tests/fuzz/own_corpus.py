"""Small photo files of many kinds, made here by the libraries of the field and by depthfx.

python tests/fuzz/own_corpus.py DIR        writes them, for `fuzz_photos.py --corpus DIR`
"""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 24, 16
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    b' xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"'
    b' xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
    b' xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"'
    b' xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"'
    b' xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="52,30.0N">'
    b'<mwg-rs:Regions rdf:parseType="Resource">'
    b'<mwg-rs:AppliedToDimensions stDim:w="24" stDim:h="16" stDim:unit="pixel"/>'
    b'<mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Type="Face">'
    b'<mwg-rs:Area stArea:x="0.5" stArea:y="0.4" stArea:w="0.2" stArea:h="0.3"'
    b' stArea:unit="normalized"/></rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList>'
    b"</mwg-rs:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def files() -> dict[str, bytes]:
    """Name to bytes; the same on every run with the same libraries."""
    made = {**_by_pillow(), **_by_tifffile(), **_by_others()}
    return made | _with_depth(made["plain.jpg"])


def _gradient(dtype: Any = np.uint8, channels: int = 3) -> NDArray[Any]:
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    planes = np.stack([x, y, 1 - x * y, 0.5 + 0.5 * x][:channels], -1)
    if np.dtype(dtype).kind == "f":
        return planes.astype(dtype)
    return (planes * np.iinfo(dtype).max).astype(dtype)


def exif(orientation: int = 6) -> bytes:
    """An EXIF block with its header."""
    import piexif

    block: bytes = piexif.dump(
        {
            "0th": {271: b"Maker", 272: b"Model", 274: orientation},
            "Exif": {
                33437: (28, 10),
                37386: (50, 10),
                37396: [12, 8, 4, 4],
                37500: b"maker note",
                40962: WIDTH,
                40963: HEIGHT,
                41486: (4000000, 1000),
                41488: 3,
                41989: 50,
            },
            "GPS": {1: b"N", 2: [(52, 1), (30, 1), (0, 1)]},
            "Interop": {1: b"R98"},
        }
    )
    return block


def srgb_profile() -> bytes:
    """A small ICC profile, without the time of day that LittleCMS puts in."""
    from PIL import ImageCms

    icc: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return icc[:24] + bytes(12) + icc[36:]


def _by_pillow() -> dict[str, bytes]:
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    icc = srgb_profile()
    rgb = Image.fromarray(_gradient())
    rgba = Image.fromarray(_gradient(channels=4))
    grey = Image.fromarray(_gradient(channels=1)[..., 0])
    said = {"exif": exif(), "icc_profile": icc, "xmp": XMP}
    wanted: dict[str, tuple[Image.Image, str, dict[str, Any]]] = {
        "plain.jpg": (rgb, "JPEG", {}),
        "said.jpg": (rgb, "JPEG", said),
        "progressive.jpg": (rgb, "JPEG", {"progressive": True}),
        "grey.jpg": (grey, "JPEG", {}),
        "cmyk.jpg": (rgb.convert("CMYK"), "JPEG", {}),
        "two.mpo": (rgb, "MPO", {"save_all": True, "append_images": [grey.convert("RGB")]}),
        "said.png": (rgba, "PNG", {"exif": exif(), "icc_profile": icc}),
        "palette.png": (rgb.quantize(16), "PNG", {"transparency": 3}),
        "one_bit.png": (grey.convert("1"), "PNG", {}),
        "moving.png": (rgb, "PNG", {"save_all": True, "append_images": [rgb.rotate(180)]}),
        "moving.gif": (rgb, "GIF", {"save_all": True, "append_images": [rgb.rotate(180)]}),
        "said.webp": (rgb, "WEBP", said),
        "lossless.webp": (rgba, "WEBP", {"lossless": True}),
        "said.avif": (rgb, "AVIF", said),
        "rgba.avif": (rgba, "AVIF", {}),
        "said.heic": (rgb, "HEIF", said),
        "rgba.heic": (rgba, "HEIF", {}),
    }
    made = {}
    for name, (picture, form, options) in wanted.items():
        file = io.BytesIO()
        with warnings.catch_warnings(action="ignore"):  # piexif leaves out an empty pointer
            picture.save(file, form, **options)
        made[name] = file.getvalue()
    return made


def _by_tifffile() -> dict[str, bytes]:
    import tifffile

    made = {}
    for name, codes, options in (
        ("plain.tif", _gradient(), {}),
        ("lzw16.tif", _gradient(np.uint16), {"compression": "lzw", "predictor": True}),
        ("tiled.tif", _gradient(), {"tile": (16, 16), "compression": "zlib"}),
        ("planar.tif", np.moveaxis(_gradient(), -1, 0).copy(), {"planarconfig": "separate"}),
        ("big.tif", _gradient(np.uint16), {"bigtiff": True, "byteorder": ">"}),
        ("float.tif", _gradient(np.float32), {}),
        ("cmyk.tif", _gradient(channels=4), {"photometric": "separated"}),
        ("alpha.tif", _gradient(channels=4), {"extrasamples": ["unassalpha"]}),
        ("jpeg.tif", _gradient(), {"compression": "jpeg"}),
    ):
        file = io.BytesIO()
        tifffile.imwrite(file, codes, metadata=None, **{"photometric": "rgb", **options})
        made[name] = file.getvalue()
    return made


def _by_others() -> dict[str, bytes]:
    import imagecodecs
    import OpenEXR

    made = {
        "rgb16.png": bytes(imagecodecs.png_encode(_gradient(np.uint16))),
        "grey16.png": bytes(imagecodecs.png_encode(_gradient(np.uint16, 1)[..., 0])),
        "rgb10.avif": bytes(imagecodecs.avif_encode(_gradient(np.uint16) >> 6, bitspersample=10)),
    }
    metres = np.linspace(1, 8, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    for name, channels in (
        ("half.exr", {"RGB": _gradient(np.float16)}),
        ("depth.exr", {"RGBA": _gradient(np.float32, 4), "Z": metres}),
    ):
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        with TemporaryDirectory() as folder:
            path = Path(folder, name)
            OpenEXR.File(header, channels).write(str(path))
            made[name] = path.read_bytes()
    return made


def _with_depth(plain: bytes) -> dict[str, bytes]:
    """GDepth in a JPEG, an auxiliary picture in a HEIC: by depthfx."""
    from depthfx.photo.phone.gdepth_embed import with_gdepth
    from depthfx.photo.phone.heif_depth import heif_with_depth
    from depthfx.photo.stored import Stored

    inverse = np.linspace(0.25, 2, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    file = io.BytesIO()
    heif_with_depth(file, Stored(_gradient(), exif=exif(1)[6:], xmp=XMP), inverse, True, 90)
    return {
        "depth.jpg": with_gdepth(plain, XMP, b"", inverse, metric=True),
        "depth.heic": file.getvalue(),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files().items():
        (folder / name).write_bytes(data)
