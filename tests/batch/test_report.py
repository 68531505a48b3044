"""The report's lines and page: strict, in order, whole, and nothing of a name is ever HTML."""

from __future__ import annotations

import json
import math
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.batch import report
from depthfx.batch.job import Finding, Result, Status, Written
from depthfx.batch.report import reported, write_report
from depthfx.batch.sheet import Heading, duration, link, relative, sheet, text

HEADING = Heading("Summer", "depthfx = 1\n", 3)


def result(name: str, status: Status = Status.DONE, **more: object) -> Result:
    return Result(name, f"/photos/{name}", status, **more)  # type: ignore[arg-type]


class Elements(HTMLParser):
    """All tags with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


def strict(line: str) -> dict[str, object]:
    def refuse(word: str) -> float:
        raise ValueError(word)

    return dict(json.loads(line, parse_constant=refuse))


def test_lines_are_in_the_order_of_names_and_strict_json(tmp_path: Path) -> None:
    facts = {"focus_m": math.inf, "worst": (0.5, math.nan)}
    results = [result("b.jpg", facts=facts), result("a.jpg", Status.FAILED, error="a.jpg: no")]
    write_report(tmp_path / "report", results, HEADING)
    lines = (tmp_path / "report" / report.LINES).read_text().splitlines()
    first, second = map(strict, lines)
    assert (first["name"], first["status"], first["error"]) == ("a.jpg", "failed", "a.jpg: no")
    assert second["facts"] == {"focus_m": None, "worst": [0.5, None]}
    assert Result.from_json({**first}).error == "a.jpg: no"


def test_of_two_results_of_one_photo_the_last_counts(tmp_path: Path) -> None:
    write_report(tmp_path, [result("a", Status.FAILED), result("a")], HEADING)
    assert [strict(x)["status"] for x in (tmp_path / report.LINES).open()] == ["done"]


def test_the_same_results_make_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    results = [result(name) for name in "cab"]
    for folder, order in (("one", results), ("other", results[::-1])):
        write_report(tmp_path / folder, order, HEADING)
    for name in (report.LINES, report.PAGE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_nothing_but_the_report_is_left(tmp_path: Path) -> None:
    for _ in range(2):
        write_report(tmp_path, [result("a")], HEADING)
    assert sorted(path.name for path in tmp_path.iterdir()) == [report.PAGE, report.LINES]


names = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=30)


@given(names, names)
def test_any_text_is_shown_and_never_becomes_elements(name: str, words: str) -> None:
    plain = Elements(
        sheet([result("plain", findings=(Finding("halo", "x", 1.0),))], HEADING, Path("/r"))
    )
    finding = Finding(words, words, 1.0)
    page = sheet([result(name, findings=(finding,), facts={"depth": words})], HEADING, Path("/r"))
    page.encode()  # as UTF-8, which knows no lone surrogates
    found = Elements(page)
    assert [tag for tag, _ in found.tags if tag != "span"] == [
        tag
        for tag, _ in plain.tags
        if tag != "span"  # a folder's name is one
    ]
    allowed = {"id", "class", "data-state", "aria-labelledby", "href", "charset", "content"}
    strange = {key for _, values in found.tags for key in values} - {
        key for _, values in plain.tags for key in values
    }
    assert strange <= allowed


@pytest.mark.parametrize("kind", ["name", "error", "look", "recipe"])
def test_a_script_in_a_name_is_text(kind: str) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \"'"
    failed = result(evil if kind == "name" else "a", Status.FAILED, error=evil)
    heading = Heading(evil if kind == "look" else "x", evil if kind == "recipe" else "")
    found = Elements(sheet([failed], heading, Path("/r")))
    assert sum(tag == "script" for tag, _ in found.tags) == 1
    assert not any("onerror" in values for _, values in found.tags)
    assert "<script>alert(1)" in found.said


@given(names.filter(lambda name: "/" not in name))
def test_links_lead_to_the_file_whatever_its_name(name: str) -> None:
    try:
        stored = os.fsencode(name)
    except UnicodeEncodeError:  # a name that no file can have
        return
    address = link(f"../day 1/{name}")
    assert unquote_to_bytes(address) == b"../day 1/" + stored
    assert set(address) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_~%"
    )
    assert link(name).startswith("./")  # never "javascript:..."


def test_a_name_that_is_not_utf_8_is_shown_and_linked() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert text(name) == "caf�.jpg"
    assert link(name) == "./caf%E9.jpg"


def test_a_name_with_newlines_and_turned_writing_stays_on_its_line() -> None:
    assert text("a\nb‮gpj.c") == "a\\x0ab\\x202egpj.c"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("/shoot/in/a.jpg", "../../in/a.jpg"),
        ("s3://bucket/in/a.jpg", None),
        ("https://there.org/a.jpg", None),
    ],
)
def test_photos_on_this_machine_are_linked_from_where_the_page_lies(
    source: str, path: str | None
) -> None:
    assert relative(source, Path("/shoot/out/depthfx-report")) == path


def test_results_are_linked_products_too() -> None:
    written = (Written("day 1/a.jpg", 1, ""), Written("day 1/a-depth.png", 1, ""))
    found = Elements(sheet([result("a", written=written)], HEADING, Path("/out/depthfx-report")))
    linked = [values["href"] for tag, values in found.tags if tag == "a"]
    assert linked[:2] == ["../day%201/a.jpg", "../day%201/a-depth.png"]


def test_failed_photos_and_those_that_need_a_hand_are_listed_first() -> None:
    results = [
        result("fine"),
        result("odd", findings=(Finding("halo", "leaks", 0.08),)),
        result("bad", Status.FAILED, error="bad: is no photo"),
    ]
    page = sheet(results, HEADING, Path("/r"))
    top = Elements(page[: page.index('id="grid"')]).said
    assert "leaks" in top
    assert "bad: is no photo" in top
    assert "fine" not in top


def test_counts_speed_and_time_are_told() -> None:
    odd = result("b", findings=(Finding("halo", "the colour leaks"),))
    results = [result("a"), odd, result("c", Status.KEPT), result("d", Status.FAILED)]
    said = Elements(sheet(results, Heading("x", "", 9, 30.0), Path("/r"))).said
    counts = ("ready2", "need a hand1", "failed1", "kept from earlier1")
    for words in ("4 of 9 photos so far", *counts, "a minute4"):
        assert words in said.replace("\n", "")


def test_of_too_many_photos_those_that_need_a_person_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("depthfx.batch.sheet.MOST_CARDS", 3)
    results = [result(f"fine{i}") for i in range(5)] + [result("bad", Status.FAILED, error="no")]
    page = sheet(results, HEADING, Path("/r"))
    assert page.count("<article") == 3
    assert "3 more photos are in report.jsonl" in page
    assert "fine1" in page
    assert "fine2" not in page
    assert page.rindex("fine1") < page.rindex("<bdi>bad</bdi>")


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.21, "3.21 s"), (59.7, "1 min 0 s"), (3660, "1 h 1 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def photos_told(folder: Path) -> int:
    path = folder / report.LINES
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_the_report_grows_during_a_run_and_is_whole_at_its_end(tmp_path: Path) -> None:
    clock, told = Clock(), []
    for i, _ in enumerate(
        reported((result(f"{i:02d}") for i in range(25)), tmp_path, HEADING, now=clock)
    ):
        told.append(photos_told(tmp_path))
        clock.time = i + 1.0
    assert told[9] == 0
    assert told[12] >= 11  # ten seconds have gone by
    assert told == sorted(told)
    assert photos_told(tmp_path) == 25


def test_a_run_that_is_given_up_leaves_a_report_of_what_was_done(tmp_path: Path) -> None:
    results = reported((result(f"{i}") for i in range(9)), tmp_path, Heading("x", "", 9))
    next(results)
    next(results)
    results.close()
    assert photos_told(tmp_path) == 2
    assert "2 of 9 photos, stopped" in (tmp_path / report.PAGE).read_text()
