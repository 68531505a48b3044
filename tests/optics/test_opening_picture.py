import cv2
import numpy as np
import pytest

from depthfx.errors import ParameterError, PhotoError, ShapeError
from depthfx.optics.aperture import Aperture
from depthfx.optics.opening_picture import SIDE_PX, opening_picture, read_opening


def half_open(type_):
    picture = np.zeros((40, 40), type_)
    picture[:, :20] = np.iinfo(type_).max
    return picture


@pytest.mark.parametrize("type_", [np.uint8, np.uint16])
def test_a_grey_file_opens_where_it_is_white(tmp_path, type_):
    path = tmp_path / "half.png"
    cv2.imwrite(str(path), half_open(type_))
    opening = read_opening(path)
    np.testing.assert_array_equal(opening.light[:, :128], 1)
    np.testing.assert_array_equal(opening.light[:, 128:], 0)
    assert opening.radius == pytest.approx(np.sqrt(2))


def test_what_is_transparent_is_closed(tmp_path):
    path = tmp_path / "half.png"
    picture = np.full((40, 40, 4), 65535, np.uint16)
    picture[..., 3] = half_open(np.uint16)
    cv2.imwrite(str(path), picture)
    opening = read_opening(path)
    assert opening.light.ndim == 2
    np.testing.assert_array_equal(opening.light[:, 128:], 0)


def test_a_file_s_signal_is_decoded_to_light(tmp_path):
    path = tmp_path / "grey.png"
    picture = half_open(np.uint8)
    picture[:, 20:] = 188  # half the light in sRGB
    cv2.imwrite(str(path), picture)
    assert read_opening(path).light[5, 200] == pytest.approx(0.5, abs=0.01)


def test_a_coloured_file_keeps_its_colours(tmp_path):
    path = tmp_path / "colour.png"
    picture = np.full((30, 30, 3), 255, np.uint8)
    picture[:, 15:, 0] = 0  # no blue on the right
    cv2.imwrite(str(path), picture)
    kernel = Aperture(image=read_opening(path)).kernel(8)
    right = kernel[:, kernel.shape[1] // 2 + 1 :].sum(axis=(0, 1))
    assert right[2] < 0.05
    assert right[0] == pytest.approx(right[1])
    assert right[0] > 0.4


def test_a_wide_picture_lies_in_the_middle_of_its_square():
    light = opening_picture(np.ones((10, 20), np.float32)).light
    assert light.shape == (SIDE_PX, SIDE_PX)
    np.testing.assert_array_equal(np.nonzero(light.sum(axis=1))[0], np.arange(64, 192))


def test_a_photographed_disc_is_as_wide_as_the_ideal_one():
    y, x = np.mgrid[-0.998:0.998:500j, -0.998:0.998:500j]
    drawn = opening_picture((np.hypot(x, y) < 1).astype(np.float32))
    assert drawn.radius == pytest.approx(1, abs=0.02)
    assert Aperture(image=drawn).moment == pytest.approx(0.5, abs=0.005)


def test_brightness_alone_changes_nothing():
    light = np.float32([[0, 1], [2, 3]])
    np.testing.assert_allclose(
        opening_picture(light * 1e37).light, opening_picture(light).light, rtol=1e-6
    )


def test_a_black_or_broken_file_is_named(tmp_path):
    black, broken = tmp_path / "black.png", tmp_path / "broken.png"
    cv2.imwrite(str(black), np.zeros((8, 8), np.uint8))
    broken.write_bytes(b"no picture")
    for path, why in (
        (black, "is black"),
        (broken, "is not a photo"),
        (tmp_path / "none", "no such"),
    ):
        with pytest.raises(PhotoError, match=why) as raised:
            read_opening(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (0, 4), (2, 4, 4, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ShapeError, match="must be"):
        opening_picture(np.ones(shape, np.float32))


def test_what_is_no_light_is_refused():
    with pytest.raises(ParameterError, match="black"):
        opening_picture(-np.ones((3, 3), np.float32))
    with pytest.raises(ParameterError, match="finite"):
        opening_picture(np.full((3, 3), np.nan, np.float32))


def test_the_caller_s_array_stays_as_it_was():
    light = np.float32([[-1, 2], [3, 0.5]])
    light.setflags(write=False)
    opening_picture(light)
