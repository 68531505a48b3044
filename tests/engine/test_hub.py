"""Downloads against a hub on this machine: whole, cut, resumed, wrong, refused, offline."""

from __future__ import annotations

import errno
import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hub_server import COMMIT, Hub, running
from huggingface_hub import constants

from depthfx.context import Context
from depthfx.engine import hub as depthfx_hub
from depthfx.engine.hub import cached, cached_snapshot, checksum, fetch, snapshot
from depthfx.errors import Cancelled, ModelError

WEIGHTS = np.random.default_rng(2).bytes(5_000_000)
WEIGHTS_SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
REPOSITORY, FILE = "someone/some-depth", "model.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A running hub with one repository, and an empty cache."""
    files = {FILE: WEIGHTS, "config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n"}
    with running(Hub({REPOSITORY: files})) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        template = served.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(depthfx_hub, "PAUSE_S", 0.0)
        yield served


def refused(call, *words):
    """It raised a ModelError of one line that holds `words`."""
    with pytest.raises(ModelError) as caught:
        call()
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_a_file_arrives_whole_and_is_asked_for_once(hub):
    path = fetch(REPOSITORY, FILE, Context())
    assert path.read_bytes() == WEIGHTS
    assert checksum(path) == WEIGHTS_SHA256
    requests = hub.requests
    assert fetch(REPOSITORY, FILE, Context()) == path == cached(REPOSITORY, FILE)
    assert hub.requests == requests


def test_it_lies_where_every_program_of_the_hub_finds_it(hub):
    from huggingface_hub import hf_hub_download, scan_cache_dir

    path = fetch(REPOSITORY, FILE, Context())
    assert hf_hub_download(REPOSITORY, FILE, local_files_only=True) == str(path)
    (repository,) = scan_cache_dir().repos
    assert repository.repo_id == REPOSITORY
    assert repository.size_on_disk == len(WEIGHTS)


def test_progress_names_the_size_and_grows_to_the_end(hub):
    heard = []
    fetch(REPOSITORY, FILE, Context(progress=lambda stage, done: heard.append((stage, done))))
    stages, shares = zip(*heard, strict=True)
    assert set(stages) == {"download, 5 MB"}
    assert list(shares) == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert len(shares) > 4


def test_a_cut_download_goes_on_where_it_stopped(hub):
    half = len(WEIGHTS) // 2
    hub.breaks[FILE] = [half]
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS
    assert hub.asked == [
        (FILE, None, half),
        (FILE, f"bytes={half}-", len(WEIGHTS) - half),
    ]


def test_so_does_one_that_was_given_up_in_the_next_run(hub):
    half = len(WEIGHTS) // 2
    hub.breaks[FILE] = [half] + [0] * 5
    refused(lambda: fetch(REPOSITORY, FILE, Context()), "goes on where it stopped", "models pull")
    assert cached(REPOSITORY, FILE) is None
    hub.asked.clear()
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS
    assert hub.asked == [(FILE, f"bytes={half}-", len(WEIGHTS) - half)]


def test_so_does_one_that_the_user_stopped(hub):
    stop = threading.Event()

    def progress(stage, done):
        if done > 0.5:
            stop.set()

    with pytest.raises(Cancelled):
        fetch(REPOSITORY, FILE, Context(progress=progress, cancel=stop))
    hub.asked.clear()
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS
    ((_, asked, sent),) = hub.asked
    assert asked is not None
    assert sent < len(WEIGHTS) // 2


def test_a_hub_that_stumbles_is_asked_again(hub):
    hub.refuses = [503, 500]
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS


@pytest.mark.parametrize("file", [FILE, "config.json"])
def test_what_has_another_checksum_than_the_hub_says_is_thrown_away(hub, file, tmp_path):
    hub.lies[file] = "ab" * (32 if file == FILE else 20)
    refused(lambda: fetch(REPOSITORY, file, Context()), file, hub.lies[file], "removed")
    assert cached(REPOSITORY, file) is None
    assert not [
        p for p in (tmp_path / "cache").rglob("*") if "abab" in p.name and p.suffix != ".lock"
    ]


def test_a_stated_checksum_is_compared_before_anything_is_downloaded(hub):
    refused(lambda: fetch(REPOSITORY, FILE, Context(), sha256="cd" * 32), WEIGHTS_SHA256, "cd" * 32)
    assert hub.asked == []
    assert fetch(REPOSITORY, FILE, Context(), sha256=WEIGHTS_SHA256).is_file()
    refused(lambda: fetch(REPOSITORY, FILE, Context(), sha256="cd" * 32), "expected")


def test_renewing_finds_and_replaces_what_went_bad_in_the_cache(hub):
    path = fetch(REPOSITORY, FILE, Context())
    path.resolve().write_bytes(b"bad")
    assert fetch(REPOSITORY, FILE, Context(), renew=True).read_bytes() == WEIGHTS


def test_a_snapshot_holds_what_was_allowed_and_is_used_offline(hub, monkeypatch):
    assert cached_snapshot(REPOSITORY, allow=["*.json"]) is None
    folder = snapshot(REPOSITORY, Context(), allow=["*.json", "*.safetensors"])
    assert {path.name for path in folder.iterdir()} == {FILE, "config.json"}
    assert (folder / FILE).read_bytes() == WEIGHTS
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    requests = hub.requests
    assert snapshot(REPOSITORY, Context(), allow=["*.json", "*.safetensors"]) == folder
    assert hub.requests == requests


def test_a_snapshot_that_was_cut_is_not_taken_for_whole(hub):
    hub.breaks[FILE] = [1_000_000] + [0] * 5
    refused(lambda: snapshot(REPOSITORY, Context()), REPOSITORY, "goes on where it stopped")
    hub.asked.clear()
    folder = snapshot(REPOSITORY, Context())
    assert (folder / FILE).read_bytes() == WEIGHTS
    assert (FILE, "bytes=1000000-", len(WEIGHTS) - 1_000_000) in hub.asked


def test_a_local_folder_is_its_own_snapshot(tmp_path):
    (tmp_path / FILE).write_bytes(b"mine")
    assert snapshot(str(tmp_path), Context()) == tmp_path
    assert fetch(str(tmp_path), FILE, Context()).read_bytes() == b"mine"
    refused(lambda: fetch(str(tmp_path), "other.bin", Context()), "other.bin", str(tmp_path))
    refused(lambda: fetch(str(tmp_path), FILE, Context(), sha256="ab" * 32), "expected")
    assert (tmp_path / FILE).read_bytes() == b"mine"


def test_what_the_hub_does_not_have_is_said_in_one_line(hub):
    context = Context(model="hf:someone/other")
    refused(lambda: fetch("someone/other", FILE, context), "someone/other", "check its name")
    refused(lambda: snapshot("someone/other", context), "someone/other", "check its name")
    refused(lambda: fetch(REPOSITORY, "other.bin", context), "other.bin", "no such file")
    refused(lambda: fetch(REPOSITORY, FILE, context, revision="v9"), "no such revision")
    refused(lambda: snapshot(REPOSITORY, context, revision="v9"), "no such revision")
    refused(lambda: snapshot(REPOSITORY, context, allow=["*.bin"]), "*.bin")
    refused(lambda: fetch("no/such/form", FILE, context), "no/such/form", "OWNER/NAME")
    hub.gated.add(REPOSITORY)
    refused(lambda: fetch(REPOSITORY, FILE, context), "accept", "hf auth login")
    refused(lambda: snapshot(REPOSITORY, context), "accept", "hf auth login")


def test_offline_says_how_to_come_by_the_file(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    context = Context(model="some-name")
    for call in (
        lambda: fetch(REPOSITORY, FILE, context),
        lambda: snapshot(REPOSITORY, context),
    ):
        refused(call, "HF_HUB_OFFLINE", "depthfx models pull some-name", "--weights")
    assert hub.requests == 0


def test_no_network_says_how_to_come_by_the_file(hub, monkeypatch):
    nobody = "http://127.0.0.1:9"
    monkeypatch.setattr(constants, "ENDPOINT", nobody)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        nobody + "/{repo_id}/resolve/{revision}/{filename}",
    )
    for call in (
        lambda: fetch(REPOSITORY, FILE, Context()),
        lambda: snapshot(REPOSITORY, Context()),
    ):
        refused(call, "network", "models pull", "--weights")


def test_a_disk_without_room_is_noticed_before_the_download(hub, monkeypatch):
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(depthfx_hub, "SPARE_BYTES", usage.total)
    refused(lambda: fetch(REPOSITORY, FILE, Context()), "5 MB", "HF_HOME")
    assert hub.asked == []


def test_a_cache_that_cannot_be_written_is_named(hub, tmp_path):
    (tmp_path / "cache").write_bytes(b"a file in the way")
    refused(lambda: fetch(REPOSITORY, FILE, Context()), str(tmp_path / "cache"), "HF_HOME")


def test_a_pinned_commit_is_found_again_without_asking(hub):
    path = fetch(REPOSITORY, FILE, Context(), revision=COMMIT)
    requests = hub.requests
    assert fetch(REPOSITORY, FILE, Context(), revision=COMMIT) == path
    assert hub.requests == requests


def test_what_another_program_brought_in_part_is_completed(hub, monkeypatch):
    from huggingface_hub import hf_hub_download

    hf_hub_download(REPOSITORY, "config.json")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not (snapshot(REPOSITORY, Context()) / FILE).exists()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert (snapshot(REPOSITORY, Context()) / FILE).read_bytes() == WEIGHTS


def test_the_token_goes_to_the_hub_and_to_nobody_it_sends_us_to(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.breaks[FILE] = [1_000_000]
    fetch(REPOSITORY, "config.json", Context())
    hub.sends_on = True
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS
    assert hub.tokens == ["Bearer hf_secret", None, None]
    assert hub.asked[-1][1] == "bytes=1000000-"


def test_two_who_want_the_same_file_download_it_once(hub):
    hub.delay_s = 0.005
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: fetch(REPOSITORY, FILE, Context()), range(2)))
    assert paths[0] == paths[1]
    assert paths[0].read_bytes() == WEIGHTS
    assert [sent for _, _, sent in hub.asked] == [len(WEIGHTS)]


def test_a_hub_that_sends_nothing_is_given_up(hub):
    hub.sends_nothing = True
    refused(lambda: fetch(REPOSITORY, FILE, Context()), FILE, "sends nothing")


def test_a_hub_that_knows_no_ranges_sends_it_all_again(hub):
    hub.knows_ranges = False
    hub.breaks[FILE] = [1_000_000]
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS
    assert hub.asked == [(FILE, None, 1_000_000), (FILE, "bytes=1000000-", len(WEIGHTS))]


def test_a_disk_that_fills_up_is_said_so():
    def write():
        with depthfx_hub._in_one_line("a file", REPOSITORY, Context()):
            raise OSError(errno.ENOSPC, "No space left on device")

    refused(write, "a file", "the disk is full", "goes on where it stopped")


def test_what_the_hub_keeps_in_xet_comes_by_http_all_the_same(hub):
    hub.in_xet = True
    assert fetch(REPOSITORY, FILE, Context()).read_bytes() == WEIGHTS
    folder = snapshot(REPOSITORY, Context())
    assert (folder / FILE).read_bytes() == WEIGHTS
    assert [sent for path, _, sent in hub.asked if path == FILE] == [len(WEIGHTS)]
