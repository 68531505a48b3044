"""Layers as pictures in files: 16-bit PNG with straight alpha, in the codes of the photo's profile.

PNG holds alpha straight by definition (W3C, Portable Network Graphics, third edition, 4.3.1), so
that no program has to be told; its 16 bits keep what a linear master or a wide profile needs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthfx.depth import Plane
from depthfx.errors import ParameterError
from depthfx.layers.layers import Layer, Layers
from depthfx.photo.colour import ColourSpace, profile_space, srgb_space
from depthfx.photo.formats import png
from depthfx.photo.profiles import named_profile
from depthfx.photo.stored import Stored
from depthfx.photo.whole import written_whole

Codes16 = NDArray[np.uint16]
Progress = Callable[[float], object]

AT_A_TIME = 2
"""Layers under way together: a 12 MP layer takes 200 MB while it is packed."""
LONGEST_NAME_BYTES = 120
"""In UTF-8. File systems take 255, whole paths in Windows 260 characters."""
FORBIDDEN = '<>:"/\\|?*%~#'
"""Windows and macOS refuse the most of them; ExtendScript takes a % for the start of a code."""
DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
"""Windows opens these instead of a file, whatever the suffix."""


def nothing(_share: float) -> None:
    """The progress that nobody watches."""


def space_of(layers: Layers) -> tuple[ColourSpace, bytes]:
    """The space whose codes lie over each other to the photo, and the profile that names it.

    Raises ParameterError if the layers were cut to be laid over each other in linear light.
    """
    if layers.blend != "encoded":
        raise ParameterError(
            f"blend={layers.blend!r}: After Effects and Photoshop lay layers over each other in "
            "codes; cut them with blend='encoded'"
        )
    if layers.icc:
        return profile_space(layers.icc, grey=False), layers.icc
    return srgb_space(), named_profile("srgb")


def file_names(names: Iterable[str]) -> list[str]:
    """A file name without suffix for each name, in the same order.

    They differ also where case does not count, hold any letters (NFC), and are safe on Windows,
    macOS and in ExtendScript.
    """
    return unique([_safe(name) for name in names])


def unique(names: Iterable[str]) -> list[str]:
    """The same names; of those that are the same but for case, the later ones are numbered."""
    given = list(names)
    wanted = {_folded(name) for name in given}
    taken: set[str] = set()
    found = []
    for name in given:
        chosen, number = name, 2
        while _folded(chosen) in taken or (chosen != name and _folded(chosen) in wanted):
            chosen, number = f"{name} {number}", number + 1
        taken.add(_folded(chosen))
        found.append(chosen)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def one_line(name: str, otherwise: str = "Untitled") -> str:
    """A name as programs show it: NFC, no control characters, no space at its ends."""
    text = unicodedata.normalize("NFC", name)
    text = "".join(c if c.isprintable() or c == "\u200d" else " " for c in text).strip()
    return text or otherwise


def _safe(name: str) -> str:
    text = "".join("_" if c in FORBIDDEN else c for c in one_line(name))
    text = text.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore").rstrip(". ").lstrip(" .")
    if text.split(".")[0].strip().casefold() in DEVICES:
        text = f"_{text}"
    return text or "Untitled"


def codes_of(layer: Layer, space: ColourSpace) -> tuple[Codes16, Codes16]:
    """(h, w, 3) codes and (h, w) alpha of a layer, straight, over the full range of 16 bits."""
    alpha = np.rint(layer.alpha * np.float32(255)).astype(np.uint16) * np.uint16(257)
    return space.encode(layer.pixels, 16), alpha


def write_layers(layers: Layers, paths: list[Path], progress: Progress = nothing) -> None:
    """Write each layer as PNG to the path of the same place in `paths`.

    progress : told the share that is done; what it raises ends the work, and goes on to the caller

    Raises PhotoError if a file cannot be written.
    """
    space, icc = space_of(layers)

    def write(layer: Layer, path: Path) -> None:
        codes, alpha = codes_of(layer, space)
        with written_whole(path) as file:
            png.encode(file, Stored(codes, alpha, 16, icc=icc), 0)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        left = {
            pool.submit(write, layer, path)
            for layer, path in zip(layers.layers, paths, strict=True)
        }
        try:
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                progress(1 - len(left) / len(paths))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def write_depth(inverse: Plane, path: Path) -> None:
    """Write inverse depth (H, W) as the map of Camera Lens Blur: 16-bit grey, black near.

    Red, green and blue, since not every importer shows a lone luminance channel; no profile, since
    these are numbers, and a program that manages colour would change them.
    """
    codes = np.repeat(black_near(inverse)[..., None], 3, axis=2)
    with written_whole(path) as file:
        png.encode(file, Stored(codes, None, 16), 0)


def black_near(inverse: Plane) -> Codes16:
    """(H, W) uint16, even in inverse depth: 0 the nearest, 65535 the farthest."""
    low, high = float(inverse.min()), float(inverse.max())
    share = (np.float32(high) - inverse) / np.float32((high - low) or 1.0)
    return np.rint(share * np.float32(65535)).astype(np.uint16)
