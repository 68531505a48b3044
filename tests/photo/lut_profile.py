"""An ICC profile that is no curves-and-matrix: its red depends on its green.

Written by hand (ICC.1:2001-04, lut16Type over Lab), because no library at hand makes one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from depthfx.photo.colour import SRGB_TO_XYZ, XYZ_TO_SRGB, linear_to_srgb, srgb_to_linear

Floats = NDArray[np.float64]
GRID = 33
D50 = np.array([0.9642, 1.0, 0.8249])


def lut_profile() -> tuple[bytes, Callable[[Floats], Floats]]:
    """The profile, and the linear sRGB light of a signal (..., 3) by its definition."""
    steps = np.linspace(0, 1, GRID)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    to_pcs = _lab_code(_lab(_light(grid) @ SRGB_TO_XYZ.T))
    # Lab codes of lut16Type: L 0..65280 is 0..100, a and b are 32768 + 256 times the value.
    lab = (grid * 65535 - [0, 32768, 32768]) / [652.8, 256, 256]
    from_pcs = np.round(_signal(_xyz(lab) @ XYZ_TO_SRGB.T) * 65535)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"bent\0" + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", *np.round(D50 * 65536).astype(int)),
        b"A2B0": _lut16(to_pcs),
        b"B2A0": _lut16(from_pcs),
    }
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    header = bytearray(128)
    struct.pack_into(
        ">I4sI4s4s4s", header, 0, start + len(body), b"test", 0x02400000, b"prtr", b"RGB ", b"Lab "
    )
    header[36:40] = b"acsp"
    struct.pack_into(">3i", header, 68, *np.round(D50 * 65536).astype(int))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body, _light


def _light(signal: Floats) -> Floats:
    light = srgb_to_linear(np.asarray(signal, np.float64)).copy()
    light[..., 0] *= 0.7 + 0.3 * light[..., 1]
    return light


def _signal(light: Floats) -> Floats:
    light = np.clip(light, 0, 1)
    light[..., 0] /= 0.7 + 0.3 * light[..., 1]
    return np.clip(linear_to_srgb(np.clip(light, 0, 1)), 0, 1)


def _lab(xyz: Floats) -> Floats:
    f = np.cbrt(xyz / D50)
    f = np.where(xyz / D50 > (6 / 29) ** 3, f, (xyz / D50) * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])],
        axis=-1,
    )


def _xyz(lab: Floats) -> Floats:
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    return D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))


def _lab_code(lab: Floats) -> Floats:
    return np.clip(np.round(lab * [652.8, 256, 256] + [0, 32768, 32768]), 0, 65535)


def _lut16(values: Floats) -> bytes:
    identity = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    ramps = struct.pack(">6H", 0, 65535, 0, 65535, 0, 65535)
    return (
        b"mft2"
        + bytes(4)
        + bytes([3, 3, GRID, 0])
        + identity
        + struct.pack(">HH", 2, 2)
        + ramps
        + values.astype(">u2").tobytes()
        + ramps
    )
