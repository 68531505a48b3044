"""Each check finds what was spoilt on purpose, and nothing in a picture that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from depthfx import Chain, Scene
from depthfx.batch.banding import banding
from depthfx.batch.check import findings, subjects
from depthfx.batch.edges import breaks, contrast, on_edges, outline
from depthfx.camera import Camera, FocalOrigin
from depthfx.depth import Depth
from depthfx.photo.colour import linear_to_srgb, srgb_to_linear
from depthfx.photo.photo import Metadata, Photo
from depthfx.registry import effect_class

Plane = NDArray[np.float32]

HEIGHT, WIDTH = 300, 400
SQUARE = slice(80, 220), slice(120, 280)
BOKEH, PORTRAIT, GRAIN, PICTURE = (
    Chain(effect_class(name)()) for name in ("bokeh", "portrait", "grain", "depth-picture")
)


def texture(seed: int = 0) -> Plane:
    """Grain of a few pixels, 0..1."""
    noise = np.random.default_rng(seed).random((HEIGHT, WIDTH), np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return np.asarray((soft - soft.min()) / np.ptp(soft), np.float32)


def square(inside: float, outside: float) -> Plane:
    plane = np.full((HEIGHT, WIDTH), outside, np.float32)
    plane[SQUARE] = inside
    return plane


PIXELS = np.dstack([square(0.6, 0.1) * (0.4 + 0.6 * texture(i)) for i in range(3)]).astype(
    np.float32
)
INVERSE, MATTE = square(1.0, 0.2), square(1.0, 0.0)


def scene(
    inverse: Plane = INVERSE,
    matte: Plane = MATTE,
    *,
    camera: Camera | None = None,
    metadata: Metadata | None = None,
    warnings: tuple[str, ...] = (),
    **depth: object,
) -> Scene:
    """The square before a wall, its depth and matte asked for."""
    camera = camera or Camera(WIDTH, HEIGHT, 400.0)
    photo = Photo(PIXELS, camera, metadata=metadata or Metadata(), warnings=warnings)
    found = Depth(inverse, True, "given", **depth)  # type: ignore[arg-type]
    made = Scene.of(photo, depth=found, matte=matte)
    assert made.depth is found
    assert made.matte is matte
    return made


def checks(before: Scene, after: Scene | None = None, chain: Chain = BOKEH) -> list[str]:
    return [finding.check for finding in findings(before, after or before, chain)]


def blurred(pixels: Plane, where: tuple[slice, slice]) -> Plane:
    out = pixels.copy()
    out[where] = cv2.GaussianBlur(pixels, (0, 0), 6.0)[where]
    return out


def with_blurred_wall(before: Scene) -> Scene:
    out = cv2.GaussianBlur(PIXELS, (0, 0), 6.0)
    out[SQUARE] = PIXELS[SQUARE]
    return before.with_pixels(np.asarray(out, np.float32))


@pytest.mark.parametrize("chain", [BOKEH, PORTRAIT])
def test_a_picture_that_is_right_needs_no_hand(chain: Chain) -> None:
    before = scene()
    assert checks(before, with_blurred_wall(before), chain) == []


def test_the_effects_themselves_need_no_hand() -> None:
    for chain in (BOKEH, PORTRAIT):
        before = scene()
        assert checks(before, chain(before), chain) == []


# ---------------------------------------------------------------- depth and matte
def moved(plane: Plane, px: int = 12) -> Plane:
    return np.ascontiguousarray(np.roll(plane, (px, px), (0, 1)))


def test_depth_beside_its_photo() -> None:
    assert checks(scene(moved(INVERSE))) == ["edges"]


def test_depth_that_is_noise() -> None:
    noise = np.random.default_rng(1).random((HEIGHT, WIDTH), np.float32) + np.float32(0.01)
    assert checks(scene(noise)) == ["edges"]


def test_depth_that_knows_nothing() -> None:
    assert checks(scene(np.zeros((HEIGHT, WIDTH), np.float32))) == ["depth"]


def test_depth_without_breaks_is_no_fault() -> None:
    ramp = np.linspace(0.2, 1, WIDTH, dtype=np.float32)
    assert checks(scene(np.tile(ramp, (HEIGHT, 1)))) == []


def test_a_matte_beside_its_subject_matters_where_it_is_used() -> None:
    wrong = scene(matte=moved(MATTE))
    assert checks(wrong, chain=PORTRAIT) == ["matte"]
    assert checks(wrong, chain=GRAIN) == []


def test_a_matte_that_is_half_sure() -> None:
    unsure = MATTE.copy()
    unsure[80:220, 120:200] = 0.6
    assert "matte" in checks(scene(matte=unsure), chain=PORTRAIT)


def test_no_subject() -> None:
    before = scene(matte=np.zeros((HEIGHT, WIDTH), np.float32))
    after = before.with_note("", subject_found=False, subject_share=0.0)
    assert checks(before, after, PORTRAIT) == ["subject"]


def test_lines_on_edges_are_told_from_lines_anywhere() -> None:
    seen = contrast(PIXELS)
    on = on_edges(outline(MATTE), seen)
    beside = on_edges(outline(moved(MATTE)), seen)
    assert on is not None
    assert beside is not None
    assert on > 0.95
    assert beside < 0.6


@given(st.floats(0.01, 50), st.floats(0.2, 5))
def test_neither_exposure_nor_gamma_moves_that(gain: float, gamma: float) -> None:
    seen = np.asarray(np.round(contrast(PIXELS), 3), np.float64)
    other = gain * seen**gamma
    lines = breaks(INVERSE)
    assert on_edges(lines, other) == pytest.approx(on_edges(lines, seen), abs=1e-6)


def test_a_picture_without_contrast_says_one_half() -> None:
    flat = np.zeros((HEIGHT, WIDTH), np.float32)
    assert on_edges(outline(MATTE), flat) == 0.5


def test_breaks_do_not_depend_on_the_unit() -> None:
    np.testing.assert_array_equal(breaks(INVERSE), breaks(np.float32(8) * INVERSE))


# ---------------------------------------------------------------- lens and metres
@pytest.mark.parametrize(
    ("origin", "times", "expected"),
    [
        (FocalOrigin.EXIF, 3.0, ["focal length"]),
        (FocalOrigin.EXIF, 1 / 3, ["focal length"]),
        (FocalOrigin.INTRINSICS, 3.0, ["focal length"]),
        (FocalOrigin.EXIF, 1.2, []),
        (FocalOrigin.USER, 3.0, []),  # who knows better
        (FocalOrigin.GUESS, 3.0, []),
    ],
)
def test_focal_length_of_the_file_against_the_network(
    origin: FocalOrigin, times: float, expected: list[str]
) -> None:
    camera = Camera(WIDTH, HEIGHT, 400.0 * times, origin)
    assert checks(scene(camera=camera, focal_px=400.0, focal_error=0.25)) == expected


def test_a_network_that_is_unsure_contradicts_nobody() -> None:
    camera = Camera(WIDTH, HEIGHT, 1200.0, FocalOrigin.EXIF)
    assert checks(scene(camera=camera, focal_px=400.0, focal_error=1.2)) == []


@pytest.mark.parametrize(
    ("metres", "expected"), [(1.0, []), (2.5, []), (0.4, []), (5.0, ["scale"]), (0.2, ["scale"])]
)
def test_subject_distance_of_exif_against_depth(metres: float, expected: list[str]) -> None:
    """The square in the middle is 1 m away."""
    exif = {piexif.ExifIFD.SubjectDistance: (round(metres * 1000), 1000)}
    block = piexif.dump({"Exif": exif}).removeprefix(b"Exif\0\0")
    assert checks(scene(metadata=Metadata(exif=block))) == expected


def test_a_world_of_centimetres() -> None:
    assert checks(scene(INVERSE * np.float32(100))) == ["scale"]


# ---------------------------------------------------------------- the result
def spoilt(change: Callable[[Plane], Plane]) -> Callable[[], tuple[Scene, Scene]]:
    def pair() -> tuple[Scene, Scene]:
        before = scene()
        return before, before.with_pixels(np.asarray(change(PIXELS), np.float32))

    return pair


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda p: p * 0, "light"),
        (lambda p: p + 2, "light"),
        (lambda p: p * np.nan, "light"),
        (lambda p: np.where(p > 0.5, np.inf, p), "light"),
        (lambda p: cv2.GaussianBlur(p, (0, 0), 6.0), "focus"),
    ],
    ids=["black", "white", "nan", "infinite", "blurred"],
)
def test_a_spoilt_result(change: Callable[[Plane], Plane], check: str) -> None:
    assert check in checks(*spoilt(change)())


def test_one_of_two_subjects_blurred() -> None:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    one, other = (slice(80, 220), slice(20, 180)), (slice(80, 220), slice(220, 380))
    matte[one] = matte[other] = 1
    before = scene(matte=matte)
    after = before.with_pixels(blurred(PIXELS, other))
    found = [f for f in findings(before, after, BOKEH) if f.check == "focus"]
    assert [finding.words for finding in found] == ["of 2 subjects 1 is blurred"]


def test_subjects_are_the_larger_parts() -> None:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[10:100, 10:100] = matte[150:250, 200:300] = matte[280:285, 5:10] = 1
    assert [int(part.sum()) for part in subjects(matte)] == [10000, 8100]


def test_a_picture_of_the_depth_is_not_compared() -> None:
    before = scene()
    assert checks(before, before.with_pixels(PIXELS * 0), PICTURE) == []


@pytest.mark.parametrize(
    ("leak", "rim", "expected"), [(0.01, 0.02, []), (0.2, 0.0, ["halo"]), (0.0, 0.5, ["halo"])]
)
def test_halo_of_a_portrait(leak: float, rim: float, expected: list[str]) -> None:
    before = scene()
    after = before.with_note("", halo_leak=leak, halo_rim=rim, halo_worst=(0.25, 0.5))
    assert checks(before, after) == expected


# ---------------------------------------------------------------- steps
def ramp(across: bool = True, codes: float = 60.0) -> Plane:
    line = np.linspace(120, 120 + codes, WIDTH if across else HEIGHT, dtype=np.float32) / 255
    plane = np.broadcast_to(line if across else line[:, None], (HEIGHT, WIDTH))
    return np.dstack([srgb_to_linear(np.asarray(plane, np.float32))] * 3)


def in_levels(pixels: Plane, levels: int) -> Plane:
    codes = np.round(linear_to_srgb(pixels) * (levels - 1)) / (levels - 1)
    return np.asarray(srgb_to_linear(codes.astype(np.float32)), np.float32)


@pytest.mark.parametrize("across", [True, False])
def test_steps_in_a_sky_are_found(across: bool) -> None:
    sky = ramp(across)
    assert banding(sky, in_levels(sky, 32)) > 0.3
    assert banding(sky, sky) == 0


def test_steps_that_the_photo_has_are_not_the_results() -> None:
    stepped = in_levels(ramp(), 32)
    assert banding(stepped, stepped * np.float32(0.9)) == 0


def test_eight_bits_are_no_steps() -> None:
    sky = ramp()
    assert banding(sky, in_levels(sky, 256)) == 0


def test_grain_hides_steps() -> None:
    noise = np.random.default_rng(3).normal(0, 0.02, (HEIGHT, WIDTH, 1)).astype(np.float32)
    grainy = ramp() + noise
    assert banding(grainy, in_levels(np.clip(grainy, 0, 1), 64)) < 0.01


# ---------------------------------------------------------------- what is asked for
def test_warnings_of_the_photo_are_told() -> None:
    found = findings(scene(warnings=("its EXIF is damaged",)), scene(), GRAIN)
    assert [(finding.check, finding.words) for finding in found] == [
        ("photo", "its EXIF is damaged")
    ]


def test_nothing_is_estimated_for_a_check() -> None:
    def never() -> Depth:
        raise AssertionError("depth was asked for")

    photo = Photo(PIXELS, Camera(WIDTH, HEIGHT, 400.0))
    before = Scene.of(photo, stored_depth=never, stored_matte=never)  # type: ignore[arg-type]
    assert checks(before, chain=GRAIN) == []


def test_the_photo_is_left_as_it_was() -> None:
    pixels, inverse = PIXELS.copy(), INVERSE.copy()
    before = scene()
    findings(before, replace(before), PORTRAIT)
    np.testing.assert_array_equal(before.photo.pixels, pixels)
    np.testing.assert_array_equal(before.depth.inverse, inverse)
