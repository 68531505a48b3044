"""Faces: what a network of YuNet's form says of a picture, and what is made of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.engine import catalogue, faces, find
from depthfx.engine.faces import find_faces, found_face
from depthfx.errors import ModelError
from depthfx.optics.focus import find_focus
from depthfx.photo.photo import Photo
from depthfx.photo.regions import Region
from depthfx.scene import Scene

CELL = 32


@pytest.fixture(scope="session")
def yunet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of YuNet's inputs and outputs to which every cell of 32 x 32 pixels that is
    bright, and more red than blue, is a face as large as the cell."""
    path = tmp_path_factory.mktemp("faces") / "yunet.onnx"
    values = {
        # Red counts, blue and green do not; OpenCV gives blue first and 0..255.
        "red": np.array([0, 0, 1], np.float32).reshape(1, 3, 1, 1),
        "bright": np.float32(200),
        "steep": np.float32(0.5),
        "flat": np.array([1, -1, 1], np.int64),
        "none": np.float32(-1000),
        "nothing": np.float32(0),
        "box": np.array([0.5, 0.5, 0, 0], np.float32),
        "points": np.full(10, 0.5, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["input", "red"], ["seen"]),
        helper.make_node("Sub", ["seen", "bright"], ["above"]),
        helper.make_node("Mul", ["above", "steep"], ["steeper"]),
    ]
    outputs = []
    for stride in (8, 16, CELL):
        own = [f"{name}_{stride}" for name in ("cls", "obj", "bbox", "kps")]
        nodes.append(
            helper.make_node(
                "AveragePool",
                ["steeper"],
                [f"mean_{stride}"],
                kernel_shape=[stride, stride],
                strides=[stride, stride],
            )
        )
        shown = f"mean_{stride}"
        if stride != CELL:
            nodes.append(helper.make_node("Add", [shown, "none"], [f"no_{stride}"]))
            shown = f"no_{stride}"
        nodes += [
            helper.make_node("Reshape", [shown, "flat"], [f"row_{stride}"]),
            helper.make_node("Sigmoid", [f"row_{stride}"], [own[0]]),
            helper.make_node("Sigmoid", [f"row_{stride}"], [own[1]]),
            # The centre of the box in cells from the cell's corner; the logarithm of its size.
            helper.make_node("Mul", [own[0], "nothing"], [f"nothing_{stride}"]),
            helper.make_node("Add", [f"nothing_{stride}", "box"], [own[2]]),
            helper.make_node("Add", [f"nothing_{stride}", "points"], [own[3]]),
        ]
        outputs += [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, width])
            for name, width in zip(own, (1, 1, 4, 10), strict=True)
        ]
    graph = helper.make_graph(
        nodes,
        "faces",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, None, None])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def photo_with(width: int, height: int, *squares: tuple[int, int, int], red: float = 1.0) -> Photo:
    """Dark, with red squares (left, top, side in pixels)."""
    pixels = np.full((height, width, 3), 0.01, np.float32)
    for left, top, side in squares:
        pixels[top : top + side, left : left + side, 0] = red
    return Photo(pixels, Camera.guess(width, height))


def test_a_face_is_where_it_is(yunet: Path) -> None:
    (face,) = find_faces(photo_with(256, 192, (96, 64, CELL)), yunet)
    assert face.kind == "face"
    assert (face.x, face.y) == pytest.approx((112 / 256, 80 / 192))
    assert (face.width, face.height) == pytest.approx((32 / 256, 32 / 192))


def test_a_picture_of_no_whole_number_of_cells(yunet: Path) -> None:
    (face,) = find_faces(photo_with(201, 133, (128, 64, CELL)), yunet)
    assert (face.x, face.y) == pytest.approx((144 / 201, 80 / 133))


def test_blue_is_no_red_and_a_dark_picture_has_no_face(yunet: Path) -> None:
    photo = photo_with(256, 192, (96, 64, CELL))
    assert find_faces(photo.with_pixels(photo.pixels[..., ::-1].copy()), yunet) == []
    assert find_faces(photo_with(256, 192), yunet) == []


def test_brightness_is_that_of_srgb_codes(yunet: Path) -> None:
    """Code 210 is 0.644 of linear light: a face to this network, which wants 200."""
    assert find_faces(photo_with(256, 192, (96, 64, CELL), red=0.644), yunet)
    assert not find_faces(photo_with(256, 192, (96, 64, CELL), red=0.4), yunet)


def test_small_faces_are_seen_and_large_ones_too(yunet: Path) -> None:
    """Of a megapixel: one of 32 pixels, which is nothing in the smaller picture, and one of
    320, which is many small ones there, and one in the smaller picture of 245."""
    found = find_faces(photo_with(1000, 1000, (32, 32, CELL)), yunet)
    assert len(found) == 1
    assert found[0].width == pytest.approx(0.032)
    found = find_faces(photo_with(1000, 1000, (500, 500, 480)), yunet)
    assert found[0].width == pytest.approx(CELL / 245, rel=0.02)
    assert 0.5 < found[0].x < 0.98
    assert [face.width for face in found] == sorted((face.width for face in found), reverse=True)


def test_a_face_at_the_edge_is_cut_to_the_frame(yunet: Path) -> None:
    for face in find_faces(photo_with(250, 190, (224, 160, CELL)), yunet):
        assert face.x + face.width / 2 <= 1
        assert face.y + face.height / 2 <= 1


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000)])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"is no face detector.*models show yunet") as caught:
        find_faces(photo_with(64, 64), path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_another_network_is_refused(tmp_path: Path, constant_network) -> None:
    with pytest.raises(ModelError, match="is no face detector"):
        find_faces(photo_with(64, 64), constant_network(0.5))


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        find_faces(photo_with(64, 64), tmp_path / "none.onnx")
    huge = tmp_path / "huge.onnx"
    with huge.open("wb") as file:
        file.truncate(faces.LARGEST_BYTES + 1)
    with pytest.raises(ModelError, match="longer than 16 MB"):
        find_faces(photo_with(64, 64), huge)


def test_without_a_detector_no_face_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert found_face(photo_with(64, 64), Context()) is None


def test_what_was_fetched_is_used_if_it_is_what_the_catalogue_knows(
    yunet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights in the cache of the hub that are others than the catalogue's are refused."""
    photo = photo_with(256, 192, (96, 64, CELL))
    entry = catalogue.entries()["yunet"]
    here = replace(entry, repository="", file=str(yunet))
    monkeypatch.setattr(faces, "entries", lambda: {"yunet": here})
    with pytest.raises(ModelError, match="yunet: its weights have SHA-256"):
        found_face(photo, Context())
    known = replace(here.info, checksum="")
    monkeypatch.setattr(faces, "entries", lambda: {"yunet": replace(here, info=known)})
    found = found_face(photo, Context(commercial_only=True))
    assert found is not None
    assert found.x == pytest.approx(112 / 256)


def test_the_focus_is_on_the_face_that_was_found(yunet: Path) -> None:
    photo = photo_with(256, 192, (96, 64, CELL))
    inverse = np.tile(np.linspace(0.1, 1, 256, dtype=np.float32), (192, 1))
    scene = Scene.from_arrays(
        photo.pixels,
        inverse=inverse,
        matte=np.zeros((192, 256), np.float32),
        focal_px=300.0,
        context=Context(faces=yunet),
    )
    focus = find_focus(scene, None, None)
    assert focus.words.startswith("focus on a face that was found, ")
    assert focus.inverse == pytest.approx(inverse[0, 112], abs=0.01)
    assert focus.place == pytest.approx((112 / 256, 80 / 192), abs=0.02)


def test_a_face_in_the_metadata_comes_first(yunet: Path, monkeypatch) -> None:
    told = Region("face", 0.9, 0.5, 0.1, 0.1)
    monkeypatch.setattr("depthfx.optics.focus.told_region", lambda photo: told)
    photo = photo_with(256, 192, (96, 64, CELL))
    scene = Scene.from_arrays(
        photo.pixels,
        inverse=np.ones((192, 256), np.float32),
        focal_px=300.0,
        context=Context(faces=yunet),
    )
    focus = find_focus(scene, None, None)
    assert focus.words.startswith("focus on the face in the metadata")
    assert focus.place == pytest.approx((0.9, 0.5), abs=0.02)


def test_it_is_no_depth_model() -> None:
    with pytest.raises(ModelError, match="yunet finds faces, not depth"):
        find.model("yunet")
    with pytest.raises(ModelError) as caught:
        find.model("depth-pro", Context(commercial_only=True))
    assert "yunet" not in str(caught.value)


def test_the_list_of_models_says_what_it_finds(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "depthfx", "models", "show", "yunet"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "kind          faces" in done.stdout
    assert "0.23" in done.stdout
