"""Depthwise convolution with a quick backward pass on CPUs, for training.

The gradients that torch's CPU library computes for strided or 5 x 5 depthwise
convolutions in bf16 take ten times as long as the convolution. Here the gradient of the
input is itself a depthwise convolution (of the gradient spread out by the stride with the
kernel turned round), and that of a wide kernel is computed in float32, which the library
does well. Together that is a third of a training step.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHANNELS_LAST = torch.channels_last


def _zeros(like: Tensor, height: int, width: int) -> Tensor:
    shape = (*like.shape[:2], height, width)
    return torch.empty(shape, dtype=like.dtype, memory_format=CHANNELS_LAST).zero_()


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: int, before: int
    ) -> Tensor:
        kernel = weight.shape[-1]
        padding = before
        if stride > 1:
            # More is needed after than before: that much is laid around the picture here.
            height, width = x.shape[2:]
            padded = _zeros(x, height + kernel - stride, width + kernel - stride)
            padded[:, :, before : before + height, before : before + width] = x
            x, padding = padded, 0
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, before, padding
        return F.conv2d(x, weight, bias, stride, padding, 1, weight.shape[0])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        stride, before, padding = ctx.geometry
        channels, _, kernel, _ = weight.shape
        gradient = gradients[0].contiguous(memory_format=CHANNELS_LAST)
        turned = weight.flip(2, 3).contiguous(memory_format=CHANNELS_LAST)
        if stride == 1:
            to_input = F.conv2d(gradient, turned, None, 1, padding, 1, channels)
        else:
            first = kernel - 1 - before
            rows, columns = (side + stride - 1 for side in x.shape[2:])
            spread = _zeros(gradient, rows, columns)
            spread[:, :, first::stride, first::stride][
                :, :, : gradient.shape[2], : gradient.shape[3]
            ] = gradient
            to_input = F.conv2d(spread, turned, None, 1, 0, 1, channels)
        exact = torch.float32 if kernel > 3 else weight.dtype
        _, to_weight, to_bias = torch.ops.aten.convolution_backward(
            gradient.to(exact),
            x.to(exact),
            weight.to(exact),
            [channels],
            [stride, stride],
            [padding, padding],
            [1, 1],
            False,
            [0, 0],
            channels,
            [False, True, True],
        )
        return to_input, to_weight.to(weight.dtype), to_bias.to(weight.dtype), None, None


def depthwise(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """`x` (N, C, H, W) filtered channel by channel with `weight` (C, 1, k, k) and `bias`.

    Padded as TensorFlow's SAME does for even sizes. Follows autocast on the CPU.
    """
    kernel = weight.shape[-1]
    total = kernel - stride if stride > 1 else kernel - 1
    if torch.is_autocast_enabled("cpu"):
        kind = torch.get_autocast_dtype("cpu")
        x, weight, bias = x.to(kind), weight.to(kind), bias.to(kind)
    filtered: Tensor = _Depthwise.apply(x, weight, bias, stride, total // 2)
    return filtered
