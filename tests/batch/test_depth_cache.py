"""What the depth cache gives back is bit for bit what was found, or nothing."""

from __future__ import annotations

import json
import math
import sqlite3
import struct
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import depthfx
from depthfx.batch import cache as depth_cache
from depthfx.batch import packing, payload
from depthfx.batch.cache import OURS, DepthCache, pixels_sha256
from depthfx.camera import Camera, FocalOrigin
from depthfx.chain import Chain
from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.engine import identity
from depthfx.engine.embedded.model import EmbeddedModel
from depthfx.errors import DepthfxError
from depthfx.photo.photo import Metadata, Photo
from depthfx_effects import Bokeh, Portrait, Relight

SOURCE = "a model"
ANY_FLOAT32 = st.floats(width=32, allow_nan=True, allow_infinity=True)
GOOD_FLOAT32 = st.floats(0, np.float32(1e30), width=32)


def planes(shape, elements=GOOD_FLOAT32):
    return arrays(np.float32, shape, elements=elements)


def same_bits(one, other):
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype == np.float32 and one.tobytes() == other.tobytes()


def photo_of(pixels=None, **given):
    if pixels is None:
        pixels = np.random.default_rng(7).random((24, 32, 3), np.float32)
    height, width = pixels.shape[:2]
    return Photo(pixels, given.pop("camera", Camera(width, height, 30.0)), **given)


@pytest.fixture
def photo():
    return photo_of()


@pytest.fixture
def depth():
    rng = np.random.default_rng(3)
    inverse = rng.random((24, 32), np.float32)
    behind = np.where(rng.random((24, 32)) < 0.1, inverse / 2, inverse).astype(np.float32)
    coverage = np.where(behind != inverse, rng.random((24, 32), np.float32), np.float32(1))
    return Depth(
        inverse,
        True,
        "a network – “quoted”",
        behind,
        coverage,
        focal_px=31.4,
        model_error=0.4,
        stamp={"model": "a", "licence": "b"},
    )


@pytest.fixture
def cache(tmp_path):
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as made:
        yield made


def kept(tmp_path, photo, depth, **given):
    """A cache in which `depth` has been kept, its only file, and its warnings."""
    heard: list[str] = []
    with DepthCache(tmp_path / "cache", warn=heard.append, **given) as made:
        made.keep_depth(photo, SOURCE, depth)
    return next(iter((tmp_path / "cache" / OURS).glob("??/*")), None), heard


def assert_same_depth(one, other):
    for field in fields(Depth):
        left, right = getattr(one, field.name), getattr(other, field.name)
        if isinstance(left, np.ndarray):
            assert same_bits(left, right), field.name
        else:
            assert left == right, field.name
            assert repr(left) == repr(right), field.name


# ---------------------------------------------------------------- packing
@given(st.data(), array_shapes(min_dims=2, max_dims=2, max_side=300))
@settings(max_examples=60)
def test_any_plane_comes_back_bit_for_bit(data, shape):
    plane = data.draw(planes(shape, ANY_FLOAT32))
    base = data.draw(st.none() | planes(shape, ANY_FLOAT32))
    found = packing.unpacked(packing.packed(plane, base), shape, base)
    assert same_bits(found, plane)
    assert found.flags.writeable  # as a network's own answer: kernels are compiled for that


def test_a_view_of_a_plane_comes_back_bit_for_bit():
    plane = np.random.default_rng(1).random((300, 200), np.float32)
    for view in (plane[::-1, ::2], plane.T):
        assert same_bits(packing.unpacked(packing.packed(view), view.shape), view.copy())


def test_what_is_left_over_is_what_numpy_makes_of_it():
    words = np.random.default_rng(2).integers(0, 1 << 32, (20, 30), np.uint32)
    rest = np.diff(words, axis=1, prepend=np.uint32(0))
    for _ in range(2):
        rest = np.diff(rest, axis=0, prepend=np.uint32(0))
    signed = rest.view(np.int32)
    expected = ((signed << 1) ^ (signed >> 31)).view(np.uint32)
    left_over, again = np.empty_like(words), np.empty_like(words)
    packing._take_off(words, left_over)
    packing._put_back(left_over, again)
    assert (left_over == expected).all()
    assert (again == words).all()


def test_a_plane_in_space_takes_a_small_part_of_its_bytes():
    y, x = np.mgrid[:512, :512].astype(np.float32)
    plane = np.float32(0.3) + x * np.float32(1e-4) + y * np.float32(2e-4)
    assert len(packing.packed(plane)) < 0.25 * plane.nbytes


@given(st.binary(max_size=200))
def test_bytes_that_are_no_plane_are_refused(data):
    with pytest.raises(ValueError, match=r"rows from|bytes"):
        packing.unpacked(data, (5, 7))


# ---------------------------------------------------------------- files
@given(st.data(), array_shapes(min_dims=2, max_dims=2, max_side=40))
@settings(max_examples=60)
def test_any_depth_comes_back_with_all_its_fields(data, shape):
    number = st.none() | st.floats(allow_nan=False) | GOOD_FLOAT32.map(np.float32)
    depth = Depth(
        data.draw(planes(shape)),
        data.draw(st.booleans()),
        data.draw(st.text(max_size=20)),
        data.draw(st.none() | planes(shape, ANY_FLOAT32)),
        data.draw(st.none() | planes(shape, ANY_FLOAT32)),
        **{name: data.draw(number) for name in payload.NUMBERS},
        stamp=data.draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)),
    )
    assert_same_depth(payload.to_depth(payload.of_depth(depth), shape), depth)


def test_every_field_of_a_depth_is_kept(depth):
    """A field that is added to `Depth` has to be added here."""
    planes = ("inverse", "behind", "coverage")
    told = {*payload.NUMBERS, *planes, "metric", "origin", "stamp"}
    assert {field.name for field in fields(Depth)} == told


def test_others_read_the_file(depth):
    safetensors = pytest.importorskip("safetensors.numpy")
    data = payload.of_depth(depth)
    found = safetensors.load(data)
    assert set(found) == {"inverse", "behind", "coverage", "sha256"}
    assert found["sha256"].tobytes() == sha256(data[:-32]).digest()
    assert same_bits(packing.unpacked(found["inverse"].tobytes(), depth.shape), depth.inverse)


def test_a_file_flipped_in_any_byte_is_damaged(depth):
    data = payload.of_depth(replace(depth, behind=None, coverage=None))
    for place in range(len(data)):
        wrong = bytearray(data)
        wrong[place] ^= 1 << place % 8
        with pytest.raises(payload.DamagedError):
            payload.to_depth(bytes(wrong), depth.shape)


def test_a_file_cut_anywhere_is_damaged(depth):
    data = payload.of_depth(depth)
    for size in [*range(0, 400), *range(400, len(data), 97), len(data) - 1]:
        with pytest.raises(payload.DamagedError):
            payload.to_depth(data[:size], depth.shape)
    with pytest.raises(payload.DamagedError):
        payload.to_depth(data + b"\0", depth.shape)


@given(st.data())
@settings(max_examples=150)
def test_nonsense_with_a_right_checksum_is_damaged_or_read(data):
    """Whatever stands in a file: a depth, or that one error."""
    depth = Depth(np.ones((4, 5), np.float32), True, "x")
    body = bytearray(payload.of_depth(depth)[:-32])
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = payload.to_depth(bytes(body) + sha256(body).digest(), depth.shape)
    except payload.DamagedError:
        return
    assert found.shape == depth.shape


def test_a_matte_is_no_depth(depth):
    matte = payload.of_matte(depth.inverse)
    assert same_bits(payload.to_matte(matte, depth.shape), depth.inverse)
    with pytest.raises(payload.DamagedError, match="it is a matte"):
        payload.to_depth(matte, depth.shape)


# ---------------------------------------------------------------- keys
def test_what_was_kept_is_found_by_the_next(tmp_path, photo, depth):
    file, heard = kept(tmp_path, photo, depth)
    assert file.is_file()
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        again = photo_of(photo.pixels.copy(), metadata=Metadata(xmp=b"<keywords/>"), path=Path("x"))
        assert cache.has_depth(again, SOURCE)
        assert not cache.has_depth(again, "another model")
        assert_same_depth(cache.depth(again, SOURCE), depth)
        assert cache.matte(again, SOURCE) is None
    assert heard == []


@pytest.mark.parametrize(
    "change",
    [
        "pixel",
        "sign of zero",
        "crop",
        "turned",
        "alpha",
        "focal length",
        "guessed",
        "centre",
        "source",
    ],
)
def test_whatever_decides_makes_another_key(cache, change):
    pixels = np.random.default_rng(7).random((24, 32, 3), np.float32)
    pixels[0, 0] = 0.0
    camera = Camera(32, 24, 30.0)
    one, source = photo_of(pixels, camera=camera), SOURCE
    match change:
        case "pixel":
            pixels = pixels.copy()
            pixels[-1, -1, -1] = np.nextafter(pixels[-1, -1, -1], np.float32(2))
        case "sign of zero":
            pixels = pixels.copy()
            pixels[0, 0, 0] = -0.0
        case "crop":
            pixels, camera = pixels[1:], Camera(32, 23, 30.0)
        case "turned":
            pixels, camera = pixels.reshape(32, 24, 3), Camera(24, 32, 30.0)
        case "focal length":
            camera = Camera(32, 24, math.nextafter(30.0, 31))
        case "guessed":
            camera = Camera(32, 24, 30.0, FocalOrigin.GUESS)
        case "centre":
            camera = Camera(32, 24, 30.0, cx=16.5, cy=12.0)
        case "source":
            source = "another model"
    alpha = np.ones(pixels.shape[:2], np.float32) if change == "alpha" else None
    other = photo_of(pixels, camera=camera, alpha=alpha)
    assert cache._depth_key(one, SOURCE) != cache._depth_key(other, source)


def test_who_told_the_focal_length_does_not_matter(cache):
    keys = {
        cache._depth_key(photo_of(camera=Camera(32, 24, 30.0, origin)), SOURCE)
        for origin in (FocalOrigin.USER, FocalOrigin.EXIF, FocalOrigin.INTRINSICS)
    }
    assert len(keys) == 1


def test_a_digest_is_of_what_is_shown_not_of_how_it_lies_in_memory():
    pixels = np.random.default_rng(7).random((24, 32, 3), np.float32)
    wide = np.zeros((24, 64, 3), np.float32)
    wide[:, ::2] = pixels
    assert pixels_sha256(photo_of(pixels)) == pixels_sha256(photo_of(wide[:, ::2]))


def source_of(context=None, **changes):
    context = replace(context or Context(), **changes)
    return identity.identity(context, embedded=context.model.startswith("embedded"))


def test_whatever_decides_a_models_answer_is_in_its_identity(constant_network, monkeypatch):
    one, same, other = (
        constant_network(value, name=name) for value, name in ((1, "a"), (1, "b"), (2, "c"))
    )
    sources = [
        source_of(),
        source_of(quality="draft"),
        source_of(quality="best"),
        source_of(commercial_only=True),
        source_of(model="embedded-clean"),
        source_of(weights=one),
        source_of(weights=other),
    ]
    monkeypatch.setattr(identity, "_version", lambda name: "9")
    sources.append(source_of())
    monkeypatch.setattr(identity, "code_digest", lambda: "changed")
    sources.append(source_of())
    assert None not in sources
    assert len(set(sources)) == len(sources)
    assert source_of(weights=one) == source_of(weights=same)
    # It runs on the CPU whatever is asked for.
    assert source_of(device="cuda") == source_of(memory_limit_gb=3.0) == source_of()


def test_a_folder_of_a_model_is_known_by_its_content(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    context = Context(model=f"hf:{tmp_path}")
    sources = [
        source_of(context),
        source_of(context, device="cuda"),
        source_of(context, compile=True),
    ]
    (tmp_path / "notes.doc").write_text("of no use to a model")
    assert source_of(context) == sources[0]
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    sources.append(source_of(context))
    (tmp_path / "config.json").write_text("{ }")
    sources.append(source_of(context))
    assert None not in sources
    assert len(set(sources)) == len(sources)


@pytest.mark.parametrize(
    "model", ["hf:nobody/nothing", "no such model", "onnx:none.toml", "depth:x"]
)
def test_a_model_that_is_not_here_has_no_identity(model):
    assert source_of(model=model) is None


def test_code_that_decides_is_in_the_digest():
    names = (
        "engine/refine.py",
        "engine/embedded/runtime.py",
        "matting/refine.py",
        "raster/mode.py",
    )
    for name in names:
        room = name.partition("/")[0]
        assert (identity.ROOT / name).is_file()
        assert room in identity.CODE


# ---------------------------------------------------------------- damage
@pytest.mark.parametrize("harm", ["empty", "cut", "flipped", "another", "folder"])
def test_a_damaged_file_is_a_miss_and_removed(tmp_path, photo, depth, harm):
    file, _ = kept(tmp_path, photo, depth)
    data = file.read_bytes()
    match harm:
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(data[: len(data) // 2])
        case "flipped":
            file.write_bytes(data[:200] + bytes([data[200] ^ 4]) + data[201:])
        case "another":
            file.write_bytes(payload.of_matte(depth.inverse))
        case "folder":
            file.unlink()
            file.mkdir()
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        assert cache.depth(photo, SOURCE) is None
        if harm != "folder":
            assert not file.exists()
            cache.keep_depth(photo, SOURCE, depth)
    if harm != "folder":
        assert file.read_bytes() == data


def test_a_depth_of_another_size_is_a_miss(tmp_path, photo, depth):
    file, _ = kept(tmp_path, photo, depth)
    small = Depth(depth.inverse[:5], True, "x")
    file.write_bytes(payload.of_depth(small))
    with DepthCache(tmp_path / "cache") as cache:
        assert cache.depth(photo, SOURCE) is None


@pytest.mark.parametrize("harm", ["lost", "emptied", "text", "torn", "of another table"])
def test_a_lost_or_damaged_index_is_made_anew(tmp_path, photo, depth, harm):
    file, _ = kept(tmp_path, photo, depth)
    index = tmp_path / "cache" / OURS / "index.sqlite"
    match harm:
        case "lost":
            index.unlink()
        case "emptied":
            index.write_bytes(b"")
        case "text":
            index.write_text("this is no database, and has never been one" * 200)
        case "torn":
            index.write_bytes(index.read_bytes()[:4096] + bytes(4096))
        case "of another table":
            index.unlink()
            with sqlite3.connect(index) as database:
                database.execute("CREATE TABLE entries (name TEXT)")
                database.execute("PRAGMA user_version = 1")
            database.close()
    heard: list[str] = []
    with DepthCache(tmp_path / "cache", warn=heard.append) as cache:
        assert_same_depth(cache.depth(photo, SOURCE), depth)
        assert cache.usage() == depth_cache.Usage(1, file.stat().st_size)
    assert len(heard) == (harm not in ("lost", "emptied"))


def test_an_index_that_is_removed_under_us_is_made_anew(tmp_path, photo, depth):
    kept(tmp_path, photo, depth)
    other = photo_of(photo.pixels / 2)
    heard: list[str] = []
    with DepthCache(tmp_path / "cache", warn=heard.append) as cache:
        for path in (tmp_path / "cache" / OURS).glob("index.sqlite*"):
            path.unlink()
        cache.keep_depth(other, SOURCE, depth)
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        assert_same_depth(cache.depth(other, SOURCE), depth)
        assert cache.usage().entries >= 1
    assert len(heard) <= 1


# ---------------------------------------------------------------- no room, no right
def test_a_folder_that_cannot_be_made_is_said_once(tmp_path, photo, depth):
    (tmp_path / "cache").write_text("a file")
    heard: list[str] = []
    with DepthCache(tmp_path / "cache", warn=heard.append) as cache:
        for _ in range(3):
            assert cache.depth(photo, SOURCE) is None
            cache.keep_depth(photo, SOURCE, depth)
    assert len(heard) == 1
    assert "cannot be written" in heard[0]
    assert "\n" not in heard[0]


def test_a_full_disk_is_said_once_and_leaves_nothing(tmp_path, photo, depth, monkeypatch):
    heard: list[str] = []
    with DepthCache(tmp_path / "cache", warn=heard.append) as cache:
        (tmp_path / "cache" / OURS / "parts").rmdir()  # as good as full: nothing can be written
        cache.keep_depth(photo, SOURCE, depth)
        cache.keep_matte(photo, SOURCE, depth.inverse)
    assert len(heard) == 1
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        assert cache.usage() == depth_cache.Usage(0, 0)
        assert cache.depth(photo, SOURCE) is None


def test_room_is_left_on_the_disk(tmp_path, photo, depth, monkeypatch):
    monkeypatch.setattr(depth_cache, "SPARE_BYTES", 1 << 60)
    file, heard = kept(tmp_path, photo, depth)
    assert file is None
    assert len(heard) == 1
    assert "nearly full" in heard[0]


def test_what_was_of_no_use_for_longest_goes(tmp_path, depth):
    photos = [photo_of(np.full((24, 32, 3), value, np.float32)) for value in range(6)]
    size = len(payload.of_depth(depth))
    for photo in photos[:4]:  # four runs
        kept(tmp_path, photo, depth, limit_gb=4.5 * size / 1e9)
    with DepthCache(tmp_path / "cache", 4.5 * size / 1e9, pytest.fail) as cache:
        assert cache.depth(photos[0], SOURCE) is not None
    with DepthCache(tmp_path / "cache", 4.5 * size / 1e9, pytest.fail) as cache:
        cache.keep_depth(photos[4], SOURCE, depth)
        cache.keep_depth(photos[5], SOURCE, depth)
    with DepthCache(tmp_path / "cache") as cache:
        there = [cache.depth(photo, SOURCE) is not None for photo in photos]
        assert cache.usage().size <= 4.5 * size
    assert there == [True, False, False, True, True, True]


def test_a_shoot_larger_than_the_cache_is_found_in_part(tmp_path, depth):
    """And not lost photo by photo, each for the sake of the one before it."""
    photos = [photo_of(np.full((24, 32, 3), value, np.float32)) for value in range(10)]
    limit_gb = 6.5 * len(payload.of_depth(depth)) / 1e9
    found = []
    for _ in range(3):
        heard: list[str] = []
        with DepthCache(tmp_path / "cache", limit_gb, heard.append) as cache:
            hits = 0
            for photo in photos:
                hits += cache.depth(photo, SOURCE) is not None
                cache.keep_depth(photo, SOURCE, depth)
            found.append(hits)
        assert len(heard) == 1
        assert "--cache-size" in heard[0]
    assert found == [0, 6, 6]
    assert len(list((tmp_path / "cache" / OURS).glob("??/*"))) == 6


def test_a_clock_that_was_wrong_keeps_nothing_for_ever(tmp_path, photo, depth):
    limit_gb = 1.5 * len(payload.of_depth(depth)) / 1e9
    kept(tmp_path, photo_of(photo.pixels / 2), depth)
    with sqlite3.connect(tmp_path / "cache" / OURS / "index.sqlite") as database:
        database.execute("UPDATE entries SET used = used + 1e9")
    database.close()
    kept(tmp_path, photo, depth, limit_gb=limit_gb)
    with DepthCache(tmp_path / "cache") as cache:
        assert cache.depth(photo, SOURCE) is not None
        assert cache.usage().entries == 1


def test_another_version_is_left_alone(tmp_path, photo, depth):
    newer = tmp_path / "cache" / "depthfx-depth-v99"
    newer.mkdir(parents=True)
    (newer / "index.sqlite").write_text("of the future")
    kept(tmp_path, photo, depth)
    with DepthCache(tmp_path / "cache") as cache:
        cache.clear()
        assert cache.usage() == depth_cache.Usage(0, 0)
        assert cache.depth(photo, SOURCE) is None
    assert (newer / "index.sqlite").read_text() == "of the future"


def test_what_killed_processes_left_is_swept(tmp_path, photo, depth):
    import os

    kept(tmp_path, photo, depth)
    parts = tmp_path / "cache" / OURS / "parts"
    old, new = parts / "1-old", parts / "2-new"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    DepthCache(tmp_path / "cache").close()
    assert [path.name for path in parts.iterdir()] == ["2-new"]


def test_nothing_is_kept_after_the_end(tmp_path, photo, depth):
    cache = DepthCache(tmp_path / "cache", warn=pytest.fail)
    cache.close()
    cache.close()
    cache.keep_depth(photo, SOURCE, depth)
    assert cache.depth(photo, SOURCE) is None


# ---------------------------------------------------------------- several at once
HAMMER = """
    import sys
    import numpy as np
    from depthfx.batch.cache import DepthCache
    from depthfx.camera import Camera
    from depthfx.depth import Depth
    from depthfx.photo.photo import Photo

    seed, limit_gb, rounds = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    random = np.random.default_rng(seed)
    with DepthCache(sys.argv[1], limit_gb, lambda words: print(words, file=sys.stderr)) as cache:
        print("ready", flush=True)
        for _ in range(rounds):
            value = int(random.integers(12))
            photo = Photo(np.full((40, 50, 3), value, np.float32), Camera(50, 40, 30.0))
            inverse = np.random.default_rng(value).random((40, 50), np.float32)
            found = cache.depth(photo, "source")
            if found is None:
                cache.keep_depth(photo, "source", Depth(inverse, True, str(value)))
            else:
                assert found.inverse.tobytes() == inverse.tobytes()
                assert found.origin == str(value)
    print("done", flush=True)
"""


def hammer(folder, seed, limit_gb, rounds):
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-c", textwrap.dedent(HAMMER)),
            *map(str, (folder, seed, limit_gb, rounds)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_several_processes_use_one_cache_and_one_is_killed(tmp_path):
    inverse = np.random.default_rng(3).random((40, 50), np.float32)
    limit = 5.5 * len(payload.of_depth(Depth(inverse, True, "3")))
    killed = hammer(tmp_path, 0, limit / 1e9, 1_000_000)
    others = [hammer(tmp_path, seed, limit / 1e9, 60) for seed in (1, 2)]
    assert killed.stdout.readline() == "ready\n"
    for process in others:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "ready\ndone\n"), err
        # What no longer fits may be said, nothing else.
        assert all("is full" in line for line in err.splitlines()), err
    assert killed.poll() is None
    killed.kill()
    killed.communicate()
    files = list((tmp_path / OURS).glob("??/*"))
    assert 0 < sum(path.stat().st_size for path in files) <= limit
    for file in files:
        payload.to_depth(file.read_bytes(), (40, 50))
    with DepthCache(tmp_path, limit / 1e9, warn=pytest.fail) as cache:
        photo = photo_of(np.full((40, 50, 3), 99, np.float32))
        cache.keep_depth(photo, SOURCE, Depth(inverse, True, "3"))
    with DepthCache(tmp_path) as cache:
        assert same_bits(cache.depth(photo, SOURCE).inverse, inverse)


def test_a_file_that_was_half_written_is_not_there(tmp_path, photo, depth, monkeypatch):
    """As after SIGKILL or a power cut at any moment: before the rename there is no file."""

    def cut(self, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        _, heard = kept(tmp_path, photo, depth)
    assert len(heard) == 1
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        assert cache.depth(photo, SOURCE) is None
        cache.keep_depth(photo, SOURCE, depth)
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        assert_same_depth(cache.depth(photo, SOURCE), depth)


def test_threads_share_a_cache(cache, depth):
    photos = [photo_of(np.full((24, 32, 3), value, np.float32)) for value in range(8)]

    def use(photo):
        cache.keep_depth(photo, SOURCE, depth)
        return cache.depth(photo, SOURCE)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(use, photos * 3):
            assert found is None or same_bits(found.inverse, depth.inverse)


# ---------------------------------------------------------------- with the engine
@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A photo with a person-like shape before a slanted ground, as a JPEG file."""
    from PIL import Image

    y, x = np.mgrid[:240, :320].astype(np.float32)
    rng = np.random.default_rng(4)
    ground = np.stack([90 + y / 3, 120 + 30 * np.sin(x / 9), 160 - y / 2], -1)
    body = ((x - 160) / 45) ** 2 + ((y - 150) / 80) ** 2 < 1
    head = ((x - 160) / 25) ** 2 + ((y - 55) / 30) ** 2 < 1
    ground[body], ground[head] = (150, 40, 40), (220, 180, 150)
    codes = np.clip(ground + rng.normal(0, 4, ground.shape), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    Image.fromarray(codes).save(path, quality=92)
    return path


class Forbidden:
    """In place of a network that must not be asked."""

    def predict(self, *_args):
        raise AssertionError("the network was asked")


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("effect", "opening"),
    [
        pytest.param(Bokeh(f_number=2), {"scale_at": ["0.5,0.6=2m"]}, id="bokeh, scaled"),
        pytest.param(Portrait(f_number=2), {}, id="portrait"),
        pytest.param(Bokeh(f_number=2), {}, id="bokeh", marks=SLOW),
        pytest.param(Portrait(), {"subject_xy": (0.5, 0.6)}, id="subject", marks=SLOW),
        pytest.param(Portrait(), {"f35_mm": 50.0}, id="focal length", marks=SLOW),
        pytest.param(Relight(), {}, id="relight", marks=SLOW),
    ],
)
def test_the_result_is_the_same_cold_warm_and_without(
    picture, tmp_path, monkeypatch, effect, opening
):
    def made(name, store):
        result = effect(depthfx.open(picture, Context(store=store), **opening))
        depthfx.save(result, tmp_path / f"{name}.jpg")
        return (tmp_path / f"{name}.jpg").read_bytes()

    without = made("without", None)
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        assert made("cold", cache) == without
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        monkeypatch.setattr(EmbeddedModel, "network", Forbidden())
        assert made("warm", cache) == without


def test_a_phones_own_depth_is_used_and_not_kept(picture, tmp_path):
    from depthfx.photo.phone.embed import write_with_depth

    photo = depthfx.open(picture).photo
    inverse = np.full(photo.shape, 0.2, np.float32)
    inverse[60:200, 120:200] = 0.6
    path = tmp_path / "phone.jpg"
    write_with_depth(photo, Depth(inverse, True, "known"), path)
    without = depthfx.open(path).depth
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        for _ in range(2):
            assert_same_depth(depthfx.open(path, Context(store=cache)).depth, without)
        assert cache.usage() == depth_cache.Usage(0, 0)


def test_a_batch_finds_what_the_last_one_kept(picture, tmp_path, monkeypatch):
    from depthfx.batch.job import Job, Settings, Status
    from depthfx.batch.work import Bench
    from depthfx.recipe import to_toml

    results = []
    for f_number in (2.0, 4.0):
        staging = tmp_path / f"staging {f_number}"
        staging.mkdir()
        recipe = to_toml(Chain(Bokeh(f_number=f_number)))
        bench = Bench(Settings(cache=str(tmp_path / "cache"), checks=False), staging)
        results.append(bench.do(Job("photo.jpg", str(picture), "photo.jpg", recipe)))
        bench.close()
        monkeypatch.setattr(EmbeddedModel, "network", Forbidden())
    assert [result.error for result in results] == ["", ""]
    assert {result.status for result in results} == {Status.DONE}
    assert results[0].written[0].sha256 != results[1].written[0].sha256


def test_another_f_number_costs_no_second_estimate(picture, tmp_path, monkeypatch):
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        context = Context(store=cache)
        Portrait(f_number=2)(depthfx.open(picture, context))
    monkeypatch.setattr(EmbeddedModel, "network", Forbidden())
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        context = Context(store=cache)
        other = Portrait(f_number=4)(depthfx.open(picture, context))
        depthfx.save(other, tmp_path / "other.jpg")
        with pytest.raises(AssertionError, match="was asked"):
            depthfx.open(picture, replace(context, quality="best")).depth
        with pytest.raises(AssertionError, match="was asked"):
            depthfx.open(picture, context, f35_mm=80).depth


def test_a_given_depth_is_not_kept(scene, tmp_path):
    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        given = replace(scene, context=Context(store=cache))
        Portrait()(given)
        assert cache.usage() == depth_cache.Usage(0, 0)


def test_licences_are_asked_before_the_cache(picture, tmp_path, monkeypatch):
    from depthfx.engine import find

    with DepthCache(tmp_path / "cache", warn=pytest.fail) as cache:
        depthfx.open(picture, Context(store=cache)).matte
        monkeypatch.setattr(find, "_embedded", lambda context: EmbeddedModel)
        scene = depthfx.open(picture, Context(store=cache, commercial_only=True))
        with pytest.raises(DepthfxError, match="commercial"):
            scene.matte


# ---------------------------------------------------------------- command
def run(*words):
    from click.testing import CliRunner

    from depthfx.cli.cache import cache as command

    return CliRunner().invoke(command, [str(word) for word in words])


def test_the_command_tells_and_clears(tmp_path, photo, depth):
    folder = tmp_path / "cache"
    assert "0 depths" in run("--cache", folder).stdout
    assert not folder.exists()
    file, _ = kept(tmp_path, photo, depth)
    told = json.loads(run("--cache", folder, "--json").stdout)
    assert told == {"folder": str(folder), "entries": 1, "bytes": file.stat().st_size}
    assert "1 depths" in run("--cache", folder, "--limit", "1MB").stdout
    assert "0 depths" in run("--cache", folder, "--clear").stdout
    assert not file.exists()
    assert run("--cache", folder, "--clear", "--limit", "1GB").exit_code != 0


def test_a_header_that_says_a_huge_size_is_damaged():
    data = struct.pack("<Q", 1 << 62) + b"{}"
    with pytest.raises(payload.DamagedError):
        payload.to_depth(data + sha256(data).digest(), (4, 5))
