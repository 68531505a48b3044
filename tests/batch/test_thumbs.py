"""Small pictures of the contact sheet, read by another program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depthfx import Scene
from depthfx.batch.thumbs import LONGEST_PX, small_pictures
from depthfx.product import Product


def scene(height: int = 900, width: int = 1200, **more: object) -> Scene:
    pixels = np.full((height, width, 3), 0.2, np.float32)
    pixels[:, : width // 2, 0] = 0.8
    inverse = np.full((height, width), 0.1, np.float32)
    inverse[:, : width // 2] = 1
    return Scene.from_arrays(pixels, inverse=inverse, **more)  # type: ignore[arg-type]


def asked(before: Scene) -> Scene:
    assert before.depth.metric
    return before


def test_three_pictures_of_the_photos_shape(tmp_path: Path) -> None:
    before = asked(scene())
    names = small_pictures(before, before.with_pixels(before.photo.pixels / 4), tmp_path, "slot")
    assert list(names) == ["before", "depth", "after"]
    sizes = {}
    for kind, name in names.items():
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "JPEG"
            sizes[kind] = picture.size
            red, green, _ = map(int, np.asarray(picture)[180, 100])
        if kind != "depth":
            assert red > green + 20
        assert (tmp_path / name).stat().st_size < 20_000
    assert set(sizes.values()) == {(LONGEST_PX, 360)}
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "slot-after.jpg",
        "slot-before.jpg",
        "slot-depth.jpg",
    ]


def test_near_is_brighter_in_the_depth(tmp_path: Path) -> None:
    before = asked(scene())
    name = small_pictures(before, before, tmp_path, "s")["depth"]
    with Image.open(tmp_path / name) as picture:
        light = np.asarray(picture.convert("L")).astype(int)
    assert light[180, 100] > light[180, 400] + 50


def test_small_photos_are_not_enlarged(tmp_path: Path) -> None:
    before = scene(30, 45)
    name = small_pictures(before, before, tmp_path, "s")["before"]
    with Image.open(tmp_path / name) as picture:
        assert picture.size == (45, 30)


def test_depth_that_nobody_asked_for_is_not_estimated(tmp_path: Path) -> None:
    before = scene()
    assert "depth" not in small_pictures(before, before, tmp_path, "s")


def test_what_makes_no_picture_has_none(tmp_path: Path) -> None:
    before = scene(60, 90)
    product = Product("layers", lambda *_: None, ("",))
    assert list(small_pictures(before, before.with_product(product), tmp_path, "s")) == ["before"]


def test_the_same_bytes_again(tmp_path: Path) -> None:
    before = asked(scene(300, 200))
    one, other = (small_pictures(before, before, tmp_path / name, "s") for name in "ab")
    assert one == other
    for name in one.values():
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_result_still_has_a_picture(tmp_path: Path, value: float) -> None:
    before = scene(60, 90)
    after = before.with_pixels(np.full((60, 90, 3), value, np.float32))
    with Image.open(tmp_path / small_pictures(before, after, tmp_path, "s")["after"]) as picture:
        assert picture.size == (90, 60)


def test_what_is_transparent_is_grey(tmp_path: Path) -> None:
    pixels = np.full((60, 90, 3), 5.0, np.float32)
    before = Scene.from_arrays(pixels, alpha=np.zeros((60, 90), np.float32))
    with Image.open(tmp_path / small_pictures(before, before, tmp_path, "s")["before"]) as picture:
        assert abs(int(np.asarray(picture)[30, 45, 0]) - 124) <= 2
