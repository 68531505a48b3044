"""Thin-lens defocus of one picture with its depth.

The scene becomes thin layers of equal blur, drawn from far to near. A surface between
two layers belongs to both, so that slanted ground fades from blur to blur without steps;
its two parts are weighted for the exact second moment of its own disc.

Layer k covers a pixel by

    cover_k = spread_k(in layer k) / spread_k(known at layer k)

where a place is known at layer k unless something nearer hides it. The division does two
things at once. It lets the parts of one continuous surface that fall into neighbouring
layers add up to full cover (the product of the layers' transmittances telescopes). It
continues a far layer behind a near one from what is visible of it. Where nothing of a far
layer is visible within its own blur, the surfaces guessed by `hidden` count instead, with
a small weight. Pixels that are a mixture of two surfaces are taken apart by `edges`
beforehand.

What is blurred much is drawn small: the layers form groups, the farthest and the nearest
ones at a half, a quarter, ... of the size. Each group is laid over the farther ones at its
own size, and what came of it is enlarged once, for the next. So time hardly grows with the
radius.

Layers after M. Kraus, M. Strengert, "Depth-of-field rendering by pyramidal image processing",
Eurographics 2007; normalised convolution after H. Knutsson, C.-F. Westin, CVPR 1993.

Light from outside the frame is unknown: the picture is continued there as its mirror image,
which keeps its brightness and the energy of its lights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from depthfx import machine
from depthfx.depth import Plane, checked_plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.drawing import Drawing, Place, tiles_of
from depthfx.optics.edges import Blurred
from depthfx.optics.ladder import Ladder
from depthfx.optics.outline import surfaces_of_matte
from depthfx.optics.patches import Patch, patches

Array = NDArray[np.float32]

LARGEST_BLUR = 0.5
"""Share of the diagonal: a point blurred wider is spread over the frame, and costs without end."""


def defocus(
    pixels: Array,
    inverse: Plane,
    *,
    focus_inverse: float,
    blur_px: float,
    aperture: Aperture = ROUND,
    behind: Plane | None = None,
    coverage: Plane | None = None,
    matte: Plane | None = None,
    fringe_inverse: float = 0.0,
    wanted: NDArray[np.bool_] | None = None,
    device: str = "cpu",
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Array:
    """`pixels` as a lens of finite opening sees them.

    pixels : (H, W, 3) float32, linear light, in focus everywhere
    inverse : (H, W) float32, inverse depth in 1/m, or in any unit if relative
    focus_inverse : the inverse depth in focus
    blur_px : blur diameter in px for each unit of inverse depth away from the focus, see
        `thin_lens.blur_px_per_inverse_m`
    aperture : shape of the opening
        (no disc's radius is drawn larger than half the diagonal)
    behind, coverage : as in `depth.Depth`, the second surface of boundary pixels and the
        front's share of them, where known
    matte : (H, W) float32 0..1, the subject's share of every pixel, where known; where it is
        between, it takes the place of `coverage`, and the two depths come from its sides
    fringe_inverse : how much smaller than the green's is the inverse depth in focus for red and
        blue: the secondary spectrum of an achromat, with green rims behind the focus and purple
        ones before it
    wanted : (H, W) bool, where the result will be looked at; None for everywhere. Elsewhere tiles
        are either drawn or left as `pixels` are
    device : "cpu", or "cuda" or "mps", where torch draws the same (see docs/defocus-gpu.md)
    threads : workers, or None for `machine.threads`; the result does not depend on it
    progress : called with the share done, 0..1

    Returns (H, W, 3) float32, linear light. A pixel in focus that no blur reaches is
    returned as it was, bit for bit. Raises ShapeError if the arrays do not fit each other or
    depth is not finite, ParameterError if a number is not finite or out of its range, ModelError
    if the device or torch is not there.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32 or not pixels.size:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    for name, plane in (
        ("inverse", inverse),
        ("behind", behind),
        ("coverage", coverage),
        ("matte", matte),
    ):
        if plane is not None:
            checked_plane(name, plane, pixels.shape[:2])
    if not (math.isfinite(blur_px) and blur_px >= 0):
        raise ParameterError(f"blur_px={blur_px} must be 0 px or more per unit of inverse depth")
    for name, value in (("focus_inverse", focus_inverse), ("fringe_inverse", fringe_inverse)):
        if not math.isfinite(value):
            raise ParameterError(f"{name}={value} must be a finite inverse depth")
    inverse = _within_reach("inverse", inverse, focus_inverse, blur_px)
    if behind is not None:
        behind = _within_reach("behind", behind, focus_inverse, blur_px)
    if matte is not None:
        inverse, behind, coverage = surfaces_of_matte(
            inverse,
            inverse if behind is None else behind,
            np.ones_like(inverse) if coverage is None else coverage,
            matte,
        )
    if behind is None or coverage is None:
        behind = coverage = None
    lens = Blurred(
        _read_only(pixels),
        _read_only(inverse),
        np.float32(focus_inverse),
        np.float32(blur_px / 2),
        None if behind is None else _read_only(behind),
        None if coverage is None else _read_only(coverage),
    )
    if device != "cpu":
        return _fringed(
            lens,
            fringe_inverse,
            partial(_drawn_by_torch, aperture=aperture, device=device),
            progress,
        )
    with machine.pool(threads) as pool:
        draw = partial(_drawn, aperture=aperture, wanted=wanted, pool=pool)
        return _fringed(lens, fringe_inverse, draw, progress)


def _fringed(
    lens: Blurred,
    fringe_inverse: float,
    draw: Callable[[Blurred, Callable[[float], None]], Array],
    progress: Callable[[float], None] | None,
) -> Array:
    """`draw` a lens, for red and blue again where they focus elsewhere."""
    heard = progress or _unheard
    if not fringe_inverse:
        return draw(lens, heard)
    out = draw(lens, lambda done: heard(done / 2))
    purple = replace(lens, focus_inverse=lens.focus_inverse - np.float32(fringe_inverse))
    out[..., ::2] = draw(purple, lambda done: heard(0.5 + done / 2))[..., ::2]
    return out


def _unheard(done: float) -> None:
    """The progress that nobody watches."""


def _drawn_by_torch(
    picture: Blurred, progress: Callable[[float], None], *, aperture: Aperture, device: str
) -> Array:
    from depthfx.engine.device import torch_device
    from depthfx.optics.torch_defocus import drawn

    out = drawn(picture, aperture, torch_device(device))
    progress(1.0)
    return out


def _drawn(
    picture: Blurred,
    progress: Callable[[float], None],
    *,
    aperture: Aperture,
    wanted: NDArray[np.bool_] | None,
    pool: Executor,
) -> Array:
    low, high = picture.ends()
    if low == high == 0:
        return picture.pixels.copy()
    ladder = Ladder.spanning(low, high, aperture.at(0.0, 0.0))
    drawing = Drawing.of(picture, ladder, pool)
    out = np.empty_like(picture.pixels)
    asked = tiles_of(np.ones(out.shape[:2], np.bool_) if wanted is None else wanted)
    if not aperture.varies:

        def put(place: Place, pixels: Array | None) -> None:
            out[place] = picture.pixels[place] if pixels is None else pixels

        drawing.draw(asked, put, pool, progress)
        return out
    out[:] = picture.pixels
    around = list(patches(out.shape))
    for done, patch in enumerate(around, start=1):

        def near(place: Place, patch: Patch = patch) -> bool:
            return patch.meets(place) and asked(place)

        def add(place: Place, pixels: Array | None, patch: Patch = patch) -> None:
            if pixels is not None:
                out[place] += patch.weight(place) * (pixels - picture.pixels[place])

        seen_from_there = Ladder.spanning(low, high, aperture.at(patch.x, patch.y))
        replace(drawing, ladder=seen_from_there).draw(near, add, pool, _unheard)
        progress(done / len(around))
    return out


def _read_only(array: Array) -> Array:
    """`array` in the one form for which the loops are compiled: contiguous and not writable."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def _within_reach(name: str, plane: Plane, focus_inverse: float, blur_px: float) -> Plane:
    """`plane` where no disc is larger than `LARGEST_BLUR`; the same array if none is."""
    farthest, nearest = float(plane.min()), float(plane.max())
    if not (math.isfinite(farthest) and math.isfinite(nearest)):
        raise ShapeError(f"{name} depth must be finite, has {farthest} to {nearest}")
    if blur_px == 0:
        return plane
    reach = 2 * LARGEST_BLUR * math.hypot(*plane.shape) / blur_px
    low, high = focus_inverse - reach, focus_inverse + reach
    if farthest >= low and nearest <= high:
        return plane
    return np.clip(plane, np.float32(low), np.float32(high))
