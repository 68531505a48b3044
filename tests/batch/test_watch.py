"""Watching: photos that come while somebody writes them, change, vanish and come back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthfx.batch import watch
from depthfx.batch.complete import looks_whole
from depthfx.batch.photos import find_photos
from depthfx.batch.watch import Arrivals
from depthfx.errors import ParameterError

PATIENCE_S = 20.0
SLOW_WRITER = """
import sys, time
source, target, pieces, pause_s = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
content = open(source, "rb").read()
step = -(-len(content) // pieces)
with open(target, "wb", buffering=0) as file:
    for at in range(0, len(content), step):
        file.write(content[at : at + step])
        time.sleep(pause_s)
"""


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    pixels = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
    cv2.imwrite(str(path), pixels)
    return path


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "shoot"
    folder.mkdir()
    return folder


@pytest.fixture
def quick(monkeypatch):
    """The same rules, at a pace for tests."""
    for name, value in (
        ("TICK_S", 0.05),
        ("LOOK_AGAIN_S", 0.3),
        ("STEADY_S", 0.3),
        ("UNSURE_S", 0.6),
        ("PATIENCE_S", 2.0),
    ):
        monkeypatch.setattr(watch, name, value)


def photos_in(folder):
    try:
        return find_photos([folder])
    except ParameterError:
        return []


@contextmanager
def watching(folder, said=None):
    """The list of names that grows as photos come, each with when it came."""
    came, stop = [], threading.Event()
    said = [] if said is None else said
    arrivals = Arrivals(lambda: photos_in(folder), (folder,), said.append)

    def listen():
        for item in arrivals.until(stop):
            came.append((item, time.monotonic(), Path(item.source).read_bytes()))
            arrivals.ended(item.name, failed=False)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield came
    finally:
        stop.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def wait_for(reached):
    until_s = time.monotonic() + PATIENCE_S
    while not reached() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert reached()


def names(came):
    return [item.name for item, _, _ in came]


def test_a_photo_that_is_written_slowly_comes_once_and_whole(folder, photo, quick):
    with watching(folder) as came:
        writer = [sys.executable, "-c", SLOW_WRITER, photo, folder / "slow.jpg", "5", "0.4"]
        subprocess.run(list(map(str, writer)), check=True)
        ended_s = time.monotonic()
        wait_for(lambda: came)
        time.sleep(0.6)
    assert names(came) == ["slow.jpg"]
    _, came_s, content = came[0]
    assert content == photo.read_bytes()
    assert came_s > ended_s - 0.4 + 0.2  # the writer sleeps once more after its last piece


def test_a_name_of_a_download_counts_only_when_it_is_renamed(folder, photo, quick):
    with watching(folder) as came:
        for name in (".IMG_1.jpg", "IMG_1.jpg.part", "IMG_1.tmp", "IMG_1.jpg~"):
            shutil.copy(photo, folder / name)
        time.sleep(0.8)
        assert came == []
        (folder / "IMG_1.jpg.part").rename(folder / "IMG_1.jpg")
        wait_for(lambda: came)
    assert names(came) == ["IMG_1.jpg"]


def test_a_photo_that_changes_comes_again_and_a_deleted_one_is_forgotten(folder, photo, quick):
    target = folder / "sub" / "a.jpg"
    target.parent.mkdir()
    shutil.copy(photo, target)
    with watching(folder) as came:
        wait_for(lambda: len(came) == 1)
        cv2.imwrite(str(target), np.zeros((90, 70, 3), np.uint8))
        wait_for(lambda: len(came) == 2)
        content = target.read_bytes()
        target.unlink()
        time.sleep(0.8)
        target.write_bytes(content)
        wait_for(lambda: len(came) == 3)
    assert names(came) == ["sub/a.jpg"] * 3


def test_the_jpeg_of_a_raw_file_that_comes_a_moment_later_is_one_photo_with_it(
    folder, photo, quick
):
    with watching(folder) as came:
        (folder / "IMG_2.dng").write_bytes(b"II*\0" + bytes(range(200)))
        time.sleep(0.05)
        shutil.copy(photo, folder / "IMG_2.jpg")
        wait_for(lambda: came)
        time.sleep(0.8)
    assert names(came) == ["IMG_2.dng"]
    assert list(came[0][0].companions) == ["jpeg"]


def test_a_photo_without_its_end_is_given_up_waiting_for(folder, photo, quick):
    with watching(folder) as came:
        (folder / "torn.jpg").write_bytes(photo.read_bytes()[:-400])
        begun_s = time.monotonic()
        wait_for(lambda: came)
    assert came[0][1] - begun_s > 1.5


def test_a_folder_that_vanishes_is_told_and_waited_for(folder, photo, quick):
    said = []
    with watching(folder, said) as came:
        shutil.copy(photo, folder / "a.jpg")
        wait_for(lambda: came)
        folder.rename(folder.with_name("away"))
        wait_for(lambda: said)
        folder.with_name("away").rename(folder)
        shutil.copy(photo, folder / "b.jpg")
        wait_for(lambda: len(came) == 2)
    assert names(came) == ["a.jpg", "b.jpg"]
    assert said == [f"{folder} is gone; waiting for it to come back", f"{folder} is back"]


def test_a_disk_that_tells_nothing_is_looked_through(folder, photo, quick, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with watching(folder) as came:
        shutil.copy(photo, folder / "a.jpg")
        wait_for(lambda: came)
    assert names(came) == ["a.jpg"]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_every_part_of_a_photo_is_seen_to_be_one(tmp_path, suffix):
    path = tmp_path / f"whole{suffix}"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    content = path.read_bytes()
    assert looks_whole(path)
    for share in (0.0, 0.001, 0.3, 0.7, 0.95):
        path.write_bytes(content[: int(share * len(content))])
        assert looks_whole(path) is False
    path.write_bytes(bytes(len(content)))  # room for it, nothing in it
    assert looks_whole(path) is False


def test_part_of_a_heif_is_seen_to_be_one(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "whole.heic"
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    heif.encode("RGB", (64, 64), pixels.tobytes(), str(path))
    content = path.read_bytes()
    assert looks_whole(path)
    path.write_bytes(content[:-1])
    assert looks_whole(path) is False


def test_a_tiff_does_not_show_its_end(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), np.zeros((8, 8, 3), np.uint8))
    assert looks_whole(tmp_path / "a.tif") is None


def test_what_is_gone_is_not_whole(tmp_path):
    assert looks_whole(tmp_path / "none.jpg") is False
    assert not os.path.lexists(tmp_path / "none.jpg")
