"""Colour spaces by number, against the points that the standards print."""

from __future__ import annotations

import numpy as np
import pytest

from depthfx.photo.cicp import cicp_space
from depthfx.photo.colour import profile_name, profile_space, srgb_space
from depthfx.photo.profiles import named_profile

DISPLAY_P3, BT2020 = 12, 9
PQ, HLG = 16, 18


def of_signal(signal: float) -> np.ndarray:
    return np.full((1, 1, 3), round(signal * 65535), np.uint16)


@pytest.mark.parametrize("numbers", [(1, 13), (2, 2), (1, 1), (1, 6), (2, 13), (1, 2)])
def test_srgb_and_what_is_unspecified(numbers: tuple[int, int]) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    space, icc, warning = cicp_space(*numbers)
    assert (icc, warning) == (b"", "")
    np.testing.assert_array_equal(space.decode(codes), srgb_space().decode(codes))


def test_display_p3_is_the_profile_of_that_name() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    space, icc, warning = cicp_space(DISPLAY_P3, 13)
    assert icc == named_profile("display-p3")
    assert warning == ""
    ours = profile_space(icc, grey=False)
    np.testing.assert_allclose(space.decode(codes), ours.decode(codes), atol=5e-5)


@pytest.mark.parametrize("primaries", [1, 4, 5, 6, 7, 9, 11, 12, 22])
@pytest.mark.parametrize("transfer", [1, 4, 5, 8, 13])
def test_its_profile_says_the_same(primaries: int, transfer: int) -> None:
    codes = np.random.default_rng(1).integers(0, 256, (5, 6, 3), np.uint8)
    space, icc, warning = cicp_space(primaries, transfer)
    assert warning == ""
    same = profile_space(icc, grey=False) if icc else srgb_space()
    np.testing.assert_allclose(space.decode(codes), same.decode(codes), atol=1e-4)
    np.testing.assert_allclose(space.decode(of_signal(1)), 1, atol=3e-4)


@pytest.mark.parametrize(
    ("signal", "cd_m2"),
    [(0.0, 0.0), (0.508078, 100.0), (0.580689, 203.0), (0.751827, 1000.0), (1.0, 10000.0)],
)
def test_pq_at_the_levels_of_bt_2408(signal: float, cd_m2: float) -> None:
    space, icc, warning = cicp_space(BT2020, PQ)
    np.testing.assert_allclose(space.decode(of_signal(signal)), cd_m2 / 203, rtol=3e-4)
    assert profile_name(icc) == "BT.2020"
    assert "HDR (PQ)" in warning


@pytest.mark.parametrize(("signal", "cd_m2"), [(0.0, 0.0), (0.75, 203.0), (1.0, 1000.0)])
def test_hlg_at_the_levels_of_bt_2408(signal: float, cd_m2: float) -> None:
    space, _, warning = cicp_space(BT2020, HLG)
    np.testing.assert_allclose(space.decode(of_signal(signal)), cd_m2 / 203, rtol=2e-3)
    assert "HDR (HLG)" in warning


def test_hlg_keeps_the_hue_of_camera_light() -> None:
    """Its display's gamma is of luminance: channels keep their ratios (BT.2100, note 5e)."""
    space, _, _ = cicp_space(BT2020, HLG)
    codes = np.array([[[40000, 20000, 10000]]], np.uint16)
    pixels = space.decode(codes)[0, 0]
    to_bt2020 = np.linalg.inv(profile_space(named_profile("rec2020"), grey=False).matrix)
    light = to_bt2020 @ pixels
    scene = (codes[0, 0] / 65535) ** 2 / 3
    scene[0] = (np.exp((40000 / 65535 - 0.55991073) / 0.17883277) + 0.28466892) / 12
    luminance = scene @ [0.2627, 0.6780, 0.0593]
    np.testing.assert_allclose(light, scene * luminance**0.2 * 1000 / 203, rtol=1e-3)


def test_highlights_stay_above_white_and_grey_stays_grey() -> None:
    for transfer in (PQ, HLG):
        pixels = cicp_space(DISPLAY_P3, transfer)[0].decode(of_signal(0.9))
        assert pixels.min() > 2
        np.testing.assert_allclose(pixels, pixels.mean(), rtol=1e-3)
        space, icc, _ = cicp_space(BT2020, transfer, grey=True)
        grey = space.decode(np.full((2, 3), 49151, np.uint16))
        assert grey.shape == (2, 3, 3)
        assert icc == b""


@pytest.mark.parametrize(("numbers", "words"), [((99, 13), "primaries"), ((1, 99), "tone curve")])
def test_unknown_numbers_are_srgb_with_a_warning(numbers: tuple[int, int], words: str) -> None:
    space, icc, warning = cicp_space(*numbers)
    assert "(99)" in warning
    assert words in warning
    assert icc == b""
    codes = np.full((1, 2, 3), 99, np.uint8)
    np.testing.assert_array_equal(space.decode(codes), srgb_space().decode(codes))
