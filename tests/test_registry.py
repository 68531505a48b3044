"""Effects and models by name, listed without importing them."""

import subprocess
import sys

import pytest

from depthfx import registry
from depthfx.effect import Effect
from depthfx.errors import ModelError, ParameterError


@pytest.mark.parametrize("name", registry.effect_names())
def test_every_effect_bears_the_name_it_is_found_by(name):
    effect = registry.effect_class(name)
    assert issubclass(effect, Effect)
    assert effect.name == name
    assert effect() == effect()


@pytest.mark.parametrize("name", registry.effect_names())
def test_every_parameter_is_explained(name):
    for parameter, field in registry.effect_class(name).model_fields.items():
        assert field.description, parameter


@pytest.mark.parametrize("name", registry.effect_names())
def test_summaries_are_read_without_importing(name):
    assert registry.effect_summary(name) == registry.effect_class(name).__doc__.splitlines()[0]


def test_listing_imports_no_effect():
    code = (
        "import sys; from depthfx import registry\n"
        "[registry.effect_summary(n) for n in registry.effect_names()]\n"
        "print([m for m in sys.modules if m.startswith('depthfx_effects') or m == 'pydantic'])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'portrait'"):
        registry.effect_class("portrat")
    with pytest.raises(ModelError, match="did you mean 'embedded'"):
        registry.model_class("embedde")


@pytest.mark.parametrize("name", registry.model_names())
def test_every_model_states_its_licence(name):
    info = registry.model_class(name).info
    assert info.name == name
    assert info.licence
    assert info.source
