"""The photo's own light, found in spheres and planes that were lit in a known way."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from depthfx.light.own_light import (
    SAME_MATERIAL,
    VOTES,
    OwnLight,
    _losses,
    albedo_of,
    own_light,
)

f32 = np.float32
COLOURS = [(0.45, 0.3, 0.2), (0.2, 0.35, 0.3), (0.5, 0.5, 0.5), (0.15, 0.18, 0.4), (0.4, 0.15, 0.1)]


def spheres(
    side: tuple[float, float, float], key: float, fill: float, *, texture: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Five spheres before a wall: pixels, inverse depth, normals, albedo, cosine to key."""
    height, width = 180, 240
    x = (np.arange(width) + 0.5 - width / 2) / 200
    y = (np.arange(height)[:, None] + 0.5 - height / 2) / 200
    ray = np.stack(np.broadcast_arrays(x, y, np.ones((height, width))), -1)
    z = np.full((height, width), 4.0)
    normals = np.tile(np.array([0.0, 0.0, -1.0]), (height, width, 1))
    albedo = np.full((height, width, 3), (0.35, 0.33, 0.28))
    for n, colour in enumerate(COLOURS):
        middle = np.array([(n % 3 - 1) * 1.0 + 0.3 * (n // 3), (n // 3) * 0.9 - 0.45, 3.0])
        b, c = ray @ middle, (middle**2).sum() - 0.4**2
        a = (ray**2).sum(-1)
        inside = b * b - a * c
        t = (b - np.sqrt(np.maximum(inside, 0))) / a
        hit = (inside > 0) & (t < z)
        z = np.where(hit, t, z)
        normals = np.where(hit[..., None], (ray * t[..., None] - middle) / 0.4, normals)
        albedo = np.where(hit[..., None], colour, albedo)
    rng = np.random.default_rng(5)
    albedo = albedo * np.exp(texture * rng.normal(size=(height, width, 1)))
    towards = np.array(side) / np.linalg.norm(side)
    cosine = np.maximum(normals @ towards, 0)
    pixels = albedo * (fill + key * cosine)[..., None]
    return (
        pixels.astype(f32),
        (1 / z).astype(f32),
        normals.astype(f32),
        albedo,
        cosine,
    )


def degrees_apart(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    cosine = np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
    return math.degrees(math.acos(min(max(float(cosine), -1), 1)))


SIDES = [(-0.7, -0.5, -0.5), (0.9, -0.1, -0.4), (0.1, -0.9, -0.4), (0.5, 0.3, -0.8)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("texture", [0.0, 0.15])
def test_the_side_of_the_key_is_found(side: tuple[float, float, float], texture: float) -> None:
    pixels, inverse, normals, *_ = spheres(side, 0.9, 0.35, texture=texture)
    own = own_light(pixels, inverse, normals)
    assert degrees_apart(own.towards_key, side) < 15
    assert own.confidence > 0.7
    assert 1 <= own.key[1] / own.fill[1] <= 5


@pytest.mark.parametrize("side", SIDES)
def test_the_albedo_is_freed_of_most_of_the_light(side: tuple[float, float, float]) -> None:
    pixels, inverse, normals, albedo, cosine = spheres(side, 0.9, 0.35)
    own = own_light(pixels, inverse, normals)
    found = albedo_of(pixels, normals, own)
    ball = (normals[..., 2] > -0.999) & (np.abs(albedo[..., 0] - COLOURS[0][0]) < 0.01)
    lit, shaded = ball & (cosine > 0.8), ball & (cosine < 0.05)
    assert lit.sum() > 20
    assert shaded.sum() > 20
    before = pixels[lit].mean() / pixels[shaded].mean()
    after = found[lit].mean() / found[shaded].mean()
    assert before > 2.5
    assert 0.75 < after < 1.5


def test_albedos_of_one_light_keep_their_ratio() -> None:
    pixels, inverse, normals, albedo, _ = spheres((0.0, -0.5, -0.8), 0.2, 0.2)
    own = own_light(pixels, inverse, normals)
    # Away from white, where the curve levels off; the wall takes as much as the darkest ball.
    found = albedo_of(pixels * f32(0.3), normals, own)
    wall = normals[..., 2] < -0.9999
    level = found[..., 1][wall].mean() / albedo[..., 1][wall].mean()
    for colour in COLOURS:
        ball = np.isclose(albedo[..., 1], colour[1]) & (normals[..., 2] < -0.9)
        ratio = found[..., 1][ball].mean() / level / colour[1]
        assert ratio == pytest.approx(1, rel=0.1)


def test_light_from_all_around_has_no_side() -> None:
    pixels, inverse, normals, *_ = spheres((0.0, -0.5, -0.8), 0.0, 0.8)
    own = own_light(pixels, inverse, normals)
    assert own.key == (0.0, 0.0, 0.0)
    assert own.confidence == 0


@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0])
def test_exposure_changes_no_direction_and_no_albedo_of_an_unclipped_photo(scale: float) -> None:
    pixels, inverse, normals, *_ = spheres(SIDES[0], 0.9, 0.35)
    small = pixels * f32(0.3)
    one, other = (own_light(p, inverse, normals) for p in (small, small * f32(scale)))
    assert degrees_apart(one.towards_key, other.towards_key) < 15
    a, b = albedo_of(small, normals, one), albedo_of(small * f32(scale), normals, other)
    np.testing.assert_allclose(b, a, rtol=0.2)


def test_the_same_photo_gives_the_same_light() -> None:
    pixels, inverse, normals, *_ = spheres(SIDES[1], 0.9, 0.35, texture=0.1)
    assert own_light(pixels, inverse, normals) == own_light(pixels, inverse, normals)


@pytest.mark.parametrize("level", [0.0, 1.0, 1e5])
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (40, 60)])
def test_photos_that_tell_nothing(level: float, shape: tuple[int, int]) -> None:
    """Black, white, far too bright, a pixel: a light all the same, finite, without confidence."""
    pixels = np.full((*shape, 3), level, f32)
    normals = np.tile(np.array([0, 0, -1], f32), (*shape, 1))
    for depth in (0.0, 0.5):
        inverse = np.full(shape, depth, f32)
        own = own_light(pixels, inverse, normals)
        values = np.array([own.towards_key, own.key, own.fill, own.lean])
        assert np.isfinite(values).all()
        assert own.confidence == 0
        assert min(own.fill) > 0
        albedo = albedo_of(pixels, normals, own)
        assert np.isfinite(albedo).all()
        assert 0 <= albedo.min() <= albedo.max() <= 1


def test_part_of_the_key_is_taken_for_fill_without_a_change_of_the_mean() -> None:
    own = OwnLight((0.0, 0.0, -1.0), (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
    trusted = own.trusted()
    # Over all sides a surface sees a quarter of a key.
    assert trusted.fill[0] + trusted.key[0] / 4 == pytest.approx(0.2 + 0.4 / 4)
    assert trusted.key[0] < own.key[0]


def test_losses_are_those_of_plain_numpy() -> None:
    rng = np.random.default_rng(3)
    one, other, sides = (rng.normal(size=(n, 3)) for n in (40, 40, 5))
    one, other, sides = (
        (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(f32) for v in (one, other, sides)
    )
    step, weight = rng.normal(size=40).astype(f32), rng.random(40).astype(f32)
    ratios, leans = np.array([0.0, 2.0]), np.array([0.0, 0.5])
    found = _losses(one, other, step, weight, sides.astype(float), ratios, leans)
    expected = np.zeros_like(found)
    for (a, side), (b, ratio), (c, lean) in itertools.product(
        enumerate(sides), enumerate(ratios), enumerate(leans)
    ):
        lit, less = (1 - lean * n[:, 1] + ratio * np.maximum(n @ side, 0) for n in (one, other))
        square = ((step - np.log(lit / less)) / SAME_MATERIAL) ** 2
        np.add.at(expected[:, a, b, c], np.arange(40) % VOTES, weight * square / (1 + square))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
