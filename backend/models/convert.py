"""Released weights made into member folders, once: what ``lamina convert`` does."""

from __future__ import annotations

from pathlib import Path

from backend.models.deeplab import convert_weights
from backend.models.vqgan_checkpoint import convert_checkpoint

ARCHITECTURE = "deeplabv3_resnet101"
"""TCIG's own guide."""


def convert_vqgan(checkpoint: Path, folder: Path) -> str:
    """Write a released .ckpt of taming-transformers as a member folder.

    Args:
        checkpoint: the file; only weights are read from it, no code that it names is run.
        folder: where ``vqgan.safetensors`` and ``config.json`` are written.

    Returns:
        One line about what was written.

    Raises:
        ModelError: the file is no checkpoint of a VQGAN, or names foreign code.
    """
    config = convert_checkpoint(checkpoint, folder)
    return (
        f"{folder}: {config.n_embed} codes, one per {config.reduction} px. Put the folder into a "
        "model's folder."
    )


def convert_deeplab(weights: Path, folder: Path, architecture: str = ARCHITECTURE) -> str:
    """Write torchvision's published .pth with VOC labels as a member folder.

    Args:
        weights: the file, a plain state dict.
        folder: where ``deeplab.safetensors`` and ``config.json`` are written.
        architecture: the name of torchvision's function.

    Returns:
        One line about what was written.

    Raises:
        ModelError: the file cannot be read, or does not fit the architecture.
    """
    convert_weights(weights, architecture, folder)
    return f"{folder}: {architecture}. Put the folder into a model's folder."
