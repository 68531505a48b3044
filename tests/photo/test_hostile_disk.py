"""A full disk, a folder that may not be written, a process killed while it writes, links
planted where the output goes: the old file is there whole, or the new one is."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from apart import apart
from hostile_work import killed, locked_out, picture, refusal

from depthfx.errors import PhotoError
from depthfx.photo.encode import WRITTEN
from depthfx.photo.read import read_photo
from depthfx.photo.whole import written_whole
from depthfx.photo.write import write_photo

SUFFIXES = tuple({form.name: suffix for suffix, form in reversed(WRITTEN.items())}.values())
"""One for each format."""
OLD = b"the old file"
NOBODY = 65534
MOMENTS = 6


def only(target: Path) -> bool:
    """Nothing is in the folder but the file as it was."""
    return list(target.parent.iterdir()) == [target] and target.read_bytes() == OLD


@pytest.fixture
def old(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a file that is to stay as it is, alone in its folder."""

    def make(suffix: str, folder: Path = tmp_path / "out") -> Path:
        folder.mkdir(exist_ok=True)
        target = folder / f"out{suffix}"
        target.write_bytes(OLD)
        return target

    return make


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_more_room_half_way(suffix: str, old: Callable[..., Path]) -> None:
    """The file may not grow beyond 4 kB: in the middle of the picture's data, for any format."""
    target = old(suffix)
    ended = apart(refusal, str(target), 128, 4096)
    assert ended.problem == ""
    assert ended.said.startswith(f"{target}: ")
    assert "\n" not in ended.said
    assert only(target)


ON_A_FULL_DISK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from hostile_work import refusal
from test_hostile_disk import OLD, SUFFIXES, only
for suffix in SUFFIXES:
    target = Path(sys.argv[2], "out" + suffix)
    target.write_bytes(OLD)
    said = refusal(str(target), 256)
    assert said.startswith(f"{target}: cannot be written: No space left"), said
    assert only(target), list(target.parent.iterdir())
    target.unlink()
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """In a small file system of its own, where such a one can be made."""
    mount = f"mount -t tmpfs -o size=24k none {tmp_path}"
    apart_from_all = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*apart_from_all, mount]).returncode:
        pytest.skip("no file system can be mounted here")
    command = f'{mount} && exec "$0" -c "$1" "$2" {tmp_path}'
    done = subprocess.run(
        [*apart_from_all, command, sys.executable, ON_A_FULL_DISK, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def anybodys_folder() -> Iterator[Path]:
    """One that other users can look into, unlike pytest's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_may_not_be_written(suffix: str, anybodys_folder: Path) -> None:
    target = anybodys_folder / f"out{suffix}"
    target.write_bytes(OLD)
    anybodys_folder.chmod(0o555)
    ended = apart(refusal, str(target), 8, 0, NOBODY)
    assert ended.problem == ""
    assert ended.said == f"{target}: cannot be written: Permission denied"
    assert only(target)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_killed_while_writing(suffix: str, old: Callable[..., Path]) -> None:
    """Whenever it is killed, the file is the old one or the new one. What else is left is
    named as ours and for the user's eyes only."""
    target = old(suffix)
    target.chmod(0o600)
    first, last, calls = apart(killed, str(target), 0).said
    new = target.read_bytes()
    seen, parts = set(), 0
    spread = np.linspace(first, last, MOMENTS).astype(int)
    for moment in (1, first - 1, *spread.tolist(), last + 1, (last + calls) // 2):
        target.write_bytes(OLD)
        ended = apart(killed, str(target), moment)
        if not ended.problem:  # it came through: another run may make a few calls less
            continue
        assert ended.problem == f"died with exit code {-signal.SIGKILL}"
        found = target.read_bytes()
        if found != OLD:
            assert len(found) == len(new)
            read_photo(target)
        seen.add(found == OLD)
        for left in set(target.parent.iterdir()) - {target}:
            assert left.name.startswith(".depthfx-")
            assert left.name.endswith(".part")
            assert left.stat().st_mode & 0o077 == 0 or left.stat().st_size == 0
            left.unlink()
            parts += 1
    assert seen == {True, False}
    assert parts >= MOMENTS // 2


def test_what_is_being_written_is_private(tmp_path: Path) -> None:
    with written_whole(tmp_path / "out.bin") as file:
        file.write(b"x")
        (part,) = tmp_path.iterdir()
        assert part.stat().st_mode & 0o777 == 0o600


def test_a_link_planted_for_the_temporary_file_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even by one who could guess its name."""
    victim = tmp_path / "victim"
    victim.write_bytes(OLD)
    monkeypatch.setattr("secrets.token_hex", lambda *_: "guessed")
    (tmp_path / ".depthfx-guessed.part").symlink_to(victim)
    with (
        pytest.raises(PhotoError, match=r"out\.bin: cannot be written"),
        written_whole(tmp_path / "out.bin") as file,
    ):
        file.write(b"x")
    assert victim.read_bytes() == OLD


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_that_appears_while_writing_is_not_followed(tmp_path: Path, overwrite: bool) -> None:
    victim, target = tmp_path / "victim", tmp_path / "out.bin"
    victim.write_bytes(OLD)

    def raced() -> None:
        with written_whole(target, overwrite=overwrite) as file:
            file.write(b"new")
            target.symlink_to(victim)

    if overwrite:
        raced()
        assert not target.is_symlink()
        assert target.read_bytes() == b"new"
    else:
        with pytest.raises(PhotoError, match="--overwrite"):
            raced()
    assert victim.read_bytes() == OLD


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_output_that_is_a_link_is_refused(suffix: str, old: Callable[..., Path]) -> None:
    victim = old(suffix)
    link = victim.with_name(f"link{suffix}")
    link.symlink_to(victim)
    with pytest.raises(PhotoError, match="is a link"):
        write_photo(picture(8), link, overwrite=True)
    link.unlink()
    assert only(victim)


def test_a_file_that_may_not_be_read(anybodys_folder: Path) -> None:
    path = anybodys_folder / "locked.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    path.chmod(0)
    ended = apart(locked_out, str(path), NOBODY)
    assert ended.problem == ""
    assert ended.said == f"{path}: cannot be read: Permission denied"


def test_a_folder_that_may_not_be_looked_into(anybodys_folder: Path) -> None:
    target = anybodys_folder / "closed" / "out.png"
    target.parent.mkdir()
    target.parent.chmod(0o600)
    ended = apart(refusal, str(target), 8, 0, NOBODY)
    assert ended.problem == ""
    assert ended.said == f"{target}: cannot be written: Permission denied"


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".png", "a\0b.png", "/".join(["x" * 200] * 25) + ".png"]
)
def test_a_name_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        write_photo(picture(8), tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "a\0b.png"])
def test_a_photo_of_a_name_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(PhotoError) as caught:
        read_photo(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
