"""A network's picture fills holes, patches lend what it cannot show; other files are refused."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from depthfx.errors import Cancelled, ModelError, ShapeError
from depthfx.inpaint.learned import LearnedPainter

f32 = np.float32
GREEN = [0.0, 1.0, 0.0]


def network(path, *, size=("h", "w"), colour=GREEN, scale=1.0, mask_channels=1, out_shape=None):
    """Paints the masked part in one colour: picture (1 - mask) + colour mask, times `scale`."""
    inputs = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *size]),
        helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, mask_channels, *size]),
    ]
    constants = [
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("scale", TensorProto.FLOAT, [1], [scale]),
        helper.make_tensor("colour", TensorProto.FLOAT, [1, 3, 1, 1], colour),
    ]
    nodes = [
        helper.make_node("Sub", ["one", "mask"], ["keep"]),
        helper.make_node("Mul", ["image", "keep"], ["kept"]),
        helper.make_node("Mul", ["colour", "mask"], ["put"]),
        helper.make_node("Add", ["kept", "put"], ["sum"]),
        helper.make_node("Mul", ["sum", "scale"], ["output"]),
    ]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, out_shape or [1, 3, *size])
    graph = helper.make_graph(nodes, "paint", inputs, [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def grey(shape, level=0.2):
    pixels = np.full((*shape, 3), level, f32)
    hole = np.zeros(shape, bool)
    hole[shape[0] // 3 : 2 * shape[0] // 3, shape[1] // 3 : 2 * shape[1] // 3] = True
    pixels.flags.writeable = hole.flags.writeable = False
    return pixels, hole


@pytest.mark.parametrize("scale", [1.0, 255.0])
@pytest.mark.parametrize("size", [("h", "w"), (64, 64)], ids=["free", "fixed"])
def test_the_hole_takes_the_networks_colour_and_the_rest_is_kept(tmp_path, size, scale):
    pixels, hole = grey((96, 128))
    painter = LearnedPainter(network(tmp_path / "n.onnx", size=size, scale=scale))
    out = painter.paint(pixels, hole)
    np.testing.assert_array_equal(out[~hole], pixels[~hole])
    middle = out[44:52, 60:68].reshape(-1, 3)
    np.testing.assert_allclose(middle, np.broadcast_to(GREEN, middle.shape), atol=0.02)


def test_detail_finer_than_the_networks_pixels_is_that_of_the_photo(tmp_path):
    """Stripes 4 px wide, shown at an eighth of the size: the network sees grey, and says green."""
    pixels = np.full((512, 512, 3), 0.2, f32)
    pixels[:, (np.arange(512) // 4) % 2 == 1] = 0.6
    hole = np.zeros((512, 512), bool)
    hole[200:312, 200:312] = True
    out = LearnedPainter(network(tmp_path / "n.onnx", size=(32, 32))).paint(pixels, hole)
    middle = out[236:276, 236:276]
    assert middle[..., 1].mean() > 0.8
    assert np.ptp(middle[..., 1].mean(0)) > 0.2


def test_what_is_no_source_is_not_shown_to_the_network(tmp_path):
    """Told to keep what it sees, it paints grey: the red beside the hole is hidden from it."""
    pixels, hole = grey((96, 96))
    pixels = pixels.copy()
    red = np.zeros(hole.shape, bool)
    red[32:64, 64:80] = True
    pixels[red] = [1, 0, 0]
    path = network(tmp_path / "n.onnx", colour=[0.5, 0.5, 0.5])
    out = LearnedPainter(path).paint(pixels, hole, ~hole & ~red)
    assert np.ptp(out[hole], axis=-1).max() < 1e-3


def test_no_hole_and_no_source_are_left_to_the_patches(tmp_path):
    pixels, hole = grey((40, 40))
    painter = LearnedPainter(network(tmp_path / "n.onnx"))
    np.testing.assert_array_equal(painter.paint(pixels, np.zeros_like(hole)), pixels)
    assert np.isfinite(painter.paint(pixels, np.ones_like(hole))).all()


def test_several_holes_report_progress_and_can_be_cancelled(tmp_path):
    pixels, _ = grey((300, 900))
    hole = np.zeros((300, 900), bool)
    hole[140:160, 100:120] = hole[140:160, 780:800] = True
    painter = LearnedPainter(network(tmp_path / "n.onnx"))
    told = []
    painter.paint(pixels, hole, progress=told.append)
    assert told == [0.5, 1.0]

    def stop(share):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        painter.paint(pixels, hole, progress=stop)


def test_other_files_are_refused_in_one_line(tmp_path):
    text = tmp_path / "text.onnx"
    text.write_text("no network")
    wrong = network(tmp_path / "wrong.onnx", mask_channels=3)
    for path, words in (
        (tmp_path / "none.onnx", "is not there"),
        (text, "cannot be read as an ONNX file"),
        (wrong, r"expected a picture \(1, 3, H, W\) and a mask \(1, 1, H, W\)"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            LearnedPainter(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_answer_that_is_no_picture_is_refused(tmp_path):
    pixels, hole = grey((64, 64))
    path = network(tmp_path / "n.onnx", colour=[float("nan")] * 3)
    with pytest.raises(ModelError, match="finite picture"):
        LearnedPainter(path).paint(pixels, hole)
    with pytest.raises(ShapeError, match="hole"):
        LearnedPainter(path).paint(pixels, hole[1:])
