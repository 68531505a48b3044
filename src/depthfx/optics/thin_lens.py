"""The thin lens: how wide a point out of focus is drawn, and what counts as sharp.

A point at depth z (metres along the axis), seen by a lens of aperture diameter A focused
at z_f, is drawn as the picture of the opening with the diameter

    coc = A * focal_px * |1/z - 1/z_f|     pixels

when picture distances are scaled so that focusing does not change the field of view. The
diameter is linear in inverse depth, which is why inverse depth is what depthfx keeps.

M. Potmesil, I. Chakravarty, "A lens and aperture camera model for synthetic image
generation", SIGGRAPH 1981; S. F. Ray, "Applied Photographic Optics", 3rd ed., ch. 22.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ParameterError

COC_SHARE = 1 / 1500
"""Share of the picture's diagonal up to which a blur disc passes for a point: 0.029 mm on
full-frame, as in the depth-of-field tables (Ray, ch. 22)."""


def _positive(name: str, value: float, unit: str) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ParameterError(f"{name}={value} must be a number above 0 {unit}".rstrip())
    return value


def aperture_m(focal_mm: float, f_number: float) -> float:
    """Diameter of the opening in metres of a lens of `focal_mm` (true, not 35 mm equivalent).

    Raises ParameterError if either is not positive and finite.
    """
    return _positive("focal_mm", focal_mm, "mm") / _positive("f_number", f_number, "") / 1000.0


def blur_px_per_inverse_m(aperture_m: float, focal_px: float) -> float:
    """Blur diameter in pixels for each 1/m of inverse depth away from the focus.

    aperture_m : diameter of the opening, m, >= 0 (0 is a pinhole)
    focal_px : focal length, px

    Raises ParameterError if they are out of range.
    """
    if not (math.isfinite(aperture_m) and aperture_m >= 0):
        raise ParameterError(f"aperture_m={aperture_m} must be a diameter of 0 m or more")
    return aperture_m * _positive("focal_px", focal_px, "px")


def coc_px(
    inverse: Plane, focus_inverse: float, aperture_m: float, focal_px: float
) -> NDArray[np.float32]:
    """Signed diameter in px of the circle of confusion, negative in front of the focus.

    inverse : inverse depth in 1/m, any shape, float32
    focus_inverse : inverse depth in focus, 1/m (0 focuses at infinity)

    Returns an array of the shape of `inverse`, float32.
    """
    scale = np.float32(blur_px_per_inverse_m(aperture_m, focal_px))
    return (np.float32(focus_inverse) - inverse) * scale


def coc_limit_px(diagonal_px: float) -> float:
    """Largest diameter in px of a blur disc that counts as sharp in a picture of that diagonal.

    `COC_SHARE` of the diagonal, and not less than a pixel, which the picture cannot show.
    """
    return max(1.0, COC_SHARE * _positive("diagonal_px", diagonal_px, "px"))


def sharp_zone_m(
    focus_m: float, aperture_m: float, focal_px: float, coc_limit_px: float
) -> tuple[float, float]:
    """Nearest and farthest depth in metres whose blur diameter is within `coc_limit_px`.

    focus_m : may be infinite; the far limit is infinite from the hyperfocal distance on.
    """
    slope = blur_px_per_inverse_m(aperture_m, focal_px)
    limit = _positive("coc_limit_px", coc_limit_px, "px")
    if not focus_m > 0:
        raise ParameterError(f"focus_m={focus_m} must be a distance above 0 m")
    focus_inverse = 1.0 / focus_m
    if slope == 0.0:
        return 0.0, math.inf
    reach = limit / slope
    far = math.inf if reach >= focus_inverse else 1.0 / (focus_inverse - reach)
    return 1.0 / (focus_inverse + reach), far


def hyperfocal_m(aperture_m: float, focal_px: float, coc_limit_px: float) -> float:
    """The nearest focus in metres at which infinity is still within `coc_limit_px`."""
    slope = blur_px_per_inverse_m(aperture_m, focal_px)
    return slope / _positive("coc_limit_px", coc_limit_px, "px")
