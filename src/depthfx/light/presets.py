"""Looks by name: a few lights, and what becomes of the photo's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from depthfx.errors import ParameterError
from depthfx.light.light_words import LightWords

OUTLINING = ("rim", "hair", "kicker")


@dataclass(frozen=True)
class Preset:
    """A set of lights, each in the words of `LightWords`, and the photo's own light beside them.

    own_key, own_fill : how much of the photo's own key and fill stays, 0..1
    background : how much of the picture behind the subject stays, 0..1
    face_stops : how much brighter the subject's face is than before; the exposure sees to it
    mono : black and white
    """

    lights: tuple[str, ...]
    own_key: float = 1.0
    own_fill: float = 1.0
    background: float = 1.0
    face_stops: float | None = None
    mono: bool = False


STAGE = Preset(
    ("key 45deg 40deg up soft +0.5", "rim 145deg 35deg up +0.5 no shadow"),
    own_key=0.15,
    own_fill=0.25,
    background=0.0,
    face_stops=-0.1,
)

PRESETS = {
    "studio": Preset(
        ("key 30deg 35deg up soft +0 no shadow", "fill front 5deg up soft -1"),
        own_key=0.85,
        own_fill=0.85,
        face_stops=0.4,
    ),
    "contour": Preset(
        ("key 70deg 30deg up size 40cm +0.5", "kicker 120deg 10deg up -0.5 no shadow"),
        own_key=0.1,
        own_fill=0.18,
        face_stops=-0.3,
    ),
    "stage": STAGE,
    "stage-mono": replace(STAGE, mono=True),
    "golden-hour": Preset(
        ("sun 60deg 15deg up soft 2800K +1", "fill 4500K -1.5"),
        own_key=0.3,
        own_fill=0.4,
        face_stops=0.0,
    ),
    "window": Preset(("window 80deg 15deg up +0.8",), own_key=0.15, own_fill=0.2, face_stops=-0.2),
}


def preset_named(name: str) -> Preset:
    """Raises ParameterError if there is no such look."""
    if name not in PRESETS:
        raise ParameterError(f"preset={name!r} is none of {', '.join(PRESETS)}")
    return PRESETS[name]


def lights_for(preset: Preset, subject: bool) -> list[LightWords]:
    """Its lights; where there is no `subject`, without shadows and what would draw its outline.

    A whole view as a network sees it would throw shadows on its sky.
    """
    lights = [LightWords.parse(text) for text in preset.lights]
    if subject:
        return lights
    return [replace(light, no_shadow=True) for light in lights if light.role not in OUTLINING]
