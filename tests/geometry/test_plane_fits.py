"""Noisy depth is smoothed by as much as it is noisy, and not over outlines; exact depth never."""

import cv2
import numpy as np
import pytest

from depthfx.camera import Camera
from depthfx.geometry.normals import _framed, _pinhole, _smooth_normals, normals_of
from depthfx.geometry.plane_fits import REACH_PX, _own_planes, fitted

CAMERA = Camera(180, 130, 170.0, cx=80.0, cy=70.0)


def facing(across: float, down: float) -> np.ndarray:
    normal = np.array([across, down, -1.0])
    return normal / np.linalg.norm(normal)


def plane(normal: np.ndarray, distance: float) -> np.ndarray:
    y, x = np.indices((CAMERA.height, CAMERA.width)) + 0.5
    ray = [(x - CAMERA.cx) / CAMERA.focal_px, (y - CAMERA.cy) / CAMERA.focal_px, np.ones_like(x)]
    return np.dstack(ray) @ normal / (normal[2] * distance)


def error_deg(normals: np.ndarray, true: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((normals * true).sum(-1), -1, 1)))


def waves(amplitude: float) -> np.ndarray:
    """1 and a pattern a dozen pixels wide, as networks lay over what they see."""
    rng = np.random.default_rng(3)
    noise = cv2.GaussianBlur(rng.standard_normal((CAMERA.height, CAMERA.width)), (0, 0), 2.5)
    return 1 + amplitude * noise / noise.std()


FLOOR, WALL, NEAR = facing(0.1, -1.5), facing(0.4, 0.1), facing(-0.7, 0.2)


def test_exact_planes_are_not_smoothed():
    inverse = np.maximum(plane(FLOOR, 4), plane(WALL, 5)).astype(np.float32)
    inverse[40:80, 60:110] = plane(NEAR, 1.5)[40:80, 60:110]
    assert fitted(inverse, CAMERA) is None


@pytest.mark.parametrize("way", ["waves", "grain"])
def test_noise_on_a_plane_is_smoothed_away(way):
    grain = 1 + 0.003 * np.random.default_rng(1).standard_normal((CAMERA.height, CAMERA.width))
    inverse = plane(WALL, 3) * (waves(0.003) if way == "waves" else grain)
    inverse = inverse.astype(np.float32)
    y, x = np.gradient(inverse)
    raw = np.dstack(
        [CAMERA.focal_px * x, CAMERA.focal_px * y, inverse]
    )  # near the middle of the picture, where that is the normal
    raw /= -np.linalg.norm(raw, axis=-1, keepdims=True)
    middle = np.s_[50:90, 60:100]
    assert error_deg(raw, WALL)[middle].mean() > 8
    assert error_deg(normals_of(inverse, CAMERA), WALL)[middle].mean() < 3


def test_eight_bits_of_a_plane_are_no_stairs():
    inverse = plane(WALL, 3)
    rounded = np.round(inverse / inverse.max() * 255) / 255
    error = error_deg(normals_of(rounded.astype(np.float32), CAMERA), WALL)
    assert error[20:-20, 20:-20].mean() < 4


def test_cards_that_face_the_camera_are_no_stairs():
    inverse = np.full((130, 180), 0.2, np.float32)
    inverse[30:80, 40:90], inverse[60:120, 100:150] = 0.5, 1.0
    assert fitted(inverse, CAMERA) is None


def test_noise_is_not_smoothed_over_an_outline():
    """Beside a step, both sides keep their own planes: no pixel leans towards the other's."""
    near = np.indices((CAMERA.height, CAMERA.width))[1] > 90
    inverse = np.where(near, plane(NEAR, 1.5), plane(WALL, 6)) * waves(0.003)
    error = error_deg(
        normals_of(inverse.astype(np.float32), CAMERA), np.where(near[..., None], NEAR, WALL)
    )
    inner = np.s_[20:-20, 89:93]
    assert error[inner].mean() < 6
    assert error[inner].max() < 15


def test_a_crease_stays_a_crease():
    inverse = np.maximum(plane(facing(1, 0), 4), plane(facing(-1, 0), 4)) * waves(0.001)
    normals = normals_of(inverse.astype(np.float32), CAMERA)
    assert (normals[30:100, :70, 0].mean() < -0.6) != (normals[30:100, :70, 0].mean() > 0.6)
    turn = np.abs(np.diff(normals[30:100, :, 0].mean(0)))
    assert turn[70:90].sum() > 0.75 * turn.sum()  # where the planes meet: the principal point


def test_the_smoothed_do_not_depend_on_threads():
    inverse = (plane(WALL, 3) * waves(0.003)).astype(np.float32)
    threads = cv2.getNumThreads()
    results = []
    try:
        for count in (1, 2, 3):
            cv2.setNumThreads(count)
            results.append(normals_of(inverse, CAMERA))
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def fit_weight(miss):
    return (1 / (1 + np.minimum(np.abs(miss), 1e6) ** 2)) ** 2 + 1e-20


def test_own_planes_are_those_of_plain_loops():
    rng = np.random.default_rng(0)
    inverse = np.where(rng.random((9, 12)) > 0.5, 0.3, 0.8).astype(np.float32)
    planes = (rng.standard_normal((9, 12, 3)) * 0.05 + [0.5, 0, 0]).astype(np.float32)
    off, far = np.float32(0.03), np.float32(0.4)
    plain = np.empty_like(planes)
    for y in range(9):
        for x in range(12):
            j, i = np.mgrid[
                max(y - REACH_PX, 0) : min(y + REACH_PX + 1, 9),
                max(x - REACH_PX, 0) : min(x + REACH_PX + 1, 12),
            ]
            value, right, down = np.moveaxis(planes[j, i].astype(np.float64), -1, 0)
            told = value + right * (x - i) + down * (y - j)
            weight = fit_weight((told - inverse[y, x]) / (off * max(inverse[y, x], far)))
            weight /= 1 + (x - i) ** 2 + (y - j) ** 2
            plain[y, x] = [(weight * v).sum() / weight.sum() for v in (told, right, down)]
    np.testing.assert_allclose(_own_planes(inverse, planes, off, far), plain, atol=1e-4)


def test_large_pictures_take_the_planes_of_plain_loops():
    height, width, h, w = 20, 26, 7, 9
    camera = Camera(width, height, 30.0, cx=11.0, cy=12.0)
    rng = np.random.default_rng(0)
    planes = (rng.standard_normal((h, w, 3)) * [0.1, 0.02, 0.02] + [0.6, 0, 0]).astype(np.float32)
    inverse = np.where(rng.random((height, width)) > 0.5, 0.5, 0.7).astype(np.float32)
    off, far = 0.1, 0.6
    out = np.empty((height, width, 3), np.float32)
    limits = np.float32(off), np.float32(far), np.float32(2)
    _smooth_normals(_framed(inverse), *_pinhole(camera), planes, *limits, out)
    for row in range(height):
        for column in range(width):
            v = min(max((row + 0.5) * h / height - 0.5, 0), h - 1)
            u = min(max((column + 0.5) * w / width - 0.5, 0), w - 1)
            top, left = min(int(v), h - 2), min(int(u), w - 2)
            here, total, slopes = float(inverse[row, column]), 0.0, np.zeros(2)
            for j, i in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
                value, right, down = (float(c) for c in planes[j, i])
                told = value + right * (u - i) + down * (v - j)
                weight = fit_weight((told - here) / (off * max(here, far)))
                weight *= (1 - abs(u - i)) * (1 - abs(v - j)) + 1e-3
                total += weight
                slopes += weight * np.array([right, down])
            a, b = slopes / total / np.hypot(here, far) * [w / width, h / height]
            x, y = column + 0.5 - camera.cx, row + 0.5 - camera.cy
            normal = -np.array([camera.focal_px * a, camera.focal_px * b, 1 - x * a - y * b])
            normal /= np.linalg.norm(normal)
            np.testing.assert_allclose(out[row, column], normal, atol=2e-4)
