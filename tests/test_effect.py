"""Effects: parameters declared once, checked always; chains."""

from typing import ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx import Chain, Channel, Context, Effect, Param, Point, Scene
from depthfx.errors import Cancelled, DepthError, ParameterError


class Gain(Effect):
    """Multiply the light."""

    name: ClassVar[str] = "gain"

    stops: float = Param(1.0, ge=-10, le=10, unit="stops", help="how much brighter")
    centre: Point | None = Param(None, help="where")
    mode: Literal["all", "red"] = Param("all", help="which channels")

    def apply(self, scene: Scene, context: Context) -> Scene:
        context.report("gain", 1.0)
        return scene.with_pixels(scene.photo.pixels * np.float32(2**self.stops))


class Metres(Effect):
    """Needs metres."""

    name: ClassVar[str] = "metres"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.METRIC})

    def apply(self, scene: Scene, context: Context) -> Scene:
        return scene


def test_a_misspelt_parameter_is_answered_with_the_nearest_name():
    with pytest.raises(
        ParameterError, match=r"gain has no parameter 'stpos'; did you mean 'stops'"
    ):
        Gain(stpos=1)


@given(
    st.one_of(
        st.floats(10.01, 1e9),
        st.floats(-1e9, -10.01),
        st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    )
)
def test_what_lies_outside_the_bounds_is_refused_with_them(value):
    with pytest.raises(ParameterError, match=r"stops=.* is outside -10 to 10 stops"):
        Gain(stops=value)


@given(st.floats(-10, 10))
def test_what_lies_inside_is_kept(value):
    assert Gain(stops=value).stops == value


def test_defaults_are_checked_and_frozen():
    effect = Gain()
    with pytest.raises(Exception, match="frozen"):
        effect.stops = 3


@pytest.mark.parametrize("text", ["2,0.5", "0.5", "a,b", "0.1,0.2,0.3", "nan,0"])
def test_a_place_outside_the_picture_is_refused(text):
    with pytest.raises(ParameterError, match="centre"):
        Gain(centre=text)


def test_a_place_is_read_from_text():
    assert Gain(centre="0.25, 0.75").centre == (0.25, 0.75)


def test_an_unknown_word_is_answered_with_the_known_ones():
    with pytest.raises(ParameterError, match="'all' or 'red'"):
        Gain(mode="blue")


def test_effects_chain_in_order(scene):
    chain = Gain(stops=1) | Gain(stops=2) | Gain(stops=-3)
    assert isinstance(chain, Chain)
    assert [effect.stops for effect in chain.effects] == [1, 2, -3]
    np.testing.assert_allclose(chain(scene).photo.pixels, scene.photo.pixels, rtol=1e-6)


def test_chains_join():
    left, right = Gain(stops=1) | Gain(stops=2), Gain(stops=3) | Gain(stops=4)
    assert (left | right).effects == (*left.effects, *right.effects)


def test_an_effect_leaves_its_scene_alone(scene):
    before = scene.photo.pixels.copy()
    Gain(stops=3)(scene)
    np.testing.assert_array_equal(scene.photo.pixels, before)


def test_metres_are_never_guessed_from_relative_depth(scene):
    relative = Scene.from_arrays(scene.photo.pixels, inverse=scene.depth.inverse, metric=False)
    with pytest.raises(DepthError, match="needs depth in metres"):
        Metres()(relative)
    assert Metres()(scene) is scene


def test_a_cancelled_context_stops_the_work(scene):
    context = Context()
    context.cancel.set()
    with pytest.raises(Cancelled):
        Gain()(scene, context)


def test_progress_is_heard(scene):
    heard = []
    Gain()(scene, Context(progress=lambda stage, done: heard.append((stage, done))))
    assert heard == [("gain", 1.0)]


def test_a_wrong_value_of_any_length_is_one_short_line():
    from depthfx_effects import TiltShift

    with pytest.raises(ParameterError, match="tilt_deg=") as caught:
        TiltShift(tilt_deg="9" * 2000)
    assert len(str(caught.value)) < 200
