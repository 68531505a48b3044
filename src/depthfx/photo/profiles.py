"""ICC profiles that are written into files: those that have a name, and those a user brings.

Ours are a few hundred bytes: three primaries, their white and one curve (ICC.1:2022,
version 4.3, matrix and parametricCurveType).
"""

from __future__ import annotations

import re
import struct
from functools import cache
from pathlib import Path

import numpy as np

from depthfx.errors import ParameterError, PhotoError
from depthfx.photo.colour import (
    D50_XYZ,
    D65,
    SRGB,
    Chromaticities,
    Floats,
    adapted_to_d50,
    primaries_to_xyz,
    profile_space,
)
from depthfx.photo.stored import LARGEST_BLOCK_BYTES

Curve = tuple[float, ...]
"""(g,): light = signal^g. (g, a, b, c, d): (a signal + b)^g from d on, below it c signal."""

SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT2020_CURVE: Curve = (1 / 0.45, 1 / 1.0993, 0.0993 / 1.0993, 1 / 4.5, 4.5 * 0.0181)
LINEAR: Curve = (1.0,)

P3: Chromaticities = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), D65)
ADOBE_RGB: Chromaticities = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65)
PRO_PHOTO: Chromaticities = ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585))
BT2020: Chromaticities = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65)

NAMED: dict[str, tuple[str, Chromaticities, Curve]] = {
    "srgb": ("sRGB", SRGB, SRGB_CURVE),
    "display-p3": ("Display P3", P3, SRGB_CURVE),
    # Adobe RGB (1998): 2 + 51/256. ProPhoto without the toe of ISO 22028-2, as it is in use.
    "adobe-rgb": ("Adobe RGB (1998) compatible", ADOBE_RGB, (563 / 256,)),
    "prophoto": ("ProPhoto RGB compatible", PRO_PHOTO, (1.8,)),
    "rec2020": ("Rec. 2020", BT2020, BT2020_CURVE),
}
"""By the name for `--profile`: description, primaries and curve."""

OTHER_NAMES = {
    "p3": "display-p3",
    "adobergb1998": "adobe-rgb",
    "prophotorgb": "prophoto",
    "rommrgb": "prophoto",
    "bt2020": "rec2020",
}

COPYRIGHT = "Made by depthfx; free for any use"
D50_FIXED = tuple(np.round(D50_XYZ * 65536).astype(int))


def named_profile(text: str) -> bytes:
    """The ICC profile that a user means: a name of `NAMED`, or the path of an RGB profile.

    Case, spaces, dots and dashes in names do not matter.

    Raises ParameterError if there is neither, or the file is no RGB profile that works.
    """
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    names = {name.replace("-", ""): name for name in NAMED} | OTHER_NAMES
    if plain in names:
        return rgb_profile(*NAMED[names[plain]])
    path = Path(text)
    if path.suffix.lower() not in (".icc", ".icm"):
        raise ParameterError(
            f"profile={text} is not known; use one of {', '.join(NAMED)}, "
            "or a file that ends in .icc or .icm"
        )
    return _profile_file(path)


def _profile_file(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PhotoError("is not a file" if path.exists() else "does not exist")
        if path.stat().st_size > LARGEST_BLOCK_BYTES:
            raise PhotoError(f"has more than {LARGEST_BLOCK_BYTES >> 20} MiB; no profile does")
        icc = path.read_bytes()
        profile_space(icc, grey=False)
    except OSError as error:
        raise ParameterError(f"profile={path} cannot be read: {error.strerror}") from error
    except PhotoError as error:
        raise ParameterError(f"profile={path} {error}; an RGB profile is needed") from error
    return icc


@cache
def linear_srgb(grey: bool = False) -> bytes:
    """The profile of linear light in sRGB primaries, or of linear grey."""
    if grey:
        return _profile("Linear grey", b"GRAY", {b"kTRC": _curve(LINEAR)}, D65)
    return rgb_profile("Linear sRGB", SRGB, LINEAR)


@cache
def rgb_profile(description: str, primaries: Chromaticities, curve: Curve) -> bytes:
    """An RGB profile of these primaries and white (x, y), with one curve for all channels."""
    colorants = np.round(primaries_to_xyz(primaries) * 65536).astype(int)
    # What rounding took from white is given to green, so that equal codes are neutral.
    colorants[:, 1] += D50_FIXED - colorants.sum(axis=1)
    tags = {
        name: b"XYZ " + bytes(4) + struct.pack(">3i", *column)
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants.T, strict=True)
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(curve))
    return _profile(description, b"RGB ", tags, primaries[3])


def _curve(curve: Curve) -> bytes:
    kind = {1: 0, 5: 3}[len(curve)]
    fixed = np.round(np.array(curve) * 65536).astype(int)
    return b"para" + bytes(4) + struct.pack(f">HH{len(curve)}i", kind, 0, *fixed)


def _text(text: str) -> bytes:
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(data), 28) + data


def _matrix(matrix: Floats) -> bytes:
    fixed = np.round(matrix * 65536).astype(int).ravel()
    return b"sf32" + bytes(4) + struct.pack(f">{fixed.size}i", *fixed)


def _profile(
    description: str, kind: bytes, tags: dict[bytes, bytes], white: tuple[float, float]
) -> bytes:
    """Header, table of tags and tags; equal tags are stored once."""
    tags = {
        b"desc": _text(description),
        b"cprt": _text(COPYRIGHT),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", *D50_FIXED),
        b"chad": _matrix(adapted_to_d50(white)),
    } | tags
    first = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    body, table = b"", struct.pack(">I", len(tags))
    for name, data in tags.items():
        if data not in places:
            places[data] = first + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    header = bytearray(128)
    struct.pack_into(
        ">I4xI4s4s4s", header, 0, first + len(body), 0x04300000, b"mntr", kind, b"XYZ "
    )
    struct.pack_into(">3H", header, 24, 2026, 1, 1)
    header[36:40] = b"acsp"
    struct.pack_into(">3I", header, 68, *D50_FIXED)
    return bytes(header) + table + body
