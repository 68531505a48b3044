"""Running the exported network with ONNX Runtime: pixels in, small maps out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx import machine
from depthfx.camera import FOCAL_UNCERTAINTY, FocalOrigin
from depthfx.depth import Plane
from depthfx.errors import ModelError
from depthfx.photo.colour import linear_to_srgb
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area

Answers = dict[str, NDArray[np.float32]]
Run = Callable[[NDArray[np.float32]], Answers]
"""The network itself: (1, 3, h, w) float32, encoded sRGB in 0..1, to its outputs by name."""

STRIDE = 32
LOOKS = {
    "draft": (320 * 416,),
    "normal": (256 * 320, 448 * 576),
    "best": (256 * 320, 320 * 416, 448 * 576),
}
"""Pixels of the sizes at which the network sees a photo, by quality, the largest last.

A small picture shows it the whole scene's layout, a large one the outlines. Except for
a draft it sees each size mirrored too. What was measured stands in the model card.
"""
DETAIL_SHARE = 0.03
"""Details are what a blur takes away whose sigma is this share of the map's longer side."""
VIEW_ERROR = 0.65
"""Share by which the field of view is off on photos unlike those learnt from, beyond what the
network itself says (median of the evaluation photos, mean over their sources)."""
FRAME = 3
"""Outermost pixels of its depth that are not used: there it feels the end of the picture."""
OUTPUTS, VIEW = ("inverse", "matte"), "view"
"""What every file answers, and what the first version's did not yet."""
LEAST_SHARE, MOST_SHARE = 0.1, 20.0
"""Focal length over width: beyond these (157 and 3 degrees across) no lens is meant."""
MOST_LOG_DEVIATION = 1.0
"""A network that knows nothing at all of the lens says no more than this."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of one photo.

    inverse : (h, w) float32 > 0, canonical inverse depth: 1/m times focal length over width
    matte : (h, w) float32 in 0..1
    focal_share : focal length over width of the picture; None if the weights do not tell it
    focal_error : share by which that may be off, two times in three not more; or None
    """

    inverse: Plane
    matte: Plane
    focal_share: float | None = None
    focal_error: float | None = None

    @property
    def own_error(self) -> float:
        """Share by which `focal_share` may be off on a photo unlike those learnt from."""
        return math.expm1(self._log_error)

    @property
    def _log_error(self) -> float:
        assert self.focal_error is not None
        return math.hypot(math.log1p(self.focal_error), math.log1p(VIEW_ERROR))

    def with_guess(self, share: float) -> tuple[float, float]:
        """Focal length over width and its error, a guess weighed in by how sure each is."""
        assert self.focal_share is not None
        own = self._log_error**-2
        guessed = math.log1p(FOCAL_UNCERTAINTY[FocalOrigin.GUESS]) ** -2
        both = own * math.log(self.focal_share) + guessed * math.log(share)
        total = own + guessed
        return math.exp(both / total), math.expm1(total**-0.5)


@dataclass(frozen=True, eq=False)
class _Look:
    """The answer for one size of the picture, perhaps mirrored.

    view : mean and standard deviation of the logarithm of focal length over width, or None
    """

    inverse: Plane
    matte: Plane
    view: tuple[float, float] | None


def network_size(height: int, width: int, area: int) -> tuple[int, int]:
    """(rows, columns) of about `area`, the photo's aspect, multiples of `STRIDE`.

    Panoramas and strips keep at least two strides on their short side.
    """
    scale = (area / (height * width)) ** 0.5

    def side(pixels: int) -> int:
        return int(np.clip(round(pixels * scale / STRIDE), 2, 64)) * STRIDE

    return side(height), side(width)


def look_sizes(height: int, width: int, quality: str) -> list[tuple[int, int]]:
    """(rows, columns) of each look at a photo, the finest last.

    No look is larger than the photo, but for the smallest: there is nothing more to see.
    """
    areas = LOOKS[quality]
    shown = [min(area, max(height * width, areas[0])) for area in areas]
    return list(dict.fromkeys(network_size(height, width, area) for area in shown))


class Network:
    """A loaded network. Raises ModelError if the file is missing or is not such a network."""

    def __init__(self, weights: Path) -> None:
        # Loaded here: a photo that comes with its own depth never needs it.
        import onnxruntime

        # Nothing leaves this machine.
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = machine.threads()
        # Its threads sleep while they have nothing to do: compiled kernels are being loaded
        # beside it, other photos worked on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not weights.is_file():
            raise ModelError(f"weights {weights} are not there; install the package again")
        try:
            self.session = onnxruntime.InferenceSession(
                str(weights), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the library raises many kinds for a damaged file
            raise ModelError(f"weights {weights} do not load: {_first_line(error)}") from None
        self.outputs = [output.name for output in self.session.get_outputs()]
        inputs = [given.name for given in self.session.get_inputs()]
        if inputs != ["rgb"] or tuple(self.outputs) not in (OUTPUTS, (*OUTPUTS, VIEW)):
            raise ModelError(f"weights {weights} are not an embedded depth network")

    def run(self, batch: NDArray[np.float32]) -> Answers:
        """See `Run`."""
        return dict(zip(self.outputs, self.session.run(None, {"rgb": batch}), strict=True))

    def predict(self, pixels: Pixels, quality: str = "normal") -> Prediction:
        """See `predict`."""
        seen = predict(self.run, pixels, quality)
        self._give_back_memory()
        return seen

    def _give_back_memory(self) -> None:
        """Return the 0.1 GB that the looks were worked out in, by a run that needs nearly none."""
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        least = np.zeros((1, 3, 2 * STRIDE, 2 * STRIDE), np.float32)
        self.session.run(None, {"rgb": least}, options)


def predict(run: Run, pixels: Pixels, quality: str = "normal") -> Prediction:
    """The network's answer for linear pixels (H, W, 3) float32, the mean of its looks."""
    height, width = pixels.shape[:2]
    sizes = look_sizes(height, width, quality)
    # Once over the photo's own pixels is enough; twice the finest look loses nothing.
    shown = resize_area(pixels, fit_within((height, width), 4 * LOOKS[quality][-1]))
    logs, mattes, views = [], [], []
    for size in sizes:
        small = resize_area(shown, size)
        rgb = np.clip(linear_to_srgb(np.clip(small, 0, 1)), 0, 1)
        looks = [_look(run, rgb)]
        if quality != "draft":
            mirrored = _look(run, rgb[:, ::-1])
            inverse, matte = mirrored.inverse[:, ::-1], mirrored.matte[:, ::-1]
            looks.append(_Look(inverse, matte, mirrored.view))
        # The geometric mean: the network errs by factors, not by sums.
        logs.append(np.mean([np.log(look.inverse) for look in looks], 0))
        mattes.append(np.mean([look.matte for look in looks], 0))
        views += looks
    inverse, matte = np.exp(_merged(logs)), np.clip(_merged(mattes), 0, 1)
    return Prediction(inverse, matte, *_field_of_view(views))


def _merged(maps: Sequence[Plane]) -> Plane:
    """The mean of all maps with the detail of the last, the finest, at its size.

    After S. Miangoleh et al., "Boosting Monocular Depth Estimation Models to High-Resolution",
    CVPR 2021: coarse looks know the layout, fine ones where things end.
    """
    finest = maps[-1]
    size = finest.shape[::-1]
    layout = np.mean([cv2.resize(each, size) for each in maps], 0)
    change = cv2.GaussianBlur(layout - finest, (0, 0), DETAIL_SHARE * max(size))
    merged: Plane = (finest + change).astype(np.float32)
    return merged


def _look(run: Run, rgb: NDArray[np.float32]) -> _Look:
    """The answer for (h, w, 3) float32, encoded sRGB in 0..1."""
    said = run(np.ascontiguousarray(rgb.transpose(2, 0, 1)[None], np.float32))
    inner = said["inverse"][0, FRAME:-FRAME, FRAME:-FRAME]
    whole = np.pad(inner, FRAME, mode="edge")
    if VIEW not in said:
        return _Look(whole, said["matte"][0], None)
    mean, log_deviation = (float(each) for each in said[VIEW][0])
    deviation = math.exp(min(log_deviation, MOST_LOG_DEVIATION))
    return _Look(whole, said["matte"][0], (mean, deviation))


def _field_of_view(looks: Sequence[_Look]) -> tuple[float | None, float | None]:
    """Focal length over width and its relative error, of all looks; None where none tells it.

    All looks see the same lens, so their logarithms have one mean. They err together, so
    looking again does not make the error smaller; where they disagree it is larger
    (variance of a mixture: the mean of the variances and the variance of the means).
    """
    views = np.array([look.view for look in looks if look.view is not None])
    if not views.size:
        return None, None
    means, deviations = views.T
    share = float(np.clip(np.exp(means.mean()), LEAST_SHARE, MOST_SHARE))
    return share, math.expm1(math.sqrt(np.mean(deviations**2) + means.var()))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
