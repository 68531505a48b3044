"""Where torch runs and in which precision: right without an option, and said when it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from depthfx.errors import ModelError

if TYPE_CHECKING:
    import torch


def torch_device(name: str) -> torch.device:
    """The device called "auto" (the fastest there is), "cpu", "cuda" or "mps".

    Raises ModelError if torch is not installed or sees no such device.
    """
    try:
        import torch
    except ImportError:
        raise ModelError(
            "this needs torch, which is not installed: pip install 'depthfx[depth-pro]'"
        ) from None
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, found in there.items() if found), "cpu")
    if not there.get(name, True):
        raise ModelError(f"torch sees no {name} device here; use --device auto or cpu")
    return torch.device(name)


def precision(device: torch.device) -> torch.dtype:
    """The type that networks compute in: half precision where the hardware has it.

    bfloat16 on NVIDIA GPUs since Ampere and on CPUs with bf16 instructions (AVX-512 BF16,
    AMX, Arm), float16 on other GPUs and on Apple's, float32 otherwise.
    """
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16
    if device.type == "mps":
        return torch.float16
    can = torch.cpu.get_capabilities()
    native = any(can.get(kind, False) for kind in ("avx512_bf16", "amx_bf16", "arm_bf16"))
    return torch.bfloat16 if native else torch.float32
