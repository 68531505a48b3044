"""The journal of results in a store: killed, taken up on another machine, never over others'."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from depthfx.batch.deliver import JOURNAL
from depthfx.batch.far import FarJournal, journal_of
from depthfx.batch.job import Job, Result, Status, Written
from depthfx.batch.journal import Journal
from depthfx.errors import DepthfxError

fsspec = pytest.importorskip("fsspec")
LOOK = "a look"


@pytest.fixture
def out() -> Iterator[str]:
    yield "memory://styled/wedding"
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def jobs_of(*names: str) -> list[Job]:
    return [
        Job(name, f"memory://shoot/{name}", f"{name}.out", "recipe", version="1") for name in names
    ]


def works_on(job: Job, out: str) -> Result:
    """What a worker does: it puts the result into the store itself."""
    content = f"{job.source} {job.version}".encode()
    with fsspec.open(f"{out}/{job.target}", "wb") as file:
        file.write(content)
    return Result(job.name, job.source, Status.DONE, (Written(job.target, len(content), ""),))


def carry_out(out: str, jobs: list[Job], state: Path, **how: bool) -> dict[str, str]:
    with FarJournal(out, LOOK, state=state, **how) as log:
        settled, left = log.split(jobs)
        done = [log.delivered(job, works_on(job, out)) for job in left]
    return {result.name: result.status.value for result in (*settled, *done)}


def test_a_url_has_a_journal_on_this_machine(
    out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with journal_of(out, LOOK) as far:
        assert isinstance(far, FarJournal)
    with journal_of(f"file://{tmp_path}/near", LOOK) as near:
        assert type(near) is Journal
    assert (tmp_path / "near" / JOURNAL / "journal.jsonl").exists()


def test_a_second_run_finds_all_done_here_and_on_another_machine(out: str, tmp_path: Path) -> None:
    jobs = jobs_of("a", "b/c")
    assert set(carry_out(out, jobs, tmp_path / "here").values()) == {"done"}
    assert set(carry_out(out, jobs, tmp_path / "here").values()) == {"kept"}
    assert set(carry_out(out, jobs, tmp_path / "there").values()) == {"kept"}
    more = [*jobs, *jobs_of("d")]
    assert carry_out(out, more, tmp_path / "there")["d"] == "done"
    assert set(carry_out(out, more, tmp_path / "here").values()) == {"kept"}


def test_what_was_put_before_the_kill_may_be_put_again(out: str, tmp_path: Path) -> None:
    """The driver dies after a worker has put a result and before it could note that."""
    jobs = jobs_of("a", "b")
    log = FarJournal(out, LOOK, state=tmp_path / "here")
    log.split(jobs)
    log.delivered(jobs[0], works_on(jobs[0], out))
    works_on(jobs[1], out)
    log._lock.release()
    assert carry_out(out, jobs, tmp_path / "here") == {"a": "kept", "b": "done"}


def test_on_another_machine_what_was_not_told_is_done_again(out: str, tmp_path: Path) -> None:
    jobs = jobs_of("a", "b")
    log = FarJournal(out, LOOK, state=tmp_path / "here")
    log.split(jobs)
    log.delivered(jobs[0], works_on(jobs[0], out))
    assert carry_out(out, jobs, tmp_path / "there") == {"a": "done", "b": "done"}
    log._lock.release()
    # The first machine still has lines of its own that the store never saw.
    assert set(carry_out(out, jobs, tmp_path / "here").values()) == {"kept"}


def test_objects_of_others_are_not_replaced_unasked(out: str, tmp_path: Path) -> None:
    with fsspec.open(f"{out}/a.out", "wb") as file:
        file.write(b"mine")
    jobs = jobs_of("a", "b")
    assert carry_out(out, jobs, tmp_path) == {"a": "failed", "b": "done"}
    assert fsspec.open(f"{out}/a.out").open().read() == b"mine"
    assert carry_out(out, jobs, tmp_path, overwrite=True) == {"a": "done", "b": "kept"}


def test_a_new_version_or_a_lost_object_is_done_again(out: str, tmp_path: Path) -> None:
    jobs = jobs_of("a", "b", "c")
    carry_out(out, jobs, tmp_path)
    fsspec.filesystem("memory").rm(f"{out}/b.out")
    newer = [replace(jobs[0], version="2"), *jobs[1:]]
    assert carry_out(out, newer, tmp_path) == {"a": "done", "b": "done", "c": "kept"}


def test_photos_are_not_written_over(out: str, tmp_path: Path) -> None:
    job = replace(jobs_of("a")[0], source=f"{out}/a.out")
    for overwrite in (False, True):
        assert carry_out(out, [job], tmp_path, overwrite=overwrite) == {"a": "failed"}


def test_two_runs_at_once_from_one_machine_are_refused(out: str, tmp_path: Path) -> None:
    with (
        FarJournal(out, LOOK, state=tmp_path),
        pytest.raises(DepthfxError, match="another run is at work there"),
    ):
        FarJournal(out, LOOK, state=tmp_path)


def test_another_look_is_refused_on_another_machine_too(out: str, tmp_path: Path) -> None:
    carry_out(out, jobs_of("a"), tmp_path / "here")
    with pytest.raises(DepthfxError, match="another look"):
        FarJournal(out, "other", state=tmp_path / "there")


def test_the_store_has_every_line(out: str, tmp_path: Path) -> None:
    carry_out(out, jobs_of("a", "b"), tmp_path)
    carry_out(out, jobs_of("a", "b", "c"), tmp_path)
    pieces = sorted(fsspec.filesystem("memory").glob(f"{out}/{JOURNAL}/*"))
    told = b"".join(fsspec.filesystem("memory").cat_file(piece) for piece in pieces)
    assert told == (tmp_path / "journal.jsonl").read_bytes()
    assert [json.loads(line) for line in told.splitlines()]
