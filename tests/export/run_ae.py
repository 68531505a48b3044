"""Runs a script in the stand-in for After Effects, and sees what its camera sees."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

MODEL = Path(__file__).with_name("ae_model.js")


def run(script: Path, **options: Any) -> dict[str, Any]:
    """What `script` built; raises if it, or the stand-in, stopped with an error."""
    if shutil.which("node") is None:
        pytest.skip("Node is not there to run JavaScript")
    asked = script.parent.parent / f"{script.parent.name}.options.json"
    asked.write_text(json.dumps({"script": str(script), **options}), encoding="utf-8")
    done = subprocess.run(
        ["node", str(MODEL), str(asked)], capture_output=True, check=True, encoding="utf-8"
    )
    built: dict[str, Any] = json.loads(done.stdout)
    assert built["failure"] is None, built["failure"]
    assert built["openUndoGroups"] == 0
    return built


def value_at(value: Any, time: float) -> Any:
    """A property's value: constant, or drawn between keys as After Effects draws them.

    Between two keys time and value run along Bezier curves; influence says how far along time the
    handles reach, speed how steep they are.
    """
    if not isinstance(value, dict):
        return value
    keys = value["keys"]
    if time <= keys[0]["time"]:
        return keys[0]["value"]
    if time >= keys[-1]["time"]:
        return keys[-1]["value"]
    k = next(k for k, key in enumerate(keys) if key["time"] > time) - 1
    first, last = keys[k], keys[k + 1]
    span = last["time"] - first["time"]
    (speed_out, influence_out), (speed_in, influence_in) = first["out"], last["in"]
    reach_out, reach_in = span * influence_out / 100, span * influence_in / 100
    times = [first["time"], first["time"] + reach_out, last["time"] - reach_in, last["time"]]
    values = [
        first["value"],
        first["value"] + speed_out * reach_out,
        last["value"] - speed_in * reach_in,
        last["value"],
    ]
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _bezier(times, middle) < time else (low, middle)
    return _bezier(values, low)


def _bezier(points: list[float], t: float) -> float:
    weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3]
    return sum(w * p for w, p in zip(weights, points, strict=True))


def _turn(axis: int, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(4)
    matrix[a, a], matrix[b, b], matrix[a, b], matrix[b, a] = c, c, -s, s
    return matrix


def _move(offset: Any) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix


def _position(layer: dict[str, Any], time: float) -> list[float]:
    values = layer["values"]
    if layer["separated"]:
        return [value_at(values[f"ADBE Position_{d}"], time) for d in range(3)]
    return values["ADBE Position"]


def _turned(values: dict[str, Any], time: float) -> np.ndarray:
    """Z is turned first, X last; orientation, which stays 0 here, would come after."""
    assert values["ADBE Orientation"] == [0, 0, 0]
    x, y, z = (value_at(values[f"ADBE Rotate {axis}"], time) for axis in "XYZ")
    return _turn(0, x) @ _turn(1, y) @ _turn(2, z)


def _to_world(comp: dict[str, Any], layer: dict[str, Any], time: float) -> np.ndarray:
    """(4, 4): from a layer's own px to those of the composition's space."""
    values = layer["values"]
    local = _move(_position(layer, time))
    if layer["kind"] == "CameraLayer":
        if layer["twoNode"]:
            local = local @ _towards(_position(layer, time), values["ADBE Anchor Point"])
        local = local @ _turned(values, time)
    else:
        local = local @ _turned(values, time)
        local = local @ np.diag([*(np.array(values["ADBE Scale"]) / 100), 1])
        local = local @ _move(-np.array(values["ADBE Anchor Point"]))
    if layer["parent"] is None:
        return local
    return _to_world(comp, comp["layers"][layer["parent"] - 1], time) @ local


def _towards(place: Any, target: Any) -> np.ndarray:
    """A camera that looks at its point of interest stays upright: pitched, then turned about y."""
    x, y, z = np.subtract(target, place)
    turn = np.degrees(np.arctan2(x, z))
    pitch = np.degrees(np.arctan2(-y, np.hypot(x, z)))
    return _turn(1, turn) @ _turn(0, pitch)


def camera_of(comp: dict[str, Any]) -> dict[str, Any]:
    return next(layer for layer in comp["layers"] if layer["kind"] == "CameraLayer")


def cards_of(comp: dict[str, Any]) -> list[dict[str, Any]]:
    """The layers of the photo, farthest first."""
    cards = [
        layer
        for layer in comp["layers"]
        if layer["kind"] == "AVLayer" and not layer["null"] and not layer["guide"]
    ]
    return cards[::-1]


def corners_seen(comp: dict[str, Any], layer: dict[str, Any], time: float) -> np.ndarray:
    """(4, 2): where the corners of a 3D layer are in the frame, in px."""
    width, height = layer["size"]
    assert layer["threeD"]
    corners = np.array([[0, 0, 0, 1], [width, 0, 0, 1], [width, height, 0, 1], [0, height, 0, 1.0]])
    camera = camera_of(comp)
    seen = np.linalg.inv(_to_world(comp, camera, time)) @ _to_world(comp, layer, time) @ corners.T
    zoom = value_at(camera["values"]["ADBE Camera Zoom"], time)
    assert (seen[2] > 0).all()
    return np.array([comp["width"], comp["height"]]) / 2 + (zoom * seen[:2] / seen[2]).T
