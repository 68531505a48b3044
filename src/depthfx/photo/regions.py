"""What the photo's metadata say is its subject: a face, an animal, the place focused on.

Faces stand in XMP as regions (Metadata Working Group, "Guidelines for Handling Image
Metadata", 2.0, 5.9): centre and size as shares of the picture as it is stored, before it is
turned upright. Cameras and phones write the place focused on as EXIF's SubjectArea.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from depthfx.photo.photo import Photo
from depthfx.photo.subject import subject_area, upright_place

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

REGIONS = "{http://www.metadataworkinggroup.com/schemas/regions/}"
AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
SIZE = "{http://ns.adobe.com/xap/1.0/sType/Dimensions#}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"

PREFERENCE = {"Face": "face", "Pet": "animal", "Focus": "focused area"}
"""Types of XMP regions that may be what the photo is of, and how we call them."""
BROADEST = 0.2
"""Share of the frame from which on an area says nothing: many phones write one of a quarter
around the middle into every photo in which nobody tapped on the screen."""
SAME_SHAPE = 0.02
"""A frame whose aspect is this much off was cropped after its regions were written."""


@dataclass(frozen=True)
class Region:
    """A place of the upright picture, centre and size as shares of its width and height.

    kind : "face", "animal" or "focused area"
    """

    kind: str
    x: float
    y: float
    width: float
    height: float


def told_region(photo: Photo) -> Region | None:
    """The subject that the metadata of `photo` tell of, the largest of the first kind there is.

    None if they tell of none, or only of what cannot be in this picture any more.
    """
    found = [region for region in _regions(photo) if region.width * region.height < BROADEST]
    for kind in PREFERENCE.values():
        same = [region for region in found if region.kind == kind]
        if same:
            return max(same, key=lambda region: region.width * region.height)
    return _focused(photo)


def _focused(photo: Photo) -> Region | None:
    area = subject_area(photo)
    if area is None:
        return None
    x, y, size = area
    rows, columns = photo.shape
    diagonal = float((rows**2 + columns**2) ** 0.5)
    # Sides of the stored picture; turned by a quarter they change places.
    wide, high = (size[0], size[-1]) if size else (0.0, 0.0)
    if photo.metadata.orientation >= 5:
        wide, high = high, wide
    region = Region("focused area", x, y, wide * diagonal / columns, high * diagonal / rows)
    return region if region.width * region.height < BROADEST else None


def _regions(photo: Photo) -> Iterator[Region]:
    """The faces and other regions in XMP, as far as they can be read."""
    packet = photo.metadata.xmp
    if REGIONS[1:-1].encode() not in packet or b"<!DOCTYPE" in packet:
        return
    from xml.etree import ElementTree

    start, end = packet.find(b"<x:xmpmeta"), packet.rfind(b"</x:xmpmeta>")
    if start < 0 or end < 0:
        start, end = packet.find(b"<rdf:RDF"), packet.rfind(b">") + 1
    else:
        end += len(b"</x:xmpmeta>")
    try:
        tree = ElementTree.fromstring(packet[start:end])
    except ElementTree.ParseError:
        return
    orientation = _orientation(tree, photo)
    if orientation is None:
        return
    for entry in tree.iter(f"{RDF}li"):
        region = _region(entry, orientation)
        if region is not None:
            yield region


def _orientation(tree: Element, photo: Photo) -> int | None:
    """How the regions' frame has to be turned; None if this picture is another cut of it."""
    orientation = photo.metadata.orientation
    frame = next(tree.iter(f"{REGIONS}AppliedToDimensions"), None)
    width, height = (_number(frame, SIZE, side) for side in "wh")
    if not (width and height):
        return orientation
    rows, columns = photo.shape
    aspect = columns / rows
    upright = abs(width / height / aspect - 1) < SAME_SHAPE
    turned = abs(height / width / aspect - 1) < SAME_SHAPE
    if orientation < 5:
        return orientation if upright else None
    # As the standard has it, before turning; some programs write what they show.
    return orientation if turned else 1 if upright else None


def _region(entry: Element, orientation: int) -> Region | None:
    kind = PREFERENCE.get(_text(entry, f"{REGIONS}Type") or "")
    area = next(entry.iter(f"{REGIONS}Area"), None)
    unit = "normalized" if area is None else _text(area, f"{AREA}unit") or "normalized"
    x, y, wide, high = (_number(area, AREA, name) for name in "xywh")
    if kind is None or unit != "normalized" or x is None or y is None:
        return None
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    wide, high = min(wide or 0.0, 1.0), min(high or 0.0, 1.0)
    if orientation >= 5:
        wide, high = high, wide
    return Region(kind, *upright_place(x, y, orientation), wide, high)


def _text(element: Element, name: str) -> str | None:
    """A property, written as an attribute of the element, of its description, or as a child."""
    for holder in (element, element.find(f"{RDF}Description")):
        if holder is not None:
            value = holder.get(name) or holder.findtext(name)
            if value:
                return value.strip()
    return None


def _number(element: Element | None, space: str, name: str) -> float | None:
    text = None if element is None else _text(element, f"{space}{name}")
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
