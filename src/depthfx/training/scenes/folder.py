"""A folder of rendered scenes, as `training.data` reads it: the `synthesise` command.

Scene number n of seed s is a function of (s, n) alone. A scene that is nearly one flat wall
teaches nothing and is drawn again; one whose subject covers under 4 % or over 75 % of the
picture is kept for its depth, its matte left unknown.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError, PhotoError
from depthfx.photo.whole import written_whole
from depthfx.training.folders import encode_inverse
from depthfx.training.scenes import nature, rooms, still, streets
from depthfx.training.scenes.cast import Rendered, render
from depthfx.training.scenes.world import World

KINDS: dict[str, tuple[Callable[[np.random.Generator], World], float]] = {
    "room": (rooms.room, 0.22),
    "corridor": (rooms.corridor, 0.12),
    "portrait_indoors": (rooms.portrait_indoors, 0.11),
    "portrait_outdoors": (streets.portrait_outdoors, 0.11),
    "street": (streets.street, 0.06),
    "square": (streets.square, 0.03),
    "car_view": (streets.car_view, 0.09),
    "meadow": (nature.meadow, 0.035),
    "forest": (nature.forest, 0.025),
    "mountains": (nature.mountains, 0.015),
    "beach": (nature.beach, 0.02),
    "garden": (nature.garden, 0.025),
    "still_life": (still.still_life, 0.07),
    "close_up": (still.close_up, 0.07),
}
"""Maker of each kind of world and its share of a folder."""

SUBJECT_SHARE = (0.04, 0.75)
"""Least and greatest share of the picture that a subject with a known matte covers."""
NEXT_SEED = 1_000_003
"""Step to the seed that is tried when a scene is refused."""
SAVED_EVERY = 20
"""Items from one writing of the index to the next: as many may be lost by a kill."""


@dataclass(frozen=True)
class Drawn:
    """A scene that was kept."""

    kind: str
    rendered: Rendered
    matte_known: bool


def kind_and_scene(seed: int) -> tuple[str, World]:
    """The world of a seed and the name of its kind."""
    rng = np.random.default_rng(seed)
    shares = np.array([share for _, share in KINDS.values()])
    kind = list(KINDS)[int(rng.choice(len(KINDS), p=shares / shares.sum()))]
    return kind, KINDS[kind][0](rng)


def scene(seed: int) -> World:
    """The world of a seed."""
    return kind_and_scene(seed)[1]


def is_flat(inverse: NDArray[np.float32]) -> bool:
    """Whether all but a few pixels are about equally far away, or the lens touches something."""
    low, high = np.percentile(inverse, [10, 90])
    return bool(high <= 1.25 * low or high > 8)


def draw(seed: int, width: int = 512) -> Drawn:
    """The first scene worth keeping of the seeds `seed`, `seed + NEXT_SEED`, ..."""
    while True:
        kind, world = kind_and_scene(seed)
        rendered = render(world, seed, width)
        if not is_flat(rendered.inverse):
            break
        seed += NEXT_SEED
    share = float(rendered.matte.mean()) / 255
    return Drawn(kind, rendered, SUBJECT_SHARE[0] <= share <= SUBJECT_SHARE[1])


def write_item(out: Path, seed: int, number: int, width: int) -> dict[str, object]:
    """Render one scene into three files; its entry in the index."""
    drawn = draw(seed * 10_000_000 + number, width)
    name, rendered = f"{number:05d}", drawn.rendered
    _save(out / f"{name}.jpg", np.ascontiguousarray(rendered.rgb[..., ::-1]))
    _save(out / f"{name}.png", encode_inverse(rendered.inverse))
    _save(out / f"{name}_matte.png", rendered.matte)
    height, width = rendered.inverse.shape
    return {
        "id": name,
        "width": width,
        "height": height,
        "fx": rendered.focal_share * width,
        "unit": "metric",
        "synthetic": True,
        "matte": drawn.matte_known,
        "kind": drawn.kind,
    }


def _save(path: Path, pixels: NDArray) -> None:
    if not cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 92]):
        raise PhotoError(f"{path} cannot be written: is the disk full or the folder read-only?")


def write_folder(out: Path, count: int, seed: int, width: int = 512, processes: int = 2) -> None:
    """Render `count` scenes of `width` pixels into `out`, in several processes.

    Per scene: `<id>.jpg`, `<id>.png` (16-bit codes of `folders.encode_inverse`, the sky as far
    as codes reach), `<id>_matte.png` (8 bit), and in `index.json` size, focal length, kind, and
    whether the matte is known. Called again after a kill it goes on from the items in the index.

    Raises
    ------
    ParameterError : if `out` is no folder or was begun with another seed or width, or a number
        is too small.
    PhotoError : if a picture cannot be written.
    """
    for name, value, least in (
        ("count", count, 0),
        ("width", width, 16),
        ("processes", processes, 1),
    ):
        if value < least:
            raise ParameterError(f"{name} = {value} is below {least}; give at least {least}")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(
            f"{out} cannot be made a folder: {error.strerror}; choose another place"
        ) from None
    done = _items_of(out, seed, width)
    left = [number for number in range(count) if f"{number:05d}" not in done]
    jobs = [(out, seed, number, width) for number in left]
    try:
        for item in _rendered(jobs, processes):
            done[str(item["id"])] = item
            if len(done) % SAVED_EVERY == 0:
                _write_index(out, seed, width, done)
    finally:
        _write_index(out, seed, width, done)


Job = tuple[Path, int, int, int]


def _rendered(jobs: list[Job], processes: int) -> Iterator[dict[str, object]]:
    """Entries of finished items, in any order."""
    if processes == 1 or len(jobs) < 2:
        yield from map(_one, jobs)
        return
    # The products of a scene are many and small: the linear algebra's threads only wait.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_one, jobs)


def _one(job: Job) -> dict[str, object]:
    return write_item(*job)


def _items_of(out: Path, seed: int, width: int) -> dict[str, dict]:
    """The finished items of a folder, by id."""
    path = out / "index.json"
    if not path.exists():
        return {}
    try:
        index = json.loads(path.read_text())
        begun = index["seed"], index["width"]
        items = {item["id"]: item for item in index["items"]}
    except (ValueError, KeyError, TypeError):
        raise ParameterError(
            f"{path} is no index of rendered scenes; choose another folder"
        ) from None
    if begun != (seed, width):
        raise ParameterError(
            f"{out} was begun with seed {begun[0]} and width {begun[1]}, not {seed} and {width}; "
            "give the same ones or choose another folder"
        )
    return items


def _write_index(out: Path, seed: int, width: int, done: dict[str, dict]) -> None:
    index = {
        "source": "rendered scenes",
        "seed": seed,
        "width": width,
        "items": [done[name] for name in sorted(done)],
    }
    with written_whole(out / "index.json", overwrite=True) as file:
        file.write(json.dumps(index, indent=1).encode())
