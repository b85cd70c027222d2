"""CLIPSeg (Lüddecke and Ecker, 2022) as TCIG's open expert: it looks for any phrase, so any phrase
can be painted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, CLIPSegForImageSegmentation

from backend.models.segmenter import IMAGENET_MEAN, IMAGENET_STD


@dataclass(frozen=True)
class ClipSeg:
    """The network and its tokenizer; it becomes a segmenter by being told what to look for."""

    network: CLIPSegForImageSegmentation = field(repr=False)
    tokenizer: AutoTokenizer = field(repr=False)

    def segmenter_for(self, phrases: tuple[str, ...]) -> PhraseSegmenter:
        """A segmenter with a channel a phrase, and the background last."""
        row = self.tokenizer(list(phrases), padding=True, truncation=True, return_tensors="pt")
        device = next(self.network.parameters()).device
        with torch.no_grad():
            given = {
                "input_ids": row.input_ids.to(device),
                "attention_mask": row.attention_mask.to(device),
            }
            found = self.network.get_conditional_embeddings(batch_size=len(phrases), **given)
        return PhraseSegmenter(self.network, found)


@dataclass(frozen=True)
class PhraseSegmenter:
    """CLIPSeg with its mind made up. ``words`` (phrases, d) are the conditional embeddings."""

    network: CLIPSegForImageSegmentation = field(repr=False)
    words: Tensor = field(repr=False)

    def logits(self, pictures: Tensor) -> Tensor:
        """Scores (n, phrases + 1, h, w), float32, of pictures (n, 3, h, w) in 0..1; the
        background's are 0.

        So one phrase alone has by the softmax the probability that CLIPSeg's own sigmoid gives.
        """
        count, size = len(pictures), int(self.network.config.vision_config.image_size)
        mean, std = (
            torch.tensor(v).view(1, 3, 1, 1).to(pictures) for v in (IMAGENET_MEAN, IMAGENET_STD)
        )
        shown = functional.interpolate(
            pictures, (size, size), mode="bilinear", align_corners=False, antialias=True
        )
        seen = self._encode(((shown - mean) / std).to(self.words.dtype))
        rows = [layer.repeat_interleave(len(self.words), dim=0) for layer in seen]
        scores = self.network.decoder(rows, self.words.repeat(count, 1)).logits.float()
        scores = scores.reshape(count, len(self.words), *scores.shape[-2:])
        scores = functional.interpolate(
            scores, pictures.shape[-2:], mode="bilinear", align_corners=False
        )
        return torch.cat([scores, torch.zeros_like(scores[:, :1])], dim=1)

    def _encode(self, shown: Tensor) -> list[Tensor]:
        """The vision tower's layers that the decoder reads, once a picture; CLIPSeg's own forward
        stops gradients.
        """
        found = self.network.clip.vision_model(
            pixel_values=shown, output_hidden_states=True, interpolate_pos_encoding=True
        ).hidden_states
        return [found[number + 1] for number in self.network.extract_layers]


def load_clipseg(folder: Path, device: torch.device, dtype: torch.dtype) -> ClipSeg:
    """The CLIPSeg of a folder in the transformers layout, with its tokenizer."""
    network = CLIPSegForImageSegmentation.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, local_files_only=True
    )
    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    return ClipSeg(network.to(device).eval().requires_grad_(False), tokenizer)
