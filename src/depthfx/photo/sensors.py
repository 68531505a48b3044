"""Sensors by name or by their sides, and the focal length in pixels of a lens before one.

Makers differ by some tenths of a millimetre within a name, about 1 %; the sides count, since
a name in inches is that of a television tube and no length of the sensor.
"""

from __future__ import annotations

import math
import re

from depthfx.errors import ParameterError

SENSORS_MM = {
    "full-frame": (36.0, 24.0),
    "APS-C": (23.5, 15.6),
    "Canon APS-C": (22.3, 14.9),
    "APS-H": (27.9, 18.6),
    "Micro Four Thirds": (17.3, 13.0),
    "1-inch": (13.2, 8.8),
    "2/3-inch": (8.8, 6.6),
    "1/1.7-inch": (7.6, 5.7),
    "1/2.3-inch": (6.17, 4.55),
    "Super 35": (24.9, 18.7),
    "medium format": (43.8, 32.9),
    "645": (56.0, 41.5),
    "6x6": (56.0, 56.0),
    "6x7": (69.5, 56.0),
    "4x5": (121.0, 97.0),
}
"""Long and short side of the picture on each sensor or film, in millimetres."""

OTHER_NAMES = {
    "fullframe": "full-frame",
    "ff": "full-frame",
    "35mmfilm": "full-frame",
    "dx": "APS-C",
    "apsccanon": "Canon APS-C",
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

SIDE_MM = (0.5, 500.0)
"""From an endoscope's sensor to sheet film."""


def sensor_name(text: str) -> str | None:
    """The key of `SENSORS_MM` that is meant, in any writing; None if there is none."""
    plain = _plain(text)
    names = {_plain(name): name for name in SENSORS_MM} | OTHER_NAMES
    return names.get(plain)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def sensor_mm(sensor: str) -> tuple[float, float]:
    """Long and short side of a sensor in millimetres.

    sensor : a name that `sensor_name` knows, or both sides as "23.5x15.6"

    Raises ParameterError if it is neither.
    """
    name, text = sensor_name(sensor), sensor.strip().lower()
    if name is not None:
        return SENSORS_MM[name]
    number = r"(\d+(?:\.\d*)?)"
    found = re.fullmatch(rf"{number}\s*(?:mm)?\s*[x\u00d7]\s*{number}\s*(?:mm)?", text)
    if found is None:
        raise ParameterError(
            f"sensor={sensor!r} is no sensor; give one of {', '.join(SENSORS_MM)}, "
            "or its sides in millimetres, as 23.5x15.6"
        )
    short, long = sorted((float(found[1]), float(found[2])))
    if not (SIDE_MM[0] <= short and long <= SIDE_MM[1]):
        raise ParameterError(
            f"sensor={sensor!r} has a side outside {SIDE_MM[0]:g} to {SIDE_MM[1]:g} mm"
        )
    return long, short


def sensor_diagonal_mm(sensor: str) -> float:
    """Diagonal of a sensor in millimetres, see `sensor_mm`."""
    return math.hypot(*sensor_mm(sensor))


def focal_px_from_mm(focal_mm: float, sensor: str, width: int, height: int) -> float:
    """Focal length in pixels of a lens before a sensor.

    focal_mm : as engraved on the lens, not its 35 mm equivalent
    sensor : see `sensor_mm`
    width, height : of the picture, pixels, either way up

    The picture is taken to be the largest of its shape that the sensor holds: a square or
    16:9 picture is cut from it, and either way up uses the same one.

    Raises ParameterError if the focal length is none or the sensor is unknown.
    """
    if not (math.isfinite(focal_mm) and focal_mm > 0):
        raise ParameterError(f"focal_mm={focal_mm} is not a length in millimetres above zero")
    long_mm, short_mm = sensor_mm(sensor)
    px_per_mm = max(max(width, height) / long_mm, min(width, height) / short_mm)
    return focal_mm * px_per_mm
