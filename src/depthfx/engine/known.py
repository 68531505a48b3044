"""What a user knows of a photo's space, in the words of the command line.

    0.5,0.4=2.5m              how far away a place is
    0.2,0.5:0.3,0.5=30cm      how long it is from one place to another
    sky.png=far               how far away all is that a mask shows

Places are shares of the photo's width and height. Lengths are in m, cm, mm, ft or in; a
bare number is metres. Everything here raises ParameterError, one line with an example.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from depthfx.errors import ParameterError

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "in": 0.0254}
SHORTEST_M, LONGEST_M = 0.001, 100_000.0
_LENGTH = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*(m|cm|mm|ft|in|)\s*")

Place = tuple[float, float]
"""A place in the photo as shares (x, y) of its width and height, 0..1."""


@dataclass(frozen=True)
class KnownDistance:
    """What is seen at `place` lies `metres` away along the optical axis."""

    place: Place
    metres: float

    @classmethod
    def parse(cls, text: str) -> KnownDistance:
        """From "0.5,0.4=2.5m"."""
        where, _, how_far = text.partition("=")
        try:
            return cls(place(where), length_m(how_far))
        except ParameterError as error:
            raise ParameterError(
                f"{text!r} is no known distance ({error}); expected one like 0.5,0.4=2.5m"
            ) from None

    def __str__(self) -> str:
        return f"{metres_words(self.metres)} at {place_words(self.place)}"


@dataclass(frozen=True)
class KnownLength:
    """From what is seen at `start` to what is seen at `end` it is `metres` in space."""

    start: Place
    end: Place
    metres: float

    @classmethod
    def parse(cls, text: str) -> KnownLength:
        """From "0.2,0.5:0.3,0.5=30cm"."""
        where, _, how_long = text.partition("=")
        start, _, end = where.partition(":")
        try:
            known = cls(place(start), place(end), length_m(how_long))
        except ParameterError as error:
            raise ParameterError(
                f"{text!r} is no known length ({error}); expected one like 0.2,0.5:0.3,0.5=30cm"
            ) from None
        if known.start == known.end:
            raise ParameterError(f"{text!r} begins where it ends: name two places")
        return known

    def __str__(self) -> str:
        ends = f"{place_words(self.start)} to {place_words(self.end)}"
        return f"{metres_words(self.metres)} from {ends}"


@dataclass(frozen=True)
class KnownRegion:
    """All that the picture `mask` shows white lies `metres` away; infinite: infinitely far."""

    mask: Path
    metres: float

    @classmethod
    def parse(cls, text: str) -> KnownRegion:
        """From "sky.png=far" or "wall.png=3.5m"; the file's name may hold a "=" itself."""
        mask, _, how_far = text.rpartition("=")
        if not mask:
            raise ParameterError(f"{text!r} is no correction: expected one like sky.png=far")
        try:
            return cls(Path(mask), math.inf if how_far.strip() == "far" else length_m(how_far))
        except ParameterError as error:
            raise ParameterError(
                f"{text!r} is no correction ({error}); expected sky.png=far or wall.png=3.5m"
            ) from None

    def __str__(self) -> str:
        return f"{self.mask.name} set to {metres_words(self.metres)}"


def place(text: str) -> Place:
    """From "0.5,0.4"."""
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = math.nan
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ParameterError(
            f"{text!r} is not X,Y as shares of width and height, like 0.5,0.4"
        ) from None
    return x, y


def length_m(text: str) -> float:
    """A length in metres, from "2.5", "2.5m", "30 cm", "4mm", "6ft" or "11in"."""
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise ParameterError(f"{text!r} is not a length in {', '.join(METRES)}")
    metres = float(match[1]) * METRES[match[2] or "m"]
    if not SHORTEST_M <= metres <= LONGEST_M:
        raise ParameterError(
            f"{text.strip()} is outside {SHORTEST_M:g} m to {LONGEST_M / 1000:g} km"
        )
    return metres


def place_words(where: Place) -> str:
    return f"{where[0]:g},{where[1]:g}"


def metres_words(metres: float) -> str:
    """ "2.41 m", three digits as long as they are needed; "infinitely far"."""
    if not math.isfinite(metres):
        return "infinitely far"
    return f"{metres:.0f} m" if metres >= 100 else f"{metres:.3g} m"
