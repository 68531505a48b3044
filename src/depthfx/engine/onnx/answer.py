"""What an ONNX graph answers, as inverse depth of the photo and its focal length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.engine.looks import Look
from depthfx.engine.meaning import Meaning, inverse_depth
from depthfx.engine.onnx.description import Focal, Output
from depthfx.engine.onnx.picture import Frame
from depthfx.engine.points import camera_of_points
from depthfx.errors import ModelError

Answers = Mapping[str, NDArray[Any]]


def read_answer(
    answers: Answers, told: Output, frame: Frame, shape: tuple[int, int], focal_px: float | None
) -> Look:
    """What the network saw.

    answers : of the graph, by name
    frame : where the photo lies in the picture shown
    shape : (height, width) of the photo
    focal_px : its focal length in its pixels, if someone knows it

    Raises ModelError if an answer has no shape of a map.
    """
    values = frame.cut(_map(answers[told.name], 3 if told.meaning is Meaning.POINTS else 2))
    known = None
    if told.mask is not None:
        mask = frame.cut(_map(answers[told.mask], 2))
        above = mask >= told.mask_threshold
        known = above if told.mask_keeps == "above" else ~above
    seen = None if told.focal is None else _focal(answers, told.focal, frame, shape)
    if told.meaning is Meaning.POINTS:
        if told.affine and seen is None:
            seen = focal_px
        seen, shift = camera_of_points(
            values, shape, focal_px=seen, shifted=told.affine, known=known
        )
        values = values[..., 2] + np.float32(shift)
    affine = told.affine and told.meaning is not Meaning.POINTS
    inverse = inverse_depth(values, told.meaning, affine=affine)
    if told.scale is not None:
        scale = float(np.asarray(answers[told.scale], np.float64).mean())
        inverse = inverse / np.float32(max(scale, 1e-9))
    if told.metric:
        inverse = _of_camera(inverse, told, frame, shape, focal_px, seen)
    if known is not None:
        inverse = np.where(known, inverse, np.float32(0))
    return Look(inverse, seen if focal_px is None else None)


def _of_camera(
    inverse: Plane,
    told: Output,
    frame: Frame,
    shape: tuple[int, int],
    focal_px: float | None,
    seen: float | None,
) -> Plane:
    """1/m for the photo's own camera, of 1/m for the camera that the network had in mind."""
    if told.canonical_focal is None:
        if seen is None or focal_px is None:
            return inverse
        return inverse * np.float32(seen / focal_px)
    focal = focal_px or seen or Camera.guess(shape[1], shape[0]).focal_px
    # A pixel of the picture shown is as many of the photo.
    shown = focal * frame.columns / shape[1]
    canonical = frame.shape[1] if told.canonical_focal == "width" else told.canonical_focal
    return inverse * np.float32(canonical / shown)


def _map(answer: NDArray[Any], rank: int) -> NDArray[np.float32]:
    """(h, w), or (h, w, 3) of rank 3, of an answer with axes of batch and channel."""
    array = np.asarray(answer, np.float32)
    while array.ndim > rank and 1 in array.shape[:-2]:
        array = np.squeeze(array, array.shape.index(1))
    if rank == 2 and array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if rank == 3 and array.ndim == 3 and array.shape[-1] != 3:
        array = array.transpose(1, 2, 0)
    if array.ndim != rank or (rank == 3 and array.shape[-1] != 3):
        wanted = "map of points" if rank == 3 else "map"
        raise ModelError(f"the network answers an array {np.shape(answer)}, which is no {wanted}")
    return array


def _focal(answers: Answers, told: Focal, frame: Frame, shape: tuple[int, int]) -> float | None:
    """The focal length that the network tells, in pixels of the photo."""
    value = np.asarray(answers[told.name], np.float64).ravel()
    number = float(value[0]) if value.size else math.nan
    if told.kind == "fov-deg":
        half = math.radians(number) / 2
        number = frame.shape[1] / (2 * math.tan(half)) if 0 < half < math.pi / 2 else math.nan
    focal = number * shape[1] / frame.columns
    return focal if math.isfinite(focal) and focal > 0 else None
