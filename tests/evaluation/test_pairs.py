"""Folders of photos with known depth: what is found in them and what is refused."""

import json

import cv2
import numpy as np
import OpenEXR
import pytest
from folders import SHAPE, metres, save_indexed, save_photo

from depthfx.depth import Depth
from depthfx.engine.depth_write import write_depth
from depthfx.errors import DepthError, DepthfxError, PhotoError
from depthfx.evaluation.pairs import decoded, pairs_in

f32, u16 = np.float32, np.uint16


def only(folder):
    (item,) = pairs_in(folder)
    return item.load()


def plain(folder, save, told=None):
    save_photo(folder / "a.jpg")
    save(folder)
    if told is not None:
        (folder / "a.json").write_text(json.dumps(told))
    return folder


def save_metres(folder):
    np.save(folder / "a.npy", metres())


def save_inverse(folder):
    np.savez(folder / "a.npz", inverse=1 / metres())


def save_millimetres(folder):
    values = np.rint(metres() * 1000).astype(u16)
    values[0] = 0
    cv2.imwrite(str(folder / "a.png"), values)


def save_float_tiff(folder):
    cv2.imwrite(str(folder / "a.tiff"), metres())


def save_exr(folder):
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Z": metres()}).write(str(folder / "a.exr"))


def test_codes_are_inverse_depth_evenly_in_its_logarithm():
    inverse, known = decoded(np.array([[0, 1, 2, 2045, 4089]], u16))
    # The middle code is the geometric mean of 1/300 and 10.
    expected = [0, 0, 1 / 300 * 3000 ** (1 / 4088), (10 / 300) ** 0.5, 10]
    np.testing.assert_allclose(inverse[0], expected, rtol=1e-6)
    assert known.tolist() == [[False, True, True, True, True]]


def test_neighbouring_codes_differ_as_the_description_says():
    inverse, _ = decoded(np.arange(2, 4090, dtype=u16)[None])
    np.testing.assert_allclose(inverse[0, 1:] / inverse[0, :-1] - 1, 0.00196, atol=1e-5)


@pytest.mark.parametrize("codes", [np.array([[4090]], u16), np.array([[7]], np.uint8)])
def test_other_codes_are_refused(codes):
    with pytest.raises(DepthError, match="expected 16 bit to 4089"):
        decoded(codes)


def test_codes_are_read_as_their_own_library_reads_them(shared):
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("codec", shared / "rgbd" / "codec.py")
    codec = module_from_spec(spec)
    spec.loader.exec_module(codec)
    codes = np.arange(4090, dtype=u16)[None]
    theirs, valid = codec.decode(codes)
    inverse, known = decoded(codes)
    np.testing.assert_array_equal(known, valid)
    np.testing.assert_allclose(inverse[codes != 1], theirs[codes != 1], rtol=1e-6)


def test_an_index_tells_of_each_pair(tmp_path):
    codes = np.full(SHAPE, 4089, u16)
    codes[:, :10] = 0
    save_indexed(tmp_path / "rooms", {"x": codes, "y": codes}, unit="metric", fx=70.5, edges=False)
    save_indexed(tmp_path / "stills", {"z": codes}, unit="relative", fx=None)
    items = pairs_in(tmp_path)
    assert [(item.source, item.name) for item in items] == [
        ("rooms", "x"),
        ("rooms", "y"),
        ("stills", "z"),
    ]
    first, last = items[0].load(), items[-1].load()
    assert (first.metric, first.edges, first.focal_px) == (True, False, 70.5)
    assert first.photo.camera.known_focal_px == 70.5
    assert (last.metric, last.edges, last.focal_px) == (False, True, None)
    assert last.photo.camera.known_focal_px is None
    assert first.known.mean() == pytest.approx(54 / 64)
    assert set(np.unique(first.truth)) == {0, 10}


def test_an_index_without_units_is_one_of_mattes(tmp_path):
    matte = np.zeros(SHAPE, np.uint8)
    matte[:, 32:] = 255
    pair = only(save_indexed(tmp_path, {"x": matte}, kind="person"))
    assert pair.truth is None
    np.testing.assert_array_equal(pair.matte, matte / 255)


@pytest.mark.parametrize(
    "save", [save_metres, save_inverse, save_millimetres, save_float_tiff, save_exr]
)
def test_plain_files_hold_metric_depth(tmp_path, save):
    pair = only(plain(tmp_path, save))
    assert pair.metric
    assert pair.focal_px is None
    np.testing.assert_allclose(pair.truth[pair.known], 1 / metres()[pair.known], rtol=1e-3)
    assert pair.known.sum() == metres().size - (64 if save is save_millimetres else 0)


def test_what_is_unknown_in_a_plain_file_is_not_known(tmp_path):
    z = metres()
    z[3, 4], z[5, 6], z[7, 8], z[9, 10] = np.nan, 0, -1, np.inf
    pair = only(plain(tmp_path, lambda folder: np.save(folder / "a.npy", z)))
    assert not pair.known[3, 4]
    assert not pair.known[5, 6]
    assert not pair.known[7, 8]
    assert pair.known[9, 10]
    assert pair.truth[9, 10] == 0  # infinitely far is known


def test_a_json_tells_what_the_file_does_not(tmp_path):
    told = {"unit": "relative", "polarity": "far-white", "focal_px": 80, "edges": False}
    pair = only(plain(tmp_path, save_metres, told))
    assert not pair.metric
    assert (pair.focal_px, pair.edges) == (80, False)
    ratio = pair.truth * metres()
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)  # up to one factor


def test_depth_written_by_depthfx_comes_back_with_its_sidecar(tmp_path):
    photo = save_photo(tmp_path / "a.jpg")
    depth = Depth(1 / metres(), True, "made up")
    from depthfx.photo.read import read_photo

    write_depth(depth, read_photo(photo).camera, tmp_path / "a.npy", source=photo)
    pair = only(tmp_path)
    np.testing.assert_array_equal(pair.truth, depth.inverse)
    assert pair.metric
    assert pair.known.all()


def test_mattes_stand_beside_their_photos(tmp_path):
    matte = np.zeros(SHAPE, np.uint8)
    matte[10:20] = 255
    for name in ("a", "b"):
        save_photo(tmp_path / f"{name}.jpg")
        cv2.imwrite(str(tmp_path / f"{name}.matte.png"), matte)
    np.save(tmp_path / "a.npy", metres())
    both, matte_only = (item.load() for item in pairs_in(tmp_path))
    assert both.truth is not None
    assert both.matte.sum() == 640
    assert matte_only.truth is None
    assert matte_only.matte.sum() == 640


def test_photos_without_depth_are_no_pairs_and_a_png_can_be_either(tmp_path):
    save_photo(tmp_path / "alone.jpg")
    save_photo(tmp_path / "photo.png")
    np.save(tmp_path / "photo.npy", metres())
    save_photo(tmp_path / "other.JPG")
    cv2.imwrite(str(tmp_path / "other.png"), np.full(SHAPE, 3000, u16))
    assert [item.name for item in pairs_in(tmp_path)] == ["other", "photo"]


def test_a_folder_without_pairs_is_refused(tmp_path):
    save_photo(tmp_path / "alone.jpg")
    with pytest.raises(DepthfxError, match="holds no pairs: expected <id>"):
        pairs_in(tmp_path)
    with pytest.raises(DepthfxError, match="is no folder"):
        pairs_in(tmp_path / "nowhere")


def corrupt_depth(folder):
    (folder / "a.npy").write_bytes(b"nothing of the kind")


def nan_depth(folder):
    np.save(folder / "a.npy", np.full(SHAPE, np.nan, f32))


@pytest.mark.parametrize(
    ("save", "told", "words"),
    [
        (corrupt_depth, None, "a.npy cannot be read"),
        (nan_depth, None, "a.npy holds no depth"),
        (save_metres, {"units": "m"}, "a.json: expected an object with no more than unit"),
        (save_metres, ["m"], "a.json: expected an object"),
        (save_metres, {"focal_px": "70"}, "a.json: focal_px='70' is no number"),
        (save_metres, {"focal_px": -3}, "focal_px=-3"),
        (save_metres, {"edges": 1}, "a.json: edges=1 is no bool"),
        (save_metres, {"unit": "parsec"}, "unit='parsec'"),
        (save_metres, {"unit": 3}, "a.json: unit=3 is no str"),
        (save_metres, {"near_m": 1}, "near_m and far_m"),
    ],
)
def test_a_bad_plain_pair_is_refused_in_one_line(tmp_path, save, told, words):
    with pytest.raises(DepthfxError) as caught:
        only(plain(tmp_path, save, told))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_json_is_refused(tmp_path):
    plain(tmp_path, save_metres)
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DepthError, match=r"a\.json cannot be read"):
        only(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"items": [{"name": 1}]}', '{"items": [3]}', '{"items": [{"id": 3}]}'],
)
def test_a_broken_index_is_one_bad_pair(tmp_path, text):
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(DepthError, match=r"index.json is no index .*: expected items"):
        only(tmp_path)


def test_a_bad_indexed_pair_is_refused(tmp_path):
    good, empty = np.full(SHAPE, 9, u16), np.zeros(SHAPE, u16)
    save_indexed(tmp_path, {"no-photo": good, "no-depth": good, "empty": empty}, unit="metric")
    (tmp_path / "no-photo.jpg").unlink()
    (tmp_path / "no-depth.png").unlink()
    errors = []
    for item in pairs_in(tmp_path):
        with pytest.raises((DepthError, PhotoError)) as caught:
            item.load()
        errors.append(str(caught.value))
    assert "no-photo.jpg: no such file" in errors[0]
    assert "no-depth.png is missing, damaged or not a grey PNG" in errors[1]
    assert "empty.png holds no depth at all" in errors[2]


def test_a_matte_of_another_size_is_refused(tmp_path):
    folder = save_indexed(tmp_path, {"x": np.zeros((9, 9), np.uint8)})
    with pytest.raises(DepthError, match=r"x.png is \(9, 9\), the photo is \(48, 64\)"):
        only(folder)


def test_an_index_cannot_point_out_of_its_folder(tmp_path):
    save_photo(tmp_path / "secret.jpg")
    cv2.imwrite(str(tmp_path / "secret.png"), np.full(SHAPE, 9, u16))
    folder = save_indexed(tmp_path / "in", {}, unit="metric")
    (folder / "index.json").write_text('{"items": [{"id": "../secret", "unit": "metric"}]}')
    (item,) = pairs_in(folder)
    with pytest.raises(PhotoError, match="no such file"):
        item.load()
