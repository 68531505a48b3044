"""The fine relief of a surface, which depth does not show, read from the picture.

Fabric, bark, stone and skin are rough below what any depth map resolves, and the light rakes
over that: small changes of luminance are slopes and hollows. Which way the light came is not
known so finely; **dark is deep** is assumed (M. Langer, H. Bülthoff, "Depth Discrimination from
Shading under Diffuse Lighting", Perception 29, 2000: what people assume, and true under soft
light, where hollows get less of it). A print or a stain has no relief, and noise has none: what
changes colour as well as luminance is taken for material, what steps strongly for an edge, and
what is no stronger than the picture's own noise is left out.

The height is a sum over scales, each in proportion to its size, so that slopes depend on
contrast alone. Scales are shares of the picture's diagonal: a preview has the relief of the full
size. The height moves the surface along its normal (M. Mikkelsen, "Bump Mapping Unparametrized
Surfaces on the GPU", 2010, for the gradient of a height known per pixel).
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.geometry.normals import Normals
from depthfx.photo.colour import LUMINANCE
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import encoded, fit_within, resize_area, resize_nearest
from depthfx.raster.sample import linear_at

WORKING_PIXELS = 4e6
"""Relief is sought in a picture no larger; finer than its pixels is mostly the sensor's grain."""
SCALES = (0.0006, 0.0012, 0.0024, 0.0048)
"""Standard deviations of the bands, shares of the diagonal; a band goes from each to its double."""
LEAST_SIGMA_PX = 0.35
"""A band finer than this has no pixels to be seen in."""
DARKEST = 0.02
"""Linear luminance added before the logarithm: below, noise and flare outweigh what is there."""
SLOPE = 2.5
"""Slope of relief for a contrast of one in the logarithm, at full detail."""
STEEPEST = math.tan(math.radians(38))
"""Slopes come close to this, never beyond."""
EDGE = 0.3
"""Contrast (logarithm) of a band from which on it is an edge of things or print, not relief."""
COLOURED = 0.12
"""Change of colour beside that of luminance from which on it is another material."""
GRAIN_KEPT = 2.5
"""In standard deviations of the noise: contrast below is left out, softly."""
JUMP = 0.03
"""Share of inverse depth by which neighbours of one surface may differ at the working size."""


def with_relief(
    normals: Normals, pixels: Pixels, camera: Camera, inverse: Plane, detail: float
) -> Normals:
    """`normals` (H, W, 3) float32 with the picture's fine relief put on them.

    pixels : (H, W, 3) float32 linear; inverse : (H, W) float32, 0 is sky, which stays as it is
    detail : 0..1, how steep; 0 gives `normals` themselves, bit for bit

    Unit vectors towards the camera's side, as they were. Raises ShapeError if the arrays differ
    in size, ParameterError if `detail` is outside its bounds.
    """
    if not 0 <= detail <= 1:
        raise ParameterError(f"detail={detail:g} is outside 0 to 1")
    if not normals.shape == pixels.shape == (*inverse.shape, 3):
        raise ShapeError(
            f"normals are {normals.shape}, pixels {pixels.shape}, inverse depth {inverse.shape}"
        )
    if detail == 0:
        return normals
    height = relief_of(pixels, inverse)
    # Height is in working pixels, so its slopes are those of any size.
    slopes = np.dstack(
        [
            cv2.Scharr(height, cv2.CV_32F, 1, 0, scale=1 / 32),
            cv2.Scharr(height, cv2.CV_32F, 0, 1, scale=1 / 32),
        ]
    )
    return _bent(
        np.ascontiguousarray(normals),
        np.ascontiguousarray(inverse),
        slopes,
        np.float32(detail),
        np.float32(camera.focal_px),
        np.float32(camera.cx),
        np.float32(camera.cy),
    )


def relief_of(pixels: Pixels, inverse: Plane) -> Plane:
    """(h, w) float32, at most `WORKING_PIXELS`: how far the surface rises towards the camera,
    in pixels of that size."""
    shape = fit_within(inverse.shape, WORKING_PIXELS)
    small = np.maximum(resize_area(pixels, shape), 0)
    luminance = (small @ LUMINANCE).astype(np.float32)
    tone = np.log(luminance + np.float32(DARKEST))
    colours = encoded(small)
    noise = _noise(tone, luminance)
    surface = _one_surface(resize_nearest(inverse, shape))
    total = np.zeros(shape, np.float32)
    for share in SCALES:
        sigma = share * math.hypot(*shape)
        if sigma < LEAST_SIGMA_PX:
            continue
        smooth, flat = _kept_edges(tone, sigma)
        around = _mean(colours, sigma)
        other = _off_colour(colours, around)
        # What is left of an edge is a share of it, but still a step.
        band = (tone - smooth) * flat
        total += np.float32(sigma) * _believed(band, other, noise, sigma)
        tone, colours = smooth, around
    return total * surface * np.float32(SLOPE)


def _mean(plane: NDArray[np.floating], sigma: float) -> NDArray[np.float32]:
    """The mean over a square whose standard deviation is twice `sigma` px."""
    side = 2 * round(math.sqrt(3) * 2 * sigma) + 1
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)


def _kept_edges(tone: Plane, sigma: float) -> tuple[Plane, Plane]:
    """`tone` (h, w) without what is finer than `sigma`, its strong edges as they are, and (h, w)
    how far there is none: the guided filter, guided by itself (K. He, J. Sun, X. Tang, "Guided
    Image Filtering", TPAMI 35(6), 2013)."""
    mean = _mean(tone, sigma)
    variance = np.maximum(_mean(tone * tone, sigma) - mean * mean, 0)
    slope = variance / (variance + np.float32(EDGE**2))
    kept = _mean(slope, sigma)
    return kept * tone + _mean(mean - slope * mean, sigma), 1 - kept


@njit(cache=True, parallel=True, fastmath=True, error_model="numpy")
def _off_colour(colours: Pixels, around: Pixels) -> Plane:  # pragma: no cover - compiled
    """(h, w): how far each of `colours` (h, w, 3) is off the line from black through the colour
    `around` it, as a share of that; brighter or darker alone is on the line."""
    height, width = colours.shape[:2]
    out = np.empty((height, width), np.float32)
    for y in prange(height):
        for x in range(width):
            r, g, b = around[y, x, 0], around[y, x, 1], around[y, x, 2]
            red, green, blue = colours[y, x, 0], colours[y, x, 1], colours[y, x, 2]
            u, v, w = green * b - blue * g, blue * r - red * b, red * g - green * r
            size = r * r + g * g + b * b
            out[y, x] = np.sqrt(u * u + v * v + w * w) / (size + np.float32(DARKEST))
    return out


def _believed(band: Plane, other: Plane, noise: Plane, sigma: float) -> Plane:
    """`band` (h, w) of log luminance as far as it is relief; `other` is that of colour."""
    power, colour_power = _mean(band * band, 1.5 * sigma), _mean(other * other, 1.5 * sigma)
    # White noise in a band falls as its scale grows.
    grain = np.float32(GRAIN_KEPT) * (noise / np.float32(max(2 * sigma, 1.0))) ** 2
    real = np.maximum(1 - grain / np.maximum(power, 1e-12), 0)
    coloured = np.maximum(colour_power - 2 * grain, 0)
    one_material = 1 / (1 + coloured / (np.float32(COLOURED**2) * np.maximum(power, 1e-12)))
    soft = np.float32(EDGE) * np.tanh(band / np.float32(EDGE))
    return np.asarray(soft * real * one_material, np.float32)


def _noise(tone: Plane, luminance: Plane) -> Plane:
    """(h, w) float32: the standard deviation of the noise in `tone`, by luminance.

    From second differences across (J. Immerkær, "Fast Noise Variance Estimation", CVIU 64, 1996),
    of which a low quantile is taken in each of a few classes of luminance: a texture fills some
    places, noise all.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
    fine = cv2.blur(np.abs(cv2.filter2D(tone, -1, kernel)), (7, 7)) * np.float32(
        math.sqrt(math.pi / 2)
    )
    levels = np.quantile(luminance[::4, ::4], np.linspace(0, 1, 9))
    centres, found = [], []
    for low, high in pairwise(levels):
        inside = fine[::4, ::4][(luminance[::4, ::4] >= low) & (luminance[::4, ::4] <= high)]
        if inside.size:
            centres.append((low + high) / 2)
            found.append(float(np.quantile(inside, 0.2)))
    return np.interp(luminance, centres, found).astype(np.float32)


def _one_surface(inverse: Plane) -> Plane:
    """(h, w) float32: 1 within surfaces, 0 where depth jumps and in the sky."""
    across = np.abs(cv2.Laplacian(inverse, cv2.CV_32F)) > np.float32(JUMP) * inverse
    edge = cv2.dilate((across | (inverse <= 0)).astype(np.uint8), np.ones((5, 5), np.uint8))
    return cv2.blur(1 - edge.astype(np.float32), (5, 5)) * (1 - edge)


@njit(cache=True, parallel=True, fastmath=True, error_model="numpy")
def _bent(
    normals: Normals,
    inverse: Plane,
    slopes: NDArray[np.float32],
    detail: np.float32,
    focal: np.float32,
    cx: np.float32,
    cy: np.float32,
) -> Normals:  # pragma: no cover - compiled
    """`normals` tilted by `slopes` (h, w, 2) of a smaller picture, interpolated linearly."""
    height, width = inverse.shape
    one, half = np.float32(1), np.float32(0.5)
    most = np.float32(STEEPEST)
    out = np.empty_like(normals)
    for y in prange(height):
        ry = (np.float32(y) + half - cy) / focal
        for x in range(width):
            nx, ny, nz = normals[y, x, 0], normals[y, x, 1], normals[y, x, 2]
            gx = linear_at(slopes, y, x, height, width, 0)
            gy = linear_at(slopes, y, x, height, width, 1)
            steep = np.sqrt(gx * gx + gy * gy)
            if steep == 0 or inverse[y, x] <= 0:
                out[y, x, 0], out[y, x, 1], out[y, x, 2] = nx, ny, nz
                continue
            bounded = detail / (one + steep / most)
            gx *= bounded
            gy *= bounded
            rx = (np.float32(x) + half - cx) / focal
            facing = nx * rx + ny * ry + nz
            # The gradient along the surface of a height known per pixel: with T the steps along
            # the surface from pixel to pixel, (gx T_y x n + gy n x T_x) / (n . T_x x T_y).
            twist = gx * ny - gy * nx
            sx = facing * gx * nz - twist * (ry * nz - ny)
            sy = facing * gy * nz - twist * (nx - rx * nz)
            sz = -facing * (gx * nx + gy * ny) - twist * (rx * ny - ry * nx)
            bx, by, bz = nx - sx, ny - sy, nz - sz
            # What would face away keeps as much of the tilt as the camera can see.
            seen = bx * rx + by * ry + bz
            least = np.float32(0.05) * facing
            if seen > least:
                back = (seen - least) / (seen - facing) if seen > facing else one
                bx, by, bz = bx + back * (nx - bx), by + back * (ny - by), bz + back * (nz - bz)
            size = np.sqrt(bx * bx + by * by + bz * bz)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = bx / size, by / size, bz / size
    return out
