"""Where the focus falls."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx import Scene
from depthfx.depth import Depth
from depthfx.optics.focus import (
    around,
    distance_words,
    find_focus,
    in_the_middle,
    middle_of,
    on_subject,
)
from depthfx.photo.regions import Region, told_region

f32 = np.float32
shares = st.floats(0, 1)


def slope(height=80, width=120):
    """A floor: inverse depth rises from 0.2 at the top to 1 at the bottom."""
    return np.repeat(np.linspace(0.2, 1, height, dtype=f32)[:, None], width, 1)


def scene_of(inverse, matte=None, metric=True, regions=""):
    pixels = np.full((*inverse.shape, 3), 0.5, f32)
    matte = np.zeros_like(inverse) if matte is None else matte
    scene = Scene.from_arrays(pixels, inverse=inverse, matte=matte, metric=metric, focal_px=100.0)
    photo = replace(scene.photo, metadata=replace(scene.photo.metadata, xmp=regions.encode()))
    return replace(scene, photo=photo)


def face(x, y, size=0.1):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:r="http://www.metadataworkinggroup.com/schemas/regions/"'
        ' xmlns:a="http://ns.adobe.com/xmp/sType/Area#"><r:Regions><r:RegionList><rdf:Bag>'
        f'<rdf:li><rdf:Description r:Type="Face"><r:Area a:x="{x}" a:y="{y}" a:w="{size}"'
        f' a:h="{size}" a:unit="normalized"/></rdf:Description></rdf:li>'
        "</rdf:Bag></r:RegionList></r:Regions></rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def test_a_click_is_not_thrown_by_one_odd_pixel():
    inverse = np.full((200, 300), 0.5, f32)
    inverse[100, 150] = 9
    assert find_focus(scene_of(inverse), None, (0.5, 0.5)).inverse == pytest.approx(0.5)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_corners_are_places_too(x, y):
    focus = find_focus(scene_of(slope()), None, (x, y))
    assert focus.inverse == pytest.approx(1.0 if y else 0.2, abs=0.05)


@given(st.integers(1, 50), st.integers(1, 50), shares, shares)
def test_around_a_place_there_is_always_something(height, width, x, y):
    there = around((height, width), x, y)
    assert there[min(int(y * height), height - 1), min(int(x * width), width - 1)]


def test_a_standing_figure_is_focused_at_the_head_not_at_the_feet():
    inverse = slope(100, 60)
    matte = np.zeros((100, 60), f32)
    matte[10:90, 20:40] = 1
    focus = find_focus(scene_of(inverse, matte), None, None)
    assert focus.inverse == pytest.approx(inverse[30, 0], abs=0.02)
    assert focus.words.startswith("focus on the subject, ")
    assert focus.place == pytest.approx((0.5, 0.3), abs=0.02)


def test_a_few_stray_pixels_are_no_subject():
    matte = np.zeros((100, 100), f32)
    matte[3, 3] = 1
    assert on_subject(matte) is None


def test_without_a_subject_the_nearer_things_in_the_middle_count():
    inverse = np.full((80, 120), 0.1, f32)
    inverse[30:50, 30:90] = 0.5
    focus = find_focus(scene_of(inverse), None, None)
    assert focus.inverse == pytest.approx(0.5)
    assert "no subject found" in focus.words
    assert not focus.seen[:20].any()


@given(st.floats(0, 5, width=32), st.integers(1, 30), st.integers(1, 30))
def test_the_middle_is_somewhere_in_any_picture(value, height, width):
    assert in_the_middle(np.full((height, width), value, f32)).any()


def test_a_face_in_the_metadata_comes_before_the_matte():
    matte = np.zeros((80, 120), f32)
    matte[:20] = 1
    focus = find_focus(scene_of(slope(), matte, regions=face(0.3, 0.75)), None, None)
    assert focus.inverse == pytest.approx(0.8, abs=0.02)
    assert focus.words.startswith("focus on the face in the metadata, 1.2")
    assert focus.place == pytest.approx((0.3, 0.75), abs=0.02)


def test_the_place_asked_for_comes_before_a_face_and_the_distance_before_both():
    scene = scene_of(slope(), regions=face(0.3, 0.75))
    assert told_region(scene.photo) == Region("face", 0.3, 0.75, 0.1, 0.1)
    assert find_focus(scene, None, (0.5, 0.25)).inverse == pytest.approx(0.4, abs=0.02)
    focus = find_focus(scene, 4.0, (0.5, 0.25))
    assert (focus.inverse, focus.place, focus.words) == (0.25, None, "focus at 4 m")
    assert focus.seen.any()
    assert np.abs(slope()[focus.seen] - 0.25).max() < 0.03


@given(st.floats(0.015625, 1, width=32), st.floats(0.1, 100))
def test_relative_depth_is_scaled_by_the_distance_told(inverse, metres):
    """Unless that would bring the nearest thing, at 1, into the lens."""
    plane = np.full((20, 30), inverse, f32)
    plane[:, 15:] = 1
    focus = find_focus(scene_of(plane, metric=False), metres, (0.2, 0.5))
    nearest = min(0.25, metres / 2)
    if metres * inverse >= nearest:
        assert focus.metres == pytest.approx(metres, rel=1e-4)
    assert 1 / focus.scale_m >= nearest * (1 - 1e-4)
    assert "as told" in focus.words


def test_relative_depth_focused_on_the_sky_has_a_scale_too():
    plane = slope()
    plane[:40] = 0
    focus = find_focus(scene_of(plane, metric=False), None, (0.5, 0.1))
    assert focus.inverse == 0
    assert np.isinf(focus.metres)
    assert 0 < focus.scale_m < 10
    assert "infinity (assumed; --focus-m sets the scale" in focus.words


def test_the_sky_of_metric_depth_is_at_infinity():
    focus = find_focus(scene_of(np.zeros((20, 30), f32)), None, (0.5, 0.5))
    assert focus.inverse == 0
    assert focus.words == "focus on the chosen point, infinity"


def test_of_two_surfaces_in_a_pixel_the_larger_part_is_focused_on():
    inverse, behind = np.full((20, 30), 1, f32), np.full((20, 30), 0.25, f32)
    scene = scene_of(inverse)
    depth = Depth(inverse, True, "made", behind, np.full((20, 30), 0.3, f32))
    scene = Scene.of(scene.photo, depth=depth, matte=np.zeros((20, 30), f32))
    assert find_focus(scene, None, (0.5, 0.5)).inverse == pytest.approx(0.25)


def test_the_middle_of_a_ring_lies_on_the_ring():
    y, x = np.mgrid[-20:21, -20:21]
    ring = np.abs(np.hypot(x, y) - 15) < 1.5
    across, down = middle_of(ring)
    assert ring[int(down * 41), int(across * 41)]


@pytest.mark.parametrize(
    ("metres", "words"),
    [(0.6114, "0.611 m"), (27.45, "27.4 m"), (12345, "12345 m"), (2e5, "infinity")],
)
def test_distances_are_written_without_exponents(metres, words):
    assert distance_words(metres) == words
