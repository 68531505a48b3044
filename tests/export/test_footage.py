"""Layers as PNG files: their values, their profile, their names."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depthfx.camera import Camera
from depthfx.errors import Cancelled, PhotoError
from depthfx.export import footage
from depthfx.layers.layers import Layer, Layers
from depthfx.photo.colour import profile_space, srgb_space
from depthfx.photo.profiles import named_profile


def two(icc: bytes = b"") -> tuple[Layers, np.ndarray]:
    """A soft disc before a backdrop, and what they show: shares of white in codes of `icc`."""
    space = profile_space(icc, grey=False) if icc else srgb_space()
    rng = np.random.default_rng(7)
    back, front = (rng.integers(0, 65536, (40, 60, 3), dtype=np.uint16) for _ in range(2))
    y, x = np.mgrid[:40, :60]
    alpha = np.rint(255 * np.clip((18 - np.hypot(x - 30, y - 20)) / 9, 0, 1)).astype(np.float32)
    alpha /= 255
    layers = tuple(
        Layer(name, space.decode(codes), share, np.full((40, 60), w, np.float32), w)
        for name, codes, share, w in (
            ("Layer 1", back, np.ones_like(alpha), 0.1),
            ("Layer 2", front, alpha, 0.5),
        )
    )
    shown = (alpha[..., None] * front + (1 - alpha[..., None]) * back) / 65535
    return Layers(layers, Camera(60, 40, 60.0), True, "encoded", 5.0, icc), shown


@pytest.mark.parametrize("profile", ["", "srgb", "display-p3", "prophoto"])
def test_the_pngs_over_each_other_are_the_photo(tmp_path: Path, profile: str) -> None:
    """Read by OpenCV and laid over each other as After Effects does it, straight, in codes."""
    layers, shown = two(named_profile(profile) if profile else b"")
    paths = [tmp_path / "1.png", tmp_path / "2.png"]
    footage.write_layers(layers, paths)
    total = np.zeros((40, 60, 3))
    for path in paths:
        codes = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert codes.dtype == np.uint16
        assert codes.shape == (40, 60, 4)
        share = codes[..., 3:] / 65535
        total = share * codes[..., 2::-1] / 65535 + (1 - share) * total
    assert np.abs(total - shown).max() < 2 / 65535


@pytest.mark.parametrize("profile", ["srgb", "display-p3"])
def test_the_profile_goes_with_each_png(tmp_path: Path, profile: str) -> None:
    layers, _ = two(named_profile(profile))
    paths = [tmp_path / "1.png", tmp_path / "2.png"]
    footage.write_layers(layers, paths)
    for path in paths:
        with Image.open(path) as picture:
            assert picture.info["icc_profile"] == named_profile(profile)


def test_colours_are_kept_where_nothing_is_seen(tmp_path: Path) -> None:
    """Straight alpha: what resampling mixes in at an edge is the layer's own colour."""
    layers, _ = two()
    footage.write_layers(layers, [tmp_path / "1.png", tmp_path / "2.png"])
    codes = cv2.imread(str(tmp_path / "2.png"), cv2.IMREAD_UNCHANGED)
    hidden = codes[..., 3] == 0
    wanted = srgb_space().encode(layers.layers[1].pixels, 16)
    np.testing.assert_array_equal(codes[hidden][:, 2::-1], wanted[hidden])


def test_the_nearest_is_black_in_the_depth_pass(tmp_path: Path) -> None:
    inverse = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    footage.write_depth(inverse, tmp_path / "depth.png")
    codes = cv2.imread(str(tmp_path / "depth.png"), cv2.IMREAD_UNCHANGED)
    assert codes.shape == (2, 2, 3)
    np.testing.assert_array_equal(codes[..., 0], [[65535, 49151], [32768, 0]])
    np.testing.assert_array_equal(codes[..., 0], codes[..., 2])


def test_the_depth_of_a_wall_is_a_picture_too() -> None:
    assert footage.black_near(np.full((2, 2), 0.3, np.float32)).tolist() == [[0, 0], [0, 0]]


def test_a_stopped_export_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    layers, _ = two()

    def stop(share: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        footage.write_layers(layers, [tmp_path / "1.png", tmp_path / "2.png"], stop)
    for path in tmp_path.iterdir():
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED) is not None
        assert path.suffix == ".png"


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    layers, _ = two()
    with pytest.raises(PhotoError, match="gone"):
        footage.write_layers(layers, [tmp_path / "gone" / "1.png", tmp_path / "gone" / "2.png"])


# ---- names -------------------------------------------------------------------------------------

WORDS = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            [
                "a",
                "A",
                "a 2",
                "CON",
                "nul.x",
                "é",
                "e\u0301",
                "..",
                "100%",
                "ß",
                "SS",
                " ",
                "x" * 300,
            ]
        ),
    ),
    max_size=12,
)


@given(WORDS)
def test_file_names_are_safe_and_unlike(names: list[str]) -> None:
    """On Windows and macOS, where case and the way of composing letters do not count."""
    files = footage.file_names(names)
    assert len({unicodedata.normalize("NFC", f).casefold() for f in files}) == len(names)
    for file in files:
        assert file
        assert not set(file) & set('<>:"/\\|?*%\0\n\t')
        assert file == file.strip(" ")
        assert not file.endswith(".")
        assert not file.startswith(".")
        assert len(file.encode()) <= 140
        assert file.split(".")[0].casefold() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
        assert unicodedata.is_normalized("NFC", file)


@given(WORDS)
def test_what_is_unlike_keeps_its_name(names: list[str]) -> None:
    chosen = footage.unique(names)
    folded = [unicodedata.normalize("NFC", name).casefold() for name in names]
    for name, fold, new in zip(names, folded, chosen, strict=True):
        if folded.count(fold) == 1:
            assert new == name


def test_letters_of_any_script_and_spaces_stay() -> None:
    names = ["Layer 1", "叶 子", "Дерево", "naïve 😀", "it's"]
    assert footage.file_names(names) == names
