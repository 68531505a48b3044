"""Layers for Fusion: a composition of cards and the moving camera, and an OpenEXR a layer.

A `.comp` is a Lua table. Names of tools and inputs are those that Fusion 9 to 21 save: an
`ImagePlane3D` is 1 wide before it is scaled; a `Camera3D` has its film in inches; `Comp:` stands
for the composition's own folder. A rotation about several axes depends on their order, so each
axis has a tool of its own, one behind the other. Every frame is keyed: a camera that looks at a
point turns along no curve that keys could tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from depthfx.depth import Plane
from depthfx.export.cards import (
    Card,
    Floats,
    View,
    angles_deg,
    cards_of,
    clip_m,
    focal_mm,
    pivot_of,
    sensor_mm,
    utf8,
    varies,
    views_of,
)
from depthfx.export.exr import check_linear, part_name, write_card
from depthfx.export.shot import Shot
from depthfx.layers.layers import Layers

MM_PER_INCH = 25.4
COLUMN, ROW = 110, 66
"""Distance of tools in the flow, px."""
FLOAT32 = 4
"""The depth of a picture's channels, as Fusion numbers them."""

Inputs = dict[str, str]


def export(
    layers: Layers,
    shot: Shot,
    folder: Path,
    *,
    depth: Plane,  # noqa: ARG001 - what every export is called with; Fusion's cards need none
    progress: Callable[[float], object] = lambda _share: None,
) -> None:
    """Write `shot.comp` and a picture a layer into `folder`, which is there and empty.

    Raises PhotoError if a file cannot be written, ParameterError if the layers blend in codes.
    """
    check_linear(layers)
    for index, layer in enumerate(layers.layers):
        progress(index / len(layers.layers))
        write_card(folder / _picture(index), layer)
    (folder / "shot.comp").write_text(composition(layers, shot), encoding="utf-8", newline="\n")
    progress(1.0)


@dataclass
class Flow:
    """The tools of a composition, as text, in the order they are saved."""

    tools: list[str] = field(default_factory=list)

    def add(self, kind: str, name: str, inputs: Inputs, at: tuple[int, int], more: str = "") -> str:
        """A tool; returns its name."""
        rows = "".join(f"\t\t\t\t{_key(key)} = {value},\n" for key, value in inputs.items())
        place = f"{{ {at[0] * COLUMN}, {at[1] * ROW} }}"
        self.tools.append(
            f"\t\t{name} = {kind} {{\n\t\t\tNameSet = true,\n{more}"
            f"\t\t\tInputs = {{\n{rows}\t\t\t}},\n"
            f"\t\t\tViewInfo = OperatorInfo {{ Pos = {place} }},\n\t\t}},\n"
        )
        return name

    def value(self, name: str, values: Floats) -> str:
        """An input of one number: a spline with a key a frame, or the number if it never moves."""
        if not varies(values):
            return _value(_number(float(values[0])))
        keys = "".join(
            f"\t\t\t\t[{n}] = {{ {_number(float(v))}, Flags = {{ Linear = true }} }},\n"
            for n, v in enumerate(values)
        )
        self.tools.append(
            f"\t\t{name} = BezierSpline {{\n\t\t\tKeyFrames = {{\n{keys}\t\t\t}},\n\t\t}},\n"
        )
        return _from(name, "Value")


def composition(layers: Layers, shot: Shot) -> str:
    """The text of the .comp file."""
    cards, views = cards_of(layers), views_of(layers, shot)
    flow = Flow()
    for index, card in enumerate(cards):
        _add_card(flow, index, card, shot)
    wide = _wide(views[0])
    camera = _add_camera(flow, layers, shot, cards, views, wide)
    scene = {f"SceneInput{n + 1}": _from(f"Card{n + 1}", "Output") for n in range(len(cards))} | {
        f"SceneInput{len(cards) + 1}": _from(camera, "Output")
    }
    flow.add("Merge3D", "Scene", scene, (3, len(cards)))
    _add_render(flow, views[0], wide, len(cards))
    last = shot.frames - 1
    unit = "metres" if layers.metric else "the unit of a relative depth, not metres"
    words = _text(utf8(f"{shot.name}. Made by depthfx. Lengths: {unit}. The picture is linear."))
    return (
        f"Composition {{\n\tCurrentTime = 0,\n\tRenderRange = {{ 0, {last} }},\n"
        f"\tGlobalRange = {{ 0, {last} }},\n\tTools = ordered() {{\n{''.join(flow.tools)}\t}},\n"
        f"\tPrefs = {{\n\t\tComp = {{\n\t\t\tInfo = {{ Comments = {words} }},\n"
        f"\t\t\tFrameFormat = {{\n\t\t\t\tWidth = {shot.width},\n\t\t\t\tHeight = {shot.height},\n"
        f"\t\t\t\tRate = {_number(shot.fps)},\n\t\t\t\tAspectX = 1,\n\t\t\t\tAspectY = 1,\n"
        "\t\t\t},\n\t\t},\n\t},\n}\n"
    )


def _add_card(flow: Flow, index: int, card: Card, shot: Shot) -> None:
    """A still picture that lasts as long as the shot, on its plane."""
    last = shot.frames - 1
    clip = (
        f'\t\t\tClips = {{\n\t\t\t\tClip {{\n\t\t\t\t\tID = "Clip1",\n'
        f'\t\t\t\t\tFilename = "Comp:/{_picture(index)}",\n'
        '\t\t\t\t\tFormatID = "OpenEXRFormat",\n'
        "\t\t\t\t\tStartFrame = -1,\n\t\t\t\t\tLengthSetManually = true,\n"
        "\t\t\t\t\tTrimIn = 0,\n\t\t\t\t\tTrimOut = 0,\n"
        f"\t\t\t\t\tExtendFirst = 0,\n\t\t\t\t\tExtendLast = {last},\n"
        "\t\t\t\t\tLoop = 1,\n\t\t\t\t\tAspectMode = 0,\n\t\t\t\t\tDepth = 0,\n"
        "\t\t\t\t\tTimeCode = 0,\n\t\t\t\t\tGlobalStart = 0,\n\t\t\t\t\tGlobalEnd = 0\n"
        "\t\t\t\t},\n\t\t\t},\n"
    )
    picture = flow.add(
        "Loader",
        f"Layer{index + 1}",
        {
            "GlobalOut": _value(str(last)),
            "Loop": _value("1"),
            # Premultiplied as they are.
            "PostMultiplyByAlpha": _value("0"),
            "Comments": _value(_text(utf8(card.layer.name))),
        },
        (0, index),
        clip,
    )
    plane = {
        "MaterialInput": _from(picture, "Output"),
        "MtlStdInputs.ReceivesLighting": _value("0"),
        **_place(card.centre),
        "Transform3DOp.Scale.X": _value(_number(card.width)),
    }
    flow.add("ImagePlane3D", f"Card{index + 1}", plane, (1, index))


def _add_camera(
    flow: Flow,
    layers: Layers,
    shot: Shot,
    cards: tuple[Card, ...],
    views: tuple[View, ...],
    wide: tuple[int, int],
) -> str:
    """The camera, rolled, then tilted, then turned and put in its place, then flown by hand."""
    width_mm, height_mm = sensor_mm(layers, shot)
    near, far = clip_m(cards, views)
    tilt, pan, roll = angles_deg(views).T
    row = len(cards)
    lens = {
        "FilmGate": _id("User"),
        "ApertureW": _value(_number(width_mm / shot.width * wide[0] / MM_PER_INCH)),
        "ApertureH": _value(_number(height_mm / shot.height * wide[1] / MM_PER_INCH)),
        "ResolutionGateFit": _id("Width"),
        "FLength": flow.value("FocalLength", np.array([focal_mm(v, width_mm) for v in views])),
        "PerspAdaptiveClip": _value("0"),
        "PerspNearClip": _value(_number(near)),
        "PerspFarClip": _value(_number(far)),
        "Transform3DOp.Rotate.Z": flow.value("RollDeg", roll),
    }
    if views[0].focus_m is not None:
        focus = np.array([view.focus_m or 0 for view in views])
        lens["PlaneOfFocus"] = flow.value("FocusDistance", focus)
    name = flow.add("Camera3D", "Camera", lens, (0, row))
    place = np.stack([view.place for view in views], axis=1)
    turns = {
        "Tilt": {"Transform3DOp.Rotate.X": flow.value("TiltDeg", tilt)},
        "Pan": {
            "Transform3DOp.Rotate.Y": flow.value("PanDeg", pan),
            **{
                f"Transform3DOp.Translate.{axis}": flow.value(f"Place{axis}", at)
                for axis, at in zip("XYZ", place, strict=True)
            },
        },
        "Fly": {
            f"Transform3DOp.Pivot.{axis}": _value(_number(float(at)))
            for axis, at in zip("XYZ", pivot_of(cards, shot), strict=True)
        },
    }
    for column, (turn, inputs) in enumerate(turns.items()):
        before = {"SceneInput": _from(name, "Output")}
        name = flow.add("Transform3D", turn, before | inputs, (column, row + 1))
    return name


def _wide(view: View) -> tuple[int, int]:
    """A frame around the camera's axis that holds the shot's frame beside it."""
    camera = view.camera
    right, up = view.shift
    more = (2 * math.ceil(abs(x) * camera.width - 1e-6) for x in (right, up))
    width, height = (size + m for size, m in zip((camera.width, camera.height), more, strict=True))
    return width, height


def _add_render(flow: Flow, view: View, wide: tuple[int, int], row: int) -> None:
    """The picture; where the camera's axis is not in the middle of the frame, cut from a wider."""
    camera = view.camera
    render = {
        "SceneInput": _from("Scene", "Output"),
        "CameraSelector": _id("Camera"),
        "UseFrameFormatSettings": _value("0"),
        "Width": _value(str(wide[0])),
        "Height": _value(str(wide[1])),
        "Depth": _value(str(FLOAT32)),
        "RendererType": _id("RendererOpenGL"),
        "RendererOpenGL.MaximumTextureDepth": _value(str(FLOAT32)),
        "RendererOpenGL.TransparencySorting": _value("1"),
    }
    flow.add("Renderer3D", "Render", render, (4, row))
    if wide == (camera.width, camera.height):
        return
    empty = {
        "UseFrameFormatSettings": _value("0"),
        "Width": _value(str(camera.width)),
        "Height": _value(str(camera.height)),
        "Depth": _value(str(FLOAT32)),
        "TopLeftAlpha": _value("0"),
    }
    flow.add("Background", "Frame", empty, (4, row + 1))
    right, up = view.shift[0], view.shift[1] * camera.width / camera.height
    middle = f"{{ {_number(0.5 + right)}, {_number(0.5 + up)} }}"
    cut = {
        "Background": _from("Frame", "Output"),
        "Foreground": _from("Render", "Output"),
        "Center": _value(middle),
        "PerformDepthMerge": _value("0"),
    }
    flow.add("Merge", "Picture", cut, (5, row))


def _picture(index: int) -> str:
    # Digits at the end of a name would be taken for the number of a frame.
    return f"{part_name(index)}_card.exr"


def _place(centre: Floats) -> Inputs:
    return {
        f"Transform3DOp.Translate.{axis}": _value(_number(float(at)))
        for axis, at in zip("XYZ", centre, strict=True)
    }


def _key(name: str) -> str:
    return name if name.isalnum() else f'["{name}"]'


def _value(text: str) -> str:
    return f"Input {{ Value = {text} }}"


def _id(name: str) -> str:
    return _value(f'FuID {{ "{name}" }}')


def _from(tool: str, output: str) -> str:
    return f'Input {{ SourceOp = "{tool}", Source = "{output}" }}'


def _number(value: float) -> str:
    return f"{value + 0.0:.10g}"  # + 0.0: no -0


def _text(text: str) -> str:
    """A Lua string of letters that are all printable."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
