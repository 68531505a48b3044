"""A file's colour signal <-> linear light in sRGB primaries.

Every profile is asked what it means through Little CMS, at 16 bits and in floating
point, and then used in the cheapest form that says the same: one curve a channel and
a 3 x 3 matrix for nearly all photos, the profile itself where it holds a lookup table
(`lut_space`). Nothing is clipped on the way to linear light, so a colour outside sRGB has a
component below 0 or above 1 and finds its way back.

ICC.1:2022 (profiles, D50 connection space); IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from depthfx import machine
from depthfx.errors import PhotoError
from depthfx.photo.exif import Exif, Tag
from depthfx.photo.photo import Pixels
from depthfx.photo.stored import Codes

Floats = NDArray[np.float64]

Chromaticities = tuple[
    tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]
]
"""CIE 1931 x, y of red, green, blue and white."""

D65 = (0.3127, 0.3290)
D50_XYZ = np.array([0xF6D6, 0x10000, 0xD32D]) / 65536
"""White of the connection space of ICC profiles, in the digits that they carry themselves
(ICC.1:2022, 7.2.16), so that their white is exactly 1."""

SRGB: Chromaticities = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)

SIGNALS = 65536
"""A curve is sampled at every 16-bit signal; each 257th sample is an 8-bit signal."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear light of the sRGB primaries (IEC 61966-2-1)."""

SAME_PRIMARIES = 5e-4
"""Largest difference from the unit matrix of one that is left out: a twentieth of an 8-bit code."""

FARTHEST_PRIMARY = 4.0
"""Of X, Y and Z, white being 1; those of ProPhoto, which lie outside all colours, are below 1."""

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


class Decoding(Protocol):
    """What the codes of a file mean."""

    def decode(self, codes: Codes) -> Pixels:
        """(H, W), (H, W, 3) or CMYK (H, W, 4) codes -> (H, W, 3) float32 linear sRGB, unclipped.

        Codes are uint8 or uint16 over the full range, or float32 with 1.0 for the largest.
        """


class ColourSpace(Decoding, Protocol):
    """What codes mean that light can be turned into again."""

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        """(H, W, 3) linear sRGB -> the nearest codes, clipped to what the space holds.

        bit_depth : 8, 9 to 16, or 32 for floating point, which is not clipped

        The levels of that depth, spread over the full range of uint8 or uint16; or float32.
        """


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
        if codes.dtype.kind == "f":
            light_of = self._float_curves(invert=False)
        else:
            step = 257 if codes.dtype == np.uint8 else 1
            light_of = _lookup(self.curves[::step].astype(np.float32))

        def strip(rows: slice) -> None:
            linear = light_of(codes[rows])
            if self.grey:
                cv2.cvtColor(linear, cv2.COLOR_GRAY2RGB, dst=pixels[rows])
            elif self.matrix is None:
                pixels[rows] = linear
            else:
                cv2.transform(linear, self.matrix, dst=pixels[rows])

        by_strips(strip, pixels)
        return pixels

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        inverse = None if self.matrix is None else np.linalg.inv(self.matrix)
        code_of, dtype = self._coder(bit_depth)
        codes = np.empty(pixels.shape[:2] if self.grey else pixels.shape, dtype)

        def strip(rows: slice) -> None:
            linear: Any = pixels[rows, :, 1] if self.grey else pixels[rows]
            if inverse is not None:
                linear = cv2.transform(linear, inverse)
            if inverse is not None and bit_depth > 8:
                # What float32 cannot tell from zero beside the strongest component was
                # zero; steep curves would make codes of it.
                red, green, blue = cv2.split(np.abs(pixels[rows]))
                strongest = np.maximum(np.maximum(red, green), blue)
                linear *= np.abs(linear) >= (FLOAT32_ROUNDING * strongest)[..., None]
            codes[rows] = code_of(linear)

        by_strips(strip, pixels)
        return codes

    def _coder(self, bit_depth: int) -> tuple[Callable[[Pixels], Codes], Any]:
        """Function from the space's linear light to codes, and their type."""
        if bit_depth == 32:
            return self._float_curves(invert=True), np.float32
        entries = 1 << (16 if bit_depth == 8 else 20)
        tables = [_inverse_table(curve, bit_depth, entries) for curve in self.curves.T]
        code_of = _lookup(np.stack(tables, axis=1))
        return lambda linear: code_of(_root_index(linear, entries)), tables[0].dtype

    def _float_curves(self, invert: bool) -> Callable[[Pixels], Pixels]:
        """Signal to light in floating point, or back, going on beyond 0 and 1."""
        curves = [UnboundedCurve.of(curve) for curve in self.curves.T]
        each = [curve.signal if invert else curve.light for curve in curves]
        if len(each) == 1:
            return each[0]
        return lambda values: np.stack([f(values[..., c]) for c, f in enumerate(each)], axis=-1)


@dataclass(frozen=True, eq=False)
class UnboundedCurve:
    """A curve for floating-point signals, which may be below 0 and above 1.

    Below 0 it is its own mirror image. Above 1 it goes on as light = ((x + offset) /
    (1 + offset))^gamma with the slope and bend that it has there, which is the curve itself
    where that is sRGB's, Rec. 709's, or a plain power.

    samples : (65536,) light of the signal i / 65535; None: light is the signal.
    """

    samples: Floats | None
    gamma: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, curve: Floats) -> UnboundedCurve:
        signal = np.linspace(0, 1, SIGNALS)
        if np.abs(curve - signal).max() < 1e-6:
            return cls(None)
        # Of such a power, light / slope is the straight line (x + offset) / gamma.
        end = slice(3 * SIGNALS // 4, None)
        slope = np.gradient(curve, signal)[end]
        if slope.min() <= 0:
            return cls(curve)
        steepness, height = np.polyfit(signal[end], curve[end] / slope, 1)
        if steepness <= 0 or height <= -0.5 * steepness:
            return cls(curve, float(slope[-1] / curve[-1]))
        return cls(curve, float(1 / steepness), float(height / steepness))

    def light(self, signal: Pixels) -> Pixels:
        if self.samples is None:
            return signal
        size = np.abs(signal)
        step = np.minimum(size, 1) * np.float64(SIGNALS - 1)
        below = np.minimum(np.nan_to_num(step), SIGNALS - 2).astype(np.int32)
        light = np.take(self.samples, below)
        light += (step - below) * (np.take(self.samples, below + 1) - light)
        beyond = size > 1
        light[beyond] = (
            self.samples[-1] * ((size[beyond] + self.offset) / (1 + self.offset)) ** self.gamma
        )
        return np.copysign(light, signal).astype(np.float32)

    def signal(self, light: Pixels) -> Pixels:
        """The inverse of `light`."""
        if self.samples is None:
            return light
        size = np.abs(light)
        signal = np.interp(size, self.samples, np.linspace(0, 1, SIGNALS))
        beyond = size > self.samples[-1]
        signal[beyond] = (size[beyond] / self.samples[-1]) ** (1 / self.gamma) * (
            1 + self.offset
        ) - self.offset
        return np.copysign(signal, light).astype(np.float32)


@dataclass(frozen=True, eq=False)
class LinearSpace:
    """Codes that are linear light already.

    matrix : (3, 3) float64 from their primaries to linear sRGB; None where they are the same.
    """

    matrix: Floats | None = None

    def decode(self, codes: Codes) -> Pixels:
        """As in `ColourSpace`; float32 RGB codes in sRGB primaries are handed on uncopied."""
        if codes.dtype == np.float32 and codes.ndim == 3 and self.matrix is None:
            return codes
        pixels = np.empty((*codes.shape[:2], 3), np.float32)
        white = 1.0 if codes.dtype.kind == "f" else 1 / np.iinfo(codes.dtype).max

        def strip(rows: slice) -> None:
            linear = np.multiply(codes[rows], np.float32(white), dtype=np.float32)
            if codes.ndim == 2:
                cv2.cvtColor(linear, cv2.COLOR_GRAY2RGB, dst=pixels[rows])
            elif self.matrix is None:
                pixels[rows] = linear
            else:
                cv2.transform(linear, self.matrix, dst=pixels[rows])

        by_strips(strip, pixels)
        return pixels

    def encode(self, pixels: Pixels, bit_depth: int) -> Codes:
        ramp = np.linspace(0, 1, SIGNALS)[:, None]
        return CurveSpace(ramp, self.matrix).encode(pixels, bit_depth)


def linear_space(matrix: Floats) -> LinearSpace:
    """The space of linear codes whose primaries `matrix` (3, 3) takes to linear sRGB."""
    return LinearSpace(None if np.abs(matrix - np.eye(3)).max() < SAME_PRIMARIES else matrix)


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
    if not grey and names_adobe_rgb(exif):
        return _adobe_rgb_space()
    return srgb_space(grey)


def names_adobe_rgb(exif: Exif) -> bool:
    """Whether EXIF says that colours are those of Adobe RGB."""
    index = exif.interop.get(Tag.INTEROP_INDEX)
    named = exif.number(exif.photo, Tag.COLOR_SPACE)
    # DCF 2.0: "R03" is the optional colour space, Adobe RGB, unless ColorSpace says sRGB. Some
    # cameras have a number of their own for it, 2.
    optional = index is not None and index.data.startswith(b"R03")
    return named == 2 or (optional and named != 1)


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
    kind = profile_kind(icc, ("GRAY", "RGB") if grey else ("RGB",))
    ramp = np.linspace(0, 1, SIGNALS)
    if grey:
        signal, form = (
            (ramp[None], "gray") if kind == "GRAY" else (np.stack([ramp] * 3, axis=-1)[None], "rgb")
        )
        curve = to_xyz(icc, signal, form)[0, :, 1]
        return CurveSpace(_usable(_at_full_precision(curve, icc, b"kTRC")[:, None]), grey=True)
    space = _curves_and_matrix(icc, ramp)
    if space is None:
        from depthfx.photo.lut_space import LutSpace

        return LutSpace.of(icc)
    return space


def profile_kind(icc: bytes, wanted: tuple[str, ...]) -> str:
    """What codes an ICC profile is for, one of `wanted`: GRAY, RGB, CMYK.

    Raises PhotoError, in words that fit after "ICC profile", if it is for none of them.
    """
    if len(icc) < 132 or icc[36:40] != b"acsp":
        raise PhotoError("is not an ICC profile")
    kind = icc[16:20].decode("latin-1").strip()
    if kind not in wanted:
        named = kind if kind.isalnum() else "unknown"
        raise PhotoError(f"is for {named} pictures, not for {wanted[0]} ones")
    return kind


def _curves_and_matrix(icc: bytes, ramp: Floats) -> CurveSpace | None:
    """The profile as curves and matrix, or None if it is not additive."""
    single = np.zeros((3, SIGNALS, 3))
    for channel in range(3):
        single[channel, :, channel] = ramp
    xyz = to_xyz(icc, single, "rgb")
    primaries = xyz[:, -1].T
    strongest = np.abs(primaries).argmax(axis=0)
    peaks = primaries[strongest, range(3)]
    if not (
        np.isfinite(xyz).all()
        and (np.abs(peaks) > 1e-6).all()
        and abs(np.linalg.det(primaries)) > 1e-9
    ):
        raise PhotoError("has primaries that span no colours")
    if np.abs(primaries).max() > FARTHEST_PRIMARY:
        raise PhotoError("has primaries far brighter than white")
    curves = np.stack([xyz[c, :, strongest[c]] / peaks[c] for c in range(3)], axis=1)
    mixed = np.random.default_rng(1).integers(0, SIGNALS, (1, 512, 3))
    mixed[0, 0] = 0
    summed = np.take_along_axis(curves, mixed[0], axis=0) @ primaries.T
    if np.abs(summed - to_xyz(icc, ramp[mixed], "rgb")[0]).max() > 2e-5:
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
    same = np.abs(matrix - np.eye(3)).max() < SAME_PRIMARIES
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
            if len(table) < 2:
                return curve
            exact = np.interp(np.linspace(0, 1, SIGNALS), np.linspace(0, 1, len(table)), table)
            return exact if np.abs(exact - curve).max() < 5e-5 else curve
    return curve


def _usable(curves: Floats) -> Floats:
    """`curves`, made to rise throughout, as the way back needs it."""
    if not np.isfinite(curves).all() or curves[-1].min() <= curves[0].max():
        raise PhotoError("has a tone curve that does not rise")
    return np.maximum.accumulate(curves, axis=0)


def _inverse_table(curve: Floats, bit_depth: int, entries: int) -> Codes:
    """Codes of the light (i / (entries - 1))^2 for i = 0..entries - 1.

    Over the square root of light the usual curves are close to straight lines, so even
    steps there are fine enough everywhere: 256 steps a code for 8 bits and 16 for 16.
    """
    levels = (1 << bit_depth) - 1
    light = np.linspace(0, 1, entries) ** 2
    level = np.floor(np.interp(light, curve, np.linspace(0, levels, SIGNALS)) + 0.5)
    if bit_depth == 8:
        return level.astype(np.uint8)
    return (level * (65535 / levels) + 0.5).astype(np.uint16)


def _root_index(linear: Pixels, entries: int) -> NDArray[Any]:
    """Where light, clipped to 0..1, is found in an `_inverse_table`."""
    # NaN is not above zero, so it ends as black.
    _, share = cv2.threshold(linear, 0, 0, cv2.THRESH_TOZERO)
    cv2.threshold(share, 1, 1, cv2.THRESH_TRUNC, dst=share)
    cv2.sqrt(share, dst=share)
    kind = cv2.CV_16U if entries <= SIGNALS else cv2.CV_32S
    return cv2.addWeighted(share, entries - 1, share, 0, 0, dtype=kind)


def _lookup(columns: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Function that looks whole numbers up in the only column, or each channel in its own."""
    single = columns.shape[1] == 1
    if len(columns) <= SIGNALS:
        table = columns[:, 0].copy() if single else columns[None].copy()
        return lambda index: cv2.LUT(index, table)
    tables = columns.T.copy()
    if single:
        return lambda index: np.take(tables[0], index, mode="clip")
    return lambda index: np.stack(
        [np.take(table, index[..., c], mode="clip") for c, table in enumerate(tables)], axis=-1
    )


def by_strips(work: Callable[[slice], None], picture: NDArray[Any]) -> None:
    """Do `work` on every strip of `picture`, on all cores; no two strips share a row."""
    with machine.pool() as threads:
        for _ in threads.map(work, strips(picture)):
            pass


def strips(picture: NDArray[Any]) -> Iterator[slice]:
    """Slices of whole rows that go through `picture` (H, W, ...) from top to bottom."""
    height, width = picture.shape[:2]
    step = max(1, STRIP_PIXELS // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def primaries_to_xyz(primaries: Chromaticities) -> Floats:
    """(3, 3) from linear light in these primaries to XYZ relative to D50."""
    columns = np.stack([_xyz(x, y) for x, y in primaries[:3]], axis=1)
    return adapted_to_d50(primaries[3]) @ (columns * luminance_of(primaries))


def luminance_of(primaries: Chromaticities) -> Floats:
    """(3,) luminance of linear light 1 of each primary, that of white being 1."""
    columns = np.stack([_xyz(x, y) for x, y in primaries[:3]], axis=1)
    weights: Floats = np.asarray(np.linalg.solve(columns, _xyz(*primaries[3])), np.float64)
    return weights


def adapted_to_d50(white: tuple[float, float]) -> Floats:
    """(3, 3) of the linear Bradford adaptation from this white (ICC.1:2022, annex E)."""
    bradford = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    gains = (bradford @ D50_XYZ) / (bradford @ _xyz(*white))
    return np.linalg.inv(bradford) @ np.diag(gains) @ bradford


def _xyz(x: float, y: float) -> Floats:
    return np.array([x / y, 1.0, (1 - x - y) / y])


SRGB_TO_XYZ = primaries_to_xyz(SRGB)
XYZ_TO_SRGB = np.linalg.inv(SRGB_TO_XYZ)


def finite(codes: Codes) -> tuple[Codes, int]:
    """`codes` without NaN and infinity, and how many of them there were.

    NaN becomes 0, an infinity the largest or smallest finite value of the picture.
    """
    if codes.dtype.kind != "f":
        return codes, 0
    with np.errstate(invalid="ignore"):  # of infinities of both signs
        if np.isfinite(codes.sum(dtype=np.float64)):
            return codes, 0
    bad, low, high = 0, np.inf, -np.inf
    for rows in strips(codes):
        good = codes[rows][np.isfinite(codes[rows])]
        bad += codes[rows].size - good.size
        low, high = float(good.min(initial=low)), float(good.max(initial=high))
    low, high = (low, high) if low <= high else (0.0, 0.0)
    whole = np.empty_like(codes)
    for rows in strips(codes):
        whole[rows] = np.nan_to_num(codes[rows], nan=0.0, posinf=high, neginf=low)
    return whole, bad


def to_xyz(icc: bytes, signal: NDArray[Any], form: str) -> Floats:
    """XYZ relative to D50 of signals, by Little CMS; media-relative colorimetric.

    signal : (H, W) or (H, W, 3 or 4), whole numbers or float64 from 0 to 1
    form : "gray", "rgb" or "cmyk"
    """
    import imagecodecs

    try:
        xyz: Floats = imagecodecs.cms_transform(
            np.ascontiguousarray(signal),
            icc,
            imagecodecs.cms_profile("xyz"),
            colorspace=form,
            outcolorspace="xyz",
            outdtype=np.float64,
            intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
            flags=imagecodecs.CMS.FLAGS.NOOPTIMIZE | imagecodecs.CMS.FLAGS.NOCACHE,
        )
    except (imagecodecs.CmsError, ValueError, RuntimeError) as error:
        raise PhotoError(f"cannot be used ({error})") from error
    return xyz


def profile_name(icc: bytes) -> str:
    """The description that a profile gives of itself; "unnamed" if none can be read."""
    import io

    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        return "unnamed"
