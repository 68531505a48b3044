"""Lamps, glints and other lights that the photo clipped, made as bright again as they were.

A photo holds nothing above white. In focus nobody misses it, but a lens spreads the light of
a lamp over a whole disc, and white spread over a disc is grey. So lights that go out of focus
get back what was cut off, estimated from four things:

- The rim. A small light is drawn as the camera's own spot, near a Gaussian: where that is cut
  off at white, the clipped area over the light around it is the logarithm of the peak. A large
  one is flat inside, and only its outline is such a slope.
- The surroundings. A light is taken to be about as far above white, at most, as white is above
  its surroundings: a white spot on a bright wall is paint, one in the night is a lamp.
- Dilution. Nothing is made brighter than a disc as bright as white needs; where much within
  one disc is clipped (sky, walls, shirts, sky between leaves) there is little to give back.
- The colour is that of the rim, where the channels still differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.photo.colour import by_strips

Array = NDArray[np.float32]
Table = NDArray[np.float64]

DEFAULT_STRENGTH = 0.8
"""Share of the estimated stops given back: a little less than all of them looks like a photo."""

CLIPPED = 0.95
"""Linear light taken as clipped: signal 249 of 255, which JPEG makes of 255 beside an edge."""

TOLD = 1.3
"""A light that holds more than this was not clipped at white (the reddest light of a clipped
Display P3 photo is 1.22 in sRGB primaries): its own values are believed."""

MOST_STOPS = 5.0
"""No light is made brighter than 2 to the power of this."""

PIXEL_BLUR_PX, PHOTO_BLUR = 0.8, 1 / 3000
"""Standard deviation of a sharp outline: that of a pixel and its neighbours' share, and a
share of the diagonal, half of the circle of confusion that counts as sharp, added in squares."""

SHOULDER = 2.5
"""A camera's tone curve presses what is near white together: the bright part of a rim is this
much wider than in linear light. 1 would be right for light that no camera has graded."""

PAINT = 0.8
"""A light is at most this over the light of its surroundings: where they are as bright as paper,
something white need not shine."""

LEAST_RING_PX = 3.0
"""The light of the rim is gathered this far out at least, and else over the light's radius."""

RING_POINTS = 16
"""Places around a light that say how bright its surroundings are. A rim stands out from what the
dimmest quarter shows, as lights come in company; but a speck on the edge of something bright is
no light, so what is called dark has to be so in three quarters."""

CELL_PX = 8
"""Clipped pixels are counted in cells of this size to know how many one disc gathers."""


def rebuild_highlights(
    pixels: Array, radius_px: Plane, strength: float = DEFAULT_STRENGTH
) -> Array:
    """`pixels` with the clipped lights that will be blurred as bright as they were.

    pixels : (H, W, 3) float32, linear light, 1 = white; values from `CLIPPED` to `TOLD` are
        taken as clipped, larger ones as true
    radius_px : (H, W) float32 >= 0, radius in px of the disc that each pixel will become
    strength : 0..1, share of the missing stops that is given back; 0 is the identity, 1 the
        estimate; the default is `DEFAULT_STRENGTH`

    Returns (H, W, 3) float32, in clipped pixels >= `pixels`, elsewhere equal to it; a pixel in
    focus is returned as it was. Where there is nothing to do that is the very object `pixels`.
    The lights' discs are at most as bright as white, the lights `MOST_STOPS` above it. Raises
    ShapeError if the arrays do not fit each other, ParameterError if `strength` is outside 0..1.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    checked_plane("radius_px", radius_px, pixels.shape[:2])
    if not 0 <= strength <= 1:
        raise ParameterError(f"highlights strength={strength} is outside 0 to 1")
    if strength == 0 or not radius_px.size or radius_px.max() <= 0:
        return pixels
    runs = _clipped_runs(pixels)
    if not len(runs):
        return pixels
    lights = _Lights.of(pixels, radius_px, runs)
    excess = lights.excess(pixels, strength)
    if not excess.any():
        return pixels
    out = pixels.copy()
    _add_light(runs, lights.of_run, excess, lights.radius, radius_px, out)
    return out


def _clipped_runs(pixels: Array) -> NDArray[np.int32]:
    """(N, 3) row, first and past-the-last column of every run of clipped pixels, in order."""
    counts = np.zeros(pixels.shape[0] + 1, np.int64)
    by_strips(lambda rows: _count_runs(pixels[rows], counts[1:][rows]), pixels)
    first = np.cumsum(counts)
    runs = np.empty((first[-1], 3), np.int32)
    by_strips(lambda rows: _find_runs(pixels[rows], rows.start, first[rows], runs), pixels)
    return runs


@dataclass(frozen=True)
class _Lights:
    """The connected areas of clipped pixels.

    of_run : (N,) which light each run belongs to
    area : (L,) px
    box : (L, 4) rows and columns (start, stop, start, stop)
    radius : (L,) mean radius in px that the light's pixels will be blurred by
    share : (L,) share of clipped pixels within the light's disc
    peak : (L,) its largest value
    """

    of_run: NDArray[np.int32]
    area: Table
    box: NDArray[np.int32]
    radius: Table
    share: Table
    peak: Table

    @classmethod
    def of(cls, pixels: Array, radius_px: Plane, runs: NDArray[np.int32]) -> _Lights:
        of_run = np.arange(len(runs), dtype=np.int32)
        count = _join_runs(runs, of_run)
        box = np.empty((count, 4), np.int32)
        area, radius, peak = np.zeros((3, count))
        height, width = radius_px.shape
        cells = np.zeros((-(-height // CELL_PX) + 1, -(-width // CELL_PX) + 1))
        _sum_up(pixels, radius_px, runs, of_run, box, area, radius, peak, cells[1:, 1:])
        radius /= area
        within = _clipped_within(cells.cumsum(0).cumsum(1), box, radius)
        disc = np.maximum(math.pi * radius**2, 1e-9)
        return cls(of_run, area, box, radius, np.maximum(within, area) / disc, peak)

    def excess(self, pixels: Array, strength: float) -> Table:
        """(L, 3) the light to be added to every pixel of each light."""
        excess = np.zeros((len(self.area), 3))
        # What is longer than its disc is wide becomes a band and no disc.
        length = np.hypot(self.box[:, 1] - self.box[:, 0], self.box[:, 3] - self.box[:, 2])
        small = (self.share < 1) & (length < 2 * self.radius)
        chosen = np.flatnonzero(small & (self.peak < TOLD))
        if not len(chosen):
            return excess
        area, share = self.area[chosen], self.share[chosen]
        rim, around = np.empty((2, len(chosen)))
        hue = np.empty((len(chosen), 3))
        _look_around(
            pixels, self.box[chosen], np.sqrt(area / np.pi), self.radius[chosen], rim, hue, around
        )
        blur_px = math.hypot(PIXEL_BLUR_PX, PHOTO_BLUR * math.hypot(*pixels.shape[:2]))
        level = np.minimum(_mean_level(area, rim, blur_px), 2**MOST_STOPS)
        level = np.minimum(level, PAINT / np.maximum(around, 1e-9))
        level = np.minimum(np.maximum(level, 1) ** strength, 1 / share)
        excess[chosen] = (level - 1)[:, None] * hue
        return excess


def _mean_level(area: Table, rim: Table, blur_px: float) -> Table:
    """How bright clipped areas were on average, 1 = the level they were clipped at.

    area : (L,) clipped pixels
    rim : (L,) the light around them above the background, in pixels at the clipped level
    blur_px : standard deviation of a sharp outline

    A Gaussian spot of peak p is clipped at the radius a = s sqrt(2 ln p); outside it lies
    2 pi s^2 of light, so area / rim = ln p, and inside it is (p - 1) / ln p on average. A
    slope of equivalent width w = rim / (2 pi a) at the clipped level is that of a Gaussian
    whose centre lies s^2 / w further in. What lies deeper than that is flat.
    """
    radius = np.sqrt(area / np.pi)
    # No rim at all is no proof of endless light.
    width = np.maximum(rim / (2 * np.pi * radius), 1e-3 * radius)
    slope = np.minimum(blur_px**2 / (width * radius), 1)
    # Two stops beyond the largest mean keep the exponential small.
    log_peak = np.clip(slope * radius / (2 * width), 1e-6, (MOST_STOPS + 2) * math.log(2))
    peak, flat = np.exp(log_peak), (1 - slope) ** 2
    return np.asarray(flat * peak + (1 - flat) * (peak - 1) / log_peak)


def _clipped_within(sums: Table, box: NDArray[np.int32], radius: Table) -> Table:
    """(L,) clipped pixels in the square of the disc's area around each light.

    sums : cell counts summed from the top left corner, with a row and column of zeros
    """
    half = math.sqrt(math.pi) / 2 * radius

    def at(y: Table, x: Table) -> Table:
        y, x = (np.clip(v / CELL_PX, 0, n - 1.001) for v, n in zip((y, x), sums.shape, strict=True))
        i, j = y.astype(int), x.astype(int)
        v, u = y - i, x - j
        upper = sums[i, j] * (1 - u) + sums[i, j + 1] * u
        lower = sums[i + 1, j] * (1 - u) + sums[i + 1, j + 1] * u
        return np.asarray(upper * (1 - v) + lower * v)

    y, x = (box[:, 0] + box[:, 1]) / 2, (box[:, 2] + box[:, 3]) / 2
    top, bottom, left, right = y - half, y + half, x - half, x + half
    return at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)


@njit(cache=True, nogil=True)
def _count_runs(rows: Array, counts: NDArray[np.int64]) -> None:
    level = np.float32(CLIPPED)
    for y in range(rows.shape[0]):
        before, count = False, 0
        for x in range(rows.shape[1]):
            r, g, b = rows[y, x, 0], rows[y, x, 1], rows[y, x, 2]
            here = (r >= level) | (g >= level) | (b >= level)
            count += here & (not before)
            before = here
        counts[y] = count


@njit(cache=True, nogil=True)
def _find_runs(rows: Array, top: int, first: NDArray[np.int64], runs: NDArray[np.int32]) -> None:
    """first : (rows,) where each row's runs begin in `runs`"""
    level = np.float32(CLIPPED)
    for y in range(rows.shape[0]):
        before, i = False, first[y] - 1
        for x in range(rows.shape[1]):
            r, g, b = rows[y, x, 0], rows[y, x, 1], rows[y, x, 2]
            here = (r >= level) | (g >= level) | (b >= level)
            if here:
                if not before:
                    i += 1
                    runs[i, 0], runs[i, 1] = y + top, x
                runs[i, 2] = x + 1
            before = here


@njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int32], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def _join_runs(runs: NDArray[np.int32], parent: NDArray[np.int32]) -> int:
    """Number the areas of runs that touch, corners included, in place of `parent` = 0, 1, 2 ...

    Returns how many areas there are.
    """
    above = 0
    for i in range(runs.shape[0]):
        y, start, stop = runs[i, 0], runs[i, 1], runs[i, 2]
        while runs[above, 0] < y - 1 or (runs[above, 0] == y - 1 and runs[above, 2] < start):
            above += 1
        j = above
        while runs[j, 0] == y - 1 and runs[j, 1] <= stop:
            a, b = _root(parent, i), _root(parent, j)
            parent[max(a, b)] = min(a, b)
            j += 1
    # A root stands before all that belongs to it.
    count = 0
    for i in range(runs.shape[0]):
        if parent[i] == i:
            parent[i] = count
            count += 1
        else:
            parent[i] = parent[parent[i]]
    return count


@njit(cache=True, nogil=True)
def _sum_up(
    pixels: Array,
    radius_px: Array,
    runs: NDArray[np.int32],
    of_run: NDArray[np.int32],
    box: NDArray[np.int32],
    area: Table,
    radius: Table,
    peak: Table,
    cells: Table,
) -> None:
    """Add up the fields of `_Lights` run by run, and the clipped pixels of every cell."""
    height, width = radius_px.shape
    for k in range(box.shape[0]):
        box[k, 0], box[k, 1], box[k, 2], box[k, 3] = height, 0, width, 0
    for i in range(runs.shape[0]):
        y, start, stop, k = runs[i, 0], runs[i, 1], runs[i, 2], of_run[i]
        box[k, 0], box[k, 1] = min(box[k, 0], y), max(box[k, 1], y + 1)
        box[k, 2], box[k, 3] = min(box[k, 2], start), max(box[k, 3], stop)
        area[k] += stop - start
        for x in range(start, stop):
            radius[k] += radius_px[y, x]
            cells[y // CELL_PX, x // CELL_PX] += 1
            for c in range(3):
                peak[k] = max(peak[k], pixels[y, x, c])


@njit(cache=True, nogil=True)
def _ring(pixels: Array, y: float, x: float, radius: float, places: Array) -> None:
    """places : (3, RING_POINTS) each channel's values on a circle, rising

    The circle is held inside the frame.
    """
    height, width = pixels.shape[:2]
    for i in range(RING_POINTS):
        angle = 2 * math.pi * i / RING_POINTS
        v = min(max(int(y + radius * math.sin(angle)), 0), height - 1)
        u = min(max(int(x + radius * math.cos(angle)), 0), width - 1)
        for c in range(3):
            places[c, i] = pixels[v, u, c]
    for c in range(3):
        places[c].sort()


@njit(cache=True, nogil=True)
def _look_around(
    pixels: Array,
    box: NDArray[np.int32],
    size: Table,
    disc: Table,
    rim: Table,
    hue: Table,
    around: Table,
) -> None:
    """What surrounds each light.

    size : (L,) radius of a round light of its area, px
    disc : (L,) radius of the disc that it will become, px
    rim : (L,) the light of the rim above the background, in pixels at the clipped level
    hue : (L, 3) the rim's colour, the strongest channel 1
    around : (L,) strongest channel of what is dim a disc's radius away
    """
    height, width = pixels.shape[:2]
    level = np.float32(CLIPPED)
    places, dim = np.empty((3, RING_POINTS), np.float32), np.empty(3, np.float32)
    for k in range(box.shape[0]):
        y, x = (box[k, 0] + box[k, 1]) / 2, (box[k, 2] + box[k, 3]) / 2
        half = math.hypot(box[k, 1] - box[k, 0], box[k, 3] - box[k, 2]) / 2
        _ring(pixels, y, x, half + disc[k], places)
        around[k] = max(places[:, 3 * RING_POINTS // 4].max(), 0)
        margin = math.ceil(max(size[k], LEAST_RING_PX))
        _ring(pixels, y, x, half + margin, places)
        around[k] = max(places[:, 3 * RING_POINTS // 4].max(), around[k])
        dim[:] = places[:, RING_POINTS // 4]
        total, red, green, blue = 0.0, 0.0, 0.0, 0.0
        for v in range(max(box[k, 0] - margin, 0), min(box[k, 1] + margin, height)):
            for u in range(max(box[k, 2] - margin, 0), min(box[k, 3] + margin, width)):
                r, g, b = pixels[v, u, 0], pixels[v, u, 1], pixels[v, u, 2]
                if (r >= level) | (g >= level) | (b >= level):
                    continue
                r, g, b = max(r - dim[0], 0), max(g - dim[1], 0), max(b - dim[2], 0)
                light = max(r, g, b)
                total += light**3
                # Weighed for nearness: a lens fringes the outer rim with false colours.
                red, green, blue = red + light * r, green + light * g, blue + light * b
        # A decaying exponential has three times the integral of its cube.
        above = max(1 - max(dim[0], dim[1], dim[2]), 1e-3)
        rim[k] = 3 / SHOULDER * total / above**3
        strongest = max(red, green, blue)
        if strongest > 0:
            hue[k, 0], hue[k, 1], hue[k, 2] = red / strongest, green / strongest, blue / strongest
        else:
            hue[k] = 1


@njit(cache=True, nogil=True)
def _add_light(
    runs: NDArray[np.int32],
    of_run: NDArray[np.int32],
    excess: Table,
    radius: Table,
    radius_px: Array,
    out: Array,
) -> None:
    """Brighten the clipped pixels; one less out of focus than its light gets less."""
    for i in range(runs.shape[0]):
        k, y = of_run[i], runs[i, 0]
        if excess[k].max() <= 0:
            continue
        for x in range(runs[i, 1], runs[i, 2]):
            share = min(radius_px[y, x] / radius[k], 1)
            for c in range(3):
                out[y, x, c] += np.float32(share * excess[k, c])
