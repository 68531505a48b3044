"""What a thin lens truly sees of textured planes: the mean over many points of its opening.

From each point of the lens a pinhole picture is composed, every surface at its own parallax,
and all those pictures are averaged. There is no blur kernel, no layer and no guess in it, so it
is the truth that the renderer in `optics.defocus` is held against. It is slow and made for
small pictures.

A point at inverse depth q that the centre of the lens sees at the place p (px) is seen from the
lens point u (unit disc) at

    p - blur_px / 2 * (q - focus_inverse) * u,

the thin lens of `optics.thin_lens`. q is linear in p on every plane, so the place on a slanted
plane that a ray meets is the solution of a linear equation, and exact as well.

R. L. Cook, T. Porter, L. Carpenter, "Distributed ray tracing", SIGGRAPH 1984. Points of lens and
pixel come from the additive recurrence of M. Roberts, "The unreasonable effectiveness of
quasirandom sequences", 2018, in four dimensions: the same on every machine.

Pixel (row i, column j) is the square from (j, i) to (j + 1, i + 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.optics.aperture import ROUND, Aperture

Array = NDArray[np.float32]
Doubles = NDArray[np.float64]
Texels = NDArray[np.uint8]
Table = NDArray[np.int64]

COLOUR_TEXELS, MATTE_TEXELS = 4, 8
"""Texels per pixel, along a side, of the surfaces' colours and mattes."""

SAMPLES = 256
LIGHT_SAMPLES_PER_PX = 400
"""Rays of one light for each pixel that it reaches: its disc is even to about 1 %."""

LENS_TEXELS = 128
"""Radius in texels at which the opening's shape is sampled."""

LEAST_SEEN = 1 / 64
"""A surface that fills less of a pixel than this is not counted among those seen there."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A plane with its own light, and the part of the plane that is there.

    inverse : inverse depth in 1/m at the place (0, 0), and its growth per px right and down
    colour : (h, w, 3) float32 linear light, `COLOUR_TEXELS` texels per px; repeated without end,
        a place has the colour of the texel that it lies in
    matte : (h, w) uint8, `MATTE_TEXELS` texels per px, 255 where the surface is; continued
        outward by its edges
    corner : place (x, y) in px of the matte's first texel
    """

    inverse: tuple[float, float, float]
    colour: Array
    matte: Texels
    corner: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.colour.ndim != 3 or self.colour.shape[2] != 3 or self.colour.dtype != np.float32:
            raise ShapeError(
                f"colour must be (h, w, 3) float32, got {self.colour.shape} {self.colour.dtype}"
            )
        if self.matte.ndim != 2 or self.matte.dtype != np.uint8:
            raise ShapeError(
                f"matte must be (h, w) uint8, got {self.matte.shape} {self.matte.dtype}"
            )


@dataclass(frozen=True)
class Light:
    """A small lamp that shines evenly over a disc and hides nothing.

    x, y : its middle, px; inverse : inverse depth in 1/m; radius_px : of its disc, >= 0
    power : linear RGB that it adds to one pixel if it falls into that alone
    """

    x: float
    y: float
    inverse: float
    power: tuple[float, float, float]
    radius_px: float = 0.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What the centre of the lens sees.

    inverse : (H, W) float32, inverse depth at the pixel centre, in 1/m
    front, behind : (H, W) float32, those of the two surfaces that fill most of the pixel (equal
        if only one is there); coverage : the front's share of both, 1 where there is one
    """

    inverse: Plane
    front: Plane
    behind: Plane
    coverage: Plane


@dataclass(frozen=True, eq=False)
class PlaneScene:
    """Planes from far to near, none of which passes through another, and lights.

    Where no surface is, the picture is black.
    """

    width: int
    height: int
    surfaces: tuple[Surface, ...]
    lights: tuple[Light, ...] = ()

    def sharp(self, samples: int = SAMPLES) -> Array:
        """The pinhole picture (H, W, 3) float32, each pixel the mean over its square."""
        return self.defocused(0.0, 0.0, samples)

    def seen(self, samples: int = SAMPLES) -> Seen:
        """True depth, without the lights."""
        squares = quasirandom(samples, 2) - 0.5
        share = np.zeros((self.height, self.width, len(self.surfaces)), np.float32)
        _shares(*self._packed[1:], _places(self.surfaces, squares), share)
        at_centre = np.zeros_like(share)
        _shares(*self._packed[1:], _places(self.surfaces, np.zeros((1, 2))), at_centre)
        inverse = self._inverse_at_centres()
        return Seen(_chosen(inverse, at_centre.argmax(axis=2)), *_two_largest(inverse, share))

    def defocused(
        self,
        focus_inverse: float,
        blur_px: float,
        samples: int = SAMPLES,
        aperture: Aperture = ROUND,
        seed: int = 0,
    ) -> Array:
        """The picture through a lens, (H, W, 3) float32 linear light.

        focus_inverse, blur_px, aperture : as in `optics.defocus.defocus`
        samples : lens points; each has its own place within the pixel
        seed : another one gives other points, so that two pictures tell the sampling error

        Raises ParameterError if a number is out of range, or a surface so steep that the lens
        sees it from behind.
        """
        if not (math.isfinite(focus_inverse) and math.isfinite(blur_px) and blur_px >= 0):
            raise ParameterError(
                f"focus_inverse={focus_inverse} and blur_px={blur_px} must be finite, "
                "blur_px 0 or more"
            )
        if samples < 1:
            raise ParameterError(f"samples={samples} must be 1 or more")
        points = quasirandom(samples, 4, seed)
        places = _places(
            self.surfaces,
            points[:, 2:] - 0.5,
            lens_points(aperture, points[:, :2]),
            focus_inverse,
            blur_px / 2,
        )
        out = np.zeros((self.height, self.width, 3), np.float32)
        _compose(*self._packed, places, out)
        for light in self.lights:
            self._shine(light, focus_inverse, blur_px / 2, aperture, seed, out)
        return out

    def _shine(
        self,
        light: Light,
        focus_inverse: float,
        half_blur_px: float,
        aperture: Aperture,
        seed: int,
        out: Array,
    ) -> None:
        """Add one light's picture to `out`: every ray lands in one pixel."""
        radius_px = half_blur_px * (light.inverse - focus_inverse)
        spread_px = abs(radius_px) + light.radius_px + 1
        points = quasirandom(math.ceil(math.pi * spread_px**2 * LIGHT_SAMPLES_PER_PX), 4, seed)
        distance, angle = light.radius_px * np.sqrt(points[:, 2]), 2 * np.pi * points[:, 3]
        at = np.stack([light.x + distance * np.cos(angle), light.y + distance * np.sin(angle)], 1)
        lens = lens_points(aperture, points[:, :2])
        landed = at - radius_px * lens
        places = _places(self.surfaces, np.zeros_like(lens), lens, focus_inverse, half_blur_px)
        inverse = np.array([s.inverse for s in self.surfaces], np.float64).reshape(-1, 3)
        power = np.array(light.power, np.float64) / len(points)
        _land(*self._packed[1:], places, inverse, light.inverse, landed, power, out)

    @cached_property
    def _packed(self) -> tuple[Array, Texels, Table]:
        """All colours and all mattes one after the other, and for each surface where its own are.

        A row of the table: first texel, height and width of the colour, then of the matte.
        """
        colours = [s.colour.reshape(-1, 3) for s in self.surfaces]
        mattes = [s.matte.reshape(-1) for s in self.surfaces]
        table = np.zeros((len(self.surfaces), 6), np.int64)
        for row, surface in zip(table, self.surfaces, strict=True):
            row[1:3], row[4:6] = surface.colour.shape[:2], surface.matte.shape
        table[1:, 0] = np.cumsum([len(c) for c in colours])[:-1]
        table[1:, 3] = np.cumsum([len(m) for m in mattes])[:-1]
        if not self.surfaces:
            return np.zeros((0, 3), np.float32), np.zeros(0, np.uint8), table
        return np.concatenate(colours), np.concatenate(mattes), table

    def _inverse_at_centres(self) -> Doubles:
        """(H, W, S): what each plane's inverse depth is at each pixel centre."""
        x, y = np.arange(self.width) + 0.5, (np.arange(self.height) + 0.5)[:, None]
        planes = (surface.inverse for surface in self.surfaces)
        return np.stack([a + right * x + down * y for a, right, down in planes], axis=2)


def quasirandom(count: int, dimensions: int, seed: int = 0) -> Doubles:
    """(count, dimensions) evenly spread points of the unit cube."""
    base = 1.0
    for _ in range(60):  # the root above 1 of base ** (dimensions + 1) = base + 1
        base = (1 + base) ** (1 / (dimensions + 1))
    step = base ** -np.arange(1.0, dimensions + 1)
    start = np.random.default_rng(seed).random(dimensions)
    return np.asarray((start + np.arange(count)[:, None] * step) % 1.0)


def lens_points(aperture: Aperture, points: Doubles) -> Doubles:
    """(N, 2) places x, y in the opening, in units of its nominal radius, from `points` in 0..1.

    The opening's picture is taken as a density; the first coordinate chooses the row, the
    second the place along it. Raises ParameterError for an opening with colours, or one that is
    not the same for all places of the picture.
    """
    density = aperture.kernel(float(LENS_TEXELS)).astype(np.float64)
    if density.ndim != 2 or aperture.varies:
        raise ParameterError(
            "aperture has colours, cats_eye or swirl, which lens points do not know; use one that "
            "is grey and the same everywhere"
        )
    size = len(density)
    below = np.concatenate([[0.0], np.cumsum(density)])
    rows = below[::size]
    y = np.interp(points[:, 0] * rows[-1], rows, np.arange(size + 1))
    row = np.minimum(y.astype(int), size - 1)
    along = rows[row] + points[:, 1] * (rows[row + 1] - rows[row])
    x = np.interp(along, below, np.arange(size * size + 1)) - row * size
    return (np.stack([x, y], axis=1) - size / 2) / LENS_TEXELS


def _places(
    surfaces: tuple[Surface, ...],
    squares: Doubles,
    lens: Doubles | None = None,
    focus_inverse: float = 0.0,
    half_blur_px: float = 0.0,
) -> Doubles:
    """(N, S, 8) for each ray and surface: pixel centre -> place on the surface -> matte's texel.

    A row (xx, xy, x0, yx, yy, y0) takes the pixel's centre to the place (x, y) in px; then the
    matte's corner.

    squares : (N, 2) the ray's offset from the pixel's centre, lens : (N, 2) its lens point
    """
    lens = np.zeros_like(squares) if lens is None else lens
    out = np.empty((len(squares), len(surfaces), 8))
    for s, surface in enumerate(surfaces):
        at_zero, right, down = surface.inverse
        # p = p' + half_blur * (q(p) - focus) * u with q(p) = at_zero + right x + down y.
        shift = squares + half_blur_px * (at_zero - focus_inverse) * lens
        turned = half_blur_px * (lens @ np.array([right, down]))
        if np.any(turned >= 1):
            raise ParameterError(
                f"a surface's inverse depth grows by ({right}, {down}) per px, too steep for a "
                f"blur of {2 * half_blur_px} px: the product must stay below 2"
            )
        slant = half_blur_px * lens / (1 - turned)[:, None]
        along = right * shift[:, 0] + down * shift[:, 1]
        out[:, s, 0], out[:, s, 1] = 1 + slant[:, 0] * right, slant[:, 0] * down
        out[:, s, 2] = shift[:, 0] + slant[:, 0] * along
        out[:, s, 3], out[:, s, 4] = slant[:, 1] * right, 1 + slant[:, 1] * down
        out[:, s, 5] = shift[:, 1] + slant[:, 1] * along
        out[:, s, 6:] = surface.corner
    return out


@njit(cache=True)
def _matte_at(mattes: Texels, table: Table, s: int, x: float, y: float, place: Doubles) -> float:
    """0..1; texels outside are those of the edge."""
    row = math.floor((y - place[7]) * MATTE_TEXELS)
    column = math.floor((x - place[6]) * MATTE_TEXELS)
    row = min(max(row, 0), table[s, 4] - 1)
    column = min(max(column, 0), table[s, 5] - 1)
    return mattes[table[s, 3] + row * table[s, 5] + column] / 255.0


@njit(cache=True, parallel=True)
def _compose(colours: Array, mattes: Texels, table: Table, places: Doubles, out: Array) -> None:
    """The mean over all rays of what each pixel sees, front to back."""
    height, width = out.shape[:2]
    rays = places.shape[0]
    for i in prange(height):
        for j in range(width):
            red, green, blue = 0.0, 0.0, 0.0
            for n in range(rays):
                through = 1.0
                for s in range(table.shape[0] - 1, -1, -1):
                    p = places[n, s]
                    x = p[0] * (j + 0.5) + p[1] * (i + 0.5) + p[2]
                    y = p[3] * (j + 0.5) + p[4] * (i + 0.5) + p[5]
                    cover = through * _matte_at(mattes, table, s, x, y, p)
                    if cover == 0:
                        continue
                    row = math.floor(y * COLOUR_TEXELS) % table[s, 1]
                    column = math.floor(x * COLOUR_TEXELS) % table[s, 2]
                    texel = colours[table[s, 0] + row * table[s, 2] + column]
                    red += cover * texel[0]
                    green += cover * texel[1]
                    blue += cover * texel[2]
                    through -= cover
                    if through <= 0:
                        break
            out[i, j, 0], out[i, j, 1], out[i, j, 2] = red / rays, green / rays, blue / rays


@njit(cache=True, parallel=True)
def _shares(mattes: Texels, table: Table, places: Doubles, share: Array) -> None:
    """How much of each pixel each surface fills, what is before it taken away."""
    height, width = share.shape[:2]
    rays = places.shape[0]
    for i in prange(height):
        for j in range(width):
            for n in range(rays):
                through = 1.0
                for s in range(table.shape[0] - 1, -1, -1):
                    p = places[n, s]
                    x = p[0] * (j + 0.5) + p[1] * (i + 0.5) + p[2]
                    y = p[3] * (j + 0.5) + p[4] * (i + 0.5) + p[5]
                    cover = through * _matte_at(mattes, table, s, x, y, p)
                    share[i, j, s] += cover / rays
                    through -= cover


@njit(cache=True)
def _land(
    mattes: Texels,
    table: Table,
    places: Doubles,
    inverse: Doubles,
    own: float,
    landed: Doubles,
    power: Doubles,
    out: Array,
) -> None:
    """Add `power` to the pixel each ray lands in, less what nearer surfaces keep."""
    height, width = out.shape[:2]
    for n in range(landed.shape[0]):
        j, i = math.floor(landed[n, 0]), math.floor(landed[n, 1])
        if i < 0 or j < 0 or i >= height or j >= width:
            continue
        through = 1.0
        for s in range(table.shape[0]):
            p = places[n, s]
            x = p[0] * landed[n, 0] + p[1] * landed[n, 1] + p[2]
            y = p[3] * landed[n, 0] + p[4] * landed[n, 1] + p[5]
            if inverse[s, 0] + inverse[s, 1] * x + inverse[s, 2] * y > own:
                through *= 1 - _matte_at(mattes, table, s, x, y, p)
        for c in range(3):
            out[i, j, c] += power[c] * through


def _chosen(inverse: Doubles, surface: NDArray[np.intp]) -> Plane:
    """(H, W) float32: of `inverse` (H, W, S) the value of that surface."""
    return np.take_along_axis(inverse, surface[..., None], axis=2)[..., 0].astype(np.float32)


def _two_largest(inverse: Doubles, share: Array) -> tuple[Plane, Plane, Plane]:
    """Front, behind and coverage of each pixel from the shares (H, W, S) of all surfaces."""
    most = share.argmax(axis=2)
    rest = share.copy()
    np.put_along_axis(rest, most[..., None], np.float32(0), axis=2)
    second = np.where(rest.max(axis=2) > LEAST_SEEN, rest.argmax(axis=2), most)
    # Surfaces are in order, so the later one is in front.
    front, behind = np.maximum(most, second), np.minimum(most, second)
    of_front = np.take_along_axis(share, front[..., None], axis=2)[..., 0]
    of_behind = np.take_along_axis(share, behind[..., None], axis=2)[..., 0]
    both = np.where(front == behind, of_front, of_front + of_behind)
    coverage = of_front / np.maximum(both, 1e-9)
    return (
        _chosen(inverse, front),
        _chosen(inverse, behind),
        np.where(front == behind, 1, coverage).astype(np.float32),
    )
