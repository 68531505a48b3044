"""Every picture says which models it was made with, under which licences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image

import depthfx
from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.files import saved
from depthfx.photo.read import read_photo
from depthfx.photo.xmp import read_stamp
from depthfx.scene import Scene
from depthfx_effects import Bokeh, Portrait

STAMP = {"model": "some-model", "weights_sha256": "ab" * 32, "licence": "CC-BY-NC-4.0"}


@pytest.fixture
def scene():
    rng = np.random.default_rng(3)
    pixels = rng.random((48, 64, 3), dtype=np.float32)
    depth = Depth(np.full((48, 64), 0.5, np.float32), True, "some network", stamp=STAMP)
    photo = Scene.from_arrays(pixels).photo
    return Scene.of(photo, Context(), depth=depth)


def xmp_of(path):
    """The XMP packet as other readers find it."""
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            return file.pages[0].tags[700].value
    with Image.open(path) as image:
        image.load()
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp", b"")
    return packet.encode() if isinstance(packet, str) else packet


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_it_is_found_in_every_format(scene, tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    depthfx.save(Bokeh()(scene), path)
    stamp = read_stamp(xmp_of(path))
    assert stamp == read_stamp(read_photo(path).metadata.xmp)
    assert stamp["Model"] == "some-model"
    assert stamp["WeightsSha256"] == "ab" * 32
    assert stamp["Licence"] == "CC-BY-NC-4.0"
    assert stamp["Depth"] == "some network"
    assert stamp["Software"] == f"depthfx {depthfx.__version__}"


def test_where_there_is_no_place_for_it_nothing_of_the_photo_is_lost(scene, tmp_path):
    assert saved(Bokeh()(scene), tmp_path / "out.exr")[1] == ()


def test_the_network_of_the_matte_is_named_too(scene, tmp_path):
    path = tmp_path / "out.jpg"
    depthfx.save(Portrait()(scene), path)
    stamp = read_stamp(xmp_of(path))
    assert stamp["Model"] == "some-model"
    assert stamp["MatteModel"] == "embedded"
    assert stamp["MatteLicence"] == EmbeddedModel.info.licence


def test_a_picture_made_without_depth_says_nothing_and_finds_none(tmp_path):
    scene = Scene.from_arrays(np.zeros((8, 8, 3), np.float32))
    depthfx.save(scene.with_pixels(scene.photo.pixels + 0.5), tmp_path / "out.jpg")
    assert xmp_of(tmp_path / "out.jpg") == b""
    assert scene.context.cache == {}


def test_an_output_worked_on_again_names_the_last_model(scene, tmp_path):
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    depthfx.save(Bokeh()(scene), first)
    photo = read_photo(first)
    again = replace(scene.depth, stamp={**STAMP, "model": "other"})
    depthfx.save(Bokeh()(Scene.of(photo, depth=again)), second)
    packet = xmp_of(second)
    assert read_stamp(packet)["Model"] == "other"
    assert packet.count(b"depthfx:Model=") == 1
