"""Faces in a picture, by YuNet as OpenCV runs it: an optional model of 233 kB.

YuNet sees faces of about 10 to 300 pixels; a picture is shown to it twice, at a size where
small faces are seen and at one where large ones are.

W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20(5), 2023.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthfx.context import Context
from depthfx.engine.catalogue import check_commercial, check_weights, entries
from depthfx.engine.hub import checksum
from depthfx.errors import ModelError
from depthfx.photo.colour import srgb_space
from depthfx.photo.photo import Photo
from depthfx.photo.regions import Region
from depthfx.raster.resample import fit_within, resize_area

NAME = "yunet"
SHOWN_PIXELS = (1_000_000, 60_000)
SCORE = 0.9
"""What OpenCV's own example takes for a face; the score is between 0 and 1."""
OVERLAP = 0.3
"""Two boxes are of one face if they share this much of what they cover together."""
MOST_FACES = 1000
LARGEST_BYTES = 16 << 20
"""No version of YuNet is larger than a megabyte; what is larger was named by mistake."""


def find_faces(photo: Photo, weights: Path) -> list[Region]:
    """The faces seen in `photo`, the largest first.

    weights : YuNet as ONNX, like face_detection_yunet_2023mar.onnx of OpenCV's model zoo

    Raises ModelError if the file cannot be read or is no such network.
    """
    import cv2

    boxes: list[list[float]] = []
    scores: list[float] = []
    network = _read(weights)
    for pixels in SHOWN_PIXELS:
        picture = _shown(photo, pixels)
        height, width = picture.shape[:2]
        try:
            detector = cv2.FaceDetectorYN.create(
                "onnx", network, np.empty(0, np.uint8), (width, height), SCORE, OVERLAP, MOST_FACES
            )
            _, rows = detector.detect(picture)
        except cv2.error as error:
            words = str(error.err or error).partition("\n")[0]
            raise ModelError(
                f"{weights}: is no face detector that OpenCV runs ({words}); "
                f"expected is the ONNX file of `depthfx models show {NAME}`"
            ) from error
        for row in () if rows is None else rows:
            if np.isfinite(row).all():
                boxes.append(_within(row[:4] / (width, height, width, height)))
                scores.append(float(row[-1]))
    kept = cv2.dnn.NMSBoxes(boxes, scores, SCORE, OVERLAP) if boxes else ()
    found = [_region(boxes[index]) for index in kept]
    return sorted(found, key=lambda face: face.width * face.height, reverse=True)


def found_face(photo: Photo, context: Context) -> Region | None:
    """The largest face in `photo`, if there is a detector: the context's, or YuNet where
    `depthfx models pull` has fetched it. None if there is none, or it sees no face.

    Raises ModelError if the detector is no good, or not to be used commercially.
    """
    weights = context.faces or _pulled(context)
    faces = [] if weights is None else find_faces(photo, weights)
    return faces[0] if faces else None


def _pulled(context: Context) -> Path | None:
    entry = entries()[NAME]
    weights = entry.here
    if weights is not None:
        if context.commercial_only:
            check_commercial(entry.info)
        check_weights(entry, checksum(weights))
    return weights


def _read(weights: Path) -> NDArray[np.uint8]:
    try:
        with weights.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{weights}: cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST_BYTES:
        raise ModelError(
            f"{weights}: is longer than {LARGEST_BYTES >> 20} MB and no face detector; "
            f"expected is the ONNX file of `depthfx models show {NAME}`"
        )
    return np.frombuffer(data, np.uint8)


def _shown(photo: Photo, pixels: int) -> NDArray[np.uint8]:
    """The photo at so many pixels at most: (h, w, 3) uint8, sRGB, blue first as OpenCV has it."""
    small = resize_area(photo.pixels, fit_within(photo.shape, pixels))
    codes = srgb_space().encode(small, 8)
    return np.ascontiguousarray(codes[..., ::-1])


def _within(box: NDArray[np.floating]) -> list[float]:
    """Corner and size (x, y, width, height) in shares, cut to the frame."""
    start, end = np.clip(box[:2], 0, 1), np.clip(box[:2] + box[2:], 0, 1)
    return [*map(float, start), *map(float, end - start)]


def _region(box: list[float]) -> Region:
    x, y, width, height = box
    return Region("face", x + width / 2, y + height / 2, width, height)
