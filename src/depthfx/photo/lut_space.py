"""RGB profiles that hold lookup tables, both ways.

A profile's tables towards codes (B2A) do not undo those towards light (A2B): there and back
costs several 8-bit codes. So only the latter are used. Little CMS is asked for the light of a
fine grid of signals, between which light is trilinear on an even scale, and the way back
finds the signal of a light by Newton's method in those cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo.colour import (
    XYZ_TO_SRGB,
    by_strips,
    linear_to_srgb,
    srgb_to_linear,
    to_xyz,
)
from depthfx.photo.photo import Pixels
from depthfx.photo.stored import Codes

NODES = 65
"""To a side of the grid, twice the usual 33 and four times the usual 17 cells of a profile."""

CORNERS = np.array([NODES**2 * x + NODES * y + z for x in (0, 1) for y in (0, 1) for z in (0, 1)])
"""Of a cell, in the flat grid, from its first node."""

STARTS = 17
LOWEST, HIGHEST = -0.5, 1.5
"""Nodes to a side and reach, in evened light, of the table where the way back starts."""

STEPS = 12
"""Newton's method needs three or four, and some more where it crosses many cells."""

LONGEST_STEP = 4.0
"""Cells; a step over more would trust a slope too far from where it was taken."""


@dataclass(frozen=True, eq=False)
class LutSpace:
    """An RGB profile that is more than curves and a matrix.

    grid : (65^3, 3) evened light of signals in even steps, blue the fastest
    """

    grid: Pixels

    @classmethod
    def of(cls, icc: bytes) -> LutSpace:
        """Raises PhotoError, in words that fit after "ICC profile", if it cannot be used."""
        steps = np.linspace(0, 1, NODES)
        signal = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
        light = to_xyz(icc, signal.reshape(NODES, -1, 3), "rgb") @ XYZ_TO_SRGB.T
        if not np.isfinite(light).all():
            raise PhotoError("has a table of what are no colours")
        return cls(_evened(light.reshape(-1, 3).astype(np.float32)))

    def decode(self, codes: Codes) -> Pixels:
        top = 1.0 if codes.dtype.kind == "f" else float(np.iinfo(codes.dtype).max)
        scale = np.float32((NODES - 1) / top)
        pixels = np.empty(codes.shape, np.float32)

        def strip(rows: slice) -> None:
            place = np.clip(codes[rows] * scale, 0, NODES - 1).reshape(-1, 3)
            evened, _ = self._light_and_slopes(place)
            pixels[rows] = _linear(evened).reshape(pixels[rows].shape)

        by_strips(strip, pixels)
        return pixels

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        dtype: Any = {8: np.uint8, 32: np.float32}.get(bit_depth, np.uint16)
        levels = (1 << min(bit_depth, 16)) - 1
        codes = np.empty(pixels.shape, dtype)

        def strip(rows: slice) -> None:
            # As far outside as matters: no step could reach farther.
            linear = np.clip(np.nan_to_num(pixels[rows].reshape(-1, 3)), -16, 16)
            signal = self._place(_evened(linear), 0.1 * NODES / levels) / np.float32(NODES - 1)
            if bit_depth < 32:
                level = np.floor(signal * np.float64(levels) + 0.5)
                signal = level * (np.iinfo(dtype).max / levels) + 0.5
            codes[rows] = signal.reshape(codes[rows].shape)

        by_strips(strip, pixels)
        return codes

    @cached_property
    def starts(self) -> Pixels:
        """(17^3, 3) place in the grid of the nearest of its coarser nodes, by evened light."""
        coarse = np.arange(0, NODES, 4)
        places = np.stack(np.meshgrid(coarse, coarse, coarse, indexing="ij"), -1).reshape(-1, 3)
        there = self.grid[places @ [NODES**2, NODES, 1]]
        steps = np.linspace(LOWEST, HIGHEST, STARTS, dtype=np.float32)
        wanted = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
        # Squared distances, less what is the same for all nodes.
        distance = (there**2).sum(axis=1) - 2 * wanted @ there.T
        return places[distance.argmin(axis=1)].astype(np.float32)

    def _light_and_slopes(self, place: Pixels) -> tuple[Pixels, Pixels]:
        """Evened light (N, 3) at places (N, 3) in cells, and its slopes (3, N, 3) along each."""
        cell = np.minimum(place.astype(np.int32), NODES - 2)
        x, y, z = (place - cell).T[:, :, None]
        first = cell @ np.array([NODES**2, NODES, 1], np.int32)
        corners = np.take(self.grid, first[:, None] + CORNERS, axis=0)
        along_z = corners[:, 1::2] - corners[:, ::2]
        plane = corners[:, ::2] + z[..., None] * along_z
        along_y = plane[:, 1::2] - plane[:, ::2]
        line = plane[:, ::2] + y[..., None] * along_y
        along_x = line[:, 1] - line[:, 0]
        edge = along_z[:, ::2] + y[..., None] * (along_z[:, 1::2] - along_z[:, ::2])
        slopes = [along_x] + [
            side[:, 0] + x * (side[:, 1] - side[:, 0]) for side in (along_y, edge)
        ]
        return line[:, 0] + x * along_x, np.stack(slopes)

    def _place(self, wanted: Pixels, near: float) -> Pixels:
        """Where in the grid the light is `wanted` (N, 3), to within `near` cells, or nearest."""
        index = (wanted - LOWEST) * ((STARTS - 1) / (HIGHEST - LOWEST)) + 0.5
        index = np.clip(index, 0, STARTS - 1).astype(np.int32)
        trial = np.take(self.starts, index @ np.array([STARTS**2, STARTS, 1], np.int32), axis=0)
        place, least = trial.copy(), np.full(len(trial), np.inf, np.float32)
        seeking = np.arange(len(trial))
        for _ in range(STEPS):
            found, slopes = self._light_and_slopes(trial)
            miss = wanted[seeking] - found
            error = _largest(miss)
            better = error < least[seeking]
            place[seeking[better]], least[seeking[better]] = trial[better], error[better]
            step = np.clip(_solved(slopes, miss), -LONGEST_STEP, LONGEST_STEP)
            onward = np.clip(trial + step, 0, NODES - 1)
            moving = _largest(onward - trial) > near
            # What moves less than can be told apart is where it will be.
            place[seeking[~moving]] = onward[~moving]
            seeking, trial = seeking[moving], onward[moving]
            if not len(seeking):
                break
        return place


def _solved(slopes: Pixels, miss: Pixels) -> Pixels:
    """(N, 3) steps that change light by `miss`, by Cramer's rule; none where there are none."""
    x, y, z = slopes
    normals = np.stack([_cross(y, z), _cross(z, x), _cross(x, y)])
    volume = np.einsum("ni,ni->n", x, normals[0])
    share = np.einsum("ni,cni->nc", miss, normals)
    # Small beside the edges of the cell: two signals make the same light here.
    sound = np.abs(volume) > 1e-6 * _largest(x) * _largest(y) * _largest(z)
    return np.where(sound, 1 / np.where(sound, volume, 1), 0)[:, None] * share


def _largest(vectors: Pixels) -> Pixels:
    """(N,) largest absolute component of (N, 3)."""
    x, y, z = np.abs(vectors).T
    return np.maximum(np.maximum(x, y), z)


def _cross(a: Pixels, b: Pixels) -> Pixels:
    result = np.empty_like(a)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        result[:, i] = a[:, j] * b[:, k] - a[:, k] * b[:, j]
    return result


def _evened(linear: NDArray[Any]) -> Pixels:
    """Light on the scale of sRGB's signal, mirrored below zero."""
    return np.copysign(linear_to_srgb(np.abs(linear)), linear)


def _linear(evened: Pixels) -> Pixels:
    return np.copysign(srgb_to_linear(np.abs(evened)), evened)
