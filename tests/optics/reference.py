"""What tests of the renderer compare it with, and its first steps put together.

`through_lens` is brute force, what a thin lens sees of textured planes that face it: the
mean over points of the lens of the pinhole pictures seen from there, each focused by
shifting. No blur kernel, no layer cover, no completion: an oracle for the renderer.
"""

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from depthfx.optics.edges import BACK, BACK_RADIUS, FRONT, FRONT_RADIUS, SHARE, Mixed
from depthfx.optics.hidden import Hidden
from depthfx.optics.levels import Level, enter

MARGIN = 40
"""The planes reach this many px past the frame, so that its border is known as well."""


@dataclass(frozen=True)
class TexturedPlane:
    """colour (H + 2 MARGIN, W + 2 MARGIN, 3), matte (the same, 1 channel), blur radius px."""

    colour: np.ndarray
    matte: np.ndarray
    radius_px: float


def lens_points(count):
    """Evenly spread points of the unit disc (Vogel's spiral)."""
    i = np.arange(count)
    return np.sqrt((i + 0.5) / count)[:, None] * np.stack(
        [np.cos(2.399963 * i), np.sin(2.399963 * i)], 1
    )


def pinhole(planes, u=(0.0, 0.0)):
    """The picture from lens point `u` (unit disc), planes given from far to near."""
    picture = None
    for plane in planes:
        # A point behind the focus (radius < 0) moves with the lens point, one in front against.
        shift = np.float32([[1, 0, -plane.radius_px * u[0]], [0, 1, -plane.radius_px * u[1]]])
        size = plane.matte.shape[::-1]
        colour = cv2.warpAffine(plane.colour, shift, size)
        matte = cv2.warpAffine(plane.matte, shift, size)[..., None]
        picture = colour if picture is None else picture * (1 - matte) + colour * matte
    return picture[MARGIN:-MARGIN, MARGIN:-MARGIN]


def through_lens(planes, count=400):
    return sum(pinhole(planes, u) for u in lens_points(count)) / count


def radius_map(planes):
    """The blur radius that depth at the pixel centres gives: of the front plane there."""
    radius = np.full(planes[0].matte.shape, planes[0].radius_px, np.float32)
    for plane in planes[1:]:
        radius[plane.matte > 0.5] = plane.radius_px
    return radius[MARGIN:-MARGIN, MARGIN:-MARGIN]


@dataclass(frozen=True)
class Seen:
    """A surface of a pixel: its colour, its share of the pixel, its signed radius in px."""

    colour: np.ndarray
    seen: float
    radius: np.float32


def seen_surfaces(picture, mixed):
    """The surfaces of each pixel by its place, one or two, near to far."""
    radius = picture.radius(picture.inverse)
    seen = {
        at: [Seen(picture.pixels[at], 1.0, radius[at])] for at in np.ndindex(picture.inverse.shape)
    }
    for y, (start, stop) in enumerate(zip(mixed.starts[:-1], mixed.starts[1:], strict=True)):
        for x, row in zip(mixed.x[start:stop], mixed.surfaces[start:stop], strict=True):
            seen[y, int(x)] = [
                Seen(row[FRONT], float(row[SHARE]), row[FRONT_RADIUS]),
                Seen(row[BACK], 1 - float(row[SHARE]), row[BACK_RADIUS]),
            ]
    return seen


def blocks_of(shape, scale):
    """Place of every block of scale x scale px, and its pixels within the frame."""
    height, width = shape
    for v, u in product(range(-(-height // scale)), range(-(-width // scale))):
        rows = (mirrored(y, height) for y in range(v * scale, (v + 1) * scale))
        columns = [mirrored(x, width) for x in range(u * scale, (u + 1) * scale)]
        yield (v, u), list(product(rows, columns))


def mirrored(at, side):
    """Where a place beyond the end of a side lies in its mirror image."""
    return at % (2 * side) if at % (2 * side) < side else 2 * side - 1 - at % (2 * side)


def entered(picture, largest_px=None, strip_rows=None, blocks=2):
    """Mixed pixels, first level, and first level of what is hidden, by strips of even rows."""
    height, width = picture.inverse.shape
    if largest_px is None:
        largest_px = max(abs(end) for end in picture.ends())
    whole = [-(-side // blocks) * blocks for side in (height, width)]
    level, hidden = Level.empty(*whole), Hidden.empty(*whole, largest_px)
    strip_rows = strip_rows or whole[0]
    tops = range(0, whole[0], strip_rows)
    strips = [(top, min(top + strip_rows, height)) for top in tops if top < height]
    mixed = Mixed.joined([Mixed.of_rows(picture, *rows) for rows in strips])
    for top in tops:
        bottom = min(top + strip_rows, whole[0])
        enter(picture, mixed, top, bottom, level, hidden.first[top // 2 : bottom // 2])
    return mixed, level, hidden
