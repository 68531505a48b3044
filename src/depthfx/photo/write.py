"""A Photo -> a file of the format that its extension names, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from depthfx.errors import ParameterError, PhotoError
from depthfx.photo.encode import DEFAULT_QUALITY, WRITTEN, OutputFormat, over_white, stored_form
from depthfx.photo.photo import Photo
from depthfx.photo.whole import check_target, written_whole


def write_photo(
    photo: Photo,
    path: Path | str,
    *,
    overwrite: bool = False,
    quality: int | None = None,
    bit_depth: int | None = None,
) -> tuple[str, ...]:
    """Write `photo` to `path` as JPEG, PNG, TIFF or WebP, by the path's extension.

    quality : 1..100 for JPEG and WebP, where 100 is lossless WebP; 95 if not given
    bit_depth : 8 or 16; the photo's own if not given, or 8 where the format has no more

    Profile, EXIF, XMP, resolution, alpha and grey are kept, as far as the format holds
    them; alpha goes over white where there is none. Orientation becomes 1, the sizes in
    EXIF become true, its thumbnail goes.

    Returns what had to be left out, a line each.

    Raises PhotoError if `path` exists and `overwrite` is not set, is the photo's own
    file, a link or a folder, has an extension of no known format, or cannot be written;
    ParameterError if quality or bit depth are not to be had.
    """
    path = Path(path)
    form = _format_of(path)
    quality = DEFAULT_QUALITY if quality is None else quality
    if not 1 <= quality <= 100:
        raise ParameterError(f"quality={quality} is outside 1 to 100")
    bit_depth = _bit_depth(photo, form, bit_depth)
    check_target(path, overwrite=overwrite, source=photo.path)
    stored = stored_form(photo if form.alpha else over_white(photo), bit_depth)
    with written_whole(path, overwrite=overwrite, source=photo.path) as file:
        try:
            return form.encoder()(file, stored, quality)
        except (ValueError, RuntimeError) as error:
            height, width = photo.shape
            raise PhotoError(
                f"{path}: {width} x {height} pixels cannot be written as {form.name}: {error}"
            ) from error


def check_output(path: Path, *, overwrite: bool = False, source: Path | None = None) -> None:
    """Raise PhotoError if `path` could not be written, before any work is done for it."""
    _format_of(path)
    check_target(path, overwrite=overwrite, source=source)


def _format_of(path: Path) -> OutputFormat:
    form = WRITTEN.get(path.suffix.lower())
    if form is None:
        raise PhotoError(
            f"{path}: {path.suffix or 'a name without extension'} says no format "
            f"that can be written; use one of {', '.join(WRITTEN)}"
        )
    return form


def _bit_depth(photo: Photo, form: OutputFormat, asked: int | None) -> int:
    if asked is None:
        own = photo.metadata.bit_depth
        return own if own in form.bit_depths else max(form.bit_depths)
    if asked not in form.bit_depths:
        raise ParameterError(
            f"bit_depth={asked} is not to be had in {form.name}, which has "
            f"{' or '.join(map(str, form.bit_depths))}"
        )
    return asked
