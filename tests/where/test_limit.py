"""`where` on an effect: what lies there is the effect's, the rest is as it was."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from depthfx import Effect, Param, Scene, registry
from depthfx.depth import Depth
from depthfx.effect import NOWHERE, parameter_names
from depthfx.errors import DepthError, ParameterError
from depthfx.recipe import from_toml, to_toml
from depthfx.where.limit import mixed

NAMES = registry.effect_names()


class Brighter(Effect):
    """Only light."""

    name: ClassVar[str] = "brighter"

    stops: float = Param(1.0, ge=0, le=5, help="how much")

    def apply(self, scene, context):
        return scene.with_pixels(scene.photo.pixels * np.float32(2**self.stops))


class Bigger(Effect):
    """Another frame."""

    name: ClassVar[str] = "bigger"

    def apply(self, scene, context):
        return scene.preview(500)


class Shift(Effect):
    """The same frame, all of it moved."""

    name: ClassVar[str] = "shift"

    def apply(self, scene, context):
        def moved(array):
            return np.roll(array, 3, axis=1)

        photo = scene.photo.with_pixels(moved(scene.photo.pixels))
        depth = Depth(moved(scene.depth.inverse), True, "moved")
        return scene.with_geometry(photo, depth, moved(scene.matte))


class Faded(Effect):
    """All but transparent."""

    name: ClassVar[str] = "faded"

    def apply(self, scene, context):
        alpha = np.full(scene.photo.shape, 0.25, np.float32)
        return replace(scene, photo=replace(scene.photo, alpha=alpha))


def test_it_acts_there_and_nowhere_else(scene):
    before, after = scene.photo.pixels, Brighter()(scene).photo.pixels
    result = Brighter(where="..3m")(scene).photo.pixels
    sure_in, sure_out = np.s_[14:34, 22:42], np.s_[:10]
    np.testing.assert_array_equal(result[sure_in], after[sure_in])
    np.testing.assert_array_equal(result[sure_out], before[sure_out])


def test_both_sides_together_are_the_whole_in_linear_light(scene):
    """What one limit adds and what its rest adds sum to what the effect adds."""
    before = scene.photo.pixels
    added = sum(Brighter(where=w)(scene).photo.pixels - before for w in ("subject", "background"))
    np.testing.assert_allclose(added, Brighter()(scene).photo.pixels - before, atol=1e-5)


def test_everywhere_and_nowhere_are_bit_for_bit(scene):
    everywhere = Brighter(where="1m..10m")(scene)
    np.testing.assert_array_equal(everywhere.photo.pixels, Brighter()(scene).photo.pixels)
    nowhere = Brighter(where="50m..")(scene)
    assert nowhere.photo.pixels is scene.photo.pixels
    assert "nothing of the picture, which stays as it was" in nowhere.notes[-1]


def test_what_was_done_is_told(scene):
    result = (Brighter(where="..3m") | Brighter(where="subject", stops=2))(scene)
    assert result.history == ("brighter where=..3m", "brighter where=subject stops=2.0")
    assert result.notes == ("where ..3m: 19% of the picture", "where subject: 19% of the picture")
    assert [told["where"] for told in result.facts["where"]] == ["..3m", "subject"]
    assert result.facts["where"][0]["share"] == pytest.approx(24 * 24 / (48 * 64), abs=0.01)


def test_the_text_is_kept_in_its_plainest_form():
    assert Brighter(where=" 2 ..5m").where == "2m..5m"
    assert Brighter(where=" 2 ..5m") == Brighter(where="2m..5m")


@pytest.mark.parametrize("wrong", ["2m", "", "everywhere", "2m..1m"])
def test_a_wrong_text_is_refused_at_once(wrong):
    with pytest.raises(ParameterError, match=r"^brighter: where=.*: .*expected"):
        Brighter(where=wrong)


def test_metres_of_relative_depth_are_refused(scene):
    relative = Scene.from_arrays(scene.photo.pixels, inverse=scene.depth.inverse, metric=False)
    with pytest.raises(DepthError, match="relative"):
        Brighter(where="..3m")(relative)
    assert Brighter(where="..50%")(relative).photo.shape == scene.photo.shape


@pytest.mark.parametrize("moving", [Bigger, Shift])
def test_what_moves_the_picture_cannot_be_limited(scene, moving):
    with pytest.raises(ParameterError, match="changes the picture's frame or moves what is in it"):
        moving(where="subject")(scene)


def test_transparency_is_limited_too(scene):
    result = Faded(where="subject")(scene).photo
    np.testing.assert_allclose(result.alpha[20:30, 25:40], 0.25, atol=1e-6)
    np.testing.assert_allclose(result.alpha[:10], 1, atol=1e-6)


def test_colours_that_nobody_sees_are_not_mixed_in(scene):
    """Premultiplied light adds up: half of a red that is not there leaves the grey."""
    shape = scene.photo.shape
    grey, red = np.full((*shape, 3), 0.5, np.float32), np.zeros((*shape, 3), np.float32)
    red[..., 0] = 1
    old = replace(scene.photo, pixels=grey)
    new = replace(scene.photo, pixels=red, alpha=np.zeros(shape, np.float32))
    out = mixed(old, new, np.full(shape, 0.5, np.float32))
    np.testing.assert_allclose(out.pixels, 0.5, atol=1e-6)
    np.testing.assert_allclose(out.alpha, 0.5, atol=1e-6)


def test_layers_of_the_whole_effect_are_let_go(scene):
    class Layered(Brighter):
        def apply(self, scene, context):
            return replace(super().apply(scene, context), layers=object())

    assert Layered()(scene).layers is not None
    assert Layered(where="subject")(scene).layers is None


@pytest.mark.parametrize("name", NAMES)
def test_every_effect_is_limited_or_says_that_it_cannot_be(name, scene):
    """With `where` an effect leaves the rest alone, or is refused, or makes its own use of it."""
    effect = registry.effect_class(name)
    if "where" not in parameter_names(effect):
        with pytest.raises(ParameterError, match=r"makes no picture of the same frame"):
            effect(where="subject")
        return
    limited = effect(where="..3m")
    if effect.applies_where:
        return
    assert from_toml(to_toml(limited | limited)).effects[0] == limited
    result = limited(scene).photo
    np.testing.assert_array_equal(result.pixels[:10], scene.photo.pixels[:10])
    assert result.alpha is None or (result.alpha[:10] == 1).all()


def test_it_is_the_last_parameter_that_is_listed():
    assert parameter_names(Brighter) == ["stops", "where"]
    assert parameter_names(registry.effect_class("mask"))[0] == "where"


def test_an_effect_that_makes_files_refuses():
    class Maker(Brighter):
        @property
        def endings(self):
            return (".xyz",)

    class Teller(Maker):
        where: None = NOWHERE

    for maker in (Maker, Teller):
        with pytest.raises(ParameterError, match="makes no picture of the same frame"):
            maker(where="subject")
        assert maker().where is None
