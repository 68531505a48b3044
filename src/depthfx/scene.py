"""A photo with all that is known or can be found about its space; effects map scenes to scenes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from depthfx.camera import Camera, FocalOrigin
from depthfx.context import Context
from depthfx.depth import Depth, Plane, checked_plane
from depthfx.errors import ShapeError
from depthfx.layers.layers import Layers
from depthfx.photo.photo import Photo, Pixels
from depthfx.product import Product

if TYPE_CHECKING:
    from depthfx.geometry.normals import Normals

PREVIEW_PIXELS = 2_000_000


class Channel(StrEnum):
    """What an effect may need besides the pixels."""

    DEPTH = "depth"
    METRIC = "metric depth"
    MATTE = "matte"


def seen_by(camera: Camera, depth: Depth) -> Camera:
    """`camera`; where its focal length is a guess, with the one that the model of `depth` saw."""
    if camera.known_focal_px is None and depth.focal_px is not None:
        return camera.with_focal(depth.focal_px, FocalOrigin.NETWORK)
    return camera


class Channels:
    """Depth and matte of one photo, each found once, when first asked for.

    Shared by every scene of a chain, so that a change of colours does not cost a
    second estimate. `find_depth` and `find_matte` are called at most once.

    find_draft : a rough depth that is found at once, or None
    matte_given, depth_given : whether the matte, the depth, comes from the user or the photo's
        file, not from a network
    """

    def __init__(
        self,
        find_depth: Callable[[], Depth],
        find_matte: Callable[[], Plane],
        find_draft: Callable[[], Depth | None] = lambda: None,
        *,
        matte_given: bool = False,
        depth_given: bool = False,
    ):
        self._find_depth, self._find_matte = find_depth, find_matte
        self.find_draft = find_draft
        self.matte_given, self.depth_given = matte_given, depth_given
        self._depth: Depth | None = None
        self._matte: Plane | None = None
        self._normals: tuple[Camera, Normals] | None = None
        self._lock = threading.RLock()

    @property
    def depth(self) -> Depth:
        with self._lock:
            if self._depth is None:
                self._depth = self._find_depth()
            return self._depth

    @property
    def found(self) -> tuple[Depth | None, Plane | None]:
        """Depth and matte as far as they were found; finds neither."""
        return self._depth, self._matte

    @property
    def matte(self) -> Plane:
        with self._lock:
            if self._matte is None:
                self._matte = self._find_matte()
            return self._matte

    def normals(self, camera: Camera) -> Normals:
        """Those of the depth, as `camera` sees it; worked out once."""
        from depthfx.geometry.normals import normals_of

        with self._lock:
            if self._normals is None or self._normals[0] != camera:
                self._normals = camera, normals_of(self.depth.surface, camera)
            return self._normals[1]


@dataclass(frozen=True, eq=False)
class Scene:
    """Photo, depth, matte, normals, layers, products. Immutable; an effect returns a new one.

    relief : normals with the picture's relief that an effect made; None: nobody did
    layers : the picture cut into layers; None: nobody has cut it, or it was changed since
    products : what effects made beside the picture, or in its place
    notes : what a user should know of how the picture was made, a phrase each
    facts : the same for programs (`--json`)
    history : the effects applied so far, with what was set of their parameters
    """

    photo: Photo
    channels: Channels
    context: Context = field(default_factory=Context)
    relief: Normals | None = None
    layers: Layers | None = None
    products: tuple[Product, ...] = ()
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    history: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        photo: Photo,
        context: Context | None = None,
        *,
        depth: Depth | None = None,
        matte: Plane | None = None,
        adjust: Callable[[Depth], Depth] | None = None,
        stored_depth: Callable[[], Depth] | None = None,
        stored_matte: Callable[[], Plane] | None = None,
    ) -> Scene:
        """A scene of `photo`; what is not given is found by the context's model when needed.

        adjust : what is done to the depth once it is found or given: its scale, corrections
        stored_depth, stored_matte : make what the photo's file holds; asked when needed, after
            what is given and before any model

        Raises ShapeError if depth or matte is not of the photo's size.
        """
        context = context or Context()
        if depth is not None and depth.shape != photo.shape:
            raise ShapeError(f"depth is {depth.shape}, the photo is {photo.shape}")
        if matte is not None:
            checked_plane("matte", matte, photo.shape)

        def find_depth() -> Depth:
            from depthfx.engine.find import find_depth

            if depth is not None:
                found = depth
            else:
                found = stored_depth() if stored_depth else find_depth(photo, context)
            return found if adjust is None else adjust(found)

        def find_matte() -> Plane:
            from depthfx.engine.find import find_matte

            if matte is not None:
                return matte
            return stored_matte() if stored_matte else find_matte(photo, context)

        known = depth is not None or stored_depth is not None

        def find_draft() -> Depth | None:
            from depthfx.engine.find import find_draft

            found = None if known else find_draft(photo, context)
            return found if found is None or adjust is None else adjust(found)

        given = matte is not None or stored_matte is not None
        channels = Channels(
            find_depth, find_matte, find_draft, matte_given=given, depth_given=known
        )
        return cls(photo, channels, context)

    @classmethod
    def from_arrays(
        cls,
        pixels: Pixels,
        *,
        inverse: Plane | None = None,
        focal_px: float | None = None,
        metric: bool = True,
        matte: Plane | None = None,
        alpha: Plane | None = None,
        context: Context | None = None,
    ) -> Scene:
        """A scene without a file.

        pixels : (H, W, 3) float32, linear light, sRGB primaries
        inverse : (H, W) float32, inverse depth in 1/m (any scale if not `metric`)
        focal_px : focal length in pixels; None: guessed
        """
        height, width = pixels.shape[:2]
        camera = (
            Camera.guess(width, height) if focal_px is None else Camera(width, height, focal_px)
        )
        depth = None
        if inverse is not None:
            words = "given as an array"
            inverse = np.asarray(inverse, np.float32)
            depth = Depth(inverse, True, words) if metric else Depth.relative(inverse, words)
        return cls.of(Photo(pixels, camera, alpha), context, depth=depth, matte=matte)

    @property
    def depth(self) -> Depth:
        """Inverse depth of the photo as it was opened (or as it was last warped)."""
        return self.channels.depth

    @property
    def matte(self) -> Plane:
        """(H, W) float32, the subject's cover of each pixel, 0..1."""
        return self.channels.matte

    @property
    def camera(self) -> Camera:
        """The photo's camera; where its focal length is a guess, with the one the model saw."""
        camera = self.photo.camera
        return seen_by(camera, self.depth) if camera.known_focal_px is None else camera

    @property
    def normals(self) -> Normals:
        """(H, W, 3) float32 unit normals, camera axes: of the depth, with the relief made last."""
        return self.relief if self.relief is not None else self.channels.normals(self.camera)

    def with_subject_at(self, x: float, y: float) -> Scene:
        """The same scene whose subject is the thing at a place (shares of width and height)."""

        def find_matte() -> Plane:
            from depthfx.matting.told import matte_at

            return matte_at(self.photo.pixels, self.depth.surface, self.matte, (x, y))

        known = self.channels
        channels = Channels(
            lambda: self.depth, find_matte, known.find_draft, matte_given=known.matte_given
        )
        return replace(self, channels=channels)

    def in_two_speeds(self) -> Iterator[Scene]:
        """This scene with a draft of its depth at once, then with its depth.

        Both depths are of the same frame and in the same unit. There is no draft where the
        depth was given, and none where licences forbid it.
        """
        draft = self.channels.find_draft()
        if draft is not None:
            yield replace(self, channels=Channels(lambda: draft, lambda: self.matte))
        yield self

    def preview(self, pixels: int = PREVIEW_PIXELS) -> Scene:
        """This scene with at most `pixels` pixels, for trying out effects quickly.

        Depth and matte are found at the photo's own size, when first needed; colours and matte
        are averaged, each pixel keeps one of the depths it covers. As parameters are relative or
        optical, an effect looks as it does at full size. Products are left behind.
        """
        from depthfx.raster.resample import fit_within, resize_area

        shape = fit_within(self.photo.shape, pixels)
        if shape == self.photo.shape:
            return self
        photo = self.photo
        alpha = None if photo.alpha is None else resize_area(photo.alpha, shape)
        small = replace(
            photo,
            pixels=resize_area(photo.pixels, shape),
            alpha=alpha,
            camera=photo.camera.resized(shape[1], shape[0]),
        )
        channels = Channels(
            lambda: self.depth.resized(shape), lambda: resize_area(self.matte, shape)
        )
        return replace(self, photo=small, channels=channels, relief=None, layers=None, products=())

    def with_pixels(self, pixels: Pixels) -> Scene:
        """Other colours on the same geometry: depth and matte stay, layers are of the old ones."""
        return replace(self, photo=self.photo.with_pixels(pixels), layers=None)

    def with_geometry(self, photo: Photo, depth: Depth, matte: Plane) -> Scene:
        """A warped picture together with its warped channels."""
        channels = Channels(lambda: depth, lambda: matte)
        return replace(self, photo=photo, channels=channels, relief=None, layers=None)

    def with_product(self, product: Product) -> Scene:
        return replace(self, products=(*self.products, product))

    def with_history(self, words: str) -> Scene:
        return replace(self, history=(*self.history, words))

    def with_note(self, note: str, **facts: Any) -> Scene:
        """Add a phrase for the summary line and its numbers for `--json`."""
        return replace(self, notes=(*self.notes, note), facts={**self.facts, **facts})
