"""The shape of the lens opening, which is the shape of a point out of focus.

A direction t in the opening meets its edge at the radius R(t), in units of the nominal
circle: the blades', or nearer where the lens barrel is in the way. Third-order spherical
aberration sends the ray through radius p to the radius

    r(p) = p (1 + k p^2) / (1 + k),

so that of light spread evenly over the opening the density (p dp) / (r dr) arrives, which is
even only for k = 0. An anamorphic lens and the swirl then press the disc together in one
direction each.

All is as it stands behind the focus, which is the opening as seen through the lens by who
takes the photo: x right, y down. In front of the focus rays have not crossed yet, and the same
opening is seen turned by 180 degrees, clipping included, since what clips is in the lens.

W. T. Welford, "Aberrations of Optical Systems", 1986 (transverse third-order aberrations:
spherical with the cube of the radius, astigmatism with the square of the field).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from depthfx.errors import ParameterError
from depthfx.optics.disc import CELLS, Array, Disc, Floats, covered
from depthfx.optics.opening_picture import OpeningPicture

OUTLINE_POINTS = 720
FEWEST_BLADES, MOST_BLADES = 3, 11
LARGEST_SQUEEZE = 3.0
"""Beyond any lens that is made (1.33 to 2), and a limit for how thin a disc can be."""
SOAP_BUBBLE_CUBIC, CREAMY_CUBIC = -0.25, 1.0
"""k at `spherical` = -1 and 1: the rim is 5.3 times as bright as the middle, or 1/8. At
k = -1/3 the rim would be a caustic, infinitely bright."""
STRONGEST_BARREL = 1.0
"""How far a cat's eye of 1 shifts the barrel's rims apart in the corners, in radii: of a disc
39 % stay (-1.4 EV), as with the fastest lenses wide open."""
STRONGEST_SWIRL = 0.5
"""By how much a swirl of 1 presses discs together in the corners."""
FARTHEST = 1 + 1e-9
"""Distance of the corners from the middle, with room for rounding."""


@dataclass(frozen=True)
class Aperture:
    """A lens opening with its corners on the circle of the nominal diameter.

    blades : 0 for a round opening, or 3 to 11
    rotation_deg : turns the opening clockwise on the screen; at 0 a side faces right
    curvature : 0 for straight blades, up to 1 for blades that make the opening round
    squeeze : 1 for a spherical lens, 2 for anamorphic ovals half as wide as high, up to 3;
        the height stays that of the nominal circle
    spherical : -1 for soap bubbles with a bright rim, 0 for even discs, 1 for creamy ones
        with a soft rim and a bright middle
    cats_eye : 0..1, how much the barrel clips the opening for places away from the middle
    swirl : 0..1, how much discs away from the middle are pressed together towards it, so
        that they line up in rings
    image : a picture as the opening instead of blades, see `opening_picture`
    place : where in the picture the opening is looked at, see `at`

    Raises ParameterError if one is out of its bounds, or for blades and `image` together.
    """

    blades: int = 0
    rotation_deg: float = 0.0
    curvature: float = 0.0
    squeeze: float = 1.0
    spherical: float = 0.0
    cats_eye: float = 0.0
    swirl: float = 0.0
    image: OpeningPicture | None = None
    place: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.blades not in (0, *range(FEWEST_BLADES, MOST_BLADES + 1)):
            raise ParameterError(
                f"blades={self.blades} must be 0 (a round opening) or "
                f"{FEWEST_BLADES} to {MOST_BLADES}"
            )
        if not math.isfinite(self.rotation_deg):
            raise ParameterError(f"rotation_deg={self.rotation_deg} must be a finite angle")
        for name, low, high in (
            ("curvature", 0, 1),
            ("squeeze", 1, LARGEST_SQUEEZE),
            ("spherical", -1, 1),
            ("cats_eye", 0, 1),
            ("swirl", 0, 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterError(f"{name}={value} is outside {low} to {high:g}")
        if self.image is not None and self.blades:
            raise ParameterError(
                f"blades={self.blades} and a picture as the opening exclude each other; "
                "leave one of them out"
            )
        if not math.hypot(*self.place) <= FARTHEST:
            raise ParameterError(
                f"place={self.place} must be x and y from the picture's middle, at most 1 away"
            )

    @property
    def varies(self) -> bool:
        """Whether the opening looks different from different places of the picture."""
        return self.cats_eye > 0 or self.swirl > 0

    @property
    def convex_uniform(self) -> bool:
        """Whether each row of a kernel is one run of equal weights, but for its ends."""
        return self.image is None and self.spherical == 0

    @property
    def extent(self) -> float:
        """No light of any place falls farther from the kernel's middle, in nominal radii.

        1, or up to sqrt(2) for a picture with light in its corners.
        """
        return 1.0 if self.image is None else self.image.radius

    def at(self, x: float, y: float) -> Aperture:
        """The opening as seen from a place of the picture.

        x, y : right and down from the middle, in units of half the diagonal, so that the
            corners are 1 away; a place farther out counts as the corner's distance

        Returns this same opening if it does not vary.
        """
        if not self.varies:
            return self
        away = max(math.hypot(x, y), 1.0)
        return replace(self, place=(x / away, y / away))

    def outline(self, points: int = OUTLINE_POINTS) -> Floats:
        """The disc's edge, (points or a few more, 2) x right, y down, in nominal radii.

        Clockwise on the screen; corners of the blades are among the points. With `image`,
        the circle around all of its light, as far as the barrel leaves it.
        """
        sides = max(self.blades, 1)
        count = -(-points // sides) * sides
        first = math.radians(self.rotation_deg) + np.pi / sides  # a corner
        angle = np.asarray(first + np.arange(count) * (2 * np.pi / count), np.float64)
        toward = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        edge = np.minimum(self._blades(angle), self._barrel(toward))
        return np.asarray(self.extent * self._ray(edge)[:, None] * toward @ self._press().T)

    def kernel(self, radius_px: float) -> Array:
        """The picture of a point as an odd square kernel whose sum is 1.

        radius_px : of the nominal circle, >= 0; towards 0 the kernel becomes the identity

        Returns (2n + 1, 2n + 1) float32, or (2n + 1, 2n + 1, 3) for a coloured `image`, each
        channel summing to 1; anti-aliased: the weight of a pixel is the light on its square.
        Squares add a little width of their own, and the smallest discs fit into one; the
        radius is corrected until the kernel spreads light exactly as far (second moment) as
        the opening does. A clipped disc keeps its light: what a lens loses towards the
        corners, the photo has lost already. Raises ParameterError for a bad radius.
        """
        return self._disc.kernel(radius_px)

    @property
    def moment(self) -> float:
        """Mean of x * x + y * y over the light of radius 1 about its middle: 1/2 for a disc."""
        return self._disc.moment

    @cached_property
    def _disc(self) -> Disc:
        half = self.extent
        light = covered((self.outline() / half + 1) * (CELLS / 2), CELLS)
        if not self.convex_uniform:
            x, y, density = self._rays_of_cells()
            light *= density
            if self.image is not None:
                seen = self.image.seen_at(half * x, half * y, math.radians(self.rotation_deg))
                light = light[..., None] * seen if seen.ndim == 3 else light * seen
                if not light.any():
                    # All of the picture's light is behind the barrel. The photo's pixels are
                    # there all the same, and have to go somewhere.
                    return replace(self, cats_eye=0.0)._disc
        return Disc.of(light, half)

    def _rays_of_cells(self) -> tuple[Floats, Floats, Floats]:
        """Where in the opening, x and y in `extent`, the light of the disc's cells went through,
        and how densely it arrives there."""
        line = (np.arange(CELLS) + 0.5) * (2 / CELLS) - 1
        pull = np.linalg.inv(self._press())
        x = pull[0, 0] * line + pull[0, 1] * line[:, None]
        y = pull[1, 0] * line + pull[1, 1] * line[:, None]
        if self.spherical == 0:
            return x, y, np.ones_like(x)
        k, radius = self._cubic, np.linspace(0, 1, CELLS)
        arrives = np.sqrt(x * x + y * y)
        density = (1 + k) ** 2 / ((1 + k * radius**2) * (1 + 3 * k * radius**2))
        back = np.interp(arrives, self._ray(radius), radius) / np.maximum(arrives, 1 / CELLS)
        return x * back, y * back, np.interp(arrives, self._ray(radius), density)

    def _blades(self, angle: Floats) -> Floats:
        """The blades' distance from the middle, at most 1."""
        if not self.blades:
            return np.ones_like(angle)
        sector = 2 * np.pi / self.blades
        turned = angle - math.radians(self.rotation_deg)
        from_side = (turned + sector / 2) % sector - sector / 2
        straight = math.cos(sector / 2) / np.cos(from_side)
        return straight + self.curvature * (1 - straight)

    def _barrel(self, toward: Floats) -> Floats:
        """Distance from the middle to the nearer rim of the barrel in each direction.

        Seen from a place away from the axis, the front rim is shifted over the opening towards
        the middle of the picture, the rear rim as far the other way. So the disc stays where it
        was, and neighbouring places fade into each other without moving any light.
        """
        shift = STRONGEST_BARREL / 2 * self.cats_eye * np.array(self.place)
        along = np.abs(toward @ shift)
        return np.asarray(np.sqrt(np.maximum(1 - shift @ shift + along**2, 0)) - along)

    @property
    def _cubic(self) -> float:
        """k, between its values for the two ends of `spherical`."""
        return abs(self.spherical) * (CREAMY_CUBIC if self.spherical > 0 else SOAP_BUBBLE_CUBIC)

    def _ray(self, radius: Floats) -> Floats:
        """Where the ray through a radius of the opening arrives."""
        k = self._cubic
        return radius * (1 + k * radius**2) / (1 + k)

    def _press(self) -> Floats:
        """The 2 x 2 matrix that turns the disc of a plain lens into this one's."""
        squeezed = np.diag([1 / self.squeeze, 1.0])
        away = math.hypot(*self.place)
        if away == 0:
            return squeezed
        outward = np.array(self.place) / away
        # Astigmatism grows with the square of the field.
        pressed = STRONGEST_SWIRL * self.swirl * away**2
        return np.asarray((np.eye(2) - pressed * np.outer(outward, outward)) @ squeezed)


ROUND = Aperture()
"""The ideal lens, wide open."""
