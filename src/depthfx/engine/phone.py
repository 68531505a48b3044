"""What the phone stored in a photo, made ready for a scene: of the photo's size, on its edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Depth, Plane
from depthfx.errors import DepthError, PhotoError
from depthfx.photo.phone.stored_depth import StoredDepth, stored_depth, stored_matte
from depthfx.photo.photo import Photo

Found = TypeVar("Found")

NOMINAL_ERROR = 0.5
"""Share by which a phone's metres may be off that it does not vouch for: its two lenses stand a
finger's width apart, and move to focus and against shake."""


@dataclass(frozen=True, eq=False)
class Phone:
    """Depth and matte that the file of `photo` holds, upright, of their own size.

    known : bool of the depth's shape; it was filled in elsewhere
    photo : the one that was read, which now also warns of what is stored in it and broken
    """

    photo: Photo
    depth: Depth | None = None
    known: NDArray[np.bool_] | None = None
    matte: Plane | None = None

    @classmethod
    def of(cls, photo: Photo) -> Phone:
        """What the file of `photo` holds; never raises for it."""
        warnings: list[str] = []

        def unless_broken(read: Callable[[Photo], Found | None]) -> Found | None:
            try:
                return read(photo)
            except PhotoError as error:
                warnings.append(str(error))
                return None

        stored, matte = unless_broken(stored_depth), unless_broken(stored_matte)
        if stored is not None:
            warnings += stored.warnings
        photo = replace(photo, warnings=(*photo.warnings, *warnings))
        if stored is None:
            return cls(photo, matte=matte)
        return cls(photo, _without_holes(stored), np.isfinite(stored.inverse), matte)

    @property
    def measured(self) -> bool:
        """Whether there is depth whose metres can be relied on."""
        return self.depth is not None and self.depth.metric and self.depth.model_error is None

    def fitted_depth(self) -> Depth:
        """The depth at the photo's size."""
        from depthfx.engine.find import fit
        from depthfx.engine.scale import measured

        assert self.depth is not None
        depth, shape = self.depth, self.photo.shape
        if depth.inverse.size > shape[0] * shape[1]:  # nothing to refine, and much of it
            depth = depth.resized(shape)
        fine = fit(depth, self.photo, self.photo.path or Path())
        return measured(fine, "", 0.0) if self.measured else fine

    def scaled(self, depth: Depth) -> Depth:
        """`depth` in these metres, if it has none and they fit it; else as it was."""
        from depthfx.engine.scale import align_to

        if self.depth is None or not self.measured or depth.metric:
            return depth
        try:
            return align_to(depth, self.depth, self.known)
        except DepthError:
            return depth

    def fitted_matte(self) -> Plane:
        """The matte at the photo's size."""
        from depthfx.matting.told import fitted_matte

        assert self.matte is not None
        return fitted_matte(self.matte, self.photo.pixels)


def _without_holes(stored: StoredDepth) -> Depth:
    inverse, known = stored.inverse, np.isfinite(stored.inverse)
    if not known.all():
        from depthfx.inpaint.pushpull import push_pull

        there = np.where(known, inverse, np.float32(0))
        inverse = np.maximum(push_pull(there, known.astype(np.float32)), 0)
    words = f"stored in the photo ({stored.kind})"
    if stored.nominal:
        return Depth(inverse, True, f"{words}, metres are nominal", model_error=NOMINAL_ERROR)
    return Depth(inverse, True, words) if stored.metric else Depth.relative(inverse, words)
