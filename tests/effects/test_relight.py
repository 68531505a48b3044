"""Relight as an effect: its looks, its lights, what it says, what it refuses."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthfx import Scene
from depthfx.camera import Camera
from depthfx.chain import Chain
from depthfx.cli.apply import split_chain
from depthfx.depth import Depth
from depthfx.errors import ParameterError
from depthfx.light.presets import PRESETS
from depthfx.photo.photo import Photo
from depthfx.recipe import from_toml, to_toml
from depthfx_effects import Relight

HEIGHT, WIDTH, FOCAL = 60, 80, 80.0
BALL = np.hypot(np.arange(WIDTH) + 0.5 - 40, np.arange(HEIGHT)[:, None] + 0.5 - 30) < 18
EVEN = "front 0deg up no shadow soft"
HARD = "front 0deg up no shadow hard"


def ball_scene(*, grey=0.3, shape=(HEIGHT, WIDTH), metric=True, scale=1.0):
    """A grey ball before a wall, in even light."""
    x, y = np.arange(WIDTH) + 0.5 - 40, np.arange(HEIGHT)[:, None] + 0.5 - 30
    away = np.hypot(x, y)
    bulge = np.sqrt(np.maximum(18**2 - away**2, 0)) / FOCAL * 2
    z = np.where(away < 18, 2.0 - bulge, 4.0)
    inverse = (scale / z).astype(np.float32)[: shape[0], : shape[1]]
    pixels = np.full((*shape, 3), grey, np.float32)
    matte = (away < 18).astype(np.float32)[: shape[0], : shape[1]]
    made = Depth(inverse, True, "made") if metric else Depth.relative(inverse, "made")
    photo = Photo(pixels, Camera(shape[1], shape[0], FOCAL))
    return Scene.of(photo, depth=made, matte=matte)


def lit(scene, *light, **kept):
    return Relight(light=light, **kept)(scene).photo.pixels


def test_light_from_the_left_falls_on_the_left():
    out = lit(ball_scene(), "key left 80deg 0deg up no shadow")
    assert out[30, 28, 0] > 1.3 * out[30, 52, 0]
    np.testing.assert_allclose(out[30, 52], 0.3, atol=0.05)


def test_a_light_from_the_front_at_0_stops_gives_the_subject_about_as_much_again():
    """Not twice: what is bright is taken to owe some of it to its light."""
    gained = lit(ball_scene(), EVEN)[30, 40, 0] / 0.3
    assert 1.5 < gained < 2.5


def test_strength_is_added_to_the_stops_of_every_light():
    scene = ball_scene(grey=0.05)
    np.testing.assert_allclose(
        lit(scene, f"{EVEN} -3", strength=2), lit(scene, f"{EVEN} -1"), rtol=1e-5
    )


def test_a_light_too_weak_to_be_seen_changes_nothing():
    np.testing.assert_allclose(lit(ball_scene(), f"{EVEN} -12", strength=-5), 0.3, rtol=1e-4)


def test_the_photo_s_own_light_can_be_turned_off():
    out = lit(ball_scene(), f"{EVEN} -12", strength=-5, own_key=0, own_fill=0)
    assert out.max() < 0.001


def test_a_warm_light_is_warm():
    red, green, blue = lit(ball_scene(), f"{EVEN} 3200K")[30, 40]
    assert red > green > blue


def test_lights_do_not_clip():
    out = lit(ball_scene(grey=0.9), f"{EVEN} +4")
    assert out.max() <= 1
    assert np.isfinite(out).all()


@pytest.mark.parametrize("name", PRESETS)
def test_every_look_changes_the_picture_and_stays_in_bounds(name):
    out = Relight(preset=name)(ball_scene()).photo.pixels
    assert np.isfinite(out).all()
    assert 0 <= out.min() <= out.max() <= 1
    assert np.abs(out - 0.3).max() > 0.02


def test_on_stage_the_background_is_black_and_the_subject_is_not():
    out = Relight(preset="stage")(ball_scene()).photo.pixels
    assert out[2, 2].max() < 1e-6
    assert out[20, 40].min() > 0.1
    grey = Relight(preset="stage-mono")(ball_scene()).photo.pixels
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_a_face_becomes_as_bright_as_the_look_wants():
    """Whatever the photo's own light was."""
    for grey in (0.05, 0.3):
        scene = ball_scene(grey=grey)
        out = Relight(preset="studio")(scene).photo.pixels
        face = BALL.copy()
        face[31:] = False
        mean = out[face].mean() / grey
        assert math.log2(mean) == pytest.approx(PRESETS["studio"].face_stops, abs=0.15)


def test_what_is_said_counts_more_than_the_look():
    out = Relight(preset="stage", background=1.0)(ball_scene()).photo.pixels
    assert out[2, 2].min() > 0.01
    kept = Relight(preset="stage", own_fill=0.9).set_up()
    assert (kept.own_key, kept.own_fill) == (PRESETS["stage"].own_key, 0.9)
    assert Relight().set_up() == PRESETS["studio"]
    assert Relight(light="key left").set_up().own_key == 1


def test_the_unit_of_relative_depth_does_not_matter():
    metric = lit(ball_scene(), "key left no shadow")
    for scale in (0.1, 30.0):
        relative = lit(ball_scene(metric=False, scale=scale), "key left no shadow")
        np.testing.assert_allclose(relative, metric, atol=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 7), (2, 2)])
@pytest.mark.parametrize("grey", [0.0, 0.5, 1.0, 8.0])
def test_any_size_and_exposure_is_finite(shape, grey):
    scene = ball_scene(grey=grey, shape=shape)
    for effect in (Relight(preset="window"), Relight(preset="stage"), Relight(light="sun behind")):
        out = effect(scene).photo.pixels
        assert np.isfinite(out).all()
        assert out.min() >= 0


def test_sky_alone_is_finite():
    scene = ball_scene()
    sky = Depth(np.zeros((HEIGHT, WIDTH), np.float32), True, "sky")
    alone = Scene.of(scene.photo, depth=sky, matte=np.zeros((HEIGHT, WIDTH), np.float32))
    assert np.isfinite(Relight()(alone).photo.pixels).all()


def test_a_hundred_lights_are_finite():
    lights = tuple(f"{'left' if k % 2 else 'right'} {k}deg no shadow -3" for k in range(100))
    out = lit(ball_scene(), *lights)
    assert np.isfinite(out).all()
    assert out.max() <= 1


@pytest.mark.parametrize(
    "light",
    ["at 0.5,0.5 4m", "at 0.5,0.5 50m", "at 0.5,0.5 1mm", "key 1mm", "key size 50m", "key 9000m"],
)
def test_lights_in_walls_and_in_the_camera_are_finite(light):
    out = lit(ball_scene(), light)
    assert np.isfinite(out).all()
    assert 0 <= out.min() <= out.max() <= 1


def test_alpha_stays():
    scene = ball_scene()
    alpha = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    cut = Scene.of(replace(scene.photo, alpha=alpha), depth=scene.depth, matte=scene.matte)
    np.testing.assert_array_equal(Relight(light=EVEN)(cut).photo.alpha, alpha)


def test_it_says_where_lights_stand_and_what_the_photo_s_own_light_is():
    result = Relight(light=("key left 45deg 3200K 1.5m", "rim right"), own_key=0.6)(ball_scene())
    notes = "; ".join(result.notes)
    assert "key left 45 deg 3200 K 1.5 m" in notes
    assert "rim right 145 deg" in notes
    assert "its key kept 60%" in notes
    facts = json.loads(json.dumps(result.facts))
    assert len(facts["lights"]) == 2
    assert facts["lights"][0]["position_m"][0] < 0 < facts["lights"][1]["position_m"][0]


def test_lights_come_several_times_on_the_command_line_and_as_a_list_in_a_recipe():
    _, chain = split_chain(["p.jpg", "relight", "--light", "key left", "--light", "rim right"])
    assert chain == Chain(Relight(light=("key left", "rim right")))
    assert from_toml(to_toml(chain)) == chain
    text = 'depthfx = 1\n[[effect]]\nname = "relight"\nlight = ["key left", "rim right"]\n'
    assert from_toml(text) == chain
    assert Relight(light="key left") == Relight(light=("key left",))


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"light": "key lfet"}, "'lfet' is not understood; did you mean 'left'?"),
        ({"light": ("key", "rim 900K")}, "outside 1000K to 40000K"),
        ({"light": 5}, "light=5"),
        ({"preset": "stge"}, "preset='stge'"),
        ({"strength": 6}, "outside -5 to 5 stops"),
        ({"own_key": 1.5}, "outside 0 to 1"),
    ],
)
def test_what_is_wrong_is_a_line(values, answer):
    with pytest.raises(ParameterError) as caught:
        Relight(**values)
    assert answer in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_gobo_is_told_before_any_work():
    def never():
        raise AssertionError("depth was looked for")

    scene = ball_scene()
    waiting = Scene.of(scene.photo, stored_depth=never, stored_matte=never)
    for effect in (Relight(gobo="nix.png"), Relight(light="key gobo nix.png")):
        with pytest.raises(ParameterError, match=r"'nix\.png' is no file"):
            effect.for_path(Path("out.jpg"))
        with pytest.raises(ParameterError, match=r"'nix\.png' is no file"):
            effect(waiting)


def test_a_gobo_leaves_bars_of_shade():
    plain = lit(ball_scene(), HARD)
    blinds = lit(ball_scene(), HARD, gobo="blinds")
    share = (blinds - 0.3)[12:48, 40, 0] / (plain - 0.3)[12:48, 40, 0]
    assert share.min() < 0.3
    assert share.max() > 0.7


def test_the_preview_looks_as_the_full_size_does():
    scene = ball_scene()
    big = Scene.of(
        Photo(np.repeat(np.repeat(scene.photo.pixels, 4, 0), 4, 1), scene.camera.resized(320, 240)),
        depth=Depth(scene.depth.inverse.repeat(4, 0).repeat(4, 1), True, "made"),
        matte=scene.matte.repeat(4, 0).repeat(4, 1),
    )
    full = lit(big, "key left no shadow").reshape(60, 4, 80, 4, 3).mean((1, 3))
    small = lit(big.preview(HEIGHT * WIDTH), "key left no shadow")
    assert np.abs(full - small)[BALL].mean() < 0.03
