"""The figures of the embedded network's model card: every set of weights on the same photos.

`score` measures one set of weights, `baseline` what needs none; `card_text` makes the tables.
Depth and matte are those of the commands, refined to the photo's size. The reference data's own
scorers count; what they do not know is counted here: boundary F1 as in `boundary`, the field of
view, and metres. No figure is kept from run to run.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthfx.camera import FOCAL_UNCERTAINTY, Camera
from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.embedded.model import CLEAN_WEIGHTS, WEIGHTS, EmbeddedModel
from depthfx.errors import DepthfxError
from depthfx.evaluation import baselines
from depthfx.evaluation.boundary import boundary_f1
from depthfx.evaluation.card_text import card_text, replace_marked
from depthfx.evaluation.embedded import photo_of
from depthfx.evaluation.measure import WIDE_GAP_PX
from depthfx.evaluation.metrics import focal_error
from depthfx.evaluation.pairs import Pair, pairs_in
from depthfx.evaluation.score import load_scorer
from depthfx.photo.photo import Photo
from depthfx.photo.whole import written_whole
from depthfx.raster.resample import resize_nearest

Rgb = NDArray[Any]
Values = dict[str, float]
Tables = dict[str, dict[str, Values]]
"""Figures by part ("depth", "mattes", "hair", "outlines"), then by source, kind or scene."""

PARTS = ("depth", "mattes", "outlines")
STANDARD = {
    "this": WEIGHTS,
    "clean": CLEAN_WEIGHTS,
    "first": Path("runs/first.onnx"),
    "trial": Path("runs/trial.onnx"),
}
"""The columns of the model card; the latter two are no part of the package."""
CARD = WEIGHTS.with_name("MODEL_CARD.md")
LIKELY = 100 * math.erf(math.sqrt(0.5))
"""Percentile of an absolute error that two photos in three stay below: one standard deviation."""


@dataclass(frozen=True)
class Column:
    """What one set of weights, or one baseline, gets."""

    sha256: str
    tables: Tables


def score(weights: Path, folder: Path, parts: Sequence[str] = PARTS) -> Column:
    """The figures of one file of weights on the reference data in `folder`."""
    model = EmbeddedModel(Context(weights=weights))
    tables: Tables = {}
    if "depth" in parts:
        tables["depth"] = _depth(model, folder / "rgbd")
    if "mattes" in parts:
        tables |= _mattes(lambda rgb, _: model.matte(photo_of(rgb)), folder / "subjects")
    if "outlines" in parts:
        tables["outlines"] = _outlines(model, folder / "truth")
    return Column(model.checksum, tables)


def baseline(name: str, folder: Path, parts: Sequence[str] = PARTS) -> Column:
    """The figures of "gradient", "centre", "constant" for depth; "ellipse", "grabcut" for mattes.

    One that has nothing to say of a part has no table there.
    """
    tables: Tables = {}
    if "depth" in parts and name in ("gradient", "centre", "constant"):
        scorer = load_scorer(folder / "rgbd")
        predict = getattr(baselines, name)
        tables["depth"] = _plain(scorer.evaluate(predict, str(folder / "rgbd" / "eval")))
    if "mattes" in parts and name in ("ellipse", "grabcut"):
        subjects = folder / "subjects"
        predict = getattr(load_scorer(subjects), f"baseline_{name}")
        tables |= _mattes(predict, subjects)
    return Column("", tables)


def thinned(folder: Path, every: int, into: Path) -> Path:
    """The reference data in `folder` with every `every`th photo of each source only, by links.

    into : an empty folder; it is the answer.
    """
    for data in ("rgbd", "subjects"):
        for index in sorted((folder / data).glob("*/*/index.json")):
            source = into / index.parent.relative_to(folder)
            source.mkdir(parents=True)
            told = json.loads(index.read_text(encoding="utf-8"))
            kept = json.dumps({**told, "items": told["items"][::every]})
            (source / "index.json").write_text(kept, encoding="utf-8")
            for file in index.parent.glob("*.[jp][pn]g"):
                (source / file.name).symlink_to(file.resolve())
        for scorer in (folder / data).glob("*.py"):
            (into / data / scorer.name).symlink_to(scorer.resolve())
    (into / "truth").symlink_to((folder / "truth").resolve())
    return into


def _depth(model: EmbeddedModel, folder: Path) -> dict[str, Values]:
    """The scorer's figures by source, and ours beside them; "mean" weighs sources the same."""
    scorer, root = load_scorer(folder), folder / "eval"
    items = iter(pairs_in(root))
    rows: dict[str, list[Values]] = {}

    def predict(rgb: Rgb) -> Plane:
        item = next(items)  # the scorer goes through them in the same order
        pair = item.load()
        assert pair.photo.shape == rgb.shape[:2], item
        depth = model.estimate(photo_of(rgb))
        rows.setdefault(item.source, []).append(_of_pair(pair, depth))
        return depth.surface

    table = _plain(scorer.evaluate(predict, str(root)))
    own = {source: _joined(each) for source, each in rows.items()}
    for key in {key for values in own.values() for key in values}:
        told = [values[key] for values in own.values() if key in values]
        table["mean"][key] = float(np.mean(told))
    return {source: values | own.get(source, {}) for source, values in table.items()}


def _of_pair(pair: Pair, depth: Depth) -> Values:
    """What the scorer does not measure, of one photo whose focal length was not told.

    f1, f1_wide : boundary F1 of neighbours, and of pixels four apart, where the truth is crisp
    view_deg, focal_error : error of the horizontal field of view, and of the focal length
    view_kept : whether that stays below the error that the network states
    metres : predicted over true distance, by the median, had the focal length been told
    """
    assert pair.truth is not None
    assert pair.known is not None
    values: Values = {}
    seen = resize_nearest(depth.surface, (pair.truth.shape[0], pair.truth.shape[1]))
    if pair.edges:
        values["f1"] = boundary_f1(seen, pair.truth, pair.known)
        values["f1_wide"] = boundary_f1(seen, pair.truth, pair.known, gap_px=WIDE_GAP_PX)
    if not pair.focal_px:
        return values
    width = pair.photo.camera.width
    guess = Camera.guess(width, pair.photo.camera.height)
    used = depth.focal_px or guess.focal_px
    values |= _of_view("guess", guess.focal_px, FOCAL_UNCERTAINTY[guess.origin], pair)
    if depth.focal_px is not None and depth.focal_error is not None:
        values |= _of_view("view", depth.focal_px, depth.focal_error, pair)
    told = pair.known & (pair.truth > 0) & (seen > 0)
    if pair.metric and told.any():
        ratio = float(np.median(pair.truth[told] / seen[told]))
        values["metres"] = ratio * pair.focal_px / used
    return values


def _of_view(name: str, focal_px: float, stated: float, pair: Pair) -> Values:
    assert pair.focal_px is not None
    seen, true = (
        pair.photo.camera.with_focal(each, pair.photo.camera.origin)
        for each in (focal_px, pair.focal_px)
    )
    off = max(focal_px / pair.focal_px, pair.focal_px / focal_px) - 1
    return {
        f"{name}_deg": abs(seen.fov_deg - true.fov_deg),
        f"{name}_focal": focal_error(focal_px, pair.focal_px),
        f"{name}_kept": float(off <= stated),
    }


def _joined(rows: Sequence[Values]) -> Values:
    """One source's figures: means of F1, shares kept, medians of the rest."""
    joined: Values = {}
    for key in {key for row in rows for key in row}:
        values = np.array([row[key] for row in rows if np.isfinite(row.get(key, math.nan))])
        if values.size:
            mean = key in ("f1", "f1_wide") or key.endswith("_kept")
            joined[key] = float(values.mean() if mean else np.median(values))
    metres = np.array([row["metres"] for row in rows if "metres" in row])
    if metres.size:
        off = np.maximum(metres, 1 / metres) - 1
        joined["metres_off"] = float(np.percentile(off, LIKELY))
    return joined


def _mattes(predict: Callable[[Rgb, Any], Plane], folder: Path) -> Tables:
    """The scorer's rows of both of its sets: "mattes" from masks, "hair" from true alpha."""
    rows = load_scorer(folder).evaluate(predict, str(folder))["rows"]
    return {
        part: {row["name"]: _numbers(row) for row in rows[which]}
        for part, which in (("mattes", "eval"), ("hair", "mattes"))
    }


def _outlines(model: EmbeddedModel, folder: Path) -> dict[str, Values]:
    """Boundary F1 on the rendered scenes of `folder`, whose truth is exact to the pixel."""
    scorer: ModuleType = load_scorer(folder)
    table: dict[str, Values] = {}
    for name in scorer.scenes(str(folder)):
        scene = scorer.load_scene(str(folder / name), renders=False)
        height, width = scene["depth"].shape
        truth = np.where(scene["sky"], 0, 1 / scene["depth"]).astype(np.float32)
        photo = Photo(
            np.ascontiguousarray(scene["sharp"], np.float32), Camera(width, height, scene["f_px"])
        )
        seen = model.estimate(photo).surface
        table[name] = {
            "f1": boundary_f1(seen, truth),
            "f1_wide": boundary_f1(seen, truth, gap_px=WIDE_GAP_PX),
        }
    if table:
        keys = ("f1", "f1_wide")
        table["mean"] = {key: float(np.mean([row[key] for row in table.values()])) for key in keys}
    return table


def _plain(table: Mapping[str, Mapping[str, Any]]) -> dict[str, Values]:
    return {source: _numbers(row) for source, row in table.items()}


def _numbers(row: Mapping[str, Any]) -> Values:
    """The finite numbers of a scorer's row."""
    return {
        key: float(value)
        for key, value in row.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def run(
    folder: Path,
    weights: Mapping[str, Path],
    out: Path,
    *,
    parts: Sequence[str] = PARTS,
    every: int = 1,
    update: bool = False,
) -> None:
    """Score, print the tables, write them and `card.json` into `out`.

    weights : files by name; none: those of `STANDARD`, with the baselines and contact sheets
    every : score every so manieth photo of each source only, see `thinned`
    update : put the tables into the model card too

    Raises DepthfxError if a part of the data or every file of weights is missing.
    """
    whole = every == 1 and set(parts) == set(PARTS)
    if update and not whole:
        raise DepthfxError("--update writes the whole model card; leave out --only and --every")
    with TemporaryDirectory() as spare:
        data = folder if every == 1 else thinned(folder, every, Path(spare))
        columns = _columns(data, weights, parts)
    text = card_text({name: column.tables for name, column in columns.items()})
    print(text)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "card.md", text)
    figures = {name: {"sha256": c.sha256, **c.tables} for name, c in columns.items()}
    _write(out / "card.json", json.dumps(figures, indent=1) + "\n")
    if update:
        _write(CARD, replace_marked(CARD.read_text(encoding="utf-8"), text))
    if whole and not weights:
        from depthfx.evaluation.sheets import write_sheets

        write_sheets(folder, {name: STANDARD[name] for name in columns if name in STANDARD}, out)


def _columns(folder: Path, weights: Mapping[str, Path], parts: Sequence[str]) -> dict[str, Column]:
    """Each file of weights that is there; where none is named, the baselines too."""
    columns: dict[str, Column] = {}
    for name, path in (weights or STANDARD).items():
        if not path.is_file():
            print(f"{name} left out: {path} is not there", file=sys.stderr)
            continue
        columns[name] = _timed(name, partial(score, path, folder, parts))
    if not columns:
        raise DepthfxError("no file of weights is there to score; --weights NAME=FILE names one")
    if not weights:
        for name in ("gradient", "centre", "constant", "ellipse", "grabcut"):
            columns[name] = _timed(name, partial(baseline, name, folder, parts))
    return columns


def _timed(name: str, work: Callable[[], Column]) -> Column:
    begun = time.perf_counter()
    column = work()
    print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    return column


def _write(path: Path, text: str) -> None:
    with written_whole(path, overwrite=True) as file:
        file.write(text.encode())
