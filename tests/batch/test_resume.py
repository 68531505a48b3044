"""Runs that are killed and begun again: in the end nothing tells that they were ever killed."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

LOOK = """
depthfx = 1
[[effect]]
name = "portrait"
f_number = 2.0
"""
KEPT_BESIDE = (".depthfx-batch", "depthfx-report")


def picture(seed, width, height):
    """Something round before something smooth."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (6, 8, 3), np.uint8)
    wide = np.array(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    y, x = np.mgrid[:height, :width]
    inside = (x - width * 0.5) ** 2 + (y - height * 0.6) ** 2 < (0.3 * height) ** 2
    wide[inside] = rng.integers(0, 255, 3, np.uint8)
    return Image.fromarray(wide).filter(ImageFilter.GaussianBlur(0.7))


def write(path, seed, width, height):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = picture(seed, width, height)
    match path.suffixes:
        case [".16", ".png"]:
            cv2.imwrite(str(path), np.array(image).astype(np.uint16)[..., ::-1] * 257)
        case [".grey", _]:
            image.convert("L").save(path)
        case [".cmyk", _]:
            image.convert("CMYK").save(path)
        case [".exr"]:
            from depthfx.photo.photo import Photo
            from depthfx.photo.write import write_photo

            write_photo(Photo.from_arrays(np.float32(image) / 255, focal_px=500.0), path)
        case [".heic"]:
            from pillow_heif import register_heif_opener

            register_heif_opener()
            image.save(path)
        case [".turned", _]:
            exif = Image.Exif()
            exif[0x0112] = 6
            image.save(path, exif=exif)
        case _:
            image.save(path)


KINDS = ("jpg", "png", "webp", "tif", "16.png", "grey.jpg", "heic", "turned.jpg", "cmyk.jpg", "jpg")


def spoil(folder, count):
    """`count` files that are no photos, or not whole ones, each of another kind."""
    whole = (folder / "day0" / "p0.jpg").read_bytes()
    # A PNG of 60000 x 60000 pixels, or so its header says.
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + 2 * (60000).to_bytes(4, "big") + b"\x08\x02\0\0\0"
    ways = {
        "empty.jpg": b"",
        "words.jpg": b"not a photo\n",
        "bomb.png": bomb + bytes(40),
        "short.jpg": whole[:500],
        "page.jpg": b"<html>not found</html>" * 30,
        "noise.tif": b"II*\0" + b"\xff" * 40,
        "cut.webp": b"RIFF\0\0\0\0WEBPVP8 ",
        "other.heic": b"\0\0\0\x18ftypheic" + bytes(60),
        "zeros.exr": b"v/1\x01" + bytes(60),
        "nothing.dng": b"II*\0\x08\0\0\0" + bytes(30),
    }
    for name, content in list(ways.items())[:count]:
        (folder / "day0" / name).write_bytes(content)


def shoot_of(folder, good, bad, sizes):
    """A shoot: `good` photos of mixed formats and sizes, `bad` files among them; its look."""
    for number in range(good):
        width = sizes[number % len(sizes)]
        name = f"day{number % 3}/p{number}.{KINDS[number % len(KINDS)]}"
        write(folder / "in" / name, number, width, width * 3 // 4)
    spoil(folder / "in", bad)
    look = folder / "look.toml"
    look.write_text(LOOK)
    return folder


def command(folder, out):
    words = ["batch", folder / "look.toml", folder / "in", "-o", folder / out, "--jobs", 2]
    return [sys.executable, "-m", "depthfx", *map(str, words), "--cache", str(folder / "cache")]


def run(folder, out):
    return subprocess.run(command(folder, out), capture_output=True, text=True, timeout=1800)


def tree(out):
    """Checksums of the results, while they come if need be."""
    found = {}
    for folder, inner, names in os.walk(out):
        inner[:] = set(inner) - set(KEPT_BESIDE)
        for path in (Path(folder, name) for name in names):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(out).as_posix()] = digest
    return found


def children(pid):
    """Of a process, those that are not dead; Linux."""
    with suppress(FileNotFoundError, ProcessLookupError):
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]
    return []


def alive(pid):
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def soon(condition, seconds=20.0):
    """Whether `condition()` comes true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def kill_once(folder, out, way, results, after_s):
    """Begin a run and kill it; nothing is left running.

    way : "group": the driver and all workers at once; "driver": that alone; "worker": one of
        them, and the driver a little later
    results, after_s : when so many are there, and this time has gone by
    """
    process = subprocess.Popen(
        command(folder, out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        soon(lambda: process.poll() is not None or len(tree(out)) >= results, 300)
        time.sleep(after_s)
        workers = children(process.pid)
        if way == "worker" and workers:
            os.kill(workers[-1], signal.SIGKILL)
            time.sleep(after_s)
            workers = children(process.pid)
        if way == "group":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait(20)
        assert soon(lambda: not any(map(alive, workers))), f"{way}: a worker has outlived its run"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def done_lines(out):
    text = (out / ".depthfx-batch" / "journal.jsonl").read_text()
    return [line["done"] for line in map(json.loads, text.splitlines()) if "done" in line]


def killed_and_resumed(folder, seed, kills, good, bad):
    """Kill a run `kills` times at moments of chance, resume it, compare with an undisturbed one."""
    whole = folder / "whole"
    if not whole.exists():
        ended = run(folder, "whole")
        assert ended.returncode == 1, ended.stderr
        assert f"{bad} of {good + bad} photos failed, the others are done" in ended.stderr
    out, chance = folder / f"out{seed}", random.Random(seed)
    before_each = []
    for kill in range(kills):
        shutil.rmtree(folder / "cache", ignore_errors=True)
        way = chance.choice(("driver", "group", "worker"))
        results = chance.randint(0, good * (kill + 1) // (kills + 1))
        kill_once(folder, out, way, results, chance.expovariate(2.0))
        before_each.append(f"{way} {len(tree(out))}")
    ended = run(folder, out.name)
    assert ended.returncode == 1, ended.stderr
    assert f"{bad} of {good + bad} photos failed, the others are done" in ended.stderr
    errors = [line for line in ended.stderr.splitlines() if "failed: " in line]
    assert len(errors) == bad, ended.stderr
    assert len(tree(whole)) == good
    assert tree(out) == tree(whole)
    assert sorted(done_lines(out)) == sorted(set(done_lines(out)))
    assert len(done_lines(out)) == good
    assert {path.name for path in (out / ".depthfx-batch").iterdir()} == {"journal.jsonl", "lock"}
    assert not list(out.rglob("*.part"))
    print(f"seed {seed}: killed, results there: {'; '.join(before_each)}")


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="this system does not list its processes in /proc"
)


GOOD, BAD = 9, 3  # of the small shoot


@pytest.fixture(scope="module")
def small_shoot(tmp_path_factory):
    return shoot_of(tmp_path_factory.mktemp("small"), good=GOOD, bad=BAD, sizes=(96, 160, 128))


@needs_proc
def test_killed_at_any_moment_and_resumed_nothing_tells_of_it(small_shoot):
    killed_and_resumed(small_shoot, seed=1, kills=2, good=GOOD, bad=BAD)


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_killed_five_times_and_resumed(seed, small_shoot):
    killed_and_resumed(small_shoot, seed=seed, kills=5, good=GOOD, bad=BAD)


@needs_proc
@pytest.mark.slow
def test_two_hundred_photos_killed_five_times(tmp_path):
    sizes = (64, 160, 96, 33, 240, 128, 320, 48, 800)
    folder = shoot_of(tmp_path, good=190, bad=10, sizes=sizes)
    write(folder / "in" / "day1" / "p1.png", 1, 4000, 3000)
    killed_and_resumed(folder, seed=200, kills=5, good=190, bad=10)


def begun(folder):
    """The command at work, as a terminal begins it: one group, which Ctrl-C reaches."""
    return subprocess.Popen(
        command(folder, "out"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What is begun in the background of a shell ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="ctrl-c"),
        pytest.param(signal.SIGTERM, id="terminate", marks=pytest.mark.slow),
    ],
)
def test_asked_to_stop_it_finishes_what_is_in_hand_and_says_how_to_go_on(number, tmp_path):
    folder = shoot_of(tmp_path, good=9, bad=0, sizes=(320,))
    out = folder / "out"
    with begun(folder) as process:
        try:
            assert soon(lambda: (out / ".depthfx-batch").exists() and tree(out), 60)
            os.killpg(process.pid, number)  # as a terminal does: to all of them
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "depthfx batch" in said or "to go on" in said, said
    assert 0 < len(tree(out)) < 9, said
    assert len(done_lines(out)) == len(tree(out))
    assert {path.name for path in (out / ".depthfx-batch").iterdir()} == {"journal.jsonl", "lock"}
    assert run(folder, "out").returncode == 0
    assert len(tree(out)) == 9


@needs_proc
def test_asked_twice_it_ends_at_once_and_leaves_nothing_half_done(tmp_path):
    folder = shoot_of(tmp_path, good=4, bad=0, sizes=(2400,))
    out = folder / "out"
    with begun(folder) as process:
        try:
            staging = out / ".depthfx-batch" / "staging"
            assert soon(lambda: staging.exists() and list(staging.glob("*/*")), 60)
            workers = children(process.pid)
            os.killpg(process.pid, number := signal.SIGINT)
            time.sleep(0.3)
            asked_s = time.monotonic()
            os.killpg(process.pid, number)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert time.monotonic() - asked_s < 6
    assert "Traceback" not in said
    assert soon(lambda: not any(map(alive, workers)))
    assert len(done_lines(out)) == len(tree(out)) < 4
    assert {path.name for path in (out / ".depthfx-batch").iterdir()} == {"journal.jsonl", "lock"}
    assert not list(out.rglob(".depthfx-*.part"))
