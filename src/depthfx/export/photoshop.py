"""Layers as one Photoshop document: groups, the profile, the merged picture, and depth.

Depth is an alpha channel of its own, black near, that Lens Blur offers as its source; it hides
nothing. The merged picture is what programs show that know no layers. 8 bits a channel, or 16 for
photos that have more; of those the layers are in the block `Lr16`, where Photoshop puts them.

Adobe, "Photoshop File Formats Specification" (2019); written by psd-tools. Which program opens
what: docs/after-effects.md.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import PhotoError
from depthfx.export.footage import Progress, black_near, codes_of, nothing, one_line, space_of
from depthfx.export.shot import Shot
from depthfx.layers.layers import Layer, Layers
from depthfx.photo.colour import ColourSpace, strips
from depthfx.photo.whole import written_whole

if TYPE_CHECKING:
    from psd_tools import PSDImage

Codes = NDArray[np.uint8] | NDArray[np.uint16]
Straight = tuple[Codes, Codes]
"""(h, w, 3) codes and (h, w) alpha."""

LARGEST = {".psd": (30_000, 1 << 31), ".psb": (300_000, 1 << 62)}
"""Pixels of a side and bytes of a file, by suffix; a PSB's length is told in 64 bits."""
DEPTH_NAME = "Depth (black near)"
LONGEST_NAME = 255
"""Characters of a layer's name."""
DPI = 72.0
"""Of a picture of no size in inches."""


def export(
    layers: Layers,
    _shot: Shot,
    path: Path,
    *,
    depth: Plane | None = None,
    progress: Progress = nothing,
) -> None:
    """Write the document of the photo's size to `path`, over what is there.

    path : ends in .psd, or .psb for what is too large for that
    depth : (H, W) float32, the photo's inverse depth; None: there is no channel of it
    progress : told the share that is done; what it raises ends the work

    A document stands still: of the shot nothing is used. Layers keep what lies beyond the frame.
    Raises PhotoError if the document is too large or cannot be written; ParameterError if the
    layers are meant for linear light.
    """
    space, icc = space_of(layers)
    bits: Literal[8, 16] = 8 if layers.bits <= 8 else 16
    most_px, most_bytes = LARGEST.get(path.suffix.lower(), LARGEST[".psd"])
    sides = [layers.camera.width, layers.camera.height]
    sides += [side for layer in layers.layers for side in layer.alpha.shape]
    if max(sides) > most_px:
        raise PhotoError(
            f"{path}: a side of {max(sides)} px is more than the {most_px} of this format; "
            "name it .psb, or make the photo smaller"
        )
    document = _empty(layers, bits, path.suffix.lower() == ".psb")
    merged = _add_layers(document, layers, space, bits, progress)
    _set_merged(document, merged, depth, bits)
    _set_resources(document, icc, depth is not None)
    with written_whole(path, overwrite=True) as file:
        document._record.write(file)  # `save` would lay over each other anew, and lose depth
        if file.tell() >= most_bytes:
            raise PhotoError(
                f"{path}: {file.tell() >> 20} MiB are more than a PSD holds; name it .psb"
            )
    progress(1.0)


def _empty(layers: Layers, bits: Literal[8, 16], large: bool) -> PSDImage:
    from psd_tools import PSDImage
    from psd_tools.constants import Tag
    from psd_tools.psd.tagged_blocks import TaggedBlocks

    size = (layers.camera.width, layers.camera.height)
    document = PSDImage.new("RGB", size, depth=bits)
    document._record.header.version = 2 if large else 1
    if bits == 16:
        information = document._record.layer_and_mask_information
        information.tagged_blocks = TaggedBlocks()
        information.tagged_blocks.set_data(Tag.LAYER_16)
    return document


def _add_layers(
    document: PSDImage,
    layers: Layers,
    space: ColourSpace,
    bits: Literal[8, 16],
    progress: Progress,
) -> NDArray[np.float32]:
    """Add the layers, nearest on top, and return what they show: (H, W, 3) shares of white, over
    white."""
    merged = np.ones((layers.camera.height, layers.camera.width, 3), np.float32)
    several = [layer.group for layer in layers.layers]
    done = 0
    # A group of a document is one piece of its stack: what lies between parts it.
    for group, run in groupby(layers.layers, key=lambda layer: layer.group):
        parent = document
        if group and several.count(group) > 1:
            parent = document.create_group(name="Group")
            parent.name = one_line(group)[:LONGEST_NAME]
        for layer in run:
            straight = _stored(layer, space, bits)
            added = parent.create_pixel_layer_from_array(
                np.dstack(straight), name="Layer", left=layer.left, top=layer.top
            )
            # Set afterwards, as only then letters beyond Mac Roman are taken.
            added.name = one_line(layer.name)[:LONGEST_NAME]
            _lay_over(merged, layer, straight)
            done += 1
            progress(0.9 * done / len(layers.layers))
    return merged


def _stored(layer: Layer, space: ColourSpace, bits: Literal[8, 16]) -> Straight:
    codes, alpha = codes_of(layer, space)
    if bits == 16:
        return codes, alpha
    # Rounded from 16 bits, as the layers were cut to bear it.
    bytes_ = codes * np.float32(1 / 257) + np.float32(0.5)
    return bytes_.astype(np.uint8), (alpha >> 8).astype(np.uint8)


def _lay_over(merged: NDArray[np.float32], layer: Layer, straight: Straight) -> None:
    """Lay a layer over `merged`, in place, as far as it lies within the frame."""
    height, width = merged.shape[:2]
    rows, columns = layer.alpha.shape
    top, bottom = max(layer.top, 0), min(layer.top + rows, height)
    left, right = max(layer.left, 0), min(layer.left + columns, width)
    if top >= bottom or left >= right:
        return
    frame = merged[top:bottom, left:right]
    part = (
        slice(top - layer.top, bottom - layer.top),
        slice(left - layer.left, right - layer.left),
    )
    codes, alpha = (plane[part] for plane in straight)
    unit = np.float32(1 / np.iinfo(codes.dtype).max)
    for strip in strips(frame):
        share = alpha[strip][..., None] * unit
        frame[strip] += share * (codes[strip] * unit - frame[strip])


def _set_merged(
    document: PSDImage, merged: NDArray[np.float32], depth: Plane | None, bits: Literal[8, 16]
) -> None:
    """Set the picture of those that know no layers, and depth as a channel after it."""
    from psd_tools.constants import Compression

    top = np.float32((1 << bits) - 1)
    stored = f">u{bits // 8}"
    planes = [np.rint(merged[..., c] * top).astype(stored).tobytes() for c in range(3)]
    if depth is not None:
        map_ = black_near(depth)
        planes.append((map_ if bits == 16 else map_ >> 8).astype(stored).tobytes())
    record = document._record
    record.header.channels = len(planes)
    record.image_data.compression = Compression.RLE
    record.image_data.set_data(planes, record.header)


def _set_resources(document: PSDImage, icc: bytes, with_depth: bool) -> None:
    """Set profile, resolution, and the name of the channel of depth."""
    from psd_tools.constants import Resource
    from psd_tools.psd.image_resources import (
        AlphaIdentifiers,
        AlphaNamesPascal,
        AlphaNamesUnicode,
        ImageResource,
        ResoulutionInfo,
    )

    fixed_dpi, per_inch, inches = round(DPI * 65536), 1, 1
    resources = document.image_resources
    data: dict[Resource, object] = {
        Resource.RESOLUTION_INFO: ResoulutionInfo(*(fixed_dpi, per_inch, inches) * 2),
        Resource.ICC_PROFILE: icc,
    }
    if with_depth:
        # Above zero: a channel of its own, not what the picture lets shine through.
        data[Resource.ALPHA_IDENTIFIERS] = AlphaIdentifiers([1])
        data[Resource.ALPHA_NAMES_PASCAL] = AlphaNamesPascal([DEPTH_NAME])
        data[Resource.ALPHA_NAMES_UNICODE] = AlphaNamesUnicode([DEPTH_NAME])
    for key, value in data.items():
        resources[key] = ImageResource(key=key, data=value)
