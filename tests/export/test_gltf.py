"""scene.glb read chunk by chunk as the specification lays it out; by trimesh too where it is."""

import io
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from by_hand import NASTY_NAMES, layers_by_hand, orbit_shot, places_expected, still_shot
from PIL import Image

from depthfx.export import gltf
from depthfx.export.cards import cards_of
from depthfx.export.gltf import write_gltf
from depthfx.photo.colour import srgb_space

COMPONENTS = {5126: "<f4", 5123: "<u2"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Glb:
    """A .glb: its JSON, and its arrays by accessor."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, length = struct.unpack("<4sII", data[:12])
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack("<I4s", data[12:20])
        assert (kind, size % 4) == (b"JSON", 0)
        self.scene = json.loads(data[20 : 20 + size])
        rest = data[20 + size :]
        size, kind = struct.unpack("<I4s", rest[:8])
        assert (kind, size % 4, len(rest)) == (b"BIN\0", 0, size + 8)
        self.binary = rest[8:]

    def view(self, index):
        told = self.scene["bufferViews"][index]
        return self.binary[told["byteOffset"] :][: told["byteLength"]]

    def array(self, index):
        told = self.scene["accessors"][index]
        values = np.frombuffer(self.view(told["bufferView"]), COMPONENTS[told["componentType"]])
        rows = values.reshape(told["count"], WIDTHS[told["type"]])
        assert rows.min(0).tolist() == told["min"]
        assert rows.max(0).tolist() == told["max"]
        return rows.astype(float)

    def picture(self, index):
        return Image.open(io.BytesIO(self.view(self.scene["images"][index]["bufferView"])))


def turned(q, v):
    """`v` (N, 3) turned by a quaternion x, y, z, w."""
    axis, w = np.asarray(q[:3]), q[3]
    return v + 2 * np.cross(axis, np.cross(axis, v) + w * v)


@pytest.fixture
def written(tmp_path):
    def write(layers, shot):
        write_gltf(layers, shot, tmp_path / "scene.glb")
        return Glb(tmp_path / "scene.glb")

    return write


def orbit_without_zoom():
    shot = orbit_shot()
    keys = tuple(replace(k, pose=replace(k.pose, zoom=1.0)) for k in shot.move.keys)
    return replace(shot, move=replace(shot.move, keys=keys))


@pytest.mark.parametrize("count", [1, 8])
def test_cards_stand_where_the_photo_shows_them_in_every_frame(written, count):
    layers, shot = layers_by_hand(count), orbit_without_zoom()
    glb = written(layers, shot)
    scene = glb.scene
    [camera] = [n for n, node in enumerate(scene["nodes"]) if "camera" in node]
    [animation] = scene["animations"]
    tracks = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        assert channel["target"]["node"] == camera
        times = glb.array(sampler["input"])[:, 0]
        np.testing.assert_allclose(times, np.arange(shot.frames) / shot.fps, atol=1e-6)
        tracks[channel["target"]["path"]] = glb.array(sampler["output"])
    np.testing.assert_allclose(np.linalg.norm(tracks["rotation"], axis=1), 1, atol=1e-6)
    # Neighbours on the same side, so that a viewer turns the short way between them.
    assert (np.sum(tracks["rotation"][1:] * tracks["rotation"][:-1], axis=1) > 0.9).all()
    lens = scene["cameras"][0]["perspective"]
    focal = 1 / np.tan(lens["yfov"] / 2)
    for n, key in enumerate(shot.move.sampled(shot.frames)):
        q = tracks["rotation"][n]
        back = [-q[0], -q[1], -q[2], q[3]]
        for index, card in enumerate(cards_of(layers)):
            mesh = scene["meshes"][scene["nodes"][index]["mesh"]]["primitives"][0]
            points = glb.array(mesh["attributes"]["POSITION"])
            world = points + scene["nodes"][index]["translation"]
            seen = turned(back, world - tracks["translation"][n])
            x = focal / lens["aspectRatio"] * seen[:, 0] / -seen[:, 2]
            y = focal * seen[:, 1] / -seen[:, 2]
            place = np.column_stack([(1 + x) * shot.width / 2, (1 - y) * shot.height / 2])
            expected = places_expected(layers, shot, card, key.pose)
            np.testing.assert_allclose(place, expected, atol=0.02)
            corners = glb.array(mesh["attributes"]["TEXCOORD_0"])
            assert corners.tolist() == [[0, 0], [1, 0], [1, 1], [0, 1]]


def test_faces_look_at_the_camera(written):
    glb = written(layers_by_hand(1), orbit_shot())
    mesh = glb.scene["meshes"][0]["primitives"][0]
    points = glb.array(mesh["attributes"]["POSITION"])
    for a, b, c in glb.array(mesh["indices"]).astype(int).reshape(2, 3):
        assert np.cross(points[b] - points[a], points[c] - points[a])[2] > 0


def test_textures_are_the_layers_in_srgb_with_straight_alpha(written):
    layers = layers_by_hand(3)
    glb = written(layers, still_shot(layers))
    for index, layer in enumerate(layers.layers):
        rgba = np.asarray(glb.picture(index))
        np.testing.assert_array_equal(rgba[..., :3], srgb_space().encode(layer.pixels, 8))
        np.testing.assert_array_equal(rgba[..., 3], np.rint(255 * layer.alpha))
    for material in glb.scene["materials"]:
        assert material["alphaMode"] == "BLEND"
        assert "KHR_materials_unlit" in material["extensions"]


def test_large_textures_are_made_smaller_without_fringes(written, monkeypatch):
    """What is clear is white here, what is seen dark: no white gets into what is seen."""
    monkeypatch.setattr(gltf, "LARGEST_TEXTURE", 40)
    layers = layers_by_hand(1)
    [layer] = layers.layers
    clear = np.arange(layer.alpha.shape[1]) < 31
    alpha = np.where(clear, 0, 1) * np.ones_like(layer.alpha)
    pixels = np.where(clear[:, None], 1, 0.1) * np.ones_like(layer.pixels)
    layer = replace(layer, alpha=alpha.astype(np.float32), pixels=pixels.astype(np.float32))
    rgba = np.asarray(written(replace(layers, layers=(layer,)), orbit_shot()).picture(0))
    assert max(rgba.shape[:2]) == 40
    seen = rgba[..., 3] > 0
    assert ((rgba[..., 3] > 0) & (rgba[..., 3] < 255)).any()
    dark = srgb_space().encode(layer.pixels[:1, -1:], 8)[0, 0, 0]
    assert np.abs(rgba[seen][:, :3].astype(int) - int(dark)).max() <= 1


@pytest.mark.parametrize("name", NASTY_NAMES)
def test_names_keep_their_letters(written, name):
    glb = written(layers_by_hand(2, name=name), orbit_shot(name=name))
    letters = [c for c in name if c.isalnum()]
    assert [c for c in glb.scene["nodes"][0]["name"] if c.isalnum()] == letters


def test_a_shot_of_one_frame_has_no_animation(written):
    layers = layers_by_hand(1)
    glb = written(layers, replace(still_shot(layers), seconds=0.01))
    assert "animations" not in glb.scene


def test_trimesh_reads_it(written, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    layers = layers_by_hand(3)
    written(layers, orbit_shot())
    scene = trimesh.load(tmp_path / "scene.glb")
    assert len(scene.geometry) == 3
    corners = np.concatenate([card.corners for card in cards_of(layers)])
    np.testing.assert_allclose(scene.bounds, [corners.min(0), corners.max(0)], atol=1e-5)
