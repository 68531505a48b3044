"""Layers as a composition in After Effects: a script that builds it, and its footage.

    NAME.jsx             File > Scripts > Run Script File...; goes where its footage goes
    footage/LAYER.png    a layer each, 16 bits, straight alpha
    footage/Depth.png    the map for Camera Lens Blur, black near

The camera of After Effects is a pinhole: a layer at the distance `zoom` px is seen at its own size
(Adobe, "After Effects Scripting Guide", and the Help page on cameras). With the focal length as
zoom, a card of inverse depth w stands at the distance zoom * pivot / w, enlarged by pivot / w: the
cards lie where the photo has them, and the pivot's, which the camera turns about, at Z = 0. Axes
are ours (x right, y down, z away), so are the signs of turns.

After Effects can not move its picture across the sensor. A principal point beside the middle is
made up for by cards that stand askew, which is exact but where the camera turns or zooms; the
`shift` of a pose by a turn, which is near enough for a small one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from depthfx.depth import Plane
from depthfx.errors import ParameterError
from depthfx.export.ease import EasedKey, eased
from depthfx.export.footage import (
    Progress,
    file_names,
    nothing,
    one_line,
    space_of,
    unique,
    write_depth,
    write_layers,
)
from depthfx.export.shot import Shot
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.pose import Pose
from depthfx.layers.layers import Layer, Layers
from depthfx.photo.whole import written_whole

Place = tuple[float, float, float]

SIDES_PX, RATES, LONGEST_S = (4, 30000), (1.0, 99.0), 10800.0
"""What a composition can be: ItemCollection.addComp in the scripting guide."""
FARTHEST = 1000.0
"""In distances of the pivot: what is farther stands there, and moves by a thousandth of the
pivot's parallax where it should not move at all."""
TOLERANCE_PX = 0.02
"""Of the picture, by which a key's curve may leave the move."""
CENTRED_PX = 0.01
USUAL_APERTURE = 0.01
"""Of the focal length in px: about what After Effects gives a new camera."""
DECIMALS = 6
FOOTAGE = "footage"
TEMPLATE = "after_effects.jsx"
GAP = "__SHOT__"
LABELS = 16
"""Label colours that After Effects has."""
DEPTH_NAME = "Depth (black near, for Camera Lens Blur)"
RIG_NAME = "Camera rig"
CAMERA_NAME = "Camera"


def export(
    layers: Layers,
    shot: Shot,
    folder: Path,
    *,
    depth: Plane | None = None,
    progress: Progress = nothing,
) -> None:
    """Fill an empty folder with the script and its footage.

    depth : (H, W) float32, the photo's inverse depth, for the depth pass; None: there is none
    progress : told the share that is done; what it raises ends the work

    Raises ParameterError if After Effects has no such composition, or the layers are meant for
    linear light; PhotoError if a file cannot be written.
    """
    _check(shot)
    space_of(layers)
    names = unique([*(layer.name for layer in layers.layers), "Depth"])
    names = [f"{name}.png" for name in file_names(names)]
    script = script_of(composition(layers, shot, names if depth is not None else names[:-1]))
    place = folder / FOOTAGE
    place.mkdir()
    write_layers(layers, [place / name for name in names[:-1]], progress)
    if depth is not None:
        write_depth(depth, place / names[-1])
    with written_whole(folder / f"{file_names([shot.name])[0]}.jsx") as file:
        file.write(script)
    progress(1.0)


def _check(shot: Shot) -> None:
    """Raise ParameterError if After Effects has no composition of this size, rate and length."""
    low, high = SIDES_PX
    for side, pixels in (("width", shot.width), ("height", shot.height)):
        if not low <= pixels <= high:
            raise ParameterError(
                f"{side}={pixels}: a composition of After Effects has {low} to {high} px; "
                "choose another size"
            )
    if not RATES[0] <= shot.fps <= RATES[1]:
        raise ParameterError(
            f"fps={shot.fps:g}: After Effects has {RATES[0]:g} to {RATES[1]:g} frames a second"
        )
    if not 0 < shot.seconds <= LONGEST_S:
        raise ParameterError(
            f"seconds={shot.seconds:g}: a composition of After Effects lasts above 0 and at most "
            f"{LONGEST_S:g} seconds"
        )


def script_of(data: dict[str, Any]) -> bytes:
    """The script with what it is to build; ASCII, since ExtendScript reads other bytes in the
    code page of the computer."""
    template = (files(__package__) / TEMPLATE).read_text(encoding="ascii")
    written = json.dumps(data, indent=4, ensure_ascii=True, allow_nan=False)
    return template.replace(GAP, written.replace("\n", "\n    ")).encode("ascii")


@dataclass(frozen=True)
class World:
    """The space of a composition, in its px, and what is in it.

    width, height : of the frame
    scale : px of the frame in a px of the photo, which fills it
    zoom_px : the focal length, and the distance of the pivot
    pivot_inverse : inverse depth that stands at Z = 0
    askew : how far the principal point lies right of and below the frame's middle, px
    photo : width and height of the photo
    """

    width: int
    height: int
    scale: float
    zoom_px: float
    pivot_inverse: float
    askew: tuple[float, float]
    photo: tuple[int, int]

    @classmethod
    def of(cls, layers: Layers, shot: Shot) -> World:
        camera = layers.camera
        scale = max(shot.width / camera.width, shot.height / camera.height)
        askew = (scale * (camera.cx - camera.width / 2), scale * (camera.cy - camera.height / 2))
        pivot = shot.pivot_inverse or _middle([layer.card_inverse for layer in layers.layers])
        return cls(
            shot.width,
            shot.height,
            scale,
            scale * camera.focal_px,
            pivot,
            askew,
            (camera.width, camera.height),
        )

    @property
    def px_per_metre(self) -> float:
        return self.zoom_px * self.pivot_inverse

    @property
    def rig(self) -> Place:
        """Where the null stands that carries the camera: at the pivot."""
        return (self.width / 2, self.height / 2, 0.0)

    def card(self, layer: Layer) -> tuple[Place, float]:
        """Where the middle of a layer stands, and how much its pixels are enlarged."""
        share = min(self.pivot_inverse / layer.card_inverse, FARTHEST)
        height, width = layer.alpha.shape
        x = self.scale * (layer.left + width / 2 - self.photo[0] / 2)
        y = self.scale * (layer.top + height / 2 - self.photo[1] / 2)
        place = (
            self.width / 2 + share * x,
            self.height / 2 + share * y,
            self.zoom_px * (share - 1),
        )
        return place, self.scale * share

    def point(self, metres: Place) -> Place:
        """Where a point given in the axes of the photo's camera lies, seen from the rig."""
        x, y, z = (self.px_per_metre * v for v in metres)
        askew = z / self.zoom_px
        return (x + askew * self.askew[0], y + askew * self.askew[1], z - self.zoom_px)


def _middle(inverse: list[float]) -> float:
    return (min(inverse) + max(inverse)) / 2 if inverse else 1.0


def composition(layers: Layers, shot: Shot, file_names: list[str]) -> dict[str, Any]:
    """What the script builds, in values that JSON has.

    file_names : of each layer, farthest first, and of the depth pass if there is one
    """
    world = World.of(layers, shot)
    groups = _groups(layers)
    reserved = [CAMERA_NAME, RIG_NAME, DEPTH_NAME]
    given = [*groups, *(one_line(layer.name) for layer in layers.layers)]
    names = unique([*reserved, *given])[len(reserved) :]
    nulls = [
        _group(name, group, world, layers, label)
        for label, (name, group) in enumerate(zip(names, groups, strict=False), start=1)
    ]
    cards = [
        _card(name, file, layer, world, groups, nulls)
        for name, file, layer in zip(names[len(groups) :], file_names, layers.layers, strict=False)
    ]
    depth = None
    if len(file_names) > len(layers.layers):
        depth = {"name": DEPTH_NAME, "file": file_names[-1], "scale": 100 * world.scale}
    return {
        "name": one_line(shot.name),
        "folder": FOOTAGE,
        "width": shot.width,
        "height": shot.height,
        "frameRate": shot.fps,
        "duration": shot.frames / shot.fps,
        "layers": cards,
        "groups": nulls,
        "depth": depth,
        "rig": {"name": RIG_NAME, "position": list(world.rig)},
        "camera": {"name": CAMERA_NAME, **camera_of(world, shot)},
    }


def _groups(layers: Layers) -> list[str]:
    """The groups of more than one layer, farthest first."""
    given = [layer.group for layer in layers.layers if layer.group]
    return [group for group in dict.fromkeys(given) if given.count(group) > 1]


def _group(name: str, group: str, world: World, layers: Layers, label: int) -> dict[str, Any]:
    """The null of a group, which stands where its nearest layer does."""
    nearest = [k for k, layer in enumerate(layers.layers) if layer.group == group][-1]
    place, _ = world.card(layers.layers[nearest])
    return {
        "name": one_line(name),
        "position": _rounded(place),
        "label": 1 + (label - 1) % LABELS,
        "above": nearest,
    }


def _card(
    name: str,
    file: str,
    layer: Layer,
    world: World,
    groups: list[str],
    nulls: list[dict[str, Any]],
) -> dict[str, Any]:
    """A layer, placed as its parent sees it."""
    place, enlarged = world.card(layer)
    group = groups.index(layer.group) if layer.group in groups else None
    home = (0.0, 0.0, 0.0) if group is None else nulls[group]["position"]
    return {
        "name": name,
        "file": file,
        "position": _rounded(a - b for a, b in zip(place, home, strict=True)),
        "scale": 100 * enlarged,
        "group": group,
    }


def camera_of(world: World, shot: Shot) -> dict[str, Any]:
    """What the camera is and does: whether it looks at a point, and its properties with keys.

    Properties are `[group, property, keys]` by match names; a key is `[seconds, value, speed
    before, speed after]`, speeds in units a second.
    """
    still = Move("still", (Key(0.0, Pose()), Key(1.0, Pose())))
    move = shot.move or still
    steps = shot.frames if move.loop else max(shot.frames - 1, 1)
    seconds = steps / shot.fps
    target = _target(world, move)
    blurred = any(key.focus_inverse is not None and key.aperture_m > 0 for key in move.keys)
    knots = [key.at for key in move.keys]
    properties = []
    for group, name, value, tolerance in _channels(world, two_node=target is not None):
        keys = eased(_over_time(move, value), knots, tolerance)
        properties.append([group, name, [_timed(key, seconds) for key in keys]])
    return {"target": target, "depthOfField": blurred, "properties": properties}


def _over_time(move: Move, value: Callable[[Key], float]) -> Callable[[float], float]:
    return lambda share: value(move.at(share))


def _timed(key: EasedKey, seconds: float) -> list[float]:
    return _rounded([key.at * seconds, key.value, key.speed_in / seconds, key.speed_out / seconds])


def _rounded(values: Iterable[float]) -> list[float]:
    """Without the noise of arithmetic, which a user would see in the timeline; 0 without a sign."""
    return [round(value, DECIMALS) + 0.0 for value in values]


def _target(world: World, move: Move) -> list[float] | None:
    """What the camera looks at all the time, from the rig; None: it is turned by its own angles."""
    first = move.keys[0].pose.target
    plain = all(k.pose.target == first and k.pose.shift == (0.0, 0.0) for k in move.keys)
    if first is None or not plain or max(map(abs, world.askew)) > CENTRED_PX:
        return None
    return _rounded(world.point(first))


Channel = tuple[str, str, Callable[[Key], float], float]
"""Match names of group and property, its value at a key of the move, and how far it may be off."""


def _channels(world: World, *, two_node: bool) -> list[Channel]:
    """The animated properties of the camera."""
    zoom = world.zoom_px
    turn = math.degrees(TOLERANCE_PX / zoom)
    transform, options = "ADBE Transform Group", "ADBE Camera Options Group"
    channels: list[Channel] = [
        (transform, "ADBE Position_0", lambda k: world.point(k.pose.position)[0], TOLERANCE_PX),
        (transform, "ADBE Position_1", lambda k: world.point(k.pose.position)[1], TOLERANCE_PX),
        (transform, "ADBE Position_2", lambda k: world.point(k.pose.position)[2], TOLERANCE_PX),
    ]
    if two_node:
        channels.append((transform, "ADBE Rotate Z", lambda k: k.pose.roll_deg, turn))
    else:
        channels += [
            (transform, "ADBE Rotate X", lambda k: turned_deg(k.pose)[0], turn),
            (transform, "ADBE Rotate Y", lambda k: turned_deg(k.pose)[1], turn),
            (transform, "ADBE Rotate Z", lambda k: turned_deg(k.pose)[2], turn),
        ]
    channels += [
        (options, "ADBE Camera Zoom", lambda k: zoom * k.pose.zoom, TOLERANCE_PX),
        (options, "ADBE Camera Focus Distance", lambda k: _focus_px(world, k), zoom / 500),
        (options, "ADBE Camera Aperture", lambda k: _aperture_px(world, k), 0.01),
    ]
    return channels


def _focus_px(world: World, key: Key) -> float:
    """Distance in focus; of a camera that sees everything sharp the pivot's, ready to be used."""
    seen = key.focus_seen_inverse
    inverse = world.pivot_inverse if seen is None else seen
    return world.px_per_metre / max(inverse, world.pivot_inverse / FARTHEST)


def _aperture_px(world: World, key: Key) -> float:
    """Diameter of the opening; of a camera that sees everything sharp one ready to be used."""
    if key.focus_inverse is None:
        return world.zoom_px * USUAL_APERTURE
    return world.px_per_metre * key.aperture_m


def turned_deg(pose: Pose) -> tuple[float, float, float]:
    """X, Y and Z Rotation of a camera of this pose; After Effects turns about z first, x last.

    A shift of the picture becomes a turn that moves its middle as far.
    """
    right, up = (math.atan(shift / pose.zoom) for shift in pose.shift)
    aside = Pose(target=(math.tan(right), math.tan(up), 1.0)).rotation
    m = pose.rotation.T @ aside.T
    x = math.atan2(-m[1, 2], m[2, 2])
    y = math.asin(float(np.clip(m[0, 2], -1, 1)))
    z = math.atan2(-m[0, 1], m[0, 0])
    return math.degrees(x), math.degrees(y), math.degrees(z)
