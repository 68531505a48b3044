"""Running the exported network with ONNX Runtime: pixels in, small maps out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ModelError
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import resize_area

STRIDE = 32
LOOKS = {
    "draft": (320 * 416,),
    "normal": (224 * 288, 384 * 512),
    "best": (224 * 288, 320 * 416, 448 * 576),
}
"""Pixels of the sizes at which the network sees a photo, by quality, the largest last.

A small picture shows it the whole scene's layout, a large one the outlines. Except for
a draft it sees each size mirrored too. What was measured stands in the model card.
"""
FRAME = 3
"""Outermost pixels of its depth that are not used: there it feels the end of the picture."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Small maps of one photo.

    inverse : (h, w) float32 > 0, canonical inverse depth: 1/m times focal length over width
    matte : (h, w) float32 in 0..1
    """

    inverse: Plane
    matte: Plane


def network_size(height: int, width: int, area: int) -> tuple[int, int]:
    """(rows, columns) of about `area`, the photo's aspect, multiples of `STRIDE`.

    Panoramas and strips keep at least two strides on their short side.
    """
    scale = (area / (height * width)) ** 0.5

    def side(pixels: int) -> int:
        return int(np.clip(round(pixels * scale / STRIDE), 2, 64)) * STRIDE

    return side(height), side(width)


class Network:
    """A loaded network. Raises ModelError if the file is missing or is not such a network."""

    def __init__(self, weights: Path) -> None:
        # Loaded here: a photo that comes with its own depth never needs it.
        import onnxruntime

        # Nothing leaves this machine.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if not weights.is_file():
            raise ModelError(f"weights {weights} are not there; install the package again")
        try:
            self.session = onnxruntime.InferenceSession(
                str(weights), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library raises many kinds for a damaged file
            raise ModelError(f"weights {weights} do not load: {_first_line(error)}") from None
        names = [o.name for o in self.session.get_outputs()]
        if [i.name for i in self.session.get_inputs()] != ["rgb"] or names != ["inverse", "matte"]:
            raise ModelError(f"weights {weights} are not an embedded depth network")

    def predict(self, pixels: Pixels, quality: str = "normal") -> Prediction:
        """The network's answer for linear pixels (H, W, 3) float32, the mean of its looks."""
        looks = []
        for area in LOOKS[quality]:
            rows, columns = network_size(pixels.shape[0], pixels.shape[1], area)
            small = resize_area(pixels, (rows, columns))
            rgb = np.clip(linear_to_srgb(np.clip(small, 0, 1)), 0, 1)
            looks.append(self._run(rgb))
            if quality != "draft":
                mirrored = self._run(np.ascontiguousarray(rgb[:, ::-1]))
                looks.append(Prediction(mirrored.inverse[:, ::-1], mirrored.matte[:, ::-1]))
        shape = looks[-1].inverse.shape[::-1]
        # The geometric mean: the network errs by factors, not by sums.
        logs = [cv2.resize(np.log(look.inverse), shape) for look in looks]
        mattes = [cv2.resize(look.matte, shape) for look in looks]
        return Prediction(np.exp(np.mean(logs, 0)), np.mean(mattes, 0))

    def _run(self, rgb: NDArray[np.float32]) -> Prediction:
        batch = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32)
        inverse, matte = self.session.run(None, {"rgb": batch})
        inner = inverse[0, FRAME:-FRAME, FRAME:-FRAME]
        whole = cv2.copyMakeBorder(inner, FRAME, FRAME, FRAME, FRAME, cv2.BORDER_REPLICATE)
        return Prediction(whole, matte[0])


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
