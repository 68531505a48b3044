"""Depth models of a few thousand random weights, saved in the libraries' own formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def dinov2(stages: int = 4, size: int = 28) -> Any:
    from transformers import Dinov2Config

    return Dinov2Config(
        hidden_size=16,
        num_hidden_layers=stages,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=size,
        patch_size=14,
        out_indices=list(range(1, stages + 1)),
        reshape_hidden_states=False,
        apply_layernorm=True,
    )


def depth_anything(folder: Path, kind: str = "relative", max_depth: int = 1) -> Path:
    """Depth Anything, "relative" or "metric"."""
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, DPTImageProcessor

    config = DepthAnythingConfig(
        backbone_config=dinov2(),
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        depth_estimation_type=kind,
        max_depth=max_depth,
    )
    processor = DPTImageProcessor(
        size={"height": 56, "width": 56}, ensure_multiple_of=14, keep_aspect_ratio=True, **IMAGENET
    )
    return _save(folder, DepthAnythingForDepthEstimation, config, processor)


def prompt_depth_anything(folder: Path) -> Path:
    from transformers import (
        PromptDepthAnythingConfig,
        PromptDepthAnythingForDepthEstimation,
        PromptDepthAnythingImageProcessor,
    )

    config = PromptDepthAnythingConfig(
        backbone_config=dinov2(),
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        depth_estimation_type="metric",
        max_depth=1,
    )
    processor = PromptDepthAnythingImageProcessor(
        size={"height": 56, "width": 56}, ensure_multiple_of=14, keep_aspect_ratio=True, **IMAGENET
    )
    return _save(folder, PromptDepthAnythingForDepthEstimation, config, processor)


def dpt(folder: Path) -> Path:
    """DPT as MiDaS 3 has it: a fixed square, not keeping the aspect."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=64,
        patch_size=16,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
    )
    processor = DPTImageProcessor(
        size={"height": 64, "width": 64},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return _save(folder, DPTForDepthEstimation, config, processor)


def dpt_dinov2(folder: Path) -> Path:
    """DPT on DINOv2, whose processor neither resizes nor scales, but pads."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    config = DPTConfig(
        backbone_config=dinov2(),
        hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        reassemble_factors=[4, 2, 1, 0.5],
        fusion_hidden_size=8,
        readout_type="project",
    )
    processor = DPTImageProcessor(
        do_resize=False,
        do_rescale=False,
        do_pad=True,
        size_divisor=14,
        image_mean=[123.675, 116.28, 103.53],
        image_std=[58.395, 57.12, 57.375],
    )
    return _save(folder, DPTForDepthEstimation, config, processor, {"head.head.4.bias": 60.0})


def glpn(folder: Path) -> Path:
    from transformers import GLPNConfig, GLPNForDepthEstimation, GLPNImageProcessor

    config = GLPNConfig(
        hidden_sizes=[8, 8, 8, 8],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
        max_depth=10,
    )
    return _save(folder, GLPNForDepthEstimation, config, GLPNImageProcessor())


def zoedepth(folder: Path) -> Path:
    from transformers import (
        BeitConfig,
        ZoeDepthConfig,
        ZoeDepthForDepthEstimation,
        ZoeDepthImageProcessor,
    )

    backbone = BeitConfig(
        image_size=64,
        patch_size=16,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = ZoeDepthConfig(
        backbone_config=backbone,
        backbone_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_relative_features=4,
        bin_embedding_dim=8,
        num_attractors=[4, 4, 2, 1],
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0}],
    )
    processor = ZoeDepthImageProcessor(
        size={"height": 64, "width": 96},
        ensure_multiple_of=32,
        keep_aspect_ratio=True,
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return _save(folder, ZoeDepthForDepthEstimation, config, processor)


def depth_pro(folder: Path, *, fov: bool = True) -> Path:
    from transformers import DepthProConfig, DepthProForDepthEstimation, DepthProImageProcessor

    def encoder() -> dict[str, Any]:
        return {
            "model_type": "dinov2",
            "num_hidden_layers": 4,
            "hidden_size": 16,
            "num_attention_heads": 2,
            "mlp_ratio": 2,
            "patch_size": 4,
            "image_size": 16,
        }

    config = DepthProConfig(
        patch_size=16,
        fusion_hidden_size=8,
        intermediate_hook_ids=[2, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.25, 0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
        scaled_images_feature_dims=[8, 8, 8],
        image_model_config=encoder(),
        patch_model_config=encoder(),
        fov_model_config=encoder(),
        use_fov_model=fov,
    )
    processor = DepthProImageProcessor(
        size={"height": 64, "width": 64},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return _save(folder, DepthProForDepthEstimation, config, processor)


def tipsv2(folder: Path) -> Path:
    from transformers import (
        Tipsv2DptConfig,
        Tipsv2DptForDepthEstimation,
        Tipsv2DptImageProcessor,
        Tipsv2VisionConfig,
    )

    backbone = Tipsv2VisionConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=56,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    config = Tipsv2DptConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        num_depth_bins=16,
    )
    processor = Tipsv2DptImageProcessor(size={"height": 56, "width": 56})
    return _save(folder, Tipsv2DptForDepthEstimation, config, processor)


def _save(
    folder: Path, network: Any, config: Any, processor: Any, lift: dict[str, float] | None = None
) -> Path:
    import torch

    made = network(config)
    random = torch.Generator().manual_seed(4)
    # As the libraries initialise them, the answers are flat; these differ by place.
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if weight.ndim > 1 and "embeddings" not in name:
                fan_in = weight[0].numel()
                weight.normal_(0, 1.4 / fan_in**0.5, generator=random)
            elif "bias" in name:
                weight.normal_(0.2, 0.2, generator=random)
        for name, value in (lift or {}).items():
            made.get_parameter(name).fill_(value)
    made.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def marigold(folder: Path, prediction: str = "depth", *, lcm: bool = False) -> Path:
    """A Marigold pipeline: UNet, autoencoder, text encoder, tokenizer and scheduler."""
    import torch
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        LCMScheduler,
        MarigoldDepthPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(4)
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        in_channels=8,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=2,
        norm_num_groups=2,
    )
    vae = AutoencoderKL(
        block_out_channels=[8, 8, 8, 8],
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        norm_num_groups=2,
        latent_channels=4,
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            hidden_size=8,
            intermediate_size=16,
            num_attention_heads=2,
            num_hidden_layers=1,
            vocab_size=514,
            bos_token_id=512,
            eos_token_id=513,
            pad_token_id=513,
        )
    )
    scheduler = (LCMScheduler if lcm else DDIMScheduler)(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        set_alpha_to_one=False,
        timestep_spacing="trailing" if not lcm else "leading",
        clip_sample=False,
    )
    MarigoldDepthPipeline(
        unet=unet,
        vae=vae,
        scheduler=scheduler,
        text_encoder=text,
        tokenizer=_clip_tokenizer(folder / "words"),
        prediction_type=prediction,
        scale_invariant=True,
        shift_invariant=True,
        default_denoising_steps=1,
        default_processing_resolution=128,
    ).save_pretrained(folder)
    return folder


def _clip_tokenizer(folder: Path) -> Any:
    """CLIP's tokenizer with no merges: bytes, bytes that end a word, start and end."""
    from transformers import CLIPTokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(rest))]
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=77
    )


def onnx_mix(
    folder: Path,
    matrix: Any,
    bias: Any = 0.0,
    *,
    name: str = "image",
    layout: str = "NCHW",
    size: tuple[int | str, int | str] = ("height", "width"),
    outputs: tuple[str, ...] = ("depth",),
    points: str = "",
    constants: dict[str, Any] | None = None,
    kind: str = "FLOAT",
    needs: str | None = None,
    external: bool = False,
) -> Path:
    """An ONNX graph whose channels are known sums of the picture's: matrix @ rgb + bias.

    name : of the input for the picture
    matrix : (n, 3), bias : (n,); the first n of `outputs` (1, 1, H, W) are the channels, or,
        if `points`, the first is (1, H, W, 3)
    constants : outputs that do not depend on the picture
    needs : name of a second, integer input, by which the first output is multiplied
    external : keep the matrix in a file beside, model.onnx_data
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnx.external_data_helper import set_external_data

    matrix = np.atleast_2d(np.asarray(matrix, np.float32))
    bias = np.broadcast_to(np.asarray(bias, np.float32), len(matrix)).copy()
    axes: dict[str, Any] = {"N": 1, "1": 1, "C": 3, "H": size[0], "W": size[1]}
    picture = helper.make_tensor_value_info(
        name, getattr(TensorProto, kind), [axes[axis] for axis in layout]
    )
    stored = [
        numpy_helper.from_array(matrix[:, :, None, None], "matrix"),
        numpy_helper.from_array(bias, "bias"),
    ]
    nodes = [helper.make_node("Cast", [name], ["number"], to=TensorProto.FLOAT)]
    if layout == "NHWC":
        nodes.append(helper.make_node("Transpose", ["number"], ["rgb"], perm=[0, 3, 1, 2]))
    elif layout == "N1CHW":
        stored.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
        nodes.append(helper.make_node("Squeeze", ["number", "axis"], ["rgb"]))
    else:
        nodes.append(helper.make_node("Identity", ["number"], ["rgb"]))
    nodes.append(helper.make_node("Conv", ["rgb", "matrix", "bias"], ["mixed"]))
    inputs, mixed = [picture], "mixed"
    if needs is not None:
        inputs.append(helper.make_tensor_value_info(needs, TensorProto.INT64, []))
        nodes.append(helper.make_node("Cast", [needs], ["factor"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", ["mixed", "factor"], ["times"]))
        mixed = "times"
    channels = len(matrix)
    if points:
        sizes, parts = [3] + [1] * (channels - 3), ["xyz", *outputs[1:]]
    else:
        sizes, parts = [1] * channels, list(outputs[:channels])
    stored.append(numpy_helper.from_array(np.array(sizes, np.int64), "sizes"))
    nodes.append(helper.make_node("Split", [mixed, "sizes"], parts, axis=1))
    if points:
        axes_order = [0, 2, 3, 1] if points == "last" else [0, 1, 2, 3]
        nodes.append(helper.make_node("Transpose", ["xyz"], [outputs[0]], perm=axes_order))
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    for name, value in (constants or {}).items():
        stored.append(numpy_helper.from_array(np.asarray(value, np.float32), name + "_value"))
        nodes.append(helper.make_node("Identity", [name + "_value"], [name]))
        made.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    graph = helper.make_graph(nodes, "mix", inputs, made, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(parents=True, exist_ok=True)
    if external:
        set_external_data(model.graph.initializer[0], "model.onnx_data")
    onnx.save_model(model, folder / "model.onnx")
    return folder / "model.onnx"


def describe(folder: Path, **tables: Any) -> Path:
    """A description beside `model.onnx`: `input` and `output` tables over plain ones."""
    import tomli_w

    told = {
        "name": "tiny",
        "weights": {"file": "model.onnx", **tables.pop("weights", {})},
        "input": {"name": "image", **tables.pop("input", {})},
        "output": {"name": "depth", "meaning": "inverse", **tables.pop("output", {})},
        **tables,
    }
    path = folder / "model.toml"
    path.write_text(tomli_w.dumps(told), encoding="utf-8")
    return path
