"""TIFF and BigTIFF: 1 to 16 bit, grey, RGB or palette, with or without alpha."""

from __future__ import annotations

import mmap
import struct
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.exif import BYTE, Entry, Exif
from depthfx.photo.stored import Codes, Reading, Stored, believable_dpi, full_range

TIFF_LEVEL = 3
XMP_TAG, ICC_TAG, RESOLUTION = 700, 34675, (282, 283, 296)
PHOTOMETRIC = {0: "white is zero", 1: "grey", 2: "RGB", 3: "palette", 6: "YCbCr"}
STRUCTURE = frozenset(
    (
        254,
        255,
        256,
        257,
        258,
        259,
        262,
        266,
        273,
        277,
        278,
        279,
        280,
        281,
        284,
        290,
        291,
        292,
        293,
        297,
        301,
        317,
        318,
        319,
        320,
        321,
        322,
        323,
        324,
        325,
        330,
        332,
        333,
        334,
        336,
        337,
        338,
        339,
        340,
        341,
        342,
        347,
        *range(512, 522),
        529,
        530,
        531,
        532,
        XMP_TAG,
        34377,
        ICC_TAG,
        37724,
    )
)
"""Tags of a TIFF's first directory that say how pixels lie, or that are kept elsewhere."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    import tifffile

    with tifffile.TiffFile(file) as tiff:
        page = _first_full_page(tiff)
        reading.check_size(page.imagewidth, page.imagelength)
        if page.photometric not in PHOTOMETRIC:
            raise PhotoError(
                "is a TIFF of a kind that is not read "
                f"({getattr(page.photometric, 'name', page.photometric)}); "
                "convert it to RGB first"
            )
        codes, alpha = _tiff_codes(page)
        tags = {
            code: page.tags[code].value
            for code in (*RESOLUTION, XMP_TAG, ICC_TAG)
            if code in page.tags
        }
    return Stored(
        codes,
        alpha,
        bit_depth=8 * codes.dtype.itemsize,
        exif=_tiff_exif(file),
        icc=tags.get(ICC_TAG, b""),
        xmp=tags.get(XMP_TAG, b""),
        dpi=_tiff_dpi(tags),
    )


def _first_full_page(tiff: Any) -> Any:
    """The first page that is not marked as a smaller copy of another one."""
    for index, page in enumerate(tiff.pages):
        if not page.subfiletype & 1:
            return page
        if index == 32:
            break
    if 330 in tiff.pages.first.tags:  # SubIFDs, where raw files keep the picture itself
        raise PhotoError(
            "shows only a small copy of its picture, as raw files do; "
            "convert it to TIFF or JPEG first"
        )
    return tiff.pages.first


def _tiff_codes(page: Any) -> tuple[Codes, Codes | None]:
    codes = page.asarray(maxworkers=2)
    if codes.dtype.kind not in "ub" or codes.dtype.itemsize > 2:
        raise PhotoError(f"is a TIFF of {codes.dtype} values; convert it to 8 or 16 bits first")
    if page.axes == "SYX":
        codes = np.moveaxis(codes, 0, -1)
    if codes.ndim not in (2, 3):
        raise PhotoError(f"is a TIFF with the axes {page.axes}, not one picture")
    if page.photometric == 3:
        return (page.colormap[:, codes].transpose(1, 2, 0) >> 8).astype(np.uint8), None
    codes = full_range(codes, page.bitspersample)
    if page.photometric == 0:
        codes = np.iinfo(codes.dtype).max - codes
    colours = 1 if page.photometric < 2 else 3
    kinds = [int(kind) for kind in page.extrasamples]
    if codes.ndim == 2:
        return codes, None
    colour = codes[..., 0] if colours == 1 else codes[..., :3]
    if not kinds or kinds[0] == 0:
        return colour, None
    alpha = codes[..., colours]
    return (_unassociated(colour, alpha) if kinds[0] == 1 else colour), alpha


def _unassociated(colour: Codes, alpha: Codes) -> Codes:
    """Straight colour codes from ones multiplied by alpha."""
    top = np.iinfo(alpha.dtype).max
    share = np.maximum(alpha, 1).astype(np.float32) / top
    straight = colour / (share if colour.ndim == 2 else share[..., None])
    return np.minimum(straight + 0.5, top).astype(alpha.dtype)


def _tiff_exif(file: BinaryIO) -> bytes:
    """The tags of a TIFF file that are not about its structure, as an EXIF block."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        found = exif_block.parse(whole)
    kept = {
        tag: entry
        for tag, entry in found.main.items()
        if tag not in STRUCTURE and entry.kind in exif_block.TYPE_BYTES
    }
    photo = {tag: entry._replace(offset=0) for tag, entry in found.photo.items()}
    return exif_block.to_bytes(replace(found, main=kept, photo=photo))


def _tiff_dpi(tags: dict[int, Any]) -> tuple[float, float] | None:
    inches = {2: 1.0, 3: 2.54}.get(int(tags.get(296, 2)))
    if inches is None or 282 not in tags or 283 not in tags:
        return None
    (x, x_over), (y, y_over) = tags[282], tags[283]
    return believable_dpi((x / x_over * inches, y / y_over * inches)) if x_over and y_over else None


def encode(file: BinaryIO, stored: Stored, _quality: int) -> tuple[str, ...]:
    """8 or 16 bit, grey or RGB, with or without alpha; deflate with predictor."""
    import tifffile

    codes = stored.with_alpha_last()
    channels = codes.shape[2] if codes.ndim == 3 else 1
    exif = exif_block.parse(stored.exif)
    # In the byte order of the EXIF block, whose values can then be copied as they are.
    with tifffile.TiffWriter(file, byteorder=exif.byte_order, bigtiff=False) as writer:
        writer.write(
            codes,
            photometric="rgb" if channels > 2 else "minisblack",
            planarconfig="contig" if channels > 1 else None,
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            compression="zlib",
            compressionargs={"level": TIFF_LEVEL},
            predictor=True,
            rowsperstrip=max(1, (1 << 18) // codes.shape[1]),
            maxworkers=2,
            resolution=stored.dpi,
            resolutionunit="inch" if stored.dpi else None,
            iccprofile=stored.icc or None,
            software=False,
            metadata=None,
        )
    _add_tags(file, exif, stored.xmp)
    return ()


def _add_tags(file: BinaryIO, exif: Exif, xmp: bytes) -> None:
    """Give a TIFF file a new first directory, at its end, with EXIF and XMP in it too."""
    file.flush()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        structure = exif_block.parse(whole).main
    added = {
        tag: entry
        for tag, entry in exif.main.items()
        if tag not in STRUCTURE and tag not in RESOLUTION
    }
    if xmp:
        added[XMP_TAG] = Entry(BYTE, len(xmp), xmp)
    at = file.seek(0, 2)
    at += at % 2
    block, main = exif_block.appendix(replace(exif, main={**structure, **added}), at)
    file.seek(at)
    file.write(block)
    file.seek(4)
    file.write(struct.pack(exif.byte_order + "I", main))
