"""Profiles of ours say what they are named, to Little CMS as to us; a user's file is checked."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from lut_profile import lut_profile
from PIL import ImageCms
from test_colour import grey_gamma

from depthfx.errors import ParameterError
from depthfx.photo.colour import XYZ_TO_SRGB, CurveSpace, profile_name, profile_space
from depthfx.photo.profiles import NAMED, linear_srgb, named_profile

RED = {  # linear sRGB of the reddest colour by CSS Color 4's matrices
    "srgb": [1.0, 0.0, 0.0],
    "display-p3": [1.2249401, -0.0420569, -0.0196376],
    "adobe-rgb": [1.3983557, 0.0, 0.0],
    "prophoto": [2.0342193, -0.2288102, -0.0085649],
    "rec2020": [1.6604910, -0.1245505, -0.0181508],
}


@pytest.mark.parametrize("name", NAMED)
def test_primaries_are_those_of_the_standard(name: str) -> None:
    space = profile_space(named_profile(name), grey=False)
    red = space.decode(np.array([[[255, 0, 0]]], np.uint8))[0, 0]
    np.testing.assert_allclose(red, RED[name], atol=5e-4)
    white = space.decode(np.full((1, 1, 3), 65535, np.uint16))
    np.testing.assert_allclose(white, 1, atol=3e-7)


@pytest.mark.parametrize(
    ("name", "light"),
    [
        ("srgb", 0.2158605),
        ("display-p3", 0.2158605),
        ("adobe-rgb", (128 / 255) ** (563 / 256)),
        ("prophoto", (128 / 255) ** 1.8),
        ("rec2020", ((128 / 255 + 0.0993) / 1.0993) ** (1 / 0.45)),
    ],
)
def test_curves_are_those_of_the_standard(name: str, light: float) -> None:
    grey = np.full((1, 1, 3), 128, np.uint8)
    found = profile_space(named_profile(name), grey=False).decode(grey)
    np.testing.assert_allclose(found, light, rtol=1e-4)


@pytest.mark.parametrize("name", NAMED)
def test_little_cms_opens_them_and_shows_the_same_colours(name: str) -> None:
    """Pillow's Little CMS, 8 bits to 8 bits, between two profiles of ours."""
    codes = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    ours = profile_space(named_profile("display-p3"), grey=False)
    space = profile_space(named_profile(name), grey=False)
    converted = imagecodecs.cms_transform(
        codes,
        named_profile(name),
        named_profile("display-p3"),
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=np.uint16,
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE,
    )
    difference = ours.encode(space.decode(codes), 16).astype(int) - converted
    assert np.abs(difference).max() <= 40  # a sixth of an 8-bit code: the library's 16-bit steps


def test_they_say_their_names() -> None:
    assert profile_name(named_profile("display-p3")) == "Display P3"
    assert profile_name(linear_srgb()) == "Linear sRGB"
    profile = ImageCms.ImageCmsProfile(io.BytesIO(named_profile("rec2020")))
    assert profile.profile.profile_description == "Rec. 2020"
    assert profile.profile.version == pytest.approx(4.3)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("sRGB", "srgb"),
        ("P3", "display-p3"),
        ("Display P3", "display-p3"),
        ("AdobeRGB", "adobe-rgb"),
        ("Adobe RGB (1998)", "adobe-rgb"),
        ("ProPhoto RGB", "prophoto"),
        ("BT.2020", "rec2020"),
        ("rec-2020", "rec2020"),
    ],
)
def test_names_as_users_type_them(typed: str, name: str) -> None:
    assert named_profile(typed) == named_profile(name)


def test_linear_profiles_are_linear() -> None:
    codes = np.random.default_rng(5).random((4, 5, 3), np.float32) * 3 - 1
    np.testing.assert_array_equal(profile_space(linear_srgb(), grey=False).decode(codes), codes)
    grey = profile_space(linear_srgb(grey=True), grey=True)
    np.testing.assert_array_equal(grey.decode(codes[..., 0])[..., 1], codes[..., 0])


def test_a_file_of_the_user_is_taken_as_it_is(tmp_path: Path) -> None:
    for icc in (imagecodecs.cms_profile("adobergb"), lut_profile()[0]):
        path = tmp_path / "mine.ICC"
        path.write_bytes(icc)
        assert named_profile(str(path)) == icc


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "is not an ICC profile"),
        (imagecodecs.cms_profile("srgb")[:250], "cannot be used"),
        (grey_gamma(), "is for GRAY pictures"),
    ],
)
def test_an_unusable_file_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "mine.icm"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ParameterError, match=words) as caught:
        named_profile(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ParameterError, match=r"profile=cmyk .*srgb, display-p3, .* \.icc or \.icm"):
        named_profile("cmyk")


def test_primaries_in_our_profiles_are_those_given() -> None:
    """Each profile's matrix, to a part in 65536, is the one that its chromaticities give."""
    from depthfx.photo.colour import primaries_to_xyz

    for name, (_, primaries, _) in NAMED.items():
        space = profile_space(named_profile(name), grey=False)
        assert isinstance(space, CurveSpace)
        matrix = np.eye(3) if space.matrix is None else space.matrix
        np.testing.assert_allclose(matrix, XYZ_TO_SRGB @ primaries_to_xyz(primaries), atol=1e-4)
