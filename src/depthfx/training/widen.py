"""Weights of a narrow network as the start of a wider one that answers the same.

T. Chen, I. Goodfellow, J. Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer",
ICLR 2016; here the new channels keep their random weights and begin unheard.
"""

from __future__ import annotations

import torch
from torch import Tensor


def widen(narrow: dict[str, Tensor], wide: dict[str, Tensor]) -> dict[str, Tensor]:
    """`narrow`, each tensor brought to the shape of its namesake in `wide`.

    The old channels come first. What they take in from new channels is zero; what the new
    ones take in is as in `wide`. Convolutions per channel and vectors have no channels to
    take in. Raises ValueError for a tensor that is larger than its namesake.
    """
    widened = {}
    for name, value in narrow.items():
        if name not in wide or wide[name].shape == value.shape:
            widened[name] = value
            continue
        if any(a > b for a, b in zip(value.shape, wide[name].shape, strict=True)):
            raise ValueError(f"{name} is wider than in the network it is to start")
        grown = wide[name].clone()
        old = value.shape[0]
        if value.ndim > 1:
            grown[:old] = torch.zeros_like(grown[:old])
        grown[tuple(slice(side) for side in value.shape)] = value
        widened[name] = grown
    return widened
