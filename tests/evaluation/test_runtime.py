"""What is said of the paths: measured, and compared where there is something to compare."""

import numpy as np
import pytest

from depthfx.errors import DepthfxError
from depthfx.evaluation import runtime


def test_a_path_that_runs_says_what_it_took(constant_network, tmp_path):
    answer = tmp_path / "answer.npz"
    found = runtime.measure("ONNX Runtime", constant_network(0.5, (0.8, 0.1)), answer)
    assert min(found["load_s"], found["photo_s"], found["again_s"]) > 0
    seen = np.load(answer)
    np.testing.assert_allclose(seen["inverse"], 0.5, rtol=1e-5)
    np.testing.assert_allclose(seen["view"], 0.8, rtol=1e-5)


def test_the_difference_is_relative_for_depth_and_plain_for_the_rest():
    one, two = np.full((2, 2), 4.0, np.float32), np.zeros((2, 2), np.float32)
    exact = {"inverse": one, "matte": two}
    assert runtime.largest_difference(exact, exact) == 0
    assert runtime.largest_difference({"inverse": one * 1.5, "matte": two}, exact) == 0.5
    assert runtime.largest_difference({"inverse": one, "matte": two + 0.25}, exact) == 0.25


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(DepthfxError, match=r"gone\.onnx"):
        runtime.print_table(tmp_path / "gone.onnx", None, 1)
