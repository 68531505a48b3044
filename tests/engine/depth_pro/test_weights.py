"""Weights of both published layouts give the same network; a file that does not fit is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.engine.depth_pro.tiny import saved

from depthfx.engine.depth_pro.weights import load_depth_pro
from depthfx.errors import ModelError


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("port"))


def test_apples_layout_gives_the_same_network(weights: Path, tmp_path: Path) -> None:
    network = load_depth_pro(weights)
    torch.save(network.state_dict(), tmp_path / "depth_pro.pt")
    again = load_depth_pro(tmp_path / "depth_pro.pt")
    assert again.config == network.config
    for (name, ours), theirs in zip(
        again.state_dict().items(), network.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs), name


def test_names_are_those_of_apples_file(weights: Path) -> None:
    """A sample of names read off the published file's own loader."""
    names = set(load_depth_pro(weights).state_dict())
    assert names >= {
        "encoder.patch_encoder.cls_token",
        "encoder.patch_encoder.blocks.3.attn.qkv.weight",
        "encoder.image_encoder.blocks.0.ls2.gamma",
        "encoder.upsample_latent0.3.weight",
        "encoder.upsample_lowres.bias",
        "encoder.fuse_lowres.weight",
        "decoder.convs.4.weight",
        "decoder.fusions.1.resnet2.residual.3.bias",
        "decoder.fusions.4.deconv.weight",
        "head.4.bias",
        "fov.encoder.0.norm.weight",
        "fov.encoder.1.weight",
        "fov.downsample.0.weight",
        "fov.head.4.bias",
    }
    assert "decoder.convs.0.weight" not in names
    assert "decoder.fusions.0.deconv.weight" not in names


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_weights_in_half_precision_load(weights: Path, tmp_path: Path, kind: torch.dtype) -> None:
    path = tmp_path / "half.safetensors"
    save_file({name: tensor.to(kind) for name, tensor in load_file(weights).items()}, path)
    network = load_depth_pro(path)
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_what_decides_stays_in_float32(weights: Path) -> None:
    kinds = {n: p.dtype for n, p in load_depth_pro(weights, torch.bfloat16).named_parameters()}
    assert kinds["encoder.patch_encoder.blocks.0.attn.qkv.weight"] == torch.bfloat16
    assert kinds["decoder.fusions.0.out_conv.weight"] == torch.bfloat16
    for name in ("encoder.patch_encoder.pos_embed", "head.4.weight", "fov.head.4.weight"):
        assert kinds[name] == torch.float32


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"conv.weight": torch.zeros(3, 3)}, path)
    with pytest.raises(ModelError, match=r"other\.safetensors are not those of Depth Pro"):
        load_depth_pro(path)
