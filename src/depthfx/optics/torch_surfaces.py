"""What `edges`, `levels` and `hidden` find out about a picture, found by torch on its device.

The same rules on whole planes instead of pixel by pixel; the constants are theirs. Planes are
channels first. The host waits for the device a few times a picture, to learn how many pixels
are mixed and how many have something behind them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from depthfx.optics.edges import (
    COLOUR_VARIANCE,
    KNOWN_SHARE_SIGMA,
    SHARE_SIGMA,
    SMALLEST_JUMP_PX,
    WINDOWS,
)
from depthfx.optics.hidden import BEHIND_PX, LEAST_PART, SAME_SURFACE_PX, levels_for

AT_ONCE = 1 << 24
"""Samples that are looked at together when mixed pixels are taken apart: 64 MB a plane."""

LEAST_WEIGHT = 0.02
"""A back surface counts this much at least, however little of it shows; as in `levels`."""


@dataclass(frozen=True, eq=False)
class Scene:
    """`edges.Blurred` on a device.

    pixels : (3, H, W) float32, linear light
    radius : (H, W) float32, signed blur radius in px, near > 0
    behind, coverage : (H, W) float32, radius of the second surface of boundary pixels, and the
        front's share of them; both or neither
    """

    pixels: Tensor
    radius: Tensor
    behind: Tensor | None = None
    coverage: Tensor | None = None

    def known_shares(self) -> Tensor | None:
        """(H, W), the front's share where two surfaces are known, -1 elsewhere."""
        if self.behind is None or self.coverage is None:
            return None
        two = self.radius - self.behind > SMALLEST_JUMP_PX
        return torch.where(two, self.coverage, -1.0)


@dataclass(frozen=True, eq=False)
class Mixed:
    """The N pixels that show two surfaces; see `edges.Mixed`.

    y, x : (N,) int64
    index : (H, W) int32, the place in these lists, -1 for pixels of one surface
    front, back : (3, N) float32, colours in linear light
    share : (N,) float32, of the front
    near, far : (N,) float32, signed radius in px of front and back
    """

    y: Tensor
    x: Tensor
    index: Tensor
    front: Tensor
    back: Tensor
    share: Tensor
    near: Tensor
    far: Tensor

    @classmethod
    def of(cls, scene: Scene) -> Mixed:
        """Find them and take them apart."""
        high, low = _around(scene.radius), -_around(-scene.radius)
        if scene.behind is not None:
            two = scene.behind < scene.radius - SMALLEST_JUMP_PX
            low, high = torch.where(two, scene.behind, low), torch.where(two, scene.radius, high)
        y, x = torch.nonzero(high - low > SMALLEST_JUMP_PX, as_tuple=True)
        known = scene.known_shares()
        sides = _Sides.around(scene, known, y, x, 0.5 * (low + high)[y, x], (high - low)[y, x])
        if known is not None:
            keep = sides.met
            y, x, sides = y[keep], x[keep], sides.where(keep)
        share, front, back = _unmixed(scene, known, y, x, sides)
        index = torch.full_like(scene.radius, -1, dtype=torch.int32)
        index[y, x] = torch.arange(len(y), dtype=torch.int32, device=y.device)
        return cls(y, x, index, front, back, share, sides.radius[0], sides.radius[1])

    def put(self, plane: Tensor, values: Tensor) -> Tensor:
        """`plane` (..., H, W) with `values` (..., N) at the mixed pixels."""
        plane = plane.clone()
        plane[..., self.y, self.x] = values
        return plane


def _around(plane: Tensor) -> Tensor:
    """The largest value in the 3 x 3 around each pixel."""
    return functional.max_pool2d(plane[None, None], 3, stride=1, padding=1)[0, 0]


@dataclass(frozen=True, eq=False)
class _Sides:
    """What there is on the near and far side of the jump at N pixels.

    met : (N,) bool, whether there is something on both
    prior : (N,), the part of the 3 x 3 neighbourhood that is in front
    colour : (2, 3, N), radius : (2, N), variance : (2, N), means; near first
    """

    met: Tensor
    prior: Tensor
    colour: Tensor
    radius: Tensor
    variance: Tensor

    def where(self, keep: Tensor) -> _Sides:
        """Some of the pixels."""
        return _Sides(
            self.met[keep],
            self.prior[keep],
            self.colour[..., keep],
            self.radius[:, keep],
            self.variance[:, keep],
        )

    @classmethod
    def around(
        cls, scene: Scene, known: Tensor | None, y: Tensor, x: Tensor, middle: Tensor, jump: Tensor
    ) -> _Sides:
        """From the smallest of `WINDOWS` that meets both sides.

        middle, jump : (N,) radius in px between the two sides, and how far they are apart
        """
        sides = cls._in_window(scene, known, y, x, middle, jump, *map(int, WINDOWS[0]))
        if known is None:  # the jump is in the 3 x 3 neighbourhood itself
            return sides
        for reach, stride in WINDOWS[1:].tolist():
            left = torch.nonzero(~sides.met)[:, 0]
            if len(left) == 0:
                break
            wider = cls._in_window(
                scene, known, y[left], x[left], middle[left], jump[left], reach, stride
            )
            for ours, theirs in zip(vars(sides).values(), vars(wider).values(), strict=True):
                ours[..., left] = theirs
        return sides

    @classmethod
    def _in_window(
        cls,
        scene: Scene,
        known: Tensor | None,
        y: Tensor,
        x: Tensor,
        middle: Tensor,
        jump: Tensor,
        reach: int,
        stride: int,
    ) -> _Sides:
        steps = torch.arange(-reach, reach + 1, stride, device=y.device)
        dy, dx = (d.reshape(-1, 1) for d in torch.meshgrid(steps, steps, indexing="ij"))
        distance = torch.exp(-(dy**2 + dx**2) / (4.5 * stride**2))
        binomial = (2 - dy.abs()).clamp(min=0) * (2 - dx.abs()).clamp(min=0) / 16.0
        parts = [
            cls._sampled(scene, known, distance, binomial, y + dy, x + dx, middle, jump)
            for y, x, middle, jump in zip(
                *(a.split(AT_ONCE // len(dy)) for a in (y, x, middle, jump)), strict=True
            )
        ]
        return cls(*(torch.cat(values, -1) for values in zip(*parts, strict=True)))

    @staticmethod
    def _sampled(
        scene: Scene,
        known: Tensor | None,
        distance: Tensor,
        binomial: Tensor,
        v: Tensor,
        u: Tensor,
        middle: Tensor,
        jump: Tensor,
    ) -> tuple[Tensor, ...]:
        """The fields of `_Sides` from the places v, u (M, N)."""
        v, u = v.clamp(0, scene.radius.shape[0] - 1), u.clamp(0, scene.radius.shape[1] - 1)
        radius, colour = scene.radius[v, u], scene.pixels[:, v, u]
        in_front = radius > middle
        # Places of neither surface count less: those far from the two ends of the jump.
        off = jump / 2 - (radius - middle).abs()
        weight = distance * torch.exp(-off.abs() * (4.0 / jump))
        share = in_front.to(weight.dtype)
        if known is not None:  # a neighbour that is a mixture says less of the front
            seen = known[v, u]
            weight = torch.where(in_front & (seen >= 0), weight * (seen**3 + 1e-4), weight)
        sides = torch.stack([weight * share, weight * (1 - share)])
        total = sides.sum(1)
        sides = sides / total.clamp(min=1e-30)[:, None]
        mean = (sides[:, None] * colour).sum(2)
        spread = (sides[:, None] * (colour - mean[:, :, None]) ** 2).sum((1, 2))
        return (
            (total > 0).all(0),
            (binomial * share).sum(0),
            mean,
            (sides * radius).sum(1),
            spread / 3 + COLOUR_VARIANCE,
        )


def _unmixed(
    scene: Scene, known: Tensor | None, y: Tensor, x: Tensor, sides: _Sides
) -> tuple[Tensor, Tensor, Tensor]:
    """The most likely share of the front, and the colours of front and back."""
    pixel, (near, far) = scene.pixels[:, y, x], sides.colour
    prior, sigma = sides.prior, torch.full_like(sides.prior, SHARE_SIGMA)
    if known is not None:
        given = known[y, x]
        prior = torch.where(given >= 0, given, prior)
        sigma = torch.where(given >= 0, KNOWN_SHARE_SIGMA, sigma)
    step = near - far
    along, apart, trust = ((pixel - far) * step).sum(0), (step * step).sum(0), 1 / sigma**2

    def variance_of(a: Tensor) -> Tensor:
        return a * a * sides.variance[0] + (1 - a) ** 2 * sides.variance[1]

    a = prior
    for _ in range(3):  # the variance of the mixture depends on the share: settle it
        variance = variance_of(a)
        a = ((along / variance + prior * trust) / (apart / variance + trust)).clamp(0, 1)
    # What the two means do not explain goes to each colour by its variance.
    rest = (pixel - a * near - (1 - a) * far) / variance_of(a)
    front = (near + rest * a * sides.variance[0]).clamp(min=0)
    back = (far + rest * (1 - a) * sides.variance[1]).clamp(min=0)
    return a, front, back


def fours(planes: Tensor, beyond: float | None = None) -> Tensor:
    """(..., h, 2, w, 2): planes (..., H, W) in blocks of 2 x 2 px.

    beyond : the value of what the last blocks lack; None for the last pixels' own
    """
    bottom, right = planes.shape[-2] % 2, planes.shape[-1] % 2
    if bottom or right:
        if beyond is None:
            planes = torch.cat([planes, planes[..., -1:, :]], -2) if bottom else planes
            planes = torch.cat([planes, planes[..., -1:]], -1) if right else planes
        else:
            planes = functional.pad(planes, (0, right, 0, bottom), value=beyond)
    return planes.unflatten(-2, (-1, 2)).unflatten(-1, (-1, 2))


@dataclass(frozen=True, eq=False)
class Level:
    """The picture in blocks of `scale` px squared, see `levels.Level`; channels first."""

    scale: int
    colour: Tensor
    near: Tensor
    far: Tensor

    def halved(self) -> Level:
        """The next level."""
        return Level(
            2 * self.scale,
            fours(self.colour).mean((-3, -1)),
            fours(self.near).amax((-3, -1)),
            fours(self.far).amin((-3, -1)),
        )


def _weighted(colour: Tensor, radius: Tensor, weight: Tensor) -> Tensor:
    """(5, h, w) colour * w, radius * w, w of the farthest surface of each block of four.

    All (..., h, 2, w, 2); a radius is infinite where the weight is 0.
    """
    farthest = radius.amin((-3, -1), keepdim=True)
    share = torch.exp((farthest - radius) / SAME_SURFACE_PX)
    share = torch.where(weight > 0, share * weight, 0.0)
    total = share.sum((-3, -1))
    mean = torch.where(weight > 0, radius, 0.0)
    out = torch.cat(
        [(share * colour).sum((-3, -1)), (share * mean).sum((-3, -1))[None], total[None]]
    )
    # One full child is evidence enough; more of them do not weigh more.
    return out / total.clamp(min=1.0)


@dataclass(frozen=True, eq=False)
class Behind:
    """What is hidden behind the nearest surface of each block of 2 x 2 px.

    colour : (3, h, w) float32, linear light
    radius : (h, w) float32, signed, in px; infinite where there is nothing
    """

    colour: Tensor
    radius: Tensor


def first_level(scene: Scene, mixed: Mixed) -> tuple[Level, Tensor]:
    """The level of 2 x 2 px, and (5, h, w) what is farthest in its cells, see `hidden.Hidden`."""
    near = mixed.put(scene.radius, mixed.near)
    far = mixed.put(scene.radius, mixed.far)
    colour = mixed.put(scene.pixels, mixed.back)
    weight = mixed.put(torch.ones_like(far), (1 - mixed.share).clamp(min=LEAST_WEIGHT))
    # A lamp is seldom continued behind what hides its neighbourhood.
    weight = weight / colour.amax(0).clamp(min=1.0) ** 2
    level = Level(
        2,
        fours(scene.pixels).mean((-3, -1)),
        fours(near).amax((-3, -1)),
        fours(far).amin((-3, -1)),
    )
    return level, _weighted(fours(colour), fours(far), fours(weight, 0.0))


def look_behind(cells: Tensor, near: Tensor, largest_px: float) -> Behind:
    """What `hidden.search` finds behind the nearest surface of each cell.

    cells : (5, h, w) of the first level
    near : (h, w) radius of the nearest surface there
    """
    levels = [cells]
    while len(levels) < levels_for(largest_px):
        weight = fours(levels[-1][4], 0.0)
        radius = torch.where(weight > 0, fours(levels[-1][3]) / weight, torch.inf)
        colour = torch.where(weight > 0, fours(levels[-1][:3]) / weight, 0.0)
        levels.append(_weighted(colour, radius, weight))
    around = [-_around(-level[3] / level[4].clamp(min=1e-30)) for level in levels]
    sizes = torch.tensor([2.0**n for n in range(len(levels) - 1)], device=near.device)
    highest = torch.bucketize(near.abs() + 1, sizes)
    reaches = _looked_up(around, highest) < near - BEHIND_PX
    v, u = torch.nonzero(reaches, as_tuple=True)
    front, highest = near[v, u], highest[v, u]
    found = torch.full((4, len(v)), torch.inf, device=near.device)
    for n, level in enumerate(levels):  # the finest that shows something counts
        there = around[n][_at(around[n], v >> n, u >> n)] < front - BEHIND_PX
        left = torch.nonzero(there & (n <= highest) & ~found[3].isfinite())[:, 0]
        here, shows = _shown(level, v[left], u[left], front[left], n)
        found[:, left] = torch.where(shows, here, torch.inf)
    colour, radius = torch.zeros_like(cells[:3]), torch.full_like(near, torch.inf)
    colour[:, v, u], radius[v, u] = found[:3], found[3]
    return Behind(colour, radius)


def _at(plane: Tensor, v: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    return v.clamp(max=plane.shape[-2] - 1), u.clamp(max=plane.shape[-1] - 1)


def _looked_up(planes: list[Tensor], chosen: Tensor) -> Tensor:
    """For each cell of the first level the value there of the level chosen for it."""
    rows, columns = (torch.arange(side, device=chosen.device) for side in chosen.shape)
    out = planes[0]
    for n, plane in enumerate(planes[1:], start=1):
        v, u = _at(plane, (rows >> n)[:, None], (columns >> n)[None])
        out = torch.where(chosen == n, plane[v, u], out)
    return out


def _shown(level: Tensor, v: Tensor, u: Tensor, front: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """(4, N) colour and radius of what level n shows behind `front`, (N,) whether it does.

    Bilinear, but among the farthest surface of the four cells alone.
    """
    sides: list[tuple[Tensor, Tensor]] = []
    for at, size in zip((v, u), level.shape[1:], strict=True):
        place = ((at + 0.5) / 2**n - 0.5).clamp(0, size - 1)
        first = place.floor()
        share = place - first
        low = first.long()
        sides.append(
            (torch.stack([low, (low + 1).clamp(max=size - 1)]), torch.stack([1 - share, share]))
        )
    (rows, down), (columns, right) = sides
    four = level[:, rows[:, None], columns[None]].flatten(1, 2)
    part = (down[:, None] * right[None]).flatten(0, 1)
    weight = part * four[4]
    radius = torch.where(four[4] > 0, four[3] / four[4], torch.inf)
    limit = front - BEHIND_PX
    seen = torch.where((part > LEAST_PART) & (four[4] > 0), radius, torch.inf).amin(0)
    farthest = torch.minimum(seen, limit)
    share = part * torch.exp(((farthest - radius) / SAME_SURFACE_PX).clamp(max=0))
    share = torch.where(weight > 0, share, 0.0)
    total = (share * four[4]).sum(0).clamp(min=1e-30)
    return (share * four[:4]).sum(1) / total, seen < limit
