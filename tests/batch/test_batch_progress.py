"""What is said of a batch's progress: pace, time left, lines in a log, a drawn board."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthfx.batch.job import Finding, Job, Result, Status
from depthfx.batch.past import ALTERED
from depthfx.cli import batch_progress
from depthfx.cli.batch_progress import BASE_PX, Board, Pace, board, drawn, duration


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def a_job(name, size_px=0):
    return Job(name, f"in/{name}", name, "", size_px=size_px)


def ended(name, status=Status.DONE, **more):
    return Result(name, f"in/{name}", status, **more)


@given(st.floats(0.1, 100), st.integers(1, 200), st.integers(1, 500), st.integers(0, 50_000_000))
def test_an_even_pace_is_told_as_it_is(each_s, done, left, size_px):
    pace = Pace(0.0)
    for number in range(1, done + 1):
        pace.done(size_px, number * each_s)
    now_s = done * each_s
    assert pace.per_minute(now_s) == pytest.approx(60 / each_s)
    assert pace.left_s(left * size_px, left, now_s) == pytest.approx(left * each_s)


def test_big_photos_are_known_to_take_longer():
    pace = Pace(0.0)
    pace.done(2_000_000, 3.0)
    # 2 MP and the base took 3 s, so 23 MP and the base take 24 s.
    assert pace.left_s(23_000_000, 1, 3.0) == pytest.approx(3.0 * (23_000_000 + BASE_PX) / 3e6)


def test_the_pace_is_that_of_late():
    pace, now_s = Pace(0.0), 0.0
    for each_s in (1.0,) * 100 + (10.0,) * 30:
        now_s += each_s
        pace.done(0, now_s)
    assert pace.per_minute(now_s) == pytest.approx(6.0, rel=0.2)


def test_nothing_is_known_before_anything_is_done():
    pace = Pace(0.0)
    assert pace.left_s(10, 1, 5.0) is None
    assert pace.per_minute(5.0) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.2, "4 s"), (59.9, "1 min"), (754, "13 min"), (3599, "1 h 00 min"), (5290, "1 h 28 min")],
)
def test_times_are_told_in_words(seconds, words):
    assert duration(seconds) == words


def test_a_log_gets_a_line_a_photo(clock):
    said = []
    shown = Board(said.append, clock=clock)
    shown.planned([a_job(name) for name in ("a.jpg", "b.jpg", "c\nd\udcff.jpg", "kept.jpg")])
    shown.ended(ended("kept.jpg", Status.KEPT))
    shown.begun(a_job("a.jpg"), "1")
    clock.now_s += 2
    shown.ended(ended("a.jpg", seconds={"read": 0.5, "effects": 1.3}))
    shown.ended(ended("b.jpg", Status.FAILED, error="in/b.jpg: is not a photo"))
    clock.now_s += 2
    shown.ended(ended("c\nd\udcff.jpg", findings=(Finding("halo", "a bright rim"),)))
    assert said == [
        "1 of 4 were done before, and are kept",
        "[2/4] a.jpg: done; 1.8 s; 30/min; 4 s left",
        "[3/4] b.jpg: failed: in/b.jpg: is not a photo; 30/min; 2 s left",
        "[4/4] c d�.jpg: done; look at it: a bright rim; 30/min",
    ]
    assert (shown.done, shown.failed, shown.kept, shown.to_look_at, shown.left) == (2, 1, 1, 1, 0)


def test_a_photo_that_comes_again_counts_once_as_left(clock):
    shown = Board(lambda line: None, clock=clock)
    shown.planned([a_job("a.jpg", 10), a_job("a.jpg", 20)])
    assert (shown.total, shown.left) == (1, 1)
    shown.ended(ended("a.jpg"))
    shown.planned([a_job("a.jpg", 30)])
    assert (shown.total, shown.left) == (2, 1)


def test_a_warning_is_said_once(clock):
    said = []
    shown = Board(said.append, clock=clock, every_photo=False)
    shown.planned([a_job(name) for name in "abc"])
    for name in "abc":
        shown.ended(ended(name, facts={"warnings": ["the cache is full"]}))
    assert len(said) == 1
    assert "a: done; warning: the cache is full" in said[0]


def test_a_kept_result_that_was_retouched_is_told_of(clock):
    lines = []
    shown = Board(clock=clock, say=lines.append)
    shown.planned([a_job("a.jpg"), a_job("b.jpg")])
    shown.ended(ended("a.jpg", Status.KEPT, findings=ALTERED))
    shown.ended(ended("b.jpg", Status.KEPT))
    assert lines == [f"a.jpg: {ALTERED[0].words}; it is kept"]


def test_a_first_look_at_all_photos_is_counted_and_tells_nothing_of_the_pace(clock):
    said = []
    shown = Board(said.append, clock=clock)
    shown.planned([a_job("a.jpg"), a_job("b.jpg")])
    for name in ("a.jpg", "b.jpg"):
        shown.begun(replace(a_job(name), survey=True), "1")
        clock.now_s += 50
    assert shown.words() == ["0/2", "2 looked at"]
    assert said == ["looking at all photos first, for what they are to have in common"]
    assert shown.at_work == {}
    shown.begun(a_job("a.jpg"), "1")
    clock.now_s += 2
    shown.ended(ended("a.jpg"))
    assert shown.words() == ["1/2", "2 s left", "30/min"]


def test_a_worker_is_shown_at_the_first_of_what_it_has_in_hand(clock):
    shown = Board(lambda line: None, clock=clock)
    shown.planned([a_job("a.jpg"), a_job("b.jpg")])
    shown.begun(a_job("a.jpg"), "1")
    shown.begun(a_job("b.jpg"), "1")
    clock.now_s += 3
    shown.ended(ended("a.jpg"))
    assert shown.at_work == {"1": [("b.jpg", clock.now_s)]}


def test_quiet_says_only_what_failed(clock):
    said = []
    shown = Board(said.append, clock=clock, quiet=True)
    shown.planned([a_job("a.jpg"), a_job("b.jpg"), a_job("c.jpg")])
    shown.begun(replace(a_job("a.jpg"), survey=True), "1")
    shown.ended(ended("c.jpg", Status.KEPT))
    shown.ended(ended("a.jpg", findings=(Finding("halo", "a bright rim"),)))
    shown.ended(ended("b.jpg", Status.FAILED, error="in/b.jpg: is torn"))
    assert len(said) == 1
    assert "in/b.jpg: is torn" in said[0]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_board_is_never_wider_than_its_terminal(clock, width):
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, height=25, force_terminal=True)
    shown = Board(lambda line: None, clock=clock, drawn=True)
    shown.planned([a_job(f"a folder with a long name/IMG_{n}.CR3", 24_000_000) for n in range(99)])
    for worker in range(1, 13):
        shown.begun(a_job(f"a folder with a long name/IMG_{worker}.CR3"), str(worker))
    clock.now_s += 5
    shown.ended(ended("a folder with a long name/IMG_3.CR3"))
    lines = console.render_lines(drawn(shown, console), pad=False)
    assert len(lines) <= 2 + batch_progress.MOST_WORKERS_SHOWN + 1
    text = ["".join(segment.text for segment in line) for line in lines]
    assert max(map(len, text)) <= width
    assert "1/99" in "".join(text)
    assert "and 3 more" in text[-1]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_bars_and_above_them_what_counts(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with board() as shown:
        shown.planned([a_job("a.jpg"), a_job("b.jpg")])
        shown.ended(ended("a.jpg"))
        shown.ended(ended("b.jpg", Status.FAILED, error="in/b.jpg: [is] torn"))
    said = screen.getvalue()
    assert "a.jpg" not in said
    assert "b.jpg: failed: in/b.jpg: [is] torn" in said
    assert "2/2" in said


def test_a_log_gets_no_bars(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    with board() as shown:
        shown.planned([a_job("a.jpg")])
        shown.ended(ended("a.jpg"))
    assert log.getvalue().splitlines()[0].startswith("[1/1] a.jpg: done")
