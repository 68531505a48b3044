"""OBJ files with their companions, read by trimesh and by hand."""

import signal

import numpy as np
import pytest
from PIL import Image
from wall_and_ball import CAMERA, extent_m, mesh, pixels, space_of

from depthfx.errors import PhotoError
from depthfx.export.obj import beside, write_obj
from depthfx.export.space import OPENGL
from depthfx.geometry.unproject import project


def rows(path, kind):
    lines = [line.split()[1:] for line in path.read_text().splitlines() if line.startswith(kind)]
    return np.array([[float(v) for v in line] for line in lines])


def test_vertices_fall_onto_their_texels(tmp_path):
    path = tmp_path / "a.obj"
    write_obj(mesh(), pixels(), space_of(), path)
    places = project(rows(path, "v ") @ OPENGL, CAMERA)
    texture = rows(path, "vt ")
    # An OBJ counts from the lower edge.
    np.testing.assert_allclose(texture[:, 0] * 240, places[:, 0], atol=0.01)
    np.testing.assert_allclose((1 - texture[:, 1]) * 180, places[:, 1], atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(rows(path, "vn "), axis=1), 1, atol=1e-4)


def test_the_texture_is_the_photo(tmp_path):
    write_obj(mesh(), pixels(), space_of(), tmp_path / "a.obj")
    picture = Image.open(tmp_path / "a-texture.jpg")
    assert picture.size == (240, 180)
    red, green, _ = picture.getpixel((230, 20))
    assert red > 240
    assert green < 110


def test_trimesh_finds_material_and_texture(tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
    path = tmp_path / "my photo.obj"
    write_obj(mesh(), pixels(), space_of(), path)
    read_back = trimesh.load(path)
    np.testing.assert_allclose(read_back.extents, extent_m(), rtol=1e-3)
    assert read_back.visual.material.image.size == (240, 180)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["my photo.obj", "my_photo-texture.jpg", "my_photo.mtl"]


def test_companions_are_replaced_with_their_obj_only(tmp_path):
    path = tmp_path / "a.obj"
    material, texture = beside(path)
    texture.write_bytes(b"somebody's")
    with pytest.raises(PhotoError, match=r"a-texture\.jpg: exists already"):
        write_obj(mesh(), pixels(), space_of(), path)
    assert texture.read_bytes() == b"somebody's"
    assert not path.exists()
    assert not material.exists()
    texture.unlink()
    write_obj(mesh(), pixels(), space_of(), path)
    first = {file: file.read_bytes() for file in (path, material, texture)}
    write_obj(mesh(), pixels(), space_of(), path)
    assert first == {file: file.read_bytes() for file in (path, material, texture)}


def test_the_photo_is_never_written_over(tmp_path):
    photo = tmp_path / "a-texture.jpg"
    photo.write_bytes(b"the photo")
    (tmp_path / "a.obj").write_bytes(b"old")
    with pytest.raises(PhotoError, match="is the photo itself"):
        write_obj(mesh(), pixels(), space_of(), tmp_path / "a.obj", source=photo)
    assert photo.read_bytes() == b"the photo"


def test_a_full_disk_leaves_none_of_the_three(tmp_path):
    resource = pytest.importorskip("resource", reason="this system limits no file sizes")
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "a.obj"
    write_obj(mesh(), pixels(), space_of(), path)
    material, texture = beside(path)
    between = (path.stat().st_size + texture.stat().st_size) // 2
    assert texture.stat().st_size < between < path.stat().st_size
    for file in (path, material, texture):
        file.unlink()
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (between, most[1]))
    try:
        with pytest.raises(PhotoError, match="cannot be written"):
            write_obj(mesh(), pixels(), space_of(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, before)
    assert list(tmp_path.iterdir()) == []
