"""A camera move written down as TOML: its key frames.

    depthfx_move = 1        # version of this format
    seconds = 4.0
    loop = false

    [[key]]
    time_s = 0.0

    [[key]]
    time_s = 4.0
    position = [0.8, -0.2, 0.5]
    look_at = [0.4, 0.55]

Read and written here alone; docs/moves.md explains every line. A key says only what changes: what
it leaves out is as at the key before.
"""

from __future__ import annotations

import math
import reprlib
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from depthfx.camera import Camera
from depthfx.depth import Plane
from depthfx.effect import nearest
from depthfx.errors import ParameterError, RecipeError
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.pose import Pose, Vector
from depthfx.geometry.presets import FARTHEST_PIVOT, pivot_of
from depthfx.geometry.stage import Stage
from depthfx.optics.thin_lens import aperture_m

VERSION = 1
LONGEST_BYTES = 1 << 20
MOST_KEYS = 10_000
"""A key for each frame of some minutes."""
LONGEST_S = 3600.0
NEAREST_APPROACH = 0.9
"""Share of the distance of the nearest things that a key may stand before the photo's camera."""

TOP = ("depthfx_move", "name", "seconds", "loop", "smooth", "key")
RANGES: dict[str, tuple[int, float, float]] = {
    "at": (1, 0.0, 1.0),
    "time_s": (1, 0.0, LONGEST_S),
    "position": (3, -1e6, 1e6),
    "position_m": (3, -1e6, 1e6),
    "look_at": (2, -1.0, 2.0),
    "look_at_m": (1, 1e-6, 1e9),
    "roll_deg": (1, -360.0, 360.0),
    "zoom": (1, 0.1, 10.0),
    "shift": (2, -1.0, 1.0),
    "focus": (2, 0.0, 1.0),
    "focus_m": (1, 1e-6, math.inf),
    "f_number": (1, 0.1, 1000.0),
    "aperture_mm": (1, 0.0, 1e6),
}
"""What a key may say: how many numbers, from, to."""
EITHER = (
    ("at", "time_s"),
    ("position", "position_m"),
    ("focus", "focus_m"),
    ("f_number", "aperture_mm"),
)
"""Two ways to say one thing, of which a key uses one."""
TOGETHER = (*EITHER, ("look_at", "look_at_m"))
"""What is no longer as at the key before once one of them is said."""

Said = dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class TimedMove:
    """A move, and how long it takes; None: as long as the shot."""

    move: Move
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class Survey:
    """What a path file needs of a scene to say where its keys are.

    inverse : (H, W) float32, inverse depth of the photo, for what is looked at or focused on
    scale_m : depth in metres is 1 / (inverse * scale_m); of a relative depth that nobody scaled,
        1, and a metre is its unit
    """

    stage: Stage
    inverse: Plane
    scale_m: float = 1.0

    @property
    def camera(self) -> Camera:
        return self.stage.camera

    def inverse_at(self, place: tuple[float, ...]) -> float:
        """Inverse depth at shares of width and height; beyond the frame, at its border."""
        height, width = self.inverse.shape
        row = min(max(int(place[1] * height), 0), height - 1)
        column = min(max(int(place[0] * width), 0), width - 1)
        return float(self.inverse[row, column])

    def point(self, place: tuple[float, ...], depth: float) -> Vector:
        """The point seen at `place` at a depth in the unit of the inverse depth."""
        camera = self.camera
        x = (place[0] * camera.width - camera.cx) / camera.focal_px
        y = (place[1] * camera.height - camera.cy) / camera.focal_px
        return (x * depth, y * depth, depth)


def read_move(path: Path, survey: Survey) -> TimedMove:
    """The move in a file. Raises RecipeError, one line that begins with the file's name."""
    try:
        if path.exists() and not path.is_file():
            raise RecipeError(f"{path}: is no file; a move is a TOML file")
        with path.open("rb") as file:
            text = file.read(LONGEST_BYTES + 1)
        if len(text) > LONGEST_BYTES:
            raise RecipeError(f"{path}: is no move: longer than {LONGEST_BYTES >> 20} MiB")
        return from_toml(text.decode("utf-8-sig"), survey, str(path))
    except UnicodeDecodeError:
        raise RecipeError(f"{path}: is no move: not text in UTF-8") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror or error}") from None


def from_toml(text: str, survey: Survey, source: str = "move") -> TimedMove:
    """The move that `text` describes. Raises RecipeError, one line that begins with `source`."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{source}: not a TOML file: {error}") from None
    try:
        return _move(document, survey)
    except ParameterError as error:
        raise RecipeError(f"{source}: {error}") from None


def _move(document: dict[str, Any], survey: Survey) -> TimedMove:
    for name in document:
        if name not in TOP:
            raise ParameterError(f"unknown key {name!r}{nearest(name, list(TOP))}")
    if "depthfx_move" not in document:
        raise ParameterError(f"is no move: depthfx_move = {VERSION} has to stand in it")
    version = document["depthfx_move"]
    if type(version) is not int or version != VERSION:
        raise ParameterError(
            f"depthfx_move = {reprlib.repr(version)} is not a version this program reads; it "
            f"reads depthfx_move = {VERSION}"
        )
    name = document.get("name", "custom")
    if not isinstance(name, str):
        raise ParameterError(f'name = {reprlib.repr(name)} is not a name in quotes, as "fly-in" is')
    loop, smooth = _flag(document, "loop", False), _flag(document, "smooth", True)
    seconds = None
    if "seconds" in document:
        seconds = _numbers("seconds", document["seconds"], 1, 0.01, LONGEST_S)[0]
    tables = document.get("key", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ParameterError("keys stand under [[key]], in double brackets")
    if not 1 <= len(tables) <= MOST_KEYS:
        raise ParameterError(f"has {len(tables)} keys; 1 to {MOST_KEYS} stand under [[key]]")
    said = [_said(table, f"key {number}") for number, table in enumerate(tables, 1)]
    shares, seconds = _shares(said, seconds)
    keys = _keys(said, shares, survey)
    if shares[-1] < 1:
        keys.append(replace(keys[0] if loop else keys[-1], at=1.0))
    if loop and replace(keys[-1], at=0.0) != keys[0]:
        raise ParameterError(
            f"loop = true, but key {len(keys)} is not as key 1: leave it out, and say the seconds"
        )
    return TimedMove(Move(name, tuple(keys), smooth, loop), seconds)


def _flag(document: dict[str, object], name: str, default: bool) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        raise ParameterError(f"{name} = {reprlib.repr(value)} is neither true nor false")
    return value


def _numbers(name: str, value: object, count: int, low: float, high: float) -> tuple[float, ...]:
    """`value` as `count` numbers from `low` to `high`."""
    listed: list[Any] = value if isinstance(value, list) and count > 1 else [value]
    if len(listed) == count and all(
        type(number) in (int, float) and low <= number <= high for number in listed
    ):
        return tuple(float(number) for number in listed)
    wanted = "a number" if count == 1 else f"{count} numbers in brackets"
    limits = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of {low:g} or more"
    raise ParameterError(f"{name} = {reprlib.repr(value)} is not {wanted} {limits}")


def _said(table: dict[str, object], place: str) -> Said:
    """The numbers under one [[key]]."""
    try:
        for name in table:
            if name not in RANGES:
                raise ParameterError(f"unknown key {name!r}{nearest(name, list(RANGES))}")
        for one, other in EITHER:
            if one in table and other in table:
                raise ParameterError(f"has both {one} and {other}; leave one out")
        return {name: _numbers(name, value, *RANGES[name]) for name, value in table.items()}
    except ParameterError as error:
        raise ParameterError(f"{place}: {error}") from None


def _shares(said: list[Said], seconds: float | None) -> tuple[list[float], float | None]:
    """When the keys are, as shares of the move, and how long that takes, if it is said."""
    unit = "time_s" if "time_s" in said[0] else "at"
    times: list[float] = []
    for number, key in enumerate(said, 1):
        if unit not in key:
            raise ParameterError(f"key {number}: has no {unit} = ..., which says when it is")
        times.append(key[unit][0])
        if number == 1 and times[0] != 0:
            raise ParameterError(f"key 1: {unit} = {times[0]:g} must be 0, where every move begins")
        if number > 1 and times[-1] <= times[-2]:
            raise ParameterError(
                f"key {number}: {unit} = {times[-1]:g} must be later than the key before it, "
                f"at {times[-2]:g}"
            )
    if unit == "at":
        return times, seconds
    seconds = seconds or times[-1] or None
    if seconds is None:
        return times, None
    if times[-1] > seconds:
        raise ParameterError(
            f"key {len(times)}: time_s = {times[-1]:g} is after the end, seconds = {seconds:g}"
        )
    return [time / seconds for time in times], seconds


def _keys(said: list[Said], shares: list[float], survey: Survey) -> list[Key]:
    """The keys; each goes on with what the one before it said."""
    looks = any("look_at" in key or "look_at_m" in key for key in said)
    now: Said = {}
    keys: list[Key] = []
    for number, (key, at) in enumerate(zip(said, shares, strict=True), 1):
        for group in TOGETHER:
            if any(name in key for name in group):
                now = {name: value for name, value in now.items() if name not in group}
        now = now | key
        try:
            pose = _pose(now, survey, looks)
            _check(pose, survey)
        except ParameterError as error:
            raise ParameterError(f"key {number}: {error}") from None
        focus, aperture = _focus(now, survey), _aperture(now, survey)
        if focus is not None and "f_number" not in now and "aperture_mm" not in now:
            raise ParameterError(
                f"key {number}: a focus needs the lens's opening: f_number or aperture_mm"
            )
        keys.append(Key(at, pose, focus, aperture))
    if any(key.aperture_m for key in keys):
        first = next((key.focus_inverse for key in keys if key.focus_inverse is not None), None)
        first = survey.stage.pivot_inverse if first is None else first
        keys = [replace(k, focus_inverse=first) if k.focus_inverse is None else k for k in keys]
    else:
        keys = [replace(key, focus_inverse=None) for key in keys]
    return keys


def _pose(said: Said, survey: Survey, looks: bool) -> Pose:
    unit_m = survey.scale_m if "position_m" in said else survey.stage.step_m
    x, y, z = said.get("position_m", said.get("position", (0.0, 0.0, 0.0)))
    target = _target(said, survey) if looks else None
    (roll_deg,), (zoom,) = said.get("roll_deg", (0.0,)), said.get("zoom", (1.0,))
    shift_x, shift_y = said.get("shift", (0.0, 0.0))
    return Pose((x * unit_m, y * unit_m, z * unit_m), target, roll_deg, zoom, (shift_x, shift_y))


def _target(said: Said, survey: Survey) -> Vector:
    """The point looked at; what nobody points at is straight ahead, as far away as the pivot."""
    if "look_at" not in said and "look_at_m" not in said:
        return pivot_of(survey.stage)
    camera = survey.camera
    place = said.get("look_at", (camera.cx / camera.width, camera.cy / camera.height))
    if "look_at_m" in said:
        return survey.point(place, said["look_at_m"][0] * survey.scale_m)
    least = survey.stage.near_inverse / FARTHEST_PIVOT
    return survey.point(place, 1 / max(survey.inverse_at(place), least))


def _focus(said: Said, survey: Survey) -> float | None:
    if "focus" in said:
        return survey.inverse_at(said["focus"])
    return 1 / (said["focus_m"][0] * survey.scale_m) if "focus_m" in said else None


def _aperture(said: Said, survey: Survey) -> float:
    """Diameter of the opening in the unit of the survey."""
    if "f_number" in said:
        return aperture_m(survey.camera.f35_mm, said["f_number"][0]) * survey.scale_m
    return said.get("aperture_mm", (0.0,))[0] / 1000 * survey.scale_m


def _check(pose: Pose, survey: Survey) -> None:
    """Refuse a camera that stands in the midst of things."""
    nearest_z = NEAREST_APPROACH / survey.stage.near_inverse
    if pose.position[2] > nearest_z:
        raise ParameterError(
            f"stands {pose.position[2] / survey.scale_m:.4g} m ahead, in the midst of "
            f"things; {nearest_z / survey.scale_m:.4g} m is the farthest here"
        )


def to_toml(timed: TimedMove, survey: Survey) -> str:
    """`timed` as a file that `from_toml` reads; every key says everything."""
    move = timed.move
    document: dict[str, object] = {"depthfx_move": VERSION, "name": move.name}
    if timed.seconds is not None:
        document["seconds"] = timed.seconds
    document |= {"loop": move.loop, "smooth": move.smooth}
    return tomli_w.dumps(document | {"key": [_table(key, survey) for key in move.keys]})


def _table(key: Key, survey: Survey) -> dict[str, object]:
    pose, camera, scale_m = key.pose, survey.camera, survey.scale_m
    table: dict[str, object] = {
        "at": key.at,
        "position_m": [float(length) / scale_m for length in pose.position],
    }
    if pose.target is not None:
        x, y, z = pose.target
        across, down = x / z * camera.focal_px + camera.cx, y / z * camera.focal_px + camera.cy
        table["look_at"] = [across / camera.width, down / camera.height]
        table["look_at_m"] = z / scale_m
    table |= {"roll_deg": pose.roll_deg, "zoom": pose.zoom, "shift": list(pose.shift)}
    if key.focus_inverse is not None:
        w = key.focus_inverse * scale_m
        table["focus_m"] = 1 / w if w > 0 else math.inf
        table["aperture_mm"] = key.aperture_m * 1000 / scale_m
    return table
