"""Lights in a photographer's words: read, printed, refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.light.light_words import MOST_STOPS, ROLES, LightWords


def numbers(low, high):
    return st.floats(low, high).map(lambda value: round(value, 6))


places = st.tuples(numbers(0, 1), numbers(0, 1))
said = st.builds(
    LightWords,
    role=st.none() | st.sampled_from(list(ROLES)),
    side=st.sampled_from([-1, 0, 1]),
    azimuth_deg=st.none() | numbers(0, 180),
    elevation_deg=st.none() | numbers(-90, 90),
    distance_m=st.none() | numbers(0.01, 1000),
    size_m=st.none() | numbers(0.01, 100),
    soft=st.none() | st.booleans(),
    colour=st.none() | st.sampled_from(["3200k", "#ffb060", "cto"]),
    stops=st.none() | numbers(-MOST_STOPS, MOST_STOPS),
    at=st.none() | places,
    towards=st.none() | places,
    beam_deg=st.none() | numbers(1, 170),
    gobo=st.none() | st.sampled_from(["leaves", "my window.png", "C:\\masks\\a.png"]),
    no_shadow=st.none() | st.just(True),
).filter(lambda words: words != LightWords())


@given(said)
def test_what_is_printed_is_read_as_the_same(words):
    assert LightWords.parse(str(words)) == words


def refusal(text):
    """What is said of a text that is no light; of one that is, it is read as printed."""
    try:
        words = LightWords.parse(text)
    except ParameterError as error:
        return str(error)
    assert LightWords.parse(str(words)) == words
    return ""


@given(st.text(max_size=60))
def test_any_text_is_a_light_or_a_line(text):
    assert "\n" not in refusal(text)


PIECES = ["key", "left", "45deg", "30", "deg", "up", "-2", "stops", "+", "at", "0.5,0.5", "size"]


@given(st.lists(st.sampled_from(PIECES)))
def test_any_order_of_words_is_a_light_or_a_line(words):
    assert "\n" not in refusal(" ".join(words))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Key from the LEFT 45 deg 30 deg up 3200 K +1ev", "key left 45deg 30deg up 3200k +1"),
        ("key front-left", "key left 45deg"),
        ("back-left 150deg", "left 150deg"),
        ("sun behind", "sun 180deg"),
        ("hair above", "hair 70deg up"),
        ("at 0.3,0.4 with 120cm", "at 0.3,0.4 1.2m"),
        ("2 stops", "+2"),
        ("-1.5 ev", "-1.5"),
        ("no shadows soft", "soft no shadow"),
        ("rim 6ft", "rim 1.8288m"),
    ],
)
def test_photographers_words(text, same):
    assert LightWords.parse(text) == LightWords.parse(same)
    assert str(LightWords.parse(text)) == same


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("key lfet", "'lfet' is not understood; did you mean 'left'?"),
        ("5", "expected a role"),
        ("", "says nothing"),
        ("the", "says nothing"),
        ("key rim", "'rim' says the role a second time"),
        ("left right", "'right' says the side a second time"),
        ("key 200deg", "200 is outside 0 to 180 degrees"),
        ("key 95deg up", "95 is outside 0 to 90 degrees up or down"),
        ("key +13", "13 is outside -12 to 12 stops"),
        ("size", "after 'size' something is missing"),
        ("size big", "'big' is not a length"),
        ("at 2,3", "'2,3' is not X,Y"),
        ("beam 171deg", "outside 1 to 170"),
        ("beam wide", "'wide' is no angle"),
        ("no light", "only 'shadow'"),
        ("500K", "outside 1000K to 40000K"),
        ("key " * 100, "400 characters"),
    ],
)
def test_what_is_wrong_is_named(text, answer):
    with pytest.raises(ParameterError) as caught:
        LightWords.parse(text)
    assert answer in str(caught.value)
