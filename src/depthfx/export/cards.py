"""Cards in space and the camera before them, as 3-D programs want to be told of them.

The axes here are those of Nuke, Fusion and glTF: x right, y up, z towards the viewer; the photo's
camera stands in the origin and looks along -z. Lengths are metres; of a relative depth its unit,
1 / inverse, is taken for a metre.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import FULL_FRAME_DIAGONAL_MM, Camera
from depthfx.export.shot import Shot
from depthfx.geometry.moves import Key
from depthfx.geometry.pose import Pose
from depthfx.layers.layers import Layer, Layers

Floats = NDArray[np.float64]

Y_UP = np.diag([1.0, -1.0, -1.0])
"""From the axes of `Camera` (y down, z forward) to those of this module, and back."""

LEAST_STEP = 1e-3
"""Share by which a card is nearer than the one behind it: 3-D programs order cards by depth, and
two at one depth flicker. As parallax it is a thousandth of the shot's: far below a pixel."""

LARGEST_F_NUMBER = 10_000
"""Of an opening so small that everything is sharp: programs take no infinite one."""


@dataclass(frozen=True, eq=False)
class Card:
    """A layer as a flat rectangle that faces the photo's camera.

    centre : (3,) float64, metres
    width, height : metres
    """

    layer: Layer
    centre: Floats
    width: float
    height: float

    @property
    def corners(self) -> Floats:
        """(4, 3) float64: top left, top right, bottom right, bottom left, as the photo shows it."""
        x, y = self.width / 2, self.height / 2
        return self.centre + np.array([[-x, y, 0], [x, y, 0], [x, -y, 0], [-x, -y, 0]])


@dataclass(frozen=True, eq=False)
class View:
    """The camera of one frame.

    place : (3,) float64, metres
    rotation : (3, 3) float64, its columns the camera's right, up and backward
    camera : its focal length and principal point on the frame's pixels
    focus_m : distance in focus along its axis; None: everything is sharp
    aperture_m : diameter of its opening
    """

    place: Floats
    rotation: Floats
    camera: Camera
    focus_m: float | None
    aperture_m: float

    @property
    def shift(self) -> tuple[float, float]:
        """How far the principal point lies right of and above the centre, in frame widths."""
        camera = self.camera
        right, down = camera.cx - camera.width / 2, camera.cy - camera.height / 2
        return right / camera.width, -down / camera.width


def cards_of(layers: Layers) -> tuple[Card, ...]:
    """Farthest first, each nearer than the one before."""
    camera = layers.camera
    cards = []
    behind = 0.0
    for layer in layers.layers:
        behind = max(layer.card_inverse, behind * (1 + LEAST_STEP))
        metres_per_px = 1 / (behind * camera.focal_px)
        height, width = layer.alpha.shape
        x = layer.left + width / 2 - camera.cx
        y = layer.top + height / 2 - camera.cy
        centre = np.array([x * metres_per_px, -y * metres_per_px, -1 / behind])
        cards.append(Card(layer, centre, width * metres_per_px, height * metres_per_px))
    return tuple(cards)


def pivot_of(cards: tuple[Card, ...], shot: Shot) -> Floats:
    """(3,) float64: the place on the axis to turn around; the shot's, or half way in inverse
    depth."""
    nearest, farthest = -cards[-1].centre[2], -cards[0].centre[2]
    return np.array([0.0, 0.0, -1 / (shot.pivot_inverse or (1 / nearest + 1 / farthest) / 2)])


def framed(camera: Camera, shot: Shot) -> Camera:
    """`camera` on the frame of `shot`, which the photo fills, cut evenly where it is too long."""
    scale = max(shot.width / camera.width, shot.height / camera.height)
    return replace(
        camera,
        width=shot.width,
        height=shot.height,
        focal_px=camera.focal_px * scale,
        cx=shot.width / 2 + (camera.cx - camera.width / 2) * scale,
        cy=shot.height / 2 + (camera.cy - camera.height / 2) * scale,
    )


def views_of(layers: Layers, shot: Shot) -> tuple[View, ...]:
    """The camera of every frame: each with a focus, or none."""
    camera = framed(layers.camera, shot)
    if shot.move is None:
        return (_view(Key(0.0, Pose()), camera, None),) * shot.frames
    keys = shot.move.sampled(shot.frames)
    if all(key.focus_inverse is None or key.aperture_m <= 0 for key in keys):
        return tuple(_view(key, camera, None) for key in keys)
    # A focus at infinity is told as one so far that nothing shows the difference.
    least = min(layer.card_inverse for layer in layers.layers) * LEAST_STEP
    return tuple(_view(key, camera, 1 / max(key.focus_seen_inverse or 0, least)) for key in keys)


def _view(key: Key, camera: Camera, focus_m: float | None) -> View:
    pose, f = key.pose, camera.focal_px
    lens = replace(
        camera,
        focal_px=f * pose.zoom,
        cx=camera.cx - pose.shift[0] * f,
        cy=camera.cy - pose.shift[1] * f,
    )
    return View(
        Y_UP @ np.asarray(pose.position),
        Y_UP @ pose.rotation.T @ Y_UP,
        lens,
        focus_m,
        key.aperture_m,
    )


def sensor_mm(layers: Layers, shot: Shot) -> tuple[float, float]:
    """Width and height of the film that the frame shows, in mm.

    The photo's diagonal is that of 35 mm film, so that focal lengths are their 35 mm equivalents.
    """
    photo, frame = layers.camera, framed(layers.camera, shot)
    mm_per_px = FULL_FRAME_DIAGONAL_MM / photo.diagonal_px * photo.focal_px / frame.focal_px
    return shot.width * mm_per_px, shot.height * mm_per_px


def focal_mm(view: View, sensor_width_mm: float) -> float:
    """Focal length of a view on a sensor of this width."""
    return view.camera.focal_px * sensor_width_mm / view.camera.width


def f_number(view: View, sensor_width_mm: float) -> float:
    """Of a view with a focus: focal length over opening; of a closed one `LARGEST_F_NUMBER`."""
    focal = focal_mm(view, sensor_width_mm)
    return focal / max(1000 * view.aperture_m, focal / LARGEST_F_NUMBER)


def angles_deg(views: tuple[View, ...]) -> Floats:
    """(F, 3) float64: tilt about x, pan about y, roll about z, each without jumps.

    Applied in the order roll, tilt, pan: a rotation is Ry(pan) Rx(tilt) Rz(roll).
    """
    r = np.stack([view.rotation for view in views])
    tilt = np.arcsin(np.clip(-r[:, 1, 2], -1, 1))
    pan = np.arctan2(r[:, 0, 2], r[:, 2, 2])
    roll = np.arctan2(r[:, 1, 0], r[:, 1, 1])
    return np.degrees(np.unwrap(np.stack([tilt, pan, roll], axis=1), axis=0))


def quaternions(rotations: Floats) -> Floats:
    """(F, 4) float64 w, x, y, z of (F, 3, 3) rotations, each near the one before.

    The eigenvector of the largest eigenvalue: I. Y. Bar-Itzhack, "New method for extracting the
    quaternion from a rotation matrix", Journal of Guidance, Control, and Dynamics 23(6), 2000.
    """
    found = np.empty((len(rotations), 4))
    before = np.array([1.0, 0, 0, 0])
    for n, r in enumerate(rotations):
        vector = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
        k = np.empty((4, 4))
        k[0, 0], k[0, 1:], k[1:, 0] = np.trace(r), vector, vector
        k[1:, 1:] = r + r.T - np.trace(r) * np.eye(3)
        q = np.linalg.eigh(k)[1][:, -1]
        before = q if q @ before >= 0 else -q
        found[n] = before
    return found


def clip_m(cards: tuple[Card, ...], views: tuple[View, ...]) -> tuple[float, float]:
    """Nearest and farthest distance that a camera on this move has to draw, with room to spare."""
    near, far = -cards[-1].centre[2], -cards[0].centre[2]
    walked = max(float(np.linalg.norm(view.place)) for view in views)
    return near / 100, 10 * (far + walked)


def utf8(name: str) -> str:
    """`name` as text that any file can hold: no broken letters, no control characters."""
    whole = name.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in whole)


def varies(values: Floats) -> bool:
    """Whether a row of numbers moves by more than rounding."""
    return bool(np.ptp(values) > 1e-9 * max(1.0, float(np.abs(values).max())))
