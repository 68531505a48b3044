"""Which way is up in a photo.

A file may tell: iPhones write the acceleration that they feel, DJI's drones how the gimbal
stood, and EXIF has a tag for the camera's elevation. Else floors, ceilings and walls tell, and
lines in the picture that stand upright in space. Photos are taken upright, or nearly so: that is
the prior, so a scene that tells nothing keeps the camera's own up.

Every surface is level, upright or neither, and every line upright or not. For a direction v the
density of normals n is a mixture of caps around v and -v, a band around the great circle across
it, and an even rest; that of lines, each the normal of the plane through it and the camera, a
band and a rest. What is seen is far from independent, one wall being a million pixels, so the
evidence counts for a few dozen surfaces and lines against the prior. The posterior is looked at
on a grid of roll and pitch.

J. M. Coughlan, A. L. Yuille, "Manhattan World: Compass Direction from a Single Image by Bayesian
Inference", ICCV 1999, for the mixture over lines; R. Grompone von Gioi et al., "LSD: a Line
Segment Detector", IPOL 2, 2012.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.gravity_told import told_up
from depthfx.geometry.up import Up, direction
from depthfx.raster.resample import encoded, fit_within, resize_area

if TYPE_CHECKING:
    from depthfx.geometry.normals import Normals
    from depthfx.photo.photo import Photo, Pixels

Floats = NDArray[np.float64]

SAMPLES = 120
"""Rows and columns at which normals are looked at, the longer side."""
SMOOTH = math.cos(math.radians(12))
"""Places whose normal turns by more to the next are edges, leaves or noise: they tell nothing."""
LINE_PIXELS = 0.8e6
"""Of the picture in which lines are sought."""
SHORTEST_LINE = 0.03
"""Of the diagonal; shorter ones are texture."""
STEEPEST = math.sin(math.radians(45))
"""Of a line that may stand upright: sine of its angle to the picture's own upright, at most."""

LEVEL, UPRIGHT, OTHER = 0.25, 0.35, 0.4
"""Prior shares of surfaces."""
UPRIGHT_LINES = 0.3
"""Prior share of lines, of those that are steep enough."""
SURFACES, LINES = 30.0, 40.0
"""For how many independent surfaces the whole picture counts, and how many lines count at most."""
LINE_LENGTH = 0.1
"""Of the diagonal, which is one line's worth."""
LINE_ERROR_DEG = 1.5
ROLL_DEG, UPWARDS_DEG, DOWNWARDS_DEG = 2.0, 8.0, 16.0
"""Scales of the prior (Cauchy) about the camera's own up: people look down on things more often
than up."""
UPRIGHT_HELD = 1.6
"""Exponent of the prior of roll: its tails are thinner than those of pitch."""
LARGEST_ROLL_DEG, LARGEST_PITCH_DEG = 30.0, (-45.0, 39.0)
"""Of what is looked at: beyond, a wall could not be told from a floor seen from above."""
PASSES = ((3.0, 9.0, 0.0), (1.0, 6.0, 6.0), (0.25, 3.0, 2.0))
"""Step of the grid, error of normals, and reach around what the last pass found, degrees; the
reach of the first is all there is."""
SURE_WITHIN_DEG = 4.0
"""The share of the posterior that lies so near to its peak is the confidence."""


def up_of(inverse: Plane, normals: Normals, camera: Camera, photo: Photo | None = None) -> Up:
    """Which way is up.

    inverse : (H, W) float32 inverse depth, 0 is sky
    normals : (H, W, 3) float32, unit vectors in camera axes
    photo : of the same frame; its metadata and its upright lines tell more
    """
    told = None if photo is None else told_up(photo)
    if told is not None:
        return told
    surfaces = _flat_normals(inverse, normals)
    lines, weights = (
        (np.zeros((0, 3)), np.zeros(0)) if photo is None else _steep_lines(photo.pixels, camera)
    )
    return _most_likely(surfaces, inverse.shape, lines, weights)


def _flat_normals(inverse: Plane, normals: Normals) -> Floats:
    """(N, 3) normals at a grid of places that are neither sky nor an edge."""
    height, width = inverse.shape
    step = max(height, width) / SAMPLES
    rows, columns = (
        ((np.arange(max(int(side / step), 1)) + 0.5) * step).astype(int).clip(0, side - 1)
        for side in (height, width)
    )
    reach = max(1, round(step / 3))
    here = normals[np.ix_(rows, columns)].astype(np.float64)
    flat = inverse[np.ix_(rows, columns)] > 0
    for down, right in ((reach, 0), (-reach, 0), (0, reach), (0, -reach)):
        near = np.ix_((rows + down).clip(0, height - 1), (columns + right).clip(0, width - 1))
        flat &= (here * normals[near]).sum(-1) > SMOOTH
    return here[flat]


def _steep_lines(pixels: Pixels, camera: Camera) -> tuple[Floats, Floats]:
    """Lines of the picture that may stand upright: for each the unit normal of the plane that
    holds it and the camera (N, 3), and its length as a share of the diagonal (N,)."""
    shape = fit_within(pixels.shape[:2], LINE_PIXELS)
    grey = encoded(resize_area(pixels, shape)).mean(-1)
    codes = np.clip(grey * 255, 0, 255).astype(np.uint8)
    found = cv2.createLineSegmentDetector().detect(codes)[0]
    if found is None:
        return np.zeros((0, 3)), np.zeros(0)
    ends = np.asarray(found, np.float64).reshape(-1, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    length = np.linalg.norm(along, axis=1)
    good = (length > SHORTEST_LINE * math.hypot(*shape)) & (np.abs(along[:, 0]) < STEEPEST * length)
    ends, length = ends[good], length[good]
    # The detector counts from pixel centres.
    scale = np.array([camera.width / shape[1], camera.height / shape[0]])
    rays = ((ends + 0.5) * scale - [camera.cx, camera.cy]) / camera.focal_px
    rays = np.concatenate([rays, np.ones((*rays.shape[:2], 1))], -1)
    across = np.cross(rays[:, 0], rays[:, 1])
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    return across, length / math.hypot(*shape)


def _most_likely(surfaces: Floats, shape: tuple[int, ...], lines: Floats, lengths: Floats) -> Up:
    """The peak of the posterior, its grid made finer around it."""
    rows, columns = (max(int(side / (max(shape) / SAMPLES)), 1) for side in shape[:2])
    per_surface = SURFACES / (rows * columns)
    worth = lengths / LINE_LENGTH
    worth *= min(1.0, LINES / max(float(worth.sum()), 1e-12))
    roll, pitch, confidence = 0.0, 0.0, 0.0
    for index, (step, error_deg, reach) in enumerate(PASSES):
        if index == 0:
            rolls = np.arange(-LARGEST_ROLL_DEG, LARGEST_ROLL_DEG + step / 2, step)
            pitches = np.arange(LARGEST_PITCH_DEG[0], LARGEST_PITCH_DEG[1] + step / 2, step)
        else:
            around = np.arange(-reach, reach + step / 2, step)
            rolls, pitches = roll + around, pitch + around
        grid = np.stack(np.meshgrid(rolls, pitches, indexing="ij"), -1).reshape(-1, 2)
        log_posterior = (
            per_surface * _surface_evidence(direction(grid[:, 0], grid[:, 1]), surfaces, error_deg)
            + _line_evidence(direction(grid[:, 0], grid[:, 1]), lines, worth)
            + _prior(grid[:, 0], grid[:, 1])
        )
        best = int(np.argmax(log_posterior))
        roll, pitch = (float(v) for v in grid[best])
        if index == 1:
            likely = np.exp(log_posterior - log_posterior[best])
            near = np.hypot(grid[:, 0] - roll, grid[:, 1] - pitch) <= SURE_WITHIN_DEG / 2
            confidence = float(likely[near].sum() / likely.sum())
    return Up.of_angles(roll, pitch, confidence, "floor, walls and upright lines")


def _prior(roll_deg: Floats, pitch_deg: Floats) -> Floats:
    """Its logarithm."""
    scale = np.where(pitch_deg > 0, UPWARDS_DEG, DOWNWARDS_DEG)
    roll, pitch = np.log1p((roll_deg / ROLL_DEG) ** 2), np.log1p((pitch_deg / scale) ** 2)
    return np.asarray(-UPRIGHT_HELD * roll - pitch)


def _surface_evidence(up: Floats, normals: Floats, error_deg: float) -> Floats:
    """(M,) log-likelihood ratio of normals (N, 3) for each of up (M, 3), summed."""
    if not len(normals):
        return np.zeros(len(up))
    error = math.radians(error_deg)
    cosine = up.astype(np.float32) @ normals.T.astype(np.float32)
    square = cosine**2
    # Shares of the sphere that the caps and the band fill, by which they are denser than even.
    cap = np.exp((square - 1) / np.float32(2 * error**2)) / np.float32(error**2)
    band = np.exp(-square / np.float32(2 * error**2)) / np.float32(error * math.sqrt(math.pi / 2))
    ratio = OTHER + LEVEL * cap + UPRIGHT * band
    return np.asarray(np.log(ratio).sum(1), np.float64)


def _line_evidence(up: Floats, lines: Floats, worth: Floats) -> Floats:
    """(M,) log-likelihood ratio of lines (N, 3), each worth so much, for each of up (M, 3)."""
    error = math.radians(LINE_ERROR_DEG)
    band = np.exp(-((up @ lines.T) ** 2) / (2 * error**2)) / (error * math.sqrt(math.pi / 2))
    return np.asarray(np.log(1 - UPRIGHT_LINES + UPRIGHT_LINES * band) @ worth, np.float64)
