r"""Layers for Nuke: one multi-part EXR, and a script with a card for each and the moving camera.

The script is the text that Nuke saves: Tcl, one node a block, its inputs taken from a stack, the
top first. It names the EXR by its own folder, so that both may be moved. A card (class `Card2`)
is 1 wide before it is scaled, centred on its place, and as high as its picture's format tells; a
camera's `haperture` and `focal` are millimetres, its turns are applied in the order `rot_order`
names them, `win_translate` is told in half frame widths (learn.foundry.com, reference guide:
Read, Shuffle, Crop, Card, Camera, ScanlineRender, ZDefocus; nukescripts/snap3d.py, which comes
with Nuke, for the matrices).

Every frame is keyed: a camera that looks at a point turns along no curve that keys could tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from depthfx.depth import Plane
from depthfx.export.cards import (
    Card,
    View,
    angles_deg,
    cards_of,
    clip_m,
    f_number,
    focal_mm,
    pivot_of,
    sensor_mm,
    utf8,
    varies,
    views_of,
)
from depthfx.export.exr import box_of, check_linear, part_name, write_parts
from depthfx.export.shot import Shot
from depthfx.layers.layers import Layers

PICTURE = "layers.exr"
FIRST_FRAME = 1
COLUMN, ROW = 160, 100
"""Distance of nodes in the graph, px."""

Knobs = dict[str, str]


def export(
    layers: Layers,
    shot: Shot,
    folder: Path,
    *,
    depth: Plane,
    progress: Callable[[float], object] = lambda _share: None,
) -> None:
    """Write `layers.exr` and `shot.nk` into `folder`, which is there and empty.

    Raises PhotoError if a file cannot be written, ParameterError if the layers blend in codes.
    """
    check_linear(layers)
    write_parts(folder / PICTURE, layers, depth, progress=lambda share: progress(share / 2))
    (folder / "shot.nk").write_text(script(layers, shot), encoding="utf-8", newline="\n")
    progress(1.0)


def script(layers: Layers, shot: Shot) -> str:
    """The text of the .nk file."""
    cards, views = cards_of(layers), views_of(layers, shot)
    count = len(cards)
    blocks = [
        "# made by depthfx: cards at their depths, and the camera that took the photo",
        "version 12.0 v1",
        _node("Root", _root(shot)),
        _node("StickyNote", _note(layers, shot)),
        _node("Axis2", {"inputs": "0", "pivot": _row(pivot_of(cards, shot)), "name": "Fly"}),
        _node("Camera2", _camera(layers, shot, cards, views)),
        *(_add_layer(index) for index in range(count)),
        _node("Read", _read()),
        "set layers [stack 0]",
    ]
    for index, card in enumerate(cards):
        if index:  # the first takes the Read itself from the stack
            blocks.append("push $layers")
        blocks += _card(index, card, layers.camera.height)
    blocks.append(_node("Scene", {"inputs": str(count), "name": "Cards", **_at(0, 5)}))
    blocks.append(_node("Constant", {"inputs": "0", **_format(shot), "name": "Frame", **_at(1, 5)}))
    blocks.append(_node("ScanlineRender", {"inputs": "3", "name": "Render", **_at(0, 6)}))
    if views[0].focus_m is not None:
        blocks.append(_node("ZDefocus2", _defocus(views)))
    return "\n".join(blocks) + "\n"


def _root(shot: Shot) -> Knobs:
    return {
        "inputs": "0",
        "frame": str(FIRST_FRAME),
        "first_frame": str(FIRST_FRAME),
        "last_frame": str(FIRST_FRAME + shot.frames - 1),
        "lock_range": "true",
        **_format(shot),
        "fps": _number(shot.fps),
        "colorManagement": "Nuke",
    }


def _note(layers: Layers, shot: Shot) -> Knobs:
    unit = "lengths are metres" if layers.metric else "the depth is relative, 1 is not 1 m"
    text = (
        f"{shot.name}: {unit}. Move or turn the Axis Fly to fly the camera. The Read holds the "
        "photo (rgba), its distances (depth.Z, ZDefocus math: depth), and each layer."
    )
    return {"inputs": "0", "label": _quoted(_shown(text)), "name": "About", **_at(-3, 0)}


def _camera(layers: Layers, shot: Shot, cards: tuple[Card, ...], views: tuple[View, ...]) -> Knobs:
    width_mm, height_mm = sensor_mm(layers, shot)
    near, far = clip_m(cards, views)
    knobs = {
        "rot_order": "ZXY",
        "translate": _curves(np.stack([view.place for view in views], axis=1)),
        "rotate": _curves(angles_deg(views).T),
        "focal": _curve([focal_mm(view, width_mm) for view in views]),
        "haperture": _number(width_mm),
        "vaperture": _number(height_mm),
        "near": _number(near),
        "far": _number(far),
        # The window moves where the camera's axis is to be seen the other way.
        "win_translate": _curves(-2 * np.array([view.shift for view in views]).T),
    }
    if views[0].focus_m is not None:
        knobs["focal_point"] = _curve([view.focus_m or 0 for view in views])
        knobs["fstop"] = _curve([f_number(view, width_mm) for view in views])
    return {**knobs, "name": "Camera", **_at(2, 5)}


def _read() -> Knobs:
    return {
        "inputs": "0",
        "file_type": "exr",
        # Tcl would run brackets on loading; the knob is to run them each time it is read.
        "file": rf'"\[file dirname \[value root.name]]/{PICTURE}"',
        "raw": "true",
        "origset": "true",
        "name": "Layers",
        **_at(0, 0),
    }


def _add_layer(index: int) -> str:
    layer = part_name(index)
    channels = " ".join(f"{layer}.{c}" for c in ("red", "green", "blue", "alpha", "Z"))
    return f"add_layer {{{layer} {channels}}}"


def _card(index: int, card: Card, photo_height: int) -> Iterable[str]:
    """A layer's channels, its own box as a format, and its card."""
    left, top, right, bottom = box_of(card.layer)
    box = f"{{{left} {photo_height - bottom} {right} {photo_height - top}}}"
    name = _quoted(_shown(card.layer.name))
    yield _node("Shuffle", {"in": part_name(index), "name": f"Layer{index + 1}", **_at(index, 1)})
    yield _node(
        "Crop",
        {
            "box": box,
            "reformat": "true",
            "crop": "true",
            "name": f"Box{index + 1}",
            **_at(index, 2),
        },
    )
    yield _node(
        "Card2",
        {
            "lens_in_focal": "1",
            "lens_in_haperture": "1",
            "z": "0",
            "image_aspect": "true",
            "translate": _row(card.centre),
            "uniform_scale": _number(card.width),
            "label": name,
            "name": f"Card{index + 1}",
            **_at(index, 3),
        },
    )


def _defocus(views: tuple[View, ...]) -> Knobs:
    """Blur over distance: ScanlineRender's depth.Z is 1 / distance, which `far=0` expects.

    A point at infinity is blurred to a disc of aperture * focal length / focus distance.
    """
    sizes = [view.aperture_m * view.camera.focal_px / (view.focus_m or 1) for view in views]
    return {
        "math": "far=0",
        "center": _curve([1 / (view.focus_m or 1) for view in views]),
        "size": _curve(sizes),
        "max_size": _number(4 * max(sizes)),
        # Without these two it would behave as in Nuke 7.
        "legacy_resize_mode": "false",
        "show_legacy_resize_mode": "false",
        "name": "Focus",
        **_at(0, 7),
    }


def _format(shot: Shot) -> Knobs:
    size = f"{shot.width} {shot.height}"
    return {"format": f'"{size} 0 0 {size} 1 depthfx_{shot.width}x{shot.height}"'}


def _at(column: int, row: int) -> Knobs:
    return {"xpos": str(column * COLUMN), "ypos": str(row * ROW)}


def _node(kind: str, knobs: Knobs) -> str:
    return "\n".join([f"{kind} {{", *(f" {name} {value}" for name, value in knobs.items()), "}"])


def _number(value: float) -> str:
    return f"{value + 0.0:.10g}"  # + 0.0: no -0


def _row(values: Iterable[float]) -> str:
    return "{" + " ".join(map(_number, values)) + "}"


def _curve(values: Sequence[float]) -> str:
    """A knob of one number: a key a frame, or the number where it never changes."""
    keys = _keys(np.asarray(values, float))
    return f"{{{keys}}}" if keys.startswith("{") else keys


def _curves(rows: Iterable[Sequence[float]]) -> str:
    """A knob of several numbers."""
    return "{" + " ".join(_keys(np.asarray(row, float)) for row in rows) + "}"


def _keys(values: np.typing.NDArray[np.float64]) -> str:
    if not varies(values):
        return _number(float(values[0]))
    keys = (f"x{FIRST_FRAME + n} {_number(float(v))}" for n, v in enumerate(values))
    return "{curve " + " ".join(keys) + "}"


def _shown(text: str) -> str:
    """Text for a label, where brackets would be run as Tcl each time it is drawn."""
    return utf8(text).translate(str.maketrans("[]", "()"))


def _quoted(text: str) -> str:
    """A Tcl word in quotes; braces too are told apart, for they count in the block around it."""
    return '"' + re.sub(r'([\\"{}$\[\]])', r"\\\1", text) + '"'
