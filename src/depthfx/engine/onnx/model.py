"""Any depth model in ONNX form, told by a description beside it (`engine.onnx.description`).

The picture is brought to the size and range that the description says
(`engine.onnx.picture`), run by ONNX Runtime, and the answer is turned into inverse depth
(`engine.onnx.answer`). Where the network answers for a camera of another focal length
(Metric3D's canonical camera, Depth Pro's), depth grows with the focal length: the size
of a thing on the picture, x = X focal / z, is what a network judges by.

W. Yin et al., "Metric3D: Towards Zero-shot Metric 3D Prediction from A Single Image",
ICCV 2023, section 3.1, on canonical cameras.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.look import NetworkModel
from depthfx.engine.looks import Look, Rgb
from depthfx.engine.model import ModelInfo
from depthfx.engine.model_folder import one_line, size_mb, weights_sha256
from depthfx.engine.onnx.answer import read_answer
from depthfx.engine.onnx.description import Description, Input, Output, read_description
from depthfx.engine.onnx.picture import DEFAULT_PIXELS, show
from depthfx.errors import ModelError

PROVIDERS = {"cuda": "CUDAExecutionProvider", "mps": "CoreMLExecutionProvider"}
CPU = "CPUExecutionProvider"
NUMBERS: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


class OnnxModel(NetworkModel):
    """A depth model in an .onnx file. `source` is the TOML that describes it.

    Raises ModelError, one line, if a file is missing, damaged or not what the
    description says, or if ONNX Runtime has not the device asked for.
    """

    def __init__(self, context: Context, source: str, info: ModelInfo | None = None) -> None:
        path = Path(source).expanduser()
        self.told = told = read_description(path)
        files = _files(path, told, context)
        self.weights_sha256 = weights_sha256(files)
        if told.weights.sha256 and context.weights is None:
            _check_sum(files[0], told.weights.sha256)
        self.session = _session(files[0], context.device)
        self.inputs = {one.name: one for one in self.session.get_inputs()}
        _check_names(files[0], told, self.session)
        self.fixed = _fixed_size(files[0], told.input, self.inputs[told.input.name].shape)
        self.side = self._side()
        self.info = info or ModelInfo(
            name=told.name,
            summary=told.summary,
            size_mb=size_mb(files),
            licence=told.licence,
            commercial=told.commercial,
            metric=told.output.metric,
            source=told.source or str(path),
            checksum=self.weights_sha256,
        )

    def look(self, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
        """See `NetworkModel.look`."""
        height, width = rgb.shape[:2]
        told = self.told
        kind = NUMBERS[self.inputs[told.input.name].type]
        picture, frame = show(rgb, told.input, self.fixed, kind)
        answers = self._run(picture)
        with one_line(told.name, "cannot be used"):
            return read_answer(answers, told.output, frame, (height, width), focal_px)

    def _run(self, picture: NDArray[Any]) -> dict[str, NDArray[Any]]:
        told = self.told
        feed = {told.input.name: picture}
        for name, value in told.input.constants.items():
            feed[name] = _constant(self.inputs[name], value)
        names = [name for name in _outputs(told.output) if name]
        with one_line(told.name, "does not run"):
            return dict(zip(names, self.session.run(names, feed), strict=True))

    def _side(self) -> int:
        told = self.told.input
        if self.fixed:
            return min(self.fixed)
        return told.short_side or int(math.sqrt(told.pixels or DEFAULT_PIXELS))


def _files(path: Path, told: Description, context: Context) -> list[Path]:
    """The graph, and the files of weights that belong to it."""
    if context.weights is not None:
        return [context.weights]
    weights = told.weights
    folder = path.parent
    if weights.repository and not (folder / weights.file).is_file():
        fetched = hub.snapshot(weights.repository, context, allow=(weights.file, *weights.data))
        folder = fetched
    files = [folder / name for name in (weights.file, *weights.data)]
    for file in files:
        if not file.is_file():
            raise ModelError(f"{path}: its file {file} is not there")
    return files


def _check_sum(file: Path, stated: str) -> None:
    if (found := hub.checksum(file)) != stated:
        raise ModelError(
            f"{file} has SHA-256 {found}, but its description says {stated}: "
            "it is damaged or another version"
        )


def _session(file: Path, device: str) -> Any:
    """The graph, loaded where it shall run: a GPU if ONNX Runtime has one, else the CPU."""
    import onnxruntime

    # Nothing leaves this machine.
    onnxruntime.disable_telemetry_events()
    there = onnxruntime.get_available_providers()
    wanted = PROVIDERS.get("cuda" if device == "auto" else device)
    if wanted not in there:
        if device not in ("auto", "cpu"):
            raise ModelError(
                f"ONNX Runtime has no {device} here: pip install onnxruntime-gpu for cuda, "
                "or use --device cpu"
            )
        wanted = None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with one_line(str(file)):
        session = onnxruntime.InferenceSession(
            str(file), options, providers=[wanted, CPU] if wanted else [CPU]
        )
    if device == "cuda" and session.get_providers()[0] != wanted:
        raise ModelError("ONNX Runtime cannot use the GPU here; use --device cpu")
    return session


def _outputs(output: Output) -> tuple[str | None, ...]:
    return (output.name, output.mask, output.scale, output.focal.name if output.focal else None)


def _check_names(file: Path, told: Description, session: Any) -> None:
    """The description names inputs and outputs of the graph, and all that must be fed."""
    inputs = [one.name for one in session.get_inputs()]
    outputs = [one.name for one in session.get_outputs()]
    fed = (told.input.name, *told.input.constants)
    for kind, names, there in (("input", fed, inputs), ("output", _outputs(told.output), outputs)):
        for name in names:
            if name is not None and name not in there:
                raise ModelError(f"{file} has no {kind} {name!r}; it has: {', '.join(there)}")
    for name in inputs:
        if name not in fed:
            raise ModelError(f"{file} also needs {name!r}: tell it under input.constants")
    kind = session.get_inputs()[inputs.index(told.input.name)].type
    if kind not in NUMBERS:
        raise ModelError(
            f"{file} wants its picture as {kind}, which is none of {', '.join(NUMBERS)}"
        )


def _fixed_size(file: Path, told: Input, shape: list[Any]) -> tuple[int, int] | None:
    """(rows, columns) if they are always the same, by the description or the graph itself."""
    if len(shape) != len(told.layout):
        raise ModelError(f"{file} wants {told.name} of shape {shape}, not of layout {told.layout}")
    rows, columns = (shape[told.layout.index(axis)] for axis in "HW")
    if not (isinstance(rows, int) and isinstance(columns, int)):
        return told.size
    if told.size not in (None, (rows, columns)):
        raise ModelError(
            f"{file} takes pictures of {rows} x {columns}, but its description says "
            f"size = {list(told.size or ())}"
        )
    return rows, columns


def _constant(wanted: Any, value: Any) -> NDArray[Any]:
    """A value for an input of the graph, in its type and rank."""
    array = np.asarray(value, NUMBERS.get(wanted.type, np.float32))
    return array.reshape((1,) * (len(wanted.shape) - array.ndim) + array.shape)
