"""What a user says of distances and lengths, as text."""

import math
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.engine.known import (
    METRES,
    KnownDistance,
    KnownLength,
    KnownRegion,
    length_m,
    metres_words,
)
from depthfx.errors import ParameterError

shares = st.floats(0, 1).map(lambda value: round(value, 6))
numbers = st.floats(1, 500).map(lambda value: round(value, 3))
units = st.sampled_from([*METRES, ""])


@given(shares, shares, numbers, units, st.sampled_from(["", " "]))
def test_a_distance_is_read_as_it_is_written(x, y, number, unit, gap):
    known = KnownDistance.parse(f"{x:f},{y:f}={number:f}{gap}{unit}")
    assert known.place == pytest.approx((x, y), abs=1e-6)
    assert known.metres == pytest.approx(number * METRES.get(unit, 1.0), rel=1e-6)


@given(shares, shares, shares, shares, numbers, units)
def test_a_length_is_read_as_it_is_written(a, b, c, d, number, unit):
    text = f"{a:f},{b:f}:{c:f},{d:f}={number:f}{unit}"
    if (a, b) == (c, d):
        with pytest.raises(ParameterError, match="begins where it ends"):
            KnownLength.parse(text)
        return
    known = KnownLength.parse(text)
    assert (*known.start, *known.end) == pytest.approx((a, b, c, d), abs=1e-6)
    assert known.metres == pytest.approx(number * METRES.get(unit, 1.0), rel=1e-6)


@given(st.text(max_size=20))
def test_any_other_text_is_refused_in_one_line_with_an_example(text):
    for kind, example in (
        (KnownDistance, "0.5,0.4=2.5m"),
        (KnownLength, "0.2,0.5:0.3,0.5=30cm"),
        (KnownRegion, "sky.png=far"),
    ):
        with suppress(ParameterError):
            kind.parse(text)
            continue
        with pytest.raises(ParameterError, match=f"^[^\n]*{re.escape(example)}[^\n]*$"):
            kind.parse(text)


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("2.5m", 2.5),
        ("250 cm", 2.5),
        ("2500mm", 2.5),
        ("10ft", 3.048),
        ("100in", 2.54),
        ("3", 3.0),
        (".5m", 0.5),
    ],
)
def test_units(text, metres):
    assert length_m(text) == pytest.approx(metres)


@pytest.mark.parametrize(
    "text", ["", "m", "-2m", "0m", "nan", "inf", "2 km", "1e9m", "1_0m", "2m3"]
)
def test_what_is_no_length(text):
    with pytest.raises(ParameterError):
        length_m(text)


@pytest.mark.parametrize("text", ["1.2,0.5=2m", "-0.1,0.5=2m", "0.5=2m", "0.5,nan=2m", "0.5,0.4"])
def test_what_is_no_place_in_the_picture(text):
    with pytest.raises(ParameterError, match=r"0\.5,0\.4=2\.5m"):
        KnownDistance.parse(text)


def test_a_region_names_its_mask_and_how_far():
    assert KnownRegion.parse("sky.png=far") == KnownRegion(Path("sky.png"), math.inf)
    assert KnownRegion.parse("a=b.png=3.5") == KnownRegion(Path("a=b.png"), 3.5)
    assert str(KnownRegion.parse("x/sky.png=far")) == "sky.png set to infinitely far"


def test_metres_in_words():
    assert [metres_words(m) for m in (0.12345, 2.414, 250.4, math.inf)] == [
        "0.123 m",
        "2.41 m",
        "250 m",
        "infinitely far",
    ]
