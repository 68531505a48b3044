"""ONNX models by description: graphs whose answer is a known sum of the picture's colours."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_models import describe, onnx_mix

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.engine import onnx
from depthfx.engine.embedded.model import WEIGHTS
from depthfx.engine.embedded.runtime import FRAME, LOOKS, Network
from depthfx.engine.meaning import FAR_OVER_NEAR, Meaning, inverse_depth
from depthfx.engine.onnx.description import read_description
from depthfx.engine.onnx.model import OnnxModel
from depthfx.engine.points import camera_of_points
from depthfx.errors import ModelError
from depthfx.photo.colour import srgb_to_linear

KNOWN = Path(onnx.__file__).with_name("models")
RED = [1.0, 0.0, 0.0]
SIZES = [(17, 23), (1, 1), (61, 40), (200, 3000), (3000, 200)]


def picture(height: int, width: int) -> NDArray[np.float32]:
    """Red grows to the right, green downwards, blue is even; read-only."""
    across = np.linspace(0.2, 0.8, width, dtype=np.float32)
    down = np.linspace(0.3, 0.9, height, dtype=np.float32)[:, None]
    blue = np.full((height, width), 0.6, np.float32)
    rgb = np.stack(
        [np.broadcast_to(across, blue.shape), np.broadcast_to(down, blue.shape), blue], 2
    )
    rgb.flags.writeable = False
    return rgb


def look(path: Path, rgb: NDArray[np.float32], focal_px: float | None = None) -> Any:
    return OnnxModel(Context(), str(path)).look(rgb, focal_px, Context())


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "N1CHW"])
@pytest.mark.parametrize(("colours", "channel"), [("RGB", 0), ("BGR", 2)])
@pytest.mark.parametrize("span", [(0.0, 1.0), (0.0, 255.0), (-1.0, 1.0)])
def test_the_picture_comes_in_its_layout_order_and_range(
    tmp_path: Path, layout: str, colours: str, channel: int, span: tuple[float, float]
) -> None:
    onnx_mix(tmp_path, RED, 10.0, layout=layout)
    mean, std = [0.1, 0.2, 0.3], [0.5, 1.0, 2.0]
    told = {"layout": layout, "colours": colours, "range": span, "mean": mean, "std": std}
    rgb = picture(20, 30)
    seen = look(describe(tmp_path, input={**told, "size": [20, 30]}), rgb).inverse
    value = span[0] + rgb[..., channel] * (span[1] - span[0])
    np.testing.assert_allclose(seen, (value - mean[channel]) / std[channel] + 10, rtol=1e-5)


@pytest.mark.parametrize("kind", ["FLOAT16", "UINT8", "DOUBLE"])
def test_the_picture_comes_in_the_type_of_the_graph(tmp_path: Path, kind: str) -> None:
    onnx_mix(tmp_path, RED, kind=kind)
    rgb = picture(20, 30)
    seen = look(describe(tmp_path, input={"size": [20, 30], "range": [0, 255.0]}), rgb).inverse
    np.testing.assert_allclose(seen, rgb[..., 0] * 255, atol=0.51)


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize(
    "told",
    [
        {"size": [42, 56]},
        {"size": [42, 56], "fit": "pad", "pad": [9.0, 9.0, 9.0]},
        {"pixels": 3000, "multiple_of": 14},
        {"short_side": 42, "multiple_of": 14},
    ],
)
def test_every_size_keeps_its_frame(
    tmp_path: Path, shape: tuple[int, int], told: dict[str, Any]
) -> None:
    onnx_mix(tmp_path, np.eye(2, 3), outputs=("depth", "down"))
    rgb = picture(*shape)
    for name, channel in (("depth", 0), ("down", 1)):
        seen = look(describe(tmp_path, input=told, output={"name": name}), rgb).inverse
        assert seen.max() <= rgb[..., channel].max() + 1e-5  # nothing of the padding
        half_a_cell = 0.3 / seen.shape[1 - channel]
        for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            assert abs(seen[corner] - rgb[corner][channel]) < half_a_cell + 0.02
    if "multiple_of" in told:
        assert seen.shape[0] % 14 == 0
        assert seen.shape[1] % 14 == 0
        assert seen.size < 1.6 * 3 * 42 * 42  # strips are no larger than 3 : 1 would be


def test_a_grey_picture_is_seen_evenly(tmp_path: Path) -> None:
    onnx_mix(tmp_path, [0.2, 0.3, 0.5])
    seen = look(describe(tmp_path), np.full((30, 40, 3), 0.4, np.float32)).inverse
    np.testing.assert_allclose(seen, 0.4, rtol=1e-6)


def test_the_graphs_own_size_needs_no_words(tmp_path: Path) -> None:
    onnx_mix(tmp_path, RED, size=(28, 42))
    model = OnnxModel(Context(), str(describe(tmp_path)))
    assert model.side == 28
    assert model.look(picture(100, 90), None, Context()).inverse.shape == (28, 42)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"meaning": "inverse"}, lambda x: x),
        ({"meaning": "disparity"}, lambda x: x),
        ({"meaning": "depth"}, lambda x: 1 / x),
        ({"meaning": "log-depth"}, lambda x: np.exp(-x)),
    ],
)
@pytest.mark.parametrize("metric", [True, False])
def test_a_number_means_what_is_told(
    tmp_path: Path, told: dict[str, Any], expected: Any, metric: bool
) -> None:
    if metric and told["meaning"] == "disparity":
        return
    onnx_mix(tmp_path, RED)
    rgb = picture(20, 30)
    path = describe(tmp_path, input={"size": [20, 30]}, output={**told, "metric": metric})
    assert OnnxModel(Context(), str(path)).info.metric is metric
    np.testing.assert_allclose(look(path, rgb).inverse, expected(rgb[..., 0]), rtol=1e-5)


def test_affine_depth_spans_the_stated_ratio(tmp_path: Path) -> None:
    onnx_mix(tmp_path, [40.0, 0, 0], -3.0)
    path = describe(tmp_path, input={"size": [50, 51]}, output={"meaning": "depth", "affine": True})
    near, far = np.percentile(look(path, picture(50, 51)).inverse, [98, 2])
    assert near / far == pytest.approx(FAR_OVER_NEAR, rel=0.02)
    assert near > far


def test_canonical_depth_grows_with_the_focal_length_seen(tmp_path: Path) -> None:
    """Metric3D: metres are the answer times the focal length on the picture shown, over 1000."""
    onnx_mix(tmp_path, RED)
    path = describe(
        tmp_path,
        input={"size": [64, 96], "fit": "pad"},
        output={"meaning": "depth", "metric": True, "canonical_focal": 1000.0},
    )
    rgb = np.full((200, 300, 3), 0.5, np.float32)
    shown_focal_px = 250.0 * 64 / 200
    np.testing.assert_allclose(
        look(path, rgb, 250.0).inverse, 1 / (0.5 * shown_focal_px / 1000), rtol=1e-2
    )
    guessed = Camera.guess(300, 200).focal_px
    np.testing.assert_allclose(look(path, rgb).inverse, look(path, rgb, guessed).inverse, rtol=1e-6)


def test_canonical_inverse_over_the_width(tmp_path: Path) -> None:
    """Depth Pro: 1/m is the answer times width over focal length, however it was stretched."""
    onnx_mix(tmp_path, RED, constants={"focal": [60.0]})
    told = {"metric": True, "canonical_focal": "width", "focal": {"name": "focal", "kind": "px"}}
    path = describe(tmp_path, input={"size": [48, 48]}, output=told)
    rgb = np.full((200, 300, 3), 0.5, np.float32)
    np.testing.assert_allclose(look(path, rgb, 600.0).inverse, 0.5 * 300 / 600, rtol=1e-6)
    seen = look(path, rgb)
    assert seen.focal_px == pytest.approx(60.0 * 300 / 48)
    np.testing.assert_allclose(seen.inverse, 0.5 * 48 / 60, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("px", 60.0),
        ("intrinsics-px", [[[60.0, 0, 24], [0, 60, 24], [0, 0, 1]]]),
        ("fov-deg", [2 * np.degrees(np.arctan(24 / 60))]),
    ],
)
def test_the_focal_length_it_tells(tmp_path: Path, kind: str, value: Any) -> None:
    onnx_mix(tmp_path, RED, constants={"camera": value})
    told = {"meaning": "depth", "metric": True, "focal": {"name": "camera", "kind": kind}}
    path = describe(tmp_path, input={"size": [48, 48]}, output=told)
    rgb = np.full((100, 120, 3), 0.5, np.float32)
    seen = look(path, rgb)
    assert seen.focal_px == pytest.approx(150.0, rel=1e-5)
    np.testing.assert_allclose(seen.inverse, 2.0, rtol=1e-5)
    # With twice that focal length the same sizes are twice as far.
    known = look(path, rgb, 300.0)
    assert known.focal_px is None
    np.testing.assert_allclose(known.inverse, 1.0, rtol=1e-5)


def scene_of_points(
    height: int, width: int, focal_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A picture that holds x, y, z of a wavy scene in its colours, and the z, 2 to 4 m."""
    v, u = np.mgrid[:height, :width] + 0.5
    z = 3 + np.sin(u / width * 9) * np.cos(v / height * 8)
    xyz = np.stack([(u - width / 2) * z / focal_px, (v - height / 2) * z / focal_px, z], -1)
    return (xyz / 12 + 0.4).astype(np.float32), z.astype(np.float32)


@pytest.mark.parametrize("known", [None, 320.0])
def test_points_up_to_a_shift_give_depth_and_focal_length(
    tmp_path: Path, known: float | None
) -> None:
    """As MoGe-2 answers: z is short of 1.2, everything half as large as in metres."""
    matrix = np.vstack([np.eye(3) * 6, [[0, 0, 1]]]) / 1800
    bias = np.array([-2.4, -2.4, -2.4 - 0.6, -0.15]) / 1800
    file = onnx_mix(
        tmp_path,
        matrix,
        bias,
        outputs=("points", "mask"),
        points="last",
        constants={"scale": [2.0]},
        needs="num_tokens",
    )
    model = OnnxModel(Context(weights=file), str(KNOWN / "moge-2-small.toml"))
    rgb, z = scene_of_points(490, 728, 320.0)
    seen = model.look(rgb, known, Context())
    there = rgb[..., 2] >= 0.65
    assert 0.2 < there.mean() < 0.9
    np.testing.assert_allclose(seen.inverse[there], 1 / z[there], rtol=1e-3)
    assert (seen.inverse[~there] == 0).all()
    if known is None:
        assert seen.focal_px == pytest.approx(320.0, rel=1e-3)


def test_metric3d_as_it_is_described(tmp_path: Path) -> None:
    """A photo of 300 x 400 is shown at 616 x 821 in 616 x 1064, its focal length with it."""
    file = onnx_mix(tmp_path, RED, outputs=("predicted_depth",), name="pixel_values")
    model = OnnxModel(Context(weights=file), str(KNOWN / "metric3d-v2-small.toml"))
    seen = model.look(np.full((300, 400, 3), 0.5, np.float32), 500.0, Context())
    assert seen.inverse.shape == (616, 821)
    metres = 127.5 * (500.0 * 821 / 400) / 1000
    np.testing.assert_allclose(seen.inverse, 1 / metres, rtol=1e-5)


def test_depth_anything_3_as_it_is_described(tmp_path: Path) -> None:
    file = onnx_mix(tmp_path, np.eye(2, 3), [2.0, 0.0], outputs=("depth", "sky"), size=(504, 504))
    model = OnnxModel(Context(weights=file), str(KNOWN / "depth-anything-3-metric.toml"))
    rgb = np.full((300, 400, 3), 0.5, np.float32)
    rgb[:100, :, 1] = 0.9
    seen = model.look(rgb, 500.0, Context()).inverse
    metres = ((0.5 - 0.485) / 0.229 + 2) * (500.0 * 504 / 400) / 300
    np.testing.assert_allclose(seen[180:], 1 / metres, rtol=1e-5)
    assert (seen[:160] == 0).all()


def test_the_sky_that_it_tells_is_infinitely_far(tmp_path: Path) -> None:
    onnx_mix(tmp_path, np.eye(2, 3), outputs=("depth", "sky"))
    rgb = picture(20, 30)
    for keeps, there in (("above", rgb[..., 1] >= 0.5), ("below", rgb[..., 1] < 0.5)):
        told = {"meaning": "depth", "metric": True, "mask": "sky", "mask_keeps": keeps}
        seen = look(describe(tmp_path, input={"size": [20, 30]}, output=told), rgb).inverse
        np.testing.assert_allclose(seen[there], 1 / rgb[..., 0][there], rtol=1e-5)
        assert (seen[~there] == 0).all()


def test_points_of_a_camera_need_no_shift(tmp_path: Path) -> None:
    """As UniDepth answers: points in metres, channels first; the camera follows from them."""
    onnx_mix(tmp_path, np.eye(3) * 12, -4.8, points="first", outputs=("points",))
    told = {"name": "points", "meaning": "points", "metric": True}
    path = describe(tmp_path, input={"size": [60, 90]}, output=told)
    rgb, z = scene_of_points(60, 90, 80.0)
    seen = look(path, rgb)
    assert seen.focal_px == pytest.approx(80.0, rel=1e-4)
    np.testing.assert_allclose(seen.inverse, 1 / z, rtol=1e-4)
    np.testing.assert_allclose(look(path, rgb, 160.0).inverse, 0.5 / z, rtol=1e-4)


def test_a_real_network_by_its_description(tmp_path: Path) -> None:
    """The embedded network, described, answers as its own model asks it."""
    shutil.copy(WEIGHTS, tmp_path / "model.onnx")
    path = describe(
        tmp_path,
        input={"name": "rgb", "pixels": LOOKS["draft"][0], "multiple_of": 32},
        output={"name": "inverse", "metric": True, "canonical_focal": "width"},
    )
    rgb = picture(240, 360)
    own = Network(WEIGHTS).predict(srgb_to_linear(rgb), "draft").inverse
    seen = look(path, rgb, 300.0).inverse
    inner = np.s_[FRAME:-FRAME, FRAME:-FRAME]
    np.testing.assert_allclose(seen[inner], own[inner] * 360 / 300.0, rtol=0.02)


@pytest.mark.parametrize("focal_px", [150.0, 700.0])
@pytest.mark.parametrize("shift", [-1.5, 0.0, 20.0])
def test_the_camera_of_points(focal_px: float, shift: float) -> None:
    """Found from a coarse map of a picture of another shape, one in a hundred points wild."""
    rng = np.random.default_rng(3)
    height, width = 300, 500
    v, u = np.meshgrid(
        (np.arange(74) + 0.5) / 74 * height - height / 2,
        (np.arange(98) + 0.5) / 98 * width - width / 2,
        indexing="ij",
    )
    z = 2 + 3 * rng.random((74, 98))
    points = np.stack([u * z / focal_px, v * z / focal_px, z - shift], -1).astype(np.float32)
    found = camera_of_points(points, (height, width))
    assert found == pytest.approx((focal_px, shift), rel=1e-3, abs=1e-3)
    assert camera_of_points(points, (height, width), focal_px=focal_px)[1] == pytest.approx(
        shift, rel=1e-3, abs=1e-3
    )
    wild = np.where(rng.random((74, 98)) < 0.01, np.nan, 1.0)[..., None].astype(np.float32)
    assert camera_of_points(points * wild, (height, width)) == pytest.approx(
        (focal_px, shift), rel=1e-3, abs=1e-3
    )


def test_points_of_no_camera_are_left_alone() -> None:
    nothing = np.full((20, 30, 3), np.nan, np.float32)
    assert camera_of_points(nothing, (20, 30)) == (None, 0.0)
    flat = np.zeros((20, 30, 3), np.float32)
    assert camera_of_points(flat, (20, 30))[1] == 0.0 or camera_of_points(flat, (20, 30))[0] is None


@pytest.mark.parametrize("meaning", [one for one in Meaning if one is not Meaning.POINTS])
@pytest.mark.parametrize("affine", [False, True])
def test_inverse_depth_is_always_a_number(meaning: Meaning, affine: bool) -> None:
    bad = np.array([[np.nan, np.inf, -np.inf, 0.0, -5.0, 1e30, 3.0, 4.0]], np.float32)
    for values in (bad, bad[:, :1], np.zeros((3, 4), np.float32), bad[:, 6:]):
        values.flags.writeable = False
        seen = inverse_depth(values, meaning, affine=affine)
        assert seen.shape == values.shape
        assert seen.dtype == np.float32
        assert np.isfinite(seen).all()
        assert seen.min() >= 0


def test_larger_is_nearer_only_where_told() -> None:
    values = np.linspace(1, 9, 50, dtype=np.float32)[None]
    for meaning in (Meaning.INVERSE, Meaning.DISPARITY):
        assert (np.diff(inverse_depth(values, meaning)) > 0).all()
    for meaning in (Meaning.DEPTH, Meaning.LOG_DEPTH):
        assert (np.diff(inverse_depth(values, meaning)) < 0).all()
    assert (np.diff(inverse_depth(values, Meaning.DEPTH, affine=True)) <= 0).all()
    # An affine inverse depth may reach below 0: infinity is put at its least.
    lowered = inverse_depth(values - 4, Meaning.INVERSE, affine=True)
    assert (np.diff(lowered) > 0).all()
    assert lowered.min() == 0


def test_weights_beside_the_graph(tmp_path: Path) -> None:
    file = onnx_mix(tmp_path, RED, external=True)
    size = {"size": [20, 30]}
    alone = OnnxModel(Context(), str(describe(tmp_path, input=size)))
    path = describe(tmp_path, weights={"data": ["model.onnx_data"]}, input=size)
    rgb = picture(20, 30)
    np.testing.assert_allclose(look(path, rgb).inverse, rgb[..., 0], rtol=1e-6)
    assert alone.weights_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert alone.weights_sha256 != OnnxModel(Context(), str(path)).weights_sha256
    (tmp_path / "model.onnx_data").unlink()
    with pytest.raises(ModelError, match=r"model\.onnx_data is not there"):
        look(path, rgb)
    with pytest.raises(ModelError, match=r"model\.onnx cannot be loaded"):
        look(describe(tmp_path), rgb)


def test_other_weights_for_the_same_description(tmp_path: Path) -> None:
    onnx_mix(tmp_path, RED)
    other = onnx_mix(tmp_path / "other", [0.0, 0.0, 1.0])
    model = OnnxModel(Context(weights=other), str(describe(tmp_path, input={"size": [20, 30]})))
    seen = model.look(picture(20, 30), None, Context()).inverse
    np.testing.assert_allclose(seen, 0.6, rtol=1e-6)


def test_the_record_comes_from_the_description(tmp_path: Path) -> None:
    onnx_mix(tmp_path, RED)
    path = describe(tmp_path, licence="MIT", commercial=True, source="https://example.org")
    model = OnnxModel(Context(), str(path))
    assert (model.info.name, model.info.licence, model.info.commercial) == ("tiny", "MIT", True)
    assert model.stamp["weights_sha256"] == model.info.checksum
    stated = describe(tmp_path, weights={"sha256": model.weights_sha256})
    OnnxModel(Context(), str(stated))


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            {"input": {"colour": "BGR"}},
            "input.colour is not a key that is known; did you mean 'col",
        ),
        ({"licens": "MIT"}, "licens is not a key that is known; did you mean 'licence'"),
        ({"output": {"meaning": "dept"}}, "meaning = 'dept' is not known; did you mean 'depth'"),
        ({"output": {"focal": {"name": "f", "kind": "mm"}}}, "output.focal.kind"),
        ({"input": {"size": [20]}}, "input.size"),
        ({"input": {"size": [0, 20]}}, "input.size"),
        ({"input": {"size": [20, 30], "pixels": 9}}, "size and pixels contradict"),
        ({"input": {"fit": "pad"}}, "needs size"),
        ({"input": {"std": [1.0, 0.0, 1.0]}}, "must be above 0"),
        ({"input": {"mean": [float("nan"), 0.0, 0.0]}}, "input.mean"),
        ({"input": {"multiple_of": "14"}}, "input.multiple_of"),
        ({"output": {"metric": True, "affine": True}}, "metric and affine contradict"),
        ({"output": {"metric": True, "meaning": "disparity"}}, "disparity has no metres"),
        ({"output": {"canonical_focal": 1000.0}}, "needs metric = true"),
        ({"weights": {"sha256": "abc"}}, "weights.sha256"),
        ({"weights": {"file": "absent.onnx"}}, "absent.onnx is not there"),
        ({"weights": {"sha256": "0" * 64}}, "damaged or another version"),
        ({"input": {"name": "rgb"}}, "no input 'rgb'; it has: image"),
        ({"output": {"name": "map"}}, "no output 'map'; it has: depth"),
        ({"output": {"mask": "sky"}}, "no output 'sky'"),
        ({"input": {"constants": {"tokens": 1}}}, "no input 'tokens'"),
        ({"input": {"layout": "N1CHW"}}, "not of layout N1CHW"),
    ],
)
def test_a_wrong_description_is_refused_in_one_line(
    tmp_path: Path, tables: dict[str, Any], words: str
) -> None:
    onnx_mix(tmp_path, RED)
    with pytest.raises(ModelError) as refusal:
        look(describe(tmp_path, **tables), picture(20, 30))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "model." in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"name = ", "is not a TOML file"),
        (b"\xff\xfe\x00", "is not a TOML file"),
        (b"", "name is missing"),
        (b"x = " + b"[" * 5000, "is not a TOML file"),
        (b"#" * 70000, "too long"),
    ],
)
def test_a_file_that_is_no_description(tmp_path: Path, text: bytes, words: str) -> None:
    path = tmp_path / "model.toml"
    path.write_bytes(text)
    with pytest.raises(ModelError, match=words):
        OnnxModel(Context(), str(path))


def test_a_description_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            OnnxModel(Context(), str(path))


def test_a_graph_that_fits_its_description_badly(tmp_path: Path) -> None:
    onnx_mix(tmp_path, RED, size=(28, 42))
    with pytest.raises(ModelError, match=r"takes pictures of 28 x 42, .* size = \[20, 30\]"):
        look(describe(tmp_path, input={"size": [20, 30]}), picture(20, 30))
    onnx_mix(tmp_path, RED, needs="num_tokens")
    with pytest.raises(
        ModelError, match=r"also needs 'num_tokens': tell it under input\.constants"
    ):
        look(describe(tmp_path), picture(20, 30))
    onnx_mix(tmp_path, RED, constants={"camera": [1.0]})
    with pytest.raises(ModelError, match=r"tiny: the network answers an array .*which is no map"):
        look(describe(tmp_path, output={"name": "camera"}), picture(20, 30))
    onnx_mix(tmp_path, RED, size=("height", 42))
    with pytest.raises(ModelError, match="tiny does not run"):
        look(describe(tmp_path, input={"size": [20, 30]}), picture(20, 30))


def test_a_damaged_graph(tmp_path: Path) -> None:
    file = onnx_mix(tmp_path, RED)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"model\.onnx cannot be loaded"):
        look(describe(tmp_path), picture(20, 30))


@pytest.mark.parametrize("path", sorted(KNOWN.glob("*.toml")), ids=lambda path: path.stem)
def test_the_descriptions_that_come_with_depthfx(path: Path) -> None:
    told = read_description(path)
    assert told.name == path.stem
    assert told.weights.repository is not None
    assert told.output.metric


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    import onnxruntime

    onnx_mix(tmp_path, RED)
    path = str(describe(tmp_path))
    there = onnxruntime.get_available_providers()
    for device, provider in (("cuda", "CUDAExecutionProvider"), ("mps", "CoreMLExecutionProvider")):
        if provider not in there:
            with pytest.raises(ModelError, match=f"no {device} here"):
                OnnxModel(Context(device=device), path)
    OnnxModel(Context(device="cpu"), path)
