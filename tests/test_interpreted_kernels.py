"""Compiled kernels do what their Python says: no integer turned unsigned, no type too narrow.

Kernels that have a twin in plain numpy are compared with that beside their other tests.
"""

import numpy as np
import pytest

from depthfx.engine.own_cells import from_own_cells
from depthfx.geometry.decimate import split_errors
from depthfx.geometry.flying import _step_rows
from depthfx.light.grade import _curves, _graded
from depthfx.light.haze import _transmission
from depthfx.light.shoulder import roll_off_rows
from depthfx.light.thickness import _shorten_by_runs
from depthfx.raster.cube import ColourTable

f32 = np.float32
RANDOM = np.random.default_rng(11)
INVERSE = RANDOM.choice(np.array([0.2, 0.21, 0.5, 1.0], f32), (17, 17))
COLOURS = RANDOM.uniform(-0.1, 1.6, (9, 11, 3)).astype(f32)
TABLE = ColourTable(RANDOM.random((3, 3, 3, 3)).astype(f32))
UP = np.array([0.1, -0.9, 0.4], f32)
AIR = np.array([0.3, -0.5, 2.0, 40.0])
BANKS = RANDOM.random((3, 4, 5)).astype(f32)
RAMPS = np.repeat(np.interp(np.arange(40), [15, 18], [1, 0.4]).astype(f32)[None], 3, 0)


def empty(*shape):
    return np.full(shape, 1e3, f32)


CELLS = np.dstack([INVERSE[::4, ::4], RANDOM.normal(0, 0.02, (5, 5, 2)), np.ones((5, 5))])

CASES = {
    "own cells": (from_own_cells, (INVERSE, INVERSE > 0.3, CELLS.astype(f32))),
    "steps": (_step_rows, (RAMPS, np.zeros(RAMPS.shape, bool), f32(0.01), f32(0.04), 6)),
    "errors": (split_errors, (INVERSE, RANDOM.random((16, 16)) < 0.1, 8)),
    "runs across": (_shorten_by_runs, (INVERSE, 0, 1, f32(0.1), empty(17, 17), empty(17, 17))),
    "runs down": (_shorten_by_runs, (INVERSE, 1, 0, f32(0.1), empty(17, 17), empty(17, 17))),
    "runs falling": (_shorten_by_runs, (INVERSE, 1, 1, f32(0.1), empty(17, 17), empty(17, 17))),
    "runs rising": (_shorten_by_runs, (INVERSE, 1, -1, f32(0.1), empty(17, 17), empty(17, 17))),
    "shoulder": (roll_off_rows, (COLOURS * f32(1.5), COLOURS)),
    "fog": (
        _transmission,
        (INVERSE, f32(20), f32(8), f32(9), UP, AIR, BANKS, f32(0.5), empty(17, 17)),
    ),
    "grade": (
        _graded,
        (
            COLOURS.reshape(-1, 3),
            np.array([1.1, 1.0, 0.8], f32),
            np.array([0.4, 1.3], f32),
            np.ascontiguousarray(TABLE.solid),
            TABLE.domain,
            *_curves(),
            empty(99, 3),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_compiled_as_interpreted(case):
    kernel, given = CASES[case]
    compiled, interpreted = (
        [value.copy() if isinstance(value, np.ndarray) else value for value in given]
        for _ in range(2)
    )
    answers = kernel(*compiled), kernel.py_func(*interpreted)
    changed = False
    for one, other, before in zip(compiled, interpreted, given, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
        changed |= not np.array_equal(one, before)
    if answers[1] is not None:
        np.testing.assert_allclose(*answers, rtol=1e-5, atol=1e-6)
    assert changed or answers[1] is not None
