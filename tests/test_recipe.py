"""Recipes: the same chain after a round trip, and errors that help."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.chain import Chain
from depthfx.errors import DepthfxError, RecipeError
from depthfx.recipe import from_toml, read_recipe, to_toml
from depthfx_effects import Bokeh, DepthPicture, Portrait

shares = st.floats(0, 1)
blades = st.sampled_from([0, *range(3, 12)])
bokehs = st.builds(
    Bokeh,
    f_number=st.floats(0.7, 64),
    focus_m=st.none() | st.floats(0.01, 10_000),
    focus_xy=st.none() | st.tuples(shares, shares),
    blades=blades,
)
portraits = st.builds(Portrait, f_number=st.floats(0.7, 64), blades=blades)
pictures = st.builds(DepthPicture, colours=st.sampled_from(["inferno", "turbo", "viridis", "grey"]))
chains = st.lists(st.one_of(bokehs, portraits, pictures), max_size=5).map(lambda e: Chain(*e))


@given(chains)
def test_a_chain_survives_being_written_down(chain):
    assert from_toml(to_toml(chain)) == chain


@given(st.text())
def test_any_text_is_a_recipe_or_a_clear_refusal(text):
    said = "look.toml:"
    try:
        from_toml(text, "look.toml")
    except DepthfxError as error:
        said = str(error)
    assert said.startswith("look.toml:")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("depthfx = 1\n[[effect]]\nname = 'bokhe'", "did you mean 'bokeh'"),
        ("depthfx = 1\n[[effect]]\nname = 'bokeh'\nf_numbr = 2", "did you mean 'f_number'"),
        ("depthfx = 1\n[[effect]]\nname = 'bokeh'\nf_number = 0.1", "outside 0.7 to 64"),
        ("depthfx = 1\n[[effect]]\nname = 'bokeh'\nf_number = nan", "outside 0.7 to 64"),
        ("depthfx = 1\n[[effects]]\nname = 'bokeh'", "did you mean 'effect'"),
        ("depthfx = 9\n[[effect]]\nname = 'bokeh'", "depthfx = 9 is not a version"),
        ("[[effect]]\nname = 'bokeh'", "is no recipe: it does not begin with depthfx = 1"),
        ("depthfx = 1\n[effect]\nname = 'bokeh'", "double brackets"),
        ("depthfx = 1\n[[effect]]\nf_number = 2", "has no name"),
        ("depthfx = ", "not a TOML file"),
    ],
)
def test_what_is_wrong_is_named_with_the_way_out(body, answer):
    with pytest.raises(RecipeError, match=r"look\.toml") as caught:
        from_toml(body, "look.toml")
    assert answer in str(caught.value)


def test_a_missing_recipe_is_one_line(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "none.toml")
