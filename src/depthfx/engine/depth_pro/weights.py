"""Reading Depth Pro's weights: Apple's `depth_pro.pt` and the safetensors of its transformers port.

Nothing in a file is run, and a file is believed only if every name and every shape in it
is one that the network has. Parameters are read one after the other straight into the
type that the network computes in, so loading takes little more memory than the network.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from depthfx.engine.depth_pro.network import DepthPro, DepthProConfig
from depthfx.errors import ModelError

Shape = tuple[int, ...]

HEAD_CHANNELS = 64
"""Channels of an attention head in every DINOv2."""
AT_ONCE = 8
"""Parameters read between opening the file and closing it, which gives its memory back."""
IN_FLOAT32 = re.compile(
    r"norm|\.gamma|cls_token|pos_embed"
    r"|^decoder\.convs|^decoder\.fusions\.[2-4]|^decoder\.fusions\.1\.resnet"
    r"|^head|^fov\.head|^fov\.downsample"
)
"""What is never in half precision: the stream of tokens, the coarse stages of the decoder, whose
errors all finer ones take over, and where numbers become answers."""


@dataclass(frozen=True)
class Stored:
    """The parameters of a file: their shapes, and how to read some of them."""

    shapes: Mapping[str, Shape]
    read: Callable[[Iterable[str]], Iterator[Tensor]]


def load_depth_pro(
    path: Path,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    *,
    field_of_view: bool = True,
) -> DepthPro:
    """The network with the weights of `path` (`.pt` or `.safetensors`), ready to be run.

    Its sizes follow from the shapes in the file. Raises ModelError, in one line, if the
    file cannot be read, holds anything but tensors, or does not fit the network in every
    name and shape.

    field_of_view : False leaves that part of the network out, a third of all parameters
    """
    with _refused(path):
        stored = _with_our_names(path, _stored(path))
        network = _empty(path, stored.shapes, field_of_view)
        _check_fit(path, stored.shapes, network, field_of_view)
        loaded = {}
        wanted = list(network.state_dict())
        for start in range(0, len(wanted), AT_ONCE):
            names = wanted[start : start + AT_ONCE]
            for name, tensor in zip(names, stored.read(names), strict=True):
                if not tensor.is_floating_point():
                    raise ModelError(
                        f"weights {path} do not fit Depth Pro: {name} holds {tensor.dtype}, "
                        "not real numbers"
                    )
                kind = torch.float32 if IN_FLOAT32.search(name) else dtype
                loaded[name] = tensor.to(device=device, dtype=kind, copy=True)
    network.load_state_dict(loaded, strict=True, assign=True)
    network.to(memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    """What the libraries raise for a bad file, as one line that names it."""
    try:
        yield
    except (SafetensorError, pickle.UnpicklingError, BadZipFile, EOFError, OSError) as error:
        raise ModelError(_refusal(path, error)) from None
    except (RuntimeError, ValueError, KeyError) as error:
        # torch's own reader raises these for what is no archive of tensors, or is cut short.
        raise ModelError(_refusal(path, error)) from None


def _refusal(path: Path, error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):
        return (
            f"weights {path} hold more than tensors, and what a pickle holds could run: refused; "
            "take the published file, or its safetensors version"
        )
    reason = str(error).strip().partition("\n")[0][:120] or type(error).__name__
    return f"weights {path} are damaged or no weights at all ({reason}); download them again"


def _stored(path: Path) -> Stored:
    if not path.is_file():
        raise ModelError(f"weights {path} are not there, or not a file")
    if path.suffix != ".safetensors":
        shapes = {name: tuple(tensor.shape) for name, tensor in _pickled(path).items()}
        return Stored(shapes, lambda names: map(_pickled(path).__getitem__, names))
    with safe_open(path, "pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118

    def read(names: Iterable[str]) -> Iterator[Tensor]:
        with safe_open(path, "pt") as file:
            yield from map(file.get_tensor, names)

    return Stored(shapes, read)


def _pickled(path: Path) -> dict[str, Tensor]:
    tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    if not isinstance(tensors, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in tensors.items()
    ):
        raise ValueError("it does not hold tensors by name")
    return tensors


def _empty(path: Path, shapes: Mapping[str, Shape], field_of_view: bool) -> DepthPro:
    """The network that these shapes belong to, without any memory for its parameters."""
    try:
        config = config_of(shapes)
    except (KeyError, IndexError, ZeroDivisionError, ValueError):
        raise ModelError(f"weights {path} are not those of Depth Pro") from None
    has_angle = any(name.startswith("fov.") for name in shapes)
    with torch.device("meta"):
        return DepthPro(config, field_of_view=field_of_view and has_angle)


def config_of(shapes: Mapping[str, Shape]) -> DepthProConfig:
    """The network's sizes as they follow from the shapes of its parameters.

    Raises KeyError or IndexError if parameters are missing that say them.
    """
    vit = "encoder.patch_encoder."
    embed_dim, patch = (shapes[vit + "patch_embed.proj.weight"][i] for i in (0, 2))
    tokens = math.isqrt(shapes[vit + "pos_embed"][1] - 1)
    blocks = [re.match(re.escape(vit) + r"blocks\.(\d+)\.", name) for name in shapes]
    depth = 1 + max(int(block.group(1)) for block in blocks if block)
    heads = embed_dim // HEAD_CHANNELS
    if min(tokens // 8, depth // 4, heads, patch) < 1 or max(tokens, depth, heads) > 256:
        raise ValueError("no such network")
    features = shapes["decoder.fusions.0.out_conv.weight"][0]
    head_width = shapes["head.2.weight"][0]
    widths = (
        shapes["encoder.upsample_latent1.0.weight"][0],
        shapes["encoder.upsample0.0.weight"][0],
        shapes["encoder.upsample1.0.weight"][0],
        shapes["encoder.upsample2.0.weight"][0],
    )
    if min(features // 8, head_width, *widths) < 1:
        raise ValueError("no such network")
    return DepthProConfig(
        window=tokens * patch,
        patch=patch,
        embed_dim=embed_dim,
        depth=depth,
        heads=heads,
        early=(depth // 4 - 1, depth // 2 - 1),
        features=features,
        widths=widths,
        head_width=head_width,
    )


def _check_fit(
    path: Path, shapes: Mapping[str, Shape], network: DepthPro, field_of_view: bool
) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    given = {n: s for n, s in shapes.items() if field_of_view or not n.startswith("fov.")}
    wrong = [
        *(f"{name} is missing" for name in wanted.keys() - given.keys()),
        *(f"{name} is not part of it" for name in given.keys() - wanted.keys()),
        *(
            f"{name} is {given[name]}, not {shape}"
            for name, shape in wanted.items()
            if name in given and given[name] != shape
        ),
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise ModelError(f"weights {path} do not fit Depth Pro: {min(wrong)}{more}")


PORT = [
    (r"depth_pro\.encoder\.(patch|image)_encoder\.model\.", r"encoder.\1_encoder."),
    (r"fov_model\.fov_encoder\.model\.", "fov.encoder.0."),
    (r"fov_model\.fov_encoder\.neck\.", "fov.encoder.1."),
    (r"fov_model\.conv\.", "fov.downsample.0."),
    (r"fov_model\.head\.layers\.", "fov.head."),
    (r"\.embeddings\.(cls_token)", r".\1"),
    (r"\.embeddings\.position_embeddings", ".pos_embed"),
    (r"\.embeddings\.patch_embeddings\.projection\.", ".patch_embed.proj."),
    (r"\.encoder\.layer\.(\d+)\.", r".blocks.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale(\d)\.lambda1", r".ls\1.gamma"),
    (r"\.layernorm\.", ".norm."),
    (r"depth_pro\.neck\.feature_upsample\.image_block\.layers\.0\.", "encoder.upsample_lowres."),
    (r"depth_pro\.neck\.feature_upsample\.scaled_images\.0\.layers\.", "encoder.upsample2."),
    (r"depth_pro\.neck\.feature_upsample\.scaled_images\.1\.layers\.", "encoder.upsample1."),
    (r"depth_pro\.neck\.feature_upsample\.scaled_images\.2\.layers\.", "encoder.upsample0."),
    (r"depth_pro\.neck\.feature_upsample\.intermediate\.0\.layers\.", "encoder.upsample_latent1."),
    (r"depth_pro\.neck\.feature_upsample\.intermediate\.1\.layers\.", "encoder.upsample_latent0."),
    (r"depth_pro\.neck\.fuse_image_with_low_res\.", "encoder.fuse_lowres."),
    (r"fusion_stage\.final\.", "decoder.fusions.0."),
    (r"\.residual_layer(\d)\.convolution1\.", r".resnet\1.residual.1."),
    (r"\.residual_layer(\d)\.convolution2\.", r".resnet\1.residual.3."),
    (r"(decoder\.fusions\.\d+)\.projection\.", r"\1.out_conv."),
    (r"^head\.layers\.", "head."),
]
"""What the transformers port calls a part, and what it is called here, one after the other."""


def _our_name(name: str) -> str:
    """The name here of a parameter of the transformers port."""
    for stem, count in (
        (r"depth_pro\.neck\.feature_projection\.projections\.(\d)", "decoder.convs."),
        (r"fusion_stage\.intermediate\.(\d)", "decoder.fusions."),
    ):
        # The port counts levels from the coarsest.
        name = re.sub(stem, lambda found, to=count: to + str(4 - int(found[1])), name)  # type: ignore[misc]
    for theirs, ours in PORT:
        name = re.sub(theirs, ours, name)
    return name


def _with_our_names(path: Path, stored: Stored) -> Stored:
    """The same parameters under the names of the network here.

    Raises ModelError if several would have one name.
    """
    if not any(name.startswith("depth_pro.") for name in stored.shapes):
        return stored
    sources: dict[str, list[str]] = {}
    for name in stored.shapes:
        if name.endswith("embeddings.mask_token"):
            continue  # only for training the transformer
        part = re.match(r"(.*)\.attention\.attention\.(query|key|value)\.(weight|bias)$", name)
        # Ours computes query, key and value in one product.
        ours = _our_name(f"{part[1]}.attn.qkv.{part[3]}" if part else name)
        sources.setdefault(ours, []).append(name)
    shapes = {}
    for ours, names in sources.items():
        parts = [stored.shapes[name] for name in sorted(names, key=_place)]
        whole = 3 if ".attn.qkv." in ours and names != [ours] else 1
        if len(parts) != whole or len(set(parts)) != 1 or not all(parts):
            found = ", ".join(f"{name} {stored.shapes[name]}" for name in names)
            raise ModelError(f"weights {path} do not fit Depth Pro: {ours} from {found}")
        shapes[ours] = (whole * parts[0][0], *parts[0][1:])

    def read(names: Iterable[str]) -> Iterator[Tensor]:
        wanted = [sorted(sources[name], key=_place) for name in names]
        parts = stored.read([source for several in wanted for source in several])
        for several in wanted:
            found = [next(parts) for _ in several]
            yield found[0] if len(found) == 1 else torch.cat(found)

    return Stored(shapes, read)


def _place(name: str) -> int:
    """Where a parameter of the port stands in ours: query, key, value."""
    return next((i for i, kind in enumerate(("query", "key", "value")) if f".{kind}." in name), 0)
