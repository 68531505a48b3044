"""Marigold: depth by a diffusion model that was taught to draw it, through diffusers.

B. Ke et al., "Repurposing Diffusion-Based Image Generators for Monocular Depth
Estimation", CVPR 2024; the LCM repositories are the same with fewer steps.

It answers depth from 0 (near) to 1 (far) and leaves scale and shift open. How far the
far is, is the choice of `engine.meaning`: five times the near. Its steps start from
noise; the noise is the same each time, so the answer repeats.

    quality   steps   answers that are aligned and their median taken
    draft     1       1
    normal    4       1
    best      4       5
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depthfx.context import Context
from depthfx.engine.device import torch_device
from depthfx.engine.look import NetworkModel
from depthfx.engine.looks import Look, Rgb
from depthfx.engine.meaning import Meaning, inverse_depth
from depthfx.engine.model import ModelInfo
from depthfx.engine.model_folder import described, one_line, open_folder, silent, weights_sha256
from depthfx.errors import ModelError
from depthfx.raster.resample import resize_area

if TYPE_CHECKING:
    import torch

FILES = ("*.json", "*.txt", "README.md")
HALF_WEIGHTS, WEIGHTS = "*.fp16.safetensors", "*.safetensors"
EFFORT = {"draft": (1, 1), "normal": (4, 1), "best": (4, 5)}
"""Steps and size of the ensemble, by quality."""
LONG_SIDE_PX = 768
"""Shown to it where its own configuration says nothing."""
SHORTEST_PX = 64
SEED = 2024


class MarigoldModel(NetworkModel):
    """A Marigold depth pipeline from a folder or a hub repository.

    Computes in float16 on a GPU and in float32 on a CPU: its decoder is its last layer,
    and the eight bits of bfloat16 would show as steps.

    Raises ModelError, one line, if a library or the model is missing, damaged or no
    Marigold for depth.
    """

    repeats = True  # its ensemble

    def __init__(self, context: Context, source: str, info: ModelInfo | None = None) -> None:
        _libraries()
        self.device = torch_device(context.device)
        folder, half = _fetch(source, context)
        self.pipeline = _load(source, folder, half, self.device)
        settings = self.pipeline.config
        if settings.prediction_type not in ("depth", "disparity"):
            raise ModelError(
                f"{source} predicts {settings.prediction_type!r}, not depth; "
                "use a Marigold depth repository"
            )
        self.meaning = Meaning(settings.prediction_type)
        self.affine = self.meaning is Meaning.DEPTH and bool(settings.shift_invariant)
        self.side = int(settings.default_processing_resolution or LONG_SIDE_PX)
        files = sorted(folder.glob(f"*/{HALF_WEIGHTS if half else WEIGHTS}"))
        self.weights_sha256 = weights_sha256(files)
        name = f"marigold:{source}"
        self.info = replace(
            info
            or described(name, source, folder, files, metric=False, checksum=self.weights_sha256),
            metric=False,
        )

    def look(self, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
        """See `NetworkModel.look`; the focal length does not matter."""
        import torch

        steps, ensemble = EFFORT[context.quality]
        small = np.clip(resize_area(rgb, self._shape(rgb.shape)), 0, 1)
        picture = torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1))[None])
        try:
            answer = self.pipeline(
                picture,
                num_inference_steps=steps,
                ensemble_size=ensemble,
                processing_resolution=0,  # it has its size already
                match_input_resolution=False,
                generator=torch.Generator().manual_seed(SEED),
            )
        except ImportError:
            raise ModelError(
                "--quality best aligns several answers, which needs scipy: pip install scipy"
            ) from None
        values = answer.prediction[0, :, :, 0]
        return Look(inverse_depth(values, self.meaning, affine=self.affine))

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """(rows, columns) that it is shown: the long side as it was trained."""
        scale = self.side / max(shape[:2])
        rows, columns = (max(SHORTEST_PX, round(pixels * scale)) for pixels in shape[:2])
        return rows, columns


def _libraries() -> tuple[Any, Any]:
    try:
        import diffusers
        import transformers  # of the pipeline's text encoder
    except ImportError:
        raise ModelError(
            "Marigold needs diffusers, transformers and torch: pip install 'depthfx[diffusers]'"
        ) from None
    return diffusers, transformers


def _fetch(source: str, context: Context) -> tuple[Path, bool]:
    """The pipeline's folder, with the weights in half precision if there are such."""
    folder = open_folder(source, context, (*FILES, HALF_WEIGHTS))
    half = any(folder.glob(f"*/{HALF_WEIGHTS}"))
    if not half:
        folder = open_folder(source, context, (*FILES, WEIGHTS))
    if not any(folder.glob(f"*/{WEIGHTS}")):
        raise ModelError(
            f"{source} has no */*.safetensors; other weights can carry code and are not read: "
            "use a repository that has them"
        )
    return folder, half


def _load(source: str, folder: Path, half: bool, device: torch.device) -> Any:
    import torch

    diffusers, transformers = _libraries()
    with one_line(source), silent(diffusers, transformers):
        pipeline = diffusers.MarigoldDepthPipeline.from_pretrained(
            folder,
            use_safetensors=True,
            local_files_only=True,
            variant="fp16" if half else None,
            torch_dtype=torch.float32 if device.type == "cpu" else torch.float16,
        )
        for part in (pipeline.unet, pipeline.vae):
            # What the files lack is left without numbers.
            if lacks := [name for name, value in part.state_dict().items() if value.is_meta]:
                raise ModelError(f"its weights lack {len(lacks)} tensors, the first {lacks[0]}")
        pipeline.set_progress_bar_config(disable=True)
        return pipeline.to(device)
