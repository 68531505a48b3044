"""Small scenes with exact depth, made by casting rays at boxes and ellipsoids.

Rooms, corridors, streets, meadows and table tops with procedural textures, any
camera height, tilt and roll, and fog outdoors. They teach what the measured pairs
lack: streets and sky, tilted cameras, and edges that are sharp to the pixel.
A scene is a function of its seed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.training.data import FARTHEST, NEAREST, NEAREST_CODE, Image, Plane, Rng

SIZE = (288, 384)
"""(height, width) of a picture."""
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Solid:
    """A box or an ellipsoid: centre and half sizes in metres, turned about the vertical."""

    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    yaw: float = 0.0
    round: bool = False
    inside: bool = False
    """Seen from within: the walls of a room."""
    texture: int = 0
    glow: float = 0.0


@dataclass(frozen=True)
class World:
    """What is to be seen: y points down, the ground is y = 0."""

    solids: list[Solid]
    eye: tuple[float, float, float]
    yaw: float
    pitch: float
    roll: float
    focal_share: float
    sky: bool
    fog: float
    """Extinction in 1/m."""


def hit(solid: Solid, origin: Vector, rays: Vector) -> tuple[NDArray, Vector]:
    """Ray parameter (inf where missed) and outward normal of each ray, (n,) and (n, 3)."""
    c, s = np.float32(np.cos(solid.yaw)), np.float32(np.sin(solid.yaw))
    turn = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)
    half = np.array(solid.half, np.float32)
    o = (turn @ (origin - np.array(solid.centre, np.float32))) / half
    d = (rays @ turn.T) / half
    if solid.round:
        a, b = (d * d).sum(1), (d * o).sum(1)
        root = b * b - a * ((o * o).sum() - 1)
        first = (-b - np.sqrt(np.maximum(root, 0))) / a
        normal = (o + first[:, None] * d) / half
        t = np.where(root > 0, first, np.inf)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (-1 - o) / d, (1 - o) / d
        near, far = np.minimum(first, second), np.maximum(first, second)
        enter, leave = near.max(1), far.min(1)
        axis = far.argmin(1) if solid.inside else near.argmax(1)
        t = leave if solid.inside else np.where(enter < leave, enter, np.inf)
        sign = -np.sign(np.take_along_axis(d, axis[:, None], 1))
        normal = np.zeros_like(d)
        np.put_along_axis(normal, axis[:, None], sign, 1)
    t = np.where(t > 1e-3, t, np.inf)
    normal = normal @ turn
    return t, normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)


def rays_of(world: World, size: tuple[int, int]) -> Vector:
    """One ray through each pixel's centre, (h * w, 3), its share along the axis being 1."""
    h, w = size
    x, y = np.meshgrid((np.arange(w) + 0.5) / w - 0.5, ((np.arange(h) + 0.5) - h / 2) / w)
    rays = np.stack([x / world.focal_share, y / world.focal_share, np.ones_like(x)], -1)
    cr, sr = np.cos(world.roll), np.sin(world.roll)
    cp, sp = np.cos(world.pitch), np.sin(world.pitch)
    cy, sy = np.cos(world.yaw), np.sin(world.yaw)
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return (rays.reshape(-1, 3) @ (yaw @ pitch @ roll).T).astype(np.float32)


def lattice_noise(grid: NDArray[np.float64], x: Vector, y: Vector) -> NDArray[np.float64]:
    """`grid` repeated over the plane, bilinear between its integer points."""
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - column, y - row
    n = len(grid)
    left, right, above, below = column % n, (column + 1) % n, row % n, (row + 1) % n
    return (grid[above, left] * (1 - fx) + grid[above, right] * fx) * (1 - fy) + (
        grid[below, left] * (1 - fx) + grid[below, right] * fx
    ) * fy


def paint(rng: Rng, kind: int, place: Vector, normal: Vector) -> Vector:
    """Linear albedo (n, 3) of points (n, 3) in metres under a procedural texture."""
    base = rng.uniform(0.05, 0.85) * np.exp(rng.normal(0, 0.15, 3))
    other = np.clip(base * np.exp(rng.normal(0, 0.6)) * np.exp(rng.normal(0, 0.2, 3)), 0.01, 0.95)
    # Two coordinates along the surface: drop the axis that the normal follows.
    axis = np.abs(normal).argmax(1)
    u = np.where(axis == 0, place[:, 2], place[:, 0])
    v = np.where(axis == 1, place[:, 2], place[:, 1])
    scale = float(np.exp(rng.uniform(np.log(0.04), np.log(1.2))))
    if kind == 0:
        mix = np.zeros_like(u)
    elif kind == 1:
        mix = (np.floor(u / scale) + np.floor(v / scale)) % 2
    elif kind == 2:
        mix = np.floor((u * np.cos(scale * 40) + v * np.sin(scale * 40)) / scale) % 2
    elif kind == 3:  # bricks, tiles
        row = np.floor(v / scale)
        mix = ((v / scale - row) < 0.1) | (((u / scale / 2 + 0.5 * (row % 2)) % 1) < 0.05)
    elif kind == 4:  # a facade's windows
        width, height = rng.uniform(1.2, 3), rng.uniform(2.4, 3.6)
        mix = (np.abs(u / width % 1 - 0.5) < rng.uniform(0.15, 0.35)) & (
            np.abs(v / height % 1 - 0.5) < rng.uniform(0.2, 0.35)
        )
    else:
        mix = np.zeros_like(u)
        for octave in range(4):
            spread = scale * 4 / 2**octave
            mix += lattice_noise(rng.random((64, 64)), u / spread, v / spread) / 2**octave
        mix = np.clip(mix / 1.9 * 2 - 0.5, 0, 1)
    colour = base + np.asarray(mix, np.float32)[:, None] * (other - base)
    return np.clip(colour, 0.005, 0.95).astype(np.float32)


def cast(rng: Rng, world: World, size: tuple[int, int]) -> tuple[Vector, Plane]:
    """Linear colours (h, w, 3) and inverse depth (h, w) in 1/m of a world."""
    rays, eye = rays_of(world, size), np.array(world.eye, np.float32)
    best = np.full(len(rays), np.inf, np.float32)
    owner = np.full(len(rays), -1)
    normals = np.zeros_like(rays)
    for index, solid in enumerate(world.solids):
        t, normal = hit(solid, eye, rays)
        closer = t < best
        best = np.where(closer, t, best).astype(np.float32)
        owner[closer], normals[closer] = index, normal[closer]

    sun = rng.normal(0, 1, 3) * [1, 0.3, 1] - [0, 1.0, 0]
    sun = (sun / np.linalg.norm(sun)).astype(np.float32)
    lamp = eye + rng.normal(0, 2.0, 3).astype(np.float32)
    ambient = rng.uniform(0.15, 0.6)
    horizon = np.clip(rng.uniform(0.3, 1.0) * np.exp(rng.normal(0, 0.15, 3)), 0, 1.2)
    zenith = horizon * [0.6, 0.75, 1.0] if rng.random() < 0.6 else horizon
    up = np.clip(-rays[:, 1:2] / np.linalg.norm(rays, axis=1, keepdims=True), 0, 1)
    colours = (horizon + (zenith - horizon) * up).astype(np.float32)
    for index, solid in enumerate(world.solids):
        seen = owner == index
        if not seen.any():
            continue
        place = eye + rays[seen] * best[seen, None]
        albedo = paint(rng, solid.texture, place, normals[seen])
        if world.sky:
            light = ambient + np.maximum(normals[seen] @ sun, 0)
        else:
            away = lamp - place
            distance = np.linalg.norm(away, axis=1)
            facing = np.maximum((normals[seen] * away).sum(1) / distance, 0)
            light = ambient + facing * 4 / (1 + distance**2)
        colours[seen] = albedo * light[:, None] + np.float32(solid.glow)
    if world.fog:
        keep = np.exp(-world.fog * np.minimum(best, 1e4))[:, None]
        colours = keep * colours + (1 - keep) * horizon.astype(np.float32)
    inverse = np.where(np.isfinite(best), 1 / np.maximum(best, 1e-3), 0).astype(np.float32)
    return colours.reshape(*size, 3), inverse.reshape(size)


def _texture(rng: Rng) -> int:
    return int(rng.choice([0, 1, 2, 3, 4, 5], p=[0.25, 0.08, 0.1, 0.12, 0.05, 0.4]))


def _clutter(
    rng: Rng, count: int, area: tuple[float, float, float, float], smallest: float, largest: float
) -> list[Solid]:
    """Solids that stand on the ground within x0, x1, z0, z1."""
    solids = []
    for _ in range(count):
        half = np.exp(rng.uniform(np.log(smallest), np.log(largest), 3))
        if rng.random() < 0.3:  # thin ones: posts, legs, lamps
            half[[0, 2]] = np.exp(rng.uniform(np.log(0.01), np.log(0.06)))
            half[1] = rng.uniform(0.3, 1.3)
        lift = 0.0 if rng.random() < 0.7 else rng.uniform(0, 1.5)
        centre = (rng.uniform(*area[:2]), -half[1] - lift, rng.uniform(*area[2:]))
        solids.append(
            Solid(
                centre,
                tuple(half),
                rng.uniform(0, np.pi),
                rng.random() < 0.3,
                texture=_texture(rng),
            )
        )
    return solids


def _camera(rng: Rng, world: World) -> World:
    tilted = rng.random() < 0.4
    return replace(
        world,
        pitch=rng.normal(0, 0.4 if tilted else 0.1),
        roll=rng.normal(0, 0.3 if tilted else 0.03),
        focal_share=float(np.exp(rng.uniform(np.log(0.45), np.log(1.6)))),
    )


def indoors(rng: Rng) -> World:
    """A room or a corridor with furniture, lamps and things on its walls."""
    corridor = rng.random() < 0.4
    w, h = (
        (rng.uniform(1.6, 3.5), rng.uniform(2.3, 3.2))
        if corridor
        else (rng.uniform(2.5, 9), rng.uniform(2.3, 4))
    )
    d = rng.uniform(8, 40) if corridor else rng.uniform(3, 12)
    walls = Solid((0, -h / 2, 0), (w / 2, h / 2, d / 2), inside=True, texture=_texture(rng))
    floor = Solid((0, 0.05, 0), (w / 2, 0.06, d / 2), texture=_texture(rng))
    solids = [walls, floor]
    solids += _clutter(rng, int(rng.integers(3, 14)), (-w / 2, w / 2, -d / 2, d / 2), 0.08, 0.9)
    for _ in range(rng.integers(2, 9)):  # doors, shelves, pictures
        side = rng.choice([-1, 1])
        high = rng.uniform(0.2, 1.1)
        solids.append(
            Solid(
                (side * w / 2, -rng.uniform(high, h - high / 2), rng.uniform(-d / 2, d / 2)),
                (rng.uniform(0.02, 0.35), high, rng.uniform(0.2, 0.8)),
                texture=_texture(rng),
            )
        )
    for _ in range(rng.integers(0, 6)):
        solids.append(
            Solid(
                (rng.uniform(-0.4, 0.4) * w, -h, rng.uniform(-d / 2, d / 2)),
                (0.15, 0.05, 0.5),
                texture=0,
                glow=rng.uniform(0.5, 2),
            )
        )
    eye = (
        rng.uniform(-0.45, 0.45) * w,
        -rng.uniform(0.4, h - 0.3),
        d / 2 * rng.uniform(-0.95, 0.5),
    )
    yaw = rng.normal(0, 0.4) if corridor else rng.uniform(-np.pi, np.pi)
    return _camera(rng, World(solids, eye, yaw, 0, 0, 1, False, 0.0))


def street(rng: Rng) -> World:
    """A road between facades, with cars, posts, trees and a sky."""
    wide = rng.uniform(5, 16)
    solids = [Solid((0, 1, 0), (400, 1, 400), texture=_texture(rng))]
    for side in (-1, 1):
        z = rng.uniform(-10, 5)
        while z < 120 and rng.random() < 0.93:
            length, high = rng.uniform(5, 25), rng.uniform(3, 22)
            solids.append(
                Solid(
                    (side * (wide / 2 + 5 + rng.uniform(0, 4)), -high / 2, z + length / 2),
                    (5, high / 2, length / 2),
                    rng.normal(0, 0.03),
                    texture=4 if rng.random() < 0.6 else _texture(rng),
                )
            )
            z += length + (rng.uniform(2, 15) if rng.random() < 0.4 else 0)
    for _ in range(rng.integers(0, 9)):  # cars and vans
        x, z, yaw = rng.uniform(-0.5, 0.5) * wide, rng.uniform(4, 60), rng.normal(0, 0.1)
        colour = int(rng.choice([0, 5]))
        solids.append(Solid((x, -0.55, z), (0.85, 0.45, 2.1), yaw, texture=colour))
        solids.append(Solid((x, -1.15, z), (0.75, rng.uniform(0.25, 0.9), 1.2), yaw, texture=0))
    for _ in range(rng.integers(2, 14)):
        x, z = rng.choice([-1, 1]) * wide * rng.uniform(0.3, 0.5), rng.uniform(3, 60)
        solids.append(Solid((x, -3, z), (rng.uniform(0.03, 0.15), 3, 0.08), texture=0))
        if rng.random() < 0.5:
            size = rng.uniform(0.8, 2.5)
            solids.append(Solid((x, -4.5, z), (size, size, size), round=True, texture=5))
    eye = (rng.uniform(-0.3, 0.3) * wide, -rng.uniform(1.2, 2.2), 0.0)
    fog = float(np.exp(rng.uniform(np.log(1e-4), np.log(0.02))))
    return _camera(rng, World(solids, eye, rng.normal(0, 0.15), 0, 0, 1, True, fog))


def meadow(rng: Rng) -> World:
    """Open ground with bushes, trees, rocks, people-sized things and a sky."""
    solids = [Solid((0, 1, 0), (400, 1, 400), texture=5)]
    for _ in range(rng.integers(1, 6)):  # hills
        far = rng.uniform(40, 200)
        solids.append(
            Solid(
                (rng.normal(0, far / 2), 3, far),
                (far / 2, rng.uniform(5, 25), far / 3),
                round=True,
                texture=5,
            )
        )
    for _ in range(rng.integers(3, 16)):  # trees
        x, z = rng.normal(0, 12), np.exp(rng.uniform(np.log(3), np.log(60)))
        high, size = rng.uniform(1, 5), rng.uniform(0.6, 2.5)
        solids.append(Solid((x, -high / 2, z), (0.05 * size, high / 2, 0.05 * size), texture=5))
        for _ in range(rng.integers(1, 4)):
            offset = rng.normal(0, size / 2, 3)
            solids.append(
                Solid(
                    (x + offset[0], -high + offset[1], z + offset[2]),
                    (size, size * rng.uniform(0.6, 1.2), size),
                    round=True,
                    texture=5,
                )
            )
    solids += _clutter(rng, int(rng.integers(2, 12)), (-6, 6, 1.5, 15), 0.1, 0.6)
    fog = float(np.exp(rng.uniform(np.log(1e-4), np.log(0.02))))
    eye = (0.0, -rng.uniform(0.4, 2.0), 0.0)
    return _camera(rng, World(solids, eye, rng.normal(0, 0.2), 0, 0, 1, True, fog))


def table(rng: Rng) -> World:
    """A table top with small things close to the camera, and a wall behind."""
    far = rng.uniform(0.8, 3)
    solids = [
        Solid((0, 0.5, far / 2), (2, 0.5, far / 2 + 1), texture=_texture(rng)),
        Solid((0, 0, far + 0.1), (6, 6, 0.1), rng.normal(0, 0.2), texture=_texture(rng)),
    ]
    solids += _clutter(rng, int(rng.integers(4, 14)), (-0.7, 0.7, 0.5, far), 0.02, 0.25)
    world = World(
        solids,
        (rng.normal(0, 0.1), -rng.uniform(0.1, 0.6), 0.0),
        rng.normal(0, 0.15),
        0,
        0,
        1,
        False,
        0.0,
    )
    world = _camera(rng, world)
    return replace(world, pitch=world.pitch + rng.uniform(0, 0.3))


KINDS = (indoors, street, meadow, table)
SHARES = (0.4, 0.27, 0.18, 0.15)


def render(seed: int) -> tuple[Image, Plane, float]:
    """Photo (H, W, 3) uint8, inverse depth (H, W) in 1/m and focal length over width."""
    while True:
        rng = np.random.default_rng(seed)
        world = KINDS[rng.choice(len(KINDS), p=SHARES)](rng)
        linear, inverse = cast(rng, world, SIZE)
        if inverse.max() < 8 and (inverse < 0.8 * inverse.max()).mean() > 0.3:
            break
        seed += 1_000_003  # the eye is inside something, or looks at one wall
    soft = cv2.GaussianBlur(linear, (0, 0), 0.6)  # a lens never draws staircases
    exposure = 0.35 / max(float(np.median(soft)), 1e-3) * np.exp(rng.normal(0, 0.3))
    encoded = np.clip(soft * exposure, 0, 1) ** (1 / 2.2)
    return (encoded * 255 + 0.5).astype(np.uint8), inverse, world.focal_share


def encode_inverse(inverse: Plane) -> NDArray[np.uint16]:
    """Inverse depth to the codes that `data.decode_inverse` reads; 0 becomes the farthest."""
    position = np.log(np.clip(inverse, FARTHEST, NEAREST) / FARTHEST)
    return (1 + np.rint(position * (NEAREST_CODE - 1) / np.log(NEAREST / FARTHEST))).astype(
        np.uint16
    )


def write_folder(out: Path, count: int, seed: int) -> None:
    """Render `count` scenes into a folder that `data.load_depth_pairs` reads."""
    out.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        rgb, inverse, share = render(seed * 10_000_000 + number)
        name = f"{number:05d}"
        cv2.imwrite(
            str(out / f"{name}.jpg"),
            np.ascontiguousarray(rgb[..., ::-1]),
            [cv2.IMWRITE_JPEG_QUALITY, 92],
        )
        cv2.imwrite(str(out / f"{name}.png"), encode_inverse(inverse))
        items.append(
            {
                "id": name,
                "width": SIZE[1],
                "height": SIZE[0],
                "fx": share * SIZE[1],
                "unit": "metric",
                "synthetic": True,
            }
        )
    (out / "index.json").write_text(json.dumps({"source": "synthetic", "items": items}, indent=1))
