"""The 3D photo's file: what is in it and what is not."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from disc_before_wall import disc_before_wall, stage

from depthfx.errors import ParameterError, PhotoError
from depthfx.viewer import html_element, html_page, write

VOID = {"meta", "link", "img"}


@pytest.fixture(scope="module")
def page() -> str:
    return html_page(disc_before_wall(), stage(), title='<script>alert("1")</script> & co')


class Reader(HTMLParser):
    """Every element opened is closed, in order; what scripts, styles and titles say."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append({"tag": tag, **dict(attrs)})
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.opened[-1] if self.opened else "", []).append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.opened == []
    return reader


def test_it_is_well_formed_and_its_title_is_text(page: str) -> None:
    reader = read(page)
    assert reader.texts["title"] == ['<script>alert("1")</script> & co']
    assert sum(a["tag"] == "script" for a in reader.attributes) == 3
    assert all("alt" in a for a in reader.attributes if a["tag"] == "img")


def test_it_names_no_other_address(page: str) -> None:
    assert re.findall(r"https?:|//[a-z0-9.-]+\.[a-z]+/|url\(|@import", page) == []
    sources = [a["src"] or "" for a in read(page).attributes if "src" in a]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "eval(" not in page
    assert "innerHTML" not in page


def test_its_policy_allows_what_is_in_it_and_nothing_else(page: str) -> None:
    reader = read(page)
    policy = next(a["content"] or "" for a in reader.attributes if "http-equiv" in a)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    ran = [a for a in reader.attributes if a["tag"] == "script"]
    scripts = [
        text
        for text, script in zip(reader.texts["script"], ran, strict=True)
        if "type" not in script
    ]
    for text in (*scripts, *reader.texts["style"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_it_is_the_same_every_time(page: str) -> None:
    again = html_page(disc_before_wall(), stage(), title='<script>alert("1")</script> & co')
    assert again == page


def test_an_element_stands_alone() -> None:
    reader = read(html_element(disc_before_wall(), stage(), title="x", sway=False))
    assert reader.attributes[0]["tag"] == "figure"
    assert reader.attributes[0]["data-options"] == "still"


def test_lower_quality_and_size_are_smaller_files() -> None:
    def size(**options: int) -> int:
        return len(html_page(disc_before_wall(), stage(), title="x", **options))

    assert size(quality=40) < size(quality=90)
    assert size(longest_px=160) < size()


@pytest.mark.parametrize("options", [{"longest_px": 10}, {"quality": 0}, {"quality": 101}])
def test_numbers_out_of_bounds_are_named(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(ParameterError, match=f"{name}={options[name]} is not"):
        html_page(disc_before_wall(), stage(), title="x", **options)


def test_it_is_written_whole_or_not_at_all(tmp_path: Path, page: str) -> None:
    path = tmp_path / "Ünï photo.html"
    write(path, disc_before_wall(), stage(), title='<script>alert("1")</script> & co')
    assert path.read_text("utf-8") == page
    with pytest.raises(PhotoError, match="exists already"):
        write(path, disc_before_wall(), stage(), title="another")
    assert path.read_text("utf-8") == page
    assert list(tmp_path.iterdir()) == [path]
