"""Planes of 32-bit numbers made small without losing a bit, and quickly.

Refined depth is made of smooth pieces: bits taken as integers, it goes on from pixel to pixel
nearly as on a straight line. What is kept is what remains of each number when its left
neighbour, and the slope of that difference down two rows, are taken off; signs go to the lowest
bit, bytes of equal weight go together (`blosc2`), zstd packs them. Strips of rows know nothing of
each other.

F. Alted, "Why modern CPUs are starving and what can be done about it", Computing in Science &
Engineering 12(2), 2010 (Blosc); differences of bit patterns as of P. Lindstrom, M. Isenburg, "Fast
and Efficient Compression of Floating-Point Data", IEEE TVCG 12(5), 2006.
"""

from __future__ import annotations

import struct

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane

Words = NDArray[np.uint32]

STRIP_ROWS = 128
"""The two rows that a strip begins with are packed worse; a strip should stay in the cache."""
LEVEL = 1
"""Of zstd: the quickest; what is left to pack is noise, and no level makes that smaller."""
BYTES_TOGETHER = 1
"""Blosc's name for its byte shuffle."""


def packed(plane: Plane, base: Plane | None = None) -> bytes:
    """`plane` (H, W) float32 as bytes, bit for bit: NaN, infinity and -0 too.

    base : another plane of its shape that is like it, and is at hand for `unpacked`
    """
    from imagecodecs import blosc2_encode

    words = _words(plane)
    if base is not None:
        words = words - _words(base)
    parts = []
    left_over = np.empty((STRIP_ROWS, words.shape[1]), np.uint32)
    for top in range(0, len(words), STRIP_ROWS):
        strip = words[top : top + STRIP_ROWS]
        _take_off(strip, left_over)
        part = blosc2_encode(
            left_over[: len(strip)].data,  # type: ignore[arg-type]  # any buffer will do
            level=LEVEL,
            compressor="zstd",
            shuffle=BYTES_TOGETHER,
            typesize=4,
            numthreads=1,
        )
        parts += [struct.pack("<I", len(part)), part]
    return b"".join(parts)


def unpacked(data: bytes | memoryview, shape: tuple[int, int], base: Plane | None = None) -> Plane:
    """The plane that `packed` was given: (H, W) float32, writable.

    Raises ValueError if the bytes are no such plane of that shape.
    """
    from imagecodecs import blosc2_decode

    words, start = np.empty(shape, np.uint32), 0
    for top in range(0, shape[0], STRIP_ROWS):
        strip = words[top : top + STRIP_ROWS]
        try:
            (size,) = struct.unpack_from("<I", data, start)
            left_over = blosc2_decode(bytes(data[start + 4 : start + 4 + size]), numthreads=1)
        # The library's own errors are RuntimeErrors, a length below zero is a SystemError.
        except (struct.error, RuntimeError, SystemError) as error:
            raise ValueError(f"rows from {top} are damaged: {error}") from None
        if len(left_over) != strip.nbytes:
            raise ValueError(f"rows from {top} are {len(left_over)} bytes, not {strip.nbytes}")
        _put_back(np.frombuffer(left_over, np.uint32).reshape(strip.shape), strip)
        start += 4 + size
    if start != len(data):
        raise ValueError(f"{len(data)} bytes, of which {start} are the plane")
    if base is not None:
        words += _words(base)
    return words.view(np.float32)


def _words(plane: Plane) -> Words:
    # Writable or not, one form: of the other there would be another kernel.
    words = np.ascontiguousarray(plane, np.float32).view(np.uint32)
    if words.flags.writeable:
        words = words.view()
        words.flags.writeable = False
    return words


@njit(cache=True, nogil=True)
def _take_off(words: Words, out: Words) -> None:  # pragma: no cover - compiled
    """What is left of `words` (h, w) without what goes before, into the first rows of `out`."""
    height, width = words.shape
    before, slope = np.zeros(width, np.uint32), np.zeros(width, np.uint32)
    one, most = np.uint32(1), np.int32(31)
    for y in range(height):
        left = np.uint32(0)
        for x in range(width):
            step = np.uint32(words[y, x] - left)
            left = words[y, x]
            change = np.uint32(step - before[x])
            rest = np.uint32(change - slope[x])
            before[x], slope[x] = step, change
            out[y, x] = np.uint32(rest << one) ^ np.uint32(np.int32(rest) >> most)


@njit(cache=True, nogil=True)
def _put_back(left_over: Words, out: Words) -> None:  # pragma: no cover - compiled
    """The words (h, w) of which `left_over` is left."""
    height, width = left_over.shape
    step, slope = np.zeros(width, np.uint32), np.zeros(width, np.uint32)
    one = np.uint32(1)
    for y in range(height):
        word = np.uint32(0)
        for x in range(width):
            rest = left_over[y, x]
            sign = np.uint32(-np.int32(rest & one))
            slope[x] = np.uint32(slope[x] + (np.uint32(rest >> one) ^ sign))
            step[x] = np.uint32(step[x] + slope[x])
            word = np.uint32(word + step[x])
            out[y, x] = word
