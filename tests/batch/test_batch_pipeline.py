"""Overlapping stages: the same bytes whatever runs beside them, and memory has a bound."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

import depthfx
from depthfx import machine
from depthfx.batch.job import Job, Result, Settings, Status
from depthfx.batch.pipeline import flow
from depthfx.batch.room import Hand, Room, grown_px
from depthfx.batch.work import Bench
from depthfx.batch.workers import on_this_machine
from depthfx.chain import Chain
from depthfx.recipe import to_toml
from depthfx_effects import Bokeh, Portrait

SIZES = ((300, 400), (420, 280), (96, 64), (333, 517))
CHAIN = Chain(Portrait(f_number=1.4), Bokeh(f_number=4))


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> list[Path]:
    """Soft random pictures of several sizes."""
    folder = tmp_path_factory.mktemp("photos")
    rng, paths = np.random.default_rng(3), []
    for number, (height, width) in enumerate(SIZES):
        coarse = rng.integers(0, 255, (9, 12, 3), np.uint8)
        paths.append(folder / f"photo{number}.jpg")
        cv2.imwrite(str(paths[-1]), cv2.resize(coarse, (width, height)))
    return paths


@pytest.fixture(scope="module")
def looped(photos, tmp_path_factory) -> dict[str, str]:
    """What a plain loop writes: checksums by name."""
    folder, context = tmp_path_factory.mktemp("looped"), depthfx.Context()
    for path in photos:
        depthfx.save(CHAIN(depthfx.open(path, context)), folder / path.name)
    return {path.name: sha256(folder / path.name) for path in photos}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def jobs_of(photos, chain=CHAIN) -> list[Job]:
    recipe = to_toml(chain)
    return [Job(p.name, str(p), p.name, recipe, size_px=120_000) for p in photos]


def checksums(results) -> dict[str, str]:
    found = {}
    for result in results:
        assert result.status is Status.DONE, result.error
        found[result.name] = result.written[0].sha256
    return found


@pytest.mark.parametrize("count", [1, 2, pytest.param(4, marks=pytest.mark.slow)])
def test_the_bytes_are_those_of_a_plain_loop(photos, looped, tmp_path, count) -> None:
    results = on_this_machine(
        jobs_of(photos), Settings(), tmp_path, count=count, stop=threading.Event()
    )
    assert checksums(results) == looped


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_the_bytes_do_not_depend_on_what_overlaps(photos, looped, tmp_path, ahead) -> None:
    assert checksums(flowed(jobs_of(photos), tmp_path, ahead)) == looped


def flowed(jobs, staging: Path, ahead: int, settings: Settings | None = None) -> list[Result]:
    waiting, results = iter(jobs), list[Result]()
    bench = Bench(settings or Settings(), staging)
    flow(bench, lambda: next(waiting, None), results.append, ahead=ahead)
    bench.close()
    return results


def test_results_say_what_was_done(photos, tmp_path) -> None:
    (result,) = flowed(jobs_of(photos[:1]), tmp_path, 1)
    assert {"read", "depth", "effects", "write"} <= result.seconds.keys()
    assert (result.facts["height"], result.facts["width"]) == SIZES[0]
    assert result.facts["file"] == str(photos[0])
    assert result.facts["written"] == [photos[0].name]
    assert result.source_sha256 == sha256(photos[0])
    (written,) = result.written
    staged = tmp_path / jobs_of(photos[:1])[0].slot / written.name
    assert (written.size, written.sha256) == (staged.stat().st_size, sha256(staged))


@pytest.mark.parametrize("ahead", [1, 2])
def test_no_more_photos_are_read_than_asked_for(photos, tmp_path, ahead) -> None:
    """Taken but not yet done: one in the chain, one being written, and those read ahead."""
    taken, done, most = [], [], []
    waiting = iter([replaced(jobs_of(photos[2:3])[0], f"{n}.jpg") for n in range(8)])

    def take() -> Job | None:
        job = next(waiting, None)
        if job is not None:
            taken.append(job.name)
            most.append(len(taken) - len(done))
        return job

    flow(Bench(Settings(), tmp_path), take, lambda result: done.append(result.name), ahead=ahead)
    assert len(done) == 8
    assert max(most) <= 2 + ahead


def replaced(job: Job, name: str) -> Job:
    return Job(name, job.source, name, job.recipe)


def test_a_broken_photo_does_not_stop_the_flow(photos, tmp_path) -> None:
    jobs = jobs_of(photos[2:])
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photos[0].read_bytes()[:200])
    jobs.insert(1, Job("broken.jpg", str(broken), "broken.jpg", jobs[0].recipe))
    jobs.insert(0, Job("faulty.jpg", "faulty.jpg", "faulty.jpg", "", fault="it has no name"))
    results = {result.name: result for result in flowed(jobs, tmp_path, 1)}
    assert results["faulty.jpg"].error == "it has no name"
    assert "broken.jpg" in results["broken.jpg"].error
    assert [results[p.name].status for p in photos[2:]] == [Status.DONE] * 2


def test_what_take_raises_ends_the_flow(photos, tmp_path) -> None:
    def take() -> Job | None:
        raise OSError("the line is dead")

    with pytest.raises(OSError, match="the line is dead"):
        flow(Bench(Settings(), tmp_path), take, print)


def test_what_give_raises_ends_the_flow(photos, tmp_path) -> None:
    waiting = iter(jobs_of(photos))

    def give(_: Result) -> None:
        raise OSError("nobody listens")

    with pytest.raises(OSError, match="nobody listens"):
        flow(Bench(Settings(), tmp_path), lambda: next(waiting, None), give)


# ---------------------------------------------------------------- room
def job(megapixels: float) -> Job:
    return Job("a.jpg", "a.jpg", "a.jpg", "", size_px=int(megapixels * 1e6))


def test_memory_bounds_what_is_worked_on_at_once() -> None:
    room = Room.of(Settings(memory_limit_gb=4.0), count=4)
    small, large = Hand([job(2)], 0), Hand([job(24)], 0)
    assert room.fits([small, small, small])
    assert room.fits([large])
    assert not room.fits([large, large])
    assert not room.fits([Hand([job(2)], 24_000_000)] * 2)  # what it has grown to counts too


def test_there_is_no_more_than_a_worker_for_a_core_and_its_memory() -> None:
    assert Room.of(Settings(memory_limit_gb=0.5)).workers == 1
    assert Room.of(Settings(memory_limit_gb=500)).workers == machine.cores()
    assert Room.of(Settings(), count=7).workers == 7


def test_a_worker_shrinks_when_much_smaller_photos_come() -> None:
    grown = 0
    for megapixels, expected in ((1, 1), (24, 24), (13, 24), (6, 6), (12, 12)):
        grown = grown_px(grown, job(megapixels))
        assert grown == expected * 1e6
