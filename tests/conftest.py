"""Small scenes with known geometry, and effects made only for these tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depthfx.scene import Scene

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture
def shared() -> Path:
    """The folder of reference data beside the repository; tests that need it skip without."""
    if not SHARED.is_dir():
        pytest.skip("the reference data are not beside this repository")
    return SHARED


@pytest.fixture
def scene() -> Scene:
    """A random picture before a wall at 4 m, with a square at 2 m that is the subject."""
    rng = np.random.default_rng(5)
    pixels = rng.random((48, 64, 3), dtype=np.float32)
    inverse = np.full((48, 64), 0.25, np.float32)
    matte = np.zeros((48, 64), np.float32)
    inverse[12:36, 20:44], matte[12:36, 20:44] = 0.5, 1.0
    return Scene.from_arrays(pixels, inverse=inverse, matte=matte, focal_px=60.0)
