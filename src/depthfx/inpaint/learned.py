"""Painting by a network that was trained to, in an ONNX file that the user gives.

The usual form, LaMa's: two inputs, a picture (1, 3, H, W) of encoded colours in 0..1 and a mask
(1, 1, H, W), 1 where shall be painted; one output, the picture painted, in 0..1 or 0..255. Around
each hole the network is shown a part of the photo at its own size. What it answers is soft at the
photo's size: it tells what is where, and patches of the photo (`inpaint.exemplar`) lend the detail.

R. Suvorov et al., "Resolution-robust large mask inpainting with Fourier convolutions", WACV 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.engine.model_folder import one_line
from depthfx.errors import ModelError, ShapeError
from depthfx.inpaint.exemplar import Paint, Pixels, paint
from depthfx.inpaint.patches import Mask
from depthfx.inpaint.pushpull import push_pull
from depthfx.photo.colour import linear_to_srgb, srgb_to_linear
from depthfx.raster.resample import resize_area, resize_linear

FREE_SIDE = 512
"""Pixels a side shown to a network that takes any size: what LaMa was trained on is near that."""
MULTIPLE = 32
"""Of which the sides of a picture of free size are: LaMa halves three times, others five."""
CONTEXT = 1.0
"""Of a hole's own extent, how much the network sees around it on each side."""
LEAST_CONTEXT_PX = 64


def painting(file: Path | None) -> Paint:
    """What paints: the network in `file`, or `exemplar.paint` where there is none."""
    return paint if file is None else LearnedPainter(file).paint


class LearnedPainter:
    """An inpainting network in the .onnx file `file`.

    Raises ModelError, one line, if it is missing, damaged or of another form.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.session = _session(file)
        self.picture, self.mask, self.size = _form(file, self.session)

    def paint(
        self,
        pixels: Pixels,
        hole: Mask,
        source: Mask | None = None,
        *,
        inverse: Plane | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Pixels:
        """As `exemplar.paint`; where the network sees nothing else, `source` is what it is shown.

        Raises ModelError if the network does not run or answers no picture.
        """
        if hole.shape != pixels.shape[:2]:
            raise ShapeError(f"hole is {hole.shape}, pixels are {pixels.shape[:2]}")
        detailed = paint(pixels, hole, source, inverse=inverse)
        known = ~hole if source is None else source & ~hole
        if not (hole.any() and known.any()):
            return detailed
        out = detailed.copy()
        # What may not be looked at is a hole to the network as well.
        shown = np.where(known[..., None], pixels, push_pull(pixels, known.astype(np.float32)))
        parts = list(_parts(hole))
        for n, place in enumerate(parts):
            answer, scale = self._ask(shown[place], ~known[place])
            out[place] = _lend(answer, out[place], hole[place], scale)
            if progress is not None:
                progress((n + 1) / len(parts))
        return out

    def _ask(self, pixels: Pixels, unknown: Mask) -> tuple[Pixels, float]:
        """The network's linear pixels of a part, at the part's size, and how many px of the part
        one of its pixels is."""
        height, width = unknown.shape
        rows, columns = self.size or _free_size(height, width)
        mask = resize_area(unknown.astype(np.float32), (rows, columns)) > 0
        picture = linear_to_srgb(np.clip(resize_area(pixels, (rows, columns)), 0, 1))
        answer = self._run(picture.transpose(2, 0, 1)[None], mask[None, None].astype(np.float32))
        scale = max(height / rows, width / columns, 1.0)
        return resize_linear(srgb_to_linear(answer), (height, width)), scale

    def _run(self, picture: NDArray[np.float32], mask: NDArray[np.float32]) -> Pixels:
        """Encoded colours (h, w, 3) in 0..1."""
        shape = picture.shape[2:]
        feed = {self.picture: np.ascontiguousarray(picture), self.mask: mask}
        with one_line(str(self.file), f"does not run on a picture of {shape[1]} x {shape[0]}"):
            answer = np.asarray(self.session.run(None, feed)[0], np.float32)
        if answer.shape != (1, 3, *shape) or not np.isfinite(answer).all():
            raise ModelError(
                f"{self.file} answers {answer.shape}, not a finite picture (1, 3, {shape[0]}, "
                f"{shape[1]}): it is no inpainting network of LaMa's form"
            )
        # Exports differ: some answer codes up to 255.
        if answer.max() > 2:
            answer = answer / np.float32(255)
        return np.clip(answer[0].transpose(1, 2, 0), 0, 1)


def _lend(answer: Pixels, detailed: Pixels, hole: Mask, scale: float) -> Pixels:
    """The network's picture with the detail of the patches that it is too small to show.

    scale : how many pixels one of the network's is
    """
    if scale <= 1:
        return np.where(hole[..., None], answer, detailed)
    # What is finer than its pixels the network cannot tell; outside the hole there is no change.
    change = np.where(hole[..., None], answer - detailed, np.float32(0))
    return np.maximum(detailed + cv2.GaussianBlur(change, (0, 0), scale), 0) * hole[..., None] + (
        detailed * ~hole[..., None]
    )


def _parts(hole: Mask) -> Iterator[tuple[slice, slice]]:
    """For each hole that hangs together: the part of the photo shown for it."""
    count, _, boxes, _ = cv2.connectedComponentsWithStats(hole.view(np.uint8), connectivity=8)
    done = np.zeros(hole.shape, bool)
    for left, top, width, height, _ in sorted(map(tuple, boxes[1:count]), key=lambda b: -b[4]):
        middle = done[top : top + height, left : left + width]
        if middle.all():
            continue
        margin = max(LEAST_CONTEXT_PX, math.ceil(CONTEXT * max(width, height) / 2))
        place = (
            slice(max(top - margin, 0), min(top + height + margin, hole.shape[0])),
            slice(max(left - margin, 0), min(left + width + margin, hole.shape[1])),
        )
        done[place] = True
        yield place


def _free_size(height: int, width: int) -> tuple[int, int]:
    shrink = min(1.0, FREE_SIDE / max(height, width))
    rows, columns = (max(1, round(n * shrink / MULTIPLE)) * MULTIPLE for n in (height, width))
    return rows, columns


def _session(file: Path) -> Any:
    import onnxruntime

    if not file.is_file():
        raise ModelError(f"{file} is not there: tell the .onnx file of an inpainting network")
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with one_line(str(file), "cannot be read as an ONNX file"):
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _form(file: Path, session: Any) -> tuple[str, str, tuple[int, int] | None]:
    """Names of the picture's and the mask's input, and their (rows, columns) if always the same."""
    inputs = session.get_inputs()
    channels = {one.shape[1]: one for one in inputs if len(one.shape) == 4}
    told = ", ".join(f"{one.name} {one.shape} {one.type}" for one in inputs)
    if (
        len(inputs) != 2
        or set(channels) != {1, 3}
        or any(one.type != "tensor(float)" for one in inputs)
    ):
        raise ModelError(
            f"{file} takes {told}; expected a picture (1, 3, H, W) and a mask (1, 1, H, W) of "
            "float32, as LaMa exported to ONNX has"
        )
    rows, columns = channels[3].shape[2:]
    size = (rows, columns) if isinstance(rows, int) and isinstance(columns, int) else None
    return channels[3].name, channels[1].name, size
