"""SAM 2 and CLIP in miniature, with random weights, as folders on disk."""

from __future__ import annotations

import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import CLIPConfig, CLIPModel, Sam2Config, Sam2Model, Sam2VideoConfig, Sam2VideoModel

SIDE = 64  # of the photo that each network sees [pixels]
_WIDTH = 32
_SAM = {
    "vision_config": {
        "model_type": "sam2_vision_model",
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "image_size": [SIDE, SIDE],
            "blocks_per_stage": [1, 2, 1, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 2, 2, 4],
            "window_size_per_stage": [8, 8, 8, 8],
            "global_attention_blocks": [2],
            "window_positional_embedding_background_size": [4, 4],
        },
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
        "fpn_hidden_size": _WIDTH,
    },
    "prompt_encoder_config": {"hidden_size": _WIDTH, "image_size": SIDE},
    "mask_decoder_config": {
        "hidden_size": _WIDTH,
        "mlp_dim": _WIDTH,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": _WIDTH,
    },
}
_MEMORY = {
    "image_size": SIDE,
    "memory_attention_hidden_size": _WIDTH,
    "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": _WIDTH,
    "memory_encoder_hidden_size": _WIDTH,
    "memory_encoder_output_channels": 8,
    "memory_fuser_embed_dim": _WIDTH,
    "memory_fuser_intermediate_dim": _WIDTH,
    "memory_fuser_num_layers": 1,
}


def save_sam(folder: Path, *, video: bool = False) -> Path:
    """SAM 2; the published checkpoints are of its ``video`` form, which holds the other one."""
    torch.manual_seed(0)
    model = Sam2VideoModel(Sam2VideoConfig(**_SAM, **_MEMORY)) if video else Sam2Model(Sam2Config(**_SAM))
    model.save_pretrained(folder)
    return folder


def save_clip(folder: Path, *, vocabulary: int = 300) -> Path:
    """CLIP with a tokenizer that knows single letters."""
    torch.manual_seed(0)
    letters = [*string.ascii_lowercase, *string.punctuation, "Ġ", "<|startoftext|>", "<|endoftext|>"]
    ids = {letter: i for i, letter in enumerate(letters)}
    start, end = ids["<|startoftext|>"], ids["<|endoftext|>"]
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[], unk_token="<|endoftext|>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", end), ("<|startoftext|>", start))
    layers = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    words = {"vocab_size": vocabulary, "bos_token_id": start, "eos_token_id": end, "pad_token_id": end}
    config = CLIPConfig(
        text_config=layers | words | {"projection_dim": 16},
        vision_config=layers | {"image_size": SIDE, "patch_size": 16, "projection_dim": 16},
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
