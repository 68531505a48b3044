"""The photo for two eyes, or for many.

One eye sees the photo itself, the other what a second camera beside it would have seen. What lies
at the depth of the screen is seen in the same place by both; docs/stereo.md. Belongs last in a
chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from depthfx import Camera, Channel, Context, Effect, Param, Scene
from depthfx.effect import NOWHERE
from depthfx.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from depthfx.geometry.stage import Stage
    from depthfx.photo.photo import Pixels
    from depthfx.stereo.pairs import Row

    Write = Callable[[Scene, Path, Stage, Context], None]

FILES = {
    "wiggle": (".gif", ".webp", ".mp4", ".mov", ".webm"),
    "mpo": (".mpo",),
    "jps": (".jps",),
    "spatial": (".heic",),
}
"""What is no plain picture, and how its files may end, the usual way first."""
WIGGLE_VIEWS = 3


class Stereo(Effect):
    """Make a stereo picture of the photo: pairs, anaglyphs, wiggles, quilts, spatial photos."""

    name: ClassVar[str] = "stereo"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    where: None = NOWHERE
    as_: Literal[
        "side-by-side", "top-bottom", "anaglyph", "wiggle", "quilt", "mpo", "jps", "spatial"
    ] = Param("side-by-side", help="which kind of stereo picture")
    parallax: float = Param(
        0.02,
        ge=0.001,
        le=0.15,
        unit="share of the diagonal",
        help="how far the nearest shifts against the farthest from one eye to the other",
    )
    baseline_mm: float | None = Param(
        None, ge=0.1, le=100_000, unit="mm", help="how far apart the eyes stand instead (metric)"
    )
    screen_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="distance shown at the screen; none: the subject's"
    )
    photo_at: Literal["left", "middle", "right"] = Param(
        "left", help="which eye sees the photo itself"
    )
    half: bool = Param(False, help="squeeze both pictures into the size of one, for televisions")
    crossed: bool = Param(
        False, help="the right eye's picture first, for looking with crossed eyes"
    )
    glasses: Literal["red-cyan", "green-magenta", "amber-blue"] = Param(
        "red-cyan", help="of an anaglyph"
    )
    colours: Literal["dubois", "half", "grey"] = Param("dubois", help="of an anaglyph")
    display: Literal[
        "portrait",
        "go",
        "16-portrait",
        "16-landscape",
        "32-portrait",
        "32-landscape",
        "16",
        "32",
        "65",
    ] = Param("portrait", help="Looking Glass display that a quilt is for")

    @property
    def endings(self) -> tuple[str, ...]:
        if self.as_ == "quilt":
            from depthfx.stereo.quilt import display_named

            return (f"{display_named(self.display).ending}.png", ".png")
        return FILES.get(self.as_, ())

    def for_path(self, path: Path) -> Effect:
        if self.as_ == "wiggle":
            from depthfx.stereo.wiggle import check_wiggle

            check_wiggle(path)
        return self

    def apply(self, scene: Scene, context: Context) -> Scene:
        if any(product.endings for product in scene.products):
            raise ParameterError(
                "stereo: a film or layers of one eye's photo are made before it in the chain; "
                "give each a command of its own"
            )
        stage = self.stage(scene)
        if self.as_ == "quilt":
            from depthfx.stereo.quilt import display_named

            views = display_named(self.display).views
            told = scene.with_note(f"{views} views for the display {self.display}", views=views)
            return self._product(told, self._write_quilt, stage, context)
        pair = self.pair(scene, stage)
        screen = self.screen_inverse(scene, stage)
        far, near = replace(pair, screen_inverse=screen).limits(stage)
        told = scene.with_note(
            f"disparity from {far:.1%} to {near:+.1%} of the width",
            baseline=pair.baseline_m,
            screen=1 / screen if screen else None,
            disparity=[far, near],
        )
        if self.as_ == "wiggle":
            return self._product(told, self._write_wiggle, stage, context)
        if self.endings:
            return self._product(told, self._write_pair, stage, context)
        return _showing(told, self._picture(scene, stage, pair, context))

    def stage(self, scene: Scene) -> Stage:
        """The scene as its two cameras see it."""
        from depthfx.geometry.stage import Stage
        from depthfx.stereo.pairs import at_baseline

        stage = Stage.of(scene.depth.surface, scene.camera, self.parallax, scene.matte)
        self.check_metric(scene.depth, "baseline_mm", "screen_m")
        if self.baseline_mm is None:
            return stage
        return at_baseline(stage, self.baseline_mm / 1000)

    def pair(self, scene: Scene, stage: Stage) -> Row:
        """The two cameras."""
        from depthfx.stereo.pairs import parallel_pair, row

        if self.as_ == "spatial":
            return parallel_pair(stage, self.photo_at)
        return row(stage, 2, self.photo_at, self.screen_inverse(scene, stage))

    def screen_inverse(self, scene: Scene, stage: Stage) -> float:
        """Inverse depth shown at the screen: nothing that the frame cuts stands before it."""
        from depthfx.stereo.window import window_inverse

        if self.screen_m is not None:
            return 1 / self.screen_m
        return window_inverse(scene.depth.surface, stage)

    def _picture(self, scene: Scene, stage: Stage, pair: Row, context: Context) -> Pixels:
        """Both eyes' pictures in one."""
        from depthfx.stereo.anaglyph import anaglyph
        from depthfx.stereo.arrange import arranged
        from depthfx.stereo.window import strips_px, through_window

        left, right = self._eyes(scene, stage, pair, context)
        left, right = through_window(left, right, strips_px(scene.depth.surface, pair))
        if self.as_ == "anaglyph":
            return anaglyph(left, right, self.glasses, self.colours)
        kind: Any = self.as_
        return arranged(kind, left, right, half=self.half, crossed=self.crossed)

    def _eyes(self, scene: Scene, stage: Stage, pair: Row, context: Context) -> list[Pixels]:
        from depthfx.stereo.drawn import pictures_of

        return list(pictures_of(scene, stage, pair, lambda done: context.report("eyes", done)))

    def _product(self, scene: Scene, write: Write, stage: Stage, context: Context) -> Scene:
        from depthfx.product import Product

        def work(final: Scene, path: Path) -> None:
            write(final, path, stage, context)

        return scene.with_product(Product(f"stereo{self.endings[0]}", work, self.endings))

    def _write_pair(self, scene: Scene, path: Path, stage: Stage, context: Context) -> None:
        from depthfx.stereo.files import write_pair

        pair = self.pair(scene, stage)
        left, right = self._eyes(scene, stage, pair, context)
        write_pair(
            path,
            scene.photo,
            left,
            right,
            pair,
            screen_inverse=self.screen_inverse(scene, stage),
            metric=scene.depth.metric,
            overwrite=True,
        )

    def _write_wiggle(self, scene: Scene, path: Path, stage: Stage, context: Context) -> None:
        from depthfx.geometry.frame import usual_frame
        from depthfx.stereo.drawn import pictures_of
        from depthfx.stereo.pairs import row
        from depthfx.stereo.wiggle import write_wiggle

        width, height = usual_frame(scene.camera)
        small = scene.preview(width * height)
        stage = replace(stage, camera=small.camera)
        cameras = row(stage, WIGGLE_VIEWS, "middle", self.screen_inverse(small, stage))
        views = pictures_of(small, stage, cameras, lambda done: context.report("views", done))
        write_wiggle(path, views, scene.camera, overwrite=True)

    def _write_quilt(self, scene: Scene, path: Path, stage: Stage, context: Context) -> None:
        from depthfx.photo.write import write_photo
        from depthfx.stereo.drawn import pictures_of
        from depthfx.stereo.pairs import row
        from depthfx.stereo.quilt import display_named, quilt

        display = display_named(self.display)
        small = scene.preview(round(display.pixels_of(scene.photo.shape)))
        stage = replace(stage, camera=small.camera)
        cameras = row(stage, display.views, "middle", self.screen_inverse(small, stage))
        views = pictures_of(small, stage, cameras, lambda done: context.report("views", done))
        sheet = quilt(views, display, stage.subject_xy)
        photo = replace(scene.photo, pixels=sheet, camera=_framing(scene, sheet), alpha=None)
        write_photo(photo, path, overwrite=True)


def _showing(scene: Scene, pixels: Pixels) -> Scene:
    """`scene` showing a picture that may hold it twice, each with the photo's depth."""
    import numpy as np

    (height, width), (tall, wide) = pixels.shape[:2], scene.photo.shape
    times = (max(1, height // tall), max(1, width // wide))
    photo = replace(scene.photo, pixels=pixels, camera=_framing(scene, pixels), alpha=None)
    inverse, matte = (np.tile(plane, times) for plane in (scene.depth.surface, scene.matte))
    depth = replace(scene.depth, inverse=inverse, behind=None, coverage=None)
    return scene.with_geometry(photo, depth, matte)


def _framing(scene: Scene, pixels: Pixels) -> Camera:
    """A camera of the same lens for a picture of another size."""
    height, width = pixels.shape[:2]
    return Camera(width, height, scene.camera.focal_px, scene.camera.origin)
