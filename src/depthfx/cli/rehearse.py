"""Reading the first photo while the chain is rehearsed.

Compiled kernels are loaded when they are first called, which keeps Python itself busy for
half a second. Reading a photo and letting the network look at it takes as long outside of
Python. So a process reads its first photo in a thread of its own; meanwhile the chain works
on a picture of a few pixels here, and calls whatever it will need.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress

from depthfx.chain import Chain
from depthfx.cli.failure import INTERRUPTED
from depthfx.context import Context
from depthfx.rehearsal import rehearse
from depthfx.scene import Channel, Scene

PATIENCE_S = 2.0
"""For a reader that is told to stop."""


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
