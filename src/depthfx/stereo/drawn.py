"""The pictures that cameras side by side see of a scene."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from depthfx.geometry.new_view import Views
from depthfx.geometry.sheets import sheets_of
from depthfx.geometry.stage import Stage
from depthfx.photo.encode import over_white
from depthfx.scene import Scene
from depthfx.stereo.pairs import Row

Pixels = NDArray[np.float32]
Progress = Callable[[float], None]

PAINTING = 0.6
"""Of the work on a pair."""


def pictures_of(
    scene: Scene, stage: Stage, cameras: Row, progress: Progress = lambda _: None
) -> Iterator[Pixels]:
    """The picture (H, W, 3) of each camera, from left to right; where one stands at the photo's own
    place, that is the photo. Alpha goes over white.

    progress : hears the share done; may raise to stop
    """
    photo = over_white(scene.photo)
    sheets = sheets_of(
        photo.pixels,
        scene.depth,
        scene.camera,
        matte=scene.matte,
        reach_px=cameras.px_per_inverse * (stage.near_inverse - stage.far_inverse),
        margin_px=cameras.beyond_px(stage),
        progress=lambda share: progress(PAINTING * share),
    )
    rest = drawn(
        Views.of(sheets),
        cameras,
        photo.pixels,
        lambda share: progress(PAINTING + (1 - PAINTING) * share),
    )
    yield from rest


def drawn(
    views: Views, cameras: Row, photo: Pixels, progress: Progress = lambda _: None
) -> Iterator[Pixels]:
    """The same of sheets that are there already."""
    for n, pose in enumerate(cameras.poses):
        progress(n / len(cameras.poses))
        yield photo if pose.position[0] == 0 else views.at(pose).pixels
    progress(1.0)
