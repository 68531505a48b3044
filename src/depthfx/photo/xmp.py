"""XMP packets: read safely, changed in place, and stamped with what depthfx says of its work.

Packets come from anybody, so nothing in them is trusted: no document type and no entities,
bounded size, depth and number of elements. Our own properties stand in a namespace of our
own, in a description of their own at the end of the packet; everything else stays byte for
byte, except for padding that makes room.

ISO 16684-1 (XMP): 7.3.2 packets and padding, 7.4 all descriptions of one `rdf:about`, 7.9.2
the forms that a property may be written in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring
from xml.parsers import expat

from depthfx.photo.stored import LARGEST_BLOCK_BYTES

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DEEPEST = 100
"""Elements within each other; the deepest structures of real packets have about twenty."""
MOST_ELEMENTS = 200_000
"""Of one packet; the brush strokes of a heavily retouched photo are some ten thousand."""
TIFF = "{http://ns.adobe.com/tiff/1.0/}"
EXIF = "{http://ns.adobe.com/exif/1.0/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
NAMESPACE = "urn:depthfx:xmp:1.0/"
PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n</rdf:RDF>'
    '</x:xmpmeta>\n<?xpacket end="w"?>'
)
LONGEST_IN_JPEG = 65502
"""Bytes of XMP that one segment of a JPEG holds."""
ENTITIES = {"&quot;": '"', "&#10;": "\n", "&#13;": "\r", "&#9;": "\t"}


def parsed(packet: bytes) -> Element | None:
    """The XMP `packet` (or what goes on with it) as a tree, from xmpmeta or RDF downwards.

    UTF-8, UTF-16 or UTF-32, with or without a byte order mark and the xpacket wrapper.

    None if it is empty, no well-formed XML, has a document type (with which entities come),
    or is larger, deeper or of more elements than any that is honest. Never raises.
    """
    body = body_of(decoded(packet)[0])
    if body is None:
        return None
    parser = XMLParser(target=_BoundedBuilder())
    try:
        parser.feed(body)
        tree: Element = parser.close()
    except (ParseError, ValueError):  # a lone surrogate is a ValueError
        return None
    return tree


class _BoundedBuilder(TreeBuilder):
    """A tree that ends the parsing before it gets too deep for recursion, or too large."""

    depth = elements = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self.depth += 1
        self.elements += 1
        if self.depth > DEEPEST or self.elements > MOST_ELEMENTS:
            raise ValueError(f"more than {DEEPEST} deep or {MOST_ELEMENTS} elements")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        self.depth -= 1
        return super().end(tag)


def value(holder: Element, name: str) -> str | None:
    """The text of the property `name` of `holder`; None if it has none or no simple one.

    holder : a tree (then a property of any description in it is found) or a structure
    name : as ElementTree has it, "{namespace}Name"

    A property may stand as an attribute or as an element, in `holder` or in a description.
    """
    for at in (holder, *holder.iter(f"{RDF}Description")):
        text = at.get(name)
        child = at.find(name) if text is None else None
        if child is not None:
            text = child.text or child.get(f"{RDF}resource") or child.findtext(f"{RDF}value")
        if text and text.strip():
            return text.strip()
    return None


def orientation(packet: bytes) -> int:
    """1..8 by the XMP `packet`; what is missing or not defined counts as upright."""
    tree = parsed(packet) if packet else None
    told = None if tree is None else value(tree, f"{TIFF}Orientation")
    return int(told) if told in tuple("12345678") else 1


def items(holder: Element, name: str) -> list[Element]:
    """The members of the first array property `name` in `holder`, each an `rdf:li`."""
    array = next(holder.iter(name), None)
    return [] if array is None else list(array.iterfind(f"*/{RDF}li"))


def decoded(packet: bytes) -> tuple[str, str]:
    """A packet's text, empty if it is larger than any that is honest, and its encoding."""
    encoding = "utf-8"
    if packet[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in packet[:4]:
        little = packet[:2] == b"\xff\xfe" or packet[0] not in b"\0\xfe"
        bits = 32 if b"\0\0" in packet[:4] else 16
        encoding = f"utf-{bits}-{'le' if little else 'be'}"
    if len(packet) > LARGEST_BLOCK_BYTES:
        return "", encoding
    return packet.decode(encoding, errors="replace"), encoding


def body_of(text: str) -> str | None:
    """`text` from the start tag of xmpmeta or RDF to its end tag, which may be one tag; None if
    it has none such, or has a document type."""
    start = re.search(r"<((?:[\w.-]+:)?(?:x[am]pmeta|RDF))[\s>]", text)
    end = text.rfind(f"</{start[1]}") if start else -1
    empty = re.compile(r"<[^<>]*/>").match(text, start.start()) if start and end < 0 else None
    if empty and "<!DOCTYPE" not in text:
        return empty[0]
    if start is None or end < start.start() or "<!DOCTYPE" in text:
        return None
    return text[start.start() : text.find(">", end) + 1]


PAYLOADS = (
    "{http://ns.google.com/photos/1.0/depthmap/}",
    "{http://ns.google.com/photos/1.0/image/}",
    "{http://ns.google.com/photos/1.0/audio/}",
    "{http://ns.google.com/photos/1.0/container/",  # and container/item/
    "{http://ns.google.com/photos/1.0/camera/}MicroVideo",
    "{http://ns.google.com/photos/1.0/camera/}MotionPhoto",
    "{http://ns.google.com/photos/dd/1.0/",
    "{http://ns.adobe.com/hdr-gain-map/1.0/}",
    "{http://ns.apple.com/HDRGainMap/1.0/}",
    "{http://ns.adobe.com/xmp/note/}HasExtendedXMP",
)
"""How the names of properties begin that speak of other pictures in the same file: depth,
gain maps, motion photos, the original of a blurred one, XMP that goes on elsewhere."""

OF_THE_STORED_PICTURE = (f"{TIFF}YCbCrSubSampling", f"{XMP}Thumbnails")
"""Properties that are no longer true once the picture has been changed and stored anew."""


def without_payloads(packet: bytes) -> bytes:
    """`packet` without what it says of other pictures in its file (`PAYLOADS`)."""
    made = without(packet, lambda name: name.startswith(PAYLOADS))
    return packet if made is None else made


def joined(packet: bytes, extension: bytes) -> bytes:
    """`packet` with the properties of its `extension`; as it is if one of them is no XMP."""
    tree = parsed(extension) if extension else None
    root = None if tree is None else next(tree.iter(f"{RDF}RDF"), None)
    if root is None:
        return packet
    said = [child for child in root if len(child) or set(child.keys()) - {f"{RDF}about"}]
    if not said:
        return packet
    more = b"".join(tostring(child, encoding="utf-8", xml_declaration=False) for child in said)

    def edits(_body: bytes, places: list[Place]) -> Iterable[Edit]:
        for place in places:
            if place.name == f"{RDF}RDF" and place.inner_start < place.end:
                yield place.inner_end, place.inner_end, more

    made = edited(packet, edits)
    return packet if made is None else made


def upright(packet: bytes, width: int, height: int) -> bytes:
    """`packet` as it is true of an upright picture of `width` x `height` pixels.

    Its copies of EXIF's orientation and sizes become true, where it has some; thumbnails go.
    """
    true = {
        f"{TIFF}Orientation": "1",
        f"{TIFF}ImageWidth": str(width),
        f"{TIFF}ImageLength": str(height),
        f"{EXIF}PixelXDimension": str(width),
        f"{EXIF}PixelYDimension": str(height),
    }
    made = without(packet, OF_THE_STORED_PICTURE.__contains__)
    return packet if made is None else with_values(made, true) or made


class Place(NamedTuple):
    """Where an element or attribute lies in the UTF-8 bytes of a packet's body.

    name : "{namespace}Name"; holder : index of the element it is in, or -1
    start, end : all of it, for an attribute with the white space before it
    inner_start, inner_end : between its tags (both are `end` if it is one tag) or quotes
    """

    name: str
    holder: int
    start: int
    end: int
    inner_start: int
    inner_end: int
    is_attribute: bool = False


Edit = tuple[int, int, bytes]
"""What comes instead of the bytes from here to there."""


def edited(packet: bytes, edits: Callable[[bytes, list[Place]], Iterable[Edit]]) -> bytes | None:
    """`packet` with `edits` made to its body; padding makes room, all else stays byte for byte.

    edits : gets the body in UTF-8 and the places in it, in the order they begin

    None if the packet is none that `parsed` reads, or not all of its bytes are text.
    """
    text, encoding = decoded(packet)
    body = body_of(text)
    if body is None or parsed(packet) is None or text.encode(encoding) != packet:
        return None
    old = body.encode()
    made = bytearray(old)
    for start, end, new in sorted(edits(old, _places(old)), reverse=True):
        made[start:end] = new
    before, after = text.split(body, 1)
    after = _with_less_padding(after, len(made) - len(old))
    return (before + made.decode() + after).encode(encoding)


def without(packet: bytes, unwanted: Callable[[str], bool]) -> bytes | None:
    """`packet` without the properties whose "{namespace}Name" is `unwanted`; None as `edited`."""

    def edits(body: bytes, places: list[Place]) -> Iterable[Edit]:
        gone = 0
        for place in places:
            if place.start >= gone and unwanted(place.name):
                start, gone = place.start, place.end
                while body[start - 1 : start].isspace() and not place.is_attribute:
                    start -= 1
                yield start, gone, b""

    return edited(packet, edits)


def with_values(packet: bytes, values: Mapping[str, str]) -> bytes | None:
    """`packet` with new `values` for those of the properties that it has; None as `edited`.

    values : plain text without markup, by "{namespace}Name"
    """

    def edits(_body: bytes, places: list[Place]) -> Iterable[Edit]:
        for place in places:
            if place.name in values and place.inner_start < place.end:
                yield place.inner_start, place.inner_end, values[place.name].encode()

    return edited(packet, edits)


ATTRIBUTE = re.compile(rb"\s+([^\s=/>]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def _places(body: bytes) -> list[Place]:
    """All elements and attributes of a well-formed `body`, in the order they begin."""
    places: list[Place] = []
    open_elements = [-1]
    parser = expat.ParserCreate("utf-8", namespace_separator="}")
    parser.ordered_attributes = True

    def start(name: str, attributes: list[str]) -> None:
        at, own = parser.CurrentByteIndex, len(places)
        position = re.compile(rb"<[^\s/>]+").match(body, at).end()  # type: ignore[union-attr]
        names = iter(attributes[::2])
        found = []
        while match := ATTRIBUTE.match(body, position):
            position = match.end()
            if not re.match(rb"xmlns(:|$)", match[1]):
                inner = match.span(2 if match[2] is not None else 3)
                found.append(Place("{" + next(names), own, *match.span(), *inner, True))
        inside = body.index(b">", position) + 1
        places.append(Place("{" + name, open_elements[-1], at, inside, inside, inside))
        places.extend(found)
        open_elements.append(own)

    def end(_name: str) -> None:
        own = open_elements.pop()
        inside = places[own].inner_start
        if body[inside - 2 : inside] != b"/>":
            at = parser.CurrentByteIndex
            places[own] = places[own]._replace(inner_end=at, end=body.index(b">", at) + 1)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(body, True)
    return places


def stamped(packet: bytes, facts: Mapping[str, str]) -> bytes:
    """The XMP `packet` (or a new one, if it is empty) with `facts` in place of older ones.

    facts : values by name, like {"weights_sha256": ...}, which becomes depthfx:WeightsSha256

    A packet that is no XMP in UTF-8 is returned as it is, and so is one that a JPEG would
    have no room for any more: what is there already counts for more.
    """
    try:
        text = packet.decode() or PACKET
    except UnicodeDecodeError:
        return packet
    ends = list(re.finditer(r"</(?:([\w.-]+):)?RDF\s*>", text))
    if not ends:
        return packet
    before, end = _without_stamp(text[: ends[-1].start()]), text[ends[-1].start() :]
    rdf = f"{ends[-1][1]}:" if ends[-1][1] else ""
    found = re.search(rf"<{rdf}Description\b[^>]*?\s({rdf}about=(?:\"[^\"]*\"|'[^']*'))", before)
    about = found[1] if found else f'{rdf}about=""'
    values = "".join(f"\n  depthfx:{_camel(key)}={quoted(facts[key])}" for key in facts)
    ours = f'<{rdf}Description {about} xmlns:depthfx="{NAMESPACE}"{values}/>\n'
    made = before.encode() + ours.encode() + _with_less_padding(end, len(ours.encode())).encode()
    return packet if len(packet) <= LONGEST_IN_JPEG < len(made) else made


def read_stamp(packet: bytes) -> dict[str, str]:
    """What `stamped` wrote into a packet: values by the names of the properties."""
    from xml.sax.saxutils import unescape

    text = packet.decode(errors="replace")
    ours = re.search(rf"\sxmlns:depthfx=\"{re.escape(NAMESPACE)}\"([^>]*)/>", text)
    pairs = re.findall(r"depthfx:(\w+)=(\"[^\"]*\"|'[^']*')", ours[1] if ours else "")
    return {name: unescape(value[1:-1], ENTITIES) for name, value in pairs}


def _without_stamp(text: str) -> str:
    """`text` without what an earlier run said, whoever has rearranged it since."""
    bound = re.search(rf"xmlns:([\w.-]+)=[\"']{re.escape(NAMESPACE)}[\"']", text)
    if not bound:
        return text
    name = rf"{re.escape(bound[1])}:\w+"
    text = re.sub(rf"\s{name}=(?:\"[^\"]*\"|'[^']*')", "", text)
    text = re.sub(rf"<({name})>[^<]*</\1>", "", text)
    about = r"\s+(?:[\w.-]+:)?about=(?:\"[^\"]*\"|'[^']*')"
    # What is left of a description of ours; one that others put something into stays.
    return re.sub(
        rf"<(?:[\w.-]+:)?Description(?:{about})?\s+{re.escape(bound[0])}\s*/>\n?", "", text
    )


def _with_less_padding(end: str, used: int) -> str:
    """The end of a packet, its padding shorter by `used` characters as far as there is some."""
    trailer = end.rfind("<?xpacket end=")
    if trailer < 0:
        return end
    body = end[:trailer].rstrip()
    padding = end[len(body) : trailer]
    return body + padding[: max(1, len(padding) - used)] + end[trailer:]


def _camel(key: str) -> str:
    return "".join(word.capitalize() for word in key.split("_"))


def quoted(value: str) -> str:
    """`value` as an XML attribute; characters that XML does not know are left out."""
    from xml.sax.saxutils import quoteattr  # brings half of the network library up

    return quoteattr("".join(c for c in value if c.isprintable()))
