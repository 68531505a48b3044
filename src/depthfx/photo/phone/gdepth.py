"""Depth as Google's formats keep it: GDepth in the XMP, Dynamic Depth after the picture.

GDepth: properties in the namespace below; the depth map is a JPEG or PNG in base64, in the
packet itself or, in a JPEG, in what the XMP goes on with. Dynamic Depth describes its map in
XMP too, but the picture stands after the photo's own, in a container that lists what stands
there; `jpeg_container` finds it.

"Depthmap Metadata", developers.google.com/depthmap-metadata; "Dynamic Depth" 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from depthfx.errors import PhotoError
from depthfx.photo.phone.depth_range import DepthRange, along_axis
from depthfx.photo.phone.payload import from_base64, grey_codes
from depthfx.photo.phone.stored_depth import StoredDepth, upright_in_register
from depthfx.photo.photo import Photo

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
DYNAMIC_CAMERA = "http://ns.google.com/photos/dd/1.0/camera/"
DYNAMIC_DEPTH = "http://ns.google.com/photos/dd/1.0/depthmap/"
DEPTH_ITEM = re.compile(rb"Semantic[\s=>\"']+Depth\b")
NAMES = ("Format", "Near", "Far", "Units", "MeasureType", "Data", "Mime")


def gdepth(photo: Photo) -> StoredDepth | None:
    """The GDepth or Dynamic Depth of `photo`; None if its XMP tells of none.

    Raises PhotoError if it tells of one that cannot be used.
    """
    packets = [photo.metadata.xmp, photo.metadata.xmp_extension]
    if not any(_speaks_of_depth(packet) for packet in packets):
        return None
    from depthfx.photo.xmp import parsed

    trees = [tree for packet in packets if packet and (tree := parsed(packet)) is not None]
    properties = _gdepth_properties(trees)
    if data := properties.get("Data"):
        return _read(photo, "GDepth", properties, lambda: from_base64(data))
    described = next(_dynamic_depth_maps(trees), None)
    if photo.path is not None and photo.metadata.format == "JPEG":
        from depthfx.photo.phone.jpeg_container import depth_item

        uri = None if described is None else described.get("DepthURI")
        item = depth_item(trees, uri)
        if item is not None:
            path = photo.path
            told = described or properties
            return _read(photo, "DynamicDepth", told, lambda: item.payload(path))
    if described is not None or "Near" in properties or "Format" in properties or not trees:
        raise PhotoError("the depth that its XMP tells of is missing or cut off: not used")
    return None


def _speaks_of_depth(packet: bytes) -> bool:
    return any(name.encode() in packet for name in (GDEPTH, DYNAMIC_DEPTH)) or bool(
        DEPTH_ITEM.search(packet)
    )


def _read(
    photo: Photo, kind: str, told: Mapping[str, str], payload: Callable[[], bytes]
) -> StoredDepth:
    """The depth of the picture that `payload` gives; errors name `kind`."""
    try:
        span = DepthRange.told_by(told)
        inverse = span.inverse(grey_codes(payload()))
    except PhotoError as error:
        raise PhotoError(f"the {kind} in it {error}: not used") from error
    inverse = upright_in_register(inverse, photo)
    if span.along_ray:
        inverse = along_axis(inverse, photo.camera)
    return StoredDepth(kind, inverse, span.metric, span.form)


def _gdepth_properties(trees: list[Element]) -> dict[str, str]:
    """GDepth's properties by name; some writers begin MeasureType with a small letter."""
    from depthfx.photo.xmp import value

    found: dict[str, str] = {}
    for name in NAMES:
        for spelling in (name, name[0].lower() + name[1:]):
            for tree in trees:
                text = value(tree, f"{{{GDEPTH}}}{spelling}")
                if text:
                    found.setdefault(name, text)
    return found


def _dynamic_depth_maps(trees: list[Element]) -> Iterator[dict[str, str]]:
    """The properties of every Dynamic Depth map that is one of depth."""
    for tree in trees:
        for element in tree.iter(f"{{{DYNAMIC_CAMERA}}}DepthMap"):
            properties = simple_properties(element, (DYNAMIC_DEPTH,))
            if properties.get("ItemSemantic", "Depth") == "Depth":
                yield properties


def simple_properties(structure: Element, namespaces: Iterable[str]) -> dict[str, str]:
    """The texts of a structure by local name, as far as they are of these namespaces.

    They may stand as attributes or elements, in the structure or in a description in it.
    """
    spaces = tuple(f"{{{space}}}" for space in namespaces)
    found: dict[str, str] = {}
    for element in structure.iter():
        texts = {**element.attrib, element.tag: element.text or ""}
        for name, text in texts.items():
            if name.startswith(spaces) and text.strip():
                found.setdefault(name.partition("}")[2], text.strip())
    return found
