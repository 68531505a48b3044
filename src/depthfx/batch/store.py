"""Where bytes live: a folder of this machine, or a URL that fsspec can read: s3, gs, az, http ...

Which endpoint and whose credentials is told as to every fsspec program: by the environment
(`AWS_PROFILE`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS` ...) or in fsspec's own
configuration files. Nothing here stores a secret or shows one: a URL with a password in it is
refused, since URLs stand in journals and reports.
"""

from __future__ import annotations

import errno
import random
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from depthfx.errors import DepthfxError, PhotoError

T = TypeVar("T")

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+(::|://)")  # "C:\photos" has one letter
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "memory"))
"""An object put there is there whole or not at all, and replaces what had its name."""
READ_ONLY = frozenset(("http", "https", "zip", "tar", "libarchive", "github", "git", "data"))
WEB = frozenset(("http", "https"))
VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "mtime")
"""What stores call that which changes with a file's content, the best first."""

TRIES = 4
PAUSE_S = 0.5
"""Before the second try; doubled before each further one, and up to half of it more, by chance,
so that a thousand workers do not knock again all at once."""
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
DEEPEST = 64
"""Folders within folders; a web server's links may go round and round."""


@dataclass(frozen=True)
class Entry:
    """A file that was found.

    name : its path below what was named, with "/"
    url : where it is
    size : bytes, None if the store does not say
    version : changes with the content, as far as the store tells: an ETag, else a time; else ""
    """

    name: str
    url: str
    size: int | None
    version: str = ""


def is_url(place: object) -> bool:
    """Whether `place` is a URL and no path; `file://` is one, too, see `local_path`."""
    return isinstance(place, str) and URL.match(place) is not None


def local_path(place: str | Path) -> Path | None:
    """The path that `place` is on this machine; None if it is elsewhere."""
    if isinstance(place, Path) or not is_url(place):
        return Path(place)
    if not place.lower().startswith(("file://", "local://")):
        return None
    path = unquote(urlsplit(place).path)
    return Path(path[1:] if re.match(r"/[a-zA-Z]:", path) else path)


def shown(url: str) -> str:
    """`url` as it may be told to anybody: without password and query."""
    if _protocol(url) not in WEB:  # "?" and "#" may be in an object's name
        return re.sub(r"(?<=://)[^/@]*@", "", url)
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def join(url: str, name: str) -> str:
    """The URL of what is called `name` below `url`."""
    head, chain, outer = url.partition("::")
    return f"{head.rstrip('/')}/{name}{chain}{outer}" if chain else f"{url.rstrip('/')}/{name}"


def check(url: str, *, writable: bool = False) -> None:
    """Raise PhotoError if nothing can be read, or written, at URLs like `url`, whatever is there.

    No network is asked; what only the store knows (rights, names) is said by the first use.
    """
    if writable and (_protocol(url) in READ_ONLY or "::" in url):
        raise PhotoError(
            f"{shown(url)}: can be read only; write to a folder, or to a store like s3://"
        )
    with _in_words(url):
        _system(url)


def found(url: str, *, missing_ok: bool = False) -> Iterator[Entry]:
    """Every file at `url`: itself, or all that is below it, folders in the order of their names.

    missing_ok : if nothing is there, nothing is found; else that is a PhotoError

    A URL of the web is a folder if it ends in "/": then the links on its page are its files.
    The listing of one folder is held in memory (about 1 KB an entry), never that of all.
    """
    with _in_words(url):
        system, root = _system(url)
        if _protocol(url) in WEB and not root.endswith("/"):
            yield Entry(_base(root), url, None)
            return
        if missing_ok and not _again(lambda: system.exists(root)):
            return
        yield from _below(system, root.rstrip("/"), root, url.partition("::")[2], 0)


def _below(system: Any, root: str, folder: str, outer: str, depth: int) -> Iterator[Entry]:
    # `walk` of fsspec leaves out a folder whose listing fails, and its photos with it.
    listing = _again(lambda: system.ls(folder, detail=True))
    folders = []
    for info in sorted(listing, key=lambda info: info["name"]):
        path = info["name"]
        if info["type"] == "directory":
            inside = path.rstrip("/") != folder.rstrip("/")
            folders += [path] if inside and path.startswith(root) else []
        elif not path.endswith("/"):
            link = system.unstrip_protocol(path)
            web = _protocol(link) in WEB
            if web and "?" in link:  # sorts the page
                continue
            name = _base(path) if path == root else path[len(root) :].lstrip("/")
            version = next((str(info[key]) for key in VERSIONS if info.get(key)), "")
            yield Entry(
                _harmless(unquote(name) if web else name),
                f"{link}::{outer}" if outer else link,
                info.get("size"),
                version.strip('"'),
            )
    if depth == DEEPEST and folders:
        raise PhotoError(f"{folders[0]}: lies more than {DEEPEST} folders deep; name it itself")
    for path in folders:
        yield from _below(system, root, path, outer, depth + 1)


def _harmless(name: str) -> str:
    """`name` so that it leads nowhere but down: an object may well be called "a/../b"."""
    return "/".join(
        part.replace(".", "%2E") if part in (".", "..") else part
        for part in name.split("/")
        if part
    )


def local_copy(url: str, folder: Path) -> Path:
    """The file at `url`, whole, in `folder`, under its own name; tried again if the network fails.

    Raises PhotoError; then nothing is left of it.
    """
    with _in_words(url):
        system, path = _system(url)
        target = folder / _base(path)
        try:
            _again(lambda: _fetch(system, path, target, sized=_protocol(url) not in WEB))
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return target


def _fetch(system: Any, path: str, target: Path, *, sized: bool) -> None:
    from fsspec.callbacks import Callback

    told = Callback()
    system.get_file(path, str(target), callback=told)
    # A web server's answer may come packed, and its client itself sees to its length.
    if sized and told.size is not None and target.stat().st_size != told.size:
        raise ConnectionError(f"{target.stat().st_size} bytes of {told.size} arrived")


def put(path: Path, url: str) -> None:
    """Put the file at `path` to `url`, whole or not at all, in place of what is there.

    Raises PhotoError; then what was at `url` is as it was.
    """
    check(url, writable=True)
    with _in_words(url):
        system, target = _system(url)
        if _protocol(url) in OBJECT_STORES:
            _again(lambda: system.put_file(str(path), target))
            return
        folder, _, name = target.rpartition("/")
        part = f"{folder}/.depthfx-{secrets.token_hex(6)}-{name}.part"
        try:
            _again(lambda: system.put_file(str(path), part))
            _again(lambda: system.mv(part, target))
        except BaseException:
            if _info(system, part) is not None:
                system.rm_file(part)
            raise


def put_bytes(content: bytes, url: str) -> None:
    """Put `content` to `url` as `put` does."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="depthfx-") as folder:
        path = Path(folder) / (_base(url) or "bytes")
        path.write_bytes(content)
        put(path, url)


def content(url: str) -> bytes:
    """What is at `url`, for small files. Raises PhotoError."""
    with _in_words(url):
        system, path = _system(url)
        got: bytes = _again(lambda: system.cat_file(path))
        return got


def remove(url: str) -> None:
    """Remove the file at `url`, if there is one. Raises PhotoError."""
    with _in_words(url):
        system, path = _system(url)
        if _info(system, path) is not None:
            _again(lambda: system.rm_file(path))


def _info(system: Any, path: str) -> dict[str, Any] | None:
    # `exists` of fsspec says no where the network fails, too.
    try:
        info: dict[str, Any] = _again(lambda: system.info(path))
    except FileNotFoundError:
        return None
    return info if info["type"] != "directory" else None


def _protocol(url: str) -> str:
    return url.partition(":")[0].lower()


def _base(path: str) -> str:
    """The last part of a path, or of a URL without its query."""
    path = path.partition("::")[0]
    if path.startswith(("http://", "https://")):
        path = unquote(urlsplit(path).path)
    return path.rstrip("/").rpartition("/")[2] or "photo"


def _system(url: str) -> tuple[Any, str]:
    """fsspec's file system, and the path in it."""
    if urlsplit(url).password is not None:
        raise PhotoError(
            f"{shown(url)}: has a password in the URL, which would stand in journal and report; "
            "give it by the environment or in fsspec's configuration"
        )
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise PhotoError(
            f"{shown(url)}: reading and writing URLs needs fsspec: pip install 'depthfx[ray]'"
        ) from None
    # A listing once kept would hide what was written since.
    system, path = url_to_fs(url, use_listings_cache=False)
    return system, path


def _again(work: Callable[[], T]) -> T:
    """What `work` gives, tried again if the network or the store stumbles."""
    for attempt in range(TRIES):
        try:
            return work()
        except Exception as error:
            if attempt + 1 == TRIES or not _passes(error):
                raise
            time.sleep(PAUSE_S * 2**attempt * random.uniform(1, 1.5))
    raise AssertionError


def _status(error: BaseException) -> int | None:
    """The HTTP status that an error of any store's library is about."""
    for name in ("status", "status_code", "code"):  # of aiohttp, Azure, Google
        if isinstance(value := getattr(error, name, None), int) and 400 <= value < 600:
            return value
    response = getattr(error.__cause__ or error, "response", None)
    if isinstance(response, dict):  # of botocore
        return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) or None
    return None


def _passes(error: Exception) -> bool:
    """Whether a failure may be gone at the next attempt."""
    status = _status(error)
    if status is not None:
        return status in (408, 429) or status >= 500
    last = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
    if isinstance(error, (*last, DepthfxError, ValueError, NotImplementedError, ImportError)):
        return False
    # What is wrong with this machine's own disk stays so; networks raise errors of all kinds.
    here = getattr(error, "filename", None) is not None or getattr(error, "errno", 0) in DISK
    return not here and "Credentials" not in type(error).__name__


@contextmanager
def _in_words(url: str) -> Iterator[None]:
    """Whatever the store's library raises becomes a PhotoError of one line that names `url`."""
    try:
        yield
    except DepthfxError:
        raise
    except Exception as error:
        raise PhotoError(f"{shown(url)}: {_reason(error, url)}") from error


def _reason(error: Exception, url: str) -> str:
    status, kind = _status(error), type(error).__name__
    if isinstance(error, ImportError):
        return f"{_words(error)} (pip install, beside 'depthfx[ray]')"
    if isinstance(error, FileNotFoundError) or status == 404:
        return "there is no such file, folder or bucket; look at its spelling, and at the endpoint"
    if "Credentials" in kind:
        return (
            "no credentials were found; give them as to every program of this store, for s3 by "
            "AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if isinstance(error, PermissionError) or status in (401, 403):
        return (
            f"access is refused{f' ({status})' if status else ''}; look at the credentials and at "
            "what they allow"
        )
    if status is not None:
        return f"the store answers with status {status}, {TRIES} times; try again later"
    if isinstance(error, ValueError) and "Protocol not known" in str(error):
        return f"fsspec knows no store {_protocol(url)}://; s3, gs, az, http and others it does"
    later = "; try again, it goes on where it stopped" if _passes(error) else ""
    return f"{_words(error) or kind}{later}"


def _words(error: Exception) -> str:
    words = " ".join(str(error).split())[:300]
    # Libraries quote URLs with all that is in them.
    return re.sub(r"(?<=://)[^\s/'\"@]*@|\?[^\s'\"]*", "", words)
