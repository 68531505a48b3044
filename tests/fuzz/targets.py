"""What is fed with hostile input, and what may come of it.

Each target takes bytes and returns nothing. One of depthfx's own errors, in one line, is an
answer; anything else that is raised is a fault.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from depthfx.camera import Camera
from depthfx.errors import DepthfxError
from depthfx.facts import json_line
from depthfx.photo import exif as exif_block
from depthfx.photo import regions, xmp
from depthfx.photo.cmyk import cmyk_space
from depthfx.photo.colour import ColourSpace, colour_space
from depthfx.photo.describe import describe
from depthfx.photo.encode import WRITTEN
from depthfx.photo.focal import camera_for
from depthfx.photo.history import noted
from depthfx.photo.location import stripped, stripped_iptc, stripped_xmp
from depthfx.photo.phone.gdepth_embed import with_gdepth
from depthfx.photo.phone.stored_depth import stored_depth, stored_matte
from depthfx.photo.photo import Metadata, Photo
from depthfx.photo.read import read_photo
from depthfx.photo.regions import told_region
from depthfx.photo.subject import subject_of
from depthfx.photo.write import write_photo

WRITTEN_BACK_PIXELS = 1 << 20
"""Larger ones are only read: writing them takes too long to be done so often."""


class Fault(AssertionError):
    """An answer that is none: not finite, of the wrong shape, an error of several lines."""


@contextmanager
def answered(about: Path | None = None) -> Iterator[None]:
    """Lets our own errors pass, if they are what a user should see: a line, on a file if that is
    what was asked for."""
    try:
        yield
    except DepthfxError as error:
        cause = error.__cause__
        if isinstance(cause, MemoryError):
            raise Fault(f"memory ran out before the size was checked: {error}") from error
        if not str(error) or "\n" in str(error) or len(str(error)) > 2000:
            raise Fault(f"not one line: {str(error)!r}") from error
        if about is not None and not str(error).startswith(f"{about}: "):
            raise Fault(f"does not name the file: {error}") from error


def photo(data: bytes, folder: Path | None = None) -> None:
    """Read as a photo, described, its stored depth taken out, and written again."""
    with TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "photo"
        path.write_bytes(data)
        found = None
        with answered(about=path):
            found = read_photo(path)
        if found is None:
            return
        _check(found)
        json_line(describe(found))
        with answered():
            told_region(found)
            subject_of(found)
        _depth_in(found)
        stripped_iptc(found.metadata.iptc)
        if found.metadata.format == "JPEG":
            _with_depth(data, found, Path(scratch) / "with depth.jpg")
        if found.pixels.shape[0] * found.pixels.shape[1] <= WRITTEN_BACK_PIXELS:
            _written_back(found, Path(scratch), zlib.crc32(data))


def _check(found: Photo) -> None:
    if not np.isfinite(found.pixels).all():
        raise Fault("pixels are not finite")
    if found.alpha is not None and not ((found.alpha >= 0) & (found.alpha <= 1)).all():
        raise Fault("alpha is outside 0 to 1")
    if not (np.isfinite(found.camera.focal_px) and found.camera.focal_px > 0):
        raise Fault(f"focal length {found.camera.focal_px}")
    if any("\n" in warning for warning in found.warnings):
        raise Fault(f"a warning of several lines: {found.warnings}")


def _depth_in(found: Photo) -> None:
    """What the file stores beside the picture: NaN is a hole in the depth, nothing else."""
    with answered():
        depth = stored_depth(found)
        if depth is not None:
            inverse = depth.inverse
            if not np.isfinite(inverse).any() or np.isinf(inverse).any() or (inverse < 0).any():
                raise Fault("inverse depth is infinite, below 0 or nothing but holes")
    with answered():
        matte = stored_matte(found)
        if matte is not None and not ((matte >= 0) & (matte <= 1)).all():
            raise Fault("the matte is outside 0 to 1")


def _with_depth(data: bytes, found: Photo, path: Path) -> None:
    """A depth map put into the very file, from which it is then read, in an unchanged photo."""
    inverse = np.linspace(0.25, 2, found.pixels[..., 0].size, dtype=np.float32)
    inverse = inverse.reshape(found.shape)
    if found.metadata.orientation >= 5:
        inverse = np.ascontiguousarray(inverse.T)
    metadata = found.metadata
    with answered():
        path.write_bytes(
            with_gdepth(data, metadata.xmp, metadata.xmp_extension, inverse, metric=True)
        )
        again = read_photo(path)
        # Of broken picture data the library makes one thing or another.
        if not found.warnings and not np.array_equal(again.pixels, found.pixels):
            raise Fault("another picture once depth was put into its file")
        depth = stored_depth(again)
        if depth is None or not depth.metric:
            raise Fault("the depth put into the file is not found in it")


def _written_back(found: Photo, scratch: Path, number: int) -> None:
    """In one of the formats, chosen by `number`, and read again."""
    suffix = sorted(WRITTEN)[number % len(WRITTEN)]
    path = scratch / f"again{suffix}"
    with answered():
        write_photo(found, path, strip_location=number % 3 == 0)
        again = read_photo(path)
        _check(again)
        if again.shape != found.shape:
            raise Fault(f"{found.shape} written as {suffix} is read as {again.shape}")


def _blank(metadata: Metadata) -> Photo:
    return Photo(np.full((30, 40, 3), 0.5, np.float32), Camera(40, 30, 40.0), metadata=metadata)


def exif(data: bytes, folder: Path | None = None) -> None:
    """An EXIF block, read, changed, written, and read again as the same."""
    found = exif_block.parse(data)
    block = exif_block.to_bytes(found)
    again = exif_block.parse(block)
    for name in ("main", "photo", "gps", "interop"):
        if not _values(found, name) <= _values(again, name):
            raise Fault(f"the {name} directory is not what was written")
    exif_block.to_bytes(exif_block.for_output(found, 40, 30, "depthfx"))
    if exif_block.parse(exif_block.to_bytes(stripped(found))).gps:
        raise Fault("the place it was taken is still in it")
    with answered():
        camera, _ = camera_for(40, 30, found)
        if not (np.isfinite(camera.focal_px) and camera.focal_px > 0):
            raise Fault(f"focal length {camera.focal_px}")
    with answered():
        shown = _blank(Metadata(exif=data))
        subject_of(shown)
        told_region(shown)
        json_line(describe(shown))


def _values(block: exif_block.Exif, directory: str) -> set[tuple[int, int, int, bytes]]:
    """The entries of the types that EXIF defines; pointers and those of BigTIFF may go."""
    entries = getattr(block, directory).items()
    return {(tag, *entry[:3]) for tag, entry in entries if entry.kind <= 12}


def packet(data: bytes, folder: Path | None = None) -> None:
    """An XMP packet: what it tells, and all that is ever changed in one. What was XML stays so."""
    with answered():
        readable = xmp.parsed(data) is not None
        facts = {"model": "embedded", "weights_sha256": "ab" * 32}
        changed = {
            "stamped": xmp.stamped(data, facts),
            "upright": xmp.upright(data, 40, 30),
            "turned": regions.turned(data, 6, 40, 30),
            "noted": noted(data, "bokeh f_number=1.8"),
            "without location": stripped_xmp(data),
            "without payloads": xmp.without_payloads(data),
        }
        for name, made in changed.items():
            if readable and xmp.parsed(made) is None and made:
                raise Fault(f"no XML any more: {name}")
        stamped = changed["stamped"]
        if stamped != data and set(xmp.read_stamp(stamped).values()) != set(facts.values()):
            raise Fault("what was put into the packet cannot be read from it")
    shown = _blank(Metadata(xmp=data, format="JPEG", orientation=1 + zlib.crc32(data) % 8))
    with answered():
        told_region(shown)
        json_line(describe(shown))


def profile(data: bytes, folder: Path | None = None) -> None:
    """An ICC profile: from codes to light, and back where that is asked for."""
    codes = np.linspace(0, 255, 4 * 3 * 64).astype(np.uint8).reshape(3, 64, 4)
    for meant, channels in ((False, codes[..., :3]), (True, codes[..., 0])):
        with answered():
            space: ColourSpace = colour_space(data, exif_block.Exif(), meant)
            pixels = space.decode(np.ascontiguousarray(channels))
            if pixels.shape != (3, 64, 3) or not np.isfinite(pixels).all():
                raise Fault(f"codes become {pixels.shape} pixels, not all finite")
            if space.encode(pixels, 16).shape != channels.shape:
                raise Fault("pixels become codes of another shape")
    with answered():
        if not np.isfinite(cmyk_space(data).decode(codes)).all():
            raise Fault("inks become pixels that are not finite")


def recipe(data: bytes, folder: Path | None = None) -> None:
    """A recipe's text."""
    from depthfx.recipe import from_toml, to_toml

    with answered():
        chain = from_toml(data.decode("utf-8", "replace"))
        from_toml(to_toml(chain))


TARGETS: dict[str, Callable[[bytes, Path | None], None]] = {
    "photo": photo,
    "exif": exif,
    "xmp": packet,
    "profile": profile,
    "recipe": recipe,
}
