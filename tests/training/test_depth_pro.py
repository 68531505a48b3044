"""Fine-tuning a tiny Depth Pro: it learns, what it should not touch stays, the engine reads it."""

import csv

import numpy as np
import pytest
import torch
from tests.engine.depth_pro import tiny
from tests.training.tiny import write_scenes

from depthfx.context import Context
from depthfx.engine.depth_pro.model import DepthProModel
from depthfx.engine.depth_pro.weights import load_depth_pro
from depthfx.errors import RecipeError
from depthfx.training.depth_pro import WEIGHTS, read_tuning, trainable, tune

RECIPE = """
weights = "{weights}"
average = 0.0
source = [{{ name = "scenes", folder = "scenes" }}]

[[stage]]
steps = 8
batch = 1
learning_rate = 1e-3
rise = 0.0
fall = 0.5
degrade = false
sources = {{ scenes = 1 }}
losses = {{ mage = 0.1, male = 0.0, affine = 0.2 }}
"""


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """(published weights, folder of the run)."""
    folder = tmp_path_factory.mktemp("tune")
    weights = tiny.saved(folder)
    write_scenes(folder / "scenes", count=1)
    (folder / "recipe.toml").write_text(RECIPE.format(weights=weights.name))
    tune(read_tuning(folder / "recipe.toml"), folder / "run")
    return weights, folder / "run"


def test_the_loss_falls(tuned):
    with (tuned[1] / "log.csv").open() as file:
        mae = [float(row["mae"]) for row in csv.DictReader(file)]
    assert len(mae) == 8
    assert np.mean(mae[-3:]) < 0.7 * np.mean(mae[:3])


def test_transformers_and_field_of_view_stay_and_the_decoder_moves(tuned):
    before = load_depth_pro(tuned[0]).state_dict()
    after = load_depth_pro(tuned[1] / WEIGHTS).state_dict()
    assert before.keys() == after.keys()
    for name, value in before.items():
        frozen = name.startswith(("encoder.patch_encoder", "encoder.image_encoder", "fov."))
        assert torch.equal(value, after[name]) or not frozen, name
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    assert any(name.startswith("decoder.fusions") for name in moved)
    assert any(name.startswith("head") for name in moved)


def test_the_engine_reads_the_result_and_answers_the_same(tuned):
    model = DepthProModel(Context(model="depth-pro", weights=tuned[1] / WEIGHTS, device="cpu"))
    network = model.network(field_of_view=True)
    direct = load_depth_pro(tuned[1] / WEIGHTS)
    picture = torch.rand(1, 3, tiny.SIDE, tiny.SIDE) * 2 - 1
    with torch.no_grad():
        one, angle = network(picture.to(model.dtype))
        two, _ = direct(picture)
    assert angle is not None
    # The engine computes in half precision here.
    assert (one.float() - two).abs().mean() < 0.02 * two.mean()


def test_encoders_learn_if_asked(tuned):
    network = load_depth_pro(tuned[0])
    some = len(trainable(network, encoders=False))
    assert len(trainable(network, encoders=True)) > some
    assert not any(p.requires_grad for p in network.fov.parameters())


def test_a_recipe_needs_weights(tmp_path):
    (tmp_path / "recipe.toml").write_text("seed = 1")
    with pytest.raises(RecipeError, match=r"recipe.toml: .* is missing"):
        read_tuning(tmp_path / "recipe.toml")
