"""The photo as a moving shot, or as a 3D photo for the web.

What near things hide is painted behind them as far as `move` uncovers it, and every frame is drawn
from there: soft at hair, sharp elsewhere, without rubber sheets between near and far. `--as html`
makes one page that follows the pointer or the phone's tilt. Belongs last in a chain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from depthfx import Channel, Context, Effect, Param, Scene
from depthfx_effects.camera_move import LEAST_SIDE, CameraMove, painted_sheets

if TYPE_CHECKING:
    from pathlib import Path

    from depthfx.export.shot import Shot
    from depthfx.geometry.stage import Stage

SUFFIXES = {
    "mp4": ".mp4",
    "mov": ".mov",
    "webm": ".webm",
    "gif": ".gif",
    "webp": ".webp",
    "frames": "",
    "html": ".html",
}


class Photo3D(CameraMove):
    """Make a moving shot of the photo, or a 3D photo for the web."""

    name: ClassVar[str] = "photo3d"
    needs: ClassVar[frozenset[Channel]] = frozenset({Channel.DEPTH, Channel.MATTE})

    as_: Literal["mp4", "mov", "webm", "gif", "webp", "frames", "html"] = Param(
        "mp4", help="kind of film, PNG frames in a folder, or a page for the web"
    )

    @property
    def endings(self) -> tuple[str, ...]:
        """The suffix of the path decides; without one it is what `as_` says."""
        first = SUFFIXES[self.as_]
        return (first, *(suffix for suffix in SUFFIXES.values() if suffix != first))

    def for_path(self, path: Path) -> Effect:
        from depthfx.movie.files import check_movie

        super().for_path(path)
        suffix = path.suffix.lower()
        if suffix != ".html":
            check_movie(path, self.frame or (LEAST_SIDE, LEAST_SIDE), self.fps, 1)
        kind = next(kind for kind, ending in SUFFIXES.items() if ending == suffix)
        return self.model_copy(update={"as_": kind})

    def apply(self, scene: Scene, context: Context) -> Scene:
        from depthfx.export.shot import Shot
        from depthfx.geometry.frame import usual_frame
        from depthfx.product import Product

        stage = self.stage(scene)
        move, seconds = self.camera_move(scene, stage)
        width, height = self.frame or usual_frame(scene.camera)
        name = scene.photo.path.stem if scene.photo.path else "photo"
        shot = Shot(name, width, height, self.fps, seconds, move)

        def write(final: Scene, path: Path) -> None:
            if path.suffix.lower() == ".html":
                _write_page(final, stage, path, name, context, self.painter)
            else:
                _write_film(final, stage, path, shot, context, self.painter)

        made = scene.with_product(Product("photo3d", write, self.endings))
        if self.as_ == "html":
            return made.with_note("a page that follows the pointer", parallax=self.move)
        words = f"{move.name}, {shot.frames} frames of {width} x {height}"
        told = made.with_note(words, move=move.name, frames=shot.frames, size=[width, height])
        return self.with_limits_told(told, stage, move)


def _write_page(
    scene: Scene, stage: Stage, path: Path, title: str, context: Context, painter: Path | None
) -> None:
    from depthfx.viewer.page import LONGEST_PX, write

    aspect = scene.camera.height / scene.camera.width
    pixels = LONGEST_PX**2 * min(aspect, 1 / aspect)
    sheets = painted_sheets(scene, stage, pixels, context, painter)
    write(path, sheets, stage, title=title, overwrite=True)


def _write_film(
    scene: Scene, stage: Stage, path: Path, shot: Shot, context: Context, painter: Path | None
) -> None:
    from depthfx.geometry.frame import filled
    from depthfx.geometry.new_view import Views
    from depthfx.movie.files import check_movie, write_movie
    from depthfx.movie.frames import frames

    assert shot.move is not None
    size = (shot.width, shot.height)
    check_movie(path, size, shot.fps, shot.frames)
    camera = filled(scene.camera, shot.width, shot.height)
    scale = camera.focal_px / scene.camera.focal_px
    pixels = scene.camera.width * scene.camera.height * min(scale, 1.0) ** 2
    views = Views.of(painted_sheets(scene, stage, pixels, context, painter))
    write_movie(
        path,
        frames(views, shot.move, camera, shot.frames),
        size,
        shot.fps,
        count=shot.frames,
        overwrite=True,
        progress=lambda done: context.report("frames", done),
    )
