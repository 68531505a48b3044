"""OpenEXR files put together from the file layout, without the library."""

from __future__ import annotations

import struct

import numpy as np

KINDS = {np.dtype("u4"): 0, np.dtype("f2"): 1, np.dtype("f4"): 2}


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return b"%b\0%b\0%b%b" % (name.encode(), kind.encode(), struct.pack("<I", len(value)), value)


def box(window: tuple[int, int, int, int]) -> bytes:
    return struct.pack("<4i", *window)


def exr(
    channels: dict[str, np.ndarray],
    *,
    steps: dict[str, tuple[int, int]] | None = None,
    data: tuple[int, int, int, int] | None = None,
    display: tuple[int, int, int, int] | None = None,
    more: tuple[tuple[str, str, bytes], ...] = (),
) -> bytes:
    """A scan line file without compression.

    channels : (H, W) each; steps : (x, y) sampling of those that have not all pixels
    data, display : windows as (x min, y min, x max, y max)
    """
    steps = steps or {}
    names = sorted(channels)
    full = next(channels[n].shape for n in names if n not in steps)
    data = data or (0, 0, full[1] - 1, full[0] - 1)
    listed = b"".join(
        n.encode() + b"\0" + struct.pack("<i4xii", KINDS[channels[n].dtype], *steps.get(n, (1, 1)))
        for n in names
    )
    header = b"v/1\x01" + struct.pack("<I", 2)
    for name, kind, value in (
        ("channels", "chlist", listed + b"\0"),
        ("compression", "compression", b"\0"),
        ("dataWindow", "box2i", box(data)),
        ("displayWindow", "box2i", box(display or data)),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", bytes(8)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
        *more,
    ):
        header += attribute(name, kind, value)
    header += b"\0"
    chunks = []
    for row in range(full[0]):
        y = data[1] + row
        pixels = b"".join(
            channels[n][row // steps.get(n, (1, 1))[1]].tobytes()
            for n in names
            if y % steps.get(n, (1, 1))[1] == 0
        )
        chunks.append(struct.pack("<iI", y, len(pixels)) + pixels)
    first = len(header) + 8 * len(chunks)
    offsets = first + np.cumsum([0, *(len(chunk) for chunk in chunks[:-1])])
    return header + offsets.astype("<u8").tobytes() + b"".join(chunks)
