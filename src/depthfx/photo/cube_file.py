"""Reading .cube files, the colour tables that grading programs exchange.

"Cube LUT Specification", version 1.0, Adobe Systems, 2013: text; keywords (TITLE, LUT_1D_SIZE or
LUT_3D_SIZE, DOMAIN_MIN, DOMAIN_MAX), then a line of three numbers for each node, red changing
fastest; comments begin with #. LUT_1D_INPUT_RANGE and LUT_3D_INPUT_RANGE, one range for all
channels, are DaVinci Resolve's own words for the domain. What else a file says may change what
its numbers mean, so an unknown keyword is refused, and so are two tables in one file.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from depthfx.errors import ParameterError
from depthfx.raster.cube import ColourTable

LARGEST = {"LUT_1D_SIZE": 65536, "LUT_3D_SIZE": 256}
"""Nodes to a side that the specification allows; the smallest is 2."""
MOST_BYTES = 1 << 30
FARTHEST = 1e6
"""Numbers beyond this are no colours."""

Triple = tuple[float, float, float]


def read_cube(path: Path) -> ColourTable:
    """The table in the file at `path`.

    Raises ParameterError, one line that names the file, the line and what was expected.
    """
    try:
        if not path.is_file():  # a device or a pipe may never end; "" is the folder "."
            missing = "is no file" if path.exists() else "no such file"
            raise ParameterError(f"{path}: {missing}; expected a .cube file")
        if path.stat().st_size > MOST_BYTES:
            raise ParameterError(f"{path}: is larger than any .cube file ({MOST_BYTES} bytes)")
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ParameterError(f"{path}: cannot be read as a .cube file ({reason})") from None
    text = data.decode("utf-8-sig", "replace")
    return _Reader(path, text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).table()


class _Reader:
    """One file's lines, read from the first to the last."""

    def __init__(self, path: Path, lines: list[str]):
        self.path, self.lines = path, lines
        self.size: tuple[str, int] | None = None
        self.low: Triple = (0.0, 0.0, 0.0)
        self.high: Triple = (1.0, 1.0, 1.0)

    def table(self) -> ColourTable:
        start = self._keywords()
        if self.size is None:
            raise ParameterError(
                f"{self.path}: is no .cube file: it names no LUT_1D_SIZE or LUT_3D_SIZE"
            )
        if not all(low < high for low, high in zip(self.low, self.high, strict=True)):
            raise ParameterError(
                f"{self.path}: its domain from {self.low} to {self.high} does not rise"
            )
        keyword, nodes = self.size
        wanted = nodes if keyword == "LUT_1D_SIZE" else nodes**3
        values = self._numbers(start, wanted)
        shape = (nodes, 3) if keyword == "LUT_1D_SIZE" else (nodes, nodes, nodes, 3)
        return ColourTable(values.reshape(shape), self.low, self.high)

    def _keywords(self) -> int:
        """Take in the keywords; the index of the first line of numbers."""
        for n, line in enumerate(self.lines):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if _is_number(words[0]):
                return n
            self._keyword(n, words)
        return len(self.lines)

    def _keyword(self, n: int, words: list[str]) -> None:
        name = words[0]
        if name == "TITLE":
            return
        if name in LARGEST:
            self._size(n, words)
        elif name in ("DOMAIN_MIN", "DOMAIN_MAX"):
            values = self._values(n, words[1:], 3)
            triple = values[0], values[1], values[2]
            if name == "DOMAIN_MIN":
                self.low = triple
            else:
                self.high = triple
        elif name in ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"):
            low, high = self._values(n, words[1:], 2)
            self.low, self.high = (low,) * 3, (high,) * 3
        else:
            raise self._wrong(n, f"a keyword or three numbers, found {_short(name)}")

    def _size(self, n: int, words: list[str]) -> None:
        name, largest = words[0], LARGEST[words[0]]
        if self.size is not None:
            raise self._wrong(n, "one table: files that hold two (a shaper) cannot be used")
        digits = words[1] if len(words) == 2 and words[1].isascii() else ""
        nodes = int(digits) if digits.isdigit() and len(digits) <= 6 else 0
        if not 2 <= nodes <= largest:
            raise self._wrong(n, f"{name} with a whole number from 2 to {largest}")
        self.size = name, nodes

    def _numbers(self, start: int, wanted: int) -> np.ndarray:
        """(wanted, 3) float32: the lines of numbers."""
        lines = [
            (n, line)
            for n, line in enumerate(self.lines[start:], start)
            if line.strip() and not line.lstrip().startswith("#")
        ]
        if len(lines) != wanted:
            n = lines[wanted][0] if len(lines) > wanted else len(self.lines) - 1
            raise self._wrong(n, f"{wanted} lines of three numbers in all, found {len(lines)}")
        try:
            # These would pass for numbers here, see `_is_number`.
            plain = all(line.isascii() and "_" not in line for _, line in lines)
            values = np.array([line.split() for _, line in lines] if plain else [], np.float64)
        except ValueError:
            values = np.empty(0)
        if values.shape == (wanted, 3) and (np.abs(values) <= FARTHEST).all():
            return values.astype(np.float32)
        # Something is wrong with one of them: look at each.
        return np.array([self._values(n, line.split(), 3) for n, line in lines], np.float32)

    def _values(self, n: int, words: list[str], count: int) -> list[float]:
        values = [float(word) for word in words if _is_number(word)]
        bad = len(words) != count or len(values) != count
        if bad or any(not abs(value) <= FARTHEST for value in values):
            named = {2: "two", 3: "three"}[count]
            raise self._wrong(n, f"{named} numbers, found {_short(' '.join(words))}")
        return values

    def _wrong(self, n: int, expected: str) -> ParameterError:
        return ParameterError(f"{self.path}, line {n + 1}: expected {expected}")


def _is_number(word: str) -> bool:
    # Python also takes "1_0", "nan" and digits of other scripts for numbers.
    if not word.isascii() or "_" in word:
        return False
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
