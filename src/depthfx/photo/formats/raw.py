"""Camera raw files, developed by LibRaw: DNG, CR2, CR3, NEF, ARW, RAF, ORF, RW2 and others.

The camera's own colours, balanced to its white, are kept as linear 16-bit codes, and the matrix
to linear sRGB goes with them: so nothing is clipped but what the sensor clipped. No tone curve,
no automatic brightness: 1 is where the sensor's least amplified colour is full.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import numpy as np

from depthfx.errors import PhotoError
from depthfx.photo.colour import XYZ_TO_SRGB, Floats, primaries_to_xyz
from depthfx.photo.formats.quiet import quiet
from depthfx.photo.profiles import PRO_PHOTO
from depthfx.photo.raw_file import LEAST_BITS, check_all_there, is_dng, raw_metadata
from depthfx.photo.stored import Codes, Reading, Stored

SRGB_TO_XYZ_D65 = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Not adapted: the matrices of cameras are for D65 (IEC 61966-2-1)."""

LEAST_EMBEDDED = 0.125
"""LibRaw takes a file's own colour matrix where its first number is above this."""

EMPTY_ROWS_SHARE = 0.02
"""Rows without any noise at the bottom, as a share of the height: no sensor reads out so."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    """The developed picture, upright, at the camera's white balance."""
    import rawpy

    check_all_there(file)
    file.seek(0)
    data = file.read()
    # LibRaw and the libraries below it print what they think of damaged files.
    with quiet():
        try:
            _check_size(data, reading)
            with rawpy.RawPy() as raw:
                raw.open_buffer(io.BytesIO(data))
                raw.unpack()
                warnings = _check_pixels(raw)
                codes, linear, odd = _developed(raw, reading.highlights, dng=is_dng(data))
        except rawpy.LibRawError as error:
            raise PhotoError(_reason(error)) from error
    exif, xmp = raw_metadata(data)
    return Stored(
        codes,
        bit_depth=16,
        exif=exif,
        xmp=xmp,
        upright=True,
        linear=linear,
        warnings=(*warnings, *odd),
    )


def _check_size(data: bytes, reading: Reading) -> None:
    """Of the sensor and of the picture, before LibRaw takes memory for either."""
    import rawpy

    # Asked of a second one: once LibRaw has worked out the sizes it unpacks no more.
    with rawpy.RawPy() as raw:
        raw.open_buffer(io.BytesIO(data))
        sizes = raw.sizes
    pixels = sizes.raw_width * sizes.raw_height
    if 8 * len(data) < LEAST_BITS * pixels:
        raise PhotoError(
            f"is cut off: of its raw picture of {pixels} pixels only {len(data)} bytes are there"
        )
    reading.check_size(sizes.raw_width, sizes.raw_height)
    aspect = sizes.pixel_aspect if sizes.pixel_aspect > 0 else 1.0
    width, height = sizes.width * max(1.0, aspect), sizes.height * max(1.0, 1 / aspect)
    if not max(width, height) < 1 << 31:
        raise PhotoError(f"is damaged: its pixels are {aspect:.3g} times as wide as high")
    reading.check_size(int(width), int(height))


def _check_pixels(raw: Any) -> tuple[str, ...]:
    """Raise PhotoError if the sensor's counts are all the same; warn if the lowest rows are.

    Where the file ends early LibRaw goes on with zeros. A sensor never reads out without noise.
    """
    counts = raw.raw_image_visible
    if counts is None or not counts.size:
        return ()
    if counts.min() == counts.max():
        raise PhotoError("is damaged or cut off: its raw picture is empty")
    rows = counts.reshape(len(counts), -1)
    filled = np.flatnonzero((rows != rows[-1, 0]).any(axis=1))[-1] + 1
    share = 1 - filled / len(rows)
    if share < EMPTY_ROWS_SHARE or rows[-1, 0] > counts.min():
        return ()
    return (f"the last {share:.0%} of its raw picture are empty: part of the file is missing",)


def _developed(raw: Any, highlights: str, *, dng: bool) -> tuple[Codes, Floats, tuple[str, ...]]:
    """Codes, their matrix to linear sRGB, and what is odd."""
    import rawpy

    modes = {
        "clip": rawpy.HighlightMode.Clip,
        "blend": rawpy.HighlightMode.Blend,
        "reconstruct": rawpy.HighlightMode.ReconstructDefault,
    }
    balance, odd = _white_balance(raw, dng=dng)
    colours = raw.num_colors
    wide = colours > 3 or _only_libraw_knows(raw, balance)
    codes = raw.postprocess(
        **balance,
        **_black_levels(raw),
        output_color=rawpy.ColorSpace.ProPhoto if wide else rawpy.ColorSpace.raw,
        output_bps=16,
        gamma=(1, 1),
        no_auto_bright=True,
        highlight_mode=modes[highlights],
        # Where the sensor is full a DNG says. Of other cameras LibRaw knows an upper limit,
        # and takes the picture's largest count if that is near it: with the limit itself,
        # blown highlights would turn magenta.
        adjust_maximum_thr=0.0 if dng else 0.75,
    )
    if codes.shape[2] == 1:
        return codes[..., 0], np.eye(3), odd
    linear = XYZ_TO_SRGB @ primaries_to_xyz(PRO_PHOTO) if wide else _to_srgb(raw)
    if highlights != "clip":
        # To keep what other colours have beyond the least amplified one's limit, LibRaw
        # amplifies by no more than 1: all is darker, by the span of the amplifications.
        amplified = raw.auto_whitebalance[:colours]
        linear = linear * (max(amplified) / min(amplified))
    return codes, linear, odd


def _white_balance(raw: Any, *, dng: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Parameters for the camera's white; for daylight if the file does not say, or for an average
    that is grey if nobody knows of the camera what daylight is to it."""
    colours = raw.num_colors
    if colours == 1 or all(0 < gain < 1e4 for gain in raw.camera_whitebalance[:3]):
        return {"use_camera_wb": True}, ()
    daylight = [float(gain) for gain in raw.daylight_whitebalance]
    if not all(0 < gain < 1e4 for gain in daylight[:3]):
        daylight = [1.0] * 4
    if not daylight[3] > 0:
        daylight[3] = daylight[1]
    known = max(daylight[:3]) - min(daylight[:3]) >= 1e-3
    if not known and not dng:
        return {"use_auto_wb": True}, ()
    # A DNG of equal gains holds counts that were balanced before.
    odd = ("the camera says no white balance: daylight is taken",) if known else ()
    return {"user_wb": daylight}, odd


def _black_levels(raw: Any) -> dict[str, Any]:
    """Parameters for the black of pictures that have all three colours at each pixel.

    LibRaw gives them a fourth colour, without black, and then lowers full by nothing.
    """
    import rawpy

    black = raw.black_level_per_channel
    least = min(black[:3])
    if raw.raw_type != rawpy.RawType.Stack or raw.num_colors != 3 or black[3] or not least > 0:
        return {}
    return {"user_black": least, "user_cblack": [*(level - least for level in black[:3]), 0]}


def _only_libraw_knows(raw: Any, balance: dict[str, Any]) -> bool:
    """Whether LibRaw changes the colours of a camera whose matrix it does not give: it has some
    of early cameras, and shows them by what it does only."""
    import rawpy

    if raw.num_colors != 3 or np.any(raw.color_matrix) or np.any(raw.rgb_xyz_matrix):
        return False
    small = {"half_size": True, "no_auto_bright": True, "output_bps": 16, **balance}
    as_counted = raw.postprocess(**small, output_color=rawpy.ColorSpace.raw)
    converted = raw.postprocess(**small, output_color=rawpy.ColorSpace.ProPhoto)
    return not np.array_equal(as_counted, converted)


def _to_srgb(raw: Any) -> Floats:
    """(3, 3) from balanced camera colours to linear sRGB; equal counts stay neutral.

    As LibRaw does it: the file's own matrix, or that of the camera's model. Of a camera that
    is not known the colours are taken as they are.
    """
    embedded = np.asarray(raw.color_matrix, np.float64)[:, :3]
    if embedded[0, 0] > LEAST_EMBEDDED and np.isfinite(embedded).all():
        return embedded
    from_xyz = np.asarray(raw.rgb_xyz_matrix, np.float64)[:3]
    from_srgb = from_xyz @ SRGB_TO_XYZ_D65
    white = from_srgb.sum(axis=1, keepdims=True)
    if not np.isfinite(from_srgb).all() or (white <= 0).any():
        return np.eye(3)
    from_srgb = from_srgb / white
    return np.linalg.inv(from_srgb) if abs(np.linalg.det(from_srgb)) > 1e-6 else np.eye(3)


def _reason(error: Exception) -> str:
    import rawpy

    if isinstance(error, rawpy.LibRawFileUnsupportedError):
        version = ".".join(map(str, rawpy.libraw_version))
        return (
            f"is a camera raw that LibRaw {version} cannot develop, or damaged; "
            "convert it to DNG or TIFF first"
        )
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"is a camera raw that is damaged or cut off ({text})"
