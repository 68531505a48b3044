"""The photo's own grain, put back where a blur has wiped it out.

A real lens blurs the light before the sensor adds its noise, so what is out of focus is as
grainy as the rest. A blur computed afterwards takes the noise away with the detail, and the
sharp parts look pasted on. Here the noise is measured on the flattest places of the photo and
new noise of the same kind is added, as much as the blur has removed.

Noise is measured and modelled on the square root of linear light, on which photon noise is the
same everywhere (F. J. Anscombe, Biometrika 35, 1948) and a camera's file is nearly so: its
standard deviation by brightness and channel, its correlation between channels, and its
correlation between neighbours, which demosaicing, noise reduction and JPEG make coarse. New
noise of that spectrum is made by filtering white noise (B. Galerne et al., "Random phase
textures", IEEE TIP 20(1), 2011).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from depthfx.depth import Plane, checked_plane
from depthfx.errors import ParameterError, ShapeError
from depthfx.photo.colour import by_strips

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

DEFAULT_STRENGTH = 1.0
"""Share of the lost standard deviation that is put back."""

JPEG_PX = 8
BLOCK_PX = 3 * JPEG_PX
"""Noise is measured in squares of three by three JPEG blocks, placed on the JPEG's grid."""

JPEG_STEPS = (3.0, 6.0)
"""Squared steps between JPEG blocks against those inside them: grain that went through a JPEG
has up to the first, from the second on all is the JPEG's own doing."""

CLIPPED = 0.95
"""Linear light from which on noise may be cut off."""

BLOCKS_A_SIDE = 44
"""At most this many squares in each direction are looked at."""

FLATTEST, FLAT, FLAT_SPREAD = 0.02, 0.1, 2.0
"""A square is flat if its variance is at most twice that of the flattest fiftieth as bright, and
a tenth of all have to be: pure noise varies less than that from square to square, while texture
has no such floor."""

BRIGHTNESSES = 8
"""Steps of the square root of light in which the noise is measured."""

FEWEST_BLOCKS = 12
"""A step of brightness with fewer squares says nothing of its own."""

PLENTY_OF_BLOCKS = 300
"""More squares say nothing new about correlations."""

LAG_PX = 4
"""Grain is taken to be correlated over no more than this; what reaches farther is texture."""

LONGEST_CORRELATION = 0.3
"""A square is texture if its values so far apart still have this correlation."""

MOST_NOISE = 0.04
"""What has a larger standard deviation, on the square root of light, is texture and no noise."""

SQUARES_PER_NOISE = 4.0
"""Share of all squares that has to be flat and of one brightness, per standard deviation: the
noisier a photo is said to be, the more of it must look alike. 0.005 asks for 2 %."""

SIGNAL_STEP = 1 / 255
"""Rounding to 8 bits is no grain, and less than a quarter of such a step cannot be seen."""

TILE_PX = (288, 275)
"""Sides of the two periodic noise tiles that are added: together they repeat after 79 200 px."""

LARGEST_DEVIATE = 3.0
"""Noise is cut off at so many standard deviations. It has to fit between a light and zero, so
longer tails would leave the shadows less of it."""

TABLE = 256
"""Steps of the tables of noise by the square root of light and by blur radius."""

LARGEST_RADIUS_PX = 16.0
"""What a blur of this radius leaves of the noise is next to nothing."""


@dataclass(frozen=True, eq=False)
class Grain:
    """The noise of a photo on the square root of linear light.

    deviation : (TABLE + 1, 3) standard deviation at the square roots 0, 1 / TABLE ... 1; none
        at white, which a sensor cannot pass
    colours : (3, 3) the noise of the channels, of deviation 1, is `colours` times three
        independent kinds
    correlation : (3, 2 * LAG_PX + 1, 2 * LAG_PX + 1) of each kind between neighbours, 1 in
        the middle
    """

    deviation: Floats
    colours: Floats
    correlation: Floats


def match_grain(
    blurred: Array,
    pixels: Array,
    radius_px: Plane,
    strength: float = DEFAULT_STRENGTH,
    seed: int = 0,
) -> Array:
    """`blurred` with as much of the photo's grain as the blur has taken away.

    blurred : (H, W, 3) float32, linear light, >= 0: `pixels` after the blur
    pixels : (H, W, 3) float32, linear light: the photo, from which the noise is measured
    radius_px : (H, W) float32 >= 0, radius in px of the disc that each pixel has become
    strength : 0..1, share of the lost standard deviation that is put back; 0 is the identity,
        the default is `DEFAULT_STRENGTH`
    seed : another seed gives other noise of the same kind; the same seed, the same noise

    Returns (H, W, 3) float32 >= 0 with the mean of `blurred`; where the radius is 0 it is
    `blurred`, bit for bit. A photo without noise gives back the very object `blurred`. Raises
    ShapeError if the arrays do not fit each other, ParameterError if `strength` is outside 0..1.
    """
    for name, picture in (("pixels", pixels), ("blurred", blurred)):
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.float32:
            raise ShapeError(
                f"{name} must be (H, W, 3) float32, got {picture.shape} {picture.dtype}"
            )
    if blurred.shape != pixels.shape:
        raise ShapeError(f"blurred is {blurred.shape}, but pixels are {pixels.shape}")
    checked_plane("radius_px", radius_px, pixels.shape[:2])
    if not 0 <= strength <= 1:
        raise ParameterError(f"grain strength={strength} is outside 0 to 1")
    if strength == 0 or not radius_px.size or radius_px.max() <= 0:
        return blurred
    grain = measure_grain(pixels)
    if grain is None:
        return blurred
    square_root = np.arange(TABLE + 1)[:, None] / TABLE
    deviation = (strength * 2 * square_root * grain.deviation).astype(np.float32)
    lost = np.sqrt(1 - _variance_left(grain)).astype(np.float32)
    random = np.random.default_rng(seed)
    tiles = [_noise_tile(grain, side, random) for side in TILE_PX]
    largest = np.float32(sum(np.abs(tile).max() for tile in tiles))
    out = np.empty_like(blurred)

    def strip(rows: slice) -> None:
        _add_noise(
            blurred[rows], radius_px[rows], rows.start, deviation, lost, *tiles, largest, out[rows]
        )

    by_strips(strip, out)
    return out


def measure_grain(pixels: Array) -> Grain | None:
    """The noise of `pixels` (H, W, 3) float32, linear light; None if there is none to be seen.

    Looks at the flattest squares only, less a slope of brightness. What JPEG does is told
    from grain by the jumps at the edges of its blocks.
    """
    blocks = _blocks(pixels)
    if len(blocks) < FEWEST_BLOCKS:
        return None
    noise = _without_slope(blocks)
    flat = np.flatnonzero(_flat_blocks(blocks, noise))
    if not len(flat):
        return None
    noise, levels = noise[flat], blocks[flat].mean((2, 3))
    deviation = np.stack([_deviation(levels[:, c], noise[:, c]) for c in range(3)], 1)
    deviation *= math.sqrt(_share_of_grain(noise))
    if deviation.max() < SIGNAL_STEP / 4:
        return None
    colours, kinds = _colours(noise[:: len(flat) // PLENTY_OF_BLOCKS + 1])
    return Grain(deviation, colours, np.stack([_correlation(kinds[:, k]) for k in range(3)]))


def _blocks(pixels: Array) -> Array:
    """(N, 3, BLOCK_PX, BLOCK_PX) square roots of light in squares spread over the photo."""
    height, width = pixels.shape[:2]
    if min(height, width) < BLOCK_PX:
        return np.empty((0, 3, BLOCK_PX, BLOCK_PX), np.float32)

    def starts(length: int) -> NDArray[np.intp]:
        places = (length - BLOCK_PX) // JPEG_PX + 1
        return JPEG_PX * np.unique(np.linspace(0, places - 1, BLOCKS_A_SIDE).astype(np.intp))

    windows = sliding_window_view(pixels, (BLOCK_PX, BLOCK_PX), axis=(0, 1))
    chosen = windows[np.ix_(starts(height), starts(width))]
    return np.sqrt(np.maximum(chosen, 0)).reshape(-1, 3, BLOCK_PX, BLOCK_PX)


def _without_slope(blocks: Array) -> Array:
    """`blocks` less the plane that fits each best, scaled for the freedom that this takes."""
    y, x = np.mgrid[:BLOCK_PX, :BLOCK_PX].reshape(2, -1) - (BLOCK_PX - 1) / 2
    planes = np.stack([np.ones_like(x), y, x])
    planes = (planes / np.linalg.norm(planes, axis=1, keepdims=True)).astype(np.float32)
    flat = blocks.reshape(-1, BLOCK_PX**2)
    noise = flat - (flat @ planes.T) @ planes
    noise *= np.float32(math.sqrt(1 / (1 - len(planes) / BLOCK_PX**2)))
    return np.asarray(noise.reshape(blocks.shape))


def _product(a: Array, b: Array) -> Array:
    """(N, 3) mean of a * b over each square, in each channel."""
    return np.einsum("ncyx,ncyx->nc", a, b) / (a.shape[2] * a.shape[3])


def _flat_blocks(blocks: Array, noise: Array) -> NDArray[np.bool_]:
    """(N,) which blocks hold nothing but noise.

    noise : `blocks` less their slopes
    """
    variance = _product(noise, noise).mean(1)
    far = np.maximum(
        _product(noise[:, :, LAG_PX:], noise[:, :, :-LAG_PX]),
        _product(noise[..., LAG_PX:], noise[..., :-LAG_PX]),
    ).mean(1)
    values = blocks.reshape(len(blocks), -1)
    inside = (values.min(1) > 0) & (values.max(1) < math.sqrt(CLIPPED))
    usable = inside & (far <= LONGEST_CORRELATION * variance)
    step = (values.mean(1) * BRIGHTNESSES).astype(int)
    flat = np.zeros_like(usable)
    for k in range(BRIGHTNESSES):
        of_step = usable & (step == k)
        if of_step.sum() < FEWEST_BLOCKS:
            continue
        floor, tenth = np.quantile(variance[of_step], (FLATTEST, FLAT))
        alike = of_step & (variance <= FLAT_SPREAD * floor)
        share = SQUARES_PER_NOISE * math.sqrt(tenth)
        if tenth <= min(FLAT_SPREAD * floor, MOST_NOISE**2) and alike.mean() >= share:
            flat |= alike
    return flat


def _deviation(level: Array, noise: Array) -> Floats:
    """(TABLE + 1,) standard deviation of the noise of flat blocks by the square root of light.

    level, noise : (N,) and (N, BLOCK_PX, BLOCK_PX), one channel
    """
    table = np.zeros(TABLE + 1)
    step = (level * BRIGHTNESSES).astype(int)
    used = np.unique(step)
    variance = np.array([np.square(noise[step == k]).mean() for k in used])
    variance = np.maximum(variance - SIGNAL_STEP**2 / 12, 0)
    # Texture in one step of brightness must not stand out from what the others tell.
    most = 2 * math.sqrt(np.quantile(variance, 0.25))
    table[:-1] = np.interp(
        np.arange(TABLE) / TABLE,
        [level[step == k].mean() for k in used],
        np.minimum(np.sqrt(variance), most),
    )
    return table


def _share_of_grain(noise: Array) -> float:
    """0..1, how much of the noise of aligned blocks is grain and not JPEG's own steps."""
    down = np.square(noise[:, :, 1:] - noise[:, :, :-1]).mean((0, 1, 3))
    right = np.square(noise[..., 1:] - noise[..., :-1]).mean((0, 1, 2))
    border = np.arange(1, BLOCK_PX) % JPEG_PX == 0
    across, inside = (float((down + right)[which].mean()) for which in (border, ~border))
    grain, none = JPEG_STEPS
    return min(max((none - across / max(inside, 1e-12)) / (none - grain), 0.0), 1.0)


def _colours(noise: Array) -> tuple[Floats, Array]:
    """How the channels' noise hangs together: `Grain.colours`, and the kinds (N, 3, y, x)."""
    scale = np.maximum(np.sqrt(np.square(noise).mean((0, 2, 3))), np.float32(1e-9))
    noise = noise / scale[:, None, None]
    share, axes = np.linalg.eigh(np.einsum("nayx,nbyx->ab", noise, noise) / noise[:, 0].size)
    kinds = np.tensordot(noise, axes.astype(np.float32), (1, 0))
    return axes * np.sqrt(np.maximum(share, 0)), np.moveaxis(kinds, -1, 1)


def _correlation(kind: Array) -> Floats:
    """(2 * LAG_PX + 1, 2 * LAG_PX + 1) correlation of one kind of noise with its neighbours.

    kind : (N, BLOCK_PX, BLOCK_PX)
    """
    lags = np.arange(-LAG_PX, LAG_PX + 1)
    size = 2 * BLOCK_PX  # room for lags without wrapping round
    power = (np.abs(np.fft.rfft2(kind, (size, size))) ** 2).sum(0)
    product = np.fft.irfft2(power, (size, size))[np.ix_(lags, lags)]
    pairs = np.outer(BLOCK_PX - np.abs(lags), BLOCK_PX - np.abs(lags))
    # What fades to nothing at the last lag has a spectrum that is nearly positive.
    fade = 1 - (lags / (LAG_PX + 1)) ** 4
    correlation = product / pairs * np.outer(fade, fade)
    centre = correlation[LAG_PX, LAG_PX]
    if centre <= 1e-12 * len(kind):
        correlation[:], centre = 0, 1
        correlation[LAG_PX, LAG_PX] = 1
    return np.asarray(correlation / centre)


def _variance_left(grain: Grain) -> Floats:
    """(TABLE + 1,) share of the noise's variance that discs of rising radius leave.

    It is the sum over the noise's correlation of the kernel's correlation with itself: for
    two discs of radius r and area 1, the overlap at that distance.
    """
    mixed = (grain.colours**2).mean(0)
    correlation = np.einsum("k,kyx->yx", mixed / mixed.sum(), grain.correlation)
    lags = np.arange(-LAG_PX, LAG_PX + 1)
    distance = np.hypot(*np.meshgrid(lags, lags))
    radius = np.linspace(0, LARGEST_RADIUS_PX, TABLE + 1)
    wide = np.maximum(radius, 1)[:, None, None]
    half = np.minimum(distance / (2 * wide), 1)
    overlap = 2 / math.pi * (np.arccos(half) - half * np.sqrt(1 - half**2))
    left = np.clip((correlation * overlap / (math.pi * wide**2)).sum((1, 2)), 0, 1)
    # A disc within a pixel is drawn as a mixture of that pixel and a disc of radius 1.
    mixture = np.minimum(radius, 1) ** 2
    return np.asarray(np.where(radius < 1, (1 - mixture + mixture * np.sqrt(left)) ** 2, left))


def _noise_tile(grain: Grain, side: int, random: np.random.Generator) -> Array:
    """(side, side, 3) periodic noise of mean 0; two such tiles add up to deviation 1."""
    around = np.zeros((3, side, side), np.float32)
    lags = np.arange(-LAG_PX, LAG_PX + 1)
    around[:, lags[:, None], lags] = grain.correlation
    spectrum = np.maximum(np.fft.rfft2(around).real, 0)
    white = np.fft.rfft2(random.standard_normal((3, side, side), np.float32))
    kinds = np.fft.irfft2(white * np.sqrt(spectrum), (side, side))
    tile = np.moveaxis(np.tensordot(grain.colours, kinds, 1), 0, -1)
    deviation = np.maximum(tile.std((0, 1)), 1e-9)
    tile = np.clip(tile / deviation, -LARGEST_DEVIATE, LARGEST_DEVIATE)
    tile = (tile - tile.mean((0, 1))) / np.maximum(tile.std((0, 1)), 1e-9) / math.sqrt(2)
    return np.asarray(tile, np.float32)


@njit(cache=True, nogil=True)
def _add_noise(
    blurred: Array,
    radius_px: Array,
    top: int,
    deviation: Array,
    lost: Array,
    first: Array,
    second: Array,
    largest: np.float32,
    out: Array,
) -> None:
    """Rows of the result.

    top : which row of the picture the first of these is
    deviation : (TABLE + 1, 3) of linear light, by its square root
    lost : (TABLE + 1,) share of the deviation that a blur takes, by radius
    first, second, largest : the tiles, and what their sum never exceeds
    """
    steps, zero, one = np.float32(TABLE), np.float32(0), np.float32(1)
    per_px = np.float32(TABLE / LARGEST_RADIUS_PX)
    for y in range(blurred.shape[0]):
        one_row, other_row = first[(y + top) % first.shape[0]], second[(y + top) % second.shape[0]]
        i, j = 0, 0
        for x in range(blurred.shape[1]):
            if radius_px[y, x] > 0:
                share = lost[int(min(radius_px[y, x] * per_px + np.float32(0.5), steps))]
                for c in range(3):
                    # Written so that NaN counts as black: it may not choose an entry.
                    light = blurred[y, x, c] if blurred[y, x, c] > 0 else zero
                    noise = share * deviation[int(math.sqrt(min(light, one)) * steps), c]
                    # Its mean is kept, so it may be no larger than the light itself.
                    noise = min(noise, light / largest)
                    out[y, x, c] = blurred[y, x, c] + noise * (one_row[i, c] + other_row[j, c])
            else:
                for c in range(3):
                    out[y, x, c] = blurred[y, x, c]
            i, j = i + 1, j + 1
            if i == first.shape[1]:
                i = 0
            if j == second.shape[1]:
                j = 0
