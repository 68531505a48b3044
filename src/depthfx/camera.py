"""A pinhole camera on the pixel grid, and where its focal length came from.

x points right, y down, z forward. Pixel centres lie at +0.5, so the principal
point of a centred lens is (width / 2, height / 2). All lengths are in pixels of
the picture the camera belongs to: a focal length in millimetres never appears
here but as the 35 mm equivalent, and only `focal_px_from_f35` makes pixels of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from depthfx.errors import ParameterError

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
GUESSED_F35_MM = 28.0
"""What is assumed when nothing is known: the main camera of a phone."""


class FocalOrigin(StrEnum):
    """Who said what the focal length is, most trusted first."""

    USER = "user"
    INTRINSICS = "intrinsics"
    EXIF = "EXIF"
    NETWORK = "network"
    GUESS = "guess"


PLAUSIBLE_F35_MM = 50.0
"""Photos without EXIF are mostly made at 24 to 50 mm equivalent; this end is the farther off."""

FOCAL_UNCERTAINTY = {
    FocalOrigin.USER: 0.01,
    FocalOrigin.INTRINSICS: 0.01,
    # Whole millimetres of the 35 mm equivalent are 2 % of a phone's lens; focus breathing
    # and correction of distortion take as much again.
    FocalOrigin.EXIF: 0.04,
    # Two photos in three are within 25 % in the worst of Depth Pro's six test sets
    # (A. Bochkovskii et al., 2024, the table of focal lengths).
    FocalOrigin.NETWORK: 0.25,
    FocalOrigin.GUESS: PLAUSIBLE_F35_MM / GUESSED_F35_MM - 1,
}
"""Share by which the focal length may be off, by who said it; about two times in three not."""


def focal_px_from_f35(f35_mm: float, width: int, height: int) -> float:
    """Focal length in pixels from its 35 mm equivalent, over the diagonal (CIPA DCG-001)."""
    return f35_mm * math.hypot(width, height) / FULL_FRAME_DIAGONAL_MM


@dataclass(frozen=True)
class Camera:
    """Pinhole camera of a picture `width` x `height` pixels.

    `focal_px` is the focal length in pixels, the same in x and y; `cx`, `cy` the
    principal point in pixels (not given: the centre). Raises ParameterError if a
    length is not positive and finite.
    """

    width: int
    height: int
    focal_px: float
    origin: FocalOrigin = FocalOrigin.USER
    # None until it is made, so that nobody who has one need ask.
    cx: float = None  # type: ignore[assignment]
    cy: float = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ParameterError(f"a camera of {self.width} x {self.height} pixels has no picture")
        if not (math.isfinite(self.focal_px) and self.focal_px > 0):
            raise ParameterError(f"focal_px={self.focal_px} is not a length in pixels above zero")
        if self.cx is None:
            object.__setattr__(self, "cx", self.width / 2)
        if self.cy is None:
            object.__setattr__(self, "cy", self.height / 2)

    @classmethod
    def from_f35(
        cls, f35_mm: float, width: int, height: int, origin: FocalOrigin = FocalOrigin.USER
    ) -> Camera:
        """A camera from its 35 mm equivalent focal length in millimetres."""
        return cls(width, height, focal_px_from_f35(f35_mm, width, height), origin)

    @classmethod
    def guess(cls, width: int, height: int) -> Camera:
        """The camera assumed when nobody knows: 28 mm equivalent."""
        return cls.from_f35(GUESSED_F35_MM, width, height, FocalOrigin.GUESS)

    @property
    def f35_mm(self) -> float:
        """The 35 mm equivalent focal length, over the diagonal."""
        return self.focal_px * FULL_FRAME_DIAGONAL_MM / math.hypot(self.width, self.height)

    @property
    def known_focal_px(self) -> float | None:
        """The focal length if somebody measured it; None if it is a guess."""
        return None if self.origin is FocalOrigin.GUESS else self.focal_px

    @property
    def diagonal_px(self) -> float:
        return math.hypot(self.width, self.height)

    @property
    def fov_deg(self) -> float:
        """Horizontal field of view in degrees."""
        return math.degrees(2 * math.atan(self.width / (2 * self.focal_px)))

    def with_focal(self, focal_px: float, origin: FocalOrigin) -> Camera:
        return replace(self, focal_px=focal_px, origin=origin)

    def resized(self, width: int, height: int) -> Camera:
        """The camera of the same picture at another size (one scale for both sides)."""
        scale = math.hypot(width, height) / self.diagonal_px
        return Camera(
            width,
            height,
            self.focal_px * scale,
            self.origin,
            self.cx * width / self.width,
            self.cy * height / self.height,
        )
