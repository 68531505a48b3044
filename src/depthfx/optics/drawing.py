"""Drawing the layers of a picture, group by group, tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.optics import slices
from depthfx.optics.edges import Blurred, Mixed
from depthfx.optics.hidden import Hidden, cell_px_for
from depthfx.optics.ladder import Group, Ladder
from depthfx.optics.levels import Level, enter

Array = NDArray[np.float32]
Place = tuple[slice, slice]

TILE_PX, STRIP_ROWS = 192, 128
"""Of a group's own size; what a worker takes at a time. Even, the latter in whole cells."""


@dataclass(frozen=True)
class _Side:
    """The groups of one side of the focus, as far as they are drawn, at the size of the last.

    planes : (4, h, w) colour * cover, and cover
    tiles : (n, m) bool, which tiles hold anything
    """

    planes: Array
    tiles: NDArray[np.bool_]

    def doubled(self, place: Place) -> Array | None:
        """A place of the next finer size, from an even corner; None if nothing is there."""
        rows, columns = (
            slice(max(s.start // 2 - 1, 0) // TILE_PX, (s.stop // 2 + 1) // TILE_PX + 1)
            for s in place
        )
        if not self.tiles[rows, columns].any():
            return None
        height, width = _size(place)
        out = np.empty((4, height, width), np.float32)
        slices.doubled(self.planes, place[0].start, place[1].start, out)
        return out


@dataclass(frozen=True)
class Drawing:
    """A picture, its layers, and what was found out about it for drawing them."""

    picture: Blurred
    ladder: Ladder
    mixed: Mixed
    levels: dict[int, Level]
    hidden: Hidden

    @classmethod
    def of(cls, picture: Blurred, ladder: Ladder, pool: Executor) -> Drawing:
        rows, cell_px = len(picture.inverse), cell_px_for(*picture.inverse.shape)
        coarsest = max(ladder.coarsest, cell_px)
        height, width = (
            _whole_blocks(side, coarsest, ladder.reach_px) for side in picture.inverse.shape
        )
        level = Level.empty(height, width)
        hidden = Hidden.empty(height, width, ladder.largest_px, cell_px)

        def split(top: int) -> Mixed:
            return Mixed.of_rows(picture, top, min(top + STRIP_ROWS, rows))

        mixed = Mixed.joined(list(pool.map(split, range(0, rows, STRIP_ROWS))))

        def put_in(top: int) -> None:
            bottom = min(top + STRIP_ROWS, height)
            farthest = np.empty(((bottom - top) // 2, width // 2, 5), np.float32)
            enter(picture, mixed, top, bottom, level, farthest)
            hidden.put(farthest, top)

        list(pool.map(put_in, range(0, height, STRIP_ROWS)))
        levels = {level.scale: level}
        while level.scale < coarsest:
            level = level.halved(pool)
            levels[level.scale] = level
        hidden.complete(levels[cell_px].near, pool)
        return cls(picture, ladder, mixed, levels, hidden)

    def draw(
        self,
        asked: Callable[[Place], bool],
        put: Callable[[Place, Array | None], None],
        pool: Executor,
        progress: Callable[[float], None],
    ) -> None:
        """Hand all tiles to `put`, those not asked for and those that stay as they are as None."""
        pixels = self.picture.pixels
        # Running sums end a rounding error away from zero.
        floor = np.float32(min(float(pixels.min()), 0.0))
        far = near = None
        for group in self.ladder.far:
            far = self.side(group, far, asked, pool)
        for group in reversed(self.ladder.near):
            near = self.side(group, near, asked, pool)

        def finish(tile: Place) -> None:
            seen = self.all_layers(tile, far, near) if asked(tile) else None
            if seen is None:
                put(tile, None)
            else:
                slices.finish(seen, floor)
                put(tile, cv2.merge(tuple(seen[:3])))

        tiles = list(_tiles(pixels.shape))
        for done, _ in enumerate(pool.map(finish, tiles), start=1):
            progress(done / len(tiles))

    def side(
        self,
        group: Group,
        coarser: _Side | None,
        asked: Callable[[Place], bool],
        pool: Executor,
    ) -> _Side:
        """A group of far or near layers, laid over or under the coarser ones of its side."""
        shape = self.levels[group.scale].near.shape
        planes = np.zeros((4, *shape), np.float32)
        tiles = np.zeros([-(-side // TILE_PX) for side in shape], np.bool_)

        def draw(tile: Place) -> None:
            if not asked(_pixels_of(tile, group.scale)):
                return
            base = None if coarser is None else coarser.doubled(tile)
            if group.near:
                seen = _over(base, self.lay(self.cells(group, tile), None))
            else:
                seen = self.lay(self.cells(group, tile), base)
            if seen is not None:
                planes[:, tile[0], tile[1]] = seen
                tiles[tile[0].start // TILE_PX, tile[1].start // TILE_PX] = True

        list(pool.map(draw, _tiles(shape)))
        return _Side(planes, tiles)

    def all_layers(self, tile: Place, far: _Side | None, near: _Side | None) -> Array | None:
        """A tile of the full size, (4, h, w) premultiplied; None if it is as in the picture."""
        cells = self.cells(self.ladder.centre, tile)
        front = None if near is None else near.doubled(tile)
        if not cells.in_focus:
            seen = self.lay(cells, None if far is None else far.doubled(tile))
        elif front is None:
            return None
        else:
            opaque = np.ones((*_size(tile), 1), np.float32)
            planes = cv2.split(np.dstack([self.picture.pixels[tile], opaque]))
            seen = np.stack(planes)
        return _over(front, seen)

    def cells(self, group: Group, tile: Place) -> _Cells:
        """What there is of a group's light for a tile of its size."""
        picture, mixed, hidden = self.picture, self.mixed, self.hidden
        level = self.levels[max(group.scale, 2)]
        place = _grown(tile, group.reach)
        if group.scale == 1:
            colour, near = _mirrored(picture.pixels, place), _mirrored(picture.inverse, place)
            squares = slices.signed_squares(
                near, near, picture.focus_inverse, picture.px_per_inverse
            )
        else:
            colour, near, far = (_mirrored(a, place) for a in (level.colour, level.near, level.far))
            squares = slices.signed_squares(near, far, np.float32(0), np.float32(1))
        shape = picture.inverse.shape if group.scale == 1 else level.near.shape
        rows, columns = slices.extents(squares)
        records = np.empty((squares.size, len(group.layers), 5), np.float32)
        at = np.empty((squares.size, 2), np.int32)
        count = slices.take_apart(
            group.scale,
            *(_mirror(along, size) for along, size in zip(place, shape, strict=True)),
            picture.pixels,
            picture.inverse,
            picture.focus_inverse,
            picture.px_per_inverse,
            mixed.mask,
            mixed.starts,
            mixed.x,
            mixed.surfaces,
            level.colour,
            level.near,
            level.far,
            hidden.cell_px,
            hidden.cells,
            hidden.shapes,
            hidden.around,
            hidden.radius,
            self.levels[hidden.cell_px].near,
            self.ladder.squares,
            self.ladder.slopes,
            group.layers.start,
            records,
            at,
            rows,
            columns,
        )
        return _Cells(group, colour, squares, rows, columns, records, at, count)

    def lay(self, cells: _Cells, seen: Array | None) -> Array | None:
        """Lay the layers of a group over `seen`, changing it; None if there is nothing."""
        group, (height, width) = cells.group, cells.squares.shape
        inside = _grown((slice(0, height), slice(0, width)), -group.reach)
        planes = None
        for n, box in enumerate(cells.boxes(self.ladder)):
            reach = group.spreads[n].reach
            target = None if box is None else common(_grown(box, reach), inside)
            if target is None or _empty(target):
                continue
            source = _grown(target, reach)
            if planes is None:
                planes = cv2.split(cells.colour)
            if seen is None:
                seen = np.zeros((4, *_size(inside)), np.float32)
            stack = np.empty((5, *_size(source)), np.float32)
            slices.cut(
                cells.squares[source],
                *(plane[source] for plane in planes),
                *self.ladder.around(group.layers[n]),
                stack,
            )
            first = source[0].start, source[1].start
            slices.put_records(cells.records, cells.at, cells.count, n, *first, stack)
            stack = group.spreads[n](stack, within(target, source))
            rows, columns = within(target, inside)
            slices.over(stack, seen[:, rows, columns])
        return seen


@dataclass(frozen=True)
class _Cells:
    """The cells around a tile, as far as a group's light goes.

    colour, squares : (h, w, 3), (h, w) of the cells that show one surface
    rows, columns : (2, h), (2, w) smallest and largest signed square in each
    records, at, count : the other cells, see `slices.take_apart`
    """

    group: Group
    colour: Array
    squares: Array
    rows: Array
    columns: Array
    records: Array
    at: NDArray[np.int32]
    count: int

    @property
    def in_focus(self) -> bool:
        """Whether everything here is in focus to the last bit."""
        return self.count == 0 and not self.rows.any()

    def boxes(self, ladder: Ladder) -> list[Place | None]:
        """Rows and columns that hold anything of each layer of the group, None if nothing."""
        lows, highs = zip(*(ladder.neighbours(k) for k in self.group.layers), strict=True)
        found = slices.boxes(
            self.rows, self.columns, np.array(lows, np.float32), np.array(highs, np.float32)
        )
        return [
            (slice(*box[:2]), slice(*box[2:])) if box[1] and box[3] else None
            for box in found.tolist()
        ]


def _whole_blocks(side: int, scale: int, reach_px: int) -> int:
    """The side in px of the levels of a picture, in blocks of `scale` px.

    A picture of no whole number of blocks goes on beyond its end, as far as light comes from:
    blocks that are partly outside would otherwise weigh as much as whole ones.
    """
    return side if side % scale == 0 else -(-(side + reach_px) // scale) * scale


def _over(front: Array | None, back: Array | None) -> Array | None:
    """Premultiplied planes over others, which are changed; either may be missing."""
    if front is None or back is None:
        return back if front is None else front
    slices.over_premultiplied(front, back)
    return back


def _pixels_of(tile: Place, scale: int) -> Place:
    """The pixels that a tile at 1 / scale of the size is enlarged to."""
    rows, columns = (slice(max(s.start - 2, 0) * scale, (s.stop + 2) * scale) for s in tile)
    return rows, columns


def _mirror(along: slice, size: int) -> NDArray[np.int64]:
    """Places from 0 to size - 1, and beyond them their mirror images."""
    i = np.arange(along.start, along.stop) % (2 * size)
    return np.where(i < size, i, 2 * size - 1 - i)


def _mirrored(a: Array, place: Place) -> Array:
    """A place of (H, W) or (H, W, C), continued by reflection where it leaves the frame."""
    inside = common(place, (slice(0, a.shape[0]), slice(0, a.shape[1])))
    if inside == place:
        return a[inside]
    (top, bottom), (left, right) = (
        (i.start - p.start, p.stop - i.stop) for i, p in zip(inside, place, strict=True)
    )
    if max(top, bottom) <= a.shape[0] and max(left, right) <= a.shape[1]:
        part = cv2.copyMakeBorder(a[inside], top, bottom, left, right, cv2.BORDER_REFLECT)
        return np.asarray(part, np.float32)
    rows, columns = (_mirror(s, n) for s, n in zip(place, a.shape[:2], strict=True))
    return np.ascontiguousarray(a[rows[:, None], columns])


def _tiles(shape: tuple[int, ...]) -> Iterator[Place]:
    for y in range(0, shape[0], TILE_PX):
        for x in range(0, shape[1], TILE_PX):
            yield slice(y, min(y + TILE_PX, shape[0])), slice(x, min(x + TILE_PX, shape[1]))


def _empty(place: Place) -> bool:
    return any(s.start >= s.stop for s in place)


def tiles_of(wanted: NDArray[np.bool_]) -> Callable[[Place], bool]:
    """Says of a place in px whether a tile that it touches holds anything that is wanted."""
    height, width = wanted.shape
    tiles = np.array(
        [
            [wanted[y : y + TILE_PX, x : x + TILE_PX].any() for x in range(0, width, TILE_PX)]
            for y in range(0, height, TILE_PX)
        ]
    )

    def asked(place: Place) -> bool:
        rows, columns = (slice(max(s.start, 0) // TILE_PX, -(-s.stop // TILE_PX)) for s in place)
        return bool(tiles[rows, columns].any())

    return asked


def _size(place: Place) -> tuple[int, int]:
    return place[0].stop - place[0].start, place[1].stop - place[1].start


def _grown(place: Place, by: int) -> Place:
    rows, columns = (slice(s.start - by, s.stop + by) for s in place)
    return rows, columns


def common(a: Place, b: Place) -> Place:
    rows, columns = (
        slice(max(s.start, t.start), min(s.stop, t.stop)) for s, t in zip(a, b, strict=True)
    )
    return rows, columns


def within(place: Place, outer: Place) -> Place:
    rows, columns = (
        slice(s.start - o.start, s.stop - o.start) for s, o in zip(place, outer, strict=True)
    )
    return rows, columns
