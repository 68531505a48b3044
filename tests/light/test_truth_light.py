"""Light added to the rendered scenes beside the repository, from their true depth."""

import pytest

from depthfx.evaluation import truth
from depthfx.evaluation.score import load_scorer

LAMBERT = {"leaves": 0.823, "portrait": 0.887, "room": 0.950, "street": 0.953}
"""What plain Lambert without shadows gets there."""


@pytest.mark.slow
def test_added_light_is_as_true_as_promised(shared):
    if not (shared / "truth" / "score.py").is_file():
        pytest.skip("the reference data hold no rendered truth")
    scorer = load_scorer(shared / "truth")
    found = scorer.evaluate_light(truth.light, str(shared / "truth"))
    assert found["mean"]["correlation"] >= 0.94
    assert found["mean"]["shadow_iou"] >= 0.65
    for name, scene in found["scenes"].items():
        assert scene["mean"]["correlation"] >= LAMBERT.get(name, 0)
