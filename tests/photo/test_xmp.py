"""The stamp in XMP: read back, replaced, and all else kept."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.photo.xmp import LONGEST_IN_JPEG, NAMESPACE, PACKET, read_stamp, stamped

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
        for name, value in description.items():
            if name.startswith(f"{{{NAMESPACE}}}"):
                assert name not in found, "XMP wants every property once"
                found[name.removeprefix(f"{{{NAMESPACE}}}")] = value
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
