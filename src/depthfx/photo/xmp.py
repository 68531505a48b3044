"""What depthfx says of its work in a picture's XMP packet, beside what others say there.

The properties stand in a namespace of our own, in a description of their own at the end
of the packet; everything else stays byte for byte, except for padding that makes room.

ISO 16684-1 (XMP): 7.3.2 packets and padding, 7.4 all descriptions of one `rdf:about`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr, unescape

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
    values = "".join(f"\n  depthfx:{_camel(key)}={_quoted(facts[key])}" for key in facts)
    ours = f'<{rdf}Description {about} xmlns:depthfx="{NAMESPACE}"{values}/>\n'
    made = before.encode() + ours.encode() + _with_less_padding(end, len(ours.encode())).encode()
    return packet if len(packet) <= LONGEST_IN_JPEG < len(made) else made


def read_stamp(packet: bytes) -> dict[str, str]:
    """What `stamped` wrote into a packet: values by the names of the properties."""
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


def _quoted(value: str) -> str:
    """`value` as an XML attribute; characters that XML does not know are left out."""
    return quoteattr("".join(c for c in value if c.isprintable()))
