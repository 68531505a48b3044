"""Lenses by name: what is understood, and one line on what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.optics.lens_names import NamedLens
from depthfx.photo.sensors import OTHER_NAMES, SENSORS_MM


@pytest.mark.parametrize(
    ("name", "focal_mm", "f_number", "sensor"),
    [
        ("85mm f/1.4 full-frame", 85, 1.4, "full-frame"),
        ("85/1.4", 85, 1.4, "full-frame"),
        ("85 mm 1:1,4 Full Frame", 85, 1.4, "full-frame"),
        ("full frame 85mm F1.4 lens", 85, 1.4, "full-frame"),
        ("50mm f1.8 aps-c", 50, 1.8, "APS-C"),
        ("Canon APS-C, 50mm, ƒ/1.8", 50, 1.8, "Canon APS-C"),
        ("35mm f/2 on micro four thirds", 35, 2, "Micro Four Thirds"),
        ("35mm f/2 4/3", 35, 2, "Micro Four Thirds"),
        ("35mm f/2 35mm film", 35, 2, "full-frame"),
        ('8.8mm f/1.8 1"', 8.8, 1.8, "1-inch"),
        ("110mm f/2 medium format", 110, 2, "medium format"),
        ("80mm f/2.8 6x6", 80, 2.8, "6x6"),
        ("f/2 APS-C", None, 2, "APS-C"),
        ("135mm", 135, None, "full-frame"),
        ("6x7", None, None, "6x7"),
    ],
)
def test_names_that_photographers_use(name, focal_mm, f_number, sensor):
    assert NamedLens.parse(name) == NamedLens(focal_mm, f_number, sensor)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("iphone 15 pro", "'iphone 15 pro' is not understood"),
        ("85mm f/1.4 nikon z", "'nikon z' is not understood"),
        ("24-70mm f/2.8", "not understood"),
        ("85mm 50mm f/2", "'50mm' is not understood"),
        ("85/1.4 f/2", "'85/1.4' is not understood"),
        ("85mm f/0.1", "f-number 0.1 is outside 0.5 to 128"),
        ("99999mm f/2", "focal length 99999 is outside 1 to 2000 mm"),
        ("85mm f/0", "f-number 0 is outside"),
        ("a lens", "full-frame, APS-C"),
        ("", "'85mm f/1.4 full-frame'"),
    ],
)
def test_what_is_not_understood_is_named_with_what_would_be(name, reason):
    with pytest.raises(ParameterError, match="like=") as caught:
        NamedLens.parse(name)
    assert reason in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_a_lens_or_one_line(text):
    said = ""
    try:
        assert NamedLens.parse(text).sensor in SENSORS_MM
    except ParameterError as error:
        said = str(error)
    assert "\n" not in said


@given(
    st.none() | st.integers(1, 2000).map(float),
    st.none() | st.sampled_from([0.95, 1.2, 1.4, 2.8, 5.6, 64.0]),
    st.sampled_from(list(SENSORS_MM)),
)
def test_the_words_for_a_lens_are_its_name(focal_mm, f_number, sensor):
    parts = [
        f"{focal_mm:g}mm" if focal_mm else "",
        f"f/{f_number:g}" if f_number else "",
        sensor,
    ]
    lens = NamedLens(focal_mm, f_number, sensor)
    for order in (parts, parts[::-1]):
        assert NamedLens.parse(" ".join(order)) == lens
    full = NamedLens.parse(lens.words(f35_mm=50.0, f_number=2.0))
    assert full.sensor == sensor
    assert full.f_number == (f_number or 2.0)
    assert full.focal_mm == pytest.approx(lens.focal_mm_for(50.0), rel=0.025)


def test_other_names_are_names_of_sensors():
    assert set(OTHER_NAMES.values()) <= set(SENSORS_MM)


@pytest.mark.parametrize(
    ("sensor", "crop"),
    [("full-frame", 1), ("APS-C", 1.53), ("Micro Four Thirds", 2), ("1-inch", 2.73), ("6x7", 0.48)],
)
def test_crop_factors_are_the_known_ones(sensor, crop):
    assert NamedLens(None, None, sensor).crop_factor == pytest.approx(crop, rel=0.01)


def test_without_a_focal_length_it_is_that_of_the_photos_view():
    """What a 50 mm lens shows on full-frame, a 25 mm lens shows on Micro Four Thirds."""
    assert NamedLens.parse("f/2 mft").focal_mm_for(50.0) == pytest.approx(25, rel=0.01)
    assert NamedLens.parse("85mm f/2 mft").focal_mm_for(50.0) == 85
