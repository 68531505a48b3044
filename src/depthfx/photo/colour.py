"""A file's colour signal <-> linear light in sRGB primaries.

Every profile is asked what it means through Little CMS, at 16 bits and in floating
point, and then used in the cheapest form that says the same: one curve a channel and
a 3 x 3 matrix for nearly all photos, the profile itself where it holds a lookup table.
Nothing is clipped on the way to linear light, so a colour outside sRGB has a component
below 0 or above 1 and finds its way back.

ICC.1:2022 (profiles, D50 connection space); IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx.errors import PhotoError
from depthfx.photo.exif import Exif, Tag
from depthfx.photo.photo import Pixels
from depthfx.photo.stored import Codes

Floats = NDArray[np.float64]

SIGNALS = 65536
"""A curve is sampled at every 16-bit signal; each 257th sample is an 8-bit signal."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear light of the sRGB primaries (IEC 61966-2-1)."""

FLOAT32_ROUNDING = np.float32(2.0**-24)

STRIP_PIXELS = 1 << 17
"""A strip and its intermediate steps are a few megabytes: much smaller costs threads their
time, much larger the memory its own."""


def srgb_to_linear(signal: NDArray[Any]) -> NDArray[Any]:
    """The sRGB EOTF, IEC 61966-2-1: signal to linear light, both 1 at white.

    Any shape; float64 in gives float64, anything else float32. Not clipped; below zero
    the straight piece goes on. Undone by `linear_to_srgb`.
    """
    v = _float(signal)
    curved = np.power(
        (np.maximum(v, 0) + v.dtype.type(0.055)) / v.dtype.type(1.055), v.dtype.type(2.4)
    )
    return np.where(v <= 0.04045, v / v.dtype.type(12.92), curved)


def linear_to_srgb(linear: NDArray[Any]) -> NDArray[Any]:
    """The inverse of `srgb_to_linear`: linear light to signal, same shapes and types."""
    v = _float(linear)
    curved = v.dtype.type(1.055) * np.power(np.maximum(v, 0), v.dtype.type(1 / 2.4)) - v.dtype.type(
        0.055
    )
    return np.where(v <= 0.0031308, v * v.dtype.type(12.92), curved)


def _float(values: NDArray[Any]) -> NDArray[Any]:
    values = np.asarray(values)
    return values if values.dtype == np.float64 else values.astype(np.float32, copy=False)


class ColourSpace(Protocol):
    """What the codes of a file mean."""

    def decode(self, codes: Codes) -> Pixels:
        """(H, W) or (H, W, 3) codes -> (H, W, 3) float32 linear sRGB, not clipped."""

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        """(H, W, 3) linear sRGB -> the nearest codes, clipped to what the space holds."""


@dataclass(frozen=True, eq=False)
class CurveSpace:
    """One monotone curve a channel, then a matrix.

    curves : (65536, 1) or (65536, 3) float64, linear light of the signal i / 65535;
        one column serves all channels.
    matrix : (3, 3) float64 from the space's linear light to linear sRGB; None where
        they are the same.
    grey : the codes have one channel.
    """

    curves: Floats
    matrix: Floats | None = None
    grey: bool = False

    def decode(self, codes: Codes) -> Pixels:
        pixels = np.empty((*codes.shape[:2], 3), np.float32)
        step = 257 if codes.dtype == np.uint8 else 1
        tables = np.ascontiguousarray(self.curves[::step].T, np.float32)

        def strip(rows: slice) -> None:
            linear = _looked_up(tables, codes[rows])
            if self.grey:
                cv2.cvtColor(linear, cv2.COLOR_GRAY2RGB, dst=pixels[rows])
            elif self.matrix is None:
                pixels[rows] = linear
            else:
                cv2.transform(linear, self.matrix, dst=pixels[rows])

        by_strips(strip, pixels)
        return pixels

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        tables = np.stack([_inverse_table(curve, bit_depth) for curve in self.curves.T])
        inverse = None if self.matrix is None else np.linalg.inv(self.matrix)
        codes = np.empty(pixels.shape[:2] if self.grey else pixels.shape, tables.dtype)

        def strip(rows: slice) -> None:
            linear: Any = pixels[rows, :, 1] if self.grey else pixels[rows]
            if inverse is not None:
                linear = cv2.transform(linear, inverse)
            if inverse is not None and bit_depth == 16:
                # What float32 cannot tell from zero beside the strongest component was
                # zero; steep curves would make codes of it.
                strongest = np.abs(pixels[rows]).max(axis=2, keepdims=True)
                linear[linear < FLOAT32_ROUNDING * strongest] = 0
            # NaN is not above zero, so it ends as black.
            _, share = cv2.threshold(linear, 0, 0, cv2.THRESH_TOZERO)
            cv2.threshold(share, 1, 1, cv2.THRESH_TRUNC, dst=share)
            cv2.sqrt(share, dst=share)
            index = cv2.addWeighted(share, tables.shape[1] - 1, share, 0, 0, dtype=cv2.CV_32S)
            codes[rows] = _looked_up(tables, index)

        by_strips(strip, pixels)
        return codes


@dataclass(frozen=True, eq=False)
class ProfileSpace:
    """A profile that is more than curves and a matrix, used as it is, strip by strip."""

    icc: bytes

    def decode(self, codes: Codes) -> Pixels:
        pixels = np.empty(codes.shape, np.float32)

        def strip(rows: slice) -> None:
            pixels[rows] = _to_xyz(self.icc, codes[rows], "rgb") @ XYZ_TO_SRGB.T

        by_strips(strip, pixels)
        return pixels

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        codes = np.empty(pixels.shape, np.uint8 if bit_depth == 8 else np.uint16)

        def strip(rows: slice) -> None:
            xyz = pixels[rows].astype(np.float64) @ SRGB_TO_XYZ.T
            codes[rows] = _from_xyz(self.icc, xyz, codes.dtype)

        by_strips(strip, pixels)
        return codes


@cache
def srgb_space(grey: bool = False) -> CurveSpace:
    """sRGB: what is assumed of a file that says nothing."""
    return CurveSpace(srgb_to_linear(np.linspace(0, 1, SIGNALS))[:, None], grey=grey)


def colour_space(icc: bytes, exif: Exif, grey: bool) -> ColourSpace:
    """What the codes of a file mean by its profile, else by its EXIF, else sRGB.

    Raises PhotoError as `profile_space` does.
    """
    if icc:
        return profile_space(icc, grey)
    index = exif.interop.get(Tag.INTEROP_INDEX)
    # DCF 2.0: "R03" is the optional colour space, Adobe RGB, unless ColorSpace says sRGB.
    optional = index is not None and index.data.startswith(b"R03")
    if optional and not grey and exif.number(exif.photo, Tag.COLOR_SPACE) != 1:
        return _adobe_rgb_space()
    return srgb_space(grey)


@cache
def _adobe_rgb_space() -> ColourSpace:
    import imagecodecs

    return profile_space(imagecodecs.cms_profile("adobergb"), grey=False)


@lru_cache(maxsize=8)
def profile_space(icc: bytes, grey: bool) -> ColourSpace:
    """The colour space that an ICC profile describes.

    icc : the profile; grey : the codes to be read have one channel.
    Raises PhotoError, in words that fit after "ICC profile", if it is not a profile for
    such codes or is broken.
    """
    if len(icc) < 132 or icc[36:40] != b"acsp":
        raise PhotoError("is not an ICC profile")
    kind, ramp = icc[16:20], np.linspace(0, 1, SIGNALS)
    if kind not in ((b"GRAY", b"RGB ") if grey else (b"RGB ",)):
        raise PhotoError(
            f"is for {kind.decode('latin-1').strip()} pictures, "
            f"not for {'grey' if grey else 'RGB'} ones"
        )
    if grey:
        signal, form = (
            (ramp[None], "gray")
            if kind == b"GRAY"
            else (np.stack([ramp] * 3, axis=-1)[None], "rgb")
        )
        curve = _to_xyz(icc, signal, form)[0, :, 1]
        return CurveSpace(_usable(_at_full_precision(curve, icc, b"kTRC")[:, None]), grey=True)
    return _curves_and_matrix(icc, ramp) or ProfileSpace(icc)


def _curves_and_matrix(icc: bytes, ramp: Floats) -> CurveSpace | None:
    """The profile as curves and matrix, or None if it is not additive."""
    single = np.zeros((3, SIGNALS, 3))
    for channel in range(3):
        single[channel, :, channel] = ramp
    xyz = _to_xyz(icc, single, "rgb")
    primaries = xyz[:, -1].T
    strongest = np.abs(primaries).argmax(axis=0)
    peaks = primaries[strongest, range(3)]
    if not (
        np.isfinite(xyz).all()
        and (np.abs(peaks) > 1e-6).all()
        and abs(np.linalg.det(primaries)) > 1e-9
    ):
        raise PhotoError("has primaries that span no colours")
    curves = np.stack([xyz[c, :, strongest[c]] / peaks[c] for c in range(3)], axis=1)
    mixed = np.random.default_rng(1).integers(0, SIGNALS, (1, 512, 3))
    mixed[0, 0] = 0
    summed = np.take_along_axis(curves, mixed[0], axis=0) @ primaries.T
    if np.abs(summed - _to_xyz(icc, ramp[mixed], "rgb")[0]).max() > 2e-5:
        return None
    curves = np.stack(
        [
            _at_full_precision(curves[:, c], icc, tag)
            for c, tag in enumerate((b"rTRC", b"gTRC", b"bTRC"))
        ],
        axis=1,
    )
    matrix = XYZ_TO_SRGB @ primaries
    if np.ptp(curves, axis=1).max() < 1e-6:
        curves = curves[:, :1]
    # sRGB profiles differ in the last digits of their primaries. One that is within a
    # twentieth of an 8-bit code loses nothing, and gains exactness, by being sRGB.
    same = np.abs(matrix - np.eye(3)).max() < 5e-4
    return CurveSpace(_usable(curves), None if same else matrix)


def _at_full_precision(curve: Floats, icc: bytes, tag: bytes) -> Floats:
    """`curve`, or what the table in `tag` says between its samples, if there is one.

    Little CMS rounds a tabulated curve to 16 bits of light, which is a dozen 16-bit codes
    of signal in the shadows.
    """
    for place in range(132, 132 + 12 * min(int.from_bytes(icc[128:132], "big"), 100), 12):
        name, start, size = struct.unpack(">4sII", icc[place : place + 12])
        data = icc[start : start + size]
        if name == tag and data[:4] == b"curv" and len(data) > 16:
            table = np.frombuffer(data, ">u2", count=(len(data) - 12) // 2, offset=12) / 65535
            table = table[: int.from_bytes(data[8:12], "big")]
            exact = np.interp(np.linspace(0, 1, SIGNALS), np.linspace(0, 1, len(table)), table)
            return exact if np.abs(exact - curve).max() < 5e-5 else curve
    return curve


def _usable(curves: Floats) -> Floats:
    """`curves`, made to rise throughout, as the way back needs it."""
    if not np.isfinite(curves).all() or curves[-1].min() <= curves[0].max():
        raise PhotoError("has a tone curve that does not rise")
    return np.maximum.accumulate(curves, axis=0)


def _inverse_table(curve: Floats, bit_depth: int) -> Codes:
    """Codes of the light (i / (n - 1))^2 for i = 0..n - 1.

    Over the square root of light the usual curves are close to straight lines, so even
    steps there are fine enough everywhere: n is 256 steps a code for 8 bits and 16 for 16.
    """
    top = (1 << bit_depth) - 1
    light = np.linspace(0, 1, 1 << (16 if bit_depth == 8 else 20)) ** 2
    signal = np.interp(light, curve, np.linspace(0, top, SIGNALS))
    return (signal + 0.5).astype(np.uint8 if bit_depth == 8 else np.uint16)


def _looked_up(tables: NDArray[Any], index: NDArray[Any]) -> NDArray[Any]:
    """Channel c of `index` looked up in row c of `tables`, or all in the only row."""
    if index.dtype == np.uint8:
        return cv2.LUT(index, tables.T[None] if len(tables) > 1 else tables[0])
    if len(tables) == 1:
        return np.take(tables[0], index, mode="clip")
    return np.stack([np.take(t, index[..., c], mode="clip") for c, t in enumerate(tables)], -1)


def by_strips(work: Callable[[slice], None], picture: NDArray[Any]) -> None:
    """Do `work` on every strip of `picture`, on all cores; no two strips share a row."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(work, strips(picture)):
            pass


def strips(picture: NDArray[Any]) -> Iterator[slice]:
    """Slices of whole rows that go through `picture` (H, W, ...) from top to bottom."""
    height, width = picture.shape[:2]
    step = max(1, STRIP_PIXELS // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _bradford_srgb_to_xyz() -> Floats:
    """Linear sRGB to XYZ relative to D50, the connection space of ICC profiles."""
    white_d65, white_d50 = _xyz(0.3127, 0.3290), np.array([0.9642, 1.0, 0.8249])
    primaries = np.stack([_xyz(0.64, 0.33), _xyz(0.30, 0.60), _xyz(0.15, 0.06)], axis=1)
    primaries = primaries * np.linalg.solve(primaries, white_d65)
    bradford = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    gains = (bradford @ white_d50) / (bradford @ white_d65)
    return np.linalg.inv(bradford) @ np.diag(gains) @ bradford @ primaries


def _xyz(x: float, y: float) -> Floats:
    return np.array([x / y, 1.0, (1 - x - y) / y])


SRGB_TO_XYZ = _bradford_srgb_to_xyz()
XYZ_TO_SRGB = np.linalg.inv(SRGB_TO_XYZ)


def _to_xyz(icc: bytes, signal: NDArray[Any], space: str) -> Floats:
    return _transform(signal, icc, None, colorspace=space, outcolorspace="xyz", outdtype=np.float64)


def _from_xyz(icc: bytes, xyz: Floats, dtype: Any) -> Codes:
    return _transform(xyz, None, icc, colorspace="xyz", outcolorspace="rgb", outdtype=dtype)


def _transform(
    array: NDArray[Any], source: bytes | None, target: bytes | None, **form: Any
) -> NDArray[Any]:
    """Little CMS, media-relative, between a profile and D50 XYZ (None)."""
    import imagecodecs

    xyz = imagecodecs.cms_profile("xyz")
    try:
        result: NDArray[Any] = imagecodecs.cms_transform(
            np.ascontiguousarray(array),
            source or xyz,
            target or xyz,
            **form,
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE | imagecodecs.CMS.FLAGS.NOCACHE,
        )
    except (imagecodecs.CmsError, ValueError, RuntimeError) as error:
        raise PhotoError(f"cannot be used ({error})") from error
    return result


def profile_name(icc: bytes) -> str:
    """The description that a profile gives of itself; "unnamed" if none can be read."""
    import io

    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        return "unnamed"
