"""A draft at once, then the model asked for; both in one coordinate system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.engine.depth_pro.tiny import saved

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.engine.find import find_depth
from depthfx.engine.scale import measured
from depthfx.photo.photo import Photo
from depthfx.scene import Scene


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    weights = saved(tmp_path_factory.mktemp("port"))
    return Context(model="depth-pro", weights=weights, device="cpu")


@pytest.fixture
def photo() -> Photo:
    pixels = np.random.default_rng(0).random((60, 80, 3), np.float32)
    return Photo(pixels, Camera(80, 60, 70.0))


def test_the_draft_comes_first_and_the_model_then(context: Context, photo: Photo) -> None:
    found = Scene.of(photo, context).in_two_speeds()
    draft = next(found).depth
    assert draft.stamp["model"] == "embedded"
    # Depth Pro's weights are not even opened for the draft.
    assert all(getattr(model, "_network", None) is None for model in context.cache.values())
    final = next(found).depth
    assert next(found, None) is None
    assert final.stamp["model"] == "depth-pro"
    assert draft.metric
    assert final.metric
    assert draft.shape == final.shape == photo.shape
    assert np.array_equal(final.inverse, find_depth(photo, context).inverse)


def test_draft_quality_is_the_draft(context: Context, photo: Photo) -> None:
    from dataclasses import replace

    found = find_depth(photo, replace(context, quality="draft"))
    assert found.stamp["model"] == "embedded"
    assert found.origin == "draft by the embedded network"


def test_a_relative_models_draft_is_relative(photo: Photo, tmp_path: Path) -> None:
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        patch_size=14,
        image_size=70,
        out_features=["stage1", "stage2"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        patch_size=14,
        neck_hidden_sizes=[16, 16],
        reassemble_factors=[2, 1],
        fusion_hidden_size=16,
        head_hidden_size=8,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(tmp_path)
    DPTImageProcessor(size={"height": 70, "width": 70}, ensure_multiple_of=14).save_pretrained(
        tmp_path
    )
    scene = Scene.of(photo, Context(model=f"hf:{tmp_path}", device="cpu"))
    draft, final = (speed.depth for speed in scene.in_two_speeds())
    assert not draft.metric
    assert not final.metric
    assert np.percentile(draft.inverse, 99) == pytest.approx(1, rel=1e-3)


def test_the_embedded_network_asked_for_gives_draft_and_normal(photo: Photo) -> None:
    draft, final = (speed.depth for speed in Scene.of(photo).in_two_speeds())
    assert draft.stamp == final.stamp
    assert not np.array_equal(draft.inverse, final.inverse)


def test_both_speeds_get_the_same_scale(photo: Photo) -> None:
    scene = Scene.of(photo, adjust=lambda depth: measured(depth, "twice as near", 0.1, scale=2))
    plain = Scene.of(photo)
    for scaled, as_found in zip(scene.in_two_speeds(), plain.in_two_speeds(), strict=True):
        np.testing.assert_allclose(scaled.depth.inverse, 2 * as_found.depth.inverse, rtol=1e-6)


def test_a_depth_that_was_given_needs_no_draft(photo: Photo) -> None:
    given = Scene.of(photo, depth=Depth(np.ones(photo.shape, np.float32), True, "given"))
    assert list(given.in_two_speeds()) == [given]
