"""The frame of a shot on the photo: scaled until it is filled, cut where it is too much."""

from __future__ import annotations

from depthfx.camera import Camera

LONG_SIDE, SHORT_SIDE = 1920, 1080
"""Of the frame of a film whose size nobody chose, px."""


def filled(camera: Camera, width: int, height: int) -> Camera:
    """The camera that shows the middle of the photo of `camera` in a frame of that size, px."""
    scale = max(width / camera.width, height / camera.height)
    cx = (camera.cx - camera.width / 2) * scale + width / 2
    cy = (camera.cy - camera.height / 2) * scale + height / 2
    return Camera(width, height, camera.focal_px * scale, camera.origin, cx, cy)


def usual_frame(camera: Camera) -> tuple[int, int]:
    """Width and height of a film of the photo: its shape, within 1080p, even sides (H.264)."""
    wide = camera.width >= camera.height
    most = (LONG_SIDE, SHORT_SIDE) if wide else (SHORT_SIDE, LONG_SIDE)
    scale = min(1.0, most[0] / camera.width, most[1] / camera.height)
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (camera.width, camera.height))
    return width, height
