"""What every effect that imitates a lens lets one choose."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from depthfx import Effect, Param, Point
from depthfx.camera import Camera


def _aperture_blades(count: int) -> int:
    if count in (1, 2):
        raise ValueError("an aperture has 3 or more blades, or 0 for a disc")
    return count


class Lens(Effect):
    """Parameters shared by the effects of a lens; not an effect of its own."""

    f_number: float = Param(2.0, ge=0.7, le=64, help="f-number of the full-frame lens imitated")
    aperture_mm: float | None = Param(
        None, ge=0, le=1000, unit="mm", help="diameter of the opening, instead of the f-number"
    )
    focus_m: float | None = Param(
        None, ge=0.01, le=10_000, unit="m", help="distance of the plane of focus"
    )
    focus_xy: Point | None = Param(
        None, unit="shares of width and height", help="focus on this place in the picture"
    )
    blades: Annotated[int, AfterValidator(_aperture_blades)] = Param(
        0, ge=0, le=11, help="blades of the aperture, 3 or more; 0 for a disc"
    )

    def opening_m(self, camera: Camera) -> float:
        """Diameter of the opening in metres."""
        from depthfx.optics.thin_lens import aperture_m

        if self.aperture_mm is not None:
            return self.aperture_mm / 1000
        return aperture_m(camera.f35_mm, self.f_number)
