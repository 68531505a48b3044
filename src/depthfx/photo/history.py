"""The history of a photo in its XMP: one entry for what depthfx has done to it.

ISO 16684-2 and Adobe's XMP Specification Part 2, 1.2.3 (xmpMM:History) and 1.2.10
(ResourceEvent).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import depthfx
from depthfx.photo.xmp import LONGEST_IN_JPEG, PACKET, RDF, Edit, Place, edited, quoted

MEDIA = "{http://ns.adobe.com/xap/1.0/mm/}"
EVENT = "{http://ns.adobe.com/xap/1.0/sType/ResourceEvent#}"
DECLARED = f' xmlns:stEvt="{EVENT[1:-1]}"'


def noted(packet: bytes, parameters: str) -> bytes:
    """`packet` (or a new one, if it is empty) with one more entry in its history.

    parameters : what was done, in words like those of the command line; may be empty

    It has no time, so that the same work always makes the same file. All else stays byte for
    byte, except for padding that makes room. A packet that is no XMP stays as it is, and so
    does one that a JPEG would have no room for any more.
    """
    facts = {"action": "edited", "softwareAgent": f"depthfx {depthfx.__version__}"}
    if parameters:
        facts["parameters"] = parameters
    event = "".join(f" stEvt:{name}={quoted(value)}" for name, value in facts.items())

    def edits(body: bytes, places: list[Place]) -> Iterable[Edit]:
        sequence = _history(places)
        if sequence is not None:
            yield sequence.inner_end, sequence.inner_end, _entry(body, sequence, event).encode()
        else:
            yield from _description(body, places, event)

    made = edited(packet or PACKET.encode(), edits)
    return packet if made is None or len(packet) <= LONGEST_IN_JPEG < len(made) else made


def _history(places: list[Place]) -> Place | None:
    """The list within xmpMM:History, if there is one with something in it."""
    for place in places:
        if place.name == f"{RDF}Seq" and places[place.holder].name == f"{MEDIA}History":
            return place if place.inner_start < place.inner_end else None
    return None


def _description(body: bytes, places: list[Place], event: str) -> Iterable[Edit]:
    """A description at the end of the packet, of a history of one `event`."""
    yield from ((p.start, p.end, b"") for p in places if p.name == f"{MEDIA}History")
    root = next((p for p in places if p.name == f"{RDF}RDF"), None)
    if root is None or root.inner_start == root.end:
        return
    rdf = _prefix(body, root)
    told = next((p for p in places if p.name == f"{RDF}about"), None)
    about = body[told.inner_start - 1 : told.inner_end + 1].decode() if told else '""'
    # Declared out here: ImageMagick's parser stumbles over a namespace on the entry itself.
    made = (
        f'<{rdf}Description {rdf}about={about} xmlns:xmpMM="{MEDIA[1:-1]}"{DECLARED}>\n'
        f"  <xmpMM:History><{rdf}Seq><{rdf}li{event}/></{rdf}Seq></xmpMM:History>\n"
        f"</{rdf}Description>\n"
    )
    yield root.inner_end, root.inner_end, made.encode()


def _entry(body: bytes, near: Place, event: str) -> str:
    return f"<{_prefix(body, near)}li{DECLARED}{event}/>"


def _prefix(body: bytes, place: Place) -> str:
    """Of an element's name, with its colon: "rdf:" nearly always."""
    found = re.compile(rb"<([^\s/>:]+:)?").match(body, place.start)
    return (found[1] or b"").decode() if found else ""
