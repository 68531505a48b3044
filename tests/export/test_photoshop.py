"""The document is opened by psd-tools and, where it is installed, by ImageMagick."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from psd_tools import PSDImage
from psd_tools.composite import composite as layered
from psd_tools.constants import Resource

from depthfx.camera import Camera
from depthfx.errors import Cancelled, ParameterError, PhotoError
from depthfx.export import photoshop
from depthfx.export.shot import Shot
from depthfx.layers.layers import Layer, Layers
from depthfx.layers.over import composite
from depthfx.photo.profiles import named_profile

WIDTH, HEIGHT = 160, 100
STILL = Shot("Shot", WIDTH, HEIGHT, 25.0, 1.0)
DEPTH = np.tile(np.linspace(0.05, 0.5, WIDTH, dtype=np.float32), (HEIGHT, 1))


def layer(
    name: str, box: tuple[int, int, int, int], group: str = "", opaque: bool = False
) -> Layer:
    """Colours and alpha that vary smoothly from place to place."""
    left, top, width, height = box
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = [0.5 + 0.5 * np.sin(x / a + y / b) for a, b in ((9, 7), (8, -11), (13, 5))]
    alpha = np.ones((height, width)) if opaque else 0.5 + 0.7 * np.sin(x / 11) * np.cos(y / 9)
    alpha = np.rint(np.clip(alpha, 0, 1) * 255) / 255
    plane = np.full((height, width), 0.2, np.float32)
    pixels = np.stack(waves, axis=-1).astype(np.float32)
    return Layer(name, pixels, alpha.astype(np.float32), plane, 0.2, left, top, group)


def four(icc: bytes = b"", bits: int = 8) -> Layers:
    cards = (
        layer("Layer 1", (-10, -12, 183, 121), opaque=True),
        layer("叶 子 😀", (20, 10, 40, 60), "树 tree"),
        layer("twig", (30, 30, 40, 20), "树 tree"),
        layer("Layer 4", (90, 40, 90, 70)),
    )
    return Layers(cards, Camera(WIDTH, HEIGHT, 150.0), True, "encoded", 10.0, icc, bits=bits)


def written(folder: Path, layers: Layers, name: str = "a.psd", depth: bool = True) -> Path:
    photoshop.export(layers, STILL, folder / name, depth=DEPTH if depth else None)
    return folder / name


@pytest.mark.parametrize("name", ["a.psd", "a.psb"])
@pytest.mark.parametrize("profile", ["srgb", "display-p3"])
@pytest.mark.parametrize("bits", [8, 16])
def test_psd_tools_shows_the_photo(tmp_path: Path, bits: int, profile: str, name: str) -> None:
    """The merged picture and the layers over each other: within 1 code of 8 bits."""
    layers = four(named_profile(profile), bits)
    document = PSDImage.open(written(tmp_path, layers, name))
    photo = composite(layers)[0] * 255
    assert (document.size, document.depth) == ((WIDTH, HEIGHT), bits)
    assert document.version == (2 if name == "a.psb" else 1)
    laid_over, _, _ = layered(document, force=True)
    for shown in (document.numpy("color"), laid_over):
        assert np.abs(shown * 255 - photo).max() <= (1 if bits == 8 else 0.01)


def test_names_groups_and_places_are_kept(tmp_path: Path) -> None:
    document = PSDImage.open(written(tmp_path, four()))
    found = [(entry.name, entry.is_group(), entry.bbox) for entry in document.descendants()]
    assert found == [
        ("Layer 1", False, (-10, -12, 173, 109)),
        ("树 tree", True, (20, 10, 70, 70)),
        ("叶 子 😀", False, (20, 10, 60, 70)),
        ("twig", False, (30, 30, 70, 50)),
        ("Layer 4", False, (90, 40, 180, 110)),
    ]


@pytest.mark.parametrize("bits", [8, 16])
def test_depth_is_a_channel_that_hides_nothing(tmp_path: Path, bits: int) -> None:
    document = PSDImage.open(written(tmp_path, four(bits=bits)))
    resources = document.image_resources
    assert document.channels == 4
    assert list(resources.get_data(Resource.ALPHA_NAMES_UNICODE)) == [photoshop.DEPTH_NAME]
    assert list(resources.get_data(Resource.ALPHA_NAMES_PASCAL)) == [photoshop.DEPTH_NAME]
    assert document.composite().mode == "RGB"
    channel = np.asarray(document.topil(3), float) if bits == 8 else document.numpy()[..., 3] * 255
    share = (DEPTH.max() - DEPTH) / np.ptp(DEPTH)
    assert np.abs(channel - 255 * share).max() <= 1


def test_profile_and_resolution_are_there(tmp_path: Path) -> None:
    resources = PSDImage.open(written(tmp_path, four(named_profile("display-p3")))).image_resources
    assert resources.get_data(Resource.ICC_PROFILE) == named_profile("display-p3")
    assert resources.get_data(Resource.RESOLUTION_INFO).horizontal == 72 << 16


def test_without_depth_there_are_three_channels(tmp_path: Path) -> None:
    assert PSDImage.open(written(tmp_path, four(), depth=False)).channels == 3


def test_a_group_parted_by_another_layer_is_two(tmp_path: Path) -> None:
    """The order in depth counts more."""
    a, b, c, d = four().layers
    layers = replace(four(), layers=(a, b, d, c))
    top = [(entry.name, entry.is_group()) for entry in PSDImage.open(written(tmp_path, layers))]
    assert top == [("Layer 1", False), ("树 tree", True), ("Layer 4", False), ("树 tree", True)]


@pytest.mark.parametrize("count", [0, 1, 30])
def test_any_number_of_layers_of_one_name(tmp_path: Path, count: int) -> None:
    cards = tuple(layer("Same", (k, 0, 20, 20)) for k in range(count))
    document = PSDImage.open(written(tmp_path, replace(four(), layers=cards)))
    assert [entry.name for entry in document] == ["Same"] * count
    assert document.composite().size == (WIDTH, HEIGHT)


def test_where_no_layer_is_it_is_white(tmp_path: Path) -> None:
    layers = replace(four(), layers=(layer("One", (0, 0, 20, 20)), layer("Off", (200, 0, 9, 9))))
    shown = np.asarray(PSDImage.open(written(tmp_path, layers)).composite())
    assert (shown[:, 100:] == 255).all()


def test_a_document_is_the_same_byte_for_byte_and_replaces_the_old(tmp_path: Path) -> None:
    first = written(tmp_path, four()).read_bytes()
    assert written(tmp_path, four()).read_bytes() == first


def test_what_a_psd_cannot_hold_is_one_error(tmp_path: Path) -> None:
    wide = replace(four(), layers=(layer("Wide", (0, 0, 30001, 1)),))
    with pytest.raises(PhotoError, match=r"30001 px is more than the 30000 .* name it \.psb"):
        written(tmp_path, wide)
    assert list(tmp_path.iterdir()) == []
    assert PSDImage.open(written(tmp_path, wide, "a.psb"))[0].width == 30001


def test_a_file_above_two_gigabytes_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(photoshop.LARGEST, ".psd", (30_000, 1000))
    with pytest.raises(PhotoError, match=r"name it \.psb"):
        written(tmp_path, four())
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_export_leaves_nothing(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        photoshop.export(four(), STILL, tmp_path / "a.psd", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_layers_for_linear_light_are_none_for_photoshop(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="blend='encoded'"):
        written(tmp_path, replace(four(), blend="linear"))


def imagemagick() -> str:
    """The program; what only calls itself so does not count."""
    for folder in os.get_exec_path():
        for name in ("magick", "convert"):
            program = Path(folder) / name
            if program.is_file():
                asked = subprocess.run([program, "-version"], capture_output=True, check=False)
                if b"Version: ImageMagick" in asked.stdout:
                    return str(program)
    pytest.skip("ImageMagick is not installed")


@pytest.mark.parametrize("bits", [8, 16])
def test_imagemagick_shows_the_photo(tmp_path: Path, bits: int) -> None:
    layers = four(bits=bits)
    path = written(tmp_path, layers)
    done = subprocess.run(
        [imagemagick(), f"{path}[0]", "-depth", "16", "-endian", "MSB", "rgba:-"],
        capture_output=True,
        check=True,
    )
    codes = np.frombuffer(done.stdout, ">u2").reshape(HEIGHT, WIDTH, 4) / 257
    assert (codes[..., 3] == 255).all()
    assert np.abs(codes[..., :3] - composite(layers)[0] * 255).max() <= 1
