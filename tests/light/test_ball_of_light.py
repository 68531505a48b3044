"""What a ball of light adds: exact irradiance, the laws of distance and cosine, sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.light.albedo import albedo_rows
from depthfx.light.lights import Light
from depthfx.light.own_light import OwnLight
from depthfx.light.relit import added_light, relit
from depthfx.light.shade import form_factor
from depthfx.light.shoulder import roll_off_rows

f32 = np.float32
OWN = OwnLight((0.0, -0.6, -0.8), (0.3, 0.25, 0.2), (0.4, 0.4, 0.5), 0.8, (0.0, -0.3, 0.0))


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def rolled_off(lit: np.ndarray, before: np.ndarray) -> np.ndarray:
    out = np.array(lit, f32)
    roll_off_rows(out, before)
    return out


def wall(size: int = 9, z: float = 2.0) -> tuple[np.ndarray, Camera, np.ndarray]:
    """A wall that faces the camera: inverse depth, camera, normals."""
    inverse = np.full((size, size), 1 / z, f32)
    normals = np.zeros((size, size, 3), f32)
    normals[..., 2] = -1
    return read_only(inverse), Camera(size, size, 20.0), read_only(normals)


def by_integration(cosine: float, sine: float) -> float:
    """The form factor as a sum over the directions in which the ball is seen."""
    steps = 1200
    r = (np.arange(steps) + 0.5) / steps * math.asin(sine)
    turn = (np.arange(steps) + 0.5) / steps * 2 * math.pi
    up = math.sqrt(1 - cosine**2)
    # Cosine to the normal of the direction at angle r from the ball's middle, turned by `turn`.
    facing = np.cos(r)[:, None] * cosine + np.sin(r)[:, None] * up * np.cos(turn)
    solid = np.sin(r)[:, None] * (math.asin(sine) / steps) * (2 * math.pi / steps)
    return float((np.maximum(facing, 0) * solid).sum() / math.pi)


@pytest.mark.parametrize("sine", [0.02, 0.3, 0.7, 0.999])
@pytest.mark.parametrize("cosine", [-0.95, -0.5, -0.1, 0.0, 0.1, 0.5, 0.95])
def test_irradiance_is_the_integral_over_the_ball(cosine: float, sine: float) -> None:
    found = form_factor(f32(cosine), f32(sine))
    assert found == pytest.approx(by_integration(cosine, sine), abs=2e-4 * sine, rel=2e-3)


@given(st.floats(-1, 1), st.floats(1e-3, 1))
def test_no_more_light_arrives_than_is_sent(cosine: float, sine: float) -> None:
    assert 0 <= form_factor(f32(cosine), f32(sine)) <= sine**2 * 1.0001 + 1e-7


def test_light_falls_with_the_square_of_the_distance_and_the_cosine() -> None:
    inverse, camera, normals = wall(z=2.0)
    white = np.ones((9, 9, 3), f32)
    near = Light((0.0, 0.0, 1.0), (1.0, 0.5, 0.25), 0.05, shadows=False)
    far = Light((0.0, 0.0, 0.0), (1.0, 0.5, 0.25), 0.05, shadows=False)
    one, two = (added_light(white, inverse, camera, normals, light) for light in (near, far))
    np.testing.assert_allclose(one[4, 4], [1, 0.5, 0.25], rtol=1e-4)
    np.testing.assert_allclose(two[4, 4], one[4, 4] / 4, rtol=1e-4)
    # 3 px off the middle at focal length 20 px and 2 m: 0.3 m across.
    cosine = 1 / math.hypot(1, 0.3)
    np.testing.assert_allclose(one[4, 7, 0], cosine**3, rtol=1e-4)


def plain_added(
    albedo: np.ndarray, inverse: np.ndarray, camera: Camera, normals: np.ndarray, light: Light
) -> np.ndarray:
    """The compiled loop, in words of numpy, for places that see the whole ball or nothing."""
    height, width = inverse.shape
    z = 1 / inverse
    x = (np.arange(width) + 0.5 - camera.cx) / camera.focal_px * z
    y = (np.arange(height)[:, None] + 0.5 - camera.cy) / camera.focal_px * z
    towards = np.array(light.position_m) - np.stack([x, y, z], -1)
    distance = np.linalg.norm(towards, axis=-1)
    cosine = (normals * towards).sum(-1) / distance
    cut = np.abs(cosine) < light.radius_m / distance
    strength = np.where(cut, np.nan, np.maximum(cosine, 0) / distance**2)
    return albedo * np.array(light.intensity) * strength[..., None]


def test_the_compiled_loop_is_the_plain_one() -> None:
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(12, 17, 3)) * [1, 1, 0] - [0, 0, 1]
    normals = (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(f32)
    inverse = rng.uniform(0.2, 1, (12, 17)).astype(f32)
    albedo = rng.uniform(0, 1, (12, 17, 3)).astype(f32)
    camera = Camera(17, 12, 15.0, cx=7.0, cy=6.5)
    light = Light((0.4, -1.5, 0.3), (3.0, 2.0, 1.0), 0.1, shadows=False)
    expected = plain_added(albedo, inverse, camera, normals, light)
    found = added_light(albedo, inverse, camera, normals, light)
    whole = np.isfinite(expected)
    assert whole.mean() > 0.8
    np.testing.assert_allclose(found[whole], expected[whole], rtol=2e-4, atol=1e-6)


def test_a_flag_keeps_light_off_what_is_nearer() -> None:
    def level(z: float, flag_m: float) -> float:
        inverse, camera, normals = wall(z=z)
        light = Light((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.01, flag_m=flag_m)
        white = np.ones((*inverse.shape, 3), f32)
        return float(added_light(white, inverse, camera, normals, light)[4, 4, 0])

    assert level(2.0, 2.0) == pytest.approx(level(2.0, 0.0))
    assert level(4.0, 2.0) == pytest.approx(level(4.0, 0.0))
    assert level(0.5, 2.0) == pytest.approx(level(2.0, 0.0), rel=1e-3)


def test_a_beam_lights_its_cone_only() -> None:
    inverse, camera, normals = wall(41, 2.0)
    white = np.ones((41, 41, 3), f32)
    lamp = Light((0.0, 0.0, 0.0), (4.0, 4.0, 4.0), 0.02, shadows=False)
    beam = Light((0.0, 0.0, 0.0), (4.0, 4.0, 4.0), 0.02, (0.0, 0.0, 2.0), 40.0, shadows=False)
    plain, cone = (added_light(white, inverse, camera, normals, a)[20, :, 0] for a in (lamp, beam))
    away = np.degrees(np.arctan(np.abs(np.arange(41) - 20) / camera.focal_px))
    inside, outside = away < 0.7 * 20 - 0.5, away > 20
    np.testing.assert_allclose(cone[inside], plain[inside], rtol=1e-5)
    assert (cone[outside] == 0).all()
    rim = ~inside & ~outside
    assert ((cone[rim] >= 0) & (cone[rim] <= plain[rim] * 1.0001)).all()


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray, Camera, np.ndarray]:
    rng = np.random.default_rng(2)
    normals = rng.normal(size=(10, 14, 3)) * 0.4 - [0, 0, 1]
    normals = (normals / np.linalg.norm(normals, axis=-1, keepdims=True)).astype(f32)
    pixels = rng.uniform(0, 1.2, (10, 14, 3)).astype(f32)
    inverse = rng.uniform(0.3, 0.6, (10, 14)).astype(f32)
    return read_only(pixels), read_only(inverse), Camera(14, 10, 16.0), read_only(normals)


def test_no_light_and_all_kept_is_the_photo(scene) -> None:  # type: ignore[no-untyped-def]
    pixels, inverse, camera, normals = scene
    out = relit(pixels, inverse, camera, normals, OWN, [])
    assert out.tobytes() == pixels.tobytes()


def test_lights_add_and_scale(scene) -> None:  # type: ignore[no-untyped-def]
    pixels, inverse, camera, normals = scene

    def add(*lights: Light) -> np.ndarray:
        out = relit(pixels, inverse, camera, normals, OWN, lights, shoulder=False)
        return np.asarray(out - pixels, np.float64)

    one = Light((1.0, -1.0, 0.5), (1.0, 0.8, 0.5), 0.1, shadows=False)
    thrice = Light((1.0, -1.0, 0.5), (3.0, 2.4, 1.5), 0.1, shadows=False)
    two = Light((-1.0, -0.5, 1.0), (0.5, 0.8, 1.0), 0.2, shadows=False)
    assert (add(one) >= -1e-6).all()
    assert add(one).max() > 0.05
    np.testing.assert_allclose(add(one, two), add(one) + add(two), atol=1e-6)
    np.testing.assert_allclose(add(thrice), 3 * add(one), atol=1e-6)


def test_the_own_key_is_taken_where_it_falls() -> None:
    """A ball in a known key: without the key, what the fill gives remains."""
    n = np.array([[[0, -0.6, -0.8], [0, 0.8, -0.6], [0, 0.0, -1.0]]], f32)
    fill, key, lean = np.array(OWN.fill), np.array(OWN.key), np.array(OWN.lean)
    from_fill = fill * (1 + n @ lean)[..., None]
    from_key = key * np.maximum(n @ np.array(OWN.towards_key), 0)[..., None]
    pixels = (0.5 * (from_fill + from_key)).astype(f32)
    inverse, camera = np.full((1, 3), 0.5, f32), Camera(3, 1, 4.0)
    left = relit(pixels, inverse, camera, n, OWN, [], keep_key=0.0)
    np.testing.assert_allclose(left, 0.5 * from_fill, rtol=1e-5)
    less = relit(pixels, inverse, camera, n, OWN, [], keep_fill=0.25)
    np.testing.assert_allclose(less, 0.5 * (from_fill / 4 + from_key), rtol=1e-5)


@pytest.mark.parametrize("level", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7)])
@pytest.mark.parametrize(
    "place", [(0.0, 0.0, 0.0), (0.0, 0.0, 2.0), (0.0, 0.0, 5.0), (0.1, 0.0, -3.0), (1e4, -1e4, 1e4)]
)
def test_odd_photos_and_lights_stay_finite(
    level: float, shape: tuple[int, int], place: tuple[float, float, float]
) -> None:
    """Black and blown out, at the camera, in a wall and behind it, a ball larger than the room."""
    inverse, camera, normals = np.full(shape, 0.5, f32), Camera(shape[1], shape[0], 5.0), None
    inverse[0, 0] = 0  # sky
    normals = np.tile(np.array([0, 0, -1], f32), (*shape, 1))
    pixels = np.full((*shape, 3), level, f32)
    for radius in (0.0, 0.3, 50.0):
        light = Light(place, (10.0, 5.0, 1.0), radius, shadows=False)
        out = relit(pixels, inverse, camera, normals, OWN, [light] * 20, keep_key=0.3)
        assert np.isfinite(out).all()
        assert (out >= 0).all()
        assert out.max() <= max(1.0, level) * 1.0001


def test_albedo_keeps_the_colour_and_stays_below_one() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.uniform(0, 30, (6, 8, 3)).astype(f32) ** 2
    normals = np.tile(np.array([0, -0.6, -0.8], f32), (6, 8, 1))
    flat = OwnLight((0.0, -0.6, -0.8), (0.2,) * 3, (0.5,) * 3)
    out = np.empty_like(pixels)
    albedo_rows(pixels, normals, flat.table(), out)
    share = pixels.astype(np.float64) / 0.7
    most = share.max(-1, keepdims=True)
    np.testing.assert_allclose(out, share / most * -np.expm1(-most), rtol=1e-4, atol=1e-7)
    assert out.max() <= 1


def hue_deg(colour: np.ndarray) -> float:
    import colorsys

    top = float(colour.max())
    return 360 * colorsys.rgb_to_hsv(*(float(v) / top for v in colour))[0]


@pytest.mark.parametrize("tone", [(0.62, 0.42, 0.31), (0.35, 0.2, 0.13), (0.1, 0.05, 0.03)])
def test_neutral_light_leaves_the_hue_of_skin(tone: tuple[float, float, float]) -> None:
    inverse, camera, normals = wall()
    pixels = np.tile(np.array(tone, f32), (9, 9, 1))
    grey = OwnLight((0.0, -0.6, -0.8), (0.2,) * 3, (0.4,) * 3)
    skin = np.ones((9, 9), f32)
    for strength in (0.3, 1.0, 5.0):
        light = Light((0.0, 0.0, 0.0), (4 * strength,) * 3, 0.2, shadows=False)
        out = relit(pixels, inverse, camera, normals, grey, [light], skin=skin)
        assert (out[4, 4] >= pixels[4, 4]).all()
        assert abs(hue_deg(out[4, 4]) - hue_deg(pixels[4, 4])) < 1


def test_light_goes_on_below_the_skin_in_red_first() -> None:
    inverse, camera, _ = wall()
    turned = np.tile(np.array([1, 0, 0], f32), (9, 9, 1))  # the light stands in their plane
    light = Light((0.0, 0.0, 0.0), (4.0,) * 3, 0.01, shadows=False)
    white, skin = np.full((9, 9, 3), 0.5, f32), np.ones((9, 9), f32)
    grey = OwnLight((0.0, -0.6, -0.8), (0.0,) * 3, (0.5,) * 3)

    def add(skin: np.ndarray | None) -> np.ndarray:
        out = relit(white, inverse, camera, turned, grey, [light], shoulder=False, skin=skin)
        return np.asarray((out - white)[4, 4])

    hard, soft = add(None), add(skin)
    assert soft[0] > soft[1] > soft[2] > hard[2]


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3),
    st.lists(st.floats(0, 50, width=32), min_size=3, max_size=3),
)
def test_highlights_roll_off_in_their_hue(own: list[float], added: list[float]) -> None:
    before = np.array([[own]], f32)
    lit = before + np.array([[added]], f32)
    out = rolled_off(lit, before)
    assert out.max() <= max(1.0, before.max()) + 1e-5
    high, low = lit.max(), lit.min()
    if high <= 0.75:
        assert out.tobytes() == lit.tobytes()
    elif out.max() - out.min() > 1e-4 * max(high - low, 1):
        place = (lit - low) / (high - low)
        np.testing.assert_allclose(out, out.min() + place * (out.max() - out.min()), atol=1e-4)


def test_a_brighter_light_never_gives_a_darker_picture() -> None:
    before = np.full((1, 50, 3), [0.8, 0.5, 0.3], f32)
    lit = before + np.linspace(0, 8, 50, dtype=f32)[None, :, None] * np.array([1, 0.7, 0.4], f32)
    out = rolled_off(lit, before)
    assert (np.diff(out, axis=1) >= -1e-6).all()
    np.testing.assert_array_equal(out[:, 0], before[:, 0])
