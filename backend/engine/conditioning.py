"""From words to the embeddings that a UNet attends to, exactly as Stable Diffusion's pipelines make
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from backend.engine.loop_types import BatchRows
from backend.models.bundle import ModelBundle


@dataclass(frozen=True)
class Conditioning:
    """Embeddings for ``count`` rows: ``positive`` and ``negative`` are (1, tokens, width), or
    (count, tokens, width).

    A guidance scale of 1 or less means that the negative prompt plays no part and the batch has no
    such half. ``paths`` names the rows where several denoising paths share the batch.
    """

    positive: Tensor = field(repr=False)
    negative: Tensor = field(repr=False)
    guidance_scale: float
    count: int
    paths: tuple[tuple[str, int], ...] = ()

    @property
    def rows(self) -> BatchRows:
        return BatchRows(self.count, self.guidance_scale > 1.0, self.paths)

    def stack(self) -> Tensor:
        """[uncond…, cond…], or cond alone without guidance: (rows, tokens, width)."""
        halves = (self.negative, self.positive) if self.rows.guided else (self.positive,)
        return torch.cat([half.expand(self.count, -1, -1) for half in halves])


def build_conditioning(
    bundle: ModelBundle, prompt: str, negative: str, guidance_scale: float, count: int
) -> Conditioning:
    """Embeddings of both prompts; texts longer than the token row are cut there (the plan has said
    so).
    """
    return Conditioning(embed(bundle, prompt), embed(bundle, negative), guidance_scale, count)


def join_paths(parts: Sequence[Conditioning]) -> Conditioning:
    """Denoising paths of one row each as rows of one batch, under their names; the negative prompt
    and the guidance scale are those of the first.
    """
    positive = torch.cat([part.positive for part in parts])
    paths = tuple(path for part in parts for path in part.paths)
    return replace(parts[0], positive=positive, count=len(parts), paths=paths)


def fit_tokens(bundle: ModelBundle, tokens: Sequence[int]) -> tuple[int, ...]:
    """The token positions that stand inside the model's row; the others were cut off with it."""
    return tuple(token for token in tokens if token < bundle.card.text_length)


def embed(bundle: ModelBundle, text: str) -> Tensor:
    """(1, tokens, width) of a text, with one row more for SDXL (:mod:`backend.models.second_text`);
    kept with the bundle, by digest."""
    key = ("text", hashlib.sha256(text.encode()).hexdigest())
    states: Tensor = bundle.kept.get(key, lambda: _encode(bundle, text))
    return states


@torch.no_grad()
def _encode(bundle: ModelBundle, text: str) -> Tensor:
    row = bundle.tokenizer(
        text,
        padding="max_length",
        max_length=bundle.card.text_length,
        truncation=True,
        return_tensors="pt",
    )
    masked = getattr(bundle.text_encoder.config, "use_attention_mask", False)
    mask = row.attention_mask.to(bundle.device) if masked else None
    ids = row.input_ids.to(bundle.device)
    if bundle.second_text is None:
        states: Tensor = bundle.text_encoder(ids, attention_mask=mask)[0]
    else:
        before_last = bundle.text_encoder(ids, output_hidden_states=True).hidden_states[-2]
        states = bundle.second_text.words(before_last, text)
    empty = bundle.card.zero_empty and not text
    return (torch.zeros_like(states) if empty else states).to(bundle.unet.dtype)
