"""The stamp in XMP: read back, replaced, and all else kept."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.photo.xmp import (
    DEEPEST,
    LONGEST_IN_JPEG,
    NAMESPACE,
    PACKET,
    edited,
    items,
    orientation,
    parsed,
    read_stamp,
    stamped,
    upright,
    value,
    with_values,
    without_payloads,
)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
OTHERS = (
    "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'>\n"
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\n"
    " <rdf:Description rdf:about='uuid:7' xmlns:dc='http://purl.org/dc/elements/1.1/'"
    " dc:format='image/jpeg'>\n"
    "  <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>\n"
    " </rdf:Description>\n"
    "</rdf:RDF>\n</x:xmpmeta>\n" + " " * 2000 + "\n<?xpacket end='w'?>"
).encode()
FACTS = {"model": "a & <b>", "weights_sha256": "ab" * 32}


def properties(packet: bytes) -> dict[str, str]:
    """Our properties as an XML parser sees them."""
    found = {}
    for description in ElementTree.fromstring(packet).iter(f"{RDF}Description"):
        for name, text in description.items():
            if name.startswith(f"{{{NAMESPACE}}}"):
                assert name not in found, "XMP wants every property once"
                found[name.removeprefix(f"{{{NAMESPACE}}}")] = text
    return found


@pytest.mark.parametrize("packet", [b"", OTHERS, PACKET.encode()])
def test_what_is_written_is_read(packet):
    made = stamped(packet, FACTS)
    assert properties(made) == {"Model": "a & <b>", "WeightsSha256": "ab" * 32} == read_stamp(made)


@given(st.dictionaries(st.sampled_from(["model", "licence", "depth"]), st.text(max_size=40)))
def test_any_text_makes_well_formed_xml(facts):
    printable = {k.capitalize(): "".join(filter(str.isprintable, v)) for k, v in facts.items()}
    assert properties(stamped(OTHERS, facts)) == printable == read_stamp(stamped(OTHERS, facts))


def test_what_others_wrote_is_kept_and_padding_makes_room():
    made = stamped(OTHERS, FACTS)
    before, after = OTHERS.split(b"</rdf:RDF>")
    assert made.startswith(before)
    assert len(made) == len(OTHERS)
    assert made.endswith(b"<?xpacket end='w'?>")
    assert after.rstrip(b" \n")[:10] == made.split(b"</rdf:RDF>")[1][:10]


def test_all_descriptions_are_about_the_same():
    tree = ElementTree.fromstring(stamped(OTHERS, FACTS))
    assert {d.get(f"{RDF}about") for d in tree.iter(f"{RDF}Description")} == {"uuid:7"}


def test_a_later_stamp_replaces_the_earlier():
    once = stamped(OTHERS, FACTS)
    twice = stamped(once, {"model": "other"})
    assert properties(twice) == {"Model": "other"}
    assert (
        twice.split(b"</rdf:RDF>")[0] == stamped(OTHERS, {"model": "other"}).split(b"</rdf:RDF>")[0]
    )


def test_so_it_does_where_another_program_has_rearranged_it():
    moved = OTHERS.replace(
        b"</rdf:RDF>",
        f"<rdf:Description rdf:about='uuid:7' xmlns:d='{NAMESPACE}'>\n <d:Model>old</d:Model>\n"
        "</rdf:Description></rdf:RDF>".encode(),
    )
    made = stamped(moved, FACTS)
    assert b"old" not in made
    assert properties(made)["Model"] == "a & <b>"
    assert b"Ada" in made


@pytest.mark.parametrize("packet", [b"\xff\xfe<\x00x\x00", b"no XMP at all", b"<x:xmpmeta/>"])
def test_what_is_no_packet_is_left_alone(packet):
    assert stamped(packet, FACTS) == packet


@pytest.mark.parametrize(("room", "is_stamped"), [(100, False), (1000, True)])
def test_a_packet_that_fills_a_segment_is_left_alone(room, is_stamped):
    bare = OTHERS.replace(b" " * 2000, b"")
    full = bare.replace(b"Ada", b"A" * (LONGEST_IN_JPEG - room - len(bare) + 3))
    assert len(full) == LONGEST_IN_JPEG - room
    assert (stamped(full, FACTS) != full) == is_stamped


ENCODINGS = [f"utf-{form}" for form in ("8", "8-sig", "16", "16-le", "16-be", "32", "32-be")]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("wrapped", [True, False])
def test_every_encoding_is_read_with_and_without_wrapper(encoding, wrapped):
    text = OTHERS.decode() if wrapped else OTHERS.decode().split("?>\n", 1)[1]
    tree = parsed(text.encode(encoding) + bytes(8))
    assert value(tree, "{http://purl.org/dc/elements/1.1/}format") == "image/jpeg"
    [creator] = items(tree, "{http://purl.org/dc/elements/1.1/}creator")
    assert creator.text == "Ada"


def in_rdf(body: str, declared: str = 'xmlns:a="urn:a/"') -> bytes:
    return PACKET.replace(
        "</rdf:RDF>", f'<rdf:Description rdf:about="" {declared}>{body}</rdf:Description></rdf:RDF>'
    ).encode()


@pytest.mark.parametrize(
    "body",
    [
        "<a:p>v</a:p>",
        '<a:p rdf:resource="v"/>',
        '<a:p rdf:parseType="Resource"><rdf:value>v</rdf:value></a:p>',
        "<a:p> v\n</a:p>",
    ],
)
def test_a_property_in_any_of_its_forms(body):
    assert value(parsed(in_rdf(body)), "{urn:a/}p") == "v"
    assert value(parsed(in_rdf("", 'xmlns:a="urn:a/" a:p="v"')), "{urn:a/}p") == "v"
    assert value(parsed(in_rdf("<a:q/>")), "{urn:a/}p") is None


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<a><b></a>",
        b"<!DOCTYPE x [<!ENTITY e 'boom'>]>" + in_rdf("<a:p>&e;</a:p>"),
        b"<!DOCTYPE x SYSTEM 'file:///etc/hostname'>" + in_rdf(""),
        b"<!DOCTYPE x>".decode().encode("utf-16") + in_rdf("").decode().encode("utf-16-le"),
        in_rdf("<a:p>" * DEEPEST + "</a:p>" * DEEPEST),
        in_rdf("<a:p>" * 50_000 + "</a:p>" * 50_000),
        in_rdf("<a:p/>" * 250_000),
        in_rdf("<a:p>\0</a:p>"),
        in_rdf("<unbound:p/>"),
    ],
)
def test_what_is_not_to_be_trusted_is_not_read(packet):
    assert parsed(packet) is None
    assert edited(packet, lambda body, places: [(0, 0, b"changed")]) is None
    assert without_payloads(packet) == packet == upright(packet, 4, 3)


@given(st.binary(max_size=60), st.integers(0, 700), st.integers(0, 40))
def test_broken_packets_raise_nothing(noise, at, gone):
    packet = OTHERS[:at] + noise + OTHERS[at + gone :]
    made = upright(without_payloads(packet), 4, 3)
    if parsed(packet) is not None and noise.isascii():
        assert parsed(made) is not None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_edit_of_nothing_leaves_every_byte(encoding):
    packet = OTHERS.decode().encode(encoding)
    assert edited(packet, lambda body, places: []) == packet


def test_places_are_those_of_the_bytes():
    """Of every element and attribute the bytes between are what a parser says they hold."""
    packet = in_rdf("<a:p a:q='1'>\u00e4</a:p><a:r/><a:s></a:s>", "xmlns:a='urn:a/' a:t=\"x>y\"")
    found = {}

    def collect(body, places):
        for p in places:
            found[p.name] = (body[p.inner_start : p.inner_end].decode(), body[p.start : p.end])
        return []

    assert edited(packet, collect) == packet
    assert found["{urn:a/}p"] == ("\u00e4", "<a:p a:q='1'>\u00e4</a:p>".encode())
    assert found["{urn:a/}q"] == ("1", b" a:q='1'")
    assert found["{urn:a/}r"] == ("", b"<a:r/>")
    assert found["{urn:a/}s"] == ("", b"<a:s></a:s>")
    assert found["{urn:a/}t"] == ("x>y", b' a:t="x>y"')


def test_sizes_and_orientation_become_true_in_either_form():
    declared = (
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
        "xmlns:xmp='http://ns.adobe.com/xap/1.0/' tiff:Orientation='6' exif:PixelXDimension=\"90\""
    )
    body = (
        "<tiff:ImageWidth>90</tiff:ImageWidth><tiff:ImageLength/>"
        "<exif:PixelYDimension>60</exif:PixelYDimension>"
        "<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails><xmp:Label>90</xmp:Label>"
    )
    before = in_rdf(body, declared)
    expected = (
        before.replace(b"='6'", b"='1'")
        .replace(b'Dimension="90"', b'Dimension="640"')
        .replace(b"Width>90", b"Width>640")
        .replace(b"Dimension>60", b"Dimension>480")
        .replace(b"<xmp:Thumbnails><rdf:Alt><rdf:li>AAAA</rdf:li></rdf:Alt></xmp:Thumbnails>", b"")
    )
    assert upright(before, 640, 480) == expected
    assert upright(OTHERS, 640, 480) == OTHERS


def test_properties_of_other_pictures_in_the_file_go():
    declared = (
        'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" '
        'xmlns:C="http://ns.google.com/photos/1.0/container/" '
        'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
        'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
        'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
        'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    )
    gone = (
        ' GDepth:Format="RangeInverse" hdrgm:Version="1.0" xmpNote:HasExtendedXMP="AB"'
        ' GCamera:MotionPhoto="1"'
    )
    directory = (
        "\n <C:Directory><rdf:Seq><rdf:li rdf:parseType='Resource'>"
        "<C:Item Item:Mime='image/jpeg' Item:Semantic='Primary'/></rdf:li></rdf:Seq></C:Directory>"
    )
    kept = ' GCamera:PortraitVersion="2" tiff:Make="Maker"'
    whole = in_rdf(directory, declared + gone + kept)
    assert without_payloads(whole) == in_rdf("", declared + kept)


def test_text_that_looks_like_an_attribute_is_none():
    packet = in_rdf("<a:r /> a:p='1' <a:s > a:p=\"2\"</a:s >")
    assert without_payloads(packet) == packet
    assert with_values(packet, {"{urn:a/}p": "3"}) == packet


def test_values_that_are_not_there_are_not_made():
    assert with_values(OTHERS, {"{http://ns.adobe.com/tiff/1.0/}Orientation": "1"}) == OTHERS


def test_a_packet_of_one_empty_tag_is_xmp_that_says_nothing():
    packet = b'<?xpacket begin=""?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/" />\n<?xpacket end="w"?>'
    tree = parsed(packet)
    assert tree is not None
    assert len(tree) == 0
    assert upright(packet, 40, 30) == packet
    assert orientation(packet) == 1
