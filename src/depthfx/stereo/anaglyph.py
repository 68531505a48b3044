"""Anaglyphs: both eyes' pictures in one, told apart by coloured glasses.

Dubois' way finds, for each pixel, the colour that comes nearest to what both eyes should see
behind the glasses, by least squares over the spectra of the screen's primaries and of the
filters. With those given it is a matrix for each eye, of linear light, and what is then outside of
0..1 is clipped, as there. The matrices here are his, for the primaries of sRGB and common
glasses; they take grey to grey.

E. Dubois, "A projection method to generate anaglyph stereo images", ICASSP 2001; his matrices of
2009 for liquid-crystal displays.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.photo.colour import LUMINANCE, strips

Pixels = NDArray[np.float32]
Glasses = Literal["red-cyan", "green-magenta", "amber-blue"]
Colours = Literal["dubois", "half", "grey"]

DUBOIS = {
    "red-cyan": (
        [[0.437, 0.449, 0.164], [-0.062, -0.062, -0.024], [-0.048, -0.050, -0.017]],
        [[-0.011, -0.032, -0.007], [0.377, 0.761, 0.009], [-0.026, -0.093, 1.234]],
    ),
    "green-magenta": (
        [[-0.062, -0.158, -0.039], [0.284, 0.668, 0.143], [-0.015, -0.027, 0.021]],
        [[0.529, 0.705, 0.024], [-0.016, -0.015, -0.065], [0.009, 0.075, 0.937]],
    ),
    "amber-blue": (
        [[1.062, -0.205, 0.299], [-0.026, 0.908, 0.068], [-0.038, -0.173, 0.022]],
        [[-0.016, -0.123, -0.017], [0.006, 0.062, -0.017], [0.094, 0.185, 0.911]],
    ),
}
"""Of the left eye and of the right one, by the colours of the left glass and the right one."""

PASSED = {"red-cyan": (1, 0, 0), "green-magenta": (0, 1, 0), "amber-blue": (1, 1, 0)}
"""The primaries that the left glass lets pass; the right one has the others."""


def anaglyph(
    left: Pixels, right: Pixels, glasses: Glasses = "red-cyan", colours: Colours = "dubois"
) -> Pixels:
    """One picture for both eyes.

    left, right : (H, W, 3) float32, linear light in sRGB primaries
    colours : "dubois": as near to the true ones as the glasses allow; "half": the eye that has one
        primary sees grey, which flickers less at strong colours; "grey": both see grey

    Returns (H, W, 3) float32 in 0..1.
    """
    of_left, of_right = _matrices(glasses, colours)
    mixed = np.empty_like(left)
    for rows in strips(mixed):
        seen_left = cv2.transform(np.clip(left[rows], 0, 1), of_left)
        seen_right = cv2.transform(np.clip(right[rows], 0, 1), of_right)
        mixed[rows] = np.clip(cv2.add(seen_left, seen_right), 0, 1)
    return mixed


def _matrices(glasses: Glasses, colours: Colours) -> tuple[Pixels, Pixels]:
    if colours == "dubois":
        left, right = (np.asarray(eye, np.float32) for eye in DUBOIS[glasses])
        return left, right
    passed = np.asarray(PASSED[glasses], np.float32)
    return _eye(passed, colours), _eye(1 - passed, colours)


def _eye(passed: NDArray[np.float32], colours: Colours) -> Pixels:
    """(3, 3): what an eye whose glass lets these primaries pass is given."""
    if colours == "half" and passed.sum() > 1:
        return np.diag(passed)
    return np.outer(passed, LUMINANCE).astype(np.float32)
