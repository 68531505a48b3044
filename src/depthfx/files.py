"""From a file to a scene and back: `depthfx.open` and `depthfx.save`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from depthfx import __version__
from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.phone import Phone
from depthfx.errors import ParameterError
from depthfx.photo.encode import WRITTEN
from depthfx.photo.photo import Photo
from depthfx.photo.read import read_photo
from depthfx.photo.stored import HIGHLIGHTS, Reading
from depthfx.photo.subject import subject_of
from depthfx.photo.whole import check_folder, check_target
from depthfx.photo.write import write_photo
from depthfx.product import is_folder
from depthfx.scene import Scene, seen_by

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
    focal_mm: float | None = None,
    sensor: str | None = None,
    scale_at: Sequence[str] = (),
    length: Sequence[str] = (),
    scale_from: PathLike | None = None,
    depth_fix: Sequence[str] = (),
    matte: PathLike | None = None,
    subject_xy: tuple[float, float] | None = None,
    phone_depth: bool = True,
    raw_highlights: str = HIGHLIGHTS[0],
    max_pixels: int | None = None,
) -> Scene:
    """The scene of a photo file; depth and matte are found when first needed.

    depth : a depth file to be used instead of a model
    depth_unit, depth_polarity : what its numbers mean, see `engine.depth_file.read_depth`;
        None: inferred, and said in the depth's `origin`
    focal_px, f35_mm : the focal length, if you know better than the file: in pixels
        of the upright photo, or as its 35 mm equivalent in millimetres
    focal_mm, sensor : or as engraved on the lens, in millimetres, with the name of the sensor
        or its sides, see `photo.sensors`
    scale_at : known distances that give the depth its scale, each like "0.5,0.4=2.5m": at
        that share of width and height it is 2.5 m along the optical axis
    length : known lengths that do, each like "0.2,0.5:0.3,0.5=30cm": from place to place
    scale_from : a file of metres that does, with holes if need be, of the same frame
    depth_fix : corrections, each like "sky.png=far" or "wall.png=3.5m": where that mask is
        white; made after the scale is set
    matte : a mask file of the subject, see `matting.told.matte_of_file`
    subject_xy : a place in the subject, as shares of width and height, see
        `matting.told.matte_at`
    phone_depth : whether depth and matte that a phone has stored in the photo are used
    raw_highlights : what becomes of the blown-out parts of a raw file, one of
        `photo.stored.HIGHLIGHTS`
    max_pixels : a photo with more is refused; None: `photo.stored.MAX_PIXELS`

    Depth is the file's that is given, else what the photo itself holds, else the model's.
    Relative depth that none of these scales takes the subject distance of the photo's EXIF; a
    model's before that the metres that the photo holds, if its own depth is not wanted. Depth
    or matte in the photo that is broken becomes one of its warnings.

    Raises PhotoError, DepthError or ParameterError, naming the file or the text; what only
    the depth can show, such as distances that contradict each other, when it is first needed.
    """
    photo = read_photo(
        Path(path),
        focal_px=focal_px,
        f35_mm=f35_mm,
        focal_mm=focal_mm,
        sensor=sensor,
        reading=Reading(max_pixels, raw_highlights),
    )
    phone = Phone.of(photo)
    photo = phone.photo
    # Its metres are of use to a model even where its depth is not wanted.
    hint = None if phone_depth or depth is not None else phone
    scaled = _scaling(photo, scale_at, length, scale_from, hint)
    fixed = _fixing(photo, depth_fix)

    def adjust(found: Depth) -> Depth:
        return fixed(scaled(found))

    scene = Scene.of(
        photo,
        context,
        depth=_depth_given(photo, depth, depth_unit, depth_polarity),
        matte=_matte_given(photo, matte),
        adjust=adjust,
        stored_depth=phone.fitted_depth if phone_depth and phone.depth is not None else None,
        stored_matte=phone.fitted_matte if phone_depth and phone.matte is not None else None,
    )
    return scene if subject_xy is None else scene.with_subject_at(*subject_xy)


def _depth_given(
    photo: Photo, path: PathLike | None, unit: str | None, polarity: str | None
) -> Depth | None:
    if path is None:
        return None
    from depthfx.engine.depth_file import read_depth
    from depthfx.engine.find import fit
    from depthfx.engine.scale import measured

    given = fit(read_depth(Path(path), unit=unit, polarity=polarity), photo, Path(path))
    return measured(given, "", 0.0) if given.metric else given


def _matte_given(photo: Photo, path: PathLike | None) -> Plane | None:
    if path is None:
        return None
    from depthfx.matting.told import matte_of_file

    return matte_of_file(Path(path), photo.pixels)


Adjustment = Callable[[Depth], Depth]


def _scaling(
    photo: Photo,
    scale_at: Sequence[str],
    length: Sequence[str],
    scale_from: PathLike | None,
    phone: Phone | None,
) -> Adjustment:
    """What gives depth the scale asked for, else, if it has none, that of `phone` or EXIF."""
    from depthfx.engine.known import KnownDistance, KnownLength

    distances = [KnownDistance.parse(text) for text in scale_at]
    lengths = [KnownLength.parse(text) for text in length]
    if scale_from is not None:
        if distances or lengths:
            raise ParameterError(
                "a scale comes from --scale-from or from --scale-at and --length, not from both"
            )
        from depthfx.engine.depth_file import read_sparse

        reference, known = read_sparse(Path(scale_from))
    subject = subject_of(photo)

    def scaled(depth: Depth) -> Depth:
        from depthfx.engine.scale import align_to, scale_by_known, scale_by_subject

        if scale_from is not None:
            return align_to(depth, reference, known)
        if distances or lengths:
            return scale_by_known(depth, seen_by(photo.camera, depth), distances, lengths)
        if phone is not None:
            depth = phone.scaled(depth)
        if subject is not None and not depth.metric:
            place = (subject.x, subject.y)
            return scale_by_subject(depth, place, subject.radius, subject.metres)
        return depth

    return scaled


def _fixing(photo: Photo, depth_fix: Sequence[str]) -> Adjustment:
    """What makes the corrections asked for; their masks are read at once."""
    if not depth_fix:
        return lambda depth: depth
    from depthfx.engine.depth_fix import DepthFix, fix_depth
    from depthfx.engine.known import KnownRegion

    fixes = [DepthFix.read(KnownRegion.parse(text), photo.shape) for text in depth_fix]
    return lambda depth: fix_depth(depth, fixes)


class Saving(TypedDict, total=False):
    """How a picture is written, see `photo.write.write_photo`; what is missing, as it was."""

    overwrite: bool
    jpeg_quality: int | None
    bit_depth: int | None
    profile: str | None
    strip_location: bool


def save(scene: Scene, path: PathLike, **saving: Unpack[Saving]) -> list[Path]:
    """Write the picture, and every product beside it or in its place; the paths written.

    overwrite : replace files that exist
    jpeg_quality, bit_depth, profile, strip_location : see `photo.write.write_photo`

    The format follows the suffix; profile, bit depth and metadata are the photo's unless asked
    otherwise, and its XMP also says what was done, and which models made the picture, under
    which licences.
    Raises PhotoError if a file exists (unless `overwrite`), is the photo itself, or
    cannot be written; then the old file is untouched.
    """
    return saved(scene, path, **saving)[0]


def saved(
    scene: Scene,
    path: PathLike,
    *,
    overwrite: bool = False,
    jpeg_quality: int | None = None,
    bit_depth: int | None = None,
    profile: str | None = None,
    strip_location: bool = False,
) -> tuple[list[Path], tuple[str, ...]]:
    """As `save`; also what the format cannot hold and had to be left out, a line each."""
    path = Path(path)
    instead = [product for product in scene.products if product.endings]
    if len(instead) > 1:
        names = " and ".join(product.name for product in instead)
        raise ParameterError(f"{path}: {names} cannot both be written here; save each by itself")
    beside = [product for product in scene.products if not product.endings]
    products = [(product, product.path_beside(path)) for product in beside]
    products += [(product, path) for product in instead]
    for product, target in products:
        check = check_folder if is_folder(target, product.endings) else check_target
        check(target, overwrite=overwrite, source=scene.photo.path)
    left_out: tuple[str, ...] = ()
    if not instead:
        form = WRITTEN.get(path.suffix.lower())
        left_out = write_photo(
            # A stamp that cannot be kept is no loss of the photo's own, of which to warn.
            _with_stamp(scene) if form is None or form.xmp else scene.photo,
            path,
            overwrite=overwrite,
            quality=jpeg_quality,
            bit_depth=bit_depth,
            profile=profile,
            strip_location=strip_location,
        )
    for product, target in products:
        product.write(scene, target)
    picture = [] if instead else [path]
    return [*picture, *(target for _, target in products)], left_out


def _with_stamp(scene: Scene) -> Photo:
    """The scene's photo, whose metadata say which models it was made with, if any was used."""
    from depthfx.engine.find import matte_stamp
    from depthfx.photo.history import noted
    from depthfx.photo.xmp import stamped

    # Nothing is estimated to speak of it.
    depth, matte = scene.channels.found
    facts = {"depth": depth.origin, **depth.stamp} if depth is not None else {}
    if matte is not None and not scene.channels.matte_given:
        facts |= matte_stamp(scene.context)
    metadata = scene.photo.metadata
    xmp = metadata.xmp
    if facts:
        facts["software"] = f"depthfx {__version__}"
        xmp = stamped(xmp, facts)
    if scene.history:
        xmp = noted(xmp, "; ".join(scene.history))
    return replace(scene.photo, metadata=replace(metadata, xmp=xmp))
