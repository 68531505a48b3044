"""The colour of lights: black bodies, gels, names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.light.kelvin import NAMED, STRONGEST, kelvin_colour, light_colour
from depthfx.photo.colour import LUMINANCE, SRGB_TO_XYZ

CIE_A = (0.44757, 0.40745)
"""Illuminant A, a black body of 2856 K, CIE 15:2018."""


def test_the_photo_s_own_balance_is_neutral():
    assert kelvin_colour(5600) == pytest.approx((1, 1, 1), abs=1e-9)


@given(st.floats(1000, 39_000))
def test_a_hotter_light_is_bluer(kelvin):
    """Until a channel is at its bound."""
    cold, hot = kelvin_colour(kelvin), kelvin_colour(kelvin * 1.02)
    assert hot[2] / hot[0] > cold[2] / cold[0] or cold[2] == 0


@given(st.floats(1000, 40_000))
def test_luminance_is_one_but_for_colours_too_pure(kelvin):
    colour = np.array(kelvin_colour(kelvin))
    luminance = float(LUMINANCE @ colour)
    assert colour.min() >= 0
    assert luminance == pytest.approx(1, abs=1e-6) or (
        luminance < 1 and colour.max() == pytest.approx(STRONGEST)
    )


def test_tungsten_light_has_the_chromaticity_of_illuminant_a():
    """Seen by a camera balanced for 5600 K, undone here by the same adaptation."""
    from depthfx.light import kelvin as module
    from depthfx.photo.colour import adapted_to_d50

    adapted = SRGB_TO_XYZ @ np.array(kelvin_colour(2856))
    seen = np.linalg.inv(adapted_to_d50(module._white(module.BALANCE_K))) @ adapted
    assert seen[:2] / seen.sum() == pytest.approx(CIE_A, abs=0.002)


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_a_colour(name):
    assert all(0 <= part <= STRONGEST for part in light_colour(name))


def test_a_gel_undoes_the_other():
    """Mired shifts add: a full CTO takes a flash to tungsten, about."""
    assert 2900 < float(NAMED["cto"].rstrip("K")) < 3250


def test_white_is_neutral_and_case_does_not_matter():
    assert light_colour("#FFFFFF") == pytest.approx((1, 1, 1), abs=1e-6)
    assert light_colour("3200k") == light_colour("3200K") == light_colour("Tungsten")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("900K", "outside 1000K to 40000K"),
        ("#000000", "black"),
        ("#12345", "expected one like 3200K"),
        ("", "expected one like 3200K"),
        ("9" * 5000 + "K", "outside"),
    ],
)
def test_what_is_no_colour_is_refused_in_a_line(text, answer):
    with pytest.raises(ParameterError, match=answer) as caught:
        light_colour(text)
    assert "\n" not in str(caught.value)
