"""The network under training: its own kernels, and what it starts from."""

import pytest
import torch
import torch.nn.functional as F

from depthfx.engine.embedded.depthwise import depthwise
from depthfx.engine.embedded.network import EmbeddedNetwork, ScaledConv, frozen_norms


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_has_the_values_and_gradients_of_torch(kernel, stride):
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 6, 12, 16), torch.randn(6, 1, kernel, kernel), torch.randn(6)
    parts = [part.requires_grad_() for part in (x, weight, bias)]
    total = kernel - stride if stride > 1 else kernel - 1
    border = (total // 2, total - total // 2) * 2
    theirs = F.conv2d(F.pad(x, border), weight, bias, stride, 0, 1, 6)
    ours = depthwise(x, weight, bias, stride)
    torch.testing.assert_close(ours, theirs)
    down = torch.randn_like(theirs)
    gradients = (torch.autograd.grad(result, parts, down) for result in (ours, theirs))
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_a_frozen_normalisation_is_a_scale_and_an_offset():
    torch.manual_seed(0)
    norm = torch.nn.BatchNorm2d(8, eps=1e-3).eval()
    for value in (norm.weight, norm.bias, norm.running_mean):
        torch.nn.init.normal_(value)
    torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    weight = torch.randn(8, 3, 3, 3)
    published = {"_conv_stem.weight": weight}
    published |= {f"_bn0.{name}": value for name, value in norm.state_dict().items()}
    stem = ScaledConv(3, 8, 3, 2)
    stem.load_state_dict(
        {name.removeprefix("stem."): value for name, value in frozen_norms(published).items()}
    )
    x = torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        expected = norm(F.conv2d(F.pad(x, (0, 1, 0, 1)), weight, None, 2))
        torch.testing.assert_close(stem(x), expected, rtol=1e-4, atol=1e-4)


def test_frozen_blocks_do_not_learn_and_the_others_do():
    network = EmbeddedNetwork("lite0", (16, 12, 8, 8, 6)).train()
    network.encoder.frozen = 2
    answer = network(torch.rand(2, 3, 64, 64))
    (answer.inverse.mean() + answer.matte.mean()).backward()
    first = [network.encoder.stem, *network.encoder.blocks[:2]]
    assert all(p.grad is None for part in first for p in part.parameters())
    assert all(p.grad is not None for p in network.encoder.blocks[2:].parameters())
