"""The renderer of `defocus` for GPUs: the same layers, spread by products of spectra.

What `defocus` does tile by tile on a processor is done here for many tiles at once, layer by
layer. A layer's tiles are gathered with as much of their surroundings as its light crosses
(mirrored beyond the frame), and convolved with the opening by two Fourier transforms
(J. W. Cooley, J. W. Tukey, Mathematics of Computation 19, 1965), whose cost does not depend
on the radius and which take an opening of any shape. Which layers a tile has anything of is
found out beforehand, once for each size that layers are drawn at, so that the host does not
wait for the device between layers.

It runs wherever torch has Fourier transforms: CUDA, MPS, and the CPU for its tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from depthfx.errors import ModelError, ShapeError
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.edges import Blurred
from depthfx.optics.ladder import Group, Ladder
from depthfx.optics.patches import Place, patches
from depthfx.optics.slices import LEAST_KNOWN
from depthfx.optics.torch_cells import Parcels, Rungs, Surfaces
from depthfx.optics.torch_surfaces import Scene

Array = NDArray[np.float32]

WINDOW_PX = 128
"""Side of a tile with its surroundings; a power of two, which Fourier transforms like best.
Larger ones have less surroundings for each pixel but more layers for each tile."""

BLOCK_PX = 8
"""Side of the blocks for which is noted which layers they have anything of."""

PLANES_AT_ONCE = 40
"""Float planes of a window that are held together while a layer is laid."""

WORKING_BYTES = 2 << 30
"""Memory for the windows of one layer that are worked on together, if nothing else is said."""

PADDED_TO = 16
"""Windows are worked on in multiples of this many, or in powers of two below."""

NO_COVER = 4e-6
"""Rounding error of the transforms: a cover as small as this is none."""


@torch.no_grad()
def drawn(
    picture: Blurred, aperture: Aperture, device: torch.device, working_bytes: int = WORKING_BYTES
) -> Array:
    """What `defocus.defocus` makes of a picture, drawn on a device of torch.

    working_bytes : see `defocused`

    Returns (H, W, 3) float32. Raises ShapeError if a depth is not finite, ModelError if the
    device's memory is too small.
    """
    low, high = picture.ends()
    if low == high == 0:
        return picture.pixels.copy()

    def on_device(a: Array) -> Tensor:
        return torch.tensor(a, device=device)

    def radius(plane: Array) -> Tensor:
        return (on_device(plane) - float(picture.focus_inverse)) * float(picture.px_per_inverse)

    try:
        scene = Scene(
            on_device(picture.pixels).permute(2, 0, 1).contiguous(),
            radius(picture.inverse),
            None if picture.behind is None else radius(picture.behind),
            None if picture.coverage is None else on_device(picture.coverage),
        )
        out = _seen_through(scene, low, high, aperture, working_bytes)
        return out.permute(1, 2, 0).contiguous().cpu().numpy()
    except RuntimeError as error:  # torch.OutOfMemoryError is one; MPS has no name for its own
        if "out of memory" not in str(error):
            raise
        height, width = picture.inverse.shape
        raise ModelError(
            f"a picture of {width} x {height} px does not fit into the memory of {device}: "
            "use --device cpu"
        ) from None


@torch.no_grad()
def defocused(
    pixels: Tensor,
    inverse: Tensor,
    *,
    focus_inverse: float,
    blur_px: float,
    aperture: Aperture = ROUND,
    behind: Tensor | None = None,
    coverage: Tensor | None = None,
    working_bytes: int = WORKING_BYTES,
) -> Tensor:
    """`defocus.defocus` for what is on a device already.

    pixels : (3, H, W) float32, linear light
    inverse, behind, coverage : (H, W) float32
    focus_inverse, blur_px, aperture : as there; no disc may be wider than half the diagonal
    working_bytes : of the device's memory, for the windows of a layer that are worked on
        together; the result does not depend on it. The rest needs about 150 bytes a pixel

    Returns (3, H, W) float32 on the same device. The host waits for the device a few times.
    Raises ShapeError if the tensors do not fit each other or a depth is not finite.
    """
    if pixels.ndim != 3 or pixels.shape[0] != 3 or pixels.dtype != torch.float32:
        raise ShapeError(f"pixels must be (3, H, W) float32, got {(*pixels.shape,)} {pixels.dtype}")
    planes = {"inverse": inverse, "behind": behind, "coverage": coverage}
    for name, plane in planes.items():
        if plane is not None and plane.shape != pixels.shape[1:]:
            raise ShapeError(f"{name} is {(*plane.shape,)}, but should be {(*pixels.shape[1:],)}")
    if behind is None or coverage is None:
        behind = coverage = None
    half = blur_px / 2
    radius = (inverse - focus_inverse) * half
    back = None if behind is None else (behind - focus_inverse) * half
    ends = [radius.amin(), radius.amax()] + ([] if back is None else [back.amin()])
    values = torch.stack(ends).tolist()
    if not all(map(math.isfinite, values)):
        raise ShapeError(f"inverse depth must be finite, gives radii of {values} px")
    low, high = min(values), values[1]
    if low == high == 0:
        return pixels.clone()
    return _seen_through(Scene(pixels, radius, back, coverage), low, high, aperture, working_bytes)


def _seen_through(
    scene: Scene, low: float, high: float, aperture: Aperture, working_bytes: int
) -> Tensor:
    ladder = Ladder.spanning(low, high, aperture.at(0.0, 0.0))
    drawing = _Drawing.of(scene, ladder, working_bytes)
    if not aperture.varies:
        return drawing.draw(ladder, lambda _: True)
    out = torch.zeros_like(scene.pixels)
    everywhere = slice(0, out.shape[1]), slice(0, out.shape[2])
    for patch in patches(out.shape[1:]):
        seen = drawing.draw(Ladder.spanning(low, high, aperture.at(patch.x, patch.y)), patch.meets)
        out += torch.from_numpy(patch.weight(everywhere)[..., 0]).to(out.device) * seen
    return out


@dataclass(frozen=True, eq=False)
class _Cells:
    """The light of a group, cut into overlapping windows around tiles that do not overlap.

    tile : side of a tile in cells; a window reaches equally far beyond it on all sides
    planes : (4, h, w) colour and rung of cells that show one surface
    parcels : the other cells; index : (h, w) int32, their place in the parcels' order, or -1
    rows, columns : (n + 1, WINDOW_PX), (m, WINDOW_PX) int64, the cells in each row and column
        of windows, mirrored beyond the frame; the last row is of no window, for padding
    present : (L + 1, n * m) bool on the host, which windows have anything of each layer, and
        at last, which have any of the parcels' cells
    """

    scale: int
    tile: int
    planes: Tensor
    parcels: tuple[Parcels, ...]
    index: Tensor
    rows: Tensor
    columns: Tensor
    present: NDArray[np.bool_]

    @classmethod
    def of(cls, group: Group, planes: Tensor, parcels: tuple[Parcels, ...]) -> _Cells:
        y, x = torch.cat([some.y for some in parcels]), torch.cat([some.x for some in parcels])
        index = torch.full_like(planes[3], -1, dtype=torch.int32)
        index[y, x] = torch.arange(len(y), dtype=torch.int32, device=y.device)
        reach = max(spread.reach for spread in group.spreads)
        rows, columns = (_windows(side, reach, index.device) for side in index.shape)
        blocks = _noted(group, planes[3], index, parcels)
        along = blocks[:, columns // BLOCK_PX].any(2)
        present = along[rows // BLOCK_PX].any(1).flatten(0, 1).T.cpu().numpy()
        rows = torch.cat([rows, rows[:1]])
        tile = WINDOW_PX - 2 * reach
        return cls(group.scale, tile, planes, parcels, index, rows, columns, present)

    def lay(
        self,
        group: Group,
        seen: Tensor | None,
        asked: Callable[[Place], bool],
        together: int,
    ) -> Tensor:
        """The group's layers over `seen` (4, h, w): the same, another tensor.

        asked : whether the result will be looked at in a place of the picture
        together : as many windows are worked on at a time
        """
        tiles = self.tiles_of(seen)
        spectra = _spectra(group, tiles.device)
        windows, batches = self.batches(asked, together)
        rows = self.rows[windows // len(self.columns)][:, :, None]
        columns = self.columns[windows % len(self.columns)][:, None]
        layer = None
        for n, mixed, batch in batches:
            k = group.layers[n]
            if mixed and n != layer:
                records = torch.cat([some.cut(k) for some in self.parcels], -1)
                layer = n
            stack = self.cut(k, rows[batch], columns[batch], records if mixed else None)
            stack = self.spread(stack, spectra[n] if group.spreads[n].reach else None)
            tiles[:, windows[batch]] = _laid(stack, tiles[:, windows[batch]])
        return self.joined(tiles)

    def batches(
        self, asked: Callable[[Place], bool], together: int
    ) -> tuple[Tensor, list[tuple[int, bool, slice]]]:
        """Windows that have anything of a layer, all layers one after another, and where which
        lie in that list: the layer's number, whether they have cells of parcels, the slice.

        Fourier transforms are planned anew for each number of windows, so there are few
        numbers: the last windows are padded with the one that stands for none.
        """
        count = self.present.shape[1]
        wanted = np.array([asked(self.pixels_of(tile)) for tile in range(count)])
        windows: list[NDArray[np.intp]] = []
        batches, first = [], 0
        for n, present in enumerate(self.present[:-1]):
            for mixed in (False, True):
                chosen = np.flatnonzero(wanted & present & (self.present[-1] == mixed))
                for start in range(0, len(chosen), together):
                    some = chosen[start : start + together]
                    step = min(PADDED_TO, _power_of_two(2 * len(some) - 1))
                    padding = np.full(-len(some) % step, count)
                    windows += [some, padding]
                    batches.append((n, mixed, slice(first, first + len(some) + len(padding))))
                    first = batches[-1][2].stop
        flat = np.concatenate([np.empty(0, np.intp), *windows])
        return torch.from_numpy(flat).to(self.index.device), batches

    def pixels_of(self, tile: int) -> Place:
        """The pixels that a tile is enlarged to."""
        first = [self.tile * i for i in divmod(tile, len(self.columns))]
        rows, columns = (
            slice(max(at - 2, 0) * self.scale, (at + self.tile + 2) * self.scale) for at in first
        )
        return rows, columns

    def cut(self, k: int, rows: Tensor, columns: Tensor, records: Tensor | None) -> Tensor:
        """(5, B, side, side) layer k of some windows: colour * cover, cover, what is known.

        rows, columns : (B, side, 1), (B, 1, side) the windows' cells
        records : (5, N) the same of the parcels; None if there are none in these windows
        """
        planes = self.planes[:, rows, columns]
        stack = planes.new_empty((5, *planes.shape[1:]))
        torch.sub(k + 1, planes[3], out=stack[4]).clamp_(0, 1)
        torch.sub(stack[4], planes[3].neg_().add_(k).clamp_(0, 1), out=stack[3])
        torch.mul(planes[:3], stack[3], out=stack[:3])
        if records is None:
            return stack
        index = self.index[rows, columns]
        return torch.where(index >= 0, records[:, index.clamp_(min=0)], stack)

    def spread(self, stack: Tensor, spectrum: Tensor | None) -> Tensor:
        """A layer's windows (5, B, side, side) spread, as far as their tiles go."""
        if spectrum is not None:
            stack = torch.fft.irfft2(torch.fft.rfft2(stack).mul_(spectrum), s=stack.shape[-2:])
        inside = slice((WINDOW_PX - self.tile) // 2, (WINDOW_PX + self.tile) // 2)
        return stack[..., inside, inside]

    def tiles_of(self, seen: Tensor | None) -> Tensor:
        """(4, n * m + 1, tile, tile) of planes (4, h, w), with one more tile for padding."""
        count, side = self.present.shape[1], self.tile
        tiles = self.planes.new_zeros((4, count + 1, side, side))
        if seen is not None:
            height, width = (len(self.rows) - 1) * side, len(self.columns) * side
            padded = functional.pad(seen, (0, width - seen.shape[2], 0, height - seen.shape[1]))
            blocks = padded.unflatten(1, (-1, side)).unflatten(3, (-1, side))
            tiles[:, :count].unflatten(1, (-1, len(self.columns))).copy_(blocks.transpose(2, 3))
        return tiles

    def joined(self, tiles: Tensor) -> Tensor:
        """(4, h, w) of `tiles_of`."""
        height, width = self.index.shape
        blocks = tiles[:, :-1].unflatten(1, (-1, len(self.columns))).transpose(2, 3)
        return blocks.flatten(3, 4).flatten(1, 2)[:, :height, :width]


@dataclass(frozen=True, eq=False)
class _Drawing:
    """A scene as the layers of its ladder will be cut from it, far to near."""

    far: tuple[_Cells, ...]
    centre: _Cells
    near: tuple[_Cells, ...]
    floor: Tensor
    together: int

    @classmethod
    def of(cls, scene: Scene, ladder: Ladder, working_bytes: int) -> _Drawing:
        surfaces, rungs = Surfaces.of(scene, ladder), Rungs.of(ladder, scene.radius.device)
        return cls(
            tuple(_Cells.of(group, *surfaces.cells(group, rungs)) for group in ladder.far),
            _Cells.of(ladder.centre, *surfaces.cells(ladder.centre, rungs)),
            tuple(_Cells.of(group, *surfaces.cells(group, rungs)) for group in ladder.near),
            scene.pixels.amin().clamp(max=0),
            _power_of_two(working_bytes // (4 * PLANES_AT_ONCE * WINDOW_PX**2)),
        )

    def draw(self, ladder: Ladder, asked: Callable[[Place], bool]) -> Tensor:
        """(3, H, W) the finished picture in the places asked for.

        ladder : that of the drawing, but for the shape of the opening
        """
        seen = near = None
        for cells, group in zip(self.far, ladder.far, strict=True):
            under = _doubled(seen, cells.index)
            seen = cells.lay(group, under, asked, self.together)
        for cells, group in reversed(list(zip(self.near, ladder.near, strict=True))):
            under = cells.lay(group, None, asked, self.together)
            near = _over(_doubled(near, cells.index), under)
        under = _doubled(seen, self.centre.index)
        seen = self.centre.lay(ladder.centre, under, asked, self.together)
        seen = _over(_doubled(near, self.centre.index), seen)
        # What layers left open is like the rest.
        return torch.maximum(seen[:3] / seen[3].clamp(min=1e-6), self.floor)


def _doubled(planes: Tensor | None, like: Tensor) -> Tensor | None:
    """Planes (4, h, w) at twice their size, which is that of the last plane."""
    if planes is None:
        return None
    height, width = like.shape
    twice = functional.interpolate(
        planes[None], scale_factor=2, mode="bilinear", align_corners=False
    )
    return twice[0, :, :height, :width]


def _laid(layer: Tensor, seen: Tensor) -> Tensor:
    """A spread layer (5, ...) over `seen` (4, ...), colour premultiplied by its cover."""
    cover, known = layer[3], layer[4]
    there = (known >= LEAST_KNOWN) & (cover > NO_COVER)
    own = layer[:4] * (there / known.clamp(min=LEAST_KNOWN))
    own[3].clamp_(max=1)
    return own.addcmul_(seen, 1 - own[3])


def _over(front: Tensor | None, seen: Tensor) -> Tensor:
    """Premultiplied planes (4, h, w) over others."""
    return seen if front is None else front + seen * (1 - front[3])


def _noted(group: Group, rung: Tensor, index: Tensor, parcels: tuple[Parcels, ...]) -> Tensor:
    """(h, w, L + 1) bool: which blocks have anything of a group's layers, and any parcels.

    A surface between two layers is noted for both, one on a layer for that one alone.
    """
    count, before = len(group.layers), group.layers.start - 1
    height, width = (-(-side // BLOCK_PX) for side in rung.shape)
    noted = torch.zeros((height, width, count + 3), dtype=torch.bool, device=rung.device)
    yes = torch.ones((), dtype=torch.bool, device=rung.device)
    rows, columns = (torch.arange(side, device=rung.device) // BLOCK_PX for side in rung.shape)
    alone = index < 0
    for whole in (torch.floor, torch.ceil):
        # The first and the last but one place are for layers beyond the group's.
        layer = (whole(rung) - before).clamp_(0, count + 1)
        layer = torch.where(alone, layer, float(count + 2)).long()
        noted.index_put_((rows[:, None], columns, layer), yes)
        for some in parcels:
            layer = (whole(some.rung) - before).clamp_(0, count + 1).long()
            noted.index_put_((rows[some.y][:, None], columns[some.x][:, None], layer), yes)
    return torch.cat([noted[..., 1 : count + 1], noted[..., -1:]], -1)


def _power_of_two(limit: int) -> int:
    """The largest one up to a limit, at least 1."""
    return 1 << max(limit.bit_length() - 1, 0)


def _windows(size: int, reach: int, device: torch.device) -> Tensor:
    """(n, WINDOW_PX) places along an axis of each window, mirrored beyond its ends."""
    tile = WINDOW_PX - 2 * reach
    first = torch.arange(0, size, tile, device=device) - reach
    places = (first[:, None] + torch.arange(WINDOW_PX, device=device)) % (2 * size)
    return torch.where(places < size, places, 2 * size - 1 - places)


def _spectra(group: Group, device: torch.device) -> Tensor:
    """(L, 1 or 5, 1, side, side / 2 + 1) complex, of the openings of a group's layers."""
    channels = max(spread.taps[0, 0].size for spread in group.spreads)
    points = np.zeros((len(group.spreads), channels, WINDOW_PX, WINDOW_PX), np.float32)
    for spread, point in zip(group.spreads, points, strict=True):
        size = len(spread.taps)
        point[:, :size, :size] = spread.taps.reshape(size, size, -1).transpose(2, 0, 1)
        point[:] = np.roll(point, (-spread.reach, -spread.reach), axis=(1, 2))
    if channels > 1:
        # Cover and what is known have no colour: they go with the light as a whole.
        points = np.concatenate([points, *[points.mean(axis=1, keepdims=True)] * 2], axis=1)
    return torch.fft.rfft2(torch.from_numpy(points).to(device))[:, :, None]
