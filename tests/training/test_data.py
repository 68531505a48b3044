"""Samples keep geometry true, and a batch depends on seed and step alone."""

import cv2
import numpy as np
import pytest
from tests.training.tiny import write_training

from depthfx.errors import RecipeError
from depthfx.training import compose, data
from depthfx.training.augment import OFF_CENTRE, random_view, warp
from depthfx.training.compose import Subject
from depthfx.training.data import Pool
from depthfx.training.folders import Pair, encode_inverse
from depthfx.training.recipe import read_recipe

f32 = np.float32


def png(pixels) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def pair_of(inverse, rgb=None, share=1.2, **keys) -> Pair:
    if rgb is None:
        rgb = np.random.default_rng(2).integers(0, 255, (*inverse.shape, 3), np.uint8)
    return Pair("test", inverse.shape, png(rgb), png(encode_inverse(inverse)),
                focal_share=share, metric=share is not None, **keys)  # fmt: skip


def flat(value=0.5, size=(120, 160)):
    return pair_of(np.full(size, value, f32))


def disc(kind="object", size=(100, 80)) -> Pair:
    matte = np.zeros(size, np.uint8)
    cv2.circle(matte, (size[1] // 2, size[0] // 2), 25, 255, -1)
    rgb = np.full((*size, 3), (20, 20, 250), np.uint8)
    return Pair("disc", size, png(rgb), None, png(matte), kind=kind)


@pytest.mark.parametrize("seed", range(20))
def test_a_narrower_view_has_a_larger_canonical_inverse_depth(seed):
    """Canonical inverse depth is 1/m times focal length over width of the view."""
    pair = flat()
    view = random_view(np.random.default_rng(seed), pair.size, (64, 96))
    sample = data.depth_sample(pair, view, (64, 96))
    width_px = 96 * np.hypot(*view.window[:, 0])
    known = sample.inverse[sample.inverse > 0]
    np.testing.assert_allclose(known, 0.5 * 1.2 * 160 / width_px, rtol=2e-3)
    if view.off_centre <= OFF_CENTRE:
        assert np.exp(sample.view) == pytest.approx(1.2 * 160 / width_px)
    else:
        assert np.isnan(sample.view)


def test_some_views_are_whole_and_teach_the_field_of_view():
    views = [random_view(np.random.default_rng(k), (120, 160), (96, 128)) for k in range(200)]
    taught = np.mean([view.off_centre <= OFF_CENTRE for view in views])
    assert 0.25 < taught < 0.9
    assert all(0.5 < view.width_share <= 1.001 for view in views)


@pytest.mark.parametrize("size", [(96, 128), (160, 512), (128, 64)])
@pytest.mark.parametrize("seed", range(5))
def test_photo_and_depth_are_cut_alike(seed, size):
    """Depth painted into the photo is found again at the same place after the crop."""
    ramp = np.linspace(0.5, 1.0, 160, dtype=f32)[None].repeat(120, 0)
    rgb = np.repeat((ramp * 255).astype(np.uint8)[..., None], 3, 2)
    pair = pair_of(ramp, rgb, share=None)
    view = random_view(np.random.default_rng(seed), pair.size, size)
    sample = data.depth_sample(pair, view, size)
    assert sample.inverse.shape == (size[0] // 2, size[1] // 2)
    small = cv2.resize(sample.rgb[..., 0], sample.inverse.shape[::-1], interpolation=cv2.INTER_AREA)
    known = sample.inverse > 0
    assert np.abs(small / 255 - sample.inverse)[known].max() < 0.02
    assert not sample.metric


def test_a_window_that_changes_nothing_changes_nothing():
    rgb = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    same = warp(rgb, np.array([[1.0, 0, 0], [0, 1.0, 0]]), (30, 40))
    np.testing.assert_array_equal(same, rgb)


@pytest.mark.parametrize("seed", range(20))
def test_a_composed_subject_hides_what_is_behind_it(seed):
    rng = np.random.default_rng(seed)
    scene = flat(0.2)
    view = random_view(rng, scene.size, (96, 128))
    sample = data.composed_sample(rng, scene, disc(), view, (96, 128))
    inside = sample.matte > 0.5
    background = sample.inverse[~inside & (sample.inverse > 0)]
    if sample.exact and inside.any() and background.size:
        assert sample.inverse[inside].min() >= background.max() * 0.999
        assert sample.sharp.any()
        assert not sample.sharp.all()


@pytest.mark.parametrize("seed", range(12))
def test_a_person_stands_as_far_away_as_its_size_says(seed):
    """Metres are focal pixels times 1.7 over the pixels from head to feet."""
    rng = np.random.default_rng(seed)
    tall = np.full((100, 30), 255, np.uint8)
    figure = Subject(np.full((100, 30, 3), 128, np.uint8), tall, 1.7, stands=True)
    share = 1.3
    open_field = np.full((96, 128), 1 / 300, f32)
    tries = (compose.place(rng, figure, open_field) for _ in range(50))
    placed = next(place for place in tries if place is not None)
    relief = compose.relief(rng, placed, open_field, share)
    drawn_px = 100 / placed.window[1, 1]
    metres = share / np.median(relief[placed.inside])
    assert metres == pytest.approx(share * 128 * 1.7 / drawn_px, rel=0.2)


def test_a_body_is_rounded_towards_the_camera():
    share = 1.2
    inside = np.zeros((96, 128), bool)
    inside[20:90, 44:84] = True
    placed = compose.Placed(np.eye(2, 3), inside, 0.5, 0.0, 89)
    metres = share / compose.relief(np.random.default_rng(0), placed, inside.astype(f32), share)
    width_m = 40 / (share * 128) * share / 0.5
    bulge = metres[55, 45] - metres[55, 64]
    assert 0.05 < bulge / width_m < 0.2


@pytest.mark.parametrize("seed", range(10))
def test_the_relief_of_what_fills_the_frame_is_no_deeper_than_a_fifth(seed):
    placed = compose.Placed(np.eye(2, 3), np.ones((96, 128), bool), 2.0, 0.0, 95)
    rng = np.random.default_rng(seed)
    relief = compose.relief(rng, placed, np.zeros((96, 128), f32), 0.6)
    assert relief.min() > 1.0
    assert relief.max() < 4.0


def test_real_heights_are_those_of_people_and_of_the_tallest_of_several():
    rng = np.random.default_rng(0)
    whole = np.ones((100, 30), bool)
    assert 1.5 < compose.real_height(rng, whole, "person", stands=True) < 1.9
    half = np.ones((60, 50), bool)
    assert 0.4 < compose.real_height(rng, half, "person", stands=False) < 0.9
    two = np.zeros((90, 40), bool)
    two[:30], two[60:] = True, True
    assert 3 * 0.25 < compose.real_height(rng, two, "animal", stands=True) < 3 * 0.71


def test_the_old_background_does_not_shine_through_the_edge():
    """A red disc photographed on blue, its soft edge half blue: no blue is left in it."""
    alpha = np.zeros((80, 80), f32)
    cv2.circle(alpha, (40, 40), 20, 1.0, -1)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 1.2)[..., None]
    mixed = alpha * np.array([220, 10, 10]) + (1 - alpha) * np.array([10, 10, 220])
    own = compose.own_colours(mixed.astype(np.uint8), alpha)
    edge = (alpha[..., 0] > 0.2) & (alpha[..., 0] < 0.8)
    assert mixed[edge][:, 2].mean() > 80
    assert own[edge][:, 2].mean() < 20
    assert own[edge][:, 0].mean() > 200


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    recipe = read_recipe(write_training(tmp_path_factory.mktemp("data")))
    return recipe, Pool.read(recipe)


def test_a_batch_is_a_function_of_seed_and_step(training):
    recipe, pool = training
    one, two = (pool.batch(7, 11, recipe.stage[0]) for _ in range(2))
    other = pool.batch(7, 12, recipe.stage[0])
    assert (one.rgb == two.rgb).all()
    assert not (one.rgb == other.rgb).all()


def test_threads_change_nothing_about_the_order(training):
    recipe, pool = training
    stages = [recipe.stage[0]] * 3 + [recipe.stage[1]] * 2

    def now(step):
        return (stages[step], 0.0) if step < len(stages) else None

    runs = [list(data.batches(pool, 7, 0, now, threads)) for threads in (1, 3)]
    assert len(runs[0]) == len(runs[1]) == 5
    for (_, a), (_, b) in zip(*runs, strict=True):
        assert (a.rgb == b.rgb).all()
    assert runs[0][4][1].rgb.shape[1:3] == (32, 96)


def test_shares_of_a_batch_are_those_of_the_stage(training):
    recipe, pool = training
    stage = recipe.stage[0].model_copy(update={"batch": 10, "mattes": 0.3, "composites": 0.0})
    batch = pool.batch(1, 1, stage)
    without_depth = ~(batch.inverse > 0).any(2).any(1)
    assert without_depth.sum() == 3
    assert (batch.matte[:, 0, 0] >= 0).sum() == 3


def test_a_stage_without_what_it_needs_says_so(training):
    recipe, pool = training
    stage = recipe.stage[1].model_copy(update={"composites": 0.5})
    with pytest.raises(RecipeError, match=r"scenes.*composites") as caught:
        pool.check(stage)
    assert "\n" not in str(caught.value)
