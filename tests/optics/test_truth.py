"""The rendered scenes beside the repository, with their true depth."""

import importlib.util

import pytest

from depthfx.evaluation import truth


@pytest.fixture
def scorer(shared):
    path = shared / "truth" / "score.py"
    if not path.is_file():
        pytest.skip("the reference data hold no rendered truth")
    spec = importlib.util.spec_from_file_location("truth_score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_defocus_comes_as_near_to_rendered_lenses_as_promised(scorer, shared):
    mean = scorer.evaluate_defocus(truth.render, str(shared / "truth"))["mean"]
    assert mean["psnr"] >= 35.0
    assert mean["psnr_edges"] >= 33.0
