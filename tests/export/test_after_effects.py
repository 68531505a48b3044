"""The script runs in a strict stand-in for After Effects, and what it builds is looked at."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from run_ae import camera_of, cards_of, corners_seen, run, value_at

from depthfx.camera import Camera
from depthfx.errors import Cancelled, ParameterError
from depthfx.export import after_effects
from depthfx.export.shot import Shot
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.pose import Pose
from depthfx.layers.layers import Layer, Layers

WIDTH, HEIGHT, FOCAL_PX = 160, 100, 150.0
CENTRED = Camera(WIDTH, HEIGHT, FOCAL_PX)
ASKEW = Camera(WIDTH, HEIGHT, FOCAL_PX, cx=86.0, cy=45.0)


def layer(name: str, inverse: float, box: tuple[int, int, int, int], group: str = "") -> Layer:
    left, top, width, height = box
    pixels = np.full((height, width, 3), inverse, np.float32)
    plane = np.full((height, width), inverse, np.float32)
    return Layer(name, pixels, np.ones_like(plane), plane, inverse, left, top, group)


def four(camera: Camera = CENTRED) -> Layers:
    """A backdrop beyond the frame, two layers of a group, one in front."""
    cards = (
        layer("Layer 1", 0.05, (-10, -12, 183, 121)),
        layer("tree", 0.3, (20, 10, 41, 60), "trees"),
        layer("twig", 0.4, (30, 30, 40, 21), "trees"),
        layer("Layer 4", 0.5, (90, 40, 60, 72)),
    )
    return Layers(cards, camera, True, "encoded", 10.0)


def shot(move: Move | None = None, name: str = "Shot", fps: float = 10.0) -> Shot:
    return Shot(name, 240, 120, fps, 2.0, move)


def exported(folder: Path, layers: Layers, what: Shot, depth: bool = True) -> Path:
    """The script of an export into a new folder."""
    folder.mkdir(parents=True)
    plane = np.linspace(0.05, 0.5, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    after_effects.export(layers, what, folder, depth=plane if depth else None)
    (script,) = folder.glob("*.jsx")
    return script


def built(folder: Path, layers: Layers, what: Shot, **options: Any) -> dict[str, Any]:
    """The composition that the script of an export builds."""
    done = run(exported(folder, layers, what), **options)
    assert done["alerts"] == []
    return done["comps"][-1]


def key(at: float, *position: float, **more: Any) -> Key:
    rest = {name: more.pop(name) for name in ("focus_inverse", "aperture_m") if name in more}
    return Key(at, Pose(position or (0.0, 0.0, 0.0), **more), **rest)


AT = (0.1, -0.2, 4.0)
MOVES = {
    "still": None,
    "orbit": Move(
        "orbit", (key(0, target=AT), key(0.4, 0.3, 0.1, 0.0, target=AT), key(1, target=AT))
    ),
    "push": Move("push", (key(0), key(1, 0.0, 0.0, 0.6)), smooth=False),
    "dolly zoom": Move("dolly zoom", (key(0), key(1, 0.0, 0.0, 0.7, zoom=0.83))),
    "roll": Move("roll", (key(0, target=AT), key(1, -0.2, 0.1, 0.3, target=AT, roll_deg=12.0))),
    "pan": Move(
        "pan",
        (
            key(0, target=(0.0, 0.0, 4.0)),
            key(0.3, 0.2, 0.1, 0.1, target=(0.4, 0.3, 3.5), roll_deg=3.0),
            key(1, -0.3, -0.1, 0.2, target=(-0.2, 0.2, 4.0)),
        ),
    ),
    "circle": Move(
        "circle",
        (
            *(
                key(k / 6, 0.2 * np.cos(k * np.pi / 3), 0.2 * np.sin(k * np.pi / 3), 0.0, target=AT)
                for k in range(6)
            ),
            key(1, 0.2, 0.0, 0.0, target=AT),
        ),
        loop=True,
    ),
}


def expected(layers: Layers, card: Layer, pose: Pose, what: Shot) -> np.ndarray:
    """Where our own camera has the corners of a card, in px of the frame."""
    camera = layers.camera
    height, width = card.alpha.shape
    right, bottom = card.left + width, card.top + height
    places = [(card.left, card.top), (right, card.top), (right, bottom), (card.left, bottom)]
    points = np.array([[u, v, 1, card.card_inverse] for u, v in places])
    seen = points @ pose.matrix(camera).T
    scale = max(what.width / camera.width, what.height / camera.height)
    middle = np.array([camera.width, camera.height]) / 2
    return np.array([what.width, what.height]) / 2 + scale * (seen[:, :2] / seen[:, 2:] - middle)


@pytest.mark.parametrize("name", MOVES)
def test_every_layer_is_where_our_camera_sees_it(tmp_path: Path, name: str) -> None:
    """At frame one that is its place in the photo; after that parallax is ours, within 0.5 px."""
    layers, what = four(), shot(MOVES[name])
    comp = built(tmp_path / "a", layers, what)
    keys = [Key(0, Pose())] * what.frames if what.move is None else what.move.sampled(what.frames)
    for frame, moved in enumerate(keys):
        for card, ours in zip(cards_of(comp), layers.layers, strict=True):
            seen = corners_seen(comp, card, frame / what.fps)
            limit = 0.001 if frame == 0 and name != "circle" else 0.15
            assert np.abs(seen - expected(layers, ours, moved.pose, what)).max() < limit


@pytest.mark.parametrize("size", [(40, 30), (90, 160), (1920, 1080)])
def test_a_composition_of_any_size_and_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    """Smaller and larger than the photo, and upright for one that is not."""
    layers, what = four(), replace(shot(MOVES["orbit"]), width=size[0], height=size[1])
    comp = built(tmp_path / "a", layers, what)
    assert what.move is not None
    larger = max(1.0, size[0] / WIDTH, size[1] / HEIGHT)
    for frame in (0, 7):
        pose = what.move.sampled(what.frames)[frame].pose
        for card, ours in zip(cards_of(comp), layers.layers, strict=True):
            seen = corners_seen(comp, card, frame / what.fps)
            limit = 0.001 if frame == 0 else 0.15
            assert np.abs(seen - expected(layers, ours, pose, what)).max() < limit * larger


@pytest.mark.parametrize("name", ["still", "push", "orbit"])
def test_a_principal_point_beside_the_middle_is_made_up_for(tmp_path: Path, name: str) -> None:
    layers, what = four(ASKEW), shot(MOVES[name])
    comp = built(tmp_path / "a", layers, what)
    keys = [Key(0, Pose())] if what.move is None else what.move.sampled(what.frames)
    for frame, moved in enumerate(keys):
        for card, ours in zip(cards_of(comp), layers.layers, strict=True):
            seen = corners_seen(comp, card, frame / what.fps)
            # A turned camera sees a little else beside the middle: this is 10 px off it.
            limit = 1.5 if name == "orbit" else 0.1
            assert np.abs(seen - expected(layers, ours, moved.pose, what)).max() < limit


def test_a_shifted_picture_is_turned_to(tmp_path: Path) -> None:
    """After Effects shifts no picture; what is straight ahead goes where it should."""
    layers = Layers((layer("Ahead", 0.2, (79, 49, 2, 2)),), *tail(four()))
    move = Move("shift", (key(0), key(1, zoom=1.2, shift=(0.1, -0.05))))
    comp = built(tmp_path / "a", layers, shot(move))
    ahead = corners_seen(comp, cards_of(comp)[0], 1.9).mean(axis=0)
    moved = np.array([-0.1, 0.05]) * FOCAL_PX * 1.5
    np.testing.assert_allclose(ahead, np.array([120, 60]) + moved, atol=0.05)


def test_the_composition_is_what_was_asked_for(tmp_path: Path) -> None:
    comp = built(tmp_path / "a", four(), shot(name="Ein Bäumchen"))
    assert (comp["name"], comp["width"], comp["height"]) == ("Ein Bäumchen", 240, 120)
    assert (comp["duration"], comp["frameRate"], comp["pixelAspect"]) == (2.0, 10.0, 1)
    assert comp["renderer"] == "ADBE Advanced 3d"
    assert all(layer["startTime"] == 0 for layer in comp["layers"])
    assert all(layer["duration"] == 2.0 for layer in comp["layers"] if "duration" in layer)
    assert all(card["straight"] for card in cards_of(comp))


def test_layers_stand_in_order_with_the_camera_on_a_null(tmp_path: Path) -> None:
    comp = built(tmp_path / "a", four(), shot())
    assert [layer["name"] for layer in comp["layers"]] == [
        *("Camera", "Camera rig", "Layer 4", "trees", "twig", "tree", "Layer 1"),
        after_effects.DEPTH_NAME,
    ]
    rig = comp["layers"][1]
    assert comp["layers"][0]["parent"] == 2
    assert rig["null"]
    assert rig["threeD"]
    assert rig["values"]["ADBE Position"] == [120, 60, 0]


def test_what_was_nearest_to_the_pivot_has_its_own_size(tmp_path: Path) -> None:
    """The pivot's card is at Z = 0, so that scaling the frame is all that enlarges it."""
    layers = four()
    what = Shot("Shot", 160, 100, 25.0, 1.0, None, pivot_inverse=0.3)
    tree = cards_of(built(tmp_path / "a", layers, what))[1]
    assert tree["values"]["ADBE Scale"] == [100, 100, 100]


def test_a_group_is_parented_to_a_null_and_labelled(tmp_path: Path) -> None:
    comp = built(tmp_path / "a", four(), shot())
    by_name = {layer["name"]: layer for layer in comp["layers"]}
    null = comp["layers"].index(by_name["trees"]) + 1
    for name in ("tree", "twig"):
        assert by_name[name]["parent"] == null
        assert by_name[name]["label"] == by_name["trees"]["label"]
    assert by_name["Layer 1"]["parent"] is None


def test_the_depth_pass_lies_below_as_a_guide_that_is_off(tmp_path: Path) -> None:
    comp = built(tmp_path / "a", four(), shot())
    depth = comp["layers"][-1]
    assert (depth["guide"], depth["enabled"], depth["threeD"]) == (True, False, False)
    assert depth["size"] == [WIDTH, HEIGHT]
    assert depth["values"]["ADBE Scale"][0] == 150  # fills 240 x 120, cut above and below


def test_focus_and_aperture_blur_as_the_move_says(tmp_path: Path) -> None:
    """A thin lens of this aperture, so focussed, blurs each layer to the disc of `Key`, also while
    the camera goes nearer and zooms."""
    near = key(0, focus_inverse=0.5, aperture_m=0.02)
    far = key(1, 0.0, 0.0, 0.5, zoom=1.3, focus_inverse=0.05, aperture_m=0.04)
    layers, what = four(), shot(Move("focus pull", (near, far)))
    comp = built(tmp_path / "a", layers, what)
    values = camera_of(comp)["values"]
    assert values["ADBE Camera Depth of Field"] == 1
    assert values["ADBE Camera Blur Level"] == 100
    unit = after_effects.World.of(layers, what).px_per_metre
    for frame, moved in enumerate(what.move.sampled(what.frames)):
        focus, aperture, zoom = (
            value_at(values[f"ADBE Camera {name}"], frame / what.fps)
            for name in ("Focus Distance", "Aperture", "Zoom")
        )
        went = moved.pose.position[2]
        for card in layers.layers:
            distance = 1 / card.card_inverse - went
            disc = aperture * zoom * abs(1 / focus - 1 / (unit * distance))
            blur = 1 / distance - 1 / (1 / moved.focus_inverse - went)
            ours = 1.5 * moved.aperture_m * FOCAL_PX * moved.pose.zoom * abs(blur)
            assert disc == pytest.approx(ours, abs=0.03)


def test_a_move_without_focus_leaves_depth_of_field_off(tmp_path: Path) -> None:
    values = camera_of(built(tmp_path / "a", four(), shot(MOVES["orbit"])))["values"]
    assert values["ADBE Camera Depth of Field"] == 0


def test_a_move_needs_no_more_keys_than_it_was_made_with(tmp_path: Path) -> None:
    values = camera_of(built(tmp_path / "a", four(), shot(MOVES["circle"])))["values"]
    assert len(values["ADBE Position_0"]["keys"]) == 7
    assert "keys" not in str(values["ADBE Camera Zoom"])


HARD_NAMES = [
    "100% cotton",
    "50%25 off",
    "it's",
    'say "hi"',
    "文件夹 😀",
    "a#b ~c",
    "Ümlaut e\u0301",
]


@pytest.mark.parametrize("encoded", [False, True], ids=["path", "uri"])
@pytest.mark.parametrize("name", HARD_NAMES)
def test_footage_is_found_beside_the_script_wherever_that_is(
    tmp_path: Path, name: str, encoded: bool
) -> None:
    """Also after the folder has moved, whether After Effects tells the path plain or as a URI."""
    script = exported(tmp_path / "first", four(), shot(name="A shot, 花"))
    moved = tmp_path / name / name
    moved.parent.mkdir()
    shutil.move(script.parent, moved)
    script = moved / script.name
    done = run(script, fileName=quote(str(script)) if encoded else str(script))
    assert done["alerts"] == []
    found = [Path(layer["file"]) for layer in done["comps"][0]["layers"] if layer.get("file")]
    assert len(found) == 5
    assert all(file.is_file() and file.is_relative_to(moved) for file in found)
    assert [item["folder"] for item in done["footage"]] == ["A shot, 花 footage"] * 7


@pytest.mark.parametrize("name", HARD_NAMES)
def test_layers_of_any_name_have_files_that_are_found(tmp_path: Path, name: str) -> None:
    layers = Layers((layer(name, 0.2, (0, 0, 4, 4)), layer(name, 0.3, (0, 0, 4, 4))), *tail(four()))
    comp = built(tmp_path / "a", layers, shot(name=name))
    assert len({card["file"] for card in cards_of(comp)}) == 2


def tail(layers: Layers) -> tuple[Any, ...]:
    return layers.camera, layers.metric, layers.blend, layers.reach_px


@pytest.mark.parametrize("count", [0, 1, 30])
def test_any_number_of_layers_of_one_name(tmp_path: Path, count: int) -> None:
    cards = tuple(layer("Same", 0.1 + k / 100, (k, 0, 9, 9)) for k in range(count))
    comp = built(tmp_path / "a", Layers(cards, *tail(four())), shot())
    names = [layer["name"] for layer in comp["layers"]]
    assert len(cards_of(comp)) == count
    assert len(set(names)) == len(names)
    depths = [card["values"]["ADBE Position"][2] for card in cards_of(comp)]
    assert depths == sorted(depths, reverse=True)


def test_the_folder_is_asked_for_if_the_script_does_not_know_where_it_is(tmp_path: Path) -> None:
    script = exported(tmp_path / "a", four(), shot())
    done = run(script, fileName="", dialogFolder=str(script.parent))
    assert len(done["dialogs"]) == 1
    assert len(done["comps"]) == 1
    cancelled = run(script, fileName="", dialogFolder=None)
    assert (cancelled["comps"], cancelled["alerts"], cancelled["folders"]) == ([], [], [])


def test_a_missing_file_is_named_in_one_line(tmp_path: Path) -> None:
    script = exported(tmp_path / "a", four(), shot())
    lost = script.parent / "footage" / "twig.png"
    lost.unlink()
    done = run(script, dialogFolder=str(script.parent))
    (alert,) = done["alerts"]
    assert alert.startswith("Shot: ")
    assert str(lost) in alert
    assert "\n" not in alert
    assert done["comps"] == []


def test_what_cannot_be_imported_leaves_the_project_as_it_was(tmp_path: Path) -> None:
    script = exported(tmp_path / "a", four(), shot())
    done = run(script, corrupt=["twig.png"], existing=["Other"])
    assert "twig.png" in done["alerts"][0]
    assert [comp["name"] for comp in done["comps"]] == ["Other"]
    assert done["folders"] == []
    assert done["footage"] == []


def test_the_render_engine_shows_no_dialogs(tmp_path: Path) -> None:
    script = exported(tmp_path / "a", four(), shot())
    assert len(run(script, renderEngine=True)["comps"]) == 1
    (script.parent / "footage" / "twig.png").unlink()
    done = run(script, renderEngine=True)
    assert "twig.png is missing" in done["console"][0]
    assert done["exitCode"] == 1


def test_it_runs_in_cs6_and_with_separated_dimensions(tmp_path: Path) -> None:
    script = exported(tmp_path / "a", four(), shot(MOVES["orbit"]))
    usual = run(script)["comps"][0]
    assert run(script, version="11.0")["comps"][0] == usual
    other = run(script, separateDimensions=True)["comps"][0]
    assert cards_of(other) == cards_of(usual)
    assert other["layers"][:2] == usual["layers"][:2]


def test_a_taken_name_is_numbered_and_settings_of_a_project_are_kept(tmp_path: Path) -> None:
    script = exported(tmp_path / "a", four(), shot())
    done = run(script, existing=["Shot", "Shot 2"])
    assert [comp["name"] for comp in done["comps"]] == ["Shot", "Shot 2", "Shot 3"]
    assert done["bitsPerChannel"] == 8
    assert run(script, noProject=True)["bitsPerChannel"] == 16


def test_all_is_undone_in_one_step(tmp_path: Path) -> None:
    assert len(run(exported(tmp_path / "a", four(), shot()))["undo"]) == 1


def test_something_very_far_does_not_leave_the_space_of_a_composition(tmp_path: Path) -> None:
    sky = layer("Sky", 1e-6, (0, 0, WIDTH, HEIGHT))
    near = layer("Near", 0.5, (0, 0, 9, 9))
    comp = built(tmp_path / "a", Layers((sky, near), *tail(four())), shot())
    card = cards_of(comp)[0]
    assert card["values"]["ADBE Position"][2] < 1e6
    np.testing.assert_allclose(
        corners_seen(comp, card, 0)[[0, 2]], [[0, -15], [240, 135]], atol=0.01
    )


# ---- the files ---------------------------------------------------------------------------------


def test_an_export_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    first, second = (
        {
            file.relative_to(tmp_path / name): file.read_bytes()
            for file in exported(tmp_path / name, four(), shot(MOVES["pan"])).parent.rglob("*.*")
        }
        for name in "ab"
    )
    assert first == second
    assert len(first) == 6


ES5_AND_LATER = re.compile(
    r"=>|`|\.\.\.|\*\*|\?\.|\?\?|,\s*[\]})]|\.(default|delete|catch|class|import|export)\b"
    r"|\b(let|const|class|async|await|yield|of|get|set|static|super|import|export)\b"
    r"|\bJSON\b|['\"]use strict"
)


def test_the_script_is_ascii_and_ecmascript_3(tmp_path: Path) -> None:
    """The stand-in has no later library; this looks for later syntax."""
    script = exported(tmp_path / "a", four(), shot(name='"`⇒` 文'))
    text = script.read_bytes().decode("ascii")
    code = re.sub(r'"(\\.|[^"\\\n])*"', '""', re.sub(r"/\*.*?\*/", "", text, flags=re.S))
    code = re.sub(r"//.*", "", code)
    assert not ES5_AND_LATER.search(code)
    assert not re.search(r"\?[^:()]*\?", code), "ExtendScript reads a ? b : c ? d : e its own way"
    assert ES5_AND_LATER.search("var a = [1, 2,];")


@pytest.mark.parametrize(
    "line",
    [
        "app.project.nothing;",
        "app.project.numItems = 3;",
        "app.project.items.addComp('a', 3, 100, 1, 1, 25);",
        "app.project.items.addComp('a', 100, 100, 1, 1, 120);",
        "app.project.items.addComp('a', '100', 100, 1, 1, 25);",
        "var c = app.project.items.addComp('a', 100, 100, 1, 1, 25); c.layers.addNull(1)"
        ".property('Transform');",
        "var c = app.project.items.addComp('a', 100, 100, 1, 1, 25); c.layers.addNull(1)"
        ".property('ADBE Transform Group').property('ADBE Rotate X').setValue(3);",
        "new KeyframeEase(1, 0);",
        "new ImportOptions(new File('nothing.png'));",
        "AlphaMode.NONE;",
        "[1].indexOf(1);",
        "[1].forEach(alert);",
        "' a '.trim();",
        "JSON.stringify(1);",
        "Object.keys({});",
        "app.endUndoGroup();",
    ],
)
def test_the_stand_in_is_strict(tmp_path: Path, line: str) -> None:
    (tmp_path / "a").mkdir()
    script = tmp_path / "a" / "one.jsx"
    script.write_text(line)
    with pytest.raises(AssertionError, match="Error"):
        run(script)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 3}, "width=3"),
        ({"height": 30001}, "height=30001"),
        ({"fps": 120.0}, "fps=120"),
        ({"seconds": 20000.0}, "seconds=20000"),
    ],
)
def test_a_composition_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    given = {"name": "a", "width": 320, "height": 180, "fps": 25.0, "seconds": 2.0, **change}
    with pytest.raises(ParameterError, match=words):
        after_effects.export(four(), Shot(**given), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_layers_for_linear_light_are_refused(tmp_path: Path) -> None:
    layers = Layers(four().layers, CENTRED, True, "linear", 10.0)
    with pytest.raises(ParameterError, match="blend='encoded'"):
        after_effects.export(layers, shot(), tmp_path)


def test_a_cancelled_export_ends(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        after_effects.export(four(), shot(), tmp_path, progress=stop)
    assert not list(tmp_path.glob("*.jsx"))


def test_progress_grows_to_one(tmp_path: Path) -> None:
    told: list[float] = []
    after_effects.export(four(), shot(), tmp_path, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
