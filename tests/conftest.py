"""Small scenes with known geometry, and effects made only for these tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from depthfx.scene import Scene

# A busy machine is no failure.
settings.register_profile("depthfx", deadline=None)
settings.load_profile("depthfx")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder of reference data beside the repository; tests that need it skip without."""
    if not SHARED.is_dir():
        pytest.skip("the reference data are not beside this repository")
    return SHARED


@pytest.fixture
def scene() -> Scene:
    """A random picture before a wall at 4 m, with a square at 2 m that is the subject."""
    rng = np.random.default_rng(5)
    pixels = rng.random((48, 64, 3), dtype=np.float32)
    inverse = np.full((48, 64), 0.25, np.float32)
    matte = np.zeros((48, 64), np.float32)
    inverse[12:36, 20:44], matte[12:36, 20:44] = 0.5, 1.0
    return Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=60.0)


@pytest.fixture
def constant_network(tmp_path: Path) -> Callable[..., Path]:
    """Makes embedded networks whose answer is known: `constant_network(inverse, view)`."""

    def make(inverse: float, view: tuple[float, float] | None = None, name: str = "net") -> Path:
        """Everywhere this canonical inverse depth; the matte is the brightness.

        view : focal length over width, and the standard deviation of its logarithm
        """
        from onnx import TensorProto, checker, helper, numpy_helper, save

        values = {"nothing": np.zeros(1, np.float32), "inverse_value": np.array([inverse])}
        nodes = [
            helper.make_node("AveragePool", ["rgb"], ["half"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("ReduceMean", ["half"], ["matte"], axes=[1], keepdims=0),
            helper.make_node("Mul", ["matte", "nothing"], ["flat"]),
            helper.make_node("Add", ["flat", "inverse_value"], ["inverse"]),
        ]
        shapes = {"inverse": [1, None, None], "matte": [1, None, None]}
        if view is not None:
            values["view_value"] = np.log([view])
            nodes.append(helper.make_node("Identity", ["view_value"], ["view"]))
            shapes["view"] = [1, 2]

        def declared(name: str, shape: list[int | None]) -> object:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            nodes,
            "constant",
            [declared("rgb", [1, 3, None, None])],
            [declared(*output) for output in shapes.items()],
            [numpy_helper.from_array(v.astype(np.float32), n) for n, v in values.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        checker.check_model(model)
        path = tmp_path / f"{name}.onnx"
        save(model, str(path))
        return path

    return make
