"""A hub on this machine: the part of the Hugging Face hub's protocol that downloads use.

Files and listings by HTTP, with ETag, X-Repo-Commit, Content-Length and Range; it can
break off in the middle of a file, refuse, and remembers what it was asked.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000
"""From this many bytes on a file has a SHA-256 of its own, as in LFS; below it git's SHA-1."""


PIECE = 100_000


@dataclass
class Hub:
    """Repositories, and how the hub behaves.

    files : contents by repository and path
    breaks : bytes after which the next answers for a path break off, one after another
    lies : a digest given for a path in place of the true one
    gated : repositories that nobody may see
    refuses : status with which everything is answered, once for each
    sends_on : answer a GET of a file by naming another host, as the hub does for large ones
    in_xet : large files are said to be kept in Xet too, as on the real hub
    sends_nothing : answer a GET of a file with an empty one
    knows_ranges : send only what was asked for
    delay_s : waited after every 100 kB of a file
    asked : (path, Range header or None, bytes sent) of every GET of a file
    tokens : the Authorization header of each of them
    """

    files: dict[str, dict[str, bytes]]
    breaks: dict[str, list[int]] = field(default_factory=dict)
    lies: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    refuses: list[int] = field(default_factory=list)
    sends_on: bool = False
    in_xet: bool = False
    sends_nothing: bool = False
    knows_ranges: bool = True
    tokens: list[str | None] = field(default_factory=list)
    delay_s: float = 0.0
    asked: list[tuple[str, str | None, int]] = field(default_factory=list)
    requests: int = 0
    url: str = ""

    def digest(self, path: str, data: bytes) -> str:
        if path in self.lies:
            return self.lies[path]
        if len(data) >= LARGE:
            return hashlib.sha256(data).hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def entry(self, path: str, data: bytes) -> dict[str, object]:
        """A file as the hub's listing of a commit describes it."""
        found = {"type": "file", "path": path, "size": len(data), "oid": self.digest(path, data)}
        if len(data) >= LARGE:
            lfs = {"oid": self.digest(path, data), "size": len(data), "pointerSize": 130}
            found |= {"oid": "0" * 40, "lfs": lfs}
            found |= {"xetHash": "ab" * 32} if self.in_xet else {}
        return found


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` at `hub.url` as long as the block lasts."""

    class Handler(_Handler):
        served = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    served: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.served.requests += 1
        if self.served.refuses:
            return self.fail(self.served.refuses.pop(0), "")
        path, _, _ = self.path.partition("?")
        parts = path.strip("/").split("/")
        listing = parts[:2] == ["api", "models"]
        owner, name, *rest = parts[2:] if listing else parts
        repository = f"{owner}/{name}"
        if repository in self.served.gated:
            return self.fail(403, "GatedRepo")
        if repository not in self.served.files:
            return self.fail(404, "RepoNotFound")
        if len(rest) > 1 and rest[1] not in ("main", COMMIT):
            return self.fail(404, "RevisionNotFound")
        if listing:
            return self.list(repository, tree=rest[:1] == ["tree"])
        file = "/".join(rest[2:])
        if file not in self.served.files[repository]:
            return self.fail(404, "EntryNotFound")
        return self.send(file, self.served.files[repository][file])

    def fail(self, status: int, code: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def list(self, repository: str, tree: bool) -> None:
        files = self.served.files[repository].items()
        entries = [self.served.entry(path, data) for path, data in files]
        about = {
            "id": repository,
            "sha": COMMIT,
            "siblings": [{"rfilename": path} for path, _ in files],
        }
        body = json.dumps(entries if tree else about).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_on(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.server_port}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send(self, file: str, data: bytes) -> None:
        if self.served.sends_on and self.command == "GET" and "127.0.0.1" in self.headers["Host"]:
            self.send_on()
            return
        if self.served.sends_nothing and self.command == "GET":
            data = b""
        asked = self.headers.get("Range")
        ranged = asked is not None and self.served.knows_ranges
        start = int(asked.removeprefix("bytes=").rstrip("-")) if ranged else 0
        self.send_response(206 if ranged else 200)
        self.send_header("ETag", f'"{self.served.digest(file, data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if self.served.in_xet and len(data) >= LARGE:
            self.send_header("X-Xet-Hash", "ab" * 32)
            self.send_header("X-Xet-Refresh-Route", f"{self.served.url}/no/such/route")
        self.send_header("Content-Length", str(len(data) - start))
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        body, breaks = data[start:], self.served.breaks.get(file)
        if breaks:
            body, self.close_connection = body[: breaks.pop(0)], True
        for at in range(0, len(body), PIECE):
            self.wfile.write(body[at : at + PIECE])
            time.sleep(self.served.delay_s)
        self.served.asked.append((file, asked, len(body)))
        self.served.tokens.append(self.headers.get("Authorization"))
