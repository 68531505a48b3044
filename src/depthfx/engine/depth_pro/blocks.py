"""The layers of timm's transformer, computed the way that is quickest where they run.

On GPUs they are timm's own. On CPUs torch's convolutions are far better than its matrix
products and its fused attention (measured in `docs/depth-pro.md`), and both can be
written as convolutions without moving data: a linear layer is a 1 x 1 convolution over
the tokens, and attention two grouped ones, a head a group.

The stream of tokens stays in float32 whatever the matrices are in: what is rounded at
each of 24 blocks would add up.
"""

from __future__ import annotations

import timm.layers
import torch
from torch import Tensor, nn
from torch.nn import functional as F


def linear(tokens: Tensor, layer: nn.Linear) -> Tensor:
    """`layer` of tokens (N, T, C), in the type of its weights."""
    tokens = tokens.to(layer.weight.dtype)
    if tokens.device.type != "cpu":
        answer: Tensor = layer(tokens)
        return answer
    count, length, channels = tokens.shape
    row = tokens.reshape(1, count * length, 1, channels).permute(0, 3, 1, 2)
    answer = F.conv2d(row, layer.weight[..., None, None], layer.bias)
    return answer.permute(0, 2, 3, 1).reshape(count, length, -1)


class Attention(timm.layers.Attention):
    """Self-attention of all tokens of a window."""

    def forward(
        self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        assert attn_mask is None
        assert not is_causal
        count, length, _ = x.shape
        qkv = linear(x, self.qkv).view(count, length, 3, self.num_heads, self.head_dim)
        if x.device.type == "cpu":
            mixed = torch.stack([self._window(*window.unbind(1)) for window in qkv])
        else:
            query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        return linear(mixed.reshape(count, length, self.attn_dim), self.proj)

    def _window(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(T, H d) from query, key and value of one window, each (T, H, d)."""
        length, heads, width = query.shape
        # What all keys share adds the same to every score, which softmax does not see;
        # without it scores are small and half precision hardly rounds them.
        key = key - key.mean(0)
        scores = F.conv2d(
            (query * self.scale).reshape(1, length, 1, heads * width).permute(0, 3, 1, 2),
            key.permute(1, 0, 2).reshape(heads * length, width, 1, 1),
            groups=heads,
        )
        weights = scores.permute(0, 2, 3, 1).view(length, heads, length).softmax(-1)
        mixed = F.conv2d(
            weights.view(1, length, 1, heads * length).permute(0, 3, 1, 2),
            value.permute(1, 2, 0).reshape(heads * width, length, 1, 1),
            groups=heads,
        )
        return mixed.permute(0, 2, 3, 1).view(length, heads * width)


class Mlp(timm.layers.Mlp):
    """Two linear layers with a GELU between them."""

    def forward(self, x: Tensor) -> Tensor:
        return linear(F.gelu(linear(x, self.fc1)), self.fc2)
