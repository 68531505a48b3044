"""Batches on Ray: a real one, of this machine, with two workers."""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from depthfx.batch import store
from depthfx.batch.cluster import cluster
from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.on_ray import _absolute, on_ray
from depthfx.batch.work import Bench
from depthfx.errors import DepthfxError, ParameterError

LOOK = 'depthfx = 1\n[[effect]]\nname = "bokeh"\nf_number = 2.0\n'
PLAIN = Settings(checks=False, pictures=False)


@pytest.mark.parametrize("address", ["rya", "ray:", "ray://", "ray://host", "ray:host", "dask"])
def test_an_address_that_is_none(address: str, tmp_path: Path) -> None:
    work = on_ray([], PLAIN, tmp_path, address=address, stop=threading.Event())
    with pytest.raises(ParameterError, match=f"^--on {address}: is none of ray .*ray://HOST:10001"):
        next(work)


def test_paths_are_told_in_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    opening = {"depth": "d.png", "matte": "s3://b/m.png", "f35_mm": 50.0}
    job = Job("a", "in/a.jpg", "a.jpg", "", opening, companions=("in/a.xmp",))
    told = _absolute(job)
    assert told.source == str(tmp_path / "in/a.jpg")
    assert told.companions == (str(tmp_path / "in/a.xmp"),)
    assert told.opening == {**opening, "depth": str(tmp_path / "d.png")}


def photos(folder: Path, number: int) -> list[Path]:
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(number):
        small = random.integers(0, 255, (6, 8, 3), np.uint8)
        picture = cv2.resize(small, (320 + 16 * (i % 5), 240), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{i:02d}.jpg"), picture)
    return sorted(folder.iterdir())


def jobs_of(paths: list[Path] | list[str]) -> list[Job]:
    names = [str(path).rpartition("/")[2] for path in paths]
    return [Job(n, str(p), n, LOOK) for n, p in zip(names, paths, strict=True)]


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def serially(jobs: list[Job], staging: Path) -> dict[str, str]:
    staging.mkdir()
    bench = Bench(PLAIN, staging)
    assert {bench.do(job).status for job in jobs} == {Status.DONE}
    return digests(staging)


def below(top: int) -> dict[int, bytes]:
    """Processes that `top` has begun, and those that these have, with their command lines."""
    parents, words = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            stat = _read(folder / "stat").rpartition(b")")[2].split()
            if stat:
                parents[int(folder.name)] = int(stat[1])
                words[int(folder.name)] = _read(folder / "cmdline")

    def ours(pid: int) -> bool:
        return pid == top or (pid in parents and ours(parents[pid]))

    return {pid: line for pid, line in words.items() if pid != top and ours(pid)}


def actors() -> list[int]:
    """Processes below this one in which a worker is."""
    return [pid for pid, words in below(os.getpid()).items() if words.startswith(b"ray::Actor")]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """On an S3 server of this machine, which is to be known before workers are started."""
    pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "somebody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "words")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().makedirs("on-ray", exist_ok=True)
        yield "s3://on-ray"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def ray(bucket: str) -> Iterator[Any]:
    pytest.importorskip("ray")
    with cluster("ray", 2, verbose=False) as module:
        yield module


def run(jobs: list[Job], staging: Path, **given: Any) -> list[Result]:
    staging.mkdir(exist_ok=True)
    return list(
        on_ray(jobs, PLAIN, staging, address="ray", count=2, **{"stop": threading.Event(), **given})
    )


@pytest.mark.slow
@needs_proc
def test_a_killed_worker_costs_no_photo(ray: Any, tmp_path: Path) -> None:
    jobs = jobs_of(photos(tmp_path / "in", 16))
    expected = serially(jobs, tmp_path / "expected")
    killed, results = [], []
    (tmp_path / "staging").mkdir()
    for result in on_ray(
        jobs, PLAIN, tmp_path / "staging", address="ray", count=2, stop=threading.Event()
    ):
        results.append(result)
        if len(results) in (3, 8):
            killed.append(actors()[0])
            os.kill(killed[-1], signal.SIGKILL)
    assert len(set(killed)) == 2
    assert sorted(result.name for result in results) == sorted(job.name for job in jobs)
    assert {result.status for result in results} == {Status.DONE}
    assert any(result.attempts == 2 for result in results)
    assert digests(tmp_path / "staging") == expected


@pytest.mark.slow
def test_a_bad_photo_is_tried_by_two_workers_and_named(ray: Any, tmp_path: Path) -> None:
    paths = photos(tmp_path / "in", 6)
    paths[2].write_bytes(b"no photo")
    results = {result.name: result for result in run(jobs_of(paths), tmp_path / "staging")}
    bad = results.pop(paths[2].name)
    assert bad.status is Status.FAILED
    assert bad.attempts == 2
    assert bad.error.startswith(f"{paths[2]}: is not a photo")
    assert {result.status for result in results.values()} == {Status.DONE}


@pytest.mark.slow
@needs_proc
def test_a_photo_that_kills_every_worker_is_given_up(ray: Any, tmp_path: Path) -> None:
    """The others are done; whoever has the deadly one in hand dies."""
    paths = photos(tmp_path / "in", 6)
    deaths: list[str] = []

    def begun(job: Job, worker: str) -> None:
        if job.name == paths[1].name:
            deaths.append(worker)
            for pid in actors():
                os.kill(pid, signal.SIGKILL)

    results = {r.name: r for r in run(jobs_of(paths), tmp_path / "staging", begun=begun)}
    bad = results.pop(paths[1].name)
    assert bad.status is Status.FAILED
    assert bad.attempts == len(deaths) == 3
    assert "3 workers died of it" in bad.error


@pytest.mark.slow
def test_photos_that_come_late_are_waited_for_and_stop_ends_it(ray: Any, tmp_path: Path) -> None:
    paths = photos(tmp_path / "in", 5)
    stop, first = threading.Event(), threading.Event()

    def coming() -> Iterator[Job]:
        jobs = jobs_of(paths)
        yield jobs[0]
        assert first.wait(60)  # the first result comes although the next job does not
        yield jobs[1]
        while not stop.wait(0.05):
            pass
        yield from jobs[2:]

    (tmp_path / "staging").mkdir()
    names = []
    for result in on_ray(coming(), PLAIN, tmp_path / "staging", address="ray", count=2, stop=stop):
        names.append(result.name)
        first.set()
        if len(names) == 2:
            stop.set()
    assert names == [path.name for path in paths[:2]]


@pytest.mark.slow
def test_places_that_workers_do_not_see(ray: Any, tmp_path: Path) -> None:
    jobs = jobs_of(photos(tmp_path / "in", 1))
    work = on_ray(jobs, PLAIN, tmp_path / "no", address="ray", count=1, stop=threading.Event())
    with pytest.raises(DepthfxError, match=r"of the cluster does not see .*/no; .*s3://"):
        next(work)
    [result] = run([Job("a.jpg", "/nowhere/at/all/a.jpg", "a.jpg", LOOK)], tmp_path / "staging")
    assert result.fatal
    assert result.error.startswith("/nowhere/at/all/a.jpg: the worker on ")


@pytest.mark.slow
@needs_proc
def test_nothing_is_left_of_a_ray_of_our_own(tmp_path: Path) -> None:
    import subprocess
    import sys

    short = Path(tempfile.mkdtemp(dir="/tmp"))
    script = f"""
import sys, threading
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from contextlib import closing
from test_on_ray import *
from depthfx.batch import cluster
cluster.SHORT = Path({str(short)!r})
jobs = jobs_of(photos(Path({str(tmp_path / "in")!r}), 8))
Path({str(tmp_path / "staging")!r}).mkdir()
before = signal.getsignal(signal.SIGTERM)
work = on_ray(jobs, PLAIN, Path({str(tmp_path / "staging")!r}), address="ray", count=2,
              stop=threading.Event())
with closing(work):
    next(work)
assert signal.getsignal(signal.SIGTERM) is before
import ray
assert not ray.is_initialized()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    short.rmdir()  # it is empty
    ends = time.monotonic() + 20
    while orphans() and time.monotonic() < ends:  # those that were busy have a second to notice
        time.sleep(0.2)
    assert orphans() == []
    ours = [p for p in Path("/proc").glob("[0-9]*/cmdline") if str(short).encode() in _read(p)]
    assert ours == []


@pytest.mark.slow
@needs_proc
def test_a_cluster_that_dies_ends_the_run_in_one_line(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_on_ray import *
jobs = jobs_of(photos(Path({str(tmp_path / "in")!r}), 8))
Path({str(tmp_path / "staging")!r}).mkdir()
work = on_ray(jobs, PLAIN, Path({str(tmp_path / "staging")!r}), address="ray", count=2,
              stop=threading.Event())
next(work)
[raylet] = [pid for pid, words in below(os.getpid()).items() if b"raylet/raylet" in words]
os.kill(raylet, signal.SIGKILL)
try:
    print(list(work))
except DepthfxError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert "the Ray cluster has ended; the same command goes on" in done.stdout, done


def orphans() -> list[Path]:
    """Processes of workers whose Ray has ended."""
    places = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _read(p).startswith(b"ray::Actor")]
    stats = {p: _read(p.with_name("stat")).rpartition(b")")[2].split() for p in places}
    return [p for p, words in stats.items() if words and words[1] == b"1"]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.slow
def test_from_an_s3_server_to_an_s3_server(ray: Any, bucket: str, tmp_path: Path) -> None:
    """Workers fetch, work and put; the bytes are those of a run on files."""
    paths = photos(tmp_path / "in", 6)
    for path in paths:
        store.put(path, f"{bucket}/in/{path.name}")
    expected = serially(jobs_of(paths), tmp_path / "expected")
    urls = [entry.url for entry in store.found(f"{bucket}/in")]
    jobs = [*jobs_of(urls), Job("no.jpg", f"{bucket}/in/no.jpg", "no.jpg", LOOK)]
    results = {r.name: r for r in run(jobs, tmp_path / "staging", store=f"{bucket}/out")}
    missing = results.pop("no.jpg")
    assert missing.error.startswith(f"{bucket}/in/no.jpg: there is no such file")
    assert {result.status for result in results.values()} == {Status.DONE}
    (tmp_path / "back").mkdir()
    for entry in store.found(f"{bucket}/out"):
        store.local_copy(entry.url, tmp_path / "back")
        assert results[entry.name].written[0].size == entry.size
    assert digests(tmp_path / "back") == expected
    assert list((tmp_path / "staging").rglob("*.jpg")) == []
