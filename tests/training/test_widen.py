"""A widened network answers as the narrow one did."""

import pytest
import torch

from depthfx.engine.embedded.network import EmbeddedNetwork
from depthfx.training.widen import widen


def test_the_answer_stays_the_same():
    torch.manual_seed(0)
    narrow = EmbeddedNetwork("lite0", (16, 12, 8, 8, 6)).eval()
    wide = EmbeddedNetwork("lite0", (32, 24, 16, 12, 8)).eval()
    heads = ("coarse.", "view.")
    old = {k: v for k, v in narrow.state_dict().items() if not k.startswith(heads)}
    wide.load_state_dict(widen(old, wide.state_dict()), strict=False)
    rgb = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        a, b = narrow(rgb), wide(rgb)
    assert torch.allclose(a.inverse, b.inverse, rtol=1e-4)
    assert torch.allclose(a.matte, b.matte, atol=1e-4)
    wide.train()
    wide(rgb).inverse.mean().backward()
    assert wide.heads.weight.grad is not None
    assert wide.heads.weight.grad[:, 6:].abs().max() > 0, "new channels must be able to learn"


def test_a_wider_start_is_refused():
    with pytest.raises(ValueError, match="wider"):
        widen({"a": torch.ones(3)}, {"a": torch.ones(2)})
