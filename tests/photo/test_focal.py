"""Focal lengths in pixels, by geometry, and in the right order of trust."""

from __future__ import annotations

import math

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera, FocalOrigin
from depthfx.errors import ParameterError
from depthfx.photo.exif import Exif, parse
from depthfx.photo.focal import camera_for

DIAGONAL_35 = math.hypot(36, 24)


def exif_of(main: dict | None = None, **photo: object) -> Exif:
    tags = {"f35": 41989, "focal": 37386, "plane": 41486, "unit": 41488, "x": 40962, "y": 40963}
    return parse(
        piexif.dump({"0th": main or {}, "Exif": {tags[k]: v for k, v in photo.items()}})[6:]
    )


@given(st.integers(10, 300), st.integers(64, 8000), st.integers(64, 8000))
def test_35_mm_equivalent_spans_the_same_diagonal_angle(f35: int, width: int, height: int) -> None:
    camera, _ = camera_for(width, height, exif_of(f35=f35))
    assert camera.origin is FocalOrigin.EXIF
    assert camera.diagonal_px / camera.focal_px == pytest.approx(DIAGONAL_35 / f35)


@pytest.mark.parametrize(("unit", "per_unit"), [(2, 25.4), (3, 10.0), (4, 1.0), (None, 25.4)])
def test_sensor_pitch_gives_pixels(unit: int | None, per_unit: float) -> None:
    """A 36 mm wide sensor of 6000 pixels behind 50 mm, later resized to 600."""
    tags: dict = {
        "focal": (50, 1),
        "plane": (round(6000 / 36 * per_unit * 1000), 1000),
        "x": 6000,
        "y": 4000,
    }
    if unit is not None:
        tags["unit"] = unit
    camera, warnings = camera_for(600, 400, exif_of(**tags))
    assert camera.focal_px == pytest.approx(50 / 36 * 600, rel=1e-4)
    assert not warnings


def test_sensor_pitch_counts_along_the_stored_width() -> None:
    exif = exif_of({274: 6}, focal=(50, 1), plane=(6000, 36), unit=4, x=6000, y=4000)
    upright, _ = camera_for(400, 600, exif)
    assert upright.focal_px == pytest.approx(50 / 36 * 600, rel=1e-6)


def test_user_comes_before_exif() -> None:
    exif = exif_of(f35=26)
    assert camera_for(600, 400, exif, focal_px=777)[0] == Camera(600, 400, 777, FocalOrigin.USER)
    by_f35 = camera_for(600, 400, exif, f35_mm=50)[0]
    assert by_f35.origin is FocalOrigin.USER
    assert by_f35.f35_mm == pytest.approx(50)


@pytest.mark.parametrize("focal_px", [0, -1, math.nan, math.inf])
def test_a_length_that_is_none_is_refused(focal_px: float) -> None:
    with pytest.raises(ParameterError, match="focal_px"):
        camera_for(600, 400, Exif(), focal_px=focal_px)


@pytest.mark.parametrize(
    "exif", [Exif(), exif_of(f35=0), exif_of(focal=(42, 10)), exif_of(focal=(0, 0), plane=(1, 0))]
)
def test_nothing_known_is_a_stated_guess(exif: Exif) -> None:
    camera, warnings = camera_for(600, 400, exif)
    assert camera == Camera.guess(600, 400)
    assert camera.origin is FocalOrigin.GUESS
    assert not warnings


@pytest.mark.parametrize("f35", [1, 65535])
def test_an_absurd_value_is_not_believed_and_said_so(f35: int) -> None:
    camera, warnings = camera_for(600, 400, exif_of(f35=f35))
    assert camera.origin is FocalOrigin.GUESS
    assert "not believed" in warnings[0]


def test_two_values_that_disagree_are_reported() -> None:
    exif = exif_of(f35=26, focal=(50, 1), plane=(6000, 36), unit=4, x=6000, y=4000)
    camera, warnings = camera_for(600, 400, exif)
    assert camera.f35_mm == pytest.approx(26)
    assert "two focal lengths" in warnings[0]


def test_a_crop_keeps_the_focal_length_of_its_frame() -> None:
    camera, warnings = camera_for(200, 300, exif_of(f35=26, x=600, y=400))
    assert camera.focal_px == pytest.approx(26 * math.hypot(600, 400) / DIAGONAL_35)
    assert "cropped" in warnings[0]


def test_the_users_lens_and_sensor() -> None:
    camera, _ = camera_for(600, 400, exif_of(f35=26), focal_mm=50, sensor="full-frame")
    assert camera.focal_px == pytest.approx(50 / 36 * 600)
    assert camera.origin is FocalOrigin.USER


@pytest.mark.parametrize(
    ("told", "missing"), [({"focal_mm": 50.0}, "sensor"), ({"sensor": "aps-c"}, "focal_mm")]
)
def test_millimetres_without_a_sensor_are_refused(told: dict, missing: str) -> None:
    """A focal length in millimetres is none in pixels, whoever says it."""
    with pytest.raises(ParameterError, match=f"give (its )?{missing} too") as error:
        camera_for(600, 400, exif_of(f35=26), **told)
    assert "\n" not in str(error.value)


@given(st.floats(1, 300), st.integers(64, 8000), st.integers(64, 8000))
def test_millimetres_alone_change_nothing(mm: float, width: int, height: int) -> None:
    exif = exif_of(focal=(round(mm * 1000), 1000))
    assert camera_for(width, height, exif)[0] == Camera.guess(width, height)


@given(st.integers(10, 300), st.sampled_from([1, 2, 4, 10]), st.sampled_from([1, 6, 3, 8]))
def test_a_resized_copy_sees_the_same(f35: int, smaller: int, orientation: int) -> None:
    width, height = (6000, 4000) if orientation < 5 else (4000, 6000)
    exif = exif_of({274: orientation}, f35=f35, x=6000, y=4000)
    whole, _ = camera_for(width, height, exif)
    small, warnings = camera_for(width // smaller, height // smaller, exif)
    assert small.fov_deg == pytest.approx(whole.fov_deg)
    assert not warnings


@given(st.integers(2000, 6000), st.integers(2000, 4000))
def test_a_crop_has_the_focal_length_of_its_frame_whatever_is_left(width: int, height: int) -> None:
    exif = exif_of(f35=26, focal=(26, 1), plane=(6000, 36), unit=4, x=6000, y=4000)
    camera, warnings = camera_for(width, height, exif)
    cropped = abs(width / height / 1.5 - 1) > 0.05
    if cropped:
        assert camera.focal_px == pytest.approx(26 / 36 * 6000, rel=1e-6)
        assert "cropped from 6000 x 4000" in warnings[0]


def test_a_small_picture_of_another_shape_was_shrunk() -> None:
    """A 4032 x 3024 photo, turned and shrunk without a word in its EXIF."""
    camera, _ = camera_for(384, 512, exif_of(f35=26, x=4032, y=3024))
    assert camera.f35_mm == pytest.approx(26)


@pytest.mark.parametrize("size", [(6048, 4024), (6000, 4024), (5960, 4000)])
def test_the_borders_that_a_raw_converter_keeps_are_no_crop(size: tuple[int, int]) -> None:
    camera, warnings = camera_for(*size, exif_of(f35=26, x=6000, y=4000))
    assert camera.f35_mm == pytest.approx(26)
    assert not warnings


@pytest.mark.parametrize(
    "tags",
    [
        # Canon EOS 40D: 5.7 inches of sensor made 100 pixels, and PixelXDimension with them.
        {"focal": (135, 1), "plane": (3888000, 876), "unit": 2, "x": 100, "y": 68},
        {"focal": (135, 1), "plane": (3888000, 876), "unit": 2},
        {"focal": (5, 1), "plane": (1, 1), "unit": 5},
    ],
)
def test_a_pitch_left_over_from_a_larger_picture_is_not_used(tags: dict) -> None:
    camera, warnings = camera_for(100, 68, exif_of(**tags))
    assert camera == Camera.guess(100, 68)
    assert not warnings


def test_a_unit_too_large_is_put_right_where_only_one_makes_sense() -> None:
    """Pixels per millimetre that claim to be per inch would be a sensor of 91 cm."""
    exif = exif_of(focal=(50, 1), plane=(6000, 36), unit=2, x=6000, y=4000)
    assert camera_for(6000, 4000, exif)[0].focal_px == pytest.approx(50 / 36 * 6000)


def test_the_height_counts_where_the_width_is_missing() -> None:
    exif = parse(
        piexif.dump({"Exif": {37386: (50, 1), 41487: (4000, 24), 41488: 4, 40963: 4000}})[6:]
    )
    assert camera_for(600, 400, exif)[0].focal_px == pytest.approx(50 / 24 * 400)


def test_digital_zoom_comes_on_top_of_the_sensor_but_is_in_the_35_mm_value() -> None:
    plane = {37386: (50, 1), 41486: (6000, 36), 41488: 4, 41988: (3, 1)}
    by_plane, _ = camera_for(6000, 4000, parse(piexif.dump({"Exif": plane})[6:]))
    assert by_plane.f35_mm == pytest.approx(150)
    by_f35, warnings = camera_for(
        6000, 4000, parse(piexif.dump({"Exif": {**plane, 41989: 150}})[6:])
    )
    assert by_f35.f35_mm == pytest.approx(150)
    assert not warnings, "the two agree"


def test_intrinsics_come_before_exif_and_after_the_user() -> None:
    exif, told = exif_of(f35=26), (700.0, 310.0, 190.0)
    camera, _ = camera_for(600, 400, exif, intrinsics=told)
    assert camera == Camera(600, 400, 700, FocalOrigin.INTRINSICS, 310, 190)
    assert camera_for(600, 400, exif, 777, intrinsics=told)[0].origin is FocalOrigin.USER


def test_intrinsics_that_say_what_exif_says_leave_its_length() -> None:
    """18 mm is anything from 17.5 to 18.5: a copy without intrinsics has the same camera."""
    exif = exif_of(f35=18)
    alone, _ = camera_for(2560, 2560, exif)
    told = (alone.focal_px * 18.2 / 18, 1270.0, 1290.0)
    camera, _ = camera_for(2560, 2560, exif, intrinsics=told)
    assert (camera.focal_px, camera.cx, camera.cy) == (alone.focal_px, 1270, 1290)
    told = (alone.focal_px * 18.6 / 18, 1270.0, 1290.0)
    assert camera_for(2560, 2560, exif, intrinsics=told)[0].focal_px == told[0]


@pytest.mark.parametrize(
    "told", [(math.nan, 300, 200), (-700, 300, 200), (7, 300, 200), (700, 900, 200)]
)
def test_intrinsics_of_no_camera_are_said_and_left(told: tuple[float, float, float]) -> None:
    camera, warnings = camera_for(600, 400, exif_of(f35=26), intrinsics=told)
    assert camera.origin is FocalOrigin.EXIF
    assert "intrinsics" in warnings[0]


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<r:Description r:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    'exif:FocalLengthIn35mmFilm="VALUE"/></r:RDF></x:xmpmeta>'
)


def test_xmp_is_asked_for_what_exif_does_not_say() -> None:
    packet = XMP.replace("VALUE", "26").encode()
    assert camera_for(600, 400, Exif(), xmp=packet)[0].f35_mm == pytest.approx(26)
    assert camera_for(600, 400, exif_of(f35=50), xmp=packet)[0].f35_mm == pytest.approx(50)


@pytest.mark.parametrize("f35", [0, -26, math.nan, math.inf])
def test_a_35_mm_equivalent_that_is_no_length_is_refused_by_its_name(f35: float) -> None:
    with pytest.raises(ParameterError, match=r"f35_mm=.* is not a length in millimetres"):
        camera_for(600, 400, Exif(), f35_mm=f35)


@pytest.mark.parametrize("value", ["", "x", "-26", "2" * 400, "1e5", "nan"])
def test_xmp_that_says_no_length_is_not_believed(value: str) -> None:
    packet = XMP.replace("VALUE", value).encode()
    assert camera_for(600, 400, Exif(), xmp=packet)[0].origin is FocalOrigin.GUESS


def lightroom(left: float, top: float, right: float, bottom: float, **said: str) -> bytes:
    names = {"CropLeft": left, "CropTop": top, "CropRight": right, "CropBottom": bottom}
    told = {"HasCrop": "True", "AlreadyApplied": "True", **names, **said}
    words = " ".join(f'crs:{name}="{value}"' for name, value in told.items())
    return XMP.replace(
        'exif:FocalLengthIn35mmFilm="VALUE"',
        f'xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" {words}',
    ).encode()


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((2000, 2000), (0.25, 0.25, 0.25 + 2000 / 6000, 0.75)),
        ((1000, 1000), (0.25, 0.25, 0.25 + 2000 / 6000, 0.75)),
        # Cut from a photo held upright, of which the box is in the sensor's frame.
        ((4000, 2000), (0.0, 0.0, 2000 / 6000, 1.0)),
    ],
)
def test_what_lightroom_cut_off_counts(
    size: tuple[int, int], box: tuple[float, float, float, float]
) -> None:
    """Of a 6000 x 4000 frame, and resized afterwards or not."""
    exif = exif_of(f35=26, x=size[0], y=size[1])
    camera, warnings = camera_for(*size, exif, xmp=lightroom(*box))
    scale = 0.5 if size == (1000, 1000) else 1.0
    assert camera.focal_px == pytest.approx(26 * scale * math.hypot(6000, 4000) / DIAGONAL_35)
    assert "cropped" in warnings[0]


@pytest.mark.parametrize(
    "xmp",
    [
        lightroom(0.2, 0.2, 0.8, 0.8, HasCrop="False"),
        lightroom(0.2, 0.2, 0.8, 0.8, AlreadyApplied="False"),
        lightroom(0.8, 0.2, 0.2, 0.8),
        lightroom(0.2, 0.2, math.nan, 0.8),
        lightroom(0.2, 0.2, 0.8, 0.8, CropTop="x"),
        lightroom(0.0, 0.0, 1.0, 0.1),
    ],
)
def test_a_cut_that_was_not_made_or_makes_no_sense_does_not(xmp: bytes) -> None:
    camera, warnings = camera_for(600, 400, exif_of(f35=26), xmp=xmp)
    assert camera.f35_mm == pytest.approx(26)
    assert not warnings


@given(st.floats(0.5, 60), st.integers(1500, 9000), st.integers(1500, 9000))
def test_millimetres_taken_for_pixels_are_refused(mm: float, width: int, height: int) -> None:
    with pytest.raises(ParameterError, match="focal_px is in pixels") as error:
        camera_for(width, height, Exif(), focal_px=mm)
    assert "\n" not in str(error.value)


@given(st.floats(8, 2000), st.integers(100, 9000), st.integers(100, 9000))
def test_every_lens_there_is_is_taken(f35: float, width: int, height: int) -> None:
    focal_px = camera_for(width, height, Exif(), f35_mm=f35)[0].focal_px
    assert camera_for(width, height, Exif(), focal_px=focal_px)[0].focal_px == focal_px
