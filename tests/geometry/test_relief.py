"""Relief from the picture: what it is, what it is not, and that it stays within bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.errors import ParameterError, ShapeError
from depthfx.geometry.relief import STEEPEST, _bent, _off_colour, with_relief

HEIGHT, WIDTH = 240, 320
CAMERA = Camera(WIDTH, HEIGHT, 280.0)
WALL = np.full((HEIGHT, WIDTH), 0.5, np.float32)


def facing(height=HEIGHT, width=WIDTH, normal=(0, 0, -1)):
    normals = np.empty((height, width, 3), np.float32)
    normals[:] = np.asarray(normal) / np.linalg.norm(normal)
    return normals


def rays(camera=CAMERA):
    x = (np.arange(camera.width) + 0.5 - camera.cx) / camera.focal_px
    y = (np.arange(camera.height) + 0.5 - camera.cy) / camera.focal_px
    return np.stack([*np.meshgrid(x, y), np.ones((camera.height, camera.width))], -1)


def grey(values):
    return np.repeat(np.asarray(values, np.float32)[..., None], 3, -1)


def stripes(contrast=0.1, period_px=6, height=HEIGHT, width=WIDTH):
    """Upright stripes, dark and light by turns."""
    wave = np.cos(2 * np.pi * (np.arange(width) + 0.5) / period_px)
    return grey(np.tile(0.4 * np.exp(contrast * wave), (height, 1)))


def tilt_deg(normals, other):
    return np.degrees(np.arccos(np.clip((normals * other).sum(-1), -1, 1)))


def test_no_detail_is_the_identity_bit_for_bit():
    normals = facing()
    assert with_relief(normals, stripes(), CAMERA, WALL, 0.0) is normals


def test_dark_is_deep():
    """The ground falls towards a dark stripe: normals to either side lean towards it."""
    pixels = stripes(period_px=8)
    out = with_relief(facing(), pixels, CAMERA, WALL, 1.0)
    row, light = out[120, 40:280, 0], pixels[120, 40:280, 0]
    rising = np.gradient(light)
    # Where it gets lighter to the right the surface rises there, and faces left.
    assert np.corrcoef(row, rising)[0, 1] < -0.9
    np.testing.assert_allclose(out[100:140, 40:280, 1], 0, atol=1e-3)


def test_a_flat_colour_and_a_slow_shade_have_no_relief():
    shade = grey(np.tile(np.linspace(0.2, 0.8, WIDTH), (HEIGHT, 1)))
    for pixels in (grey(np.full((HEIGHT, WIDTH), 0.5)), shade):
        out = with_relief(facing(), pixels, CAMERA, WALL, 1.0)
        assert tilt_deg(out, facing())[20:-20, 20:-20].max() < 0.7


def test_noise_is_not_relief():
    rng = np.random.default_rng(1)
    noise = np.clip(0.3 + 0.01 * rng.standard_normal((HEIGHT, WIDTH, 3)), 0, 1).astype(np.float32)
    out = with_relief(facing(), noise, CAMERA, WALL, 1.0)
    texture = with_relief(facing(), stripes(0.05), CAMERA, WALL, 1.0)
    assert tilt_deg(out, facing()).mean() < 0.2 * tilt_deg(texture, facing()).mean()


def test_a_change_of_colour_is_print():
    """Stripes of two colours have a tenth of the relief of stripes of one, just as strong."""
    plain = stripes(0.1)
    wave = np.log(plain[..., 0] / 0.4) / 0.1
    coloured = np.stack([0.4 * np.exp(0.1 * wave * k) for k in (2.5, 0.6, -1.0)], -1)
    tilts = [
        tilt_deg(with_relief(facing(), pixels.astype(np.float32), CAMERA, WALL, 1.0), facing())
        for pixels in (plain, coloured)
    ]
    assert tilts[1].mean() < 0.3 * tilts[0].mean()


def test_a_strong_edge_is_hardly_relief():
    step = grey(np.where(np.arange(WIDTH) < 160, 0.02, 0.9) * np.ones((HEIGHT, 1)))
    out = with_relief(facing(), step, CAMERA, WALL, 1.0)
    texture = with_relief(facing(), stripes(), CAMERA, WALL, 1.0)
    assert tilt_deg(out, facing()).max() < tilt_deg(texture, facing()).max()


def test_sky_and_depth_edges_have_none():
    inverse = WALL.copy()
    inverse[:80] = 0
    inverse[80:, 160:] = 2.0
    out = with_relief(facing(), stripes(), CAMERA, inverse, 1.0)
    np.testing.assert_array_equal(out[:80], facing()[:80])
    assert tilt_deg(out, facing())[120:, 158:162].max() < 0.05


def test_a_preview_has_the_relief_of_the_full_size():
    """Stripes of the same share of the picture, at half as many pixels."""
    small = with_relief(facing(), stripes(period_px=8), CAMERA, WALL, 1.0)
    camera = Camera(2 * WIDTH, 2 * HEIGHT, 560.0)
    full = with_relief(
        facing(2 * HEIGHT, 2 * WIDTH),
        stripes(period_px=16, height=2 * HEIGHT, width=2 * WIDTH),
        camera,
        np.full((2 * HEIGHT, 2 * WIDTH), 0.5, np.float32),
        1.0,
    )
    one, other = (tilt_deg(out, np.float32([0, 0, -1])) for out in (small, full))
    assert other[40:-40, 40:-40].mean() == pytest.approx(one[20:-20, 20:-20].mean(), rel=0.25)


@settings(max_examples=25)
@given(
    st.integers(0, 1000),
    st.floats(0, 1),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, -0.05)),
)
def test_normals_stay_unit_bounded_and_towards_the_camera(seed, detail, normal):
    rng = np.random.default_rng(seed)
    camera = Camera(40, 30, 25.0)
    pixels = rng.random((30, 40, 3), dtype=np.float32) ** 4
    normals = facing(30, 40, normal)
    away = (normals * rays(camera)).sum(-1) >= 0
    normals[away] = [0, 0, -1]
    inverse = np.full((30, 40), 0.5, np.float32)
    out = with_relief(normals, pixels, camera, inverse, detail)
    np.testing.assert_allclose((out**2).sum(-1), 1, atol=1e-5)
    assert ((out * rays(camera)).sum(-1) < 0).all()
    if detail == 0:
        assert out is normals


def test_a_slope_tilts_by_its_angle_and_no_more_than_the_steepest():
    """On a wall that faces the camera a bounded slope turns the normal by its arc tangent."""
    slopes = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    for slope in (0.01, 0.3, 50.0):
        slopes[..., 0] = slope
        args = (np.float32(v) for v in (1.0, 280.0, 160.0, 120.0))
        out = _bent(facing(), WALL, slopes, *args)
        bounded = slope / (1 + slope / STEEPEST)
        middle = tilt_deg(out[120, 160], np.float32([0, 0, -1]))
        assert middle == pytest.approx(np.degrees(np.arctan(bounded)), rel=0.02)
        assert out[120, 160, 0] < 0


def test_a_bump_on_a_slanted_plane_is_the_plane_moved_along_its_normal():
    """The kernel against normals of points: p + h n, by differences."""
    normal = np.array([0.3, -0.5, -0.8]) / np.linalg.norm([0.3, -0.5, -0.8])
    along = rays()
    z = -1.0 / (along @ normal)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rise = 0.05 * np.sin(x / 9.0) * np.cos(y / 7.0)  # in pixels
    moved = along * z[..., None] + (rise * z / CAMERA.focal_px)[..., None] * normal
    true = np.cross(np.gradient(moved, axis=0), np.gradient(moved, axis=1))
    true /= np.linalg.norm(true, axis=-1, keepdims=True)
    slopes = np.stack([np.gradient(rise, axis=1), np.gradient(rise, axis=0)], -1)
    # The bound is taken back, so that the formula alone is compared.
    steep = np.linalg.norm(slopes, axis=-1, keepdims=True)
    slopes = (slopes / (1 - steep / STEEPEST)).astype(np.float32)
    args = (np.float32(v) for v in (1.0, 280.0, 160.0, 120.0))
    out = _bent(facing(normal=normal), WALL, slopes, *args)
    inner = np.s_[5:-5, 5:-5]
    assert np.abs(tilt_deg(out, true))[inner].max() < 0.1
    assert tilt_deg(true, normal)[inner].max() > 0.25


@given(st.integers(0, 100))
@settings(max_examples=10)
def test_the_distance_from_a_colours_line_is_numpys(seed):
    rng = np.random.default_rng(seed)
    colours, around = rng.random((2, 5, 7, 3), dtype=np.float32)
    expected = np.linalg.norm(np.cross(colours, around), axis=-1) / (
        (around**2).sum(-1) + np.float32(0.02)
    )
    np.testing.assert_allclose(_off_colour(colours, around), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(_off_colour(around * 3, around), 0, atol=1e-5)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ParameterError, match=r"detail=1.5 is outside 0 to 1"):
        with_relief(facing(), stripes(), CAMERA, WALL, 1.5)
    with pytest.raises(ParameterError, match="detail=nan"):
        with_relief(facing(), stripes(), CAMERA, WALL, float("nan"))
    with pytest.raises(ShapeError, match="inverse depth"):
        with_relief(facing(), stripes(), CAMERA, WALL[1:], 0.5)
