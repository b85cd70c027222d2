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
from backend.engine.weighted_words import encode_weighted
from backend.models.bundle import ModelBundle


@dataclass(frozen=True)
class Conditioning:
    """The embeddings of both prompts for the rows of a batch.

    Attributes:
        positive: (1, tokens, width), or (count, tokens, width).
        negative: of the same width; it plays no part, and the batch has no such half, where the
            guidance scale is 1 or less.
        guidance_scale: s of ε_u + s · (ε_c - ε_u).
        count: rows.
        paths: names of the denoising paths that share the batch, with their numbers of rows.
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
        """[uncond…, cond…], or cond alone without guidance.

        Returns:
            (rows, tokens, width).
        """
        halves = (self.negative, self.positive) if self.rows.guided else (self.positive,)
        return torch.cat([half.expand(self.count, -1, -1) for half in halves])


def build_conditioning(
    bundle: ModelBundle, prompt: str, negative: str, guidance_scale: float, count: int
) -> Conditioning:
    """Embeddings of both prompts; what is longer than the token row is cut there.

    Args:
        bundle: whose text encoders are asked.
        prompt: what should be seen.
        negative: what should not.
        guidance_scale: s of ε_u + s · (ε_c - ε_u); up to 1 there is no guidance.
        count: rows, a candidate each.
    """
    return Conditioning(embed(bundle, prompt), embed(bundle, negative), guidance_scale, count)


def join_paths(parts: Sequence[Conditioning]) -> Conditioning:
    """Denoising paths of one row each as rows of one batch, under their names.

    Args:
        parts: at least one; the negative prompt and the guidance scale are those of the first.
    """
    positive = torch.cat([part.positive for part in parts])
    paths = tuple(path for part in parts for path in part.paths)
    return replace(parts[0], positive=positive, count=len(parts), paths=paths)


def fit_tokens(bundle: ModelBundle, tokens: Sequence[int]) -> tuple[int, ...]:
    """The token positions that stand inside the model's row; the others were cut off with it.

    Args:
        bundle: whose ``text_columns`` count.
        tokens: positions in the untruncated text, the first word at 1.
    """
    return tuple(token for token in tokens if token < bundle.text_columns)


def embed(bundle: ModelBundle, text: str) -> Tensor:
    """The embedding of a text, kept with the bundle by its digest.

    Args:
        bundle: whose text encoders are asked.
        text: any length; what is beyond the token row is cut off.

    Returns:
        (1, tokens, width), with one row more for SDXL (:mod:`backend.models.second_text`).
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    how = bundle.weighted
    key = ("text", digest) + (() if how is None else (how.rows, how.key, how.clip_skip))
    states: Tensor = bundle.kept.get(key, lambda: _encode(bundle, text))
    return states


@torch.no_grad()
def _encode(bundle: ModelBundle, text: str) -> Tensor:
    if bundle.weighted is not None:
        states = encode_weighted(bundle, text)
        return torch.zeros_like(states) if bundle.card.zero_empty and not text else states
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
        states = bundle.text_encoder(ids, attention_mask=mask)[0]
    else:
        before_last = bundle.text_encoder(ids, output_hidden_states=True).hidden_states[-2]
        states = bundle.second_text.words(before_last, text)
    empty = bundle.card.zero_empty and not text
    return (torch.zeros_like(states) if empty else states).to(bundle.unet.dtype)
