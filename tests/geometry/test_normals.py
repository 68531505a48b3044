"""Normals of surfaces whose normals are known; nothing tilted at outlines, nothing turned away."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from depthfx.camera import Camera
from depthfx.errors import ShapeError
from depthfx.evaluation import truth
from depthfx.evaluation.score import load_scorer
from depthfx.geometry.normals import ROUNDING, STEEPEST, UNSURE, normals_of, slopes_of

HEIGHT, WIDTH = 36, 48
tilts = st.floats(-75, 75)
cameras = st.builds(
    lambda focal, cx, cy: Camera(WIDTH, HEIGHT, focal, cx=cx, cy=cy),
    st.floats(25, 400),
    st.floats(5, 43),
    st.floats(5, 31),
)


def rays(camera: Camera) -> np.ndarray:
    """(H, W, 3), z = 1."""
    y, x = np.indices((camera.height, camera.width)) + 0.5
    x, y = (x - camera.cx) / camera.focal_px, (y - camera.cy) / camera.focal_px
    return np.dstack([x, y, np.ones_like(x)])


def facing(across_deg: float, down_deg: float) -> np.ndarray:
    """The unit normal of a plane turned so from facing the camera."""
    a, b = np.radians([across_deg, down_deg])
    normal = np.array([np.tan(a), np.tan(b), -1.0])
    return normal / np.linalg.norm(normal)


def plane(camera: Camera, normal: np.ndarray, distance: float = 3.0) -> np.ndarray:
    """Inverse depth of the plane through (0, 0, distance); not above 0: it is not seen."""
    return rays(camera) @ normal / (normal[2] * distance)


def error_deg(normals: np.ndarray, true: np.ndarray) -> np.ndarray:
    # By the chord: the arc cosine of float32 knows no small angles.
    chord = np.linalg.norm(normals.astype(np.float64) - true, axis=-1)
    return np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1)))


@given(cameras, tilts, tilts)
@settings(max_examples=40)
def test_planes_are_exact_to_the_frame(camera, across, down):
    normal = facing(across, down)
    inverse = plane(camera, normal)
    assume(inverse.min() > 0.02)
    assert error_deg(normals_of(inverse.astype(np.float32), camera), normal).max() < 0.1


@given(cameras, tilts, tilts, tilts, tilts, st.floats(1.05, 5), st.booleans())
@settings(max_examples=40)
def test_both_sides_of_a_step_keep_their_planes(camera, a, b, c, d, nearer, upright):
    """No tilted rim: each pixel beside the outline is as exact as any other."""
    far, near = plane(camera, facing(a, b), 3 * nearer), plane(camera, facing(c, d))
    side = np.indices(far.shape)[1 if upright else 0] > 17
    inverse = np.where(side, near, far)
    across = inverse[:, 17:19] if upright else inverse[17:19].T
    assume(inverse.min() > 0.02)
    assume((np.abs(across[:, 1] / across[:, 0] - 1) > 0.04).all())
    true = np.where(side[..., None], facing(c, d), facing(a, b))
    assert error_deg(normals_of(inverse.astype(np.float32), camera), true).max() < 1


@pytest.mark.parametrize("angle_deg", [0, 20, 45, 70, 110, 160])
def test_slanted_outlines_keep_both_planes(angle_deg):
    camera = Camera(WIDTH, HEIGHT, 60.0)
    far, near = plane(camera, facing(-30, 20), 6.0), plane(camera, facing(40, 10), 2.0)
    ray = rays(camera)
    turn = np.radians(angle_deg)
    side = ray[..., 0] * np.cos(turn) + ray[..., 1] * np.sin(turn) > 0.013
    normals = normals_of(np.where(side, near, far).astype(np.float32), camera)
    true = np.where(side[..., None], facing(40, 10), facing(-30, 20))
    assert error_deg(normals, true).max() < 1


def ball(camera: Camera, radius: float = 1.0, behind: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """Inverse depth and normals of a ball 4 m away before a wall."""
    ray, middle = rays(camera), np.array([0.2, -0.1, 4.0])
    a, b = (ray * ray).sum(-1), ray @ middle
    root = b * b - a * (middle @ middle - radius * radius)
    z = np.where(root > 0, (b - np.sqrt(np.maximum(root, 0))) / a, behind)
    true = (ray * z[..., None] - middle) / radius
    return 1 / z, np.where((root > 0)[..., None], true, [0, 0, -1.0])


def test_a_ball_is_round_and_its_wall_flat():
    camera = Camera(240, 200, 220.0)
    inverse, true = ball(camera)
    error = error_deg(normals_of(inverse.astype(np.float32), camera), true)
    rim = cv2.dilate((inverse > 0.13).astype(np.uint8), np.ones((3, 3))) - cv2.erode(
        (inverse > 0.13).astype(np.uint8), np.ones((9, 9))
    )
    assert error[rim == 0].max() < 1
    assert error.mean() < 0.15


def test_a_pipe_is_round():
    camera = Camera(200, 120, 200.0)
    ray = rays(camera)
    a, b = ray[..., 0] ** 2 + 1, 3.0
    root = b * b - a * (9 - 0.64)
    assume = root > 0.05
    z = (b - np.sqrt(np.maximum(root, 0))) / a
    inverse = np.where(assume, 1 / z, 0.1).astype(np.float32)
    true = np.dstack([ray[..., 0] * z, np.zeros_like(z), z - 3]) / 0.8
    inside = cv2.erode(assume.astype(np.uint8), np.ones((5, 5))) > 0
    assert error_deg(normals_of(inverse, camera), true)[inside].max() < 0.5


def test_a_wire_one_pixel_wide_faces_the_camera_across():
    camera = Camera(41, 30, 40.0)
    inverse = np.full((30, 41), 0.2, np.float32)
    inverse[:, 20] = 1.0
    np.testing.assert_allclose(normals_of(inverse, camera)[:, 20], [[0, 0, -1]] * 30, atol=1e-3)


@given(
    arrays(np.float32, (7, 9), elements=st.floats(0, 1e4, width=32)),
    st.floats(0.5, 1e5),
    st.floats(-100, 100),
)
def test_whatever_the_depth_normals_are_unit_and_face_the_camera(inverse, focal_px, cx):
    camera = Camera(9, 7, focal_px, cx=cx)
    normals = normals_of(inverse, camera)
    assert normals.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)
    assert ((normals * rays(camera)).sum(-1) < 0).all()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(20, 4000))
@settings(max_examples=20)
def test_noise_turns_no_normal_away(seed, noise, focal_px):
    rng = np.random.default_rng(seed)
    inverse = (rng.random((40, 50)) ** 6 + noise * rng.random((40, 50))).astype(np.float32)
    camera = Camera(50, 40, focal_px, cx=3.0, cy=39.0)
    normals = normals_of(inverse, camera)
    assert np.isfinite(normals).all()
    assert ((normals * rays(camera)).sum(-1) < 0).all()


def test_sky_faces_the_viewer():
    inverse = np.zeros((20, 30), np.float32)
    np.testing.assert_array_equal(normals_of(inverse, Camera(30, 20, 20.0))[..., 2], -1)
    inverse[10:] = 0.5
    normals = normals_of(inverse, Camera(30, 20, 20.0))
    np.testing.assert_allclose(normals, np.broadcast_to([0, 0, -1], normals.shape), atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (2, 2), (3, 3)])
def test_tiny_pictures_have_normals(shape):
    camera = Camera(shape[1], shape[0], 5.0)
    normals = normals_of(np.full(shape, 0.5, np.float32), camera)
    np.testing.assert_allclose(normals, np.broadcast_to([0, 0, -1], normals.shape), atol=1e-5)


def test_depth_of_another_size_is_refused():
    with pytest.raises(ShapeError, match="inverse depth is"):
        normals_of(np.ones((4, 5), np.float32), Camera(4, 5, 10.0))


def plain_slopes(inverse: np.ndarray, focal_px: float) -> np.ndarray:
    """The kernel's slopes again: plain numpy, the normal equations as they stand."""
    far = np.float32(1e6) * inverse.max()
    share = np.pad(inverse, 2, constant_values=far).astype(np.float64)
    height, width = inverse.shape
    moved = {
        (i, j): np.minimum(share[2 + j : 2 + j + height, 2 + i : 2 + i + width] / inverse, STEEPEST)
        for i in range(-2, 3)
        for j in range(-2, 3)
    }
    prior = (focal_px / UNSURE) ** 2
    matrix = np.zeros((height, width, 2, 2))
    vector = np.zeros((height, width, 2))
    for step, worth in (((1, 0), 1), ((0, 1), 1), ((1, 1), 0.5), ((1, -1), 0.5)):
        e = np.array(step, float)
        before2, before, here, after, after2 = (
            moved[k * step[0], k * step[1]] for k in range(-2, 3)
        )
        left, right = here - before, after - here
        bend = np.abs(right - left)
        for change, other in (
            (left, np.abs(left - (before - before2))),
            (right, np.abs(after2 - after - right)),
        ):
            weight = worth / (ROUNDING**2 + np.minimum(bend, other) ** 2)
            matrix += weight[..., None, None] * np.outer(e, e)
            vector += (weight * change)[..., None] * e
        if worth == 1:
            smaller = np.where(np.abs(left) < np.abs(right), left, right) * (left * right > 0)
            matrix += prior * np.outer(e, e)
            vector += prior * smaller[..., None] * e
    return np.moveaxis(np.linalg.solve(matrix, vector[..., None])[..., 0], -1, 0) * inverse


@given(st.integers(0, 2**32 - 1), st.floats(10, 1000))
@settings(max_examples=20)
def test_slopes_are_those_of_plain_least_squares(seed, focal_px):
    rng = np.random.default_rng(seed)
    inverse = (0.2 + rng.random((9, 11)) + (rng.random((9, 11)) > 0.7)).astype(np.float32)
    slopes = np.stack(slopes_of(inverse, Camera(11, 9, focal_px)))
    np.testing.assert_allclose(slopes, plain_slopes(inverse, focal_px), atol=2e-4)


@pytest.mark.slow
def test_rendered_normals_are_met_as_promised(shared):
    if not (shared / "truth" / "score.py").is_file():
        pytest.skip("the reference data hold no rendered truth")
    scorer = load_scorer(shared / "truth")
    mean = scorer.evaluate_normals(truth.normals, str(shared / "truth"))["mean"]
    assert mean["mean"] <= 1.25
    assert mean["mean_edges"] <= 10
