"""The effects `pointcloud` and `mesh`, from a scene to files."""

import numpy as np
import pytest
from PIL import Image

import depthfx
from depthfx.errors import DepthError, ParameterError, PhotoError
from depthfx_effects import Mesh, PointCloud

HEIGHT, WIDTH, FOCAL_PX = 96, 128, 120.0


def square_before_wall(metric=True, alpha=None, sky=False):
    """A square at 1 m before a wall at 4 m, perhaps with sky above."""
    pixels = np.random.default_rng(3).random((HEIGHT, WIDTH, 3), np.float32)
    inverse = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    inverse[40:80, 40:90] = 1.0
    if sky:
        inverse[:24] = 0
    return depthfx.Scene.from_arrays(
        pixels, inverse=inverse, focal_px=FOCAL_PX, alpha=alpha, metric=metric
    )


def vertices(path):
    head, body = path.read_bytes().split(b"end_header\n", 1)
    lines = head.decode().splitlines()
    number = next(int(line.split()[2]) for line in lines if line.startswith("element vertex"))
    names = [line.split()[-1] for line in lines if line.startswith("property float")]
    kinds = [(name, "<f4") for name in names] + [("rgb", "u1", 3)]
    return np.frombuffer(body, kinds, number)


@pytest.mark.parametrize("effect", [PointCloud, Mesh])
def test_files_are_in_metres(effect, tmp_path):
    written = depthfx.save(effect()(square_before_wall()), tmp_path / "a.ply")
    assert written == [tmp_path / "a.ply"]
    found = vertices(tmp_path / "a.ply")
    np.testing.assert_allclose(np.ptp(found["z"]), 3.0, rtol=1e-6)
    np.testing.assert_allclose(np.ptp(found["x"]), (WIDTH - 1) / FOCAL_PX * 4, rtol=1e-5)
    np.testing.assert_allclose(np.ptp(found["y"]), (HEIGHT - 1) / FOCAL_PX * 4, rtol=1e-5)


@pytest.mark.parametrize(
    ("axes", "signs"), [("opengl", (1, 1, -1)), ("opencv", (1, -1, 1)), ("world", (1, 1, -1))]
)
def test_axes(axes, signs, tmp_path):
    """The square is to the right of, below and before the middle of the picture."""
    scene = PointCloud(axes=axes, where="..2m")(square_before_wall())
    depthfx.save(scene, tmp_path / "a.ply")
    found = vertices(tmp_path / "a.ply")
    assert len(found) == 40 * 50
    mean = np.array([found[name].mean() for name in "xyz"])
    wanted = np.array([65 - 64, -(60 - 48), 120]) / 120 * signs
    np.testing.assert_allclose(mean, wanted, atol=0.2 if axes == "world" else 1e-5)


@pytest.mark.parametrize("effect", [PointCloud, Mesh])
@pytest.mark.parametrize("ending", ["first", "turntable"])
def test_the_same_bytes_again(effect, ending, tmp_path):
    turntable = ending == "turntable"
    made = effect(turntable=turntable)
    for name in ("a", "b"):
        path = tmp_path / f"{name}{made.endings[0]}"
        written = depthfx.save(made(square_before_wall()), path)
        assert len(written) == 1 + turntable
    for file in tmp_path.glob("a*"):
        assert file.read_bytes() == (tmp_path / f"b{file.name[1:]}").read_bytes()


def test_the_turntable_is_a_picture_beside_the_file(tmp_path):
    written = depthfx.save(Mesh(turntable=True)(square_before_wall()), tmp_path / "a.glb")
    assert sorted(file.name for file in written) == ["a-turntable.png", "a.glb"]
    assert Image.open(tmp_path / "a-turntable.png").size == (3 * WIDTH, 3 * HEIGHT)


def test_an_obj_has_its_companions_beside_it(tmp_path):
    effect = Mesh().for_path(tmp_path / "a.obj")
    assert effect.as_ == "obj"
    depthfx.save(effect(square_before_wall()), tmp_path / "a.obj")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a-texture.jpg", "a.mtl", "a.obj"]
    with pytest.raises(PhotoError, match="exists already"):
        depthfx.save(effect(square_before_wall()), tmp_path / "a.obj")
    depthfx.save(effect(square_before_wall()), tmp_path / "a.obj", overwrite=True)


@pytest.mark.parametrize("effect", [PointCloud, Mesh])
def test_what_is_left_out_is_said(effect):
    told = effect(far_m=2)(square_before_wall(sky=True))
    assert "sky left out (25%)" in told.notes
    assert "farther than 2 m left out (59%)" in told.notes
    assert told.facts["sky_left_out"] == pytest.approx(0.25)


@pytest.mark.parametrize("effect", [PointCloud, Mesh])
def test_cut_outs_are_left_out(effect, tmp_path):
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[40:80, 40:90] = 1
    depthfx.save(effect()(square_before_wall(alpha=alpha)), tmp_path / "a.ply")
    np.testing.assert_allclose(vertices(tmp_path / "a.ply")["z"], -1.0)


@pytest.mark.parametrize("effect", [PointCloud, Mesh])
def test_relative_depth_works_and_says_so(effect, tmp_path):
    scene = effect()(square_before_wall(metric=False))
    assert "lengths are in the relative depth's own unit, not metres" in scene.notes
    depthfx.save(scene, tmp_path / "a.ply")
    assert b"not metres" in (tmp_path / "a.ply").read_bytes()[:600]
    with pytest.raises(DepthError, match=r"far_m: .* has no metres"):
        effect(far_m=3)(square_before_wall(metric=False))


@pytest.mark.parametrize("effect", [PointCloud, Mesh])
def test_nothing_to_make_is_one_clear_line(effect):
    pixels = np.ones((8, 8, 3), np.float32)
    sky = depthfx.Scene.from_arrays(pixels, inverse=np.zeros((8, 8), np.float32))
    with pytest.raises(DepthError, match="all of it is sky"):
        effect()(sky)
    blank = np.zeros((HEIGHT, WIDTH), np.float32)
    with pytest.raises(DepthError, match="cut out of the photo"):
        effect()(square_before_wall(alpha=blank))
    with pytest.raises(DepthError, match=r"nothing is nearer than far_m=0\.5 m"):
        effect(far_m=0.5)(square_before_wall())


def test_a_photo_one_pixel_wide(tmp_path):
    pixels, inverse = np.ones((40, 1, 3), np.float32), np.full((40, 1), 0.5, np.float32)
    scene = depthfx.Scene.from_arrays(pixels, inverse=inverse, focal_px=30.0)
    depthfx.save(PointCloud(turntable=True)(scene), tmp_path / "a.ply")
    assert len(vertices(tmp_path / "a.ply")) == 40
    with pytest.raises(DepthError, match=r"1 x 40 px.*pointcloud"):
        Mesh()(scene)


def test_very_far_things_are_left_out_without_being_asked():
    scene = square_before_wall()
    inverse = scene.depth.surface.copy()
    inverse[0] = 1e-7
    scene = depthfx.Scene.from_arrays(scene.photo.pixels, inverse=inverse, focal_px=FOCAL_PX)
    told = PointCloud()(scene)
    assert told.facts["far"] == pytest.approx(200)
    assert max(told.facts["extent"]) < 10


def test_bounds_are_told():
    with pytest.raises(ParameterError, match=r"triangles=3 is outside 100 to 2e\+07"):
        Mesh(triangles=3)
    with pytest.raises(ParameterError, match="points"):
        PointCloud(points=float("nan"))
