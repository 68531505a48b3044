"""What the effects that put a photo into space let one choose: points and meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from depthfx import Effect, Param, Scene
from depthfx.effect import WhereText
from depthfx.errors import DepthError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from depthfx.export.space import Space
    from depthfx.photo.photo import Pixels

    Mask = NDArray[np.bool_]

FAR_OF_MEDIAN = 50.0
"""Times the median distance: farther things would only make the rest look small."""
OPAQUE = 0.5
"""What the photo's own alpha, or `where`, has less of is not there."""


class InSpace(Effect):
    """Parameters shared by points and meshes; not an effect of its own."""

    applies_where: ClassVar[bool] = True

    where: WhereText = Param(
        None, help="only what is there: ..5m, subject, not sky and so on, see docs/masks.md"
    )
    axes: Literal["opengl", "opencv", "world"] = Param(
        "opengl",
        help="opengl: y up, as viewers have it; opencv: y down, z forward; world: y up from the "
        "ground",
    )
    far_m: float | None = Param(
        None,
        ge=0.01,
        le=1_000_000,
        unit="m",
        help="farthest distance put in; none: 50 times the median",
    )
    sky: bool = Param(False, help="with the sky, if its depth is not infinite")
    turntable: bool = Param(False, help="also a picture of it from around, -turntable.png")

    def there(self, scene: Scene) -> tuple[Scene, Mask]:
        """The scene with a note of what is left out, and (H, W) bool, the pixels that are not."""
        import numpy as np

        from depthfx.where.sky import sky_of

        depth, alpha = scene.depth, scene.photo.alpha
        surface = depth.surface
        self.check_metric(depth, "far_m")
        opaque = np.ones(surface.shape, bool) if alpha is None else alpha >= OPAQUE
        chosen = opaque & self._chosen(scene)
        seen = chosen & (surface > 0)
        if not self.sky:
            seen &= sky_of(scene.photo.pixels, depth) < OPAQUE
        if not seen.any():
            raise DepthError(
                f"{self.name}: nothing here has a place in space: {_why(chosen, sky=self.sky)}"
            )
        far = self.far_m or FAR_OF_MEDIAN / float(np.median(surface[seen]))
        kept = seen & (surface >= 1 / far)
        if not kept.any():
            raise DepthError(f"{self.name}: nothing is nearer than far_m={far:g} m; give it more")
        unit = "m" if depth.metric else "units"
        sky, beyond = (float((chosen & ~seen).mean()), float((seen & ~kept).mean()))
        told = scene
        if sky > 0:
            told = told.with_note(f"sky left out ({_percent(sky)})", sky_left_out=sky)
        if beyond > 0:
            told = told.with_note(
                f"farther than {far:.3g} {unit} left out ({_percent(beyond)})",
                far=far,
                far_left_out=beyond,
            )
        if not depth.metric:
            told = told.with_note("lengths are in the relative depth's own unit, not metres")
        return told, kept

    def _chosen(self, scene: Scene) -> Mask | Literal[True]:
        if self.where is None:
            return True
        from depthfx.where.parse import parse
        from depthfx.where.region import region

        return region(parse(self.where), scene) >= OPAQUE

    def space(self, scene: Scene) -> tuple[Scene, Space]:
        """The scene with a note of what is up, and the axes of its file."""
        import numpy as np

        from depthfx.export.space import OPENGL, Space

        camera, depth = scene.camera, scene.depth
        rotation = OPENGL if self.axes == "opengl" else np.eye(3)
        if self.axes == "world":
            from depthfx.geometry.gravity import up_of
            from depthfx.geometry.up import to_world

            up = up_of(depth.surface, scene.normals, camera, scene.photo)
            rotation = to_world(up)
            scene = scene.with_note(
                f"up from {up.origin}: camera looks {up.pitch_deg:+.1f}° up, rolled "
                f"{up.roll_deg:+.1f}°",
                up=list(up.vector),
                up_confidence=up.confidence,
            )
        name = scene.photo.path.stem if scene.photo.path else "photo"
        return scene, Space(camera, rotation, self.axes, depth.metric, depth.origin, name)

    def with_turntable(self, scene: Scene, draw: Callable[[], Pixels]) -> Scene:
        """The scene with the picture from around, where it is wanted."""
        if not self.turntable:
            return scene
        from depthfx.product import Product

        def write(_final: Scene, path: Path) -> None:
            from depthfx import Camera, Photo
            from depthfx.photo.write import write_photo

            sheet = draw()
            height, width = sheet.shape[:2]
            write_photo(Photo(sheet, Camera.guess(width, height)), path, overwrite=True)

        return scene.with_product(Product("turntable.png", write))


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "less than 1%"


def _why(chosen: Mask, *, sky: bool) -> str:
    if not chosen.any():
        return "all of it is cut out of the photo, or by where"
    return "all of it is infinitely far" if sky else "all of it is sky, which --sky takes in"


def extent(parts: Iterable[NDArray[np.float32]]) -> list[float]:
    """Width, height and depth of points, (N, 3) each part."""
    import numpy as np

    ends = np.concatenate([[part.min(0), part.max(0)] for part in parts])
    return [float(v) for v in np.ptp(ends, axis=0)]
