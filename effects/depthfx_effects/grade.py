"""One look for what is near, another for what is far, with a smooth change between.

By hand, or by LUTs (.cube files) made for photos and finished video: they act on the sRGB signal.
The change is smooth in inverse depth. Shares of the way count by factors of distance: half of the
way from 1 m to 100 m is 10 m. Belongs after light and fog and before a lens, whose blur
then shows what was graded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from depthfx import Channel, Context, Effect, Param, Scene

if TYPE_CHECKING:
    from depthfx.light.grade import Look


class Grade(Effect):
    """Grade near and far differently, by hand or with LUTs."""

    name: ClassVar[str] = "grade"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH})

    near_lut: Path | None = Param(None, help="a .cube file for what is near")
    near_exposure: float = Param(0.0, ge=-10, le=10, unit="stops", help="exposure near")
    near_contrast: float = Param(0.0, ge=-1, le=1, help="contrast near; below 0 less")
    near_saturation: float = Param(0.0, ge=-1, le=3, help="saturation near; -1 is grey")
    near_kelvin: float = Param(
        0.0, ge=-3000, le=10_000, unit="K", help="temperature near; above 0 warmer"
    )
    near_tint: float = Param(0.0, ge=-1, le=1, help="tint near: 1 magenta, -1 green")
    far_lut: Path | None = Param(None, help="a .cube file for what is far")
    far_exposure: float = Param(0.0, ge=-10, le=10, unit="stops", help="exposure far")
    far_contrast: float = Param(0.0, ge=-1, le=1, help="contrast far; below 0 less")
    far_saturation: float = Param(0.0, ge=-1, le=3, help="saturation far; -1 is grey")
    far_kelvin: float = Param(
        0.0, ge=-3000, le=10_000, unit="K", help="temperature far; above 0 warmer"
    )
    far_tint: float = Param(0.0, ge=-1, le=1, help="tint far: 1 magenta, -1 green")
    from_m: float | None = Param(None, ge=0.01, le=1e6, unit="m", help="up to here all is near")
    to_m: float | None = Param(None, ge=0.01, le=1e6, unit="m", help="from here on all is far")
    from_share: float = Param(
        0.3, ge=0, le=1, help="the same without metres: share of the way to the farthest"
    )
    to_share: float = Param(0.7, ge=0, le=1, help="share of the way from where on all is far")
    strength: float = Param(1.0, ge=0, le=1, help="how much of it all")

    def for_path(self, path: Path) -> Effect:
        self._look("near"), self._look("far")
        return super().for_path(path)

    def apply(self, scene: Scene, context: Context) -> Scene:
        import numpy as np

        from depthfx.light.grade import graded
        from depthfx.light.near_to_far import nearness
        from depthfx.light.two_surfaces import changed_by_depth

        near, far = self._look("near"), self._look("far")
        near_inverse, far_inverse = self._ends(scene)
        if not self.strength:
            return scene
        if near.plain and far.plain:
            return scene.with_note("nothing to grade with: give near_..., far_... or a LUT")
        strength = np.float32(self.strength)

        def change(colours: np.ndarray, share: np.ndarray) -> np.ndarray:
            mixed = graded(colours, far)
            mixed = mixed + share[:, None] * (graded(colours, near) - mixed)
            return colours + strength * (mixed - colours)

        pixels = changed_by_depth(
            scene.photo.pixels,
            scene.depth,
            lambda inverse: nearness(inverse, near_inverse, far_inverse),
            change,
            lambda done: context.report("grade", done),
        )
        return scene.with_pixels(pixels).with_note(
            _words(near_inverse, far_inverse, metric=scene.depth.metric),
            near_inverse=near_inverse,
            far_inverse=far_inverse,
        )

    def _look(self, side: str) -> Look:
        from depthfx.light.grade import Look
        from depthfx.photo.cube_file import read_cube

        said = {name: getattr(self, f"{side}_{name}") for name in HANDLES}
        lut = getattr(self, f"{side}_lut")
        return Look(**said, table=None if lut is None else read_cube(lut))

    def _ends(self, scene: Scene) -> tuple[float, float]:
        """Inverse depth up to which all is near, and from which on all is far."""
        from depthfx.errors import ParameterError
        from depthfx.light.near_to_far import inverse_at, reach_of

        depth = scene.depth
        self.check_metric(depth, "from_m", "to_m")
        reach = reach_of(depth.surface)
        near, far = (
            1 / metres if metres is not None else inverse_at(share, reach)
            for metres, share in ((self.from_m, self.from_share), (self.to_m, self.to_share))
        )
        if near < far:
            raise ParameterError(
                "grade: what is near ends behind where what is far begins; give a from_m that "
                "is less than to_m (or a from_share less than to_share)"
            )
        return near, far


HANDLES = ("exposure", "contrast", "saturation", "kelvin", "tint")


def _words(near: float, far: float, *, metric: bool) -> str:
    import math

    from depthfx.optics.focus import distance_words

    if not metric:
        return f"near from inverse depth {near:.3g} on, far from {far:.3g} on (relative depth)"
    ends = (distance_words(1 / inverse if inverse > 0 else math.inf) for inverse in (near, far))
    return "near up to {}, far from {} on".format(*ends)
