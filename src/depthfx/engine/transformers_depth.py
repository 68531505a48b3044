"""Depth models of the transformers library, each with its own image processor.

What their numbers mean is not written in the files; it is known by family:

    Depth Anything 1 and 2, DPT (MiDaS)     inverse depth, scale and shift open
    Depth Anything 2 "metric", ZoeDepth,
    GLPN, DPT on DINOv2, TIPS v2            metres
    Prompt Depth Anything without a prompt  depth, scale and shift open
    Depth Pro                               canonical inverse depth, and a field of view

The metric ones (but for Depth Pro) take no focal length: their metres hold for cameras
like those they were trained with, and a tele lens makes the far too near.

The photo is shown as the model's processor would show it, with three exceptions, all
for sizes nobody trained with: strips and panoramas do not let their long side run away,
pictures of a few pixels are enlarged, and processors that do not resize at all (GLPN,
DPT on DINOv2) get the 640 x 480 of their training instead of 24 megapixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from depthfx.camera import Camera
from depthfx.context import Context
from depthfx.depth import Plane
from depthfx.engine.device import precision, torch_device
from depthfx.engine.look import NetworkModel, Shown
from depthfx.engine.looks import Look, Rgb
from depthfx.engine.meaning import Meaning, inverse_depth
from depthfx.engine.model import ModelInfo
from depthfx.engine.model_folder import described, one_line, open_folder, silent, weights_sha256
from depthfx.errors import ModelError
from depthfx.raster.resample import fit_within, resize_area

if TYPE_CHECKING:
    import torch

FILES = ("*.json", "*.safetensors", "README.md")
TRAINED_PIXELS = 640 * 480
"""Shown to a model whose processor would take a photo at its full size."""
LONGEST_ASPECT = 3.0
"""Longer pictures than this are shown with the area of such a one."""
SHORTEST_PX = 32
ENCODERS = ("backbone", "dpt", "glpn", "depth_pro")
"""Where the families keep the transformer that takes nearly all of the time."""


@dataclass(frozen=True)
class Family:
    """What the answer of a family of models means."""

    meaning: Meaning
    metric: bool
    affine: bool = False


def family(config: Any) -> Family:
    """What the models of a transformers configuration answer.

    Raises ModelError for a family that is not known to answer depth.
    """
    kind = config.model_type
    if kind == "depth_anything" and config.depth_estimation_type == "metric":
        return Family(Meaning.DEPTH, metric=True)
    backbone = getattr(getattr(config, "backbone_config", None), "model_type", "")
    if kind == "dpt" and backbone.startswith("dinov2"):
        return Family(Meaning.DEPTH, metric=True)
    known = {
        "depth_anything": Family(Meaning.INVERSE, metric=False, affine=True),
        "dpt": Family(Meaning.INVERSE, metric=False, affine=True),
        "prompt_depth_anything": Family(Meaning.DEPTH, metric=False, affine=True),
        "zoedepth": Family(Meaning.DEPTH, metric=True),
        "glpn": Family(Meaning.DEPTH, metric=True),
        "tipsv2_dpt": Family(Meaning.DEPTH, metric=True),
        "depth_pro": Family(Meaning.INVERSE, metric=True),
    }
    if kind not in known:
        raise ModelError(
            f"what a model of type {kind!r} answers is not known here; "
            f"depth is known of {', '.join(sorted(known))}"
        )
    return known[kind]


class TransformersModel(NetworkModel):
    """A depth model that transformers loads, from a folder or a hub repository.

    The encoder computes in half precision where the hardware has it; decoder and head
    stay in float32, for the eight bits of bfloat16 would show as steps in the depth.

    Raises ModelError, one line, if the library or the model is missing, if its weights
    are pickled, damaged or incomplete, or if it is no depth model.
    """

    def __init__(self, context: Context, source: str, info: ModelInfo | None = None) -> None:
        transformers = _library()
        device = torch_device(context.device)
        self.source = source
        folder = open_folder(source, context, FILES)
        with one_line(source), silent(transformers):
            config = transformers.AutoConfig.from_pretrained(folder, **LOCAL)
            self.family = family(config)
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise ModelError(
                f"{source} has no *.safetensors; other weights can carry code and are not "
                "read: use a repository that has them"
            )
        with one_line(source), silent(transformers):
            self.processor = transformers.AutoImageProcessor.from_pretrained(folder, **LOCAL)
            self.network = _load(transformers, folder, config)
        self.network.eval().to(device)
        _halve_encoder(self.network, precision(device))
        self.device = device
        self.weights_sha256 = weights_sha256(files)
        self.side = self._side()
        metric = self.family.metric
        self.info = replace(
            info
            or described(
                f"hf:{source}", source, folder, files, metric=metric, checksum=self.weights_sha256
            ),
            metric=metric,
        )

    def look(self, rgb: Rgb, focal_px: float | None, context: Context) -> Look:
        """See `NetworkModel.look`."""
        (seen,) = self.look_many([(rgb, focal_px)], context)
        return seen

    def look_many(self, pictures: Sequence[Shown], context: Context) -> list[Look]:
        """See `NetworkModel.look_many`; pictures that the network sees in one size go together."""
        prepared = [self._prepared(rgb) for rgb, _ in pictures]
        looks: dict[int, Look] = {}
        for size in dict.fromkeys(values.shape for values, _ in prepared):
            group = [n for n, (values, _) in enumerate(prepared) if values.shape == size]
            answers = self._answers([prepared[n] for n in group])
            for n, (inverse, fov_deg) in zip(group, answers, strict=True):
                rgb, focal_px = pictures[n]
                looks[n] = (
                    _metres(inverse, fov_deg, rgb.shape, focal_px)
                    if self.network.config.model_type == "depth_pro"
                    else Look(inverse)
                )
        return [looks[n] for n in range(len(pictures))]

    def _prepared(self, rgb: Rgb) -> tuple[torch.Tensor, tuple[int, ...]]:
        """What the network gets of a picture (1, 3, h, w), and the picture's shape before that."""
        import torch

        shown, options = self._shown(rgb)
        # As a picture file would come, 0..255: the processor knows what to make of it.
        picture = torch.from_numpy(shown.transpose(2, 0, 1) * np.float32(255)).to(self.device)
        with torch.inference_mode():
            seen = self.processor(picture, return_tensors="pt", device=self.device, **options)
        return seen["pixel_values"].float(), shown.shape

    def _answers(
        self, prepared: Sequence[tuple[torch.Tensor, tuple[int, ...]]]
    ) -> Iterator[tuple[Plane, Any]]:
        """Inverse depth, and what is said of the field of view, of pictures of one size."""
        import torch

        with torch.inference_mode():
            answer = self.network(pixel_values=torch.cat([values for values, _ in prepared]))
            wholes = self._whole_frames(answer, [shape for _, shape in prepared])
        views = getattr(answer, "field_of_view", None)
        for n, whole in enumerate(wholes):
            values = whole.float().cpu().numpy()
            inverse = inverse_depth(values, self.family.meaning, affine=self.family.affine)
            yield inverse, None if views is None else views[n : n + 1]

    def _whole_frames(
        self, answer: Any, shapes: Sequence[tuple[int, ...]]
    ) -> Sequence[torch.Tensor]:
        """The maps (h, w) that cover the pictures' frames: ZoeDepth looks at wider ones."""
        depth: torch.Tensor = answer.predicted_depth
        if not getattr(self.processor, "do_pad", False) or self._resizes_not():
            return list(depth)
        sizes = [shape[:2] for shape in shapes]
        found = self.processor.post_process_depth_estimation(answer, source_sizes=sizes)
        return [entry["predicted_depth"] for entry in found]

    def _shown(self, rgb: Rgb) -> tuple[Rgb, dict[str, Any]]:
        """The picture that the processor gets, and what it is told besides."""
        height, width = rgb.shape[:2]
        if self._resizes_not():
            unit = self._unit()
            scale = (TRAINED_PIXELS / (height * width)) ** 0.5
            shape = (_multiple(height * scale, unit), _multiple(width * scale, unit))
            return resize_area(rgb, shape), {}
        aspect = min(max(height / width, width / height), LONGEST_ASPECT)
        # The processor's own filter is not made for shrinking 24 megapixels.
        rows, columns = fit_within((height, width), 4 * self.side**2 * aspect)
        small = resize_area(rgb, (max(rows, SHORTEST_PX), max(columns, SHORTEST_PX)))
        return small, self._size_of_strip(small.shape)

    def _size_of_strip(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """Size in place of the processor's own rule, where that would let one side run away."""
        height, width = shape[:2]
        long = max(height / width, width / height) > LONGEST_ASPECT
        if not (long and getattr(self.processor, "keep_aspect_ratio", False)):
            return {}
        scale = self.side * (LONGEST_ASPECT / (height * width)) ** 0.5
        unit = self._unit()
        size = {"height": _multiple(height * scale, unit), "width": _multiple(width * scale, unit)}
        return {"size": size, "keep_aspect_ratio": False}

    def _resizes_not(self) -> bool:
        """Whether the processor takes a photo at its full size."""
        return self.network.config.model_type == "glpn" or not getattr(
            self.processor, "do_resize", True
        )

    def _side(self) -> int:
        if self._resizes_not():
            return int(TRAINED_PIXELS**0.5)
        size = self.processor.size
        return min(
            int(size[name]) for name in ("height", "width", "shortest_edge") if size.get(name)
        )

    def _unit(self) -> int:
        """The sides that the network sees are multiples of this."""
        names = ("ensure_multiple_of", "size_divisor")
        units = [getattr(self.processor, name, None) or 1 for name in names]
        return max(1, *(int(unit) for unit in units))


LOCAL = {"local_files_only": True, "trust_remote_code": False}


def _library() -> Any:
    try:
        import torchvision  # noqa: F401 - the image processors need it
        import transformers
    except ImportError:
        raise ModelError(
            "this model needs transformers, torch and torchvision: "
            "pip install 'depthfx[transformers]'"
        ) from None
    return transformers


def _load(transformers: Any, folder: Path, config: Any) -> Any:
    """The network in float32, every weight of it from the files."""
    import torch

    network, report = transformers.AutoModelForDepthEstimation.from_pretrained(
        folder,
        config=config,
        dtype=torch.float32,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # they are refused below, by name
        output_loading_info=True,
        **LOCAL,
    )
    for fault, keys in (("lack", "missing_keys"), ("misfit", "mismatched_keys")):
        if report[keys]:
            first = min(key if isinstance(key, str) else key[0] for key in report[keys])
            raise ModelError(f"its weights {fault} {len(report[keys])} tensors, the first {first}")
    return network


def _halve_encoder(network: Any, dtype: torch.dtype) -> None:
    """Let the encoder compute in `dtype` between float32 in and float32 out."""
    import torch

    if dtype is torch.float32:
        return
    found = (getattr(network, name, None) for name in ENCODERS)
    encoder = next((module for module in found if module is not None), None)
    if encoder is None:
        return
    encoder.to(dtype)
    encoder.register_forward_pre_hook(
        lambda _module, args, named: (_cast(args, dtype), _cast(named, dtype)), with_kwargs=True
    )
    encoder.register_forward_hook(lambda _module, _args, answer: _cast(answer, torch.float32))


def _cast(value: Any, dtype: torch.dtype) -> Any:
    """`value` with all float tensors in it of type `dtype`."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, Mapping):
        return type(value)(**{name: _cast(part, dtype) for name, part in value.items()})
    if isinstance(value, tuple | list):
        return type(value)(_cast(part, dtype) for part in value)
    return value


def _metres(inverse: Any, fov_deg: Any, shape: tuple[int, ...], focal_px: float | None) -> Look:
    """Depth Pro's canonical inverse depth in 1/m: times width over focal length (eq. 1).

    The focal length is the known one, else the network's, else a guess.
    """
    height, width = shape[:2]
    seen = None
    if focal_px is None and fov_deg is not None:
        half = np.radians(float(fov_deg[0])) / 2
        seen = width / (2 * np.tan(half)) if 0 < half < np.pi / 2 else None
    focal = focal_px or seen or Camera.guess(width, height).focal_px
    return Look(inverse * np.float32(width / focal), seen)


def _multiple(pixels: float, unit: int) -> int:
    return max(2, round(pixels / unit)) * unit
