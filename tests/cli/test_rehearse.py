"""The rehearsal: it calls what the chain will need, and never changes what comes of it."""

import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from depthfx import Context, Scene
from depthfx.chain import Chain
from depthfx.cli import rehearse
from depthfx.cli.rehearse import opened_in_rehearsal
from depthfx.errors import PhotoError
from depthfx.rehearsal import _scipy_unseen
from depthfx_effects import Bokeh, Portrait


@pytest.mark.parametrize("effect", [Portrait(), Bokeh(f_number=1)])
def test_the_rehearsal_of_our_effects_succeeds(effect) -> None:
    """In a run its failure would pass in silence, and only cost time."""
    rehearse.rehearse(Chain(effect), Future())


def scene(context: Context) -> Scene:
    pixels = np.full((12, 16, 3), 0.2, np.float32)
    return Scene.from_arrays(
        pixels, inverse=np.ones((12, 16)), matte=np.ones((12, 16), np.float32), context=context
    )


def test_it_is_rehearsed_once_and_the_photo_opened_each_time(monkeypatch) -> None:
    rehearsed, opened = [], []
    monkeypatch.setattr(rehearse, "rehearse", lambda *_: rehearsed.append(1))

    def opening(context: Context) -> Scene:
        opened.append(threading.current_thread().name)
        return scene(context)

    context = Context(model="none of the embedded ones")
    for _ in range(2):
        opened_in_rehearsal(opening, Chain(Bokeh()), context)
    assert rehearsed == [1]
    assert opened == ["reading", "MainThread"]


def test_what_is_wrong_with_the_photo_is_raised_and_ends_the_rehearsal(monkeypatch) -> None:
    def unreadable(context: Context) -> Scene:
        raise PhotoError("a.jpg: no such file")

    with pytest.raises(PhotoError, match=r"a\.jpg: no such file"):
        opened_in_rehearsal(unreadable, Chain(Portrait()), Context())


def test_a_rehearsal_that_fails_does_not_matter(monkeypatch) -> None:
    def failing(*_) -> None:
        raise ValueError("not today")

    monkeypatch.setattr(rehearse, "rehearse", failing)
    context = Context(model="none of the embedded ones")
    assert opened_in_rehearsal(scene, Chain(Bokeh()), context).photo.shape == (12, 16)


def test_whoever_stops_it_does_not_wait_for_a_dead_disk(monkeypatch) -> None:
    def stopping(*_) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rehearse, "rehearse", stopping)
    monkeypatch.setattr(rehearse, "PATIENCE_S", 0.1)
    context, begun = Context(), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        opened_in_rehearsal(lambda _: time.sleep(30), Chain(Bokeh()), context)
    assert time.monotonic() - begun < 10
    assert context.cancel.is_set()


def test_scipy_is_hidden_for_a_moment_only(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "scipy.linalg", raising=False)
    with _scipy_unseen(), pytest.raises(ImportError):
        import scipy.linalg  # noqa: F401
    assert "scipy.linalg" not in sys.modules


def test_the_network_has_looked_at_the_photo(tmp_path: Path) -> None:
    from depthfx.engine.find import model

    context = Context()
    pixels = np.random.default_rng(0).random((48, 64, 3), np.float32)
    found = opened_in_rehearsal(
        lambda context: Scene.from_arrays(pixels, context=context), Chain(Portrait()), context
    )
    assert list(model("embedded", context)._predictions[found.photo]) == ["normal"]


def test_no_network_looks_where_the_depth_is_given() -> None:
    context = Context()
    opened_in_rehearsal(scene, Chain(Bokeh()), context, depth_given=True)
    assert not any("find" in key[0] for key in context.cache)
