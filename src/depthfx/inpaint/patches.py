"""Patches: finding for each place the patch elsewhere that looks most alike, and what it shows.

A field of matches holds, for the centre of each patch that touches a hole, the centre of the patch
it is matched with. Good matches are found by passing on those of neighbours and by trying others
at random; colours are the votes of all patches that cover a pixel.

C. Barnes et al., "PatchMatch: a randomized correspondence algorithm for structural image editing",
SIGGRAPH 2009; Y. Wexler, E. Shechtman, M. Irani, "Space-time completion of video", PAMI 29(3),
2007.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Matches = NDArray[np.int32]

REACH = 3
"""Patches are 7 x 7 pixels: from so far left of their centre to so far right of it."""

UNTOLD = np.float32(1e30)
NEARER, NEARER_COST = np.float32(0.015), np.float32(1e5)
"""In the fourth channel, depth: so much nearer than the hole a patch may lie, a seventh of its
distance; and how what is beyond that counts, more than any colours."""


@njit(cache=True, nogil=True, fastmath=True)
def _unlikeness(
    look: Array,
    trust: Array,
    y: int,
    x: int,
    v: int,
    u: int,
    enough: np.float32,
) -> np.float32:
    """Weighted sum of squared differences of the patches at (y, x) and (v, u), or more than
    `enough` if it is."""
    # What lies nearer never goes on behind what hides it.
    nearer = max(look[v, u, 3] - look[y, x, 3] - NEARER, np.float32(0))
    total = NEARER_COST * nearer * nearer
    for j in range(-REACH, REACH + 1):
        for i in range(-REACH, REACH + 1):
            part = np.float32(0)
            for c in range(4):
                step = look[y + j, x + i, c] - look[v + j, u + i, c]
                part += step * step
            total += trust[y + j, x + i] * part
        if total > enough:
            return total
    return total


@njit(cache=True, nogil=True)
def _mixed(state: np.uint32) -> np.uint32:
    """The next of a row of numbers that look random (G. Marsaglia's xorshift, 2003)."""
    state ^= np.uint32(state << np.uint32(13))
    state ^= np.uint32(state >> np.uint32(17))
    state ^= np.uint32(state << np.uint32(5))
    return state


@njit(cache=True, nogil=True)
def first_matches(
    look: Array,
    trust: Array,
    allowed: Mask,
    centres: Matches,
    sources: Matches,
    tries: int,
    matches: Matches,
    cost: Array,
) -> None:
    """A match for each of `centres`, one after the other, each then painted by it.

    look : (h, w, 4) float32, painted in place; trust : (h, w) float32, 0 where nothing is known
        yet, set to 1 where painted; centres : (n, 2), from the rim of the hole inwards
    tries : how many of `sources` are looked at for each, beside what its neighbours have
    """
    height, width = allowed.shape
    state = np.uint32(88172645)
    for k in range(centres.shape[0]):
        y, x = centres[k]
        best = UNTOLD
        v, u = sources[0]
        for j in range(-1, 2):
            for i in range(-1, 2):
                if matches[y + j, x + i, 0] >= 0:
                    vn, un = matches[y + j, x + i, 0] - j, matches[y + j, x + i, 1] - i
                    if allowed[vn, un]:
                        found = _unlikeness(look, trust, y, x, vn, un, best)
                        if found < best:
                            best, v, u = found, vn, un
        every = tries >= sources.shape[0]
        for t in range(min(tries, sources.shape[0])):
            state = _mixed(state)
            m = t if every else np.int64(state % np.uint32(sources.shape[0]))
            found = _unlikeness(look, trust, y, x, sources[m, 0], sources[m, 1], best)
            if found < best:
                best, v, u = found, sources[m, 0], sources[m, 1]
        # Around the best of them, until nothing near it is better.
        moved = not every
        while moved:
            moved = False
            middle_v, middle_u = v, u
            for j in range(-2, 3):
                for i in range(-2, 3):
                    vn, un = middle_v + j, middle_u + i
                    if 0 <= vn < height and 0 <= un < width and allowed[vn, un]:
                        found = _unlikeness(look, trust, y, x, vn, un, best)
                        if found < best:
                            best, v, u, moved = found, vn, un, True
        matches[y, x, 0], matches[y, x, 1] = v, u
        cost[y, x] = best
        if trust[y, x] == np.float32(0):
            for c in range(3):
                look[y, x, c] = look[v, u, c]
            trust[y, x] = np.float32(1)


@njit(cache=True, nogil=True)
def better_matches(
    look: Array,
    trust: Array,
    allowed: Mask,
    centres: Matches,
    sources: Matches,
    matches: Matches,
    cost: Array,
    back: bool,
    tries: int,
    seed: int,
) -> None:
    """One pass over `centres`, in their order or backwards: `matches` and `cost` in place.

    allowed : (h, w) where a match may lie; sources : (m, 2), the same as a list
    tries : how many random places are looked at for each centre, nearer and nearer to its match;
        0: only what its neighbours have
    """
    count = centres.shape[0]
    height, width = allowed.shape
    step = 1 if back else -1
    state = np.uint32(seed * 2654435761 + 88172645)
    for n in range(count):
        k = count - 1 - n if back else n
        y, x = centres[k]
        v, u = matches[y, x]
        best = _unlikeness(look, trust, y, x, v, u, UNTOLD)
        for side in range(2):
            yn, xn = (y + step, x) if side else (y, x + step)
            if matches[yn, xn, 0] < 0:
                continue
            vn = matches[yn, xn, 0] + y - yn
            un = matches[yn, xn, 1] + x - xn
            if (vn != v or un != u) and allowed[vn, un]:
                found = _unlikeness(look, trust, y, x, vn, un, best)
                if found < best:
                    best, v, u = found, vn, un
        radius = max(height, width) >> 1
        for t in range(tries):
            state = _mixed(state)
            if t == 0:
                m = np.int64(state % np.uint32(sources.shape[0]))
                vn, un = sources[m]
            else:
                span = np.uint32(2 * radius + 1)
                vn = v + np.int64(state % span) - radius
                state = _mixed(state)
                un = u + np.int64(state % span) - radius
                radius = max(radius >> 1, 1)
                if vn < 0 or un < 0 or vn >= height or un >= width:
                    continue
            if allowed[vn, un]:
                found = _unlikeness(look, trust, y, x, vn, un, best)
                if found < best:
                    best, v, u = found, vn, un
        matches[y, x, 0], matches[y, x, 1] = v, u
        cost[y, x] = best


@njit(cache=True, nogil=True)
def vote(colours: Array, painted: Matches, matches: Matches, weight: Array, out: Array) -> None:
    """The weighted mean of what all patches over a pixel show there, for each of `painted`.

    colours : (h, w, 3) float32 and more channels; painted : (n, 2); weight : (h, w) float32 of the
        patch centred there; out : (n, 3) float32
    """
    height, width = weight.shape
    for k in range(painted.shape[0]):
        y, x = painted[k]
        whole = np.float32(0)
        red, green, blue = np.float32(0), np.float32(0), np.float32(0)
        for j in range(-REACH, REACH + 1):
            for i in range(-REACH, REACH + 1):
                if not (0 <= y + j < height and 0 <= x + i < width):
                    continue
                v, u = matches[y + j, x + i]
                if v < 0:
                    continue
                w = weight[y + j, x + i]
                whole += w
                red += w * colours[v - j, u - i, 0]
                green += w * colours[v - j, u - i, 1]
                blue += w * colours[v - j, u - i, 2]
        out[k, 0], out[k, 1], out[k, 2] = red / whole, green / whole, blue / whole


@njit(cache=True, nogil=True)
def draw(
    pixels: Array,
    hole: Mask,
    usable: Mask,
    matches: Matches,
    weight: Array,
    change: Array,
    doublings: int,
    reach: int,
    out: Array,
) -> None:
    """`hole` (H, W) of `out` (H, W, 3), linear light, from `pixels` of the same size.

    matches, weight : padded by REACH, of a picture `doublings` times half the size
    change : (h, w, 3) of that size, padded by REACH, added to encoded colours
    reach : the patches whose centres are so near in that picture vote
    """
    height, width = hole.shape
    size = 1 << doublings
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    sums = np.empty(3, np.float32)
    for y in range(height):
        for x in range(width):
            if not hole[y, x]:
                continue
            yc, xc = (y >> doublings) + REACH, (x >> doublings) + REACH
            whole = zero
            sums[:] = zero
            for j in range(-reach, reach + 1):
                for i in range(-reach, reach + 1):
                    if matches[yc + j, xc + i, 0] < 0:
                        continue
                    v = y + (matches[yc + j, xc + i, 0] - yc - j) * size
                    u = x + (matches[yc + j, xc + i, 1] - xc - i) * size
                    if not (0 <= v < height and 0 <= u < width and usable[v, u]):
                        continue
                    w = weight[yc + j, xc + i]
                    whole += w
                    for c in range(3):
                        sums[c] += w * pixels[v, u, c]
            # Where in the small picture the middle of this pixel lies.
            fy = (np.float32(y) + half) / np.float32(size) - half + np.float32(REACH)
            fx = (np.float32(x) + half) / np.float32(size) - half + np.float32(REACH)
            top, left = int(fy), int(fx)
            fy -= np.float32(top)
            fx -= np.float32(left)
            for c in range(3):
                more = (one - fy) * (
                    (one - fx) * change[top, left, c] + fx * change[top, left + 1, c]
                ) + fy * ((one - fx) * change[top + 1, left, c] + fx * change[top + 1, left + 1, c])
                seen = np.sqrt(max(sums[c], zero) / max(whole, np.float32(1e-20)))
                out[y, x, c] = max(seen + more, zero) ** 2


@njit(cache=True, nogil=True)
def shrink(
    pixels: Array, usable: Mask, inverse: Array, doublings: int, look: Array, share: Array
) -> None:
    """The mean encoded colour of what is usable in each cell of `look`, the mean of `inverse`,
    and the usable share.

    pixels : (H, W, 3) linear; look : (h, w, 4), cells of 2**doublings pixels a side
    """
    height, width = usable.shape
    size = 1 << doublings
    sums = np.empty(4, np.float32)
    for y in range(look.shape[0]):
        for x in range(look.shape[1]):
            count, all_ = 0, 0
            sums[:] = np.float32(0)
            for v in range(y * size, min(y * size + size, height)):
                for u in range(x * size, min(x * size + size, width)):
                    all_ += 1
                    sums[3] += inverse[v, u]
                    if usable[v, u]:
                        count += 1
                        for c in range(3):
                            sums[c] += np.sqrt(max(pixels[v, u, c], np.float32(0)))
            for c in range(3):
                look[y, x, c] = sums[c] / np.float32(max(count, 1))
            look[y, x, 3] = sums[3] / np.float32(max(all_, 1))
            share[y, x] = np.float32(count) / np.float32(size * size)


@njit(cache=True, nogil=True)
def finer_matches(
    coarse: Matches, centres: Matches, allowed: Mask, sources: Matches, matches: Matches
) -> None:
    """`matches` for `centres` of a picture twice the size of that of `coarse`.

    Each takes over the shift of the coarse centre under it or near it; where that leads to what is
    not allowed, a pixel beside it, or another's shift, or in the end any of `sources`.
    """
    for k in range(centres.shape[0]):
        y, x = centres[k]
        if not _take_over(coarse, allowed, y, x, matches):
            matches[y, x] = sources[(k * 7919) % sources.shape[0]]


@njit(cache=True, nogil=True)
def _take_over(coarse: Matches, allowed: Mask, y: int, x: int, matches: Matches) -> bool:
    # Both pictures are padded by REACH.
    middle_y, middle_x = (y - REACH) // 2 + REACH, (x - REACH) // 2 + REACH
    for ring in range(3):
        for yc in range(max(middle_y - ring, 0), min(middle_y + ring + 1, coarse.shape[0])):
            for xc in range(max(middle_x - ring, 0), min(middle_x + ring + 1, coarse.shape[1])):
                if max(abs(yc - middle_y), abs(xc - middle_x)) < ring or coarse[yc, xc, 0] < 0:
                    continue
                v = 2 * (coarse[yc, xc, 0] - yc) + y
                u = 2 * (coarse[yc, xc, 1] - xc) + x
                for n in range(9):
                    # The nine places there, the middle one first.
                    vn, un = v + (n + 4) % 9 // 3 - 1, u + (n + 4) % 9 % 3 - 1
                    if (
                        0 <= vn < allowed.shape[0]
                        and 0 <= un < allowed.shape[1]
                        and allowed[vn, un]
                    ):
                        matches[y, x, 0], matches[y, x, 1] = vn, un
                        return True
    return False
