"""What every effect that moves a camera lets one choose."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from depthfx import Context, Effect, Param, Point, Scene
from depthfx.effect import NOWHERE
from depthfx.errors import ParameterError

if TYPE_CHECKING:
    from depthfx.geometry.moves import Move
    from depthfx.geometry.sheets import Sheets
    from depthfx.geometry.stage import Stage

USUAL_SECONDS = 4.0
TOO_FAR = 1.05
"""Of what is painted; presets stay within 0.2 % of it, and smooth keys may swing a little wider."""
LEAST_SIDE, MOST_SIDE = 16, 16384
"""Of a frame, px."""


def _frame_size(text: str | None) -> str | None:
    if text is not None:
        sides = re.fullmatch(r"\s*(\d{1,6})\s*[x×]\s*(\d{1,6})\s*", text)
        if not sides or not all(LEAST_SIDE <= int(side) <= MOST_SIDE for side in sides.groups()):
            raise ValueError(
                f"a size is written 1920x1080, sides from {LEAST_SIDE} to {MOST_SIDE} px"
            )
        return "x".join(sides.groups())
    return text


FrameSize = Annotated[
    str | None, AfterValidator(_frame_size), Field(examples=["1920x1080", "1080x1920"])
]


class CameraMove(Effect):
    """Parameters shared by the effects that move a camera; not an effect of its own."""

    where: None = NOWHERE
    camera: Literal[
        "push-in",
        "pull-out",
        "orbit",
        "circle",
        "sway",
        "dolly-zoom",
        "ken-burns",
        "crane",
        "focus-pull",
        "still",
    ] = Param("push-in", help="what the camera does")
    keys: Path | None = Param(
        None, help="key frames of your own instead, a TOML file (see docs/moves.md)"
    )
    move: float = Param(
        0.03,
        ge=0.001,
        le=0.15,
        unit="share of the diagonal",
        help="how far near things may shift against far ones; as far as that is painted",
    )
    painter: Path | None = Param(
        None, help="an ONNX network for inpainting (as LaMa) that paints what is hidden instead"
    )
    size: FrameSize = Param(None, help="frame of the shot, the photo is scaled to fill it")
    fps: float = Param(25.0, ge=1, le=120, help="frames a second")
    seconds: float | None = Param(
        None, ge=0.04, le=600, unit="s", help="length of the shot; none: 4 s, or as `keys` says"
    )
    loop: bool | None = Param(None, help="come back to where it began, without a seam")
    f_number: float | None = Param(
        None, ge=0.7, le=64, help="f-number of a full-frame lens that blurs what is out of focus"
    )
    focus_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="distance of the plane of focus"
    )
    focus_xy: Point | None = Param(
        None, unit="shares of width and height", help="focus on this place in the picture"
    )

    @property
    def frame(self) -> tuple[int, int] | None:
        """Width and height asked for, px."""
        if self.size is None:
            return None
        width, height = self.size.split("x")
        return int(width), int(height)

    def for_path(self, path: Path) -> Effect:
        for name, file in (("keys", self.keys), ("painter", self.painter)):
            if file is not None and not file.is_file():
                raise ParameterError(f"{self.name}: {name}={file}: there is no such file")
        return self

    def stage(self, scene: Scene) -> Stage:
        """The scene as the camera's operator sees it."""
        from depthfx.geometry.stage import Stage

        return Stage.of(scene.depth.surface, scene.camera, self.move, scene.matte)

    def camera_move(self, scene: Scene, stage: Stage) -> tuple[Move, float]:
        """The move chosen, in the axes and the unit of `scene`, and its length in seconds."""
        from depthfx.geometry.path_file import Survey, read_move
        from depthfx.geometry.presets import move_named
        from depthfx.optics.focus import ASSUMED_FOCUS_M, find_focus
        from depthfx.optics.thin_lens import aperture_m

        focus = find_focus(scene, self.focus_m, self.focus_xy, ASSUMED_FOCUS_M)
        if self.keys is not None:
            timed = read_move(self.keys, Survey(stage, scene.depth.surface, focus.scale_m))
            return timed.move, self.seconds or timed.seconds or USUAL_SECONDS
        opening_m = aperture_m(scene.camera.f35_mm, self.f_number) if self.f_number else 0.0
        chosen = self.focus_m is not None or self.focus_xy is not None
        # A focus pull goes from the nearest to the farthest, unless somebody says from where.
        from_there = chosen or self.camera != "focus-pull"
        move = move_named(
            self.camera,
            stage,
            loop=self.loop,
            focus_inverse=focus.inverse if from_there else None,
            aperture_m=opening_m * focus.scale_m,
        )
        return move, self.seconds or USUAL_SECONDS

    def with_limits_told(self, scene: Scene, stage: Stage, shot: Move) -> Scene:
        """`scene` with a note if key frames go where nothing is painted."""
        from depthfx.geometry.presets import parallax_of

        share = parallax_of([key.pose for key in shot.keys], stage) / self.move
        if self.keys is None or share < TOO_FAR:
            return scene
        return scene.with_note(
            f"the keys go {share:.3g} times as far as `move` paints", beyond_painted=share
        )


def painted_sheets(
    scene: Scene, stage: Stage, pixels: float, context: Context, painter: Path | None = None
) -> Sheets:
    """The scene at about so many pixels, what is hidden painted as far as `stage` needs it.

    painter : an ONNX network that paints, see `inpaint.learned`
    """
    from dataclasses import replace

    from depthfx.geometry.sheets import sheets_of
    from depthfx.inpaint.learned import painting
    from depthfx.photo.encode import over_white

    small = replace(scene, photo=over_white(scene.photo)).preview(round(pixels))
    reach_px = replace(stage, camera=small.camera).reach_px
    return sheets_of(
        small.photo.pixels,
        small.depth,
        small.camera,
        matte=small.matte,
        reach_px=reach_px,
        margin_px=math.ceil(reach_px),
        progress=lambda done: context.report("painting", done),
        paint=painting(painter),
    )
