"""A photo as sheets: what it shows, and what is painted behind it, each with its own depth.

A pixel at the outline of a near thing shows two surfaces. It is taken apart: the front sheet keeps
the near colour with its share as alpha, the next sheet the far colour. The front goes on a few
pixels beyond its outline with alpha 0, so that its soft edge can be moved by parts of a pixel
without taking the background along; the background there lies on the next sheet, and goes on
behind the front as far as a move of the given size uncovers it.

J. Shade et al., "Layered depth images", SIGGRAPH 1998; M.-L. Shih et al., "3D photography using
context-aware layered depth inpainting", CVPR 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.camera import Camera
from depthfx.depth import Depth, Plane, checked_plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.geometry.breaks import LEAST_JUMP_PX, breaks
from depthfx.geometry.outlines import WHOLE
from depthfx.geometry.outlines import taken_apart as outlines
from depthfx.geometry.reach import RIM_PX, uncovered
from depthfx.geometry.stage import Stage
from depthfx.inpaint.exemplar import Paint
from depthfx.inpaint.exemplar import paint as paint_exemplar
from depthfx.matting.foreground import Sides, background_colours, foreground_colours

Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]

SKIRT_PX = 3
"""How far a front goes on with alpha 0: an interpolation over four pixels never leaves it."""
OVERLAP_PX = 4
"""How far the background on the next sheet goes on beyond that, under the front sheet's own."""
MOST_SHEETS = 3
"""Leaves before leaves before a wall; behind that, nobody misses a fourth."""
LEAST_HIDDEN_SHARE = 2e-4
"""Of the picture: a sheet for less is not worth its memory."""
BEYOND_PX, BEYOND_SHARE = 24.0, 2.0
"""Fronts are no source of what lies behind them, nor is what is this near to it on them, in px or
in the widest that is uncovered."""
GOING_ON_PX = 12
"""So far from a break, what goes on behind it is a source even if it is itself a front."""
SURE, LEAST_SHARE = 0.9, 1e-3
"""A front's share above which nothing is known of the colour behind; and the least to divide by."""
HAIR_SHARE = 0.008
"""Of the diagonal: hair reaches so far from what is sure."""
SOME = 0.15
"""A front's share above which what cannot be explained is its own: outlines are the front's."""
SPILL_PX = 2.0
"""So far beyond a matte's outline there is still some of the front."""
BRIGHTEST = 2.0
"""Times what is seen, or was taken for the front: no front is brighter."""
ABOUT_PX, STRAY_SHARE = 5, 0.2
"""So far about a matte's outline, which is never where the photo's is to the pixel, colours behind
it are kept to what lies about them; and so far, as a share of its range, may they be out of it."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One surface a pixel.

    pixels : (H, W, 3) float32, linear light, straight: the surface's own colour
    alpha : (H, W) float32 0..1, its share of the pixel; 0: there is no surface
    inverse : (H, W) float32, its inverse depth
    """

    pixels: Pixels
    alpha: Plane
    inverse: Plane


@dataclass(frozen=True, eq=False)
class Sheets:
    """Sheets of one size, nearest first: laid over each other from the last they are the photo.

    camera : the photo's; pixel (margin_px, margin_px) of a sheet is the photo's first
    margin_px : how far the sheets go on beyond the photo's frame on every side
    px_per_inverse : by how many px the move they were made for parts surfaces that differ by one
        unit of inverse depth: it tells what a break is
    """

    sheets: tuple[Sheet, ...]
    camera: Camera
    margin_px: int = 0
    px_per_inverse: float = 1.0

    def at_rest(self) -> Pixels:
        """(H, W, 3) float32: all laid over each other, without the margin; the photo."""
        m, (height, width) = self.margin_px, self.sheets[0].alpha.shape
        inside = slice(m, height - m), slice(m, width - m)
        out = self.sheets[-1].pixels[inside]
        for sheet in self.sheets[-2::-1]:
            alpha = sheet.alpha[inside][..., None]
            out = alpha * sheet.pixels[inside] + (1 - alpha) * out
        return out


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture with inverse depth, and its pixels that show two surfaces.

    pixels, inverse : (H, W, 3) and (H, W) float32, of the front where there are two
    two : (H, W) bool
    share : (H, W) float32, the front's share; 1 where there is one surface
    back, behind : colour and inverse depth of the other surface; the same where there is one
    """

    pixels: Pixels
    inverse: Plane
    two: Mask
    share: Plane
    back: Pixels
    behind: Plane

    @classmethod
    def whole(cls, pixels: Pixels, inverse: Plane) -> _Picture:
        """One surface a pixel."""
        ones = np.ones_like(inverse)
        return cls(pixels, inverse, np.zeros(inverse.shape, bool), ones, pixels, inverse)

    @property
    def solid(self) -> Plane:
        """(H, W) float32: inverse depth of what fills most of each pixel."""
        return np.where(self.share >= 0.5, self.inverse, self.behind)


def sheets_of(
    pixels: Pixels,
    depth: Depth,
    camera: Camera,
    *,
    matte: Plane | None = None,
    reach_px: float,
    margin_px: int = 0,
    progress: Callable[[float], None] | None = None,
    paint: Paint = paint_exemplar,
) -> Sheets:
    """The photo `pixels` (H, W, 3), float32 linear light, as sheets that a move can take apart.

    depth, camera : the photo's
    matte : (H, W) float32 0..1, the subject's, where there is one
    reach_px : how far the nearest may shift against the farthest, in px of the photo
    margin_px : how far to paint beyond the frame
    progress : hears the share done, and may raise to stop
    paint : paints holes, as `inpaint.exemplar.paint` does

    At rest they are the photo (within 1e-3). Raises ShapeError if sizes differ, ParameterError if
    a length is negative or not finite.
    """
    _check(pixels, depth, matte, reach_px, margin_px)
    stage = Stage.of(depth.surface, camera, reach_px / camera.diagonal_px)
    px_per_inverse = stage.step_m * camera.focal_px
    pixels, depth = _with_margin(pixels, depth, margin_px, paint)
    cover = None if matte is None else np.pad(matte, margin_px, mode="edge")
    outline = _outline_of(cover, depth.shape)
    picture = _taken_apart(pixels, depth, cover, px_per_inverse)
    picture = _widened(picture, outline, px_per_inverse)
    there, unseen = np.ones(depth.shape, bool), np.ones(depth.shape, bool)
    sheets: list[Sheet] = []
    while px_per_inverse > 0 and len(sheets) < MOST_SHEETS - 1:
        report = _part_of(progress, len(sheets))
        report(0.0)
        cut = _Cut.of(picture, there, unseen, px_per_inverse)
        if not cut.hole.any() or (sheets and cut.hole.mean() < LEAST_HIDDEN_SHARE):
            break
        under = _painted_under(picture, cut, outline, paint, report)
        picture, under = (
            _settled(pixels, picture, under, outline) if not sheets else (picture, under)
        )
        sheets.append(_with_skirt(picture, cut, there))
        picture, there, unseen = under, cut.under, cut.hole | picture.two
    sheets.append(Sheet(picture.pixels, picture.share * there, picture.inverse))
    return Sheets(tuple(sheets), camera, margin_px, px_per_inverse)


def _part_of(progress: Callable[[float], None] | None, number: int) -> Callable[[float], None]:
    """Tells of the share done of sheet `number`."""
    return lambda done: progress and progress((number + done) / (MOST_SHEETS - 1))


def _check(
    pixels: Pixels, depth: Depth, matte: Plane | None, reach_px: float, margin_px: int
) -> None:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.float32:
        raise ShapeError(f"pixels must be (H, W, 3) float32, got {pixels.shape} {pixels.dtype}")
    if depth.shape != pixels.shape[:2]:
        raise ShapeError(f"depth is {depth.shape}, the photo is {pixels.shape[:2]}")
    if matte is not None:
        checked_plane("matte", matte, depth.shape)
    if not 0 <= reach_px < np.inf:
        raise ParameterError(f"reach_px={reach_px} is not a length in pixels, 0 or more")
    if margin_px < 0:
        raise ParameterError(f"margin_px={margin_px} is not a length in pixels, 0 or more")


def _with_margin(
    pixels: Pixels, depth: Depth, margin_px: int, paint: Paint
) -> tuple[Pixels, Depth]:
    """Both, painted beyond the frame; what is cut by the frame goes on as deep as it is there."""
    if margin_px == 0:
        return pixels, depth

    def padded(plane: Plane) -> Plane:
        return np.pad(plane, margin_px, mode="edge")

    inverse = padded(depth.inverse)
    outside = np.pad(np.zeros(depth.shape, bool), margin_px, constant_values=True)
    wide = np.pad(pixels, ((margin_px, margin_px), (margin_px, margin_px), (0, 0)), mode="edge")
    return paint(wide, outside, inverse=inverse), replace(
        depth,
        inverse=inverse,
        behind=None if depth.behind is None else padded(depth.behind),
        coverage=None if depth.coverage is None else padded(depth.coverage),
    )


def _taken_apart(
    pixels: Pixels, depth: Depth, matte: Plane | None, px_per_inverse: float
) -> _Picture:
    """The photo with its boundary pixels split into the two surfaces they show."""
    if px_per_inverse == 0:
        return _Picture.whole(pixels, depth.inverse)
    surface = depth.surface
    boundary = _either_side(*breaks(surface, px_per_inverse))
    soft = np.zeros(depth.shape, bool)
    if matte is not None and depth.behind is not None and depth.coverage is not None:
        gap = (depth.inverse - depth.behind) * np.float32(px_per_inverse)
        soft = (gap > LEAST_JUMP_PX) & (np.abs(depth.coverage - 0.5) < 0.5 - WHOLE)
        # Half covered far from anything sure is no hair but doubt: the photo is left as it is.
        reach = HAIR_SHARE * float(np.hypot(*depth.shape))
        for sure in (matte > 1 - WHOLE, matte < WHOLE):
            soft &= cv2.distanceTransform((~sure).astype(np.uint8), cv2.DIST_L2, 5) <= reach
    found = outlines(pixels, surface, boundary & ~soft)
    at = found.y, found.x
    share, inverse, behind = np.ones_like(surface), surface.copy(), surface.copy()
    front, back = pixels.copy(), pixels.copy()
    share[at], front[at], back[at] = found.share, found.front, found.back
    inverse[at], behind[at] = found.near, found.far
    two = soft.copy()
    two[at] = True
    if matte is not None and soft.any():
        assert depth.behind is not None
        assert depth.coverage is not None
        share[soft], inverse[soft] = depth.coverage[soft], depth.inverse[soft]
        behind[soft] = depth.behind[soft]
        sides = Sides.of(pixels, matte)
        front[soft] = foreground_colours(pixels, matte, sides)[soft]
        back[soft] = background_colours(pixels, matte, sides)[soft]
    return _Picture(front, inverse, two, share, back, behind)


def _outline_of(matte: Plane | None, shape: tuple[int, int]) -> Mask:
    """(H, W): about the outline of `matte`."""
    if matte is None:
        return np.zeros(shape, bool)
    return np.asarray(_about(cv2.dilate, matte) - _about(cv2.erode, matte) > 0.5, np.bool_)


def _widened(picture: _Picture, outline: Mask, px_per_inverse: float) -> _Picture:
    """`picture` with the background next to its fronts counted among what shows two surfaces, about
    the `outline` (H, W) of a matte: what is sharpened or blurred there has the front's light."""
    if not (picture.two & outline).any():
        return picture
    nearest, distance = _nearest(picture.two & outline)
    deeper = picture.inverse.ravel()[nearest] - picture.solid > LEAST_JUMP_PX / px_per_inverse
    rim = (distance <= SPILL_PX) & deeper & outline & ~picture.two
    at = nearest[rim]
    pixels, inverse, share = picture.pixels.copy(), picture.inverse.copy(), picture.share.copy()
    pixels[rim], inverse[rim] = picture.pixels.reshape(-1, 3)[at], picture.inverse.ravel()[at]
    share[rim] = 0
    return replace(picture, pixels=pixels, inverse=inverse, share=share, two=picture.two | rim)


def _either_side(across: Mask, down: Mask) -> Mask:
    """(H, W): the pixels on both sides of breaks."""
    out = np.zeros((len(across), down.shape[1]), bool)
    out[:, 1:] |= across
    out[:, :-1] |= across
    out[1:] |= down
    out[:-1] |= down
    return out


@dataclass(frozen=True, eq=False)
class _Cut:
    """Where a picture is cut, and what the sheet under it has to hold.

    skirt : (H, W) bool, where the front goes on beyond its outline; `nearest` (H, W) int64 is the
        flat index of the outline's pixel that it goes on from
    hole : what has to be painted; source : where from
    under : all that the sheet behind holds: the hole, the background in the skirt and a bit more
    least_step : difference of inverse depth between two surfaces
    far : (H, W) int64, flat index of the pixel beyond the break that uncovers each; -1: none does
    """

    skirt: Mask
    nearest: NDArray[np.int64]
    hole: Mask
    source: Mask
    under: Mask
    least_step: np.float32
    far: NDArray[np.int64]

    @classmethod
    def of(cls, picture: _Picture, there: Mask, unseen: Mask, px_per_inverse: float) -> _Cut:
        """Of the breaks within `there` (H, W), all that this sheet holds, that touch `unseen`."""
        solid, two = picture.solid, picture.two
        across, down = breaks(solid, px_per_inverse)
        across &= (unseen[:, 1:] | unseen[:, :-1]) & there[:, 1:] & there[:, :-1]
        down &= (unseen[1:] | unseen[:-1]) & there[1:] & there[:-1]
        beyond = max(BEYOND_PX, BEYOND_SHARE * px_per_inverse * float(np.ptp(solid)))
        left, far = uncovered(solid, across, down, px_per_inverse, RIM_PX + beyond)
        front = left > 0
        hole = (left > beyond) & (~two | (picture.share > SURE)) & unseen
        # A matte's dim spots deep inside are not worth a sheet.
        two = two & ~((picture.share > SURE) & (left <= beyond))
        outline = two | (front & _either_side(across, down))
        nearest, distance = _nearest(outline)
        least_step = np.float32(LEAST_JUMP_PX / px_per_inverse)
        deeper = picture.inverse.ravel()[nearest] - solid > least_step
        closed = cv2.morphologyEx((hole | two).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3)))
        hole |= (closed > 0) & ~two & ~deeper & unseen
        skirt = (distance <= SKIRT_PX) & deeper & ~outline & ~hole
        around = np.ones((2 * OVERLAP_PX + 1, 2 * OVERLAP_PX + 1), np.uint8)
        wide = cv2.dilate((two | skirt).astype(np.uint8), around) > 0
        under = hole | two | skirt | (wide & ~front)
        source = (left <= 0) | _going_on(far[hole], solid, least_step)
        return cls(skirt, nearest, hole, source & ~two & ~hole, under, least_step, far)


def _going_on(far: NDArray[np.int64], inverse: Plane, least_step: np.float32) -> Mask:
    """(H, W) bool: what goes on behind a front and is itself in front of something farther."""
    seed = np.zeros(inverse.shape, np.uint8)
    seed.ravel()[far[far >= 0]] = 1
    there = np.where(seed > 0, inverse, np.float32(np.inf))
    around = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * GOING_ON_PX + 1, 2 * GOING_ON_PX + 1)
    )
    return np.abs(cv2.erode(there, around) - inverse) <= 2 * least_step


def _nearest(marked: Mask) -> tuple[NDArray[np.int64], Plane]:
    """Flat index of, and distance in px to, the nearest marked pixel of every pixel."""
    if not marked.any():
        return np.zeros(marked.shape, np.int64), np.full(marked.shape, np.inf, np.float32)
    distance, labels = cv2.distanceTransformWithLabels(
        (~marked).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    index = np.zeros(int(labels.max()) + 1, np.int64)
    index[labels[marked]] = np.flatnonzero(marked)
    return index[labels], np.asarray(distance, np.float32)


def _painted_under(
    picture: _Picture,
    cut: _Cut,
    outline: Mask,
    paint: Paint,
    progress: Callable[[float], None],
) -> _Picture:
    """The picture without its fronts, as far as they can be uncovered.

    Behind a front goes on what lies beyond the very break that uncovers it, at its depth there.
    """
    pixels = np.where(picture.two[..., None], picture.back, picture.pixels)
    inverse = np.where(picture.two, picture.behind, picture.inverse)
    around = cv2.erode(inverse, np.ones((3, 3), np.uint8))
    behind = np.where(cut.far >= 0, inverse.ravel()[cut.far], around)
    # Never in front of what hides it, nor at its depth: the nearer is drawn.
    deeper = np.maximum(picture.inverse - cut.least_step, 0)
    inverse = np.where(cut.hole, np.minimum(behind, deeper), inverse)
    # Painted up to where it goes on; what is known of the colours between is kept.
    hole = cut.hole | (picture.two & outline)
    painted = paint(pixels, hole, cut.source, inverse=inverse, progress=progress)
    known = (hole & ~cut.hole)[..., None]
    return _Picture.whole(np.where(known, pixels, painted), inverse)


def _settled(
    photo: Pixels, front: _Picture, under: _Picture, outline: Mask
) -> tuple[_Picture, _Picture]:
    """Both, with colours that laid over each other are the photo exactly."""
    y, x = np.nonzero(front.two)
    share, seen, own = front.share[y, x][:, None], photo[y, x], front.pixels[y, x]
    # What is no colour of the background about it would stay there as a line when the front moves.
    least, most = _range_about(under.pixels, ~front.two, outline, y, x)
    rest = (seen - share * own) / np.maximum(1 - share, LEAST_SHARE)
    back = np.clip(np.where(share > SOME, under.pixels[y, x], rest), least, most)
    # What neither explains is the front's, and there must be enough of it for colours that are.
    beyond = np.where(seen > back, BRIGHTEST * np.maximum(seen, own), 0)
    enough = (seen - back) / np.where(beyond == back, 1, beyond - back)
    share = np.clip(enough.max(axis=1, keepdims=True), share, 1)
    solved = (seen - (1 - share) * back) / np.maximum(share, LEAST_SHARE)
    own = np.where(share > LEAST_SHARE, solved, own)
    fronts, backs = front.pixels.copy(), under.pixels.copy()
    shares = front.share.copy()
    fronts[y, x], backs[y, x], shares[y, x] = own, back, share[:, 0]
    return replace(front, pixels=fronts, share=shares), replace(under, pixels=backs)


def _range_about(
    pixels: Pixels, clean: Mask, outline: Mask, y: Places, x: Places
) -> tuple[Pixels, Pixels]:
    """(N, 3): least and greatest of the `clean` pixels (H, W) about each place, and some more; no
    bounds where there are none, or away from the `outline` (H, W) of a matte."""
    low = np.full((len(y), 3), -np.inf, np.float32)
    high, near = -low, outline[y, x]
    if near.any():
        for c in range(3):
            least = _about(cv2.erode, np.where(clean, pixels[..., c], np.float32(np.inf)))[y, x]
            most = _about(cv2.dilate, np.where(clean, pixels[..., c], np.float32(-np.inf)))[y, x]
            some = near & (least <= most)
            stray = np.float32(STRAY_SHARE) * (most[some] - least[some])
            low[some, c], high[some, c] = least[some] - stray, most[some] + stray
    return low, high


def _about(extreme: Callable[..., Any], plane: Plane) -> Plane:
    """(H, W): the extreme of `plane` as far as `ABOUT_PX` about each pixel."""
    around = np.ones((2 * ABOUT_PX + 1, 2 * ABOUT_PX + 1), np.uint8)
    return np.asarray(extreme(plane, around, borderType=cv2.BORDER_REPLICATE), np.float32)


def _with_skirt(picture: _Picture, cut: _Cut, there: Mask) -> Sheet:
    skirt, at = cut.skirt, cut.nearest[cut.skirt]
    pixels, inverse, alpha = picture.pixels.copy(), picture.inverse.copy(), picture.share * there
    pixels[skirt] = picture.pixels.reshape(-1, 3)[at]
    inverse[skirt] = picture.inverse.ravel()[at]
    alpha[skirt] = 0
    return Sheet(pixels, alpha, inverse)
