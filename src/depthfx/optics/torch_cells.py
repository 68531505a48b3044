"""Cells and the layers they have a part in: what `slices` takes apart, on a device of torch.

A cell is a pixel, or a block of pixels where layers are drawn small. Most show one surface and
stay in planes. The others, parcels, are listed with all of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from depthfx.optics.hidden import BEHIND_PX
from depthfx.optics.ladder import Group, Ladder
from depthfx.optics.slices import GUESS
from depthfx.optics.torch_surfaces import Behind, Level, Mixed, Scene, first_level, look_behind


@dataclass(frozen=True, eq=False)
class Rungs:
    """A ladder on the device.

    A surface is on rung k + n if it is nearer than layer k by n, see `slices`. Then it covers
    layer k by 1 - |rung - k|, and lets see a share k + 1 - rung of what is behind layer k, both
    within 0..1.
    """

    squares: Tensor
    slopes: Tensor

    @classmethod
    def of(cls, ladder: Ladder, device: torch.device) -> Rungs:
        return cls(*(torch.tensor(a, device=device) for a in (ladder.squares, ladder.slopes)))

    def __call__(self, radius: Tensor) -> Tensor:
        """Rungs of surfaces of signed radii in px, within the ladder's."""
        square = radius * radius.abs()
        last = len(self.squares) - 2
        below = torch.bucketize(square, self.squares, right=True).sub_(1).clamp_(0, last)
        nearer = (square - self.squares[below]).mul_(self.slopes[below]).clamp_(0, 1)
        return nearer.add_(below)


@dataclass(frozen=True, eq=False)
class Parcels:
    """N cells of P surfaces each.

    y, x : (N,) int64
    colour : (4, N, P) and 1
    rung : (N, P)
    weight : (N, P) share of the cell where a surface is seen, and what it weighs as a guess
    guessed : (N, P) the latter alone, see `slices`
    """

    y: Tensor
    x: Tensor
    colour: Tensor
    rung: Tensor
    weight: Tensor
    guessed: Tensor

    @classmethod
    def of(
        cls, y: Tensor, x: Tensor, colour: Tensor, rung: Tensor, seen: Tensor, guessed: Tensor
    ) -> Parcels:
        """From colours (3, N, P), and what is seen without the guesses."""
        return cls(
            y,
            x,
            functional.pad(colour, (0, 0, 0, 0, 0, 1), value=1.0),
            rung,
            seen + guessed,
            guessed,
        )

    def and_more(self, more: Parcels) -> Parcels:
        """Both, of equally many surfaces a cell."""
        pairs = zip(vars(self).values(), vars(more).values(), strict=True)
        y, x, colour, *rest = (torch.cat(pair, 1 if pair[0].ndim == 3 else 0) for pair in pairs)
        return Parcels(y, x, colour, *rest)

    def cut(self, k: int) -> Tensor:
        """(5, N) colour * cover, cover, and what is known, of layer k."""
        cover, known = cut_layer(self.rung, k)
        cover, known = cover * self.weight, known * self.weight
        # A guess is no evidence that the layers nearer than its own are empty.
        known -= (self.rung <= k - 1) * self.guessed
        return torch.cat([(self.colour * cover).sum(-1), known.sum(-1)[None]])


def cut_layer(rung: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Cover of layer k, and what is known of it, where one surface is seen."""
    known = (k + 1 - rung).clamp_(0, 1)
    return known - (k - rung).clamp_(0, 1), known


@dataclass(frozen=True, eq=False)
class Surfaces:
    """What was found out about a scene, as far as the cutting of layers needs it."""

    scene: Scene
    mixed: Mixed
    levels: dict[int, Level]
    behind: Behind

    @classmethod
    def of(cls, scene: Scene, ladder: Ladder) -> Surfaces:
        mixed = Mixed.of(scene)
        level, cells = first_level(scene, mixed)
        behind = look_behind(cells, level.near, ladder.largest_px)
        levels = {2: level}
        while level.scale < ladder.coarsest:
            level = level.halved()
            levels[level.scale] = level
        return cls(scene, mixed, levels, behind)

    def cells(self, group: Group, rungs: Rungs) -> tuple[Tensor, tuple[Parcels, ...]]:
        """All light of a group at its size.

        Returns (4, h, w) colour and rung of cells that show one surface, and the other cells.
        """
        if group.scale == 1:
            colour, front, apart = self.scene.pixels, self.scene.radius, self.mixed.index >= 0
        else:
            level = self.levels[group.scale]
            colour, front = level.colour, 0.5 * (level.near + level.far)
            apart = level.near - level.far > 0.25 * group.scale
        hiding = self.hiding(group, rungs, colour, front, apart)
        mixed = self.taken_apart(group.scale, rungs, apart)
        parcels = (hiding.and_more(mixed),) if group.scale == 1 else (hiding, mixed)
        return torch.cat([colour, rungs(front)[None]]), parcels

    def hiding(
        self, group: Group, rungs: Rungs, colour: Tensor, front: Tensor, apart: Tensor
    ) -> Parcels:
        """Cells of one surface that may hide another one of the group's layers."""
        scale, (height, width) = group.scale, self.behind.radius.shape
        rows, columns = (
            (torch.arange(side, device=front.device) * scale // 2 + scale // 4).clamp(max=last - 1)
            for side, last in zip(front.shape, (height, width), strict=True)
        )
        behind = self.behind.radius[rows[:, None], columns]
        y, x = torch.nonzero(~apart & (behind < front - BEHIND_PX), as_tuple=True)
        hidden = rungs(behind[y, x])
        near_by = (hidden > group.layers.start - 1) & (hidden < group.layers.stop)
        y, x, hidden = y[near_by], x[near_by], hidden[near_by]
        visible, nothing = torch.ones_like(hidden), torch.zeros_like(hidden)
        return Parcels.of(
            y,
            x,
            torch.stack([colour[:, y, x], self.behind.colour[:, rows[y], columns[x]]], -1),
            torch.stack([rungs(front[y, x]), hidden], -1),
            torch.stack([visible, nothing], -1),
            torch.stack([nothing, torch.full_like(hidden, GUESS)], -1),
        )

    def taken_apart(self, scale: int, rungs: Rungs, apart: Tensor) -> Parcels:
        """Cells that show more than one surface, by their pixels; a pixel shows one or two."""
        y, x = torch.nonzero(apart, as_tuple=True)
        height, width = self.scene.radius.shape
        step = torch.arange(scale, device=y.device)
        v = (y[:, None, None] * scale + step[:, None]).expand(-1, -1, scale).flatten(1)
        u = (x[:, None, None] * scale + step).expand(-1, scale, -1).flatten(1)
        inside = ((v < height) & (u < width)).to(torch.float32)
        part = inside / inside.sum(1, keepdim=True)
        v, u = v.clamp(max=height - 1), u.clamp(max=width - 1)
        radius, pixels, mixed = self.scene.radius[v, u], self.scene.pixels[:, v, u], self.mixed
        index = mixed.index[v, u].long()
        two = index >= 0

        def listed(values: Tensor) -> Tensor:
            """For each pixel; any value for those of one surface, which have no place."""
            return functional.pad(values, (0, 1))[..., index]

        share = torch.where(two, listed(mixed.share), 1.0)
        near = torch.where(two, listed(mixed.near), radius)
        far = torch.where(two, listed(mixed.far), radius)
        front, back = torch.where(two, listed(mixed.front), pixels), listed(mixed.back)
        return Parcels.of(
            y,
            x,
            torch.cat([front, back], -1),
            rungs(torch.cat([near, far], -1)),
            torch.cat([part * share, part * (1 - share)], -1),
            torch.cat([torch.zeros_like(part), torch.where(two, part * share * GUESS, 0.0)], -1),
        )
