"""Light added to the rendered scenes beside the repository, from their true depth."""

import importlib.util

import pytest

from depthfx.evaluation import truth

LAMBERT = {"leaves": 0.823, "portrait": 0.887, "room": 0.950, "street": 0.953}
"""What plain Lambert without shadows gets there."""


@pytest.mark.slow
def test_added_light_is_as_true_as_promised(shared):
    path = shared / "truth" / "score.py"
    if not path.is_file():
        pytest.skip("the reference data hold no rendered truth")
    spec = importlib.util.spec_from_file_location("truth_light_score", path)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    found = scorer.evaluate_light(truth.light, str(shared / "truth"))
    assert found["mean"]["correlation"] >= 0.94
    assert found["mean"]["shadow_iou"] >= 0.65
    for name, scene in found["scenes"].items():
        assert scene["mean"]["correlation"] >= LAMBERT.get(name, 0)
