"""Up, in rooms and streets whose camera is tilted by known angles, and as files tell it."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.camera import Camera
from depthfx.geometry.gravity import up_of
from depthfx.geometry.gravity_told import acceleration, told_up
from depthfx.geometry.up import Up, direction, to_world
from depthfx.photo.exif import Entry, Exif, Tag, parse, to_bytes
from depthfx.photo.photo import Metadata, Photo

CAMERA = Camera(240, 180, 190.0)
ROOM = [
    ((0, 1, 0), -1.5),
    ((0, -1, 0), -1.2),
    ((0, 0, 1), -4.0),
    ((0, 0, -1), -3.0),
    ((1, 0, 0), -2.0),
    ((-1, 0, 0), -2.5),
]
"""Walls n . p = d around the camera, world axes, y up."""


def seen(planes, roll, pitch, yaw_deg):
    """Inverse depth and normals of the nearest of planes, and the true up, camera axes."""
    up = direction(roll, pitch)
    turn = np.radians(yaw_deg)
    yaw = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    world = np.array(yaw) @ to_world(Up(tuple(up), 1.0, "true"))
    x = (np.arange(240) + 0.5 - 120) / 190
    y = (np.arange(180) + 0.5 - 90) / 190
    rays = np.stack([*np.meshgrid(x, y), np.ones((180, 240))], -1) @ world.T
    inverse, normals = np.zeros((180, 240)), np.zeros((180, 240, 3))
    normals[..., 2] = -1
    for normal, distance in planes:
        near = rays @ np.array(normal, float) / distance
        inverse_here = np.where(near > inverse, near, inverse)
        normals[near > inverse] = np.array(normal) @ world
        inverse = inverse_here
    return inverse.astype(np.float32), normals.astype(np.float32), up


def off_deg(up, true):
    return float(np.degrees(np.arccos(np.clip(np.dot(up.vector, true), -1, 1))))


@pytest.mark.parametrize("yaw", [-40, -15, 10, 30])
@pytest.mark.parametrize(("roll", "pitch"), [(0, 0), (4, -12), (-6, -25), (3, 10), (-9, -18)])
def test_a_rooms_up_is_found_within_three_degrees(roll, pitch, yaw):
    inverse, normals, true = seen(ROOM, roll, pitch, yaw)
    up = up_of(inverse, normals, CAMERA)
    assert off_deg(up, true) < 3
    assert up.confidence > 0.4


@pytest.mark.parametrize(("roll", "pitch"), [(0, 0), (5, -8), (-7, 3), (2, -20)])
def test_a_streets_up_is_found_within_three_degrees(roll, pitch):
    street = [((0, 1, 0), -1.6), ((1, 0, 0), -4.0), ((-1, 0, 0), -5.0)]
    inverse, normals, true = seen(street, roll, pitch, 12)
    assert off_deg(up_of(inverse, normals, CAMERA), true) < 3


@pytest.mark.parametrize("yaw", [-30, 0, 30])
@pytest.mark.parametrize("pitch", [-20, -8, 0, 8, 20])
def test_a_lone_wall_is_never_worse_than_the_cameras_own_up(pitch, yaw):
    inverse, normals, true = seen([((0, 0, 1), -3.0)], 2.0, pitch, yaw)
    own = off_deg(Up((0.0, -1.0, 0.0), 0.0, "camera"), true)
    assert off_deg(up_of(inverse, normals, CAMERA), true) <= own + 1


def test_what_tells_nothing_keeps_the_cameras_up():
    rng = np.random.default_rng(0)
    normals = rng.standard_normal((180, 240, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    nothing = np.zeros((180, 240), np.float32)
    photo = Photo(np.zeros((180, 240, 3), np.float32), CAMERA)
    for up in (up_of(nothing, normals, CAMERA), up_of(nothing + 1, normals, CAMERA, photo)):
        assert up.vector == pytest.approx((0, -1, 0))
        assert up.confidence < 0.5


def test_upright_lines_tell_the_roll():
    """Stripes of a turned camera, on a wall that could be tilted either way."""
    pixels = np.full((360, 480, 3), 0.2, np.float32)
    y, x = np.mgrid[:360, :480]
    along = x * np.cos(np.radians(6)) - y * np.sin(np.radians(6))
    pixels[(along // 30) % 2 == 0] = 0.7
    camera = Camera(480, 360, 4000.0)  # so long a lens that upright lines stay parallel
    normals = np.zeros((360, 480, 3), np.float32)
    normals[..., 2] = -1
    up = up_of(np.ones((360, 480), np.float32), normals, camera, Photo(pixels, camera))
    assert up.roll_deg == pytest.approx(6, abs=0.6)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_the_world_stands_on_the_ground(roll, pitch):
    up = direction(roll, pitch)
    matrix = to_world(Up(tuple(up), 1.0, ""))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_allclose(matrix @ up, [0, 1, 0], atol=1e-9)
    ahead = matrix @ [0, 0, 1]
    assert ahead[2] <= 1e-9
    assert ahead[0] == pytest.approx(0, abs=1e-9)


def test_an_upright_cameras_world_has_opengls_axes():
    matrix = to_world(Up((0.0, -1.0, 0.0), 1.0, ""))
    np.testing.assert_allclose(matrix, np.diag([1, -1, -1]), atol=1e-12)


@given(st.floats(-89, 89), st.floats(-89, 89))
def test_roll_and_pitch_are_read_back(roll, pitch):
    up = Up.of_angles(roll, pitch, 1.0, "")
    assert up.roll_deg == pytest.approx(roll, abs=1e-6)
    assert up.pitch_deg == pytest.approx(pitch, abs=1e-6)


def phone_photo(felt, orientation=1, lens=b"iPhone back camera\0"):
    """A photo with the MakerNote of an iPhone that felt so much along its axes."""
    head = b"Apple iOS\0\0\1MM" + struct.pack(">H", 1)
    values = b"".join(struct.pack(">ii", round(value * 10000), 10000) for value in felt)
    note = head + struct.pack(">HHII", 8, 10, 3, len(head) + 12) + values
    tags = {Tag.MAKER_NOTE: Entry(7, len(note), note, 100), 0xA434: Entry(2, len(lens), lens)}
    block = to_bytes(Exif(photo=tags))
    metadata = Metadata(exif=block, orientation=orientation)
    return Photo(np.zeros((30, 40, 3), np.float32), Camera(40, 30, 30.0), metadata=metadata)


@pytest.mark.parametrize(
    ("felt", "orientation", "expected"),
    [
        ((0, -1, 0), 6, (0, -1, 0)),  # upright in the hand
        ((0, -1, 0), 1, (0, -1, 0)),  # the same, turned by a program that forgot nothing else
        ((-1, 0, 0), 1, (0, -1, 0)),  # on its side, as a landscape
        ((1, 0, 0), 3, (0, -1, 0)),
        ((0, 1, 0), 8, (0, -1, 0)),
        ((0, -0.8, -0.6), 6, (0, -0.8, -0.6)),  # screen turned up: it looks down
        ((-0.8, 0, 0.6), 1, (0, -0.8, 0.6)),
        ((0, 0, -1), 6, (0, 0, -1)),
        ((0.1, -0.995, 0), 6, (-0.1, -0.995, 0)),
    ],
)
def test_an_iphone_says_where_up_is(felt, orientation, expected):
    up = told_up(phone_photo(felt, orientation))
    assert up is not None
    assert up.vector == pytest.approx(expected, abs=2e-3)
    assert up.confidence > 0.9


@pytest.mark.parametrize("felt", [(0, -1.6, 0), (0, 0, 0)])
def test_a_phone_that_was_shaken_says_nothing(felt):
    assert told_up(phone_photo(felt)) is None


def test_selfies_and_broken_notes_say_nothing():
    assert told_up(phone_photo((0, -1, 0), lens=b"iPhone front camera\0")) is None
    photo = phone_photo((0, -1, 0))
    exif = parse(photo.metadata.exif)
    note = exif.photo[Tag.MAKER_NOTE]
    for length in range(len(note.data)):
        cut = {Tag.MAKER_NOTE: note._replace(data=note.data[:length])}
        assert acceleration(replace(exif, photo=cut)) is None


@pytest.mark.parametrize(
    ("pitch", "roll", "expected"),
    [("-90.0", "0.0", (0, 0, -1)), ("+0.00", "0", (0, -1, 0)), ("-30", "0", (0, -0.866, -0.5))],
)
def test_a_drone_says_how_its_gimbal_stood(pitch, roll, expected):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" drone-dji:GimbalPitchDegree="{pitch}"'
        f' drone-dji:GimbalRollDegree="{roll}"/></rdf:RDF></x:xmpmeta>'
    ).encode()
    photo = Photo(np.zeros((3, 4, 3), np.float32), Camera(4, 3, 3.0), metadata=Metadata(xmp=packet))
    up = told_up(photo)
    assert up is not None
    assert up.vector == pytest.approx(expected, abs=1e-3)


def test_exif_has_a_cameras_elevation():
    tags = {0x9405: Entry(10, 1, struct.pack("<ii", -300, 10))}
    photo = Photo(
        np.zeros((3, 4, 3), np.float32),
        Camera(4, 3, 3.0),
        metadata=Metadata(exif=to_bytes(Exif(photo=tags))),
    )
    up = told_up(photo)
    assert up is not None
    assert up.pitch_deg == pytest.approx(-30)
    assert up_of(np.ones((3, 4), np.float32), np.zeros((3, 4, 3), np.float32), photo.camera, photo)
