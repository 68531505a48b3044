"""How much the blur of films flickers: clips whose truth is known, frame by frame and steadied.

A person, cut out with a true matte, stands or walks before a photo of a room, seen by a camera
that stands, pans or shakes by whole pixels; a sensor adds noise. Depth is found in the noisy
frames and the blur it gives drawn on the clean ones: there whatever changes from frame to frame,
where neither the person nor the camera's move explains it, is flicker of the blur and nothing
else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.batch.clip import fines, finished
from depthfx.batch.track import tracks
from depthfx.chain import Chain
from depthfx.context import Context
from depthfx.errors import PhotoError
from depthfx.photo.colour import srgb_space
from depthfx.photo.photo import Photo
from depthfx.scene import Scene

Codes = NDArray[np.uint8]
Plane = NDArray[np.float32]

SIZE = (270, 480)
MARGIN = 48
"""Pixels that the room goes on beyond the frame, for the camera to move over."""
NOISE = 3.0
"""Standard deviation in codes of a phone's film in a room."""
SHAKE_PX, LARGEST_SHAKE_PX = 1.2, 20
"""A step of a hand that holds a camera, and how far it goes astray."""
PAN_PX, WALK_PX = 0.8, 2.0
"""A frame."""
SUBJECT_SHARE = 0.85
"""Of the frame's height."""
AROUND = 12
NEAR_SUBJECT_PX = 12
"""The background is what lies farther from the person."""
BORDER_PX = 12
KINDS = ("still", "walk", "pan", "shake", "cut")


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame whose truth is known.

    noisy, clean : (H, W, 3) uint8 with and without the sensor's noise
    at : where the camera looks: column and row of the room at the frame's corner
    matte : (H, W) float32, the person's
    """

    noisy: Codes
    clean: Codes
    at: tuple[int, int]
    matte: Plane


@dataclass(frozen=True)
class Flicker:
    """What changes from frame to frame, in codes of 255, and what else is wrong.

    background, sharpest : mean and root mean square of the change of the picture there: single
        edges that leap count in the second
    outline : 255 times the mean change of the matte's error
    matte_error : 255 times its mean
    seconds : of processor, a frame
    """

    background: float
    sharpest: float
    outline: float
    matte_error: float
    seconds: float


def clip(
    kind: str, room: Codes, other: Codes, person: Codes, matte: Codes, count: int
) -> list[Shown]:
    """A clip of `count` frames of one of `KINDS`.

    room, other : (H, W, 3) uint8, what is behind; `other` after the cut
    person, matte : (h, w, 3) and (h, w) uint8
    """
    random = np.random.default_rng(1)
    height, width = SIZE
    rooms = [_filled(each, height + 2 * MARGIN, width + 2 * MARGIN) for each in (room, other)]
    there = np.argwhere(matte > 127)
    (top, left), (bottom, right) = there.min(0), there.max(0) - (3, 0)  # to the frame's lower end
    scale = SUBJECT_SHARE * height / (bottom - top)
    across = (right - left) * scale
    person, matte = (_scaled(picture, scale) for picture in (person, matte))
    shake = np.cumsum(random.normal(0, SHAKE_PX, (count, 2)), 0)
    shake = np.clip(np.round(shake - shake.mean(0)), -LARGEST_SHAKE_PX, LARGEST_SHAKE_PX)
    shown = []
    for number in range(count):
        moved = PAN_PX * (number - count / 2)
        # There and back again, so that a long clip needs no long room.
        swing = float(np.abs((moved + MARGIN) % (4 * MARGIN) - 2 * MARGIN) - MARGIN)
        x, y = {"pan": (swing * 0.8, 0.0), "shake": tuple(shake[number])}.get(kind, (0.0, 0.0))
        at = (MARGIN + round(x), MARGIN + round(y))
        back = rooms[kind == "cut" and number >= count // 2]
        back = back[at[1] : at[1] + height, at[0] : at[0] + width].astype(np.float32)
        walked = (WALK_PX * number) % (width - across) if kind == "walk" else (width - across) / 2
        down = height * (1 - SUBJECT_SHARE) + 2 - top * scale - round(y)
        place = np.array([[1, 0, walked - left * scale - round(x)], [0, 1, down]])
        cover = cv2.warpAffine(matte, place, (width, height)) / np.float32(255)
        front = cv2.warpAffine(person, place, (width, height), borderMode=cv2.BORDER_REPLICATE)
        clean = np.rint(back + cover[..., None] * (front - back))
        noisy = clean + random.normal(0, NOISE, clean.shape)
        shown.append(Shown(_codes(noisy), _codes(clean), at, cover.astype(np.float32)))
    return shown


def flicker(shown: list[Shown], chain: Chain, context: Context, *, around: int) -> Flicker:
    """What changes in `shown` after `chain`; around : see `batch.track.tracks`, 0: no steadying."""
    begun = time.process_time()
    space = srgb_space()
    photos: Iterator[Photo] = (Scene.from_arrays(space.decode(each.noisy)).photo for each in shown)
    pictures, mattes = [], []
    found = tracks(photos, chain, context, around=around)
    for each, track, fine in fines(((each, each.noisy) for each in shown), found, around):
        photo = Scene.from_arrays(space.decode(each.clean)).photo
        scene = finished(photo, fine, track, chain, context)
        pictures.append(space.encode(scene.photo.pixels, 8))
        mattes.append(fine.matte)
    seconds = (time.process_time() - begun) / len(shown)
    errors = [255 * (m - each.matte) for m, each in zip(mattes, shown, strict=True)]
    background, sharpest, outline = [], [], []
    for (first, second), (a, b), (e, f) in zip(
        pairwise(shown), pairwise(pictures), pairwise(errors), strict=True
    ):
        if _cut(first, second):
            continue
        before, after = _overlap(first, second)
        far = ~(_near(first)[before] | _near(second)[after])
        inner = (slice(BORDER_PX, -BORDER_PX),) * 2
        change = np.abs(a[before].astype(np.float32) - b[after]).mean(2)
        change = change[inner][far[inner]]
        background.append(float(change.mean()))
        sharpest.append(float(np.square(change).mean()))
        if first.matte is second.matte or np.array_equal(first.matte, second.matte):
            outline.append(float(np.abs(e - f).mean()))
        else:
            outline.append(float(abs(np.abs(e).mean() - np.abs(f).mean())))
    return Flicker(
        float(np.mean(background)),
        math.sqrt(np.mean(sharpest)),
        float(np.mean(outline)),
        float(np.mean([np.abs(error).mean() for error in errors])),
        seconds,
    )


def report(folder: Path, count: int, kinds: tuple[str, ...] = KINDS) -> None:
    """Print the table of all clips, made of the reference data in `folder`."""
    from depthfx.registry import effect_class

    room, other, person, matte = _materials(folder)
    # Grain is new in each frame, as a film's own is; it would hide what is measured.
    chain = Chain(effect_class("portrait")(f_number=1.4, grain=0))
    context = Context()
    print(f"{count} frames of {SIZE[1]} x {SIZE[0]}; codes of 255; each frame alone -> steadied")
    print("| clip | background | ratio | RMS | ratio | outline | ratio | matte error | s a frame |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in kinds:
        shown = clip(kind, room, other, person, matte, count)
        alone, held = (flicker(shown, chain, context, around=n) for n in (0, AROUND))
        print(
            f"| {kind} | {alone.background:.3f} -> {held.background:.3f} "
            f"| {held.background / alone.background:.2f} "
            f"| {alone.sharpest:.3f} -> {held.sharpest:.3f} "
            f"| {held.sharpest / alone.sharpest:.2f} "
            f"| {alone.outline:.3f} -> {held.outline:.3f} | {held.outline / alone.outline:.2f} "
            f"| {alone.matte_error:.2f} -> {held.matte_error:.2f} "
            f"| {alone.seconds:.2f} -> {held.seconds:.2f} |",
            flush=True,
        )


def _materials(folder: Path) -> tuple[Codes, Codes, Codes, Codes]:
    rooms = sorted((folder / "rgbd/train/nyu_rooms").glob("*.jpg"))[2:9:6]
    people = sorted((folder / "subjects/mattes/p3m_comp").glob("*_trimap.png"))
    if len(rooms) < 2 or not people:
        raise PhotoError(f"{folder}: has no rgbd/train/nyu_rooms and subjects/mattes/p3m_comp")
    name = str(people[-2]).removesuffix("_trimap.png")
    room, other, person = (_read(path) for path in (*rooms, Path(f"{name}.jpg")))
    matte = cv2.imread(f"{name}.png", cv2.IMREAD_GRAYSCALE)
    assert matte is not None
    return room, other, person, matte.astype(np.uint8)


def _read(path: Path) -> Codes:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return picture.astype(np.uint8)


def _codes(values: NDArray[np.floating]) -> Codes:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _scaled(picture: Codes, scale: float) -> Codes:
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way).astype(np.uint8)


def _filled(picture: Codes, height: int, width: int) -> Codes:
    """`picture` at a size, cut to it from the middle."""
    scale = max(height / picture.shape[0], width / picture.shape[1])
    large = _scaled(picture, scale)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width]


def _overlap(first: Shown, second: Shown) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns of both that show the same of the room."""
    height, width = SIZE
    x, y = (b - a for a, b in zip(first.at, second.at, strict=True))
    before = (slice(max(y, 0), height + min(y, 0)), slice(max(x, 0), width + min(x, 0)))
    after = (slice(max(-y, 0), height + min(-y, 0)), slice(max(-x, 0), width + min(-x, 0)))
    return before, after


def _near(shown: Shown) -> NDArray[np.bool_]:
    window = np.ones((2 * NEAR_SUBJECT_PX + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate((shown.matte > 0).astype(np.uint8), window) > 0)


def _cut(first: Shown, second: Shown) -> bool:
    """Whether the room is another one: no move explains the frames."""
    before, after = _overlap(first, second)
    far = ~(_near(first)[before] | _near(second)[after])
    return bool(np.abs(first.clean[before].astype(int) - second.clean[after])[far].mean() > 0.5)
