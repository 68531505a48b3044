"""The language that says where: what is read is what was meant, or one line says what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.where.parse import (
    LONGEST_TEXT,
    UNITS,
    WORDS,
    And,
    At,
    Distance,
    Not,
    Or,
    Range,
    Word,
    parse,
    parts_of,
)

shares = st.floats(0, 1)


@st.composite
def ranges(draw):
    relative = draw(st.booleans())
    units = ["%"] if relative else [unit for unit in UNITS if unit != "%"]
    top = 100 if relative else 5000
    distances = st.builds(Distance, st.floats(0, top), st.sampled_from(units))
    near, far = draw(st.none() | distances), draw(distances)
    if near is not None and near.amount >= far.amount:
        near = None
    if near is not None and draw(st.booleans()):
        far = None
    width = st.floats(0, 100)
    soft = draw(
        st.none()
        | st.builds(Distance, width, st.just("%"))
        | (st.nothing() if relative else st.builds(Distance, width, st.sampled_from(units)))
    )
    return Range(near, far, soft)


leaves = st.sampled_from(WORDS).map(Word) | st.builds(At, shares, shares) | ranges()


def joined(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return inner.map(Not) | several.map(And) | several.map(Or)


wheres = st.recursive(leaves, joined, max_leaves=6)


@given(wheres.filter(lambda where: len(str(where)) <= LONGEST_TEXT))
def test_what_is_printed_is_read_again(where):
    assert parse(str(where)) == where


@given(
    st.text(st.sampled_from("0123456789.,%()mcinft subjecandotrk~!-²\n"), max_size=40) | st.text()
)
def test_any_text_is_read_or_refused_in_one_line(text):
    said = understood(text)
    assert len(said.splitlines()) == 1
    assert said == understood(said) or said.startswith(("expected", f"{len(text)} characters"))


def understood(text):
    """What is read, in its plainest form, or what is wrong with it."""
    try:
        return str(parse(text))
    except ParameterError as error:
        return str(error)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2m..5m", "2m..5m"),
        (" 2 m ..5.0 m ", "2m..5m"),
        ("2..5m", "2m..5m"),
        ("6ft..12", "6ft..12ft"),
        ("..30%", "..30%"),
        ("5m.. soft 50cm", "5m.. soft 50cm"),
        ("2..5m soft 1", "2m..5m soft 1m"),
        ("2m..5m soft 20%", "2m..5m soft 20%"),
        ("Subject AND not ..1m", "subject and not ..1m"),
        ("((sky))", "sky"),
        ("not (sky or subject)", "not (sky or subject)"),
        ("at .5,1", "at 0.5,1"),
    ],
)
def test_the_same_in_its_plainest_form(text, plain):
    assert str(parse(text)) == plain


def test_and_binds_tighter_than_or():
    assert parse("sky or subject and ..2m") == parse("sky or (subject and ..2m)")
    assert parse("sky or subject and ..2m") != parse("(sky or subject) and ..2m")


def test_feet_and_metres_are_lengths():
    where = parse("10ft..400cm")
    assert where.near.amount == pytest.approx(3.048)
    assert where.far.amount == pytest.approx(4.0)


def test_its_parts_are_named_once_each_in_order():
    assert [str(part) for part in parts_of(parse("not (sky or ..2m) and at 0,1"))] == [
        "sky",
        "..2m",
        "at 0,1",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a range like 2m..5m"),
        ("2m", "expected '..'"),
        ("..", "a distance on one side of '..'"),
        ("2..5", "expected a unit"),
        ("5m..2m", "the nearer end of a range first"),
        ("2m..30%", "lengths or per cent"),
        ("10%..30% soft 5cm", "lengths or per cent"),
        ("2km..", "expected a unit (m, cm, mm, ft, in, %), not 'km' at column 2"),
        ("200%..", "at most 100%"),
        ("200000m..", "at most 100 km"),
        ("subjct", "did you mean 'subject'?"),
        ("(sky", "expected ')'"),
        ("sky)", "expected 'and', 'or' or the end, not ')' at column 4"),
        ("sky subject", "not 'subject' at column 5"),
        ("at 2,0", "0 to 1"),
        ("at 0.5", "expected ',' between X and Y"),
        ("not " * 20 + "sky", "within each other"),
        ("(" * 20 + "sky" + ")" * 20, "within each other"),
        ("sky or " * 100 + "sky", "characters are too long"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, words):
    with pytest.raises(ParameterError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 250
