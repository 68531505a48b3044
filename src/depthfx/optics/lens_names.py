"""Lenses by the names photographers give them: "85mm f/1.4 full-frame".

What decides the blur is the diameter of the opening, true focal length over f-number. The
camera stays where it stood and the field of view stays the photo's; only the opening becomes
that of the lens named. A picture framed like the photo by the real lens is taken from another
distance; far backgrounds (in proportion to the subject, disc = opening / subject distance *
focal length) are then blurred alike, nearer ones less by the real long lens.

The sensor does not change the opening of a lens of known focal length. It counts where the
name has none: "f/2 aps-c" is the lens that has the photo's field of view on that sensor.

R. Kingslake, "Optics in Photography", SPIE Press 1992, ch. 5 (depth of field by the diameter
of the opening).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from depthfx.camera import FULL_FRAME_DIAGONAL_MM
from depthfx.errors import ParameterError
from depthfx.photo.sensors import SENSORS_MM, sensor_name

FOCAL_MM, F_NUMBER = (1.0, 2000.0), (0.5, 128.0)
"""What lenses exist, with some room."""
FILLING = frozenset({"a", "an", "on", "lens", "sensor", "camera", "film", "at", "with", "prime"})
"""Words that may stand in a name and say nothing."""


@dataclass(frozen=True)
class NamedLens:
    """A lens as its name tells it.

    focal_mm : true focal length, or None: that of the photo's field of view on `sensor`
    f_number : or None: not named
    sensor : a key of `photo.sensors.SENSORS_MM`
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
        text, pair = _taken(
            rf"(?<![\d.:/]){number} ?(?:mm)? ?/ ?{number}(?![\d.]|\"|[ -]?inch)", text, name
        )
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
    sensor = sensor_name(words)
    if sensor is None:
        raise ParameterError(_not_understood(name, words))
    return sensor


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
