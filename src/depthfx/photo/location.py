"""Metadata without the place where a photo was made: EXIF, XMP and IPTC.

What goes is what "Remove Location Info" of other programs takes: coordinates, and the names
of places (IPTC Photo Metadata Standard 2023.2: location created and shown, sublocation, city,
state, country). The MakerNote goes too: makers keep places in it in forms of their own.
Captions and keywords stay, whatever the photographer named in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from depthfx.photo.exif import Exif, Tag
from depthfx.photo.xmp import without

IN_EXIF = (Tag.MAKER_NOTE, Tag.DNG_PRIVATE_DATA)
"""Beside the GPS directory; DNG keeps the MakerNote of the raw file as private data."""

CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
EXTENSION = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
IN_XMP = frozenset(
    (
        *(f"{PHOTOSHOP}{name}" for name in ("City", "State", "Country")),
        *(f"{CORE}{name}" for name in ("Location", "CountryCode")),
        *(f"{EXTENSION}{name}" for name in ("LocationCreated", "LocationShown", "City")),
        *(f"{EXTENSION}{name}" for name in ("CountryCode", "CountryName", "LocationId")),
        *(f"{EXTENSION}{name}" for name in ("ProvinceState", "Sublocation", "WorldRegion")),
        *(f"{{http://ns.acdsee.com/iptc/1.0/}}{name}" for name in ("City", "State", "Country")),
        *(f"{{http://www.w3.org/2003/01/geo/wgs84_pos#}}{name}" for name in ("lat", "long", "alt")),
        "{http://ns.camerabits.com/photomechanic/1.0/}CountryCode",
        "{http://rs.tdwg.org/dwc/index.htm}dctermsLocation",  # of biologists' records
        "{http://ns.iview-mediapro.com/mediapro/1.0/}Location",
        "{http://ns.adobe.com/xmp/1.0/DynamicMedia/}shotLocation",
    )
)
COORDINATES = re.compile(r"\}(gps|.*latitude|.*longt?itude|.*makernote)", re.IGNORECASE)
"""Beginnings of names in any namespace: exif:GPSLatitude, drone-dji:GpsLongtitude (so spelt),
GCamera:hdrp_makernote."""

IN_IPTC = frozenset(((2, 26), (2, 27), (2, 90), (2, 92), (2, 95), (2, 100), (2, 101)))
"""Content location code and name, city, sublocation, state, country code and name."""
TAG_MARKER = 0x1C


def stripped(exif: Exif) -> Exif:
    """`exif` without GPS directory and MakerNote."""
    main, photo = (
        {tag: entry for tag, entry in directory.items() if tag not in IN_EXIF}
        for directory in (exif.main, exif.photo)
    )
    return replace(exif, main=main, photo=photo, gps={})


def stripped_xmp(packet: bytes) -> bytes:
    """`packet` without coordinates and names of places, else byte for byte.

    Empty if it cannot be read: nobody knows what is in it.
    """
    return without(packet, lambda name: name in IN_XMP or bool(COORDINATES.search(name))) or b""


def stripped_iptc(records: bytes) -> bytes:
    """IPTC-IIM `records` without the names of places; what is behind a damaged one goes too."""
    return b"".join(whole for kind, whole in _datasets(records) if kind not in IN_IPTC)


def _datasets(records: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Record and dataset number, and the bytes of the whole dataset (IIM 4.2, 1.5)."""
    at = 0
    while len(records) - at >= 5 and records[at] == TAG_MARKER:
        size, head = int.from_bytes(records[at + 3 : at + 5], "big"), 5
        if size & 0x8000:  # an extended dataset: the length of its length
            head += size & 0x7FFF
            size = int.from_bytes(records[at + 5 : at + head], "big") if head <= 13 else 1 << 63
        end = at + head + size
        if end > len(records):
            return
        yield (records[at + 1], records[at + 2]), records[at:end]
        at = end
