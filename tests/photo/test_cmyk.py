"""CMYK: a profile's inks as Little CMS prints them, and without one as a press would."""

from __future__ import annotations

import struct
from itertools import product

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_colour import display_p3

from depthfx.errors import PhotoError
from depthfx.photo.cmyk import cmyk_space
from depthfx.photo.colour import SRGB_TO_XYZ, linear_to_srgb

inks = st.integers(0, 255)


def shown(*ink: int) -> np.ndarray:
    """8-bit sRGB of one colour, without a profile."""
    pixels = cmyk_space(b"").decode(np.array([[ink]], np.uint8))[0, 0]
    return linear_to_srgb(np.clip(pixels, 0, 1)) * 255


def cmyk_profile() -> bytes:
    """Light is the product of what each ink lets through, on a grid of two nodes an ink, as XYZ."""
    through = np.array([[0.1, 0.6, 0.9], [0.8, 0.1, 0.4], [0.9, 0.8, 0.1], [0.05, 0.05, 0.05]])
    light = [
        np.prod([t if on else np.ones(3) for on, t in zip(corner, through, strict=True)], axis=0)
        for corner in product((0, 1), repeat=4)
    ]
    xyz = np.round(np.array(light) @ SRGB_TO_XYZ.T * 32768).astype(">u2")  # u1Fixed15
    ramp = struct.pack(">2H", 0, 65535)
    table = (
        b"mft2"
        + bytes(4)
        + bytes([4, 3, 2, 0])
        + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
        + struct.pack(">HH", 2, 2)
        + ramp * 4
        + xyz.tobytes()
        + ramp * 3
    )
    start = 128 + 4 + 12
    header = bytearray(128)
    struct.pack_into(
        ">I4sI4s4s4s", header, 0, start + len(table), b"", 0x02400000, b"prtr", b"CMYK", b"XYZ "
    )
    header[36:40] = b"acsp"
    struct.pack_into(">3I", header, 68, 0xF6D6, 0x10000, 0xD32D)
    return bytes(header) + struct.pack(">I4sII", 1, b"A2B0", start, len(table)) + table


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_profile_is_followed(dtype: type) -> None:
    top = np.iinfo(dtype).max
    codes = np.array(list(product((0, top), repeat=4)), dtype)[None]
    pixels = cmyk_space(cmyk_profile()).decode(codes)[0]
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels[0], 1, atol=1e-4)
    np.testing.assert_allclose(pixels[0b1000], [0.1, 0.6, 0.9], atol=1e-4)
    np.testing.assert_allclose(pixels[0b0001], 0.05, atol=1e-4)
    np.testing.assert_allclose(pixels[0b0110], [0.72, 0.08, 0.04], atol=1e-4)


def test_every_strip_of_a_picture_is_done() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (700, 300, 4), np.uint8)
    for icc in (b"", cmyk_profile()):
        space = cmyk_space(icc)
        np.testing.assert_array_equal(space.decode(codes)[650:], space.decode(codes[650:]))


def test_paper_is_white_and_all_ink_is_nearly_black() -> None:
    np.testing.assert_allclose(shown(0, 0, 0, 0), 255, atol=0.01)
    assert shown(255, 255, 255, 255).max() < 8
    assert 30 < shown(0, 0, 0, 255).mean() < 50


@pytest.mark.parametrize(
    ("ink", "rgb"),
    [
        ((255, 0, 0, 0), (0, 160, 225)),
        ((0, 255, 0, 0), (230, 0, 126)),
        ((0, 0, 255, 0), (255, 240, 0)),
        ((0, 255, 255, 0), (230, 40, 40)),
        ((255, 0, 255, 0), (0, 150, 65)),
        ((255, 255, 0, 0), (45, 45, 130)),
    ],
)
def test_solid_inks_look_as_printed(ink: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    """Within what such a guess may miss: the usual screen colours of process inks."""
    assert np.abs(shown(*ink) - rgb).max() < 40


def test_dots_grow_in_printing() -> None:
    """Half the area in black prints as 66 %, far from the half of the signal or of the light."""
    light = cmyk_space(b"").decode(np.array([[[0, 0, 0, 128]]], np.uint8))[0, 0]
    np.testing.assert_allclose(light, 1 - 0.66 * (1 - 0.023), atol=0.01)


@given(inks, inks, inks, inks, st.integers(0, 3))
def test_more_ink_is_never_brighter(c: int, m: int, y: int, k: int, which: int) -> None:
    codes = np.array([[[c, m, y, k], [c, m, y, k]]], np.uint8)
    codes[0, 1, which] = min(255, int(codes[0, 1, which]) + 40)
    less, more = cmyk_space(b"").decode(codes)[0] @ [0.2126, 0.7152, 0.0722]
    assert more <= less + 1e-6


@pytest.mark.parametrize(
    ("icc", "words"),
    [
        (bytes(300), "is not an ICC profile"),
        (display_p3(), "is for RGB pictures, not for CMYK ones"),
        (cmyk_profile()[:200], "cannot be used"),
    ],
)
def test_an_unusable_profile_is_refused_in_words(icc: bytes, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        cmyk_space(icc)


def test_little_cms_agrees_in_between() -> None:
    codes = np.random.default_rng(3).integers(0, 256, (10, 12, 4), np.uint8)
    pixels = cmyk_space(cmyk_profile()).decode(codes)
    direct = imagecodecs.cms_transform(
        codes,
        cmyk_profile(),
        imagecodecs.cms_profile("srgb"),
        colorspace="cmyk",
        outcolorspace="rgb",
        outdtype=np.uint8,
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
    )
    ours = np.clip(linear_to_srgb(np.clip(pixels, 0, 1)), 0, 1) * 255
    assert np.abs(ours - direct).max() < 2
