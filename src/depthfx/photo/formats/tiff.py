"""TIFF and BigTIFF: grey, RGB, palette, CMYK or CIELAB, whole numbers or floating point.

TIFF 6.0; Adobe Photoshop TIFF Technical Notes (2002) and TIFF Technical Note 3 (floating
point); BigTIFF as of libtiff 4.0. Float values are linear light unless a profile says what
they are; CIELAB becomes linear light here.
"""

from __future__ import annotations

import io
import logging
import mmap
import struct
import zlib
from dataclasses import replace
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import XYZ_TO_SRGB, adapted_to_d50, strips
from depthfx.photo.exif import BYTE, Entry, Exif, Tag
from depthfx.photo.formats import photoshop
from depthfx.photo.formats.quiet import quiet
from depthfx.photo.stored import Codes, Reading, Stored, believable_dpi, full_range, straight

TIFF_LEVEL = 3
STRIP_BYTES = 1 << 20
"""Of a strip before it is packed: enough for the packing, small enough to do several at once."""
CLASSIC_BYTES = 0xF000_0000
"""What a TIFF has room for, with a margin for its tags; beyond that it is a BigTIFF."""

XMP_TAG, IPTC_TAG, RESOURCES_TAG, ICC_TAG = 700, 33723, 34377, 34675
ROOM_TAG = 200
"""Of no meaning and low, so that its value comes first in the file; it is taken out again."""
LONGEST_EXIF = 65527
"""Of an EXIF block in a JPEG, so of the places that a MakerNote has there."""
RESOLUTION = (282, 283, 296)
UNDEFINED = 7

WHITE_IS_ZERO, GREY, RGB, PALETTE, CMYK, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 5, 6, 8, 9
LOG_L, LOG_LUV = 32844, 32845
CHANNELS = {
    WHITE_IS_ZERO: 1,
    GREY: 1,
    RGB: 3,
    PALETTE: 1,
    CMYK: 4,
    YCBCR: 3,
    CIELAB: 3,
    ICCLAB: 3,
    LOG_L: 1,
    LOG_LUV: 3,
}
"""Of colour, by the photometric interpretations that are read."""
OLD_JPEG = 6
JPEG_COMPRESSIONS = (OLD_JPEG, 7, 33007, 34892)
FAX_COMPRESSIONS = (2, 3, 4, 32771)
SCANNER_COMPRESSIONS = (32766, 32809)
"""Of NeXT and ThunderScan: 2 and 4 bits."""
DEFLATE_COMPRESSIONS = (8, 32946)
EXTRA_SAMPLES, ASSOCIATED, UNASSOCIATED = 338, 1, 2
MOST_CHANNELS = 32
MOST_PAGES = 32
SMALL_TILE_PIXELS = 4096 * 4096

STRUCTURE = frozenset(
    (
        *range(254, 260),
        262,
        266,
        273,
        *range(277, 282),
        284,
        *range(290, 294),
        297,
        301,
        *range(317, 326),
        330,
        332,
        333,
        334,
        *range(336, 343),
        347,
        *range(512, 522),
        *range(529, 533),
        XMP_TAG,
        IPTC_TAG,
        RESOURCES_TAG,
        ICC_TAG,
        37724,
    )
)
"""Tags of a TIFF's first directory that say how pixels lie, or that are kept elsewhere."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    import tifffile

    # What it has to say of damaged files would come beside the one line that is said here.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        tiff = tifffile.TiffFile(file)
        page = _first_full_page(tiff)
        _check(page, reading)
        _check_segments(page, file.seek(0, io.SEEK_END))
    except (TypeError, ValueError, LookupError) as error:  # as two numbers where one should be
        raise PhotoError("is damaged or cut off: its TIFF tags make no sense") from error
    with tiff:
        icc = page.tags.valueof(ICC_TAG) or b""
        orientation = page.tags.valueof(Tag.ORIENTATION)
        colour, alpha = _parted(_unpacked(page, file), page)
    codes, alpha, linear = _as_stored(colour, alpha, page, bool(icc))
    tags = _tags(file)
    exif = _without_structure(tags, orientation)
    return Stored(
        codes,
        alpha,
        bit_depth=_bit_depth(page),
        exif=exif_block.to_bytes(exif),
        icc=icc if isinstance(icc, bytes) else b"",
        xmp=_data(tags, XMP_TAG).rstrip(b"\0"),
        iptc=_iptc(tags),
        dpi=_dpi(tags),
        linear=linear,
        warnings=("some of its tags are damaged and left out",) * tags.damaged,
    )


def _bit_depth(page: Any) -> int:
    if page.photometric in (LOG_L, LOG_LUV):
        return 32
    return 8 if page.photometric == PALETTE else int(min(page.bitspersample, 32))


def _first_full_page(tiff: Any) -> Any:
    """The first page that is neither a smaller copy of another one nor a mask."""
    first = tiff.pages.first
    for index, page in enumerate(tiff.pages):
        if not page.subfiletype & 0b101:
            return page
        if index == MOST_PAGES:
            break
    if 330 in first.tags:  # SubIFDs, where raw files keep the picture itself
        raise PhotoError(
            "shows only a small copy of its picture, as raw files do; "
            "convert it to TIFF or JPEG first"
        )
    return first


SINGLE_NUMBERS = (
    *("imagewidth", "imagelength", "imagedepth", "samplesperpixel", "photometric"),
    *("compression", "planarconfig", "tilewidth", "tilelength", "rowsperstrip"),
)
"""Which a damaged tag may give many of, whose product takes all memory."""


def _check(page: Any, reading: Reading) -> None:
    """Refuse what is not read, or would take more memory than its picture has."""
    if not all(isinstance(getattr(page, name), int) for name in SINGLE_NUMBERS):
        raise PhotoError("is damaged or cut off: its TIFF tags make no sense")
    reading.check_size(page.imagewidth, page.imagelength)
    kind, bits, samples = page.photometric, page.bitspersample, page.samplesperpixel
    if 262 not in page.tags and page.compression not in JPEG_COMPRESSIONS:
        raise PhotoError("is a TIFF that does not say what its values mean")
    if kind not in CHANNELS:
        raise PhotoError(
            "is a TIFF of a kind that is not read "
            f"({getattr(kind, 'name', kind)}); convert it to RGB first"
        )
    if kind == CMYK and page.tags.valueof(332, 1) != 1:
        raise PhotoError("is a TIFF of other inks than CMYK; convert it to RGB first")
    known = page.dtype is not None and (page.dtype.kind in "fub" or kind in (LOG_L, LOG_LUV))
    if kind == YCBCR and page.compression not in JPEG_COMPRESSIONS:
        known = bits == 8 and samples == 3
    if not known or not isinstance(bits, int) or page.imagedepth != 1:
        raise PhotoError(
            f"is a TIFF of {bits}-bit values of a kind that is not read; "
            "convert it to 8 or 16 bits first"
        )
    if not CHANNELS[kind] <= samples <= MOST_CHANNELS:
        raise PhotoError(f"is a TIFF with {samples} channels, not one picture")
    pixels = page.imagewidth * page.imagelength
    if page.is_tiled and page.tilewidth * page.tilelength > max(4 * pixels, SMALL_TILE_PIXELS):
        raise PhotoError(
            f"has tiles of {page.tilewidth} x {page.tilelength}, far larger than its picture"
        )


def _check_segments(page: Any, file_bytes: int) -> None:
    """Refuse strips and tiles that are missing or outside the file: they would come in black."""
    places, sizes = page.dataoffsets, page.databytecounts
    wanted = int(np.prod(page.chunked))
    if not sizes and page.compression == 1 and wanted == 1:
        sizes = (page.nbytes,)
    # Of values that are not packed some writers give more than there are.
    most = page.nbytes if page.compression == 1 and wanted == 1 else file_bytes
    inside = all(
        place > 0 and size > 0 and place + min(size, most) <= file_bytes
        for place, size in zip(places[:wanted], sizes[:wanted], strict=False)
    )
    if min(len(places), len(sizes)) < wanted or not inside:
        raise PhotoError("is damaged or cut off: part of the TIFF's picture data is missing")


def _unpacked(page: Any, file: BinaryIO) -> Codes:
    """A page's array, by tifffile, or by libtiff what that gets wrong: some fax pages, JPEG
    without its tables, and what it has no code for."""
    if page.photometric == YCBCR and page.compression not in JPEG_COMPRESSIONS:
        return _rgb_of_ycbcr(page, file)
    if page.photometric in (LOG_L, LOG_LUV) or page.compression in (
        OLD_JPEG,
        *FAX_COMPRESSIONS,
        *SCANNER_COMPRESSIONS,
    ):
        return _by_libtiff(page, file)
    try:
        codes: Codes = page.asarray(maxworkers=2)
    except Exception:
        if page.compression not in DEFLATE_COMPRESSIONS or page.is_tiled:
            raise
        return _by_zlib(page, file)
    return codes


def _by_zlib(page: Any, file: BinaryIO) -> Codes:
    """The array of a page of deflated strips, some of which have more than their rows: the last
    one may go on below the picture. tifffile gives no more room than for the rows."""
    codes = np.empty(page.shaped, page.dtype)
    planes, _, _, _, together = page.shaped
    row_bytes = -(-page.imagewidth * together * page.bitspersample // 8)
    of_plane = -(-page.imagelength // page.rowsperstrip)
    pieces = zip(page.dataoffsets, page.databytecounts, strict=False)
    for index, (place, size) in enumerate(islice(pieces, planes * of_plane)):
        top = index % of_plane * page.rowsperstrip
        rows = min(page.rowsperstrip, page.imagelength - top)
        file.seek(place)
        plain = zlib.decompressobj().decompress(file.read(size), rows * row_bytes)
        if len(plain) < rows * row_bytes:
            raise PhotoError("is damaged or cut off: part of the TIFF's picture data is missing")
        strip, (plane, *_), _ = page.decode(zlib.compress(plain, 0), index)
        codes[plane, 0, top : top + rows] = strip[0]
    return codes.reshape(page.shape)


def _by_libtiff(page: Any, file: BinaryIO, *, to_rgb: bool = False) -> Codes:
    """A page's array; to_rgb : as 8-bit RGB."""
    import imagecodecs

    file.seek(0)
    with quiet():
        codes: Codes = imagecodecs.tiff_decode(file.read(), index=page.index, asrgb=to_rgb)
    codes = codes[..., :3] if to_rgb else codes
    if codes.shape[:2] != (page.imagelength, page.imagewidth) or codes.ndim != len(page.shape):
        raise PhotoError("is damaged or cut off: its TIFF tags contradict each other")
    return codes


def _rgb_of_ycbcr(page: Any, file: BinaryIO) -> Codes:
    """Of luma and chroma that are not packed as JPEG.

    libtiff mirrors what its orientation mirrors, but turns nothing: that is undone.
    """
    rgb = _by_libtiff(page, file, to_rgb=True)
    orientation = page.tags.valueof(Tag.ORIENTATION)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    across = -1 if orientation in (2, 3, 6, 7) else 1
    return np.ascontiguousarray(rgb[::down, ::across])


def _parted(codes: Codes, page: Any) -> tuple[Codes, Codes | None]:
    """A page's array as colour and the first of the other channels that is alpha."""
    if page.axes == "SYX":
        codes = np.ascontiguousarray(np.moveaxis(codes, 0, -1))
    if codes.ndim == 2:
        return codes, None
    if codes.ndim != 3:
        raise PhotoError(f"is a TIFF with the axes {page.axes}, not one picture")
    channels = CHANNELS[page.photometric]
    kinds = [int(kind) for kind in page.extrasamples][: codes.shape[2] - channels]
    if EXTRA_SAMPLES not in page.tags and page.photometric == RGB and codes.shape[2] == 4:
        kinds = [UNASSOCIATED]  # what nearly every reader takes it for
    found = [at for at, kind in enumerate(kinds) if kind in (ASSOCIATED, UNASSOCIATED)]
    colour = codes[..., 0] if channels == 1 else codes[..., :channels]
    if not found:
        return colour, None
    alpha = codes[..., channels + found[0]]
    associated = kinds[found[0]] == ASSOCIATED and page.photometric != PALETTE
    return (straight(colour, alpha, page.bitspersample) if associated else colour), alpha


def _as_stored(
    colour: Codes, alpha: Codes | None, page: Any, profile: bool
) -> tuple[Codes, Codes | None, NDArray[np.float64] | None]:
    """Colour and alpha in the codes of `Stored`, and its `linear`."""
    kind, bits = page.photometric, page.bitspersample
    if kind in (CIELAB, ICCLAB):
        straight = None if alpha is None else _spread(alpha, bits) / np.float32((1 << bits) - 1)
        return _light_of_lab(colour, kind == ICCLAB), straight, np.eye(3)
    if kind == LOG_LUV:  # libtiff makes XYZ of it, whose white is that of equal energy
        return colour, None, XYZ_TO_SRGB @ adapted_to_d50((1 / 3, 1 / 3))
    if kind == LOG_L:
        return _light_of_log(colour), None, np.eye(3)
    if kind == PALETTE:
        return _looked_up(page.colormap, colour), _spread_alpha(alpha, bits), None
    if colour.dtype.kind == "f":
        colour = np.float32(1) - colour if kind == WHITE_IS_ZERO else colour
        straight = None if alpha is None else np.clip(alpha, 0, 1).astype(np.float32)
        return colour.astype(np.float32, copy=False), straight, None if profile else np.eye(3)
    codes = _spread(colour, bits)
    return np.invert(codes) if kind == WHITE_IS_ZERO else codes, _spread_alpha(alpha, bits), None


def _spread(codes: Codes, bits: int) -> Codes:
    """Whole numbers of 1 to 64 bits as codes over the full range of 8 or 16."""
    if bits > 16:
        return (codes >> (bits - 16)).astype(np.uint16)
    if bits in (8, 16):
        return codes
    return full_range(np.arange(1 << bits), bits).take(codes.astype(np.uint16, copy=False))


def _spread_alpha(alpha: Codes | None, bits: int) -> Codes | None:
    return None if alpha is None else _spread(alpha, bits)


def _looked_up(colours: Codes, codes: Codes) -> Codes:
    """The RGB of palette indices; `colours` (3, n) uint16."""
    # Some writers take the map's 16 bits for 8.
    eight = colours if colours.max(initial=0) < 256 else colours >> 8
    return eight.T.astype(np.uint8).take(codes.astype(np.uint16, copy=False), axis=0)


def _light_of_log(codes: Codes) -> NDArray[np.float32]:
    """Luminance of int16 LogL codes: a sign, and 256 steps to each doubling from 2^-64 on.

    G. Ward Larson, "LogLuv Encoding for Full-Gamut, High-Dynamic Range Images", JGT 3(1), 1998.
    """
    steps = codes & np.int16(0x7FFF)
    light = np.exp2((steps + np.float32(0.5)) / 256 - 64, dtype=np.float32)
    return np.where(steps, np.where(codes < 0, -light, light), np.float32(0))


def _light_of_lab(codes: Codes, offset: bool) -> NDArray[np.float32]:
    """Linear sRGB, not clipped, of CIELAB codes (H, W, 3) of 8 or 16 bits, white D50.

    offset : a* and b* are stored plus half of the range (ICC), else as signed numbers.
    L* takes the whole range; a* and b* 8 bits before the point.
    """
    if codes.dtype.itemsize > 2 or codes.dtype.kind != "u":
        raise PhotoError(f"is a CIELAB TIFF of {codes.dtype} values; convert it to RGB first")
    eight = codes.dtype == np.uint8
    signed, half = (np.int8, 0x80) if eight else (np.int16, 0x8000)
    linear = np.empty(codes.shape, np.float32)
    white = np.array([0.9642, 1.0, 0.8249], np.float32)
    matrix = XYZ_TO_SRGB.T.astype(np.float32)
    for rows in strips(codes):
        part = codes[rows]
        lightness = part[..., 0] * np.float32(100 / np.iinfo(codes.dtype).max)
        opponent = part[..., 1:] ^ part.dtype.type(half if offset else 0)
        a, b = np.moveaxis(opponent.view(signed) / np.float32(1 if eight else 256), -1, 0)
        y = (lightness + 16) / 116
        f = np.stack([y + a / 500, y, y - b / 200], axis=-1)
        # CIE 15:2018: the cube root, and its tangent below 6/29.
        xyz = np.where(f > 6 / 29, f**3, (f - np.float32(4 / 29)) * np.float32(108 / 841))
        linear[rows] = (xyz * white) @ matrix
    return linear


def _tags(file: BinaryIO) -> Exif:
    """The tags of the first directory, and of those of EXIF that it points to."""
    try:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except io.UnsupportedOperation:  # not a file of the system's
        file.seek(0)
        return exif_block.parse(file.read())
    with whole:
        return exif_block.parse(whole)


def _data(tags: Exif, tag: int) -> bytes:
    return tags.main[tag].data if tag in tags.main else b""


def _without_structure(tags: Exif, orientation: object) -> Exif:
    """The tags that are not about the file's structure, as those of an EXIF block.

    orientation : the one of the page that is read, which may not be the first

    A MakerNote keeps its place only if it is one that an EXIF block can have.
    """
    kept = {
        tag: entry
        for tag, entry in tags.main.items()
        if tag not in STRUCTURE and entry.kind in exif_block.TYPE_BYTES
    }
    if isinstance(orientation, int) and 1 <= orientation <= 8:
        kept[Tag.ORIENTATION] = tags.short(orientation)
    photo = dict(tags.photo)
    note = photo.get(Tag.MAKER_NOTE)
    if note and note.offset + len(note.data) > LONGEST_EXIF:
        photo[Tag.MAKER_NOTE] = note._replace(offset=0)
    return replace(tags, main=kept, photo=photo)


def _iptc(tags: Exif) -> bytes:
    """The IPTC records, which some write as 32-bit numbers in the order of the machine."""
    marker = b"\x1c"
    data = _data(tags, IPTC_TAG)
    if data[3:4] == marker != data[:1] and len(data) % 4 == 0:
        data = np.frombuffer(data, ">u4").astype("<u4").tobytes()
    found = data if data[:1] == marker else photoshop.iptc_in(_data(tags, RESOURCES_TAG))
    return found.rstrip(b"\0") if len(found) % 4 == 0 else found


def _dpi(tags: Exif) -> tuple[float, float] | None:
    unit = tags.number(tags.main, RESOLUTION[2])
    inches = {None: 1.0, 2.0: 1.0, 3.0: 2.54}.get(unit)
    x, y = (tags.number(tags.main, tag) for tag in RESOLUTION[:2])
    return believable_dpi((x * inches, y * inches)) if inches and x and y else None


def encode(file: BinaryIO, stored: Stored, _quality: int) -> tuple[str, ...]:
    """8 or 16 bit or float32, grey or RGB, with or without alpha; deflate with predictor."""
    import tifffile

    codes = np.ascontiguousarray(stored.with_alpha_last())
    channels = codes.shape[2] if codes.ndim == 3 else 1
    exif = exif_block.parse(stored.exif)
    big = codes.nbytes > CLASSIC_BYTES
    blocks = [(tag, *entry[:3], True) for tag, entry in _blocks(stored).items()]
    # In the byte order of the EXIF block, whose values can then be copied as they are.
    with tifffile.TiffWriter(file, byteorder=exif.byte_order, bigtiff=big) as writer:
        writer.write(
            codes,
            photometric="rgb" if channels > 2 else "minisblack",
            planarconfig="contig" if channels > 1 else None,
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            compression="zlib",
            compressionargs={"level": TIFF_LEVEL},
            predictor=True,
            rowsperstrip=max(1, STRIP_BYTES // codes[0].nbytes),
            maxworkers=2,
            resolution=stored.dpi,
            resolutionunit="inch" if stored.dpi else None,
            iccprofile=stored.icc or None,
            software=False,
            metadata=None,
            extratags=blocks if big else blocks + _room_for_note(exif),
        )
    if not big:
        _add_tags(file, exif)
    elif stored.exif:
        return ("its EXIF was left out: the TIFF is too large for it",)
    return ()


def _blocks(stored: Stored) -> dict[int, Entry]:
    found = {
        XMP_TAG: Entry(BYTE, len(stored.xmp), stored.xmp),
        IPTC_TAG: Entry(UNDEFINED, len(stored.iptc), stored.iptc),
    }
    return {tag: entry for tag, entry in found.items() if entry.data}


def _room_for_note(exif: Exif) -> list[tuple[Any, ...]]:
    """A tag that takes up the place the MakerNote had in the EXIF block, counted from its start.

    Makers let it point into the block by position, so that is where it has to be in the file.
    """
    note = exif.photo.get(Tag.MAKER_NOTE)
    end = note.offset + len(note.data) if note and note.offset else 0
    return [(ROOM_TAG, UNDEFINED, end, bytes(end), True)] if 0 < end <= LONGEST_EXIF else []


def _add_tags(file: BinaryIO, exif: Exif) -> None:
    """Give a TIFF file a new first directory, at its end, with EXIF in it too."""
    file.flush()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        structure = dict(exif_block.parse(whole).main)
    room = structure.pop(ROOM_TAG, None)
    note, photo = exif.photo.get(Tag.MAKER_NOTE), dict(exif.photo)
    if room and note and note.offset >= room.offset:
        file.seek(note.offset)
        file.write(note.data)
        place = struct.pack(exif.byte_order + "I", note.offset)
        photo[Tag.MAKER_NOTE] = note._replace(data=place)
    added = {tag: entry for tag, entry in exif.main.items() if tag not in STRUCTURE}
    at = file.seek(0, io.SEEK_END)
    at += at % 2
    whole_exif = replace(exif, main={**structure, **added}, photo=photo)
    block, main = exif_block.appendix(whole_exif, at)
    file.seek(at)
    file.write(block)
    file.seek(4)
    file.write(struct.pack(exif.byte_order + "I", main))
