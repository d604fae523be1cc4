"""A SAM with random weights, small enough for tests, built of segment-anything's own parts.

To the project it looks like a package of models: it has a ``sam_model_registry``.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.proposals.models import SamModel
from napari_sepl.proposals.weights import Checkpoint, find_checkpoint

TINY = SamModel("tiny", "the tiny SAM", "tests.proposals.tiny_sam", "tiny")
WIDER = SamModel("wider", "the wider SAM", "tests.proposals.tiny_sam", "wider")


def need_sam() -> None:
    """Skip the tests of a file where SAM's packages are missing: call it before importing them."""
    for package in ("torch", "torchvision", "segment_anything"):
        pytest.importorskip(
            package, reason=f"{package} is not installed (the extra 'sam'): SAM is not tested"
        )


def build(width: int = 32, side: int = 128) -> Any:
    import torch
    from segment_anything.modeling import (
        ImageEncoderViT,
        MaskDecoder,
        PromptEncoder,
        Sam,
        TwoWayTransformer,
    )

    patch, channels = 16, 32
    grid = side // patch
    network = Sam(
        ImageEncoderViT(
            depth=2, embed_dim=width, img_size=side, mlp_ratio=2,
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), num_heads=2, patch_size=patch,
            qkv_bias=True, use_rel_pos=True, global_attn_indexes=(1,), window_size=4,
            out_chans=channels,
        ),
        PromptEncoder(
            embed_dim=channels, image_embedding_size=(grid, grid), input_image_size=(side, side),
            mask_in_chans=16,
        ),
        MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(depth=2, embedding_dim=channels, mlp_dim=64, num_heads=2),
            transformer_dim=channels, iou_head_depth=2, iou_head_hidden_dim=32,
        ),
    )  # fmt: skip
    return network.eval()


sam_model_registry = {"tiny": build, "wider": partial(build, 64)}


def _liven(network: Any, gain: float = 3) -> None:
    """Make weights large enough that masks differ from point to point."""
    import torch

    for parameter in network.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=gain / parameter[0].numel() ** 0.5)


def save_tiny(path: Path, seed: int = 0) -> Checkpoint:
    """Save random weights as a checkpoint."""
    import torch

    torch.manual_seed(seed)
    network = build()
    _liven(network)
    torch.save(network.state_dict(), path)
    return find_checkpoint(TINY, path)
