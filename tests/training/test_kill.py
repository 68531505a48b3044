"""A run killed outright goes on to the losses that it would have had."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.training.tiny import write_training


def begin(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "depthfx.training", "train", str(recipe), "-o", str(out)]
    one_core = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.DEVNULL, env=one_core)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_killed_run_goes_on_to_the_same_loss_curve(tmp_path):
    """SIGKILL as soon as a checkpoint is there; the tail of its log is dropped and redone."""
    recipe = write_training(tmp_path)
    assert begin(recipe, tmp_path / "whole").wait(300) == 0
    run = begin(recipe, tmp_path / "cut")
    deadline = time.monotonic() + 300
    while not (tmp_path / "cut" / "checkpoint.pt").exists() and time.monotonic() < deadline:
        assert run.poll() is None
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    assert run.wait(60) == -signal.SIGKILL
    assert begin(recipe, tmp_path / "cut").wait(300) == 0
    whole, cut = rows(tmp_path / "whole"), rows(tmp_path / "cut")
    assert [row["step"] for row in cut] == [str(k) for k in range(7)]
    for a, b in zip(whole, cut, strict=True):
        assert float(a["total"]) == pytest.approx(float(b["total"]), rel=1e-3)
