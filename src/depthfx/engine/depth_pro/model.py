"""Depth Pro as a depth model: which weights, where it runs, how much memory it may take.

A photo is brought to 1536 x 1536 pixels by averaging areas. The published package takes
four neighbours instead, so a photo of 12 megapixels is aliased there; for photos of that
size or less both do the same. It clamps inverse depth to 0.0001..10000 per metre; here
what is farther than a kilometre is infinitely far, as everywhere in depthfx.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from depthfx.context import Context
from depthfx.engine import hub
from depthfx.engine.catalogue import entries
from depthfx.engine.device import precision, torch_device
from depthfx.engine.look import NetworkModel
from depthfx.engine.looks import Look, Rgb
from depthfx.errors import ModelError
from depthfx.raster.resample import resize_area

if TYPE_CHECKING:
    from depthfx.engine.depth_pro.network import DepthPro, DepthProConfig

ENTRY = entries()["depth-pro"]
GPU_PLAN, CPU_PLAN = (35, 1), (3, 16)
"""Windows at once and strips, where memory allows: what measured best."""
MIN_ANGLE_DEG, MAX_ANGLE_DEG = 1.0, 175.0
"""Beyond these an answer is no camera's field of view."""
PROGRAM_GB = 0.7
"""What Python, torch and the photo take beside the network."""


@dataclass(frozen=True)
class Plan:
    """How the network is run: windows of the transformer at once, strips of the finest stage."""

    at_once: int
    strips: int

    def memory_gb(self, config: DepthProConfig, value_bytes: int) -> float:
        """Memory for what lies between the layers, in 10^9 bytes; measured in half precision."""
        fine = (config.side // 2) ** 2 * config.features
        window = (config.tokens**2 + 1) * config.embed_dim
        between = 3.6 * fine + 6.6 * window * self.at_once
        # The head is in float32 whatever the rest is in.
        return (between * value_bytes + 12 * fine / self.strips) / 1e9


class DepthProModel(NetworkModel):
    """Depth Pro from its published weights, or those of `context.weights`."""

    info = ENTRY.info
    side = 1536

    def __init__(self, context: Context) -> None:
        self.device = torch_device(context.device)
        self.dtype = precision(self.device)
        self.memory_limit_gb = context.memory_limit_gb
        self.compile = context.compile
        self._given = context.weights
        self._context = context
        self._network: DepthPro | None = None

    @cached_property
    def weights(self) -> Path:
        """The file of weights, downloaded if it has to be."""
        if self._given is not None:
            return self._given
        return hub.fetch(
            ENTRY.repository, ENTRY.file, self._context, sha256=self.info.checksum or None
        )

    @cached_property
    def weights_sha256(self) -> str:  # type: ignore[override]
        return hub.checksum(self.weights)

    def network(self, *, field_of_view: bool) -> DepthPro:
        """The loaded network; with the part that sees the field of view if that is needed.

        Raises ModelError if the weights do not fit it.
        """
        try:
            from depthfx.engine.depth_pro.weights import load_depth_pro
        except ImportError as error:
            raise ModelError(
                f"depth-pro needs {error.name}, which is not installed: "
                "pip install 'depthfx[depth-pro]'"
            ) from None
        if self._network is None or (field_of_view and self._network.fov is None):
            self._network = None  # its memory is needed for the next one
            self._network = load_depth_pro(
                self.weights, self.dtype, self.device, field_of_view=field_of_view
            )
        return self._network

    def look(self, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
        """See `NetworkModel.look`. Raises ModelError if memory does not suffice."""
        network = self.network(field_of_view=focal_px is None)
        if focal_px is None and network.fov is None:
            raise ModelError(
                f"weights {self.weights} have no part for the field of view, and the photo does "
                "not say its focal length: give --f35 or --focal-px"
            )
        side, width = network.config.side, rgb.shape[1]
        context.report("depth", 0.2)
        canonical, angle_deg = self._run(network, resize_area(rgb, (side, side)), focal_px is None)
        seen_px = None
        if angle_deg is not None:
            angle = math.radians(min(max(angle_deg, MIN_ANGLE_DEG), MAX_ANGLE_DEG))
            seen_px = 0.5 * width / math.tan(0.5 * angle)
        return Look(canonical * np.float32(width / (focal_px or seen_px or width)), seen_px)

    def _run(
        self, network: DepthPro, square: Rgb, field_of_view: bool
    ) -> tuple[np.ndarray, float | None]:
        """Canonical inverse depth (S, S) float32, and the angle in degrees if it is wanted."""
        import torch

        picture = torch.from_numpy(square * 2 - 1).permute(2, 0, 1)[None]
        picture = picture.to(self.device, self.dtype).contiguous(memory_format=torch.channels_last)
        run = torch.compile(network, mode="reduce-overhead") if self.compile else network
        for plan in self._plans(network):
            try:
                with torch.inference_mode():
                    inverse, angle = run(
                        picture,
                        field_of_view=field_of_view,
                        at_once=plan.at_once,
                        strips=plan.strips,
                    )
                return inverse[0].cpu().numpy(), None if angle is None else float(angle[0])
            except torch.OutOfMemoryError:
                torch.cuda.empty_cache()
        raise ModelError(
            f"{self.info.name} does not fit into the memory of {self.device}: use --device cpu, "
            "or another model"
        )

    def _plans(self, network: DepthPro) -> list[Plan]:
        """Ways to run it that fit the memory at hand, the quickest first."""
        at_once, strips = CPU_PLAN if self.device.type == "cpu" else GPU_PLAN
        plans = [Plan(at_once, strips)]
        while plans[-1].at_once > 1 or plans[-1].strips < 16:
            last = plans[-1]
            plans.append(Plan(max(last.at_once // 2, 1), min(2 * last.strips, 16)))
        if self.memory_limit_gb is None:
            return plans
        weights_gb = sum(p.nbytes for p in network.parameters()) / 1e9 + PROGRAM_GB
        between = (plan.memory_gb(network.config, self.dtype.itemsize) for plan in plans)
        needed = [weights_gb + gigabytes for gigabytes in between]
        fitting = [p for p, n in zip(plans, needed, strict=True) if n <= self.memory_limit_gb]
        if not fitting:
            raise ModelError(
                f"{self.info.name} needs {needed[-1]:.1f} GB here, more than --memory-limit "
                f"{self.memory_limit_gb:g} allows: raise it, or use another model"
            )
        return fitting
