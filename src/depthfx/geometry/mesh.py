"""A photo as one surface of triangles, cut where depth breaks.

The surface has a vertex at each crossing of a grid over the picture. Ramps between near and far
are made into steps first (`flying`), and where neighbours are parted by a step the triangles
between them are cut along it: both surfaces go up to the same line, each at its own depth. So
from the camera there are no gaps, and from anywhere else nothing hangs between them. Lines are
found in the photo's own pixels and smoothed along the grid's sides, so that outlines are no combs.
What is flat is then drawn with fewer triangles (`decimate`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.geometry.decimate import TILE, Faces, decimated, strayed
from depthfx.geometry.flying import LEAST_JUMP, jumps, stepped
from depthfx.geometry.normals import Normals
from depthfx.geometry.unproject import Points, unproject_at

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GRID_PER_FACE = 6
"""Crossings of the grid for each triangle wanted: what is flat leaves them to what is not."""
COARSER = 1.4
"""Factor for the grid's intervals where outlines alone take more triangles than wanted."""
SMOOTHINGS, LEAST_CORNER, LEAST_SLANT = 10, 0.08, 0.1
"""Of outlines: how often, and how near to a crossing they come, as a share of the interval. A side
that hardly crosses the line through its neighbours, by its sine or so, stays cut where it is."""
SAMPLES_PER_PX = 8
"""Along the sides that are cut, for where they are."""
LEAST_ISLAND = 5e-5
"""Share of the picture: pieces of less are left out."""
LARGEST_THREAD, LEAST_WIDTH = 20.0, 2.5
"""Pieces up to so many times that are left out too if they are not so many intervals wide."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles seen from one camera.

    places : (V, 2) float64 px, where the camera sees each vertex, pixel centres at +0.5
    inverse : (V,) float64, inverse depth, above 0
    normals : (V, 3) float32, camera axes, towards the camera
    faces : (F, 3) int32, counter-clockwise as seen from the camera
    most, mean : how far the depth's pixels stray from the triangles, as a share of the distance;
        all but one in a hundred stray less than `most`
    islands : pieces that were left out as too small
    """

    camera: Camera
    places: Floats
    inverse: Floats
    normals: NDArray[np.float32]
    faces: Faces
    most: float = 0.0
    mean: float = 0.0
    islands: int = 0

    @property
    def points(self) -> Points:
        """(V, 3) float64 camera axes: x right, y down, z forward, in metres or the depth's unit."""
        return unproject_at(self.places[:, 0], self.places[:, 1], self.inverse, self.camera)

    @property
    def texture_places(self) -> Floats:
        """(V, 2): shares of the picture's width and height, from its upper left corner."""
        return self.places / [self.camera.width, self.camera.height]


def mesh_of(
    inverse: Plane,
    camera: Camera,
    normals: Normals,
    *,
    there: Mask,
    faces: int,
    progress: Callable[[float], object] = lambda _share: None,
) -> Mesh:
    """The surface of inverse depth (H, W) float32 as at most `faces` triangles or so.

    normals : (H, W, 3) float32
    there : (H, W) bool, the pixels that are part of it; elsewhere, and where `inverse` is 0,
        there is nothing

    Outlines alone may take more than very few faces: then the grid becomes coarser until they do
    not. A picture less than two pixels high or wide has no triangles.
    """
    height, width = inverse.shape
    nothing = Mesh(
        camera,
        np.empty((0, 2)),
        np.empty(0),
        np.empty((0, 3), np.float32),
        np.empty((0, 3), np.int32),
    )
    there = there & (inverse > 0)
    if min(height, width) < 2 or not there.any():
        return nothing
    clean = stepped(np.where(there, inverse, np.float32(0)), camera).inverse
    progress(0.2)
    interval = max(1.0, math.sqrt(width * height / (GRID_PER_FACE * faces)))
    while True:
        grid = _Grid.over(clean, interval)
        whole = grid.torn
        # A torn quad is two triangles of up to three pieces, each of up to two triangles.
        found = decimated(
            grid.inverse, whole, grid.valid, grid.tile, max(faces - 4 * int(whole.sum()), 0)
        )
        if found is not None or min(grid.inverse.shape) <= 3:
            break
        interval *= COARSER
    progress(0.6)
    if found is None:
        return nothing
    made = _cut(grid, found, clean, normals, camera)
    progress(0.8)
    made = _without_islands(made, interval)
    off = strayed(made.places, made.inverse, made.faces, clean)
    off = off[np.isfinite(off)]
    if not len(off):
        return made
    return replace(made, most=float(np.percentile(off, 99)), mean=float(off.mean()))


@dataclass(frozen=True, eq=False)
class _Grid:
    """Crossings of an even grid from the centre of the first pixel to that of the last.

    x, y : (n,), (m,) float64 px, pixel centres at +0.5
    inverse : (m, n) float32; valid : where it is above 0
    across, down : (m, n - 1), (m - 1, n) bool, sides that are cut
    """

    x: Floats
    y: Floats
    inverse: Plane
    valid: Mask
    across: Mask
    down: Mask
    tile: int

    @classmethod
    def over(cls, inverse: Plane, interval: float) -> _Grid:
        height, width = inverse.shape
        tile = min(TILE, 1 << max(int((min(height, width) - 1) / interval), 1).bit_length() - 1)
        columns, rows = (
            tile * max(1, math.ceil((side - 1) / interval / tile - 0.25)) + 1
            for side in (width, height)
        )
        x, y = np.linspace(0.5, width - 0.5, columns), np.linspace(0.5, height - 0.5, rows)
        sampled = np.empty((rows, columns), np.float32)
        _sample(inverse, y - 0.5, x - 0.5, np.float32(LEAST_JUMP), sampled)
        valid = sampled > 0
        across, down = jumps(sampled)
        return cls(x, y, sampled, valid, across, down, tile)

    @property
    def torn(self) -> Mask:
        """(m - 1, n - 1) bool: quads with a side that is cut."""
        return self.across[:-1] | self.across[1:] | self.down[:, :-1] | self.down[:, 1:]

    def is_cut(self, a: Ints, b: Ints) -> Mask:
        """Whether each side from a crossing to another (flat indices) is cut."""
        columns = self.inverse.shape[1]
        (ya, xa), (yb, xb) = np.divmod(a, columns), np.divmod(b, columns)
        top, left = np.minimum(ya, yb), np.minimum(xa, xb)
        level, upright = (ya == yb) & (abs(xa - xb) == 1), (xa == xb) & (abs(ya - yb) == 1)
        cut = np.zeros(len(a), bool)
        cut[level] = self.across[top[level], left[level]]
        cut[upright] = self.down[top[upright], left[upright]]
        slant = (abs(xa - xb) == 1) & (abs(ya - yb) == 1)
        y, x = top[slant], left[slant]
        # Over a diagonal they hold together if they do along either way around it.
        over, under = self.across[y, x], self.across[y + 1, x]
        before, after = self.down[y, x], self.down[y, x + 1]
        falls = (xa[slant] < xb[slant]) == (ya[slant] < yb[slant])
        one = np.where(falls, over | after, over | before)
        other = np.where(falls, before | under, under | after)
        cut[slant] = one & other
        return cut


@njit(cache=True, nogil=True, error_model="numpy")
def _sample(
    inverse: Plane, rows: Floats, columns: Floats, jump: np.float32, out: Plane
) -> None:  # pragma: no cover - compiled
    """Inverse depth between pixels: of all four if they are of one surface, else of the nearest."""
    height, width = inverse.shape
    for j in range(len(rows)):
        y = min(int(rows[j]), max(height - 2, 0))
        t = np.float32(rows[j] - y)
        for i in range(len(columns)):
            x = min(int(columns[i]), max(width - 2, 0))
            s = np.float32(columns[i] - x)
            a, b = inverse[y, x], inverse[y, x + 1]
            c, d = inverse[y + 1, x], inverse[y + 1, x + 1]
            low, high = min(min(a, b), min(c, d)), max(max(a, b), max(c, d))
            if high - low > jump * high:
                out[j, i] = inverse[y + int(t >= 0.5), x + int(s >= 0.5)]
            else:
                upper, lower = a + s * (b - a), c + s * (d - c)
                out[j, i] = upper + t * (lower - upper)


def _cut(grid: _Grid, faces: Faces, clean: Plane, normals: Normals, camera: Camera) -> Mesh:
    """The triangles of a grid, those across cuts taken into the pieces of each surface."""
    rows, columns = grid.inverse.shape
    corners = faces.astype(np.int64)
    cut = np.stack([grid.is_cut(corners[:, k], corners[:, (k + 1) % 3]) for k in range(3)], axis=1)
    # One side alone is where a cut ends: the triangle holds.
    several = cut.sum(1) >= 2
    valid = grid.valid.ravel()
    kept = corners[~several]
    kept = kept[valid[kept].all(1)]
    lines = _Lines.of(grid, corners[several], cut[several], clean)
    pieces = lines.pieces(valid)
    owner = np.concatenate([np.arange(rows * columns), lines.owners])
    y, x = np.divmod(np.arange(rows * columns), columns)
    places = np.concatenate([np.column_stack([grid.x[x], grid.y[y]]), lines.vertices])
    every = np.concatenate([kept, pieces])
    used, packed = np.unique(every, return_inverse=True)
    owner, places = owner[used], places[used]
    inverse = grid.inverse.ravel()[owner].astype(np.float64)
    height, width = clean.shape
    at = np.column_stack([grid.x[owner % columns], grid.y[owner // columns]]).astype(np.int64)
    facing = normals[np.minimum(at[:, 1], height - 1), np.minimum(at[:, 0], width - 1)]
    return Mesh(camera, places, inverse, facing, packed.reshape(-1, 3).astype(np.int32))


@dataclass(frozen=True, eq=False)
class _Lines:
    """Where torn triangles are cut.

    corners : (T, 3) flat indices of crossings, `sides` : (T, 3) which cut side leads from each
        corner to the next, -1 where none
    ends : (S, 2) the crossings that each cut side joins
    at : (S, 2) px, where it is cut
    first : index of the first vertex on a line; vertex `first + 2 * side + k` belongs to
        `ends[side, k]`, and three vertices for the middle of each triangle with three cuts follow
    """

    corners: Ints
    sides: Ints
    ends: Ints
    at: Floats
    first: int

    @classmethod
    def of(cls, grid: _Grid, corners: Ints, cut: Mask, clean: Plane) -> _Lines:
        columns = grid.inverse.shape[1]
        size = grid.inverse.size
        ahead = corners[:, [1, 2, 0]]
        low, high = np.minimum(corners, ahead), np.maximum(corners, ahead)
        keys, numbers = np.unique((low * size + high)[cut], return_inverse=True)
        sides = np.full(corners.shape, -1, np.int64)
        sides[cut] = numbers
        ends = np.column_stack(np.divmod(keys, size))
        place = np.stack([grid.x[ends % columns], grid.y[ends // columns]], axis=-1)
        share = _smoothed(_where_cut(place, clean), place, sides)
        at = place[:, 0] + share[:, None] * (place[:, 1] - place[:, 0])
        return cls(corners, sides, ends, at, size)

    @property
    def _middles(self) -> Ints:
        """The triangles whose three corners are all parted."""
        return np.flatnonzero((self.sides >= 0).all(1))

    @property
    def owners(self) -> Ints:
        """(N,) the crossing whose surface each vertex on a line, then in a middle, belongs to."""
        return np.concatenate([self.ends.ravel(), self.corners[self._middles].ravel()])

    @property
    def vertices(self) -> Floats:
        """(N, 2) px, in the order of `owners`."""
        middles = self.at[self.sides[self._middles]].mean(1)
        return np.concatenate([self.at.repeat(2, axis=0), middles.repeat(3, axis=0)])

    def _vertex(self, side: Ints, corner: Ints) -> Ints:
        """The vertex on a cut side that belongs to the surface of a corner."""
        return self.first + 2 * side + (self.ends[side, 1] == corner)

    def pieces(self, valid: Mask) -> Ints:
        """(N, 3) triangles of the surfaces that are there."""
        found = [np.empty((0, 3), np.int64)]
        two = (self.sides >= 0).sum(1) == 2
        for k in range(3):
            # Two cut sides meet at a corner that stands alone.
            here = two & (self.sides[:, (k + 1) % 3] < 0)
            alone, after, before = (self.corners[here, (k + n) % 3] for n in range(3))
            out, back = self.sides[here, k], self.sides[here, (k + 2) % 3]
            tip = np.column_stack([alone, self._vertex(out, alone), self._vertex(back, alone)])
            far_out, far_back = self._vertex(out, after), self._vertex(back, before)
            found.append(tip[valid[alone]])
            rest = valid[after] & valid[before]
            found.append(np.column_stack([after, before, far_back])[rest])
            found.append(np.column_stack([after, far_back, far_out])[rest])
        three = self._middles
        middle = self.first + 2 * len(self.ends) + 3 * np.arange(len(three))
        for k in range(3):
            corner = self.corners[three, k]
            out, back = self.sides[three, k], self.sides[three, (k + 2) % 3]
            there = valid[corner]
            out, back = self._vertex(out, corner), self._vertex(back, corner)
            found.append(np.column_stack([corner, out, middle + k])[there])
            found.append(np.column_stack([corner, middle + k, back])[there])
        return np.concatenate(found)


def _where_cut(place: Floats, clean: Plane) -> Floats:
    """(S,) how far along each side (S, 2, 2) px the photo's own pixels have their largest step."""
    if not len(place):
        return np.empty(0)
    longest = float(np.abs(place[:, 1] - place[:, 0]).max())
    share = np.linspace(0, 1, SAMPLES_PER_PX * math.ceil(longest) + 1)
    along = place[:, :1] + share[:, None] * (place[:, 1:] - place[:, :1])
    height, width = clean.shape
    x = np.minimum(along[..., 0].astype(np.int64), width - 1)
    y = np.minimum(along[..., 1].astype(np.int64), height - 1)
    # Nothing is as if it were very much farther than anything.
    values = clean[y, x]
    least = np.where(values > 0, values, np.inf).min() * 1e-3
    logs = np.log(np.where(values > 0, values, least).astype(np.float64))
    steps = np.abs(np.diff(logs, axis=1))
    # Half way if several are the same, which are equal but for rounding.
    most = steps >= 0.999 * steps.max(1, keepdims=True)
    middle = (share[1:] + share[:-1]) / 2
    return (most * middle).sum(1) / most.sum(1)


def _smoothed(share: Floats, place: Floats, sides: Ints) -> Floats:
    """`share` with each cut drawn along its side towards the line between its two neighbours."""
    pairs = np.concatenate([sides[:, [k, (k + 1) % 3]] for k in range(3)])
    pairs = pairs[(pairs >= 0).all(1)]
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    number = np.bincount(pairs[:, 0], minlength=len(share))
    # Where a line ends or three meet it stays.
    moves = np.flatnonzero(number == 2)
    first = (np.cumsum(number) - number)[moves]
    before, after = pairs[first, 1], pairs[first + 1, 1]
    start, step = place[:, 0], place[:, 1] - place[:, 0]
    share = np.clip(share, LEAST_CORNER, 1 - LEAST_CORNER)
    for _ in range(SMOOTHINGS):
        at = start + share[:, None] * step
        along = at[after] - at[before]
        # Where the side meets that line, unless it runs beside it.
        meets = _cross(along, step[moves])
        slanted = np.abs(meets) > LEAST_SLANT * (along**2).sum(1)
        wanted = _cross(along, at[before] - start[moves]) / np.where(slanted, meets, 1)
        own = share[moves]
        share = share.copy()
        nearer = own + (wanted - own) / 2
        share[moves] = np.where(slanted, np.clip(nearer, LEAST_CORNER, 1 - LEAST_CORNER), own)
    return share


def _cross(a: Floats, b: Floats) -> Floats:
    """(N,) of (N, 2) and (N, 2)."""
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _without_islands(mesh: Mesh, interval: float) -> Mesh:
    """The mesh without pieces that are small, or that are narrow and not large."""
    if not len(mesh.faces):
        return mesh
    piece = np.empty(len(mesh.places), np.int32)
    _pieces(mesh.faces, piece)
    owner = piece[mesh.faces[:, 0]]
    a, b, c = (mesh.places[mesh.faces[:, k]] for k in range(3))
    b, c = b - a, c - a
    areas = np.abs(_cross(b, c)) / 2
    sizes = np.bincount(owner, areas, minlength=len(piece))
    least = LEAST_ISLAND * mesh.camera.width * mesh.camera.height
    doubtful = mesh.faces[sizes[owner] < LARGEST_THREAD * least]
    rims = np.bincount(*_rims(mesh.places, doubtful, piece), minlength=len(piece))
    # A strip is as wide as twice its area over its rim.
    narrow = 2 * sizes < LEAST_WIDTH * interval * rims
    small = (sizes > 0) & ((sizes < least) | narrow)
    kept = ~small[owner]
    used, packed = np.unique(mesh.faces[kept], return_inverse=True)
    return replace(
        mesh,
        places=mesh.places[used],
        inverse=mesh.inverse[used],
        normals=mesh.normals[used],
        faces=packed.reshape(-1, 3).astype(np.int32),
        islands=int(small.sum()),
    )


def _rims(places: Floats, faces: Faces, piece: NDArray[np.int32]) -> tuple[Ints, Floats]:
    """Of each side that only one triangle has: its piece, and its length in px."""
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    sides.sort(axis=1)
    keys, number = np.unique(sides[:, 0] * len(places) + sides[:, 1], return_counts=True)
    a, b = np.divmod(keys[number == 1], len(places))
    lengths = np.linalg.norm(places[a] - places[b], axis=1)
    return piece[a].astype(np.int64), lengths


@njit(cache=True, nogil=True)
def _pieces(faces: Faces, piece: NDArray[np.int32]) -> None:  # pragma: no cover - compiled
    """Give the vertices of each connected piece the index of one of them: R. Tarjan's union."""
    for n in range(len(piece)):
        piece[n] = n
    for n in range(len(faces)):
        for k in range(2):
            a, b = faces[n, k], faces[n, k + 1]
            while piece[a] != a:
                piece[a] = piece[piece[a]]
                a = piece[a]
            while piece[b] != b:
                piece[b] = piece[piece[b]]
                b = piece[b]
            piece[max(a, b)] = min(a, b)
    for n in range(len(piece)):
        root = n
        while piece[root] != root:
            root = piece[root]
        piece[n] = root
