"""The folder of rendered scenes: the same for the same seed, whole after a kill."""

import json

import cv2
import numpy as np
import pytest

from depthfx.errors import ParameterError
from depthfx.training.folders import decode_inverse, read_folder
from depthfx.training.scenes import folder

WIDTH = 48


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    out = tmp_path_factory.mktemp("scenes") / "new"
    folder.write_folder(out, 3, seed=7, width=WIDTH, processes=1)
    return out


def contents(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_every_item_is_read_as_a_training_pair(rendered):
    pairs = read_folder(rendered)
    items = json.loads((rendered / "index.json").read_text())["items"]
    assert len(pairs) == len(items) == 3
    for pair, item in zip(pairs, items, strict=True):
        assert pair.metric
        assert pair.sharp
        assert pair.size[1] == WIDTH
        assert pair.read_photo().shape == (*pair.size, 3)
        assert (pair.matte is not None) == item["matte"]
        assert item["kind"] in folder.KINDS


def test_stored_depth_is_the_scenes(rendered):
    drawn = folder.draw(7 * 10_000_000 + 1, WIDTH)
    codes = cv2.imread(str(rendered / "00001.png"), cv2.IMREAD_UNCHANGED)
    near = drawn.rendered.inverse > 1 / 290
    np.testing.assert_allclose(decode_inverse(codes)[near], drawn.rendered.inverse[near], rtol=2e-3)
    assert (codes[drawn.rendered.inverse == 0] == 1).all()  # the sky
    item = json.loads((rendered / "index.json").read_text())["items"][1]
    assert item["fx"] == pytest.approx(drawn.rendered.focal_share * WIDTH)


def test_a_killed_run_goes_on_and_ends_the_same(rendered, tmp_path):
    whole = contents(rendered)
    index = json.loads(whole["index.json"])
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "index.json").write_text(json.dumps({**index, "items": index["items"][:2]}))
    (tmp_path / "00002.jpg").write_bytes(b"half")
    kept = (tmp_path / "00000.jpg").stat().st_mtime_ns
    folder.write_folder(tmp_path, 3, seed=7, width=WIDTH, processes=1)
    assert contents(tmp_path) == whole
    assert (tmp_path / "00000.jpg").stat().st_mtime_ns == kept


@pytest.mark.slow  # two fresh interpreters
def test_two_processes_write_what_one_writes(rendered, tmp_path):
    folder.write_folder(tmp_path / "two", 3, seed=7, width=WIDTH, processes=2)
    assert contents(tmp_path / "two") == contents(rendered)


def test_shares_make_a_whole():
    assert sum(share for _, share in folder.KINDS.values()) == pytest.approx(1)


def test_a_wall_is_flat_and_a_floor_is_not():
    wall = np.full((20, 20), 0.5, np.float32)
    floor = np.linspace(0.1, 0.9, 20, dtype=np.float32)[:, None] * np.ones((1, 20), np.float32)
    assert folder.is_flat(wall)
    assert not folder.is_flat(floor)
    assert folder.is_flat(np.full((20, 20), 12, np.float32) * floor)  # it touches the lens


def test_another_seed_in_the_same_folder_is_refused(rendered):
    with pytest.raises(ParameterError, match="begun with seed 7 and width 48, not 8 and 48"):
        folder.write_folder(rendered, 3, seed=8, width=WIDTH)


def test_a_foreign_index_is_refused(tmp_path):
    (tmp_path / "index.json").write_text('{"items": []}')
    with pytest.raises(ParameterError, match="no index of rendered scenes"):
        folder.write_folder(tmp_path, 1, seed=1)


@pytest.mark.parametrize("wrong", [{"count": -1}, {"width": 8}, {"processes": 0}])
def test_numbers_below_their_bounds_are_refused(tmp_path, wrong):
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} = "):
        folder.write_folder(tmp_path, **{"count": 1, "seed": 1, **wrong})
