"""Lenses by the names photographers give them: "85mm f/1.4 full-frame".

What decides the blur is the diameter of the opening, true focal length over f-number. The
camera stays where it stood and the field of view stays the photo's; only the opening becomes
that of the lens named. A picture framed like the photo by the real lens is taken from another
distance; far backgrounds (in proportion to the subject, disc = opening / subject distance *
focal length) are then blurred alike, nearer ones less by the real long lens.

The sensor does not change the opening of a lens of known focal length. It counts where the
name has none: "f/2 aps-c" is the lens that has the photo's field of view on that sensor.

R. Kingslake, "Optics in Photography", SPIE Press 1992, ch. 5 (depth of field by the diameter
of the opening); diagonals from the sizes that makers state.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from depthfx.camera import FULL_FRAME_DIAGONAL_MM
from depthfx.errors import ParameterError

SENSORS_MM = {
    "full-frame": (36.0, 24.0),
    "APS-C": (23.6, 15.7),
    "Canon APS-C": (22.3, 14.9),
    "APS-H": (27.9, 18.6),
    "Micro Four Thirds": (17.3, 13.0),
    "1-inch": (13.2, 8.8),
    "Super 35": (24.9, 18.7),
    "medium format": (43.8, 32.9),
    "645": (56.0, 41.5),
    "6x6": (56.0, 56.0),
    "6x7": (69.5, 56.0),
    "4x5": (121.0, 97.0),
}
"""Width and height of the picture on each sensor or film."""

OTHER_NAMES = {
    "fullframe": "full-frame",
    "ff": "full-frame",
    "35mmfilm": "full-frame",
    "dx": "APS-C",
    "fx": "full-frame",
    "microfourthird": "Micro Four Thirds",
    "mft": "Micro Four Thirds",
    "m43": "Micro Four Thirds",
    "fourthirds": "Micro Four Thirds",
    "oneinch": "1-inch",
    "1in": "1-inch",
    "1": "1-inch",
    "s35": "Super 35",
    "mediumformat": "medium format",
    "44x33": "medium format",
    "6x45": "645",
    "largeformat": "4x5",
}
FOCAL_MM, F_NUMBER = (1.0, 2000.0), (0.5, 128.0)
"""What lenses exist, with some room."""
FILLING = frozenset({"a", "an", "on", "lens", "sensor", "camera", "film", "at", "with", "prime"})
"""Words that may stand in a name and say nothing."""


@dataclass(frozen=True)
class NamedLens:
    """A lens as its name tells it.

    focal_mm : true focal length, or None: that of the photo's field of view on `sensor`
    f_number : or None: not named
    sensor : a key of `SENSORS_MM`
    """

    focal_mm: float | None
    f_number: float | None
    sensor: str = "full-frame"

    @classmethod
    def parse(cls, name: str) -> NamedLens:
        """The lens called `name`, in any order: focal length, f-number, sensor.

        Raises ParameterError that names what is not understood, and what would be.
        """
        text = re.sub(r"(?<=\d),(?=\d)", ".", name.lower()).replace("ƒ", "f").replace(",", " ")
        # Sizes of sensors that look like a focal length and like a focal length / f-number.
        text = re.sub(r"\b35 ?mm (film|sensor|format)\b", " fullframe ", text)
        text = re.sub(r"(?<![\d/.])4/3(?![\d.])", " fourthirds ", text)
        number = r"(\d+(?:\.\d+)?)"
        text, pair = _taken(rf"(?<![\d.:/]){number} ?(?:mm)? ?/ ?{number}(?![\d.]|\")", text, name)
        text, mm = _taken(rf"{number} ?mm\b", text, name)
        text, stop = _taken(rf"\b(?:f ?/? ?|1:){number}(?![\d.]*[a-z])", text, name)
        if pair and (mm or stop):
            raise ParameterError(_not_understood(name, f"{pair[0]}/{pair[1]}"))
        focal = float(pair[0] if pair else mm[0]) if pair or mm else None
        f_number = float(pair[1] if pair else stop[0]) if pair or stop else None
        _within("focal length", focal, FOCAL_MM, "mm", name)
        _within("f-number", f_number, F_NUMBER, "", name)
        words = [word for word in text.split() if word not in FILLING]
        sensor = _sensor(" ".join(words), name) if words else "full-frame"
        if focal is None and f_number is None and not words:
            raise ParameterError(_not_understood(name, name.strip()))
        return cls(focal, f_number, sensor)

    @property
    def crop_factor(self) -> float:
        """Diagonal of full-frame over that of the sensor."""
        return FULL_FRAME_DIAGONAL_MM / math.hypot(*SENSORS_MM[self.sensor])

    def focal_mm_for(self, f35_mm: float) -> float:
        """Its focal length; of a photo of that 35 mm equivalent, where the name has none."""
        return self.focal_mm if self.focal_mm is not None else f35_mm / self.crop_factor

    def words(self, f35_mm: float, f_number: float) -> str:
        """The lens in full, for the summary line."""
        stop = self.f_number if self.f_number is not None else f_number
        focal_mm = self.focal_mm_for(f35_mm)
        return f"{focal_mm:.{1 if focal_mm < 20 else 0}f} mm f/{stop:g} on {self.sensor}"


def _taken(pattern: str, text: str, name: str) -> tuple[str, tuple[str, ...]]:
    """`text` without what `pattern` matches, and its groups; none or one match is right."""
    found = list(re.finditer(pattern, text))
    if len(found) > 1:
        raise ParameterError(_not_understood(name, found[1][0].strip()))
    if not found:
        return text, ()
    return f"{text[: found[0].start()]} {text[found[0].end() :]}", found[0].groups()


def _sensor(words: str, name: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", words)
    for sensor in SENSORS_MM:
        if re.sub(r"[^a-z0-9]", "", sensor.lower()) == plain:
            return sensor
    if plain not in OTHER_NAMES:
        raise ParameterError(_not_understood(name, words))
    return OTHER_NAMES[plain]


def _within(
    what: str, value: float | None, bounds: tuple[float, float], unit: str, name: str
) -> None:
    if value is not None and not bounds[0] <= value <= bounds[1]:
        allowed = f"{bounds[0]:g} to {bounds[1]:g} {unit}".rstrip()
        raise ParameterError(f"like={name!r}: {what} {value:.6g} is outside {allowed}")


def _not_understood(name: str, part: str) -> str:
    shown = name if len(name) <= 60 else name[:57] + "..."
    return (
        f"like={shown!r}: {part[:40]!r} is not understood; a lens is named like '85mm f/1.4 "
        f"full-frame', its sensor one of {', '.join(SENSORS_MM)}"
    )
