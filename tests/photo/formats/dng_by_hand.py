"""Small DNG files of known linear colours, for a sensor of our own making.

The sensor's ColorMatrix1 is that of no camera; its greens are doubly as sensitive as its reds.
"""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

XYZ_TO_CAMERA = np.array(
    [[0.6159, -0.0945, -0.0745], [-0.6846, 1.3563, 0.3684], [-0.0802, 0.1086, 0.7555]]
)
NEUTRAL = np.array([0.5, 1.0, 0.7])
"""What the sensor counts of white, as a share of full."""
BLACK, WHITE = 512, 15000
PATCH = 48
"""Side of a patch in pixels."""

SRGB_TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)

DNG_VERSION, COLOR_MATRIX, NEUTRAL_TAG = 50706, 50721, 50728


def balanced(linear_srgb: np.ndarray) -> np.ndarray:
    """(..., 3) of the sensor, white balanced."""
    matrix = XYZ_TO_CAMERA @ SRGB_TO_XYZ
    return linear_srgb @ (matrix / matrix.sum(axis=1, keepdims=True)).T


def patches(colours: np.ndarray) -> np.ndarray:
    """(rows, columns, 3) -> each a square of `PATCH` pixels."""
    return colours.repeat(PATCH, 0).repeat(PATCH, 1)


def mosaic(sensor: np.ndarray) -> np.ndarray:
    """(H, W, 3) -> (H, W) behind red, green / green, blue filters."""
    cfa = sensor[..., 1].copy()
    cfa[0::2, 0::2] = sensor[0::2, 0::2, 0]
    cfa[1::2, 1::2] = sensor[1::2, 1::2, 2]
    return cfa


def counts(shares: np.ndarray) -> np.ndarray:
    """Shares of full as what the sensor counts, with its black level, and full where it is."""
    return np.round(BLACK + np.clip(shares, 0, 1) * (WHITE - BLACK)).astype(np.uint16)


def write_dng(
    path: Path,
    picture: np.ndarray,
    *,
    orientation: int = 1,
    neutral: np.ndarray | None = NEUTRAL,
    colourless: bool = False,
    packed: bool = False,
    more: tuple[tuple[int, str, int, object], ...] = (),
    **options: object,
) -> Path:
    """picture : (H, W) or (H, W, 3) of `counts`; the latter, and what is of a sensor without
    colour filters, are of photometric LinearRaw."""

    def fractions(values: np.ndarray) -> list[int]:
        return [number for v in np.ravel(values) for number in (round(v * 10000), 10000)]

    tags: list[tuple[int, str, int, object]] = [
        (271, "s", 0, "Maker"),
        (272, "s", 0, "Sensor of our own"),
        (274, "H", 1, orientation),
        (DNG_VERSION, "B", 4, b"\1\4\0\0"),
        (50708, "s", 0, "Sensor of our own"),
        (50714, "H", 1, BLACK),
        (50717, "H", 1, WHITE),
        (COLOR_MATRIX, "2i", 9, fractions(XYZ_TO_CAMERA)),
        (50778, "H", 1, 21),  # for D65
        *more,
    ]
    if neutral is not None:
        tags.append((NEUTRAL_TAG, "2I", 3, fractions(neutral)))
    if colourless:
        tags = [tag for tag in tags if tag[0] not in (COLOR_MATRIX, NEUTRAL_TAG)]
    elif picture.ndim == 2:
        tags += [(33421, "H", 2, (2, 2)), (33422, "B", 4, b"\0\1\1\2")]
    else:
        # Black and white levels are one a sample.
        tags = [tag for tag in tags if tag[0] not in (50714, 50717)]
        tags += [(50714, "H", 3, (BLACK,) * 3), (50717, "H", 3, (WHITE,) * 3)]
    tifffile.imwrite(
        path,
        iter([imagecodecs.ljpeg_encode(picture, bitspersample=16)]) if packed else picture,
        shape=picture.shape,
        dtype=picture.dtype,
        compression=7 if packed else None,
        rowsperstrip=len(picture),
        photometric=1 if colourless else 32803 if picture.ndim == 2 else 34892,
        planarconfig=None if picture.ndim == 2 else "contig",
        metadata=None,
        software=False,
        extratags=[(*tag, True) for tag in sorted(tags, key=lambda tag: tag[0])],
        **options,
    )
    if colourless:  # tifffile writes LinearRaw of three colours only
        entry = "<HHIHxx"
        grey, linear = (struct.pack(entry, 262, 3, 1, kind) for kind in (1, 34892))
        data = path.read_bytes()
        assert data.count(grey) == 1
        path.write_bytes(data.replace(grey, linear))
    return path
