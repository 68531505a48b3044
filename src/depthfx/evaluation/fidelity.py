"""How true the defocus renderer is to a lens, beside the known simple ways.

`make fidelity` renders the scenes of `oracle_scenes`, whose lens pictures `oracle` knows, by
every way and prints the likeness to the truth. With a folder it does the same for rendered
truth: in it a folder for each scene with

    scene.json      f_px, and `defocus`: a list of name, focus_m, aperture_m, blades, file
    sharp.exr       the pinhole picture, linear RGB
    depth.exr       z in metres
    <file>          a lens picture for each entry of `defocus`
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depthfx.depth import Plane
from depthfx.errors import DepthfxError
from depthfx.evaluation import simple_ways
from depthfx.evaluation.likeness import Array, near_depth_edges, psnr, ssim
from depthfx.evaluation.oracle import Seen
from depthfx.evaluation.oracle_scenes import EXAMPLES, Example, Lens
from depthfx.optics.aperture import ROUND, Aperture
from depthfx.optics.defocus import defocus
from depthfx.optics.thin_lens import blur_px_per_inverse_m
from depthfx.photo.whole import written_whole

LENS_SAMPLES = 512
"""Of the oracle here: two such pictures agree to about 48 dB."""


@dataclass(frozen=True)
class Render:
    """One setting of the lens, and what it truly sees."""

    name: str
    focus_inverse: float
    blur_px: float
    aperture: Aperture
    truth: Callable[[], Array]


@dataclass(frozen=True, eq=False)
class Case:
    """A sharp picture with true depth at its pixel centres, and lens pictures of it.

    shares : the shares and second depths of mixed pixels, where they are known
    """

    name: str
    sharp: Array
    inverse: Plane
    renders: tuple[Render, ...]
    shares: Seen | None = None


@dataclass(frozen=True)
class Figures:
    """Likeness to the truth: PSNR in dB everywhere and near depth edges, SSIM."""

    psnr: float
    psnr_edges: float
    ssim: float


Way = Callable[[Case, Render], Array]
Scores = dict[str, dict[tuple[str, str], Figures]]
"""By way, then by scene and render."""


def _ours(case: Case, render: Render) -> Array:
    return defocus(
        case.sharp,
        case.inverse,
        focus_inverse=render.focus_inverse,
        blur_px=render.blur_px,
        aperture=render.aperture,
    )


def _ours_with_shares(case: Case, render: Render) -> Array:
    assert case.shares is not None
    return defocus(
        case.sharp,
        case.shares.front,
        focus_inverse=render.focus_inverse,
        blur_px=render.blur_px,
        aperture=render.aperture,
        behind=case.shares.behind,
        coverage=case.shares.coverage,
    )


def _simple(way: Callable[[Array, Plane, float, float], Array]) -> Way:
    return lambda case, render: way(case.sharp, case.inverse, render.focus_inverse, render.blur_px)


WAYS: dict[str, Way] = {
    "untouched": _simple(simple_ways.untouched),
    "tutorial": _simple(simple_ways.tutorial),
    "picked": _simple(simple_ways.picked),
    "layers": _simple(simple_ways.layered),
    "gather": _simple(simple_ways.gathered),
    "depthfx": _ours,
    "depthfx, shares known": _ours_with_shares,
}
"""The simple ways know round openings only."""


# ---------------------------------------------------------------- what is rendered
def own_cases(height: int, names: Sequence[str] = ()) -> Iterator[Case]:
    """The scenes of `oracle_scenes` at `height` px, 3 : 2; all of them, or those in `names`.

    Raises DepthfxError for an unknown name.
    """
    for name in names:
        if name not in EXAMPLES:
            raise DepthfxError(f"--only {name} is no scene; there are {', '.join(EXAMPLES)}")
    for name in names or EXAMPLES:
        yield _own_case(EXAMPLES[name](height * 3 // 2, height))


def _own_case(example: Example) -> Case:
    scene = example.scene

    def render(lens: Lens) -> Render:
        blur_px = lens.blur * scene.height
        return Render(
            lens.name,
            lens.focus_inverse,
            blur_px,
            ROUND,
            lambda: scene.defocused(lens.focus_inverse, blur_px, LENS_SAMPLES),
        )

    seen = scene.seen()
    renders = tuple(render(lens) for lens in example.lenses)
    return Case(example.name, scene.sharp(), seen.inverse, renders, seen)


def folder_cases(folder: Path) -> Iterator[Case]:
    """The scenes of a folder of rendered truth, read one by one.

    Raises DepthfxError if it holds none, or a file of a scene is missing, damaged or does not
    fit its neighbours.
    """
    scenes = sorted(path.parent for path in folder.glob("*/scene.json"))
    if not scenes:
        raise DepthfxError(
            f"{folder} holds no rendered truth: expected folders with scene.json, sharp.exr, "
            "depth.exr and the lens pictures"
        )
    for scene in scenes:
        yield _folder_case(scene)


def _folder_case(folder: Path) -> Case:
    described = _described(folder / "scene.json")
    sharp, depth = read_exr(folder / "sharp.exr", 3), read_exr(folder / "depth.exr", 1)
    _check_size(folder / "depth.exr", depth, sharp)
    if not (depth > 0).all():
        raise DepthfxError(f"{folder / 'depth.exr'}: holds depths of 0 or less; expected metres")
    renders = []
    for entry in described["defocus"]:
        path = folder / entry["file"]

        def truth(path: Path = path) -> Array:
            picture = read_exr(path, 3)
            _check_size(path, picture, sharp)
            return picture

        renders.append(
            Render(
                entry["name"],
                1 / entry["focus_m"],
                blur_px_per_inverse_m(entry["aperture_m"], described["f_px"]),
                Aperture(blades=entry["blades"]),
                truth,
            )
        )
    return Case(folder.name, sharp, (1 / depth).astype(np.float32), tuple(renders))


def _described(path: Path) -> dict[str, Any]:
    """The contents of scene.json, all that is needed there and of its type."""
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DepthfxError(f"{path}: cannot be read: {error}") from error

    def fits(entry: Any, wanted: dict[str, Any]) -> bool:
        return isinstance(entry, dict) and all(isinstance(entry.get(k), wanted[k]) for k in wanted)

    number = int | float
    render = {"name": str, "file": str, "focus_m": number, "aperture_m": number, "blades": int}
    if not fits(described, {"f_px": number, "defocus": list}) or not all(
        fits(entry, render) for entry in described["defocus"]
    ):
        raise DepthfxError(
            f"{path}: expected f_px, and a list `defocus` of {', '.join(render)} in every entry"
        )
    return dict(described)


def read_exr(path: Path, channels: int) -> Array:
    """(H, W, 3) float32 of the channels R, G and B, or (H, W) of the only one.

    Raises DepthfxError if the file cannot be read or has other channels.
    """
    import OpenEXR

    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            planes = {name: np.asarray(c.pixels, np.float32) for name, c in file.channels().items()}
    except Exception as error:  # OpenEXR raises what its C++ code says, of several types
        what = "is missing" if not path.exists() else "cannot be read: not an OpenEXR picture"
        raise DepthfxError(f"{path}: {what}") from error
    if channels == 1 and len(planes) == 1:
        return next(iter(planes.values()))
    if channels == 3 and {"R", "G", "B"} <= planes.keys():
        return np.dstack([planes[name] for name in "RGB"])
    wanted = "R, G and B" if channels == 3 else "one channel"
    raise DepthfxError(f"{path}: holds the channels {', '.join(planes)}; expected {wanted}")


def _check_size(path: Path, picture: Array, sharp: Array) -> None:
    if picture.shape[:2] != sharp.shape[:2]:
        raise DepthfxError(
            f"{path}: is {picture.shape[1]} x {picture.shape[0]}, but sharp.exr is "
            f"{sharp.shape[1]} x {sharp.shape[0]}"
        )


# ---------------------------------------------------------------- figures and tables
def compared(picture: Array, truth: Array, inverse: Plane) -> Figures:
    return Figures(
        psnr(picture, truth),
        psnr(picture, truth, near_depth_edges(inverse)),
        ssim(picture, truth),
    )


def scored(cases: Iterator[Case], tell: Callable[[str], None] = lambda _: None) -> Scores:
    """The figures of every way on every render; `tell` hears of each render when it is done."""
    scores: Scores = {}
    for case in cases:
        for render in case.renders:
            truth = render.truth()
            for name, way in WAYS.items():
                if way is _ours_with_shares and case.shares is None:
                    continue
                figures = compared(way(case, render), truth, case.inverse)
                scores.setdefault(name, {})[case.name, render.name] = figures
            ours = scores["depthfx"][case.name, render.name]
            tell(f"{case.name}, {render.name}: {ours.psnr:.2f} / {ours.psnr_edges:.2f} dB")
    return scores


def mean_figures(figures: dict[tuple[str, str], Figures]) -> Figures:
    """Over the renders of a scene, then over the scenes; what is not a number is left out."""
    scenes: dict[str, list[Figures]] = {}
    for (scene, _), each in figures.items():
        scenes.setdefault(scene, []).append(each)

    def mean(name: str) -> float:
        means = [_mean([getattr(each, name) for each in of]) for of in scenes.values()]
        return _mean(means)

    return Figures(mean("psnr"), mean("psnr_edges"), mean("ssim"))


def _mean(values: Sequence[float]) -> float:
    numbers = [value for value in values if not math.isnan(value)]
    return sum(numbers) / len(numbers) if numbers else float("nan")


def tables(scores: Scores) -> str:
    """Two Markdown tables: the mean of each way, and every render."""
    lines = ["| way | PSNR, dB | near depth edges, dB | SSIM |", "|---|---|---|---|"]
    for way, figures in scores.items():
        mean = mean_figures(figures)
        lines.append(f"| {way} | {_db(mean.psnr)} | {_db(mean.psnr_edges)} | {mean.ssim:.4f} |")
    ways = list(scores)
    lines += ["", "PSNR in dB, whole picture / near depth edges:", ""]
    lines += ["| scene | lens | " + " | ".join(ways) + " |", "|---" * (len(ways) + 2) + "|"]
    for scene, render in scores[ways[0]]:
        cells = (scores[way][scene, render] for way in ways)
        row = " | ".join(f"{_db(c.psnr)} / {_db(c.psnr_edges)}" for c in cells)
        lines.append(f"| {scene} | {render} | {row} |")
    worse = _left_behind(scores)
    lines += ["", worse]
    return "\n".join(lines)


def _db(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _left_behind(scores: Scores) -> str:
    """One line: where the renderer is not the best, and by how much."""
    others = [way for way in scores if not way.startswith("depthfx")]
    behind = {
        f"{scene}, {render}": max(scores[w][scene, render].psnr for w in others) - ours.psnr
        for (scene, render), ours in scores["depthfx"].items()
    }
    lost = [f"{name} ({by:.2f} dB)" for name, by in behind.items() if by > 0]
    return f"Renders in which a simple way is better: {', '.join(lost) or 'none'}."


PAGE = """# Fidelity

How like the renders of several ways are to what a lens truly sees, sRGB-coded and clipped. Written
by `make fidelity`; the scenes are made by `depthfx.evaluation.oracle_scenes`, {size}, and
their truth by `depthfx.evaluation.oracle`: the mean of {samples} lens points, without a blur
kernel. True depth at the pixel centres is given to all; "shares known" is told besides
how much of each mixed pixel the front surface fills and what is behind it.

- tutorial: one Gaussian of 51 px, blended in by depth;
- picked: 24 blurred copies, each pixel picking its own;
- layers: 32 hard slices of depth, blurred and laid over each other far to near;
- gather: every pixel adds up the discs that reach it, in time that grows with the radius squared.

{tables}
"""


def run(
    folder: Path | None,
    names: Sequence[str],
    height: int,
    page: Path | None,
    json_file: Path | None,
) -> None:
    """Print the tables of a folder of rendered truth, or of the scenes of this program.

    names : only these of its own scenes; page : Markdown file for its own scenes' tables;
    json_file : all figures

    Raises DepthfxError if the folder or a name is wrong, PhotoError if a file cannot be written.
    """
    cases = own_cases(height, names) if folder is None else folder_cases(folder)
    scores = scored(cases, lambda line: print(line, flush=True))
    text = tables(scores)
    print("\n" + text)
    if page is not None:
        size = f"{height * 3 // 2} x {height} px"
        contents = PAGE.format(size=size, samples=LENS_SAMPLES, tables=text)
        with written_whole(page, overwrite=True) as file:
            file.write(contents.encode())
    if json_file is not None:
        plain = {
            way: {f"{scene}/{render}": vars(each) for (scene, render), each in figures.items()}
            for way, figures in scores.items()
        }
        with written_whole(json_file, overwrite=True) as file:
            file.write(json.dumps(plain, indent=1).encode())
