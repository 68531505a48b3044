"""Photos with depth inside, put together as phones do, by Pillow and by hand."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import piexif
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 60, 80
MAP_HEIGHT, MAP_WIDTH = 15, 20
GDEPTH = "http://ns.google.com/photos/1.0/depthmap/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
DYNAMIC = "http://ns.google.com/photos/dd/1.0/"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
EXTENSION_HEADER = b"http://ns.adobe.com/xmp/extension/\0"


def codes(height: int = MAP_HEIGHT, width: int = MAP_WIDTH, top: int = 255) -> NDArray[Any]:
    """All different, 0 at the top left and the largest at the bottom right."""
    ramp = np.linspace(0, top, height * width).reshape(height, width)
    return np.round(ramp).astype(np.uint8 if top == 255 else np.uint16)


def picture(pixels: NDArray[Any], form: str = "PNG", **how: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **how)
    return file.getvalue()


def photo_bytes(orientation: int = 1, height: int = HEIGHT, width: int = WIDTH) -> bytes:
    """A JPEG, not turned, that is 26 mm equivalent by its EXIF."""
    pixels = np.random.default_rng(3).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    pixels = np.repeat(np.repeat(pixels, 4, 0), 4, 1)
    exif = piexif.dump({"0th": {274: orientation}, "Exif": {41989: 26}})
    return picture(pixels, "JPEG", quality=90, exif=exif)


def packet(description: str) -> bytes:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta '
        'xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"{description}</rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()


def segment(header: bytes, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, 0xE1, 2 + len(header + body)) + header + body


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def gdepth_xmp(data: bytes | None, more: str = "", **told: str) -> bytes:
    """A packet of GDepth, 1 to 6 m linear where nothing else is told ("" leaves a name out)."""
    facts = {"Format": "RangeLinear", "Near": "1", "Far": "6", "Units": "m", "Mime": "image/png"}
    facts |= told
    if data is not None:
        facts["Data"] = base64.b64encode(data).decode()
    words = "".join(f' GDepth:{name}="{text}"' for name, text in facts.items() if text)
    return packet(f'<rdf:Description rdf:about="" xmlns:GDepth="{GDEPTH}"{more}{words}/>')


def gdepth_jpeg(data: bytes | None, orientation: int = 1, **told: str) -> bytes:
    jpeg = photo_bytes(orientation)
    return with_segments(jpeg, segment(XMP_HEADER, gdepth_xmp(data, **told)))


def extended_jpeg(data: bytes, pieces: int = 3) -> bytes:
    """GDepth whose data are in segments of their own, the last one first."""
    rest = packet(
        f'<rdf:Description rdf:about="" xmlns:GDepth="{GDEPTH}" '
        f'GDepth:Data="{base64.b64encode(data).decode()}"/>'
    )
    digest = hashlib.md5(rest).hexdigest().upper().encode()
    size = -(-len(rest) // pieces)
    parts = [
        segment(
            EXTENSION_HEADER,
            digest + struct.pack(">II", len(rest), start) + rest[start : start + size],
        )
        for start in range(0, len(rest), size)
    ]
    note = (
        f' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{digest.decode()}"'
    )
    main = segment(XMP_HEADER, gdepth_xmp(None, note))
    return with_segments(photo_bytes(), main, *reversed(parts))


def dynamic_depth_jpeg(data: bytes, padding: int = 0, length: str = "", units: str = "Meters"):
    """Dynamic Depth 1.0, RangeInverse from 0.5 to 8; a confidence map stands before the depth."""
    confidence = picture(np.full((4, 4), 255, np.uint8))

    def item(mime: str, size: object, uri: str, more: str = "") -> str:
        return (
            '<rdf:li rdf:parseType="Resource"><Container:Item '
            f'Item:Mime="{mime}" Item:Length="{size}" Item:DataURI="{uri}"{more}/></rdf:li>'
        )

    listed = (
        item("image/jpeg", 0, "primary_image", f' Item:Padding="{padding}"')
        + item("image/png", len(confidence), "android/confidencemap")
        + item("image/png", length or len(data), "android/depthmap")
    )
    spaces = "".join(
        f'xmlns:{name}="{DYNAMIC}{name.lower()}/" '
        for name in ("Device", "Camera", "DepthMap", "Container", "Item")
    )
    described = packet(
        f'<rdf:Description rdf:about="" {spaces}><Device:Container rdf:parseType="Resource">'
        f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>"
        '</Device:Container><Device:Cameras><rdf:Seq><rdf:li rdf:parseType="Resource">'
        '<Device:Camera rdf:parseType="Resource"><Camera:DepthMap rdf:parseType="Resource">'
        "<DepthMap:Format>RangeInverse</DepthMap:Format><DepthMap:Near>0.5</DepthMap:Near>"
        f"<DepthMap:Far>8</DepthMap:Far><DepthMap:Units>{units}</DepthMap:Units>"
        "<DepthMap:DepthURI>android/depthmap</DepthMap:DepthURI>"
        "<DepthMap:ItemSemantic>Depth</DepthMap:ItemSemantic>"
        "</Camera:DepthMap></Device:Camera></rdf:li></rdf:Seq></Device:Cameras></rdf:Description>"
    )
    jpeg = with_segments(photo_bytes(), segment(XMP_HEADER, described))
    return jpeg + bytes(padding) + confidence + data


def apple_jpeg(*auxiliary: tuple[bytes, str]) -> bytes:
    """A JPEG with further pictures, each with what its XMP says of it."""
    pictures = [
        with_segments(
            data,
            segment(
                XMP_HEADER,
                packet(
                    '<rdf:Description rdf:about="" '
                    'xmlns:apdi="http://ns.apple.com/pixeldatainfo/1.0/" '
                    f'xmlns:depthData="http://ns.apple.com/depthData/1.0/">{said}'
                    "</rdf:Description>"
                ),
            ),
        )
        for data, said in auxiliary
    ]
    return multi_picture(photo_bytes(), *pictures)


def multi_picture(first: bytes, *others: bytes) -> bytes:
    """Pictures in one file with the list that CIPA DC-007 wants of them, at its beginning."""
    entries = 16 * (1 + len(others))
    directory = struct.pack(">H", 2) + struct.pack(">HHI", 0xB001, 4, 1)
    directory += struct.pack(">I", 1 + len(others))
    directory += struct.pack(">HHII", 0xB002, 7, entries, 8 + 2 + 24 + 4) + bytes(4)
    body = b"MPF\0MM\0*" + struct.pack(">I", 8) + directory + bytes(entries)
    head = struct.pack(">BBH", 0xFF, 0xE2, 2 + len(body)) + body
    primary = with_segments(first, head)
    tiff = 2 + 4 + 4  # from the start of the file: marker, length, "MPF\0"
    made = bytearray(primary + b"".join(others))
    place = len(primary)
    struct.pack_into(">III", made, tiff + 38, 0x030000, len(primary), 0)
    for index, other in enumerate(others, 1):
        struct.pack_into(">III", made, tiff + 38 + 16 * index, 0, len(other), place - tiff)
        place += len(other)
    return bytes(made)


def saved(folder: Path, data: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
