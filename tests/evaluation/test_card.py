"""The model card's tables: known networks get known figures, and the page keeps its words."""

import json
import math

import cv2
import numpy as np
import pytest
from folders_of_reference import FOCAL_SHARE, SIZE, TRUE_M, write_reference

from depthfx.camera import Camera
from depthfx.engine.embedded.model import WEIGHTS
from depthfx.engine.embedded.runtime import Prediction
from depthfx.errors import DepthfxError
from depthfx.evaluation import baselines, card
from depthfx.evaluation.card_text import END, START, card_text, replace_marked
from depthfx.evaluation.sheets import HEIGHT_PX, TITLE_PX, WIDTH_PX, write_sheets

f32 = np.float32


@pytest.fixture
def reference(tmp_path):
    return write_reference(tmp_path / "reference")


def test_a_network_that_sees_the_lens_gets_its_error_in_degrees(reference, constant_network):
    """It says 1.0 widths where 0.5 is true, and is weighed with the guess."""
    blank = np.zeros((2, 2), np.float32)
    said = Prediction(blank, blank, 1.0, math.expm1(0.05))
    guess = Camera.guess(SIZE[1], SIZE[0]).focal_px / SIZE[1]
    share, error = said.with_guess(guess)
    off_deg = 90 - 2 * math.degrees(math.atan(0.5 / share))
    found = card.score(constant_network(0.5, (1.0, 0.05)), reference, ["depth"])
    for row in (found.tables["depth"]["rooms"], found.tables["depth"]["mean"]):
        assert row["view_deg"] == pytest.approx(off_deg, abs=1e-3)
        assert row["view_focal"] == pytest.approx(share / FOCAL_SHARE - 1, rel=1e-4)
        assert row["view_kept"] == (share / FOCAL_SHARE - 1 <= error)


def test_an_honest_error_is_kept(reference, constant_network):
    found = card.score(constant_network(0.5, (1.1 * FOCAL_SHARE, 0.2)), reference, ["depth"])
    assert found.tables["depth"]["rooms"]["view_kept"] == 1


@pytest.mark.parametrize("view", [None, (1.0, 0.1)])
def test_metres_are_those_with_the_focal_length_told(reference, constant_network, view):
    """Canonical 0.5 through the true lens is at 1.0 m, whatever lens the network sees."""
    found = card.score(constant_network(0.5, view), reference, ["depth"]).tables["depth"]["rooms"]
    assert found["metres"] == pytest.approx(FOCAL_SHARE / 0.5 / TRUE_M, rel=2e-3)
    assert found["metres_off"] == pytest.approx(TRUE_M * 0.5 / FOCAL_SHARE - 1, rel=2e-3)
    assert ("view_deg" in found) == (view is not None)


def test_weights_are_named_by_their_hash(reference, constant_network):
    one, other = (
        card.score(constant_network(value, name=str(value)), reference, []) for value in (0.5, 0.6)
    )
    assert one.sha256 != other.sha256
    assert len(one.sha256) == 64


def test_the_command_writes_what_it_prints(reference, constant_network, tmp_path, capsys):
    out = tmp_path / "out"
    files = {"this": constant_network(0.5), "gone": tmp_path / "gone.onnx"}
    card.run(reference, files, out, parts=["depth"])
    said = capsys.readouterr()
    assert (out / "card.md").read_text() == said.out.removesuffix("\n")
    assert "gone left out" in said.err
    figures = json.loads((out / "card.json").read_text())
    assert figures.keys() == {"this"}
    assert figures["this"]["depth"]["rooms"]["ordinal"] == 0.5


def test_nothing_to_score_is_an_error(reference, tmp_path):
    with pytest.raises(DepthfxError, match="--weights NAME=FILE"):
        card.run(reference, {"a": tmp_path / "a.onnx"}, tmp_path)


@pytest.mark.parametrize("how", [{"parts": ["depth"]}, {"every": 3}])
def test_half_a_card_does_not_replace_a_whole_one(reference, tmp_path, how):
    with pytest.raises(DepthfxError, match="--update"):
        card.run(reference, {"this": WEIGHTS}, tmp_path, update=True, **how)


# ---- tables


COLUMNS = {
    "this": {"depth": {"nyu_rooms": {"images": 60, "ordinal": 0.9}, "mean": {"ordinal": 0.8}}},
    "constant": {"depth": {"nyu_rooms": {"images": 60, "ordinal": 0.5, "delta1": 0.4}}},
    "grabcut": {"mattes": {"kind:person": {"n": 47, "IoU": 0.64}}},
}


def test_a_table_has_a_column_for_each_that_says_something():
    depth, mattes = card_text(COLUMNS).split("\n\nSubject matte")
    lines = depth.splitlines()[2:]
    assert lines == [
        "|  |  | this version | constant |",
        "| --- | --- | --- | --- |",
        "| rooms (NYU), 60 | ordinal | 0.900 | 0.500 |",
        "|  | delta1 |  | 0.400 |",
        "| mean over sources | ordinal | 0.800 |  |",
    ]
    assert "| persons, 47 | IoU | 0.640 |" in mattes
    assert "constant" not in mattes


def test_a_part_without_figures_has_no_table():
    assert card_text({"this": {}}).strip() == ""


def test_the_page_keeps_all_but_its_tables():
    page = f"# Card\n{START}\nold\n{END}\n## Limits\n"
    once = replace_marked(page, "| new |\n")
    assert once == f"# Card\n{START}\n| new |\n{END}\n## Limits\n"
    assert replace_marked(once, "| new |\n") == once


@pytest.mark.parametrize("page", ["# Card\n", f"{START}\n", f"{END}\n{START}\n"])
def test_a_page_without_its_markers_is_refused(page):
    with pytest.raises(DepthfxError, match="table: start"):
        replace_marked(page, "")


def test_the_card_that_ships_has_its_markers():
    page = card.CARD.read_text()
    before, after = page.split(START)[0], page.split(END)[1]
    assert replace_marked(page, "x\n") == f"{before}{START}\nx\n{END}{after}"


# ---- baselines


def test_the_baselines_order_by_place():
    rgb = np.zeros((30, 40, 3), f32)
    below = baselines.gradient(rgb)
    assert (np.diff(below, axis=0) > 0).all()
    assert (np.diff(below, axis=1) == 0).all()
    middle = baselines.centre(rgb)
    assert np.unravel_index(middle.argmax(), middle.shape) in {
        (y, x) for y in (14, 15) for x in (19, 20)
    }
    np.testing.assert_allclose(middle, middle[::-1, ::-1], atol=1e-6)
    assert middle[0, 0] == pytest.approx(1 - math.hypot(0.5 - 0.5 / 30, 0.5 - 0.5 / 40), rel=1e-5)
    assert len(np.unique(baselines.constant(rgb))) == 1


@pytest.mark.parametrize("name", ["gradient", "ellipse"])
def test_a_baseline_has_figures_only_where_it_says_something(reference, name):
    found = card.baseline(name, reference, ["depth", "mattes"]).tables
    assert found.keys() == ({"depth"} if name == "gradient" else {"mattes", "hair"})


# ---- sheets


def test_a_sheet_has_a_row_for_every_tenth_photo(reference, constant_network, tmp_path):
    weights = {"this": constant_network(0.5), "first": constant_network(0.4, name="first")}
    (path,) = write_sheets(reference, weights, tmp_path)
    sheet = cv2.imread(str(path))
    # One photo of depth, one with a matte; photo, truth, two depths, a matte.
    assert sheet.shape == (2 * (HEIGHT_PX + TITLE_PX), 5 * WIDTH_PX, 3)


def test_thinned_data_are_of_every_nth_photo(reference, constant_network, tmp_path):
    weights = constant_network(0.5)
    few = card.thinned(reference, 2, tmp_path / "few")
    of_all, of_few = (
        card.score(weights, data, ["depth"]).tables["depth"]["rooms"] for data in (reference, few)
    )
    assert (of_all["images"], of_few["images"]) == (2, 1)
    assert of_few["metres"] == pytest.approx(of_all["metres"])
