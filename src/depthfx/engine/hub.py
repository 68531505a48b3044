"""Files of models from the Hugging Face hub, in the cache that every program of it shares.

`huggingface_hub` names the files and keeps the cache (HF_HOME, HF_HUB_CACHE, HF_ENDPOINT,
HF_HUB_OFFLINE and tokens mean what they mean there). What it leaves out stands here:

- A download that was cut goes on where it stopped, in the next run too. The library
  (2.4) writes to a file of a random name, which it deletes when it fails.
- Contents are compared with their checksum before they get their name in the cache. The
  hub's ETag is the SHA-256 of a large file, and git's own SHA-1 of a small one.
- What is in the cache is used without asking the hub whether there is something newer;
  `renew` asks.

Every failure is a ModelError of one line with the way out.
"""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

from depthfx.context import Context
from depthfx.errors import ModelError

ASKS, TRIES = 3, 5
"""Attempts at a question, and attempts in a row that bring no byte, until they are given up."""
PAUSE_S = 1.0
CHUNK_BYTES = 1 << 20
SPARE_BYTES = 100 << 20
"""Room that must be left on the disk after a download."""
SHA256, GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")

T = TypeVar("T")


def fetch(
    repository: str,
    filename: str,
    context: Context,
    *,
    revision: str | None = None,
    sha256: str | None = None,
    renew: bool = False,
) -> Path:
    """One file of a repository: "owner/name" on the hub, or a local folder.

    revision : branch, tag or commit; None: the main branch
    sha256 : what the file must have, where it is known beforehand
    renew : ask the hub for the newest, and read again what is here

    Raises ModelError if the file cannot be had or is not what it should be.
    """
    folder = Path(repository)
    if folder.is_dir():
        path = folder / filename
        if not path.is_file():
            raise ModelError(f"{folder}: there is no {filename} in this folder")
    else:
        here = None if renew else cached(repository, filename, revision)
        path = here or _from_hub(repository, filename, revision, sha256, context)
    if sha256 is not None and (found := checksum(path)) != sha256:
        raise _another_version(f"{repository}/{filename}", found, sha256)
    return path


def snapshot(
    repository: str,
    context: Context,
    *,
    revision: str | None = None,
    allow: Sequence[str] = (),
    renew: bool = False,
) -> Path:
    """The folder of a repository's files whose paths match `allow` (all, if it is empty).

    allow : patterns as of `fnmatch`, like "*.json"

    A local folder given as `repository` is returned as it is. The rest as for `fetch`.
    """
    if Path(repository).is_dir():
        return Path(repository)
    here = None if renew else cached_snapshot(repository, revision, allow)
    if here is not None and _is_listed(here):
        return here
    try:
        return _snapshot_from_hub(repository, revision, allow, context)
    except UnreachableError:
        # Another program brought this folder, and nobody can be asked whether it is whole.
        if here is None:
            raise
        return here


def cached(repository: str, filename: str, revision: str | None = None) -> Path | None:
    """Where the cache has a file, if it has; asks nobody and imports next to nothing."""
    folder = _cache_folder(repository)
    if folder is None:
        return None
    reference = folder / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision or "main"
    path = folder / "snapshots" / commit / filename
    return path if path.is_file() else None


def cached_snapshot(
    repository: str, revision: str | None = None, allow: Sequence[str] = ()
) -> Path | None:
    """The folder of a repository in the cache, if all that is known to belong to it is there."""
    if _cache_folder(repository) is None:
        return None
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=list(allow) or None,
                local_files_only=True,
            )
        )
    except LocalEntryNotFoundError:
        return None


def checksum(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; from the cache's own records where they have it.

    Raises ModelError if the file cannot be read.
    """
    try:
        blob = path.resolve(strict=True)
        if blob.parent.name == "blobs" and SHA256.fullmatch(blob.name):
            return blob.name
        with blob.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from None


class UnreachableError(ModelError):
    """There is no way to the hub now."""


@dataclass(frozen=True)
class _Remote:
    """A file of a repository at one commit; `digest` is its SHA-256, or git's SHA-1 of it."""

    repository: str
    filename: str
    commit: str
    digest: str
    size: int

    def __str__(self) -> str:
        return f"{self.repository}/{self.filename}"


def _from_hub(
    repository: str, filename: str, revision: str | None, sha256: str | None, context: Context
) -> Path:
    with _in_one_line(f"{repository}/{filename}", repository, context):
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

        url = hf_hub_url(repository, filename, revision=revision)
        seen = _again(lambda: get_hf_file_metadata(url))
        digest, size = seen.etag or "", seen.size
        if sha256 is not None and SHA256.fullmatch(digest) and digest != sha256:
            raise _another_version(f"{repository}/{filename}", digest, sha256)
        if size is not None and (SHA256.fullmatch(digest) or GIT_SHA1.fullmatch(digest)):
            commit = seen.commit_hash or revision or "main"
            _download([_Remote(repository, filename, commit, digest, size)], context)
        # In the cache now; the library links it (or, from an unusual hub, fetches it).
        return Path(hf_hub_download(repository, filename, revision=revision, tqdm_class=_no_bar()))


def _snapshot_from_hub(
    repository: str, revision: str | None, allow: Sequence[str], context: Context
) -> Path:
    with _in_one_line(repository, repository, context):
        from huggingface_hub import snapshot_download

        _download(_remote_files(repository, revision, allow), context)
        # All of it is in the cache now; the library links it and notes what belongs to it.
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=list(allow) or None,
                tqdm_class=_no_bar(),
            )
        )


def _is_listed(snapshot: Path) -> bool:
    """Whether the cache knows what belongs to a snapshot, and so that it is whole."""
    return (snapshot.parents[1] / "trees" / f"{snapshot.name}.json").is_file()


def _remote_files(repository: str, revision: str | None, allow: Sequence[str]) -> list[_Remote]:
    """The files of a repository that match `allow`, as the hub lists them."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    hub = HfApi()
    commit = _again(lambda: hub.model_info(repository, revision=revision)).sha or "main"
    tree = _again(lambda: [*hub.list_repo_tree(repository, recursive=True, revision=commit)])
    wanted = [
        entry
        for entry in tree
        if isinstance(entry, RepoFile)
        and (not allow or any(fnmatch(entry.path, pattern) for pattern in allow))
    ]
    if not wanted:
        raise ModelError(f"{repository}: the hub has no file there like {' or '.join(allow)}")
    return [
        _Remote(
            repository,
            entry.path,
            commit,
            entry.lfs.sha256 if entry.lfs else entry.blob_id,
            entry.size,
        )
        for entry in wanted
    ]


def _download(files: list[_Remote], context: Context) -> None:
    """Put the contents of one repository's `files` into the cache, each named by its digest."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    blobs, locks = _cache_folders(files[0].repository)
    missing = [file for file in files if not _holds(blobs / file.digest, file.digest)]
    parts = {file: blobs / f"{file.digest}.incomplete" for file in missing}
    total, done = sum(file.size for file in missing), 0
    _check_room(blobs, total - sum(map(_size, parts.values())))
    for file, part in parts.items():
        tell = _Told(context, f"download, {total / 1e6:.0f} MB", done, total)
        with WeakFileLock(locks / f"{file.digest}.lock"):
            # Meanwhile another process may have brought it.
            if not _holds(blobs / file.digest, file.digest):
                _stream(file, part, tell)
                _take_its_name(file, part, blobs)
        done += file.size


@dataclass(frozen=True)
class _Told:
    """Tells the context how much is there of all that is downloaded."""

    context: Context
    stage: str
    before: int
    total: int

    def __call__(self, here: int) -> None:
        self.context.report(self.stage, min((self.before + here) / max(self.total, 1), 1.0))


def _stream(file: _Remote, part: Path, tell: Callable[[int], None]) -> None:
    """Bring `part` to the size of `file`, going on from what it holds."""
    if _size(part) > file.size:
        part.unlink()
    part.touch()
    idle = 0
    while (before := _size(part)) < file.size:
        fault: Exception | None = None
        try:
            tell(before)
            _append(file, part, before, tell)
        except Exception as error:
            if not _passes(error):
                raise
            fault = error
        idle = 0 if _size(part) > before else idle + 1
        if idle == TRIES:
            raise fault or UnreachableError(f"{file}: the hub sends nothing; try again later")
        if fault is not None:
            time.sleep(PAUSE_S)
    tell(file.size)


def _append(file: _Remote, part: Path, start: int, tell: Callable[[int], None]) -> None:
    """Ask for the bytes of `file` from `start` on, once."""
    from huggingface_hub import constants, get_session, hf_hub_url
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        build_hf_headers,
        hf_raise_for_status,
    )

    # Where the hub sends us on to another host, the client leaves our token behind.
    url = hf_hub_url(file.repository, file.filename, revision=file.commit)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as answer:
        hf_raise_for_status(answer)
        # 206 is what was asked for; 200 is the whole file from its beginning.
        with part.open("ab" if answer.status_code == 206 else "wb") as out:
            for chunk in answer.iter_raw():
                out.write(chunk)
                tell(out.tell())


def _take_its_name(file: _Remote, part: Path, blobs: Path) -> None:
    if not _holds(part, file.digest):
        part.unlink()
        raise ModelError(
            f"{file}: what arrived does not have the hub's checksum {file.digest}, and was "
            "removed; try again, and if it stays so, something on the way changes it"
        )
    part.replace(blobs / file.digest)


def _holds(path: Path, digest: str) -> bool:
    """Whether a file is there and its contents have `digest`."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if SHA256.fullmatch(digest):
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
        git = hashlib.sha1(b"blob %d\0" % _size(path), usedforsecurity=False)
        while chunk := file.read(CHUNK_BYTES):
            git.update(chunk)
        return git.hexdigest() == digest


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _cache_folder(repository: str) -> Path | None:
    """The cache's folder of a repository, if it is there."""
    try:
        from huggingface_hub import constants
    except ImportError:
        return None
    folder = Path(constants.HF_HUB_CACHE) / _folder_name(repository)
    return folder if folder.is_dir() else None


def _cache_folders(repository: str) -> tuple[Path, Path]:
    """Where the cache keeps a repository's contents, and the locks of those who write them."""
    from huggingface_hub import constants

    cache, name = Path(constants.HF_HUB_CACHE), _folder_name(repository)
    blobs, locks = cache / name / "blobs", cache / ".locks" / name
    for folder in (blobs, locks):
        folder.mkdir(parents=True, exist_ok=True)
    return blobs, locks


def _folder_name(repository: str) -> str:
    return f"models--{repository.replace('/', '--')}"


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > 0 and free < needed + SPARE_BYTES:
        raise ModelError(
            f"{folder}: {needed / 1e6:.0f} MB are still to be downloaded, but only "
            f"{free / 1e6:.0f} MB are free there; make room, or let HF_HOME name another disk"
        )


def _again(ask: Callable[[], T]) -> T:
    """The answer to a small question, asked again if the network or the hub stumbles."""
    for attempt in range(ASKS):
        try:
            return ask()
        except Exception as error:
            if attempt + 1 == ASKS or not _passes(error):
                raise
            time.sleep(PAUSE_S)
    raise AssertionError


def _passes(error: Exception) -> bool:
    """Whether a failure may be gone at the next attempt."""
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, _transport_error())


def _transport_error() -> type[Exception]:
    """What the HTTP client of this huggingface_hub (httpx, httpx2) raises without an answer."""
    from huggingface_hub.errors import HfHubHTTPError

    found: type[Exception] = HfHubHTTPError.__mro__[1]
    return found


def _no_bar() -> Any:
    """The library's progress bar, not drawn: ours is told by `Context.report`."""
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    class NoBar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **{**options, "disable": True})  # type: ignore[no-untyped-call]

    return NoBar


def _another_version(name: str, found: str, wanted: str) -> ModelError:
    return ModelError(
        f"{name}: has SHA-256 {found}, expected {wanted}; it is not used: it is old "
        "(`depthfx models pull` renews it) or was changed on the hub; --weights takes another"
    )


@contextmanager
def _in_one_line(what: str, repository: str, context: Context) -> Iterator[None]:
    """Turn whatever goes wrong between here and the hub into one line with the way out."""
    try:
        from huggingface_hub import errors
    except ImportError:
        raise ModelError(
            f"{what} is on the Hugging Face hub, and huggingface_hub is not installed: "
            "pip install 'depthfx[hub]'"
        ) from None
    elsewhere = (
        f"run `depthfx models pull {context.model}` where there is a network and bring the cache "
        "(HF_HOME), or name the files themselves by --weights"
    )
    try:
        yield
    except ModelError:
        raise
    except errors.HFValidationError:
        raise ModelError(
            f"{repository!r} is neither a folder here nor OWNER/NAME on the Hugging Face hub"
        ) from None
    except (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError):
        raise UnreachableError(
            f"{what} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it: "
            f"unset it, or {elsewhere}"
        ) from None
    except errors.HfHubHTTPError as error:
        raise ModelError(f"{what}: {_refusal(error, repository)}") from None
    except _transport_error() as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UnreachableError(
            f"{what} cannot be downloaded, the network fails ({reason}): try again, it goes "
            f"on where it stopped; or {elsewhere}"
        ) from None
    except OSError as error:
        raise ModelError(f"{what} cannot be stored: {_disk_trouble(error)}") from None


def _refusal(error: Any, repository: str) -> str:
    """Why the hub did not give what was asked for."""
    from huggingface_hub import errors

    page = f"https://huggingface.co/{repository}"
    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError) or status == 403:
        return (
            "the hub gives it only to those who accepted its terms: accept them on "
            f"{page}, then log in with `hf auth login` or HF_TOKEN"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return "the hub has no such revision of it; leave out --revision for the newest"
    if isinstance(error, errors.EntryNotFoundError):
        return "the hub has no such file there; is it another repository or revision?"
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        return (
            f"the hub has no public repository {repository}; check its name, or log in "
            "with `hf auth login` if it is private"
        )
    return f"the hub answered with status {status}; try again later"


def _disk_trouble(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the disk is full; make room and try again, it goes on where it stopped"
    place = f" {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{place}; HF_HOME names another place for the cache"
