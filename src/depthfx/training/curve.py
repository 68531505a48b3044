"""Loss curves of one run or several as a picture, a panel for each loss.

The horizontal axis counts steps, the vertical one is logarithmic where a loss never
vanishes. Thin dots are single steps, the line is their running median.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from depthfx.errors import ModelError, PhotoError
from depthfx.training.log import COLUMNS, read_log

PANEL = (420, 260)
MARGIN = (64, 30, 16, 34)
"""Left, top, right, bottom of a panel's frame."""
COLUMNS_OF_PANELS = 3
INKS = ((31, 95, 191), (204, 85, 0), (0, 128, 96), (160, 32, 120), (110, 110, 30), (90, 60, 40))
GREY, PALE, BLACK = (120, 120, 120), (228, 228, 228), (20, 20, 20)
Series = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """Maps values to pixels; ticks at round numbers."""

    low: float
    high: float
    start_px: float
    end_px: float
    logarithmic: bool = False

    def place(self, values: Series) -> Series:
        """Pixels of `values`."""
        low, high, at = self.low, self.high, values
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), np.log(np.maximum(values, self.low / 10))
        return self.start_px + (at - low) / (high - low) * (self.end_px - self.start_px)

    def ticks(self) -> list[float]:
        """Three to eight round values within the axis."""
        if self.logarithmic and self.high / self.low > 4:
            tens = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [d * 10.0**t for t in tens for d in (1, 2, 5)]
        else:
            raw = (self.high - self.low) / 5
            power = 10 ** math.floor(math.log10(raw))
            step = next(k * power for k in (1, 2, 5, 10) if k * power >= raw)
            first = math.ceil(self.low / step)
            found = [k * step for k in range(first, first + 9)]
        return [value for value in found if self.low <= value <= self.high]


def draw_runs(runs: Sequence[Path], out: Path) -> None:
    """Draw the logs of the folders `runs` into the picture `out`.

    Raises ModelError if a folder has no log, PhotoError if `out` cannot be written.
    """
    logs = {run.name or str(run): _series(run / "log.csv") for run in runs}
    names = [n for n in COLUMNS[1:] if any(np.isfinite(log[n]).any() for log in logs.values())]
    rows = -(-len(names) // COLUMNS_OF_PANELS)
    picture = Image.new(
        "RGB", (PANEL[0] * min(len(names), COLUMNS_OF_PANELS), PANEL[1] * rows + 28), "white"
    )
    pen = ImageDraw.Draw(picture)
    pen.font = ImageFont.load_default(13)
    x = 12.0
    for name, ink in zip(logs, INKS * len(logs), strict=False):
        pen.text((x, 7), name, fill=ink)
        x += pen.textlength(name) + 24
    for index, name in enumerate(names):
        row, column = divmod(index, COLUMNS_OF_PANELS)
        _panel(pen, (column * PANEL[0], row * PANEL[1] + 28), name, logs)
    try:
        picture.save(out)
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"{out} cannot be written: {error}; give a name that ends in .png"
        ) from None


def _series(path: Path) -> dict[str, Series]:
    rows = read_log(path)
    if not rows:
        raise ModelError(f"{path} holds no steps yet: nothing to draw")
    return {
        name: np.array([float(row[name]) if row[name] else math.nan for row in rows])
        for name in COLUMNS
    }


def _panel(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    name: str,
    logs: dict[str, dict[str, Series]],
) -> None:
    left, top = corner[0] + MARGIN[0], corner[1] + MARGIN[1]
    right, bottom = corner[0] + PANEL[0] - MARGIN[2], corner[1] + PANEL[1] - MARGIN[3]
    values = np.concatenate([log[name][np.isfinite(log[name])] for log in logs.values()])
    low, high = _bounds(values)
    last = max(float(log["step"][-1]) for log in logs.values())
    across = Axis(0, max(last, 1.0), left, right)
    upward = Axis(low, high, bottom, top, logarithmic=low > 0)
    for value in upward.ticks():
        y = float(upward.place(np.array(value)))
        pen.line([(left, y), (right, y)], fill=PALE)
        pen.text((left - 6, y), f"{value:.3g}", fill=GREY, anchor="rm")
    for value in across.ticks():
        x = float(across.place(np.array(value)))
        pen.line([(x, bottom), (x, bottom + 4)], fill=GREY)
        pen.text((x, bottom + 7), f"{value:g}", fill=GREY, anchor="ma")
    shown = [
        (log, ink)
        for log, ink in zip(logs.values(), INKS * len(logs), strict=False)
        if np.isfinite(log[name]).any()
    ]
    for log, ink in shown:
        there = np.isfinite(log[name])
        x_px = across.place(log["step"][there])
        pale = tuple(255 - (255 - part) // 4 for part in ink)
        dots = np.clip(upward.place(log[name][there]), top, bottom)
        pen.point(list(map(tuple, np.stack([x_px, dots], 1))), fill=pale)
    for log, ink in shown:
        there = np.isfinite(log[name])
        smooth = np.clip(upward.place(running_median(log[name][there])), top, bottom)
        line = np.stack([across.place(log["step"][there]), smooth], 1)
        if len(line) > 1:
            pen.line(list(map(tuple, line)), fill=ink, width=2)
    pen.rectangle([left, top, right, bottom], outline=GREY)
    pen.text((left, top - 5), name, fill=BLACK, anchor="ls")
    pen.text((right, top - 5), "step", fill=GREY, anchor="rs")


def _bounds(values: Series) -> tuple[float, float]:
    """A range that holds all but the wildest values."""
    low, high = (float(v) for v in np.percentile(values, [0.5, 99.5]))
    if low > 0:
        return low / 1.1, high * 1.1
    span = max(high - low, 1e-6)
    return low - 0.05 * span, high + 0.05 * span


def running_median(values: Series) -> Series:
    """Median of a fiftieth of all values about each, fewer at the ends."""
    reach = max(1, len(values) // 100)
    padded = np.pad(values, reach, mode="reflect" if len(values) > reach else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.median(windows, axis=1)
