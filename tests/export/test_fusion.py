"""shot.comp is read by a small strict parser of Lua tables, and its tools are put in space."""

import re

import numpy as np
import OpenEXR
import pytest
from by_hand import NASTY_NAMES, depth_of, layers_by_hand, orbit_shot, places_expected, still_shot

from depthfx.export import fusion
from depthfx.export.cards import cards_of

TOKEN = re.compile(
    r'\s*("(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[{}\[\]=,()])'
)


class Table(dict):
    """A Lua table with the name it was made by: Input { ... }."""

    kind = ""


class Lua:
    """One expression of numbers, strings, booleans, tables and calls of a name with a table."""

    def __init__(self, text):
        self.tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            assert match, f"no Lua at {text[at : at + 30]!r}"
            self.tokens.append(match[1])
            at = match.end()

    def take(self, expected=None):
        token = self.tokens.pop(0)
        assert expected is None or token == expected, (token, expected)
        return token

    def value(self):
        token = self.take()
        if token == "{":
            return self.table()
        if token.startswith('"'):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token in ("true", "false"):
            return token == "true"
        if re.match(r"[-\d]", token):
            return float(token)
        if self.tokens[0] == "(":
            self.take("(")
            self.take(")")
        self.take("{")
        table = self.table()
        table.kind = token
        return table

    def table(self):
        found, count = Table(), 0
        while self.tokens[0] != "}":
            if self.tokens[0] == "[":
                self.take()
                key = self.value()
                self.take("]")
                self.take("=")
            elif len(self.tokens) > 1 and self.tokens[1] == "=":
                key = self.take()
                self.take("=")
            else:
                count += 1
                key = count
            assert key not in found, f"{key} is given twice"
            found[key] = self.value()
            if self.tokens[0] != "}":
                self.take(",")
        self.take("}")
        return found


def read(text):
    lua = Lua(text)
    table = lua.value()
    assert not lua.tokens
    assert table.kind == "Composition"
    assert table["Tools"].kind == "ordered"
    for tool in table["Tools"].values():
        for wire in tool.get("Inputs", {}).values():
            assert wire.kind == "Input"
            if "SourceOp" in wire:
                assert wire["SourceOp"] in table["Tools"]
    return table


def number(tools, tool, name, frame, default=0.0):
    """An input of a tool at a frame."""
    told = tools[tool]["Inputs"].get(name)
    if told is None:
        return default
    if "SourceOp" in told:
        spline = tools[told["SourceOp"]]
        assert spline.kind == "BezierSpline"
        return spline["KeyFrames"][float(frame)][1]
    return told["Value"]


def turn(axis, deg):
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    m = np.eye(4)
    m[i, i], m[i, j], m[j, i], m[j, j] = c, -s, s, c
    return m


def matrix(tools, tool, frame):
    """Of a tool that turns about one axis at most."""
    angles = [number(tools, tool, f"Transform3DOp.Rotate.{a}", frame) for a in "XYZ"]
    assert sum(angle != 0 for angle in angles) <= 1
    m = np.eye(4)
    m[:3, 3] = [number(tools, tool, f"Transform3DOp.Translate.{a}", frame) for a in "XYZ"]
    for axis, angle in enumerate(angles):
        m = m @ turn(axis, angle)
    return m


def source(tools, tool, name):
    return tools[tool]["Inputs"][name]["SourceOp"]


def camera_matrix(tools, frame):
    """From the camera, named by the renderer, through every tool behind it to the scene."""
    scene = source(tools, "Render", "SceneInput")
    inputs = tools[scene]["Inputs"]
    tool = inputs[f"SceneInput{len(inputs)}"]["SourceOp"]
    m = np.eye(4)
    while tools[tool].kind == "Transform3D":
        m = m @ matrix(tools, tool, frame)
        tool = source(tools, tool, "SceneInput")
    assert tools[tool].kind == "Camera3D"
    assert tools["Render"]["Inputs"]["CameraSelector"]["Value"][1] == tool
    return m @ matrix(tools, tool, frame), tool


def place_in_frame(table, points, frame):
    tools = table["Tools"]
    m, camera = camera_matrix(tools, frame)
    seen = (np.linalg.inv(m) @ np.column_stack([points, np.ones(4)]).T).T
    inputs = tools["Render"]["Inputs"]
    width, height = inputs["Width"]["Value"], inputs["Height"]["Value"]
    inches = number(tools, camera, "ApertureW", frame)
    assert inches / number(tools, camera, "ApertureH", frame) == pytest.approx(width / height)
    focal = number(tools, camera, "FLength", frame) / 25.4 / inches * width
    place = focal * seen[:, :2] / -seen[:, 2:3] * [1, -1] + np.array([width, height]) / 2
    if "Picture" in tools:
        size = table["Prefs"]["Comp"]["FrameFormat"]
        frame_size = np.array([size["Width"], size["Height"]])
        centre = tools["Picture"]["Inputs"]["Center"]["Value"]
        middle = frame_size * [centre[1], 1 - centre[2]]
        place = place - np.array([width, height]) / 2 + middle
    return place


def world_of_card(tools, name, picture_size):
    assert tools[name].kind == "ImagePlane3D"
    width = number(tools, name, "Transform3DOp.Scale.X", 0)
    x, y = width / 2, width / 2 * picture_size[0] / picture_size[1]
    centre = [number(tools, name, f"Transform3DOp.Translate.{a}", 0) for a in "XYZ"]
    return np.array([[-x, y, 0], [x, y, 0], [x, -y, 0], [-x, -y, 0]]) + centre


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("off_centre", [False, True])
def test_cards_stand_where_the_photo_shows_them_in_every_frame(count, off_centre):
    layers, shot = layers_by_hand(count, off_centre=off_centre), orbit_shot()
    table = read(fusion.composition(layers, shot))
    assert table["RenderRange"] == {1: 0, 2: shot.frames - 1}
    for frame, key in enumerate(shot.move.sampled(shot.frames)):
        for index, card in enumerate(cards_of(layers)):
            shape = card.layer.alpha.shape
            points = world_of_card(table["Tools"], f"Card{index + 1}", shape)
            place = place_in_frame(table, points, frame)
            expected = places_expected(layers, shot, card, key.pose)
            np.testing.assert_allclose(place, expected, atol=0.01)


def test_pictures_are_beside_the_composition_and_last_as_long_as_it(tmp_path):
    layers, shot = layers_by_hand(3), orbit_shot(focused=True)
    fusion.export(layers, shot, tmp_path, depth=depth_of(layers))
    tools = read((tmp_path / "shot.comp").read_text(encoding="utf-8"))["Tools"]
    for index, layer in enumerate(layers.layers):
        loader = source(tools, f"Card{index + 1}", "MaterialInput")
        clip = tools[loader]["Clips"][1]
        folder, name = clip["Filename"].split("/")
        assert folder == "Comp:"
        assert not name.removesuffix(".exr")[-1].isdigit()
        assert clip["TrimOut"] + clip["ExtendLast"] == shot.frames - 1
        assert tools[loader]["Inputs"]["PostMultiplyByAlpha"]["Value"] == 0
        with OpenEXR.File(str(tmp_path / name)) as file:
            rgba = file.channels()["RGBA"].pixels
        light = np.dstack([layer.pixels * layer.alpha[..., None], layer.alpha])
        np.testing.assert_allclose(rgba, light, rtol=2**-11, atol=2**-25)
    for frame, key in enumerate(shot.move.sampled(shot.frames)):
        distance = number(tools, "Camera", "PlaneOfFocus", frame)
        assert distance * key.focus_seen_inverse == pytest.approx(1)


def test_a_still_shot_has_no_keys():
    layers = layers_by_hand(2)
    tools = read(fusion.composition(layers, still_shot(layers)))["Tools"]
    assert all(tool.kind != "BezierSpline" for tool in tools.values())


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_names_of_any_letters_are_only_ever_text(name):
    layers = layers_by_hand(2, name=name)
    tools = read(fusion.composition(layers, orbit_shot(name=name)))["Tools"]
    comment = tools["Layer1"]["Inputs"]["Comments"]["Value"]
    assert [c for c in comment if c.isalnum()] == [c for c in name if c.isalnum()]
    assert all(re.fullmatch(r"[A-Za-z]\w*", tool, re.ASCII) for tool in tools)
