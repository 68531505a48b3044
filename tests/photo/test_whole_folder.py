"""Folders written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from depthfx.errors import PhotoError
from depthfx.photo.whole import SIDECAR, check_folder, written_folder


def fill(folder, text="new"):
    (folder / SIDECAR).write_text("{}")
    (folder / "layer.txt").write_text(text)


def test_a_folder_appears_when_all_of_it_is_there(tmp_path):
    target = tmp_path / "shot"
    with written_folder(target) as folder:
        fill(folder)
        assert not target.exists()
    assert sorted(p.name for p in target.iterdir()) == [SIDECAR, "layer.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["shot"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
def test_a_failure_leaves_what_was_there(tmp_path, failure):
    target = tmp_path / "shot"
    with written_folder(target) as folder:
        fill(folder, "old")
    with pytest.raises(failure), written_folder(target, overwrite=True) as folder:  # noqa: PT012
        fill(folder)
        raise failure
    assert (target / "layer.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["shot"]


@pytest.mark.parametrize("moment", [1, 2])
def test_ctrl_c_while_the_folders_change_places_leaves_one_of_them(tmp_path, monkeypatch, moment):
    target = tmp_path / "shot"
    with written_folder(target) as folder:
        fill(folder, "old")
    renamed = []

    def rename(path, other, real=Path.rename):
        real(path, other)
        renamed.append(path)
        if len(renamed) == moment:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt), written_folder(target, overwrite=True) as folder:
        fill(folder)
    assert (target / "layer.txt").read_text() == ("old" if moment == 1 else "new")
    assert [p.name for p in tmp_path.iterdir()] == ["shot"]


def test_a_file_that_cannot_be_written_is_told_by_the_name_it_would_have_had(tmp_path):
    target = tmp_path / "shot"
    with pytest.raises(PhotoError) as caught, written_folder(target) as folder:
        raise PhotoError(f"{folder / 'layer.png'}: cannot be written: disk full")
    assert str(caught.value) == f"{target / 'layer.png'}: cannot be written: disk full"


@pytest.mark.parametrize("name", ["n" * 300, "with\0zero"])
def test_a_name_that_no_folder_can_have_is_told_as_such(tmp_path, name):
    with pytest.raises(PhotoError, match=r"too long|can have this name"):
        check_folder(tmp_path / name)


def test_overwriting_replaces_the_whole_folder(tmp_path):
    target = tmp_path / "shot"
    with written_folder(target) as folder:
        fill(folder)
        (folder / "only before").write_text("")
    with pytest.raises(PhotoError, match="--overwrite"), written_folder(target):
        pass
    with written_folder(target, overwrite=True) as folder:
        fill(folder, "again")
    assert sorted(p.name for p in target.iterdir()) == [SIDECAR, "layer.txt"]
    assert (target / "layer.txt").read_text() == "again"


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path):
    target = tmp_path / "holiday"
    target.mkdir()
    (target / "photo.jpg").write_text("precious")
    with pytest.raises(PhotoError, match="did not write"), written_folder(target, overwrite=True):
        pass
    assert (target / "photo.jpg").read_text() == "precious"


def test_a_folder_that_holds_the_photo_is_never_replaced(tmp_path):
    target = tmp_path / "shot"
    with written_folder(target) as folder:
        fill(folder)
    photo = target / "photo.jpg"
    photo.write_text("precious")
    with (
        pytest.raises(PhotoError, match="holds the photo"),
        written_folder(target, overwrite=True, source=photo),
    ):
        pass
    assert photo.exists()


def test_a_file_or_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        with (
            pytest.raises(PhotoError, match="not a folder"),
            written_folder(tmp_path / name, overwrite=True),
        ):
            pass


def test_what_the_system_refuses_is_one_line_that_names_the_folder(tmp_path):
    with pytest.raises(PhotoError, match="shot: cannot be written: No space"):  # noqa: SIM117
        with written_folder(tmp_path / "shot"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not any(tmp_path.iterdir())
