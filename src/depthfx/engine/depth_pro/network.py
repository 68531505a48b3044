"""The Depth Pro network on timm's vision transformers (Bochkovskii and others, arXiv 2410.02073).

    photo 1536 px ─┬─ 5 x 5 windows ─┐                      ┌─ two early layers ─┐
                   ├─ 3 x 3 windows ─┤─ patch encoder (ViT) ┤                    ├─ decoder ─ head
                   └─ 1 window ──┬───┘                      └─ last layer ───────┤
                                 ├─ image encoder (ViT) ─────────────────────────┘
                                 └─ field-of-view encoder (ViT) + coarsest features ─ angle

Windows overlap (a quarter in the finest level, a half in the middle one); their tokens
are put together again with the overlaps cut off in the middle. Parameters are named as
in the published weights, so those load as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from depthfx.engine.depth_pro.blocks import Attention, Mlp, linear

FINE, MIDDLE = 5, 3
"""Windows a side of the finest and the middle level."""
REACH = 6
"""Rows above and below on which a row after the finest stage and the head depends."""


@dataclass(frozen=True)
class DepthProConfig:
    """Sizes of the network; as published by default.

    window : pixels a side of what a transformer sees; the whole network sees four times that
    patch : pixels a side of a token
    early : blocks of the patch encoder whose tokens the decoder sees too, finest first
    widths : channels of the decoder's inputs: two early ones (the finest has `features`),
        fine, middle and coarse level
    """

    window: int = 384
    patch: int = 16
    embed_dim: int = 1024
    depth: int = 24
    heads: int = 16
    early: tuple[int, int] = (5, 11)
    features: int = 256
    widths: tuple[int, int, int, int] = (256, 512, 1024, 1024)
    head_width: int = 32

    @property
    def side(self) -> int:
        """Pixels a side of the square picture that the network sees."""
        return 4 * self.window

    @property
    def tokens(self) -> int:
        """Tokens a side of a window."""
        return self.window // self.patch


def split(pictures: Tensor, windows: int, window: int) -> Tensor:
    """Overlapping windows of square pictures (B, C, S, S): (windows² B, C, window, window).

    Row by row, column by column, the pictures of the batch innermost.
    """
    if windows == 1:
        return pictures
    stride = (pictures.shape[-1] - window) // (windows - 1)
    cut = pictures.unfold(2, window, stride).unfold(3, window, stride)
    return cut.permute(2, 3, 0, 1, 4, 5).flatten(0, 2)


def merge(features: Tensor, windows: int) -> Tensor:
    """The inverse of `split` for feature maps (windows² B, C, h, h): (B, C, S, S).

    Of two windows that overlap, each gives the half of the overlap that is nearer to it.
    """
    if windows == 1:
        return features
    side = features.shape[-1]
    whole = side * (4 if windows == FINE else 2)
    overlap = (windows * side - whole) // (windows - 1)
    cut = overlap // 2
    grid = features.unflatten(0, (windows, windows, -1))

    def kept(index: int) -> slice:
        return slice(cut if index else 0, side - cut if index < windows - 1 else side)

    rows = [
        torch.cat([grid[y, x][..., kept(y), kept(x)] for x in range(windows)], -1)
        for y in range(windows)
    ]
    return torch.cat(rows, -2).contiguous(memory_format=torch.channels_last)


def typed_for(layer: nn.Module, features: Tensor) -> Tensor:
    """`features` in the type of the layer's weights: parts of the network differ in precision."""
    return features.to(next(layer.parameters()).dtype)


def _transformer(config: DepthProConfig) -> nn.Module:
    model: nn.Module = timm.create_model(
        "vit_large_patch14_dinov2",
        pretrained=False,
        img_size=config.window,
        patch_size=config.patch,
        embed_dim=config.embed_dim,
        depth=config.depth,
        num_heads=config.heads,
        num_classes=0,
        attn_layer=Attention,
        mlp_layer=Mlp,
    )
    return model


def _upsample(channels: int, middle: int, out: int, doublings: int) -> nn.Sequential:
    """A projection, then `doublings` of the resolution."""
    layers: list[nn.Module] = [nn.Conv2d(channels, middle, 1, bias=False)]
    for index in range(doublings):
        layers.append(nn.ConvTranspose2d(out if index else middle, out, 2, 2, bias=False))
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """Feature maps of five resolutions, finest first."""

    def __init__(self, config: DepthProConfig) -> None:
        super().__init__()
        self.config = config
        early, fine, middle, coarse = config.widths
        dim = config.embed_dim
        self.patch_encoder = _transformer(config)
        self.image_encoder = _transformer(config)
        self.upsample_latent0 = _upsample(dim, early, config.features, 3)
        self.upsample_latent1 = _upsample(dim, early, early, 2)
        self.upsample0 = _upsample(dim, fine, fine, 1)
        self.upsample1 = _upsample(dim, middle, middle, 1)
        self.upsample2 = _upsample(dim, coarse, coarse, 1)
        self.upsample_lowres = nn.ConvTranspose2d(dim, coarse, 2, 2)
        self.fuse_lowres = nn.Conv2d(2 * coarse, coarse, 1)

    def forward(self, pyramid: Sequence[Tensor], at_once: int) -> list[Tensor]:
        """pyramid : (B, 3, S, S) at full, half and quarter size; at_once : windows a call."""
        window = self.config.window
        fine, middle, coarse = (
            split(level, windows, window)
            for level, windows in zip(pyramid, (FINE, MIDDLE, 1), strict=True)
        )
        early0, early1, last = self._with_early(fine, at_once)
        (rest,) = _in_turn(
            lambda part: (self._last(self.patch_encoder, part),),
            torch.cat([middle, coarse]),
            at_once,
        )
        whole = self._last(self.image_encoder, coarse)
        count = len(middle)
        lowest = torch.cat([self.upsample2(rest[count:]), self.upsample_lowres(whole)], 1)
        return [
            self.upsample_latent0(merge(early0, FINE)),
            self.upsample_latent1(merge(early1, FINE)),
            self.upsample0(merge(last, FINE)),
            self.upsample1(merge(rest[:count], MIDDLE)),
            self.fuse_lowres(lowest),
        ]

    def _last(self, transformer: nn.Module, windows: Tensor) -> Tensor:
        """Maps of a transformer's last layer."""
        return self._maps(transformer.forward_features(windows)[:, 1:])  # type: ignore[operator]

    def _with_early(self, windows: Tensor, at_once: int) -> tuple[Tensor, ...]:
        """Maps of the two early layers and of the last one."""

        def run(part: Tensor) -> tuple[Tensor, ...]:
            last, early = self.patch_encoder.forward_intermediates(  # type: ignore[operator]
                part, indices=list(self.config.early), output_fmt="NLC"
            )
            return *map(self._maps, early), self._maps(last[:, 1:])

        return _in_turn(run, windows, at_once)

    def _maps(self, tokens: Tensor) -> Tensor:
        """Tokens (N, t², C) as maps (N, C, t, t), in the type of what follows."""
        maps = tokens.transpose(1, 2).unflatten(2, (self.config.tokens, self.config.tokens))
        return typed_for(self.fuse_lowres, maps).contiguous(memory_format=torch.channels_last)


def _in_turn(
    run: Callable[[Tensor], tuple[Tensor, ...]], windows: Tensor, at_once: int
) -> tuple[Tensor, ...]:
    """`run` over `windows`, at most `at_once` a call; its answers put together again."""
    parts = [run(part) for part in windows.split(at_once)]
    return tuple(torch.cat(answers) for answers in zip(*parts, strict=True))


class Residual(nn.Module):
    """x plus two convolutions of it, activation first (He and others, arXiv 1603.05027)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        features = typed_for(self, features)
        return features + self.residual(features)


class Fusion(nn.Module):
    """One step of the decoder: coarser features plus this level's, then twice the size."""

    def __init__(self, width: int, doubles: bool) -> None:
        super().__init__()
        self.resnet1 = Residual(width)
        self.resnet2 = Residual(width)
        self.deconv = nn.ConvTranspose2d(width, width, 2, 2, bias=False) if doubles else None
        self.out_conv = nn.Conv2d(width, width, 1)

    def forward(self, features: Tensor, level: Tensor | None = None) -> Tensor:
        if level is not None:
            features = features + self.resnet1(level)
        features = typed_for(self.out_conv, self.resnet2(features))
        fused: Tensor = self.out_conv(features) if self.deconv is None else self._doubled(features)
        return fused

    def _doubled(self, features: Tensor) -> Tensor:
        """The two last layers, both linear, as the one that they are together."""
        assert self.deconv is not None
        last = self.out_conv.weight[:, :, 0, 0].float()
        weight = torch.einsum("imyx,om->ioyx", self.deconv.weight.float(), last)
        return F.conv_transpose2d(features, weight.to(features.dtype), self.out_conv.bias, stride=2)


class Decoder(nn.Module):
    """Feature maps of five resolutions fused from the coarsest to the finest."""

    def __init__(self, config: DepthProConfig) -> None:
        super().__init__()
        width = config.features
        self.convs = nn.ModuleList(
            [
                nn.Identity(),
                *(nn.Conv2d(c, width, 3, padding=1, bias=False) for c in config.widths),
            ]
        )
        self.fusions = nn.ModuleList([Fusion(width, doubles=i > 0) for i in range(5)])

    def forward(self, levels: list[Tensor]) -> tuple[Tensor, Tensor]:
        """What `finish` adds the finest level to, and the coarsest for the field of view.

        Empties `levels`, which hold the memory, but for the finest.
        """
        coarsest = self._level(4, levels.pop())
        features = self.fusions[4](coarsest)
        for index in (3, 2, 1):
            features = self.fusions[index](features, self._level(index, levels.pop()))
        return features, coarsest

    def _level(self, index: int, features: Tensor) -> Tensor:
        """Features of a level in the decoder's width."""
        project = self.convs[index]
        level: Tensor = project(typed_for(project, features))
        return level

    def finish(self, features: Tensor, finest: Tensor) -> Tensor:
        """The finest features, from `forward`'s and the finest level."""
        fused: Tensor = self.fusions[0](features, self.convs[0](finest))
        return fused


class FieldOfView(nn.Module):
    """The horizontal field of view in degrees, from the picture and the coarsest features."""

    def __init__(self, config: DepthProConfig) -> None:
        super().__init__()
        width = config.features
        self.tokens = config.tokens
        self.encoder = nn.Sequential(_transformer(config), nn.Linear(config.embed_dim, width // 2))
        self.downsample = nn.Sequential(nn.Conv2d(width, width // 2, 3, 2, 1), nn.ReLU())
        self.head = nn.Sequential(
            nn.Conv2d(width // 2, width // 4, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width // 4, width // 8, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(width // 8, 1, config.tokens // 4),
        )

    def forward(self, coarse: Tensor, features: Tensor) -> Tensor:
        """(B,) from (B, 3, window, window) and the decoder's coarsest features."""
        transformer, project = self.encoder
        assert isinstance(project, nn.Linear)
        tokens = linear(transformer.forward_features(coarse), project)[:, 1:]  # type: ignore[operator]
        seen = tokens.transpose(1, 2).unflatten(2, (self.tokens, self.tokens))
        angle: Tensor = self.head(seen.float() + self.downsample(features.float()))
        return angle.flatten()


class DepthPro(nn.Module):
    """Canonical inverse depth and field of view of square pictures.

    Canonical inverse depth times width over focal length in pixels is 1/m (eq. 1 of the paper).
    """

    def __init__(self, config: DepthProConfig | None = None, *, field_of_view: bool = True) -> None:
        super().__init__()
        config = config or DepthProConfig()
        self.config = config
        width = config.features
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.head = nn.Sequential(
            nn.Conv2d(width, width // 2, 3, padding=1),
            nn.ConvTranspose2d(width // 2, width // 2, 2, 2),
            nn.Conv2d(width // 2, config.head_width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(config.head_width, 1, 1),
            nn.ReLU(),
        )
        self.fov = FieldOfView(config) if field_of_view else None

    def forward(
        self,
        pictures: Tensor,
        *,
        field_of_view: bool = True,
        at_once: int = 35,
        strips: int = 1,
    ) -> tuple[Tensor, Tensor | None]:
        """Canonical inverse depth (B, S, S) and the angle in degrees (B,), or None if not wanted.

        pictures : (B, 3, S, S), encoded sRGB brought to -1..1, S = `config.side`
        at_once : windows that the patch encoder sees in one call; less takes less memory
        strips : parts, top to bottom, in which the finest stage is computed; the same
        """
        pyramid = [pictures, *(F.interpolate(pictures, scale_factor=s, mode="bilinear")
                               for s in (0.5, 0.25))]  # fmt: skip
        levels = self.encoder(pyramid, at_once)
        features, coarsest = self.decoder(levels)
        angle = self.fov(pyramid[-1], coarsest) if field_of_view and self.fov else None
        (finest,) = levels
        rows = [self._rows(features, finest, i, strips) for i in range(strips)]
        return torch.cat(rows, 1), angle

    def _rows(self, features: Tensor, finest: Tensor, index: int, strips: int) -> Tensor:
        """Canonical inverse depth of one of `strips` strips: the finest stage, and the head."""
        height = features.shape[2]
        start, end = index * height // strips, (index + 1) * height // strips
        first, last = max(start - REACH, 0), min(end + REACH, height)
        seen = self.decoder.finish(features[:, :, first:last], finest[:, :, first:last])
        seen = self.head(typed_for(self.head, seen))
        inverse: Tensor = seen[:, 0, 2 * (start - first) : 2 * (end - first)]
        return inverse
