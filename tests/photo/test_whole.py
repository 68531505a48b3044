"""A target is written whole, or is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthfx.errors import PhotoError
from depthfx.photo.whole import written_whole


def test_new_file_has_all_bytes_and_leaves_no_other(tmp_path: Path) -> None:
    with written_whole(tmp_path / "a.bin") as file:
        file.write(b"whole")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.bin"]


def test_a_failure_half_way_leaves_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"before")

    def stopped_half_way() -> None:
        with written_whole(target, overwrite=True) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.bin"]


def test_nobody_else_reads_what_is_half_written(tmp_path: Path) -> None:
    usual, secret = tmp_path / "usual", tmp_path / "secret"
    for target in (usual, secret):
        target.write_bytes(b"before")
    secret.chmod(0o640)
    with written_whole(secret, overwrite=True), written_whole(tmp_path / "new"):
        parts = list(tmp_path.glob(".depthfx-*.part"))
        assert [part.stat().st_mode & 0o777 for part in parts] == [0o600, 0o600]
    assert secret.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "new").stat().st_mode == usual.stat().st_mode


def test_an_existing_file_stays_without_overwrite(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    target.write_bytes(b"before")
    with (
        pytest.raises(PhotoError, match=r"a\.bin: exists already; --overwrite"),
        written_whole(target),
    ):
        pass
    with written_whole(target, overwrite=True) as file:
        file.write(b"after")
    assert target.read_bytes() == b"after"


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"

    def raced() -> None:
        with written_whole(target) as file:
            file.write(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(PhotoError, match="--overwrite"):
        raced()
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.bin"]


@pytest.mark.parametrize("spelling", ["in.jpg", "../{folder}/in.jpg", "hardlink.jpg"])
def test_the_input_is_never_written_over(tmp_path: Path, spelling: str) -> None:
    source = tmp_path / "in.jpg"
    source.write_bytes(b"photo")
    (tmp_path / "hardlink.jpg").hardlink_to(source)
    target = tmp_path / spelling.format(folder=tmp_path.name)
    with (
        pytest.raises(PhotoError, match=r"is the photo itself.*--overwrite"),
        written_whole(target, overwrite=True, source=source),
    ):
        pass
    assert source.read_bytes() == b"photo"


def test_links_folders_and_missing_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "folder").mkdir()
    for name, words in (
        ("link", "is a link"),
        ("folder", "is not a file"),
        ("none/a.bin", "does not exist"),
    ):
        with pytest.raises(PhotoError, match=words), written_whole(tmp_path / name, overwrite=True):
            pass
    assert not (tmp_path / "elsewhere").exists()


def test_new_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with written_whole(tmp_path / "ours"):
        pass
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
