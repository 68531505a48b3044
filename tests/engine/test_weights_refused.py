"""Weights files that are not what they should be: refused in one line, nothing in them run."""

import json
import os
import pickle
import shutil
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from depthfx.engine.depth_pro.network import DepthPro, DepthProConfig
from depthfx.engine.depth_pro.weights import load_depth_pro
from depthfx.errors import ModelError

TINY = DepthProConfig(
    window=32,
    patch=4,
    embed_dim=64,
    depth=4,
    heads=1,
    early=(0, 1),
    features=8,
    widths=(8, 8, 8, 8),
    head_width=4,
)
FORMATS = ["pt", "safetensors"]
A_NAME = "decoder.fusions.0.out_conv.bias"


@pytest.fixture(scope="module")
def tensors():
    torch.manual_seed(3)
    return DepthPro(TINY).state_dict()


@pytest.fixture(scope="module")
def good(tensors, tmp_path_factory):
    """The folder of a good file in each format."""
    folder = tmp_path_factory.mktemp("weights")
    for kind in FORMATS:
        save(tensors, folder / f"good.{kind}")
    return folder


def save(tensors, path: Path) -> Path:
    save_file(tensors, path) if path.suffix == ".safetensors" else torch.save(tensors, path)
    return path


def refusal(path: Path) -> str:
    """What the user reads: one line that names the file."""
    with pytest.raises(ModelError) as caught:
        load_depth_pro(path)
    words = str(caught.value)
    assert len(words.splitlines()) == 1, words
    assert str(path) in words
    assert caught.value.__cause__ is None
    return words


@pytest.mark.parametrize("kind", FORMATS)
def test_good_weights_load_as_they_are(good, tensors, kind):
    """Or every refusal below would prove nothing."""
    loaded = load_depth_pro(good / f"good.{kind}").state_dict()
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0, 1e-5, 0.01, 0.5, 0.99, 0.99999])
def test_a_truncated_file(good, tmp_path, kind, share):
    whole = (good / f"good.{kind}").read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(whole[: int(share * len(whole))])
    assert "download them again" in refusal(path)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_noise(tmp_path, kind, seed):
    path = tmp_path / f"noise.{kind}"
    path.write_bytes(bytes(torch.randint(0, 256, (4096,), generator=rng(seed)).tolist()))
    refusal(path)


def rng(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_head(good, tmp_path, kind):
    """The first bytes say what the rest is: the names in one format, the archive in the other."""
    damaged = bytearray((good / f"good.{kind}").read_bytes())
    damaged[:64] = bytes(64)
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(damaged)
    refusal(path)


def test_a_damaged_list_of_contents(good, tmp_path):
    """The archive's own directory stands at its end."""
    damaged = bytearray((good / "good.pt").read_bytes())
    damaged[-400:-22] = bytes(378)
    path = tmp_path / "damaged.pt"
    path.write_bytes(damaged)
    refusal(path)


@pytest.mark.parametrize(
    ("told", "header"),
    [
        (2**63, b"{}"),  # a head larger than any file
        (2, b"{}"),  # no tensors
        (2, b"[]"),
        (4, b"\xff\xfe\xfd\xfc"),
        (None, json.dumps({A_NAME: {"dtype": "F32", "shape": [8], "data_offsets": [0, 2**50]}})),
        (None, json.dumps({A_NAME: {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 32]}})),
        (None, json.dumps({A_NAME: {"dtype": "X9", "shape": [8], "data_offsets": [0, 32]}})),
    ],
)
def test_a_head_that_lies(tmp_path, told, header):
    header = header.encode() if isinstance(header, str) else header
    path = tmp_path / "lies.safetensors"
    path.write_bytes(struct.pack("<Q", len(header) if told is None else told) + header + bytes(32))
    refusal(path)


class Evil:
    """Unpickled, it would make a file."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def __reduce__(self):
        return os.mkdir, (self.target,)


def plain_pickle(tensors, evil, path):
    path.write_bytes(pickle.dumps({**tensors, "extra": evil}, protocol=2))


def pickle_alone(tensors, evil, path):
    path.write_bytes(pickle.dumps(evil))


def archive(tensors, evil, path):
    torch.save({**tensors, "extra": evil}, path)


def archive_of_old(tensors, evil, path):
    torch.save({**tensors, "extra": evil}, path, _use_new_zipfile_serialization=False)


def evil_name(tensors, evil, path):
    """What is pickled runs while names are read, before anybody asks for a tensor."""
    torch.save({evil: tensors[A_NAME]}, path)


def archive_with_its_pickle_exchanged(tensors, evil, path):
    """A published file that somebody changed: the tensors are all there."""
    whole = path.with_name("whole.zip")
    torch.save(tensors, whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename.endswith("data.pkl"):
                content = pickle.dumps(evil, protocol=2)
            new.writestr(entry, content)


def loaded_without_care(path, evil):
    """That the trap works: whoever unpickles the file springs it."""
    with suppress(Exception), path.open("rb") as file:  # it may fail after the harm is done
        torch.load(file, weights_only=False)
    return Path(evil.target).exists()


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "save_evil",
    [
        plain_pickle,
        pickle_alone,
        archive,
        archive_of_old,
        evil_name,
        archive_with_its_pickle_exchanged,
    ],
)
def test_a_pickle_that_would_run_something_does_not(tensors, tmp_path, kind, save_evil):
    evil = Evil(tmp_path / "harm")
    path = tmp_path / f"evil.{kind}"
    save_evil(tensors, evil, path)
    refusal(path)
    assert not Path(evil.target).exists()
    assert loaded_without_care(path, evil)


def test_a_malicious_pickle_is_called_what_it_is(tensors, tmp_path):
    archive(tensors, Evil(tmp_path / "harm"), tmp_path / "evil.pt")
    assert "hold more than tensors, and what a pickle holds could run" in refusal(
        tmp_path / "evil.pt"
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_a_missing_parameter_is_named(tensors, tmp_path, kind):
    less = {name: tensor for name, tensor in tensors.items() if name != A_NAME}
    words = refusal(save(less, tmp_path / f"less.{kind}"))
    assert f"do not fit Depth Pro: {A_NAME} is missing" in words


@pytest.mark.parametrize("kind", FORMATS)
def test_a_parameter_too_many_is_named(tensors, tmp_path, kind):
    more = {**tensors, "decoder.surprise": torch.zeros(3)}
    words = refusal(save(more, tmp_path / f"more.{kind}"))
    assert "decoder.surprise is not part of it" in words


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("shape", [(9,), (8, 1), (), (0,)])
def test_a_wrong_shape_is_named(tensors, tmp_path, kind, shape):
    words = refusal(save({**tensors, A_NAME: torch.zeros(shape)}, tmp_path / f"shape.{kind}"))
    assert f"{A_NAME} is {shape}, not (8,)" in words


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "name",
    [
        "encoder.patch_encoder.pos_embed",
        "encoder.patch_encoder.patch_embed.proj.weight",
        "decoder.fusions.0.out_conv.weight",
        "head.2.weight",
    ],
)
@pytest.mark.parametrize("shape", [(), (1,), (0, 0, 0, 0), (5, 7, 3, 2)])
def test_a_wrong_shape_where_the_sizes_are_read_from(tensors, tmp_path, kind, name, shape):
    refusal(save({**tensors, name: torch.zeros(shape)}, tmp_path / f"shape.{kind}"))


@pytest.mark.parametrize("kind", FORMATS)
def test_no_parameters_and_those_of_something_else(tmp_path, kind):
    for name, content in (("none", {}), ("other", {"layer.weight": torch.zeros(2, 2)})):
        assert "not those of Depth Pro" in refusal(save(content, tmp_path / f"{name}.{kind}"))


@pytest.mark.parametrize(
    "content",
    [
        [1, 2, 3],
        "text",
        torch.zeros(3),
        {"epoch": 3, "state_dict": {"a": torch.zeros(3)}},
        {3: torch.zeros(3)},
        None,
    ],
)
def test_an_archive_of_something_else_than_tensors_by_name(tmp_path, content):
    path = tmp_path / "other.pt"
    torch.save(content, path)
    assert "does not hold tensors by name" in refusal(path)


def test_a_value_that_is_no_tensor_among_the_tensors(tensors, tmp_path):
    path = tmp_path / "value.pt"
    torch.save({**tensors, A_NAME: [0.0] * 8}, path)
    refusal(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_an_empty_file_and_none(tmp_path, kind):
    folder, empty = tmp_path / f"folder.{kind}", tmp_path / f"empty.{kind}"
    folder.mkdir()
    empty.touch()
    assert "not there, or not a file" in refusal(folder)
    assert "not there, or not a file" in refusal(tmp_path / f"none.{kind}")
    assert "download them again" in refusal(empty)


def test_one_format_under_the_name_of_the_other(good, tmp_path):
    for ours, theirs in (FORMATS, FORMATS[::-1]):
        path = tmp_path / f"renamed.{theirs}"
        shutil.copy(good / f"good.{ours}", path)
        refusal(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("kind", FORMATS)
def test_weights_of_another_precision_are_taken(tensors, tmp_path, kind, dtype):
    other = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    loaded = load_depth_pro(save(other, tmp_path / f"other.{kind}")).state_dict()
    assert all(torch.equal(loaded[name], tensor.float()) for name, tensor in other.items())


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64])
@pytest.mark.parametrize("kind", FORMATS)
def test_numbers_that_are_no_weights(tensors, tmp_path, kind, dtype):
    """The right shape, but whole or complex numbers: nothing that was trained."""
    wrong = {**tensors, A_NAME: torch.ones(8, dtype=dtype)}
    assert A_NAME in refusal(save(wrong, tmp_path / f"dtype.{kind}"))


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The same tiny network as the transformers port saves it."""
    import transformers

    vit = {
        "model_type": "dinov2",
        "hidden_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 1,
        "image_size": 32,
        "patch_size": 4,
    }
    config = transformers.DepthProConfig(
        fusion_hidden_size=8,
        patch_size=32,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_feature_dims=[8, 8, 8],
        image_model_config=vit,
        patch_model_config=vit,
        fov_model_config=vit,
    )
    folder = tmp_path_factory.mktemp("port")
    transformers.DepthProForDepthEstimation(config).save_pretrained(folder)
    return load_file(folder / "model.safetensors")


BLOCK = "depth_pro.encoder.patch_encoder.model.encoder.layer.0.attention.attention."


def without(tensors, *names):
    return {name: tensor for name, tensor in tensors.items() if name not in names}


def test_the_port_loads(port, tmp_path):
    load_depth_pro(save(port, tmp_path / "port.safetensors"))


@pytest.mark.parametrize("part", ["query", "key", "value"])
def test_a_missing_part_of_the_port(port, tmp_path, part):
    path = tmp_path / "port.safetensors"
    refusal(save(without(port, f"{BLOCK}{part}.bias"), path))


@pytest.mark.parametrize(
    "change",
    [
        {"depth_pro.surprise": (3,)},
        {f"{BLOCK}key.bias": (63,)},
        {f"{BLOCK}key.bias": (64, 1)},
        {f"{BLOCK}query.bias": ()},
        {f"{BLOCK}query.bias": (65,), f"{BLOCK}key.bias": (63,)},
        {BLOCK.replace("layer.0", "layer.99") + "key.bias": (64,)},
        {"encoder.patch_encoder.norm.weight": (64,)},
    ],
)
def test_a_port_that_does_not_fit(port, tmp_path, change):
    """Also where parts fit only once they are put together, or one name is there twice."""
    wrong = {**port, **{name: torch.zeros(shape) for name, shape in change.items()}}
    refusal(save(wrong, tmp_path / "port.safetensors"))
