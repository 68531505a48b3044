"""A Depth Pro small enough for tests, as transformers saves it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import DepthProConfig, DepthProForDepthEstimation

SIDE = 256


def port(*, window: int = 64, **vit_sizes: int) -> DepthProForDepthEstimation:
    """The transformers port with random weights whose answers vary and are mostly positive."""
    vit = {
        "model_type": "dinov2",
        "hidden_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "image_size": window,
        "patch_size": 8,
        **vit_sizes,
    }
    config = DepthProConfig(
        fusion_hidden_size=32,
        patch_size=window,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[32, 32],
        scaled_images_feature_dims=[64, 64, 48],
        merge_padding_value=1,
        use_fov_model=True,
        image_model_config=dict(vit),
        patch_model_config=dict(vit),
        fov_model_config=dict(vit),
    )
    torch.manual_seed(0)
    network = DepthProForDepthEstimation(config).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            parameter.normal_(0, 0.1)
    network.head.layers[4].weight.mul_(0.05)
    network.head.layers[4].bias.fill_(2.0)
    network.fov_model.head.layers[4].bias.fill_(50.0)
    return network


def saved(folder: Path) -> Path:
    """The file of weights that transformers writes for it."""
    port().save_pretrained(folder)
    return folder / "model.safetensors"
