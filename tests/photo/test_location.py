"""No place is left, and nothing else is gone."""

from __future__ import annotations

import io

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, IptcImagePlugin

from depthfx.photo.exif import Tag, parse, to_bytes
from depthfx.photo.location import IN_IPTC, stripped, stripped_iptc, stripped_xmp
from depthfx.photo.xmp import PACKET, parsed

PLACES = """
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
 xmlns:core="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
 xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:dji="http://www.dji.com/drone-dji/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:pm="http://ns.camerabits.com/photomechanic/1.0/" xmlns:dwc="http://rs.tdwg.org/dwc/index.htm"
 pm:CountryCode="AUT" pm:Tagged="True"
 exif:GPSLatitude="51,30.1N" exif:ISO="100" photoshop:City='Wien' photoshop:Credit="Ada"
 core:CountryCode="AT" dji:GpsLongtitude="+16.3" dji:FlightPitchDegree="1" dc:source="GPS">
 <exif:GPSLongitude>16,22.4E</exif:GPSLongitude>
 <ext:LocationShown><rdf:Bag><rdf:li ext:City="Graz" rdf:parseType="Resource">
  <ext:CountryName>Austria</ext:CountryName></rdf:li></rdf:Bag></ext:LocationShown>
 <ext:LocationCreated/>
 <dwc:dctermsLocation rdf:parseType="Resource"><dwc:county>Wien</dwc:county></dwc:dctermsLocation>
 <photoshop:State>Wien</photoshop:State>
 <ext:Event>Ball</ext:Event>
</rdf:Description>
"""
LEFT = {"ISO", "Tagged", "Credit", "FlightPitchDegree", "source", "Event", "about"}


def local_names(packet: bytes) -> set[str]:
    tree = parsed(packet)
    assert tree is not None
    names = {name for element in tree.iter() for name in (element.tag, *element.attrib)}
    return {name.partition("}")[2] for name in names} - {"xmpmeta", "RDF", "Description"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_no_place_is_left_in_xmp(encoding: str) -> None:
    packet = PACKET.replace("</rdf:RDF>", PLACES + "</rdf:RDF>").encode(encoding)
    made = stripped_xmp(packet)
    assert local_names(made) == LEFT
    assert stripped_xmp(made) == made
    for word in ("Wien", "Graz", "Austria", "16.3", "51,30"):
        assert word.encode(encoding) in packet
        assert word.encode(encoding) not in made


def test_a_packet_without_places_stays_and_one_that_cannot_be_read_goes() -> None:
    assert stripped_xmp(PACKET.encode()) == PACKET.encode()
    assert stripped_xmp(b"<x:xmpmeta>GPSLatitude") == b""
    assert stripped_xmp(b"") == b""


def test_no_place_is_left_in_exif() -> None:
    block = piexif.dump(
        {
            "0th": {271: b"Maker", 0xC634: b"notes of 59 N 18 E"},
            "Exif": {33437: (28, 10), 37500: b"taken at 59 N 18 E"},
            "GPS": {1: b"N", 2: ((59, 1), (20, 1), (3012, 100))},
        }
    )[6:]
    made = to_bytes(stripped(parse(block)))
    found = parse(made)
    assert not found.gps
    assert Tag.MAKER_NOTE not in found.photo
    assert b"59 N" not in made
    assert found.main[271].data == b"Maker\0"
    assert found.number(found.photo, 33437) == 2.8


def dataset(record: int, number: int, data: bytes) -> bytes:
    return bytes([0x1C, record, number]) + len(data).to_bytes(2, "big") + data


def extended(record: int, number: int, data: bytes) -> bytes:
    size = len(data).to_bytes(4, "big")
    return bytes([0x1C, record, number, 0x80, 4]) + size + data


@pytest.mark.parametrize("form", [dataset, extended])
def test_no_place_is_left_in_iptc(form) -> None:
    kept = dataset(1, 90, b"\x1b%G") + form(2, 5, b"Title") + form(2, 80, b"Ada")
    places = b"".join(form(*kind, b"Wien") for kind in sorted(IN_IPTC))
    assert stripped_iptc(kept[:8] + places + kept[8:]) == kept


def test_another_program_finds_what_is_left() -> None:
    records = dataset(2, 90, b"Wien") + dataset(2, 5, b"Title")
    image = Image.new("L", (1, 1))
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", tiffinfo={33723: stripped_iptc(records)})
    assert IptcImagePlugin.getiptcinfo(Image.open(buffer)) == {(2, 5): b"Title"}


@given(st.binary(max_size=60), st.integers(0, 40))
def test_damaged_records_lose_their_rest_and_raise_nothing(noise: bytes, at: int) -> None:
    whole = dataset(2, 5, b"Title") + dataset(2, 101, b"Austria") + dataset(2, 80, b"Ada")
    made = stripped_iptc(whole[:at] + noise)
    assert len(made) <= at + len(noise)
    assert stripped_iptc(made) == made
