"""OpenEXR: half, float or whole numbers; linear light, RGB or grey, with or without alpha."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo import exif as exif_block
from depthfx.photo.colour import XYZ_TO_SRGB, Floats, adapted_to_d50
from depthfx.photo.exif import Tag
from depthfx.photo.exr_header import HALF, Part, Window, check, read_header
from depthfx.photo.formats.quiet import quiet
from depthfx.photo.stored import Reading, Stored, believable_dpi

Plane = NDArray[np.float32]

PICTURE_LAYERS = ("combined", "composite", "beauty", "rgba", "color", "colour")
"""In the names of the layers that hold the picture, where no channel is plainly R, G, B."""

SPELLINGS = {"r": "R", "red": "R", "g": "G", "green": "G", "b": "B", "blue": "B"} | {
    "a": "A",
    "alpha": "A",
}
"""What some writers call the channels of a picture, in any case of letters."""

REC_709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
"""Chromaticities of red, green, blue and white: what is meant where nothing is said."""

SMALLEST_HALF = np.float32(2.0**-24)
"""Opacity below this is none: a colour divided by it says nothing."""

LARGEST_HALF = 65504.0

LEAST_GAMUT = 1e-6
"""Twice the area of the primaries' triangle in x and y; that of sRGB is 0.22."""


def decode(file: BinaryIO, reading: Reading) -> Stored:
    """The first part and layer with colours, on the display window.

    Alpha is premultiplied by the standard, and made straight; light without any opacity stays
    as it is. What lies outside the data window is black, and transparent.
    """
    parts, tables_at = read_header(file)
    check(file, parts, tables_at, reading)
    picture = _picture(parts)
    part = picture.part
    window, odd = _shown(part, reading)
    samples = _samples(file, parts, picture.index)
    planes = {
        base: np.asarray(samples[name].pixels, np.float32) for base, name in picture.names.items()
    }
    del samples
    to_xyz, xyz_to_srgb, odd_primaries = _primaries(part)
    size = (part.data_window.height, part.data_window.width)
    codes = _placed(_colours(planes, size, to_xyz[1]), part.data_window, window)
    alpha = None
    if "A" in planes:
        alpha = _placed(_at_full_size(planes["A"], size), part.data_window, window).clip(0, 1)
        _make_straight(codes, alpha)
    return Stored(
        codes,
        alpha,
        bit_depth=16 if all(part.channels[n].kind == HALF for n in picture.names.values()) else 32,
        dpi=_dpi(part),
        linear=xyz_to_srgb @ to_xyz,
        warnings=(*picture.warnings, *odd, *odd_primaries),
    )


def depth_channel(file: BinaryIO, reading: Reading) -> Plane | None:
    """(H, W) of the first channel Z, plain or of a layer, as `decode` places its picture;
    infinite outside the data window. None if there is no such channel.

    Raises PhotoError as `decode` does.
    """
    parts, tables_at = read_header(file)
    check(file, parts, tables_at, reading)
    found = _depths(parts)
    if not found:
        return None
    index, name = min(found, key=lambda place: place[1].count("."))
    window, _ = _shown(parts[index], reading)
    data = parts[index].data_window
    plane = np.asarray(_samples(file, parts, index)[name].pixels, np.float32)
    return _placed(_at_full_size(plane, (data.height, data.width)), data, window, np.inf)


def _samples(file: BinaryIO, parts: list[Part], index: int) -> dict[str, Any]:
    """The channels of a part, as the library reads them."""
    import OpenEXR

    file.seek(0)
    # What the library has to say of a broken file it prints; it gives such a part no pixels.
    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        try:
            exr = OpenEXR.File(file, separate_channels=True, num_threads=0)
        except (RuntimeError, ValueError) as error:
            raise PhotoError("is damaged: OpenEXR cannot make sense of it") from error
        if len(exr.parts) != len(parts):
            raise PhotoError("is damaged: its EXR pixels cannot be unpacked")
        channels: dict[str, Any] = exr.channels(index)
    return channels


@dataclass(frozen=True)
class _Picture:
    """Where in the file the colours are.

    names : R, G, B, Y, RY, BY or A -> the channel's whole name
    """

    index: int
    part: Part
    names: dict[str, str]
    warnings: tuple[str, ...] = ()


def _picture(parts: list[Part]) -> _Picture:
    """The first part whose channels are plainly R, G, B or Y; else the likeliest layer."""
    layers = [
        (index, layer, names)
        for index, part in enumerate(parts)
        for layer, names in _layers(part).items()
        if {"R", "G", "B"} & set(names) or ("Y" in names and "X" not in names)
    ]
    if not layers:
        if _depths(parts):
            raise PhotoError("holds depth, no picture; give it with --depth beside the photo")
        every = [name for part in parts for name in part.channels]
        some = ", ".join(every[:5]) + (", ..." if len(every) > 5 else "")
        raise PhotoError(f"holds no picture: its channels are {some}, not R, G, B or Y")

    def likeliness(found: tuple[int, str, dict[str, str]]) -> int:
        layer = found[1].lower()
        if not layer:
            return 0
        return 1 if any(word in layer for word in PICTURE_LAYERS) else 2

    index, layer, names = min(layers, key=likeliness)
    coloured = {"R", "G", "B"} & set(names)
    used = {"R", "G", "B", "A"} if coloured else {"Y", "RY", "BY", "A"}
    return _Picture(
        index,
        parts[index],
        {base: full for base, full in names.items() if base in used},
        (f"has {len(layers)} EXR layers: {layer} is taken",) if layer and layers[1:] else (),
    )


def _layers(part: Part) -> dict[str, dict[str, str]]:
    """Layer ("" for plain channels) -> last word of the channel's name -> whole name."""
    found: dict[str, dict[str, str]] = {}
    for name in part.channels:
        layer, _, base = name.rpartition(".")
        found.setdefault(layer, {}).setdefault(SPELLINGS.get(base.lower(), base), name)
    return found


def _depths(parts: list[Part]) -> list[tuple[int, str]]:
    """Part and name of the channels Z that are no third coordinate of a normal or a place."""
    return [
        (index, names["Z"])
        for index, part in enumerate(parts)
        for names in _layers(part).values()
        if "Z" in names and "X" not in names
    ]


def _shown(part: Part, reading: Reading) -> tuple[Window, tuple[str, ...]]:
    """The window that is the picture, and what is odd about it."""
    data, display = part.data_window, part.display_window
    odd: list[str] = []
    aspect = part.number("pixelAspectRatio") or 1.0
    if not 0.99 < aspect < 1.01:
        odd.append(f"its pixels are {aspect:.4g} times as wide as high, and shown square")
    apart = (
        data.x_min > display.x_max
        or data.x_max < display.x_min
        or data.y_min > display.y_max
        or data.y_max < display.y_min
    )
    if apart or display.width < 1 or display.height < 1:
        odd.append("its EXR display window shows nothing of it: all of its pixels are taken")
        return data, tuple(odd)
    reading.check_size(display.width, display.height)
    return display, tuple(odd)


def _placed(plane: Plane, data: Window, shown: Window, outside: float = 0.0) -> Plane:
    """`plane` of the data window on the window shown, `outside` where it does not reach."""
    if data == shown:
        return plane
    placed = np.full((shown.height, shown.width, *plane.shape[2:]), outside, np.float32)
    top, bottom = max(data.y_min, shown.y_min), min(data.y_max, shown.y_max) + 1
    left, right = max(data.x_min, shown.x_min), min(data.x_max, shown.x_max) + 1
    placed[top - shown.y_min : bottom - shown.y_min, left - shown.x_min : right - shown.x_min] = (
        plane[top - data.y_min : bottom - data.y_min, left - data.x_min : right - data.x_min]
    )
    return placed


def _colours(planes: dict[str, Plane], size: tuple[int, int], weights: Floats) -> Plane:
    """(H, W) or (H, W, 3). Of R, G and B what is missing is black.

    weights : of red, green and blue in Y
    """
    if "Y" in planes and not {"RY", "BY"} <= set(planes):
        return _at_full_size(planes["Y"], size)
    if "Y" in planes:
        # RY = (R - Y) / Y, BY = (B - Y) / Y ("Technical Introduction to OpenEXR",
        # luminance/chroma images).
        y, ry, by = (_at_full_size(planes[name], size) for name in ("Y", "RY", "BY"))
        red, green, blue = weights.astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            r, b = (ry + 1) * y, (by + 1) * y
            return np.dstack([r, (y - red * r - blue * b) / green, b])
    colours = np.zeros((*size, 3), np.float32)
    for channel, name in enumerate("RGB"):
        if name in planes:
            colours[..., channel] = _at_full_size(planes[name], size)
    return colours


def _make_straight(codes: Plane, alpha: Plane) -> None:
    """Take the opacity out of `codes`, in place, where there is any."""
    share = np.where(alpha > SMALLEST_HALF, alpha, np.float32(1))
    with np.errstate(over="ignore", invalid="ignore"):
        codes /= share if codes.ndim == 2 else share[..., None]


def _at_full_size(plane: Plane, size: tuple[int, int]) -> Plane:
    """`plane`, that may have a sample at each so-manieth pixel only, at all pixels."""
    if plane.shape == size:
        return plane
    height, width = size
    steps = (-(-height // plane.shape[0]), -(-width // plane.shape[1]))
    for axis, (step, length) in enumerate(zip(steps, size, strict=True)):
        at = np.arange(length, dtype=np.float32) / step
        first = np.minimum(at.astype(np.intp), plane.shape[axis] - 1)
        second = np.minimum(first + 1, plane.shape[axis] - 1)
        share = (at - first).reshape((-1, 1) if axis == 0 else (1, -1))
        plane = plane.take(first, axis) * (1 - share) + plane.take(second, axis) * share
    return plane


def _rgb_to_xyz(chromaticities: tuple[float, ...]) -> Floats | None:
    """(3, 3) from the file's primaries to XYZ relative to their white; None if they are none.

    Primaries with y = 0 are allowed: XYZ itself is written as (1, 0), (0, 1), (0, 0).
    """
    x, y = np.array(chromaticities, np.float64).reshape(4, 2).T
    columns = np.stack([x, y, 1 - x - y])
    if not np.isfinite(columns).all() or y[3] <= 0:
        return None
    if abs(np.linalg.det(columns[:, :3])) < LEAST_GAMUT:
        return None
    return columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3] / y[3])


def _primaries(part: Part) -> tuple[Floats, Floats, tuple[str, ...]]:
    """The file's primaries to XYZ, from there to linear sRGB, and what is odd about them."""
    chromaticities = part.chromaticities or REC_709
    to_xyz = _rgb_to_xyz(chromaticities)
    odd: tuple[str, ...] = ()
    if to_xyz is None:
        odd = ("its EXR chromaticities span no colours: taken as Rec. 709",)
        chromaticities, to_xyz = REC_709, np.asarray(_rgb_to_xyz(REC_709))
    return to_xyz, XYZ_TO_SRGB @ adapted_to_d50((chromaticities[6], chromaticities[7])), odd


def _dpi(part: Part) -> tuple[float, float] | None:
    density = part.number("xDensity")
    return believable_dpi((density, density)) if density else None


def encode(file: BinaryIO, stored: Stored, _quality: int) -> tuple[str, ...]:
    """Half or float by `bit_depth`, linear light of Rec. 709 primaries, alpha premultiplied."""
    import OpenEXR

    half = stored.bit_depth == 16
    codes, alpha = stored.codes, stored.alpha
    if alpha is not None:
        codes = codes * (alpha if stored.grey else alpha[..., None])
    planes = {"Y": codes} if stored.grey else {n: codes[..., c] for c, n in enumerate("RGB")}
    if alpha is not None:
        planes["A"] = alpha
    header: dict[str, Any] = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "chromaticities": REC_709,
    }
    if stored.dpi:
        header["xDensity"] = float(stored.dpi[0])
    # A copy, since the library wants its planes one after the other.
    channels = {name: _written(plane, half) for name, plane in planes.items()}
    whole = io.BytesIO()
    OpenEXR.File(header, channels).write(whole)
    file.write(whole.getbuffer())
    held = (("EXIF", _told(stored.exif)), ("XMP", stored.xmp), ("IPTC", stored.iptc))
    left_out = ", ".join(name for name, block in held if block)
    return (f"an EXR holds no {left_out}: left out",) if left_out else ()


def _told(block: bytes) -> bool:
    """The EXIF block says more than what is written into any."""
    exif = exif_block.parse(block)
    return bool(exif.photo or exif.gps or set(exif.main) - {Tag.ORIENTATION, Tag.SOFTWARE})


def _written(plane: NDArray[Any], half: bool) -> NDArray[Any]:
    if not half:
        return np.ascontiguousarray(plane, np.float32)
    return np.clip(plane, -LARGEST_HALF, LARGEST_HALF).astype(np.float16)
