"""Thin-lens defocus of one picture with its depth.

The scene becomes thin layers of equal blur, drawn from far to near. A surface between
two layers belongs to both, so that slanted ground fades from blur to blur without steps;
its two parts are weighted for the exact second moment of its own disc.

Layer k covers a pixel by

    cover_k = spread_k(in layer k) / spread_k(known at layer k)

where a place is known at layer k unless something nearer hides it. The division does two
things at once. It lets the parts of one continuous surface that fall into neighbouring
layers add up to full cover (the product of the layers' transmittances telescopes). It
continues a far layer behind a near one from what is visible of it. Where nothing of a far
layer is visible within its own blur, the surfaces guessed by `hidden` count instead, with
the small weight `GUESS`. Pixels that are a mixture of two surfaces are taken apart by
`edges` beforehand.

Layers after M. Kraus, M. Strengert, "Depth-of-field rendering by pyramidal image processing",
Eurographics 2007; normalised convolution after H. Knutsson, C.-F. Westin, CVPR 1993.

Light from outside the frame is unknown: the picture is continued there as its mirror image,
which keeps its brightness and the energy of its lights.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.edges import Surfaces, split_edges
from depthfx.optics.hidden import (
    FarPyramid,
    block_extremes,
    levels_for,
    lively_blocks,
    look_behind,
)
from depthfx.optics.outline import surfaces_of_matte
from depthfx.optics.spread import Spread

Array = NDArray[np.float32]

FINE_STEP_PX, STEP_PX, STEP_RATIO = 0.5, 1.0, 0.025
"""Distance between the radii of neighbouring layers: near the focus, then, and as a share of
large radii. A disc between two layers is drawn as both, so half of it is the rim's error."""

GUESS = 0.05
"""Weight of a guessed surface against a visible one within the same blur."""

LEAST_KNOWN = 1e-3
"""Where less than this of a layer is known within its blur, it is left out."""

FULL_SIZE_PX = 20.0
"""Up to this radius a layer is blurred at full size; each doubling halves its size."""

TILE_PX = 384


@dataclass(frozen=True)
class Layers:
    """The layers of one picture, far to near.

    radii : (K,) float64, signed blur radius in px, rising, near > 0
    scales : (K,) each layer is blurred at 1 / scale of the full size
    spreads : (K,) the opening at the layer's radius and scale
    """

    radii: NDArray[np.float64]
    scales: list[int]
    spreads: list[Spread]

    @classmethod
    def spanning(cls, low: float, high: float, aperture: Aperture) -> Layers:
        """The fixed ladder of radii, as far as it is needed to hold `low` to `high` px."""
        rungs = [0.0]
        while rungs[-1] < max(-low, high):
            rungs.append(rungs[-1] + _step_px(rungs[-1]))
        ladder = np.array(rungs)
        far = ladder[1 : np.searchsorted(ladder, max(-low, 0.0)) + 1]
        near = ladder[1 : np.searchsorted(ladder, max(high, 0.0)) + 1]
        radii = np.concatenate([-far[::-1], [0.0], near])
        scales = [_scale(abs(r)) for r in radii]
        spreads = []
        for radius, scale in zip(radii, scales, strict=True):
            # Averaging over blocks and interpolating back widen the disc by themselves.
            size = math.sqrt(radius**2 - (scale**2 - 1)) / scale
            taps = aperture.kernel(size)
            # In front of the focus the rays have not crossed yet: the opening is upside down.
            spreads.append(
                Spread.of(np.ascontiguousarray(taps[::-1, ::-1]) if radius > 0 else taps)
            )
        return cls(radii, scales, spreads)

    def reach(self, k: int) -> int:
        """How far in full-size px the light of layer k goes, its blocks and edges included."""
        return (self.spreads[k].reach + 1) * self.scales[k] + 1


LARGEST_BLUR = 0.5
"""Share of the diagonal: a point blurred wider is spread over the frame, and costs without end."""


def _step_px(radius_px: float) -> float:
    fine = FINE_STEP_PX if radius_px < 4 else STEP_PX
    return max(fine, STEP_RATIO * radius_px)


def _scale(radius_px: float) -> int:
    return 1 << max(0, math.ceil(math.log2(max(radius_px, 1e-9) / FULL_SIZE_PX)))


def defocus(
    pixels: Array,
    inverse: Plane,
    *,
    focus_inverse: float,
    blur_px: float,
    aperture: Aperture = ROUND,
    behind: Plane | None = None,
    coverage: Plane | None = None,
    matte: Plane | None = None,
    wanted: NDArray[np.bool_] | None = None,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Array:
    """`pixels` as a lens of finite opening sees them.

    pixels : (H, W, 3) float32, linear light, in focus everywhere
    inverse : (H, W) float32, inverse depth in 1/m, or in any unit if relative
    focus_inverse : the inverse depth in focus
    blur_px : blur diameter in px for each unit of inverse depth away from the focus, see
        `thin_lens.blur_px_per_inverse_m`
    aperture : shape of the opening
        (no disc's radius is drawn larger than half the diagonal)
    behind, coverage : as in `depth.Depth`, the second surface of boundary pixels and the
        front's share of them, where known
    matte : (H, W) float32 0..1, the subject's share of every pixel, where known; where it is
        between, it takes the place of `coverage`, and the two depths come from its sides
    wanted : (H, W) bool, where the result will be looked at; None for everywhere. Elsewhere it
        is either drawn or left as `pixels` are, whichever costs less
    threads : workers, or None for one per processor; the result does not depend on it
    progress : called with the share done, 0..1

    Returns (H, W, 3) float32, linear light. A pixel in focus that no blur reaches is
    returned as it was, bit for bit. Raises ShapeError if the arrays do not fit each other,
    ParameterError if `blur_px` or `focus_inverse` is not a finite number in its range.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    for name, plane in (
        ("inverse", inverse),
        ("behind", behind),
        ("coverage", coverage),
        ("matte", matte),
    ):
        if plane is not None:
            checked_plane(name, plane, pixels.shape[:2])
    if not (math.isfinite(blur_px) and blur_px >= 0):
        raise ParameterError(f"blur_px={blur_px} must be 0 px or more per unit of inverse depth")
    if not math.isfinite(focus_inverse):
        raise ParameterError(f"focus_inverse={focus_inverse} must be a finite inverse depth")
    inverse = _within_reach(inverse, focus_inverse, blur_px)
    behind = None if behind is None else _within_reach(behind, focus_inverse, blur_px)
    if matte is not None:
        inverse, behind, coverage = surfaces_of_matte(
            inverse,
            inverse if behind is None else behind,
            np.ones_like(inverse) if coverage is None else coverage,
            matte,
        )
    job = _Job(pixels, inverse, focus_inverse, blur_px, aperture, behind, coverage)
    return job.run(wanted, threads or os.cpu_count() or 1, progress)


def _within_reach(inverse: Plane, focus_inverse: float, blur_px: float) -> Plane:
    """`inverse` where no disc is larger than `LARGEST_BLUR`; the same array if none is."""
    if blur_px == 0:
        return inverse
    reach = 2 * LARGEST_BLUR * math.hypot(*inverse.shape) / blur_px
    low, high = focus_inverse - reach, focus_inverse + reach
    nearest = float(inverse.max())
    if (inverse.min() >= low and nearest <= high) or not math.isfinite(nearest):
        return inverse
    return np.clip(inverse, np.float32(low), np.float32(high))


@dataclass(frozen=True)
class _Layered:
    """The surfaces of a place and, (h, w) each, where they lie among the layers."""

    place: tuple[slice, slice]
    surfaces: Surfaces
    front: Array
    back: Array


class _Job:
    """One call of `defocus`: the picture, its layers, and the pyramid of what is behind."""

    def __init__(
        self,
        pixels: Array,
        inverse: Plane,
        focus_inverse: float,
        blur_px: float,
        aperture: Aperture,
        behind: Plane | None,
        coverage: Plane | None,
    ) -> None:
        self.pixels, self.inverse = pixels, inverse
        self.behind, self.coverage = behind, coverage
        # Running sums end a rounding error away from zero.
        self.floor = np.float32(min(float(pixels.min()), 0.0))
        self.focus_inverse = np.float32(focus_inverse)
        self.px_per_inverse = np.float32(blur_px / 2)
        farthest = inverse.min() if behind is None else min(inverse.min(), behind.min())
        low, high = (
            float((end - self.focus_inverse) * self.px_per_inverse)
            for end in (farthest, inverse.max())
        )
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ShapeError(f"inverse depth must be finite, has {farthest} to {inverse.max()}")
        self.layers = Layers.spanning(low, high, aperture)
        self.squares = (self.layers.radii * np.abs(self.layers.radii)).astype(np.float32)
        self.halo = max(self.layers.reach(k) for k in range(len(self.layers.radii)))
        self.lively = lively_blocks(
            self.block_radii(np.maximum), self.block_radii(np.minimum), max(-low, high)
        )
        height, width = inverse.shape
        self.frame = (slice(0, height), slice(0, width))
        self.pyramid = FarPyramid.empty(height, width, levels_for(max(-low, high)))

    def run(
        self,
        wanted: NDArray[np.bool_] | None,
        threads: int,
        progress: Callable[[float], None] | None,
    ) -> Array:
        if len(self.layers.radii) == 1:
            return self.pixels.copy()
        out = np.empty_like(self.pixels)
        tiles = list(_tiles(self.inverse.shape, _tile_px(self.halo)))

        def draw(tile: tuple[slice, slice]) -> None:
            needless = wanted is not None and not wanted[tile].any()
            out[tile] = self.pixels[tile] if needless else self.draw(tile)

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self.enter_far_surfaces, tiles))
            self.pyramid.rise()
            for done, _ in enumerate(pool.map(draw, tiles), start=1):
                if progress is not None:
                    progress(done / len(tiles))
        return out

    def block_radii(self, extreme: np.ufunc) -> Array:
        """The largest (`np.maximum`) or smallest (`np.minimum`) radius of each block, in px."""
        ends = [
            block_extremes(plane, extreme)
            for plane in (self.inverse, self.behind)
            if plane is not None
        ]
        return (extreme.reduce(ends) - self.focus_inverse) * self.px_per_inverse

    def radius(self, inverse: Plane | None, place: tuple[slice, slice]) -> Array | None:
        if inverse is None:
            return None
        return (inverse[place] - self.focus_inverse) * self.px_per_inverse

    def surfaces(self, place: tuple[slice, slice]) -> Surfaces:
        """What the pixels of a place show, mixed ones taken apart."""
        wide = _common(_grown(place, 1), self.frame)
        radius = self.radius(self.inverse, wide)
        assert radius is not None
        return split_edges(
            self.pixels[wide],
            radius,
            self.radius(self.behind, wide),
            None if self.coverage is None else self.coverage[wide],
        )[_within(place, wide)]

    def enter_far_surfaces(self, place: tuple[slice, slice]) -> None:
        """Put the farther surface of every pixel of a place into the pyramid."""
        seen = self.surfaces(place)
        mixed = seen.back_radius < seen.front_radius
        colour = np.where(mixed[..., None], seen.back, seen.front)
        weight = np.where(mixed, np.maximum(1 - seen.share, np.float32(0.02)), np.float32(1))
        # A lamp is seldom continued behind what hides its neighbourhood: it counts little.
        red, green, blue = (colour[..., c] for c in range(3))
        weight /= np.maximum(np.maximum(np.maximum(red, green), blue), np.float32(1)) ** 2
        self.pyramid.put(place[0].start, place[1].start, colour, seen.back_radius, weight)

    def draw(self, tile: tuple[slice, slice]) -> Array:
        """The finished picture of a tile."""
        wide = _grown(tile, self.halo)
        place = _common(wide, self.frame)
        seen = self.surfaces(place)
        look_behind(
            self.pyramid.cells,
            self.pyramid.shapes,
            self.lively,
            place[0].start,
            place[1].start,
            seen.front_radius,
            seen.back,
            seen.back_radius,
        )
        seen = _mirrored(seen, place, wide)
        front, back = np.empty((2, *seen.share.shape), np.float32)
        _position(seen.front_radius, self.squares, front)
        _position(seen.back_radius, self.squares, back)
        height, width = (s.stop - s.start for s in tile)
        colour = np.zeros((height, width, 3), np.float32)
        cover = np.zeros((height, width), np.float32)
        count = len(self.layers.radii)
        boxes = np.empty((count, 4), np.int64)
        _boxes(front, back, boxes)
        layered = _Layered(wide, seen, front, back)
        for k in range(count):
            self.lay(k, boxes[k], layered, tile, colour, cover)
        _finish(colour, cover, self.floor)
        return colour

    def lay(
        self,
        k: int,
        box: NDArray[np.int64],
        seen: _Layered,
        tile: tuple[slice, slice],
        colour: Array,
        cover: Array,
    ) -> None:
        """Draw layer k over what is farther, within the tile."""
        reach, scale, spread = self.layers.reach(k), self.layers.scales[k], self.layers.spreads[k]
        top, left = seen.place[0].start, seen.place[1].start
        own = (
            slice(int(box[0]) + top, int(box[1]) + top),
            slice(int(box[2]) + left, int(box[3]) + left),
        )
        target = _common(_grown(own, reach), tile)
        if any(s.start >= s.stop for s in (*own, *target)):
            return
        # Blocks start at multiples of the scale in the whole picture, in every tile.
        source = _common(_grown(target, reach), seen.place)
        height, width = (-(-s.stop // scale) - s.start // scale for s in source)
        stack = np.zeros((height, width, 5), np.float32)
        inner = _within(source, seen.place)
        shown = seen.surfaces[inner]
        _slice_layer(
            k,
            scale,
            source[0].start % scale,
            source[1].start % scale,
            shown.front,
            shown.back,
            shown.share,
            seen.front[inner],
            seen.back[inner],
            stack,
        )
        stack = spread(stack)
        at = _within(target, tile)
        if scale > 1:
            first = tuple(s.start // scale * scale for s in source)
            stack = cv2.resize(
                stack, (width * scale, height * scale), interpolation=cv2.INTER_LINEAR
            )
            stack = stack[
                target[0].start - first[0] : target[0].stop - first[0],
                target[1].start - first[1] : target[1].stop - first[1],
            ]
        else:
            stack = stack[_within(target, source)]
        _over(stack, colour[at], cover[at])


def _tile_px(halo: int) -> int:
    """Wider blurs want wider tiles, or these would mostly draw each other's borders."""
    return max(TILE_PX, -(-4 * halo // TILE_PX) * TILE_PX)


def _tiles(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, slice]]:
    for y in range(0, shape[0], size):
        for x in range(0, shape[1], size):
            yield slice(y, min(y + size, shape[0])), slice(x, min(x + size, shape[1]))


def _grown(place: tuple[slice, slice], by: int) -> tuple[slice, slice]:
    rows, columns = (slice(s.start - by, s.stop + by) for s in place)
    return rows, columns


def _common(a: tuple[slice, slice], b: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (
        slice(max(s.start, t.start), min(s.stop, t.stop)) for s, t in zip(a, b, strict=True)
    )
    return rows, columns


def _within(place: tuple[slice, slice], outer: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (
        slice(s.start - o.start, s.stop - o.start) for s, o in zip(place, outer, strict=True)
    )
    return rows, columns


def _mirrored(seen: Surfaces, place: tuple[slice, slice], wide: tuple[slice, slice]) -> Surfaces:
    """The surfaces of `place` continued to `wide` by reflection at the frame.

    What lies outside is unknown; a mirror keeps the border's light, colour and depth.
    """
    top, bottom, left, right = (
        abs(a - b)
        for p, w in zip(place, wide, strict=True)
        for a, b in ((p.start, w.start), (p.stop, w.stop))
    )
    if not top + bottom + left + right:
        return seen

    def pad(a: Array) -> Array:
        padded = cv2.copyMakeBorder(a, top, bottom, left, right, cv2.BORDER_REFLECT)
        return np.asarray(padded, np.float32)

    return Surfaces(
        pad(seen.front),
        pad(seen.back),
        pad(seen.share),
        pad(seen.front_radius),
        pad(seen.back_radius),
    )


@njit(cache=True, nogil=True)
def _position(radius: Array, squares: Array, position: Array) -> None:
    """Where each radius lies among the layers: 2.25 is a quarter of the way from 2 to 3.

    Linear in the signed square of the radius, so that two discs mixed by that quarter
    have the second moment of the disc between them.
    """
    last = squares.shape[0] - 1
    for y in range(radius.shape[0]):
        for x in range(radius.shape[1]):
            square = radius[y, x] * abs(radius[y, x])
            low, high = 0, last
            while high - low > 1:
                middle = (low + high) // 2
                if square >= squares[middle]:
                    low = middle
                else:
                    high = middle
            part = (square - squares[low]) / (squares[low + 1] - squares[low])
            position[y, x] = low + min(max(part, np.float32(0)), np.float32(1))


@njit(cache=True, nogil=True)
def _boxes(front_layer: Array, back_layer: Array, boxes: NDArray[np.int64]) -> None:
    """Rows and columns (start, stop, start, stop) that hold anything of each layer."""
    height, width = front_layer.shape
    for k in range(boxes.shape[0]):
        boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3] = height, 0, width, 0
    for y in range(height):
        for x in range(width):
            for position in (front_layer[y, x], back_layer[y, x]):
                low = int(position)
                for k in range(low, min(low + 1, boxes.shape[0] - 1) + 1):
                    if k == low or position > low:
                        boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], y), max(boxes[k, 1], y + 1)
                        boxes[k, 2], boxes[k, 3] = min(boxes[k, 2], x), max(boxes[k, 3], x + 1)


@njit(cache=True, nogil=True)
def _slice_layer(
    k: int,
    scale: int,
    y0: int,
    x0: int,
    front: Array,
    back: Array,
    share: Array,
    front_layer: Array,
    back_layer: Array,
    stack: Array,
) -> None:
    """Add up, block by block, layer k's colour * cover, its cover, and what is known there.

    y0, x0 : place of the arrays' corner within its block
    stack : (h, w, 5), zero on entry
    """
    zero, one = np.float32(0), np.float32(1)
    part = np.float32(1 / scale**2)
    for y in range(share.shape[0]):
        for x in range(share.shape[1]):
            f, b, a = front_layer[y, x], back_layer[y, x], share[y, x]
            front_here = max(one - abs(f - k), zero)
            front_nearer = min(max(f - k, zero), one)
            cover = a * front_here
            known = one - a * front_nearer
            through = zero
            if b < f:
                back_here = max(one - abs(b - k), zero)
                back_nearer = min(max(b - k, zero), one)
                guess = np.float32(GUESS) * a * front_nearer
                known -= (one - a) * back_nearer
                if back_here > 0:
                    known += guess * (one - back_nearer)
                    through = (one - a + guess) * back_here
            v, u = (y + y0) // scale, (x + x0) // scale
            if cover + through > 0:
                for c in range(3):
                    stack[v, u, c] += part * (cover * front[y, x, c] + through * back[y, x, c])
                stack[v, u, 3] += part * (cover + through)
            stack[v, u, 4] += part * known


@njit(cache=True, nogil=True)
def _over(stack: Array, colour: Array, cover: Array) -> None:
    """Lay a spread layer over the farther ones; `colour` is premultiplied by `cover`."""
    one = np.float32(1)
    for y in range(cover.shape[0]):
        for x in range(cover.shape[1]):
            known = stack[y, x, 4]
            if known < LEAST_KNOWN or stack[y, x, 3] <= 0:
                continue
            share = one / known
            own = min(stack[y, x, 3] * share, one)
            for c in range(3):
                colour[y, x, c] = colour[y, x, c] * (one - own) + stack[y, x, c] * share
            cover[y, x] = cover[y, x] * (one - own) + own


@njit(cache=True, nogil=True)
def _finish(colour: Array, cover: Array, floor: np.float32) -> None:
    """Divide by the cover reached; where layers left gaps the rest stands for them."""
    for y in range(cover.shape[0]):
        for x in range(cover.shape[1]):
            for c in range(3):
                colour[y, x, c] = max(colour[y, x, c] / max(cover[y, x], np.float32(1e-6)), floor)
