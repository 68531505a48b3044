"""A depth model measured on a folder: which figures there are, tables, files, bad pairs."""

import csv
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from folders import SHAPE, metres, picture, save_indexed, save_photo

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.depth import Depth
from depthfx.engine.find import model
from depthfx.errors import Cancelled, DepthfxError, ModelError, PhotoError
from depthfx.evaluation.measure import (
    Row,
    as_csv,
    as_json,
    as_text,
    measure,
    run,
    scores,
    summary,
)
from depthfx.evaluation.pairs import Pair, pairs_in
from depthfx.photo.colour import srgb_to_linear
from depthfx.photo.photo import Photo
from depthfx.photo.read import read_photo

f32 = np.float32
METRIC = {"metric_abs_rel", "metric_delta1", "metric_si_log", "metric_rmse_m"}


def pair_of(inverse, known=None, **told):
    pixels = srgb_to_linear(picture().astype(f32) / 255)
    if inverse is not None and known is None:
        known = np.ones(inverse.shape, bool)
    return Pair(Photo(pixels, Camera.guess(*SHAPE[::-1])), inverse, known, **told)


def test_the_truth_as_prediction_is_perfect():
    truth = 1 / metres()
    pair = pair_of(truth, metric=True, focal_px=50.0, matte=(metres() == 1).astype(f32))
    values = scores(pair, Depth(truth, True, "", focal_px=50.0), "x")
    perfect = {"f1": 1, "f1_wide": 1, "recall": 1, "ordinal": 1, "focal_error": 0}
    assert {name: values[name] for name in perfect} == pytest.approx(perfect)
    for name, value in values.items():
        if "delta" in name:
            assert value == 1
        elif name not in perfect:
            assert value == pytest.approx(0, abs=1e-5), name


def test_a_relative_model_is_aligned_and_never_measured_in_metres():
    truth = 1 / metres()
    depth = Depth.relative(0.3 * truth + 1, "")
    values = scores(pair_of(truth, metric=True), depth, "x")
    assert values["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert values["f1"] == pytest.approx(1)  # the outlines too: a shift would spoil them
    assert not values.keys() & METRIC
    assert not [name for name in values if name.startswith("scaled")]


def test_a_metric_model_off_by_a_factor_is_told_so():
    truth = 1 / metres()
    depth = Depth(truth / 2, True, "")  # everything twice as far
    values = scores(pair_of(truth, metric=True), depth, "x")
    assert values["metric_abs_rel"] == pytest.approx(1, abs=1e-5)
    assert values["metric_delta1"] == 0
    assert values["metric_si_log"] == pytest.approx(0, abs=1e-5)
    assert values["metric_rmse_m"] == pytest.approx(np.sqrt(np.mean(metres() ** 2)), rel=1e-5)
    assert values["scaled_abs_rel"] == values["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert values["f1"] == pytest.approx(1)


def test_on_relative_truth_nothing_is_measured_in_metres():
    truth = 1 / metres()
    values = scores(pair_of(truth, metric=False), Depth(truth, True, ""), "x")
    assert not values.keys() & METRIC


def test_truth_without_sharp_outlines_is_not_asked_for_them():
    truth = 1 / metres()
    values = scores(pair_of(truth, edges=False), Depth(truth, True, ""), "x")
    assert not {"f1", "f1_wide"} & values.keys()


def test_smaller_truth_is_held_against_the_pixels_it_lies_in():
    """Not against their means: outlines between two of its pixels stay sharp."""
    full = np.roll(1 / metres(), (1, 1), (0, 1))
    values = scores(pair_of(full[1::2, 1::2].copy()), Depth(full, True, ""), "x")
    assert values["abs_rel"] == pytest.approx(0, abs=1e-6)
    assert values["f1"] == pytest.approx(1)


def test_unknown_pixels_cost_nothing():
    truth = 1 / metres()
    seen, known = truth.copy(), np.ones(SHAPE, bool)
    seen[:5], known[:5] = 9, False
    values = scores(pair_of(truth, known, metric=True), Depth(seen, True, ""), "x")
    assert values["metric_abs_rel"] == pytest.approx(0, abs=1e-6)
    assert values["f1"] == pytest.approx(1)


def test_a_mattes_fringe_is_held_against_the_front_surface_from_the_same_cover_on():
    """0.2 of cover is subject to the matte; most of such a pixel is what lies behind."""
    matte = np.zeros(SHAPE, f32)
    matte[:, 20:] = 1
    matte[:, 19] = 0.2
    near, far = np.full(SHAPE, f32(1)), np.full(SHAPE, f32(0.25))
    depth = Depth(np.where(matte > 0, near, far), True, "", behind=far, coverage=matte)
    assert depth.surface[0, 19] == 0.25
    assert scores(pair_of(None, matte=matte), depth, "x") == {"recall": pytest.approx(1)}


ROWS = [
    Row("rooms", "a", {"abs_rel": 0.1, "focal_error": 0.2, "seconds": 1.0}),
    Row("rooms", "b", {"abs_rel": 0.3, "focal_error": 0.3, "seconds": 9.0}),
    Row("rooms", "c", {"abs_rel": 0.2, "focal_error": 0.9, "seconds": 2.0}),
    Row("streets", "d", {"abs_rel": 0.6, "seconds": 4.0}),
    Row("streets", "e", {}, "streets/e is damaged"),
]


def test_the_mean_gives_each_source_the_same_weight():
    table = summary(ROWS)
    assert table["rooms"]["AbsRel"] == pytest.approx(0.2)
    assert table["mean"]["AbsRel"] == pytest.approx(0.4)
    assert [values["photos"] for values in table.values()] == [3, 1, 4]


def test_focal_errors_are_joined_as_median_and_shares():
    rooms = summary(ROWS)["rooms"]
    assert (rooms["focal"], rooms["s/photo"]) == (0.3, 2.0)
    assert (rooms["d25%"], rooms["d50%"]) == pytest.approx((1 / 3, 2 / 3))
    assert summary(ROWS)["mean"]["focal"] == 0.3  # streets know of none


def test_the_printed_table_has_what_is_known():
    lines = as_text(summary(ROWS)).splitlines()
    assert lines[0].split() == ["source", "photos", "AbsRel", "focal", "d25%", "d50%", "s/photo"]
    assert lines[1].split() == ["rooms", "3", "0.200", "0.300", "0.333", "0.667", "2.000"]
    assert lines[2].split() == ["streets", "1", "0.600", "-", "-", "-", "4.000"]
    assert lines[3].split() == ["mean", "4", "0.400", "0.300", "0.333", "0.667", "3.000"]
    assert len({len(line) for line in lines}) == 1


def test_csv_and_json_hold_every_photo():
    rows = list(csv.DictReader(as_csv(ROWS).splitlines()))
    assert [row["photo"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert (rows[1]["abs_rel"], rows[3]["focal_error"]) == ("0.3", "")
    assert rows[4]["refused"] == "streets/e is damaged"
    told = json.loads(as_json(ROWS, Context(model="m", quality="best"), blind=True))
    assert (told["model"], told["quality"], told["blind"]) == ("m", "best", True)
    assert told["photos"][0] == {"source": "rooms", "photo": "a", **ROWS[0].values}
    assert told["table"]["mean"]["AbsRel"] == pytest.approx(0.4)


@pytest.fixture(scope="module")
def context():
    """One loaded network for all: the embedded one, at its quickest."""
    return Context(quality="draft")


@pytest.fixture
def folder(tmp_path, context):
    """Two photos whose truth is what the embedded network sees; one pair and source are bad."""
    source = tmp_path / "pairs" / "good"
    source.mkdir(parents=True)
    for seed, name in enumerate("ab"):
        save_photo(source / f"{name}.jpg", seed)
        (source / f"{name}.json").write_text('{"focal_px": 30, "unit": "1/m"}')
        photo = read_photo(source / f"{name}.jpg", focal_px=30)
        np.save(source / f"{name}.npy", model("embedded", context).estimate(photo, context).surface)
    save_photo(source / "bad.jpg")
    (source / "bad.npy").write_bytes(b"")
    (tmp_path / "pairs" / "worse").mkdir()
    (tmp_path / "pairs" / "worse" / "index.json").write_text("{")
    return tmp_path / "pairs"


def test_a_bad_pair_does_not_stop_the_rest(folder, context):
    heard = []
    rows = measure(pairs_in(folder), context, report=heard.append)
    assert heard == rows
    assert [(row.name, bool(row.refused)) for row in rows] == [
        ("a", False),
        ("b", False),
        ("bad", True),
        ("index.json", True),
    ]
    assert "bad.npy cannot be read" in rows[2].refused
    for row in rows[:2]:
        assert row.values["metric_abs_rel"] == pytest.approx(0, abs=1e-6)
        assert row.values["seconds"] > 0


def test_without_the_focal_length_the_scale_is_that_of_the_one_seen(folder, context):
    told = measure(pairs_in(folder)[:1], context)[0].values
    blind = measure(pairs_in(folder)[:1], context, blind=True)[0].values
    # Depth grows with the focal length; what is beyond twice the farthest truth is cut there.
    assert blind["focal_error"] > 1
    assert 0.9 * blind["focal_error"] < blind["metric_abs_rel"] <= blind["focal_error"] * 1.001
    assert blind["abs_rel"] == pytest.approx(told["abs_rel"], abs=1e-5)


def test_a_run_prints_a_table_and_writes_what_is_asked_for(folder, context, tmp_path, capsys):
    files = {"csv_file": tmp_path / "t.csv", "json_file": tmp_path / "t.json"}
    pictures = tmp_path / "new" / "pictures"
    assert not run(folder, context, pictures=pictures, **files)
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "embedded, quality draft"
    assert out.splitlines()[2].split()[:3] == ["good", "2", "0.000"]
    assert [line.split(" left out: ")[0] for line in err.splitlines()] == [
        "good/bad",
        "worse/index.json",
    ]
    assert sorted(path.name for path in pictures.iterdir()) == ["good-a.jpg", "good-b.jpg"]
    assert len(files["csv_file"].read_text().splitlines()) == 5
    assert len(json.loads(files["json_file"].read_text())["photos"]) == 4


def test_nothing_is_written_over(folder, context, tmp_path):
    (tmp_path / "t.csv").write_text("mine")
    with pytest.raises(PhotoError, match=r"t.csv: .*exists"):
        run(folder, context, csv_file=tmp_path / "t.csv")
    with pytest.raises(DepthfxError, match="pairs is not empty; choose another folder"):
        run(folder, context, pictures=folder)
    assert (tmp_path / "t.csv").read_text() == "mine"


def test_a_model_that_is_not_there_is_no_fault_of_the_pairs(folder, tmp_path):
    with pytest.raises(ModelError, match="no depth model 'embeded'"):
        measure(pairs_in(folder), Context(model="embeded"))
    with pytest.raises(ModelError, match="not there"):
        measure(pairs_in(folder), Context(weights=tmp_path / "none.onnx"))


def test_a_cancelled_run_stops(folder, context):
    stopped = Context(cache=context.cache, quality="draft")
    stopped.cancel.set()
    with pytest.raises(Cancelled):
        measure(pairs_in(folder), stopped)


def test_the_command_measures_mattes_too_and_says_how_it_went(tmp_path):
    matte = np.zeros(SHAPE, np.uint8)
    cv2.circle(matte, (32, 24), 15, 255, -1)
    folder = save_indexed(tmp_path / "people", {"x": matte}, kind="person")
    command = [sys.executable, "-m", "depthfx.evaluation", "pairs", "--quality", "draft"]
    done = subprocess.run([*command, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].split() == ["source", "photos", "recall", "s/photo"]
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run([*command, empty], capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "empty holds no pairs" in done.stderr
