"""A Photo -> a file of the format that its extension names, whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from depthfx.errors import ParameterError, PhotoError
from depthfx.photo import exif, location
from depthfx.photo.encode import DEFAULT_QUALITY, WRITTEN, OutputFormat, over_white, stored_form
from depthfx.photo.photo import Photo
from depthfx.photo.profiles import named_profile
from depthfx.photo.whole import check_target, written_whole


def write_photo(
    photo: Photo,
    path: Path | str,
    *,
    overwrite: bool = False,
    quality: int | None = None,
    bit_depth: int | None = None,
    profile: str | None = None,
    strip_location: bool = False,
) -> tuple[str, ...]:
    """Write `photo` to `path`, in the format that the path's extension names (see `WRITTEN`).

    quality : 1..100 where the format is lossy, 100 being lossless where it can be; 95 if
        not given
    bit_depth : bits per channel, 16 of EXR and 32 meaning floating point; if not given, the
        photo's own, or the next that the format has
    profile : "srgb", "display-p3" and so on, see `profiles.named_profile`, or an ICC file;
        if not given, the photo's own
    strip_location : leave out where it was taken

    Profile, EXIF, XMP, IPTC, resolution, alpha and grey are kept, as far as the format holds
    them; alpha goes over white where there is none. Orientation becomes 1, the sizes in
    EXIF become true, its thumbnail goes.

    Returns what had to be left out, a line each.

    Raises PhotoError if `path` exists and `overwrite` is not set, is the photo's own
    file, a link or a folder, has an extension of no known format, or cannot be written;
    ParameterError if quality, bit depth or profile are not to be had.
    """
    path = Path(path)
    form = _format_of(path)
    quality = DEFAULT_QUALITY if quality is None else quality
    if not 1 <= quality <= 100:
        raise ParameterError(f"quality={quality} is outside 1 to 100")
    bits, floating = _bit_depth(photo, form, bit_depth)
    icc = _profile(profile, form, floating)
    check_target(path, overwrite=overwrite, source=photo.path)
    if strip_location:
        photo = without_location(photo)
    flat = photo if form.alpha else over_white(photo)
    stored = stored_form(flat, bits, floating=floating, profile=icc, grey=form.grey)
    inks = ("its inks (CMYK) became sRGB",) if photo.metadata.inks and not icc else ()
    with written_whole(path, overwrite=overwrite, source=photo.path) as file:
        try:
            return inks + form.encoder()(file, stored, quality)
        except PhotoError as error:
            raise PhotoError(f"{path}: {error}") from error
        except (ValueError, RuntimeError) as error:
            height, width = photo.shape
            raise PhotoError(
                f"{path}: {width} x {height} pixels cannot be written as {form.name}: {error}"
            ) from error


def check_output(
    path: Path,
    *,
    overwrite: bool = False,
    source: Path | None = None,
    bit_depth: int | None = None,
    profile: str | None = None,
) -> None:
    """Raise as `write_photo` would for these, before any work is done for it."""
    check_form(path, bit_depth=bit_depth, profile=profile)
    check_target(path, overwrite=overwrite, source=source)


def check_form(path: Path, *, bit_depth: int | None = None, profile: str | None = None) -> None:
    """Raise as `write_photo` would for these in files called like `path`, wherever they lie."""
    form = _format_of(path)
    if bit_depth is not None:
        _checked_bit_depth(form, bit_depth)
    _profile(profile, form, floating=False)


def _format_of(path: Path) -> OutputFormat:
    form = WRITTEN.get(path.suffix.lower())
    if form is None:
        raise PhotoError(
            f"{path}: {path.suffix or 'a name without extension'} says no format "
            f"that can be written; use one of {', '.join(WRITTEN)}"
        )
    return form


def _bit_depth(photo: Photo, form: OutputFormat, asked: int | None) -> tuple[int, bool]:
    """Bits, and whether of floating point."""
    if asked is None:
        return form.depth_for(photo.metadata.bit_depth, photo.metadata.floating)
    return asked, _checked_bit_depth(form, asked)


def _checked_bit_depth(form: OutputFormat, asked: int) -> bool:
    """Whether that many bits are of floating point in this format."""
    depths = (*form.bit_depths, *form.float_depths)
    if asked not in depths:
        raise ParameterError(
            f"bit_depth={asked} is not to be had in {form.name}, which has "
            f"{' or '.join(map(str, depths))}"
        )
    return asked not in form.bit_depths


def _profile(name: str | None, form: OutputFormat, floating: bool) -> bytes:
    if name is None:
        return b""
    if floating or not form.bit_depths:
        raise ParameterError(
            f"profile={name}: floating point is written as linear light in sRGB primaries, which "
            "hold every colour; leave the profile out, or ask for 8 or 16 bits of another format"
        )
    return named_profile(name)


def without_location(photo: Photo) -> Photo:
    """`photo`, whose metadata do not say where it was taken."""
    metadata = photo.metadata
    stripped = replace(
        metadata,
        exif=exif.to_bytes(location.stripped(exif.parse(metadata.exif))),
        xmp=location.stripped_xmp(metadata.xmp),
        xmp_extension=location.stripped_xmp(metadata.xmp_extension),
        iptc=location.stripped_iptc(metadata.iptc),
    )
    return replace(photo, metadata=stripped)
