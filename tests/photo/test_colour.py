"""Signal and light: the standard's numbers, and there and back in every kind of space."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lut_profile import lut_profile

from depthfx.errors import PhotoError
from depthfx.photo.colour import (
    CurveSpace,
    ProfileSpace,
    linear_to_srgb,
    profile_space,
    srgb_space,
    srgb_to_linear,
)

PRIMARIES = {
    "P3": [0.680, 0.320, 1, 0.265, 0.690, 1, 0.150, 0.060, 1],
    "ProPhoto": [0.7347, 0.2653, 1, 0.1596, 0.8404, 1, 0.0366, 0.0001, 1],
}
D65, D50 = [0.3127, 0.3290, 1], [0.3457, 0.3585, 1]
SRGB_CURVE = np.round(srgb_to_linear(np.linspace(0, 1, 4096)) * 65535).astype(np.uint16)


@cache  # a profile holds the second it was made in
def display_p3() -> bytes:
    return imagecodecs.cms_profile(
        "rgb", whitepoint=D65, primaries=PRIMARIES["P3"], transferfunction=SRGB_CURVE
    )


@cache
def pro_photo() -> bytes:
    return imagecodecs.cms_profile(
        "rgb", whitepoint=D50, primaries=PRIMARIES["ProPhoto"], gamma=1.8
    )


@cache
def grey_gamma() -> bytes:
    return imagecodecs.cms_profile("gray", whitepoint=D50, gamma=2.2)


PROFILES = {
    "sRGB": lambda: imagecodecs.cms_profile("srgb"),
    "Adobe RGB": lambda: imagecodecs.cms_profile("adobergb"),
    "P3": display_p3,
    "ProPhoto": pro_photo,
}


@given(st.floats(-1, 4))
def test_srgb_curves_undo_each_other(light: float) -> None:
    back = srgb_to_linear(linear_to_srgb(np.float64(light)))
    assert back == pytest.approx(light, abs=3e-8)  # the standard's two pieces meet only so well


def test_srgb_at_the_points_of_the_standard() -> None:
    assert srgb_to_linear(np.float64(0.5)) == pytest.approx(0.21404114048223255, rel=1e-12)
    assert srgb_to_linear(np.array([0.0, 1.0])) == pytest.approx([0.0, 1.0], abs=1e-15)
    assert linear_to_srgb(np.float64(0.18)) == pytest.approx(0.4613561295, rel=1e-9)
    assert srgb_to_linear(np.zeros(1, np.float32)).dtype == np.float32


def test_codes_decode_to_the_srgb_eotf_in_float32() -> None:
    codes = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_allclose(srgb_space().decode(codes), srgb_to_linear(codes / 255), rtol=2e-7)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("bit_depth", [8, 16])
def test_codes_survive_linear_light(name: str, bit_depth: int) -> None:
    """Photographs: no component is nearly, but not quite, black beside a bright one."""
    top = (1 << bit_depth) - 1
    codes = np.random.default_rng(3).integers(0, top, (150, 211, 3), endpoint=True)
    codes[:20] = np.where(codes[:20] > top / 2, top, 0)
    codes[20:40] //= 200
    codes[(codes > 0) & (codes < top >> 8) & (codes.max(axis=2, keepdims=True) > top >> 3)] = 0
    space = profile_space(PROFILES[name](), grey=False)
    codes = codes.astype(np.uint8 if bit_depth == 8 else np.uint16)
    back = space.encode(space.decode(codes), bit_depth)
    assert back.dtype == codes.dtype
    assert np.abs(back.astype(int) - codes).max() <= (bit_depth == 16)


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_every_grey_code_survives(bit_depth: int) -> None:
    codes = np.arange(1 << bit_depth).astype(np.uint8 if bit_depth == 8 else np.uint16)[None]
    for space in (srgb_space(grey=True), profile_space(grey_gamma(), grey=True)):
        pixels = space.decode(codes)
        np.testing.assert_array_equal(np.ptp(pixels, axis=2), 0)
        np.testing.assert_array_equal(space.encode(pixels, bit_depth), codes)


@pytest.mark.parametrize("bit_depth", [8, 16])
def test_each_channel_has_its_own_curve(bit_depth: int) -> None:
    gammas = np.array([1.0, 1.8, 2.2])
    space = CurveSpace(np.linspace(0, 1, 65536)[:, None] ** gammas)
    codes = np.random.default_rng(8).integers(0, 1 << bit_depth, (30, 40, 3))
    codes = codes.astype(np.uint8 if bit_depth == 8 else np.uint16)
    pixels = space.decode(codes)
    np.testing.assert_allclose(pixels, (codes / ((1 << bit_depth) - 1)) ** gammas, rtol=1e-5)
    np.testing.assert_array_equal(space.encode(pixels, bit_depth), codes)


def test_p3_red_keeps_its_place_outside_srgb() -> None:
    """Against the matrices of CSS Color 4, which adapts and rounds a little differently."""
    red = np.array([[[255, 0, 0]]], np.uint8)
    found = profile_space(display_p3(), grey=False).decode(red)[0, 0]
    np.testing.assert_allclose(found, [1.2249401, -0.0420569, -0.0196376], atol=3e-4)


@pytest.mark.parametrize("name", PROFILES)
def test_white_is_white_and_grey_is_neutral(name: str) -> None:
    greys = np.arange(0, 256, 51, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    pixels = profile_space(PROFILES[name](), grey=False).decode(greys)
    np.testing.assert_allclose(pixels[0, -1], 1, atol=4e-4)
    np.testing.assert_allclose(pixels, pixels[..., :1].repeat(3, axis=2), atol=4e-4)


def test_adobe_rgb_against_its_definition() -> None:
    """Adobe RGB (1998): gamma 563/256, red and blue of sRGB, so grey-green mixes are exact."""
    green = profile_space(imagecodecs.cms_profile("adobergb"), grey=False).decode(
        np.array([[[0, 128, 0]]], np.uint8)
    )[0, 0]
    light = (128 / 255) ** (563 / 256)
    np.testing.assert_allclose(green / light, [-0.39836, 1.0, -0.04293], atol=1e-3)


def test_srgb_profile_is_srgb() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    space = profile_space(imagecodecs.cms_profile("srgb"), grey=False)
    np.testing.assert_allclose(space.decode(codes), srgb_space().decode(codes), atol=2e-5)


def test_a_value_is_stored_as_the_nearest_code() -> None:
    """Codes change half way, in signal, between two codes."""
    light = np.linspace(0, 1, 30_000, dtype=np.float32)
    pixels = np.stack([light] * 3, axis=-1)[None]
    for bit_depth, slack in ((8, 0.505), (16, 0.56)):
        codes = srgb_space().encode(pixels, bit_depth)[0, :, 0]
        signal = linear_to_srgb(light.astype(np.float64)) * ((1 << bit_depth) - 1)
        assert np.abs(codes - signal).max() < slack
        assert all(a <= b for a, b in pairwise(codes))


def test_what_cannot_be_stored_ends_at_the_nearest_end() -> None:
    odd = np.array([[[np.nan, -1, -np.inf], [np.inf, 1e30, 2]]], np.float32)
    for bit_depth, top in ((8, 255), (16, 65535)):
        codes = srgb_space().encode(odd, bit_depth)
        np.testing.assert_array_equal(codes, [[[0, 0, 0], [top, top, top]]])


def test_neither_direction_changes_what_it_is_given() -> None:
    codes = np.full((3, 4, 3), 77, np.uint8)
    pixels = np.full((3, 4, 3), -0.5, np.float32)
    for array in (codes, pixels):
        array.flags.writeable = False
    space = profile_space(display_p3(), grey=False)
    space.decode(codes)
    space.encode(pixels, 8)


def test_lookup_table_profile_goes_through_its_table() -> None:
    icc, light_of = lut_profile()
    space = profile_space(icc, grey=False)
    assert isinstance(space, ProfileSpace)
    rng = np.random.default_rng(1)
    codes = rng.integers(60, 200, (20, 20, 1)) + rng.integers(-25, 25, (20, 20, 3))
    codes = codes.astype(np.uint8)  # away from the gamut's edge, where tables end abruptly
    np.testing.assert_allclose(space.decode(codes), light_of(codes / 255), atol=0.012)
    for bit_depth in (8, 16):
        wide = codes if bit_depth == 8 else codes.astype(np.uint16) * 257
        back = space.encode(space.decode(wide), bit_depth).astype(float) - wide
        assert np.abs(back).max() < 5 * (1 if bit_depth == 8 else 257)


def test_grey_codes_use_the_neutral_axis_of_an_rgb_profile() -> None:
    codes = np.arange(256, dtype=np.uint8)[None]
    space = profile_space(pro_photo(), grey=True)
    assert isinstance(space, CurveSpace)
    assert space.grey
    np.testing.assert_allclose(space.decode(codes)[..., 0], (codes / 255) ** 1.8, atol=2e-4)


@pytest.mark.parametrize(
    ("icc", "words"),
    [
        (b"", "not an ICC profile"),
        (bytes(500), "not an ICC profile"),
        (imagecodecs.cms_profile("srgb")[:300], "cannot be used"),
        (grey_gamma(), "is for GRAY pictures"),
    ],
)
def test_unusable_profile_is_refused_in_words(icc: bytes, words: str) -> None:
    with pytest.raises(PhotoError, match=words):
        profile_space(icc, grey=False)
