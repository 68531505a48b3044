"""The language that says where: `2m..5m`, `subject and not ..3m`, `at 0.3,0.4`.

    where    = both {"or" both}
    both     = one {"and" one}
    one      = "not" one | "(" where ")" | word | "at" X,Y | range
    word     = "subject" | "background" | "foreground" | "sky"
    range    = [distance] ".." [distance] ["soft" distance]
    distance = number unit
    unit     = m | cm | mm | ft | in | %

"and" binds tighter than "or". Per cent are shares of the scene's own range of inverse depth:
0 % is the nearest, 100 % the farthest. One end of a range may leave its unit to the other, and
"soft" to an end. `str` of what is read is the same text in its plainest form. Nothing heavy is
imported here: options are checked while the command line is read.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

from depthfx.engine.known import LONGEST_M, METRES
from depthfx.errors import ParameterError

WORDS = ("subject", "background", "foreground", "sky")
PER_CENT = "%"
UNITS = (*METRES, PER_CENT)
LONGEST_TEXT, DEEPEST = 300, 12
"""Characters, and brackets or "not" within each other: nobody means more."""


@dataclass(frozen=True)
class Distance:
    """`value` of `unit`: a distance from the camera, or per cent of the way from near to far."""

    value: float
    unit: str

    @property
    def relative(self) -> bool:
        return self.unit == PER_CENT

    @property
    def amount(self) -> float:
        """Metres; of per cent the share, 0..1."""
        return self.value / 100 if self.relative else self.value * METRES[self.unit]

    def __str__(self) -> str:
        return _plain(self.value) + self.unit


@dataclass(frozen=True)
class Range:
    """From `near` to `far`; None: no end there.

    soft : how wide the fade at each end is, half of it on either side; per cent are of the end's
        distance, or, if that is in per cent itself, of the scene's range; None: the usual
    """

    near: Distance | None
    far: Distance | None
    soft: Distance | None = None

    def __str__(self) -> str:
        ends = f"{self.near or ''}..{self.far or ''}"
        return ends if self.soft is None else f"{ends} soft {self.soft}"


@dataclass(frozen=True)
class Word:
    """One of `WORDS`."""

    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class At:
    """The thing at a place, shares of width and height."""

    x: float
    y: float

    def __str__(self) -> str:
        return f"at {_plain(self.x)},{_plain(self.y)}"


@dataclass(frozen=True)
class Not:
    """All that `part` leaves out."""

    part: Where

    def __str__(self) -> str:
        return f"not {_bracketed(self.part, And, Or)}"


@dataclass(frozen=True)
class And:
    """What lies in all of two or more parts."""

    parts: tuple[Where, ...]

    def __str__(self) -> str:
        return " and ".join(_bracketed(part, And, Or) for part in self.parts)


@dataclass(frozen=True)
class Or:
    """What lies in any of two or more parts."""

    parts: tuple[Where, ...]

    def __str__(self) -> str:
        return " or ".join(_bracketed(part, Or) for part in self.parts)


Where = Range | Word | At | Not | And | Or


def parts_of(where: Where) -> list[Range | Word | At]:
    """The ranges, words and places that `where` is made of."""
    if isinstance(where, Range | Word | At):
        return [where]
    inner = (where.part,) if isinstance(where, Not) else where.parts
    return [leaf for part in inner for leaf in parts_of(part)]


def parse(text: str) -> Where:
    """What `text` says; raises ParameterError, a phrase with the column that is wrong."""
    _check_length(text)
    reader = _Reader(text)
    where = reader.any_of(0)
    if reader.token:
        reader.refuse("'and', 'or' or the end")
    _check_length(str(where))  # which has to be read again
    return where


def _check_length(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ParameterError(
            f"{len(text)} characters are too long to say where; at most {LONGEST_TEXT}"
        )


def _plain(number: float) -> str:
    """All digits that tell `number` from others, no exponent."""
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


def _bracketed(part: Where, *kinds: type) -> str:
    return f"({part})" if isinstance(part, kinds) else str(part)


_TOKEN = re.compile(r"\.\.|\d+(?:\.\d+)?|\.\d+|[^\W\d_]+|%|\S")
_NUMBER = re.compile(r"\d*\.?\d+", re.ASCII)
ONE = "a range like 2m..5m, a word (subject, background, foreground, sky), 'at X,Y', 'not' or '('"


class _Reader:
    """Reads a text token by token; `token` is the next one, empty at the end."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_TOKEN.finditer(text))
        self._next = 0

    @property
    def token(self) -> str:
        return self._ahead(0)

    def _ahead(self, count: int) -> str:
        there = self._next + count
        return self._tokens[there][0].lower() if there < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        """The next token, if it is one of these, and step over it; else an empty string."""
        token = self.token
        if token not in wanted:
            return ""
        self._next += 1
        return token

    def refuse(self, expected: str, hint: str = "") -> NoReturn:
        """Raise ParameterError for the next token."""
        if self._next < len(self._tokens):
            found = self._tokens[self._next]
            word = f"{found[0]!r} at column {found.start() + 1}"
        else:
            word = "the end"
        raise ParameterError(f"expected {expected}, not {word}{hint}")

    def any_of(self, depth: int) -> Where:
        parts = [self.all_of(depth)]
        while self.take("or"):
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, depth: int) -> Where:
        parts = [self.one(depth)]
        while self.take("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Where:
        if depth > DEEPEST:
            self.refuse(f"at most {DEEPEST} brackets and 'not' within each other")
        if self.take("not"):
            return Not(self.one(depth + 1))
        if self.take("("):
            inner = self.any_of(depth + 1)
            if not self.take(")"):
                self.refuse("')', 'and' or 'or'")
            return inner
        if word := self.take(*WORDS):
            return Word(word)
        if self.take("at"):
            return self.place()
        if self.token != ".." and not _NUMBER.fullmatch(self.token):
            close = difflib.get_close_matches(self.token, (*WORDS, "not", "at"), n=1, cutoff=0.6)
            self.refuse(ONE, f"; did you mean {close[0]!r}?" if close else "")
        return self.range()

    def place(self) -> At:
        x = self.share()
        if not self.take(","):
            self.refuse("',' between X and Y")
        return At(x, self.share())

    def share(self) -> float:
        token = self.token
        if not _NUMBER.fullmatch(token) or float(token) > 1:
            self.refuse("a share of the width or height, 0 to 1, as in 'at 0.3,0.4'")
        self._next += 1
        return float(token)

    def range(self) -> Range:
        start = self._next
        near = self.distance()
        if not self.take(".."):
            self.refuse("'..' as in 2m..5m, 2m.. or ..5m")
        far = self.distance()
        soft = self.softness() if self.take("soft") else None
        end = self._next
        self._next = start
        given = [found for found in (near, far, soft) if found is not None]
        if near is None and far is None:
            self.refuse("a distance on one side of '..' at least, as in ..5m")
        units = [unit for _, unit in given if unit]
        if not units:
            self.refuse(f"a unit after a distance ({', '.join(UNITS)})")

        def made(found: tuple[float, str] | None) -> Distance | None:
            return None if found is None else Distance(found[0], found[1] or units[-1])

        found = Range(made(near), made(far), made(soft))
        kinds = {limit.relative for limit in (found.near, found.far) if limit}
        if len(kinds) > 1 or (kinds == {True} and found.soft and not found.soft.relative):
            self.refuse("lengths or per cent in a range, not both")
        if found.near and found.far and found.near.amount >= found.far.amount:
            self.refuse("the nearer end of a range first")
        self._next = end
        return found

    def softness(self) -> tuple[float, str]:
        found = self.distance()
        if found is None:
            self.refuse("how wide, as in soft 50cm")
        return found

    def distance(self) -> tuple[float, str] | None:
        """A number and its unit, "" if it has none; None: there is no number."""
        token = self.token
        if not _NUMBER.fullmatch(token):
            return None
        value = float(token)
        start, self._next = self._next, self._next + 1
        unit = self.take(*UNITS)
        most = 100.0 if unit == PER_CENT else LONGEST_M
        if value * METRES.get(unit, 1.0) > most:
            self._next = start
            self.refuse("at most 100%" if unit == PER_CENT else f"at most {LONGEST_M / 1000:g} km")
        if not unit and (self.token.isalpha() and self.token not in ("soft", "and", "or")):
            self.refuse(f"a unit ({', '.join(UNITS)})")
        return value, unit
