"""Keys with ease draw the value that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_ae import value_at

from depthfx.export.ease import EasedKey, eased


def drawn(keys: tuple[EasedKey, ...], share: float) -> float:
    """What After Effects draws between keys of 33.33 % influence."""
    third = 100 / 3
    listed = [
        {
            "time": key.at,
            "value": key.value,
            "in": [key.speed_in, third],
            "out": [key.speed_out, third],
        }
        for key in keys
    ]
    return value_at({"keys": listed}, share)


NUMBERS = st.floats(-100, 100, width=32)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.floats(0, 1))
def test_a_cubic_needs_no_key_between(a: float, b: float, c: float, d: float, share: float) -> None:
    def value(t: float) -> float:
        return a + t * (b + t * (c + t * d))

    keys = eased(value, [0.0, 1.0], 0.01)
    assert len(keys) <= 2
    assert drawn(keys, share) == pytest.approx(value(share), abs=1.1e-3)


@pytest.mark.parametrize("tolerance", [0.1, 0.001])
@pytest.mark.parametrize(
    "value",
    [
        lambda t: 10 * math.sin(6 * t),
        lambda t: 1 / (0.1 + t),
        lambda t: abs(t - 0.4) * 5,
    ],
    ids=["sine", "hyperbola", "corner at a knot"],
)
def test_what_is_no_cubic_gets_as_many_keys_as_it_needs(value, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    keys = eased(value, [0.0, 0.4, 1.0], tolerance)
    shares = np.linspace(0, 1, 101)
    errors = [abs(drawn(keys, float(t)) - value(float(t))) for t in shares]
    assert max(errors) < 1.5 * tolerance
    assert len(keys) < 40
    assert {0.0, 0.4, 1.0} <= {key.at for key in keys}


def test_what_stays_is_one_key() -> None:
    assert eased(lambda _: 3.0, [0.0, 0.5, 1.0], 0.01) == (EasedKey(0.0, 3.0, 0.0, 0.0),)
