"""grade, separation and grain as effects: identities, metres, odd scenes, previews, chains."""

import numpy as np
import pytest

from depthfx import Scene
from depthfx.errors import DepthError, ParameterError
from depthfx.raster.resample import resize_area
from depthfx_effects import Fog, Grade, Grain, Separation

f32 = np.float32
EFFECTS = [
    Grade(far_exposure=-2, far_saturation=-1, far_kelvin=-3000, near_contrast=1, near_tint=1),
    Grade(near_exposure=3, strength=0.5),
    Separation(strength=2, side=-1),
    Separation(cool=-3000, glow=5),
    Grain(near=4, far=4, far_size=8),
]


def wall(height=120, width=160, metric=True):
    """A striped thing at 1 m, the subject, before a wall at 4 m."""
    pixels = np.full((height, width, 3), 0.5, f32)
    pixels[:, : width // 2] = (0.2, 0.3, 0.1)
    inverse = np.full((height, width), 0.25, f32)
    matte = np.zeros((height, width), f32)
    rows, columns = slice(height // 4, None), slice(width // 4, width // 2)
    inverse[rows, columns], matte[rows, columns] = 1, 1
    return Scene.from_arrays(
        pixels, inverse=inverse, matte=matte, metric=metric, focal_px=float(width)
    )


@pytest.mark.parametrize(
    "effect",
    [Grade(far_exposure=2, strength=0), Separation(strength=0), Grain(near=0, far=0)],
)
def test_nothing_asked_is_nothing_done(scene, effect):
    assert effect(scene) is scene


def test_a_grade_that_says_nothing_is_told_so(scene):
    same = Grade()(scene)
    assert same.photo is scene.photo
    assert "nothing to grade with" in same.notes[0]


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("metric", [True, False])
@pytest.mark.parametrize(
    ("pixels", "inverse"),
    [
        (np.zeros((20, 30, 3), f32), np.full((20, 30), 0.2, f32)),
        (np.full((20, 30, 3), 40, f32), np.linspace(0, 1, 600, dtype=f32).reshape(20, 30)),
        (np.ones((1, 1, 3), f32), np.ones((1, 1), f32)),
        (np.full((20, 30, 3), 0.5, f32), np.zeros((20, 30), f32)),
        (np.full((20, 30, 3), -0.1, f32), np.full((20, 30), 1e6, f32)),
    ],
    ids=["black", "blown", "one-pixel", "sky", "negative"],
)
def test_all_is_finite(effect, metric, pixels, inverse):
    matte = np.zeros(inverse.shape, f32)
    matte[len(matte) // 2 :] = 1
    alpha = np.full(inverse.shape, 0.5, f32)
    scene = Scene.from_arrays(pixels, inverse=inverse, matte=matte, alpha=alpha, metric=metric)
    result = effect(scene)
    assert np.isfinite(result.photo.pixels).all()
    assert result.photo.alpha is alpha
    assert len(result.notes) == 1


def test_near_and_far_have_their_own_exposure():
    scene = wall()
    result = Grade(near_exposure=1, far_exposure=-1, from_m=1.2, to_m=3)(scene)
    ratio = result.photo.pixels / scene.photo.pixels
    np.testing.assert_allclose(ratio[60:, 45:75], 2, rtol=1e-5)
    np.testing.assert_allclose(ratio[:, 90:], 0.5, rtol=1e-5)
    assert "near up to 1.2 m, far from 3 m on" in result.notes[0]


def test_metres_need_metric_depth_and_the_right_order():
    with pytest.raises(DepthError, match="grade: from_m: this depth is relative"):
        Grade(near_exposure=1, from_m=2)(wall(metric=False))
    assert "relative" in Grade(near_exposure=1)(wall(metric=False)).notes[0]
    with pytest.raises(ParameterError, match="from_m"):
        Grade(near_exposure=1, from_m=3, to_m=2)(wall())
    with pytest.raises(ParameterError, match="from_share"):
        Grain(from_share=0.9, to_share=0.1)(wall())


def test_a_lut_is_read_before_any_work(tmp_path):
    path = tmp_path / "look.cube"
    with pytest.raises(ParameterError, match=r"look\.cube"):
        Grade(near_lut=path).for_path(tmp_path / "out.jpg")
    path.write_text("LUT_1D_SIZE 2\n0 0 0\n1 1 0\n")
    scene = wall()
    result = Grade(far_lut=path)(scene).photo.pixels
    np.testing.assert_allclose(result[:, 100:, 2], 0, atol=1e-6)
    np.testing.assert_allclose(result[:, 100:, :2], scene.photo.pixels[:, 100:, :2], atol=1e-5)


def test_the_subject_stands_out():
    scene = wall()
    result = Separation(glow=0)(scene)
    subject = scene.matte == 1
    np.testing.assert_array_equal(result.photo.pixels[subject], scene.photo.pixels[subject])
    assert result.photo.pixels[~subject].mean() < 0.7 * scene.photo.pixels[~subject].mean()
    assert result.facts["subject_found"] is True
    assert result.facts["subject_inverse"] == 1


@pytest.mark.parametrize("effect", [EFFECTS[0], EFFECTS[2]])
def test_a_preview_looks_the_same(effect):
    scene = wall(240, 320)
    full = resize_area(effect(scene).photo.pixels, (120, 160))
    small = effect(scene.preview(120 * 160)).photo.pixels
    assert np.abs(full - small).mean() < 0.01


def test_they_chain():
    scene = wall()
    chain = Separation() | Fog(density=0.3) | Grade(far_exposure=-0.5) | Grain()
    result = chain(scene)
    assert len(result.notes) == 4
    assert len(result.history) == 4
