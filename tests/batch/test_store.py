"""Bytes at URLs: found, fetched and put, whatever the network does."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest

from depthfx.batch import store
from depthfx.batch.carry import brought, in_its_words, sent
from depthfx.batch.far import Segments
from depthfx.batch.job import Job, Result, Status, Written
from depthfx.batch.look import Look
from depthfx.batch.photos import find_photos
from depthfx.chain import Chain
from depthfx.errors import PhotoError

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAUSE_S", 0.01)


@pytest.fixture
def memory() -> Iterator[str]:
    yield "memory://shoot"
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def files(folder: Path, names: list[str]) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(hashlib.sha256(name.encode()).digest() * 100)
    return [folder / name for name in names]


@pytest.mark.parametrize("place", ["s3://b/x", "zip://a.jpg::s3://b/x.zip", "file:///x", "GS://b"])
def test_urls_are_urls(place: str) -> None:
    assert store.is_url(place)


@pytest.mark.parametrize("place", ["a", "C:\\x\\y", "C:/x", "/a:b//c", "a b://c", Path("x")])
def test_paths_are_none(place: object) -> None:
    assert not store.is_url(place)


def test_a_file_url_is_a_path_here() -> None:
    assert store.local_path("file:///a/b%20c.jpg") == Path("/a/b c.jpg")
    assert store.local_path("file:///C:/a.jpg") == Path("C:/a.jpg")
    assert store.local_path("a.jpg") == Path("a.jpg")
    assert store.local_path("s3://b/a.jpg") is None


NAMES = ["1.jpg", "day 2/äö.png", "day 2/deep/er/3.tif", "zz.jpg"]


def test_what_is_put_is_found_and_comes_back(tmp_path: Path, memory: str) -> None:
    for path, name in zip(files(tmp_path / "in", NAMES), NAMES, strict=True):
        store.put(path, store.join(memory, name))
    entries = {entry.name: entry for entry in store.found(memory)}
    assert sorted(entries) == sorted(NAMES)
    for name, entry in entries.items():
        original = (tmp_path / "in" / name).read_bytes()
        assert entry.size == len(original)
        copy = store.local_copy(entry.url, tmp_path)
        assert copy.name == name.rpartition("/")[2]
        assert copy.read_bytes() == original
    store.remove(store.join(memory, "1.jpg"))
    assert "1.jpg" not in {entry.name for entry in store.found(memory)}


def test_one_file_is_found_by_its_name(tmp_path: Path, memory: str) -> None:
    store.put(files(tmp_path, ["a/1.jpg"])[0], f"{memory}/a/1.jpg")
    assert [e.name for e in store.found(f"{memory}/a/1.jpg")] == ["1.jpg"]


def test_names_lead_nowhere_but_down() -> None:
    assert store._harmless("../a//./b/..x") == "%2E%2E/a/%2E/b/..x"


def test_what_is_not_there_is_said_in_a_line(tmp_path: Path, memory: str) -> None:
    for use in (
        lambda: store.local_copy(f"{memory}/no.jpg", tmp_path),
        lambda: list(store.found(f"{memory}/nowhere")),
    ):
        with pytest.raises(PhotoError, match=r"^memory://shoot/no.*there is no such file"):
            use()
    assert list(store.found(f"{memory}/nowhere", missing_ok=True)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nosuch://b/x", "fsspec knows no store nosuch://"),
        ("s3://key:secret@bucket/x", "has a password in the URL"),
        ("http://localhost/x", "can be read only"),
        ("zip://x::memory://a.zip", "can be read only"),
    ],
)
def test_urls_that_will_not_do(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(PhotoError, match=words) as caught:
        store.put(files(tmp_path, ["x"])[0], url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_photos_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x/1.jpg", b"one")
        archive.writestr("2.jpg", b"two")
    entries = {e.name: e for e in store.found(f"zip://::{(tmp_path / 'a.zip').as_uri()}")}
    assert sorted(entries) == ["2.jpg", "x/1.jpg"]
    assert store.local_copy(entries["x/1.jpg"].url, tmp_path).read_bytes() == b"one"


def test_a_store_without_whole_objects_gets_a_part_first(tmp_path: Path) -> None:
    """As on SFTP: a file could be seen half-written, so it gets its name when it is whole."""
    from fsspec.implementations.local import LocalFileSystem

    class Disk(LocalFileSystem):
        protocol = "testdisk"

        def mv(self, a: str, b: str, **_: object) -> None:
            moves.append((a, b))
            super().mv(a, b)

    moves: list[tuple[str, str]] = []
    fsspec.register_implementation("testdisk", Disk, clobber=True)
    source = files(tmp_path, ["1.jpg"])[0]
    (tmp_path / "out").mkdir()
    store.put(source, f"testdisk://{tmp_path}/out/1.jpg")
    assert (tmp_path / "out/1.jpg").read_bytes() == source.read_bytes()
    assert [Path(a).name.startswith(".depthfx-") for a, _ in moves] == [True]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["1.jpg"]


class Flaky(BaseHTTPRequestHandler):
    """Answers as its server's list of ways says, one by one; the last for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked, ways = self.server.asked, self.server.ways  # type: ignore[attr-defined]
        asked.append(self.path)
        way = ways.pop(0) if len(ways) > 1 else ways[0]
        body = b"photo" * 1000
        if way == "cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:1234])
            self.close_connection = True
        elif way == "drop":
            self.close_connection = True
        else:
            self.send_response(way)
            content = body if way == 200 else b""
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def flaky() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flaky)
    server.asked, server.ways = [], [200]  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_what_passes_is_tried_again(tmp_path: Path, flaky: ThreadingHTTPServer) -> None:
    flaky.ways = [503, "cut", "drop", 200]  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{flaky.server_port}/day%201/a%20b.jpg?Signature=secret"
    [entry] = store.found(url)
    assert entry.name == "a b.jpg"
    copy = store.local_copy(entry.url, tmp_path)
    assert copy.name == "a b.jpg"
    assert copy.read_bytes() == b"photo" * 1000
    assert len(flaky.asked) == 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("way", "asked", "words"),
    [
        (404, 1, "there is no such file"),
        (403, 1, "access is refused (403)"),
        (429, 4, "answers with status 429, 4 times"),
        ("cut", 4, ": "),
    ],
)
def test_what_does_not_pass_is_said(
    tmp_path: Path, flaky: ThreadingHTTPServer, way: object, asked: int, words: str
) -> None:
    flaky.ways = [way]  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{flaky.server_port}/a.jpg"
    with pytest.raises(PhotoError) as caught:
        store.local_copy(f"{url}?Signature=secret", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{url}: ")
    assert words in message
    assert "secret" not in message
    assert "\n" not in message
    assert len(flaky.asked) == asked  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_nobody_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match=r"^http://127.0.0.1:9/a.jpg: .*127.0.0.1:9"):
        store.local_copy("http://127.0.0.1:9/a.jpg", tmp_path)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3 server on this machine, spoken to over HTTP."""
    pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "words")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")).close()
    s3fs.S3FileSystem().mkdir("shoot")
    yield "s3://shoot"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_an_s3_server(tmp_path: Path, bucket: str) -> None:
    names = [*NAMES, "a+b & c?.jpg", *(f"many/{i:04d}.jpg" for i in range(30))]
    for path, name in zip(files(tmp_path / "in", names), names, strict=True):
        store.put(path, store.join(bucket, f"in/{name}"))
    entries = {entry.name: entry for entry in store.found(f"{bucket}/in")}
    assert sorted(entries) == sorted(names)
    assert all(entry.version for entry in entries.values())
    for name in names[:5]:
        copy = store.local_copy(entries[name].url, tmp_path)
        assert copy.read_bytes() == (tmp_path / "in" / name).read_bytes()
    with pytest.raises(PhotoError, match=r"^s3://nothere/a.jpg: there is no such .*bucket"):
        store.local_copy("s3://nothere/a.jpg", tmp_path)
    with pytest.raises(PhotoError, match=r"^s3://nothere/a.jpg: there is no such .*bucket"):
        store.put(tmp_path / "in" / "1.jpg", "s3://nothere/a.jpg")


def test_the_journal_in_pieces(bucket: str) -> None:
    first = Segments(f"{bucket}/out")
    assert list(first.lines()) == []
    first.append(["a", "ä"])
    first.append(["b"])
    Segments(f"{bucket}/out").append(["c"])
    assert list(Segments(f"{bucket}/out").lines()) == ["a", "ä", "b", "c"]


def test_photos_travel_there_and_back(tmp_path: Path, memory: str) -> None:
    for path in files(tmp_path / "in", ["1.cr3", "1.xmp", "d/1.png", "m/1.png"]):
        store.put(path, store.join(memory, path.relative_to(tmp_path / "in").as_posix()))
    matte = f"{memory}/m/1.png"
    job = Job(
        "1.cr3",
        f"{memory}/1.cr3",
        "1.jpg",
        "",
        opening={"matte": matte, "f35_mm": 50.0},
        companions=(f"{memory}/1.xmp", f"{memory}/d/1.png", matte),
    )
    (tmp_path / "bench").mkdir()
    here = brought(job, tmp_path / "bench")
    assert Path(here.source).with_suffix(".xmp") == Path(here.companions[0])
    assert here.opening == {"matte": here.companions[2], "f35_mm": 50.0}
    for place, name in zip(
        (here.source, *here.companions), ["1.cr3", "1.xmp", "d/1.png", "m/1.png"], strict=True
    ):
        assert Path(place).read_bytes() == (tmp_path / "in" / name).read_bytes()
    assert in_its_words(f"{here.source}: bad", job, here) == f"{memory}/1.cr3: bad"


def test_nothing_is_carried_that_is_here_already(tmp_path: Path) -> None:
    job = Job("1.jpg", "1.jpg", "1.jpg", "", opening={"depth": "d.png"})
    assert brought(job, tmp_path) == job


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path, memory: str) -> None:
    def layers(names: list[str]) -> None:
        folder = tmp_path / f"slot{len(names)}"
        files(folder / "a", [*names, "depthfx.json"])
        files(folder, ["a.jpg"])
        files(folder / "depthfx-report", ["pictures/a.jpg"])
        written = (Written("a.jpg", 1, ""), Written("a", 1, ""))
        sent(
            folder,
            Result("a", "a", Status.DONE, written, pictures={"after": "pictures/a.jpg"}),
            f"{memory}/out",
        )

    layers(["1.png", "2.png", "3.png"])
    layers(["1.png"])
    assert sorted(entry.name for entry in store.found(f"{memory}/out")) == [
        "a.jpg",
        "a/1.png",
        "a/depthfx.json",
        "depthfx-report/pictures/a.jpg",
    ]


def test_overrides_in_a_store_that_are_no_text_spoil_their_own_photo_alone(
    tmp_path: Path, memory: str
) -> None:
    for path in files(tmp_path, ["1.jpg", "2.jpg"]):
        store.put(path, store.join(memory, path.name))
    store.put_bytes(b"skip = \xff", store.join(memory, "1.depthfx.toml"))
    faults = {job.name: job.fault for job in Look(Chain()).jobs(find_photos(memory))}
    assert faults.keys() == {"1.jpg", "2.jpg"}
    assert faults["1.jpg"].endswith("1.depthfx.toml: is no recipe: not text in UTF-8")
    assert not faults["2.jpg"]
