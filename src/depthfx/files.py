"""From a file to a scene and back: `depthfx.open` and `depthfx.save`."""

from __future__ import annotations

import os
from pathlib import Path

from depthfx.context import Context
from depthfx.photo.read import read_photo
from depthfx.photo.whole import check_target
from depthfx.photo.write import write_photo
from depthfx.scene import Scene

PathLike = str | os.PathLike[str]


def open(
    path: PathLike,
    context: Context | None = None,
    *,
    depth: PathLike | None = None,
    depth_unit: str | None = None,
    depth_polarity: str | None = None,
    focal_px: float | None = None,
    f35_mm: float | None = None,
) -> Scene:
    """The scene of a photo file; depth and matte are found when first needed.

    depth : a depth file to be used instead of a model
    depth_unit, depth_polarity : what its numbers mean, see `engine.depth_file.read_depth`;
        None: inferred, and said in the depth's `origin`
    focal_px, f35_mm : the focal length, if you know better than the file: in pixels
        of the upright photo, or as its 35 mm equivalent in millimetres

    Raises PhotoError or DepthError, naming the file.
    """
    photo = read_photo(Path(path), focal_px=focal_px, f35_mm=f35_mm)
    if depth is None:
        return Scene.of(photo, context)
    from depthfx.engine.depth_file import read_depth
    from depthfx.engine.find import fit

    read = read_depth(Path(depth), unit=depth_unit, polarity=depth_polarity)
    return Scene.of(photo, context, depth=fit(read, photo, Path(depth)))


def save(
    scene: Scene, path: PathLike, *, overwrite: bool = False, jpeg_quality: int | None = None
) -> list[Path]:
    """Write the picture, and every product beside it; the paths written.

    The format follows the suffix; profile, bit depth and metadata are the photo's.
    Raises PhotoError if a file exists (unless `overwrite`), is the photo itself, or
    cannot be written; then the old file is untouched.
    """
    path = Path(path)
    beside = [product.path_beside(path) for product in scene.products]
    for target in beside:
        check_target(target, overwrite=overwrite, source=scene.photo.path)
    write_photo(scene.photo, path, overwrite=overwrite, quality=jpeg_quality)
    for product, target in zip(scene.products, beside, strict=True):
        product.write(target)
    return [path, *beside]
