"""What the defocus benchmark compares is what it says."""

import numpy as np
import pytest

from depthfx.evaluation.bench_defocus import (
    FOCUS,
    SCENES,
    coded,
    peak_over_base,
    picture,
    timed,
    tutorial,
    tutorial_lean,
    ways_of,
)


@pytest.mark.parametrize("scene", SCENES)
def test_scenes_hold_the_focus_and_the_largest_blur(scene):
    inverse = SCENES[scene](100)
    assert inverse.shape == (100, 150)
    assert inverse.dtype == np.float32
    assert inverse.min() >= 0
    assert inverse.max() <= 1
    assert np.abs(inverse - FOCUS).max() >= 0.44
    assert np.abs(inverse - FOCUS).min() < 0.01


def test_both_tutorial_ways_draw_the_same():
    """numpy cuts off where OpenCV rounds: one code apart."""
    codes, inverse = coded(picture(90)), SCENES["figure on ground"](90)
    apart = np.abs(tutorial(codes, inverse).astype(int) - tutorial_lean(codes, inverse))
    assert apart.max() <= 1
    assert codes.std() > 20


def test_every_way_runs_and_is_told_of():
    task = {"scene": "two planes", "height": 64, "radii_px": [40.0], "threads": 1}
    assert set(ways_of(**task)) == {"tutorial", "tutorial, blendLinear", "depthfx, 40 px"}
    taken = timed(**task, runs=2)
    assert [len(runs) for runs in taken.values()] == [2, 2, 2]
    used = peak_over_base(**task, way="depthfx, 40 px")
    assert used["peak_gb"] > used["over_gb"] >= 0
