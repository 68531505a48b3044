"""Depth Pro's network: parity with transformers' port, and what must not change its answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.depth_pro.tiny import SIDE, port, saved

from depthfx.engine.depth_pro.blocks import Attention, linear
from depthfx.engine.depth_pro.network import DepthPro, DepthProConfig, merge, split
from depthfx.engine.depth_pro.weights import load_depth_pro

CANONICAL, DEGREES = 1e-4, 1e-3
"""How far we may be from the port: a share of its largest value, and an angle."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("port"))


@pytest.fixture(scope="module")
def network(weights: Path) -> DepthPro:
    return load_depth_pro(weights)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    rough = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(rough, (SIDE, SIDE), mode="bicubic") * 2 - 1


def check_parity(ours, theirs) -> None:  # type: ignore[no-untyped-def]
    (inverse, angle), reference = ours, theirs
    largest = reference.predicted_depth.max()
    assert largest > 0
    assert reference.predicted_depth.std() > 0.01 * largest
    assert (inverse - reference.predicted_depth).abs().max() <= CANONICAL * largest
    assert (angle - reference.field_of_view).abs().max() <= DEGREES


@torch.inference_mode()
def test_equals_the_port(network: DepthPro, pictures: torch.Tensor) -> None:
    check_parity(network(pictures), port()(pictures))


@pytest.mark.slow
@torch.inference_mode()
def test_equals_the_port_at_full_size(tmp_path: Path) -> None:
    from depthfx.evaluation.engine import full_picture, full_port

    reference = full_port()
    reference.save_pretrained(tmp_path)
    picture = full_picture()
    theirs = reference(picture)
    del reference
    check_parity(load_depth_pro(tmp_path / "model.safetensors")(picture, at_once=5), theirs)


@torch.inference_mode()
@pytest.mark.parametrize(("at_once", "strips"), [(1, 1), (7, 1), (35, 3), (4, 16)])
def test_memory_saved_changes_nothing(
    network: DepthPro, pictures: torch.Tensor, at_once: int, strips: int
) -> None:
    whole, angle = network(pictures)
    parts, same = network(pictures, at_once=at_once, strips=strips)
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(same, angle)


@torch.inference_mode()
def test_without_field_of_view_depth_is_the_same(
    weights: Path, network: DepthPro, pictures: torch.Tensor
) -> None:
    smaller = load_depth_pro(weights, field_of_view=False)
    inverse, angle = smaller(pictures)
    assert angle is None
    assert torch.equal(inverse, network(pictures, field_of_view=False)[0])
    count = [sum(p.numel() for p in n.parameters()) for n in (smaller, network)]
    assert count[0] < 0.75 * count[1]


@torch.inference_mode()
def test_half_precision_moves_depth_little(
    weights: Path, network: DepthPro, pictures: torch.Tensor
) -> None:
    half = load_depth_pro(weights, torch.bfloat16)
    exact, approximate = network(pictures)[0], half(pictures.bfloat16())[0]
    assert approximate.dtype == torch.float32
    # Random features do not average out over so few channels as they do over the published ones.
    moved = (approximate - exact).abs().median() / exact.std()
    assert 0 < moved < 0.03


@given(st.sampled_from([(5, 4), (3, 2)]), st.integers(1, 3), st.integers(1, 4))
def test_merge_undoes_split(levels: tuple[int, int], batch: int, eighth: int) -> None:
    windows, times = levels
    window = 8 * eighth
    pictures = torch.rand(batch, 2, times * window, times * window)
    parts = split(pictures, windows, window)
    assert parts.shape == (windows**2 * batch, 2, window, window)
    assert torch.equal(merge(parts, windows), pictures)


@given(st.integers(1, 3), st.integers(2, 20), st.integers(0, 2**31))
def test_attention_by_convolutions_is_attention(count: int, length: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer = Attention(32, num_heads=4, qkv_bias=True)
    tokens = torch.randn(count, length, 32)
    with torch.no_grad():
        expected = super(Attention, layer).forward(tokens)
        torch.testing.assert_close(layer(tokens), expected, rtol=1e-4, atol=1e-5)


@given(st.integers(1, 3), st.integers(1, 20), st.integers(0, 2**31))
def test_linear_by_convolution_is_linear(count: int, length: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer, tokens = torch.nn.Linear(16, 24), torch.randn(count, length, 16)
    torch.testing.assert_close(linear(tokens, layer), layer(tokens), rtol=1e-4, atol=1e-5)


def test_published_size() -> None:
    with torch.device("meta"):
        network = DepthPro(DepthProConfig())
    parameters = sum(p.numel() for p in network.parameters())
    assert round(parameters / 1e6) == 952
    assert network.config.side == 1536


def test_it_can_be_trained(weights: Path, pictures: torch.Tensor) -> None:
    network = load_depth_pro(weights).requires_grad_(True)
    inverse, angle = network(pictures)
    (inverse.mean() + angle.mean()).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None]
    # The coarsest stage adds nothing to what comes from below it; the published network has
    # these parameters all the same.
    assert all(name.startswith("decoder.fusions.4.resnet1.") for name in silent)
