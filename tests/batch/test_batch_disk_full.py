"""Disks that are full, read-only or taken away: one line, and the same command goes on later.

The disks are real ones, small, in memory, mounted where only the process under test sees them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from PIL import Image

PRIVATE_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


def may_mount() -> bool:
    try:
        return not subprocess.run(
            [*PRIVATE_MOUNTS, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
        ).returncode
    except OSError:
        return False


pytestmark = pytest.mark.skipif(
    not may_mount(), reason="this system lets no process mount a disk of its own"
)

BEGIN = """
import json, os, subprocess, sys, time
from pathlib import Path
from depthfx.errors import DepthfxError

here, out = Path(sys.argv[1]), Path(sys.argv[1]) / "out"
out.mkdir(exist_ok=True)

def disk(size, *place, ro=False):
    again = "remount," if os.path.ismount(place[0] if place else out) else ""
    options = f"{again}size={size}" + (",ro" if ro else ",rw")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", *(place or [out])], check=True)

def batch(*more):
    words = ["batch", here / "look.toml", here / "in", "-o", out, "--jobs", 2, *more]
    ended = subprocess.run(
        [sys.executable, "-m", "depthfx", *map(str, words)], capture_output=True, text=True
    )
    return ended.returncode, ended.stderr

def results():
    return sorted(path.name for path in out.glob("*.jpg"))

def left():
    return sorted(path.name for path in (out / ".depthfx-batch").iterdir())
"""


def on_small_disks(folder: Path, script: str) -> dict[str, object]:
    """What `script` has printed last, as JSON."""
    code = BEGIN + textwrap.dedent(script)
    ended = subprocess.run(
        [*PRIVATE_MOUNTS, sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 0, ended.stderr
    values: dict[str, object] = json.loads(ended.stdout.splitlines()[-1])
    return values


def last_line(stderr: object) -> str:
    assert isinstance(stderr, str)
    assert "Traceback" not in stderr
    return stderr.strip().splitlines()[-1]


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """Nine photos that become results of some 60 kB each, with grain that no JPEG makes small."""
    photos = tmp_path / "in"
    photos.mkdir()
    for number in range(9):
        grain = Image.effect_noise((320, 240), 60 + number).convert("RGB")
        grain.save(photos / f"p{number}.jpg", quality=95)
    (tmp_path / "look.toml").write_text('depthfx = 1\n[[effect]]\nname = "bokeh"\nf_number = 8.0\n')
    return tmp_path


def test_a_journal_meets_a_disk_that_is_full_at_any_moment(tmp_path: Path) -> None:
    """Disks of every size, page by page, from one that holds nothing to one that holds all."""
    found = on_small_disks(
        tmp_path,
        """
        from depthfx.batch import deliver
        from depthfx.batch.job import Job, Result, Status
        from depthfx.batch.journal import Journal

        def work(job, staging):
            folder = staging / job.slot
            try:
                (folder / "deep" / "layers").mkdir(parents=True)
                (folder / job.target).parent.mkdir()
                (folder / job.target).write_bytes(os.urandom(9000))
                (folder / "deep" / "layers" / job.name).write_bytes(b"x" * 5000)
                (folder / "deep" / "layers" / "depthfx.json").write_bytes(b"{}")
                (folder / "deep" / "layers").rename(folder / "deep" / f"layers{job.name}")
            except OSError as error:
                fatal = deliver.is_fatal(error)
                return Result(job.name, "", Status.FAILED, error=str(error), fatal=fatal)
            made = (folder / job.target, folder / "deep" / f"layers{job.name}")
            return Result(job.name, job.source, Status.DONE,
                          tuple(deliver.written(path, folder) for path in made))

        def carry_out():
            with Journal(out, "look") as log:
                settled, left = log.split(jobs)
                done = [log.delivered(job, work(job, log.staging)) for job in left]
            return {result.name: str(result.status) for result in (*settled, *done)}

        (here / "photo").write_text("light")
        jobs = [Job(str(n), str(here / "photo"), f"day{n}/{n}.out", "recipe") for n in range(4)]
        seen = []
        for pages in range(1, 40):
            disk(f"{4 * pages}k")
            try:
                ends = carry_out()
                assert set(ends.values()) == {"done"}, ends
                words = ""
            except DepthfxError as error:
                words = str(error)
                assert words and "\\n" not in words and str(out) in words, words
            before = {p: p.read_bytes() for p in out.glob("day*/*.out")}
            disk("4m")
            ends = carry_out()
            assert set(ends.values()) <= {"done", "kept"}, ends
            assert all(p.read_bytes() == content for p, content in before.items()), pages
            assert len(list(out.glob("day*/*.out"))) == len(list(out.glob("deep/*/[0-9]"))) == 4
            assert left() == ["journal.jsonl", "lock"], left()
            assert not list(out.rglob("*.part"))
            seen.append([words, list(ends.values()).count("kept")])
            subprocess.run(["umount", out], check=True)
        print(json.dumps({"seen": seen}))
        """,
    )
    seen = found["seen"]
    assert isinstance(seen, list)
    assert seen[0][0]
    assert not seen[-1][0]
    assert {kept for _, kept in seen} == {0, 1, 2, 3, 4}
    assert all("No space left" in words for words, _ in seen if words)


def test_a_folder_of_the_results_may_be_on_another_disk(tmp_path: Path) -> None:
    """Then a rename is not enough; a copy that is cut short is made again."""
    found = on_small_disks(
        tmp_path,
        """
        from depthfx.batch import deliver

        staged, other = here / "staged", out / "day1"
        other.mkdir()
        disk("1m", other)
        ends = []
        for number, old in enumerate((None, "old")):
            staged.mkdir()
            (staged / "layers").mkdir()
            (staged / "layers" / "front").write_text(f"light {number}")
            (staged / "a.jpg").write_text(f"a {number}")
            near = other / deliver.part_name(other / "a.jpg")
            near.write_text("half")  # of a run that was killed
            for name in ("layers", "a.jpg"):
                deliver.put(staged / name, other / name)
            there = {p.relative_to(other).as_posix(): p.read_text()
                     for p in other.rglob("*") if p.is_file()}
            ends.append([there, [p.name for p in staged.iterdir()]])
            staged.rmdir()
        print(json.dumps({"ends": ends}))
        """,
    )
    assert found["ends"] == [
        [{"layers/front": f"light {number}", "a.jpg": f"a {number}"}, []] for number in range(2)
    ]


@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_with_more_room_it_goes_on(shoot: Path) -> None:
    found = on_small_disks(
        shoot,
        """
        disk("700k")
        full = batch("--no-cache", "--no-report")
        there = results()
        after = left()
        disk("20m")
        again = batch("--no-cache", "--no-report")
        print(json.dumps(
            {"full": full, "there": there, "left": after, "again": again, "all": results()}
        ))
        """,
    )
    status, said = found["full"]  # type: ignore[misc]
    assert status == 1
    assert "No space left on device; mend that and give the same command again" in last_line(said)
    there = found["there"]
    assert isinstance(there, list)
    assert 0 < len(there) < 9
    assert found["left"] == ["journal.jsonl", "lock"]
    status, said = found["again"]  # type: ignore[misc]
    assert status == 0, said
    assert f"{len(there)} " in said  # so many are kept
    assert found["all"] == [f"p{number}.jpg" for number in range(9)]


@pytest.mark.slow
def test_a_disk_for_temporary_files_or_the_cache_that_is_full_loses_no_photo(shoot: Path) -> None:
    found = on_small_disks(
        shoot,
        """
        for name in ("temporary", "cache"):
            (here / name).mkdir()
            disk("8k", here / name)
        os.environ["TMPDIR"] = str(here / "temporary")
        status, said = batch("--cache", here / "cache")
        print(json.dumps({"status": status, "said": said, "all": results()}))
        """,
    )
    assert found["status"] == 0, found["said"]
    assert len(found["all"]) == 9  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_read_only_disk_is_one_line(shoot: Path) -> None:
    found = on_small_disks(
        shoot,
        """
        disk("10m", ro=True)
        status, said = batch()
        print(json.dumps({"status": status, "said": said}))
        """,
    )
    assert found["status"] == 1
    assert "Read-only file system" in last_line(found["said"])
    assert len(str(found["said"]).strip().splitlines()) == 1


@pytest.mark.slow
def test_a_disk_that_is_taken_away_ends_the_run_and_nothing_is_put_in_its_place(
    shoot: Path,
) -> None:
    for number in range(9, 40):
        shutil.copy(shoot / "in" / "p0.jpg", shoot / "in" / f"p{number}.jpg")
    found = on_small_disks(
        shoot,
        """
        disk("10m")
        words = ["batch", here / "look.toml", here / "in", "-o", out, "--jobs", 2, "--no-cache"]
        with subprocess.Popen([sys.executable, "-m", "depthfx", *map(str, words)],
                              stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as run:
            while len(results()) < 3:
                time.sleep(0.05)
            subprocess.run(["umount", "-l", out], check=True)
            _, said = run.communicate(timeout=120)
        print(json.dumps(
            {"status": run.returncode, "said": said, "there": sorted(map(str, out.rglob("*")))}
        ))
        """,
    )
    assert found["status"] == 1
    assert "was taken away in the middle of the work" in last_line(found["said"])
    assert found["there"] == []


def unprivileged(*words: object) -> subprocess.CompletedProcess[str]:
    """Run as a user whom the rights of files bind, which they do not bind root."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if not os.geteuid() else []
    return subprocess.run(
        [*drop, sys.executable, "-m", "depthfx", *map(str, words)], capture_output=True, text=True
    )


def test_without_the_right_to_write_there_it_is_one_line(shoot: Path) -> None:
    out = shoot / "out"
    out.mkdir(mode=0o500)
    ended = unprivileged("batch", shoot / "look.toml", shoot / "in", "-o", out)
    assert ended.returncode == 1
    assert str(out) in ended.stderr
    assert "Permission denied" in last_line(ended.stderr)
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_photo_or_a_folder_without_the_right_fails_alone(shoot: Path) -> None:
    out = shoot / "out"
    (shoot / "in" / "day1").mkdir()
    (shoot / "in" / "p1.jpg").rename(shoot / "in" / "day1" / "p1.jpg")
    (out / "day1").mkdir(mode=0o500, parents=True)
    (shoot / "in" / "p2.jpg").chmod(0)
    ended = unprivileged("batch", shoot / "look.toml", shoot / "in", "-o", out, "--no-cache")
    assert ended.returncode == 1
    assert f"{out}/day1/p1.jpg: cannot be written: Permission denied" in ended.stderr
    assert f"{shoot}/in/p2.jpg: " in ended.stderr
    assert "2 of 9 photos failed" in last_line(ended.stderr)
    assert sorted(path.name for path in out.glob("p*.jpg")) == [
        "p0.jpg",
        *(f"p{number}.jpg" for number in range(3, 9)),
    ]
