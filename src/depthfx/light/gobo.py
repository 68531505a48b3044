"""Pictures before a light: the bars of a window, blinds, leaves, or whatever a file shows.

A gobo is projected along the light's aim: seen from the light its longer side fills an angle,
and each ray takes the colour of the place of the picture that it passes. A light of some size
draws it soft, as if it hung half-way to the aim: then edges are as wide there as the light is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import ParameterError
from depthfx.light.lights import Gobo, Light
from depthfx.photo.photo import Pixels
from depthfx.raster.resample import fit_within, resize_area

SIDE_PX = 512
"""Of the built-in ones; larger files are brought down to as many pixels as one has."""
WIDEST_DEG = 150.0
SOFTEST = 0.05
"""Of the picture's longer side: a larger light blurs it no further."""

Mask = NDArray[np.float32]


def _ramp(values: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    """0 below -width / 2, 1 above width / 2, straight between."""
    return np.clip(values / width + 0.5, 0, 1)


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y from -1 to 1 over the square of a built-in gobo."""
    at = (np.arange(SIDE_PX) + 0.5) / SIDE_PX * 2 - 1
    return at[None, :], at[:, None]


def _window() -> Mask:
    """Two panes by three, higher than wide."""
    x, y = _grid()
    edge, bar = 0.02, 0.045
    frame = _ramp(0.62 - np.abs(x), edge) * _ramp(0.9 - np.abs(y), edge)
    upright = _ramp(np.abs(x) - bar, edge)
    across = _ramp(np.abs(np.abs(y) - 0.3) - bar, edge)
    return (frame * upright * across).astype(np.float32)


def _blinds() -> Mask:
    """Slats that let half of the light through, from side to side."""
    x, y = _grid()
    turns = 9.0
    slats = _ramp(np.abs((y * turns) % 2 - 1) - 0.45, 0.18)
    frame = _ramp(0.95 - np.abs(y), 0.03) * _ramp(0.95 - np.abs(x), 0.03)
    return (slats * frame).astype(np.float32)


def _leaves() -> Mask:
    """A tree's shade: leaves, nearer the light and softer ones too, that leave gaps."""
    random = np.random.default_rng(7)
    through = np.ones((SIDE_PX, SIDE_PX), np.float32)
    for count, length, soft in ((60, 70, 12.0), (220, 34, 4.0)):
        layer = np.ones_like(through)
        for _ in range(count):
            x, y = random.integers(-20, SIDE_PX + 20, 2)
            long = length * random.uniform(0.6, 1.0)
            axes = (round(long / 2), round(long / 4.5))
            turn = random.uniform(0, 180)
            middle = (int(x), int(y))
            cv2.ellipse(layer, middle, axes, turn, 0, 360, 0.0, -1, cv2.LINE_AA)
        through *= cv2.GaussianBlur(layer, (0, 0), soft)
    x, y = _grid()
    # Fades out to full light, as no shade has the form of a square.
    away = _ramp(0.85 - np.hypot(x, y), 0.3).astype(np.float32)
    return np.asarray(1 - away * (1 - through), np.float32)


BUILT_IN: dict[str, tuple[Callable[[], Mask], float]] = {
    "window": (_window, 2.6),
    "blinds": (_blinds, 2.6),
    "leaves": (_leaves, 5.0),
}
"""The picture of each, and how wide it is where it falls, in heights of the subject."""
FILE_WIDTH = 2.6
"""The same of a file."""


def check_gobo(name: str) -> None:
    """Raise ParameterError if `name` is neither built in nor a file."""
    if name not in BUILT_IN and not Path(name).is_file():
        raise ParameterError(
            f"gobo {name!r} is no file; expected a picture, or one of {', '.join(BUILT_IN)}"
        )


def gobo_named(name: str, distance_m: float, subject_m: float, size_m: float = 0.0) -> Gobo:
    """The gobo `name` of a light `size_m` wide, `distance_m` away from a subject `subject_m` high.

    Raises ParameterError if there is none; PhotoError if its file cannot be read.
    """
    check_gobo(name)
    if name in BUILT_IN:
        draw, wide = BUILT_IN[name]
        picture = np.repeat(draw()[..., None], 3, axis=2)
    else:
        picture, wide = read_gobo(Path(name)), FILE_WIDTH
    spread = math.degrees(2 * math.atan2(wide * subject_m / 2, distance_m))
    spread = min(spread, WIDEST_DEG)
    across = 2 * distance_m * math.tan(math.radians(spread) / 2)
    return Gobo(softened(picture, size_m / across), spread)


def read_gobo(path: Path) -> Pixels:
    """(H, W, 3) float32 linear 0..1 of a picture file; where transparent, no light goes through.

    Raises PhotoError, one line that names the file, if it cannot be read.
    """
    from depthfx.photo.read import read_photo

    photo = read_photo(path)
    light = np.clip(photo.pixels, 0, 1)
    if photo.alpha is not None:
        light = light * photo.alpha[..., None]
    height, width = light.shape[:2]
    shape = fit_within((height, width), SIDE_PX**2)
    if shape != (height, width):
        light = resize_area(light, shape)
    # What lies beside a picture gets what its border says.
    return np.pad(light, ((1, 1), (1, 1), (0, 0)))


def softened(picture: Pixels, width: float) -> Pixels:
    """`picture` (H, W, 3) with its edges as wide as `width`, a share of its longer side."""
    longer = max(picture.shape[:2])
    # A disc of diameter d spreads as a Gaussian of d / 4.
    sigma = min(width, SOFTEST) * longer / 4
    if sigma < 0.3:
        return picture
    border = math.ceil(3 * sigma)
    wide = cv2.copyMakeBorder(picture, border, border, border, border, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), sigma), np.float32)[
        border:-border, border:-border
    ]


def through(gobo: Gobo, light: Light, points: NDArray[np.floating]) -> Pixels:
    """(H, W, 3) float32: the share of `light` that comes through `gobo` at `points` (H, W, 3).

    points : camera axes, as the light's position. Without an aim the light points ahead. Beside
    the picture it goes on as its border is; behind the light nothing comes through.
    """
    across, down, ahead = _axes(light, gobo.turn_deg)
    away = np.asarray(points - np.array(light.position_m, np.float32), np.float32)
    deep = away @ ahead
    rows, columns = gobo.picture.shape[:2]
    longer = max(rows, columns)
    half = math.tan(math.radians(min(gobo.spread_deg, WIDEST_DEG)) / 2)
    in_front = deep > 0
    scale = np.float32(longer / 2 / half) / np.where(in_front, deep, 1)
    x = away @ across * scale + (columns - 1) / 2
    y = away @ down * scale + (rows - 1) / 2
    return np.asarray(
        cv2.remap(
            gobo.picture,
            np.clip(x, -1, columns).astype(np.float32),
            np.clip(y, -1, rows).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        * in_front[..., None],
        np.float32,
    )


def _axes(
    light: Light, turn_deg: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Right and down of the picture and the way ahead, as one sees them who looks from the light.

    Down is the photo's down; a light that points straight up or down takes ahead for it.
    """
    aim = np.array(light.aim_m or (0.0, 0.0, 1.0)) - (
        np.array(light.position_m) if light.aim_m else 0.0
    )
    length = float(np.linalg.norm(aim))
    ahead = aim / length if length > 0 else np.array([0.0, 0.0, 1.0])
    upright = np.array([0.0, 1.0, 0.0]) if abs(ahead[1]) < 0.999 else np.array([0.0, 0.0, 1.0])
    across = np.cross(upright, ahead)
    across /= np.linalg.norm(across)
    down = np.cross(ahead, across)
    turn = math.radians(turn_deg)
    cos, sin = math.cos(turn), math.sin(turn)
    right = cos * across + sin * down
    below = cos * down - sin * across
    return right.astype(np.float32), below.astype(np.float32), ahead.astype(np.float32)
