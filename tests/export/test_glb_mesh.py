"""A mesh as glTF, read as the specification lays it out, and by other programs."""

import json
import math
import shutil
import struct
import subprocess

import numpy as np
import pytest
from wall_and_ball import CAMERA, extent_m, mesh, pixels, space_of

from depthfx.export.glb_mesh import UNLIT, write_glb
from depthfx.export.space import OPENGL
from depthfx.geometry.unproject import project

COMPONENTS = {5126: "<f4", 5125: "<u4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}


class Glb:
    def __init__(self, path):
        data = path.read_bytes()
        assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
        size, kind = struct.unpack("<I4s", data[12:20])
        assert (kind, size % 4) == (b"JSON", 0)
        self.scene, self.binary = json.loads(data[20 : 20 + size]), data[28 + size :]
        [mesh] = self.scene["meshes"]
        [self.part] = mesh["primitives"]

    def array(self, index):
        told = self.scene["accessors"][index]
        view = self.scene["bufferViews"][told["bufferView"]]
        data = self.binary[view["byteOffset"] :][: view["byteLength"]]
        values = np.frombuffer(data, COMPONENTS[told["componentType"]])
        return values.reshape(told["count"], WIDTHS[told["type"]])

    def attribute(self, name):
        return self.array(self.part["attributes"][name])


@pytest.fixture
def glb(tmp_path):
    def write(space=None, **more):
        write_glb(mesh(), pixels(), space or space_of(), tmp_path / "a.glb", **more)
        return Glb(tmp_path / "a.glb")

    return write


def test_vertices_fall_onto_their_texels(glb):
    file = glb()
    places = project(file.attribute("POSITION") @ OPENGL, CAMERA)
    np.testing.assert_allclose(file.attribute("TEXCOORD_0") * [240, 180], places, atol=0.01)
    normals = file.attribute("NORMAL")
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    assert ((normals * file.attribute("POSITION")).sum(1) <= 1e-3).all()


def test_the_camera_sees_what_the_photo_does(glb):
    scene = glb().scene
    lens = scene["cameras"][0]["perspective"]
    assert 90 / math.tan(lens["yfov"] / 2) == pytest.approx(200)
    assert lens["aspectRatio"] == pytest.approx(240 / 180)
    assert lens["znear"] < 2 < 5 < lens["zfar"]
    [node] = [node for node in scene["nodes"] if "camera" in node]
    np.testing.assert_allclose(np.abs(node["rotation"]), [0, 0, 0, 1], atol=1e-12)
    assert "principal point 126 84 px" in scene["asset"]["extras"]["camera"]


@pytest.mark.parametrize("axes", ["opencv", "world"])
def test_in_other_axes_the_camera_turns_with_the_mesh(glb, axes):
    turn = np.linalg.qr(np.array([[1, 0.2, 0.1], [-0.3, 1, 0.4], [0.1, 0.3, 1]]))[0]
    rotation = np.eye(3) if axes == "opencv" else turn * np.sign(np.linalg.det(turn))
    file = glb(space_of(rotation, axes))
    [node] = [node for node in file.scene["nodes"] if "camera" in node]
    x, y, z, w = node["rotation"]
    matrix = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    seen = file.attribute("POSITION") @ matrix @ OPENGL
    places = project(seen, CAMERA)
    np.testing.assert_allclose(file.attribute("TEXCOORD_0") * [240, 180], places, atol=0.01)


def test_it_shows_the_photo_unless_it_is_to_be_lit(glb):
    assert glb().scene["extensionsUsed"] == [UNLIT]
    lit = glb(lit=True).scene
    assert "extensionsUsed" not in lit
    assert "extensions" not in lit["materials"][0]


def test_trimesh_reads_it_in_metres(glb, tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    glb()
    scene = trimesh.load(tmp_path / "a.glb")
    np.testing.assert_allclose(scene.extents, extent_m(), rtol=1e-3)
    assert scene.camera.fov[1] == pytest.approx(math.degrees(2 * math.atan(90 / 200)))


def test_open3d_reads_it_in_metres(glb, tmp_path):
    open3d = pytest.importorskip("open3d", reason="open3d is not installed")
    glb()
    read_back = open3d.io.read_triangle_mesh(str(tmp_path / "a.glb"), True)
    np.testing.assert_allclose(np.ptp(read_back.vertices, axis=0), extent_m(), rtol=1e-3)
    assert read_back.has_triangle_uvs()


@pytest.mark.slow
def test_the_validator_finds_nothing(glb, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    glb()
    script = (
        "const v=require('gltf-validator'),d=require('fs').readFileSync(process.argv[1]);"
        "v.validateBytes(new Uint8Array(d)).then(r=>console.log(JSON.stringify(r.issues)))"
    )
    done = subprocess.run(
        [node, "-e", script, str(tmp_path / "a.glb")], capture_output=True, text=True, check=False
    )
    if "Cannot find module" in done.stderr:
        pytest.skip("gltf-validator is not installed for node")
    issues = json.loads(done.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0)


def test_the_same_bytes_again(glb, tmp_path):
    glb()
    first = (tmp_path / "a.glb").read_bytes()
    glb()
    assert first == (tmp_path / "a.glb").read_bytes()
