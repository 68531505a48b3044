"""Which share of each pixel lies where it is said: geometry, softness, logic, mixed pixels, sky."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import DepthError
from depthfx.scene import Scene
from depthfx.where.parse import And, Not, Or, parse
from depthfx.where.region import region

f32 = np.float32


def scene_of(inverse, *, pixels=None, matte=None, **depth):
    """A grey scene with this inverse depth, and more of what `Depth` knows."""
    inverse = np.asarray(inverse, f32)
    grey = np.full((*inverse.shape, 3), 0.5, f32) if pixels is None else pixels
    matte = np.zeros_like(inverse) if matte is None else matte
    scene = Scene.from_arrays(grey, inverse=inverse, matte=matte, focal_px=100.0)
    return Scene.of(scene.photo, depth=replace(scene.depth, **depth), matte=matte)


def ramp(near_m=1.0, far_m=10.0, columns=4001):
    """A floor: metres from left to right, and a scene of it."""
    metres = np.linspace(near_m, far_m, columns, dtype=np.float64)
    return metres, scene_of(np.tile(1 / metres, (3, 1)))


def crossing(metres, row, share):
    """At how many metres a rising or falling row has this value."""
    order = np.argsort(row)
    return np.interp(share, row[order], metres[order])


@pytest.mark.parametrize(
    "end", ["4m..", "..4m", "4m.. soft 2m", "..4m soft 30%", "..400cm soft 3ft"]
)
def test_at_the_end_of_a_range_it_is_one_half(end):
    metres, scene = ramp()
    row = region(parse(end), scene)[1]
    assert crossing(metres, row, 0.5) == pytest.approx(4.0, abs=0.005)


@pytest.mark.parametrize(
    ("where", "width"),
    [("..4m soft 1m", 1.0), ("..4m soft 50%", 2.0), ("..4m", 0.4), ("4m.. soft 50cm", 0.5)],
)
def test_it_fades_over_the_width_asked_for(where, width):
    metres, scene = ramp()
    row = region(parse(where), scene)[1]
    inside = metres[(row > 1e-6) & (row < 1 - 1e-6)]
    assert inside[0] == pytest.approx(4 - width / 2, abs=0.02)
    assert inside[-1] == pytest.approx(4 + width / 2, abs=0.02)
    assert np.all(np.diff(row) * (1 if where.startswith("4m") else -1) >= 0)


def test_the_usual_fade_is_a_share_that_one_can_choose():
    metres, scene = ramp()
    row = region(parse("..5m"), scene, soft=0.4)[1]
    inside = metres[(row > 1e-6) & (row < 1 - 1e-6)]
    assert (inside[0], inside[-1]) == pytest.approx((4, 6), abs=0.02)


def test_without_a_fade_it_is_all_or_nothing():
    metres, scene = ramp(columns=400)
    row = region(parse("2m..5m soft 0m"), scene)[1]
    sure = (np.abs(metres - 2) > 0.05) & (np.abs(metres - 5) > 0.05)
    np.testing.assert_array_equal(row[sure], ((metres > 2) & (metres < 5))[sure])


def test_a_narrow_range_still_is_whole_in_its_middle():
    metres, scene = ramp()
    row = region(parse("4m..4.1m soft 2m"), scene)[1]
    assert row.max() == pytest.approx(1, abs=1e-3)
    assert metres[row.argmax()] == pytest.approx(4.05, abs=0.01)


def test_per_cent_are_of_the_range_of_inverse_depth():
    inverse = np.tile(np.linspace(2, 0.5, 1001), (3, 1))
    scene = scene_of(inverse, metric=False)
    row = region(parse("..30%"), scene)[1]
    assert np.interp(-0.5, -row, inverse[0]) == pytest.approx(2 - 0.3 * 1.5, abs=2e-3)
    np.testing.assert_array_equal(region(parse("0%..100%"), scene), 1)


def test_a_fade_has_no_steps():
    """From 0 to 1 over 2000 pixels: no step of more than a few, none that is not there."""
    _, scene = ramp(3.5, 4.5, 2000)
    row = region(parse("..4m soft 1m"), scene)[1].astype(np.float64)
    assert np.abs(np.diff(row)).max() < 3 / 2000
    assert np.unique(row).size > 1900


def test_metres_of_relative_depth_are_refused_in_one_line():
    scene = scene_of(np.full((4, 4), 0.5), metric=False)
    with pytest.raises(
        DepthError, match=r"where='2m\.\.' *: this depth is relative.*per cent"
    ) as e:
        region(parse("2m.."), scene)
    assert len(str(e.value).splitlines()) == 1
    assert region(parse("..50%"), scene).max() <= 1


words = st.sampled_from(
    ["..2m", "3m..", "1.5m..4m soft 1m", "subject", "background", "sky", "..40%"]
)


@st.composite
def scenes(draw, known=True):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (12, 16)
    inverse = rng.choice([0, 0.2, 0.29, 0.45, 0.6], shape).astype(f32)
    matte = np.clip(rng.normal(0.5, 0.6, shape), 0, 1).astype(f32)
    depth = {}
    if known and draw(st.booleans()):
        behind = np.minimum(rng.choice([0, 0.1, 0.25], shape).astype(f32), inverse)
        depth = {"behind": behind, "coverage": np.clip(rng.random(shape) * 1.2, 0, 1).astype(f32)}
    return scene_of(inverse, pixels=rng.random((*shape, 3), f32), matte=matte, **depth)


@given(scenes(), words, words)
def test_what_is_left_out_of_either_is_left_out_of_both(scene, first, second):
    """De Morgan, at mixed pixels too: either surface obeys."""
    a, b = parse(first), parse(second)
    left = region(Not(And((a, b))), scene)
    right = region(Or((Not(a), Not(b))), scene)
    np.testing.assert_allclose(left, right, atol=1e-5)


@given(scenes(), words)
def test_not_is_the_rest(scene, words):
    where = parse(words)
    total = region(where, scene) + region(Not(where), scene)
    np.testing.assert_allclose(total, 1, atol=2e-3)
    np.testing.assert_allclose(region(Not(Not(where)), scene), region(where, scene), atol=1e-6)


@given(scenes(), words)
def test_a_part_with_itself_is_itself(scene, words):
    where = parse(words)
    for twice in (And((where, where)), Or((where, where))):
        np.testing.assert_array_equal(region(twice, scene), region(where, scene))


@given(scenes(known=False))
def test_the_subject_with_the_background_is_everything(scene):
    np.testing.assert_allclose(region(parse("subject or background"), scene), 1, atol=1e-5)
    np.testing.assert_allclose(region(parse("subject and background"), scene), 0, atol=1e-5)


@given(scenes(), words)
def test_it_is_a_share_and_inputs_stay(scene, words):
    before = scene.photo.pixels.copy(), scene.depth.inverse.copy(), scene.matte.copy()
    share = region(parse(words), scene)
    assert share.dtype == f32
    assert share.shape == scene.photo.shape
    assert share.min() >= 0
    assert share.max() <= 1
    after = scene.photo.pixels, scene.depth.inverse, scene.matte
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def hair():
    """Hair at 1 m before a wall at 4 m: shares known from 0 to 1 in a row, the sides sure."""
    cover = np.repeat(np.linspace(0, 1, 21, dtype=f32)[None], 5, axis=0)
    inverse = np.where(cover > 0, f32(1), f32(0.25))
    behind = np.where((cover > 0) & (cover < 1), f32(0.25), inverse)
    coverage = np.where(behind != inverse, cover, f32(1))
    return cover, scene_of(inverse, matte=cover, behind=behind, coverage=coverage)


@pytest.mark.parametrize(
    ("where", "share"),
    [
        ("..2m", lambda c: c),
        ("2m..", lambda c: 1 - c),
        ("subject", lambda c: c),
        ("background", lambda c: 1 - c),
        ("subject and ..2m", lambda c: c),
        ("subject or ..2m", lambda c: c),
        ("subject and 2m..", lambda c: 0 * c),
        ("background and 2m..", lambda c: 1 - c),
        ("not subject or ..2m", lambda c: 0 * c + 1),
        ("foreground or subject", lambda c: c),
    ],
)
def test_hair_is_asked_with_what_is_behind_it(where, share):
    """No term makes the hair thinner or thicker than it is, nor leaves a rim between two."""
    cover, scene = hair()
    np.testing.assert_allclose(region(parse(where), scene), share(cover), atol=1e-5)


def test_an_outline_is_as_soft_as_the_picture_draws_it():
    """A dark thing over a bright wall, one column mixed: depth knows a step, colour the share."""
    share = np.repeat(np.array([1] * 10 + [0.3] + [0] * 10, f32)[None], 15, axis=0)
    pixels = (share[..., None] * f32(0.05) + (1 - share[..., None]) * f32(0.8)).astype(f32)
    pixels = np.repeat(pixels, 3, axis=2)
    for edge in (10, 11):  # depth takes the mixed pixel for either side
        inverse = np.where(np.arange(21) < edge, 1.0, 0.25) * np.ones((15, 1))
        got = region(parse("..2m"), scene_of(inverse, pixels=pixels))
        assert 0.1 < got[7, 10] < 0.7  # neither of the steps that depth has
        np.testing.assert_allclose(got[7, :9], 1, atol=0.02)
        np.testing.assert_allclose(got[7, 12:], 0, atol=0.02)


def test_feet_on_the_floor_are_the_subjects_share():
    """Where depth knows one surface, the matte alone says whose it is."""
    matte = np.tile(np.linspace(0, 1, 11, dtype=f32), (4, 1))
    scene = scene_of(np.full((4, 11), 0.5), matte=matte)
    np.testing.assert_allclose(region(parse("subject and ..3m"), scene), matte, atol=1e-6)
    np.testing.assert_allclose(region(parse("not subject and ..3m"), scene), 1 - matte, atol=1e-6)


def test_in_front_of_the_subject_is_what_is_nearer_and_not_the_subject():
    inverse = np.full((30, 40), 0.25, f32)
    matte = np.zeros_like(inverse)
    inverse[:, 10:20], matte[:, 10:20] = 0.5, 1
    inverse[:, 30:] = 1.0
    share = region(parse("foreground"), scene_of(inverse, matte=matte))
    np.testing.assert_array_equal(share[:, 32:], 1)
    np.testing.assert_array_equal(share[:, :28], 0)
    nobody = region(parse("foreground"), scene_of(inverse))
    np.testing.assert_array_equal(nobody, 0)


def test_the_thing_at_a_place():
    inverse = np.full((40, 60), 0.25, f32)
    inverse[10:30, 5:25] = inverse[10:30, 35:55] = 1.0
    pixels = np.where(inverse > 0.5, 0.8, 0.1).astype(f32)[..., None].repeat(3, axis=2)
    share = region(parse("at 0.25,0.5"), scene_of(inverse, pixels=pixels))
    assert share[12:28, 7:23].min() > 0.95
    assert share[:, 30:].max() < 0.05


def test_infinitely_far_is_sky_to_the_hair():
    cover, scene = hair()
    inverse = np.where(scene.depth.inverse > 0.5, 1, 0).astype(f32)
    behind = np.where(scene.depth.behind > 0.5, 1, 0).astype(f32)
    scene = scene_of(inverse, behind=behind, coverage=scene.depth.coverage)
    np.testing.assert_allclose(region(parse("sky"), scene), 1 - cover, atol=1e-5)
    np.testing.assert_allclose(region(parse("sky and 5m.."), scene), 1 - cover, atol=1e-5)
    np.testing.assert_allclose(region(parse("5m.. and not sky"), scene), 0, atol=1e-5)


def outdoors(roughness):
    """A blue sky that a network takes for 200 m, over green ground from 2 m on."""
    rng = np.random.default_rng(1)
    height, width = 120, 160
    inverse = np.repeat(np.linspace(0.02, 0.5, height, dtype=f32)[:, None], width, axis=1)
    inverse[:60] = 0.005
    pixels = np.empty((height, width, 3), f32)
    pixels[:60], pixels[60:] = (0.3, 0.45, 0.8), (0.1, 0.2, 0.05)
    pixels[:60] *= 1 + roughness * rng.standard_normal((60, width, 1)).astype(f32)
    return scene_of(inverse, pixels=np.clip(pixels, 0, 1))


def test_a_sky_that_depth_does_not_know_is_found():
    share = region(parse("sky"), outdoors(0.01))
    assert share[:55].min() > 0.9
    assert share[65:].max() < 0.1


def test_hair_before_a_sky_that_was_found_leaves_no_rim():
    """Sky and subject are two estimates; together they cover the sky's pixels at the hair."""
    scene = outdoors(0.01)
    ramp = np.clip((np.abs(np.arange(160) - 80) - 15) / 12, 0, 1).astype(f32)
    matte = np.repeat(1 - ramp[None], 120, axis=0)
    far = scene.depth.inverse
    inverse, behind = np.where(matte > 0, 0.5, far), np.where(matte < 1, far, 0.5)
    mixed_pixels = (1 - matte[..., None]) * scene.photo.pixels + matte[..., None] * f32(0.02)
    known = {"behind": behind.astype(f32), "coverage": matte}
    scene = scene_of(inverse, pixels=mixed_pixels.astype(f32), matte=matte, **known)
    both = region(parse("subject or sky"), scene)[5:50]
    assert both.min() > 0.9
    sky = region(parse("sky"), scene)[5:50]
    np.testing.assert_allclose(sky, 1 - matte[5:50], atol=0.1)


def test_leaves_and_rooms_have_no_sky():
    assert region(parse("sky"), outdoors(0.6)).max() == 0
    room = scene_of(np.full((60, 80), 0.3))
    assert region(parse("sky"), room).max() == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (2, 2)])
@pytest.mark.parametrize("words", ["..2m", "subject", "sky", "foreground", "at 0.5,0.5", "..50%"])
def test_the_smallest_pictures(shape, words):
    rng = np.random.default_rng(0)
    inverse = rng.random(shape).astype(f32)
    share = region(parse(words), scene_of(inverse, matte=rng.random(shape).astype(f32)))
    assert share.shape == shape
    assert np.isfinite(share).all()


def test_everything_infinitely_far_or_black_is_no_trouble():
    scene = scene_of(np.zeros((8, 9)), pixels=np.zeros((8, 9, 3), f32))
    np.testing.assert_array_equal(region(parse("sky"), scene), 1)
    np.testing.assert_array_equal(region(parse("5m.."), scene), 1)
    np.testing.assert_array_equal(region(parse("..5m"), scene), 0)
    assert np.isfinite(region(parse("10%..40%"), scene)).all()


def test_a_preview_has_the_same_places():
    metres = np.tile(np.linspace(1, 10, 400), (300, 1))
    scene = scene_of(1 / metres)
    whole, small = region(parse("2m..5m"), scene), region(parse("2m..5m"), scene.preview(30_000))
    assert small.mean() == pytest.approx(float(whole.mean()), abs=0.01)
