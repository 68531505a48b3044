"""Depth and mattes as auxiliary pictures of a HEIF or AVIF, as Apple and others store them.

A depth picture comes with a message of the coding standard that says what its codes mean:
uniform steps of disparity, as a rule, from d_min to d_max. Apple says in XMP whether these are
metres. Without that, depth is relative; without the message, white is taken as near.

ITU-T H.265 Annex G (depth representation information); ISO/IEC 23008-12 6.5.8 (auxC).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.photo import xmp
from depthfx.photo.boxes import Item, Items, read_items
from depthfx.photo.formats import heif
from depthfx.photo.formats.bitstream import Bits, nal_units, without_emulation
from depthfx.photo.formats.coded_picture import auxiliary_kind, coded_picture, crop, turned
from depthfx.photo.phone.jpeg_auxiliary import PIXEL_DATA
from depthfx.photo.phone.stored_depth import ASPECT_TOLERANCE
from depthfx.photo.stored import Reading, Stored

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

KIND = "HEIF auxiliary depth"
DEPTH = (b"urn:mpeg:hevc:2015:auxid:2", b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth")
PORTRAIT_MATTE = b"urn:com:apple:photo:2018:aux:portraiteffectsmatte"

RANGE = ("FloatMinValue", "FloatMaxValue", "AuxiliaryImageType")

SEI_HEADER = b"\x4e\x01"
"""Of a NAL unit with messages that stand before a picture (type 39)."""
DEPTH_REPRESENTATION = 177

INVERSE_Z, DISPARITY, Z, NONUNIFORM = range(4)
ENCODINGS = {
    INVERSE_Z: "uniform inverse Z",
    DISPARITY: "uniform disparity",
    Z: "uniform Z",
    NONUNIFORM: "nonuniform disparity",
}


@dataclass(frozen=True)
class Representation:
    """What the codes of a depth picture mean.

    kind : one of `ENCODINGS`
    z_near, z_far, d_min, d_max : None where it is not said
    model : of nonuniform disparity, how far each knot is off the diagonal
    """

    kind: int
    z_near: float | None = None
    z_far: float | None = None
    d_min: float | None = None
    d_max: float | None = None
    model: tuple[int, ...] = ()


def heif_depth(path: Path) -> tuple[Plane, bool, dict[str, object]] | None:
    """The depth in the HEIF or AVIF file at `path`, None if it has none.

    Returns inverse depth (h, w) float32, upright, of its own size, NaN where nothing is known;
    whether it is in 1/m; and facts: "encoding", "accuracy", "d_min", "d_max", "z_near",
    "z_far", each where it is said.

    Raises PhotoError, in words that fit after "<path>: ", if it has one that cannot be used.
    """
    data = path.read_bytes()
    items = read_items(data)
    found = _auxiliary(items, DEPTH)
    if found is None:
        return None
    try:
        tree = _xmp(items, found)
        said = representation(items[found].said(b"auxC") or b"") or _range_in_xmp(tree)
        codes = _upright_codes(items, found, len(data))
        inverse = codes.astype(np.float32) if said is None else inverse_depth(codes, said)
    except PhotoError as error:
        raise PhotoError(f"the {KIND} in it {error}: not used") from error
    accuracy = None if tree is None else xmp.value(tree, f"{heif.DEPTH_DATA}Accuracy")
    facts: dict[str, object] = {"encoding": ENCODINGS[said.kind] if said else "unknown"}
    facts |= {"accuracy": accuracy} if accuracy else {}
    if said:
        values = {name: getattr(said, name) for name in ("d_min", "d_max", "z_near", "z_far")}
        facts |= {name: value for name, value in values.items() if value is not None}
    return inverse, said is not None and accuracy == "absolute", facts


def heif_matte(path: Path) -> Plane | None:
    """The portrait matte (h, w) float32 0..1 of the file at `path`, upright, of its own size;
    None if it has none. Raises PhotoError as `heif_depth` does."""
    data = path.read_bytes()
    items = read_items(data)
    found = _auxiliary(items, (PORTRAIT_MATTE,))
    if found is None:
        return None
    try:
        return _upright_codes(items, found, len(data)).astype(np.float32)
    except PhotoError as error:
        raise PhotoError(f"the portrait matte in it {error}: not used") from error


def auxiliary_kinds(path: Path) -> tuple[str, ...]:
    """The URNs of the pictures beside the picture of a HEIF or AVIF: depth, mattes, gain map."""
    items = read_items(path.read_bytes())
    there = items.pointing_to(items.primary, b"auxl")
    return tuple(auxiliary_kind(item).decode("latin-1") for _, item in there)


def _auxiliary(items: Items, kinds: tuple[bytes, ...]) -> int | None:
    """The number of the primary picture's first auxiliary picture of one of these kinds."""
    there = items.pointing_to(items.primary, b"auxl")
    return next((number for number, item in there if auxiliary_kind(item) in kinds), None)


def _upright_codes(items: Items, number: int, file_bytes: int) -> NDArray[np.float64]:
    """The picture, 0..1, cropped and turned as itself says, or, where it says nothing, as the
    photo is."""
    codes = coded_picture(items, number, Reading(file_bytes=file_bytes)).codes
    grey = (codes if codes.ndim == 2 else codes[..., 0]) / np.float64(np.iinfo(codes.dtype).max)
    item, photo = items[number], items[items.primary]
    if item.said(b"clap") is None:
        grey = _cropped(grey, photo)
    if item.said(b"irot") is None and item.said(b"imir") is None and _lies_as(grey, photo):
        turns = (p for p in photo.properties if p.kind in (b"irot", b"imir"))
        item = replace(item, properties=(*item.properties, *turns))
    return turned(grey, item)


def _cropped(grey: NDArray[np.float64], photo: Item) -> NDArray[np.float64]:
    """What is left of a picture of all that `photo` stores, if that is cropped."""
    width, height = struct.unpack_from(">II", photo.said(b"ispe") or bytes(12), 4)
    rows, columns = grey.shape
    if not width or not height or abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        return grey
    left, top, right, bottom = crop(photo.said(b"clap") or b"", width, height)
    down = slice(top * rows // height, -(-bottom * rows // height))
    return grey[down, left * columns // width : -(-right * columns // width)]


def _lies_as(grey: NDArray[np.float64], photo: Item) -> bool:
    """Whether a picture lies as `photo` is stored, rather than as it is seen."""
    width, height = struct.unpack_from(">II", photo.said(b"ispe") or bytes(12), 4)
    return (grey.shape[1] >= grey.shape[0]) == (width >= height)


def inverse_depth(codes: NDArray[np.float64], said: Representation) -> Plane:
    """Inverse depth (h, w) float32 of a depth picture (h, w), 0..1.

    Raises PhotoError if the range of `said` is none.
    """
    if said.kind not in ENCODINGS:
        raise PhotoError(f"is of the unknown kind {said.kind}")
    by_z = None not in (said.z_near, said.z_far) and said.kind in (INVERSE_Z, Z)
    low, high = (said.z_far, said.z_near) if by_z else (said.d_min, said.d_max)
    if low is None or high is None:
        raise PhotoError("does not say its range")
    if by_z:
        low, high = (1 / low if low else math.inf), (1 / high if high else math.inf)
    if not (math.isfinite(low) and math.isfinite(high) and low < high and high > 0):
        raise PhotoError(f"goes from {low:g} to {high:g} in inverse depth, which is no range")
    if said.kind == Z:
        if low <= 0:
            raise PhotoError("goes to infinity in uniform steps of depth, which is no range")
        return (1 / (1 / high + codes * (1 / low - 1 / high))).astype(np.float32)
    if said.kind == NONUNIFORM:
        codes = np.interp(codes, *_knots(said.model))
    return np.maximum(low + codes * (high - low), 0).astype(np.float32)


def _knots(model: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Codes and disparities, both 0..1, of the knots of nonuniform quantization.

    The knots lie at even steps of the diagonal, off it by the model's numbers,
    which count codes of 8 bits.
    """
    off = np.array([0, *model, 0], np.float64) / 255
    diagonal = np.linspace(0, 1, len(off))
    codes, disparities = diagonal - off, diagonal + off
    if not (np.diff(codes) > 0).all():
        raise PhotoError("has steps of disparity that run backwards")
    return codes, disparities


def representation(aux_property: bytes) -> Representation | None:
    """What an auxC box says of the codes of its depth picture; None if it says nothing.

    Raises PhotoError if what it says is damaged.
    """
    subtype = aux_property[4:].partition(b"\0")[2]
    if not subtype:
        return None
    for unit in nal_units(subtype[4:], 4):  # behind the length of them all
        if unit[:2] != SEI_HEADER:
            continue
        for kind, payload in _messages(without_emulation(unit[2:])):
            if kind == DEPTH_REPRESENTATION:
                return _representation(Bits(payload))
    raise PhotoError("says its range in a damaged message")


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The SEI messages of a unit: type and payload, each number as long as its bytes are 255."""
    at = 0
    while at + 2 <= len(data):
        numbers = []
        for _ in range(2):
            start = at
            while data[at : at + 1] == b"\xff":
                at += 1
            numbers.append(255 * (at - start) + int.from_bytes(data[at : at + 1], "big"))
            at += 1
        yield numbers[0], data[at : at + numbers[1]]
        at += numbers[1]


def _representation(bits: Bits) -> Representation:
    try:
        there = [bits.take(1) for _ in range(4)]
        kind = bits.exp_golomb()
        if there[2] or there[3]:
            bits.exp_golomb()  # the view that disparities are to
        numbers = [_float(bits) if flag else None for flag in there]
        model: tuple[int, ...] = ()
        if kind == NONUNIFORM:
            count = bits.exp_golomb() + 1
            if count > 255:
                raise PhotoError("has too many steps of disparity")
            model = tuple(bits.exp_golomb() for _ in range(count))
        z_near, z_far, d_min, d_max = numbers
        return Representation(kind, z_near, z_far, d_min, d_max, model)
    except PhotoError as error:
        raise PhotoError("says its range in a damaged message") from error


def _float(bits: Bits) -> float:
    """Sign, exponent of 7 bits, mantissa of as many as it says."""
    sign, exponent, length = bits.take(1), bits.take(7), bits.take(5) + 1
    mantissa = bits.take(length)
    if exponent == 127:
        return math.nan
    fraction = mantissa / (1 << length)
    value = math.ldexp(1 + fraction, exponent - 31) if exponent else math.ldexp(fraction, -30)
    return -value if sign else value


def _xmp(items: Items, number: int) -> Element | None:
    """What Apple says in XMP of the depth picture."""
    trees = (heif.parsed_xmp(item) for _, item in items.pointing_to(number, b"cdsc"))
    return next((tree for tree in trees if tree is not None), None)


def _range_in_xmp(tree: Element | None) -> Representation | None:
    """The range, for files whose message a program has lost."""
    if tree is None:
        return None
    low, high, kind = (xmp.value(tree, f"{PIXEL_DATA}{name}") or "" for name in RANGE)
    try:
        ends = float(low), float(high)
    except ValueError:
        return None
    if kind == "disparity":
        return Representation(DISPARITY, d_min=ends[0], d_max=ends[1])
    return Representation(Z, *ends) if kind == "depth" else None


def heif_with_depth(
    file: BinaryIO, stored: Stored, inverse: Plane, metric: bool, quality: int
) -> tuple[str, ...]:
    """Write a HEIC of `stored` with depth beside it, as phones do: 8 bits, even in disparity.

    inverse : (h, w) float32, upright, of any size; in 1/m if `metric`; what is not finite
        counts as infinitely far

    Returns what had to be left out, a line each.
    """
    finite = np.where(np.isfinite(inverse), inverse, 0)
    low, high = _rounded(float(finite.min())), _rounded(float(finite.max()))
    if low == high:  # equally far everywhere: any range that it is an end of
        low, high = (0.0, high) if high else (0.0, 1.0)
    codes = np.clip((finite - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
    items, file_brands = heif.coded_items(stored, quality)
    kind = DEPTH[0] + b"\0" + _disparity_message(low, high)
    items = _described(heif.with_auxiliary(items, Stored(codes), kind), low, high, metric)
    return heif.write_with_metadata(file, items, file_brands, stored)


LEAST = 2.0**-30
"""The smallest number above 0 that is written; 1/m of a million kilometres."""

DIGITS = 13
"""Binary digits of the range: so few that no byte needs to be kept from looking like a start
code, which some readers do not undo; and 30 times as fine as the codes."""


def _rounded(value: float) -> float:
    fraction, exponent = math.frexp(value)
    return math.ldexp(round(fraction * (1 << DIGITS)), exponent - DIGITS) if value >= LEAST else 0.0


def _described(items: Items, low: float, high: float, metric: bool) -> Items:
    """`items` with Apple's XMP for the last of them, the depth."""
    depth = max(items.by_number)
    said = Item(
        b"mime",
        (DEPTH_XMP.format(low=low, high=high, accuracy=ACCURACY[metric]).encode(),),
        references={b"cdsc": (depth,)},
        content_type=heif.XMP_TYPE,
        hidden=True,
    )
    return Items(items.primary, {**items.by_number, depth + 1: said})


ACCURACY = {True: "absolute", False: "relative"}
DEPTH_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/"
    xmlns:depthData="http://ns.apple.com/depthData/1.0/">
   <apdi:AuxiliaryImageType>disparity</apdi:AuxiliaryImageType>
   <apdi:FloatMinValue>{low:.9g}</apdi:FloatMinValue>
   <apdi:FloatMaxValue>{high:.9g}</apdi:FloatMaxValue>
   <apdi:IntMinValue>0</apdi:IntMinValue>
   <apdi:IntMaxValue>255</apdi:IntMaxValue>
   <depthData:DepthDataVersion>65538</depthData:DepthDataVersion>
   <depthData:Accuracy>{accuracy}</depthData:Accuracy>
   <depthData:Filtered>True</depthData:Filtered>
   <depthData:Quality>high</depthData:Quality>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


def _disparity_message(low: float, high: float) -> bytes:
    """What `representation` reads: uniform disparity from `low` to `high`, to no view."""
    only_disparities, kind, view = "0011", "010", "1"
    bits = only_disparities + kind + view + _float_bits(low) + _float_bits(high) + "1"
    bits += "0" * (-len(bits) % 8)
    payload = int(bits, 2).to_bytes(len(bits) // 8, "big")
    unit = SEI_HEADER + bytes([DEPTH_REPRESENTATION, len(payload)]) + payload
    return struct.pack(">II", len(unit) + 4, len(unit)) + unit


def _float_bits(value: float) -> str:
    """The inverse of `_float` for what is `_rounded`, as ones and zeros."""
    fraction, exponent = math.frexp(value)
    mantissa = f"{round((2 * fraction - 1) * (1 << DIGITS)):0{DIGITS}b}" if value else "0"
    mantissa = mantissa.rstrip("0") or "0"
    stored = exponent + 30 if value else 0
    return f"0{stored:07b}{len(mantissa) - 1:05b}{mantissa}"
