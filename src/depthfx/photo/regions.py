"""What the photo's metadata say is its subject: a face, an animal, the place focused on.

Faces stand in XMP as regions (Metadata Working Group, "Guidelines for Handling Image
Metadata", 2.0, 5.9): centre and size as shares of the picture as it is stored, before it is
turned upright. Windows and digiKam write people's faces as MPReg:Rectangle (corner and size) as
well or instead. Cameras and phones write the place focused on as EXIF's SubjectArea.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from depthfx.photo.exif import upright_place
from depthfx.photo.photo import Photo
from depthfx.photo.subject import subject_area
from depthfx.photo.xmp import RDF, Edit, Place, edited, parsed, value

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

REGIONS = "{http://www.metadataworkinggroup.com/schemas/regions/}"
AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
AREA_SIDES = tuple(f"{AREA}{name}" for name in "xywh")
SIZE = "{http://ns.adobe.com/xap/1.0/sType/Dimensions#}"
RECTANGLE = "{http://ns.microsoft.com/photo/1.2/t/Region#}Rectangle"

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


def faces(photo: Photo) -> list[Region]:
    """The faces that the XMP of `photo` tells of, largest first."""
    found = [region for region in _regions(photo) if region.kind == "face"]
    return sorted(found, key=lambda region: region.width * region.height, reverse=True)


def turned(packet: bytes, orientation: int, width: int, height: int) -> bytes:
    """The XMP `packet` of a photo that was turned upright, its regions turned with it.

    orientation : what EXIF said before
    width, height : of the upright picture, pixels

    Regions of another cut of the picture, and all else, stay as they are.
    """
    tree = None if orientation == 1 else parsed(packet)
    told = None if tree is None else _orientation(tree, orientation, width, height)
    if told is None:
        return packet

    def edits(body: bytes, places: list[Place]) -> Iterator[Edit]:
        areas: dict[int, dict[str, Place]] = {}
        for place in places:
            if place.name in (f"{SIZE}w", f"{SIZE}h"):
                if _holder(places, place, f"{REGIONS}AppliedToDimensions") >= 0:
                    side = width if place.name.endswith("w") else height
                    yield place.inner_start, place.inner_end, str(side).encode()
            elif place.name in AREA_SIDES:
                areas.setdefault(_holder(places, place, f"{REGIONS}Area"), {})[place.name] = place
            elif place.name == RECTANGLE:
                text = body[place.inner_start : place.inner_end].decode()
                corner = _centred(text)
                if corner is not None:
                    x, y, wide, high = _turned(corner, told)
                    new = ", ".join(map(_share, (x - wide / 2, y - high / 2, wide, high)))
                    yield place.inner_start, place.inner_end, new.encode()
        areas.pop(-1, None)
        for area in areas.values():
            spans = [area[name] for name in AREA_SIDES if name in area]
            numbers = [_as_number(body[p.inner_start : p.inner_end].decode()) for p in spans]
            known = [number for number in numbers if number is not None]
            if len(known) == 4:
                new_sides = _turned((known[0], known[1], known[2], known[3]), told)
                for place, new_side in zip(spans, new_sides, strict=True):
                    yield place.inner_start, place.inner_end, _share(new_side).encode()

    made = edited(packet, edits)
    return packet if made is None else made


def _holder(places: list[Place], place: Place, name: str) -> int:
    """Index of the nearest element of that name around `place`; -1 if there is none."""
    at = place.holder
    while at >= 0 and places[at].name != name:
        at = places[at].holder
    return at


def _share(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _regions(photo: Photo) -> Iterator[Region]:
    """The faces and other regions in XMP, as far as they can be read."""
    tree = parsed(photo.metadata.xmp)
    if tree is None:
        return
    rows, columns = photo.shape
    orientation = _orientation(tree, photo.metadata.orientation, columns, rows)
    if orientation is None:
        return
    entries = list(tree.iter(f"{RDF}li"))
    # Who writes both kinds writes the same faces twice.
    found = list(filter(None, map(_region, entries))) or filter(None, map(_person, entries))
    for kind, place in found:
        yield Region(kind, *_turned(place, orientation))


def _orientation(tree: Element, orientation: int, columns: int, rows: int) -> int | None:
    """How the regions' frame has to be turned; None if this picture is another cut of it."""
    frame = next(tree.iter(f"{REGIONS}AppliedToDimensions"), None)
    width, height = (_number(frame, f"{SIZE}{side}") for side in "wh")
    if not (width and height):
        return orientation
    aspect = columns / rows
    upright = abs(width / height / aspect - 1) < SAME_SHAPE
    turned = abs(height / width / aspect - 1) < SAME_SHAPE
    if orientation < 5:
        return orientation if upright else None
    # As the standard has it, before turning; some programs write what they show.
    return orientation if turned else 1 if upright else None


Rectangle = tuple[float, float, float, float]
"""Centre and sides, shares of the picture's."""


def _region(entry: Element) -> tuple[str, Rectangle] | None:
    kind = PREFERENCE.get(value(entry, f"{REGIONS}Type") or "")
    area = next(entry.iter(f"{REGIONS}Area"), None)
    unit = "normalized" if area is None else value(area, f"{AREA}unit") or "normalized"
    x, y, wide, high = (_number(area, name) for name in AREA_SIDES)
    if kind is None or unit != "normalized" or x is None or y is None:
        return None
    if not (0 <= x <= 1 and 0 <= y <= 1):
        return None
    return kind, (x, y, min(wide or 0.0, 1.0), min(high or 0.0, 1.0))


def _person(entry: Element) -> tuple[str, Rectangle] | None:
    """A person as Windows and digiKam write it: the rectangle of a face."""
    text = value(entry, RECTANGLE)
    place = _centred(text) if text else None
    return None if place is None else ("face", place)


def _centred(text: str) -> Rectangle | None:
    """ "left, top, width, height" in shares; None if that is no place in the picture."""
    numbers = [_as_number(part) for part in text.split(",")]
    known = [number for number in numbers if number is not None]
    if len(numbers) != 4 or len(known) != 4:
        return None
    left, top, wide, high = known
    if left + wide > 1.001 or top + high > 1.001:
        return None
    return left + wide / 2, top + high / 2, wide, high


def _turned(place: Rectangle, orientation: int) -> Rectangle:
    x, y, wide, high = place
    if orientation >= 5:
        wide, high = high, wide
    return *upright_place(x, y, orientation), wide, high


def _number(element: Element | None, name: str) -> float | None:
    text = None if element is None else value(element, name)
    return _as_number(text or "")


def _as_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
