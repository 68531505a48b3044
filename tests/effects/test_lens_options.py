"""What all effects of a lens let one choose: each option reaches the picture or the facts."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from depthfx import Scene
from depthfx.camera import Camera
from depthfx.errors import DepthfxError, ParameterError
from depthfx.facts import json_line
from depthfx_effects import Bokeh, Portrait, TiltShift

f32 = np.float32
SIZE = 161
EFFECTS = [Bokeh, Portrait, TiltShift]


def lights(places, inverse=0.25, value=100.0):
    """Bright pixels in the dark, on a wall at 4 m."""
    pixels = np.zeros((SIZE, SIZE, 3), f32)
    for row, column in places:
        pixels[row, column] = value
    return Scene.from_arrays(
        pixels,
        inverse=np.full((SIZE, SIZE), inverse, f32),
        focal_px=1000.0,
        matte=np.zeros((SIZE, SIZE), f32),
    )


CENTRE = lights([(80, 80)])


def blurred(scene=CENTRE, **options):
    return Bokeh(aperture_mm=150, focus_m=2, **options)(scene).photo.pixels


def moments(picture):
    """Second moments along x and y about the centre of gravity."""
    y, x = np.indices(picture.shape, dtype=float)
    total = picture.sum()
    mx, my = (x * picture).sum() / total, (y * picture).sum() / total
    return (((x - mx) ** 2 * picture).sum() / total, ((y - my) ** 2 * picture).sum() / total)


def test_blades_turn():
    """Four blades make a square, which reaches farthest along its diagonals."""
    upright, turned = (blurred(blades=4, blade_rotation_deg=a)[..., 1] for a in (0, 45))
    assert upright[80 + 12, 80 + 12] > 3 * turned[80 + 12, 80 + 12]
    assert turned[80, 80 + 16] > 3 * upright[80, 80 + 16]


def test_curved_blades_make_a_disc():
    straight, curved, disc = (
        blurred(**options)[..., 1]
        for options in ({"blades": 5}, {"blades": 5, "blade_curvature": 1}, {})
    )
    assert np.abs(curved - disc).sum() < 0.02 * disc.sum()
    assert np.abs(straight - disc).sum() > 0.2 * disc.sum()


def test_squeeze_makes_ovals():
    x, y = moments(blurred(squeeze=2)[..., 1])
    assert y / x == pytest.approx(4, rel=0.1)


def test_spherical_aberration_brightens_rim_or_middle():
    pictures = [blurred(spherical=s)[..., 1] for s in (-1, 0, 1)]
    middle, spread = zip(*((p[80, 80], sum(moments(p))) for p in pictures), strict=True)
    assert middle[0] < 0.9 * middle[1] < 0.5 * middle[2]
    assert spread[0] > 1.05 * spread[1] > 1.2 * spread[2]
    for picture in pictures:
        assert picture.sum() == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("option", ["cats_eye", "swirl"])
def test_discs_change_away_from_the_middle_only(option):
    scene = lights([(80, 80), (30, 30)])
    plain, shaped = blurred(scene)[..., 1], blurred(scene, **{option: 1.0})[..., 1]
    middle, corner = (slice(60, 101),) * 2, (slice(0, 56),) * 2
    changed = [np.abs(shaped - plain)[at].sum() / plain[at].sum() for at in (middle, corner)]
    assert changed[0] < 0.3
    assert changed[1] > max(0.3, 1.5 * changed[0])


def test_a_picture_is_the_opening(tmp_path):
    """An opening of which only the right half is open: in the background it stands as drawn."""
    opening = np.zeros((64, 64), np.uint8)
    opening[:, 32:] = 255
    cv2.imwrite(str(tmp_path / "half.png"), opening)
    picture = blurred(kernel=tmp_path / "half.png")[..., 1]
    assert picture[:, 82:].sum() > 0.9 * picture.sum()
    assert picture.sum() == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_opening_that_is_no_picture_is_one_line(effect, scene, tmp_path):
    for name, body in (("none.png", None), ("rubbish.png", b"rubbish")):
        if body is not None:
            (tmp_path / name).write_bytes(body)
        with pytest.raises(DepthfxError, match=name) as caught:
            effect(kernel=tmp_path / name)(scene)
        assert "\n" not in str(caught.value)


def lamp_in_the_night():
    """A clipped lamp of 9 pixels across, as a camera draws one, out of focus at 4 m."""
    y, x = np.mgrid[-80:81, -80:81]
    light = np.clip(30 * np.exp(-(x * x + y * y) / (2 * 2.0**2)), 0.005, 1)
    scene = lights([])
    return Scene.from_arrays(
        np.repeat(light[..., None], 3, 2).astype(f32),
        inverse=scene.depth.inverse,
        matte=scene.matte,
        focal_px=1000.0,
    )


def test_highlights_give_lamps_their_light_back():
    scene = lamp_in_the_night()
    grey, half, bright = (blurred(scene, highlights=h, grain=0)[..., 1].max() for h in (0, 0.5, 1))
    assert 1.5 * grey < half < bright


def test_the_default_of_highlights_is_that_of_their_module():
    from depthfx.optics.highlights import DEFAULT_STRENGTH

    assert all(effect().highlights == DEFAULT_STRENGTH for effect in EFFECTS)


def grainy(grain=0.02):
    rng = np.random.default_rng(0)
    pixels = np.clip(0.3 + rng.normal(0, grain, (200, 300, 3)), 0, 1).astype(f32)
    inverse = np.full((200, 300), 0.25, f32)
    matte = np.zeros((200, 300), f32)
    inverse[:, :150], matte[:, :150] = 0.5, 1
    return Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=300.0)


@pytest.mark.parametrize("effect", [Bokeh, Portrait])
def test_grain_is_given_back_where_it_was_blurred(effect):
    scene = grainy()
    there = slice(20, -20), slice(180, -20)
    without, with_grain = (
        effect(aperture_mm=300, focus_m=2, grain=g)(scene).photo.pixels[there].std() for g in (0, 1)
    )
    assert without < 0.4 * 0.02
    assert with_grain == pytest.approx(0.02, rel=0.2)


def test_what_is_in_focus_gets_no_grain():
    scene = grainy()
    sharp = slice(20, -20), slice(20, 100)
    out = Portrait(aperture_mm=300, focus_m=2)(scene).photo.pixels
    np.testing.assert_allclose(out[sharp], scene.photo.pixels[sharp], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "f_number", "aperture_mm"),
    [
        ("85mm f/1.4 full-frame", 2, 60.71),
        ("50mm f1.8 aps-c", 2, 27.78),
        ("100mm medium format", 4, 25.0),
        ("f/2 full-frame", 8, 25.0),
        ("f/2 Micro Four Thirds", 8, 12.5),
    ],
)
def test_a_named_lens_opens_as_wide_as_it_does(scene, name, f_number, aperture_mm):
    """The scene is seen as by 50 mm on full-frame; a focal length that is named counts."""
    seen = Scene.of(
        replace(scene.photo, camera=Camera.from_f35(50.0, 64, 48)),
        depth=scene.depth,
        matte=scene.matte,
    )
    result = Bokeh(like=name, f_number=f_number, focus_m=2)(seen)
    assert result.facts["aperture_mm"] == pytest.approx(aperture_mm, rel=0.01)
    assert any(note.startswith("open like ") for note in result.notes)


def test_an_opening_in_millimetres_wins_over_a_name(scene):
    result = Bokeh(like="85mm f/1.4", aperture_mm=10)(scene)
    assert result.facts["aperture_mm"] == pytest.approx(10)
    assert not any("open like" in note for note in result.notes)


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_lens_that_nobody_knows_is_refused_at_once(effect):
    with pytest.raises(ParameterError, match="like='iphone': 'iphone' is not understood"):
        effect(like="iphone")


def test_the_sharp_zone_is_said_and_is_where_the_blur_is_small(scene):
    result = Bokeh(aperture_mm=60, focus_m=3)(scene)
    facts = result.facts
    assert facts["sharp_near_m"] < 3 < facts["sharp_far_m"]
    for metres in (facts["sharp_near_m"], facts["sharp_far_m"]):
        blur_px = 0.06 * 60 * abs(1 / metres - 1 / 3)
        assert blur_px == pytest.approx(facts["coc_limit_px"], rel=1e-3)
    assert "sharp from 1.64 m to 18 m (blur up to 1 px)" in result.notes


def test_what_is_sharp_to_infinity_is_null_in_json(scene):
    result = Bokeh(aperture_mm=1, focus_m=3)(scene)
    assert json.loads(json_line(result.facts))["sharp_far_m"] is None
    assert any(" to infinity (blur up to 1 px)" in note for note in result.notes)


def patches(height=300, width=400):
    rng = np.random.default_rng(0)
    picture = np.full((height, width, 3), 0.2, f32)
    for _ in range(800):
        at = int(rng.integers(0, width)), int(rng.integers(0, height))
        cv2.circle(picture, at, int(rng.integers(2, 15)), (rng.random(3) * 0.8).tolist(), -1)
    return picture


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("is_blurred", [True, False])
def test_a_subject_that_the_photo_shows_blurred_is_said_to_stay_so(effect, is_blurred):
    sharp = patches()
    inner = slice(75, 225), slice(100, 300)
    pixels = sharp.copy()
    if is_blurred:
        pixels[inner] = cv2.GaussianBlur(sharp, (0, 0), 3)[inner]
    inverse, matte = np.full((300, 400), 0.25, f32), np.zeros((300, 400), f32)
    inverse[inner], matte[inner] = 0.5, 1
    scene = Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=400.0)
    result = effect(aperture_mm=5)(scene)
    said = [note for note in result.notes if "already blurred in the photo" in note]
    assert len(said) == is_blurred
    assert result.facts["already_blurred"] is is_blurred
    if is_blurred:
        assert "(at 0.50,0.38) and stays so" in said[0]


@pytest.mark.parametrize(
    ("option", "sharp", "soft"),
    [("tilt_deg", slice(0, 12), slice(-12, None)), ("swing_deg", slice(-12, None), slice(0, 12))],
)
def test_a_leaning_plane_of_focus_is_sharp_where_it_meets_the_scene(option, sharp, soft):
    """A wall that is level, a plane that leans away at the top (or the right): it goes out of
    focus on both sides of the focused point; a wall that leans with it does not."""
    rng = np.random.default_rng(2)
    pixels = rng.random((90, 90, 3), dtype=f32)
    ramp = np.linspace(1, -1, 90, dtype=f32) * (1 if option == "swing_deg" else -1)
    steps = 0.25 + 0.1 * ramp
    inverse = (
        np.repeat(steps[None], 90, 0) if option == "swing_deg" else np.repeat(steps[:, None], 90, 1)
    )
    scene = Scene.from_arrays(pixels, inverse=inverse, focal_px=90.0)
    # Inverse depth falls by 0.1 over half the frame, that is by 0.4 of its middle over 45 px.
    angle = np.degrees(np.arctan(0.4 / 45 * 90))
    lens = {"aperture_mm": 400, "focus_xy": (0.5, 0.5)}
    leaning = Bokeh(**{option: angle}, **lens)(scene).photo.pixels
    level = Bokeh(**lens)(scene).photo.pixels
    assert np.abs(leaning - pixels)[15:-15, 15:-15].max() < 0.05
    assert np.abs(level - pixels)[15:-15, 15:-15].max() > 0.2
    wrong = Bokeh(**{option: -angle}, **lens)(scene).photo.pixels
    assert wrong.std() < level.std()


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("option", ["tilt_deg", "swing_deg"])
def test_every_effect_of_a_lens_can_lean(effect, option, scene):
    level, leaning = (effect(aperture_mm=200, **{option: a})(scene) for a in (0, 60))
    assert np.isfinite(leaning.photo.pixels).all()
    assert np.abs(leaning.photo.pixels - level.photo.pixels).max() > 0.01


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_photo_is_left_as_it_was(effect, scene):
    kept = [a.copy() for a in (scene.photo.pixels, scene.depth.inverse, scene.matte)]
    effect(f_number=1, tilt_deg=20)(scene)
    for now, before in zip(
        (scene.photo.pixels, scene.depth.inverse, scene.matte), kept, strict=True
    ):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize("tilt_deg", [0, 5])
def test_the_ground_at_the_feet_keeps_its_own_grain_only(tilt_deg):
    """Though the network saw the subject at twice the inverse depth of the ground it stands on."""
    height, width = 320, 400
    rng = np.random.default_rng(0)
    pixels = np.clip(0.3 + rng.normal(0, 0.02, (height, width, 3)), 0, 1).astype(f32)
    ground = np.maximum((np.arange(height, dtype=f32) - 40) / height, 0)
    inverse = np.repeat(ground[:, None], width, 1)
    matte = np.zeros((height, width), f32)
    matte[80:241, 160:240] = 1
    inverse[matte > 0] = 2 * ground[241]
    scene = Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=360.0)
    out = Portrait(aperture_mm=100, tilt_deg=tilt_deg)(scene).photo.pixels
    feet, far = (out[rows, 40:120].std() for rows in (slice(238, 248), slice(60, 90)))
    assert feet == pytest.approx(0.02, rel=0.12)
    assert far == pytest.approx(0.02, rel=0.25)


def test_fringes_are_green_behind_the_focus_and_purple_before_it():
    """White lamps: the colour that reaches farthest is the rim's."""
    pixels = np.zeros((121, 242, 3), np.float32)
    pixels[60, 60], pixels[60, 182] = 500, 500
    inverse = np.full((121, 242), 0.2, np.float32)
    inverse[:, 121:] = 0.8
    scene = Scene.from_arrays(pixels, inverse=inverse, focal_px=200.0)
    effect = Bokeh(aperture_mm=400, focus_m=2.0, fringes=1.0, highlights=0, grain=0)
    got = effect(scene).photo.pixels
    x = np.arange(121) - 60
    behind, before = (
        np.sqrt((part[60] * x[:, None] ** 2).sum(0) / part[60].sum(0))
        for part in (got[:, :121], got[:, 121:])
    )
    assert behind[1] > 1.05 * max(behind[0], behind[2])
    assert before[1] < 0.95 * min(before[0], before[2])
    plain = Bokeh(aperture_mm=400, focus_m=2.0, highlights=0, grain=0)(scene).photo.pixels
    np.testing.assert_allclose(plain[..., 0], plain[..., 1], atol=1e-4)
