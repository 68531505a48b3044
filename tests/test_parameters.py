"""One declaration, four front ends: Python, command line, recipe and back say the same."""

import typing

import pytest
from annotated_types import Ge, Gt, Le
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator

from depthfx import registry
from depthfx.chain import Chain
from depthfx.cli.apply import split_chain
from depthfx.cli.options import TAKEN, effect_options
from depthfx.errors import ParameterError
from depthfx.recipe import from_toml, to_toml

NAMES = registry.effect_names()


def values(annotation, metadata=()):
    """Every value that a parameter may have, within its bounds."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return values(
            parts[0],
            [*metadata, *(m for part in parts[1:] for m in getattr(part, "metadata", [part]))],
        )
    if annotation is type(None):
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation in (int, float):
        low = next((m.ge for m in metadata if isinstance(m, Ge)), None)
        above = next((m.gt for m in metadata if isinstance(m, Gt)), None)
        high = next((m.le for m in metadata if isinstance(m, Le)), None)
        if annotation is int:
            whole = st.integers(low if above is None else above + 1, high)
            return whole.filter(lambda value: accepted(value, metadata))
        return st.floats(
            low if above is None else above,
            high,
            exclude_min=above is not None,
            allow_nan=False,
            allow_infinity=False,
        )
    if origin is typing.Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        return st.tuples(*(values(part) for part in parts))
    if parts:
        return st.one_of(*(values(part, metadata) for part in parts))
    return st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def accepted(value, metadata):
    """Whether a parameter's own checks let `value` through."""
    try:
        for check in metadata:
            if isinstance(check, AfterValidator):
                check.func(value)
    except ValueError:
        return False
    return True


def effects(name):
    effect = registry.effect_class(name)
    return st.builds(
        effect,
        **{
            # Text of which little is understood comes with examples.
            field: st.sampled_from([info.default, *info.examples])
            if info.examples
            else values(info.annotation, info.metadata)
            for field, info in effect.model_fields.items()
        },
    )


def words(effect):
    """The command line that asks for `effect`."""
    flags = {option.name: option for option in effect_options(type(effect))}
    for name, value in effect.parameters().items():
        option = flags[name]
        if isinstance(value, bool):
            yield (option.opts if value else option.secondary_opts)[0]
        elif option.multiple:
            yield from (f"{option.opts[0]}={one}" for one in value)
        else:
            text = ",".join(map(repr, value)) if isinstance(value, list) else str(value)
            yield f"{option.opts[0]}={text}"


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_command_line_and_recipe_give_the_same_effect(name, data):
    effect = data.draw(effects(name))
    photos, chain = split_chain(["photo.jpg", name, *words(effect)])
    assert [str(photo) for photo in photos] == ["photo.jpg"]
    assert chain == Chain(effect)
    assert from_toml(to_toml(chain)) == chain


@pytest.mark.parametrize("name", NAMES)
def test_no_parameter_hides_an_option_of_every_command(name):
    assert not TAKEN & registry.effect_class(name).model_fields.keys()


@pytest.mark.parametrize("name", NAMES)
def test_true_is_no_number(name):
    effect = registry.effect_class(name)
    for field, info in effect.model_fields.items():
        if any(isinstance(bound, Ge | Gt | Le) for bound in info.metadata):
            with pytest.raises(ParameterError, match=f"{field}=True is no number"):
                effect(**{field: True})
