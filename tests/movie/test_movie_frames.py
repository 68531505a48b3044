"""A shot drawn frame by frame from sheets of known depth."""

from dataclasses import replace

import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.geometry.moves import Key, Move
from depthfx.geometry.new_view import Views
from depthfx.geometry.pose import Pose
from depthfx.geometry.presets import PRESETS, move_named
from depthfx.geometry.sheets import Sheet, Sheets
from depthfx.geometry.stage import Stage
from depthfx.movie.frames import frames, steady_zoom, through_lens
from depthfx.photo.colour import linear_to_srgb, srgb_to_linear

WIDTH, HEIGHT = 72, 48
CAMERA = Camera(WIDTH, HEIGHT, 60.0)
STAGE = Stage(CAMERA, 0.5, 0.1, 0.25, 0.03)


def frame(views, key, camera, **options):
    return through_lens(views.at(key.pose, camera), key, camera, **options)


def picture(margin):
    """Smooth colours, linear light, going on beyond the frame."""
    row, column = np.mgrid[-margin : HEIGHT + margin, -margin : WIDTH + margin]
    waves = np.stack([np.sin(column / 9), np.cos(row / 7), np.sin((row + column) / 11)], axis=-1)
    return srgb_to_linear((128 + 90 * waves) / 255).astype(np.float32)


def sheets(margin=0):
    """A wall at 10, a square before it at 2."""
    pixels = picture(margin)
    shape = pixels.shape[:2]
    square = np.zeros(shape, np.float32)
    square[margin + 16 : margin + 32, margin + 28 : margin + 44] = 1
    near, far = np.full(shape, 0.5, np.float32), np.full(shape, 0.1, np.float32)
    return Sheets(
        (Sheet(pixels, square, near), Sheet(pixels[:, ::-1].copy() * 0.5, square * 0 + 1, far)),
        CAMERA,
        margin,
    )


def codes_at_rest():
    """Codes of `sheets` laid over each other."""
    front, back = sheets().sheets
    over = np.where(front.alpha[..., None] > 0, front.pixels, back.pixels)
    return np.round(linear_to_srgb(over) * 255)


def test_a_camera_at_rest_gives_the_photo_in_every_frame():
    shot = list(frames(Views.of(sheets()), move_named("still", STAGE), CAMERA, 3))
    assert len(shot) == 3
    for drawn in shot:
        assert drawn.dtype == np.uint8
        np.testing.assert_allclose(drawn.astype(float), codes_at_rest(), atol=1)


def test_frames_are_those_of_the_moves_keys_in_their_order():
    views, move = Views.of(sheets(8)), move_named("sway", STAGE)
    zoom = steady_zoom(views.sheets, move, CAMERA)
    for drawn, key in zip(frames(views, move, CAMERA, 6), move.sampled(6), strict=True):
        zoomed = replace(key, pose=replace(key.pose, zoom=key.pose.zoom * zoom))
        np.testing.assert_array_equal(drawn, frame(views, zoomed, CAMERA))


@pytest.mark.parametrize("name", ["sway", "circle", "push-in", "dolly-zoom"])
def test_a_loop_has_no_visible_seam(name):
    """From the last frame to the first it changes no more than between frames elsewhere."""
    move = move_named(name, STAGE, loop=True)
    shot = np.array(list(frames(Views.of(sheets(8)), move, CAMERA, 24)), float)
    changes = np.abs(np.roll(shot, -1, axis=0) - shot).mean(axis=(1, 2, 3))
    assert changes[:-1].max() > 0.1
    assert changes[-1] <= 1.05 * changes[:-1].max()


def test_the_square_moves_against_the_wall_as_projection_says():
    """Its centre, by the share of light that the wall does not have."""
    made = sheets(8)
    front = replace(made.sheets[0], pixels=np.ones_like(made.sheets[0].pixels))
    back = replace(made.sheets[1], pixels=np.zeros_like(made.sheets[1].pixels))
    views = Views.of(replace(made, sheets=(front, back)))
    right = Pose((0.12, -0.05, 0))
    light = srgb_to_linear(frame(views, Key(0, right), CAMERA)[..., 1] / 255)
    row, column = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    # 60 px * 0.12 / 2 to the left, 60 px * 0.05 / 2 down.
    assert (light * column).sum() / light.sum() == pytest.approx(36 - 3.6, abs=0.1)
    assert (light * row).sum() / light.sum() == pytest.approx(24 + 1.5, abs=0.1)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("margin", [0, 6])
def test_a_shot_is_zoomed_until_nothing_beyond_the_sheets_shows(name, margin):
    """And no farther; seen by the border's own depth, here the wall's."""
    move, made = move_named(name, STAGE), sheets(margin)
    zoom = steady_zoom(made, move, CAMERA)
    assert zoom >= 1

    def beyond(zoom):
        """How far the frame's corners lie beyond the sheets at the wall, px."""
        most = -np.inf
        for key in move.sampled(65):
            pose = replace(key.pose, zoom=key.pose.zoom * zoom)
            plane = pose.matrix(CAMERA) @ np.array(
                [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0.1]], float
            )
            corners = np.array([[0, 0, WIDTH, WIDTH], [0, HEIGHT, 0, HEIGHT], [1, 1, 1, 1]], float)
            u, v, share = np.linalg.solve(plane, corners)
            u, v = u / share, v / share
            most = max(most, -min(u.min(), v.min()), u.max() - WIDTH, v.max() - HEIGHT)
        return most - margin

    assert beyond(zoom) <= 0.55
    assert zoom == 1 or beyond(zoom - 0.005) > 0.5


def test_a_camera_at_rest_is_not_zoomed():
    assert steady_zoom(sheets(), move_named("still", STAGE), CAMERA) == 1


def test_a_lens_blurs_what_is_out_of_focus_and_nothing_else():
    views = Views.of(sheets())
    sharp = frame(views, Key(0, Pose()), CAMERA).astype(float)
    key = Key(0, Pose(), 0.1, 8 / (60 * 0.4))  # the square's blur is 8 px wide
    blurred = frame(views, key, CAMERA, threads=1).astype(float)
    away = np.ones((HEIGHT, WIDTH), bool)
    away[8:40, 20:52] = False
    np.testing.assert_allclose(blurred[away], sharp[away], atol=1)
    assert np.abs(blurred - sharp)[14:34, 26:46].mean() > 4
    on_square = frame(views, replace(key, focus_inverse=0.5), CAMERA, threads=1).astype(float)
    np.testing.assert_allclose(on_square[20:28, 32:40], sharp[20:28, 32:40], atol=1)


def test_a_shot_that_is_left_early_ends():
    """Nothing goes on drawing when nobody asks any more."""
    drawing = frames(Views.of(sheets()), move_named("sway", STAGE), CAMERA, 1000)
    next(drawing)
    drawing.close()
    with pytest.raises(StopIteration):
        next(drawing)


def test_a_fault_in_a_frame_is_told():
    class Broken:
        sheets = sheets()

        def at(self, pose, camera):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        next(frames(Broken(), move_named("sway", STAGE), CAMERA, 4))


def test_the_focus_follows_what_is_in_focus():
    """A camera that comes nearer keeps the subject sharp."""
    made = sheets(8)
    far_only = replace(made, sheets=made.sheets[1:])
    keys = (Key(0, Pose(), 0.1, 8.0), Key(1, Pose((0, 0, 2.0)), 0.1, 8.0))
    move = Move("in", keys)
    focused = list(frames(Views.of(far_only), move, CAMERA, 3))
    sharp = replace(move, keys=tuple(replace(k, focus_inverse=None) for k in keys))
    for one, other in zip(focused, frames(Views.of(far_only), sharp, CAMERA, 3), strict=True):
        np.testing.assert_allclose(one.astype(float), other.astype(float), atol=1)
