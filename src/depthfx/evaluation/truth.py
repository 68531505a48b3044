"""depthfx as the scorer of rendered truth calls it.

Thin adapters, each through the very function that the effects use. `depth` is metric z
in metres, `sharp` linear RGB; nothing here depends on what a scene shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.optics.aperture import Aperture
from depthfx.optics.defocus import defocus
from depthfx.optics.thin_lens import blur_px_per_inverse_m

Array = NDArray[np.float32]


def render(
    sharp: Array, depth: Array, f_px: float, aperture_m: float, focus_m: float, blades: int
) -> Array:
    """What a thin lens would have seen: (H, W, 3) float32 linear RGB.

    sharp : (H, W, 3) pinhole picture; depth : (H, W) metres; f_px : focal length in px;
    aperture_m : diameter of the opening; blades : 0 for a round one
    """
    return defocus(
        np.ascontiguousarray(sharp, np.float32),
        (1.0 / depth).astype(np.float32),
        focus_inverse=1.0 / focus_m,
        blur_px=blur_px_per_inverse_m(aperture_m, f_px),
        aperture=Aperture(blades=blades),
    )


def refine(sharp: Array, depth_small: Array) -> Array:
    """Depth at the size of the picture: (H, W) metres from a smaller map of metres."""
    from depthfx.engine.refine import refine as refine_inverse

    refined = refine_inverse(
        np.ascontiguousarray(sharp, np.float32), (1.0 / depth_small).astype(np.float32)
    )
    return (1.0 / np.maximum(refined.inverse, 1e-6)).astype(np.float32)


def view(
    sharp: Array, depth: Array, f_px: float, cx: float, cy: float, translation_m: Sequence[float]
) -> Array:
    """What a camera sees that has moved by `translation_m` without turning: (H, W, 3) float32.

    cx, cy : the principal point counted from pixel indices, half a pixel less than inside
    """
    from depthfx.camera import Camera
    from depthfx.depth import Depth
    from depthfx.geometry.new_view import new_view
    from depthfx.geometry.pose import Pose
    from depthfx.geometry.sheets import sheets_of
    from depthfx.geometry.stage import Stage

    height, width = depth.shape
    camera = Camera(width, height, f_px, cx=cx + 0.5, cy=cy + 0.5)
    inverse = (1.0 / depth).astype(np.float32)
    x, y, z = (float(step) for step in translation_m)
    # Across by f t w, and outwards from the principal point by its distance times t w.
    corner = np.hypot(max(cx, width - cx), max(cy, height - cy))
    px_per_inverse = float(f_px * np.hypot(x, y) + corner * abs(z))
    stage = Stage.of(inverse, camera, 0.0)
    sheets = sheets_of(
        np.ascontiguousarray(sharp, np.float32),
        Depth(inverse, True, "truth"),
        camera,
        reach_px=px_per_inverse * (stage.near_inverse - stage.far_inverse),
        margin_px=int(np.ceil(px_per_inverse * float(inverse.max()))),
    )
    return new_view(sheets, Pose(position=(x, y, z))).pixels


def normals(depth: Array, f_px: float, cx: float, cy: float) -> Array:
    """Unit normals (H, W, 3) float32 of true depth (H, W) in metres, camera axes.

    cx, cy : the principal point counted from pixel indices
    """
    from depthfx.camera import Camera
    from depthfx.geometry.normals import normals_of

    height, width = depth.shape
    camera = Camera(width, height, f_px, cx=cx + 0.5, cy=cy + 0.5)
    return normals_of((1.0 / depth).astype(np.float32), camera)


def light(
    sharp: Array,
    depth: Array,
    normal: Array,
    f_px: float,
    cx: float,
    cy: float,
    light: Mapping[str, Any],
) -> tuple[Array, Array]:
    """What an added ball light contributes, (H, W, 3) linear RGB, and its cast shadow, (H, W).

    normal : (H, W, 3) unit normals; light : `position_m`, `radius_m`, `radiance` of the scorer
    """
    from depthfx.camera import Camera
    from depthfx.light.lights import Light
    from depthfx.light.own_light import albedo_of, own_light
    from depthfx.light.relit import added_light
    from depthfx.light.shadows import visible_share

    height, width = depth.shape
    camera = Camera(width, height, f_px, cx=cx + 0.5, cy=cy + 0.5)
    inverse, facing = (1.0 / depth).astype(np.float32), np.ascontiguousarray(normal, np.float32)
    x, y, z = (float(v) for v in light["position_m"])
    radius = float(light["radius_m"])
    red, green, blue = (float(v) * radius**2 for v in light["radiance"])
    ball = Light((x, y, z), (red, green, blue), radius)
    pixels = np.ascontiguousarray(sharp, np.float32)
    own = own_light(pixels, inverse, facing)
    added = added_light(albedo_of(pixels, facing, own), inverse, camera, facing, ball)
    return added, 1 - visible_share(inverse, camera, ball)
