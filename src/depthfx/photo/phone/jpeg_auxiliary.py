"""Depth and portrait matte as further pictures of a JPEG, as Apple writes them.

Each has XMP that says what it is, and what its smallest and largest code stand for. Codes are
even in what is stored: disparity in 1/m, or depth in metres.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.photo.phone.depth_range import Floats, by_code, inverse_of
from depthfx.photo.phone.jpeg_parts import APP2, further_pictures, has_segment, xmp_of
from depthfx.photo.phone.payload import grey_codes
from depthfx.photo.phone.stored_depth import StoredDepth, upright_in_register
from depthfx.photo.photo import Photo

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PIXEL_DATA = "{http://ns.apple.com/pixeldatainfo/1.0/}"
DEPTH_DATA = "{http://ns.apple.com/depthData/1.0/}"
MATTE = "urn:com:apple:photo:2018:aux:portraiteffectsmatte"
MULTI_PICTURE = b"MPF\0"
"""Begins the list of pictures that a JPEG with more than one has."""
KIND = "JPEG auxiliary depth"


def jpeg_auxiliary_depth(photo: Photo) -> StoredDepth | None:
    """The auxiliary depth in the JPEG file of `photo`, None if it has none.

    Raises PhotoError if it has one that cannot be used.
    """
    found = _auxiliary(photo, ("disparity", "depth"))
    if found is None:
        return None
    tree, data = found
    try:
        inverse = by_code(grey_codes(data), _meaning(tree))
    except PhotoError as error:
        raise PhotoError(f"the {KIND} in it {error}: not used") from error
    absolute = _text(tree, f"{DEPTH_DATA}Accuracy") == "absolute"
    return StoredDepth(KIND, upright_in_register(inverse, photo), absolute, _type(tree))


def jpeg_auxiliary_matte(photo: Photo) -> Plane | None:
    """The portrait matte (h, w) float32 0..1 in the JPEG file of `photo`, None if it has none."""
    found = _auxiliary(photo, (MATTE,))
    if found is None:
        return None
    return upright_in_register(by_code(grey_codes(found[1]), lambda v: v), photo)


def _meaning(tree: Element) -> Callable[[Floats], Floats]:
    """What the codes mean, as shares of the largest, in inverse depth."""
    low, high = (_number(tree, name) for name in ("FloatMinValue", "FloatMaxValue"))
    if not 0 <= low < high:
        raise PhotoError(f"goes from {low:g} to {high:g}, which is no range of depths")
    disparity = _type(tree) == "disparity"

    def inverse(v: Floats) -> Floats:
        values = low + v * (high - low)
        return values if disparity else inverse_of(values)

    return inverse


def _auxiliary(photo: Photo, types: tuple[str, ...]) -> tuple[Element, bytes] | None:
    """The first further picture of one of these types, and its XMP."""
    from depthfx.photo.xmp import parsed

    if photo.path is None:
        return None
    with photo.path.open("rb") as file:
        if not has_segment(file, APP2, MULTI_PICTURE):
            return None
        file.seek(0)
        data = file.read()
    for start, end in further_pictures(data):
        packet = xmp_of(data, start)
        tree = parsed(packet) if PIXEL_DATA[1:-1].encode() in packet else None
        if tree is not None and _type(tree) in types:
            return tree, data[start:end]
    return None


def _type(tree: Element) -> str:
    return _text(tree, f"{PIXEL_DATA}AuxiliaryImageType") or ""


def _text(tree: Element, name: str) -> str | None:
    from depthfx.photo.xmp import value

    return value(tree, name)


def _number(tree: Element, name: str) -> float:
    text = _text(tree, f"{PIXEL_DATA}{name}")
    try:
        number = float(text or "")
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise PhotoError(f"says no {name}")
    return number
