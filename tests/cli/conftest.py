"""Commands that end before any work, without a process for each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Exit status and stderr of a command in a folder: `ended(folder, "batch", ...)`."""
    from depthfx.cli import cli
    from depthfx.cli.failure import end

    def run(folder: Path, *words: str) -> tuple[int, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["depthfx", *words])
        try:
            status = cli.main(list(words), prog_name="depthfx", standalone_mode=False)
        except Exception as error:
            status = end(error)
        return status or 0, capsys.readouterr().err

    return run
