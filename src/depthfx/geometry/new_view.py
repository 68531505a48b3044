"""A photo's sheets drawn from another place.

Every sheet is a mesh with a vertex at each pixel centre, torn where it breaks; `facets` makes the
pieces of it, once for all views, and `draw` draws them.

L. McMillan, G. Bishop, "Plenoptic modeling", SIGGRAPH 1995 (warping with depth); J. Shade et al.,
"Layered depth images", SIGGRAPH 1998.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.draw import draw
from depthfx.geometry.facets import Facets
from depthfx.geometry.pose import Pose
from depthfx.geometry.sheets import Sheets
from depthfx.inpaint.pushpull import push_pull
from depthfx.raster.resample import resize_area, resize_linear

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class View:
    """What a camera sees.

    pixels : (H, W, 3) float32, linear light
    inverse : (H, W) float32, inverse depth in this camera of what fills most of each pixel
    seen : (H, W) float32 0..1, the share of each pixel that the photo shows; the rest is painted
    """

    pixels: Pixels
    inverse: Plane
    seen: Plane


@dataclass(frozen=True, eq=False)
class Views:
    """Sheets made ready to be drawn again and again."""

    sheets: Sheets
    facets: Facets

    @classmethod
    def of(cls, sheets: Sheets) -> Views:
        return cls(sheets, Facets.of(sheets))

    def at(self, pose: Pose, camera: Camera | None = None) -> View:
        """What `camera` (its size, focal length and centre; None: the photo's) sees from `pose`.

        The same with any number of threads. There are no holes: what was not painted is filled
        from the farther side, and beyond the sheets smoothly.
        """
        photo, margin = self.sheets.camera, self.sheets.margin_px
        out = photo if camera is None else camera
        shape = (out.height, out.width)
        pixels = np.empty((*shape, 3), np.float32)
        inverse, seen, cover = (np.empty(shape, np.float32) for _ in range(3))
        facets = self.facets
        frame = [0, 0, photo.width - 1, photo.height - 1]
        draw(
            _matrix(pose, photo, out, margin),
            facets.colours,
            facets.tiles,
            facets.planes,
            facets.quads[0],
            facets.corners[0],
            facets.quads[1],
            facets.corners[1],
            facets.quads[2],
            facets.corners[2],
            np.array(frame, np.float64) + margin,
            pixels,
            inverse,
            seen,
            cover,
        )
        if not cover.all():
            _fill_rest(pixels, inverse, cover)
        return View(pixels, inverse, seen)


def _fill_rest(pixels: Pixels, inverse: Plane, cover: Plane) -> None:
    """Continue what is drawn, smoothly and at a quarter of the size, over what is not, in place."""
    known = (cover > 0).astype(np.float32)
    both = np.dstack([pixels, inverse]) * known[..., None]
    height, width = cover.shape
    small = (max(1, height // 4), max(1, width // 4))
    weight = resize_area(known, small)
    light = resize_area(both, small) / np.maximum(weight, np.float32(1e-6))[..., None]
    filled = push_pull(np.asarray(light, np.float32), weight)
    rest = known == 0
    large = resize_linear(filled, (height, width))[rest]
    pixels[rest], inverse[rest] = large[:, :3], large[:, 3]


def new_view(sheets: Sheets, pose: Pose, camera: Camera | None = None) -> View:
    """The scene from `pose`, seen by `camera` (None: the photo's).

    For many views of the same sheets, `Views.of` them once.
    """
    return Views.of(sheets).at(pose, camera)


def _matrix(pose: Pose, photo: Camera, out: Camera, margin_px: int) -> NDArray[np.float64]:
    """(3, 4): of (column, row, 1, inverse depth) of a sheet, homogeneous column and row of `out`.

    Columns and rows are indices: the centre of pixel (0, 0) is 0, where cameras have it at 0.5.
    """
    into = np.eye(4)
    into[:2, 2] = 0.5 - margin_px
    size = out.focal_px / photo.focal_px
    onto = np.array(
        [
            [size, 0, out.cx - size * photo.cx - 0.5],
            [0, size, out.cy - size * photo.cy - 0.5],
            [0, 0, 1],
        ]
    )
    return onto @ pose.matrix(photo) @ into
