"""What a run tells while it goes on: a CSV row a step, a line on stderr every ten seconds."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from depthfx.errors import ModelError
from depthfx.photo.whole import written_whole
from depthfx.training.recipe import Weights

TELL_S = 10.0
SMOOTH = 0.98
"""Share that the mean loss of the progress line keeps in a step."""
COLUMNS = ["step", "rate", "total", *Weights.model_fields]


class Log:
    """`log.csv`: step, learning rate, sum of the losses, and each as it counts in the sum."""

    def __init__(self, path: Path, first: int) -> None:
        """Open the log to go on at step `first`; what a killed run wrote later is dropped."""
        rows = [row for row in read_log(path) if int(row["step"]) < first] if path.exists() else []
        with written_whole(path, overwrite=True) as whole:
            file = io.TextIOWrapper(whole, "utf-8", newline="", write_through=True)
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            file.detach()
        self._file = path.open("a", newline="")
        self._writer = csv.DictWriter(self._file, COLUMNS)

    def write(self, step: int, rate: float, values: Mapping[str, float]) -> None:
        """One step; a loss that is not taken stays empty."""
        told = {name: f"{value:.5f}" for name, value in values.items()}
        total = f"{sum(values.values()):.5f}"
        self._writer.writerow({"step": step, "rate": f"{rate:.3g}", "total": total, **told})

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def read_log(path: Path) -> list[dict[str, str]]:
    """The whole rows of a log. Raises ModelError if there is none."""
    try:
        with path.open(newline="") as file:
            rows = [{k: row.get(k) or "" for k in COLUMNS} for row in csv.DictReader(file)]
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}; is it a run's folder?"
        ) from None
    # A kill may cut the last row in two.
    return [row for row in rows if row["step"].isdigit() and row["total"]]


class Progress:
    """The line on stderr."""

    def __init__(self) -> None:
        self._told, self._samples = time.monotonic(), 0
        self._loss: float | None = None

    def tell(self, step: int, loss: float, samples: int, left_s: float) -> None:
        """After `step` steps, the last one of `samples`; `left_s` is the time that remains."""
        self._samples += samples
        self._loss = loss if self._loss is None else SMOOTH * self._loss + (1 - SMOOTH) * loss
        now = time.monotonic()
        if now - self._told < TELL_S:
            return
        speed = self._samples / (now - self._told)
        line = (
            f"step {step}  loss {self._loss:.3f}  {speed:.1f} samples/s  {left_s / 60:.0f} min left"
        )
        print(line, file=sys.stderr, flush=True)
        self._told, self._samples = now, 0
