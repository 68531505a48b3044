"""Metres from what is known: planes of known distance, lengths of known size."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import FOCAL_UNCERTAINTY, Camera, FocalOrigin
from depthfx.depth import Depth
from depthfx.engine.known import KnownDistance, KnownLength
from depthfx.engine.scale import (
    align_to,
    fit_line,
    measured,
    metres_uncertainty,
    scale_by_known,
    scale_by_subject,
)
from depthfx.errors import DepthError

f32 = np.float32
WIDTH, HEIGHT = 80, 60
CAMERA = Camera(WIDTH, HEIGHT, 100.0, FocalOrigin.USER)


def ramp(near=1.0, far=0.0):
    """True inverse depth from `far` at the top to `near` at the bottom, in 1/m."""
    return np.repeat(np.linspace(far, near, HEIGHT, dtype=f32)[:, None], WIDTH, 1)


def relative(true, scale=1.0, shift=0.0):
    """What a relative network says of it: inverse depth up to scale and shift."""
    seen = np.where(true > 0, np.maximum((true - shift) / scale, 0), 0)
    return Depth(seen.astype(f32), False, "a relative network")


def known(true, *places):
    """Distances as somebody would measure them."""
    depth = Depth(true, True, "")
    return [KnownDistance((x, y), depth.metres_at(x, y)) for x, y in places]


@given(st.floats(0.01, 50), st.floats(0.1, 100))
def test_one_distance_gives_the_scale_and_is_then_exact(factor, metres):
    seen = Depth((ramp() * f32(factor)), False, "a network")
    found = scale_by_known(seen, CAMERA, [KnownDistance((0.5, 0.7), metres)])
    assert found.metric
    assert found.metres_at(0.5, 0.7) == pytest.approx(metres, rel=1e-5)
    np.testing.assert_allclose(
        found.inverse * seen.inverse.max(), seen.inverse * found.inverse.max(), rtol=1e-4
    )
    assert (found.inverse[0] == 0).all()  # what was infinitely far is so still


def test_the_origin_says_how():
    found = scale_by_known(relative(ramp()), CAMERA, [KnownDistance((0.5, 0.4), 2.5)])
    assert found.origin == "a relative network, scaled by 2.5 m at 0.5,0.4"


def test_what_the_model_said_of_itself_stays():
    seen = Depth(ramp(), False, "x", ramp() / 2, np.ones_like(ramp()), 77.0, stamp={"model": "m"})
    found = scale_by_known(seen, CAMERA, [KnownDistance((0.5, 0.5), 1.0)])
    assert (found.focal_px, found.stamp) == (77.0, {"model": "m"})
    np.testing.assert_allclose(found.behind, found.inverse / 2, rtol=1e-6)


def test_three_distances_well_apart_find_scale_and_shift():
    """The affine truth, exactly: only then are the places in between right."""
    true = ramp(1.0, 0.1)
    seen = relative(true, 0.8, 0.06)
    found = scale_by_known(seen, CAMERA, known(true, (0.5, 0.05), (0.5, 0.4), (0.5, 0.95)))
    np.testing.assert_allclose(found.inverse, true, rtol=1e-3)
    assert "scale and shift from 3" in found.origin


def test_a_shift_leaves_the_sky_infinitely_far():
    true = ramp(1.0, 0.1)
    true[:5] = 0
    seen = relative(true, 0.8, 0.06)
    found = scale_by_known(seen, CAMERA, known(true, (0.5, 0.15), (0.5, 0.4), (0.5, 0.95)))
    assert (found.inverse[:5] == 0).all()
    np.testing.assert_allclose(found.inverse[5:], true[5:], rtol=1e-3)


def test_metric_depth_gets_a_scale_only():
    true = ramp(1.0, 0.1)
    seen = Depth((true * f32(1.3)), True, "a metric network")
    found = scale_by_known(seen, CAMERA, known(true, (0.5, 0.05), (0.5, 0.4), (0.5, 0.95)))
    np.testing.assert_allclose(found.inverse, true, rtol=1e-5)
    assert "scale and shift" not in found.origin


def test_one_wrong_distance_among_five_is_named():
    true = ramp(1.0, 0.1)
    places = [(0.5, y) for y in (0.05, 0.3, 0.5, 0.7, 0.95)]
    knowns = known(true, *places)
    knowns[2] = KnownDistance((0.5, 0.5), knowns[2].metres * 2)
    with pytest.raises(DepthError, match=r"at 0\.5,0\.5 would be .* 100% off"):
        scale_by_known(relative(true, 0.8, 0.06), CAMERA, knowns)


def test_small_disagreements_are_the_error_that_is_shown():
    true = np.full((HEIGHT, WIDTH), 0.5, f32)
    knowns = [KnownDistance((0.2, 0.5), 2 * 1.1), KnownDistance((0.8, 0.5), 2 / 1.1)]
    found = scale_by_known(Depth(true, True, "x"), CAMERA, knowns)
    assert found.metres_at(0.5, 0.5) == pytest.approx(2.0, rel=1e-5)
    assert found.scale_error == pytest.approx(math.hypot(0.02, math.log(1.1)), rel=1e-3)


@pytest.mark.parametrize("true_focal", [50.0, 100.0, 300.0])
def test_a_ruler_across_the_view_gives_its_distance(true_focal):
    """A wall at 4 m: 0.2 of the width is 0.2 * 80 px, which at 4 m is 0.2 * 80 / f * 4 m."""
    camera = Camera(WIDTH, HEIGHT, true_focal)
    seen = Depth(np.full((HEIGHT, WIDTH), 0.9, f32), False, "x")
    length = KnownLength((0.4, 0.5), (0.6, 0.5), 0.2 * WIDTH / true_focal * 4)
    found = scale_by_known(seen, camera, lengths=[length])
    assert found.metres_at(0.5, 0.5) == pytest.approx(4.0, rel=1e-5)


def test_a_length_along_the_view_does_not_depend_on_the_focal_length():
    true = ramp(1.0, 0.2)
    start, end = (0.5, 0.2), (0.5, 0.9)
    depth = Depth(true, True, "")
    z = [depth.metres_at(*place) for place in (start, end)]
    y = [
        (place[1] * HEIGHT - HEIGHT / 2) / 1e6 * z for place, z in zip((start, end), z, strict=True)
    ]
    length = KnownLength(start, end, math.hypot(z[0] - z[1], y[0] - y[1]))
    guess = Camera(WIDTH, HEIGHT, 1e6, FocalOrigin.GUESS)
    found = scale_by_known(Depth(true * f32(3), True, "x"), guess, lengths=[length])
    np.testing.assert_allclose(found.inverse, true, rtol=1e-4)
    assert found.scale_error < 0.08
    across = KnownLength((0.2, 0.5), (0.8, 0.5), 1.0)
    assert scale_by_known(depth, guess, lengths=[across]).scale_error > 0.5


def test_distances_and_lengths_are_taken_together():
    true = np.full((HEIGHT, WIDTH), 0.25, f32)
    length = KnownLength((0.4, 0.5), (0.6, 0.5), 0.2 * WIDTH / 100 * 4)
    found = scale_by_known(relative(true, 3.0), CAMERA, [KnownDistance((0.1, 0.1), 4.0)], [length])
    np.testing.assert_allclose(found.inverse, true, rtol=1e-5)


@pytest.mark.parametrize(
    "told",
    [
        {"distances": [KnownDistance((0.5, 0.0), 2.0)]},
        {"lengths": [KnownLength((0.5, 0.5), (0.5, 0.0), 2.0)]},
    ],
)
def test_the_sky_gives_no_scale(told):
    with pytest.raises(DepthError, match="infinitely far"):
        scale_by_known(relative(ramp()), CAMERA, **told)


def test_nothing_but_sky_gives_no_scale():
    with pytest.raises(DepthError, match="infinitely far"):
        scale_by_known(relative(ramp() * 0), CAMERA, [KnownDistance((0.5, 0.5), 2.0)])


def test_what_is_said_to_be_nearer_but_lies_farther_is_refused():
    true = ramp(1.0, 0.1)
    knowns = [KnownDistance((0.5, y), metres) for y, metres in ((0.1, 1.0), (0.5, 2.0), (0.9, 9.0))]
    with pytest.raises(DepthError, match="contradict"):
        scale_by_known(relative(true), CAMERA, knowns)


def sparse(true, share=0.02, wrong=0.2):
    """A sensor's map of `true` at another size: few points known, some of them nonsense."""
    rng = np.random.default_rng(3)
    coarse = true[::2, ::2].copy()
    spoilt = rng.random(coarse.shape) < wrong
    coarse[spoilt] = rng.uniform(0.1, 2, int(spoilt.sum())).astype(f32)
    there = rng.random(coarse.shape) < share
    return Depth(np.where(there, coarse, 0).astype(f32), True, "file lidar.npy"), there


def test_a_sparse_map_with_nonsense_in_it_finds_scale_and_shift():
    true = np.kron(np.linspace(0.1, 1, 30), np.ones((60, 40))).astype(f32)[:, ::2]
    seen = relative(true, 0.7, 0.08)
    found = align_to(seen, *sparse(true, 0.1))
    np.testing.assert_allclose(found.inverse, true, rtol=0.02)
    assert "scale and shift" in found.origin


def test_a_sparse_map_gives_metric_depth_its_scale():
    true = ramp(1.0, 0.2)
    found = align_to(Depth(true * f32(0.5), True, "x"), *sparse(true, 0.1))
    np.testing.assert_allclose(found.inverse, true, rtol=0.03)


def test_a_map_is_laid_over_the_photo_place_by_place():
    """Stripes 4 px wide in the photo, 1 px in the map: a pixel beside them would not fit."""
    stripes = np.tile(np.repeat(f32([1.0, 0.2]), 4), (HEIGHT, WIDTH // 8))
    small = Depth(stripes[::4, ::4] * f32(0.5), True, "file small.npy")
    found = align_to(Depth(stripes, True, "x"), small)
    np.testing.assert_allclose(found.inverse, stripes / 2, rtol=1e-6)
    assert "half within 0.0%" in found.origin
    turned = Depth(stripes.T.copy(), True, "x")
    small = Depth(small.inverse.T.copy(), True, "file small.npy")
    assert "half within 0.0%" in align_to(turned, small).origin


def test_only_what_is_known_of_a_map_counts():
    true = ramp(1.0, 0.2)
    known = np.zeros(true.shape, bool)
    known[::7, ::5] = True
    reference = Depth(np.where(known, true, f32(3)), True, "file holes.npy")
    found = align_to(Depth(true / 4, True, "x"), reference, known)
    np.testing.assert_allclose(found.inverse, true, rtol=1e-5)


def test_a_map_of_something_else_is_refused():
    rng = np.random.default_rng(0)
    other = Depth(rng.uniform(0.02, 5, (HEIGHT, WIDTH)).astype(f32), True, "file other.npy")
    with pytest.raises(DepthError, match=r"other\.npy does not fit"):
        align_to(Depth(ramp(1.0, 0.2), True, "x"), other)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (Depth(ramp(), False, "file a.png"), "relative itself"),
        (Depth(np.ones((60, 60), f32), True, "file a.png"), "another shape"),
        (Depth(np.zeros((60, 80), f32), True, "file a.png"), "knows no distance"),
    ],
)
def test_a_reference_that_gives_no_scale_is_named(reference, words):
    with pytest.raises(DepthError, match=words):
        align_to(relative(ramp(1.0, 0.1)), reference)


@given(st.floats(0.05, 5), st.floats(0, 0.5))
def test_a_line_is_found_among_a_third_of_outliers(scale, shift):
    seen = np.linspace(0.05, 1, 60)
    true = scale * seen + shift
    true[::3] *= np.random.default_rng(1).uniform(0.3, 3, 20)
    found = fit_line(seen, true)
    assert found[0] > 0
    np.testing.assert_allclose(found, (scale, shift), rtol=0.02, atol=0.01 * (scale + shift))


def test_a_line_that_falls_is_told_by_its_sign():
    seen = np.linspace(0.1, 1, 20)
    assert fit_line(seen, 1.2 - seen)[0] < 0


def test_exif_subject_scales_by_the_depth_around_it():
    found = scale_by_subject(relative(ramp(1.0, 0.2), 2.0), (0.5, 0.5), 0.02, 3.0)
    assert found.metres_at(0.5, 0.5) == pytest.approx(3.0, rel=0.02)
    assert "EXIF" in found.origin
    assert found.metric


def test_exif_subject_in_the_sky_changes_nothing():
    seen = relative(np.maximum(ramp() - f32(0.5), 0))
    assert scale_by_subject(seen, (0.5, 0.0), 0.0, 3.0) is seen


def test_metres_are_as_uncertain_as_the_focal_length_unless_they_were_measured():
    depth = Depth(ramp(), True, "a network")
    shares = [
        metres_uncertainty(depth, Camera(WIDTH, HEIGHT, 100.0, origin)) for origin in FocalOrigin
    ]
    assert shares == sorted(shares)
    assert shares[0] == 0.01
    guess = Camera.guess(WIDTH, HEIGHT)
    assert guess.f35_mm * (1 + shares[-1]) == pytest.approx(50.0)  # reaches a normal lens
    assert metres_uncertainty(measured(depth, "", 0.03), guess) == 0.03
    own = Depth(ramp(), True, "a network", model_error=0.3)
    exif = Camera(WIDTH, HEIGHT, 100.0, FocalOrigin.EXIF)
    assert metres_uncertainty(own, exif) == pytest.approx(
        math.hypot(0.3, FOCAL_UNCERTAINTY[FocalOrigin.EXIF])
    )
