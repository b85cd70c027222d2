"""The guide's own numbers: a SegFormer in miniature, and its labels."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from backend.models.judge_classes import CLASSES
from backend.models.segmenter import IMAGENET_MEAN, IMAGENET_STD

GUIDE_SEED = 4001
"""Far from the judge's seeds: the two never see the scenes in one order."""
LABELS = ("background", *CLASSES)


def build_guide() -> SegformerForSemanticSegmentation:
    """A fresh guide: three stages at a quarter, an eighth and a sixteenth of the size; 17
    labels.
    """
    return SegformerForSemanticSegmentation(
        SegformerConfig(
            num_encoder_blocks=3,
            depths=[2, 2, 2],
            sr_ratios=[4, 2, 1],
            hidden_sizes=[32, 64, 128],
            patch_sizes=[7, 3, 3],
            strides=[4, 2, 2],
            num_attention_heads=[1, 2, 4],
            mlp_ratios=[2, 2, 2],
            decoder_hidden_size=96,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            classifier_dropout_prob=0.0,
            drop_path_rate=0.0,
            id2label=dict(enumerate(LABELS)),
            label2id={name: number for number, name in enumerate(LABELS)},
        )
    )


def normalise(pictures: Tensor) -> Tensor:
    """Pictures (n, 3, h, w) in 0..1 as the guide wants them."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (pictures - mean) / std
