"""Reading the first photo while the chain is rehearsed.

Compiled kernels are loaded when they are first called, which keeps Python itself busy for
half a second. Reading a photo and letting the network look at it takes as long outside of
Python. So a process reads its first photo in a thread of its own; meanwhile the chain works
on a picture of a few pixels here, and calls whatever it will need.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from typing import Any

from depthfx.chain import Chain
from depthfx.cli.failure import INTERRUPTED
from depthfx.context import Context
from depthfx.scene import Channel, Scene

OURS = "depthfx_effects"
"""Effects that are known to do nothing but compute; somebody else's meet no picture but yours."""
HEIGHT, WIDTH, CELLS = 48, 64, (4, 5)
"""Size of the picture of the rehearsal, and of the network's maps of it."""
PATIENCE_S = 2.0
FOCAL_PX = 2000.0
"""So long a lens blurs as far as the picture reaches: layers of every size are drawn."""


def opened_in_rehearsal(
    open_scene: Callable[[Context], Scene],
    chain: Chain,
    context: Context,
    *,
    depth_given: bool = False,
) -> Scene:
    """What `open_scene` gives for `context`; the first time, `chain` is rehearsed meanwhile.

    depth_given : the scene comes with its depth, so that no network is needed for that
    """
    key = (__name__, "rehearsed")
    if key in context.cache:
        return open_scene(context)
    context.cache[key] = True
    needs = frozenset[Channel]().union(*(effect.needs for effect in chain.effects))
    if not needs:
        return open_scene(context)
    looks = Channel.MATTE in needs or not depth_given
    reading = _begin(lambda: _open_and_look(open_scene, context, looks))
    try:
        # Whatever goes wrong here goes wrong again where it is reported.
        with suppress(Exception):
            rehearse(chain, reading)
        if INTERRUPTED.is_set():
            raise KeyboardInterrupt
        return reading.result()
    except KeyboardInterrupt:
        # The network stops when asked to; a disk that does not answer is not waited for.
        context.cancel.set()
        wait([reading], timeout=PATIENCE_S)
        raise


def _begin(work: Callable[[], Scene]) -> Future[Scene]:
    """What `work` will give, begun in a thread that does not keep the process alive."""
    future: Future[Scene] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # it is raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, name="reading", daemon=True).start()
    return future


def _open_and_look(open_scene: Callable[[Context], Scene], context: Context, looks: bool) -> Scene:
    """The scene, the embedded network having looked at its photo if it is asked for."""
    scene = open_scene(context)
    if looks:
        # Imported now: it takes its time, in which the photo is read.
        from depthfx.engine.find import look_ahead

        look_ahead(scene.photo, context)
    return scene


def rehearse(chain: Chain, reading: Future[Scene]) -> None:
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
