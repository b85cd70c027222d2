"""The sizes of the pocket networks, as plain records that diffusers and transformers accept.

Everything that follows from a size is computed from these records or from a loaded network, never
written again: the autoencoder reduces by ``reduction(AUTOENCODER)``, the text length is the
tokenizer's ``model_max_length``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PICTURE_PX = 512
"""Side of the family's pictures."""
DRAWN_PX = 128
"""Side of the drawings that most of the family learns from; 4 px a latent cell."""
TEXT_LENGTH = 48
"""Tokens of a prompt, start and end included: four full phrases need 27, words outside the world
fall into letters.
"""

SMALL_AUTOENCODER: Mapping[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (16, 32, 64),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 8,
    "sample_size": DRAWN_PX,
    "mid_block_add_attention": False,
}
"""What the latents come from: it is trained first, on small drawings, and not shipped."""

AUTOENCODER: Mapping[str, Any] = {
    **SMALL_AUTOENCODER,
    "down_block_types": ("DownEncoderBlock2D",) * 5,
    "up_block_types": ("UpDecoderBlock2D",) * 5,
    "block_out_channels": (16, 16, 32, 64, 128),
    "sample_size": PICTURE_PX,
}
"""The same latents from pictures of four times the side, and back: begun from the small one with
every channel twice (``train/canvas.py``).

The outermost level has 16 channels, two in each of the eight groups: with one, the last
normalisation would take every channel's own brightness away, and no colour would be true.
"""

TEXT_ENCODER: Mapping[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "max_position_embeddings": TEXT_LENGTH,
    "projection_dim": 128,
    "hidden_act": "quick_gelu",
}

UNET: Mapping[str, Any] = {
    "sample_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": (
        "DownBlock2D",
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
        "CrossAttnDownBlock2D",
    ),
    "up_block_types": (
        "CrossAttnUpBlock2D",
        "CrossAttnUpBlock2D",
        "CrossAttnUpBlock2D",
        "UpBlock2D",
    ),
    "block_out_channels": (32, 64, 128, 128),
    "layers_per_block": 1,
    "attention_head_dim": (1, 2, 2, 2),
    "cross_attention_dim": 128,
    "norm_num_groups": 8,
}
"""``attention_head_dim`` is the number of heads here (diffusers kept the old name for
stable-diffusion configs).
"""

PREVIEW: Mapping[str, Any] = {
    "encoder_block_out_channels": (12, 12, 12),
    "num_encoder_blocks": (1, 1, 1),
    "decoder_block_out_channels": (24, 24, 24),
    "num_decoder_blocks": (2, 1, 1),
    "latent_channels": 4,
}
"""AutoencoderTiny: one stage for each halving and one more; all decoder stages must be equally
wide.
"""

EDGE_CHANNELS = (8, 16, 32)
"""The ControlNet's embedding of the edge map: log2(reduction) + 1 widths for small drawings, so
it ends at the latents' size; larger hints are reduced to theirs (``models/controlnet.py``).
"""

SCHEDULER: Mapping[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
}

VQGAN: Mapping[str, Any] = {
    "ddconfig": {
        "double_z": False,
        "z_channels": 32,
        "resolution": DRAWN_PX,
        "in_channels": 12,
        "out_ch": 12,
        "ch": 32,
        "ch_mult": (1, 2),
        "num_res_blocks": 1,
        "attn_resolutions": (),
        "dropout": 0.0,
        "patch_px": 2,
        "norm_num_groups": 8,
    },
    "n_embed": 512,
    "embed_dim": 8,
}
"""One code per 4 × 4 pixels. The networks see squares of 2 × 2 px: at full size they would take
four times as long.
"""


def reduction(autoencoder: Mapping[str, Any]) -> int:
    """Pixels per latent cell along a side: every block but the last halves the picture."""
    return int(2 ** (len(autoencoder["block_out_channels"]) - 1))
