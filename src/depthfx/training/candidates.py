"""The networks that were compared for the embedded one; `training/README.md` has the table.

Each is an encoder with features at 1/2 ... 1/32 under the same decoder (`network.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthfx.engine.embedded.network import EmbeddedNetwork


def stage(inner: int, outer: int, repeats: int) -> nn.Sequential:
    """Halve the resolution, then convolve `repeats` times."""
    layers: list[nn.Module] = []
    for number in range(repeats):
        layers += [
            nn.Conv2d(inner, outer, 3, 2 if number == 0 else 1, 1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(True),
        ]
        inner = outer
    return nn.Sequential(*layers)


class PlainEncoder(nn.Module):
    """3 x 3 convolutions from the first pixel on, nothing learnt before: the plain U-Net.

    O. Ronneberger et al., "U-Net", MICCAI 2015.
    """

    def __init__(self, widths: tuple[int, ...] = (24, 48, 96, 160, 256)):
        super().__init__()
        self.widths = list(widths)
        inner = (3, *widths[:-1])
        self.stages = nn.ModuleList(stage(a, b, 2) for a, b in zip(inner, widths, strict=True))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for part in self.stages:
            x = part(x)
            features.append(x)
        return features


class Transformer(nn.Module):
    """A small vision transformer over patches of 16 x 16 pixels; features at 1/16.

    A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.
    """

    def __init__(self, width: int, depth: int, heads: int):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 16, 16)
        self.places = nn.Parameter(0.02 * torch.randn(1, width, 12, 12))
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x)
        x = x + F.interpolate(self.places, x.shape[2:], mode="bilinear").to(x.dtype)
        tokens = self.norm(self.layers(x.flatten(2).transpose(1, 2)))
        return tokens.transpose(1, 2).unflatten(2, x.shape[2:])


class TwoScaleEncoder(nn.Module):
    """One transformer sees the whole photo at half size and its four quarters at full size.

    In the manner of Bochkovskii et al., "Depth Pro", 2024; convolutions give the
    finer features.
    """

    def __init__(self, width: int = 192, depth: int = 6, heads: int = 3):
        super().__init__()
        fine = (16, 32, 64)
        self.widths = [*fine, width, width]
        inner = (3, *fine[:-1])
        self.stages = nn.ModuleList(stage(a, b, 2) for a, b in zip(inner, fine, strict=True))
        self.transformer = Transformer(width, depth, heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        whole = self.transformer(F.avg_pool2d(x, 2))
        rows = [
            torch.cat([self.transformer(part) for part in row.chunk(2, 3)], 3)
            for row in x.chunk(2, 2)
        ]
        features = []
        for part in self.stages:
            x = part(x)
            features.append(x)
        return [*features, torch.cat(rows, 2), whole]


WIDE = (256, 160, 96, 64, 32)
NETWORKS: dict[str, Callable[[], EmbeddedNetwork]] = {
    "lite0-light": lambda: EmbeddedNetwork("lite0", (64, 48, 32, 24, 16)),
    "lite0-wide": lambda: EmbeddedNetwork("lite0", WIDE),
    "lite2": lambda: EmbeddedNetwork("lite2", (160, 96, 64, 40, 24)),
    "lite2-wide": lambda: EmbeddedNetwork("lite2", WIDE),
    "plain": lambda: EmbeddedNetwork(PlainEncoder(), WIDE),
    "two-scale": lambda: EmbeddedNetwork(TwoScaleEncoder(), WIDE),
}
