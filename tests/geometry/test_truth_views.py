"""Views of the rendered scenes beside the repository, from their true depth."""

import pytest

from depthfx.evaluation import truth
from depthfx.evaluation.score import load_scorer


@pytest.mark.slow
def test_new_views_come_as_near_to_rendered_ones_as_promised(shared):
    if not (shared / "truth" / "score.py").is_file():
        pytest.skip("the reference data hold no rendered truth")
    scorer = load_scorer(shared / "truth")
    mean = scorer.evaluate_views(truth.view, str(shared / "truth"))["mean"]
    assert mean["psnr"] >= 26.5
    assert mean["psnr_hidden"] >= 19.3
    assert mean["psnr_seen"] >= 30.3
