"""Folders of pairs: three forms, one loader; what is wrong is said in one line."""

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from tests.training.tiny import write_index, write_mattes, write_scenes

from depthfx.errors import DepthfxError
from depthfx.training import folders
from depthfx.training.folders import decode_inverse, encode_inverse, read_folder

f32 = np.float32


@given(st.floats(1 / 300, 10))
def test_codes_are_good_to_a_thousandth(inverse):
    decoded = decode_inverse(encode_inverse(np.full((2, 3), inverse, f32)))
    np.testing.assert_allclose(decoded, inverse, rtol=0.001)


def test_unknown_stays_unknown_and_the_sky_is_far():
    inverse = np.array([[0.0, 0.5]], f32)
    codes = encode_inverse(inverse, np.array([[True, False]]))
    np.testing.assert_allclose(decode_inverse(codes), [[1 / 300, 0]], rtol=1e-6)


def test_rendered_scenes_are_read_as_they_were_written(tmp_path):
    write_scenes(tmp_path / "scenes")
    pairs = read_folder(tmp_path / "scenes")
    assert len(pairs) == 3
    assert all(pair.metric and pair.synthetic and pair.sharp for pair in pairs)
    assert pairs[0].focal_share == pytest.approx(1.1)
    inverse = decode_inverse(pairs[0].read_codes())
    np.testing.assert_allclose(inverse[0], np.linspace(0.1, 1, 120), rtol=0.002)
    assert pairs[0].read_photo().shape == (*pairs[0].size, 3)


def test_a_folder_of_mattes_needs_no_word_on_depth(tmp_path):
    write_mattes(tmp_path / "mattes")
    pair = read_folder(tmp_path / "mattes")[0]
    assert pair.codes is None
    assert pair.kind == "person"
    assert pair.read_matte()[48, 40] == 255
    assert pair.read_photo()[48, 40, 0] > 200  # RGB: the disc is red


METRES = np.linspace(0.6, 9.0, 60, dtype=f32)[None].repeat(40, 0)


def _depth_camera(folder, suffix, write, **keys):
    cv2.imwrite(str(folder / "a.jpg"), np.full((80, 120, 3), 128, np.uint8))
    write(folder / f"a_depth.{suffix}")
    write_index(folder, depth=f"{{id}}_depth.{suffix}", focal_px=90.0, items=[{"id": "a"}], **keys)
    return read_folder(folder)[0]


@pytest.mark.parametrize(
    ("suffix", "write", "keys"),
    [
        ("png", lambda p: cv2.imwrite(str(p), np.rint(METRES * 1000).astype(np.uint16)),
         {"kind": "depth", "unit": "mm"}),
        ("npy", lambda p: np.save(p, METRES), {"kind": "depth", "unit": "m"}),
        ("tiff", lambda p: tifffile.imwrite(p, 1 / METRES), {"kind": "inverse", "unit": "1/m"}),
    ],
)  # fmt: skip
def test_plain_depth_of_any_kind_becomes_the_same_codes(tmp_path, suffix, write, keys):
    """The depth map is half the photo's size: it is brought to it, nearest value first."""
    pair = _depth_camera(tmp_path, suffix, write, **keys)
    assert pair.metric
    assert pair.focal_share == pytest.approx(90 / 120)
    inverse = decode_inverse(pair.read_codes())
    assert inverse.shape == pair.size == (80, 120)
    np.testing.assert_allclose(inverse[::2, ::2], 1 / METRES, rtol=0.004)


def test_holes_and_the_mask_are_unknown(tmp_path):
    holed = np.rint(METRES * 1000).astype(np.uint16)
    holed[:10] = 0
    mask = np.full(holed.shape, 255, np.uint8)
    mask[:, :10] = 0
    cv2.imwrite(str(tmp_path / "a_valid.png"), mask)
    pair = _depth_camera(
        tmp_path, "png", lambda p: cv2.imwrite(str(p), holed),
        kind="depth", unit="mm", mask="{id}_valid.png",
    )  # fmt: skip
    known = pair.read_codes() > 0
    assert not known[:20].any()
    assert not known[:, :20].any()
    assert known[20:, 20:].all()


def test_large_photos_are_shrunk_and_the_view_stays(tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), np.full((900, 1200, 3), 128, np.uint8))
    np.save(tmp_path / "a.npy", np.full((900, 1200), 2, f32))
    write_index(tmp_path, kind="depth", unit="m", depth="{id}.npy",
                items=[{"id": "a", "focal_px": 1500.0}])  # fmt: skip
    pair = read_folder(tmp_path)[0]
    assert pair.size == (480, 640)
    assert pair.read_photo().shape == (480, 640, 3)
    assert pair.focal_share == pytest.approx(1.25)
    np.testing.assert_allclose(decode_inverse(pair.read_codes()), 0.5, rtol=0.001)


def test_memory_is_that_of_compressed_pictures(tmp_path):
    """4000 scenes of 512 x 384 have to fit into 5 GB: 1.25 MB each."""
    rng = np.random.default_rng(0)
    noisy = cv2.GaussianBlur(rng.integers(0, 255, (384, 512, 3), np.uint8), (0, 0), 1)
    inverse = cv2.GaussianBlur(rng.random((384, 512), f32), (0, 0), 3)
    cv2.imwrite(str(tmp_path / "a.jpg"), noisy)
    cv2.imwrite(str(tmp_path / "a.png"), encode_inverse(inverse))
    item = {"id": "a", "width": 512, "height": 384, "fx": 500.0, "unit": "metric"}
    write_index(tmp_path, items=[item])
    pair = read_folder(tmp_path)[0]
    assert len(pair.photo) + len(pair.codes) < 0.6e6


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "index.json").unlink(), ["index.json", "cannot be read"]),
        (lambda f: (f / "index.json").write_text("{"), ["index.json", "no JSON"]),
        (lambda f: write_index(f, items=[]), ["index.json", "items"]),
        (lambda f: write_index(f, items=[{"id": "0", "fx": -1}]), ["index.json", "fx"]),
        (lambda f: (f / "1.jpg").unlink(), ["1.jpg", "cannot be read"]),
        (lambda f: (f / "1.png").write_bytes(b"no"), ["1.jpg", "no picture"]),
        (lambda f: cv2.imwrite(str(f / "1.png"), np.zeros((96, 120), np.uint8)), ["1.jpg", "16"]),
        (lambda f: cv2.imwrite(str(f / "1.png"), np.zeros((9, 9), np.uint16)), ["1.jpg", "9 x 9"]),
        (lambda f: write_index(f, kind="depth", unit="1/m", items=[{"id": "0"}]),
         ["index.json", "contradict"]),
        (lambda f: write_index(f, kind="depth", items=[{"id": "0"}]), ["index.json", "unit"]),
        (lambda f: write_index(f, items=[{"id": "0", "unit": "metric"}]),
         ["index.json", "item 0", "focal"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path, spoil, words):
    write_scenes(tmp_path / "s")
    spoil(tmp_path / "s")
    with pytest.raises(DepthfxError) as caught:
        folders.check_folder(tmp_path / "s")
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_check_tells_what_is_in_a_folder(tmp_path):
    write_scenes(tmp_path / "s")
    told = folders.check_folder(tmp_path / "s")
    assert "3 photos, 3 with depth (3 in metres), 0 with a matte" in told
