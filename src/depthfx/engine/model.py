"""What a depth model is, and what must be known of one before it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.photo.photo import Photo


@dataclass(frozen=True)
class ModelInfo:
    """The record of one set of weights.

    summary : what it is good at
    size_mb : of the weights files, 10^6 bytes
    licence : of the weights, with what its owners say of the data where it matters
    commercial : whether the licence allows commercial use
    metric : whether it answers in metres
    source : where the weights come from
    checksum : SHA-256 of the weights file; empty where the hub's own is what counts
    reason : why commercial use is allowed or not, a clause
    licence_link : where the licence can be read
    licence_note : what is certain about the licence and what is not
    parameters_m : millions of parameters; None if nobody says
    speed : measured, with the machine; empty if it was not
    """

    name: str
    summary: str
    size_mb: float
    licence: str
    commercial: bool
    metric: bool
    source: str
    checksum: str
    reason: str = ""
    licence_link: str = ""
    licence_note: str = ""
    parameters_m: float | None = None
    speed: str = ""


class DepthModel(Protocol):
    """From a photo to its depth. Constructed once with its context, used for many photos.

    A model that gains by several photos at once has a method `look_ahead(photos, context)` too: a
    batch calls it with photos whose depth it will ask for one by one soon after, and whose answers
    are to be the same as without it.

    Raises ModelError if its weights are missing or do not fit.
    """

    info: ClassVar[ModelInfo]

    def __init__(self, context: Context) -> None: ...

    def estimate(self, photo: Photo, context: Context | None = None) -> Depth:
        """Depth at the photo's own size, refined along its edges."""
        ...
