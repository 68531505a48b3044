"""Calling all compiled kernels that a chain will need, on a picture of a few pixels.

Kernels are loaded when they are first called, which keeps Python itself busy for half a
second: time in which the first photo can be read.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from depthfx.chain import Chain
from depthfx.scene import Scene

OURS = "depthfx_effects"
"""Effects that are known to do nothing but compute; somebody else's meet no picture but yours."""
HEIGHT, WIDTH, CELLS = 48, 64, (4, 5)
"""Size of the picture of the rehearsal, and of the network's maps of it."""
FOCAL_PX = 2000.0
"""So long a lens blurs as far as the picture reaches: layers of every size are drawn."""


def rehearse(chain: Chain, reading: Future[Any]) -> None:
    """Let `chain` work on a small picture, unless `reading` the photo has failed already."""
    import numpy as np

    from depthfx.camera import Camera
    from depthfx.depth import Depth
    from depthfx.engine.refine import refine
    from depthfx.matting.refine import refine_matte
    from depthfx.photo.photo import Photo

    if reading.done() and reading.exception() is not None:
        return
    pixels = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), np.float32)
    cells = np.full(CELLS, 0.2, np.float32)
    cells[1:, 1:-1] = 1
    with _scipy_unseen():  # the first kernel brings numba up
        matte = refine_matte(pixels, cells)
    fine = refine(pixels, cells, matte)
    depth = Depth(fine.inverse, True, "rehearsal", fine.behind, fine.coverage)
    scene = Scene.of(Photo(pixels, Camera(WIDTH, HEIGHT, FOCAL_PX)), depth=depth, matte=matte)
    for effect in chain.effects:
        if type(effect).__module__.partition(".")[0] == OURS:
            effect(scene)


@contextmanager
def _scipy_unseen() -> Iterator[None]:
    """Where numba looks for SciPy's BLAS, it finds none.

    It looks when it comes up, which takes as long as all the rest of it. No kernel multiplies
    matrices; one that does looks again.
    """
    modules: dict[str, Any] = sys.modules
    if "scipy.linalg" in modules:
        yield
        return
    modules["scipy.linalg"] = None
    try:
        yield
    finally:
        del modules["scipy.linalg"]
