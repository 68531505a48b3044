"""Progress: a bar on a terminal for what takes long, silence elsewhere."""

import io

from depthfx.cli import progress
from depthfx.context import silent


class Terminal(io.StringIO):
    def isatty(self):
        return True


def watched(monkeypatch):
    """stderr as a terminal; set up inside the test, since pytest swaps stderr between phases."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_a_log_gets_no_bar(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress.progress_bar(quiet=False) as show:
        assert show is silent


def test_quiet_is_quiet_on_a_terminal_too(monkeypatch):
    terminal = watched(monkeypatch)
    with progress.progress_bar(quiet=True) as show:
        show("defocus", 0.5)
    assert terminal.getvalue() == ""


def test_quick_work_shows_nothing(monkeypatch):
    terminal = watched(monkeypatch)
    with progress.progress_bar(quiet=False) as show:
        show("defocus", 0.5)
    assert terminal.getvalue() == ""


def test_long_work_shows_its_stage(monkeypatch):
    terminal = watched(monkeypatch)
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with progress.progress_bar(quiet=False) as show:
        show("defocus", 0.5)
        show("defocus", 1.0)
    assert "defocus" in terminal.getvalue()
