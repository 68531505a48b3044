"""The .nk script is read by a strict parser of Tcl words, and its nodes are put in space by the
formulas of nukescripts/snap3d.py; the EXR is read by the OpenEXR library."""

import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import OpenEXR
import pytest
from by_hand import NASTY_NAMES, depth_of, layers_by_hand, orbit_shot, places_expected, still_shot

from depthfx.errors import Cancelled, ParameterError
from depthfx.export import nuke
from depthfx.export.cards import cards_of, framed


def words(text):
    """Tcl words of `text`: bare, in braces, in quotes; everything else is an error."""
    found, i = [], 0
    while i < len(text):
        if text[i] in " \n":
            i += 1
        elif text[i] == "{":
            start, depth = i + 1, 0
            while True:
                assert i < len(text), "braces are not closed"
                if text[i] == "\\":
                    i += 1
                depth += {"{": 1, "}": -1}.get(text[i], 0) if text[i - 1] != "\\" else 0
                i += 1
                if depth == 0:
                    break
            found.append(text[start : i - 1])
        elif text[i] == '"':
            word, i = "", i + 1
            while text[i] != '"':
                assert text[i] not in "[$", "Tcl would substitute here"
                if text[i] == "\\":
                    i += 1
                word, i = word + text[i], i + 1
            i += 1
            assert i == len(text) or text[i] in " \n", "a word goes on after its quote"
            found.append(word)
        else:
            match = re.compile(r"[^\s{}\"\\]+").match(text, i)
            assert match, f"no word at {text[i : i + 20]!r}"
            found.append(match[0])
            i = match.end()
    return found


def commands(script):
    """Lines, or the lines that a brace keeps together."""
    held = ""
    for line in script.split("\n"):
        held += line
        plain = re.sub(r"\\.", "", held)
        if plain.count("{") == plain.count("}"):
            if held and not held.startswith("#"):
                yield held
            held = ""
        else:
            held += "\n"
    assert not held


def nodes_of(script):
    """Every node by name: (class, knobs, names of its inputs)."""
    stack, marks, nodes, layers = [], {}, {}, {}
    for command in commands(script):
        kind, *rest = words(command) if not command.startswith("set ") else command.split(" ", 2)
        if kind == "version":
            assert re.fullmatch(r"\d+\.\d+ v\d+", " ".join(rest))
        elif kind == "set":
            assert rest[1] == "[stack 0]"
            marks[rest[0]] = stack[-1]
        elif kind == "push":
            stack.append(marks[rest[0].removeprefix("$")])
        elif kind == "add_layer":
            name, *channels = rest[0].split()
            layers[name] = channels
        else:
            body = words(rest[0])
            knobs = dict(zip(body[::2], body[1::2], strict=True))
            assert len(knobs) == len(body) // 2
            if kind == "Root":
                nodes["root"] = kind, knobs, []
                continue
            inputs = [stack.pop() for _ in range(int(knobs.pop("inputs", 1)))]
            assert knobs["name"] not in nodes
            assert re.fullmatch(r"[A-Za-z]\w*", knobs["name"], re.ASCII)
            nodes[knobs["name"]] = kind, knobs, inputs
            stack.append(knobs["name"])
    return nodes, layers


def values_at(knob, frame):
    """The numbers of a knob at a frame that has keys."""
    parts = words(knob)
    numbers = []
    for part in parts:
        if part.startswith("curve"):
            keys = part.split()[1:]
            numbers.append(float(dict(zip(keys[::2], keys[1::2], strict=True))[f"x{frame}"]))
        else:
            numbers.append(float(part))
    return np.array(numbers)


def turn(axis, deg):
    """4 x 4 rotation about x, y or z."""
    c, s = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    m = np.eye(4)
    m[i, i], m[i, j], m[j, i], m[j, j] = c, -s, s, c
    return m


def moved(place):
    m = np.eye(4)
    m[:3, 3] = place
    return m


def world_of_card(nodes, name):
    """(4, 3): corners of a card as the photo shows them, from the format of its input."""
    _, knobs, (crop,) = nodes[name]
    assert (knobs["z"], knobs["lens_in_focal"], knobs["lens_in_haperture"]) == ("0", "1", "1")
    left, bottom, right, top = values_at(nodes[crop][1]["box"], 1)
    y = (top - bottom) / (right - left) / 2
    unit = np.array([[-0.5, y, 0], [0.5, y, 0], [0.5, -y, 0], [-0.5, -y, 0]])
    return float(knobs["uniform_scale"]) * unit + values_at(knobs["translate"], 1)


def place_in_frame(camera, points, frame, width, height):
    """(4, 2) px from the frame's top left, after snap3d.py."""
    m = moved(values_at(camera["translate"], frame))
    angles = values_at(camera["rotate"], frame)
    assert camera["rot_order"] == "ZXY"
    m = m @ turn(1, angles[1]) @ turn(0, angles[0]) @ turn(2, angles[2])
    seen = (np.linalg.inv(m) @ np.column_stack([points, np.ones(4)]).T).T
    lens = 2 * values_at(camera["focal"], frame)[0] / float(camera["haperture"])
    xy = lens * seen[:, :2] / -seen[:, 2:3] - values_at(camera["win_translate"], frame)
    return np.column_stack([(xy[:, 0] + 1) * width / 2, height / 2 - xy[:, 1] * width / 2])


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("off_centre", [False, True])
def test_cards_stand_where_the_photo_shows_them_in_every_frame(count, off_centre):
    layers = layers_by_hand(count, off_centre=off_centre)
    shot = orbit_shot()
    nodes, _ = nodes_of(nuke.script(layers, shot))
    kind, camera, (axis,) = nodes["Camera"]
    assert kind == "Camera2"
    assert nodes[axis][0] == "Axis2"
    for frame, key in enumerate(shot.move.sampled(shot.frames), 1):
        for index, card in enumerate(cards_of(layers)):
            points = world_of_card(nodes, f"Card{index + 1}")
            place = place_in_frame(camera, points, frame, shot.width, shot.height)
            expected = places_expected(layers, shot, card, key.pose)
            np.testing.assert_allclose(place, expected, atol=0.01)


def test_a_still_frame_shows_each_layer_at_its_box_in_the_photo():
    layers = layers_by_hand(3)
    shot = still_shot(layers)
    nodes, _ = nodes_of(nuke.script(layers, shot))
    for index, layer in enumerate(layers.layers):
        points = world_of_card(nodes, f"Card{index + 1}")
        place = place_in_frame(nodes["Camera"][1], points, 1, shot.width, shot.height)
        height, width = layer.alpha.shape
        np.testing.assert_allclose(place[0], [layer.left, layer.top], atol=0.01)
        np.testing.assert_allclose(place[2], [layer.left + width, layer.top + height], atol=0.01)


def test_the_film_has_the_shape_of_the_frame():
    layers, shot = layers_by_hand(2), orbit_shot()
    nodes, _ = nodes_of(nuke.script(layers, shot))
    camera = nodes["Camera"][1]
    ratio = float(camera["haperture"]) / float(camera["vaperture"])
    assert ratio == pytest.approx(shot.width / shot.height)
    focal_px = values_at(camera["focal"], 1)[0] / float(camera["haperture"]) * shot.width
    assert focal_px == pytest.approx(framed(layers.camera, shot).focal_px)


def test_nodes_are_wired_from_the_file_to_the_picture():
    layers, shot = layers_by_hand(3), orbit_shot(focused=True)
    nodes, known = nodes_of(nuke.script(layers, shot))
    assert nodes["Focus"][2] == ["Render"]
    background, scene, camera = nodes["Render"][2]
    assert (nodes[background][0], nodes[scene][0], nodes[camera][0]) == (
        "Constant",
        "Scene",
        "Camera2",
    )
    assert sorted(nodes[scene][2]) == ["Card1", "Card2", "Card3"]
    for index in range(3):
        crop = nodes[f"Card{index + 1}"][2][0]
        shuffle = nodes[crop][2][0]
        assert nodes[shuffle][2] == ["Layers"]
        layer = nodes[shuffle][1]["in"]
        channels = [f"{layer}.{c}" for c in ("red", "green", "blue", "alpha", "Z")]
        assert known[layer] == channels
    root = nodes["root"][1]
    assert (root["first_frame"], root["last_frame"]) == ("1", str(shot.frames))
    assert root["fps"] == "24"


def test_focus_is_keyed_in_metres_and_as_zdefocus_counts():
    layers, shot = layers_by_hand(2), orbit_shot(focused=True)
    nodes, _ = nodes_of(nuke.script(layers, shot))
    for frame, key in enumerate(shot.move.sampled(shot.frames), 1):
        camera, focus = nodes["Camera"][1], nodes["Focus"][1]
        [distance] = values_at(camera["focal_point"], frame)
        assert distance * key.focus_seen_inverse == pytest.approx(1)
        assert values_at(focus["center"], frame)[0] == pytest.approx(key.focus_seen_inverse)
        opening_mm = values_at(camera["focal"], frame)[0] / values_at(camera["fstop"], frame)[0]
        assert opening_mm == pytest.approx(1000 * key.aperture_m)


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_tcl_itself_reads_the_script(name):
    """With every node class a command that checks its knobs are pairs; nothing is substituted."""
    tcl = pytest.importorskip("tkinter").Tcl()
    told = []
    tcl.createcommand("told", lambda kind, label: told.append((kind, label)))
    tcl.eval(
        "proc version {number build} {}; proc add_layer {names} {}; proc stack {n} {return N}\n"
        "proc push {node} {if {$node ne {N}} {error $node}}\n"
        "proc unknown {kind body} {set knobs [dict create {*}$body]\n"
        "if {[dict size $knobs] * 2 != [llength $body]} {error $kind}\n"
        "told $kind [expr {[dict exists $knobs label] ? [dict get $knobs label] : {}}]}"
    )
    layers = layers_by_hand(2, name=name)
    tcl.eval(nuke.script(layers, orbit_shot(name=name, focused=True)))
    kinds = [kind for kind, _ in told]
    assert kinds[0] == "Root"
    assert kinds.count("Card2") == 2
    [label, _] = [label for kind, label in told if kind == "Card2"]
    assert [c for c in label if c.isalnum()] == [c for c in name if c.isalnum()]


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_names_of_any_letters_are_only_ever_text(name):
    nodes, _ = nodes_of(nuke.script(layers_by_hand(2, name=name), orbit_shot(name=name)))
    label = nodes["Card1"][1]["label"]
    assert "[" not in label
    assert "]" not in label
    kept = [c for c in name if c.isalnum()]
    assert [c for c in label if c.isalnum()] == kept


def test_the_file_is_found_beside_the_script(tmp_path):
    layers = layers_by_hand(2)
    nuke.export(layers, orbit_shot(), tmp_path, depth=depth_of(layers))
    nodes, _ = nodes_of((tmp_path / "shot.nk").read_text(encoding="utf-8"))
    folder, name = nodes["Layers"][1]["file"].split("/")
    assert folder == "[file dirname [value root.name]]"
    assert (tmp_path / name).is_file()
    assert nodes["Layers"][1]["raw"] == "true"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["layers.exr", "shot.nk"]


def test_exr_parts_hold_each_layer_premultiplied_in_metres(tmp_path):
    layers = layers_by_hand(3)
    depth = depth_of(layers)
    nuke.export(layers, still_shot(layers), tmp_path, depth=depth)
    camera = layers.camera
    with OpenEXR.File(str(tmp_path / "layers.exr"), separate_channels=True) as file:
        parts = {part.name(): part for part in file.parts}
        assert list(parts) == ["rgba", "depth", "layer_1", "layer_2", "layer_3"]
        windows = {tuple(np.concatenate(p.header["dataWindow"]).tolist()) for p in parts.values()}
        [(x0, y0, x1, y1)] = windows
        boxes = [(x.left, x.top, *x.alpha.shape) for x in layers.layers]
        assert (x0, y0) == (min(b[0] for b in boxes), min(b[1] for b in boxes))
        assert x1 + 1 == max(b[0] + b[3] for b in boxes)
        assert y1 + 1 == max(b[1] + b[2] for b in boxes)
        for part in parts.values():
            shown = np.concatenate(part.header["displayWindow"]).tolist()
            assert shown == [0, 0, camera.width - 1, camera.height - 1]
        for index, layer in enumerate(layers.layers):
            channels = parts[f"layer_{index + 1}"].channels
            assert set(channels) == set("RGBAZ")
            height, width = layer.alpha.shape
            box = (
                slice(layer.top - y0, layer.top - y0 + height),
                slice(layer.left - x0, layer.left - x0 + width),
            )
            for c, letter in enumerate("RGB"):
                plane = channels[letter].pixels
                assert plane.dtype == np.float16
                light = layer.pixels[..., c] * layer.alpha
                np.testing.assert_allclose(plane[box], light, rtol=2**-11, atol=2**-25)
                assert plane.astype(float).sum() == pytest.approx(plane[box].astype(float).sum())
            np.testing.assert_allclose(1 / channels["Z"].pixels[box], layer.inverse, rtol=1e-6)
        inside = slice(-y0, camera.height - y0), slice(-x0, camera.width - x0)
        z = parts["depth"].channels["Z"].pixels
        assert z.dtype == np.float32
        np.testing.assert_allclose(1 / z[inside], depth, atol=1e-9, rtol=1e-6)
        over = np.zeros((camera.height, camera.width))
        for index in range(3):
            channels = parts[f"layer_{index + 1}"].channels
            alpha = channels["A"].pixels[inside].astype(float)
            over = over * (1 - alpha) + channels["G"].pixels[inside]
        np.testing.assert_allclose(parts["rgba"].channels["G"].pixels[inside], over, atol=1e-3)


def test_light_beyond_half_floats_is_kept(tmp_path):
    layers = layers_by_hand(1, brightest=1e6)
    nuke.export(layers, still_shot(layers), tmp_path, depth=depth_of(layers))
    with OpenEXR.File(str(tmp_path / "layers.exr"), separate_channels=True) as file:
        part = next(p for p in file.parts if p.name() == "layer_1")
        light = np.stack([part.channels[c].pixels for c in "RGB"])
    assert light.dtype == np.float32
    assert light.max() == pytest.approx(1e6)


@pytest.mark.parametrize("program", ["nuke", "blender", "fusion"])
def test_layers_that_blend_in_codes_are_refused(tmp_path, program):
    layers = replace(layers_by_hand(1), blend="encoded")
    work = import_module(f"depthfx.export.{program}").export
    with pytest.raises(ParameterError, match="blend='encoded'"):
        work(layers, orbit_shot(), tmp_path, depth=depth_of(layers))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("program", ["nuke", "blender", "fusion"])
def test_who_stops_the_work_is_heard(tmp_path, program):
    def stop(share):
        assert 0 <= share <= 1
        raise Cancelled("stopped")

    layers = layers_by_hand(2)
    work = import_module(f"depthfx.export.{program}").export
    with pytest.raises(Cancelled):
        work(layers, orbit_shot(), tmp_path, depth=depth_of(layers), progress=stop)


def test_the_same_layers_give_the_same_bytes(tmp_path):
    layers = layers_by_hand(2)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        nuke.export(layers, orbit_shot(), tmp_path / name, depth=depth_of(layers))
    for file in ("layers.exr", "shot.nk"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
