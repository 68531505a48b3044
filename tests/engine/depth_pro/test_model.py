"""Depth Pro as a depth model: geometry, focal length, memory, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.engine.depth_pro.tiny import saved

from depthfx.camera import Camera, FocalOrigin
from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.depth_pro.model import PROGRAM_GB, DepthProModel
from depthfx.engine.depth_pro.network import DepthProConfig
from depthfx.errors import ModelError
from depthfx.photo.photo import Photo
from depthfx.scene import Scene


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("port"))


@pytest.fixture(scope="module")
def model(weights: Path) -> DepthProModel:
    return DepthProModel(Context(model="depth-pro", weights=weights, device="cpu"))


def photo(height: int = 90, width: int = 120, focal_px: float | None = 100.0) -> Photo:
    rng = np.random.default_rng(0)
    pixels = rng.random((height, width, 3), np.float32)
    camera = Camera.guess(width, height) if focal_px is None else Camera(width, height, focal_px)
    return Photo(pixels, camera)


def test_metres_grow_with_the_focal_length(model: DepthProModel) -> None:
    """Inverse depth is the canonical one times width over focal length (eq. 1 of the paper)."""
    near, far = (model.estimate(photo(focal_px=f)) for f in (100.0, 200.0))
    assert near.metric
    known = far.inverse > 0.01  # what is nearly infinitely far is made so
    ratio = near.inverse[known] / far.inverse[known]
    assert np.median(ratio) == pytest.approx(2, rel=1e-6)
    assert np.mean(np.abs(ratio - 2) < 1e-3) > 0.98  # but for outlines where that decides


def test_a_known_focal_length_is_not_estimated(model: DepthProModel) -> None:
    assert model.estimate(photo()).focal_px is None


def test_the_networks_focal_length_is_used_where_nobody_knows(
    model: DepthProModel, weights: Path
) -> None:
    context = Context(model="depth-pro", weights=weights, device="cpu")
    scene = Scene.of(photo(focal_px=None), context)
    seen = scene.depth.focal_px
    assert seen is not None
    assert scene.camera.origin is FocalOrigin.NETWORK
    assert scene.camera.focal_px == seen
    # Told to it, the same focal length gives the same depth.
    told = model.estimate(photo(focal_px=seen))
    np.testing.assert_allclose(told.inverse, scene.depth.inverse, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(17, 23), (400, 60), (30, 900)])
def test_photos_of_any_shape(model: DepthProModel, height: int, width: int) -> None:
    depth = model.estimate(photo(height, width))
    assert depth.shape == (height, width)
    assert depth.inverse.max() > 0


def test_outputs_say_which_weights_made_them(model: DepthProModel, weights: Path) -> None:
    stamp = model.estimate(photo()).stamp
    assert stamp["model"] == "depth-pro"
    assert stamp["weights_sha256"] == hub.checksum(weights)
    assert "apple" in stamp["licence"].lower()


def test_less_memory_gives_the_same_depth(weights: Path, model: DepthProModel) -> None:
    network = model.network(field_of_view=True)
    weights_gb = sum(p.nbytes for p in network.parameters()) / 1e9
    least = model._plans(network)[-1]
    limit = PROGRAM_GB + weights_gb + 1.001 * least.memory_gb(network.config, model.dtype.itemsize)
    limited = DepthProModel(Context(weights=weights, device="cpu", memory_limit_gb=limit))
    assert limited._plans(limited.network(field_of_view=True))[0] != model._plans(network)[0]
    np.testing.assert_allclose(
        limited.estimate(photo()).inverse, model.estimate(photo()).inverse, rtol=1e-2, atol=1e-3
    )


def test_too_little_memory_is_refused_with_the_figure(weights: Path) -> None:
    model = DepthProModel(Context(weights=weights, device="cpu", memory_limit_gb=0.5))
    with pytest.raises(ModelError, match=r"needs 0\.\d GB here, more than --memory-limit 0\.5"):
        model.estimate(photo())


def test_plans_take_less_memory_one_after_the_other(model: DepthProModel) -> None:
    plans = model._plans(model.network(field_of_view=True))
    needed = [plan.memory_gb(DepthProConfig(), 2) for plan in plans]
    assert len(needed) > 1
    assert needed == sorted(needed, reverse=True)


def test_a_device_that_is_not_there_is_refused(weights: Path) -> None:
    import torch

    missing = next(
        (
            name
            for name, there in (
                ("mps", torch.backends.mps.is_available()),
                ("cuda", torch.cuda.is_available()),
            )
            if not there
        ),
    )
    with pytest.raises(ModelError, match=f"no {missing} device here"):
        DepthProModel(Context(weights=weights, device=missing))


@pytest.mark.slow
def test_compiled_it_gives_the_same_depth(weights: Path, model: DepthProModel) -> None:
    compiled = DepthProModel(Context(weights=weights, device="cpu", compile=True))
    expected = model.estimate(photo()).inverse
    found = compiled.estimate(photo()).inverse
    assert np.median(np.abs(found - expected)) < 0.01 * expected.max()
