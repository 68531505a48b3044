"""A depth model measured on photos whose depth or matte is known: figures, tables, files.

Every source has the same weight in the mean, however many photos it has. A pair that cannot
be read, and one that the model fails on, is reported and left out.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.depth import Depth, Plane
from depthfx.engine.find import model
from depthfx.errors import Cancelled, DepthfxError, ModelError
from depthfx.evaluation import metrics
from depthfx.evaluation.boundary import FOREGROUND, Mask, boundary_f1, boundary_recall
from depthfx.evaluation.pairs import Item, Pair, pairs_in
from depthfx.photo.photo import Photo
from depthfx.photo.whole import check_target, written_whole
from depthfx.raster.resample import resize_nearest

Values = dict[str, float]
Join = Callable[[Sequence[float]], float]

WIDE_GAP_PX = 4
"""Pairs this far apart forgive an outline that is soft or off by a pixel or two."""


@dataclass(frozen=True, eq=False)
class Row:
    """What became of one pair: its figures, or why there are none."""

    source: str
    name: str
    values: Values
    refused: str = ""


@dataclass(frozen=True)
class Column:
    """A figure of the printed table: where it comes from, and how a source's photos join."""

    heading: str
    key: str
    join: Join


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))


COLUMNS = (
    Column("AbsRel", "abs_rel", _mean),
    Column("delta1", "delta1", _mean),
    Column("SIlog", "si_log", _mean),
    Column("ordinal", "ordinal", _mean),
    Column("F1", "f1", _mean),
    Column("F1 wide", "f1_wide", _mean),
    Column("recall", "recall", _mean),
    Column("|AbsRel|", "metric_abs_rel", _mean),
    Column("|delta1|", "metric_delta1", _mean),
    Column("|SIlog|", "metric_si_log", _mean),
    Column("|RMSE| m", "metric_rmse_m", _mean),
    Column("focal", "focal_error", _median),
    Column("d25%", "focal_error", lambda errors: metrics.focal_share(errors, 0.25)),
    Column("d50%", "focal_error", lambda errors: metrics.focal_share(errors, 0.5)),
    Column("s/photo", "seconds", _median),
)
"""Bars mark what is measured without alignment: metric models on metric truth."""


def measure(
    items: Sequence[Item],
    context: Context,
    *,
    blind: bool = False,
    pictures: Path | None = None,
    report: Callable[[Row], None] | None = None,
) -> list[Row]:
    """The context's model on each of the pairs; see `scores` for the figures.

    blind : do not tell the model the focal length, so that the one it sees can be measured
    pictures : a folder that is there, for a picture of each pair, see `pictures.side_by_side`
    report : hears of each row when it is done

    Raises ModelError if there is no such model or it does not load.
    """
    found = model(context.model, context)
    rows = []
    for item in items:
        try:
            pair = item.load()
            photo = _unknown_camera(pair.photo) if blind else pair.photo
            begun = time.perf_counter()
            depth = found.estimate(photo, context)
            seconds = time.perf_counter() - begun
            values = scores(pair, depth, f"{item.source}/{item.name}") | {"seconds": seconds}
            if pictures is not None:
                from depthfx.evaluation.pictures import write_picture

                write_picture(pair, depth, values, pictures / f"{item.source}-{item.name}.jpg")
            rows.append(Row(item.source, item.name, values))
        except Cancelled:
            raise
        except DepthfxError as error:
            if isinstance(error, ModelError) and not any(row.values for row in rows):
                raise  # the model's fault, not the pair's
            rows.append(Row(item.source, item.name, {}, " ".join(str(error).split())))
        if report is not None:
            report(rows[-1])
    return rows


def _unknown_camera(photo: Photo) -> Photo:
    height, width = photo.shape
    return Photo(photo.pixels, Camera.guess(width, height), photo.alpha, photo.metadata, photo.path)


def scores(pair: Pair, depth: Depth, name: str) -> Values:
    """The figures of one prediction by name; there is none for what cannot be told.

    abs_rel, delta1..3, si_log      after the alignment of scale and shift by least squares
    robust_*                        the same after the alignment by medians
    scaled_*                        after that of scale alone, for metric models
    metric_*, metric_rmse_m         with none, for metric models on metric truth
    ordinal, f1, f1_wide            the latter two where the truth's outlines are good
    recall                          of a matte's outline
    focal_error                     of models that see a focal length

    `name` seeds the pairs of pixels whose order is asked for.
    """
    values: Values = {}
    seen = depth.surface
    if pair.focal_px and depth.focal_px:
        values["focal_error"] = metrics.focal_error(depth.focal_px, pair.focal_px)
    if pair.matte is not None:
        values["recall"] = boundary_recall(_covering(depth), pair.matte)
    if pair.truth is None or pair.known is None:
        return _told(values)
    truth, known = pair.truth, pair.known
    # Each true pixel is held against the one it lies in: a mean would soften outlines.
    seen = resize_nearest(seen, (truth.shape[0], truth.shape[1]))
    aligned = metrics.align_affine(seen, truth, known)
    values |= _errors("", aligned, truth, known)
    values |= _errors("robust_", metrics.align_affine_robust(seen, truth, known), truth, known)
    values["ordinal"] = metrics.ordinal(seen, truth, known, zlib.crc32(name.encode()))
    if depth.metric:
        values |= _errors("scaled_", metrics.align_scale(seen, truth, known), truth, known)
    if depth.metric and pair.metric:
        plain = metrics.floored(seen, truth, known)
        values |= _errors("metric_", plain, truth, known)
        values["metric_rmse_m"] = metrics.rmse(plain, truth, known)
    if pair.edges:
        # Outlines are blind to scale, not to shift: a map without a zero gets it by alignment.
        edged = seen if depth.metric else aligned
        values["f1"] = boundary_f1(edged, truth, known)
        values["f1_wide"] = boundary_f1(edged, truth, known, gap_px=WIDE_GAP_PX)
    return _told(values)


def _covering(depth: Depth) -> Plane:
    """What a matte's outline is held against: the front surface from the same cover on."""
    if depth.behind is None or depth.coverage is None:
        return depth.inverse
    return np.where(depth.coverage > FOREGROUND, depth.inverse, depth.behind)


def _errors(group: str, predicted: Plane, truth: Plane, known: Mask) -> Values:
    values = {f"{group}abs_rel": metrics.abs_rel(predicted, truth, known)}
    for power in (1, 2, 3):
        values[f"{group}delta{power}"] = metrics.delta(predicted, truth, known, power)
    return values | {f"{group}si_log": metrics.si_log(predicted, truth, known)}


def _told(values: Values) -> Values:
    return {name: value for name, value in values.items() if np.isfinite(value)}


def summary(rows: Sequence[Row]) -> dict[str, Values]:
    """The printed figures by source, and their "mean", in which each source weighs the same.

    Each has `photos`, the number measured; a figure that nothing is known of is not there.
    """
    table: dict[str, Values] = {}
    for source in dict.fromkeys(row.source for row in rows):
        good = [row.values for row in rows if row.source == source and not row.refused]
        table[source] = {"photos": len(good)}
        for column in COLUMNS:
            values = [each[column.key] for each in good if column.key in each]
            if values:
                table[source][column.heading] = column.join(values)
    mean: Values = {"photos": sum(values["photos"] for values in table.values())}
    for column in COLUMNS:
        told = [each[column.heading] for each in table.values() if column.heading in each]
        if told:
            mean[column.heading] = _mean(told)
    return {**table, "mean": mean}


def as_text(table: dict[str, Values]) -> str:
    """`summary` as lines of text; columns that nothing is known of are left out."""
    shown = [column.heading for column in COLUMNS if column.heading in table["mean"]]
    width = max(len("source"), *map(len, table))
    lines = [f"{'source':{width}} photos" + "".join(f" {heading:>8}" for heading in shown)]
    for source, values in table.items():
        cells = [f"{values[each]:8.3f}" if each in values else f"{'-':>8}" for each in shown]
        lines.append(f"{source:{width}} {values['photos']:6.0f} " + " ".join(cells))
    return "\n".join(lines)


def as_csv(rows: Sequence[Row]) -> str:
    """All figures of all photos, a line each."""
    keys = list(dict.fromkeys(key for row in rows for key in row.values))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["source", "photo", *keys, "refused"])
    for row in rows:
        cells = [row.values.get(key, "") for key in keys]
        writer.writerow([row.source, row.name, *cells, row.refused])
    return out.getvalue()


def as_json(rows: Sequence[Row], context: Context, *, blind: bool) -> str:
    """The table, all figures of all photos, and how they were made."""
    photos: list[dict[str, Any]] = [
        {"source": row.source, "photo": row.name, **row.values}
        | ({"refused": row.refused} if row.refused else {})
        for row in rows
    ]
    made = {"model": context.model, "quality": context.quality, "blind": blind}
    return json.dumps({**made, "table": summary(rows), "photos": photos}, indent=1) + "\n"


def run(
    folder: Path,
    context: Context,
    *,
    blind: bool = False,
    pictures: Path | None = None,
    csv_file: Path | None = None,
    json_file: Path | None = None,
    overwrite: bool = False,
) -> bool:
    """Measure, print the table, write what is asked for; whether every pair was measured.

    Raises DepthfxError before any work if there is nothing to measure or a file is in the way.
    """
    items = pairs_in(folder)
    for target in (csv_file, json_file):
        if target is not None:
            check_target(target, overwrite=overwrite)
    if pictures is not None:
        _make_folder(pictures, overwrite)
    rows = measure(items, context, blind=blind, pictures=pictures, report=_say_refused)
    print(f"{context.model}, quality {context.quality}{', focal length not told' * blind}")
    print(as_text(summary(rows)))
    for target, text in (
        (csv_file, as_csv(rows)),
        (json_file, as_json(rows, context, blind=blind)),
    ):
        if target is not None:
            with written_whole(target, overwrite=overwrite) as file:
                file.write(text.encode())
    return not any(row.refused for row in rows)


def _say_refused(row: Row) -> None:
    if row.refused:
        print(f"{row.source}/{row.name} left out: {row.refused}", file=sys.stderr)


def _make_folder(pictures: Path, overwrite: bool) -> None:
    try:
        pictures.mkdir(parents=True, exist_ok=True)
        if any(pictures.iterdir()) and not overwrite:
            raise DepthfxError(f"{pictures} is not empty; choose another folder or add --overwrite")
    except OSError as error:
        raise DepthfxError(f"{pictures} cannot be a folder: {error.strerror}") from None
