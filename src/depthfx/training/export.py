"""From a checkpoint to the ONNX file inside the wheel.

Weights are stored in half precision (half the bytes) and cast to float32 when the
file is loaded, so the arithmetic stays float32 and only the weights are rounded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from depthfx.engine.embedded.network import STRIDE, EmbeddedNetwork
from depthfx.training.candidates import NETWORKS


class Exported(nn.Module):
    """The network with its matte as 0..1 and without what only training needs."""

    def __init__(self, network: EmbeddedNetwork):
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answer = self.network(rgb)
        return answer.inverse, answer.matte.sigmoid(), answer.view


def export(network: EmbeddedNetwork, path: Path) -> None:
    """Write `network` as ONNX with free height and width and half-precision weights."""
    network.eval()
    example = torch.rand(1, 3, 8 * STRIDE, 10 * STRIDE)
    full = path.with_suffix(".full.onnx")
    free = {2: "height", 3: "width"}
    torch.onnx.export(
        Exported(network).eval(),
        (example,),
        str(full),
        dynamo=False,
        opset_version=17,
        input_names=["rgb"],
        output_names=["inverse", "matte", "view"],
        dynamic_axes={
            "rgb": free,
            "inverse": {1: "rows", 2: "columns"},
            "matte": {1: "rows", 2: "columns"},
        },
    )
    model = onnx.load(str(full))
    full.unlink()
    halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def halve_weights(model: onnx.ModelProto, smallest: int = 64) -> None:
    """Store every large float32 initializer as float16 behind a Cast, in place."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < smallest:
            continue
        name = tensor.name
        half = numpy_helper.from_array(
            numpy_helper.to_array(tensor).astype(np.float16), name + "_half"
        )
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def export_checkpoint(checkpoint: Path, path: Path) -> None:
    """Export the averaged weights of a training checkpoint, which names its network."""
    state = torch.load(checkpoint, weights_only=True)
    network = NETWORKS[state["name"]]()
    network.load_state_dict(state["averaged"])
    path.parent.mkdir(parents=True, exist_ok=True)
    export(network, path)
