"""EXIF's subject: how far, and where in the upright picture."""

import numpy as np
import piexif
import pytest
from files import marks, write

from depthfx.camera import Camera
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo
from depthfx.photo.subject import subject_of

WIDTH, HEIGHT = 40, 30


def photo(folder, orientation=1, **exif):
    tags = {
        "distance": piexif.ExifIFD.SubjectDistance,
        "area": piexif.ExifIFD.SubjectArea,
    }
    block = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Orientation: orientation},
            "Exif": {tags[name]: value for name, value in exif.items()},
        }
    )
    return read_photo(write(folder / "a.jpg", marks(np.uint8, HEIGHT, WIDTH), exif=block))


def test_distance_in_metres_at_the_centre_if_nothing_else_is_said(tmp_path):
    found = subject_of(photo(tmp_path, distance=(25, 10)))
    assert found is not None
    assert (found.metres, found.x, found.y) == (2.5, 0.5, 0.5)


@pytest.mark.parametrize(
    "distance", [None, (0, 10), (0xFFFFFFFF, 1), (0xFFFFFFFF, 0xFFFFFFFF), (5, 0), (10**9, 1)]
)
def test_unknown_infinite_and_absurd_distances_are_none(tmp_path, distance):
    exif = {} if distance is None else {"distance": distance}
    assert subject_of(photo(tmp_path, **exif)) is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("area", [(10, 6), (10, 6, 8), (10, 6, 8, 4)])
def test_the_place_turns_with_the_picture(tmp_path, orientation, area):
    """Red stands in the picture where the subject is said to be, before it is turned."""
    codes = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    codes[5:8, 9:12] = 255, 0, 0
    block = piexif.dump(
        {
            "0th": {piexif.ImageIFD.Orientation: orientation},
            "Exif": {
                piexif.ExifIFD.SubjectDistance: (2, 1),
                piexif.ExifIFD.SubjectArea: area,
            },
        }
    )
    upright = read_photo(write(tmp_path / "a.jpg", codes, exif=block))
    found = subject_of(upright)
    assert found is not None
    height, width = upright.shape
    red = upright.pixels[int(found.y * height), int(found.x * width)]
    assert red[0] > 0.5
    assert red[1] < 0.2


def test_an_area_outside_the_picture_is_not_believed(tmp_path):
    found = subject_of(photo(tmp_path, distance=(2, 1), area=(4000, 3000)))
    assert found is not None
    assert (found.x, found.y) == (0.5, 0.5)


def with_xmp(properties):
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<r:Description r:about="" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"'
        f' xmlns:exif="http://ns.adobe.com/exif/1.0/" {properties}/></r:RDF></x:xmpmeta>'
    )
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    return Photo(pixels, Camera.guess(WIDTH, HEIGHT), metadata=Metadata(xmp=xmp.encode()))


@pytest.mark.parametrize(
    ("properties", "metres"),
    [
        ('aux:ApproximateFocusDistance="221/100"', 2.21),
        ('exif:SubjectDistance="3" aux:ApproximateFocusDistance="221/100"', 3.0),
        ('aux:ApproximateFocusDistance="4294967295/1"', None),
        ('aux:ApproximateFocusDistance="1/0"', None),
        ('aux:ApproximateFocusDistance="-2"', None),
        ("", None),
    ],
)
def test_the_distance_that_lightroom_knows(properties, metres):
    found = subject_of(with_xmp(properties))
    assert (found and found.metres) == metres
