"""The effect: what it makes of scenes of every kind."""

import numpy as np
import pytest

from depthfx import Scene
from depthfx.errors import DepthError, ParameterError
from depthfx.raster.resample import resize_area
from depthfx_effects import Fog

f32 = np.float32
FOGS = [
    {},
    {"density": 8, "patches": 1, "softness": 1},
    {"density": -1},
    {"density": -4, "colour": "#80a0ff"},
    {"visibility_m": 20, "height_m": 1.2},
    {"visibility_m": 0.1},
]


def street(height=90, width=120, metric=True):
    rng = np.random.default_rng(0)
    pixels = rng.random((height // 6, width // 6, 3), dtype=f32).repeat(6, 0).repeat(6, 1)
    rows = np.maximum(np.linspace(-0.2, 0.5, height, dtype=f32), 0)[:, None]
    return Scene.from_arrays(
        pixels, inverse=np.repeat(rows, width, 1), metric=metric, focal_px=float(width)
    )


def test_no_density_is_the_photo_itself(scene):
    assert Fog(density=0)(scene) is scene


def test_a_little_is_nearly_nothing_even_for_the_sky():
    scene = street()
    assert np.abs(Fog(density=1e-3)(scene).photo.pixels - scene.photo.pixels)[:40].max() < 0.03


@pytest.mark.parametrize("options", FOGS)
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
def test_all_is_finite(options, pixels, inverse):
    scene = Scene.from_arrays(pixels, inverse=inverse, focal_px=30.0)
    result = Fog(**options)(scene)
    assert np.isfinite(result.photo.pixels).all()
    assert len(result.notes) == 1


def test_relative_depth_has_fog_but_no_metres():
    scene = street(metric=False)
    assert "relative" in Fog()(scene).notes[0]
    for name in ("visibility_m", "height_m"):
        with pytest.raises(DepthError, match=f"fog: {name}: this depth is relative"):
            Fog(**{name: 2})(scene)


def test_colours_are_checked_before_any_work():
    with pytest.raises(ParameterError, match="colour"):
        Fog(colour="#12")


def test_what_is_seen_at_the_visibility_is_told():
    result = Fog(visibility_m=80, density=2)(street())
    assert result.facts["visibility"] == pytest.approx(40)
    assert "visibility 40 m" in result.notes[0]


@pytest.mark.parametrize("options", [{}, {"patches": 1, "density": 2}, {"density": -1}])
def test_a_preview_looks_the_same(options):
    scene = street(180, 240)
    full = resize_area(Fog(**options)(scene).photo.pixels, (90, 120))
    small = Fog(**options)(scene.preview(90 * 120)).photo.pixels
    assert np.abs(full - small).mean() < 0.01


def test_alpha_and_geometry_stay():
    plane = np.full((4, 6), 0.25, f32)
    scene = Scene.from_arrays(np.full((4, 6, 3), 0.2, f32), inverse=plane, alpha=plane)
    result = Fog()(scene)
    assert result.photo.alpha is plane
    assert result.depth is scene.depth
