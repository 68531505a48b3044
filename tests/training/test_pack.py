"""Archives give the folders back and keep within their size."""

import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depthfx.errors import ParameterError
from depthfx.training.pack import pack


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(0, 40_000), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_unpacked_they_are_the_folder_again(tmp_path_factory, sizes, seed):
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "index.json").write_text('{"items": []}')
    for number, size in enumerate(sizes):
        (folder / f"{number:03d}.jpg").write_bytes(bytes([(seed + number) % 256]) * size)
    out = tmp_path_factory.mktemp("archives")
    archives = pack([folder], out, megabytes=0.06)
    assert all(archive.stat().st_size <= 60_000 for archive in archives)
    back = tmp_path_factory.mktemp("back")
    for archive in reversed(archives):
        with tarfile.open(archive) as opened:
            opened.extractall(back, filter="data")
    found = {p.name: p.read_bytes() for p in (back / folder.name).iterdir()}
    assert found == {p.name: p.read_bytes() for p in folder.iterdir()}


def test_what_cannot_be_packed_is_said(tmp_path):
    with pytest.raises(ParameterError, match=r"no index\.json"):
        pack([tmp_path], tmp_path / "out")
    (tmp_path / "index.json").write_text("{}")
    (tmp_path / "a.jpg").write_bytes(bytes(100_000))
    with pytest.raises(ParameterError, match=r"a\.jpg does not fit"):
        pack([tmp_path], tmp_path / "out", megabytes=0.05)
    with pytest.raises(ParameterError, match="one name"):
        pack([tmp_path, tmp_path], tmp_path / "out")
