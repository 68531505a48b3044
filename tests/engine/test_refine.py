"""Refinement: edges stay edges and lie where the picture's are; planes stay planes."""

import importlib.util

import cv2
import numpy as np
import pytest

from depthfx.engine.refine import (
    depth_edges,
    refine,
    slopes,
    softness,
    switch_surfaces,
    upsample_pick,
)
from depthfx.errors import ShapeError
from depthfx.matting.closed_form import affine_in_colour
from depthfx.raster.resample import encoded, resize_area

f32 = np.float32
NEAR, FAR = f32(1.0), f32(0.2)


def disc(shape, radius_share=0.3):
    """True inside a disc in the middle."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width] + 0.5
    return (x - width / 2) ** 2 + (y - height / 2) ** 2 < (radius_share * height) ** 2


def scene_of(inside):
    """A textured disc near, before a textured wall far off: pixels and inverse depth."""
    rng = np.random.default_rng(4)
    noise = cv2.GaussianBlur(rng.standard_normal((*inside.shape, 3)).astype(f32), (0, 0), 2) * 0.1
    colour = np.where(inside[..., None], f32([0.5, 0.2, 0.1]), f32([0.1, 0.25, 0.4]))
    return np.clip(colour * (1 + noise), 0, None).astype(f32), np.where(inside, NEAR, FAR)


def as_a_network_sees(inverse, factor, sigma=0.0, shift=0.0):
    height, width = inverse.shape
    small = resize_area(inverse, (height // factor, width // factor))
    if sigma:
        small = cv2.GaussianBlur(small, (0, 0), sigma)
    return cv2.warpAffine(
        small, f32([[1, 0, shift], [0, 1, 0]]), small.shape[::-1], borderMode=cv2.BORDER_REPLICATE
    )


@pytest.mark.parametrize(("size", "factor"), [((240, 320), 8), ((960, 1280), 24)])
@pytest.mark.parametrize(("sigma", "shift"), [(0, 0), (1.0, 0.5)])
def test_an_outline_is_found_again_and_nothing_lies_between(size, factor, sigma, shift):
    """At working size, and through the last step to a photo eight times as large."""
    inside = disc(size)
    pixels, truth = scene_of(inside)
    small = as_a_network_sees(truth, factor, sigma, shift)
    out = refine(pixels, small).inverse
    assert out.shape == size
    assert out.dtype == f32
    cell = factor  # a network's error is measured in its own cells
    band = (
        cv2.dilate(inside.astype(np.uint8), np.ones((2 * cell + 1,) * 2))
        - cv2.erode(inside.astype(np.uint8), np.ones((2 * cell + 1,) * 2))
        > 0
    )
    stretched = cv2.resize(small, size[::-1], interpolation=cv2.INTER_LINEAR)
    between = (out > FAR * 1.1) & (out < NEAR * 0.9)
    assert between[band].mean() < 0.02
    assert (np.abs(out / truth - 1) < 0.05)[band].mean() > 0.9
    assert (np.abs(stretched / truth - 1) < 0.05)[band].mean() < 0.6


def test_a_plane_is_interpolated_exactly():
    """Inverse depth is affine on every plane, and linear interpolation is exact on that."""
    y, x = np.mgrid[0:192, 0:256].astype(f32) + f32(0.5)
    truth = f32(0.3) + f32(0.001) * x + f32(0.002) * y
    small = resize_area(truth, (24, 32))
    pixels = np.random.default_rng(0).random((192, 256, 3), f32)
    out = refine(pixels, small).inverse
    np.testing.assert_allclose(out[8:-8, 8:-8], truth[8:-8, 8:-8], rtol=1e-4)


def test_a_steep_plane_is_no_ramp_and_is_exact_up_to_the_frame():
    x = np.arange(256, dtype=f32) + f32(0.5)
    truth = np.tile(f32(0.05) + f32(0.004) * x, (192, 1))
    small = resize_area(truth, (24, 32))
    assert softness(small) == 0
    pixels = np.random.default_rng(0).random((192, 256, 3), f32)
    np.testing.assert_allclose(refine(pixels, small).inverse, truth, rtol=2e-3)


def test_a_constant_stays_whatever_is_in_the_picture():
    pixels = np.random.default_rng(0).random((90, 120, 3), f32)
    out = refine(pixels, np.full((12, 16), 0.37, f32)).inverse
    np.testing.assert_allclose(out, 0.37, rtol=1e-6)


def test_the_unit_does_not_matter():
    inside = disc((120, 160))
    pixels, truth = scene_of(inside)
    small = as_a_network_sees(truth, 8)
    np.testing.assert_allclose(
        refine(pixels, small * f32(64)).inverse, refine(pixels, small).inverse * 64, rtol=1e-4
    )


def test_sky_stays_infinitely_far():
    inside = disc((120, 160))
    pixels, _ = scene_of(inside)
    sky = np.where(inside, f32(0.5), f32(0))
    out = refine(pixels, as_a_network_sees(sky, 8)).inverse
    assert (out >= 0).all()
    assert out[:20].max() < 1e-6  # a thousand kilometres


def test_full_size_depth_passes_unchanged_and_inputs_are_left_alone():
    inside = disc((60, 80))
    pixels, truth = scene_of(inside)
    for array in (pixels, truth):
        array.flags.writeable = False
    np.testing.assert_array_equal(refine(pixels, truth).inverse, truth)
    small = as_a_network_sees(truth, 4)
    small.flags.writeable = False
    refine(pixels, small, matte=truth)


def test_a_matte_gives_both_depths_of_the_soft_edge():
    inside = disc((240, 320))
    pixels, truth = scene_of(inside)
    matte = cv2.GaussianBlur(inside.astype(f32), (0, 0), 1.5)
    refined = refine(pixels, as_a_network_sees(truth, 8, 1.0), matte)
    assert refined.behind is not None
    assert refined.coverage is not None
    soft = (matte > 0.05) & (matte < 0.95)
    np.testing.assert_allclose(refined.inverse[soft], NEAR, rtol=0.05)
    np.testing.assert_allclose(refined.behind[soft], FAR, rtol=0.05)
    np.testing.assert_array_equal(refined.coverage[soft], matte[soft])
    whole = (matte == 0) | (matte == 1)
    np.testing.assert_array_equal(refined.behind[whole], refined.inverse[whole])
    np.testing.assert_array_equal(refined.coverage[whole], 1)
    assert (refined.behind <= refined.inverse).all()


def test_slopes_and_edges_of_a_folded_wall():
    """Slopes are those of each plane; the edge is where they meet at a step."""
    x = np.arange(20, dtype=f32)
    row = np.where(x < 10, 1 + f32(0.01) * x, f32(0.2) + f32(0.002) * x)
    wall = np.tile(row, (8, 1)).astype(f32)
    right, down = slopes(wall)
    np.testing.assert_allclose(right[:, :9], 0.01, atol=1e-6)
    np.testing.assert_allclose(right[:, 11:], 0.002, atol=1e-6)
    assert not down.any()
    np.testing.assert_array_equal(np.flatnonzero(depth_edges(wall)[4]), [9, 10])


def test_softness_tells_steps_from_ramps():
    step = np.where(disc((48, 64)), NEAR, FAR)
    blurs = [softness(cv2.GaussianBlur(step, (0, 0), sigma)) for sigma in (0.5, 1, 2)]
    assert softness(step) < 0.05 < blurs[0] < blurs[1] < blurs[2] <= 1
    assert softness(np.full((8, 8), FAR)) == 0


def test_a_pole_that_no_cell_has_seen_grows_from_the_board_on_it():
    """Two pixels wide in cells of eight: only colour tells that it stands where the board does."""
    near = np.zeros((96, 128), bool)
    near[16:48, 40:88] = True
    pole = np.zeros_like(near)
    pole[48:80, 63:65] = True
    pixels, truth = scene_of(near | pole)
    small = np.median(truth.reshape(12, 8, 16, 8).transpose(0, 2, 1, 3).reshape(12, 16, 64), 2)
    assert small[6:, 7:9].max() < NEAR / 2
    out = refine(pixels, small.astype(f32)).inverse
    assert (np.abs(out / truth - 1) < 0.05)[pole].mean() > 0.4
    assert (np.abs(out / truth - 1) < 0.05)[~pole].mean() > 0.98


@pytest.mark.parametrize(
    ("here", "beside", "shade", "switches"),
    [
        (0.2, 0.8, 0.42, True),  # the geometric mean is 0.4
        (0.2, 0.8, 0.38, False),
        (0.8, 0.2, 0.38, True),
        (0.8, 0.2, 0.42, False),
        (0.4, 0.43, 0.43, False),  # one surface, bent
        (0.0, 0.8, 0.15, False),  # sky: in ratio, anything were nearer to the other
        (0.0, 0.8, 0.25, True),
    ],
)
def test_a_pixel_goes_to_the_surface_that_its_shade_is_nearest_to(here, beside, shade, switches):
    inverse = np.full((16, 16), here, f32)
    inverse[:, 12:] = beside
    drawn = inverse.copy()
    drawn[5, [3, 10]] = shade  # one within reach of the other surface, one not
    band, cell = np.ones(inverse.shape, bool), np.zeros(inverse.shape, np.int32)
    out = switch_surfaces(inverse, drawn, band, np.full_like(inverse, here), cell, 3)
    assert out[5, 10] == f32(beside if switches else here)
    out[5, 10] = here
    np.testing.assert_array_equal(out, inverse)


def test_no_more_than_half_of_a_cell_leaves_what_the_cell_shows():
    """However alike the colours: a cell whose median is far keeps half of its pixels there."""
    member = np.kron(np.arange(6).reshape(2, 3), np.ones((8, 8))).astype(np.int32)
    cells = np.where(member == 4, NEAR, FAR)
    inverse = np.where(member == 4, NEAR, FAR)
    inverse[8:12, 4:8] = NEAR  # what an earlier vote had grown into the neighbour
    guide = np.where((member == 4) | (member == 3), f32(0.6), f32(0.1))[..., None]
    guide = guide + np.random.default_rng(0).random((16, 24, 3), f32) * f32(0.02)
    band = np.ones(member.shape, bool)
    out = inverse
    draw = affine_in_colour(guide.astype(f32), out, band, 0.03)
    for _ in range(4):
        out = switch_surfaces(out, draw(out), band, cells, member, 3)
    for k in range(6):
        assert np.mean(out[member == k] == cells[member == k]) >= 0.5
    assert set(np.unique(out)) <= {NEAR, FAR}


def pick_twin(pixels, guide, inverse, floor, colour_sigma):
    """`upsample_pick` in plain numpy, a pixel at a time."""
    (height, width), (h, w) = pixels.shape[:2], inverse.shape
    out = cv2.resize(inverse, (width, height), interpolation=cv2.INTER_LINEAR)
    for y, x in np.ndindex(height, width):
        v = min(max((y + 0.5) * h / height - 0.5, 0), h - 1)
        u = min(max((x + 0.5) * w / width - 0.5, 0), w - 1)
        rows = slice(max(int(v) - 1, 0), int(v) + 3)
        columns = slice(max(int(u) - 1, 0), int(u) + 3)
        q = inverse[rows, columns]
        if q.max() - q.min() <= 2 * 0.03 * q.max() + floor:
            continue
        j, i = np.mgrid[0:h, 0:w][:, rows, columns]
        apart = ((guide[rows, columns] - encoded(pixels[y, x])) ** 2).sum(2)
        weight = np.exp(-apart / (2 * colour_sigma**2) - ((j - v) ** 2 + (i - u) ** 2) / 2) + 1e-12
        near = q > (q.min() + q.max()) / 2
        side = near if weight[near].sum() >= weight[~near].sum() else ~near
        out[y, x] = np.average(q[side], weights=weight[side])
    return out


def test_the_compiled_pick_agrees_with_its_twin():
    pixels, truth = scene_of(disc((40, 56)))
    guide, small = encoded(resize_area(pixels, (10, 14))), truth[2::4, 2::4].copy()
    out = upsample_pick(pixels, guide, small, 0.004, 0.05)
    twin = pick_twin(pixels, guide, small, 0.004, 0.05)
    assert np.isclose(out, twin, rtol=1e-4).mean() > 0.995


@pytest.mark.parametrize(
    ("pixels", "inverse", "matte", "named"),
    [
        (np.zeros((8, 8), f32), np.zeros((4, 4), f32), None, "pixels"),
        (np.zeros((8, 8, 3)), np.zeros((4, 4), f32), None, "pixels"),
        (np.zeros((8, 8, 3), f32), np.zeros((4, 4)), None, "inverse"),
        (np.zeros((8, 8, 3), f32), np.zeros((4, 4), f32), np.zeros((4, 4), f32), "matte"),
    ],
)
def test_wrong_arrays_are_named(pixels, inverse, matte, named):
    with pytest.raises(ShapeError, match=named):
        refine(pixels, inverse, matte)


def test_rendered_scenes_against_stretching(shared):
    """On the rendered truth, depth near edges is far better than stretched."""
    spec = importlib.util.spec_from_file_location("truth_score", shared / "truth" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)

    def ours(sharp, depth_small):
        inverse = refine(sharp.astype(f32), (1 / depth_small).astype(f32)).inverse
        return 1 / np.maximum(inverse, 1e-4)

    mean = score.evaluate_depth(ours, str(shared / "truth"))["mean"]
    assert mean["absrel_edges"] < 0.11  # stretched 0.240
    assert mean["within5pct_edges"] > 0.845  # stretched 0.527
    assert mean["absrel"] < 0.06  # stretched 0.119
