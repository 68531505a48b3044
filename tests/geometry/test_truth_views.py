"""Views of the rendered scenes beside the repository, from their true depth."""

import importlib.util

import pytest

from depthfx.evaluation import truth


@pytest.mark.slow
def test_new_views_come_as_near_to_rendered_ones_as_promised(shared):
    path = shared / "truth" / "score.py"
    if not path.is_file():
        pytest.skip("the reference data hold no rendered truth")
    spec = importlib.util.spec_from_file_location("truth_views_score", path)
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    mean = scorer.evaluate_views(truth.view, str(shared / "truth"))["mean"]
    assert mean["psnr"] >= 26.5
    assert mean["psnr_hidden"] >= 19.3
    assert mean["psnr_seen"] >= 30.3
