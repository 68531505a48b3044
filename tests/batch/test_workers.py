"""Workers: photos side by side in processes that may die, hang on, print, or not start at all."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.workers import on_this_machine
from depthfx.errors import DepthfxError

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")

EFFECTS = '''
"""Effects that misbehave in the ways that effects of others may."""

import os, signal, sys, time
from pathlib import Path

import numpy as np
from depthfx.effect import Effect, Param


class Naughty(Effect):
    """What it does stands in the file beside the photo."""

    name = "naughty"
    how: str = Param("", help="what to do")

    def apply(self, scene, context):
        how, _, more = self.how.partition(" ")
        match how:
            case "print":
                print('{"result": "not one"}')
                os.write(1, b"a line of a library\\n")
                sys.stdin.read()
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "killed-once":
                marker = Path(more)
                if not marker.exists():
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                sys.exit(3)
            case "recurse":
                return self.apply(scene, context)
            case "interrupt":
                raise KeyboardInterrupt
            case "hog":
                return scene.with_pixels(np.ones((1 << 31, 1 << 10), np.float32))
            case "wait":
                Path(more + ".begun").touch()
                while not Path(more).exists():
                    time.sleep(0.02)
        return scene
'''


@pytest.fixture
def naughty(tmp_path, monkeypatch) -> None:
    """An installed plugin with the effect above."""
    site = tmp_path / "site"
    described = site / "naughty-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: naughty\nVersion: 1\n")
    (described / "entry_points.txt").write_text("[depthfx.effects]\nnaughty = naughty:Naughty\n")
    (site / "naughty.py").write_text(textwrap.dedent(EFFECTS))
    monkeypatch.syspath_prepend(site)


@pytest.fixture
def bench(tmp_path, constant_network) -> Callable[..., Iterator[Result]]:
    """Works on photos, each with what the naughty effect is to do: `bench(["print", ...])`."""
    staging = tmp_path / "staging"
    staging.mkdir()
    weights = constant_network(0.5)
    settings = Settings(weights=str(weights), checks=False, pictures=False)

    def run(ways, *, stop=None, feed=iter, **given) -> Iterator[Result]:
        jobs = [photo(tmp_path, number, how) for number, how in enumerate(ways)]
        stop = stop or threading.Event()
        return on_this_machine(feed(jobs), settings, staging, stop=stop, **given)

    return run


def photo(folder: Path, number: int, how: str = "") -> Job:
    """A job with a small photo; every number gives another."""
    name = f"photo{number}.png"
    pixels = np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)
    cv2.imwrite(str(folder / name), pixels)
    recipe = f'depthfx = 1\n[[effect]]\nname = "naughty"\nhow = "{how}"\n'
    return Job(name, str(folder / name), f"made/{name}", recipe, size_px=24 * 32)


def by_name(results) -> dict[str, Result]:
    return {result.name: result for result in results}


def processes() -> set[int]:
    """Children of this process, dead ones that nobody has waited for too."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == os.getpid():
                found.add(int(folder.name))
    return found


@pytest.mark.usefixtures("naughty")
def test_a_failing_photo_is_a_result_that_names_it_and_the_others_are_done(bench, tmp_path) -> None:
    ways = ["", "exit", "recurse", "interrupt", "hog", "print", ""]
    results = by_name(bench(ways, count=1))
    assert len(results) == len(ways)
    for number, how in enumerate(ways):
        result = results[f"photo{number}.png"]
        good = how in ("", "print")
        assert result.status is (Status.DONE if good else Status.FAILED)
        assert (result.error == "") is good
        if not good:
            assert result.name in result.error
            assert "\n" not in result.error
            assert not result.written
    assert "SystemExit" in results["photo1.png"].error
    assert "RecursionError" in results["photo2.png"].error
    assert "in apply" in results["photo2.png"].traceback
    hog = results["photo4.png"]
    assert (hog.out_of_memory, hog.attempts) == (True, 2)
    assert "not enough memory" in hog.error
    kept = {path.name for path in (tmp_path / "staging").rglob("*.png")}
    assert kept == {"photo0.png", "photo5.png", "photo6.png"}


@pytest.mark.usefixtures("naughty")
def test_a_photo_whose_worker_was_killed_is_done_in_another(bench, tmp_path) -> None:
    ways = ["", "", f"killed-once {tmp_path / 'killed'}", "", ""]
    results = by_name(bench(ways, count=2))
    assert {result.status for result in results.values()} == {Status.DONE}
    assert results["photo2.png"].attempts == 2
    assert len(results) == len(ways)


@pytest.mark.usefixtures("naughty")
def test_a_photo_that_kills_its_workers_fails_and_costs_no_other(bench) -> None:
    ways = ["", "killed", "", ""]
    results = by_name(bench(ways, count=1))
    assert len(results) == len(ways)
    lost = results.pop("photo1.png")
    assert {result.status for result in results.values()} == {Status.DONE}
    assert lost.status is Status.FAILED
    assert "photo1.png: the process working on it was killed" in lost.error
    assert lost.attempts == 2


@linux
@pytest.mark.usefixtures("naughty")
def test_a_worker_killed_from_outside_costs_no_photo(bench, tmp_path) -> None:
    go = tmp_path / "go"
    before = processes()
    results = bench([f"wait {go}", "", ""], count=1)
    killing = threading.Thread(target=kill_when, args=(tmp_path / "go.begun", go, before))
    killing.start()
    found = by_name(results)
    killing.join()
    assert [found[f"photo{n}.png"].status for n in range(3)] == [Status.DONE] * 3
    assert found["photo0.png"].attempts == 2


def kill_when(begun: Path, go: Path, before: set[int]) -> None:
    """Kill the worker once it works, and let the next one not wait."""
    while not begun.exists():
        time.sleep(0.01)
    workers = processes() - before
    go.touch()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


@linux
@pytest.mark.usefixtures("naughty")
def test_closing_ends_all_workers_and_leaves_nothing_open(bench, tmp_path) -> None:
    before, descriptors = processes(), len(list(Path("/proc/self/fd").iterdir()))
    results = bench(["", f"wait {tmp_path / 'never'}", f"wait {tmp_path / 'never'}"], count=2)
    assert next(results).name == "photo0.png"
    assert processes() - before
    results.close()
    assert processes() == before
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


@pytest.mark.usefixtures("naughty")
def test_stop_finishes_what_is_in_hand_and_begins_nothing(bench, tmp_path) -> None:
    go, stop, begun = tmp_path / "go", threading.Event(), []
    results = bench(
        [f"wait {go}", *[""] * 20],
        count=1,
        stop=stop,
        begun=lambda job, _worker: (begun.append(job.name), stop.set()),
    )
    threading.Timer(0.5, go.touch).start()
    assert sorted(result.name for result in results) == sorted(begun)
    assert len(begun) == 1


@pytest.mark.usefixtures("naughty")
def test_results_come_while_the_next_photo_is_waited_for(bench) -> None:
    more = threading.Event()

    def feed(jobs):
        yield jobs[0]
        assert more.wait(60)
        yield jobs[1]

    results = bench(["", ""], feed=feed, count=2)
    assert next(results).name == "photo0.png"
    more.set()
    assert next(results).name == "photo1.png"
    assert next(results, None) is None


@pytest.mark.usefixtures("naughty")
def test_photos_are_taken_no_sooner_than_they_can_be_begun(bench, tmp_path) -> None:
    go, taken = tmp_path / "go", []

    def feed(jobs):
        for job in jobs:
            taken.append(job.name)
            yield job

    results = bench([f"wait {go}"] * 9, feed=feed, count=1)
    watching = threading.Timer(3, go.touch)
    watching.start()
    at_first = next(results)
    # One in work, one read ahead, one asked for by the free reader, one that waits for a worker.
    assert len(taken) <= 4
    assert at_first.status is Status.DONE
    assert len(list(results)) == 8


@pytest.mark.usefixtures("naughty")
def test_an_error_of_who_gives_the_photos_is_raised(bench) -> None:
    def feed(jobs):
        yield jobs[0]
        raise DepthfxError("the list is gone")

    with pytest.raises(DepthfxError, match="the list is gone"):
        list(bench(["", ""], feed=feed))


@pytest.mark.skipif(os.name != "posix", reason="writes a program as a shell script")
def test_workers_that_cannot_start_are_an_error_with_their_last_words(
    bench, tmp_path, monkeypatch
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho a library is missing >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(DepthfxError, match="do not start: a library is missing"):
        list(bench(["", ""], count=2))


@linux
@pytest.mark.usefixtures("naughty")
def test_memory_that_a_photo_does_not_get_is_its_failure_alone(bench, monkeypatch) -> None:
    """With little address space a worker cannot map its libraries, or a photo fails; none hangs."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, limits[1]))
    try:
        results = by_name(bench(["", "hog", ""], count=1))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert results["photo1.png"].out_of_memory
    assert results["photo0.png"].status is results["photo2.png"].status is Status.DONE


def test_no_photos_are_no_work(bench) -> None:
    assert list(bench([])) == []
