"""A shot, frame by frame: sheets seen along a move, through a lens, as codes of sRGB."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.new_view import View, Views
from depthfx.geometry.pose import Pose
from depthfx.geometry.sheets import Sheets
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.defocus import defocus
from depthfx.photo.colour import srgb_space
from depthfx.photo.dither import dithered

Frame = NDArray[np.uint8]

POSES_LOOKED_AT = 33
"""Of a move, to find how far it has to be zoomed in."""
BAND_SHARE = 0.05
"""Of the short side: so near to the frame's border lies what may come away from it."""
DEPTH_PERCENTILES = (2.0, 98.0)
"""Of inverse depth there; a speck nearer than the rest does not zoom the whole shot."""
BEYOND_PX = 0.5
"""The outermost pixels' outer halves are as good as painted."""
LARGEST_ZOOM = 1.3
"""More is not cut away for a move; the rest is filled from what is near."""
LEAST_BLUR_PX = 0.3
"""Blur that is smaller everywhere is none."""


def frames(
    views: Views,
    move: Move,
    camera: Camera,
    count: int,
    *,
    aperture: Aperture = ROUND,
    threads: int | None = None,
) -> Iterator[Frame]:
    """The `count` frames of a move, each drawn while the one before it is used.

    camera : of the output: its size, and the photo's focal length and centre scaled to it (see
        `geometry.frame.filled`)
    aperture : shape of the lens's opening, where the keys tell of a focus
    threads : of the defocus; None: one a processor

    Yields (H, W, 3) uint8, sRGB. The whole shot is zoomed in, evenly, as far as is needed to show
    nothing beyond what is painted (`steady_zoom`).
    """
    zoom = steady_zoom(views.sheets, move, camera)
    keys = [
        replace(key, pose=replace(key.pose, zoom=key.pose.zoom * zoom))
        for key in move.sampled(count)
    ]
    seen: list[tuple[Pose, View]] = []

    def draw(key: Key) -> Frame:
        if not seen or seen[0][0] != key.pose:  # where only the focus is pulled, one view does
            seen[:] = [(key.pose, views.at(key.pose, camera))]
        return through_lens(seen[0][1], key, camera, aperture=aperture, threads=threads)

    with ThreadPoolExecutor(1) as worker:
        coming = worker.submit(draw, keys[0])
        try:
            for key in keys[1:]:
                drawn, coming = coming.result(), worker.submit(draw, key)
                yield drawn
            yield coming.result()
        finally:
            coming.cancel()


def through_lens(
    view: View,
    key: Key,
    camera: Camera,
    *,
    aperture: Aperture = ROUND,
    threads: int | None = None,
) -> Frame:
    """(H, W, 3) uint8, sRGB: what `camera` sees at one key, `view`, as its lens draws it."""
    focus_inverse = key.focus_seen_inverse
    blur_px = key.aperture_m * camera.focal_px * key.pose.zoom
    if (
        focus_inverse is None
        or blur_px * np.abs(view.inverse - np.float32(focus_inverse)).max() < LEAST_BLUR_PX
    ):
        return srgb_space().encode(view.pixels, 8)
    pixels = defocus(
        view.pixels,
        view.inverse,
        focus_inverse=focus_inverse,
        blur_px=blur_px,
        aperture=aperture,
        threads=threads,
    )
    # What is smooth now would show steps.
    return dithered(srgb_space().encode(pixels, 16), 8)


def steady_zoom(sheets: Sheets, move: Move, camera: Camera) -> float:
    """The least zoom, 1 or more, at which no frame of `move` shows what lies beyond the sheets.

    It is found for the depths at the frame's border, whatever lies there.
    """
    keys = move.sampled(POSES_LOOKED_AT) + move.keys
    depths = _border_depths(sheets)

    def enough(zoom: float) -> bool:
        return all(
            _within(replace(key.pose, zoom=key.pose.zoom * zoom), sheets, camera, depths)
            for key in keys
        )

    low, high = 1.0, LARGEST_ZOOM
    if enough(low):
        return low
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _border_depths(sheets: Sheets) -> tuple[float, float]:
    """The least and the greatest inverse depth near the border of the photo's frame."""
    margin, camera = sheets.margin_px, sheets.camera
    inside = np.s_[margin : margin + camera.height, margin : margin + camera.width]
    inverse = sheets.sheets[-1].inverse[inside].copy()
    for sheet in reversed(sheets.sheets[:-1]):
        shown = sheet.alpha[inside] >= 0.5
        inverse[shown] = sheet.inverse[inside][shown]
    band = max(1, round(BAND_SHARE * min(inverse.shape)))
    border = np.ones(inverse.shape, np.bool_)
    border[band:-band, band:-band] = False
    low, high = np.percentile(inverse[border], DEPTH_PERCENTILES)
    return float(low), float(high)


def _within(pose: Pose, sheets: Sheets, camera: Camera, depths: tuple[float, float]) -> bool:
    """Whether the corners of the frame seen from `pose` lie on the sheets, at either depth."""
    photo, beyond = sheets.camera, sheets.margin_px + BEYOND_PX
    x, y = np.array([0.0, camera.width]), np.array([0.0, camera.height])
    scale = camera.focal_px / photo.focal_px
    x, y = (x - camera.cx) / scale + photo.cx, (y - camera.cy) / scale + photo.cy
    corners = np.array([[x[0], x[0], x[1], x[1]], [y[0], y[1], y[0], y[1]], np.ones(4)])
    matrix = pose.matrix(photo)
    for inverse in depths:
        plane = matrix[:, :3].copy()
        plane[:, 2] += inverse * matrix[:, 3]
        u, v, share = np.linalg.solve(plane, corners)
        if (share <= 0).any():
            return False
        u, v = u / share, v / share
        if min(u.min(), v.min()) < -beyond:
            return False
        if u.max() > photo.width + beyond or v.max() > photo.height + beyond:
            return False
    return True
