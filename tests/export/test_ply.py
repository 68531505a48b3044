"""PLY files read by other programs' readers, and by hand."""

import numpy as np
import pytest
from wall_and_ball import CAMERA, cloud, extent_m, mesh, pixels, space_of

from depthfx.errors import PhotoError
from depthfx.export.ply import write_cloud, write_mesh
from depthfx.export.space import OPENGL
from depthfx.geometry.unproject import project
from depthfx.photo.colour import srgb_space

TYPES = {"float": "<f4", "uchar": "u1"}


def read(path):
    """Comments and vertices."""
    head, body = path.read_bytes().split(b"end_header\n", 1)
    lines = head.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    properties = [line.split()[1:] for line in lines if line.startswith("property ")]
    kinds = [(name, TYPES[kind]) for kind, name, *more in properties if not more]
    number = next(int(line.split()[2]) for line in lines if line.startswith("element vertex"))
    comments = [line.removeprefix("comment ") for line in lines if line.startswith("comment ")]
    return comments, np.frombuffer(body, kinds, number)


def columns(records, *names):
    return np.stack([records[name] for name in names], -1)


@pytest.fixture
def ply(tmp_path):
    write_cloud(cloud(), space_of(), tmp_path / "a.ply")
    return tmp_path / "a.ply"


def test_points_fall_onto_their_pixels_with_their_colours(ply):
    _, vertices = read(ply)
    places = project(columns(vertices, "x", "y", "z") @ OPENGL, CAMERA)
    y, x = np.mgrid[:180, :240] + 0.5
    np.testing.assert_allclose(places, np.stack([x, y], -1).reshape(-1, 2), atol=0.001)
    codes = srgb_space().encode(pixels(), 8).reshape(-1, 3)
    np.testing.assert_array_equal(columns(vertices, "red", "green", "blue"), codes)


def test_normals_are_of_length_1_and_face_the_camera(ply):
    _, vertices = read(ply)
    normals = columns(vertices, "nx", "ny", "nz")
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    assert ((normals * columns(vertices, "x", "y", "z")).sum(1) <= 1e-3).all()


def test_the_header_tells_all_that_numbers_need(ply):
    comments, _ = read(ply)
    assert comments == [
        "written by depthfx",
        "axes: x right, y up, z towards the viewer; the camera is in the origin",
        "unit: metre",
        "camera: 240 x 180 px, focal length 200 px, principal point 126 84 px from the upper left "
        "corner",
        "depth: true ? by hand",
    ]


def test_a_relative_depth_has_no_metres(tmp_path):
    write_cloud(cloud(), space_of(np.eye(3), "opencv", metric=False), tmp_path / "a.ply")
    comments, vertices = read(tmp_path / "a.ply")
    assert "unit: of the relative depth, not metres" in comments
    assert (vertices["z"] > 0).all()


def test_trimesh_reads_points_in_metres(ply):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    read_back = trimesh.load(ply)
    np.testing.assert_allclose(read_back.extents, extent_m(), rtol=1e-3)
    assert len(read_back.colors) == 180 * 240


def test_open3d_reads_points_in_metres(ply):
    open3d = pytest.importorskip("open3d", reason="open3d is not installed")
    read_back = open3d.io.read_point_cloud(str(ply))
    np.testing.assert_allclose(np.ptp(read_back.points, axis=0), extent_m(), rtol=1e-3)
    assert read_back.has_normals()
    assert read_back.has_colors()


def test_readers_see_the_mesh(tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    made = mesh()
    write_mesh(made, pixels(), space_of(), tmp_path / "m.ply")
    read_back = trimesh.load(tmp_path / "m.ply", process=False)
    np.testing.assert_array_equal(read_back.faces, made.faces)
    np.testing.assert_allclose(read_back.extents, extent_m(), rtol=1e-3)
    # Counter-clockwise as seen, so that the triangles' own normals face the camera.
    assert ((read_back.face_normals * read_back.triangles_center).sum(1) < 1e-6).all()


def test_the_same_bytes_again(ply, tmp_path):
    write_cloud(cloud(), space_of(), tmp_path / "b.ply")
    assert ply.read_bytes() == (tmp_path / "b.ply").read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PhotoError, match="does not exist"):
        write_cloud(cloud(), space_of(), tmp_path / "no" / "a.ply")
