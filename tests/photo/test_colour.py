"""Signal and light: the standard's numbers, and there and back in every kind of space."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lut_profile import lut_profile

from depthfx.errors import PhotoError
from depthfx.photo.colour import (
    SRGB,
    SRGB_TO_XYZ,
    XYZ_TO_SRGB,
    CurveSpace,
    colour_space,
    finite,
    linear_space,
    linear_to_srgb,
    profile_space,
    srgb_space,
    srgb_to_linear,
    to_xyz,
)
from depthfx.photo.exif import ASCII, SHORT, Entry, Exif, Tag
from depthfx.photo.lut_space import LutSpace
from depthfx.photo.profiles import rgb_profile

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


def levels(rng: np.random.Generator, bit_depth: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random levels of that depth, and 0 and the highest, spread over 8 or 16 bits."""
    top, dtype = (255, np.uint8) if bit_depth == 8 else (65535, np.uint16)
    steps = (1 << bit_depth) - 1
    level = rng.integers(0, steps, shape, endpoint=True)
    level[:20] = np.where(level[:20] > steps / 2, steps, 0)
    return np.floor(level * (top / steps) + 0.5).astype(dtype)


def without_faint(codes: np.ndarray) -> np.ndarray:
    """`codes` without components that are nearly, but not quite, black beside a bright one.

    float32 light in other primaries cannot hold those: beside 1 its steps are 6e-8, and of a
    steep curve the first dozens of 16-bit codes lie within that.
    """
    top = np.iinfo(codes.dtype).max
    faint = (codes < top >> 8) & (codes.max(axis=2, keepdims=True) > top >> 3)
    return np.where(faint, 0, codes).astype(codes.dtype)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("bit_depth", [8, 10, 12, 16])
def test_codes_survive_linear_light(name: str, bit_depth: int) -> None:
    codes = without_faint(levels(np.random.default_rng(3), bit_depth, (150, 211, 3)))
    space = profile_space(PROFILES[name](), grey=False)
    back = space.encode(space.decode(codes), bit_depth)
    assert back.dtype == codes.dtype
    assert np.abs(back.astype(int) - codes).max() <= (bit_depth == 16)


@given(
    gamma=st.floats(1, 2.8),
    toe=st.floats(0, 0.1),
    corners=st.permutations([(0.64, 0.33), (0.25, 0.70), (0.14, 0.06)]),
    white=st.sampled_from([(0.3127, 0.3290), (0.3457, 0.3585), (0.28, 0.29)]),
    bit_depth=st.sampled_from([8, 12, 16]),
)
@settings(deadline=None, max_examples=25)
def test_any_parametric_profile_comes_back(
    gamma: float,
    toe: float,
    corners: list[tuple[float, float]],
    white: tuple[float, float],
    bit_depth: int,
) -> None:
    """Primaries in any order; a power with a straight piece that meets it, as sRGB's."""
    knee = 0.04
    light = ((knee + toe) / (1 + toe)) ** gamma
    curve = (gamma, 1 / (1 + toe), toe / (1 + toe), light / knee, knee)
    icc = rgb_profile("any", (corners[0], corners[1], corners[2], white), curve)
    codes = without_faint(levels(np.random.default_rng(1), bit_depth, (40, 30, 3)))
    space = profile_space(icc, grey=False)
    back = space.encode(space.decode(codes), bit_depth).astype(int)
    assert np.abs(back - codes).max() <= (bit_depth == 16)
    np.testing.assert_allclose(space.decode(np.full((1, 1, 3), 65535, np.uint16)), 1, atol=5e-4)


@pytest.mark.parametrize("name", PROFILES)
def test_our_light_is_that_of_little_cms(name: str) -> None:
    codes = np.random.default_rng(4).integers(0, 65536, (30, 40, 3)).astype(np.uint16)
    found = profile_space(PROFILES[name](), grey=False).decode(codes)
    direct = to_xyz(PROFILES[name](), codes, "rgb") @ XYZ_TO_SRGB.T
    np.testing.assert_allclose(found, direct, atol=1e-3)
    np.testing.assert_allclose(found @ SRGB_TO_XYZ.T, direct @ SRGB_TO_XYZ.T, atol=5e-4)


@pytest.mark.parametrize("name", PROFILES)
def test_whole_numbers_and_floats_mean_the_same(name: str) -> None:
    codes = np.random.default_rng(4).integers(0, 65536, (30, 40, 3)).astype(np.uint16)
    space = profile_space(PROFILES[name](), grey=False)
    floats = (codes / 65535).astype(np.float32)
    np.testing.assert_allclose(space.decode(floats), space.decode(codes), atol=1e-6)


def test_float_codes_go_on_beyond_black_and_white() -> None:
    """As sRGB's own formula does above 1, and mirrored below 0; and there and back exactly."""
    codes = np.linspace(-2, 4, 3000, dtype=np.float32).reshape(10, 100, 3)
    space = srgb_space()
    pixels = space.decode(codes)
    mirrored = np.copysign(srgb_to_linear(np.abs(codes)), codes)
    np.testing.assert_allclose(pixels, mirrored, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(space.encode(pixels, 32), codes, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", PROFILES)
def test_float_codes_survive_linear_light(name: str) -> None:
    """Away from black, where the steep curve makes much of float32's last digit.

    That digit is of the brightest component, which lends light to all in other primaries.
    """
    codes = np.random.default_rng(2).uniform(0.1, 3, (20, 30, 3)).astype(np.float32)
    space = profile_space(PROFILES[name](), grey=False)
    np.testing.assert_allclose(space.encode(space.decode(codes), 32), codes, atol=3e-6)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_a_power_curve_goes_on_as_that_power(gamma: float) -> None:
    icc = rgb_profile("power", SRGB, (gamma,))
    codes = np.array([[[0.5, 1.0, 2.0], [4.0, -0.5, -2.0]]], np.float32)
    expected = np.copysign(np.abs(codes) ** gamma, codes)
    np.testing.assert_allclose(profile_space(icc, grey=False).decode(codes), expected, rtol=1e-4)


def test_linear_codes_only_change_primaries() -> None:
    matrix = np.array([[1.2, -0.1, -0.1], [0.0, 1.1, -0.1], [-0.2, 0.1, 1.1]])
    codes = np.random.default_rng(0).uniform(-1, 9, (7, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(linear_space(matrix).decode(codes), codes @ matrix.T, atol=5e-6)
    assert linear_space(np.eye(3)).decode(codes) is codes
    whole = np.array([[[0, 32768, 65535]]], np.uint16)
    light = [[[0, 32768 / 65535, 1]]]
    np.testing.assert_allclose(linear_space(np.eye(3)).decode(whole), light, rtol=1e-6)
    grey = linear_space(np.eye(3)).decode(codes[..., 0])
    np.testing.assert_array_equal(grey, codes[..., :1].repeat(3, axis=2))
    space = linear_space(matrix)
    assert np.abs(space.encode(space.decode(whole), 16).astype(int) - whole).max() <= 1


def test_what_is_no_number_is_replaced_and_counted() -> None:
    codes = np.array([[1.5, np.nan, -2.0], [np.inf, -np.inf, 0.0]], np.float32)
    whole, count = finite(codes)
    np.testing.assert_array_equal(whole, [[1.5, 0, -2], [1.5, -2, 0]])
    assert count == 3
    assert np.isnan(codes[0, 1])
    good = np.ones((2, 3, 3), np.float32)
    assert finite(good)[0] is good
    eight = np.ones((2, 3), np.uint8)
    assert finite(eight) == (eight, 0)
    nothing, count = finite(np.full((2, 2), np.nan, np.float32))
    np.testing.assert_array_equal(nothing, 0)
    assert count == 4


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


@pytest.mark.parametrize(
    ("number", "index", "adobe"),
    [
        (65535, b"R03\0", True),
        (1, b"R03\0", False),
        (2, None, True),
        (65535, None, False),
        (1, b"R98\0", False),
    ],
)
def test_exif_names_adobe_rgb_in_two_ways(number: int, index: bytes | None, adobe: bool) -> None:
    exif = Exif("<", {}, {Tag.COLOR_SPACE: Entry(SHORT, 1, number.to_bytes(2, "little"))}, {})
    if index is not None:
        exif = replace(exif, interop={Tag.INTEROP_INDEX: Entry(ASCII, 4, index)})
    codes = np.array([[[0, 128, 0]]], np.uint8)
    named = profile_space(imagecodecs.cms_profile("adobergb"), grey=False)
    expected = (named if adobe else srgb_space()).decode(codes)
    np.testing.assert_array_equal(colour_space(b"", exif, grey=False).decode(codes), expected)


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
    assert isinstance(space, LutSpace)
    codes = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    pixels = space.decode(codes)
    direct = to_xyz(icc, codes, "rgb") @ XYZ_TO_SRGB.T
    np.testing.assert_allclose(
        linear_to_srgb(np.clip(pixels, 0, 1)), linear_to_srgb(np.clip(direct, 0, 1)), atol=3e-3
    )
    calm = (codes > 50).all(axis=2)  # in the shadows the profile's own coarse grid is far off
    np.testing.assert_allclose(pixels[calm], light_of(codes / 255)[calm], atol=0.012)


@pytest.mark.parametrize("bit_depth", [8, 10, 12, 16, 32])
def test_codes_survive_a_lookup_table(bit_depth: int) -> None:
    space = profile_space(lut_profile()[0], grey=False)
    rng = np.random.default_rng(5)
    codes = rng.random((30, 40, 3), np.float32) if bit_depth == 32 else None
    codes = levels(rng, bit_depth, (60, 40, 3)) if codes is None else codes
    back = space.encode(space.decode(codes), bit_depth).astype(float)
    limit = {16: 1, 32: 1e-6}.get(bit_depth, 0)
    assert np.abs(back - codes).max() <= limit


def test_what_a_lookup_table_does_not_hold_ends_at_its_edge() -> None:
    space = profile_space(lut_profile()[0], grey=False)
    odd = np.array([[[9, 9, 9], [-1, -1, -1], [np.nan] * 3, [0, np.inf, 0]]], np.float32)
    codes = space.encode(odd, 8)[0]
    np.testing.assert_array_equal(codes[:3], [[255] * 3, [0] * 3, [0] * 3])
    assert codes[3, 1] == 255
    assert max(codes[3, 0], codes[3, 2]) < 128


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
