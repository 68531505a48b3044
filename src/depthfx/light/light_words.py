"""A light in a photographer's words.

    key left 45deg 30deg up 3200K +1
    rim right
    at 0.3,0.4 1.2m candle -1ev
    window left size 1.5m gobo blinds

A few words in any order: what the light is for, where it stands, how large, of which colour
and how strong it is. What is left out is as it usually is with such a light, see `ROLES`.
Everything here raises ParameterError, one line with the word and what is expected.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from depthfx.engine.known import METRES, Place, length_m, place
from depthfx.errors import ParameterError
from depthfx.light.kelvin import NAMED, is_colour, light_colour

LONGEST_TEXT = 300
MOST_STOPS = 12.0
LARGEST_BEAM_DEG = 170.0
DECIMALS = 6
"""Of numbers: so that what is printed is read as the same."""


@dataclass(frozen=True)
class Role:
    """How a light usually stands that is there for something.

    azimuth_deg, elevation_deg : about the subject, azimuth 0 from the camera and 180 from behind
    across : it stands across from the photo's own key, not on its side, if no side is said
    stops : against the photo's own light
    size : diameter as a share of its distance
    distance : in the usual distance of a light from this subject; 0: as far away as the sun
    beam_deg : of the cone that it is kept to, so that it does not light the wall; None: none
    """

    azimuth_deg: float
    elevation_deg: float
    across: bool
    stops: float
    size: float
    distance: float = 1.0
    beam_deg: float | None = None
    shadows: bool = True


ROLES = {
    "key": Role(45, 35, False, 0.0, 0.4),
    "fill": Role(35, 5, True, -1.5, 1.0, shadows=False),
    "rim": Role(145, 25, True, 1.0, 0.2, beam_deg=70.0),
    "hair": Role(165, 60, True, 0.5, 0.2, beam_deg=70.0),
    "kicker": Role(120, -5, True, 0.0, 0.2, beam_deg=70.0),
    "background": Role(0, 0, True, 0.0, 0.4, shadows=False),
    "window": Role(80, 15, False, 0.0, 1.2, 1.2),
    "sun": Role(60, 35, False, 0.5, 0.0093, 0.0),
}
IMPLIED = "side "
"""Where a side's own angle is kept until all is read: one that is said counts more."""
HARD_SIZE, SOFT_SIZE = 0.02, 1.0
"""Shares of the distance: what is called hard, and soft."""

SIDES: dict[str, tuple[int, float | None]] = {
    "left": (-1, None),
    "right": (1, None),
    "front": (0, 0.0),
    "back": (0, 180.0),
    "behind": (0, 180.0),
    "front-left": (-1, 45.0),
    "front-right": (1, 45.0),
    "back-left": (-1, 135.0),
    "back-right": (1, 135.0),
}
HEIGHTS = {"above": 70.0, "below": -40.0}
STOPS_UNITS = ("stops", "stop", "ev")
DEGREES = ("deg", "degrees", "°")
FILLERS = ("from", "the", "with", "and", "light")
WORDS = (
    *ROLES, *SIDES, *HEIGHTS, *NAMED, "hard", "soft", "at", "towards", "beam", "gobo", "size",
    "no",
)  # fmt: skip
EXPECTED = (
    "expected a role (key, rim), a side (left, back-right), angles (45deg 30deg up), a distance "
    "(2m), size 60cm, a colour (3200K, #ffb060, cto), stops (+1), at X,Y, towards X,Y, "
    "beam 40deg, gobo FILE, hard, soft, no shadow"
)

_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_NUMBER = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(\D*)")


@dataclass(frozen=True)
class LightWords:
    """What was said of a light; None (or 0, for the side) where nothing was said.

    side : -1 from the left of the picture, 1 from its right
    azimuth_deg : about the subject, 0 from the camera, 90 from the side, 180 from behind
    elevation_deg : -90 to 90
    distance_m : from the subject; of a light `at` a place: how far it is from the camera
    size_m : diameter of its ball
    soft : whether it was called soft, or hard
    stops : against the photo's own light
    at, towards : the place in the picture where it stands, or which it points at
    beam_deg : full angle of its cone
    gobo : the name of a built-in one, or a file
    """

    role: str | None = None
    side: int = 0
    azimuth_deg: float | None = None
    elevation_deg: float | None = None
    distance_m: float | None = None
    size_m: float | None = None
    soft: bool | None = None
    colour: str | None = None
    stops: float | None = None
    at: Place | None = None
    towards: Place | None = None
    beam_deg: float | None = None
    gobo: str | None = None
    no_shadow: bool | None = None

    @classmethod
    def parse(cls, text: str) -> LightWords:
        """From words like those above. Raises ParameterError."""
        if len(text) > LONGEST_TEXT:
            raise ParameterError(f"a light of {len(text)} characters; at most {LONGEST_TEXT}")
        reader = _Reader([quoted or bare for quoted, bare in _TOKEN.findall(text)])
        reader.read()
        if IMPLIED in reader.said:
            reader.said.setdefault("azimuth_deg", reader.said.pop(IMPLIED))
        if not reader.said:
            raise ParameterError(f"{text!r} says nothing of a light; {EXPECTED}")
        return cls(**reader.said)

    @property
    def usual(self) -> Role:
        """How such a light usually stands; one of no role stands as a key."""
        return ROLES[self.role or "key"]

    def __str__(self) -> str:
        """The same in words."""
        parts: list[str | None] = [
            self.role,
            None if self.at is None else f"at {_place_words(self.at)}",
            {-1: "left", 0: None, 1: "right"}[self.side],
            None if self.azimuth_deg is None else f"{_number_words(self.azimuth_deg)}deg",
            _height_words(self.elevation_deg),
            None if self.distance_m is None else f"{_number_words(self.distance_m)}m",
            None if self.towards is None else f"towards {_place_words(self.towards)}",
            None if self.size_m is None else f"size {_number_words(self.size_m)}m",
            {True: "soft", False: "hard", None: None}[self.soft],
            None if self.beam_deg is None else f"beam {_number_words(self.beam_deg)}deg",
            None if self.gobo is None else f'gobo "{self.gobo}"',
            self.colour,
            None if self.stops is None else f"{_number_words(self.stops, signed=True)}",
            "no shadow" if self.no_shadow else None,
        ]
        return " ".join(part for part in parts if part)


class _Reader:
    """Reads words from the left; what they say gathers in `said`."""

    def __init__(self, words: list[str]):
        self.words, self.said = words, dict[str, Any]()

    def read(self) -> None:
        while self.words:
            word = self.words.pop(0)
            lower = word.lower()
            if lower in FILLERS:
                continue
            known = self.named(lower)
            if not known and not self.measured(word):
                close = difflib.get_close_matches(lower, WORDS, n=1, cutoff=0.6)
                hint = f"did you mean {close[0]!r}?" if close else EXPECTED
                raise ParameterError(f"{word!r} is not understood; {hint}")

    def say(self, field: str, value: Any, word: str) -> None:
        if field in self.said:
            what = field.strip().partition("_")[0]
            raise ParameterError(f"{word!r} says the {what} a second time")
        self.said[field] = value

    def after(self, word: str, example: str) -> str:
        """What comes after `word`."""
        if not self.words:
            raise ParameterError(f"after {word!r} something is missing; expected {example}")
        return self.words.pop(0)

    def named(self, word: str) -> bool:
        """Whether `word` is one that we know by name; with what belongs to it it is read."""
        if word in ROLES:
            self.say("role", word, word)
        elif word in SIDES:
            side, azimuth = SIDES[word]
            if side:
                self.say("side", side, word)
            if azimuth is not None:
                self.say(IMPLIED, azimuth, word)
        elif word in HEIGHTS:
            self.say("elevation_deg", HEIGHTS[word], word)
        elif word in ("hard", "soft"):
            self.say("soft", word == "soft", word)
        elif word in ("at", "towards"):
            self.say(word, _rounded_place(self.after(word, "a place like 0.3,0.4")), word)
        elif word == "size":
            self.say("size_m", _length(self.joined(self.after(word, "size 60cm"))), word)
        elif word == "beam":
            self.say("beam_deg", _beam(self.joined(self.after(word, "beam 40deg"))), word)
        elif word == "gobo":
            self.say("gobo", self.after(word, "a name or file, gobo leaves"), word)
        elif word == "no":
            if self.after(word, "no shadow").lower() not in ("shadow", "shadows"):
                raise ParameterError("after 'no' only 'shadow' is understood")
            self.say("no_shadow", True, word)
        elif is_colour(word):
            light_colour(word)
            self.say("colour", word, word)
        else:
            return False
        return True

    def joined(self, word: str) -> str:
        """`word`, with the unit that stands apart from its number."""
        following = self.words[0].lower() if self.words else ""
        units = (*METRES, *STOPS_UNITS, *DEGREES, "k")
        return word + self.words.pop(0) if word[-1:].isdigit() and following in units else word

    def measured(self, word: str) -> bool:
        """Whether `word` is a number with a unit, which then is read."""
        match = _NUMBER.fullmatch(self.joined(word).lower())
        if match is None:
            return False
        sign, digits, unit = match.groups()
        value = round(float(digits), DECIMALS)
        if unit in STOPS_UNITS or (sign and not unit):
            stops = -value if sign == "-" else value
            self.say("stops", _within(stops, -MOST_STOPS, MOST_STOPS, "stops"), word)
        elif sign:
            return False
        elif unit in DEGREES:
            self.angle(value, word)
        elif unit in METRES:
            self.say("distance_m", _length(digits + unit), word)
        elif unit == "k":
            light_colour(digits + unit)
            self.say("colour", digits + unit, word)
        else:
            return False
        return True

    def angle(self, degrees: float, word: str) -> None:
        """An angle up or down, or else about the subject."""
        which = self.words[0].lower() if self.words else ""
        if which in ("up", "down"):
            self.words.pop(0)
            height = _within(degrees, 0, 90, "degrees up or down")
            self.say("elevation_deg", height if which == "up" else 0.0 - height, word)
        else:
            self.say("azimuth_deg", _within(degrees, 0, 180, "degrees"), word)


def _within(value: float, low: float, high: float, what: str) -> float:
    if not low <= value <= high:
        raise ParameterError(f"{value:g} is outside {low:g} to {high:g} {what}")
    return value


def _length(text: str) -> float:
    return round(length_m(text.lower()), DECIMALS)


def _beam(text: str) -> float:
    match = _NUMBER.fullmatch(text.lower())
    if match is None or match[1] or match[3] not in DEGREES:
        raise ParameterError(f"{text!r} is no angle; expected beam 40deg")
    degrees = round(float(match[2]), DECIMALS)
    return _within(degrees, 1, LARGEST_BEAM_DEG, "degrees of a beam")


def _rounded_place(text: str) -> Place:
    x, y = place(text)
    return round(x, DECIMALS), round(y, DECIMALS)


def _number_words(value: float, *, signed: bool = False) -> str:
    words = f"{value:+.{DECIMALS}f}" if signed else f"{value:.{DECIMALS}f}"
    return words.rstrip("0").rstrip(".")


def _place_words(where: Place) -> str:
    return f"{_number_words(where[0])},{_number_words(where[1])}"


def _height_words(elevation_deg: float | None) -> str | None:
    if elevation_deg is None:
        return None
    up = "up" if elevation_deg >= 0 else "down"
    return f"{_number_words(abs(elevation_deg))}deg {up}"
