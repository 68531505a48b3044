"""Depth files: what is in them, in which unit, and what is said of it."""

import json
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from depthfx.camera import Camera
from depthfx.depth import Depth
from depthfx.engine.depth_file import read_depth
from depthfx.engine.depth_write import write_depth
from depthfx.errors import DepthError

f32 = np.float32
METRES = f32([[1.0, 2.0, 4.0], [8.0, 5.0, 2.5]])


def save_png(path, values):
    assert cv2.imwrite(str(path), values)
    return path


def save_npy(path, values):
    np.save(path, values)
    return path


@pytest.mark.parametrize("dtype", [np.float16, f32, np.float64])
def test_a_float_array_in_a_plausible_range_is_metres(tmp_path, dtype):
    depth = read_depth(save_npy(tmp_path / "z.npy", METRES.astype(dtype)))
    assert depth.metric
    np.testing.assert_allclose(depth.inverse, 1 / METRES, rtol=1e-3)
    assert depth.origin == f"file z.npy, {np.dtype(dtype)}, read as metres (inferred)"


def test_a_float_tiff_is_metres_too(tmp_path):
    tifffile.imwrite(tmp_path / "z.tif", METRES)
    depth = read_depth(tmp_path / "z.tif")
    np.testing.assert_allclose(depth.inverse, 1 / METRES, rtol=1e-6)
    assert depth.metric


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_sensors_millimetres_with_holes(tmp_path, suffix):
    values = np.full((40, 50), 2000, np.uint16)
    values[10:20, 10:20] = 0
    path = save_png(tmp_path / f"kinect{suffix}", values)
    depth = read_depth(path)
    assert depth.metric
    assert depth.origin == f"file kinect{suffix}, 16 bit, read as millimetres (inferred)"
    np.testing.assert_allclose(depth.inverse, 0.5, rtol=1e-5)  # holes are filled from around


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_a_picture_without_holes_is_relative_white_near(tmp_path, dtype, top):
    values = np.tile(np.linspace(0, top, 200).astype(dtype), (50, 1))
    path = save_png(tmp_path / "map.png", values)
    near, far = read_depth(path), read_depth(path, polarity="far-white")
    assert not near.metric
    assert "white near (inferred)" in near.origin
    assert (np.diff(near.inverse, axis=1) >= 0).all()
    assert (np.diff(far.inverse, axis=1) <= 0).all()
    assert near.inverse[0, 0] == 0
    assert np.percentile(near.inverse, 99) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("name", "scale"), [("depth", 1.0), ("inverse", -1.0)])
def test_an_npz_says_by_name_what_it_holds(tmp_path, name, scale):
    np.savez(tmp_path / "a.npz", **{name: METRES ** f32(scale), "confidence": METRES})
    depth = read_depth(tmp_path / "a.npz")
    assert depth.metric
    np.testing.assert_allclose(depth.inverse, 1 / METRES, rtol=1e-6)


def test_the_only_array_of_an_npz_may_have_any_name(tmp_path):
    np.savez(tmp_path / "a.npz", z=METRES)
    np.testing.assert_allclose(read_depth(tmp_path / "a.npz").inverse, 1 / METRES, rtol=1e-6)


def test_disparity_is_relative(tmp_path):
    np.savez(tmp_path / "a.npz", disparity=METRES * 10)
    depth = read_depth(tmp_path / "a.npz")
    assert not depth.metric
    assert (np.argsort(depth.inverse, axis=None) == np.argsort(METRES, axis=None)).all()


def test_infinitely_far_is_inverse_zero_and_unknown_is_filled(tmp_path):
    values = np.full((30, 30), 4.0, f32)
    values[:5] = np.inf
    values[15, 15], values[20, 20], values[25, 25] = np.nan, 0, -3
    depth = read_depth(save_npy(tmp_path / "z.npy", values), unit="m")
    assert (depth.inverse[:5] == 0).all()
    np.testing.assert_allclose(depth.inverse[8:], 0.25, rtol=1e-5)
    assert np.isfinite(depth.inverse).all()


@pytest.mark.parametrize(
    ("told", "values"),
    [({"unit": "m"}, METRES), ({"unit": "mm"}, METRES * 1000), ({"unit": "1/m"}, 1 / METRES)],
)
def test_a_unit_that_is_told_is_not_inferred(tmp_path, told, values):
    depth = read_depth(save_npy(tmp_path / "z.npy", values.astype(f32)), **told)
    assert depth.metric
    assert "inferred" not in depth.origin
    np.testing.assert_allclose(depth.inverse, 1 / METRES, rtol=1e-5)


def test_near_and_far_make_a_picture_metric(tmp_path):
    values = np.linspace(0, 65535, 11).astype(np.uint16)[None]
    path = save_png(tmp_path / "map.png", values)
    depth = read_depth(path, near_m=1, far_m=5)
    assert depth.metric
    assert "1 to 5 m" in depth.origin
    np.testing.assert_allclose(depth.inverse[0], np.linspace(0.2, 1, 11), atol=1e-4)
    sky = read_depth(path, near_m=1, far_m=np.inf, polarity="far-white")
    np.testing.assert_allclose(sky.inverse[0], np.linspace(1, 0, 11), atol=1e-4)


@pytest.mark.parametrize("metric", [True, False])
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".tif"])
def test_what_we_wrote_comes_back_as_it_was(tmp_path, suffix, metric):
    """A round trip: exact from an array, within half a code from 16 bits."""
    inverse = np.random.default_rng(1).uniform(0.01, 2.5, (30, 40)).astype(f32)
    written = Depth(inverse, metric, "a test")
    path = tmp_path / f"d{suffix}"
    write_depth(written, Camera.guess(40, 30), path, source=Path("photo.jpg"))
    depth = read_depth(path)
    assert depth.metric == metric
    assert depth.origin.endswith("as its .json says")
    half_a_code = 0.5 * 2.5 / 65535 if suffix in (".png", ".tif") else 0
    np.testing.assert_allclose(depth.inverse, inverse, rtol=1e-6, atol=half_a_code)


def test_what_is_told_wins_over_the_sidecar_and_a_strangers_json_is_left_alone(tmp_path):
    path = save_npy(tmp_path / "z.npy", METRES)
    Path(f"{path}.json").write_text(json.dumps({"quantity": "inverse depth", "unit": "1/m"}))
    np.testing.assert_array_equal(read_depth(path).inverse, METRES)
    np.testing.assert_allclose(read_depth(path, unit="m").inverse, 1 / METRES, rtol=1e-6)
    for text in ("{torn", "[]", '{"unit": "m"}'):
        Path(f"{path}.json").write_text(text)
        assert "inferred" in read_depth(path).origin


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"unit": "feet"},
        {"unit": "1/m", "white_inverse": "near", "black_inverse": 0},
        {"unit": "1/m", "white_inverse": -1, "black_inverse": -2},
    ],
)
def test_a_sidecar_that_does_not_fit_is_named(tmp_path, told):
    path = save_png(tmp_path / "a.png", np.eye(5, dtype=np.uint16) * 1000)
    Path(f"{path}.json").write_text(json.dumps({"quantity": "inverse depth", **told}))
    with pytest.raises(DepthError, match=r"a\.png\.json"):
        read_depth(path)


class Malice:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def spoilt(folder, kind):
    path = folder / {"pickle": "a.npy", "torn": "a.png", "text": "a.tif", "zip": "a.npz"}.get(
        kind, "a.npy"
    )
    match kind:
        case "pickle":
            path.write_bytes(pickle.dumps(Malice()))
        case "objects":
            np.save(path, np.array([Malice()], object), allow_pickle=True)
        case "torn":
            path.write_bytes(cv2.imencode(".png", np.eye(9, dtype=np.uint16))[1].tobytes()[:40])
        case "text":
            path.write_text("depth")
        case "zip":
            path.write_bytes(b"PK\x03\x04 not really")
        case "empty":
            path.write_bytes(b"")
        case "colour":
            path = save_png(
                folder / "a.png", np.random.default_rng(0).integers(0, 255, (4, 4, 3), np.uint8)
            )
        case "cube":
            np.save(path, np.zeros((2, 3, 4)))
        case "words":
            np.save(path, np.array([["near", "far"]]))
        case "unknown":
            np.save(path, np.full((3, 3), np.nan))
        case "missing":
            path = folder / "nowhere.npy"
        case "folder":
            path = folder / "d.npy"
            path.mkdir()
        case "format":
            path = folder / "a.docx"
            path.write_bytes(b"PK")
        case "ambiguous":
            path = folder / "a.npz"
            np.savez(path, a=METRES, b=METRES)
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "pickle",
        "objects",
        "torn",
        "text",
        "zip",
        "empty",
        "colour",
        "cube",
        "words",
        "unknown",
        "missing",
        "folder",
        "format",
        "ambiguous",
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path, kind):
    path = spoilt(tmp_path, kind)
    with pytest.raises(DepthError) as caught:
        read_depth(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"unit": "feet"}, "feet"),
        ({"polarity": "white"}, "near-white"),
        ({"unit": "m", "polarity": "near-white"}, "contradict"),
        ({"near_m": 1}, "far_m"),
        ({"near_m": 5, "far_m": 1}, "near_m=5"),
        ({"near_m": 1, "far_m": 5, "unit": "m"}, "unit=m"),
        ({"near_m": float("nan"), "far_m": 5}, "near_m=nan"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, told, named):
    with pytest.raises(DepthError, match=named):
        read_depth(save_npy(tmp_path / "z.npy", METRES), **told)
