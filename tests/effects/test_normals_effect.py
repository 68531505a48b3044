"""The effect `normals`: a map in the picture's place, and normals for what comes after it."""

import cv2
import numpy as np
import pytest

import depthfx
from depthfx import Scene
from depthfx.errors import ParameterError
from depthfx_effects import Normals, Relight


def test_a_map_is_written_in_the_pictures_place(scene, tmp_path):
    mapped = Normals(bits="8")(scene)
    assert depthfx.save(mapped, tmp_path / "map.png") == [tmp_path / "map.png"]
    codes = cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(codes, np.broadcast_to([255, 128, 128], codes.shape))
    assert mapped.facts["focal_px"] == 60
    assert "opengl axes, green up" in mapped.notes


def test_what_comes_after_it_uses_its_normals():
    y, x = np.mgrid[:150, :200]
    bumps = 0.3 + 0.1 * np.sin(x / 2) * np.sin(y / 2)  # noise would be no relief
    pixels = np.repeat(bumps[..., None], 3, axis=2).astype(np.float32)
    inverse = np.full((150, 200), 0.5, np.float32)
    scene = Scene.from_arrays(pixels, inverse=inverse, focal_px=200.0)
    before = scene.normals
    handed_on = Normals(detail=1.0, to="chain")(scene)
    assert handed_on.products == ()
    assert handed_on.photo is scene.photo
    assert handed_on.normals is handed_on.relief
    assert np.abs(handed_on.normals - before).max() > 0.01


def test_without_detail_they_are_those_of_the_depth(scene):
    np.testing.assert_array_equal(Normals(to="chain")(scene).normals, scene.normals)


def test_world_axes_are_said_with_what_told_up(scene, tmp_path):
    mapped = Normals(axes="world", green="down")(scene)
    assert mapped.facts["up"] is not None
    assert any(note.startswith("world axes (up from ") for note in mapped.notes)
    depthfx.save(mapped, tmp_path / "map.exr")


def test_bits_may_be_a_number_as_recipes_have_it():
    assert Normals(bits=8) == Normals(bits="8")


@pytest.mark.parametrize(
    "wrong", [{"bits": "12"}, {"bits": 12}, {"bits": True}, {"green": "blue"}, {"detail": 1.5}]
)
def test_wrong_parameters_are_told_in_one_line(wrong):
    with pytest.raises(ParameterError) as error:
        Normals(**wrong)
    assert "\n" not in str(error.value)


def test_no_effect_after_it_is_lost():
    with pytest.raises(ParameterError, match="relight after normals would be lost"):
        Normals() | Relight()
    assert (Normals(to="chain") | Relight()).effects
