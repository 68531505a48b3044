"""Image resource blocks, in which JPEG, TIFF and PNG files carry IPTC records.

Adobe Photoshop File Formats Specification, "Image Resources Section".
"""

from __future__ import annotations

import struct

IPTC_RESOURCE = 0x0404
SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
HEADER = b"Photoshop 3.0\0"
"""What stands before the blocks in some file formats."""


def iptc_in(blocks: bytes) -> bytes:
    """The IPTC-IIM records among image resource blocks; empty if there are none.

    Never raises: at the first block that is none, or is cut off, the search ends.
    """
    position = 0
    while position + 12 <= len(blocks):
        if blocks[position : position + 4] not in SIGNATURES:
            break
        identifier, name_bytes = struct.unpack_from(">HB", blocks, position + 4)
        position += 6 + _even(1 + name_bytes)
        if position + 4 > len(blocks):
            break
        (size,) = struct.unpack_from(">I", blocks, position)
        data = blocks[position + 4 : position + 4 + size]
        if len(data) < size:
            break
        if identifier == IPTC_RESOURCE:
            return data
        position += 4 + _even(size)
    return b""


def iptc_block(records: bytes) -> bytes:
    """IPTC-IIM records as an image resource block without a name."""
    head = b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(records))
    return head + records + bytes(len(records) % 2)


def _even(size: int) -> int:
    return size + size % 2
