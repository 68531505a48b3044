"""A wiggle: the views of a scene one after the other, forth and back, for eyes without glasses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.geometry.frame import usual_frame
from depthfx.movie.files import QUALITY, check_movie, write_movie
from depthfx.photo.colour import srgb_space
from depthfx.raster.resample import resize_area

Pixels = NDArray[np.float32]
Frame = NDArray[np.uint8]

FRAME_SECONDS = 0.12
"""That a view stays: much shorter flickers, much longer no longer shows depth."""
FILM_SECONDS = 6.0
"""At least, where the player does not repeat a file by itself."""
SMALLEST = (2, 2)
"""Size of a frame that every form of movie can have."""
REPEATED = (".gif", ".webp", "")
"""Movies that are played again and again; and the folder, whose frames are those of one round."""


def write_wiggle(
    path: Path,
    pictures: Iterable[Pixels],
    camera: Camera,
    *,
    quality: int = QUALITY,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Write the pictures (H, W, 3) of a row of cameras to `path`, as its suffix says.

    pictures : float32, linear light, from left to right
    camera : the photo's; the frame has its shape, within 1080p (`geometry.frame`)

    Raises as `movie.files.write_movie` does.
    """
    width, height = usual_frame(camera)
    space = srgb_space()
    views = [space.encode(resize_area(view, (height, width)), 8) for view in pictures]
    frames = wiggled(views)
    if path.suffix.lower() not in REPEATED:
        frames = frames * math.ceil(FILM_SECONDS / (len(frames) * FRAME_SECONDS))
    write_movie(
        path,
        frames,
        (width, height),
        1 / FRAME_SECONDS,
        count=len(frames),
        quality=quality,
        overwrite=overwrite,
        progress=progress,
    )


def check_wiggle(path: Path) -> None:
    """Raise ParameterError if no wiggle can be written to `path`, before any view is drawn."""
    check_movie(path, SMALLEST, 1 / FRAME_SECONDS, 1)


def wiggled(views: list[Frame]) -> list[Frame]:
    """Forth and back again, once round."""
    return [*views, *views[-2:0:-1]]
