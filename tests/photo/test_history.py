"""The entry in a photo's history: one more each time, and nothing else moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.photo.history import EVENT, MEDIA, noted
from depthfx.photo.xmp import LONGEST_IN_JPEG, RDF, XMP, items, parsed, value

RDF_URI, MM, STEVT = RDF[1:-1], MEDIA[1:-1], EVENT[1:-1]
AS_ADOBE_WRITES = (
    "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>\n"
    f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r='{RDF_URI}'>\n"
    f" <r:Description r:about='a&amp;b' xmlns:xmp='{XMP[1:-1]}' xmlns:xmpMM='{MM}'"
    f" xmlns:stEvt='{STEVT}' xmp:CreatorTool='Camera 1' xmp:ModifyDate='2020-01-01T00:00:00'>\n"
    "  <xmpMM:History><r:Seq>\n"
    "   <r:li stEvt:action='created' stEvt:when='2019-01-01T00:00:00'/>\n"
    "  </r:Seq></xmpMM:History>\n"
    " </r:Description>\n</r:RDF></x:xmpmeta>\n" + " " * 1500 + "\n<?xpacket end='w'?>"
)
EMPTY_HISTORIES = [
    AS_ADOBE_WRITES.replace(
        "<xmpMM:History><r:Seq>\n   <r:li stEvt:action='created' "
        "stEvt:when='2019-01-01T00:00:00'/>\n  </r:Seq></xmpMM:History>",
        empty,
    )
    for empty in ("", "<xmpMM:History/>", "<xmpMM:History><r:Seq/></xmpMM:History>")
]


def events(packet: bytes) -> list[dict[str, str | None]]:
    tree = parsed(packet)
    assert tree is not None
    assert len(list(tree.iter(f"{MEDIA}History"))) == 1
    names = ("action", "softwareAgent", "when", "parameters")
    return [{n: value(li, EVENT + n) for n in names} for li in items(tree, f"{MEDIA}History")]


def test_an_empty_packet_becomes_one_with_a_history() -> None:
    [event] = events(noted(b"", "portrait"))
    assert event["action"] == "edited"
    assert (event["softwareAgent"] or "").startswith("depthfx ")
    assert (event["when"], event["parameters"]) == (None, "portrait")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_an_entry_is_added_to_those_that_are_there(encoding: str) -> None:
    packet = AS_ADOBE_WRITES.encode(encoding)
    once = noted(packet, "fog")
    assert [e["action"] for e in events(once)] == ["created", "edited"]
    assert [e["parameters"] for e in events(noted(once, "blur"))] == [None, "fog", "blur"]
    assert len(once) == len(packet), "padding made room"


@pytest.mark.parametrize("packet", EMPTY_HISTORIES)
def test_an_empty_history_is_replaced(packet: str) -> None:
    made = noted(packet.encode(), "fog")
    assert [e["parameters"] for e in events(made)] == ["fog"]
    abouts = {d.get(f"{RDF}about") for d in parsed(made).iter(f"{RDF}Description")}
    assert abouts == {"a&b"}


def test_all_else_stays() -> None:
    made = noted(AS_ADOBE_WRITES.encode(), "").decode()
    start = made.index("<r:li xmlns:stEvt")
    entry = made[start : made.index("/>", start) + 2]
    assert made.replace(entry, "").split() == AS_ADOBE_WRITES.split()
    assert "parameters" not in made


@given(st.text(max_size=80))
def test_any_words_make_well_formed_xml(words: str) -> None:
    [_, event] = events(noted(AS_ADOBE_WRITES.encode(), words))
    assert (event["parameters"] or "") == "".join(filter(str.isprintable, words)).strip()


@pytest.mark.parametrize(
    "packet",
    [
        b"no XMP",
        b"<x:xmpmeta <<< &&&",
        b"\xff\xfe<\0x\0",
        "<rdf:RDF>\xe4</rdf:RDF>".encode("latin1"),
    ],
)
def test_what_is_no_packet_is_left_alone(packet: bytes) -> None:
    assert noted(packet, "fog") == packet


def test_a_packet_that_fills_a_segment_is_left_alone() -> None:
    bare = AS_ADOBE_WRITES.replace(" " * 1500, "").encode()
    full = bare.replace(b"Camera 1", b"C" * (LONGEST_IN_JPEG - 20 - len(bare)))
    assert len(full) <= LONGEST_IN_JPEG
    assert noted(full, "fog") == full
