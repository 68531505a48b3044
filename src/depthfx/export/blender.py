"""Layers for Blender: a script that builds cards and the moving camera, and the same as glTF.

The script (`blender_scene.py`, told the shot) needs Blender 3.6 or later and nothing else. Its
pictures are OpenEXR, which every Blender takes for linear light with premultiplied alpha; the view
transform Standard shows them as the photo is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from depthfx.depth import Plane
from depthfx.export.cards import (
    Card,
    View,
    cards_of,
    clip_m,
    f_number,
    focal_mm,
    pivot_of,
    quaternions,
    sensor_mm,
    utf8,
    varies,
    views_of,
)
from depthfx.export.exr import check_linear, part_name, write_card
from depthfx.export.gltf import write_gltf
from depthfx.export.shot import Shot
from depthfx.layers.layers import Layers

Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From the axes of `cards` to Blender's: x right, y away, z up."""

PICTURES = "layers"


def export(
    layers: Layers,
    shot: Shot,
    folder: Path,
    *,
    depth: Plane,  # noqa: ARG001 - what every export is called with; Blender's cards need none
    progress: Callable[[float], object] = lambda _share: None,
) -> None:
    """Write `shot.py`, its pictures and `scene.glb` into `folder`, which is there and empty.

    Raises PhotoError if a file cannot be written, ParameterError if the layers blend in codes.
    """
    check_linear(layers)
    (folder / PICTURES).mkdir()
    for index, layer in enumerate(layers.layers):
        progress(0.5 * index / len(layers.layers))
        write_card(folder / _picture(index), layer)
    (folder / "shot.py").write_text(script(layers, shot), encoding="utf-8", newline="\n")
    write_gltf(layers, shot, folder / "scene.glb", progress=lambda share: progress(0.5 + share / 2))
    progress(1.0)


def script(layers: Layers, shot: Shot) -> str:
    """The text of the Python script."""
    template = (files("depthfx.export") / "blender_scene.py").read_text(encoding="utf-8")
    template = template.replace("# mypy: ignore-errors\n", "")
    lines = [
        f"    {_python(name)}: {_lines(value)}," for name, value in _told(layers, shot).items()
    ]
    return template.replace("SHOT = {}\n", "\n".join(["SHOT = {", *lines, "}\n"]))


def _lines(value: Any) -> str:
    """A list of tables with one of them a line, anything else on the same line."""
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        return _python(value)
    return "\n".join(["[", *(f"        {_python(row)}," for row in value), "    ]"])


def _python(value: Any) -> str:
    """JSON that has no true, false or null is Python; letters stay letters."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _picture(index: int) -> str:
    return f"{PICTURES}/{part_name(index)}.exr"


def _told(layers: Layers, shot: Shot) -> dict[str, Any]:
    cards, views = cards_of(layers), views_of(layers, shot)
    whole_fps = max(round(shot.fps), 1)
    keys = _keys(views, sensor_mm(layers, shot)[0])
    return {
        "name": utf8(shot.name),
        "unit": "metres" if layers.metric else "of a relative depth, taken for metres",
        "size": [shot.width, shot.height],
        "fps": [whole_fps, whole_fps / shot.fps],
        "sensor_mm": list(sensor_mm(layers, shot)),
        "clip_m": list(clip_m(cards, views)),
        "pivot": (Z_UP @ pivot_of(cards, shot)).tolist(),
        "cards": [_card(index, card) for index, card in enumerate(cards)],
        **_moving(keys),
        "keys": keys,
    }


def _card(index: int, card: Card) -> dict[str, Any]:
    return {
        "name": utf8(card.layer.name),
        "file": _picture(index),
        "distance_m": -float(card.centre[2]),
        "place": (Z_UP @ card.centre).tolist(),
        "width": card.width,
        "height": card.height,
    }


def _keys(views: tuple[View, ...], sensor_width_mm: float) -> list[dict[str, Any]]:
    turns = quaternions(np.stack([Z_UP @ view.rotation for view in views]))
    keys = []
    for view, turn in zip(views, turns, strict=True):
        # Blender's shift moves the window over the picture, ours the picture in its window.
        right, up = view.shift
        key: dict[str, Any] = {
            "place": (Z_UP @ view.place).tolist(),
            "turn": turn.tolist(),
            "lens_mm": focal_mm(view, sensor_width_mm),
            "shift": [0.0 - right, 0.0 - up],
        }
        if view.focus_m is not None:
            key |= {"focus_m": view.focus_m, "f_number": f_number(view, sensor_width_mm)}
        keys.append(key)
    return keys


def _moving(keys: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The properties to be keyed: those that change."""

    def changes(name: str) -> bool:
        rows = np.array([np.atleast_1d(key[name]) for key in keys if name in key])
        return any(varies(column) for column in rows.T)

    camera = {"place": ["location"], "turn": ["rotation_quaternion"]}
    lens = {
        "lens_mm": ["lens"],
        "shift": ["shift_x", "shift_y"],
        "focus_m": ["dof.focus_distance"],
        "f_number": ["dof.aperture_fstop"],
    }
    return {
        "moving": [path for name, paths in camera.items() if changes(name) for path in paths],
        "moving_lens": [path for name, paths in lens.items() if changes(name) for path in paths],
    }
