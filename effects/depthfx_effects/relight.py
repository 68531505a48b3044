"""The photo in other light: lamps placed as photographers say, with the shadows they throw.

Light is added as lamps would have added it, in linear light: by which way surfaces face, how far
they are and what they give back; and the photo's own key and fill may be turned down. Belongs
before fog and before the blur of a lens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field

from depthfx import Channel, Context, Effect, Param, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from depthfx.depth import Plane
    from depthfx.geometry.normals import Normals
    from depthfx.light.lights import Light
    from depthfx.light.own_light import OwnLight
    from depthfx.light.placing import Stand
    from depthfx.light.presets import Preset
    from depthfx.photo.photo import Pixels

NOOKS = 0.25
"""Heights of the subject: what is nearer than this takes part in making a nook dark."""


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _understood(text: str) -> str:
    from depthfx.errors import ParameterError
    from depthfx.light.light_words import LightWords

    try:
        LightWords.parse(text)
    except ParameterError as error:
        raise ValueError(str(error)) from None
    return text


Lights = Annotated[
    tuple[Annotated[str, AfterValidator(_understood)], ...],
    BeforeValidator(_several),
    Field(examples=[("key left 45deg 30deg up 3200K +1", "rim right"), ("at 0.3,0.4 candle",)]),
]


class Relight(Effect):
    """Put lights into the photo, with their shadows."""

    name: ClassVar[str] = "relight"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    light: Lights = Param((), help="a light in words, like 'key left 45deg 30deg up 3200K +1'")
    preset: Literal["studio", "contour", "stage", "stage-mono", "golden-hour", "window"] | None = (
        Param(None, help="a look; studio if no light is named either")
    )
    strength: float = Param(0.0, ge=-5, le=5, unit="stops", help="all added lights up or down")
    own_key: float | None = Param(
        None, ge=0, le=1, help="how much of the photo's own key light stays"
    )
    own_fill: float | None = Param(
        None, ge=0, le=1, help="how much of the photo's own fill light stays"
    )
    background: float | None = Param(
        None, ge=0, le=1, help="how much is left of what lies behind the subject"
    )
    gobo: str | None = Param(
        None, help="a mask before the first light: window, blinds, leaves or a picture file"
    )
    roundness: float = Param(
        0.6, ge=0, le=1, help="how much rounder the subject is taken than its depth says"
    )
    detail: float = Param(0.0, ge=0, le=1, help="how much of the picture's relief the lights see")
    ambient_shadow: float = Param(
        0.5, ge=0, le=1, help="how much darker nooks and contacts are in added light"
    )

    def set_up(self) -> Preset:
        """The preset chosen, with what is said of the photo's own light."""
        from dataclasses import replace

        from depthfx.light.presets import Preset, preset_named

        named = self.preset or (None if self.light else "studio")
        preset = Preset(()) if named is None else preset_named(named)
        said = {
            name: value
            for name in ("own_key", "own_fill", "background")
            if (value := getattr(self, name)) is not None
        }
        return replace(preset, **said)

    def for_path(self, path: Path) -> Effect:
        self.check_gobos()
        return self

    def _gobos(self) -> list[str]:
        from depthfx.light.light_words import LightWords

        named = (self.gobo, *(LightWords.parse(text).gobo for text in self.light))
        return [name for name in named if name is not None]

    def check_gobos(self) -> None:
        """Raise ParameterError if a gobo is no file."""
        from depthfx.light.gobo import check_gobo

        for name in self._gobos():
            check_gobo(name)

    @property
    def files(self) -> tuple[Path, ...]:
        from pathlib import Path

        from depthfx.light.gobo import BUILT_IN

        return tuple(Path(name) for name in self._gobos() if name not in BUILT_IN)

    def with_files_in(self, folder: Path) -> Self:
        from dataclasses import replace
        from pathlib import Path

        from depthfx.effect import file_in
        from depthfx.light.gobo import BUILT_IN
        from depthfx.light.light_words import LightWords

        def found(name: str | None) -> str | None:
            return name if name is None or name in BUILT_IN else str(file_in(folder, Path(name)))

        def moved(text: str) -> str:
            words = LightWords.parse(text)
            there = found(words.gobo)
            return text if there == words.gobo else str(replace(words, gobo=there))

        lights = tuple(moved(text) for text in self.light)
        return self.model_copy(update={"gobo": found(self.gobo), "light": lights})

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.geometry.plane_fits import fitted
        from depthfx.light.light_words import LightWords
        from depthfx.light.own_light import own_light
        from depthfx.light.placing import Stand, facts, own_words, placed, told
        from depthfx.light.presets import lights_for
        from depthfx.light.relit import relit
        from depthfx.light.rounding import rounded
        from depthfx.light.settling import settled
        from depthfx.light.skin import skin_share

        self.check_gobos()
        preset, camera = self.set_up(), scene.camera
        pixels, inverse, normals = scene.photo.pixels, scene.depth.surface, scene.normals
        # A network's depth rolls behind a subject; a scanner's, or rendered depth, is believed.
        exact = fitted(inverse, camera) is None
        normals, inverse = settled(normals, inverse, scene.matte, None if exact else camera)
        normals = rounded(normals, scene.matte, self.roundness, out=normals)
        if self.detail:
            from depthfx.geometry.relief import with_relief

            normals = with_relief(normals, pixels, camera, inverse, self.detail)
        own = own_light(pixels, inverse, normals, scene.matte)
        stand = Stand.of(inverse, camera, scene.matte, own, metric=scene.depth.metric)
        words = lights_for(preset, stand.subject) + [LightWords.parse(t) for t in self.light]
        lights = [
            placed(said, stand, stops=self.strength, gobo=None if k else self.gobo)
            for k, said in enumerate(words)
        ]
        made = relit(
            pixels,
            inverse,
            camera,
            normals,
            own,
            lights,
            keep_key=preset.own_key,
            keep_fill=preset.own_fill,
            openness=self.openness(scene, normals, lights, stand),
            skin=skin_share(pixels, scene.matte),
            subject=None if exact else scene.matte,
            shoulder=False,
            progress=lambda done: context.report("light", done),
        )
        result = scene.with_pixels(self.finished(made, scene, normals, own, preset, stand))
        for said, light in zip(words, lights, strict=True):
            result = result.with_note(told(said, light, stand))
        if preset.own_key == preset.own_fill == 1:
            return result.with_note(own_words(own), **facts(lights, own, stand))
        kept = f"its key kept {preset.own_key:.0%}, its fill {preset.own_fill:.0%}"
        return result.with_note(f"{own_words(own)}, {kept}", **facts(lights, own, stand))

    def finished(
        self,
        made: Pixels,
        scene: Scene,
        normals: Normals,
        own: OwnLight,
        preset: Preset,
        stand: Stand,
    ) -> Pixels:
        """The sum of light `made`, as strong as a look wants it, below white; its background."""
        from depthfx.light.backdrop import gain, in_grey, with_background
        from depthfx.light.outline import with_outline
        from depthfx.light.relit import kept_light, strengthened
        from depthfx.light.shoulder import roll_off_rows

        pixels, matte = scene.photo.pixels, scene.matte

        def kept(rows: slice, step: int = 1) -> Pixels:
            part = (pixels[rows, ::step], normals[rows, ::step])
            return kept_light(*part, own, preset.own_key, preset.own_fill)

        if made is not pixels:
            if preset.face_stops is not None:
                stops = preset.face_stops + self.strength
                coarse = slice(None, None, stand.step)
                few = (made[coarse, coarse], kept(coarse, stand.step), pixels[coarse, coarse])
                strengthened(made, kept, gain(*few, stand.upper, stops))
            with_outline(made, pixels, matte)
            roll_off_rows(made, pixels)
        aim = 1 / stand.aim_m[2]
        made = with_background(made, matte, scene.depth.surface, aim, preset.background)
        return in_grey(made) if preset.mono else made

    def openness(
        self, scene: Scene, normals: Normals, lights: list[Light], stand: Stand
    ) -> Plane | None:
        """(H, W) how much of a light without shadows arrives; None: all of it."""
        import numpy as np

        from depthfx.light.occlusion import openness

        if not self.ambient_shadow or all(light.shadows for light in lights):
            return None
        share = np.float32(self.ambient_shadow)
        reach = stand.height_m * NOOKS
        open_to = openness(scene.depth.surface, scene.camera, normals, reach)
        return np.asarray(1 - share * (1 - open_to), np.float32)
